"""A library too large for one line per cue, and cues in one state of any library."""

import json

import pytest

from cue_pipeline.cli.library_states import print_status
from cue_pipeline.library.graph import GRAPH
from cue_pipeline.library.status import AssetStatus
from cue_pipeline_tests.cues import write_cue
from cue_pipeline_tests.workspace import Workspace


def states_of(key, bad=None, state="ready"):
    return [
        AssetStatus(
            key, asset, state if asset == bad else "ready", "the disk is full" * (asset == bad)
        )
        for asset in GRAPH
    ]


def library_of(n_ready, n_stale, n_failed):
    keys = [f"Reel {k // 40}/{k // 40}m{k % 40:02d}" for k in range(n_ready + n_stale + n_failed)]
    found = []
    for k, key in enumerate(keys):
        if k < n_failed:
            found += states_of(key, "mel_features", "failed")
        elif k < n_failed + n_stale:
            found += states_of(key, "llm_mappings", "stale")
        else:
            found += states_of(key)
    return found, keys


def test_a_large_library_is_counted_by_project_and_what_failed_is_named_first(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    statuses, keys = library_of(n_ready=400, n_stale=95, n_failed=5)
    projects = {key: "Ocean" if k % 2 else "Desert" for k, key in enumerate(keys)}
    print_status(statuses, "sqlite:///w.db", projects=projects)
    lines = capsys.readouterr().out.splitlines()
    rows = [
        [c.strip() for c in line.strip("│").split("│")] for line in lines if line.startswith("│")
    ]
    assert rows == [
        ["Desert", "250", "200", "47", "3"],
        ["Ocean", "250", "200", "48", "2"],
        ["all", "500", "400", "95", "5"],
    ]
    named = [line.split(":")[0] for line in lines if ": Reel" in line]
    assert named == ["failed"] * 5 + ["stale"] * 45
    assert "… and 50 more cues" in lines[-1] or "… and 50 more cues" in lines[-2]


def test_cues_whose_folders_are_gone_are_counted_as_such_and_no_base_folder_is_told(
    capsys, monkeypatch
):
    monkeypatch.setenv("COLUMNS", "120")
    statuses, keys = library_of(n_ready=300, n_stale=0, n_failed=0)
    print_status(statuses, "sqlite:///w.db", keys[:3], away={"/mnt/b": 40})
    said = capsys.readouterr().out
    rows = [[c.strip() for c in x.strip("│").split("│")] for x in said.splitlines() if "│" in x]
    assert rows[-1] == ["—", "300", "297", "3"]
    assert f"gone: {keys[0]}: its folder is gone" in said
    assert "gone: the base folder '/mnt/b' is not there; its 40 cues are shown as last" in said


def test_all_cues_of_a_large_library_are_shown_when_asked_for(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "250")
    statuses, keys = library_of(n_ready=150, n_stale=60, n_failed=0)
    print_status(statuses, "sqlite:///w.db", whole=True)
    said = capsys.readouterr().out
    assert all(f"│ {key} " in said for key in keys)
    assert said.count("stale: Reel") == 60


@pytest.mark.slow
def test_only_cues_in_a_state_are_shown_and_none_is_said_to_be_none(tmp_path):
    workspace = Workspace(tmp_path)
    bad = write_cue(workspace.base, "1m01")
    write_cue(workspace.base, "1m02")
    (bad / "MIDI" / "1m01.mid").write_bytes(b"no MIDI at all")
    workspace.run("process", "library", expect=1)
    failed = workspace.run("status", "--state", "failed")
    assert "1m01" in failed
    assert "1m02" not in failed
    rows = json.loads(workspace.run_stdout("status", "--json", "--state", "failed"))
    assert {row["cue_key"] for row in rows} == {"1m01"}
    assert "No asset of any cue is loading." in workspace.run("status", "--state", "loading")
