"""The names that `categorise` is given on standard input, and the table that it answers with."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cue_pipeline.cli.saying import say
from cue_pipeline.errors import SettingsError

if TYPE_CHECKING:
    from cue_pipeline.mapping.names.parsing import NameCategory

# Columns that a name may take; what is longer is cut off, and whole with --json.
NAME_WIDTH = 48
CATEGORY_WIDTH = 16
NARROWEST_REASON = 20


def read_names() -> tuple[str, ...]:
    """Return the lines of standard input that are not empty, without a byte order mark.

    Raises
    ------
    SettingsError
        If they are not UTF-8.
    """
    given = sys.stdin.buffer.read()
    try:
        text = given.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        line = given.count(b"\n", 0, e.start) + 1
        raise SettingsError(
            f"Standard input is not UTF-8: line {line} has the byte 0x{given[e.start]:02x}. Save "
            "the list as UTF-8, or send it through iconv, as in `iconv -f LATIN1 -t UTF-8 FILE`."
        ) from e
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return tuple(line for line in lines if line.strip())


def print_categories(found: Sequence[NameCategory]) -> None:
    """Show each name's category, confidence and reason, as wide as the terminal is.

    Off a terminal each name has one line, whatever its length.
    """
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    limit = NAME_WIDTH if columns is None else min(NAME_WIDTH, max(12, columns * 3 // 8))
    names = [_shown(f.name, limit) for f in found]
    width = max(map(_columns, names), default=0)
    before = width + 2 + CATEGORY_WIDTH + 1 + 4 + 2
    for f, name in zip(found, names, strict=True):
        reasons = [f.reason]
        if columns is not None:
            reasons = textwrap.wrap(f.reason, max(NARROWEST_REASON, columns - before)) or [""]
        padding = " " * (width - _columns(name))
        start = f"{name}{padding}  {f.category or '—':<{CATEGORY_WIDTH}} {f.confidence:4.2f}  "
        say(f"{start}{reasons[0]}".rstrip())
        for reason in reasons[1:]:
            say(f"{'':{before}}{reason}")


def _columns(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)


def _shown(name: str, limit: int) -> str:
    """Return `name` in at most `limit` columns, without what would move a terminal's cursor."""
    from rich.cells import set_cell_size

    start = "".join(c if c.isprintable() else " " for c in name[: limit + 1])
    if len(name) <= limit and _columns(start) <= limit:
        return start
    return set_cell_size(start, limit - 1).rstrip() + "…"
