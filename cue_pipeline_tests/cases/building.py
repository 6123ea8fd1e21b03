"""Bytes of odd cues, written from the formats' specifications and by none of the product's code.

References
----------
EBU Tech 3285 (Broadcast Wave), EBU Tech 3306 (RF64), Apple's Core Audio Format and AIFF-C
specifications, Standard MIDI Files 1.0 (RP-001).
"""

import random
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

SR = 48_000
Note = tuple[float, float, int, int]
"""Beat, length in beats, pitch, velocity."""

# ------------------------------------------------------------------ audio


def noise(seconds: float = 1.0, channels: int = 1, seed: int = 0) -> np.ndarray:
    """Return white noise at −26 dB, shape=(n_samples, channels)."""
    n = round(seconds * SR)
    return np.random.default_rng(seed).standard_normal((n, channels)) * 0.05


def pcm24(y: np.ndarray, order: str = "<") -> bytes:
    """Return interleaved 24-bit samples."""
    whole = np.round(np.clip(y, -1, 1 - 2**-23) * 2**23).astype(np.int32).ravel()
    octets = whole.astype(f"{order}i4").view(np.uint8).reshape(-1, 4)
    return (octets[:, :3] if order == "<" else octets[:, 1:]).tobytes()


def chunk(name: bytes, data: bytes, size: int | None = None, *, pad: bool = True) -> bytes:
    """Return a RIFF chunk; ``size`` is what its header says."""
    says = len(data) if size is None else size
    return name + struct.pack("<I", says) + data + b"\0" * (pad and len(data) & 1)


def fmt(channels: int = 1, mask: int | None = None, sr: int = SR) -> bytes:
    """Return a format chunk of 24-bit PCM, extensible if there is a mask."""
    align = channels * 3
    head = struct.pack(
        "<HHIIHH", 1 if mask is None else 0xFFFE, channels, sr, sr * align, align, 24
    )
    if mask is not None:
        head += struct.pack("<HHIH", 22, 24, mask, 1)
        head += bytes.fromhex("000000001000800000aa00389b71")
    return chunk(b"fmt ", head)


def bext(reference: int) -> bytes:
    """Return a broadcast extension that says when the file begins."""
    text = b"".ljust(320, b"\0") + b"2026-01-0110:00:00" + struct.pack("<QH", reference, 1)
    return chunk(b"bext", text.ljust(602, b"\0"))


def riff(*chunks: bytes, magic: bytes = b"RIFF", size: int | None = None) -> bytes:
    """Return a Wave file of chunks."""
    body = b"WAVE" + b"".join(chunks)
    return magic + struct.pack("<I", len(body) if size is None else size) + body


def wav(y: np.ndarray, *, mask: int | None = None, before: bytes = b"") -> bytes:
    """Return samples as a sound Wave file; ``before`` stands before its format chunk."""
    return riff(before, fmt(y.shape[1], mask), chunk(b"data", pcm24(y)))


def aiff(y: np.ndarray, layout: int | None = None) -> bytes:
    """Return samples as AIFF, with Core Audio's layout tag if there is one."""

    def part(name: bytes, data: bytes) -> bytes:
        return name + struct.pack(">I", len(data)) + data + b"\0" * (len(data) & 1)

    rate = struct.pack(">HQ", 16383 + 15, SR << (63 - 15))
    body = b"AIFF" + part(b"COMM", struct.pack(">HIH", y.shape[1], len(y), 24) + rate)
    if layout is not None:
        body += part(b"CHAN", struct.pack(">III", layout, 0, 0))
    body += part(b"SSND", struct.pack(">II", 0, 0) + pcm24(y, ">"))
    return b"FORM" + struct.pack(">I", len(body)) + body


def caf(y: np.ndarray, layout: int) -> bytes:
    """Return samples as a Core Audio file with a layout tag."""

    def part(name: bytes, data: bytes) -> bytes:
        return name + struct.pack(">q", len(data)) + data

    n = y.shape[1]
    head = struct.pack(">d4sIIIII", SR, b"lpcm", 2, n * 3, 1, n, 24)
    chunks = part(b"desc", head) + part(b"chan", struct.pack(">III", layout, 0, 0))
    return b"caff\0\1\0\0" + chunks + part(b"data", bytes(4) + pcm24(y))


def split(base: str, y: np.ndarray, labels: Sequence[str], before: bytes = b"") -> dict[str, bytes]:
    """Return a group as mono files: ``base`` with ``{}`` for the label → bytes."""
    return {base.format(c): wav(y[:, [i]], before=before) for i, c in enumerate(labels)}


# ------------------------------------------------------------------ MIDI


def vlq(value: int) -> bytes:
    """Return a variable-length quantity."""
    octets = [value & 0x7F]
    while value := value >> 7:
        octets.insert(0, value & 0x7F | 0x80)
    return bytes(octets)


def meta(kind: int, data: bytes | str = b"") -> bytes:
    """Return a meta event without its delta time."""
    data = data.encode() if isinstance(data, str) else data
    return bytes([0xFF, kind]) + vlq(len(data)) + data


def named(text: bytes | str) -> bytes:
    """Return a track name."""
    return meta(0x03, text)


def tempo(bpm: float) -> bytes:
    """Return a tempo event."""
    return meta(0x51, round(60e6 / bpm).to_bytes(3, "big"))


METER = meta(0x58, bytes([4, 2, 24, 8]))

Event = tuple[int, bytes]


def track(*events: Event) -> bytes:
    """Return a track chunk of (tick, event)."""
    out, now = b"", 0
    for tick, event in sorted(events, key=lambda e: e[0]):
        out += vlq(tick - now) + event
        now = tick
    out += b"\0" + meta(0x2F)
    return b"MTrk" + struct.pack(">I", len(out)) + out


def smf(*tracks: bytes, kind: int = 1, ppq: int = 480) -> bytes:
    """Return a Standard MIDI File."""
    return b"MThd" + struct.pack(">IHHH", 6, kind, len(tracks), ppq) + b"".join(tracks)


def played(part: Sequence[Note], channel: int, *, ppq: int = 480, shift: int = 0) -> list[Event]:
    """Return the notes of a part as events of one channel, offs before ons at a tick."""
    events = []
    for beat, length, pitch, velocity in part:
        first, last = shift + round(beat * ppq), shift + round((beat + length) * ppq)
        events.append((first, bytes([0x90 | channel, pitch, velocity])))
        events.append((last, bytes([0x80 | channel, pitch, 64])))
    return sorted(events, key=lambda e: (e[0], e[1][0] & 0xF0))


CONDUCTOR = track((0, tempo(120)), (0, METER))

# ------------------------------------------------------------------ music and its sound


def tune(seed: int, low: int, high: int, steps: Sequence[float], beats: int = 32) -> list[Note]:
    """Return a line that wanders between two pitches."""
    draw = random.Random(seed)
    beat, out, pitch = 0.0, [], (low + high) // 2
    while beat < beats:
        step = draw.choice(steps)
        if draw.random() < 0.85:
            pitch = min(high, max(low, pitch + draw.choice([-5, -3, -2, 2, 3, 4])))
            out.append((beat, step * 0.9, pitch, draw.randrange(60, 120)))
        beat += step
    return out


VIOLIN = tune(11, 67, 86, [0.5, 0.5, 1, 0.25])
HORN = tune(12, 50, 65, [1, 2, 1.5, 0.5])
BASS = tune(13, 28, 45, [0.5, 1, 1, 0.75])
STROKES: list[Note] = [
    (b / 2, 0.1, random.Random(b).choice([36, 38, 42]), 100)
    for b in range(64)
    if random.Random(b + 7).random() < 0.8
]


def sound(
    part: Sequence[Note],
    at: Callable[[float], float] = lambda beat: beat / 2,
    *,
    colour: float = 1.0,
    drums: bool = False,
    seconds: float = 18.0,
) -> np.ndarray:
    """Return a part played by eight harmonics, or by bursts of noise.

    Parameters
    ----------
    part : sequence of Note
        What is played.
    at : callable
        Beat → seconds.
    colour : float
        How fast the harmonics fall.
    """
    y = np.zeros(round(seconds * SR))
    hiss = np.random.default_rng(5)
    for beat, length, pitch, velocity in part:
        begin = at(beat)
        held = 0.2 if drums else at(beat + length) - begin + 0.08
        t = np.arange(round(held * SR)) / SR
        shape = np.minimum(1, t / 0.005) * np.clip((held - t) / 0.08, 0, 1)
        if drums:
            wave = hiss.standard_normal(len(t)) * np.exp(-t * 18)
        else:
            f = 440 * 2 ** ((pitch - 69) / 12)
            tones = [np.sin(2 * np.pi * f * h * t) / h**colour for h in range(1, 9)]
            wave = np.sum(tones, axis=0) * np.exp(-t * 1.2)
        first = round(begin * SR)
        n = max(0, min(len(t), len(y) - first))
        y[first : first + n] += (wave * shape)[:n] * (velocity / 127) ** 2 * 0.2
    return y[:, None]


class NewCue:
    """A cue's folder that is being written.

    Parameters
    ----------
    path : Path
        Made with its first file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def put(self, name: str, data: bytes) -> None:
        """Write a file at a path below the folder."""
        place = self.path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)

    def audio(self, files: dict[str, bytes]) -> None:
        """Write files of the session; a cue without MIDI gets a bar of violins."""
        for name, data in files.items():
            self.put(f"PT/Audio Files/{name}", data)
        if not (self.path / "MIDI").exists():
            part = track((0, named("Violins")), *played(VIOLIN[:4], 0))
            self.midi({"cue.mid": smf(CONDUCTOR, part)})

    def midi(self, files: dict[str, bytes]) -> None:
        """Write MIDI files."""
        for name, data in files.items():
            self.put(f"MIDI/{name}", data)
