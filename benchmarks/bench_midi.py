"""A dense mock-up, 20 tracks and 300,000 controllers: from file to tables to committed rows."""

import gc
import random
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

TRACKS, CONTROLLERS_PER_TRACK, CONTROLLERS_PER_NOTE = 20, 15_000, 25
ROUNDS = 3


def _vlq(value: int) -> bytes:
    octets = [value & 0x7F]
    while value := value >> 7:
        octets.append(value & 0x7F | 0x80)
    return bytes(reversed(octets))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return kind + len(data).to_bytes(4, "big") + data


def dense_mock_up(seed: int = 1) -> bytes:
    """Strings with modulation and expression drawn by hand, as a sequencer exports them."""
    r = random.Random(seed)
    tracks = [bytes.fromhex("00FF58040402180800FF510307A12000FF2F00")]
    for index in range(TRACKS):
        channel = index % 16
        track = bytearray(b"\0\xff\x03\x09" + b"Strings %c" % (65 + index))
        for i in range(CONTROLLERS_PER_TRACK):
            number = r.choice([1, 11])
            track += _vlq(r.randrange(12)) + bytes([0xB0 | channel, number, r.randrange(128)])
            if i % CONTROLLERS_PER_NOTE == 0:
                pitch = r.randrange(36, 96)
                track += b"\0" + bytes([0x90 | channel, pitch, r.randrange(1, 128)])
                track += _vlq(r.randrange(90)) + bytes([0x80 | channel, pitch, 64])
        tracks.append(bytes(track) + b"\0\xff\x2f\0")
    header = b"".join(n.to_bytes(2, "big") for n in (1, len(tracks), 480))
    return _chunk(b"MThd", header) + b"".join(_chunk(b"MTrk", track) for track in tracks)


def _seconds(work: Callable[[], Any]) -> float:
    """Best of some rounds: what the work takes when nothing else runs."""
    best = float("inf")
    for _ in range(ROUNDS):
        gc.collect()
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return best


def main() -> None:
    import mido
    import pretty_midi
    import symusic

    from cue_pipeline.cue.folder import CueFolder
    from cue_pipeline.midi.reader import read_midi_file
    from cue_pipeline.midi.score_rows import midi_events_tables, read_midi_files, tempo_map_tables
    from cue_pipeline.warehouse.engine import create_engine
    from cue_pipeline.warehouse.migrations import ensure_schema
    from cue_pipeline.warehouse.store import Store

    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        path = root / "song.mid"
        path.write_bytes(dense_mock_up())
        cue = CueFolder("1m01", root, root, ("song.mid",), (), "a", "b")
        n_messages = len(read_midi_file(path).messages)
        print(f"{path.stat().st_size:,} bytes, {n_messages:,} channel voice messages")
        print(f"best of {ROUNDS}; SQLite on disk, a new database each time\n")

        def tables() -> dict[str, Any]:
            outcomes = read_midi_files(cue)
            return midi_events_tables(cue.key, outcomes, ()) | tempo_map_tables(cue.key, outcomes)

        def rows() -> None:
            number = len(list(root.glob("*.db")))
            store = Store(create_engine(f"sqlite:///{root}/{number}.db"))
            ensure_schema(store.engine)
            store.register_cues([cue])
            began.append(time.perf_counter())
            for asset, found in (
                ("tempo_map", lambda: tempo_map_tables(cue.key, read_midi_files(cue))),
                ("midi_events", lambda: midi_events_tables(cue.key, read_midi_files(cue), ())),
            ):
                store.replace(
                    cue.key, asset, found(), fingerprint=None, code_version=None,
                    data_version=None, started_at=datetime.now(UTC),
                )  # fmt: skip
            ended.append(time.perf_counter())
            store.engine.dispose()

        began: list[float] = []
        ended: list[float] = []
        found = {
            "mido: parse": _seconds(lambda: mido.MidiFile(path)),
            "pretty_midi: parse": _seconds(lambda: pretty_midi.PrettyMIDI(str(path))),
            "symusic: parse": _seconds(lambda: symusic.Score(path)),
            "ours: parse": _seconds(lambda: read_midi_file(path)),
            "ours: to tables": _seconds(tables),
        }
        _seconds(rows)
        found["ours: to committed rows"] = min(b - a for a, b in zip(began, ended, strict=True))
    mido_seconds = found["mido: parse"]
    print(f"{'':26}{'seconds':>9}{'messages/s':>14}{'of mido':>9}")
    for what, seconds in found.items():
        rate = n_messages / seconds
        print(f"{what:26}{seconds:9.3f}{rate:14,.0f}{seconds / mido_seconds:9.3f}")


if __name__ == "__main__":
    main()
