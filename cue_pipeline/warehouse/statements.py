"""SQL for many rows at once, in each engine's own way.

SQLite takes tuples through ``executemany`` on the driver's cursor. PostgreSQL takes COPY for
plain inserts; for upserts and updates, and for everything on Aurora DSQL, one statement over
arrays (``unnest``), which is parsed and planned once for thousands of rows.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from cue_pipeline.warehouse.copying import ByteReader, copy_stream, fixed_type
from cue_pipeline.warehouse.encode import EncodedColumn, EncodedRows
from cue_pipeline.warehouse.types import Json, Timestamp, is_postgresql, timestamp_text

KEYS_PER_STATEMENT = 500
"""Ids in one ``IN`` list: well below SQLite's and PostgreSQL's limits on parameters."""

COPY_READ_BYTES = 1 << 20
SQLITE_ROWS_PER_STEP = 100


def insert_rows(connection: sa.Connection, table: sa.Table, batches: Iterable[EncodedRows]) -> int:
    """Bulk load new rows within the connection's transaction; return how many.

    By COPY on PostgreSQL, by ``executemany`` on SQLite.
    """
    counted = _Counted(batches)
    if not counted.columns:
        return 0
    cursor = connection.connection.cursor()
    try:
        if is_postgresql(connection.dialect):
            _copy(cursor, table, counted)
        else:
            for rows in counted:
                _insert_into_sqlite(cursor, rows)
    finally:
        cursor.close()
    return counted.n_rows


def _insert_into_sqlite(cursor: Any, rows: EncodedRows) -> None:
    """Insert numbers a hundred rows a statement, anything longer one by one.

    A step of the statement costs SQLite's driver as much as the row itself: with a hundred rows a
    step, half of the time is saved.
    """
    statement = _sqlite_insert(rows.table, rows.columns)
    if not all(fixed_type(c.column) for c in rows.columns):
        cursor.executemany(statement, sqlite_tuples(rows))
        return
    width = len(rows.columns)
    values: list[Any] = [None] * (rows.n_rows * width)
    for i, c in enumerate(rows.columns):
        values[i::width] = c.tolist()
    step = width * SQLITE_ROWS_PER_STEP
    whole = len(values) // step * step
    marks = f"({', '.join('?' * width)})"
    cursor.executemany(
        statement + f", {marks}" * (SQLITE_ROWS_PER_STEP - 1),
        (values[i : i + step] for i in range(0, whole, step)),
    )
    cursor.executemany(statement, (values[i : i + width] for i in range(whole, len(values), width)))


def _copy(cursor: Any, table: sa.Table, batches: "_Counted") -> None:
    names = ", ".join(_quoted(c) for c in batches.columns)
    reader = ByteReader(copy_stream(batches))
    try:
        cursor.copy_expert(
            f"COPY {table.name} ({names}) FROM STDIN WITH (FORMAT BINARY)", reader, COPY_READ_BYTES
        )
    except Exception:
        if reader.failure is not None:
            raise reader.failure from None
        raise


def upsert_rows(connection: sa.Connection, rows: EncodedRows, keep: Sequence[str] = ()) -> None:
    """Insert rows, or set the given columns but ``keep`` where the key exists already."""
    changed = [
        c.column for c in rows.columns if not c.column.primary_key and c.column.name not in keep
    ]
    on_conflict = _on_conflict(rows, changed)
    _write(connection, rows, on_conflict)


def insert_or_ignore_rows(connection: sa.Connection, rows: EncodedRows) -> None:
    """Insert rows; leave those alone whose key exists already."""
    _write(connection, rows, _on_conflict(rows, []))


def update_rows(connection: sa.Connection, rows: EncodedRows) -> int:
    """Set the given columns of existing rows by their key; return how many there were."""
    keys = [c for c in rows.columns if c.column.primary_key]
    values = [c for c in rows.columns if not c.column.primary_key]
    if not rows.n_rows:
        return 0
    table = rows.table.name
    if is_postgresql(connection.dialect):
        sets = ", ".join(f"{_quoted(c.column)} = v.{_quoted(c.column)}" for c in values)
        match = " AND ".join(f"t.{_quoted(c.column)} = v.{_quoted(c.column)}" for c in keys)
        source, parameters = _unnested(rows)
        statement = f"UPDATE {table} AS t SET {sets} FROM ({source}) AS v WHERE {match}"  # noqa: S608
        return connection.exec_driver_sql(statement, parameters).rowcount
    sets = ", ".join(f"{_quoted(c.column)} = ?" for c in values)
    match = " AND ".join(f"{_quoted(c.column)} = ?" for c in keys)
    ordered = EncodedRows(rows.table, (*values, *keys), rows.n_rows)
    cursor = connection.connection.cursor()
    try:
        cursor.executemany(
            f"UPDATE {table} SET {sets} WHERE {match}",  # noqa: S608
            sqlite_tuples(ordered),
        )
        return int(cursor.rowcount)
    finally:
        cursor.close()


def in_parts(values: Sequence[Any], size: int = KEYS_PER_STATEMENT) -> Iterable[Sequence[Any]]:
    """Cut a sequence into parts of at most ``size``."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def sqlite_tuples(rows: EncodedRows) -> Any:
    """Return rows as SQLite's driver takes them: moments as text."""
    return zip(*(_sqlite_values(c) for c in rows.columns), strict=True)


def _sqlite_values(c: EncodedColumn) -> list[Any]:
    values = c.tolist()
    if isinstance(c.column.type, Timestamp):
        return [None if v is None else timestamp_text(v) for v in values]
    return values


def _sqlite_insert(table: sa.Table, columns: Sequence[EncodedColumn]) -> str:
    names = ", ".join(_quoted(c.column) for c in columns)
    marks = ", ".join("?" for _ in columns)
    return f"INSERT INTO {table.name} ({names}) VALUES ({marks})"  # noqa: S608


def _write(connection: sa.Connection, rows: EncodedRows, on_conflict: str) -> None:
    if not rows.n_rows:
        return
    if is_postgresql(connection.dialect):
        names = ", ".join(_quoted(c.column) for c in rows.columns)
        source, parameters = _unnested(rows)
        connection.exec_driver_sql(
            f"INSERT INTO {rows.table.name} ({names}) {source} {on_conflict}",
            parameters,
        )
        return
    cursor = connection.connection.cursor()
    try:
        cursor.executemany(
            f"{_sqlite_insert(rows.table, rows.columns)} {on_conflict}", sqlite_tuples(rows)
        )
    finally:
        cursor.close()


def _on_conflict(rows: EncodedRows, changed: Sequence[sa.Column[Any]]) -> str:
    keys = ", ".join(_quoted(c) for c in rows.table.primary_key.columns)
    if not changed:
        return f"ON CONFLICT ({keys}) DO NOTHING"
    sets = ", ".join(f"{_quoted(c)} = excluded.{_quoted(c)}" for c in changed)
    return f"ON CONFLICT ({keys}) DO UPDATE SET {sets}"


def _unnested(rows: EncodedRows) -> tuple[str, tuple[Any, ...]]:
    """Return a SELECT over one array per column, and the arrays."""
    names = [_quoted(c.column) for c in rows.columns]
    selected = ", ".join(
        f"{name}::jsonb AS {name}" if isinstance(c.column.type, Json) else name
        for name, c in zip(names, rows.columns, strict=True)
    )
    arrays = ", ".join(f"%s::{_array_type(c.column)}[]" for c in rows.columns)
    parameters = tuple(_array(c) for c in rows.columns)
    return f"SELECT {selected} FROM unnest({arrays}) AS u({', '.join(names)})", parameters  # noqa: S608


def _array_type(column: sa.Column[Any]) -> str:
    kind = column.type
    if isinstance(kind, sa.BigInteger):
        return "bigint"
    if isinstance(kind, sa.SmallInteger):
        return "smallint"
    if isinstance(kind, sa.Integer):
        return "integer"
    if isinstance(kind, sa.Double):
        return "double precision"
    if isinstance(kind, sa.Boolean):
        return "boolean"
    if isinstance(kind, sa.LargeBinary):
        return "bytea"
    return "timestamptz" if isinstance(kind, Timestamp) else "text"


def _array(c: EncodedColumn) -> Any:
    """Return a column's values as the driver sends them."""
    kind = c.column.type
    values = c.tolist()
    if isinstance(kind, (sa.Integer, sa.Double)):
        # The driver would quote number by number; Python's own spelling is PostgreSQL's.
        return "{" + str(values)[1:-1].replace("None", "NULL") + "}"
    if isinstance(kind, sa.LargeBinary):
        import psycopg2

        return [None if v is None else psycopg2.Binary(v) for v in values]
    return values


def _quoted(column: sa.Column[Any]) -> str:
    """Quote a column's name: ``time``, ``value`` and others are words of SQL."""
    return f'"{column.name}"'


class _Counted:
    """Batches that are counted as they pass; the first is looked at for its columns."""

    def __init__(self, batches: Iterable[EncodedRows]) -> None:
        self._batches = iter(batches)
        self._first = next(self._batches, None)
        self.n_rows = 0

    @property
    def columns(self) -> list[sa.Column[Any]]:
        return [] if self._first is None else [c.column for c in self._first.columns]

    def __iter__(self) -> Any:
        if self._first is None:
            return
        self.n_rows += self._first.n_rows
        yield self._first
        for rows in self._batches:
            self.n_rows += rows.n_rows
            yield rows
