"""Query results as pandas frames, column by column.

SQLAlchemy's row objects cost more than the query does for a cue's hundred thousand notes. Rows
are taken from the driver's cursor instead; on PostgreSQL, tables of numbers come by binary COPY
and are never Python objects at all.
"""

import io
import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import sqlalchemy as sa

from cue_pipeline.warehouse.copying import HEADER, TRAILER, fixed_type
from cue_pipeline.warehouse.types import Json, Timestamp

if TYPE_CHECKING:
    import pandas as pd

FETCH_ROWS = 512
"""Few: the garbage collector walks through thousands of live tuples again and again."""
_LENGTH = struct.Struct(">i")
_FORMATS = {
    ">i8": struct.Struct(">q"),
    ">i4": struct.Struct(">i"),
    ">i2": struct.Struct(">h"),
    ">f8": struct.Struct(">d"),
}


def read_frame(
    connection: sa.Connection,
    table: sa.Table,
    columns: Sequence[sa.Column[Any]],
    condition: sa.ColumnElement[bool],
) -> "pd.DataFrame":
    """Return the rows of a table that meet a condition, in the order of its key.

    Parameters
    ----------
    connection : Connection
        With an open transaction.
    table : Table
        Whose rows.
    columns : sequence of Column
        Which of its columns, in this order.
    condition : ColumnElement
        Which of its rows; where all ``columns`` are numbers or bytes, it holds nothing but numbers
        and words of this program, which are written out.

    Returns
    -------
    DataFrame
        int64 (Int64 where the column allows NULL), float64, bool, or objects: see
        :meth:`cue_pipeline.warehouse.store.Store.read`.
    """
    import pandas as pd

    order = tuple(table.primary_key.columns)
    if connection.dialect.name == "postgresql" and all(fixed_type(c) for c in columns):
        query = sa.select(*_without_nulls(columns)).where(condition).order_by(*order)
        series = _copied(connection, query, columns)
    elif connection.dialect.name == "postgresql" and all(map(_numbers_or_bytes, columns)):
        query = sa.select(*columns).where(condition).order_by(*order)
        copied = read_binary(connection, query)
        by_column = zip(*copied, strict=True) if copied else ((),) * len(columns)
        series = [
            _series(_decoder(c, connection.dialect)(values), c)
            for c, values in zip(columns, by_column, strict=True)
        ]
    else:
        query = sa.select(*columns).where(condition).order_by(*order)
        series = _fetched(connection, query, columns)
    return pd.DataFrame(dict(zip((c.name for c in columns), series, strict=True)))


def _fetched(
    connection: sa.Connection, query: sa.Select[Any], columns: Sequence[sa.Column[Any]]
) -> "list[pd.Series[Any]]":
    """Turn rows into arrays a few hundred at a time: their tuples never fill the memory."""
    decode = [_decoder(c, connection.dialect) for c in columns]
    parts: list[list[np.ndarray[Any, Any]]] = [[] for _ in columns]
    result = connection.execute(query)
    cursor = result.cursor
    while rows := cursor.fetchmany(FETCH_ROWS) if cursor is not None else ():
        for part, values, decoded in zip(parts, zip(*rows, strict=True), decode, strict=True):
            part.append(decoded(values))
    result.close()
    return [
        _series(np.concatenate(part) if part else decoded(()), c)
        for part, c, decoded in zip(parts, columns, decode, strict=True)
    ]


def _decoder(column: sa.Column[Any], dialect: Any) -> Any:
    """Return what makes an array of a column's raw values."""
    kind = column.type
    if isinstance(kind, sa.Integer) and not column.nullable:
        return lambda values: np.array(values, dtype=np.int64)
    if isinstance(kind, sa.Double) or _exact_as_float(column):
        return lambda values: np.array(values, dtype=np.float64)  # None becomes NaN
    decode: Any = bytes if isinstance(kind, sa.LargeBinary) else None
    if isinstance(kind, (Json, Timestamp)):
        decode = kind.result_processor(dialect, None)
    return lambda values: _objects(values, decode)


def _exact_as_float(column: sa.Column[Any]) -> bool:
    return isinstance(column.type, sa.Integer) and not isinstance(column.type, sa.BigInteger)


def _objects(values: Sequence[Any], decode: Any) -> np.ndarray[Any, Any]:
    objects = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        objects[i] = value if value is None or decode is None else decode(value)
    return objects


def _series(values: np.ndarray[Any, Any], column: sa.Column[Any]) -> "pd.Series[Any]":
    import pandas as pd

    kind = column.type
    if isinstance(kind, sa.Integer) and column.nullable:
        if values.dtype == object:
            nulls = np.array([v is None for v in values], dtype=bool)
        else:
            nulls = np.isnan(values)
        integers = np.where(nulls, 0, values).astype(np.int64)
        return pd.Series(pd.arrays.IntegerArray(integers, nulls))
    if isinstance(kind, sa.Boolean):
        return pd.Series(values, dtype="boolean" if column.nullable else "bool")
    if isinstance(kind, Timestamp):
        moments: pd.Series[Any] = pd.Series(pd.to_datetime(list(values), utc=True))
        return moments
    # Text stays as it is, and NULL stays None.
    series: pd.Series[Any] = pd.Series(values, dtype=values.dtype)
    return series


def _without_nulls(columns: Sequence[sa.Column[Any]]) -> list[sa.ColumnElement[Any]]:
    """Return expressions of fixed width: a nullable column becomes a number and a flag."""
    expressions: list[sa.ColumnElement[Any]] = []
    for c in columns:
        if c.nullable:
            zero = sa.cast(sa.literal_column("0"), c.type)
            expressions.append(sa.func.coalesce(c, zero))
            expressions.append(sa.cast(sa.cast(c.is_(None), sa.Integer), sa.SmallInteger))
        else:
            expressions.append(c)
    return expressions


def _copied(
    connection: sa.Connection, query: sa.Select[Any], columns: Sequence[sa.Column[Any]]
) -> "list[pd.Series[Any]]":
    body = copy_out(connection, _written_out(connection, query))
    packed = np.frombuffer(body, dtype=_packed_type(columns))
    return [_unpacked(packed, i, c) for i, c in enumerate(columns)]


def read_binary(connection: sa.Connection, query: sa.Select[Any]) -> list[tuple[Any, ...]]:
    """Return the rows of a query of numbers and bytes.

    PostgreSQL's driver takes bytes as hexadecimal text, twice their size; by COPY they come as they
    are, four times as fast. On other engines this is a plain query.

    Parameters
    ----------
    connection : Connection
        With an open transaction.
    query : Select
        Of integer, float and bytes columns; its conditions hold nothing but numbers and words of
        this program.
    """
    if connection.dialect.name != "postgresql":
        rows = connection.execute(query).all()
        return [tuple(bytes(v) if isinstance(v, memoryview) else v for v in row) for row in rows]
    formats = [
        None if fixed_type(c) is None else _FORMATS[fixed_type(c) or ""]
        for c in query.selected_columns
    ]
    body, at, found = copy_out(connection, _written_out(connection, query)), 0, []
    while at < len(body):
        at += 2  # the number of fields, which is known
        row: list[Any] = []
        for unpack in formats:
            (length,) = _LENGTH.unpack_from(body, at)
            at += 4
            if length < 0:
                row.append(None)
                continue
            value = body[at : at + length]
            row.append(bytes(value) if unpack is None else unpack.unpack(value)[0])
            at += length
        found.append(tuple(row))
    return found


def _numbers_or_bytes(column: sa.Column[Any]) -> bool:
    return fixed_type(column) is not None or isinstance(column.type, sa.LargeBinary)


def _written_out(connection: sa.Connection, query: sa.Select[Any]) -> str:
    return str(query.compile(connection, compile_kwargs={"literal_binds": True}))


def copy_out(connection: sa.Connection, statement: str) -> memoryview:
    """Return the rows of a query in PostgreSQL's binary format, without header and trailer.

    Parameters
    ----------
    connection : Connection
        Of PostgreSQL, with an open transaction.
    statement : str
        A query without parameters.
    """
    received = io.BytesIO()
    cursor = connection.connection.cursor()
    try:
        cursor.copy_expert(f"COPY ({statement}) TO STDOUT (FORMAT BINARY)", received)
    finally:
        cursor.close()
    return received.getbuffer()[len(HEADER) : -len(TRAILER)]


def _packed_type(columns: Sequence[sa.Column[Any]]) -> np.dtype[Any]:
    """Return the type of a row: a count of fields, then a length and a value for each."""
    fields = [("n", ">i2")]
    for i, c in enumerate(columns):
        fields += [(f"l{i}", ">i4"), (f"v{i}", fixed_type(c) or "")]
        if c.nullable:
            fields += [(f"m{i}", ">i4"), (f"null{i}", ">i2")]
    return np.dtype(fields)


def _unpacked(packed: np.ndarray[Any, Any], i: int, column: sa.Column[Any]) -> "pd.Series[Any]":
    import pandas as pd

    nulls = packed[f"null{i}"] != 0 if column.nullable else None
    if isinstance(column.type, sa.Double):
        floats = packed[f"v{i}"].astype(np.float64)
        if nulls is not None:
            floats[nulls] = np.nan
        return pd.Series(floats)
    integers = packed[f"v{i}"].astype(np.int64)
    return pd.Series(integers if nulls is None else pd.arrays.IntegerArray(integers, nulls))
