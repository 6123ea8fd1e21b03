"""What windows are made of, wherever it is kept: a library's tables, or a pack.

Conventions
-----------
A *cell* is ``frame * 128 + pitch``: one pitch in one frame. Cells of a stem are sorted, so that
those of a window lie together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Protocol

from numpy.typing import NDArray

if TYPE_CHECKING:
    from .grid import Grid

Array = NDArray[Any]


@dataclass(frozen=True)
class Item:
    """One stem of a source, or one cue.

    Attributes
    ----------
    cue_key, stem : str
        Its cue, and its name there.
    n_frames : int
        Frames of its mel.
    category : int or tuple of int
        Place in the list of categories; -1: undecided. Of a cue those of its stems.
    start_seconds : float or None
        Its first sample on the clock that the cue's audio shares; None: not known.
    cue : int
        Number of its cue: the same for all its stems.
    n_stems : int
        How many stems it is.
    """

    cue_key: str
    stem: str
    n_frames: int
    category: Any
    start_seconds: float | None
    cue: int
    n_stems: int = 1


@dataclass(frozen=True)
class Labels:
    """What the score says of one stem, on the grid of its mel.

    Attributes
    ----------
    sounding : np.ndarray of int32
        Cells in which a note sounds.
    velocity : np.ndarray of uint8
        Of the note in each of these cells; of several the loudest.
    onsets, offsets : np.ndarray of int32
        Cells in which a note begins, and in which one has ceased to sound.
    categories : np.ndarray of int8
        Category of the part that each onset is of; -1: undecided.
    beat : np.ndarray, shape=(n_frames, 2), dtype=float32
        Bar and beat; 0: the clock is not known there.
    controllers : np.ndarray, shape=(n_frames, n_controllers), dtype=int8
        Value in force; of several parts the highest; -1: none was sent yet.
    complete : np.ndarray of bool, shape=(n_frames,)
        Nothing that is in review or unmatched could sound here.
    """

    sounding: Array
    velocity: Array
    onsets: Array
    offsets: Array
    categories: Array
    beat: Array
    controllers: Array
    complete: Array

    @property
    def nbytes(self) -> int:
        """Bytes that it takes."""
        return sum(getattr(self, f.name).nbytes for f in fields(self))


LABEL_DTYPES = {
    "sounding": "<i4", "velocity": "u1", "onsets": "<i4", "offsets": "<i4", "categories": "i1",
    "beat": "<f4", "controllers": "i1", "complete": "?",
}  # fmt: skip


class Source(Protocol):
    """Where windows come from."""

    grid: Grid
    controllers: tuple[int, ...]
    categories: tuple[str, ...]

    @property
    def items(self) -> Sequence[Item]:
        """The stems, by cue key and name."""
        ...

    def read_mel(self, items: Array, firsts: Array, out: Array) -> None:
        """Fill a batch with frames.

        Parameters
        ----------
        items, firsts : np.ndarray of int64, shape=(n,)
            The stem and the first frame of each window.
        out : np.ndarray, shape=(n, n_frames, n_mels)
            In the grid's dtype. What lies beyond a sound's end is its ``silence_db``.
        """
        ...

    def read_feature(self, field: str, items: Array, firsts: Array, out: Array) -> None:
        """Fill a batch with frames of another feature, as `read_mel` does; if it has any."""
        ...

    def labels(self, item: int) -> Labels:
        """Return what the score says of a stem; of a cue that is refused."""
        ...

    def spans(self, item: int) -> Sequence[tuple[int, int]]:
        """Return of each stem of an item the item's frame on which it begins, and its frames."""
        ...

    def scores(self, item: int) -> Sequence[Labels]:
        """Return what the score says of each stem of an item, in frames of the stem."""
        ...

    def labels_complete(self, item: int) -> Any:
        """Return whether all that sounds in a stem is known; of a cue for each place of a stem."""
        ...

    def read_audio(self, item: int, start: float, rate: int, out: Array) -> None:
        """Fill ``out``, shape=(channels, n), with a stem; shape=(stems, channels, n) with a cue."""
        ...

    def read_mix(self, item: int, start: float, rate: int, out: Array) -> None:
        """Fill ``out`` with samples of the mix of an item's cue, ``start`` on the item's clock."""
        ...


class StemSource(Source, Protocol):
    """A source of stems, which windows of cues can be made of.

    Attributes
    ----------
    left_out : list of (cue_key, stem or None, reason)
    later : dict of int to float
        Seconds, less than half a frame, by which the labels of a stem are put later, for frames of
        a clock that its own do not fall on.
    """

    left_out: list[tuple[str, str | None, str]]
    later: dict[int, float]
