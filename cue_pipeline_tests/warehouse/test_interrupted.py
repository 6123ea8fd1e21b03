"""Writers that are killed, and writers that meet.

The writers are processes of their own. A killed one leaves its connection to the
server or its file's journal to clean up, as a power cut or the OOM killer does.
"""

import os
import random
import threading
import time

import pytest
import sqlalchemy as sa

from cue_pipeline.errors import SchemaError, WarehouseError
from cue_pipeline.warehouse import batched, migrations
from cue_pipeline.warehouse import transaction as tx
from cue_pipeline.warehouse.engine import create_engine
from cue_pipeline.warehouse.store import Store
from cue_pipeline_tests.warehouse.synthetic import ASSETS, everything, load, replace
from cue_pipeline_tests.warehouse.writer import Writer, cue_of, load_many, load_one, make_schema

KILLS = int(os.environ.get("CUE_TEST_KILLS", "6"))
OLD, NEW = cue_of(1), cue_of(2)


def trusted(store: Store) -> dict[str, set]:
    """Return what shows, of each asset that readers may trust, which value it holds."""
    read = {
        "tempo_map": lambda: {m[0][2] for m in store.read(OLD.key, "midi_files").markers},
        "midi_events": lambda: {
            len(store.read(OLD.key, "midi_notes")),
            len(store.read(OLD.key, "midi_cc")),
            *store.read(OLD.key, "midi_aftertouch").value,
        },
        "mel_features": lambda: {
            b"".join(store.read(OLD.key, "audio_feature_chunks").data),
            *store.read(OLD.key, "audio_features").max_db,
        },
        "final_mix_features": lambda: {
            b"".join(store.read(OLD.key, "final_mix_feature_chunks").data),
            *store.read(OLD.key, "final_mixes").peak_dbfs,
        },
    }
    found = {}
    for asset, look in read.items():
        try:
            found[asset] = look()
        except WarehouseError:  # not to be trusted, so not looked at
            continue
    return found


@pytest.fixture
def quick_lease(monkeypatch):
    monkeypatch.setattr(batched, "LEASE_SECONDS", 0.3)


def test_a_killed_writer_leaves_no_mixture_and_a_rerun_ends_as_a_clean_run(
    store, engine_name, filled_url, quick_lease
):
    load(store, NEW)
    clean, new = everything(store, NEW), trusted(store)
    load(store, OLD)
    old = trusted(store)
    assert all(old[a].isdisjoint(new[a]) for a in old)
    started = time.monotonic()
    load(store, OLD)
    whole = time.monotonic() - started
    chance = random.Random(os.environ.get("CUE_TEST_SEED", "1"))
    killed_within = 0
    for _ in range(KILLS):
        load(store, OLD)
        process = Writer(load_one, filled_url, NEW.seed, 0.3)
        assert process.hear() == "ready"
        time.sleep(chance.uniform(0.0, 1.0) * whole)
        process.kill()
        for asset, value in trusted(store).items():
            assert value in (old[asset], new[asset]), f"a mixture of {asset}"
        seeds = {r.fingerprint for r in store.ledger(OLD.key) if r.state == "ready"}
        killed_within += len(seeds) > 1 or any(r.state == "loading" for r in store.ledger(OLD.key))
    load(store, NEW)
    assert everything(store, NEW) == clean
    assert killed_within, "no kill fell into the load: change the delays"


def test_two_writers_of_one_cue_take_turns(store, filled_url):
    store.register_cues([OLD.folder()])
    writers = [Writer(load_one, filled_url, seed) for seed in (1, 2)]
    assert [w.wait() for w in writers] == ["", ""]
    states = {(r.asset, r.state) for r in store.ledger(OLD.key)}
    assert {state for _, state in states} == {"ready"}
    for asset, value in trusted(store).items():
        assert value in (expected(1)[asset], expected(2)[asset]), f"a mixture of {asset}"


def expected(seed: int) -> dict[str, set]:
    cue = cue_of(seed)
    events = cue.value("midi_events")
    chunks = cue.value("mel_features")["audio_feature_chunks"]
    ordered = sorted(chunks, key=lambda c: c.audio_feature_id[0])
    mix = cue.value("final_mix_features")["final_mix_feature_chunks"]
    return {
        "tempo_map": {f"start {seed}"},
        "midi_events": {len(events["midi_notes"]), len(events["midi_cc"]), seed},
        "mel_features": {b"".join(b"".join(c.data) for c in ordered), -10.0 - seed},
        "final_mix_features": {b"".join(b"".join(c.data) for c in mix), -3.0 - seed},
    }


def test_a_writer_that_waits_too_long_is_told_so(store, engine_name, filled_url, monkeypatch):
    load(store, OLD)
    from cue_pipeline.warehouse.engine import create_engine

    options = {"connect_args": {"timeout": 0.2}} if engine_name == "sqlite" else {}
    other = Store(create_engine(filled_url, **options))
    monkeypatch.setattr(tx, "LOCK_SECONDS", 1)
    monkeypatch.setattr(batched, "WAIT_SECONDS", 0.5)
    busy, done = threading.Event(), threading.Event()

    def slow():
        yield OLD.value("midi_events")["midi_cc"]
        busy.set()
        done.wait(30)

    thread = threading.Thread(target=lambda: replace(store, OLD, "midi_events", midi_cc=slow()))
    thread.start()
    assert busy.wait(30)
    with pytest.raises(WarehouseError, match="another process") as caught:
        replace(other, OLD, "midi_events")
    assert "Wait for it to end" in str(caught.value)
    done.set()
    thread.join()
    assert len(store.read(OLD.key, "midi_cc")) == OLD.n_tracks * OLD.n_cc
    other.engine.dispose()


def test_four_processes_load_different_cues_at_once(store, filled_url):
    if store.engine.dialect.name == "sqlite":
        with store.engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
    writers = [Writer(load_many, filled_url, worker, 3) for worker in range(4)]
    assert [w.wait() for w in writers] == [""] * 4
    assert len(store.cues()) == 12
    states = [r.state for r in store.ledger()]
    assert states == ["ready"] * 12 * len(ASSETS)
    with store.engine.connect() as connection:
        n_cc = connection.execute(sa.text("SELECT count(*) FROM midi_cc")).scalar_one()
    assert n_cc == 12 * 3 * 60


def test_four_processes_make_the_schema_of_an_empty_database_at_once(database_url):
    writers = [Writer(make_schema, database_url) for _ in range(4)]
    assert [w.wait() for w in writers] == [""] * 4


@pytest.mark.engines("dsql")
def test_a_process_waits_while_another_makes_the_tables_step_by_step(database_url, monkeypatch):
    engine = create_engine(database_url)
    migrations.upgrade(engine, "0005")
    monkeypatch.setattr(migrations, "_STEP_SECONDS", 0.3)
    with pytest.raises(SchemaError, match=r"has schema 0005; this program needs"):
        migrations.ensure_schema(engine)
    monkeypatch.setattr(migrations, "_STEP_SECONDS", 30.0)
    maker = threading.Thread(target=migrations.upgrade, args=(create_engine(database_url),))
    maker.start()
    migrations.ensure_schema(engine)
    assert migrations.current(engine) == migrations.HEAD
    maker.join()
