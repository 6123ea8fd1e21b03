"""Cues get other keys, and go, on every engine."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from cue_pipeline.errors import WarehouseError
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
from cue_pipeline_tests.warehouse.synthetic import ASSETS, SyntheticCue, load

A, B = SyntheticCue(key="Reel 1/1m01"), SyntheticCue(key="Reel 1/1m02")


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
    store.set_override(A.key, "Track 0", None, "Brass")
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
    decisions = [
        {
            "cue_key": cue.key, "track": f"#{i}", "instrument_category": "Brass",
            "created_at": datetime(2026, 5, 4, tzinfo=UTC),
        }
        for cue in cues for i in range(40)
    ]  # fmt: skip
    for first in range(0, len(decisions), 1_000):
        with store.engine.begin() as connection:
            connection.execute(sa.insert(t.mapping_overrides), decisions[first : first + 1_000])
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
    store.set_override(B.key, "Track 0", None, "Brass")
    note_contents(store.engine, B.key, "midi", "f", [("a.mid", 1, 2, 3)], {"a.mid": "x"})
    remove_cue(store.engine, B.key, store.cue(B.key).id)
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
