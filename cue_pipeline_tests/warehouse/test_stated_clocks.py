"""What people say of clocks is kept, on every engine: changed, moved, forgotten and restored."""

import pytest

from cue_pipeline.errors import WarehouseError
from cue_pipeline.warehouse.relocation import move_cues
from cue_pipeline.warehouse.removal import read_decisions, remove_cue, restore_decisions
from cue_pipeline.warehouse.stated_clocks import StatedClock
from cue_pipeline_tests.deciding import decide
from cue_pipeline_tests.warehouse.synthetic import SyntheticCue, load

A = SyntheticCue(key="Reel 1/1m01")
TEMPO = [[0.0, 500_000.0], [16.0, 545_454.0]]


def stated(store, key=A.key):
    rows = store.read(key, "alignment_overrides").to_dict("records")
    return [(r["midi_file"], r["stem"], r["lag_seconds"], r["decided_by"]) for r in rows]


def test_a_word_on_a_clock_replaces_the_one_before_and_all_are_in_the_history(store):
    load(store, A)
    store.state_clock(StatedClock(A.key, lag_seconds=3.7), by="ann")
    store.state_clock(StatedClock(A.key, stem="Stem 0", lag_seconds=1.0), by="ann")
    store.state_clock(StatedClock(A.key, lag_seconds=4.0, tempo=TEMPO, tempo_from="a.mid"), by="bo")
    assert stated(store) == [("", "", 4.0, "bo"), ("", "Stem 0", 1.0, "ann")]
    assert store.read(A.key, "alignment_overrides")["tempo"][0] == TEMPO
    assert store.unstate_clock(StatedClock(A.key), by="cy")
    assert not store.unstate_clock(StatedClock(A.key), by="cy")
    told = [
        (c.decided_by, c.action, c.stem, c.lag_seconds, c.before and c.before["lag_seconds"])
        for c in store.clock_history(A.key)
    ]
    assert told == [
        ("ann", "set", "", 3.7, None),
        ("ann", "set", "Stem 0", 1.0, None),
        ("bo", "set", "", 4.0, 3.7),
        ("cy", "unset", "", None, 4.0),
    ]


def test_the_last_word_on_a_clock_is_taken_back_and_then_the_one_before_it(store):
    load(store, A)
    all_stems, of_stem = StatedClock(A.key), StatedClock(A.key, stem="Stem 0")
    store.state_clock(StatedClock(A.key, lag_seconds=3.7, tempo=TEMPO, tempo_from="a"), by="ann")
    store.state_clock(StatedClock(A.key, stem="Stem 0", lag_seconds=1.0), by="ann")
    store.state_clock(StatedClock(A.key, lag_seconds=4.0), by="bo")
    store.unstate_clock(all_stems, by="cy")
    assert store.undo_clock(all_stems, by="di").action == "unset"
    assert stated(store) == [("", "", 4.0, "bo"), ("", "Stem 0", 1.0, "ann")]
    assert store.undo_clock(all_stems, by="di").lag_seconds == 4.0
    assert stated(store) == [("", "", 3.7, "ann"), ("", "Stem 0", 1.0, "ann")]
    assert store.read(A.key, "alignment_overrides")["tempo"][0] == TEMPO
    # What is stated after an undo is taken back first.
    store.state_clock(StatedClock(A.key, lag_seconds=5.0), by="bo")
    assert store.undo_clock(all_stems, by="di").lag_seconds == 5.0
    assert store.undo_clock(all_stems, by="di").lag_seconds == 3.7
    assert store.undo_clock(all_stems, by="di") is None
    assert store.undo_clock(of_stem, by="di").lag_seconds == 1.0
    assert stated(store) == []
    assert [c.action for c in store.clock_history(A.key)].count("undo") == 5


def test_what_is_said_of_clocks_and_of_tracks_is_told_apart(store):
    load(store, A)
    assert store.decisions() == {}
    store.state_clock(StatedClock(A.key, lag_seconds=3.7))
    first = store.decisions()[A.key]
    assert set(first) == {"alignment_overrides"}
    decide(store, A.key, "#1", "-", None)
    both = store.decisions(A.key)[A.key]
    assert set(both) == {"alignment_overrides", "mapping_overrides"}
    assert both["alignment_overrides"] == first["alignment_overrides"]
    store.state_clock(StatedClock(A.key, lag_seconds=3.8))
    assert store.decisions()[A.key]["alignment_overrides"] != first["alignment_overrides"]


def test_it_goes_where_the_cue_goes_and_comes_back_from_an_export(store):
    load(store, A)
    store.state_clock(StatedClock(A.key, lag_seconds=3.7, note="slate"), by="ann")
    move_cues(store.engine, {A.key: "Reel 9/1m01"}, by="bo")
    assert stated(store, "Reel 9/1m01") == [("", "", 3.7, "ann")]
    assert [c.action for c in store.clock_history("Reel 9/1m01")] == ["set", "move"]
    kept = read_decisions(store.engine, "Reel 9/1m01")
    remove_cue(store.engine, "Reel 9/1m01", store.cue("Reel 9/1m01").id, kept)
    load(store, A)
    restore_decisions(store.engine, A.key, kept)
    assert stated(store) == [("", "", 3.7, "ann")]
    assert store.read(A.key, "alignment_overrides")["note"][0] == "slate"


def test_of_a_cue_that_is_not_there_nothing_can_be_said(store):
    with pytest.raises(WarehouseError, match="nowhere"):
        store.state_clock(StatedClock("nowhere", lag_seconds=1.0))
