"""A take that leaves the score's time: followed through the cue, not by one lag.

Where one line explains too little, score and sound are laid beside each other frame by frame and
the path along which they agree best is looked for (dynamic time warping): first by what the notes
of all tracks should put into the bands, then by what each stem is found to hold of each track.
The path bends where the tempo does, rests where the recording has a bar more, and leaps where it
has one less.

References
----------
Müller, M. Fundamentals of Music Processing. Springer 2015, ch. 3 (dynamic time warping).

Ewert, S., Müller, M., Grosche, P. High resolution audio synchronization using chroma onset
features. ICASSP 2009.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cue_pipeline.hearing.alignment import (
    Alignment,
    Session,
    centred,
    joint_lag,
    level_explained,
    pooled_level,
    score_of,
)
from cue_pipeline.hearing.heard_times import CUT_SLOPE, is_cut
from cue_pipeline.hearing.non_negative import non_negative_weights
from cue_pipeline.hearing.regression import products
from cue_pipeline.hearing.standing import Standing
from cue_pipeline.hearing.templates import Spread, TrackNotes, level_templates, pooled_bands
from cue_pipeline.hearing.tempo_check import R2_OF_DOUBT

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
_MOST_FRAMES = 2_400  # a longer cue is followed in longer frames: the table is their square
_BANDS = 32
_LEARNT_BANDS = 16
_AROUND_SECONDS = 4.0  # what lasts longer is no event
_SKIP = 0.35  # of agreement: what a frame costs that is only in the score, or only in the sound
_RISES_COUNT = 2.0  # as much as so much level
_ROUNDS = 3
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
        there = _rising(knots, alignment.session_time(self.path.at(knots)) - knots) or self.path
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
            "the take does not keep the MIDI file's time, and was followed: it is from "
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
        weights = _weights(fitted.gram, fitted.product)
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


def followed(tracks: Sequence[TrackNotes], spread: Spread, session: Session) -> Path | None:
    """Return the path along which score and sound agree best; None: there is too little of either.

    Parameters
    ----------
    tracks : sequence of TrackNotes
        All tracks of one MIDI file that differ in their notes.
    spread : Spread
        Of pitches and drums over the bands.
    session : Session
        The groups.

    Notes
    -----
    A path is found through any two pieces of music: whether it explains anything is another's
    question.
    """
    playing = [track for track in tracks if track.n_notes]
    if not playing:
        return None
    seconds = max(float((t.start + t.duration).max()) for t in playing)
    longest = max(seconds / session.coarse_seconds, session.level.shape[2])
    pool = max(1, int(np.ceil(longest / _MOST_FRAMES)))
    frame = pool * session.coarse_seconds
    heard = _pooled_frames(session.level, pool)
    n = int(np.ceil(seconds / frame)) + 1
    written = level_templates(playing, [t.start for t in playing], spread, n, frame)
    if n < 8 or heard.shape[2] < 8:
        return None
    agreement = _generic(written, heard, frame)
    for _ in range(_ROUNDS):
        agreement = _learnt(written, heard, _path(agreement), frame)
    onsets = np.sort(np.concatenate([track.start for track in playing]))
    return _knots(_path(agreement), _Leaps(agreement, frame, onsets))


def _pooled_frames(level: Float32, pool: int) -> Float32:
    n = level.shape[2] // pool * pool
    out: Float32 = level[:, :, :n].reshape(*level.shape[:2], -1, pool).mean(axis=3)
    return out


def _generic(written: Float32, heard: Float32, frame: float) -> Float32:
    """Return how well each frame of the score agrees with each of the sound."""
    score = pooled_bands(written, _BANDS).sum(axis=1, keepdims=True)
    sound = pooled_bands(heard, _BANDS)
    sound = (sound / np.maximum(sound.std(axis=(0, 2), keepdims=True), 1e-9)).sum(
        axis=1, keepdims=True
    )
    return _agreement(score, sound, frame)


def _learnt(written: Float32, heard: Float32, at: Float64, frame: float) -> Float32:
    """Return the same, by what each group is found to hold of each track along a path.

    Parameters
    ----------
    at : np.ndarray, shape=(n_score_frames,)
        Frame of the sound at which each frame of the score is heard; NaN: none.
    """
    score, sound = pooled_bands(written, _LEARNT_BANDS), pooled_bands(heard, _LEARNT_BANDS)
    on_path = np.isfinite(at)
    places = np.clip(np.round(at[on_path]).astype(np.int64), 0, heard.shape[2] - 1)
    of = products(centred(score[:, :, on_path]), centred(sound[:, :, places]))
    weights = _weights(of.gram, of.product)
    predicted = np.einsum("btg,btf->bgf", weights.astype(np.float32), score, optimize=True)
    scale = np.maximum(sound.std(axis=(0, 2), keepdims=True), 1e-9)
    return _agreement(predicted / scale, sound / scale, frame)


def _weights(gram: Float64, product: Float64) -> Float64:
    n = gram.shape[-1]
    ridge = 1e-3 * np.trace(gram, axis1=1, axis2=2)[:, None, None] / n + 1e-9
    return non_negative_weights(gram + ridge * np.eye(n), product)


def _agreement(score: Float32, sound: Float32, frame: float) -> Float32:
    """Return the cosine of what changes in each frame of the one and of the other."""
    x, y = _events(score, frame), _events(sound, frame)
    out: Float32 = x.T @ y
    return out


def _events(level: Float32, frame: float) -> Float32:
    """Return what a frame has that its surroundings have not, and what begins in it: unit long."""
    flat = level.reshape(-1, level.shape[2])
    half = max(1, round(_AROUND_SECONDS / 2 / frame))
    total = np.cumsum(np.pad(flat, ((0, 0), (1, 0))), axis=1, dtype=np.float64)
    n = flat.shape[1]
    low, high = np.maximum(np.arange(n) - half, 0), np.minimum(np.arange(n) + half + 1, n)
    around = (total[:, high] - total[:, low]) / (high - low)
    rises = np.maximum(np.diff(flat, axis=1, prepend=flat[:, :1]), 0.0)
    rises[:, 1:] += 0.5 * rises[:, :-1]
    parts = [flat - around, np.sqrt(_RISES_COUNT) * (rises - rises.mean(axis=1, keepdims=True))]
    events = np.concatenate(parts).astype(np.float32)
    size = np.sqrt((events**2).sum(axis=0))
    # Next to silence is no event, however it is made.
    out: Float32 = events / np.maximum(size, 0.3 * np.median(size) + 1e-9)
    return out


def _path(agreement: Float32) -> Float64:
    """Return the frame of the sound for each of the score along the best path; NaN: none.

    Either may begin before the other, and end after it.
    """
    n, m = agreement.shape
    # By anti-diagonals: row i + j, column i.
    came = np.zeros((n + m - 1, n), np.uint8)
    older, last = np.zeros(n + 1), np.zeros(n + 1)
    best_end, ends = -np.inf, (0, 0)
    for d in range(n + m - 1):
        i0, i1 = max(0, d - m + 1), min(n, d + 1)
        i = np.arange(i0, i1)
        own = agreement[i, d - i]
        both = older[i0:i1] + 2.0 * own  # [k] holds i = k - 1
        of_score = last[i0:i1] + own - _SKIP
        of_sound = last[i0 + 1 : i1 + 1] + own - _SKIP
        steps = np.stack([both, of_score, of_sound])
        came[d, i0:i1] = steps.argmax(axis=0)
        now = np.zeros(n + 1)
        now[i0 + 1 : i1 + 1] = np.maximum(steps.max(axis=0), 0.0)
        came[d, i0:i1][steps.max(axis=0) <= 0.0] = 3
        for k in (i0, i1 - 1):  # the last row, or the last column
            if (k == n - 1 or d - k == m - 1) and now[k + 1] > best_end:
                best_end, ends = now[k + 1], (k, d - k)
        older, last = last, now
    return _traced(came, ends, n)


def _traced(came: NDArray[np.uint8], ends: tuple[int, int], n: int) -> Float64:
    total, count = np.zeros(n), np.zeros(n)
    i, j = ends
    while i >= 0 and j >= 0:
        total[i] += j
        count[i] += 1
        step = came[i + j, i]
        if step == 3:
            break
        i, j = i - (step != 2), j - (step != 1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


@dataclass(frozen=True)
class _Leaps:
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


def _knots(at: Float64, leaps: _Leaps) -> Path | None:
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
    return _rising(np.concatenate(times), np.concatenate(lags))


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


def _rising(score: Float64, lag: Float64) -> Path | None:
    """Return the knots that rise in both, in order."""
    kept_score, kept_session = [score[0]], [score[0] + lag[0]]
    for s, session in zip(score[1:], (score + lag)[1:], strict=True):
        if s > kept_score[-1] + _NO_TIME / 2 and session > kept_session[-1] + _NO_TIME / 10:
            kept_score.append(s)
            kept_session.append(session)
    if len(kept_score) < 2:
        return None
    return Path(np.array(kept_score), np.array(kept_session))
