"""What replacing an asset's rows of one cue means, table by table.

* A table that others refer to (``midi_tracks``) is upserted, so that the columns of other assets
  stay; rows that are no longer there go, and all that hangs on them.
* Any other table of the asset is emptied for the cue and loaded.
* Of a table of another asset, the asset's own columns are set by key, and cleared elsewhere.
* A table that only grows (``llm_calls``) takes what is new.
* Of a table that assets share (``audio_features``) all this is done to the asset's own rows.

A table that the asset owns and gives no rows for is emptied: the outcome depends on the value
alone, not on what an earlier version left.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol, TypeAlias

import numpy as np
import sqlalchemy as sa

from cue_pipeline.errors import WarehouseError
from cue_pipeline.warehouse import tables as t
from cue_pipeline.warehouse.encode import EncodedRows, Rows, encode_rows
from cue_pipeline.warehouse.types import now

Tables: TypeAlias = "Mapping[str, Rows | Iterable[Rows]]"
"""An asset's value: table name to rows, in one piece or in batches."""


class Way(Enum):
    """How a table's rows are brought up to date."""

    UPSERT = "upsert"
    REPLACE = "replace"
    UPDATE = "update"
    APPEND = "append"


@dataclass(frozen=True, slots=True)
class Part:
    """One table of a plan, with the batches that are to be written."""

    table: sa.Table
    columns: tuple[sa.Column[Any], ...]
    way: Way
    batches: Iterator[EncodedRows]


class Writer(Protocol):
    """Writes of one cue: in one transaction, or in many small ones."""

    def ids(self, table: sa.Table) -> list[int]:
        """Return the ids of the cue's rows of a table; the asset's own where it shares it."""

    def children(
        self, column: sa.Column[Any], ids: Sequence[int], asset: str | None = None
    ) -> list[int]:
        """Return the ids of the rows whose ``column`` is one of ``ids``, all or an asset's."""

    def delete(self, column: sa.Column[Any], ids: Sequence[int]) -> int:
        """Delete the rows whose ``column`` is one of ``ids``; return how many."""

    def before_losing(self, asset: str) -> None:
        """Get ready to delete rows of another asset."""

    def clear(
        self, key: sa.Column[Any], columns: Sequence[sa.Column[Any]], ids: Sequence[int]
    ) -> None:
        """Set columns to NULL where ``key`` is one of ``ids``."""

    def insert(self, table: sa.Table, batches: Iterable[EncodedRows]) -> int:
        """Insert rows whose keys are new."""

    def upsert(self, rows: EncodedRows) -> None:
        """Insert rows, or set the given columns where the key exists."""

    def update(self, rows: EncodedRows) -> int:
        """Set the given columns by key; return how many rows there were."""

    def ignore(self, rows: EncodedRows) -> None:
        """Insert rows whose keys are new, leave others alone."""


def plan_replacement(asset: str, tables: Tables) -> list[Part]:
    """Return what has to be written for an asset's value, parents first.

    Raises
    ------
    WarehouseError
        If ``tables`` names a table that the asset does not own.
    """
    owned = t.owned_columns(asset)
    if not owned:
        there = t.metadata.tables.values()
        known = sorted({a for x in there for a in (*t.writers(x), *map(t.owner, x.c))})
        raise WarehouseError(f"No table belongs to an asset '{asset}'; there are {known}.")
    foreign = sorted(set(tables) - {table.name for table in owned})
    if foreign:
        raise WarehouseError(
            f"Asset '{asset}' gave rows for {foreign}, which are not its own; it owns "
            f"{sorted(table.name for table in owned)}."
        )
    return [
        Part(
            table=table,
            columns=tuple(columns),
            way=_way(asset, table),
            batches=_batches(tables.get(table.name), table, columns),
        )
        for table, columns in owned.items()
    ]


def _way(asset: str, table: sa.Table) -> Way:
    if table.info["append"]:
        return Way.APPEND
    if asset not in t.writers(table):
        return Way.UPDATE
    return Way.UPSERT if t.referring(table) else Way.REPLACE


def _batches(
    given: "Rows | Iterable[Rows] | None",
    table: sa.Table,
    columns: Sequence[sa.Column[Any]],
) -> Iterator[EncodedRows]:
    """Return encoded batches; the first is made at once, before anything is locked."""
    if given is None:
        return iter(())
    import pandas as pd

    parts = [given] if isinstance(given, (pd.DataFrame, Mapping)) else given
    encoded = (encode_rows(rows, table, columns) for rows in parts)
    first = next(encoded, None)
    return iter(()) if first is None else _chained(first, encoded)


def _chained(first: EncodedRows, rest: Iterator[EncodedRows]) -> Iterator[EncodedRows]:
    yield first
    yield from rest


class Replacement:
    """Carries out a plan with a writer; knows the cue's ids as it goes."""

    def __init__(self, writer: Writer, asset: str, cue_id: int) -> None:
        self._writer = writer
        self._asset = asset
        self._cue_id = cue_id
        self._known: dict[str, np.ndarray[Any, Any]] = {
            t.cues.name: np.array([cue_id], dtype=np.int64)
        }
        self.lost: set[str] = set()
        """Other assets that lost rows with their parents."""

    def run(self, plan: Sequence[Part]) -> dict[str, int]:
        """Write everything; return the number of rows given, by table."""
        for part in reversed(plan):
            if part.way is Way.REPLACE:
                self._empty(part.table)
        return {part.table.name: self._write(part) for part in plan}

    def _write(self, part: Part) -> int:
        batches = self._checked(part)
        if part.way is Way.REPLACE:
            return self._writer.insert(part.table, batches)
        if part.way is Way.UPSERT:
            return self._upsert(part, list(batches))
        n_rows = 0
        seen: list[int] = []
        for rows in batches:
            n_rows += rows.n_rows
            if part.way is Way.APPEND:
                self._writer.ignore(with_created_at(rows))
            else:
                seen += self._update(rows)
        if part.way is Way.UPDATE:
            key = next(iter(part.table.primary_key.columns))
            others = sorted(set(self._ids(part.table).tolist()) - set(seen))
            own = [c for c in part.columns if not c.primary_key]
            self._writer.clear(key, own, others)
        return n_rows

    def _update(self, rows: EncodedRows) -> list[int]:
        ids: list[int] = rows["id"].tolist()
        _refuse_duplicates(rows.table, ids)
        unknown = sorted(set(ids) - set(self._ids(rows.table).tolist()))
        if unknown:
            raise WarehouseError(
                f"Asset '{self._asset}' sets columns of '{rows.table.name}' in rows that the cue "
                f"does not have, for example id {unknown[0]}. Materialise "
                f"'{rows.table.info['owner']}' first."
            )
        self._writer.update(rows)
        return ids

    def _upsert(self, part: Part, batches: list[EncodedRows]) -> int:
        ids = [i for rows in batches for i in rows["id"].tolist()]
        _refuse_duplicates(part.table, ids)
        vanished = sorted(set(self._writer.ids(part.table)) - set(ids))
        self._delete(part.table, vanished, self._asset)
        for rows in batches:
            self._writer.upsert(rows)
        self._known[part.table.name] = np.array(ids, dtype=np.int64)
        return len(ids)

    def _empty(self, table: sa.Table) -> None:
        link = t.scope_column(table)
        if link is not None:
            self._writer.delete(link, self._ids(t.referred(link).table).tolist())

    def _delete(self, table: sa.Table, ids: Sequence[int], owner: str) -> None:
        """Delete rows of one owner and all that hangs on them, from the outside in."""
        if not ids:
            return
        for column in t.referring(table):
            if column.info.get("vanish") == "clear":
                self._writer.clear(column, [column], ids)
            elif t.referring(column.table):
                self._delete_children(column, ids)
            elif t.sharing(column.table) is table:
                self._delete_rows(column, ids, owner)
            else:
                self._delete_rows(column, ids, column.table.info["owner"])
        self._delete_rows(table.c.id, ids, owner)

    def _delete_children(self, column: sa.Column[Any], ids: Sequence[int]) -> None:
        """Delete the rows whose ``column`` is one of ``ids``, whosever they are."""
        if not self._writer.children(column, ids):
            return
        for asset in t.writers(column.table):
            children = self._writer.children(column, ids, asset)
            self._delete(column.table, children, asset)
        if t.sharing(column.table) is column.table:
            # Of a plug-in that is no longer there: nobody makes these again.
            self._delete(column.table, self._writer.children(column, ids), self._asset)

    def _delete_rows(self, column: sa.Column[Any], ids: Sequence[int], owner: str) -> None:
        if owner != self._asset:
            self._writer.before_losing(owner)
        n_rows = self._writer.delete(column, ids)
        if n_rows and owner != self._asset:
            self.lost.add(owner)

    def _checked(self, part: Part) -> Iterator[EncodedRows]:
        """Pass batches on whose references are rows of this cue, and whose rows are the asset's."""
        for rows in part.batches:
            if part.table.info["kinds"] and part.way is not Way.UPDATE:
                self._check_kinds(rows)
            for c in rows.columns:
                if "references" in c.column.info and "vanish" not in c.column.info:
                    self._check_references(c.column, c.values, c.nulls)
            yield rows

    def _check_kinds(self, rows: EncodedRows) -> None:
        own = t.kinds_of(self._asset, rows.table)
        foreign = sorted(set(rows["feature_type"].tolist()) - set(own))
        if foreign:
            raise WarehouseError(
                f"Asset '{self._asset}' gave rows of feature_type {foreign} for "
                f"'{rows.table.name}'; its own there is {own}. Which kind is whose is in "
                "audio/features/shipped.py."
            )

    def _check_references(self, column: sa.Column[Any], values: Any, nulls: Any) -> None:
        given = values if nulls is None else values[~nulls]
        if not len(given):
            return
        # Events stand in runs of one track: look at each run once.
        starts = np.concatenate(([True], given[1:] != given[:-1]))
        parent = t.referred(column).table
        distinct = np.unique(given[starts])
        unknown = distinct[~np.isin(distinct, self._ids(parent))]
        if len(unknown):
            raise WarehouseError(
                f"Rows for '{column.table.name}' refer to {column.name} {int(unknown[0])}, which "
                f"is no row of this cue in '{parent.name}'. Materialise "
                f"'{parent.info['owner']}' first, or give its rows along."
            )

    def _ids(self, table: sa.Table) -> np.ndarray[Any, Any]:
        if table.name not in self._known:
            self._known[table.name] = np.array(self._writer.ids(table), dtype=np.int64)
        return self._known[table.name]


def with_created_at(rows: EncodedRows) -> EncodedRows:
    """Return rows with the moment in the columns that the warehouse fills itself."""
    from cue_pipeline.warehouse.encode import EncodedColumn

    made = [c for c in rows.table.c if c.info.get("made_by") == "warehouse"]
    moments = np.empty(rows.n_rows, dtype=object)
    moments[:] = now()
    columns = (*rows.columns, *(EncodedColumn(c, moments, None) for c in made))
    return EncodedRows(rows.table, columns, rows.n_rows)


def _refuse_duplicates(table: sa.Table, ids: Sequence[int]) -> None:
    if len(set(ids)) != len(ids):
        twice = next(i for i in ids if list(ids).count(i) > 1)
        raise WarehouseError(
            f"Rows for '{table.name}' hold the id {twice} twice. Ids come from natural keys: two "
            "rows describe the same thing."
        )
