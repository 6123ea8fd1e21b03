"""Is it the same cue? Folders that are renamed, exchanged, copied, edited, restored, gone."""

import shutil

import pytest

from cue_pipeline.cue.scan import find_cues
from cue_pipeline.errors import CueError
from cue_pipeline.library.adoption import adopt_root, move_by_hand
from cue_pipeline.library.plan import plan_library
from cue_pipeline.library.recognition import recognise
from cue_pipeline.library.status import read_status, without_folder
from cue_pipeline.warehouse.removal import read_decisions, remove_cue, restore_decisions
from cue_pipeline_tests.deciding import decide
from cue_pipeline_tests.shelf import Shelf, nobody, redate
from cue_pipeline_tests.workspace import clean_environment

pytestmark = pytest.mark.engines("sqlite", "postgresql")


@pytest.fixture
def shelf(tmp_path, monkeypatch, database_url):
    clean_environment(monkeypatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", str(database_url))
    return Shelf(tmp_path / "library")


def test_a_renamed_folder_is_the_same_cue_with_its_decisions_and_ids(shelf):
    shelf.cue("Reel 1/1m01", b"one")
    shelf.cue("Reel 1/1m02", b"two")
    shelf.process()
    decide(shelf.store, "Reel 1/1m01", "Violins", "VLN", "Strings")
    before = shelf.store.cue("Reel 1/1m01")
    shelf.process()
    (shelf.root / "Reel 1/1m01").rename(shelf.root / "Reel 1/1m01 In Too Deep")
    plan = shelf.process()
    assert plan.moved == {"Reel 1/1m01": "Reel 1/1m01 In Too Deep"}
    assert shelf.lacking(plan) == {}
    after = shelf.store.cue("Reel 1/1m01 In Too Deep")
    assert (after.id, after.first_seen_at) == (before.id, before.first_seen_at)
    assert (after.title, after.moved_from) == ("In Too Deep", "Reel 1/1m01")
    assert shelf.decided("Reel 1/1m01 In Too Deep") == ["Violins"]
    assert shelf.keys() == {"Reel 1/1m01 In Too Deep": "present", "Reel 1/1m02": "present"}


def test_a_dry_run_says_the_move_and_changes_nothing(shelf):
    shelf.cue("1m01")
    shelf.process()
    (shelf.root / "1m01").rename(shelf.root / "1m09")
    plan = plan_library(shelf.root, shelf.store, shelf.settings, dry_run=True)
    assert plan.moved == {"1m01": "1m09"}
    assert not any(cue.assets for cue in plan.cues)
    assert shelf.keys() == {"1m01": "present"}


def test_a_renamed_cue_that_is_asked_for_by_its_new_name_keeps_its_decisions(shelf):
    shelf.cue("1m01", b"one")
    shelf.cue("1m02", b"two")
    shelf.process()
    decide(shelf.store, "1m01", "Violins", "VLN", "Strings")
    shelf.process()
    (shelf.root / "1m01").rename(shelf.root / "1m01 v2")
    shelf.cue("1m03", b"three")
    before = shelf.store.cue("1m01")
    plan = plan_library(
        shelf.root, shelf.store, shelf.settings, only=["1m01 v2"], busy_among=nobody
    )
    assert plan.moved == {"1m01": "1m01 v2"}
    assert [(cue.folder.key, cue.assets) for cue in plan.cues] == [("1m01 v2", ())]
    assert shelf.store.cue("1m01 v2").id == before.id
    assert shelf.decided("1m01 v2") == ["Violins"]
    assert shelf.keys() == {"1m01 v2": "present", "1m02": "present"}


def test_of_two_copies_of_a_cue_that_is_gone_the_one_asked_for_is_not_chosen(shelf):
    folder = shelf.cue("1m01", b"one")
    shelf.process()
    decide(shelf.store, "1m01", "Violins", "VLN", "Strings")
    for name in ("1m01 a", "1m01 b"):
        shutil.copytree(folder, shelf.root / name)
    shutil.rmtree(folder)
    plan = plan_library(shelf.root, shelf.store, shelf.settings, only=["1m01 a"], busy_among=nobody)
    assert plan.moved == {}
    assert any("1m01 a may be 1m01, which is gone" in text for text in plan.offered)
    assert shelf.decided("1m01") == ["Violins"]


def test_a_known_cue_whose_folder_is_there_in_two_spellings_is_refused_by_name_too(shelf):
    composed, decomposed = "1m01 \u00e9t\u00e9", "1m01 e\u0301te\u0301"
    shelf.cue(composed, b"one")
    shelf.cue("1m02", b"two")
    shelf.process()
    shelf.cue(decomposed, b"other")
    if len(list(shelf.root.iterdir())) < 3:
        pytest.skip("this disk holds one spelling of a name only")
    with pytest.raises(CueError, match="No cue"):
        plan_library(shelf.root, shelf.store, shelf.settings, only=[composed], busy_among=nobody)


def test_two_folders_that_were_exchanged_are_exchanged(shelf):
    one, two = shelf.cue("1m01", b"one"), shelf.cue("1m02", b"two")
    shelf.process()
    decide(shelf.store, "1m01", "Violins", None, "Strings")
    shelf.process()
    one.rename(shelf.root / "x")
    two.rename(one)
    (shelf.root / "x").rename(two)
    plan = shelf.process()
    assert plan.moved == {"1m01": "1m02", "1m02": "1m01"}
    assert shelf.lacking(plan) == {}
    assert (shelf.decided("1m01"), shelf.decided("1m02")) == ([], ["Violins"])


def test_a_cue_waits_with_its_move_until_no_run_of_it_is_under_way(shelf):
    shelf.cue("1m01", b"one")
    shelf.process()
    decide(shelf.store, "1m01", "Violins", None, "Strings")
    shelf.process()
    (shelf.root / "1m01").rename(shelf.root / "1m09")
    plan = shelf.process(busy_among=lambda keys: {"1m01"}.intersection(keys))
    assert (plan.moved, plan.gone, plan.cues) == ({}, (), ())
    assert "it is '1m01', of which" in plan.refused["1m09"]
    assert shelf.keys() == {"1m01": "present"}
    assert shelf.process().moved == {"1m01": "1m09"}
    assert shelf.decided("1m09") == ["Violins"]


def test_of_two_that_change_places_neither_moves_while_the_other_has_a_run(shelf):
    one, two = shelf.cue("1m01", b"one"), shelf.cue("1m02", b"two")
    shelf.process()
    one.rename(shelf.root / "x")
    two.rename(one)
    (shelf.root / "x").rename(two)
    plan = shelf.process(busy_among=lambda keys: {"1m02"}.intersection(keys))
    assert (plan.moved, set(plan.refused), plan.cues) == ({}, {"1m01", "1m02"}, ())
    assert shelf.process().moved == {"1m01": "1m02", "1m02": "1m01"}


def test_a_reel_that_is_numbered_anew_moves_together_whatever_one_look_may_move(shelf):
    for n in range(1, 6):
        shelf.cue(f"1m{n}", b"%d" % n)
    shelf.process()
    for n in range(5, 0, -1):
        (shelf.root / f"1m{n}").rename(shelf.root / f"1m{n + 1}")
    scan, known = find_cues(shelf.root), {cue.cue_key: cue for cue in shelf.store.cues()}
    found = recognise(scan, known, shelf.store, gone=("1m1",), busy_among=nobody, most=2)
    assert {move.old: move.new for move in found.moved} == {
        f"1m{n}": f"1m{n + 1}" for n in range(1, 6)
    }
    assert not found.left


def test_a_new_cue_at_the_place_of_one_that_moved_has_ids_of_its_own(shelf):
    one = shelf.cue("1m01", b"one")
    shelf.process()
    first = shelf.store.cue("1m01").id
    one.rename(shelf.root / "1m01 old")
    shelf.cue("1m01", b"another one")
    plan = shelf.process()
    assert plan.moved == {"1m01": "1m01 old"}
    assert set(shelf.lacking(plan)) == {"1m01"}
    assert shelf.store.cue("1m01 old").id == first != shelf.store.cue("1m01").id
    assert shelf.store.cue("1m01").first_key == "1m01//2"
    assert shelf.lacking() == {}


def test_a_copy_is_a_cue_of_its_own(shelf):
    shelf.cue("1m01")
    shelf.process()
    shutil.copytree(shelf.root / "1m01", shelf.root / "1m01 copy")
    plan = shelf.process()
    assert plan.moved == {}
    assert set(shelf.lacking(plan)) == {"1m01 copy"}


def test_a_copy_kept_before_an_edit_leaves_the_cue_where_it_is(shelf):
    cue = shelf.cue("1m01")
    shelf.process()
    decide(shelf.store, "1m01", "Violins", None, "Strings")
    shelf.process()
    shutil.copytree(cue, shelf.root / "1m01 before")
    (cue / "MIDI/a.mid").write_bytes(b"other notes")
    plan = shelf.process()
    assert plan.moved == {}
    assert shelf.decided("1m01") == ["Violins"]


def test_a_cue_copied_to_another_disk_under_new_dates_is_known_by_its_bytes(shelf):
    cue = shelf.cue("1m01")
    shelf.process()
    shutil.copytree(cue, shelf.root / "Reel 1/1m01")
    redate(shelf.root / "Reel 1/1m01")
    shutil.rmtree(cue)
    plan = shelf.process()
    assert plan.moved == {"1m01": "Reel 1/1m01"}
    assert shelf.lacking(plan) == {}
    assert shelf.lacking() == {}


def test_one_other_byte_makes_another_cue_which_is_offered(shelf):
    cue = shelf.cue("1m01")
    shelf.process()
    cue.rename(shelf.root / "1m01 v2")
    midi = shelf.root / "1m01 v2/MIDI/a.mid"
    midi.write_bytes(midi.read_bytes()[:-1] + b"!")
    plan = shelf.process()
    assert plan.moved == {}
    assert plan.gone == ("1m01",)
    assert "cues move 1m01 '1m01 v2'" in plan.offered[0]


def test_what_is_offered_can_be_said_by_hand_though_the_folder_is_a_cue_by_now(shelf):
    cue = shelf.cue("1m01")
    shelf.process()
    decide(shelf.store, "1m01", "Violins", None, "Strings")
    shelf.process()
    cue.rename(shelf.root / "1m01 v2")
    (shelf.root / "1m01 v2/MIDI/a.mid").write_bytes(b"other notes")
    shelf.process()
    assert move_by_hand(shelf.store, shelf.store.cue("1m01"), "1m01 v2", "me", nobody) == (
        "1m01 v2",
        True,
    )
    assert shelf.decided("1m01 v2") == ["Violins"]
    on_midi = {"tempo_map", "midi_events", "match_evidence", "llm_mappings"}
    assert shelf.lacking() == {"1m01 v2": on_midi}
    assert shelf.keys() == {"1m01 v2": "present"}


def test_two_cues_that_are_gone_and_held_the_same_are_not_chosen_from(shelf):
    one, two = shelf.cue("1m01"), shelf.cue("1m02")
    shelf.process()
    shutil.copytree(one, shelf.root / "1m03")
    shutil.rmtree(one)
    shutil.rmtree(two)
    plan = shelf.process()
    assert plan.moved == {}
    assert set(plan.gone) == {"1m01", "1m02"}
    assert plan.offered


def test_a_restored_archive_is_up_to_date_and_is_read_once(shelf, monkeypatch):
    cue = shelf.cue("1m01")
    shelf.process()
    redate(cue)
    assert shelf.stale() == set()
    plan = shelf.process()
    assert shelf.lacking(plan) == {}
    from cue_pipeline.library import file_contents

    monkeypatch.setattr(file_contents, "hash_of_file", lambda *_: pytest.fail("read again"))
    assert shelf.lacking() == {}
    assert shelf.stale() == set()


def test_new_dates_on_other_bytes_of_the_same_length_are_stale(shelf):
    cue = shelf.cue("1m01", b"one")
    shelf.process()
    redate(cue)
    sound = cue / "PT/Audio Files/VLN.L.wav"
    sound.write_bytes(sound.read_bytes().replace(b"one", b"two"))
    assert set(shelf.lacking()["1m01"]) >= {"channel_groups", "mel_features"}


def test_status_says_that_it_has_not_compared_where_that_takes_too_long(shelf, monkeypatch):
    from cue_pipeline.library import status

    cue = shelf.cue("1m01")
    shelf.process()
    redate(cue)
    monkeypatch.setattr(status, "COMPARING_SECONDS", -1.0)
    reasons = {s.reason for s in read_status(shelf.store, shelf.settings)}
    assert any("not compared here" in reason for reason in reasons)


def test_a_cue_that_comes_back_is_what_it_was(shelf):
    cue = shelf.cue("1m01")
    shelf.cue("1m02", b"two")
    shelf.process()
    cue.rename(shelf.root.parent / "away")
    assert shelf.process().gone == ("1m01",)
    (shelf.root.parent / "away").rename(cue)
    plan = shelf.process()
    assert (plan.returned, shelf.lacking(plan)) == (("1m01",), {})


def test_a_folder_in_a_library_is_a_part_of_it(shelf):
    shelf.cue("Reel 1/1m01", b"one")
    shelf.cue("Reel 2/2m01", b"two")
    shelf.process()
    for base in ("Reel 1", "Reel 1/1m01"):
        assert [c.folder.key for c in shelf.process(shelf.root / base).cues] == ["Reel 1/1m01"]
    assert set(shelf.keys()) == {"Reel 1/1m01", "Reel 2/2m01"}
    (shelf.root.parent / "link").symlink_to(shelf.root)
    shelf.process(shelf.root.parent / "link")
    assert set(shelf.keys()) == {"Reel 1/1m01", "Reel 2/2m01"}


def test_a_folder_above_a_library_is_refused_until_it_is_adopted(shelf):
    shelf.cue("Reel 1/1m01", b"one")
    shelf.process(shelf.root / "Reel 1")
    decide(shelf.store, "1m01", "Violins", None, "Strings")
    shelf.process(shelf.root / "Reel 1")
    with pytest.raises(CueError, match="cues adopt"):
        shelf.process()
    assert adopt_root(shelf.store, shelf.root, None, "me", nobody).moved == {"1m01": "Reel 1/1m01"}
    assert shelf.lacking() == {}
    assert shelf.decided("Reel 1/1m01") == ["Violins"]


def test_a_library_that_moved_keeps_its_keys_and_nothing_is_stale(shelf):
    shelf.cue("1m01")
    shelf.process()
    shutil.copytree(shelf.root, shelf.root.parent / "volume B")
    redate(shelf.root.parent / "volume B")
    shelf.root.rename(shelf.root.parent / "offline")
    shelf.root = shelf.root.parent / "volume B"
    assert shelf.lacking() == {}
    assert shelf.store.cue("1m01").root == str(shelf.root)


def test_a_copied_library_is_gone_on_with_once_a_person_says_so(shelf):
    shelf.cue("1m01")
    shelf.process()
    other = shelf.root.parent / "volume B"
    shutil.copytree(shelf.root, other)
    assert "cues adopt" in shelf.process(other).refused["1m01"]
    assert adopt_root(shelf.store, other, None, "me", nobody).adopted == ("1m01",)
    assert shelf.lacking(shelf.process(other)) == {}


def test_a_cue_of_another_library_reached_through_a_link_gets_no_second_key(shelf, monkeypatch):
    cue = shelf.cue("1m01", b"one")
    shelf.process()
    other = shelf.root.parent / "other"
    other.mkdir()
    (other / "linked").symlink_to(cue)
    monkeypatch.setenv("CUE_LINKS_TO", str(shelf.root))
    assert "is the folder of cue '1m01'" in shelf.process(other).refused["linked"]
    assert set(shelf.keys()) == {"1m01"}


def test_a_forgotten_cue_leaves_no_row_and_its_decisions_can_be_restored(shelf):
    shelf.cue("1m01")
    shelf.process()
    decide(shelf.store, "1m01", "Violins", "VLN", "Strings", "heard it")
    kept = read_decisions(shelf.store.engine, "1m01")
    remove_cue(
        shelf.store.engine,
        "1m01",
        shelf.store.cue("1m01").id,
        read_decisions(shelf.store.engine, "1m01"),
    )
    assert shelf.keys() == {}
    assert read_decisions(shelf.store.engine, "1m01") == {}
    shelf.process()
    assert restore_decisions(shelf.store.engine, "1m01", kept) == 2, "with its history"
    assert read_decisions(shelf.store.engine, "1m01") == kept


def test_a_cue_known_from_before_contents_were_kept_is_found_by_its_dates(shelf):
    cue = shelf.cue("1m01")
    shelf.process()
    with shelf.store.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM cue_contents")
    cue.rename(shelf.root / "1m09")
    plan = shelf.process()
    assert plan.moved == {"1m01": "1m09"}
    assert shelf.lacking(plan) == {}


def test_a_library_goes_through_all_of_it_and_loses_nothing(shelf):
    """Renamed, moved to another reel, restored, a version more, a copy, deleted, returned."""
    cue = shelf.cue("Reel 1/1m01", b"one")
    shelf.cue("Reel 1/1m02", b"two")
    shelf.process()
    decide(shelf.store, "Reel 1/1m01", "Violins", "VLN", "Strings")
    shelf.process()
    (shelf.root / "Reel 2").mkdir()
    for place in ("Reel 1/1m01 Titles", "Reel 2/1m01 Titles", "reel 2/1m01 titles"):
        (shelf.root / place).parent.mkdir(exist_ok=True)
        cue = cue.rename(shelf.root / place)
        assert shelf.lacking() == {}
        assert shelf.decided(place) == ["Violins"]
    redate(shelf.root)
    assert shelf.lacking() == {}
    shutil.copytree(cue, shelf.root / "reel 2/1m01 titles v2")
    assert set(shelf.lacking()) == {"reel 2/1m01 titles v2"}
    cue.rename(shelf.root.parent / "away")
    assert shelf.process().gone == ("reel 2/1m01 titles",)
    redate(shelf.root.parent / "away")
    (shelf.root.parent / "away").rename(cue)
    assert shelf.lacking() == {}
    assert shelf.decided("reel 2/1m01 titles") == ["Violins"]
    assert shelf.keys() == dict.fromkeys(
        ("Reel 1/1m02", "reel 2/1m01 titles", "reel 2/1m01 titles v2"), "present"
    )
    assert shelf.stale() == set()


def test_a_cue_whose_folder_is_not_there_is_gone_before_anyone_has_looked_for_it(shelf):
    shelf.cue("1m01", b"one")
    shelf.cue("1m02", b"two")
    shelf.process()
    assert without_folder(shelf.store.cues()) == ([], {})
    shutil.rmtree(shelf.root / "1m01")
    assert shelf.keys() == {"1m01": "present", "1m02": "present"}
    assert without_folder(shelf.store.cues()) == (["1m01"], {})
    shelf.root.rename(shelf.root.with_name("unmounted"))
    assert without_folder(shelf.store.cues()) == ([], {str(shelf.root): 2})
