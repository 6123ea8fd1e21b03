"""The part of ``docs/data-model.md`` that is made from the declarations of the tables.

``python -m cue_pipeline.warehouse.schema_page docs/data-model.md`` writes it anew.
"""

import sys
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from cue_pipeline.warehouse import tables as t
from cue_pipeline.warehouse.types import Json, Timestamp

BEGIN = "<!-- made by python -m cue_pipeline.warehouse.schema_page: do not edit below -->"
END = "<!-- do not edit above -->"


def data_model() -> str:
    """Return the picture (Mermaid) and a table of columns for every table, as Markdown."""
    parts = [f"```mermaid\n{_diagram()}\n```"]
    parts += [_section(table) for table in t.ordered_tables()]
    return "\n\n".join(parts)


def with_data_model(page: str) -> str:
    """Return a page with what stands between the two marks made anew."""
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{data_model()}\n\n{END}{tail}"


def _diagram() -> str:
    links = [c for table in t.ordered_tables() for c in table.c if "references" in c.info]
    lines = ["erDiagram", *(f"    {_line(c)}" for c in links)]
    for table in t.ordered_tables():
        keys = [c for c in table.c if _marks(c)]
        lines.append(f"    {table.name} {{")
        lines += [f"        {_type(c).split('(')[0]} {c.name} {_marks(c)}" for c in keys]
        lines.append("    }")
    return "\n".join(lines)


def _line(column: sa.Column[Any]) -> str:
    """Return a relation: at most one child where the link is the whole key."""
    alone = column.primary_key and len(column.table.primary_key.columns) == 1
    parent = "|o" if column.nullable else "||"
    child = "o|" if alone else "o{"
    return f"{t.referred(column).table.name} {parent}--{child} {column.table.name} : {column.name}"


def _marks(column: sa.Column[Any]) -> str:
    marks = ["PK"] * column.primary_key + ["FK"] * ("references" in column.info)
    return ", ".join(marks)


def _section(table: sa.Table) -> str:
    rows = "\n".join(_row(column) for column in table.c)
    keys = ", ".join(f"`{c.name}`" for c in table.primary_key.columns)
    unique = [
        ", ".join(f"`{c.name}`" for c in constraint.columns)
        for constraint in table.constraints
        if isinstance(constraint, sa.UniqueConstraint)
    ]
    indexes = [", ".join(f"`{c.name}`" for c in index.columns) for index in table.indexes]
    facts = [_owners(table), f"key: {keys}"]
    facts += [f"unique: {u}" for u in sorted(unique)]
    facts += [f"index: {i}" for i in sorted(indexes)]
    return (
        f"### `{table.name}`\n\n{table.info['doc']}\n\n{' · '.join(facts)}\n\n"
        f"| column | type | what it holds |\n|---|---|---|\n{rows}"
    )


def _owners(table: sa.Table) -> str:
    if table.info["kinds"]:
        whose = ", ".join(f"`{asset}` (`{kind}`)" for kind, asset in table.info["kinds"].items())
        return f"Owner by `feature_type`: {whose}"
    shared = t.sharing(table)
    return f"Owner: `{table.info['owner']}`" if shared is None else f"Owner: as `{shared.name}`"


def _row(column: sa.Column[Any]) -> str:
    text = str(column.doc).replace("|", "\\|")
    if "references" in column.info:
        text += f" → `{column.info['references']}`"
    if "owner" in column.info:
        text += f" Owner: `{column.info['owner']}`."
    null = ", NULL" if column.nullable else ""
    return f"| `{column.name}` | {_type(column)}{null} | {text} |"


def _type(column: sa.Column[Any]) -> str:
    """Return PostgreSQL's name of a column's type."""
    kind = column.type
    if isinstance(kind, Json):
        return "jsonb"
    if isinstance(kind, Timestamp):
        return "timestamptz"
    if isinstance(kind, sa.LargeBinary):
        return "bytea"
    names = {"SMALLINT": "smallint", "BIGINT": "bigint", "DOUBLE": "double"}
    return names.get(str(kind), str(kind).lower())


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_data_model(path.read_text(encoding="utf-8")), encoding="utf-8")
