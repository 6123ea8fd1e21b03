"""The clock of a score in each file: what is stored of where its notes are heard."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cue_pipeline.hearing.alignment import Alignment, Session
from cue_pipeline.hearing.origins import Origins
from cue_pipeline.hearing.templates import TrackNotes

Float64 = NDArray[np.float64]

ALIGNMENT_COLUMNS = (
    "midi_file_id",
    "audio_file_id",
    "lag_seconds",
    "knots",
    "method",
    "confidence",
    "spread_ms",
)
UNKNOWN_CLOCK: tuple[Any, ...] = (None, None, "none", 0.0, None)
_BY_TIME_CODE = 0.5  # how far a lag is to be believed that time codes say and no sound confirms
_DIGITS = 5
_NEAR_SECONDS = 0.1  # a stroke further from its place is another's
_FEWEST_ONSETS = 8
_NORMAL = 1.4826  # of the median deviation of a normal deviate


class UnknownClock:
    """No one tells how a score stands on the session's clock."""

    def in_file(self, offset_seconds: float, scatter: float | None) -> tuple[Any, ...]:  # noqa: ARG002
        """Return what is stored of it, in whatever file."""
        return UNKNOWN_CLOCK


@dataclass(frozen=True)
class Clock:
    """How a score stands on the session's clock.

    Attributes
    ----------
    lag_seconds : float
    score, session : np.ndarray, shape=(n_knots,)
        Seconds of the score, and of the session's clock.
    method : {"sound", "time_code"}
    confidence : float
    """

    lag_seconds: float
    score: Float64
    session: Float64
    method: str
    confidence: float

    def in_file(self, offset_seconds: float, scatter: float | None) -> tuple[Any, ...]:
        """Return lag, knots, method, confidence and spread for a file that begins at an offset."""
        spread = None if scatter is None or not np.isfinite(scatter) else round(1e3 * scatter, 1)
        pairs = zip(self.score, self.session - offset_seconds, strict=True)
        knots = [[round(float(s), _DIGITS), round(float(a), _DIGITS)] for s, a in pairs]
        lag = round(self.lag_seconds - offset_seconds, _DIGITS)
        return lag, knots, self.method, round(self.confidence, 4), spread


def clock_of(
    alignment: Alignment, names: Origins, score_seconds: float, *, sure: float
) -> Clock | UnknownClock:
    """Return the clock by sound where it is sure, else by the time codes, else none.

    Parameters
    ----------
    alignment : Alignment
        As the sound says.
    names : Origins
        Lags that are named by other means.
    score_seconds : float
        Where the score ends.
    sure : float
        The least confidence in the sound.
    """
    if alignment.confidence >= sure:
        score, wander = alignment.knots, alignment.wander
        if len(score) < 2:
            score, wander = np.array([0.0, max(score_seconds, 1.0)]), np.full(2, wander[0])
        session = score + alignment.lag_seconds + wander
        return Clock(alignment.lag_seconds, score, session, "sound", alignment.confidence)
    said = names.by_time_codes
    if said is None:
        return UnknownClock()
    score = np.array([0.0, max(score_seconds, 1.0)])
    return Clock(said, score, score + said, "time_code", _BY_TIME_CODE)


def alignments_table(rows: Sequence[tuple[Any, ...]]) -> pd.DataFrame:
    """Return rows of ``stem_alignments`` as a table."""
    table = pd.DataFrame(rows, columns=list(ALIGNMENT_COLUMNS))
    for name in ("midi_file_id", "audio_file_id"):
        table[name] = table[name].astype("int64")
    for name in ("lag_seconds", "confidence", "spread_ms"):
        table[name] = table[name].astype("float64")
    for name in ("knots", "method"):
        table[name] = table[name].astype(object)
    return table


def onset_scatter(
    tracks: Sequence[TrackNotes], onset_part: Float64, alignment: Alignment, session: Session
) -> Float64:
    """Return how far, in each group, onsets scatter around their places.

    Parameters
    ----------
    tracks : sequence of TrackNotes
    onset_part : np.ndarray, shape=(n_tracks, n_groups)
        How well each track's onsets are heard in each group: the best one's are measured.
    alignment : Alignment
        Of the tracks.
    session : Session
        The groups.

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
