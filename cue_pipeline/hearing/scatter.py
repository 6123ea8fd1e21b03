"""How far onsets scatter around the places that a clock gives them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cue_pipeline.hearing.alignment import Alignment, Session
from cue_pipeline.hearing.templates import TrackNotes

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

_NEAR_SECONDS = 0.1  # a stroke further from its place is another's
_TOGETHER_SECONDS = 0.03
_ALONE_SECONDS = 0.15
_FEWEST_ONSETS = 8
_NORMAL = 1.4826  # of the median deviation of a normal deviate


def onset_scatter(
    tracks: Sequence[TrackNotes], onset_part: Float64, alignment: Alignment, session: Session
) -> Float64:
    """Return how far, in each stem, onsets scatter around their places.

    Parameters
    ----------
    tracks : sequence of TrackNotes
    onset_part : np.ndarray, shape=(n_tracks, n_groups)
        How well each track's onsets are heard in each stem: the best one's are measured.
    alignment : Alignment
        Of the tracks.
    session : Session
        The stems.

    Returns
    -------
    np.ndarray, shape=(n_groups,)
        Seconds, as the standard deviation that a normal deviate of the same median deviation has;
        NaN where too few onsets are heard. The ear's own frame, 21 ms, adds about 6 ms.
    """
    frame = session.frame_seconds
    out = np.full(session.onsets.shape[1], np.nan)
    for group, best in enumerate(onset_part.argmax(axis=0)):
        at = alignment.session_time(np.unique(tracks[best].start)) / frame
        out[group] = _scattered(session.onsets[:, group].sum(axis=0), at, frame)
    return out


def scatter_of_all(
    tracks: Sequence[TrackNotes], alignment: Alignment, onsets: Float32, frame_seconds: float
) -> float:
    """Return how far onsets scatter in a file that all tracks are heard in.

    Only strokes count that stand alone, whichever tracks strike together: of what follows at once
    nobody knows which is which.

    Parameters
    ----------
    tracks : sequence of TrackNotes
    alignment : Alignment
        Of the tracks, on a clock that begins with the file.
    onsets : np.ndarray, shape=(n_regions, n_frames)
        What begins in the file.
    frame_seconds : float

    Returns
    -------
    float
        As :func:`onset_scatter` has it for each stem.
    """
    starts = np.sort(np.concatenate([track.start for track in tracks]))
    strokes = starts[np.diff(starts, prepend=-np.inf) > _TOGETHER_SECONDS]
    gaps = np.diff(strokes, prepend=-np.inf, append=np.inf)
    alone = strokes[np.minimum(gaps[:-1], gaps[1:]) > _ALONE_SECONDS]
    at = alignment.session_time(alone) / frame_seconds
    return _scattered(onsets.sum(axis=0), at, frame_seconds)


def _scattered(heard: Float32, at: Float64, frame: float) -> float:
    """Return how far what is heard scatters around places, which are in frames; else NaN."""
    near = max(1, round(_NEAR_SECONDS / frame))
    at = at[(at >= near + 1) & (at < len(heard) - near - 2)]
    if len(at) < _FEWEST_ONSETS:
        return np.nan
    places = np.round(at).astype(np.int64)
    around = heard[places[:, None] + np.arange(-near, near + 1)]
    clear = around.max(axis=1) > 2.0 * heard.mean()
    if clear.sum() < _FEWEST_ONSETS:
        return np.nan
    late = (places + around.argmax(axis=1) - near - at)[clear] * frame
    return _NORMAL * float(np.median(np.abs(late - np.median(late))))
