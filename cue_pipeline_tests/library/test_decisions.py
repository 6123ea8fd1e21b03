"""People decide which track is which stem, by the command line; every run keeps it."""

import csv
import json
import os

import dagster as dg
import pytest

from cue_pipeline.library.decisions import read_mappings
from cue_pipeline.warehouse.opening import open_store
from cue_pipeline_tests.cues import write_cue, write_midi
from cue_pipeline_tests.deciding import take_back
from cue_pipeline_tests.library.test_chat_model import asks, first_group_for_all
from cue_pipeline_tests.mapping.chat_server import chat_server
from cue_pipeline_tests.workspace import Workspace, clean_environment, said_here

pytestmark = pytest.mark.slow

KEY = "Reel 1/1m01"
NOTES = [(480 * k, 60 + k, 400) for k in range(6)]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """Two cues, the second with two MIDI files that share a track's name."""
    made = Workspace(tmp_path_factory.mktemp("mappings"))
    write_cue(made.base, KEY)
    second = write_cue(made.base, "1m02")
    write_midi(second / "MIDI" / "more.mid", {"Violins I": NOTES, "Pad": NOTES})
    made.run("process", "library", "--jobs", "2")
    return made


def speaker(workspace, monkeypatch):
    """The command line within this process, which imports everything once."""
    monkeypatch.chdir(workspace.home)
    clean_environment(monkeypatch)
    monkeypatch.setenv("CUE_PIPELINE_THREADS", "1")  # `mappings set` sets it for its workers

    def run(*arguments, expect=0):
        for name, value in workspace.env.items():
            monkeypatch.setenv(name, value)
        return said_here(arguments, expect=expect)

    return run


@pytest.fixture
def said(library, monkeypatch):
    """The command line on the library, where nobody has decided anything."""
    store = open_store(f"sqlite:///{library.home / 'cue_pipeline.db'}")
    rows = [store.overrides(key) for key in store.decisions()]
    take_back(store, [(r.cue_key, r.track) for some in rows for r in some.itertuples()])
    return speaker(library, monkeypatch)


def rows_of(workspace, key=KEY):
    rows = read_mappings(open_store(f"sqlite:///{workspace.home / 'cue_pipeline.db'}"), key)
    return {(row["file_path"], row["track_name"]): row for row in rows}


def sheet_of(workspace, said, *options):
    said("mappings", "export", "sheet.csv", *options)
    with (workspace.home / "sheet.csv").open(encoding="utf-8-sig", newline="") as sheet:
        return list(csv.DictReader(sheet))


def save(workspace, rows):
    with (workspace.home / "sheet.csv").open("w", encoding="utf-8-sig", newline="") as sheet:
        writer = csv.DictWriter(sheet, list(rows[0]), delimiter=";")
        writer.writeheader()
        writer.writerows(rows)


def version_in_dagster(workspace, key):
    with workspace.instance() as instance:
        records = instance.fetch_materializations(
            dg.AssetRecordsFilter(dg.AssetKey("llm_mappings"), asset_partitions=[key]), limit=1
        ).records
        return records[0].asset_materialization.tags["dagster/data_version"]


def versions_agree(workspace, key):
    entries = workspace.table("cue_assets").merge(
        workspace.table("cues")[["id", "cue_key"]], left_on="cue_id", right_on="id"
    )
    (row,) = entries[(entries.asset == "llm_mappings") & (entries.cue_key == key)].itertuples()
    return row.data_version == version_in_dagster(workspace, key)


def test_a_decision_is_in_the_tables_at_once_and_survives_a_rerun(library, said):
    with library.instance() as instance:
        runs = instance.get_runs_count()
    told = library.run("mappings", "set", KEY, "horn in f", "--group", "-", "--note", "not used")
    assert "no stem (found: '1m01 FHN_01')" in told
    assert "a person said so: not used" in told
    with library.instance() as instance:
        assert instance.get_runs_count() == runs + 1
        assert instance.get_runs(limit=1)[0].asset_selection == {dg.AssetKey("llm_mappings")}
    assert set(library.states().values()) == {"ready"}
    assert versions_agree(library, KEY)

    said("mappings", "set", KEY, "#2", "--category", "brass")  # by another key of the track
    library.run("process", "library", "--force", "--select", "llm_mappings", "--cue", KEY)
    horn = rows_of(library)["MIDI/1m01.mid", "Horn in F"]
    assert (horn["state"], horn["canonical_name"]) == ("confirmed", None)
    assert horn["instrument_category"] == "Brass"
    assert len(library.table("mapping_overrides").query("cue_key == @KEY")) == 1

    shown = library.run_stdout("mappings", KEY, "--review", "--json")
    assert {row["state"] for row in json.loads(shown)} <= {"review", "unmatched"}
    assert "decided already" in said("mappings", "set", KEY, "Horn in F", "--group", "")
    assert "nothing is decided any longer" in said("mappings", "unset", KEY, "Horn in F")
    assert rows_of(library)["MIDI/1m01.mid", "Horn in F"]["state"] != "confirmed"
    assert "nothing to take back" in said("mappings", "unset", KEY, "#2", expect=2)
    assert set(library.states().values()) == {"ready"}


def test_a_decision_is_in_the_tables_at_once_after_a_restore_with_new_dates(library, said):
    for path in library.base.rglob("*.*"):
        os.utime(path, (1.6e9, 1.6e9))
    said("mappings", "set", KEY, "Horn in F", "--stem", "-")
    assert rows_of(library)["MIDI/1m01.mid", "Horn in F"]["state"] == "confirmed"
    said("mappings", "unset", KEY, "Horn in F")
    assert set(library.states().values()) == {"ready"}


def test_who_decided_what_is_kept_and_is_undone_step_by_step(library, said, monkeypatch):
    before = rows_of(library)["MIDI/1m01.mid", "Horn in F"]
    monkeypatch.setenv("CUE_DECIDED_BY", "Ann")
    said("mappings", "set", KEY, "Horn in F", "--stem", "-", "--note", "not used")
    monkeypatch.setenv("CUE_DECIDED_BY", "Bo")
    said("mappings", "set", KEY, "#2", "--stem", before["canonical_name"])
    log = json.loads(said("mappings", "log", KEY, "--json"))[-2:]
    assert [(c["decided_by"], c["action"], c["canonical_name"]) for c in log] == [
        ("Ann", "set", "-"),
        ("Bo", "set", before["canonical_name"]),
    ]
    (row,) = library.table("mapping_overrides").to_dict("records")
    assert (row["decided_by"], row["note"]) == ("Bo", "not used")

    assert "no stem, note 'not used'" in said("mappings", "undo", KEY, "#2")
    (row,) = library.table("mapping_overrides").to_dict("records")
    assert (row["decided_by"], row["canonical_name"]) == ("Ann", "-")
    assert rows_of(library)["MIDI/1m01.mid", "Horn in F"]["canonical_name"] is None
    said("mappings", "undo", KEY, "Horn in F")
    assert library.table("mapping_overrides").empty
    after = rows_of(library)["MIDI/1m01.mid", "Horn in F"]
    assert (after["canonical_name"], after["state"]) == (before["canonical_name"], before["state"])
    assert "Nothing was decided" in said("mappings", "undo", KEY, "Violins I", expect=2)

    said("mappings", "set", KEY, "Horn in F", "--stem", "-")
    said("mappings", "unset", KEY, "Horn in F")
    said("mappings", "undo", KEY, "Horn in F")
    assert rows_of(library)["MIDI/1m01.mid", "Horn in F"]["state"] == "confirmed"
    told = said("mappings", "log", KEY)
    assert "Bo  unset  Horn in F: nothing (before: no stem)" in told
    assert "Bo  undo  Horn in F: no stem" in told
    said("mappings", "unset", KEY, "Horn in F")


def test_the_table_has_the_index_that_set_takes(library, said):
    assert "#2" in said("mappings", KEY)
    assert "#2" in said("mappings", "1m02")


def test_a_mistyped_track_stem_or_category_is_told_with_the_closest(library, said):
    for typed, cure in [
        (("Horns in F", "--group", "-"), "closest are 'Horn in F'"),
        (("Violins I", "--group", "1m01 VLNI_01"), "closest are '1m01 VLN I_01'"),
        (("Violins I", "--category", "String"), "closest is 'Strings'"),
        (("Violins I",), "Give --stem, --category, or both"),
    ]:
        assert cure in said("mappings", "set", KEY, *typed, expect=2)
    told = said("mappings", "set", "1m02", "Violins I", "--group", "-", expect=2)
    assert "Type '1m02.mid#1' or 'more.mid#1' in place of 'Violins I'" in told
    assert library.table("mapping_overrides").empty


def test_a_decision_about_one_file_leaves_the_other_alone(library, said):
    said("mappings", "set", "1m02", "more.mid#1", "--group", "1m02 FHN_01")
    rows = rows_of(library, "1m02")
    assert rows["MIDI/more.mid", "Violins I"]["canonical_name"] == "1m02 FHN_01"
    assert rows["MIDI/more.mid", "Violins I"]["state"] == "confirmed"
    assert rows["MIDI/1m02.mid", "Violins I"]["state"] != "confirmed"


def test_a_sheet_goes_out_and_what_is_changed_in_it_comes_back(library, said):
    rows = sheet_of(library, said)
    assert len(rows) == 2 + 4
    unchanged = said("mappings", "import", "sheet.csv")
    assert "0 decisions kept" in unchanged
    assert library.table("mapping_overrides").empty

    by_name = {(row["cue_key"], row["file_path"], row["track_name"]): row for row in rows}
    by_name[KEY, "MIDI/1m01.mid", "Horn in F"]["canonical_name"] = ""
    pad = by_name["1m02", "MIDI/more.mid", "Pad"]
    pad["state"], pad["instrument_category"] = "confirmed", "Synth Pad"
    save(library, rows)
    assert "Nothing was stored" in said("mappings", "import", "sheet.csv", "--dry-run")
    assert library.table("mapping_overrides").empty
    assert "2 decisions kept" in said("mappings", "import", "sheet.csv")
    assert rows_of(library)["MIDI/1m01.mid", "Horn in F"]["canonical_name"] is None
    assert rows_of(library, "1m02")["MIDI/more.mid", "Pad"]["state"] == "confirmed"
    assert "0 decisions kept, 2 known" in said("mappings", "import", "sheet.csv")
    assert set(library.states().values()) == {"ready"}


def test_one_bad_line_stops_an_import_unless_it_is_to_be_skipped(library, said):
    rows = sheet_of(library, said, "--cue", KEY)
    rows[0]["canonical_name"] = "1m01 FHM_01"
    rows[1]["canonical_name"] = "1m01 VLN I_01"
    rows.append({**rows[1], "cue_key": "1m77"})
    save(library, rows)
    told = said("mappings", "import", "sheet.csv", expect=2)
    assert "sheet.csv:2: Cue 'Reel 1/1m01' has no stem '1m01 FHM_01'" in told
    assert "sheet.csv:4: no cue '1m77'" in told
    assert "2 of 3 lines cannot be followed, so nothing was imported" in told
    assert library.table("mapping_overrides").empty
    assert "1 decision kept" in said("mappings", "import", "sheet.csv", "--skip-bad", expect=1)


def test_a_decision_that_no_run_has_followed_yet_is_stale_and_process_follows_it(tmp_path):
    workspace = Workspace(tmp_path)
    cue = write_cue(workspace.base, "1m01")
    workspace.run("process", "library")
    midi = next((cue / "MIDI").iterdir())
    aside = midi.rename(tmp_path / "aside.mid")
    kept = workspace.run("mappings", "set", "1m01", "Violins I", "--group", "1m01 FHN_01")
    assert "the decision is kept; it comes into the tables with the next" in kept
    aside.rename(midi)
    stale = json.loads(workspace.run_stdout("status", "--json"))
    (row,) = [r for r in stale if r["state"] != "ready"]
    assert (row["asset"], row["state"]) == ("llm_mappings", "stale")
    assert "people decided" in row["reason"]
    assert "llm_mappings (mapping_overrides changed since" in workspace.run(
        "process", "library", "--dry-run"
    )
    workspace.run("process", "library")
    assert rows_of(workspace, "1m01")["MIDI/1m01.mid", "Violins I"]["state"] == "confirmed"
    assert versions_agree(workspace, "1m01")

    # The stem is renamed: its sound is known again, and it is said.
    for wav in (cue / "PT" / "Audio Files").glob("1m01 FHN_01.*"):
        wav.rename(wav.with_name(wav.name.replace("FHN_01", "FHN_02")))
    told = workspace.run("process", "library")
    assert "stem '1m01 FHN_01' is called '1m01 FHN_02' now: it has the same sound" in told
    assert (
        rows_of(workspace, "1m01")["MIDI/1m01.mid", "Violins I"]["canonical_name"] == "1m01 FHN_02"
    )
    # The stem is known by its sound now under any name, and the track by its notes.
    for wav in (cue / "PT" / "Audio Files").glob("1m01 FHN_02.*"):
        wav.rename(wav.with_name(wav.name.replace("1m01 FHN_02", "Audio 7")))
    midi.write_bytes(midi.read_bytes().replace(b"Violins I", b"Track One"))
    told = workspace.run("process", "library")
    assert "stem '1m01 FHN_01' is called 'Audio 7' now: it has the same sound" in told
    assert "there is no track 'Violins I' any longer; 'Track One' (#1) has its notes" in told
    track = rows_of(workspace, "1m01")["MIDI/1m01.mid", "Track One"]
    assert (track["canonical_name"], track["state"]) == ("Audio 7", "confirmed")
    store = open_store(f"sqlite:///{tmp_path / 'cue_pipeline.db'}")
    assert set(store.decisions()) == {"1m01"}
    take_back(store, [("1m01", "Violins I")])
    assert store.decisions() == {}


def test_a_model_is_not_asked_again_for_a_decision_and_another_one_does_not_undo_it(tmp_path):
    workspace = Workspace(tmp_path)
    write_cue(workspace.base, "1m01")
    with chat_server(first_group_for_all) as server:
        asks(workspace, server.url)
        workspace.run("process", "library")
        workspace.run("mappings", "set", "1m01", "Violins I", "--group", "-")
        assert len(server.requests) == 1
        asks(workspace, server.url, "gpt-4o-mini")
        workspace.run("process", "library")
        assert len(server.requests) == 2
    violins = rows_of(workspace, "1m01")["MIDI/1m01.mid", "Violins I"]
    assert (violins["model"], violins["state"]) == ("gpt-4o-mini", "confirmed")
    assert violins["canonical_name"] is None
