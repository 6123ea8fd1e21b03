"""How tables are declared, and what can be asked of the declarations.

Columns and links never change once a table is declared: what follows from them is kept. Kinds of
features may still be added.
"""

from functools import cache
from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def column(name: str, type_: Any, doc: str, **options: Any) -> sa.Column[Any]:
    """Return a column; ``key`` marks the primary key, ``null`` allows NULL."""
    info = {k: options.pop(k) for k in ("owner", "references", "vanish", "made_by") if k in options}
    return sa.Column(
        name,
        type_,
        primary_key=options.pop("key", False),
        nullable=options.pop("null", False),
        autoincrement=False,
        doc=doc,
        info=info,
        **options,
    )


def row_key(doc: str) -> sa.Column[Any]:
    """Return the column of a row's id, which ``doc`` says how to derive."""
    return column("id", sa.BigInteger, doc, key=True)


def link(name: str, target: str, doc: str, *, enforced: bool = True, **options: Any) -> Any:
    """Return a column that holds the id of a row of ``target`` (``table.column``)."""
    made = column(name, sa.BigInteger, doc, references=target, **options)
    if enforced:
        made.append_foreign_key(sa.ForeignKey(target))
    return made


def table(name: str, owner: str, doc: str, *parts: Any, **options: Any) -> sa.Table:
    """Return a table.

    Parameters
    ----------
    name, doc : str
    owner : str
        The asset that writes its rows.
    *parts
        Columns and constraints.
    **options
        ``append`` marks a table that only grows; ``kinds`` one that several assets share: whose a
        row is, by its ``feature_type``, in place of ``owner``. All else is SQLAlchemy's.
    """
    info = {
        "owner": owner,
        "doc": doc,
        "append": options.pop("append", False),
        "kinds": options.pop("kinds", {}),
    }
    return sa.Table(name, metadata, *parts, info=info, **options)


def owner(column: sa.Column[Any]) -> str:
    """Return the asset that writes a column; of a shared table, the first of those that do."""
    return str(column.info.get("owner", column.table.info["owner"]))


@cache
def sharing(table: sa.Table) -> sa.Table | None:
    """Return the table whose ``feature_type`` says whose a table's rows are.

    Returns
    -------
    Table or None
        The table itself, or the one that its rows hang on (chunks on their feature); None where
        all rows are one asset's.
    """
    if table.info["kinds"]:
        return table
    link = scope_column(table)
    parent = None if link is None else referred(link).table
    return parent if parent is not None and parent.info["kinds"] else None


def writers(table: sa.Table) -> tuple[str, ...]:
    """Return the assets that write whole rows of a table."""
    shared = sharing(table)
    if shared is None:
        return (str(table.info["owner"]),)
    return tuple(dict.fromkeys(shared.info["kinds"].values()))


def kinds_of(asset: str, table: sa.Table) -> list[str]:
    """Return the feature types that are an asset's in a shared table."""
    return [kind for kind, writer in table.info["kinds"].items() if writer == asset]


def owned_columns(asset: str) -> dict[sa.Table, list[sa.Column[Any]]]:
    """Return what an asset writes: each table with its primary key and the columns it owns.

    Parameters
    ----------
    asset : str
        Name of an asset, as in ``cue_assets.asset``.

    Returns
    -------
    dict of Table to list of Column
        Parents before children; empty where the asset owns nothing. Columns that the warehouse
        fills by itself (``created_at``) are not in it.
    """
    owned = {}
    for table in ordered_tables():
        whole = asset in writers(table)
        own = {
            c.name for c in table.c if (c.info["owner"] == asset if "owner" in c.info else whole)
        }
        if own:
            owned[table] = [
                c for c in table.c if c.primary_key or (c.name in own and "made_by" not in c.info)
            ]
    return owned


@cache
def ordered_tables() -> tuple[sa.Table, ...]:
    """Return all tables, each after those whose rows its own belong to."""
    ordered: list[sa.Table] = []

    def visit(table: sa.Table) -> None:
        if table in ordered:
            return
        link = scope_column(table)
        if link is not None:
            visit(referred(link).table)
        ordered.append(table)

    for table in metadata.tables.values():
        visit(table)
    return tuple(ordered)


@cache
def scope_column(table: sa.Table) -> sa.Column[Any] | None:
    """Return the column by which a row belongs to its cue, directly or through its parent."""
    return next((c for c in table.c if "references" in c.info), None)


def referred(column: sa.Column[Any]) -> sa.Column[Any]:
    """Return the column that a column's values are taken from."""
    table, name = column.info["references"].split(".")
    found: sa.Column[Any] = metadata.tables[table].c[name]
    return found


@cache
def referring(table: sa.Table) -> tuple[sa.Column[Any], ...]:
    """Return the columns of other tables that point at rows of a table."""
    return tuple(
        column
        for other in metadata.tables.values()
        for column in other.c
        if column.info.get("references", "").startswith(f"{table.name}.")
    )
