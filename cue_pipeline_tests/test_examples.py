"""The example that trains, from composed cues to figures on films that were held out."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from cue_pipeline_tests.workspace import Workspace

pytestmark = [pytest.mark.torch, pytest.mark.slow]
pytest.importorskip("torch", reason="torch is not installed: nothing is trained")

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(script, *arguments, home):
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / script), *arguments],
        cwd=home, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_network_finds_more_notes_of_held_out_films_than_all_that_it_is_held_against(tmp_path):
    library = Workspace(tmp_path)
    library.env = {"CUE_MEL_N_MELS": "229"}
    run("compose_library.py", "films", "--cues", "10", "--seconds", "16", home=tmp_path)
    library.run("process", "films", "16000")
    assert set(library.table("track_mappings")["state"]) == {"auto"}
    assert "EMPTY" not in library.run("splits", "make")
    told = run("train_onsets.py", "--epochs", "14", home=tmp_path)
    scores = {name: float(f) for name, f in re.findall(r"^(\w[\w ]*?) +F ([\d.]+)", told, re.M)}
    assert set(scores) == {"chance", "spectral flux", "linear", "network"}
    assert scores["chance"] < 0.1 < 0.3 < scores["spectral flux"]
    assert scores["network"] > max(scores["linear"], scores["spectral flux"]) + 0.05
