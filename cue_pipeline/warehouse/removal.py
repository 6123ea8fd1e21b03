"""A cue taken out of the warehouse, and what people said of it kept outside."""

import secrets
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import sqlalchemy as sa

from cue_pipeline.errors import WarehouseError
from cue_pipeline.warehouse import tables as t
from cue_pipeline.warehouse.atomic import lock_cue
from cue_pipeline.warehouse.dsql import BATCH_BYTES, BATCH_ROWS
from cue_pipeline.warehouse.relocation import naming_people
from cue_pipeline.warehouse.scope import of_cue
from cue_pipeline.warehouse.transaction import reading, write, writing
from cue_pipeline.warehouse.types import Timestamp, is_dsql

Decisions = dict[str, list[dict[str, Any]]]
"""Table → rows, each a value by column; times as ISO 8601."""


def remove_cue(engine: sa.Engine, cue_key: str, cue_id: int) -> None:
    """Delete every row of a cue, its decisions among them.

    On Aurora DSQL, in many transactions: the ledger's rows first, so that nobody trusts what is
    left, and the cue itself last; a removal that was broken off is done again.
    """
    if is_dsql(engine.dialect):
        _remove_in_batches(engine, cue_key, cue_id)
        return
    with writing(engine) as connection:
        lock_cue(connection, cue_id, cue_key)
        for table in _children_first():
            connection.execute(sa.delete(table).where(of_cue(table, cue_id, cue_key)))


def _children_first() -> list[sa.Table]:
    """Return the tables of cues' rows, each before those that its rows refer to."""
    ordered: list[sa.Table] = []

    def visit(table: sa.Table) -> None:
        if table in ordered:
            return
        for column in table.c:
            if "references" in column.info and t.referred(column).table is not table:
                visit(t.referred(column).table)
        ordered.append(table)

    for table in t.metadata.tables.values():
        visit(table)
    return [x for x in reversed(ordered) if x is t.cues or t.scope_column(x) is not None]


def _remove_in_batches(engine: sa.Engine, cue_key: str, cue_id: int) -> None:
    tables = _children_first()
    for table in (t.cue_assets, *(x for x in tables if x is not t.cue_assets)):
        chunks = table.name.endswith("_chunks")
        most = BATCH_BYTES // t.CHUNK_BYTES if chunks else BATCH_ROWS
        key = sa.tuple_(*table.primary_key.columns)
        victims = (
            sa.select(*table.primary_key.columns)
            .where(of_cue(table, cue_id, cue_key))
            .limit(most)
        )  # fmt: skip
        statement = sa.delete(table).where(key.in_(victims))
        while write(engine, partial(_count, statement)) == most:
            pass


def _count(statement: sa.Delete, connection: sa.Connection) -> int:
    return connection.execute(statement).rowcount


def read_decisions(engine: sa.Engine, cue_key: str) -> Decisions:
    """Return all that people said of a cue; tables without rows are not there."""
    found: Decisions = {}
    with reading(engine) as connection:
        for table in naming_people():
            query = sa.select(table).where(table.c.cue_key == cue_key)
            rows = [
                {
                    name: value.isoformat() if hasattr(value, "isoformat") else value
                    for name, value in row.items()
                }
                for row in connection.execute(query).mappings()
            ]
            if rows:
                found[table.name] = rows
    return found


def standing_decisions(engine: sa.Engine, cue_key: str) -> Decisions:
    """Return what people said of a cue that nothing may replace unasked.

    A split that was drawn is none of that: only one that a person pinned is.
    """
    said = read_decisions(engine, cue_key)
    drawn = said.get(t.cue_splits.name, [])
    if drawn and not any(row["pinned"] for row in drawn):
        del said[t.cue_splits.name]
    return said


def restore_decisions(engine: sa.Engine, cue_key: str, decisions: Mapping[str, Any]) -> int:
    """Store decisions of an export as those of a cue, in place of none; return how many rows.

    Raises
    ------
    WarehouseError
        If a table or a column is unknown, a row is none, or the cue has decisions of its own.
    """
    known = {table.name: table for table in naming_people()}
    rows = {}
    for name, said in decisions.items():
        if name not in known:
            raise WarehouseError(f"There is no table '{name}' of decisions; {sorted(known)} are.")
        try:
            rows[known[name]] = [_row(known[name], row, cue_key) for row in said]
        except (TypeError, ValueError) as e:
            raise WarehouseError(f"What is said of table '{name}' is no row of it: {e}.") from e
    if own := standing_decisions(engine, cue_key):
        raise WarehouseError(
            f"Cue '{cue_key}' has decisions already ({', '.join(own)}); none of the file's were "
            "stored. Take those back first, or keep them."
        )
    write(engine, partial(_insert, rows))
    return sum(len(part) for part in rows.values())


def _row(table: sa.Table, said: Mapping[str, Any], cue_key: str) -> dict[str, Any]:
    from datetime import datetime

    unknown = sorted(set(said) - set(table.c.keys()))
    if unknown:
        raise WarehouseError(f"Table '{table.name}' has no column '{unknown[0]}'.")
    row = {**said, "cue_key": cue_key}
    if "id" in row and said["cue_key"] != cue_key:
        row["id"] = secrets.randbits(63)  # as those of another cue they may be stored twice
    for name, value in row.items():
        if isinstance(table.c[name].type, Timestamp) and isinstance(value, str):
            row[name] = datetime.fromisoformat(value)
    return row


def _insert(rows: Mapping[sa.Table, Sequence[dict[str, Any]]], connection: sa.Connection) -> None:
    for table, part in rows.items():
        if part:
            if table is t.cue_splits:  # one that was drawn meanwhile gives way
                keys = [row["cue_key"] for row in part]
                connection.execute(sa.delete(table).where(table.c.cue_key.in_(keys)))
            connection.execute(sa.insert(table), list(part))
