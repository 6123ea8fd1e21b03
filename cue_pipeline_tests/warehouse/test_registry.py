import time
import unicodedata
from dataclasses import replace as changed
from pathlib import Path

import pytest
import sqlalchemy as sa

from cue_pipeline.cue.numbering import CueNumber
from cue_pipeline.warehouse import tables as t
from cue_pipeline.warehouse.store import KeyConflict
from cue_pipeline_tests.warehouse.synthetic import ASSETS, SyntheticCue, load


def folder(key: str, root: Path = Path("/library"), **options):
    return changed(SyntheticCue(key=key).folder(root), **options)


def test_a_cue_is_registered_with_what_its_name_says(store):
    store.register_cues([folder("TW312/TW312 1m04a v3.2 Main Title")])
    cue = store.cue("TW312/TW312 1m04a v3.2 Main Title")
    assert (cue.project, cue.reel, cue.cue_number, cue.cue_suffix) == ("TW312", 1, 4, "a")
    assert (cue.version, cue.title, cue.is_source) == ("3.2", "Main Title", False)
    assert (cue.state, cue.root) == ("present", "/library")
    assert cue.first_seen_at == cue.last_seen_at
    assert store.cue("nothing of that name") is None


def test_a_name_without_a_number_is_fine(store):
    store.register_cues([folder("Loose ends")])
    cue = store.cue("Loose ends")
    assert (cue.project, cue.reel, cue.cue_number, cue.version, cue.is_source) == (None,) * 5


def test_numbers_that_the_caller_has_parsed_are_taken(store):
    store.register_cues([folder("a")], {"a": CueNumber(reel=7, number=9)})
    assert (store.cue("a").reel, store.cue("a").cue_number) == (7, 9)


def test_seeing_a_cue_again_keeps_the_first_sight_and_tells_what_changed(store):
    first = store.register_cues([folder("a"), folder("b"), folder("c")])
    assert (first.new, first.changed, first.unchanged) == (("a", "b", "c"), (), ())
    before = {c.cue_key: c for c in store.cues()}
    assert store.mark_missing(["c", "never seen"]) == 1
    assert store.cue("c").state == "missing"
    again = store.register_cues([folder("a"), folder("b", audio_fingerprint="new"), folder("c")])
    assert (again.new, again.changed, again.unchanged) == ((), ("b", "c"), ("a",))
    for cue in store.cues():
        assert cue.first_seen_at == before[cue.cue_key].first_seen_at
        assert cue.last_seen_at > before[cue.cue_key].last_seen_at
        assert cue.state == "present"
    assert store.cue("b").fingerprint != before["b"].fingerprint
    assert store.cue("b").audio_fingerprint == "new"
    assert store.cue("b").midi_fingerprint == before["b"].midi_fingerprint


def test_a_key_of_another_library_that_still_exists_is_reported_not_taken(store, tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    for root in (one, other):
        (root / "1m01").mkdir(parents=True)
    store.register_cues([folder("1m01", one)])
    found = store.register_cues([folder("1m01", other), folder("1m02", other)])
    assert found.conflicts == (KeyConflict("1m01", str(one), str(other)),)
    assert found.new == ("1m02",)
    assert store.cue("1m01").root == str(one)


def test_a_library_that_moved_takes_its_cues_along(store, tmp_path):
    (tmp_path / "1m01").mkdir()
    store.register_cues([folder("1m01", Path("/no/longer/there"))])
    found = store.register_cues([folder("1m01", tmp_path)])
    assert (found.unchanged, found.conflicts) == (("1m01",), ())
    assert store.cue("1m01").root == str(tmp_path)


def test_the_folder_is_kept_as_it_is_spelt_on_disk(store, tmp_path):
    decomposed = unicodedata.normalize("NFD", "Rêves/1m01 Élise")
    key = unicodedata.normalize("NFC", decomposed)
    one, other = tmp_path / "one", tmp_path / "other"
    (one / decomposed).mkdir(parents=True)
    found = folder(key, one, path=one / decomposed)
    store.register_cues([found])
    assert store.cue(key).folder == decomposed
    assert store.cue(key).path == one / decomposed
    # It is still there, though not under the key; so another library cannot take its cue.
    assert [c.cue_key for c in store.register_cues([folder(key, other)]).conflicts] == [key]
    with store.engine.begin() as connection:  # as a database from before has it
        connection.execute(sa.update(t.cues).values(folder=None))
    assert [c.cue_key for c in store.register_cues([folder(key, other)]).conflicts] == [key]
    assert store.register_cues([found]).unchanged == (key,)
    assert store.cue(key).folder == decomposed


def test_cues_that_go_missing_keep_their_rows(store):
    cue = SyntheticCue()
    load(store, cue)
    store.mark_missing([cue.key])
    assert len(store.read(cue.key, "midi_cc")) == cue.n_tracks * cue.n_cc
    assert {row.asset for row in store.ledger(cue.key)} == set(ASSETS)


@pytest.mark.engines("sqlite", "postgresql")
def test_five_thousand_cues_are_registered_in_seconds(store):
    folders = [folder(f"Reel {i // 50}/{i // 50}m{i % 50:02d}") for i in range(5_000)]
    start = time.perf_counter()
    assert len(store.register_cues(folders).new) == 5_000
    assert len(store.register_cues(folders).unchanged) == 5_000
    assert len(store.cues()) == 5_000
    # About 0.2 s each on an idle machine; the limit allows for a busy one.
    assert time.perf_counter() - start < 10
