"""Small cues for tests, written to disk by mido and soundfile."""

from collections.abc import Mapping
from pathlib import Path

import mido
import numpy as np
import soundfile as sf

RATE = 48_000


def write_midi(
    path: Path, tracks: Mapping[str, list[tuple[int, int, int]]], tpb: int = 480
) -> None:
    """Write a type-1 file: a conductor track with a tempo change, then named tracks.

    Each track is a list of (start tick, note, length in ticks).
    """
    mid = mido.MidiFile(type=1, ticks_per_beat=tpb)
    conductor = mido.MidiTrack()
    conductor.append(mido.MetaMessage("track_name", name="Conductor"))
    conductor.append(mido.MetaMessage("time_signature", numerator=3, denominator=4))
    conductor.append(mido.MetaMessage("set_tempo", tempo=500_000))
    conductor.append(mido.MetaMessage("marker", text="1m01 start"))
    conductor.append(mido.MetaMessage("set_tempo", tempo=750_000, time=3 * tpb))
    mid.tracks.append(conductor)
    for channel, (name, notes) in enumerate(tracks.items()):
        track = mido.MidiTrack()
        track.append(mido.MetaMessage("track_name", name=name))
        track.append(mido.Message("program_change", program=40 + channel, channel=channel))
        events = []
        for start, note, length in notes:
            events.append((start, mido.Message("note_on", note=note, velocity=90, channel=channel)))
            events.append((start + length, mido.Message("note_off", note=note, channel=channel)))
            curve = mido.Message("control_change", control=1, value=start % 128, channel=channel)
            events.append((start, curve))
        now = 0
        for tick, message in sorted(events, key=lambda e: e[0]):
            track.append(message.copy(time=tick - now))
            now = tick
        mid.tracks.append(track)
    path.parent.mkdir(parents=True, exist_ok=True)
    mid.save(path)


def tone(hz: float, seconds: float = 1.0, level: float = 0.25) -> np.ndarray:
    t = np.arange(int(RATE * seconds)) / RATE
    return (level * np.sin(2 * np.pi * hz * t)).astype("float32")


def write_audio(folder: Path, channels: Mapping[str, np.ndarray], *, rate: int = RATE) -> None:
    """Write mono files, name (without ending) → samples, as 24-bit WAV."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, y in channels.items():
        sf.write(folder / f"{name}.wav", y, rate, subtype="PCM_24")


def write_cue(root: Path, key: str, *, base_hz: float = 220.0) -> Path:
    """Write one complete small cue: two tracks, two stereo stems, a 5.1 mix, a click track."""
    cue = root / key
    name = Path(key).name
    write_midi(
        cue / "MIDI" / f"{name}.mid",
        {
            "Violins I": [(480 * k, 60 + k, 400) for k in range(6)],
            "Horn in F": [(960 * k, 50 + k, 900) for k in range(3)],
        },
    )
    left, right = tone(base_hz), tone(base_hz * 1.5)
    write_audio(
        cue / "PT" / "Audio Files",
        {
            f"{name} VLN I_01.L": left,
            f"{name} VLN I_01.R": right,
            f"{name} FHN_01.L": tone(base_hz / 2),
            f"{name} FHN_01.R": tone(base_hz / 2),
            f"{name} CLK_01": tone(1_000.0, level=0.5),
            **{
                f"{name} 6mx.{suffix}": (left + right) / 4
                for suffix in ("L", "C", "R", "Ls", "Rs", "lfe")
            },
        },
    )
    return cue
