"""Writes of one cue in one transaction: SQLite and PostgreSQL."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from cue_pipeline.errors import WarehouseError
from cue_pipeline.warehouse import tables as t
from cue_pipeline.warehouse.encode import EncodedRows
from cue_pipeline.warehouse.scope import of_cue
from cue_pipeline.warehouse.statements import (
    in_parts,
    insert_or_ignore_rows,
    insert_rows,
    update_rows,
    upsert_rows,
)


def lock_cue(connection: sa.Connection, cue_id: int, cue_key: str) -> None:
    """Make this transaction the only writer of a cue until it ends.

    On PostgreSQL another writer waits for the row; on SQLite it waits for the file already.
    ``FOR NO KEY UPDATE`` lets others refer to the cue meanwhile. Whoever gives the cue another key
    waits too, so that what was begun under its key is never written to what has that key now.

    Raises
    ------
    WarehouseError
        If the cue is not registered, or no longer under this key.
    """
    query = sa.select(t.cues.c.cue_key).where(t.cues.c.id == cue_id)
    if connection.dialect.name == "postgresql":
        query = query.with_for_update(key_share=True)
    key = connection.scalar(query)
    if key is None:
        raise unknown_cue(cue_key)
    if key != cue_key:
        raise WarehouseError(
            f"Cue '{cue_key}' is '{key}' now: it was moved while this was under way, so nothing "
            "was written. What it still lacks is made by `cue-pipeline process BASE_DIR`."
        )


def unknown_cue(cue_key: str) -> WarehouseError:
    """Return the error for a cue that was never registered."""
    return WarehouseError(
        f"Cue '{cue_key}' is not registered. Process the folder that holds it first: "
        "cue-pipeline process BASE_DIR."
    )


class AtomicWriter:
    """Writes within the transaction of one connection."""

    def __init__(self, connection: sa.Connection, cue_id: int, cue_key: str, asset: str) -> None:
        self._connection = connection
        self._cue_id = cue_id
        self._cue_key = cue_key
        self._asset = asset

    def ids(self, table: sa.Table) -> list[int]:
        """Return the ids of the cue's rows of a table; the asset's own where it shares it."""
        condition = of_cue(table, self._cue_id, self._cue_key, self._asset)
        return list(self._connection.scalars(sa.select(table.c.id).where(condition)))

    def children(
        self, column: sa.Column[Any], ids: Sequence[int], asset: str | None = None
    ) -> list[int]:
        """Return the ids of the rows whose ``column`` is one of ``ids``, all or an asset's."""
        query = sa.select(column.table.c.id)
        kinds = [] if asset is None else t.kinds_of(asset, column.table)
        if kinds:
            query = query.where(column.table.c.feature_type.in_(kinds))
        return [
            i
            for part in in_parts(ids)
            for i in self._connection.scalars(query.where(column.in_(part)))
        ]

    def delete(self, column: sa.Column[Any], ids: Sequence[int]) -> int:
        """Delete the rows whose ``column`` is one of ``ids``; return how many."""
        statement = sa.delete(column.table)
        return sum(
            self._connection.execute(statement.where(column.in_(part))).rowcount
            for part in in_parts(ids)
        )

    def before_losing(self, asset: str) -> None:
        """Do nothing: nobody sees the rows go before the ledger says so."""

    def clear(
        self, key: sa.Column[Any], columns: Sequence[sa.Column[Any]], ids: Sequence[int]
    ) -> None:
        """Set columns to NULL where ``key`` is one of ``ids``."""
        nothing = dict.fromkeys(c.name for c in columns)
        filled = sa.or_(*(c.is_not(None) for c in columns))
        for part in in_parts(ids):
            self._connection.execute(
                sa.update(key.table).where(key.in_(part), filled).values(nothing)
            )

    def insert(self, table: sa.Table, batches: Iterable[EncodedRows]) -> int:
        """Insert rows whose keys are new."""
        return insert_rows(self._connection, table, batches)

    def upsert(self, rows: EncodedRows) -> None:
        """Insert rows, or set the given columns where the key exists."""
        upsert_rows(self._connection, rows)

    def update(self, rows: EncodedRows) -> int:
        """Set the given columns by key; return how many rows there were."""
        return update_rows(self._connection, rows)

    def ignore(self, rows: EncodedRows) -> None:
        """Insert rows whose keys are new, leave others alone."""
        insert_or_ignore_rows(self._connection, rows)
