"""How much of each stem's sound every track is: powers, which add.

Level, the fourth root of power, is kind to quiet tracks but does not add: where a loud and a quiet
track sound together, hardly more than the loud one is seen. Powers do add. So each stem's power is
taken for a sum of the tracks' own, band by band, by non-negative factorisation with the Kullback-
Leibler divergence: a misfit counts beside what is there, and a quiet track shows wherever the
others rest. The factors in time are given by the notes; only the weights are learnt.

Beside each track stands a decoy, its notes a tritone away: what any music of that rhythm would
explain goes to both.

References
----------
Lee, D. D., Seung, H. S. Algorithms for non-negative matrix factorization. NIPS 2000.

Ewert, S., Müller, M. Using score-informed constraints for NMF-based source separation. ICASSP 2012.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cue_pipeline.hearing.templates import (
    N_SHAPES,
    TrackNotes,
    begun,
    shaped,
)

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

N_FRAMES_POOLED = 2  # 0.17 s: the weights of whole notes are asked for, not their onsets
_TRITONE = 6  # semitones: the interval that shares fewest partials
_DECOY_SECONDS = 9.7  # a drum has no pitch: its decoy is late by what is no bar
_STRUCK_SECONDS = 0.25  # of power
_RINGING_SECONDS = 0.13  # a room of 1.8 s: 60 dB are 13.8 of these
_ROUNDS = 25
_HASTE = 1.7  # exponent of the multiplicative step; it converges below 2
_BACKGROUND = 1e-3  # of a stem's mean power in a band: noise that no track explains
_NOWHERE = 1e-9  # mean power of a template without sound
_QUIETEST = 1e-4  # of a stem's mean power over all bands


def level_to_power(level: Float32) -> Float32:
    """Return power: the fourth power of level, by squaring twice."""
    power = np.square(level)
    return np.square(power, out=power)


def in_power(voices: Sequence[TrackNotes]) -> list[TrackNotes]:
    """Return tracks and then their decoys, whose ``level`` is power: that of velocity squared."""
    loud = [replace(voice, level=level_to_power(voice.level)) for voice in voices]
    return loud + [_decoy(voice) for voice in loud]


def _decoy(voice: TrackNotes) -> TrackNotes:
    if voice.is_drum:
        return replace(voice, start=voice.start + _DECOY_SECONDS)
    return replace(voice, pitch=np.clip(voice.pitch + _TRITONE, 0, 127))


def shares(templates: Float32, power: Float32, frame_seconds: float, n_tracks: int) -> Float64:
    """Return how much of each stem's sound every track is.

    Parameters
    ----------
    templates : np.ndarray, shape=(n_bands, n_templates, n_frames)
        What power the notes should give, of any scale; tracks first, then whatever else may
        explain the sound.
    power : np.ndarray, shape=(n_bands, n_groups, n_frames)
        The stems' power.
    frame_seconds : float
        Length of a frame.
    n_tracks : int
        How many of the templates are tracks.

    Returns
    -------
    np.ndarray, shape=(n_tracks, n_groups)
        The track's share of the power, 0..1, averaged over all frames and bands alike, so that a
        quiet moment in a high band counts as much as a loud one in a low band.
    """
    n_groups = power.shape[1]
    quietest = _QUIETEST * power.mean(axis=(0, 2), dtype=np.float64)
    total = np.zeros((n_tracks, n_groups))
    for held, heard in zip(templates, power, strict=True):
        total += _shares_of_band(held, heard, quietest, frame_seconds)[:n_tracks]
    out: Float64 = total / len(templates)
    return out


def _shares_of_band(
    held: Float32, heard: Float32, quietest: Float64, frame_seconds: float
) -> Float64:
    """Return the shares of all templates in one band: (n_templates, n_groups)."""
    n_frames = held.shape[1]
    # A template that is nowhere, in a band that its notes do not reach, costs as much as any other.
    used = held.mean(axis=1) > _NOWHERE
    shapes = _shapes(held[used], frame_seconds)
    mean = np.maximum(heard.mean(axis=1, dtype=np.float64), 1e-20)
    floor = np.maximum(_BACKGROUND, quietest / mean).astype(np.float32)[:, None]
    observed = heard / mean.astype(np.float32)[:, None] + floor
    weights = least_divergent(observed, shapes, floor)
    # The mean over time of each shape's part of the model.
    parts = weights * ((1.0 / (weights @ shapes + floor)) @ shapes.T) / n_frames
    out = np.zeros((len(held), len(heard)))
    out[used] = parts[:, :-1].reshape(len(heard), -1, N_SHAPES).sum(axis=2).T
    return out


def least_divergent(observed: Float32, shapes: Float32, floor: Float32) -> Float32:
    """Return ``w >= 0`` for which ``w @ shapes + floor`` diverges least from what is observed.

    Parameters
    ----------
    observed : np.ndarray, shape=(n_groups, n_frames)
        Positive, of mean about 1.
    shapes : np.ndarray, shape=(n_shapes, n_frames)
        Of mean 1.
    floor : np.ndarray, shape=(n_groups, 1)
        Positive.

    Returns
    -------
    np.ndarray, shape=(n_groups, n_shapes)
        After 25 of Lee and Seung's multiplicative rounds: not at rest. A share is then up to 0.1
        too high where a louder track never rests; matching is no better for more rounds.
    """
    weights = np.full((len(observed), len(shapes)), 1.0 / len(shapes), np.float32)
    ratio = np.empty_like(observed)
    # Mean over time; in rows, because a product with a transposed matrix takes twice as long.
    over_time = np.ascontiguousarray(shapes.T) / np.float32(shapes.shape[1])
    for _ in range(_ROUNDS):
        np.matmul(weights, shapes, out=ratio)
        ratio += floor
        np.divide(observed, ratio, out=ratio)
        weights *= (ratio @ over_time) ** np.float32(_HASTE)
    return weights


def _shapes(held: Float32, frame_seconds: float) -> Float32:
    """Return the ways in which each template may sound, and steady noise: each of mean 1.

    Shape (n_templates * 3 + 1, n_frames): held, struck and dying, ringing on.
    """
    ways = shaped(
        held, begun(held), frame_seconds, struck=_STRUCK_SECONDS, ringing=_RINGING_SECONDS
    )
    ways /= np.maximum(ways.mean(axis=2, keepdims=True), np.float32(_NOWHERE))
    noise = np.ones((1, held.shape[1]), np.float32)
    return np.concatenate([ways.reshape(-1, held.shape[1]), noise])


def pooled(power: Float32) -> Float32:
    """Return the mean power of every few frames, over the last axis; the odd rest is left out."""
    n = max(power.shape[-1] // N_FRAMES_POOLED, 1)
    parts = [power[..., i : n * N_FRAMES_POOLED : N_FRAMES_POOLED] for i in range(N_FRAMES_POOLED)]
    out: Float32 = np.mean([part for part in parts if part.shape[-1]], axis=0)
    return out
