"""Which rows are a cue's: the path from a table to ``cues``."""

from typing import Any

import sqlalchemy as sa

from cue_pipeline.errors import WarehouseError
from cue_pipeline.warehouse import tables as t


def cue_id(cue_key: str | sa.BindParameter[str]) -> sa.ScalarSelect[int]:
    """Return the query for a cue's id: its key does not tell it, since the cue may have moved."""
    return sa.select(t.cues.c.id).where(t.cues.c.cue_key == cue_key).scalar_subquery()


def of_cue(
    table: sa.Table, cue_id: int | sa.ScalarSelect[int], cue_key: str, asset: str | None = None
) -> sa.ColumnElement[bool]:
    """Return the condition under which a row of a table belongs to a cue.

    Parameters
    ----------
    table : Table
        Whose rows.
    cue_id : int, or a query for it
    cue_key : str
    asset : str, optional
        Where this asset shares the table, only its own rows.

    Raises
    ------
    WarehouseError
        If the table's rows belong to no cue (``llm_calls``).
    """
    if table is t.cues:
        return t.cues.c.id == cue_id
    link = t.scope_column(table)
    if link is None:
        raise WarehouseError(
            f"Rows of '{table.name}' belong to no single cue; ask for them by their key."
        )
    target = t.referred(link)
    if target is t.cues.c.id:
        return link == cue_id
    if target is t.cues.c.cue_key:
        return link == cue_key
    within = link.in_(sa.select(target).where(of_cue(target.table, cue_id, cue_key, asset)))
    kinds = [] if asset is None else t.kinds_of(asset, table)
    return sa.and_(within, table.c.feature_type.in_(kinds)) if kinds else within


def columns_named(table_name: str, names: Any) -> tuple[sa.Table, list[sa.Column[Any]]]:
    """Return a table and its columns by name, all of them for None.

    Raises
    ------
    WarehouseError
        If there is no such table or column.
    """
    table = t.metadata.tables.get(table_name)
    if table is None:
        raise WarehouseError(
            f"There is no table '{table_name}'; there are {sorted(t.metadata.tables)}."
        )
    if names is None:
        return table, list(table.c)
    unknown = [n for n in names if n not in table.c]
    if unknown:
        raise WarehouseError(
            f"Table '{table_name}' has no column {unknown}; it has {list(table.c.keys())}."
        )
    return table, [table.c[n] for n in names]
