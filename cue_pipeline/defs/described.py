"""What the UI says of an asset before anything was run: its tables, their columns, its owner."""

from __future__ import annotations

from typing import Any

import dagster as dg
import sqlalchemy as sa

from cue_pipeline.library import graph
from cue_pipeline.warehouse.tables import owned_columns, owner, writers

OWNERS = ("team:music-data",)

_TYPES: tuple[tuple[type[Any], str], ...] = (
    (sa.BigInteger, "bigint"),
    (sa.SmallInteger, "smallint"),
    (sa.Integer, "integer"),
    (sa.Double, "double"),
    (sa.Boolean, "boolean"),
    (sa.LargeBinary, "bytes"),
    (sa.Text, "text"),
)


def asset_metadata(asset: str) -> dict[str, Any]:
    """Return the relation and the columns of an asset.

    Parameters
    ----------
    asset : str

    Returns
    -------
    dict
        ``dagster/relation_identifier`` and ``dagster/column_schema`` of its main table, the first
        whose rows it owns; ``columns of TABLE`` of each further one.
    """
    owned = owned_columns(asset)
    whole = [table for table in owned if asset in writers(table)]
    main = whole[0]
    described: dict[str, Any] = {
        "dagster/relation_identifier": main.name,
        "dagster/column_schema": column_schema(main),
        "tables": ", ".join(table.name for table in owned),
    }
    for table, columns in owned.items():
        if table is not main:
            described[f"columns of {table.name}"] = column_schema(
                table, None if table in whole else [c.name for c in columns]
            )
    return described


def column_schema(table: sa.Table, names: list[str] | None = None) -> dg.TableSchema:
    """Return the columns of a table, or those named, as Dagster shows them."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=column.name,
                type=_type(column),
                description=_doc(column),
                constraints=dg.TableColumnConstraints(
                    nullable=bool(column.nullable), unique=bool(column.unique)
                ),
            )
            for column in table.columns
            if names is None or column.name in names
        ],
        constraints=dg.TableConstraints(other=[f"primary key: {_key(table)}"]),
    )


def asset_tags(asset: str) -> dict[str, str]:
    """Return tags to find an asset by: which of a cue's files it depends on."""
    return {f"cue_pipeline/reads_{kind}": "" for kind in sorted(graph.sources(asset))}


def _key(table: sa.Table) -> str:
    return ", ".join(column.name for column in table.primary_key.columns)


def _doc(column: sa.Column[Any]) -> str:
    writer = owner(column)
    shared = "" if writer == column.table.info["owner"] else f" Written by `{writer}`."
    return (column.doc or "") + shared


def _type(column: sa.Column[Any]) -> str:
    kind = column.type
    if isinstance(kind, sa.types.TypeDecorator):
        return type(kind).__name__.lower()
    return next((name for cls, name in _TYPES if isinstance(kind, cls)), str(kind).lower())
