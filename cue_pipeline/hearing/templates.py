"""What a MIDI track should look like in a mel spectrogram, before anything is known of its sound.

Conventions
-----------
All arrays stand on one grid of ``frame_seconds``, the session's clock, whose frame 0 is the first
sample of the earliest file. Loudness is the fourth root of power ("level"), which lies between
power, where the loudest note is all, and decibels, where a leak at -40 dB is as good as a note.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

LEVEL_EXPONENT = 0.25  # level = power ** LEVEL_EXPONENT
N_HARMONICS = 8
DRUM_CHANNEL = 9
_DECAY_SECONDS = 0.35  # a drum's note-off says nothing: it rings as it likes
_SAME_SECONDS = 0.05
_SAME_SHARE = 0.9  # of the notes of both
N_SHAPES = 3
_LOBE_BINS = 2.0  # half width of a Hann window's main lobe, FFT bins


@dataclass(frozen=True)
class TrackNotes:
    """One track's notes as columns.

    ``start`` and ``duration`` are seconds of MIDI time, ``level`` is 0..1 in the domain of
    ``LEVEL_EXPONENT``, ``is_drum`` tells that pitch means a drum, not a frequency.
    """

    start: Float64
    duration: Float64
    pitch: NDArray[np.int64]
    level: Float32
    is_drum: bool

    @property
    def n_notes(self) -> int:
        """How many notes the track has."""
        return len(self.start)


def track_notes(
    track_ids: Sequence[int], notes: pd.DataFrame, kits: Mapping[int, bool] | None = None
) -> list[TrackNotes]:
    """Return the notes of each track, in the order of ``track_ids``.

    Parameters
    ----------
    track_ids : sequence of int
        ``midi_tracks.id``.
    notes : pd.DataFrame
        Rows of ``midi_notes``.
    kits : mapping of int to bool, optional
        Whether a track is a drum kit; one that is not in it is where all its notes are on
        channel 10.
    """
    kits = kits or {}
    rows = notes[["midi_track_id", "channel", "note", "velocity", "start_time", "duration"]]
    by_track = dict(iter(rows.groupby("midi_track_id", sort=False)))
    empty = rows.iloc[:0]
    return [_columns(by_track.get(i, empty), kits.get(i)) for i in track_ids]


def _columns(rows: pd.DataFrame, kit: bool | None) -> TrackNotes:
    start = rows["start_time"].to_numpy(np.float64)
    order = np.argsort(start, kind="stable")
    velocity = rows["velocity"].to_numpy(np.float64)[order] / 127.0
    channel = rows["channel"].to_numpy()
    if kit is None:
        kit = bool((channel == DRUM_CHANNEL).all())
    return TrackNotes(
        start=start[order],
        duration=np.maximum(rows["duration"].to_numpy(np.float64)[order], 0.0),
        pitch=np.clip(rows["note"].to_numpy(np.int64)[order], 0, 127),
        level=(velocity ** (2 * LEVEL_EXPONENT)).astype(np.float32),
        is_drum=len(channel) > 0 and kit,
    )


def pitch_to_bands(centres: Float64, edges: Float64, fft_bin_hz: float) -> Float32:
    """Return how much level each pitch puts into each mel band, were it a plain harmonic tone.

    Parameters
    ----------
    centres : np.ndarray, shape=(n_bands,)
        Centre frequency of each band, Hz.
    edges : np.ndarray, shape=(n_bands, 2)
        Where each band begins and ends, Hz.
    fft_bin_hz : float
        Width of an FFT bin: below it, a partial is as wide as the window's main lobe.

    Returns
    -------
    np.ndarray, shape=(128, n_bands)
        Eight harmonics whose power falls with the square of their number.
    """
    spread = fft_bin_hz * _LOBE_BINS
    low, high = edges[:, 0] - spread, edges[:, 1] + spread
    out = np.zeros((128, len(centres)))
    for pitch in range(128):
        f0 = 440.0 * 2.0 ** ((pitch - 69) / 12.0)
        for h in range(1, N_HARMONICS + 1):
            f = f0 * h
            rising = (f - low) / np.maximum(centres - low, 1e-9)
            falling = (high - f) / np.maximum(high - centres, 1e-9)
            out[pitch] += np.clip(np.minimum(rising, falling), 0.0, None) ** 2 / h**2
    level: Float32 = (out**LEVEL_EXPONENT).astype(np.float32)
    return level


@dataclass(frozen=True)
class Spread:
    """How much level a note puts into each band: by its pitch, and by the drum that it strikes.

    ``pitches`` and ``drums`` have the shape (128, n_bands).
    """

    pitches: Float32
    drums: Float32

    def of(self, track: TrackNotes) -> Float32:
        """Return the matrix that holds for a track."""
        return self.drums if track.is_drum else self.pitches

    @property
    def n_bands(self) -> int:
        """How many bands there are."""
        return int(self.pitches.shape[1])

    def pooled(self, n_bands: int) -> "Spread":
        """Return the sums over neighbouring bands: ``n_bands``, or all where they are few."""
        return Spread(*(pooled_bands(of.T, n_bands).T for of in (self.pitches, self.drums)))

    def transposed(self, semitones: int) -> "Spread":
        """Return where pitched notes would sound so much higher; drums stay."""
        moved = np.clip(np.arange(len(self.pitches)) + semitones, 0, len(self.pitches) - 1)
        return replace(self, pitches=self.pitches[moved])

    def in_power(self) -> "Spread":
        """Return the same for power: the fourth power of level."""
        return Spread(np.square(np.square(self.pitches)), np.square(np.square(self.drums)))


def pooled_bands(level: Float32, n_bands: int) -> Float32:
    """Return the sums over neighbouring bands, the first axis."""
    if len(level) % n_bands == 0:
        paired: Float32 = level.reshape(n_bands, -1, *level.shape[1:]).sum(axis=1)
        return paired
    starts = np.linspace(0, len(level), min(n_bands, len(level)), endpoint=False)
    out: Float32 = np.add.reduceat(level, starts.astype(np.int64), axis=0)
    return out


def onset_curve(
    track: TrackNotes,
    start: Float64,
    n_frames: int,
    frame_seconds: float,
    of_note: Float32 | None = None,
) -> Float32:
    """Return onsets weighted by velocity, shape ``(n_frames,)``; ``start`` is session time.

    ``of_note``, shape ``(128,)``, weighs them by their note as well.
    """
    at = start / frame_seconds
    first = np.floor(at).astype(np.int64)
    part = (at - first).astype(np.float32)
    level = track.level if of_note is None else track.level * of_note[track.pitch]
    out = np.zeros(n_frames, np.float32)
    for index, weight in ((first, 1.0 - part), (first + 1, part)):
        inside = (index >= 0) & (index < n_frames)
        np.add.at(out, index[inside], (weight * level)[inside])
    return out


def level_templates(
    tracks: Sequence[TrackNotes],
    starts: Sequence[Float64],
    spread: Spread,
    n_frames: int,
    frame_seconds: float,
) -> Float32:
    """Return the level that each track's notes should give, shape (n_bands, n_tracks, n_frames).

    Pitched notes hold until their note-off; drums ring for a moment. How loud a band really is,
    is left to the regression, which learns it per stem.

    Parameters
    ----------
    starts : sequence of np.ndarray, shape=(n_notes,)
        Each track's note-on times on the session's clock, seconds.
    spread : Spread
        Of pitches and drums over the bands.
    """
    out = np.empty((spread.n_bands, len(tracks), n_frames), np.float32)
    for t, (track, start) in enumerate(zip(tracks, starts, strict=True)):
        _level_template(track, start, spread.of(track), frame_seconds, out[:, t])
    return out


def _level_template(
    track: TrackNotes, start: Float64, bands_of_note: Float32, frame_seconds: float, out: Float32
) -> None:
    n_frames = out.shape[1]
    duration = np.full(track.n_notes, _DECAY_SECONDS) if track.is_drum else track.duration
    pitches, column = np.unique(track.pitch, return_inverse=True)
    held = _held(start, duration, track.level, column, (n_frames, len(pitches)), frame_seconds)
    np.matmul(bands_of_note[pitches].T, held.T, out=out)


def shaped(
    held: Float32, onsets: Float32, frame_seconds: float, *, struck: float, ringing: float
) -> Float32:
    """Return how notes may sound: held as written, struck and dying, and ringing on.

    Parameters
    ----------
    held : np.ndarray, shape=(n_series, n_frames)
        Bands of :func:`level_templates`.
    onsets : np.ndarray, shape=(n_series, n_frames)
        Where notes begin, from :func:`begun`.
    struck, ringing : float
        Seconds in which a struck note, and a note that has ended, fall to 1/e.

    Returns
    -------
    np.ndarray, shape=(n_series, N_SHAPES, n_frames)
    """
    out = np.empty((len(held), N_SHAPES, held.shape[1]), np.float32)
    out[:, 0] = held
    out[:, 1] = _dying_away(onsets, frame_seconds / struck)
    out[:, 2] = _dying_away(held, frame_seconds / ringing)
    return out


def begun(held: Float32) -> Float32:
    """Return where the last axis, time, rises, and by how much."""
    out: Float32 = np.maximum(np.diff(held, axis=-1, prepend=np.float32(0)), 0.0)
    return out


def _dying_away(source: Float32, frames_per_decay: float) -> Float32:
    """Return ``y[t] = (1 - a) x[t] + a y[t - 1]`` with ``a = exp(-frames_per_decay)``.

    By doubling, which needs no import of scipy.signal.
    """
    keep = float(np.exp(-frames_per_decay))
    out: Float32 = source * np.float32(1.0 - keep)
    shift = 1
    while keep**shift > 1e-4 and shift < out.shape[-1]:
        out[..., shift:] += np.float32(keep**shift) * out[..., :-shift]
        shift *= 2
    return out


def _held(
    start: Float64,
    duration: Float64,
    level: Float32,
    column: NDArray[np.int64],
    shape: tuple[int, int],
    frame_seconds: float,
) -> Float32:
    """Integrate notes over frames: the integral of a difference of two ramps."""
    n_frames, n_columns = shape
    change = np.zeros((n_frames + 2, n_columns), np.float64)
    for time, sign in ((start, 1.0), (start + np.maximum(duration, frame_seconds / 4), -1.0)):
        at = np.clip(time / frame_seconds, 0.0, float(n_frames))
        first = np.floor(at).astype(np.int64)
        part = at - first
        np.add.at(change, (first, column), sign * level * (1.0 - part))
        np.add.at(change, (first + 1, column), sign * level * part)
    held: Float32 = np.cumsum(change, axis=0)[:n_frames].astype(np.float32)
    return held


def same_notes(tracks: Sequence[TrackNotes]) -> list[list[int]]:
    """Return sets of tracks that play the same notes at the same times, by index.

    Sound cannot tell them apart, and a regression on both would deal their share out by chance.
    Tracks without notes are in no set.
    """
    sets: list[list[int]] = []
    keys: list[set[tuple[int, int]]] = []
    for i, track in enumerate(tracks):
        if not track.n_notes:
            continue
        key = set(zip(np.round(track.start / _SAME_SECONDS).tolist(), track.pitch, strict=True))
        for members, known in zip(sets, keys, strict=True):
            if len(key & known) >= _SAME_SHARE * len(key | known):
                members.append(i)
                break
        else:
            sets.append([i])
            keys.append(key)
    return sets
