"""Where a note of the score is heard in a file, and what the score says at a moment of the file.

Conventions
-----------
An alignment is a list of knots, pairs of a score's time (seconds from the start of the MIDI
file) and a file's (seconds from its first sample), in order, rising in both. Between two knots time
runs evenly; before the first and after the last, as fast as in the score. This is ``knots`` of the
table ``stem_alignments``; ``alignment_segments`` holds the same for SQL.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cue_pipeline.errors import MappingError

Float64 = NDArray[np.float64]
Knots = Sequence[Sequence[float]]

SEGMENT_COLUMNS = (
    "midi_file_id",
    "audio_file_id",
    "segment_index",
    "score_from",
    "score_until",
    "score_seconds",
    "audio_seconds",
    "slope",
)
ENDLESS_SECONDS = 1e9
CUT_SLOPE = 0.05  # seconds of sound for one of the score: what is shorter is cut
_SAME_SLOPE = 1e-9


def heard_times(knots: Knots, seconds: ArrayLike) -> Float64:
    """Return where moments of the score are heard.

    Parameters
    ----------
    knots : sequence of (score_seconds, audio_seconds)
        ``knots`` of a row of ``stem_alignments``.
    seconds : array_like
        Times of the score; any shape.

    Returns
    -------
    np.ndarray
        Seconds from the file's first sample, of the shape of ``seconds``; less than 0, or beyond
        its end, where the moment is not in the recording.

    Raises
    ------
    MappingError
        If the knots are not pairs that rise in both times.
    """
    score, audio = _columns(knots)
    return _along(np.asarray(seconds, np.float64), score, audio)


def score_times(knots: Knots, seconds: ArrayLike) -> Float64:
    """Return what moment of the score is heard at moments of a file: inverse of `heard_times`.

    Parameters
    ----------
    knots : sequence of (score_seconds, audio_seconds)
    seconds : array_like
        Seconds from the file's first sample; any shape.

    Returns
    -------
    np.ndarray
        Seconds from the start of the MIDI file.

    Raises
    ------
    MappingError
        If the knots are not pairs that rise in both times.
    """
    score, audio = _columns(knots)
    return _along(np.asarray(seconds, np.float64), audio, score)


def none_within(
    heard_starts: ArrayLike, heard_ends: ArrayLike, recording_seconds: float
) -> str | None:
    """Return that no note is heard within a recording, and where they lie; None: one is.

    Parameters
    ----------
    heard_starts, heard_ends : array_like, shape=(n_notes,)
        Where the notes begin and end, seconds from the recording's beginning; at least one note.
    recording_seconds : float
        Its length.
    """
    starts, ends = np.asarray(heard_starts, np.float64), np.asarray(heard_ends, np.float64)
    if ((ends > 0.0) & (starts < recording_seconds)).any():
        return None
    length = f"recording ends {_minutes(recording_seconds)}"
    if starts.min() >= recording_seconds:
        return f"no note within the recording (first {_minutes(float(starts.min()))}, {length})"
    if starts.max() < 0.0:
        before = _minutes(-float(starts.max()))
        return f"no note within the recording (last {before} before it begins, {length})"
    return f"no note within the recording ({length})"


def is_cut(knots: Knots, seconds: ArrayLike) -> NDArray[np.bool_]:
    """Return which moments of the score the recording leaves out.

    Parameters
    ----------
    knots : sequence of (score_seconds, audio_seconds)
    seconds : array_like
        Times of the score; any shape.

    Returns
    -------
    np.ndarray of bool
        Where the score runs more than twenty times as fast as it was written: what was cut takes
        next to no time, because knots rise in both.

    Raises
    ------
    MappingError
        If the knots are not pairs that rise in both times.
    """
    score, audio = _columns(knots)
    slopes = np.r_[1.0, np.diff(audio) / np.diff(score), 1.0]
    out: NDArray[np.bool_] = (slopes < CUT_SLOPE)[
        np.searchsorted(score, np.asarray(seconds, np.float64), side="right")
    ]
    return out


def segments(midi_file_id: int, audio_file_id: int, knots: Knots) -> list[tuple[Any, ...]]:
    """Return the rows of ``alignment_segments`` of one alignment, columns `SEGMENT_COLUMNS`.

    Within a segment, ``audio = audio_seconds + slope * (score - score_seconds)``. An even clock is
    one segment, whatever its knots.
    """
    score, audio = _columns(knots)
    slopes = np.r_[1.0, np.diff(audio) / np.diff(score), 1.0]
    at = np.r_[0, np.arange(len(score))]  # the knot that each segment is counted from
    begins = np.r_[-ENDLESS_SECONDS, score]
    kept = np.r_[True, np.abs(np.diff(slopes)) > _SAME_SLOPE]
    ends = np.r_[begins[kept][1:], ENDLESS_SECONDS]
    rows = zip(begins[kept], ends, score[at[kept]], audio[at[kept]], slopes[kept], strict=True)
    return [
        (midi_file_id, audio_file_id, i, *(float(value) for value in row))
        for i, row in enumerate(rows)
    ]


def segments_table(rows: Sequence[tuple[Any, ...]]) -> pd.DataFrame:
    """Return rows of :func:`segments` as a table."""
    table = pd.DataFrame(rows, columns=list(SEGMENT_COLUMNS))
    whole = dict.fromkeys(SEGMENT_COLUMNS[:3], "int64")
    return table.astype(whole | dict.fromkeys(SEGMENT_COLUMNS[3:], "float64"))


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _columns(knots: Knots) -> tuple[Float64, Float64]:
    pairs = np.asarray(knots, np.float64)
    if pairs.ndim != 2 or len(pairs) == 0 or pairs.shape[1] != 2:
        raise MappingError(
            f"knots of an alignment are pairs [score_seconds, audio_seconds], at least one; found "
            f"an array of shape {pairs.shape}. Where `method` is 'none' there are none."
        )
    if not (np.diff(pairs, axis=0) > 0).all():
        raise MappingError("the knots of an alignment must rise in both times; these do not.")
    return pairs[:, 0], pairs[:, 1]


def _along(x: Float64, xs: Float64, ys: Float64) -> Float64:
    """Interpolate, and go on at slope 1 on both sides."""
    inside = np.clip(x, xs[0], xs[-1])
    out: Float64 = np.interp(inside, xs, ys) + (x - inside)
    return out
