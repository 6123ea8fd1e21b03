"""Text and tables from files, as Dagster's UI shows them and nobody can abuse."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from cue_pipeline.cue.shown import MOST_OF_A_LINE, MOST_OF_A_NAME, shown

if TYPE_CHECKING:
    from pandas import DataFrame

MOST_ROWS = 200
"""Rows shown of a table: the event log keeps every materialisation's metadata."""


MOST_CHARACTERS = 64 * 1024
"""Of a table or a list, for the same reason."""

MOST_PICTURE_BYTES = 96 * 1024
"""A larger picture is left out: the event log keeps it with every materialisation."""

# Beginnings of addresses by GitHub's Markdown, "Autolinks (extension)", which the UI speaks.
_ADDRESS = re.compile(r"://|@|\bwww(?=\.)", re.IGNORECASE)
_JOINER = "\u2060"


def picture(name: str, svg: str) -> dg.MarkdownMetadataValue:
    """Return an SVG picture as the UI shows it: an image within Markdown, nothing to fetch."""
    size = len(svg.encode())
    if size > MOST_PICTURE_BYTES:
        return dg.MetadataValue.md(f"The picture would take {size // 1024} KiB; it is left out.")
    data = base64.b64encode(svg.encode()).decode()
    return dg.MetadataValue.md(f"![{escape_markdown(name)}](data:image/svg+xml;base64,{data})")


def markdown_table(frame: DataFrame) -> dg.MarkdownMetadataValue:
    """Return a table with one row per row of ``frame``, as many as there is room for."""
    head = [
        "| " + " | ".join(escape_markdown(str(c)) for c in frame.columns) + " |",
        "|" + "---|" * len(frame.columns),
    ]
    rows = (
        "| " + " | ".join(escape_markdown(_cell(value), MOST_OF_A_NAME) for value in row) + " |"
        for row in frame.head(MOST_ROWS).itertuples(index=False)
    )
    shown_rows = _as_fit(rows)
    if left := len(frame) - len(shown_rows):
        shown_rows.append(f"\n{left} more rows are in the database.")
    return dg.MetadataValue.md("\n".join(head + shown_rows))


def markdown_list(texts: Sequence[str], most: int | None = None) -> dg.MarkdownMetadataValue:
    """Return a list of texts, as many as there is room for, and at most ``most``."""
    lines = _as_fit(f"- {escape_markdown(text)}" for text in texts[:most])
    if left := len(texts) - len(lines):
        lines.append(f"- and {left} more")
    return dg.MetadataValue.md("\n".join(lines))


def shown_json_value(value: Any) -> dg.JsonMetadataValue:
    """Return a JSON value with each text in it as it is shown, names at their length."""
    return dg.MetadataValue.json(_shown_within(value))


def _shown_within(value: Any) -> Any:
    if isinstance(value, str):
        return shown(value, MOST_OF_A_NAME)
    if isinstance(value, Mapping):
        return {shown(str(k), MOST_OF_A_NAME): _shown_within(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_shown_within(v) for v in value]
    return value


def _as_fit(lines: Iterable[str]) -> list[str]:
    """Return the first lines, as many as take no more than :data:`MOST_CHARACTERS`."""
    kept: list[str] = []
    room = MOST_CHARACTERS
    for line in lines:
        room -= len(line)
        if room < 0:
            break
        kept.append(line)
    return kept


def _cell(value: object) -> str:
    if value is None or value != value:  # NaN differs from itself
        return ""
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def escape_markdown(text: str, most: int = MOST_OF_A_LINE) -> str:
    """Return text from a file so that Markdown shows it as it is, and links nowhere by it.

    Parameters
    ----------
    text : str
    most : int
        Characters of it that are shown.
    """
    text = shown(text, most).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for mark in "\\`*_{}[]()#+!|~":
        text = text.replace(mark, "\\" + mark)
    # What looks like an address becomes a link, however it is escaped: a mark of no width parts it.
    return _ADDRESS.sub(lambda found: found[0][0] + _JOINER + found[0][1:], text)
