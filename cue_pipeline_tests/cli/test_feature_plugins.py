"""Features of users' own: a package with an entry point, found where it is installed."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from cue_pipeline_tests.cues import write_cue
from cue_pipeline_tests.workspace import Workspace

EXAMPLE = Path(__file__).parents[2] / "examples" / "my_feature"
ASSET = "zero_crossings_features"


def install(site, source=None):
    """Put the example where Python finds it, as an installer does, with another module if given."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    info = site / "my_feature-0.1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-feature\nVersion: 0.1\n")
    lines = ["[cue_pipeline.features]"]
    for name, value in project["entry-points"]["cue_pipeline.features"].items():
        lines.append(f"{name} = {value}")
    (info / "entry_points.txt").write_text("\n".join(lines))
    if source is None:
        shutil.copy(EXAMPLE / "my_feature.py", site)
    else:
        (site / "my_feature.py").write_text(source)


@pytest.fixture
def library(tmp_path):
    workspace = Workspace(tmp_path)
    write_cue(workspace.base, "1m01")
    site = tmp_path / "site"
    site.mkdir()
    workspace.env = {"CUE_FEATURES": "mel,zero_crossings", "PYTHONPATH": str(site)}
    return workspace


def test_the_example_of_a_feature_of_ones_own_is_made_of_every_stem(library):
    install(library.home / "site")
    library.run("process", "library")
    assert library.states()["1m01", ASSET] == "ready"
    rows = library.table("audio_features").set_index("feature_type")
    assert list(rows.loc["zero_crossings", "n_frames"]) == [10, 10]
    chunks = library.table("audio_feature_chunks").set_index("audio_feature_id")
    stems = library.table("audio_files").set_index("id")
    for _, row in rows.loc["zero_crossings"].iterrows():
        counts = np.frombuffer(chunks.loc[row["id"], "data"], "<f4")
        # A sine of f Hz crosses zero 2 f times a second.
        assert np.ptp(counts) <= 2
        assert stems.loc[row["audio_file_id"], "layout"] == "stereo"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import nothing_of_the_kind", "No module named 'nothing_of_the_kind'"),
        ("KIND = 'a text'", "it is a str, and a FeatureKind is needed"),
        ("", "has no attribute 'KIND'"),
    ],
)
def test_a_plug_in_that_cannot_be_used_is_told_and_left_out(library, source, told):
    install(library.home / "site", source)
    said = library.run("process", "library", "--dry-run")
    assert "The feature 'zero_crossings' of the package 'my-feature' is left out" in said
    assert told in said
    assert ASSET not in said


@pytest.mark.slow
def test_a_plug_in_whose_frames_are_not_as_it_said_fails_alone(library):
    source = (EXAMPLE / "my_feature.py").read_text()
    install(library.home / "site", source.replace(", keepdims=True", ""))
    library.env["CUE_FEATURES"] = "zero_crossings,chroma"
    said = library.run("process", "library", expect=1)
    assert "gave frames of shape" in said
    states = library.states()
    assert states.pop(("1m01", ASSET)) == "failed"
    assert set(states.values()) == {"ready"}


def test_a_plug_in_with_the_name_of_a_kind_that_ships_is_told_and_left_out(library):
    site = library.home / "site"
    install(site)
    entries = site / "my_feature-0.1.dist-info" / "entry_points.txt"
    entries.write_text("[cue_pipeline.features]\nchroma = my_feature:KIND\nmel = my_feature:KIND\n")
    library.env["CUE_FEATURES"] = "chroma"
    said = library.run("process", "library", "--dry-run")
    for name in ("chroma", "mel"):
        assert f"The feature '{name}' of the package 'my-feature' is left out" in said
    assert "chroma_features" in said


@pytest.mark.slow
def test_pip_installs_the_example(library):
    source = library.home / "source"
    shutil.copytree(EXAMPLE, source)
    target = ["--no-deps", "--target", library.env["PYTHONPATH"], str(source)]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, *target], check=True)
    assert ASSET in library.run("process", "library", "--dry-run", "--select", ASSET)
