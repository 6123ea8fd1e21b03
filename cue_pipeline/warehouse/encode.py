"""Rows as assets give them, brought to arrays and lists that every loader takes.

What an engine would round, cut or refuse is refused here, alike on all engines: a number beyond
its column, a missing value in a column that needs one, a chunk that is too large.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import sqlalchemy as sa

from cue_pipeline.errors import SchemaError, WarehouseError
from cue_pipeline.warehouse.types import Json, Timestamp

if TYPE_CHECKING:
    import pandas as pd

Rows: TypeAlias = "pd.DataFrame | Mapping[str, Any]"
"""Rows of a table: a frame, or its columns, arrays or lists of one length, by name."""

_NUL_SIGN = "␀"  # what a text column gets for NUL, which PostgreSQL cannot hold
_ESCAPED_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


@dataclass(frozen=True, slots=True)
class EncodedColumn:
    """One column of a batch.

    Attributes
    ----------
    column : Column
        Where the values go.
    values : np.ndarray
        int64, float64 or bool for numbers; objects (str, bytes, datetime) otherwise. What stands
        at a NULL means nothing.
    nulls : np.ndarray or None
        True where the value is NULL; None where none is.
    """

    column: sa.Column[Any]
    values: np.ndarray[Any, Any]
    nulls: np.ndarray[Any, np.dtype[np.bool_]] | None

    def tolist(self) -> list[Any]:
        """Return the values as Python objects, None for NULL."""
        values: list[Any] = self.values.tolist()
        if self.nulls is not None:
            for i in np.flatnonzero(self.nulls).tolist():
                values[i] = None
        return values


@dataclass(frozen=True, slots=True)
class EncodedRows:
    """A batch of rows of one table."""

    table: sa.Table
    columns: tuple[EncodedColumn, ...]
    n_rows: int

    def __getitem__(self, name: str) -> EncodedColumn:
        return next(c for c in self.columns if c.column.name == name)

    def tuples(self) -> "zip[tuple[Any, ...]]":
        """Return the rows as tuples of Python objects."""
        return zip(*(c.tolist() for c in self.columns), strict=True)

    def take(self, part: Any) -> "EncodedRows":
        """Return some of the rows: a slice or an array of indices."""
        columns = tuple(
            EncodedColumn(c.column, c.values[part], None if c.nulls is None else c.nulls[part])
            for c in self.columns
        )
        return EncodedRows(self.table, columns, len(columns[0].values))


def encode_rows(rows: Rows, table: sa.Table, columns: Sequence[sa.Column[Any]]) -> EncodedRows:
    """Return rows, checked against their columns.

    Parameters
    ----------
    rows : DataFrame or mapping of str to array or list
        Columns by name, in any order.
    table : Table
        Where the rows go.
    columns : sequence of Column
        Exactly those that ``rows`` must have.

    Raises
    ------
    SchemaError
        If columns are missing or too many.
    WarehouseError
        If a value does not fit its column.
    """
    wanted, given = [c.name for c in columns], [str(name) for name in rows]
    if set(wanted) != set(given) or len(given) != len(set(given)):
        missing = sorted(set(wanted) - set(given))
        extra = sorted({c for c in given if c not in wanted or given.count(c) > 1})
        raise SchemaError(
            f"Rows for '{table.name}' have columns that do not fit: missing {missing}, "
            f"too many {extra}. The asset owns {wanted}, and must give exactly those."
        )
    encoded = tuple(_encode_column(rows[c.name], c) for c in columns)
    n_rows = len(encoded[0].values)
    uneven = [c.column.name for c in encoded if len(c.values) != n_rows]
    if uneven:
        raise WarehouseError(
            f"Rows for '{table.name}' have {n_rows} values of '{columns[0].name}', and another "
            f"number of {uneven}."
        )
    return EncodedRows(table, encoded, n_rows)


def storable_text(text: str) -> str:
    """Return text that every engine can hold: NUL is shown as ␀, half surrogates as ``?``."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", _NUL_SIGN).encode("utf-8", "replace").decode()


def json_text(value: Any) -> str:
    """Return a list or dictionary as JSON that every engine can hold.

    Numbers that JSON lacks (NaN, infinity) become null.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain)
    except ValueError:  # rare, so that the check costs nothing
        text = json.dumps(_finite(value), ensure_ascii=False, default=_plain)
    if "\\u0000" in text:
        text = _ESCAPED_NUL.sub(rf"\1{_NUL_SIGN}", text)
    return storable_text(text)


def _plain(value: Any) -> Any:
    if isinstance(value, (np.generic, np.ndarray)):
        return _finite(value.tolist())
    raise TypeError(f"{type(value).__name__} cannot be stored as JSON")


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(v) for v in value]
    return value


def _encode_column(given: Any, column: sa.Column[Any]) -> EncodedColumn:
    try:
        values, nulls = _values_and_nulls(given, column)
    except (TypeError, ValueError, OverflowError) as e:
        raise WarehouseError(
            f"Column '{column.table.name}.{column.name}' cannot hold what was given: {e}."
        ) from None
    if nulls is not None and not nulls.any():
        nulls = None
    if nulls is not None and not column.nullable:
        raise WarehouseError(
            f"Column '{column.table.name}.{column.name}' needs a value in every row; "
            f"row {int(np.flatnonzero(nulls)[0])} of {len(nulls)} has none."
        )
    _check_size(column, values)
    return EncodedColumn(column, values, nulls)


def _values_and_nulls(given: Any, column: sa.Column[Any]) -> tuple[Any, Any]:
    kind = column.type
    if isinstance(given, list) and isinstance(kind, sa.LargeBinary):
        return _objects(given, _bytes)
    import pandas as pd

    series = given if isinstance(given, pd.Series) else pd.Series(given)
    if isinstance(kind, sa.Integer):
        return _integers(series)
    if isinstance(kind, sa.Double):
        values = series.to_numpy(dtype=np.float64, na_value=np.nan)
        return values, np.isnan(values)
    if isinstance(kind, Json):
        return _objects(series.to_list(), json_text)
    if isinstance(kind, sa.LargeBinary):
        return _objects(series.to_list(), _bytes)
    if isinstance(kind, Timestamp):
        return _objects(series.to_list(), _moment)
    return _objects(series.to_list(), _text)


def _integers(series: "pd.Series[Any]") -> tuple[Any, Any]:
    if isinstance(series.dtype, np.dtype) and series.dtype.kind in "iub":
        values = series.to_numpy()
        if series.dtype == np.uint64 and len(values) and values.max() > np.iinfo(np.int64).max:
            raise ValueError(f"{values.max()} is above 2^63 - 1")
        return values.astype(np.int64), None
    nulls = series.isna().to_numpy(dtype=bool)
    if isinstance(series.dtype, np.dtype) and series.dtype.kind == "O":
        given = series.to_numpy()
        return np.array(
            [0 if null else _integer(v) for v, null in zip(given, nulls, strict=True)], np.int64
        ), nulls
    filled = series.fillna(0)
    values = filled.to_numpy(dtype=np.int64)
    if not (values == filled.to_numpy()).all():
        raise ValueError("it needs whole numbers")
    return values, nulls


def _integer(value: Any) -> int:
    whole = int(value)
    if whole != value:
        raise ValueError(f"{value!r} is not a whole number")
    return whole


def _objects(given: list[Any], convert: Any) -> tuple[Any, Any]:
    values = np.empty(len(given), dtype=object)
    nulls = np.zeros(len(given), dtype=bool)
    for i, value in enumerate(given):
        if _is_null(value):
            nulls[i] = True
        else:
            values[i] = convert(value)
    return values, nulls


def _is_null(value: Any) -> bool:
    if value is None:
        return True
    if isinstance(value, (str, bytes, list, dict, tuple, np.ndarray)):
        return False
    import pandas as pd

    return bool(pd.isna(value))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return storable_text(value)


def _bytes(value: Any) -> bytes:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)  # bytes are not copied
    raise TypeError(f"{type(value).__name__} is not bytes")


def _moment(value: Any) -> Any:
    moment = value.to_pydatetime() if hasattr(value, "to_pydatetime") else value
    if getattr(moment, "tzinfo", None) is None:
        raise ValueError(f"{value!r} has no time zone")
    return moment


def _check_size(column: sa.Column[Any], values: Any) -> None:
    """Refuse what does not fit: SQLite would take it, and PostgreSQL say it less clearly."""
    if not len(values):
        return
    kind = column.type
    if isinstance(kind, sa.Integer) and not isinstance(kind, sa.BigInteger):
        bits = 16 if isinstance(kind, sa.SmallInteger) else 32
        largest = max(int(values.max()), -int(values.min()) - 1)
        if largest >= 1 << (bits - 1):
            raise WarehouseError(
                f"Column '{column.table.name}.{column.name}' holds {bits}-bit integers; "
                f"{values.min()} to {values.max()} was given."
            )
    if isinstance(kind, sa.LargeBinary) and kind.length is not None:
        longest = max(
            (len(v) for v in values if v is not None),
            default=0,
        )
        if longest > kind.length:
            raise WarehouseError(
                f"Column '{column.table.name}.{column.name}' holds at most {kind.length} bytes; "
                f"{longest} were given. Cut the array into smaller chunks."
            )
