"""Score and sound laid beside each other frame by frame, and the path along which they agree best.

First by what the notes of all tracks should put into the bands, then by what each stem is found to
hold of each track.

References
----------
Müller, M. Fundamentals of Music Processing. Springer 2015, ch. 3 (dynamic time warping).

Ewert, S., Müller, M., Grosche, P. High resolution audio synchronization using chroma onset
features. ICASSP 2009.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cue_pipeline.hearing.alignment import Session, centred
from cue_pipeline.hearing.non_negative import non_negative_weights
from cue_pipeline.hearing.path_knots import Leaps, Path, in_knots
from cue_pipeline.hearing.regression import products
from cue_pipeline.hearing.templates import Spread, TrackNotes, level_templates, pooled_bands

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

_MOST_FRAMES = 2_400  # a longer cue is followed in longer frames: the table is their square
_BANDS = 32
_LEARNT_BANDS = 16
_AROUND_SECONDS = 4.0  # what lasts longer is no event
_SKIP = 0.35  # of agreement: what a frame costs that is only in the score, or only in the sound
_RISES_COUNT = 2.0  # as much as so much level
_ROUNDS = 3


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
    return in_knots(_path(agreement), Leaps(agreement, frame, onsets))


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
    weights = stem_weights(of.gram, of.product)
    predicted = np.einsum("btg,btf->bgf", weights.astype(np.float32), score, optimize=True)
    scale = np.maximum(sound.std(axis=(0, 2), keepdims=True), 1e-9)
    return _agreement(predicted / scale, sound / scale, frame)


def stem_weights(gram: Float64, product: Float64) -> Float64:
    """Return how much of each track is in each stem, by band: non-negative least squares."""
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
