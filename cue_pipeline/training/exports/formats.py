"""What an export is asked for, and what every format can do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from cue_pipeline.errors import ExportError

if TYPE_CHECKING:
    from cue_pipeline.reading import Library

FORMATS: Mapping[str, str] = {
    "pack": "cue_pipeline.training.exports.pack:PackFormat",
    "parquet": "cue_pipeline.training.exports.parquet_tables:Parquet",
    "slakh": "cue_pipeline.training.exports.slakh:Slakh",
    "webdataset": "cue_pipeline.training.exports.tar_shards:Webdataset",
}
"""Format → ``module:class`` of what writes and verifies it; imported when it is asked for."""


@dataclass(frozen=True)
class Request:
    """What is to be exported.

    Attributes
    ----------
    library : Library
        Opened for reading, with the root where the files are.
    out : Path
        The folder that holds the data set in the end; not there yet, or empty.
    license : str
        Under which it is handed on, as people read it: ``CC-BY-4.0``, ``internal use only``.
    split : str or None
        Only cues of this split; None: all.
    resume : bool
        Go on with what an interrupted export has left.
    say : callable
        Takes a line of progress.
    options : mapping
        What only this format knows.
    """

    library: Library
    out: Path
    license: str
    split: str | None = None
    resume: bool = False
    say: Callable[[str], None] = lambda _: None
    options: Mapping[str, Any] = field(default_factory=dict)


class Format(Protocol):
    """One format of data sets on disk.

    Attributes
    ----------
    compared : str
        What of a data set is held against the tables.
    """

    compared: str

    def write(self, request: Request) -> Mapping[str, Any]:
        """Write a data set and finish it; return counts for people, such as ``cues``, ``stems``.

        Raises
        ------
        ExportError
            If it cannot be written, or what is there already stands in its way.
        """
        ...

    def faults(self, out: Path, library: Library | None) -> list[str]:
        """Return what is wrong with a data set whose files are those of its manifest.

        Parameters
        ----------
        out : Path
            Its folder.
        library : Library or None
            What it was made of, to be held against; None: only what the folder says of itself.
        """
        ...

    def notes(self, out: Path) -> list[str]:
        """Return what a whole data set lacks that this version would write, and what to do."""
        ...


def format_named(name: str) -> Format:
    """Return what writes and verifies a format.

    Raises
    ------
    ExportError
        If there is no such format.
    """
    if name not in FORMATS:
        known = ", ".join(FORMATS) or "none"
        raise ExportError(f"There is no export format {name!r}; this version knows {known}.")
    module, _, kind = FORMATS[name].partition(":")
    made: Format = getattr(import_module(module), kind)()
    return made
