"""Render multi-track music into the inputs of ``match_evidence``, with the faults of real sessions.

Each part is rendered alone through a General MIDI sound font, then the stems are made from the
dry parts: merged, leaking, reverberant, late, wandering, silent, missing, surplus. Mel
spectrograms are librosa's own, so that the benchmark does not lean on the pipeline's.
"""

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.compose import Part
from benchmarks.conditions import Condition
from benchmarks.stems import HOP, N_FFT, N_MELS, SR, Float, Plan, log_mel, stems_of

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
    plan = Plan(condition, clumps, silent, shift, np.random.default_rng([seed, 5]))
    if path.exists():
        stored = np.load(path)
        mels = [stored[f"g{g}"].astype(np.float32) for g in range(n_groups)]
    else:
        mels = [log_mel(y) for y in stems_of(plan, parts, surplus or [], cache)]
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
        contents={2000 + g: [parts[p].name for p in clump] for g, clump in enumerate(clumps)},
        starts={2000 + g: float(shift[g]) for g in range(n_groups)},
        drums={1000 + p for p, part in enumerate(parts) if part.is_drum},
    )


def session_cue(name: str, parts: list[Part], mels: list[Float], lag_seconds: float) -> RenderedCue:
    """Return a session in which part ``i`` is heard in stem ``i``."""
    ids = list(range(len(parts)))
    return RenderedCue(
        name=name,
        tracks=_tracks_table(parts),
        notes=_notes_table(parts),
        features=_features_table(ids, mels, np.zeros(len(parts)), Condition("take")),
        mels={2000 + i: mels[i] for i in ids},
        truth={1000 + i: 2000 + i for i in ids},
        lag_seconds=lag_seconds,
    )


def _cue_key(name: str, parts: list[Part], condition: Condition, seed: int) -> str:
    text = repr((name, parts, replace(condition, name=""), condition.name, seed))
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _sounds(part: Part, until: float) -> bool:
    return sum(start < until for start, *_ in part.notes) >= 10


def _tracks_table(parts: list[Part]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": [1000 + p for p in range(len(parts))],
            "midi_file_id": 1,
            "track_index": range(1, len(parts) + 1),
            "port": pd.array([pd.NA] * len(parts), dtype="Int64"),
            "part_channel": pd.array([pd.NA] * len(parts), dtype="Int64"),
            "track_name": [part.name for part in parts],
            "all_names": [[part.name] for part in parts],
            "sounds": [[[part.program, None, None, len(part.notes)]] for part in parts],
            "drum_kit": ["channel 10" if part.is_drum else None for part in parts],
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
