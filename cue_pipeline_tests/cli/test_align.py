"""The clock of a cue, shown and stated by the command line; every run keeps the word."""

import json

import pytest

from cue_pipeline_tests.cues import write_cue
from cue_pipeline_tests.workspace import Workspace

pytestmark = pytest.mark.slow

KEY = "1m01"


def clocks(workspace):
    return json.loads(workspace.run("align", "show", KEY, "--json"))


def lags(workspace):
    return {row["name"]: (row["method"], row["lag_seconds"]) for row in clocks(workspace)["clocks"]}


def test_a_stated_clock_is_in_the_tables_at_once_and_stays_until_it_is_taken_back(tmp_path):
    workspace = Workspace(tmp_path)
    cue = write_cue(workspace.base, KEY)
    workspace.run("process", "library")
    assert set(lags(workspace)) == {"1m01 FHN_01", "1m01 VLN I_01", "1m01 6mx"}

    told = workspace.run("align", "set", KEY, "--lag", "0.5", "--note", "slate")
    assert "all stems: the score begins +0.500 s into it, note 'slate'" in told
    assert set(lags(workspace).values()) == {("stated", 0.5)}
    assert "just so" in workspace.run("align", "set", KEY, "--lag", "0.5")
    workspace.run("align", "set", KEY, "--stem", "1m01 FHN_01", "--lag", "0.25")
    expected = {
        "1m01 FHN_01": ("stated", 0.25),
        "1m01 VLN I_01": ("stated", 0.5),
        "1m01 6mx": ("stated", 0.5),
    }
    assert lags(workspace) == expected

    # The folder moves, and all is made again: the word stays.
    cue.rename(workspace.base / "1m01 moved").rename(cue)
    workspace.run("process", "library", "--force")
    assert lags(workspace) == expected
    assert "1 cue: 1 up to date" in workspace.run("process", "library")

    workspace.run("align", "unset", KEY, "--stem", "1m01 FHN_01")
    assert set(lags(workspace).values()) == {("stated", 0.5)}
    workspace.run("align", "unset", KEY)
    assert {method for method, _ in lags(workspace).values()} == {"none"}
    assert "there is nothing at all" in workspace.run("align", "unset", KEY, expect=2)
    log = json.loads(workspace.run("align", "log", KEY, "--json"))
    assert [(c["action"], c["stem"], c["lag_seconds"]) for c in log] == [
        ("set", "", 0.5), ("set", "1m01 FHN_01", 0.25),
        ("unset", "1m01 FHN_01", None), ("unset", "", None),
    ]  # fmt: skip

    told = workspace.run("align", "undo", KEY)
    assert "all stems: unset is taken back; again: the score begins +0.500 s into it" in told
    assert set(lags(workspace).values()) == {("stated", 0.5)}
    told = workspace.run("align", "undo", KEY)
    assert "'1m01 FHN_01': unset is taken back; again: the score begins +0.250 s into it" in told
    assert lags(workspace) == expected


def test_what_cannot_be_stated_is_answered_with_what_there_is(tmp_path):
    workspace = Workspace(tmp_path)
    write_cue(workspace.base, KEY)
    workspace.run("process", "library")
    told = workspace.run("align", "set", KEY, "--stem", "VLN", "--lag", "1", expect=2)
    assert "'1m01 VLN I_01'" in told
    told = workspace.run("align", "set", KEY, "--midi", "x.mid", "--lag", "1", expect=2)
    assert "There is 'MIDI/1m01.mid'" in told
    workspace.run("align", "set", KEY, "--midi", "1m01.mid", "--lag", "1")
    told = workspace.run("align", "undo", KEY, "--midi", "1m01.mid")
    assert "all stems, 'MIDI/1m01.mid': set is taken back" in told
    told = workspace.run("align", "unset", KEY, "--midi", "x.mid", expect=2)
    assert "There is 'MIDI/1m01.mid'" in told
    assert "Give --lag, --tempo, or both" in workspace.run("align", "set", KEY, expect=2)
    assert "no number of seconds" in workspace.run("align", "set", KEY, "--lag", "nan", expect=2)
    told = workspace.run("align", "set", KEY, "--tempo", "MIDI/other.mid", expect=2)
    assert "neither here nor in the folder of cue '1m01'" in told
    told = workspace.run("align", "set", KEY, "--tempo", "MIDI/1m01.mid")
    assert "'1m01.mid'" in told
    here = tmp_path / "MIDI" / "1m01.mid"
    here.parent.mkdir()
    here.write_bytes(b"of another cue")
    told = workspace.run("align", "set", KEY, "--tempo", "MIDI/1m01.mid", expect=2)
    assert "is a file here and another in the folder of cue" in told
