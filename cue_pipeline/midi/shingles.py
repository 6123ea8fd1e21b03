"""What a piece of music is made of, free of key and tempo: to find it again in other versions.

Conventions
-----------
A *shingle* is eight notes of one part that follow each other, as the seven intervals between them:
the same in every key, at every tempo, with every rhythm. Notes of a chord follow each other from
the lowest up; the order within a chord is not the player's. Strokes on a drum kit have no
intervals, and a shingle of fewer than three different intervals (a repeated note, a trill) is no
sign of anything: both are left out.

A *sketch* is the smallest of the hashes of all shingles: a sample that is drawn alike from every
piece, so that two of them tell how much the pieces share.

References
----------
Broder, A. On the resemblance and containment of documents. Proc. SEQUENCES 1997.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

UInt64Array = npt.NDArray[np.uint64]

NOTES: Final = 8
"""Notes of a shingle."""

SKETCH: Final = 512
"""Hashes of a sketch at most: 4 KiB."""

FEWEST_COMPARED: Final = 16
"""Shingles of the smaller piece that have to be compared for anything to be said."""

_CHORD_QUARTERS: Final = 1 / 24  # closer onsets are of one chord: 21 ms at 120 a minute


@dataclass(frozen=True, slots=True)
class Sketch:
    """A sample of the shingles of a piece.

    Attributes
    ----------
    hashes : np.ndarray, shape=(n,), dtype=uint64
        The smallest, ascending; all there are where ``n`` is below :data:`SKETCH`.
    n_shingles : int
        How many different ones the piece has.
    """

    hashes: UInt64Array
    n_shingles: int

    @property
    def is_whole(self) -> bool:
        """Whether no shingle was left out."""
        return len(self.hashes) == self.n_shingles

    def to_bytes(self) -> bytes:
        """Return the hashes, little-endian."""
        return self.hashes.astype("<u8").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes, n_shingles: int) -> "Sketch":
        """Return the sketch of which these are the hashes."""
        return cls(np.frombuffer(data, "<u8").astype(np.uint64), n_shingles)


def shingles(
    part: npt.NDArray[np.int64],
    start_quarters: npt.NDArray[np.float64],
    pitch: npt.NDArray[np.int_],
) -> UInt64Array:
    """Return the hashes of the shingles of some parts, each once, ascending.

    Parameters
    ----------
    part : np.ndarray, shape=(n_notes,)
        Which part a note is of.
    start_quarters : np.ndarray, shape=(n_notes,)
        When it starts, in quarter notes.
    pitch : np.ndarray, shape=(n_notes,)
        0 to 127.
    """
    if len(part) < NOTES:
        return np.empty(0, np.uint64)
    order = np.lexsort((start_quarters, part))
    part, start, pitch = part[order], start_quarters[order], pitch[order]
    new_part = np.diff(part, prepend=part[0] - 1) != 0
    chord = np.cumsum(new_part | (np.diff(start, prepend=start[0]) > _CHORD_QUARTERS))
    order = np.lexsort((pitch, chord))
    part, chord, pitch = part[order], chord[order], pitch[order]
    once = (np.diff(chord, prepend=-1) != 0) | (np.diff(pitch, prepend=-1) != 0)
    part, pitch = part[once], pitch[once]
    if len(part) < NOTES:
        return np.empty(0, np.uint64)
    steps = np.diff(pitch).astype(np.int16)
    windows = np.lib.stride_tricks.sliding_window_view(steps, len(steps) - NOTES + 2)
    least, most = windows.min(axis=0), windows.max(axis=0)
    # An interval that is neither the least nor the most is a third one.
    varied = ((windows != least) & (windows != most)).any(axis=0)
    kept = varied & (part[: len(varied)] == part[NOTES - 1 :])
    packed = np.zeros(np.count_nonzero(kept), np.uint64)
    for place, step in enumerate(windows):  # 1 to 255: eight bits each
        packed |= (step[kept] + 128).astype(np.uint64) << np.uint64(8 * place)
    return _distinct(_mixed(packed))


def sketch_of(hashes: Iterable[UInt64Array]) -> Sketch:
    """Return the sketch of a piece from the shingles of its parts or files."""
    every = _distinct(np.concatenate([np.empty(0, np.uint64), *hashes]))
    return Sketch(every[:SKETCH], len(every))


def shared(a: Sketch, b: Sketch) -> float | None:
    """Return which part of the shingles of the smaller of two pieces is in the other.

    Returns
    -------
    float or None
        0 to 1; None where there are too few to tell. Estimated from those hashes that the
        sketches of both must have: its standard error is below 0.03 at 0.15 where both are full.
    """
    if a.n_shingles > b.n_shingles:
        a, b = b, a
    below = min((s.hashes[-1] for s in (a, b) if not s.is_whole), default=None)
    mine = a.hashes if below is None else a.hashes[a.hashes <= below]
    if len(mine) < FEWEST_COMPARED:
        return None
    return float(np.isin(mine, b.hashes, assume_unique=True).mean())


def _distinct(values: UInt64Array) -> UInt64Array:
    """Return each value once, ascending: in a quarter of the time that ``np.unique`` takes."""
    ranked = np.sort(values)
    once: UInt64Array = ranked[np.diff(ranked, prepend=~ranked[:1]) != 0]
    return once


def _mixed(values: UInt64Array) -> UInt64Array:
    """Return values spread over all of 64 bits, one to one (the finaliser of SplitMix64)."""
    z = values + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
