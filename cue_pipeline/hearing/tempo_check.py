"""Whether the score's tempo is the recording's: an old map runs away from the sound.

A wrong tempo does not look like a wrong one. Somewhere the notes always fit a little, and what
fits there is believed. So where the notes explain less of the sound than notes at their right
times do, an excerpt is tried at other tempos: what fits clearly better says that the map is not
the one that was played to.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cue_pipeline.hearing.alignment import (
    Alignment,
    Session,
    agreement_of_onsets,
    centred,
    pooled_level,
)
from cue_pipeline.hearing.regression import products, share_explained
from cue_pipeline.hearing.templates import Spread, TrackNotes, level_templates

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

# Over 24 rendered cues of six conditions notes at their right times explain 0.49 and more.
R2_OF_DOUBT = 0.55
_EXCERPT_SECONDS = 20.0
_FEWEST_ONSETS = 24
_STEP = 1.015  # within it an excerpt still fits, a little
_REACH = 2.0  # half and double tempo
_FINER = (1.0075, 1.00375, 1.001875)
_N_TRIED = 16
_LAGS_OF_EACH = 2
_LEAST_R2, _LEAST_GAIN, _LEAST_RATIO = 0.3, 0.15, 1.5
_SAME_TEMPO = 0.004  # film pulled down runs 0.001 slower: that is drift
_FEWEST_KNOTS = 4
_LEAST_DRIFT_SECONDS = 0.1
_MOST_LEFT = 0.1  # of the drift's variance, beside a line
_LEAST_POWER = 0.01  # of a stem's usual: it sounds in the excerpt


@dataclass(frozen=True)
class OtherTempo:
    """A tempo that fits an excerpt better than the score's own.

    Attributes
    ----------
    ratio : float
        Of the sound's tempo to the score's.
    r2, own_r2 : float
        Share of the sound that the excerpt's notes explain at it, and at their own.
    """

    ratio: float
    r2: float
    own_r2: float

    def __str__(self) -> str:
        """Return it as the doubt that it is."""
        return (
            f"the sound fits about {self.ratio:.2f} times the MIDI file's tempo clearly better "
            f"(R² {self.r2:.2f} against {self.own_r2:.2f}): the tempo map may be an old one"
        )


@dataclass(frozen=True)
class SteadyDrift:
    """A recording that leaves the score steadily: near its tempo, but not at it.

    Attributes
    ----------
    slope : float
        Seconds gained or lost in a second.
    """

    slope: float

    def __str__(self) -> str:
        """Return it as the doubt that it is."""
        faster = "slower" if self.slope > 0 else "faster"
        return (
            f"the sound runs {100 * abs(self.slope):.1f} % {faster} than the MIDI file's tempo map "
            "throughout: the map may be an old one"
        )


def linear_drift(alignment: Alignment) -> SteadyDrift | None:
    """Return the drift of a take that leaves the score steadily; None: it only wanders."""
    knots, wander = alignment.knots, alignment.wander
    if len(knots) < _FEWEST_KNOTS or np.ptp(wander) < _LEAST_DRIFT_SECONDS:
        return None
    slope, offset = np.polyfit(knots, wander, 1)
    left = wander - (slope * knots + offset)
    if abs(slope) < _SAME_TEMPO or np.var(left) > _MOST_LEFT * np.var(wander):
        return None
    return SteadyDrift(float(slope))


def other_tempo(
    tracks: Sequence[TrackNotes],
    spread: Spread,
    session: Session,
    alignment: Alignment,
) -> OtherTempo | None:
    """Return the tempo at which an excerpt of the score fits the sound clearly better, if any.

    Parameters
    ----------
    tracks : sequence of TrackNotes
        All tracks of one MIDI file that differ in their notes.
    spread : Spread
        Of pitches and drums over the bands.
    session : Session
        The stems.
    alignment : Alignment
        How the score stands at its own tempo.
    """
    if alignment.r2 >= R2_OF_DOUBT:
        return None
    excerpt = _excerpt(tracks)
    if sum(track.n_notes for track in excerpt) < _FEWEST_ONSETS:
        return None
    at = _Excerpt(excerpt, spread, session)
    own = max(at.r2(1.0, lag) for lag in [alignment.lag_seconds, *at.best(1.0)[1]])
    n = round(np.log(_REACH) / np.log(_STEP))
    scales = [_STEP**k for k in range(-n, n + 1) if k]
    found = sorted(((at.best(scale), scale) for scale in scales), reverse=True)[:_N_TRIED]
    tried = [(at.r2(scale, lag), scale, lag) for (_, lags), scale in found for lag in lags]
    best = max(tried, default=(0.0, 1.0, 0.0))
    for finer in _FINER:
        near = [best[1] / finer, best[1] * finer]
        moved = [(at.r2(s, lag), s, lag) for s in near for lag in at.best(s, around=best[2])[1]]
        best = max(best, *moved)
    r2, scale, _ = best
    clear = r2 >= max(_LEAST_R2, own + _LEAST_GAIN, own * _LEAST_RATIO)
    if not clear or abs(np.log(scale)) < _SAME_TEMPO:
        return None
    return OtherTempo(1.0 / scale, r2, own)


def _excerpt(tracks: Sequence[TrackNotes]) -> list[TrackNotes]:
    """Return the third of a minute that has most onsets."""
    starts = np.sort(np.concatenate([track.start for track in tracks]))
    count = np.searchsorted(starts, starts + _EXCERPT_SECONDS) - np.arange(len(starts))
    first = starts[int(count.argmax())]
    out = []
    for track in tracks:
        inside = (track.start >= first) & (track.start < first + _EXCERPT_SECONDS)
        if inside.any():
            out.append(
                replace(
                    track,
                    start=track.start[inside],
                    duration=track.duration[inside],
                    pitch=track.pitch[inside],
                    level=track.level[inside],
                )
            )
    return out


class _Excerpt:
    """A few bars of the score, to be tried against the sound at any tempo."""

    def __init__(self, tracks: Sequence[TrackNotes], spread: Spread, session: Session) -> None:
        self._tracks = tracks
        self._spread = spread
        self._session = session
        self._heard = pooled_level(session.level)
        self._first = min(float(track.start[0]) for track in tracks)
        self._usual = (self._heard**2).mean(axis=(0, 2))

    def best(self, scale: float, around: float | None = None) -> tuple[float, list[float]]:
        """Return how well the onsets agree at a tempo, and the lags at which they do."""
        lags, agreement = agreement_of_onsets(
            [replace(t, start=t.start * scale) for t in self._tracks], self._session
        )
        if around is not None:
            agreement = np.where(np.abs(lags - around) < 1.0, agreement, -np.inf)
        order = np.argsort(agreement)[::-1]
        chosen = [float(lags[order[0]])]
        for i in order[1:200]:
            if all(abs(lags[i] - lag) > 0.3 for lag in chosen):
                chosen.append(float(lags[i]))
            if len(chosen) == _LAGS_OF_EACH:
                break
        return float(agreement[order[0]]), chosen

    def r2(self, scale: float, lag: float) -> float:
        """Return the share of the sound under the excerpt that its notes explain there."""
        coarse = self._session.coarse_seconds
        begin = self._first * scale + lag
        a = max(0, int(np.floor(begin / coarse)))
        b = min(self._heard.shape[2], int(np.ceil((begin + _EXCERPT_SECONDS * scale) / coarse)))
        heard = self._heard[:, :, a:b]
        # By the time that is there at any tempo: a sliver is always explained.
        if b - a < 0.7 * _EXCERPT_SECONDS * scale / coarse:
            return 0.0
        sounding = (heard**2).mean(axis=(0, 2)) > _LEAST_POWER * self._usual
        if not sounding.any():
            return 0.0
        levels = pooled_level(
            level_templates(
                [replace(t, duration=t.duration * scale) for t in self._tracks],
                [t.start * scale + lag - a * coarse for t in self._tracks],
                self._spread,
                b - a,
                coarse,
            )
        )
        of = products(centred(levels), centred(heard[:, sounding]))
        return float(share_explained(of).mean())
