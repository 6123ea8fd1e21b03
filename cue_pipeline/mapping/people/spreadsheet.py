"""The mappings of a library as a CSV file that people edit in a spreadsheet.

Conventions
-----------
UTF-8 with a byte-order mark, which spreadsheets need to read it as UTF-8. The columns before
``found_canonical_name`` may be edited; ``found_…`` keep what the program found, so that a line is
changed exactly when it differs from its own ``found_…`` columns, however old the file is.

A cell that a spreadsheet would take for a formula is written with an apostrophe before it, and read
without: names of tracks are other people's data.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cue_pipeline.errors import MappingError

SHEET_COLUMNS: Final = (
    "cue_key", "file_path", "track_index", "port", "part_channel", "track_name", "canonical_name",
    "instrument_category", "state", "note", "found_canonical_name",
    "found_instrument_category", "found_state", "confidence", "name_score", "evidence_score",
    "reason", "candidates",
)  # fmt: skip
_FORMULA: Final = tuple("=+-@\t\r'")
_DELIMITERS: Final = (",", ";", "\t")
_WHAT: Final = (
    "It needs a heading line with 'cue_key', 'track_name' or 'track_index', and "
    "'canonical_name' or 'instrument_category'; `cue-pipeline mappings export` writes one."
)


@dataclass(frozen=True, slots=True)
class SheetLine:
    """One line of the file; columns that it does not have are not in ``cells``."""

    number: int
    cells: Mapping[str, str]

    def get(self, column: str) -> str | None:
        """Return a cell without surrounding blanks; None where the file has no such column."""
        cell = self.cells.get(column)
        return None if cell is None else cell.strip()


def sheet_text(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the file's lines.

    Parameters
    ----------
    rows : iterable of mapping
        ``cue_key`` and the keys of :data:`cue_pipeline.library.decisions.COLUMNS`.
    """
    yield "\ufeff" + _written(SHEET_COLUMNS)
    for row in rows:
        cells = dict(row)
        for column in ("canonical_name", "instrument_category", "state"):
            cells[f"found_{column}"] = row.get(column)
        cells["note"] = None
        cells["candidates"] = " | ".join(
            f"{c['canonical_name']} {c['confidence']:.2f}" for c in row.get("candidates") or ()
        )
        yield _written([_cell(cells.get(column)) for column in SHEET_COLUMNS])


def _written(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3f}"
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _uncelled(text: str) -> str:
    return text[1:] if text[:1] == "'" and text[1:].startswith(_FORMULA) else text


def read_sheet(path: Path) -> list[SheetLine]:
    """Return the lines of a CSV file; commas, semicolons or tabs part the cells.

    Raises
    ------
    MappingError
        If it cannot be read, is not UTF-8, or has not the columns that are needed.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as e:
        raise MappingError(
            f"'{path}' cannot be read: {e.strerror}. Give a file that `cue-pipeline mappings "
            "export` wrote."
        ) from e
    except UnicodeDecodeError as e:
        raise MappingError(
            f"'{path}' is not UTF-8 (byte {e.start}). Save it from the spreadsheet as 'CSV UTF-8'."
        ) from e
    heading = text.split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=heading.count)
    # A name may be longer than csv's usual limit; what was exported is to be read again.
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        columns = [name.strip() for name in next(reader, [])]
        _check_columns(path, columns)
        lines, number = [], reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                named = zip(columns, map(_uncelled, cells), strict=False)  # short lines say less
                lines.append(SheetLine(number, dict(named)))
            number = reader.line_num + 1
    except csv.Error as e:
        raise MappingError(f"'{path}', line {reader.line_num}, is no CSV: {e}.") from e
    return lines


def _check_columns(path: Path, columns: list[str]) -> None:
    needed = (
        {"cue_key"},
        {"track_name", "track_index"},
        {"canonical_name", "instrument_category"},
    )
    if not all(some.intersection(columns) for some in needed):
        raise MappingError(f"'{path}' begins with {', '.join(columns)[:200]!r}. {_WHAT}")
    twice = sorted({name for name in columns if name and columns.count(name) > 1})
    if twice:
        raise MappingError(f"'{path}' has the column '{twice[0]}' more than once. {_WHAT}")
