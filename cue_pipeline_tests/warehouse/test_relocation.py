"""Cues get other keys, and go, on every engine."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from cue_pipeline.errors import WarehouseError
from cue_pipeline.warehouse import large_moves, relocation
from cue_pipeline.warehouse import tables as t
from cue_pipeline.warehouse.cue_contents import (
    Contents,
    note_contents,
    note_progress,
    note_same,
    read_contents,
)
from cue_pipeline.warehouse.relocation import move_cues
from cue_pipeline.warehouse.removal import read_decisions, remove_cue
from cue_pipeline.warehouse.transaction import write
from cue_pipeline.warehouse.types import now
from cue_pipeline_tests.deciding import decide
from cue_pipeline_tests.warehouse.synthetic import (
    ASSETS,
    SyntheticCue,
    everything,
    load,
    replace,
)

A, B = SyntheticCue(key="Reel 1/1m01"), SyntheticCue(key="Reel 1/1m02")


def decided(store, cues):
    """Have so many decisions about each of some cues."""
    decisions = [
        {
            "cue_key": key, "track": f"#{i}", "instrument_category": "Brass",
            "created_at": datetime(2026, 5, 4, tzinfo=UTC),
        }
        for key, n in cues for i in range(n)
    ]  # fmt: skip
    for first in range(0, len(decisions), 1_000):
        with store.engine.begin() as connection:
            connection.execute(sa.insert(t.mapping_overrides), decisions[first : first + 1_000])


def ids(store, key):
    return list(store.read(key, "midi_tracks")["id"])


def counts(store):
    with store.engine.connect() as connection:
        return {
            name: connection.scalar(sa.select(sa.func.count()).select_from(table))
            for name, table in t.metadata.tables.items()
            if table is not t.llm_calls  # an answer was paid for, and may serve another cue
        }


def test_exchanged_keys_take_rows_ledger_decisions_and_history_along(store):
    for cue in (A, B):
        load(store, cue)
    decide(store, A.key, "Track 0", None, "Brass")
    before = {cue.key: ids(store, cue.key) for cue in (A, B)}
    history = len(read_decisions(store.engine, A.key)["mapping_history"])
    move_cues(store.engine, {A.key: B.key, B.key: A.key})
    assert (ids(store, A.key), ids(store, B.key)) == (before[B.key], before[A.key])
    assert list(store.overrides(B.key)["track"]) == ["Track 0"]
    assert store.overrides(A.key).empty
    assert len(read_decisions(store.engine, B.key)["mapping_history"]) == history + 1
    assert {row.asset for row in store.ledger(B.key)} == set(ASSETS)
    moved = store.cue(B.key)
    assert (moved.first_key, moved.moved_from) == (A.key, A.key)
    assert moved.moved_at is not None


def test_a_cue_at_the_place_of_one_that_moved_has_rows_of_its_own(store):
    load(store, A)
    move_cues(store.engine, {A.key: "elsewhere"})
    store.register_cues([A.folder()])
    assert store.cue(A.key).id != store.cue("elsewhere").id
    assert store.read(A.key, "midi_tracks").empty
    assert ids(store, "elsewhere")


@pytest.mark.engines("sqlite", "dsql")
def test_cues_with_more_decisions_than_a_transaction_holds_move_together(store):
    cues = [SyntheticCue(key=f"1m{i:02}") for i in range(1, 91)]
    store.register_cues([cue.folder() for cue in cues])
    decided(store, [(cue.key, 40) for cue in cues])
    move_cues(store.engine, {cue.key: f"Reel 1/{cue.key}" for cue in cues})
    with store.engine.connect() as connection:
        kept = connection.execute(
            sa.select(t.mapping_overrides.c.cue_key, sa.func.count()).group_by("cue_key")
        )
        assert dict(map(tuple, kept)) == {f"Reel 1/{cue.key}": 40 for cue in cues}
    assert {cue.cue_key for cue in store.cues()} == {f"Reel 1/{cue.key}" for cue in cues}


def test_a_key_that_is_taken_is_refused_and_nothing_is_changed(store):
    for cue in (A, B):
        load(store, cue)
    with pytest.raises(WarehouseError, match=r"'Reel 1/1m02' is taken: there is a cue"):
        move_cues(store.engine, {A.key: B.key})
    with pytest.raises(WarehouseError, match="'never seen' is not registered"):
        move_cues(store.engine, {"never seen": "x"})
    assert {cue.cue_key for cue in store.cues()} == {A.key, B.key}


def test_a_removed_cue_leaves_no_row_in_any_table_and_the_others_theirs(store):
    load(store, A)
    alone = counts(store)
    load(store, B)
    decide(store, B.key, "Track 0", None, "Brass")
    note_contents(store.engine, B.key, "midi", "f", [("a.mid", 1, 2, 3)], {"a.mid": "x"})
    remove_cue(store.engine, B.key, store.cue(B.key).id, read_decisions(store.engine, B.key))
    assert counts(store) == alone


def test_contents_keep_hashes_of_the_same_state_and_forget_those_of_another(store):
    store.register_cues([A.folder()])
    files = [("a.wav", 10, 1, 7), ("b.wav", 20, 1, 8)]
    note_contents(store.engine, A.key, "audio", "one", files, {"a.wav": "x"})
    note_contents(store.engine, A.key, "audio", "one", files, {"b.wav": "y"})
    known = read_contents(store.engine, [A.key])[A.key]["audio"]
    assert known == Contents("one", (("a.wav", 10, 1, 7, "x"), ("b.wav", 20, 1, 8, "y")))
    later = Contents("one", (("a.wav", 10, 9, 7, "x"), ("b.wav", 20, 1, 8, "y")))
    note_progress(store.engine, A.key, "audio", later)
    assert read_contents(store.engine, [A.key])[A.key]["audio"] == later
    note_same(store.engine, A.key, "audio", "today", later)
    cue = store.cue(A.key)
    assert (cue.audio_fingerprint, cue.audio_seen) == ("one", "today")
    note_contents(store.engine, A.key, "audio", "two", files, {})
    assert read_contents(store.engine, [A.key])[A.key]["audio"].files[0][4] is None


def test_what_was_begun_before_two_cues_exchanged_keys_is_written_to_neither(store):
    for cue in (A, B):
        load(store, cue)
    before = {key: everything(store, cue) for key, cue in ((A.key, A), (B.key, B))}
    began_as = store.cue(A.key).id
    move_cues(store.engine, {A.key: B.key, B.key: A.key})
    with pytest.raises(WarehouseError, match=r"'Reel 1/1m01' is 'Reel 1/1m02' now: it was moved"):
        replace(store, A, "final_mix_features", cue_id=began_as)
    with pytest.raises(WarehouseError, match="it was moved"):
        store.fail(
            A.key, "tempo_map", "no", fingerprint="", code_version="", started_at=now(),
            cue_id=began_as,
        )  # fmt: skip
    assert everything(store, A) == before[B.key]
    assert everything(store, B) == before[A.key]
    assert {row.state for key in (A.key, B.key) for row in store.ledger(key)} == {"ready"}


def test_a_cue_of_which_something_was_decided_meanwhile_is_not_removed(store):
    load(store, A)
    decide(store, A.key, "Track 0", None, "Brass")
    known = read_decisions(store.engine, A.key)
    decide(store, A.key, "Track 1", None, "Strings")
    with pytest.raises(WarehouseError, match="somebody decided something meanwhile"):
        remove_cue(store.engine, A.key, store.cue(A.key).id, known)
    assert store.cue(A.key) is not None
    assert list(store.overrides(A.key)["track"]) == ["Track 0", "Track 1"]


@pytest.mark.engines("dsql")
def test_one_cue_with_more_decisions_than_a_transaction_holds_moves(store):
    n = 3_300
    load(store, A, ASSETS[:1])
    decided(store, [(A.key, n)])
    move_cues(store.engine, {A.key: "Reel 9/1m01"})
    assert store.cue(A.key) is None
    assert len(store.overrides("Reel 9/1m01")) == n
    noted = [c for c in store.history("Reel 9/1m01") if c.action == "move"]
    assert len(noted) == n
    assert {row.state for row in store.ledger("Reel 9/1m01")} == {"ready"}
    with store.engine.connect() as connection:
        left = sa.select(sa.func.count()).where(t.mapping_overrides.c.cue_key == A.key)
        assert connection.scalar(left) == 0


@pytest.mark.engines("dsql")
@pytest.mark.parametrize("broken_after", [4, 7])
def test_a_large_move_that_is_broken_off_is_finished_by_the_next_look(
    store, monkeypatch, broken_after
):
    load(store, A, ASSETS[:1])
    decided(store, [(A.key, 1_200)])
    made = []

    def write_some(engine, work):
        if len(made) == broken_after:
            raise KeyboardInterrupt
        made.append(work)
        return write(engine, work)

    for module in (large_moves, relocation):
        monkeypatch.setattr(module, "write", write_some)
    with pytest.raises(KeyboardInterrupt):
        move_cues(store.engine, {A.key: "Reel 9/1m01"}, by="bo")
    monkeypatch.undo()
    relocation.finish_broken_moves(store.engine)
    (cue,) = store.cues()
    assert len(store.overrides(cue.cue_key)) == 1_200
    noted = [c.before["cue_key"] for c in store.history(cue.cue_key)]
    assert noted == ([A.key] * 1_200 if cue.cue_key != A.key else [])
