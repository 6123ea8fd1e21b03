"""Render multi-track music into the inputs of ``match_evidence``, with the faults of real sessions.

Each part is rendered alone through a General MIDI sound font, then the stems are made from the
dry parts: merged, leaking, reverberant, late, wandering, silent, missing, surplus. Mel
spectrograms are librosa's own, so that the benchmark does not lean on the pipeline's.
"""

import hashlib
import io
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.compose import Part

SR = 48_000
HOP = 512
N_FFT = 2_048
N_MELS = 64
Float = NDArray[np.float32]


@dataclass(frozen=True)
class Condition:
    """What befalls a session between the composer's MIDI and the mixer's stems."""

    name: str
    merge: int = 1  # up to this many parts in one stem
    bleed_db: float | None = None  # level of all other stems within each stem
    reverb_seconds: float = 0.0  # RT60 of an exponentially decaying tail
    wander_seconds: float = 0.0  # the take is early and late by this much, slowly
    drift_ppm: float = 0.0  # the take's clock against the MIDI's
    offset_seconds: float = 0.0  # silence before bar 1
    silent: float = 0.0  # share of MIDI tracks that were never recorded
    missing: float = 0.0  # share of stems that were not delivered
    extra: int = 0  # stems that no MIDI track plays
    noise_dbfs: float = -90.0
    time_references: bool = False  # stems start at different times, bext says when
    jitter_seconds: float = 0.0  # every note early or late by a normal deviate: a live take
    swell_db: float = 0.0  # each stem rises and falls slowly by this much: CC1, CC11, a fader
    key_switches: float = 0.0  # share of tracks whose MIDI holds low notes that make no sound
    transposed: float = 0.0  # share of tracks that sound an octave away from their MIDI
    heard_share: float = 1.0  # the recording stops here: an excerpt
    soundfont: Path | None = None


CONDITIONS = (
    Condition("clean"),
    Condition(
        "hard", merge=3, bleed_db=-15.0, reverb_seconds=1.8, wander_seconds=0.015,
        drift_ppm=120.0, offset_seconds=3.7,
    ),
    Condition("silent", silent=0.25, offset_seconds=7.3),
    Condition(
        "silent-hard", merge=2, bleed_db=-15.0, reverb_seconds=1.8, wander_seconds=0.015,
        drift_ppm=120.0, offset_seconds=3.7, silent=0.25,
    ),
    Condition("missing", missing=0.25, extra=2, offset_seconds=11.2),
    Condition("bext", offset_seconds=23.0, time_references=True, bleed_db=-20.0),
    Condition("early", offset_seconds=-4.2, bleed_db=-20.0, reverb_seconds=1.2),
    Condition("far", offset_seconds=52.0, bleed_db=-20.0, reverb_seconds=1.2, merge=2),
    Condition(
        "live", merge=2, bleed_db=-12.0, reverb_seconds=1.8, wander_seconds=0.03,
        drift_ppm=800.0, offset_seconds=9.1, jitter_seconds=0.025, swell_db=6.0,
    ),
    Condition(
        "mock-up", offset_seconds=2.0, swell_db=10.0, key_switches=0.4, transposed=0.2, merge=2,
        reverb_seconds=2.5, bleed_db=-25.0, noise_dbfs=-70.0,
    ),
    Condition("excerpt", offset_seconds=5.0, heard_share=0.5, bleed_db=-20.0, merge=2),
    Condition(
        "all-at-once", merge=3, bleed_db=-10.0, reverb_seconds=2.2, wander_seconds=0.03,
        drift_ppm=300.0, offset_seconds=13.0, jitter_seconds=0.02, swell_db=6.0, silent=0.25,
        missing=0.2, extra=1, key_switches=0.2, transposed=0.1,
    ),
)  # fmt: skip


# How session names shorten the composer's; what is not here is written in capitals.
SESSION_WORDS = {
    "Violins I": "VLN I", "Violins II": "VLN II", "Violas": "VLA", "Celli": "VC", "Basses": "CB",
    "Violin I": "VLN 1", "Violin II": "VLN 2", "Viola": "VLA", "Cello": "VC", "Flute": "FL",
    "Oboe": "OB", "Clarinet": "CL", "Bassoon": "BSN", "Horns": "HNS", "Trumpets": "TPTS",
    "Trombones": "TBNS", "Harp": "HP", "Piano": "PNO", "Timpani": "TIMP", "Glockenspiel": "GLOCK",
    "Marimba": "MAR", "E-Guitar": "EGTR", "Acoustic Gtr": "AC GTR", "Synth Bass": "SYN BASS",
    "Synth Pad": "SYN PAD", "Synth Pulse": "SYN PLS", "Drum Kit": "DRMS", "Low Perc": "LO PERC",
    "Piano R.H.": "PNO RH", "Piano L.H.": "PNO LH",
}  # fmt: skip


@dataclass
class RenderedCue:
    """One session as the evidence sees it, and the truth that it must not see."""

    name: str
    tracks: pd.DataFrame
    notes: pd.DataFrame
    features: pd.DataFrame
    mels: dict[int, Float]
    truth: dict[int, int | None]  # midi_track_id -> audio_file_id
    lag_seconds: float
    drums: set[int] = field(default_factory=set)
    starts: dict[int, float] = field(default_factory=dict)  # audio_file_id -> s after the earliest
    programs: pd.DataFrame = field(default_factory=pd.DataFrame)  # of midi_program_changes
    contents: dict[int, list[str]] = field(default_factory=dict)  # audio_file_id -> its parts

    def mel_of(self, audio_file_id: int) -> Float:
        """Return absolute dB, shape (n_frames, n_mels)."""
        return self.mels[audio_file_id]

    def session_name(self, audio_file_id: int) -> str:
        """Return what an engineer might call this group: '1m02 VLN I_01', '1m02 FL + OB_01'."""
        words = [
            SESSION_WORDS.get(name, name.upper()) for name in self.contents.get(audio_file_id, [])
        ]
        return f"1m02 {' + '.join(words) or 'XTRA'}_01"

    def lag_of(self, audio_file_id: int) -> float:
        """Return where MIDI time 0 is in this group's file, seconds."""
        return self.lag_seconds - self.starts.get(audio_file_id, 0.0)


def default_soundfont() -> Path:
    """Return the small General MIDI sound font that pretty_midi carries."""
    import pretty_midi

    return Path(pretty_midi.__file__).with_name("TimGM6mb.sf2")


def read_parts(path: Path, *, seconds: float | None = None) -> list[Part]:
    """Return the sounding tracks of a MIDI file."""
    import pretty_midi

    pretty_midi.pretty_midi.MAX_TICK = 1e9  # a fine division is not corruption
    parts = []
    for i, instrument in enumerate(pretty_midi.PrettyMIDI(str(path)).instruments):
        notes = [
            (n.start, n.end - n.start, n.pitch, n.velocity)
            for n in instrument.notes
            if seconds is None or n.start < seconds
        ]
        if notes:
            name = instrument.name.strip() or f"Track {i}"
            parts.append(Part(name, instrument.program, instrument.is_drum, notes))
    return parts


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


def _with_key_switches(part: Part, condition: Condition, rng: np.random.Generator) -> Part:
    """Return the MIDI with notes far below the instrument, which change its articulation."""
    if part.is_drum or rng.random() >= condition.key_switches:
        return part
    switches = [
        (max(0.0, start - 0.03), 0.1, int(rng.integers(12, 19)), 100)
        for start, _, _, _ in part.notes
        if rng.random() < 0.15
    ]
    return replace(part, notes=sorted(part.notes + switches))


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


def _reverberant(y: Float, seconds: float, rng: np.random.Generator) -> Float:
    if not seconds:
        return y
    from scipy.signal import oaconvolve

    n = int(seconds * SR)
    tail = rng.normal(0, 1, n) * 10 ** (-3 * np.arange(n) / n)
    tail *= 0.5 / np.sqrt((tail**2).sum())  # the tail carries -6 dB of the direct sound
    tail[0] = 1.0
    return oaconvolve(y, tail.astype(np.float32))[: len(y) + n // 2].astype(np.float32)


def _clumps(n: int, merge: int, rng: np.random.Generator) -> list[list[int]]:
    out, at = [], 0
    while at < n:
        size = int(rng.integers(1, merge + 1)) if merge > 1 else 1
        if merge > 1 and n > merge:
            size = max(size, 2 if rng.random() < 0.7 else 1)
        out.append(list(range(at, min(n, at + size))))
        at += size
    return out


def rendered(
    name: str,
    parts: list[Part],
    condition: Condition,
    *,
    seed: int,
    cache: Path,
    surplus: list[Part] | None = None,
) -> RenderedCue:
    """Return one session.

    Parameters
    ----------
    parts : list of Part
        The MIDI tracks.
    surplus : list of Part, optional
        Other music, for stems that no track plays.
    """
    rng = np.random.default_rng(
        [seed, int(hashlib.sha256(condition.name.encode()).hexdigest()[:8], 16)]
    )
    path = cache / f"cue_{_cue_key(name, parts, condition, seed)}.npz"
    n_silent = round(condition.silent * len(parts))
    silent = set(rng.choice(len(parts), n_silent, replace=False).tolist()) if n_silent else set()
    clumps = _clumps(len(parts), condition.merge, rng)
    group_of = {p: g for g, clump in enumerate(clumps) for p in clump}
    n_groups = len(clumps) + condition.extra
    n_missing = round(condition.missing * len(clumps))
    missing = (
        set(rng.choice(len(clumps), n_missing, replace=False).tolist()) if n_missing else set()
    )
    shift = np.zeros(n_groups)
    if condition.time_references:
        shift = np.round(rng.uniform(0, min(20.0, condition.offset_seconds), n_groups) * SR) / SR
    plan = _Plan(condition, clumps, silent, shift, np.random.default_rng([seed, 5]))
    if path.exists():
        stored = np.load(path)
        mels = [stored[f"g{g}"].astype(np.float32) for g in range(n_groups)]
    else:
        mels = [log_mel(y) for y in _stems(plan, parts, surplus or [], cache)]
        np.savez(path, **{f"g{g}": m.astype(np.float16) for g, m in enumerate(mels)})
    kept = [g for g in range(n_groups) if g not in missing]
    order = np.random.default_rng([seed, 6]).permutation(len(kept))
    switching = np.random.default_rng([seed, 8])
    heard_until = max(len(m) for m in mels) * HOP / SR - condition.offset_seconds
    truth = {
        1000 + p: (
            2000 + group_of[p]
            if p not in silent and group_of[p] not in missing and _sounds(parts[p], heard_until)
            else None
        )
        for p in range(len(parts))
    }
    return RenderedCue(
        name=f"{name}/{condition.name}",
        tracks=_tracks_table(parts),
        notes=_notes_table([_with_key_switches(p, condition, switching) for p in parts]),
        features=_features_table([kept[i] for i in order], mels, shift, condition),
        mels={2000 + g: mels[g] for g in kept},
        truth=truth,
        lag_seconds=condition.offset_seconds,
        programs=_programs_table(parts),
        contents={2000 + g: [parts[p].name for p in clump] for g, clump in enumerate(clumps)},
        starts={2000 + g: float(shift[g]) for g in range(n_groups)},
        drums={1000 + p for p, part in enumerate(parts) if part.is_drum},
    )


@dataclass(frozen=True)
class _Plan:
    condition: Condition
    clumps: list[list[int]]
    silent: set[int]
    shift: NDArray[np.float64]  # seconds by which each group's file starts late
    rng: np.random.Generator


def _cue_key(name: str, parts: list[Part], condition: Condition, seed: int) -> str:
    text = repr((name, parts, replace(condition, name=""), condition.name, seed))
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _stems(plan: _Plan, parts: list[Part], surplus: list[Part], cache: Path) -> list[Float]:
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
    stems = [_reverberant(y, c.reverb_seconds, rng) for y in stems]
    length = max(max(map(len, stems)), SR)
    stems = [np.pad(y, (0, length - len(y))) for y in stems]
    if c.bleed_db is not None:
        gain = 10 ** (c.bleed_db / 20)
        mix = np.sum(stems, axis=0)
        stems = [y + gain * (mix - y) for y in stems]
    noise = 10 ** (c.noise_dbfs / 20)
    out = []
    for y, late in zip(stems, plan.shift, strict=True):
        lead = round((c.offset_seconds - late) * SR)
        y = np.pad(y, (lead, 0)) if lead >= 0 else y[-lead:]
        y = y[: round(len(y) * c.heard_share)]
        out.append((y + rng.normal(0, noise, len(y))).astype(np.float32))
    return out


def _summed(voices: list[Float]) -> Float:
    if not voices:
        return np.zeros(SR, np.float32)
    out = np.zeros(max(map(len, voices)), np.float32)
    for y in voices:
        out[: len(y)] += y
    return out


def _sounds(part: Part, until: float) -> bool:
    return sum(start < until for start, *_ in part.notes) >= 10


def _tracks_table(parts: list[Part]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": [1000 + p for p in range(len(parts))],
            "midi_file_id": 1,
            "track_index": range(1, len(parts) + 1),
            "track_name": [part.name for part in parts],
        }
    )


def _notes_table(parts: list[Part]) -> pd.DataFrame:
    rows = [
        (1000 + p, 9 if part.is_drum else p % 9, pitch, velocity, start, duration)
        for p, part in enumerate(parts)
        for start, duration, pitch, velocity in part.notes
    ]
    names = ["midi_track_id", "channel", "note", "velocity", "start_time", "duration"]
    return pd.DataFrame(rows, columns=names)


def _programs_table(parts: list[Part]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "midi_track_id": [1000 + p for p in range(len(parts))],
            "event_index": 0,
            "channel": [9 if part.is_drum else p % 9 for p, part in enumerate(parts)],
            "program": [part.program for part in parts],
        }
    )


def mel_params() -> dict[str, object]:
    """Return the words in which the mel room records its parameters."""
    return {
        "sr": SR, "n_fft": N_FFT, "win_length": N_FFT, "window": "hann", "hop_length": HOP,
        "center": True, "pad_mode": "constant", "n_mels": N_MELS, "fmin": 0.0, "fmax": SR / 2,
        "htk": False, "norm": "slaney", "power": 2.0, "ref": 1.0, "amin": 1e-10, "top_db": None,
        "dtype": "float16",
    }  # fmt: skip


def _features_table(
    groups: list[int], mels: list[Float], shift: NDArray[np.float64], condition: Condition
) -> pd.DataFrame:
    midnight = 10 * 3600 * SR
    references = [midnight + round(shift[g] * SR) for g in groups]
    return pd.DataFrame(
        {
            "audio_file_id": [2000 + g for g in groups],
            "sample_rate": SR,
            "hop_length": HOP,
            "n_mels": N_MELS,
            "n_frames": [len(mels[g]) for g in groups],
            "max_db": [float(mels[g].max()) for g in groups],
            "params": [mel_params() for _ in groups],
            "canonical_name": [f"Audio {i + 1}_01" for i in range(len(groups))],
            "time_reference": pd.array(
                references if condition.time_references else [None] * len(groups), dtype="Int64"
            ),
        }
    )
