"""Headers with one or a few faults, in every container, and what becomes of such files.

    python -m cue_pipeline_tests.audio.header_mutants 10000 [--seed 0] [--keep DIR]

A sound file is written by libsndfile or by the standard, its header is damaged, and it is read.
Every outcome but two is good: the right samples, a warning, or that file's own fault; samples that
differ in silence are good only where every independent reader (libsndfile, scipy, Python's own
``wave``) reads those very samples too: then the header is one that a sound file could have.
Exit status 1 where any mutant crashed or differed in silence.
"""

import argparse
import contextlib
import io
import struct
import sys
import tempfile
import wave
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import scipy.io.wavfile
import soundfile as sf

from cue_pipeline.audio.headers import AudioHeader, read_audio_header
from cue_pipeline.audio.sources import open_source
from cue_pipeline_tests.audio.wave_files import bext_chunk, chunk, fmt_chunk, ixml_chunk, wave_bytes

RATE = 48_000
GOOD = ("right", "right, and warned", "other samples, warned", "refused", "as every reader says")


@dataclass(frozen=True)
class Original:
    """A sound file: its bytes, where its samples begin and end in them, and what it holds."""

    suffix: str
    data: bytes
    begin: int
    end: int
    samples: np.ndarray  # (frames, channels), float32
    rate: int = RATE


def sound(frames: int, channels: int) -> np.ndarray:
    """Return struck tones over a little noise, another in each channel."""
    t = np.arange(frames)[:, None] / RATE
    rng = np.random.default_rng(channels)
    pitch = 110.0 * 1.5 ** np.arange(channels)
    struck = np.exp(-3.0 * (t % 0.05) / 0.05)
    return 0.3 * struck * np.sin(2 * np.pi * pitch * t) + 0.003 * rng.standard_normal(
        (frames, channels)
    )


def packed(y: np.ndarray, bits: int, order: str = "<") -> bytes:
    """Return samples as plain integers or, for 32 bits, floats."""
    if bits == 32:
        return y.astype(order + "f4").tobytes()
    scaled = np.round(y * (2 ** (bits - 1) - 1)).astype(order + "i4")
    if bits == 16:
        return scaled.astype(order + "i2").tobytes()
    raw = scaled.ravel().view(np.uint8).reshape(-1, 4)
    return (raw[:, :3] if order == "<" else raw[:, 1:]).tobytes()


@cache
def originals() -> tuple[Original, ...]:
    """Return sound files of every container."""
    found = [_built(*row) for row in _rows()]
    kinds = [
        (".w64", "W64", "PCM_24", 2), (".w64", "W64", "FLOAT", 1), (".wav", "RF64", "PCM_16", 2),
        (".wav", "WAV", "PCM_U8", 1), (".wav", "WAVEX", "PCM_24", 2), (".wav", "WAV", "FLOAT", 2),
        (".wav", "WAV", "PCM_32", 1), (".wav", "WAV", "DOUBLE", 1), (".wav", "WAV", "ULAW", 1),
        (".wav", "WAV", "IMA_ADPCM", 1),
        (".aif", "AIFF", "PCM_24", 2), (".aif", "AIFF", "PCM_16", 1), (".aif", "AIFF", "FLOAT", 2),
        (".caf", "CAF", "PCM_24", 2), (".caf", "CAF", "PCM_16", 1), (".caf", "CAF", "FLOAT", 1),
        (".flac", "FLAC", "PCM_24", 2), (".flac", "FLAC", "PCM_16", 1),
    ]  # fmt: skip
    found += [_written(*kind) for kind in kinds]
    return tuple(found)


def _rows() -> Iterator[tuple[str, bytes, bytes]]:
    """Yield suffix, the file, and its samples' bytes."""
    for bits, channels in ((24, 2), (16, 1), (16, 6)):
        raw = packed(sound(5_000, channels), bits)
        fmt, data = fmt_chunk(channels, bits=bits), chunk(b"data", raw)
        bext = bext_chunk(172_800_000)
        names = ixml_chunk([f"T{i}" for i in range(channels)])
        yield ".wav", wave_bytes(bext, fmt, data, names), raw
        yield ".wav", wave_bytes(chunk(b"JUNK", bytes(28)), fmt, chunk(b"LIST", b"INFO"), data), raw
        size = struct.pack("<QQQI", 0, len(raw), 5_000, 0)
        for magic in (b"RF64", b"BW64"):
            yield ".wav", wave_bytes(
                chunk(b"ds64", size), bext, fmt, chunk(b"data", raw, promised=0xFFFFFFFF),
                magic=magic,
            ), raw  # fmt: skip
    y = sound(5_000, 2)
    raw = packed(y, 24, ">")
    fmt = b"fmt " + struct.pack(">IHHIIHH", 16, 1, 2, RATE, RATE * 6, 6, 24)
    body = b"WAVE" + fmt + b"data" + struct.pack(">I", len(raw)) + raw
    yield ".wav", b"RIFX" + struct.pack(">I", len(body)) + body, raw
    raw = packed(y, 16, "<")
    common = struct.pack(">HIH", 2, 5_000, 16) + struct.pack(">HQ", 16383 + 15, RATE << 48)
    parts = [(b"FVER", b"\xa2\x80\x51\x40"), (b"COMM", common + b"sowt\0\0"),
             (b"CHAN", struct.pack(">III", 101 << 16 | 2, 0, 0)),
             (b"SSND", bytes(8) + raw)]  # fmt: skip
    body = b"AIFC" + b"".join(n + struct.pack(">I", len(p)) + p for n, p in parts)
    yield ".aifc", b"FORM" + struct.pack(">I", len(body)) + body, raw
    raw = packed(y, 24, "<")
    parts = [(b"desc", struct.pack(">d4sIIIII", RATE, b"lpcm", 2, 6, 1, 2, 24)),
             (b"chan", struct.pack(">III", 101 << 16 | 2, 0, 0)), (b"free", bytes(100)),
             (b"data", bytes(4) + raw)]  # fmt: skip
    body = b"".join(n + struct.pack(">q", len(p)) + p for n, p in parts)
    yield ".caf", b"caff" + struct.pack(">HH", 1, 0) + body, raw


def _built(suffix: str, data: bytes, raw: bytes) -> Original:
    begin = data.index(raw)
    known = data.replace(b"BW64", b"RF64", 1)  # the same, under the name that libsndfile knows
    samples, rate = sf.read(io.BytesIO(known), dtype="float32", always_2d=True)
    return Original(suffix, data, begin, begin + len(raw), samples, rate)


def _written(suffix: str, kind: str, subtype: str, channels: int) -> Original:
    held = io.BytesIO()
    frames = 9_000 if kind == "FLAC" else 5_000
    sf.write(held, sound(frames, channels), RATE, format=kind, subtype=subtype)
    data = held.getvalue()
    samples, rate = sf.read(io.BytesIO(data), dtype="float32", always_2d=True)
    marks = {"AIFF": b"SSND", "FLAC": b"\xff\xf8"}
    at = data.index(marks.get(kind, b"data"))
    begin = at if kind == "FLAC" else at + {"AIFF": 16, "CAF": 16, "W64": 24}.get(kind, 8)
    width = {"PCM_U8": 1, "PCM_16": 2, "PCM_24": 3, "DOUBLE": 8}.get(subtype, 4)
    plain = kind != "FLAC" and subtype not in {"ULAW", "IMA_ADPCM"}
    end = begin + samples.size * width if plain else len(data)
    return Original(suffix, data, begin, end, samples, rate)


Damage = Callable[[np.random.Generator, Original, bytearray], None]
SIZES = (0, 1, 7, 8, 24, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFF0000, 1 << 20)


def _place(rng: np.random.Generator, original: Original, data: bytearray) -> int:
    """Return a byte of the header: what is before the samples, or behind them."""
    behind = max(0, len(original.data) - original.end)
    n = int(rng.integers(0, original.begin + behind))
    at = n if n < original.begin else original.end + n - original.begin
    return min(at, len(data) - 1)


def flipped_bits(rng: np.random.Generator, original: Original, data: bytearray) -> None:
    for _ in range(rng.integers(1, 5)):
        data[_place(rng, original, data)] ^= 1 << int(rng.integers(0, 8))


def other_bytes(rng: np.random.Generator, original: Original, data: bytearray) -> None:
    for _ in range(rng.integers(1, 5)):
        data[_place(rng, original, data)] = int(rng.integers(0, 256))


def other_sizes(rng: np.random.Generator, original: Original, data: bytearray) -> None:
    heads = list(_heads(original))
    if not heads:
        flipped_bits(rng, original, data)
        return
    _, at, width, order = heads[rng.integers(0, len(heads))]
    if at + width > len(data):
        return
    old = int.from_bytes(data[at : at + width], order)
    near = old + int(rng.choice([-24, -8, -6, -4, -3, -2, -1, 1, 2, 3, 4, 6, 8, 24, 100, 1_000]))
    anything = int(rng.choice([*SIZES, old // 2, old * 2, int(rng.integers(0, 1 << 32))]))
    new = near if rng.integers(0, 2) else anything
    data[at : at + width] = (new % (1 << 8 * width)).to_bytes(width, order)


def other_numbers(rng: np.random.Generator, original: Original, data: bytearray) -> None:
    """Rewrite a number of the format's chunk: a tag, channels, a rate, a block, bits."""
    for name, at, width, _order in _heads(original):
        if name in {b"fmt ", b"COMM", b"desc"}:
            start = at + width + int(rng.integers(0, 11)) * 2
            number = int(rng.choice([0, 1, 2, 3, 4, 6, 8, 16, 20, 24, 32, 64, 65_535, 44_100]))
            order = "big" if name != b"fmt " else "little"
            data[start : start + 2] = number.to_bytes(2, order)
            return
    flipped_bits(rng, original, data)


def moved_chunks(rng: np.random.Generator, original: Original, data: bytearray) -> None:
    """Drop, double or swap chunks, or let bytes stand between them."""
    spans = list(_spans(original))
    if len(spans) < 2:
        data[4:4] = bytes(rng.integers(0, 256, rng.integers(1, 40), dtype=np.uint8))
        return
    first = spans[0][0]
    blocks = [bytes(data[a:b]) for a, b in spans]
    which = int(rng.integers(0, len(blocks)))
    way = int(rng.integers(0, 5))
    if way == 0:
        blocks.pop(which)
    elif way == 1:
        blocks.insert(int(rng.integers(0, len(blocks))), blocks[which])
    elif way == 2:
        rng.shuffle(blocks)
    elif way == 3:
        blocks.insert(which, bytes(int(rng.integers(1, 12))))
    else:
        junk = rng.integers(0, 256, rng.integers(1, 60), dtype=np.uint8)
        blocks.insert(which, junk.tobytes())
    data[first:] = b"".join(blocks)


def cut(rng: np.random.Generator, original: Original, data: bytearray) -> None:
    whole = rng.integers(0, 2) or original.begin >= len(data)
    del data[int(rng.integers(0, len(data) if whole else original.begin + 1)) :]


def longer(rng: np.random.Generator, original: Original, data: bytearray) -> None:
    n = int(rng.integers(1, 5_000))
    tails = [
        bytes(n), b"\xff" * n, rng.integers(0, 256, n, dtype=np.uint8).tobytes(),
        (b"TAG" + b"Title".ljust(125, b" ")), (b"<xml>some words of prose</xml>\n" * 99)[:n],
        bytes(data[original.begin : original.begin + n]), chunk(b"LIST", b"INFO"), bytes(data),
    ]  # fmt: skip
    data += tails[rng.integers(0, len(tails))]


DAMAGES: tuple[Damage, ...] = (
    flipped_bits, other_bytes, other_sizes, other_sizes, other_numbers, moved_chunks, cut, longer,
)  # fmt: skip
LAST = (moved_chunks, cut, longer)


def _heads(original: Original) -> Iterator[tuple[bytes, int, int, str]]:
    """Yield each chunk's name, and its size's place, width and byte order."""
    data = original.data
    if data[:4] == b"riff":
        at, head, place, width, order = 40, 24, 16, 8, "little"
    elif data[:4] == b"caff":
        at, head, place, width, order = 8, 12, 4, 8, "big"
    elif data[:4] in {b"FORM", b"RIFX"}:
        at, head, place, width, order = 12, 8, 4, 4, "big"
    elif data[:4] == b"fLaC":
        at = 4
        while at < original.begin:
            yield data[at : at + 1], at + 1, 3, "big"
            at += 4 + int.from_bytes(data[at + 1 : at + 4], "big")
        return
    else:
        at, head, place, width, order = 12, 8, 4, 4, "little"
    while at + head <= len(data):
        name, size = data[at : at + 4], int.from_bytes(data[at + place : at + place + width], order)
        yield name, at + place, width, order
        if name == b"data" and size == 0xFFFFFFFF:
            size = original.end - original.begin
        size -= head if data[:4] == b"riff" else 0
        align = {b"riff": 8, b"caff": 1}.get(data[:4], 2)
        at += head + -(-size // align) * align


def _spans(original: Original) -> Iterator[tuple[int, int]]:
    if original.data[:4] == b"fLaC":
        return
    back = 16 if original.data[:4] == b"riff" else 4
    starts = [at - back for _, at, _, _ in _heads(original)]
    yield from zip(starts, [*starts[1:], len(original.data)], strict=True)


@dataclass(frozen=True)
class Mutant:
    """A damaged file, and what was done to it."""

    number: int
    original: Original
    data: bytes
    done: tuple[str, ...]


def mutants(count: int, seed: int = 0) -> Iterator[Mutant]:
    """Yield damaged files, always the same for a seed."""
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        original = originals()[number % len(originals())]
        data = bytearray(original.data)
        chosen = rng.choice(len(DAMAGES), 1 + int(rng.integers(0, 4) == 0))
        damages = [DAMAGES[i] for i in chosen]
        damages.sort(key=LAST.__contains__)  # these move what the others have places in
        for damage in damages:
            if data:
                damage(rng, original, data)
        yield Mutant(number, original, bytes(data), tuple(d.__name__ for d in damages))


def read_here(folder: Path, header: AudioHeader) -> tuple[np.ndarray, list[str]]:
    """Return what is read of a file, shape=(frames, channels), and what is told meanwhile."""
    source = open_source(folder, header, range(header.channels))
    parts, block = [], np.empty((header.channels, 4_096), np.float32)
    try:
        while count := source.read(block):
            parts.append(block[:, :count].T.copy())
    finally:
        source.close()
    empty = np.empty((0, header.channels), np.float32)
    return np.concatenate([empty, *parts]), source.damage


def readings(path: Path) -> Iterator[tuple[np.ndarray, int]]:
    """Yield what each independent reader that opens a file reads of it."""
    with contextlib.suppress(Exception):
        yield sf.read(path, dtype="float32", always_2d=True)
    with contextlib.suppress(Exception):
        rate, data = scipy.io.wavfile.read(path)
        yield _as_floats(data.reshape(len(data), -1)), rate
    with contextlib.suppress(Exception), wave.open(str(path), "rb") as opened:
        n, width = opened.getnchannels(), opened.getsampwidth()
        raw = opened.readframes(opened.getnframes())
        if width in (2, 3):
            words = np.frombuffer(raw, np.uint8)
            words = words[: len(words) // (width * n) * width * n].reshape(-1, width)
            wide = np.zeros((len(words), 4), np.uint8)
            wide[:, 4 - width :] = words
            yield _as_floats(wide.view("<i4").reshape(-1, n)), opened.getframerate()


def _as_floats(data: np.ndarray) -> np.ndarray:
    if data.dtype == np.uint8:
        return ((data.astype(np.float32)) - 128) / 128
    if data.dtype.kind == "i":
        return (data / 2.0 ** (8 * data.dtype.itemsize - 1)).astype(np.float32)
    return data.astype(np.float32)


def outcome(folder: Path, mutant: Mutant) -> str:
    """Return what becomes of a mutant: one of :data:`GOOD`, or what is wrong."""
    path = folder / f"{mutant.number}{mutant.original.suffix}"
    path.write_bytes(mutant.data)
    try:
        return _outcome(folder, path, mutant.original)
    except Exception as e:  # noqa: BLE001 - any is a fault, and told
        return f"crash: {type(e).__name__}: {e}"
    finally:
        path.unlink()


def _outcome(folder: Path, path: Path, original: Original) -> str:
    header = read_audio_header(folder, path.name)
    if header.fault:
        return "refused"
    got, damage = read_here(folder, header)
    right = (
        header.sample_rate == original.rate
        and got.shape == original.samples.shape
        and np.array_equal(got, original.samples)
    )
    resampled = header.sample_rate != RATE  # which is told with the group
    if header.warnings or damage or resampled:
        return "right, and warned" if right else "other samples, warned"
    if right:
        return "right"
    others = list(readings(path))
    same = [
        abs(rate - header.sample_rate) <= 1
        and y.shape == got.shape
        and np.allclose(y, got, equal_nan=True)
        for y, rate in others
    ]
    return "as every reader says" if same and all(same) else "silently other samples"


def main() -> int:
    """Read some thousand mutants and tell what became of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder for mutants that went wrong")
    asked = parser.parse_args()
    counts: Counter[str] = Counter()
    by_kind: Counter[tuple[str, str]] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for mutant in mutants(asked.count, asked.seed):
            found = outcome(Path(folder), mutant)
            counts[found] += 1
            by_kind[mutant.original.data[:4].decode(), found] += 1
            if found not in GOOD:
                print(f"{mutant.number}{mutant.original.suffix} {'+'.join(mutant.done)}: {found}")
                if asked.keep:
                    asked.keep.mkdir(exist_ok=True)
                    name = f"{mutant.number}{mutant.original.suffix}"
                    (asked.keep / name).write_bytes(mutant.data)
    for found, count in counts.most_common():
        parts = ", ".join(f"{kind} {n}" for (kind, f), n in sorted(by_kind.items()) if f == found)
        print(f"{count:6}  {found}  ({parts})")
    return int(any(found not in GOOD for found in counts))


if __name__ == "__main__":
    sys.exit(main())
