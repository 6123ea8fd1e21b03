"""How far onsets scatter around the places that a clock gives them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cue_pipeline.hearing.alignment import Alignment, Session
from cue_pipeline.hearing.templates import TrackNotes

Float64 = NDArray[np.float64]

_NEAR_SECONDS = 0.1  # a stroke further from its place is another's
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
    frame, n = session.frame_seconds, session.onsets.shape[2]
    near = max(1, round(_NEAR_SECONDS / frame))
    out = np.full(session.onsets.shape[1], np.nan)
    for group, best in enumerate(onset_part.argmax(axis=0)):
        heard = session.onsets[:, group].sum(axis=0)
        at = alignment.session_time(np.unique(tracks[best].start)) / frame
        at = at[(at >= near + 1) & (at < n - near - 2)]
        if len(at) < _FEWEST_ONSETS:
            continue
        places = np.round(at).astype(np.int64)
        around = heard[places[:, None] + np.arange(-near, near + 1)]
        clear = around.max(axis=1) > 2.0 * heard.mean()
        if clear.sum() < _FEWEST_ONSETS:
            continue
        late = (places + around.argmax(axis=1) - near - at)[clear] * frame
        out[group] = _NORMAL * float(np.median(np.abs(late - np.median(late))))
    return out
