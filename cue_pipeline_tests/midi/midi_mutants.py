"""Thousands of broken MIDI files: each is read right, read with a warning, or refused.

    python -m cue_pipeline_tests.midi.midi_mutants 10000 [--seed 1]

Sound files are written, then hurt: header words, chunk kinds and sizes, delta times, running
status, lengths and bodies of meta events, tempo and meter values, bytes changed, removed, inserted,
doubled, the end cut off. A mutant is *silent* where we say nothing and mido, an independent reader,
finds other messages in it, or other tempos or time signatures: that is a fault, and the bytes are
kept. Mido knows no warnings, and fails where it cannot go on; what only it refuses is counted.
"""

import argparse
import io
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mido

from cue_pipeline.errors import MidiFileError
from cue_pipeline.midi.reader import MidiFile, read_midi
from cue_pipeline_tests.midi.smf import END, chunk, header, meta, meter, name, tempo, vlq

OUTCOMES = ("right", "warned", "refused", "not read by mido", "silent")


@dataclass(frozen=True)
class Mutant:
    """A file that was hurt, and how."""

    data: bytes
    hurts: tuple[str, ...]


def sound_file(r: random.Random) -> bytes:
    """Return a file as sequencers write them: a tempo track and parts, running status or not."""
    division = r.choice([96, 120, 480, 480, 960, 0xE728])
    conductor = name("Conductor") + meter(r.choice([3, 4, 6]), r.choice([4, 8]))
    conductor += tempo(r.randrange(300_000, 900_000))
    for _ in range(r.randrange(6)):
        delta = r.randrange(1, 8 * 480)
        kind = r.choice([0x51, 0x58, 0x59, 0x06, 0x54])
        data = {
            0x51: r.randrange(200_000, 1_500_000).to_bytes(3, "big"),
            0x58: bytes([r.randrange(1, 13), r.randrange(1, 5), 24, 8]),
            0x59: bytes([r.randrange(256 - 7, 264) & 0xFF, r.randrange(2)]),
            0x06: b"Bar %d" % r.randrange(99),
            0x54: bytes([0x20 | r.randrange(24), r.randrange(60), r.randrange(60), 0, 0]),
        }[kind]
        conductor += meta(kind, data, delta)
    tracks = [conductor, *(part(r) for _ in range(r.randrange(1, 4)))]
    chunks = b"".join(chunk(track + END) for track in tracks)
    return header(1, len(tracks), division) + chunks


def part(r: random.Random) -> bytes:
    """Return a track of notes with controllers, a program and a little of everything."""
    channel, running = r.randrange(16), None
    out = name(r.choice(["Violins", "Horn 1-4", "Perc", "", "Celesta \xb0"]))
    for _ in range(r.randrange(4, 40)):
        event = r.choice(
            [
                (0x90, r.randrange(128), r.randrange(128)),
                (0x90, r.randrange(128), r.randrange(128)),
                (0x80, r.randrange(128), r.randrange(128)),
                (0xB0, r.randrange(128), r.randrange(128)),
                (0xC0, r.randrange(128)),
                (0xE0, r.randrange(128), r.randrange(128)),
            ]
        )
        status = event[0] | channel
        delta = vlq(r.choice([0, 1, 60, 120, 480, r.randrange(20_000)]))
        if status == running and r.random() < 0.5:
            out += delta + bytes(event[1:])
        else:
            out += delta + bytes([status, *event[1:]])
        running = status
        if r.random() < 0.05:
            out += meta(r.choice([1, 5, 6]), r.randbytes(r.randrange(9)), 0)
            running = None
        if r.random() < 0.02:
            body = bytes(r.randrange(128) for _ in range(r.randrange(6))) + b"\xf7"
            out += b"\0\xf0" + vlq(len(body)) + body
            running = None
    return out


# ------------------------------------------------------------------ hurts


def _spliced(data: bytes, first: int, last: int, new: bytes) -> bytes:
    return data[:first] + new + data[last:]


def _header_word(r: random.Random, data: bytes) -> bytes:
    at = r.choice([4, 8, 10, 12])
    size = 4 if at == 4 else 2
    return _spliced(data, at, at + size, r.choice([r.randbytes(size), bytes(size), b"\xff" * size]))


def _track_at(r: random.Random, data: bytes) -> int:
    found = [i for i in range(len(data) - 8) if data[i : i + 4] == b"MTrk"]
    return r.choice(found) if found else 0


def _chunk_size(r: random.Random, data: bytes) -> bytes:
    at = _track_at(r, data) + 4
    size = int.from_bytes(data[at : at + 4], "big")
    lies = [size + 1, size - 1, size + 4, size - 4, size * 2, 0, 0xFFFFFFFF, r.randrange(1 << 16)]
    return _spliced(data, at, at + 4, max(0, r.choice(lies)).to_bytes(5, "big")[-4:])


def _chunk_kind(r: random.Random, data: bytes) -> bytes:
    at = _track_at(r, data)
    return _spliced(data, at, at + 4, r.choice([b"XFIH", b"mtrk", b"MThd", r.randbytes(4)]))


def _meta_at(r: random.Random, data: bytes, kinds: bytes) -> int | None:
    found = [i for i in range(len(data) - 3) if data[i] == 0xFF and data[i + 1] in kinds]
    return r.choice(found) if found else None


def _meta_length(r: random.Random, data: bytes) -> bytes:
    at = _meta_at(r, data, bytes(range(128)))
    if at is None:
        return data
    return _spliced(data, at + 2, at + 3, bytes([r.choice([0, 1, 2, 3, 4, 5, 6, 127, 0x81])]))


def _meta_padded(r: random.Random, data: bytes) -> bytes:
    """A meta event of another length, with its track's size put right: only the event is odd."""
    at = _meta_at(r, data, b"\x51\x58\x59\x54\x2f\x03\x06")
    if at is None or data[at + 2] >= 0x7F:
        return data
    length = data[at + 2]
    body = data[at + 3 : at + 3 + length]
    new = r.choice([body + b"\0", b"\0" + body, body[:-1], body + r.randbytes(3)])
    hurt = _spliced(data, at + 2, at + 3 + length, bytes([len(new)]) + new)
    track = data.rfind(b"MTrk", 0, at) + 4
    if track < 4:
        return hurt
    size = int.from_bytes(data[track : track + 4], "big") + len(new) - length
    return _spliced(hurt, track, track + 4, max(0, size).to_bytes(5, "big")[-4:])


def _meta_value(r: random.Random, data: bytes) -> bytes:
    at = _meta_at(r, data, b"\x51\x58\x59\x54")
    if at is None:
        return data
    length = data[at + 2]
    new = r.choice([bytes(length), b"\xff" * length, r.randbytes(length)])
    return _spliced(data, at + 3, at + 3 + length, new)


def _status(r: random.Random, data: bytes) -> bytes:
    """Take a status byte away, or put one where data bytes ran on."""
    found = [i for i in range(22, len(data)) if 0x80 <= data[i] < 0xF0]
    if not found:
        return data
    at = r.choice(found)
    return r.choice(
        [
            _spliced(data, at, at + 1, b""),
            _spliced(data, at, at + 1, bytes([r.randrange(0x80, 0x100)])),
            _spliced(data, at, at, bytes([r.randrange(0xF1, 0xFF)])),
        ]
    )


def _delta(r: random.Random, data: bytes) -> bytes:
    at = r.randrange(22, max(23, len(data)))
    return _spliced(data, at, at, r.choice([b"\xff", b"\xff\xff\xff\xff", b"\x81", b"\x80\x80"]))


def _byte(r: random.Random, data: bytes) -> bytes:
    at = r.randrange(len(data))
    return _spliced(data, at, at + 1, r.randbytes(1))


def _bit(r: random.Random, data: bytes) -> bytes:
    at = r.randrange(len(data))
    return _spliced(data, at, at + 1, bytes([data[at] ^ 1 << r.randrange(8)]))


def _removed(r: random.Random, data: bytes) -> bytes:
    at = r.randrange(len(data))
    return _spliced(data, at, at + r.choice([1, 1, 2, 8, 100]), b"")


def _inserted(r: random.Random, data: bytes) -> bytes:
    at = r.randrange(len(data))
    return _spliced(data, at, at, r.randbytes(r.choice([1, 1, 2, 8, 100])))


def _doubled(r: random.Random, data: bytes) -> bytes:
    at = r.randrange(len(data))
    return _spliced(data, at, at, data[at : at + r.choice([1, 3, 16, 200])])


def _cut(r: random.Random, data: bytes) -> bytes:
    return data[: r.randrange(len(data))]


HURTS: dict[str, Callable[[random.Random, bytes], bytes]] = {
    "header word": _header_word,
    "chunk size": _chunk_size,
    "chunk kind": _chunk_kind,
    "meta length": _meta_length,
    "meta padded": _meta_padded,
    "meta value": _meta_value,
    "status": _status,
    "delta time": _delta,
    "byte": _byte,
    "bit": _bit,
    "removed": _removed,
    "inserted": _inserted,
    "doubled": _doubled,
    "cut": _cut,
}


def mutants(count: int, seed: int) -> Iterator[Mutant]:
    """Yield so many hurt files; the same for the same seed."""
    for i in range(count):
        r = random.Random(f"{seed}/{i}")
        data, hurts = sound_file(r), r.choices(list(HURTS), k=r.choice([1, 1, 1, 2, 3]))
        for hurt in hurts:
            data = HURTS[hurt](r, data) or data
        yield Mutant(data, tuple(hurts))


# ------------------------------------------------------------------ judging


def outcome(data: bytes) -> str:
    """Return what became of a mutant: one of :data:`OUTCOMES`."""
    try:
        file = read_midi(data, "mutant.mid")
    except MidiFileError:
        return "refused"
    if file.warnings:
        return "warned"
    theirs = _by_mido(data)
    if theirs is None:
        return "not read by mido"
    return "right" if theirs == _by_us(file) else "silent"


def _by_us(file: MidiFile) -> Any:
    m = file.messages
    columns = (m.track, m.tick, m.status, m.data1, m.data2)
    clock = file.sequences[0]
    tempos = {tick: micros for _, tick, micros in clock.tempo_map if tick}
    meters = {tick: (a, b) for _, tick, a, b in clock.time_signature_map if tick}
    if file.division >= 0x8000 or file.format == 2:
        tempos, meters = {}, {}
    return list(zip(*(c.tolist() for c in columns), strict=True)), tempos, meters


def _by_mido(data: bytes) -> Any:
    """Return messages, tempos and meters as mido finds them; None where it cannot read."""
    try:
        file = mido.MidiFile(file=io.BytesIO(data))
    except Exception:  # noqa: BLE001 - mido has no error of its own, and odd limits
        return None
    messages, tempos, meters = [], {}, {}
    for index, track in enumerate(file.tracks):
        tick = 0
        for event in track:
            # mido 1.3.3 forgets the delta time of a meta event that it does not know.
            if event.is_meta and event.type == "unknown_meta":
                return None
            tick += event.time
            if event.type == "set_tempo":
                tempos[tick] = event.tempo
            elif event.type == "time_signature":
                meters[tick] = (event.numerator, event.denominator)
            elif not event.is_meta and event.type != "sysex":
                octets = [*event.bytes(), 0][:3]
                messages.append((index, tick, *octets))
    if file.ticks_per_beat < 0 or file.type == 2:
        return messages, {}, {}
    return messages, _effective(tempos), _effective(meters, (4, 4))


def _effective(changes: dict[int, Any], default: Any = None) -> dict[int, Any]:
    """Return what changes something after tick 0: of meters, what repeats is no change."""
    in_force, out = changes.get(0, default), {}
    for tick in sorted(changes):
        if tick and (default is None or changes[tick] != in_force):
            out[tick] = changes[tick]
        in_force = changes[tick]
    return out


def main() -> None:
    """Run so many mutants and print what became of them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a folder for the bytes of silent ones")
    a = parser.parse_args()
    counts: Counter[str] = Counter()
    for i, mutant in enumerate(mutants(a.count, a.seed)):
        found = outcome(mutant.data)
        counts[found] += 1
        if found == "silent":
            print(f"silent: mutant {i}, {', '.join(mutant.hurts)}")  # noqa: T201
            if a.keep:
                a.keep.mkdir(parents=True, exist_ok=True)
                (a.keep / f"{i}.mid").write_bytes(mutant.data)
    print(", ".join(f"{counts[name]} {name}" for name in OUTCOMES))  # noqa: T201
    raise SystemExit(counts["silent"] > 0)


if __name__ == "__main__":
    main()
