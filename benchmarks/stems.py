"""Stems as sound: each part alone through a General MIDI sound font, then the faults of sessions.

Mel spectrograms are librosa's own, so that the benchmark does not lean on the pipeline's.
"""

import hashlib
import io
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.compose import Part
from benchmarks.conditions import Condition

SR = 48_000
HOP = 512
N_FFT = 2_048
N_MELS = 64
Float = NDArray[np.float32]


@dataclass(frozen=True)
class Plan:
    """Which parts are in which stem, and how they are played."""

    condition: Condition
    clumps: list[list[int]]
    silent: set[int]
    shift: NDArray[np.float64]  # seconds by which each group's file starts late
    rng: np.random.Generator


def stems_of(plan: Plan, parts: list[Part], surplus: list[Part], cache: Path) -> list[Float]:
    """Return the sound of each stem, mono, 48 kHz."""
    c, rng = plan.condition, plan.rng
    stems: list[Float] = []
    for clump in plan.clumps:
        voices = [
            dry(_performed(parts[p], c, rng), c.soundfont, cache) * 10 ** (rng.uniform(-8, 0) / 20)
            for p in clump
            if p not in plan.silent
        ]
        stems.append(_swelling(_summed(voices), c.swell_db, rng))
    stems += [
        dry(surplus[i % len(surplus)], c.soundfont, cache) if surplus else _summed([])
        for i in range(c.extra)
    ]
    # One take: the clock is common to all, each player leans a little his own way.
    common = int(rng.integers(1 << 30))
    stems = [_wandering(y, c, np.random.default_rng(common)) for y in stems]
    if c.wander_seconds:
        lean = replace(c, wander_seconds=c.wander_seconds / 3, drift_ppm=0.0)
        stems = [_wandering(y, lean, rng) for y in stems]
    stems = [reverberant(y, c.reverb_seconds, rng) for y in stems]
    length = max(max(map(len, stems)), SR)
    stems = [np.pad(y, (0, length - len(y))) for y in stems]
    if c.bleed_db is not None:
        stems = leaking(stems, c.bleed_db)
    noise = 10 ** (c.noise_dbfs / 20)
    out = []
    for y, late in zip(stems, plan.shift, strict=True):
        lead = round((c.offset_seconds - late) * SR)
        y = np.pad(y, (lead, 0)) if lead >= 0 else y[-lead:]
        y = y[: round(len(y) * c.heard_share)]
        out.append((y + rng.normal(0, noise, len(y))).astype(np.float32))
    return out


def leaking(stems: list[Float], bleed_db: float) -> list[Float]:
    """Return stems of one length, each with all others in it, so much lower."""
    gain = 10 ** (bleed_db / 20)
    mix = np.sum(stems, axis=0)
    return [y + gain * (mix - y) for y in stems]


def _summed(voices: list[Float]) -> Float:
    if not voices:
        return np.zeros(SR, np.float32)
    out = np.zeros(max(map(len, voices)), np.float32)
    for y in voices:
        out[: len(y)] += y
    return out


def default_soundfont() -> Path:
    """Return the small General MIDI sound font that pretty_midi carries."""
    import pretty_midi

    return Path(pretty_midi.__file__).with_name("TimGM6mb.sf2")


def dry(part: Part, soundfont: Path | None, cache: Path) -> Float:
    """Return one part's sound, mono, 48 kHz, shape (n_samples,), cached on disk as float16."""
    import midirenderer
    import pretty_midi
    import soundfile

    font = soundfont or default_soundfont()
    key = hashlib.sha256(repr((part, font.name)).encode()).hexdigest()[:24]
    path = cache / f"{key}.npy"
    if path.exists():
        return np.load(path).astype(np.float32)
    midi = pretty_midi.PrettyMIDI(resolution=960)
    instrument = pretty_midi.Instrument(part.program, is_drum=part.is_drum)
    for start, duration, pitch, velocity in part.notes:
        instrument.notes.append(pretty_midi.Note(velocity, pitch, start, start + duration))
    midi.instruments.append(instrument)
    written = io.BytesIO()
    midi.write(written)
    wav = midirenderer.render_wave_from(font.read_bytes(), written.getvalue())
    y, sr = soundfile.read(io.BytesIO(wav), dtype="float32", always_2d=True)
    if sr != SR:
        raise RuntimeError(f"midirenderer gave {sr} Hz, not {SR}")
    mono: Float = y.mean(axis=1)
    cache.mkdir(parents=True, exist_ok=True)
    np.save(path, mono.astype(np.float16))
    return mono


def log_mel(y: Float) -> Float:
    """Absolute log-power mel spectrogram as the pipeline stores it, shape (n_frames, n_mels)."""
    import librosa

    power = librosa.feature.melspectrogram(
        y=y, sr=SR, n_fft=N_FFT, hop_length=HOP, n_mels=N_MELS, pad_mode="constant"
    )
    db = librosa.power_to_db(power, ref=1.0, amin=1e-10, top_db=None)
    return np.ascontiguousarray(db.T.astype(np.float16).astype(np.float32))


def _performed(part: Part, condition: Condition, rng: np.random.Generator) -> Part:
    """Return what is played where the MIDI says ``part``."""
    c = condition
    octave = 12 if rng.random() < c.transposed and not part.is_drum else 0
    if not c.jitter_seconds and not octave:
        return part
    notes = [
        (
            max(0.0, start + float(rng.normal(0, c.jitter_seconds))),
            duration * float(rng.uniform(0.8, 1.2) if c.jitter_seconds else 1.0),
            min(127, pitch + octave),
            int(np.clip(velocity + (rng.normal(0, 15) if c.jitter_seconds else 0), 20, 127)),
        )
        for start, duration, pitch, velocity in part.notes
    ]
    return replace(part, notes=notes)


def _swelling(y: Float, depth_db: float, rng: np.random.Generator) -> Float:
    if not depth_db:
        return y
    t = np.arange(len(y)) / SR
    knots = np.arange(0.0, t[-1] + 6.0, 3.0) if len(y) else np.zeros(1)
    gain = np.interp(t, knots, rng.uniform(-depth_db, 0, len(knots)))
    return (y * 10 ** (gain / 20)).astype(np.float32)


def _wandering(y: Float, condition: Condition, rng: np.random.Generator) -> Float:
    """Play ``y`` on a slightly wrong and unsteady clock, as players without a click do."""
    if not condition.wander_seconds and not condition.drift_ppm:
        return y
    t = np.arange(len(y)) / SR
    knots = np.arange(0.0, t[-1] + 8.0, 4.0)
    wander = np.interp(t, knots, rng.uniform(-1, 1, len(knots)) * condition.wander_seconds)
    source = (t + wander) / (1 + condition.drift_ppm * 1e-6)
    return np.interp(source * SR, np.arange(len(y)), y).astype(np.float32)


def reverberant(y: Float, seconds: float, rng: np.random.Generator) -> Float:
    """Return sound with an exponentially decaying tail of so many seconds."""
    if not seconds:
        return y
    from scipy.signal import oaconvolve

    n = int(seconds * SR)
    tail = rng.normal(0, 1, n) * 10 ** (-3 * np.arange(n) / n)
    tail *= 0.5 / np.sqrt((tail**2).sum())  # the tail carries -6 dB of the direct sound
    tail[0] = 1.0
    return oaconvolve(y, tail.astype(np.float32))[: len(y) + n // 2].astype(np.float32)
