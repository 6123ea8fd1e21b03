"""A take that leaves the score's time: followed through the cue, not by one lag.

Where one line explains too little, the path along which score and sound agree best is looked for,
and believed only where it explains clearly more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cue_pipeline.hearing.alignment import (
    Alignment,
    centred,
    joint_lag,
    level_explained,
    pooled_level,
    score_of,
)
from cue_pipeline.hearing.heard_times import CUT_SLOPE
from cue_pipeline.hearing.path_knots import Path, rising
from cue_pipeline.hearing.regression import products
from cue_pipeline.hearing.standing import Standing
from cue_pipeline.hearing.templates import TrackNotes, level_templates
from cue_pipeline.hearing.tempo_check import R2_OF_DOUBT
from cue_pipeline.hearing.warping import followed, stem_weights

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

_LEAST_CONFIDENCE = 0.5
_SAME_PLACE = 0.3  # seconds: the path is where its notes fit best
_WINDOW_SECONDS = 3.0
_LEAST_POWER = 0.2  # of a window's usual: something sounds in it
_HARDLY = 0.2  # of what is explained in all
_CLEARLY, _CLEAR_RATIO = 0.04, 1.15
_MENDED = 0.6
_HEARD_OF_SECONDS = 0.3


@dataclass(frozen=True)
class Followed:
    """A take that does not keep the score's time.

    Attributes
    ----------
    path : Path
        Where the score's moments are on the session's clock, to a tenth of a second.
    tracks : list of TrackNotes
        As played: without what was cut, on the session's clock.
    alignment : Alignment
        Of these tracks.
    """

    path: Path
    tracks: list[TrackNotes]
    alignment: Alignment

    def of_score(self, alignment: Alignment) -> Alignment:
        """Return the alignment of the score as it was written from one of the played tracks."""
        bends = self.path.back(alignment.knots)
        inside = (bends > self.path.score[0]) & (bends < self.path.score[-1])
        inside &= ~self.path.leaves_out(bends)
        knots = np.union1d(self.path.score, bends[inside])
        there = rising(knots, alignment.session_time(self.path.at(knots)) - knots) or self.path
        lag = float(np.median(there.session - there.score))
        return replace(
            alignment,
            lag_seconds=lag,
            knots=there.score,
            wander=there.session - there.score - lag,
        )

    def __str__(self) -> str:
        """Say how the take leaves the score."""
        lag = self.path.session - self.path.score
        out = (
            "the take does not keep the MIDI file's tempo map, and was followed: it is from "
            f"{lag.min():+.2f} to {lag.max():+.2f} s apart"
        )
        steps = np.diff(self.path.session), np.diff(self.path.score)
        cuts = np.flatnonzero((steps[0] < CUT_SLOPE * steps[1]) & (steps[1] > _HEARD_OF_SECONDS))
        gains = np.flatnonzero((steps[1] < CUT_SLOPE * steps[0]) & (steps[0] > _HEARD_OF_SECONDS))
        said = [
            f"{steps[1][i]:.1f} s of the score from {_clock(self.path.score[i])} are left out"
            for i in cuts
        ] + [
            f"the sound holds {steps[0][i]:.1f} s more at {_clock(self.path.score[i])} of the score"
            for i in gains
        ]
        return "; ".join([out, *said])


def follow(tracks: Sequence[TrackNotes], heard: Standing, alignment: Alignment) -> Followed | None:
    """Return the take as it leaves the score's time; None: one line explains as much.

    Parameters
    ----------
    tracks : sequence of TrackNotes
        All tracks of one MIDI file that differ in their notes.
    heard : Standing
        The groups.
    alignment : Alignment
        What explains most on one line, and its drift.
    """
    if all(track.is_drum for track in tracks):
        return None  # nothing would tell a path through other music
    starts = [alignment.session_time(track.start) for track in tracks]
    by_line = _Explained.of(tracks, starts, heard)
    if by_line.r2 >= R2_OF_DOUBT and not by_line.gaps.any():
        return None
    path = followed(tracks, heard.spread, heard.session)
    if path is None:
        return None
    played = path.performed(tracks)
    by_path = _Explained.of(played, [track.start for track in played], heard)
    if not by_path.clearly_more(by_line):
        return None
    seconds = max(float((t.start + t.duration).max()) for t in played if t.n_notes)
    frame = heard.session.frame_seconds
    again = joint_lag(score_of(played, heard.spread, seconds, frame), heard.session)
    if again.confidence < _LEAST_CONFIDENCE or abs(again.lag_seconds) > _SAME_PLACE:
        return None
    return Followed(path, played, again)


@dataclass(frozen=True)
class _Explained:
    """What notes explain of the sound where they are put.

    ``r2`` in all, ``of_windows`` shape=(n_windows,) of each few seconds, NaN where nothing sounds.
    """

    r2: float
    of_windows: Float64

    @classmethod
    def of(
        cls, tracks: Sequence[TrackNotes], starts: Sequence[Float64], heard: Standing
    ) -> "_Explained":
        session = heard.session
        n, frame = session.level.shape[2], session.coarse_seconds
        levels = pooled_level(level_templates(tracks, starts, heard.spread, n, frame))
        x, y = centred(levels), session.few_bands
        fitted = products(x, y)
        weights = stem_weights(fitted.gram, fitted.product)
        left = y - np.einsum("btg,btf->bgf", weights.astype(np.float32), x, optimize=True)
        power, rest = ((v.astype(np.float64) ** 2).sum(axis=0) for v in (y, left))
        # Groups speak with equal voice.
        scale = np.maximum(power.sum(axis=1, keepdims=True), 1e-12)
        power, rest = (power / scale).sum(axis=0), (rest / scale).sum(axis=0)
        step = max(1, round(_WINDOW_SECONDS / frame))
        firsts = np.arange(0, max(n - step // 2, 1), step)
        of_power, of_rest = np.add.reduceat(power, firsts), np.add.reduceat(rest, firsts)
        sounding = of_power > _LEAST_POWER * of_power.mean()
        out = np.full(len(firsts), np.nan)
        out[sounding] = 1.0 - of_rest[sounding] / of_power[sounding]
        return cls(level_explained(levels, session), out)

    @property
    def gaps(self) -> NDArray[np.bool_]:
        """Which windows are hardly explained, although the whole is; two or more together."""
        low = self.of_windows < _HARDLY * self.r2
        beside = np.zeros_like(low)
        beside[1:] |= low[:-1]
        beside[:-1] |= low[1:]
        out: NDArray[np.bool_] = low & beside
        return out

    def clearly_more(self, line: "_Explained") -> bool:
        """Whether this explains clearly more than a line, in all or where the line does not."""
        if self.r2 >= line.r2 + _CLEARLY and self.r2 >= _CLEAR_RATIO * line.r2:
            return True
        gaps = line.gaps & np.isfinite(self.of_windows)
        if not gaps.any() or self.r2 < line.r2:
            return False
        return float(np.mean(self.of_windows[gaps])) > _MENDED * self.r2


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
