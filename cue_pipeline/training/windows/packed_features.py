"""Features beside mel in a pack: frames × columns, stem after stem, a file for each kind.

Notes
-----
``features`` of ``index.json`` has for each field (``feature.chroma``) the ``columns`` of a frame,
their ``dtype``, what ``silence`` has, and ``n_frames`` of each stem, which may be fewer or more
than those of its mel.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .packed_labels import mapped, suffix_of

Array = NDArray[Any]


def feature_file(field: str, dtype: str) -> str:
    """Return the name of a field's file.

    >>> feature_file("feature.chroma", "float16")
    'feature.chroma.f2'
    """
    return f"{field}.{suffix_of(dtype)}"


def feature_sizes(index: Mapping[str, Any]) -> dict[str, int]:
    """Return how many bytes the files of features have; none where a pack has none."""
    return {
        feature_file(field, told["dtype"]): sum(told["n_frames"])
        * told["columns"]
        * np.dtype(told["dtype"]).itemsize
        for field, told in index.get("features", {}).items()
    }


class PackedFeatures:
    """The features of the stems of a pack.

    Parameters
    ----------
    folder : Path
    index : mapping

    Attributes
    ----------
    shapes : dict of str to (int, str)
        Field → columns of a frame, and their type.
    """

    def __init__(self, folder: Path, index: Mapping[str, Any]) -> None:
        self.shapes: dict[str, tuple[int, str]] = {}
        self._of: dict[str, tuple[Array, list[int], float]] = {}
        for field, told in index.get("features", {}).items():
            columns, dtype = int(told["columns"]), str(told["dtype"])
            frames = mapped(folder / feature_file(field, dtype), dtype).reshape(-1, columns)
            self.shapes[field] = columns, dtype
            self._of[field] = frames, [0, *accumulate(told["n_frames"])], float(told["silence"])

    def frames(self, field: str, stem: int) -> Array:
        """Return all frames of a stem, shape=(n_frames, columns)."""
        frames, ends, _ = self._of[field]
        return frames[ends[stem] : ends[stem + 1]]

    def read(self, field: str, stem: int, first: int, out: Array) -> None:
        """Fill an array with a stem's frames from ``first`` on, silence beyond their end."""
        found = self.frames(field, stem)[first : first + len(out)]
        out[: len(found)] = found
        out[len(found) :] = self._of[field][2]
