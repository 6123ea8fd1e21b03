"""The score of a stem as cells and curves on the grid of its mel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cue_pipeline.errors import TrainingError
from cue_pipeline.training.windows.grid import MOST_FRAMES, PITCHES, Grid
from cue_pipeline.training.windows.source import LABEL_DTYPES, Labels

if TYPE_CHECKING:
    from cue_pipeline.reading.stem_scores import StemScore

Array = NDArray[Any]
_VELOCITY_BITS, _LOUDEST = 7, 127


def labels_of(
    score: StemScore,
    grid: Grid,
    n_frames: int,
    controllers: Sequence[int],
    categories: Mapping[str, int],
    later: float = 0.0,
) -> Labels:
    """Return what the score says of a stem, frame by frame.

    Parameters
    ----------
    score : StemScore
    grid : Grid
    n_frames : int
        Frames of the stem's mel.
    controllers : sequence of int
        MIDI controllers to follow.
    categories : mapping of str to int
        Category → its number.
    later : float
        Seconds by which everything is put later: what frames of another clock are off the stem's.

    Raises
    ------
    TrainingError
        If the stem is longer than 2³¹ cells.
    """
    if n_frames > MOST_FRAMES:
        raise TrainingError(f"A stem of {n_frames:,} frames is longer than {MOST_FRAMES:,}.")
    notes = score.notes
    pitch, ends = notes["note"], notes["ends"]
    first = grid.frame_at(notes["start"] + later)
    # A note sounds in one frame at least; one whose end is not to be trusted in just one.
    last = np.maximum(first + 1, grid.frame_at(notes["end"] + later))
    last = np.where(ends, last, first + 1)
    sounding, loudest = _sounding(first, last, pitch, notes["velocity"], n_frames)
    onsets, categories_of = _onsets(
        first,
        pitch,
        np.array([categories.get(c or "", -1) for c in score.categories], np.int8)[
            notes["category"]
        ],
        n_frames,
    )
    parts = {
        "sounding": sounding,
        "velocity": loudest,
        "onsets": onsets,
        "offsets": _cells(last[ends], pitch[ends], n_frames),
        "categories": categories_of,
        "beat": score.bars_beats(grid.seconds_of(np.arange(n_frames)) - later),
        "controllers": _curves(score, grid, n_frames, controllers, later),
        "complete": _complete(score, grid, n_frames, later),
    }
    return Labels(
        **{name: np.ascontiguousarray(parts[name], LABEL_DTYPES[name]) for name in LABEL_DTYPES}
    )


def _sounding(
    first: Array, last: Array, pitch: Array, velocity: Array, n_frames: int
) -> tuple[Array, Array]:
    """Return the cells in which notes sound, each once, with the loudest velocity there."""
    first, last = np.clip(first, 0, n_frames), np.clip(last, 0, n_frames)
    lengths = last - first
    before = np.cumsum(lengths) - lengths
    frames = np.arange(lengths.sum()) + np.repeat(first - before, lengths)
    cells = frames * PITCHES + np.repeat(pitch, lengths)
    # As one number, the loudest of a cell first: sorted faster than pairs, and mostly in order.
    quietness = _LOUDEST - np.repeat(velocity, lengths)
    ordered = np.sort((cells << _VELOCITY_BITS) | quietness, kind="stable")
    cells = ordered >> _VELOCITY_BITS
    new = np.r_[True, cells[1:] != cells[:-1]] if len(cells) else np.empty(0, bool)
    return cells[new], _LOUDEST - (ordered[new] & _LOUDEST)


def _onsets(first: Array, pitch: Array, category: Array, n_frames: int) -> tuple[Array, Array]:
    inside = (first >= 0) & (first < n_frames)
    cells = first[inside] * PITCHES + pitch[inside]
    order = np.argsort(cells, kind="stable")
    return cells[order], category[inside][order]


def _cells(frames: Array, pitch: Array, n_frames: int) -> Array:
    inside = (frames >= 0) & (frames < n_frames)
    return np.sort(frames[inside] * PITCHES + pitch[inside])


def _curves(
    score: StemScore, grid: Grid, n_frames: int, controllers: Sequence[int], later: float
) -> Array:
    """Return the value of each controller in each frame; of several parts the highest."""
    found = np.full((n_frames, len(controllers)), -1, np.int8)
    events = score.controllers
    begins = np.clip(grid.frame_at(events["time"] + later), 0, n_frames)
    curves = events["cc_number"] + 128 * events["part"]
    order = np.argsort(curves, kind="stable")
    for own in np.split(order, np.flatnonzero(np.diff(curves[order])) + 1) if len(order) else ():
        number = int(events["cc_number"][own[0]])
        if number not in controllers:
            continue
        values = np.r_[-1, events["cc_value"][own]].astype(np.int8)
        # Each holds until the next; of several in one frame the last.
        curve = np.repeat(values, np.diff(begins[own], prepend=0, append=n_frames))
        column = found[:, controllers.index(number)]
        np.maximum(column, curve, out=column)
    return found


def _complete(score: StemScore, grid: Grid, n_frames: int, later: float) -> Array:
    complete = np.full(n_frames, score.unknown is None)
    for start, end in score.doubts:
        first, last = np.clip(grid.frame_at([start + later, end + later]), -1, n_frames)
        complete[max(0, first) : last + 1] = False
    return complete
