"""Writes of one cue in many small transactions: Aurora DSQL.

DSQL takes 3,000 rows and 10 MiB a transaction, and tells a writer only at the end that another
was faster. So a load is a row of small transactions between two entries of the ledger: `loading`
before the first, `ready` after the last, once the counts agree. Readers take `ready` cues only; a
killed load leaves `loading`, and the next one replaces all of it.

One writer at a time is held by ``cue_writers``: each transaction of a load also renews its
heartbeat there, so a writer that was taken for dead, and replaced, cannot commit anything more.
"""

import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np
import sqlalchemy as sa

from cue_pipeline.errors import WarehouseError
from cue_pipeline.warehouse import ledger as led
from cue_pipeline.warehouse import tables as t
from cue_pipeline.warehouse.atomic import AtomicWriter, lock_cue
from cue_pipeline.warehouse.dsql import BATCH_BYTES, BATCH_ROWS, repeat_on_conflict
from cue_pipeline.warehouse.encode import EncodedRows
from cue_pipeline.warehouse.engine import connect
from cue_pipeline.warehouse.ledger import Entry
from cue_pipeline.warehouse.replacement import Part, Replacement
from cue_pipeline.warehouse.scope import of_cue
from cue_pipeline.warehouse.statements import in_parts
from cue_pipeline.warehouse.transaction import driver_failures
from cue_pipeline.warehouse.types import now

T = TypeVar("T")

LEASE_SECONDS = 60.0
"""A writer without a sign of life for so long is taken for dead."""

WAIT_SECONDS = 120.0
"""How long a writer waits for another one of the same cue before it gives up."""

_ROW_OVERHEAD_BYTES = 64
_DELETED_ROW_BYTES = {
    "audio_feature_chunks": t.CHUNK_BYTES,
    "final_mix_feature_chunks": t.CHUNK_BYTES,
}


class Fence:
    """One load's right to write a cue.

    Parameters
    ----------
    engine : Engine
        Of an Aurora DSQL cluster.
    entry : Entry
        What is loaded.
    """

    def __init__(self, engine: sa.Engine, entry: Entry) -> None:
        self._engine = engine
        self._entry = entry
        self.writer = uuid.uuid4().hex

    def acquire(self, cue_key: str) -> None:
        """Become the cue's writer, or wait for the one there is.

        Raises
        ------
        WarehouseError
            If the cue is not registered, or another writer stays alive.
        """
        deadline = time.monotonic() + WAIT_SECONDS
        while not repeat_on_conflict(lambda: self._try(cue_key)):
            if time.monotonic() > deadline:
                raise WarehouseError(
                    f"Cue '{cue_key}' is being written by another process, still alive after "
                    f"{WAIT_SECONDS:.0f} s. Wait for it to end, or end it, then process again."
                )
            time.sleep(0.5)

    def run(self, work: Callable[[sa.Connection], T]) -> T:
        """Run one transaction as the cue's writer, again where it conflicted."""

        def once() -> T:
            with connect(self._engine) as connection, connection.begin():
                self._renew(connection)
                return work(connection)

        return repeat_on_conflict(once)

    def release(self) -> None:
        """Stop being the cue's writer."""
        mine = sa.delete(t.cue_writers).where(
            t.cue_writers.c.cue_id == self._entry.cue_id, t.cue_writers.c.writer == self.writer
        )

        def once() -> None:
            with connect(self._engine) as connection, connection.begin():
                connection.execute(mine)

        repeat_on_conflict(once)

    def _try(self, cue_key: str) -> bool:
        with connect(self._engine) as connection, connection.begin():
            lock_cue(connection, self._entry.cue_id, cue_key)
            # The cluster's clock decides, not this machine's.
            taken = connection.execute(
                sa.text(
                    "INSERT INTO cue_writers (cue_id, writer, asset, heartbeat_at) "
                    "VALUES (:cue_id, :writer, :asset, now()) ON CONFLICT (cue_id) DO UPDATE SET "
                    "writer = excluded.writer, asset = excluded.asset, heartbeat_at = now() "
                    "WHERE cue_writers.writer = excluded.writer "
                    "OR cue_writers.heartbeat_at < now() - :lease * interval '1 second'"
                ),
                {
                    "cue_id": self._entry.cue_id,
                    "writer": self.writer,
                    "asset": self._entry.asset,
                    "lease": LEASE_SECONDS,
                },
            )
            return taken.rowcount == 1

    def _renew(self, connection: sa.Connection) -> None:
        renewed = connection.execute(
            sa.update(t.cue_writers)
            .where(
                t.cue_writers.c.cue_id == self._entry.cue_id,
                t.cue_writers.c.writer == self.writer,
            )
            .values(heartbeat_at=sa.func.now())
        )
        if renewed.rowcount != 1:
            raise WarehouseError(
                f"Another process took over this cue while '{self._entry.asset}' was loading: "
                f"nothing had been heard of this load for {LEASE_SECONDS:.0f} s. Its rows will be "
                "the other's; process the cue again if that one failed."
            )


class BatchedWriter:
    """Writes in transactions of at most 2,500 rows and 4 MiB; each may safely run twice."""

    def __init__(self, fence: Fence, entry: Entry, cue_key: str) -> None:
        self._fence = fence
        self._entry = entry
        self._cue_key = cue_key
        self._distrusted: set[str] = set()
        self._mark = f"rows are being deleted by load {fence.writer}"

    def ids(self, table: sa.Table) -> list[int]:
        """Return the ids of the cue's rows of a table; the asset's own where it shares it."""
        return self._fence.run(lambda c: self._direct(c).ids(table))

    def children(
        self, column: sa.Column[Any], ids: Sequence[int], asset: str | None = None
    ) -> list[int]:
        """Return the ids of the rows whose ``column`` is one of ``ids``, all or an asset's."""
        return self._fence.run(lambda c: self._direct(c).children(column, ids, asset))

    def delete(self, column: sa.Column[Any], ids: Sequence[int]) -> int:
        """Delete the rows whose ``column`` is one of ``ids``; return how many."""
        table = column.table
        most = min(BATCH_ROWS, BATCH_BYTES // _DELETED_ROW_BYTES.get(table.name, 1))
        keys = sa.tuple_(*table.primary_key.columns)
        n_rows = 0
        for part in in_parts(ids):
            victims = sa.select(*table.primary_key.columns).where(column.in_(part)).limit(most)
            statement = sa.delete(table).where(keys.in_(victims))
            deleted = most
            while deleted == most:
                deleted = self._fence.run(_executing(statement))
                n_rows += deleted
        return n_rows

    def before_losing(self, asset: str) -> None:
        """Take an asset's word back before its rows go, batch by batch."""
        if asset in self._distrusted:
            return
        self._distrusted.add(asset)
        self._fence.run(
            _executing(
                sa.update(t.cue_assets)
                .where(
                    t.cue_assets.c.cue_id == self._entry.cue_id,
                    t.cue_assets.c.asset == asset,
                    t.cue_assets.c.state == "ready",
                )
                .values(state="loading", error=self._mark)
            )
        )

    def restore(self, connection: sa.Connection) -> None:
        """Give those assets their word back, within the transaction that ends the load."""
        connection.execute(
            sa.update(t.cue_assets)
            .where(
                t.cue_assets.c.cue_id == self._entry.cue_id,
                t.cue_assets.c.state == "loading",
                t.cue_assets.c.error == self._mark,
            )
            .values(state="ready", error=None)
        )

    def clear(
        self, key: sa.Column[Any], columns: Sequence[sa.Column[Any]], ids: Sequence[int]
    ) -> None:
        """Set columns to NULL where ``key`` is one of ``ids``."""
        rows = self.children(key, ids)
        for part in in_parts(rows, BATCH_ROWS):
            self._fence.run(partial(self._clear_part, key.table.c.id, columns, part))

    def insert(self, table: sa.Table, batches: Iterable[EncodedRows]) -> int:
        """Insert rows whose keys are new, and see that all of them are there."""
        n_rows = 0
        for rows in batches:
            n_rows += rows.n_rows
            self.ignore(rows)
        there = self._fence.run(self._count(table))
        if there != n_rows:
            raise WarehouseError(
                f"'{table.name}' has {there} rows of cue '{self._cue_key}' after {n_rows} were "
                "loaded. Rows with the same key were given twice, or another program writes here."
            )
        return n_rows

    def upsert(self, rows: EncodedRows) -> None:
        """Insert rows, or set the given columns where the key exists."""
        for part in small_batches(rows):
            self._fence.run(partial(self._one_upsert, part))

    def update(self, rows: EncodedRows) -> int:
        """Set the given columns by key; return how many rows there were."""
        return sum(self._fence.run(partial(self._one_update, part)) for part in small_batches(rows))

    def ignore(self, rows: EncodedRows) -> None:
        """Insert rows whose keys are new, leave others alone."""
        for part in small_batches(rows):
            self._fence.run(partial(self._one_ignore, part))

    def _clear_part(
        self,
        key: sa.Column[Any],
        columns: Sequence[sa.Column[Any]],
        ids: Sequence[int],
        connection: sa.Connection,
    ) -> None:
        self._direct(connection).clear(key, columns, ids)

    def _one_upsert(self, rows: EncodedRows, connection: sa.Connection) -> None:
        self._direct(connection).upsert(rows)

    def _one_update(self, rows: EncodedRows, connection: sa.Connection) -> int:
        return self._direct(connection).update(rows)

    def _one_ignore(self, rows: EncodedRows, connection: sa.Connection) -> None:
        self._direct(connection).ignore(rows)

    def _direct(self, connection: sa.Connection) -> AtomicWriter:
        return AtomicWriter(connection, self._entry.cue_id, self._cue_key, self._entry.asset)

    def _count(self, table: sa.Table) -> Callable[[sa.Connection], int]:
        condition = of_cue(table, self._entry.cue_id, self._cue_key, self._entry.asset)
        query = sa.select(sa.func.count()).select_from(table).where(condition)
        return lambda connection: int(connection.execute(query).scalar_one())


def _executing(statement: sa.Delete | sa.Update) -> Callable[[sa.Connection], int]:
    return lambda connection: connection.execute(statement).rowcount


def replace_in_batches(
    engine: sa.Engine, entry: Entry, cue_key: str, plan: Sequence[Part]
) -> dict[str, int]:
    """Replace an asset's rows of a cue; see :meth:`cue_pipeline.warehouse.store.Store.replace`."""
    fence = Fence(engine, entry)
    with driver_failures(engine.url):
        fence.acquire(cue_key)
        try:
            fence.run(lambda c: led.write_entry(c, entry, "loading"))
            writer = BatchedWriter(fence, entry, cue_key)
            replacement = Replacement(writer, entry.asset, entry.cue_id)
            counts = replacement.run(plan)

            def finish(connection: sa.Connection) -> None:
                writer.restore(connection)
                led.mark_stale(connection, entry.cue_id, replacement.lost)
                led.write_entry(
                    connection, entry, "ready", row_count=sum(counts.values()), finished_at=now()
                )

            fence.run(finish)
        finally:
            fence.release()
    return counts


def small_batches(rows: EncodedRows) -> Iterable[EncodedRows]:
    """Cut rows into parts that fit one transaction.

    Raises
    ------
    WarehouseError
        If a single value is above DSQL's 1 MiB.
    """
    sizes = _row_bytes(rows)
    start = 0
    while start < rows.n_rows:
        ends = np.cumsum(sizes[start : start + BATCH_ROWS])
        n_rows = max(1, int(np.searchsorted(ends, BATCH_BYTES, side="right")))
        yield rows.take(slice(start, start + n_rows))
        start += n_rows


def _row_bytes(rows: EncodedRows) -> np.ndarray[Any, Any]:
    sizes = np.full(rows.n_rows, _ROW_OVERHEAD_BYTES, dtype=np.int64)
    for c in rows.columns:
        if c.values.dtype != object:
            sizes += 8
            continue
        lengths = np.array([_length(v) for v in c.values], dtype=np.int64)
        if len(lengths) and lengths.max() > 1 << 20:
            raise WarehouseError(
                f"A value of '{rows.table.name}.{c.column.name}' has {lengths.max()} bytes; Aurora "
                "DSQL takes 1 MiB at most."
            )
        sizes += lengths
    return sizes


def _length(value: Any) -> int:
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode())
    return len(value) if isinstance(value, bytes) else 8
