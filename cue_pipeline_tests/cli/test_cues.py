"""``cue-pipeline cues …`` as people give it: tables and Dagster's records after each command."""

import json
import shutil

import dagster as dg
import pytest

from cue_pipeline.defs.instance import open_instance
from cue_pipeline_tests.deciding import decide, take_back
from cue_pipeline_tests.shelf import Shelf
from cue_pipeline_tests.workspace import clean_environment, said_here


class Desk:
    """A folder with a library and Dagster's records, and the command line there."""

    def __init__(self, home):
        self.home = home
        self.shelf = Shelf(home / "library")

    def say(self, *arguments, expect=0):
        return said_here(("cues", *arguments), expect=expect)

    def partitions(self):
        with open_instance(self.home) as instance:
            return set(instance.get_dynamic_partitions("cues"))

    def run_of(self, key, status):
        @dg.job
        def anything():
            pass

        with open_instance(self.home) as instance:
            tags = {"dagster/partition": key}
            return instance.create_run_for_job(anything, tags=tags, status=status).run_id

    def has_run(self, run_id):
        with open_instance(self.home) as instance:
            return instance.get_run_by_id(run_id) is not None


@pytest.fixture(scope="module")
def furnished(tmp_path_factory):
    """Three cues with their partitions, and a decision about one; two places, the same."""
    home = tmp_path_factory.mktemp("desk") / "home"
    home.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        clean_environment(patch)
        patch.chdir(home)
        desk = Desk(home)
        for key, sound in {"Film/1m01": b"one", "Film/1m02": b"two", "1m03": b"three"}.items():
            desk.shelf.cue(key, sound)
        desk.shelf.process()
        decide(desk.shelf.store, "Film/1m01", "Violins", "VLN", "Strings", "heard it")
        desk.shelf.process()
        with open_instance(home) as instance:
            instance.add_dynamic_partitions("cues", list(desk.shelf.keys()))
        desk.shelf.store.engine.dispose()
    shutil.copytree(home, home.parent / "kept")
    return home, home.parent / "kept"


@pytest.fixture
def desk(furnished, monkeypatch):
    home, kept = furnished
    shutil.rmtree(home)
    shutil.copytree(kept, home)  # to the same place, since paths are part of what is known
    clean_environment(monkeypatch)
    monkeypatch.chdir(home)
    monkeypatch.setenv("CUE_DECIDED_BY", "Ana")
    made = Desk(home)
    yield made
    made.shelf.store.engine.dispose()


def test_cues_are_listed_by_project_and_by_state(desk):
    listed = json.loads(desk.say("list", "--project", "Film", "--json"))
    assert [cue["cue_key"] for cue in listed] == ["Film/1m01", "Film/1m02"]
    shutil.rmtree(desk.home / "library/1m03")
    desk.shelf.process()
    assert "1m03" in desk.say("list", "--state", "missing")
    assert "No such cue" in desk.say("list", "--project", "Another")


def test_a_cue_is_shown_with_what_is_made_and_decided(desk):
    shown = json.loads(desk.say("show", "Film/1m01", "--json"))
    assert shown["decisions"] == {"mapping_overrides": 1, "mapping_history": 1}
    assert set(shown["assets"].values()) == {"ready"}
    told = desk.say("show", "Film/1m01")
    assert "project: Film, by its folder" in told
    assert "decisions: 1 track (1 change in all, undone ones included)" in told
    assert "Did you mean 'Film/1m01'" in desk.say("show", "Film/1m1", expect=2)


def test_a_decision_that_was_taken_back_is_history_and_stands_no_longer(desk):
    take_back(desk.shelf.store, [("Film/1m01", "Violins")])
    told = desk.say("show", "Film/1m01")
    assert "decisions: none stands (2 changes in all, undone ones included)" in told
    assert "decisions: none\n" in desk.say("show", "1m03") + "\n"


def test_a_cue_moved_by_hand_takes_decisions_and_partition_along(desk):
    (desk.home / "library/Film/1m01").rename(desk.home / "library/Film/1m01 v2")
    (desk.home / "library/Film/1m01 v2/MIDI/a.mid").write_bytes(b"other notes")
    assert "moved: Film/1m01 v2: it was Film/1m01" in desk.say("move", "Film/1m01", "Film/1m01 v2")
    assert desk.shelf.decided("Film/1m01 v2") == ["Violins"]
    assert desk.partitions() == {"Film/1m01 v2", "Film/1m02", "1m03"}
    history = desk.shelf.store.history("Film/1m01 v2")
    assert [(change.action, change.decided_by) for change in history][-1] == ("move", "Ana")


def test_a_cue_is_not_moved_onto_one_with_decisions_nor_to_where_no_folder_is(desk):
    assert "decisions of its own" in desk.say("move", "1m03", "Film/1m01", expect=2)
    desk.say("move", "1m03", "nowhere", expect=2)
    assert set(desk.shelf.keys()) == desk.partitions() == {"Film/1m01", "Film/1m02", "1m03"}


@pytest.mark.parametrize(
    "command", [("move", "Film/1m02", "Film/1m04"), ("move", "1m03", "Film/1m02"),
                ("forget", "Film/1m02", "--yes"), ("adopt", ".")],
)  # fmt: skip
def test_nothing_is_done_to_a_cue_of_which_a_run_is_under_way(desk, command):
    shutil.copytree(desk.home / "library/Film/1m02", desk.home / "library/Film/1m04")
    desk.run_of("Film/1m02", dg.DagsterRunStatus.STARTED)
    assert "A run of cue 'Film/1m02' is under way" in desk.say(*command, expect=2)
    assert set(desk.shelf.keys()) == desk.partitions() == {"Film/1m01", "Film/1m02", "1m03"}


def test_a_library_adopted_from_above_has_longer_keys_and_the_same_decisions(desk):
    told = desk.say("adopt", ".")
    assert "moved: library/Film/1m01: it was Film/1m01" in told
    assert desk.shelf.decided("library/Film/1m01") == ["Violins"]
    longer = {"library/Film/1m01", "library/Film/1m02", "library/1m03"}
    assert set(desk.shelf.keys()) == desk.partitions() == longer
    assert desk.shelf.stale() == set()


def test_a_folder_that_holds_none_of_the_cues_is_not_adopted(desk):
    (desk.home / "empty").mkdir()
    assert "nothing was changed" in desk.say("adopt", "empty", expect=2)
    assert desk.shelf.store.cue("1m03").root == str(desk.home / "library")


def test_a_forgotten_cue_is_in_no_table_and_no_partition_and_its_decisions_in_a_file(desk):
    ended = desk.run_of("Film/1m01", dg.DagsterRunStatus.SUCCESS)
    other = desk.run_of("Film/1m02", dg.DagsterRunStatus.SUCCESS)
    told = desk.say("forget", "Film/1m01", "--yes", "--runs")
    assert "the next `process` makes it again" in told
    assert "1 runs" in told
    assert set(desk.shelf.keys()) == desk.partitions() == {"Film/1m02", "1m03"}
    assert (desk.has_run(ended), desk.has_run(other)) == (False, True)
    kept = json.loads((desk.home / "Film - 1m01.decisions.json").read_text())
    assert kept["tables"]["mapping_overrides"][0]["canonical_name"] == "VLN"
    assert desk.shelf.decided("Film/1m01") == []


def test_what_is_decided_while_a_cue_is_being_forgotten_is_kept_with_the_cue(desk, monkeypatch):
    def write_slowly(file, text):
        file.write_text(text)
        decide(desk.shelf.store, "Film/1m01", "Horns", "HRN", "Brass")

    with monkeypatch.context() as patch:
        patch.setattr("cue_pipeline.cli.cues._write_new", write_slowly)
        told = desk.say("forget", "Film/1m01", "--yes", expect=2)
    assert "somebody decided something meanwhile" in told
    assert desk.shelf.decided("Film/1m01") == ["Horns", "Violins"]
    assert not list(desk.home.glob("*.json"))
    assert "forgotten" in desk.say("forget", "Film/1m01", "--yes")


def test_forget_asks_and_no_answer_changes_nothing(desk):
    told = desk.say("forget", "Film/1m01", expect=1)
    assert "Forget Film/1m01, 7 rows; decided: 1 track (1 change in all" in told
    assert desk.shelf.decided("Film/1m01") == ["Violins"]
    assert not list(desk.home.glob("*.json"))


def test_a_file_with_decisions_is_not_written_over_and_the_cue_stays(desk):
    (desk.home / "kept.json").write_text("of before")
    told = desk.say("forget", "Film/1m01", "--yes", "--export", "kept.json", expect=2)
    assert "'kept.json' is there already" in told
    assert (desk.home / "kept.json").read_text() == "of before"
    assert desk.shelf.decided("Film/1m01") == ["Violins"]


def test_restored_decisions_are_those_of_before_with_author_and_history(desk):
    before = desk.shelf.store.history("Film/1m01")
    desk.say("forget", "Film/1m01", "--yes", "--export", "kept.json")
    assert "No cue 'Film/1m01'" in desk.say("restore", "kept.json", expect=2)
    desk.shelf.process()
    assert "2 rows of decisions about Film/1m01" in desk.say("restore", "kept.json")
    assert desk.shelf.decided("Film/1m01") == ["Violins"]
    assert desk.shelf.store.history("Film/1m01") == before
    assert desk.shelf.lacking() == {"Film/1m01": {"llm_mappings"}}
    assert "has decisions already" in desk.say("restore", "kept.json", expect=2)


def test_decisions_may_be_restored_as_those_of_more_cues_than_one(desk):
    desk.say("forget", "Film/1m01", "--yes", "--export", "kept.json")
    for key in ("Film/1m02", "1m03"):
        desk.say("restore", "kept.json", "--cue", key)
        assert desk.shelf.decided(key) == ["Violins"]


def test_what_is_no_export_is_refused_and_nothing_is_stored(desk):
    said = {"cue_pipeline.decisions": 1, "cue_key": "1m03", "tables": {}}
    overrides = [[1], "abc", [{"colour": 1}], [{"created_at": "yesterday"}]]
    wrong = [
        [],
        {"cue_key": "1m03"},
        said | {"cue_pipeline.decisions": 2},
        said | {"tables": {"cues": []}},
        *(said | {"tables": {"mapping_overrides": rows}} for rows in overrides),
    ]
    for text in ("no json", *map(json.dumps, wrong)):
        (desk.home / "x.json").write_text(text)
        desk.say("restore", "x.json", expect=2)
    desk.say("restore", "not there.json", expect=2)
    assert desk.shelf.store.overrides("1m03").empty
