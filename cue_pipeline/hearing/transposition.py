"""Parts that sound at other pitches than they are written: a horn in F, a bass an octave down.

Rhythm alone puts such a part into its stem, and every note of it would be a wrong label. Its
template, which stem bands rise when, is moved by semitones; where it fits clearly better at one
interval than as written, and than at any other, the part sounds there. Fine pitch is not in a mel
spectrogram: what lies low, where a band is wider than a third, tells nothing.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cue_pipeline.hearing.alignment import Alignment, Session
from cue_pipeline.hearing.templates import Spread, TrackNotes, level_templates

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

_INTERVALS = np.arange(-26, 27)  # two octaves, and what stands beside them
_FEWEST_NOTES, _FEWEST_PITCHES = 16, 4
_HEARD = 0.2  # score of the stem
_ANOTHER = 0.3  # score of a voice that may be in the stem as well
_LEAST = 0.03  # share of what changes in the stem beside its overall level
_CLEARLY = 1.5  # times as much as as written, and as at any interval that is no neighbour
_CLEARLY_OCTAVE = 2.0  # a stem that doubles the part an octave down fits 1.3 times as well there
_NEIGHBOUR = 2  # semitones that one band cannot tell apart
_OCTAVE = 12
_WIDEST = 14  # a written baritone saxophone sounds 21 lower; bars have a partial 18 above
_LOWEST = 50.0  # MIDI note: what lies lower, written or sounding, nobody can tell


def sounding_intervals(
    voices: Sequence[TrackNotes],
    score: Float64,
    spread: Spread,
    alignment: Alignment,
    session: Session,
) -> dict[int, int]:
    """Return the voices that sound elsewhere than written, and by how much.

    Parameters
    ----------
    voices : sequence of TrackNotes
    score : np.ndarray, shape=(n_voices, n_groups)
        How surely each is heard in each stem.
    spread : Spread
    alignment : Alignment
    session : Session

    Returns
    -------
    dict of int to int
        Place of the voice → semitones, more than 0 where it sounds higher. Of voices of fewer than
        16 notes or 4 pitches, of low ones, and of such as share their stem, it cannot be told.
    """
    pitched = np.array([not voice.is_drum for voice in voices])
    found = {}
    for v, voice in enumerate(voices):
        g = int(np.argmax(score[v]))
        others = (score[:, g] >= _ANOTHER) & pitched
        others[v] = False
        asked = (
            pitched[v]
            and voice.n_notes >= _FEWEST_NOTES
            and len(np.unique(voice.pitch)) >= _FEWEST_PITCHES
            and score[v, g] >= _HEARD
            and not others.any()
        )
        if asked:
            interval = _interval(_fits(voice, g, spread, alignment, session), voice)
            if interval:
                found[v] = interval
    return found


def _interval(fits: Float64, voice: TrackNotes) -> int:
    """Return the interval at which a voice clearly fits best; 0: as written, or nobody can tell."""
    best = int(np.argmax(fits))
    interval = int(_INTERVALS[best])
    apart = np.abs(_INTERVALS - interval)
    rivals = fits[(apart > _NEIGHBOUR) & (apart % _OCTAVE != 0)]
    rival = max(float(rivals.max()), float(fits[_INTERVALS == 0][0]))
    lowest = float(np.median(voice.pitch)) + min(interval, 0)
    factor = _CLEARLY_OCTAVE if abs(interval) == _OCTAVE else _CLEARLY
    clear = fits[best] >= max(_LEAST, factor * rival)
    return interval if clear and lowest >= _LOWEST and abs(interval) <= _WIDEST else 0


def told_interval(semitones: int) -> str:
    """Return in words where a part sounds."""
    how = "higher" if semitones > 0 else "lower"
    if abs(semitones) == _OCTAVE:
        return f"its notes sound an octave {how} than they are written, or are doubled there"
    many = "semitone" if abs(semitones) == 1 else "semitones"
    return f"its notes sound {abs(semitones)} {many} {how} than they are written"


def _fits(
    voice: TrackNotes, group: int, spread: Spread, alignment: Alignment, session: Session
) -> Float64:
    """Return which share of a stem's colour, as it changes, a voice explains at each interval.

    Colour is what is left of the bands without the overall level, the stem's and the voice's: when
    something sounds is no news. How loud a band is, is free.
    """
    notes, pitch = np.unique(voice.pitch, return_inverse=True)
    by_pitch = replace(voice, pitch=pitch.astype(np.int64))
    one_each = Spread(np.eye(128, len(notes), dtype=np.float32), spread.drums[:, : len(notes)])
    n = session.level.shape[2]
    start = alignment.session_time(voice.start)
    held = level_templates([by_pitch], [start], one_each, n, session.coarse_seconds)[:, 0]
    level = session.level[:, group]
    known = np.stack([np.ones(n, np.float32), level.sum(axis=0), held.sum(axis=0)], axis=1)
    overall = np.linalg.qr(known)[0]
    of_stem, of_notes = _without(level, overall), _without(held, overall)
    together, alone = of_notes @ of_stem.T, of_notes @ of_notes.T
    total = float(np.vdot(of_stem, of_stem))
    fits = []
    for interval in _INTERVALS:
        bands = spread.pitches[np.clip(notes + interval, 0, 127)]
        agreed = np.maximum((bands * together).sum(axis=0), 0.0)
        power = np.einsum("nb,nm,mb->b", bands, alone, bands)
        clear = power > 1e-9 * max(float(power.max()), 1e-30)
        fits.append(np.square(agreed[clear]) @ (1.0 / power[clear]) / max(total, 1e-30))
    return np.array(fits)


def _without(series: Float32, overall: Float32) -> Float32:
    """Return series, time last, without what columns of orthonormal ones explain of them."""
    left = series - (series @ overall) @ overall.T
    return left.astype(np.float32, copy=False)
