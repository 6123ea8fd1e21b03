"""Labels in a pack: the arrays that say what the score says, stem after stem."""

from __future__ import annotations

import mmap
from collections.abc import Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .source import LABEL_DTYPES, Labels

Array = NDArray[Any]

PER_FRAME = ("beat", "controllers", "complete")
PER_CELL = {
    "sounding": "sounding", "velocity": "sounding", "onsets": "onsets", "categories": "onsets",
    "offsets": "offsets",
}  # fmt: skip
"""Array → the one whose length it shares."""

CELLS = tuple(sorted(set(PER_CELL.values())))
"""The arrays of cells, whose lengths an index has."""

ON_CUE = "cue/"
"""How the names of the files begin whose frames are those of the cue's clock."""


def suffix_of(dtype: str) -> str:
    """Return how the name of a file of some type ends: ``f2`` for float16."""
    found = np.dtype(dtype)
    return f"{found.kind}{found.itemsize}"


def file_of(array: str) -> str:
    """Return the name of an array's file.

    >>> file_of("sounding"), file_of("complete")
    ('sounding.i4', 'complete.b1')
    """
    return f"{array}.{suffix_of(LABEL_DTYPES[array])}"


class PackedLabels:
    """The labels of some stems, memory-mapped.

    Parameters
    ----------
    n_frames : sequence of int
        Of each stem.
    n_cells : mapping of str to sequence of int
        Array of :data:`CELLS` → how many cells each stem has.
    n_controllers : int
    prefix : str
        How the names of the files begin.
    """

    def __init__(
        self,
        n_frames: Sequence[int],
        n_cells: Mapping[str, Sequence[int]],
        n_controllers: int,
        prefix: str = "",
    ) -> None:
        self._frames = [0, *accumulate(n_frames)]
        self._cells = {name: [0, *accumulate(lengths)] for name, lengths in n_cells.items()}
        self._width = {"beat": 2, "controllers": n_controllers, "complete": 1}
        self._prefix = prefix
        self._arrays: dict[str, Array] = {}

    def sizes(self) -> dict[str, int]:
        """Return how many bytes each file has."""
        found = {}
        for name in (*PER_FRAME, *PER_CELL):
            n = (
                self._width[name] * self._frames[-1]
                if name in self._width
                else self._cells[PER_CELL[name]][-1]
            )
            found[self._prefix + file_of(name)] = n * np.dtype(LABEL_DTYPES[name]).itemsize
        return found

    def open(self, folder: Path) -> None:
        """Map the files, which have these sizes."""
        for name in (*PER_FRAME, *PER_CELL):
            array = mapped(folder / (self._prefix + file_of(name)), LABEL_DTYPES[name])
            if name in ("beat", "controllers"):
                # Of no columns the number of rows is not told by the file.
                array = array.reshape(self._frames[-1], self._width[name])
            self._arrays[name] = array

    def read(self, stem: int) -> Labels:
        """Return those of a stem."""
        begin, end = self._frames[stem : stem + 2]
        found = {name: self._arrays[name][begin:end] for name in PER_FRAME}
        for name, of in PER_CELL.items():
            lo, hi = self._cells[of][stem : stem + 2]
            found[name] = self._arrays[name][lo:hi]
        return Labels(**found)


def mapped(path: Path, dtype: str) -> Array:
    """Return a file as an array; a plain one, whose slices cost less than those of np.memmap."""
    kind = np.dtype(dtype).newbyteorder("<")
    if path.stat().st_size == 0:
        return np.empty(0, kind)
    with path.open("rb") as file:
        found = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return np.frombuffer(found, kind)
