"""One lag between MIDI and audio for the whole cue, found jointly and checked a second time.

A pair of one track and one group says little about time: a pad has no onsets, an ostinato fits
every bar. All pairs together say much. The lag is looked for where the best partners of all
tracks and all groups agree, then the few best lags are tried by what all tracks together explain
of all groups, and by how much less the same notes a tritone away explain: music of the same rhythm
explains both alike, and so does the same music a bar away.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from cue_pipeline.hearing.group_spectra import COARSE, Group
from cue_pipeline.hearing.regression import products, share_explained
from cue_pipeline.hearing.templates import (
    Spread,
    TrackNotes,
    level_templates,
    onset_curve,
    pooled_bands,
)

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

MAX_LAG_SECONDS = 60.0
_N_CANDIDATES = 8
_N_OWN_LAGS = 1
_APART_SECONDS = 0.3
_FAR_SECONDS = 1.0
_NEAR_SECONDS = 0.25  # no rival, but the same place: drift follows the rest
LIFT_OF_DOUBT = 0.085
_LIFT_SCALE = 0.012
_PITCH_GAIN_OF_DOUBT = 0.025
_PITCH_GAIN_SCALE = 0.002
_PITCH_GAIN_COUNTS = 2.0  # as much as so much R²
_FEWEST_PITCHED = 2  # stems: the best of many gains a little by chance
_DECOYS = (6, -6)  # semitones: the interval that shares fewest partials
CLEAR_MARGIN = 0.05  # of R²: a beat away explains clearly less
_TRACKS_AT_ONCE = 4
_LAG_BANDS = 16  # enough to look for a lag: pooled from all bands
_CHECK_BANDS = 32  # enough to choose between lags
_NEARER_IS_LIKELIER = 2e-4  # of R² per second of lag: between equals, the nearer


@dataclass(frozen=True)
class Alignment:
    """How MIDI time becomes session time: ``session = midi + lag + wander(midi)``.

    Attributes
    ----------
    lag_seconds : float
        The joint lag.
    confidence : float
        0..1: how far the second check prefers it to every other lag.
    r2 : float
        Mean share of the groups' level that all tracks together explain at this lag.
    pitch_gain : float
        How much more the notes explain than the same notes a tritone away, of the groups where
        that is most: the better half of all, but no more than there are pitched tracks. About zero
        where it is other music, or where nothing has a pitch.
    rivals : list of (float, float)
        Other lags that were tried, with their R², best first.
    lift : np.ndarray, shape=(n_groups,)
        How much more of each group is explained at this lag than at the best one far from it:
        about zero where a group holds other music.
    own_lags : list of list of float
        For each group, where it agrees best with any one track, seconds.
    knots, wander : np.ndarray, shape=(n_knots,)
        MIDI times and what is added to the lag there, seconds.
    """

    lag_seconds: float
    confidence: float
    r2: float
    rivals: list[tuple[float, float]]
    lift: Float64
    own_lags: list[list[float]]
    pitch_gain: float = 0.0
    knots: Float64 = field(default_factory=lambda: np.zeros(1))
    wander: Float64 = field(default_factory=lambda: np.zeros(1))

    def session_time(self, midi_seconds: Float64) -> Float64:
        """Return where these MIDI times stand on the session's clock, seconds."""
        moved: Float64 = np.interp(midi_seconds, self.knots, self.wander)
        return midi_seconds + self.lag_seconds + moved


@dataclass(frozen=True)
class Score:
    """The tracks as templates on a grid that begins ``MAX_LAG_SECONDS`` before MIDI time 0.

    ``level`` has the shape (few bands, n_tracks, n_coarse), ``onsets`` (1, n_tracks, n_fine);
    ``decoys`` make levels as if all pitches were others, one at a time to spare memory: none where
    nothing has a pitch. ``n_pitched`` is how many tracks have one.
    """

    level: Float32
    onsets: Float32
    decoys: tuple[Callable[[], Float32], ...] = ()
    n_pitched: int = 0


@dataclass(frozen=True)
class Session:
    """All groups on the session's clock, padded to one length.

    ``level`` has the shape (n_bands, n_groups, n_coarse), ``onsets`` (regions, n_groups, n_fine).
    """

    level: Float32
    onsets: Float32
    frame_seconds: float

    @property
    def coarse_seconds(self) -> float:
        """Length of a frame of ``level``."""
        return self.frame_seconds * COARSE

    @cached_property
    def few_bands(self) -> Float32:
        """``level`` in as many bands as choose between alignments, centred."""
        return centred(pooled_bands(self.level, _CHECK_BANDS))

    @cached_property
    def wide_onsets(self) -> Float32:
        """``onsets`` as wide as an orchestra's attack, centred."""
        return centred(smoothed(self.onsets))


def session_of(groups: Sequence[Group], frame_seconds: float) -> Session:
    """Stand all groups on one clock."""
    n = max(len(group.level) for group in groups)
    level = np.zeros((groups[0].level.shape[1], len(groups), n), np.float32)
    onsets = np.zeros((groups[0].onsets.shape[1], len(groups), n * COARSE), np.float32)
    for i, group in enumerate(groups):
        m = len(group.level)
        level[:, i, :m] = group.level.T
        onsets[:, i, : m * COARSE] = group.onsets[: m * COARSE].T
    return Session(level, onsets, frame_seconds)


def score_of(
    tracks: Sequence[TrackNotes], spread: Spread, seconds: float, frame_seconds: float
) -> Score:
    """Return the templates of all tracks over ``seconds`` of MIDI time and the margin before."""
    coarse = frame_seconds * COARSE
    lead = round(MAX_LAG_SECONDS / coarse)
    n = lead + int(np.ceil(seconds / coarse)) + 1
    starts = [track.start + lead * coarse for track in tracks]
    few = spread.pooled(_CHECK_BANDS)
    level = level_templates(tracks, starts, few, n, coarse)
    onsets = np.stack(
        [
            onset_curve(track, start, n * COARSE, frame_seconds)
            for track, start in zip(tracks, starts, strict=True)
        ]
    )
    n_pitched = sum(not track.is_drum for track in tracks)
    decoys = tuple(
        partial(level_templates, tracks, starts, few.transposed(interval), n, coarse)
        for interval in (_DECOYS if n_pitched else ())
    )
    return Score(level, onsets[None], decoys, n_pitched)


def joint_lag(
    score: Score, session: Session, also: Sequence[float] = (), known: float | None = None
) -> Alignment:
    """Return the lag of the whole cue.

    Parameters
    ----------
    score : Score
    session : Session
    also : sequence of float
        Lags that are tried besides those at which onsets and levels agree best.
    known : float, optional
        The lag, where it is known without asking the sound: only measured there.

    Returns
    -------
    Alignment
        Without wander; see :func:`cue_pipeline.hearing.drift.with_drift`.
    """
    lags, agreement, of_groups = _agreement(score, session)
    candidates = _peaks(lags, agreement, _N_CANDIDATES)
    asked = (0.0, *also) if known is None else (known, 0.0, *also)
    candidates += [lag for lag in asked if lag not in candidates]
    tried = sorted(_tried(score, session, candidates), reverse=True)
    best = next(of for of in tried if known in (None, of.lag))
    others = [other for other in tried if abs(other.lag - best.lag) > _NEAR_SECONDS]
    far = [other.r2 for other in others if abs(other.lag - best.lag) > _FAR_SECONDS]
    lift = best.r2 - (np.max(far, axis=0) if far else 0.0)
    return Alignment(
        lag_seconds=best.lag,
        confidence=1.0 if known is not None else _confidence(best, others, lift, score.n_pitched),
        r2=float(best.r2.mean()),
        rivals=[(other.lag, float(other.r2.mean())) for other in others],
        lift=lift,
        own_lags=[_peaks(lags, curve, _N_OWN_LAGS) for curve in of_groups],
        pitch_gain=_of_pitched(best.pitch_gain, score.n_pitched),
    )


@dataclass(frozen=True)
class _Tried:
    """What all tracks together explain of each group at one lag, and what their pitches add."""

    lag: float
    r2: Float64
    pitch_gain: Float64

    @cached_property
    def merit(self) -> float:
        """What the lag is chosen by; between equals, the nearer is likelier."""
        own = float(self.r2.mean() + _PITCH_GAIN_COUNTS * self.pitch_gain.mean())
        return own - _NEARER_IS_LIKELIER * abs(self.lag)

    def __lt__(self, other: "_Tried") -> bool:
        return self.merit < other.merit


def _tried(score: Score, session: Session, lags: Sequence[float]) -> Iterator[_Tried]:
    of_notes = _r2_at_each(score.level, session, lags)
    if not score.decoys:
        yield from (
            _Tried(lag, r2, np.zeros_like(r2)) for lag, r2 in zip(lags, of_notes, strict=True)
        )
        return
    of_decoys = [_r2_at_each(decoy(), session, lags) for decoy in score.decoys]
    for lag, r2, others in zip(lags, of_notes, np.mean(of_decoys, axis=0), strict=True):
        yield _Tried(lag, r2, r2 - others)


def _r2_at_each(levels: Float32, session: Session, lags: Sequence[float]) -> list[Float64]:
    return [_r2_at(levels, session.few_bands, lag, session.coarse_seconds) for lag in lags]


def _of_better_half(of_groups: Float64) -> float:
    return float(np.sort(of_groups)[len(of_groups) // 2 :].mean())


def _of_pitched(gain: Float64, n_pitched: int) -> float:
    """Return what pitches gain, of the better half of the groups that may hold any.

    No more than there are pitched tracks: beside eight microphones of a kit, bass and guitar are
    not half of the stems.
    """
    count = min(len(gain) - len(gain) // 2, max(n_pitched, _FEWEST_PITCHED))
    return float(np.sort(gain)[-count:].mean())


def r2_of_changes(
    score: Score, session: Session, group: int, lags_seconds: Sequence[float]
) -> list[float]:
    """Return the share of one group's changes of level that all tracks explain at each lag.

    Changes, not level: a piece that ends where the group ends explains much of its level.
    """
    levels = np.diff(pooled_bands(score.level, _LAG_BANDS), axis=2, prepend=np.float32(0))
    heard = np.diff(
        pooled_bands(session.level[:, [group]], _LAG_BANDS), axis=2, prepend=np.float32(0)
    )
    return [
        float(_r2_at(levels, centred(heard), lag, session.coarse_seconds)[0])
        for lag in lags_seconds
    ]


def agreement_of_onsets(tracks: Sequence[TrackNotes], session: Session) -> tuple[Float64, Float64]:
    """Return how well onsets alone agree with the groups at each lag: quick, for many tries.

    Returns
    -------
    lags : np.ndarray, shape=(n_lags,)
        Seconds.
    agreement : np.ndarray, shape=(n_lags,)
    """
    frame = session.frame_seconds
    reach = round(MAX_LAG_SECONDS / frame)
    n = reach + int(np.ceil(max(float(t.start.max()) for t in tracks) / frame)) + 2
    onsets = np.stack([onset_curve(t, t.start + reach * frame, n, frame) for t in tracks])
    of_tracks, of_groups = _best_correlations(
        smoothed(onsets[None]), smoothed(_in_all_regions(session.onsets)), reach
    )
    lags: Float64 = (np.arange(len(of_tracks)) - reach) * np.float64(frame)
    return lags, of_tracks + of_groups.mean(axis=0)


def pooled_level(level: Float32) -> Float32:
    """Return levels in as many bands as choose between alignments."""
    return pooled_bands(level, _CHECK_BANDS)


def _r2_at(levels: Float32, heard: Float32, lag_seconds: float, coarse: float) -> Float64:
    """Return the share of each group's level that all tracks together explain at a lag."""
    at_lag = _shifted(levels, lag_seconds, coarse, heard.shape[2])
    at_lag -= at_lag.mean(axis=-1, keepdims=True, dtype=np.float32)  # in place: it may be large
    return share_explained(products(at_lag, heard))


def level_explained(levels: Float32, session: Session) -> float:
    """Return the mean share of the groups that templates on the session's clock explain."""
    few = pooled_bands(levels, _CHECK_BANDS)
    few -= few.mean(axis=-1, keepdims=True, dtype=np.float32)
    return float(share_explained(products(few, session.few_bands)).mean())


def _confidence(best: _Tried, others: list[_Tried], lift: Float64, n_pitched: int) -> float:
    """Return how far to believe a lag.

    Over 108 sessions made of eight recordings by musicians, with whatever stem missing, the pitches
    gained 0.029 and more of the better half of the groups where the stem of an instrument with
    clear pitches was there; over 112 pairs of one's MIDI with another's sound 0.020 at most. Over
    35 rendered cues they gained 0.096 and more, over 71 strange pairs 0.017 at most.

    Drums alone have no pitch. There the lift decides: over 84 rendered cues that of the better half
    of the groups was never below 0.12, over 168 strange pairs never above 0.075.
    """
    second = max((other.merit for other in others), default=0.0)
    margin = (best.merit - second) / max(best.merit, 1e-9)
    if n_pitched:
        gain = _of_pitched(best.pitch_gain, n_pitched)
        of = (gain - _PITCH_GAIN_OF_DOUBT) / _PITCH_GAIN_SCALE
    else:
        of = (_of_better_half(lift) - LIFT_OF_DOUBT) / _LIFT_SCALE
    clear = np.clip(margin / CLEAR_MARGIN, 0.0, 1.0)
    return float(clear / (1.0 + np.exp(-np.clip(of, -50.0, 50.0))))


def _shifted(level: Float32, lag: float, coarse: float, n: int) -> Float32:
    """Return templates moved to the session's clock, shape (n_bands, n_tracks, n)."""
    lead = round(MAX_LAG_SECONDS / coarse)
    first = lead - lag / coarse
    whole = int(np.floor(first))
    part = np.float32(first - whole)
    out = np.zeros((*level.shape[:2], n), np.float32)
    for offset, weight in ((whole, np.float32(1) - part), (whole + 1, part)):
        a, b = max(0, -offset), min(n, level.shape[2] - offset)
        if weight > 0 and a < b:
            out[..., a:b] += weight * level[..., a + offset : b + offset]
    return out


def centred(series: Float32) -> Float32:
    """Return series whose mean over the last axis, time, is taken away."""
    out: Float32 = series - series.mean(axis=-1, keepdims=True, dtype=np.float32)
    return out


def _agreement(score: Score, session: Session) -> tuple[Float64, Float64, Float64]:
    """Return how well, at each lag, the best partners of all tracks and groups agree.

    Returns
    -------
    lags : np.ndarray, shape=(n_lags,)
    agreement : np.ndarray, shape=(n_lags,)
    of_groups : np.ndarray, shape=(n_groups, n_lags)
        Each group's with its own best partner.
    """
    frame = session.frame_seconds
    lead = round(MAX_LAG_SECONDS / session.coarse_seconds)
    fine_tracks, fine_groups = _best_correlations(
        smoothed(score.onsets), smoothed(_in_all_regions(session.onsets)), lead * COARSE
    )
    coarse_tracks, coarse_groups = _best_correlations(
        np.diff(pooled_bands(score.level, _LAG_BANDS), axis=2, prepend=np.float32(0)),
        np.diff(pooled_bands(session.level, _LAG_BANDS), axis=2, prepend=np.float32(0)),
        lead,
    )
    lags: Float64 = (np.arange(fine_groups.shape[1]) - lead * COARSE) * np.float64(frame)
    coarse_lags = (np.arange(coarse_groups.shape[1]) - lead) * session.coarse_seconds
    of_tracks = fine_tracks + np.interp(lags, coarse_lags, coarse_tracks)
    of_groups = fine_groups
    for of_group, level_part in zip(of_groups, coarse_groups, strict=True):
        of_group += np.interp(lags, coarse_lags, level_part)
    return lags, of_tracks + of_groups.mean(axis=0), of_groups


def smoothed(onsets: Float32) -> Float32:
    """Return onsets widened in time to about 60 ms, the spread of an orchestra's attack."""
    out = onsets.copy()
    out[..., 1:] += np.float32(0.5) * onsets[..., :-1]
    out[..., :-1] += np.float32(0.5) * onsets[..., 1:]
    return out


def _in_all_regions(onsets: Float32) -> Float32:
    out: Float32 = onsets.sum(axis=0, keepdims=True)
    return out


def _best_correlations(templates: Float32, targets: Float32, reach: int) -> tuple[Float64, Float64]:
    """Return how well the best partners correlate over bands, at lags -reach..reach.

    A few tracks at a time: all pairs at all lags would be gigabytes in a large cue.

    Parameters
    ----------
    templates : np.ndarray, shape=(n_bands, n_tracks, n_t)
        Their frame ``reach`` is time 0.
    targets : np.ndarray, shape=(n_bands, n_groups, n_s)

    Returns
    -------
    of_tracks : np.ndarray, shape=(2 * reach + 1,)
        Each track's normalised cross-correlation with its best group, mean over tracks.
    of_groups : np.ndarray, shape=(n_groups, 2 * reach + 1)
        Each group's with its best track. Neither is below 0.
    """
    from scipy.fft import irfft, next_fast_len, rfft

    x, y = centred(templates), centred(targets)
    x /= np.maximum(np.sqrt((x**2).sum(axis=(0, 2), keepdims=True)), 1e-9)
    y /= np.maximum(np.sqrt((y**2).sum(axis=(0, 2), keepdims=True)), 1e-9)
    # Session frame = template frame + i, and time 0 is template frame reach: asked for is
    # i = -2 reach..0. So much silence before the session makes these the first of the result, and
    # what wraps around falls behind them.
    y = np.pad(y, ((0, 0), (0, 0), (2 * reach, 0)))
    n = next_fast_len(max(x.shape[2], y.shape[2]), real=True)
    fy = rfft(y, n, axis=2)
    of_tracks = np.zeros(2 * reach + 1)
    of_groups = np.zeros((y.shape[1], 2 * reach + 1))
    for first in range(0, x.shape[1], _TRACKS_AT_ONCE):
        fx = rfft(x[:, first : first + _TRACKS_AT_ONCE], n, axis=2)
        product = np.einsum("bkf,bgf->kgf", fx.conj(), fy, optimize=True)
        found = irfft(product, n, axis=2)[..., : 2 * reach + 1]
        of_tracks += np.maximum(found.max(axis=1), 0.0).sum(axis=0)
        np.maximum(of_groups, found.max(axis=0), out=of_groups)
    return of_tracks / x.shape[1], of_groups


def _peaks(lags: Float64, curve: Float64, count: int) -> list[float]:
    rest = curve.copy()
    apart = max(1, round(_APART_SECONDS / (lags[1] - lags[0])))
    found = []
    for _ in range(count):
        i = int(rest.argmax())
        if not np.isfinite(rest[i]):
            break
        found.append(float(lags[i]))
        rest[max(0, i - apart) : i + apart + 1] = -np.inf
    return found
