"""How the take leans away from the one lag: slow drift and wander, followed through the cue."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cue_pipeline.hearing.alignment import Alignment, Session
from cue_pipeline.hearing.non_negative import non_negative_weights
from cue_pipeline.hearing.templates import TrackNotes, onset_curve

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

MAX_DRIFT_SECONDS = 0.6
WINDOW_SECONDS = 12.0
FINER_SECONDS = 6.0  # a wander bends within longer windows; shorter ones hold too few strokes
_STEP_SHARE = 1 / 3  # of a window
_STIFFNESS = 0.04  # of a window's best agreement, per fine frame of movement between windows


def with_drift(
    alignment: Alignment,
    tracks: list[TrackNotes],
    session: Session,
    window_seconds: float = WINDOW_SECONDS,
) -> Alignment:
    """Return the alignment with its wander followed, window by window.

    What the tracks together predict of each group's onsets is compared with the onsets heard, a
    little earlier and a little later in every window; the path through the windows that agrees
    best without moving more than it must is the wander (dynamic programming).
    """
    frame = session.frame_seconds
    heard = session.onsets.sum(axis=0)
    n = heard.shape[1]
    curves = np.stack([onset_curve(t, alignment.session_time(t.start), n, frame) for t in tracks])
    predicted = _predicted(_widened(curves), heard)
    reach = min(round(MAX_DRIFT_SECONDS / frame), max(0, n // 4))
    centres, agreement = _agreement(predicted, heard, reach, frame, window_seconds)
    if len(centres) < 2 or reach < 1:
        return alignment
    path = _stiffest_path(agreement)
    moved = (path - reach) * frame
    middle = float(np.median(moved))
    at_midi = centres - alignment.lag_seconds - middle
    return replace(
        alignment,
        lag_seconds=alignment.lag_seconds + middle,
        knots=at_midi,
        wander=moved - middle,
    )


def _widened(curves: Float32) -> Float32:
    out = curves.copy()
    out[:, 1:] += 0.6 * curves[:, :-1]
    out[:, :-1] += 0.6 * curves[:, 1:]
    return out


def _predicted(curves: Float32, heard: Float32) -> Float32:
    x = curves - curves.mean(axis=1, keepdims=True)
    y = heard - heard.mean(axis=1, keepdims=True)
    gram = (x @ x.T).astype(np.float64)
    gram += 1e-3 * np.trace(gram) / max(len(gram), 1) * np.eye(len(gram)) + 1e-9 * np.eye(len(gram))
    weights = non_negative_weights(gram[None], (x @ y.T).astype(np.float64)[None])[0]
    shapes = weights.T.astype(np.float32) @ curves
    # Groups speak with equal voice: a loud one must not decide where time is.
    out: Float32 = shapes / np.maximum(np.sqrt((shapes**2).sum(axis=1, keepdims=True)), 1e-9)
    return out


def _agreement(
    predicted: Float32, heard: Float32, reach: int, frame: float, window_seconds: float
) -> tuple[Float64, Float64]:
    """Return window centres (session seconds) and agreement, shape (n_windows, 2 * reach + 1)."""
    n = heard.shape[1]
    norm = heard / np.maximum(np.sqrt((heard**2).sum(axis=1, keepdims=True)), 1e-9)
    step = max(1, round(_STEP_SHARE * window_seconds / frame))
    half = max(1, round(window_seconds / 2 / frame))
    middles = np.arange(step // 2, n, step)
    low, high = np.maximum(middles - half, 0), np.minimum(middles + half, n)
    out = np.empty((len(middles), 2 * reach + 1))
    for i, shift in enumerate(range(-reach, reach + 1)):
        a, b = max(0, shift), min(n, n + shift)
        both = np.zeros(n + 1)
        product = np.einsum("gt,gt->t", predicted[:, a - shift : b - shift], norm[:, a:b])
        both[a + 1 : b + 1] = product
        total = np.cumsum(both)
        out[:, i] = total[high] - total[low]
    centres: Float64 = (middles * frame).astype(np.float64)
    return centres, out


def _stiffest_path(agreement: Float64) -> Float64:
    """Return, per window, the index (to a fraction) of the best path: Viterbi."""
    n_windows, n_states = agreement.shape
    scale = float(np.median(agreement.max(axis=1)))
    states = np.arange(n_states)
    cost = _STIFFNESS * max(scale, 1e-12) * np.abs(states[:, None] - states[None, :])
    best = agreement[0].copy()
    came = np.zeros((n_windows, n_states), np.int64)
    for w in range(1, n_windows):
        step = best[None, :] - cost
        came[w] = step.argmax(axis=1)
        best = step.max(axis=1) + agreement[w]
    path = np.empty(n_windows, np.int64)
    path[-1] = int(best.argmax())
    for w in range(n_windows - 1, 0, -1):
        path[w - 1] = came[w, path[w]]
    return path + _summit(agreement, path)


def _summit(agreement: Float64, path: NDArray[np.int64]) -> Float64:
    """Fit a parabola through the three values around each state of the path."""
    rows = np.arange(len(path))
    inner = np.clip(path, 1, agreement.shape[1] - 2)
    left, mid, right = (agreement[rows, inner + d] for d in (-1, 0, 1))
    bend = left - 2 * mid + right
    offset = np.where(bend < 0, 0.5 * (left - right) / np.where(bend < 0, bend, -1.0), 0.0)
    out: Float64 = np.where(inner == path, np.clip(offset, -0.5, 0.5), 0.0)
    return out
