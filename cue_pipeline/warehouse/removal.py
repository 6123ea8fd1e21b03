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


def remove_cue(engine: sa.Engine, cue_key: str, cue_id: int, known: Decisions) -> None:
    """Delete every row of a cue, its decisions among them.

    On Aurora DSQL, in many transactions: the ledger's rows first, so that nobody trusts what is
    left, then the decisions, and the cue itself last; a removal that was broken off is done again.

    Parameters
    ----------
    engine : Engine
    cue_key : str
    cue_id : int
    known : dict of str to list of dict
        What of people's decisions may go, as :func:`read_decisions` gave it.

    Raises
    ------
    WarehouseError
        If the cue has another key by now, or people decided something since: it is kept.
    """
    if is_dsql(engine.dialect):
        _remove_in_batches(engine, cue_key, cue_id, known)
        return
    with writing(engine) as connection:
        lock_cue(connection, cue_id, cue_key)
        for table in _children_first():
            where = of_cue(table, cue_id, cue_key)
            if _is_peoples(table):
                _remove_known(table, where, known, connection)
            else:
                connection.execute(sa.delete(table).where(where))


def _is_peoples(table: sa.Table) -> bool:
    return table.info["owner"] == "people" and "cue_key" in table.c and table is not t.cues


def _remove_known(
    table: sa.Table,
    where: sa.ColumnElement[bool],
    known: Decisions,
    connection: sa.Connection,
) -> int:
    """Delete rows of what people decided; return how many. One that is not known stops it.

    What comes after the statement stays: it is about no cue, and none of it is lost.
    """
    statement = sa.delete(table).where(where).returning(*table.c)
    rows = [_plain(row) for row in connection.execute(statement).mappings()]
    there = known.get(table.name, [])
    if strange := [row for row in rows if row not in there]:
        raise WarehouseError(
            f"'{table.name}' has {len(strange)} rows about cue '{strange[0]['cue_key']}' that are "
            "newer than this command: somebody decided something meanwhile. They are kept, and "
            "the cue with them. Give the command again."
        )
    return len(rows)


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in row.items()
    }


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


def _remove_in_batches(engine: sa.Engine, cue_key: str, cue_id: int, known: Decisions) -> None:
    tables = [x for x in _children_first() if x is not t.cue_assets]
    tables.sort(key=_is_peoples, reverse=True)  # stable
    for table in (t.cue_assets, *tables):
        chunks = table.name.endswith("_chunks")
        most = BATCH_BYTES // t.CHUNK_BYTES if chunks else BATCH_ROWS
        key = sa.tuple_(*table.primary_key.columns)
        victims = (
            sa.select(*table.primary_key.columns)
            .where(of_cue(table, cue_id, cue_key))
            .limit(most)
        )  # fmt: skip
        where = key.in_(victims)
        work = (
            partial(_remove_known, table, where, known)
            if _is_peoples(table)
            else partial(_count, sa.delete(table).where(where))
        )
        while write(engine, work) == most:
            pass


def _count(statement: sa.Delete, connection: sa.Connection) -> int:
    return connection.execute(statement).rowcount


def read_decisions(engine: sa.Engine, cue_key: str) -> Decisions:
    """Return all that people said of a cue; tables without rows are not there."""
    found: Decisions = {}
    with reading(engine) as connection:
        for table in naming_people():
            query = sa.select(table).where(table.c.cue_key == cue_key)
            rows = [_plain(row) for row in connection.execute(query).mappings()]
            if rows:
                found[table.name] = rows
    return found


def standing_decisions(said: Decisions) -> Decisions:
    """Return what of people's decisions about a cue nothing may replace unasked.

    A split that was drawn is none of that: only one that a person pinned is.
    """
    said = dict(said)
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
    if own := standing_decisions(read_decisions(engine, cue_key)):
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
