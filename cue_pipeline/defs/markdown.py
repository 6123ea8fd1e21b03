"""Text and tables from files, as Markdown that Dagster's UI shows and nobody can abuse."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import dagster as dg

from cue_pipeline.cue.shown import shown

if TYPE_CHECKING:
    from pandas import DataFrame

MOST_ROWS = 200
"""Rows shown of a table: the event log keeps every materialisation's metadata."""


MOST_PICTURE_BYTES = 96 * 1024
"""A larger picture is left out: the event log keeps it with every materialisation."""


def picture(name: str, svg: str) -> dg.MarkdownMetadataValue:
    """Return an SVG picture as the UI shows it: an image within Markdown, nothing to fetch."""
    size = len(svg.encode())
    if size > MOST_PICTURE_BYTES:
        return dg.MetadataValue.md(f"The picture would take {size // 1024} KiB; it is left out.")
    data = base64.b64encode(svg.encode()).decode()
    return dg.MetadataValue.md(f"![{escape_markdown(name)}](data:image/svg+xml;base64,{data})")


def markdown_table(frame: DataFrame) -> dg.MarkdownMetadataValue:
    """Return a table with one row per row of ``frame``, at most :data:`MOST_ROWS`."""
    lines = [
        "| " + " | ".join(escape_markdown(str(c)) for c in frame.columns) + " |",
        "|" + "---|" * len(frame.columns),
    ]
    lines += [
        "| " + " | ".join(escape_markdown(_cell(value)) for value in row) + " |"
        for row in frame.head(MOST_ROWS).itertuples(index=False)
    ]
    if len(frame) > MOST_ROWS:
        lines.append(f"\n{len(frame) - MOST_ROWS} more rows are in the database.")
    return dg.MetadataValue.md("\n".join(lines))


def _cell(value: object) -> str:
    if value is None or value != value:  # NaN differs from itself
        return ""
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def escape_markdown(text: str) -> str:
    """Return text from a file so that Markdown shows it as it is."""
    text = shown(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for mark in "\\`*_{}[]()#+!|~":
        text = text.replace(mark, "\\" + mark)
    return text
