"""By how much a clock is late, because most of what it was found by speaks slowly.

Where strings bow beside a piano, their onsets are heard some 20 ms after the notes begin, and the
clock on which most onsets agree is theirs. But nothing sounds before its note: a stem whose onsets
rise earlier on the clock than a sharp attack can says by how much the clock is late.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from cue_pipeline.hearing.alignment import Alignment, Session
from cue_pipeline.hearing.templates import LEVEL_EXPONENT, TrackNotes

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

_STEPS = 4  # to a frame
_REACH_FRAMES = 10
_NEAR_FRAMES = 3  # the rise of a note is no further from its place
_ALONE_SECONDS = 0.12
_FEWEST_NOTES = 8
_FEWEST_STEMS = 3
_SHARPEST = 2  # stems that tell: one alone may be a player who is early
_MOST_SECONDS = 0.015
_MOST_SCATTER = 0.018  # seconds: players who wander further do not tell when they are early
_SHARP_SECONDS = 0.004  # a sharp attack's rise after that of an instant one
_FLOOR_DB = -80.0


def lateness(
    voices: Sequence[TrackNotes],
    onset_part: Float64,
    scatter: Float64,
    alignment: Alignment,
    session: Session,
    instant_rise: float,
) -> float:
    """Return by how many seconds notes sound before the clock says so, at least.

    Parameters
    ----------
    voices : sequence of TrackNotes
    onset_part : np.ndarray, shape=(n_tracks, n_groups)
        How well each voice's onsets are heard in each stem: the best one's are taken.
    scatter : np.ndarray, shape=(n_groups,)
        How far onsets scatter around their places, seconds; NaN: not known.
    alignment : Alignment
        Of the voices.
    session : Session
        The stems.
    instant_rise : float
        Where on this clock a tone that begins at once rises, after its note: see
        :func:`instant_rise_seconds`.

    Returns
    -------
    float
        From 0 to 0.015; 0 where too few stems tell.
    """
    rises = [
        _rise(voices[best], alignment, session, group)
        for group, best in enumerate(onset_part.argmax(axis=0))
        if scatter[group] <= _MOST_SCATTER
    ]
    known = np.sort(np.array(rises))[: np.isfinite(rises).sum()]
    if len(known) < _FEWEST_STEMS:
        return 0.0
    sharp = instant_rise + _SHARP_SECONDS
    return float(np.clip(sharp - known[:_SHARPEST].mean(), 0.0, _MOST_SECONDS))


def _rise(voice: TrackNotes, alignment: Alignment, session: Session, group: int) -> float:
    """Return where on the clock a voice's onsets rise to half in a stem, seconds from its notes."""
    starts = np.unique(voice.start)
    gaps = np.diff(starts, prepend=-np.inf, append=np.inf)
    alone = starts[np.minimum(gaps[:-1], gaps[1:]) > _ALONE_SECONDS]
    heard = session.onsets[:, group].sum(axis=0)
    at = alignment.session_time(alone) / session.frame_seconds
    at = at[(at > _REACH_FRAMES + 1) & (at < len(heard) - _REACH_FRAMES - 2)]
    if len(at) < _FEWEST_NOTES:
        return np.nan
    return _half_rise(heard, at) * session.frame_seconds


def _half_rise(heard: Float32, at: Float64) -> float:
    """Return where the usual onset around some places reaches half its height, in frames."""
    grid = np.arange(-_REACH_FRAMES * _STEPS, _REACH_FRAMES * _STEPS + 1) / _STEPS
    around = np.interp(at[:, None] + grid, np.arange(len(heard)), heard)
    around = around[around.max(axis=1) > 0]
    if not len(around):
        return np.nan
    usual = np.median(around / around.max(axis=1, keepdims=True), axis=0)
    near = np.abs(grid) <= _NEAR_FRAMES
    peak = int(np.flatnonzero(near)[usual[near].argmax()])
    rest = float(np.median(usual))
    half = rest + 0.5 * (usual[peak] - rest)
    below = np.flatnonzero(usual[:peak] <= half)
    if not len(below) or usual[peak] <= rest:
        return np.nan
    i = int(below[-1])
    return float(grid[i] + (half - usual[i]) / (usual[i + 1] - usual[i]) / _STEPS)


@cache
def instant_rise_seconds(window_seconds: float, hop_seconds: float, frame_seconds: float) -> float:
    """Return where a tone that begins at once is heard to rise to half, seconds from its beginning.

    Parameters
    ----------
    window_seconds, hop_seconds : float
        Of the spectrogram, whose window is a Hann window.
    frame_seconds : float
        Of the ear's frames, each as loud as the loudest hop in it.
    """
    step = round(frame_seconds / hop_seconds)
    rises = []
    for phase in np.arange(16) / 16:
        begins = (2 * _REACH_FRAMES + phase) * frame_seconds
        hops = np.arange(4 * _REACH_FRAMES * step) * hop_seconds
        # The share of the window's area that lies behind the tone's beginning.
        u = np.clip((hops - begins) / window_seconds + 0.5, 0.0, 1.0)
        power = np.square(u - np.sin(2 * np.pi * u) / (2 * np.pi))
        floor = 10.0 ** (_FLOOR_DB / 10)
        level = np.maximum(power, floor) ** LEVEL_EXPONENT - floor**LEVEL_EXPONENT
        frames = level.reshape(-1, step).max(axis=1)
        onsets = np.zeros(len(frames), np.float32)
        onsets[1:-1] = np.maximum(frames[2:] - frames[:-2], 0.0)
        rises.append(_half_rise(onsets, np.array([begins / frame_seconds])))
    return float(np.mean(rises)) * frame_seconds
