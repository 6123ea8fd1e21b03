"""The main job end to end: real folders, a real Dagster instance, worker processes, a database."""

import json
import re
import sqlite3

import dagster as dg
import pandas as pd
import pytest
import sqlalchemy as sa

from cue_pipeline.defs.runs.worker import run_error
from cue_pipeline.library.graph import GRAPH
from cue_pipeline_tests.cues import write_cue
from cue_pipeline_tests.workspace import Workspace


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path)


@pytest.fixture(scope="module")
def processed(tmp_path_factory):
    """Two cues, processed once; tests of this module only read it."""
    done = Workspace(tmp_path_factory.mktemp("processed"))
    write_cue(done.base, "Reel 1/1m01 Titles")
    write_cue(done.base, "Reel 1/1m02", base_hz=330.0)
    # What the environment says is overruled, here and in the worker processes.
    done.env = {"DATABASE_URL": "sqlite:///elsewhere.db"}
    done.output = done.run(
        "process", "library", "--jobs", "2", "--database-url", "sqlite:///cue_pipeline.db"
    )
    done.env = {}
    return done


def test_the_database_of_the_option_is_that_of_the_workers_too(processed):
    assert not (processed.home / "elsewhere.db").exists()


def test_every_asset_of_every_cue_is_ready(processed):
    states = processed.states()
    assert len(states) == 2 * len(GRAPH)
    assert set(states.values()) == {"ready"}


def test_the_closing_table_names_every_cue_and_what_became_of_it(processed):
    lines = [line for line in processed.output.splitlines() if "Reel 1/1m0" in line]
    assert any("1m01 Titles" in line and "processed" in line for line in lines)
    assert f"{len(GRAPH)}/{len(GRAPH)}" in processed.output


def test_a_second_call_says_that_all_is_up_to_date_and_runs_nothing(processed):
    with processed.instance() as instance:
        before = instance.get_runs_count()
    output = processed.run("process", "library")
    assert "2 up to date" in output
    with processed.instance() as instance:
        assert instance.get_runs_count() == before


def test_runs_are_recorded_for_the_right_partitions(processed):
    with processed.instance() as instance:
        assert set(instance.get_dynamic_partitions("cues")) == {"Reel 1/1m01 Titles", "Reel 1/1m02"}
        runs = instance.get_runs()
        assert {run.tags["dagster/partition"] for run in runs} == {
            "Reel 1/1m01 Titles",
            "Reel 1/1m02",
        }
        assert all(run.status == dg.DagsterRunStatus.SUCCESS for run in runs)
        for asset in GRAPH:
            done = instance.get_materialized_partitions(dg.AssetKey(asset))
            assert done == {"Reel 1/1m01 Titles", "Reel 1/1m02"}


def test_click_tracks_and_marker_tracks_are_left_out_and_mixes_kept_apart(processed):
    assert sorted(processed.table("midi_tracks").track_name.unique()) == ["Horn in F", "Violins I"]
    assert len(processed.table("audio_files")) == 4
    assert set(processed.table("final_mixes").layout) == {"5.1"}
    markers = processed.table("midi_files").markers
    assert all("1m01 start" in json.dumps(m) for m in markers)


@pytest.mark.slow
def test_a_forced_rerun_leaves_the_same_rows(processed):
    names = [
        "midi_files", "midi_tracks", "midi_notes", "midi_cc", "audio_files", "audio_features",
        "audio_feature_chunks", "final_mixes", "final_mix_features", "track_mappings",
    ]  # fmt: skip
    before = {name: processed.table(name) for name in names}
    processed.run("process", "library", "--force", "--cue", "Reel 1/1m02")
    for name in names:
        pd.testing.assert_frame_equal(processed.table(name), before[name], obj=name)


@pytest.mark.slow
def test_a_changed_midi_file_makes_just_what_stands_on_midi_stale(workspace):
    cue = write_cue(workspace.base, "1m01")
    workspace.run("process", "library")
    midi = next((cue / "MIDI").iterdir())
    midi.write_bytes(midi.read_bytes() + b"\0")
    stale = {asset for (_, asset), state in workspace.states().items() if state == "stale"}
    assert stale == {"tempo_map", "midi_events", "match_evidence", "llm_mappings"}
    workspace.run("process", "library")
    assert set(workspace.states().values()) == {"ready"}


@pytest.mark.slow
def test_changed_mel_parameters_make_just_the_features_stale(workspace):
    write_cue(workspace.base, "1m01")
    workspace.run("process", "library")
    workspace.env["CUE_MEL_N_MELS"] = "80"
    stale = {asset for (_, asset), state in workspace.states().items() if state == "stale"}
    assert stale == {"mel_features", "final_mix_features", "match_evidence", "llm_mappings"}
    workspace.run("process", "library")
    assert set(workspace.table("audio_features").n_mels) == {80}


@pytest.mark.slow
def test_a_cue_that_fails_does_not_stop_the_others_and_says_what_to_do(workspace):
    write_cue(workspace.base, "1m01")
    bad = write_cue(workspace.base, "1m02")
    midi = next((bad / "MIDI").iterdir())
    midi.write_text("this is no MIDI file")
    torn = write_cue(workspace.base, "1m03")
    wav = torn / "PT" / "Audio Files" / "1m03 FHN_01.L.wav"
    wav.write_bytes(wav.read_bytes()[:60_000])
    output = workspace.run("process", "library", expect=1)
    states = workspace.states()
    assert states["1m02", "tempo_map"] == "failed"
    assert states["1m02", "midi_events"] == "missing"
    assert states["1m02", "mel_features"] == "ready"
    assert {s for (cue, _), s in states.items() if cue != "1m02"} == {"ready"}
    assert "1m02.mid" in output
    assert "1m03 FHN_01.L.wav" in output
    assert "1m02.mid" in workspace.run("status")


@pytest.mark.slow
def test_an_asset_alone_brings_what_it_needs(workspace):
    write_cue(workspace.base, "1m01")
    workspace.run("process", "library", "--select", "mel_features")
    ready = {asset for (_, asset), state in workspace.states().items() if state == "ready"}
    assert ready == {"channel_groups", "mel_features"}


def test_a_dry_run_says_why_and_writes_no_run_and_no_cue(workspace):
    write_cue(workspace.base, "1m01")
    workspace.run("db", "upgrade")
    output = workspace.run("process", "library", "--dry-run")
    assert "1m01: tempo_map (never materialised)" in output
    assert not (workspace.home / ".dagster_home").exists()
    assert workspace.table("cues").empty


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["process", "nowhere"], "nowhere"),
        (["process", "library", "--select", "mels"], "tempo_map"),
        (["process", "library", "--cue", "9m99"], "9m99"),
        (["process", "library", "--database-url", "mysql://x/y"], "postgresql"),
    ],
)
def test_a_wrong_argument_is_one_line_with_the_cure(workspace, arguments, said):
    write_cue(workspace.base, "1m01")
    output = workspace.run(*arguments, expect=2)
    assert said in output
    assert "Traceback" not in output


@pytest.mark.slow
def test_a_worker_that_is_killed_takes_only_its_cue_with_it(workspace, tmp_path):
    for key in ("1m01", "1m02", "1m03"):
        write_cue(workspace.base, key)
    # The real command line, with a child that kills itself while it reads the second cue.
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal, sys\n"
        "import cue_pipeline.midi.score_rows as t\n"
        "original = t.read_midi_files\n"
        "def read(folder, *rest):\n"
        "    if folder.key == '1m02':\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return original(folder, *rest)\n"
        "t.read_midi_files = read\n"
    )
    workspace.env["PYTHONPATH"] = str(tmp_path)
    output = workspace.run("process", "library", "--jobs", "1", expect=1)
    assert "killed by signal 9" in output
    workspace.env.clear()
    states = workspace.states()
    assert {s for (cue, _), s in states.items() if cue != "1m02"} == {"ready"}
    assert states["1m02", "tempo_map"] == "failed"
    with workspace.instance() as instance:
        failed = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]))
        assert [run.tags["dagster/partition"] for run in failed] == ["1m02"]
    workspace.run("process", "library")
    assert set(workspace.states().values()) == {"ready"}


def test_a_run_that_dagster_cannot_record_says_where_and_how_full_that_is(tmp_path):
    full = sqlite3.OperationalError("database or disk is full")
    told = run_error(sa.exc.OperationalError("PRAGMA journal_mode=WAL", {}, full), str(tmp_path))
    assert "database or disk is full" in told
    assert str(tmp_path) in told
    assert re.search(r"[\d,]+ MB are free", told)
    assert "PRAGMA" not in told
    assert run_error(RuntimeError("odd"), str(tmp_path)) == "RuntimeError: odd"
