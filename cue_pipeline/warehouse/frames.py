"""Query results as pandas frames, column by column."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import sqlalchemy as sa

from cue_pipeline.warehouse.types import Json, Timestamp

if TYPE_CHECKING:
    import pandas as pd


def read_frame(
    connection: sa.Connection,
    table: sa.Table,
    columns: Sequence[sa.Column[Any]],
    condition: sa.ColumnElement[bool],
) -> "pd.DataFrame":
    """Return the rows of a table that meet a condition, in the order of its key.

    Returns
    -------
    DataFrame
        int64 (Int64 where the column allows NULL), float64, bool, or objects: see
        :meth:`cue_pipeline.warehouse.store.Store.read`.
    """
    import pandas as pd

    query = sa.select(*columns).where(condition).order_by(*table.primary_key.columns)
    rows = connection.execute(query).all()
    by_column: Any = zip(*rows, strict=True) if rows else ((),) * len(columns)
    return pd.DataFrame(
        {c.name: _series(values, c) for c, values in zip(columns, by_column, strict=True)}
    )


def _series(values: Sequence[Any], column: sa.Column[Any]) -> "pd.Series[Any]":
    import pandas as pd

    kind = column.type
    if isinstance(kind, sa.Integer):
        if column.nullable:
            return pd.Series(values, dtype="Int64")
        return pd.Series(np.array(values, dtype=np.int64))
    if isinstance(kind, sa.Double):
        return pd.Series(np.array(values, dtype=np.float64))
    if isinstance(kind, Timestamp):
        return pd.Series(pd.to_datetime(list(values), utc=True))
    if isinstance(kind, (sa.LargeBinary, Json)) or not isinstance(kind, sa.Boolean):
        return pd.Series(_objects(values))
    return pd.Series(values, dtype="boolean" if column.nullable else "bool")


def _objects(values: Sequence[Any]) -> "pd.Series[Any]":
    import pandas as pd

    objects = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        objects[i] = bytes(value) if isinstance(value, memoryview) else value
    return pd.Series(objects, dtype=object)
