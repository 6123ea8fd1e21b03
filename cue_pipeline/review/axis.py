"""One axis of time for a track, its likeliest stem, and all other sounds of the cue.

Conventions
-----------
The axis counts seconds from the first sample of the *reference*: the track's likeliest stem. Where
another sound stands on it is told by knots ``[[axis_seconds, own_seconds], …]``, read as
:mod:`cue_pipeline.hearing.heard_times` reads an alignment's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cue_pipeline.hearing.heard_times import heard_times, is_cut

if TYPE_CHECKING:
    from cue_pipeline.reading.tempo import Tempo

Knots = Sequence[Sequence[float]]
Float64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Clock:
    """What is known of where a sound stands.

    Attributes
    ----------
    knots : knots or None
        Score → sound; None: nothing tells.
    offset_seconds : float or None
        Of its first sample, on the clock of the cue's audio.
    method, confidence, reason
        As the alignment has them.
    """

    knots: Knots | None
    offset_seconds: float | None
    method: str = "none"
    confidence: float | None = None
    reason: str | None = None


def onto(reference: Clock, own: Clock) -> tuple[list[list[float]], str | None]:
    """Return a sound's knots on the reference's axis, and what is in doubt about them."""
    if reference.knots and own.knots:
        score = sorted({float(k[0]) for k in reference.knots} | {float(k[0]) for k in own.knots})
        pairs = zip(heard_times(reference.knots, score), heard_times(own.knots, score), strict=True)
        return [[float(axis), float(at)] for axis, at in pairs], None
    if reference.offset_seconds is not None and own.offset_seconds is not None:
        return [[0.0, reference.offset_seconds - own.offset_seconds]], None
    return [[0.0, 0.0]], (
        "Nothing tells where it stands beside the first: both are drawn from their beginnings."
    )


def notes_on_axis(reference: Clock, seconds: Float64) -> Float64:
    """Return where moments of the score lie on the axis; as in the score, where nothing tells."""
    return heard_times(reference.knots, seconds) if reference.knots else seconds


def left_out(reference: Clock, seconds: Float64) -> NDArray[np.bool_]:
    """Return which moments of the score the reference leaves out."""
    if not reference.knots:
        return np.zeros(len(seconds), np.bool_)
    return is_cut(reference.knots, seconds)


def most_telling(
    own_starts: Float64, all_starts: Float64, end: float, *, span: float = 8.0
) -> float:
    """Return where the passage begins in which a track is densest and most alone.

    Of passages of ``span`` seconds within the recording, the one in which the track's notes, times
    their part in all notes, are most; the earliest of several.

    Parameters
    ----------
    own_starts, all_starts : np.ndarray
        Where notes of the track, and of all tracks with it, begin on the axis.
    end : float
        Where the recording ends.
    """
    within = np.sort(own_starts[(own_starts >= 0.0) & (own_starts < end)])
    if not len(within):
        return 0.0
    others = np.sort(all_starts)
    own = np.searchsorted(within, within + span) - np.arange(len(within))
    total = np.searchsorted(others, within + span) - np.searchsorted(others, within)
    best = int(np.argmax(own * own / np.maximum(total, 1)))
    return float(max(0.0, within[best] - 0.05 * span))


def beats(tempo: Tempo, reference: Clock, most: int = 6_000) -> list[list[float]]:
    """Return ``[axis_seconds, bar, beat]`` of a score's beats, at most so many of them."""
    end = float(tempo.seconds_to_ticks(max(0.0, tempo.duration_seconds)))
    signatures = tempo.time_signatures
    ends = [*(float(row[1]) for row in signatures[1:]), end]
    ticks: Float64 = np.concatenate(
        [
            np.arange(float(tick), until, max(1.0, tempo.ticks_per_beat * 4.0 / denominator))
            for (_, tick, _, denominator), until in zip(signatures, ends, strict=True)
        ]
    )[:most]
    bars, within = tempo.ticks_to_bars(ticks)
    times = notes_on_axis(reference, tempo.ticks_to_seconds(ticks))
    rows: list[list[float]] = np.column_stack([times, bars, within]).tolist()
    return rows
