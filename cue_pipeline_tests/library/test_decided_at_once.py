"""Two people who decide about one cue at the same moment lose nothing, on every engine."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from cue_pipeline.errors import MappingError, WarehouseError
from cue_pipeline.library import deciding, standing_decisions, undoing
from cue_pipeline.library.decisions import read_parts
from cue_pipeline.mapping.people.changed_lines import Decision
from cue_pipeline.warehouse.stated_clocks import StatedClock
from cue_pipeline_tests.warehouse.synthetic import SyntheticCue, load

CUE = SyntheticCue(n_tracks=3, n_notes=7)
KEY = CUE.key


@pytest.fixture
def parts(store):
    load(store, CUE)
    return read_parts(store, KEY)


def said(store):
    rows = store.overrides(KEY).to_dict("records")
    return [(r["track"], r["canonical_name"], r["instrument_category"], r["note"]) for r in rows]


def meanwhile(act):
    """Return what starts an act in the midst of another's, and what waits for its end."""
    pool, begun = ThreadPoolExecutor(1), []

    def begin(*_):
        if not begun:  # a transaction may run again
            begun.append(pool.submit(act))
            # Enough to read what stands, and to write where nobody is waited for.
            wait(begun, 0.3)

    def end():
        pool.shutdown()
        begun[0].result()

    return begin, end


def test_a_category_and_a_stem_that_are_set_at_once_are_both_kept(store, parts):
    category = Decision(KEY, 1, None, "Harp", None)
    stem = Decision(KEY, 1, "-", None, "not there")
    begin, end = meanwhile(lambda: deciding.keep(store, {KEY: parts}, [category], by="Béla"))
    deciding.keep(store, {KEY: parts}, [stem], by="Anna", look=begin)
    end()
    assert said(store) == [("Track 1", "-", "Harp", "not there")]
    assert {change.decided_by for change in store.history(KEY)} == {"Anna", "Béla"}


def test_of_two_that_take_the_same_change_back_at_once_each_takes_one(store, parts):
    for category in ("Harp", "Brass"):
        deciding.keep(store, {KEY: parts}, [Decision(KEY, 1, None, category, None)], by="Anna")
    begin, end = meanwhile(lambda: undoing.undo(store, parts, [1], by="Béla"))
    undoing.undo(store, parts, [1], by="Clara", look=begin)
    end()
    assert said(store) == []
    undone = [change.undoes for change in store.history(KEY) if change.action == "undo"]
    assert len(set(undone)) == 2


def test_where_a_track_is_found_again_is_not_noted_of_a_decision_it_was_not_read_from(store, parts):
    stems = store.read(KEY, "audio_files", ["canonical_name", "content_hash"])
    names = list(stems["canonical_name"])
    deciding.keep(store, {KEY: parts}, [Decision(KEY, 1, names[0], None, None)], by="Anna")
    files = store.read(KEY, "midi_files", ["id", "file_path"])
    tracks = store.read(KEY, "midi_tracks").assign(notes=None)
    other = [Decision(KEY, 1, names[1], None, None)]
    read = store.read

    def read_slowly(key, table, *columns):
        found = read(key, table, *columns)
        if table == "midi_files":  # the decisions are read by now
            deciding.keep(other_store, {KEY: parts}, other, by="Béla")
        return found

    other_store = type(store)(store.engine)
    store.read = read_slowly
    standing_decisions.note_where_found(
        store, KEY, tracks, stems.assign(content_hash=["first", "second"])
    )
    (row,) = other_store.overrides(KEY).to_dict("records")
    assert (row["canonical_name"], row["stem_content"]) == (names[1], "second")
    assert len(files) == 1


def test_a_lag_and_a_note_on_a_clock_that_are_stated_at_once_are_both_kept(store, parts):
    note = StatedClock(KEY, note="by ear")
    begin, end = meanwhile(lambda: store.state_clock(note, by="Béla"))

    def work(turn):
        from cue_pipeline.warehouse.stated_clocks import state

        before = state(StatedClock(KEY, lag_seconds=1.5), turn.act, turn.connection)
        begin()
        return before

    assert store.take_turn([KEY], work, by="Anna")
    end()
    (row,) = store.read(KEY, "alignment_overrides").to_dict("records")
    assert (row["lag_seconds"], row["note"]) == (1.5, "by ear")


def test_of_several_tracks_all_are_taken_back_or_none(store, parts):
    deciding.keep(store, {KEY: parts}, [Decision(KEY, 0, "-", None, None)], by="Anna")
    with pytest.raises(MappingError, match=r"Nothing was decided about track 'Track 2'"):
        undoing.undo(store, parts, [0, 2], by="Anna")
    assert said(store) == [("Track 0", "-", None, None)]
    assert [change.action for change in store.history(KEY)] == ["set"]


def test_many_decisions_are_kept_as_one_change(store, parts, monkeypatch):
    monkeypatch.setattr("cue_pipeline.warehouse.decision_store.DECISIONS_A_TURN", 2)
    decisions = [Decision(KEY, i, "-", None, None) for i in range(3)]
    assert deciding.keep(store, {KEY: parts}, decisions, by="Anna") == decisions
    assert len({change.change_id for change in store.history(KEY)}) == 1
    assert deciding.keep(store, {KEY: parts}, decisions, by="Anna") == []


def test_a_cue_that_has_gone_meanwhile_is_told(store, parts):
    with pytest.raises(WarehouseError, match="is not registered"):
        store.take_turn(["Reel 9/9m99"], lambda turn: turn.overrides("Reel 9/9m99"))
