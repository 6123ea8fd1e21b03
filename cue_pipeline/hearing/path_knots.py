"""A path through a cue in knots: it bends where the tempo does, and leaps where bars differ.

It rests where the recording has a bar more, and leaps where it has one less.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cue_pipeline.hearing.heard_times import is_cut
from cue_pipeline.hearing.templates import TrackNotes

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

_LEAP_SECONDS = 0.45
_WITHIN_SECONDS = 0.6  # a leap takes no longer
_KNOT_SECONDS = 3.0
_SHORTEST_SECONDS = 2.5  # between two leaps
_REACH_SECONDS = 2.0  # around where the path leaps: it may hesitate
_SNAP_SECONDS = 0.25
_ONSET_SECONDS = 0.03
_BEFORE_ONSET = 0.015
_NO_TIME = 1e-3  # of what is cut, in the sound


@dataclass(frozen=True)
class Path:
    """Where the score's moments are on the session's clock: knots that rise in both.

    Attributes
    ----------
    score, session : np.ndarray, shape=(n_knots,)
        Seconds.
    """

    score: Float64
    session: Float64

    def at(self, seconds: Float64) -> Float64:
        """Return where moments of the score are on the session's clock."""
        inside = np.clip(seconds, self.score[0], self.score[-1])
        out: Float64 = np.interp(inside, self.score, self.session) + (seconds - inside)
        return out

    def back(self, seconds: Float64) -> Float64:
        """Return which moments of the score are heard on the session's clock."""
        inside = np.clip(seconds, self.session[0], self.session[-1])
        out: Float64 = np.interp(inside, self.session, self.score) + (seconds - inside)
        return out

    def leaves_out(self, seconds: Float64) -> NDArray[np.bool_]:
        """Return which moments of the score are cut."""
        return is_cut(np.stack([self.score, self.session], axis=1).tolist(), seconds)

    def performed(self, tracks: Sequence[TrackNotes]) -> list[TrackNotes]:
        """Return tracks as they were played: without what was cut, on the session's clock."""
        out = []
        for track in tracks:
            kept = ~self.leaves_out(track.start)
            start = self.at(track.start[kept])
            end = self.at(track.start[kept] + track.duration[kept])
            out.append(
                replace(
                    track,
                    start=start,
                    duration=end - start,
                    pitch=track.pitch[kept],
                    level=track.level[kept],
                )
            )
        return out


@dataclass(frozen=True)
class Leaps:
    """Where in the score a take may leap.

    ``agreement`` is of each frame of the score with each of the sound, ``onsets`` are all notes'
    in order, seconds.
    """

    agreement: Float32
    frame: float
    onsets: Float64

    def place(self, near: float, lag: float, lag_after: float) -> float:
        """Return before which moment of the score the take leaps from one lag to another.

        What it leaves out begins and ends before a stroke, mostly at a bar line; so does what it
        has more.
        """
        reach, skipped = round(_REACH_SECONDS / self.frame), max(lag - lag_after, 0.0)
        first = round(near / self.frame) - reach
        rows = first + np.arange(2 * reach + round(skipped / self.frame) + 1)
        before, after = self._at(rows, lag), self._at(rows, lag_after)
        gone = round(skipped / self.frame)
        splits = np.arange(2 * reach + 1)
        kept = np.r_[0.0, np.cumsum(before)][splits]
        rest = after.sum() - np.r_[0.0, np.cumsum(after)][splits + gone]
        best = (first + int((kept + rest).argmax())) * self.frame
        candidates = self.onsets[np.abs(self.onsets - best) < _SNAP_SECONDS]
        if not len(candidates):
            return best
        struck = self._struck(candidates)
        if skipped:
            struck = np.minimum(struck, self._struck(candidates + skipped))
        struck = struck * (1.0 - 0.5 * np.abs(candidates - best) / _SNAP_SECONDS)
        return float(candidates[int(struck.argmax())]) - _BEFORE_ONSET

    def _at(self, rows: NDArray[np.int64], lag: float) -> Float64:
        columns = rows + round(lag / self.frame)
        n, m = self.agreement.shape
        inside = (rows >= 0) & (rows < n) & (columns >= 0) & (columns < m)
        found = self.agreement[np.clip(rows, 0, n - 1), np.clip(columns, 0, m - 1)]
        out: Float64 = np.where(inside, found, 0.0).astype(np.float64)
        return out

    def _struck(self, at: Float64) -> Float64:
        """Return how many notes begin at once."""
        low = np.searchsorted(self.onsets, at - _ONSET_SECONDS)
        high = np.searchsorted(self.onsets, at + _ONSET_SECONDS)
        return (high - low).astype(np.float64)


def in_knots(at: Float64, leaps: Leaps) -> Path | None:
    """Return a path in knots: even in between, with leaps where it leaps."""
    frame = leaps.frame
    on_path = np.flatnonzero(np.isfinite(at))
    if len(on_path) * frame < 2 * _SHORTEST_SECONDS:
        return None
    score: Float64 = (on_path + 0.5) * np.float64(frame)
    lag: Float64 = (at[on_path] - on_path) * np.float64(frame)
    pieces = [_fitted(score[a:b], lag[a:b]) for a, b in _pieces(score, lag)]
    times: list[Float64] = [pieces[0][0][:1]]
    lags: list[Float64] = [pieces[0][1][:1]]
    for (knots, fitted), following in zip(pieces, [*pieces[1:], None], strict=True):
        begin, end = float(times[-1][-1]), float(knots[-1])
        if following:
            end = max(leaps.place(end, fitted[-1], following[1][0]), begin + _NO_TIME)
        inside = knots[(knots > begin) & (knots < end)]
        here: Float64 = np.r_[inside, end]
        times.append(here)
        lags.append(np.interp(here, knots, fitted).astype(np.float64))
        if following:
            landing, its_lag = _landing(end, float(lags[-1][-1]), following)
            times.append(np.array([landing]))
            lags.append(np.array([its_lag]))
    return rising(np.concatenate(times), np.concatenate(lags))


def _landing(end: float, lag: float, following: tuple[Float64, Float64]) -> tuple[float, float]:
    """Return the moment of the score at which the sound goes on after a leap, and its lag."""
    begin, its_lag = end + _NO_TIME, lag
    for _ in range(4):  # what is left out is as long as the lag is shorter where it ends
        its_lag = float(np.interp(begin, *following))
        begin = end + max(lag - its_lag, 0.0) + _NO_TIME
    return begin, max(its_lag, lag + end - begin + _NO_TIME)


def _pieces(score: Float64, lag: Float64) -> list[tuple[int, int]]:
    """Return the stretches between leaps, as ranges of frames."""
    step = max(1, round(_WITHIN_SECONDS / (score[1] - score[0])))
    moved = np.abs(lag[step:] - lag[:-step])
    cuts = [0]
    while len(moved) and moved.max() >= _LEAP_SECONDS:
        i = int(moved.argmax())
        steep = np.abs(np.diff(lag[i : i + step + 1]))
        at = i + int((np.cumsum(steep) >= 0.5 * steep.sum()).argmax()) + 1
        cuts.append(at)
        moved[max(0, i - 2 * step) : i + 2 * step] = 0.0
    cuts = sorted({*cuts, len(lag)})
    pieces = list(pairwise(cuts))
    return [(a, b) for a, b in pieces if score[b - 1] - score[a] >= _SHORTEST_SECONDS] or [
        (0, len(lag))
    ]


def _fitted(score: Float64, lag: Float64) -> tuple[Float64, Float64]:
    """Return knots and the lag there: the broken line nearest to the path, ends left out."""
    count = max(2, round((score[-1] - score[0]) / _KNOT_SECONDS) + 1)
    knots = np.linspace(score[0], score[-1], count)
    edge = 0.5
    inside = (score >= score[0] + edge) & (score <= score[-1] - edge)
    hats = np.stack([np.interp(score[inside], knots, row) for row in np.eye(count)], axis=1)
    bends = 0.5 * np.diff(np.eye(count), n=2, axis=0) if count > 2 else np.zeros((0, count))
    steady = 0.05 * np.diff(np.eye(count), axis=0)
    solid = np.concatenate([hats, bends, steady])
    target = np.concatenate([lag[inside], np.zeros(len(bends) + len(steady))])
    return knots, np.linalg.lstsq(solid, target, rcond=None)[0]


def rising(score: Float64, lag: Float64) -> Path | None:
    """Return the knots that rise in both, in order."""
    kept_score, kept_session = [score[0]], [score[0] + lag[0]]
    for s, session in zip(score[1:], (score + lag)[1:], strict=True):
        if s > kept_score[-1] + _NO_TIME / 2 and session > kept_session[-1] + _NO_TIME / 10:
            kept_score.append(s)
            kept_session.append(session)
    if len(kept_score) < 2:
        return None
    return Path(np.array(kept_score), np.array(kept_session))
