"""Rows of an index, on the disk while a data set is written: memory does not grow with them."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cue_pipeline.training.exports.unfinished import ROWS


class RowLog:
    """Rows that are appended, and survive a kill as far as was noted.

    Parameters
    ----------
    folder : Path
        Of the data set.
    length : int
        Bytes of it that count; what lies beyond is of a kill, and goes.
    """

    def __init__(self, folder: Path, length: int = 0) -> None:
        self._path = folder / ROWS
        self._path.touch()
        os.truncate(self._path, length)

    def add(self, rows: Iterable[Mapping[str, Any]]) -> int:
        """Append rows, have them on the disk, and return the length to note."""
        with self._path.open("a", encoding="utf-8") as file:
            for row in rows:
                file.write(json.dumps(row) + "\n")
            file.flush()
            os.fsync(file.fileno())
            return file.tell()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        with self._path.open(encoding="utf-8") as file:
            for line in file:
                yield json.loads(line)

    def write_csv(self, path: Path, columns: Sequence[str]) -> None:
        """Write all rows as CSV (RFC 4180, UTF-8)."""
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            for row in self:
                writer.writerow([_cell(row[name]) for name in columns])


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value)
    return "" if value is None else value


def flush(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
