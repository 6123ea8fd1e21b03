"""What the pages say of training and data sets, run as it stands."""

import json
import re
import shlex
import shutil
from pathlib import Path

import duckdb
import pytest

from cue_pipeline_tests.workspace import Workspace

ROOT = Path(__file__).parents[2]
README, TRAINING, DATASETS = (
    ROOT / page for page in ("README.md", "docs/training.md", "docs/datasets.md")
)


def blocks(page, language="python"):
    found = re.findall(r"^```(\w*)\n(.+?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    return [text for of, text in found if of == language]


def of_training(page):
    return [block for block in blocks(page) if "Windows" in block or "train." in block]


def run(lines, home, monkeypatch):
    monkeypatch.chdir(home)
    left = {}
    for block in lines:
        exec(block, left)
    return left


@pytest.fixture
def torch():
    """Return torch; asked for first, so that nothing is processed where it is not installed."""
    return pytest.importorskip("torch", reason="torch is not installed: tensors are not tried")


@pytest.fixture
def library(processed_demo, tmp_path):
    """Return a folder with the demonstration's tables, to write into."""
    shutil.copy(processed_demo / "cue_pipeline.db", tmp_path / "cue_pipeline.db")
    (tmp_path / "cues").symlink_to(processed_demo / "cues")
    return Workspace(tmp_path)


@pytest.mark.slow
def test_the_page_of_training_runs_with_numpy_alone(processed_demo, monkeypatch):
    lines = [block for block in of_training(TRAINING) if "torch" not in block]
    left = run(lines, processed_demo, monkeypatch)
    assert set(left["batch"]) == {*left["train"].fields, "window"}
    assert left["batch"]["mel"].shape[1:] == (188, 64)  # 2 s of 93.75 frames
    assert left["mixes"][0]["audio"].shape == (8, 1, 96_000)
    assert not left["train"].left_out


@pytest.mark.torch
def test_the_readme_goes_from_the_demonstration_to_batches_of_tensors(
    torch, processed_demo, monkeypatch
):
    (lines,) = of_training(README)
    left = run([lines], processed_demo, monkeypatch)
    n = len(left["batch"]["window"])
    assert (left["mel"].shape, left["mel"].dtype) == ((n, 188, 64), torch.float32)
    assert (left["roll"].shape, left["roll"].dtype) == ((n, 188, 128), torch.bool)
    assert left["roll"].any()
    assert left["known"].shape == (n, 188)


@pytest.mark.torch
@pytest.mark.usefixtures("torch")
def test_the_page_of_training_runs_with_torch(processed_demo, monkeypatch):
    left = run(of_training(TRAINING), processed_demo, monkeypatch)
    seen = [i for batch in left["loader"] for i in batch["window"].tolist()]
    assert sorted(seen) == list(range(len(left["train"])))


def commands(page):
    """Return the commands of a page, but those with options in brackets."""
    lines = [line for block in blocks(page, "") for line in block.splitlines()]
    return [shlex.split(line, comments=True)[1:] for line in lines if "[" not in line]


@pytest.mark.slow
def test_the_commands_of_the_page_of_data_sets_run_in_order(library):
    said = "".join(library.run(*command) for command in commands(DATASETS))
    assert "EMPTY" not in said
    assert re.search(r"train 2, validation 1, test 1\.", said)
    assert "OUT: 4 tracks, 16 stems" in said or "all as they were written" in said
    assert (library.home / "OUT.html").stat().st_size > 10_000


@pytest.mark.slow
def test_the_commands_of_the_page_of_training_write_and_verify_a_pack(library):
    packing = [c for c in commands(TRAINING) if c[:1] == ["export"]]
    said = [library.run(*command) for command in packing]
    assert "OUT: 4 cues, 16 stems, 10,441 frames, 278 onsets." in said[0]
    assert "all samples of stems and mixes: as in" in said[1]


@pytest.mark.slow
def test_data_sets_are_read_by_the_lines_of_their_page(library, monkeypatch):
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    pytest.importorskip("webdataset", reason="webdataset is not installed")
    library.run("export", "parquet", "OUT", "--license", "CC0-1.0")
    monkeypatch.chdir(library.home)
    (query,) = blocks(DATASETS, "sql")
    rows = duckdb.sql(query).fetchall()
    assert {name for name, *_ in rows} >= {"1m01 VLN I_01", "1m01 VCS_01"}
    assert all(0 <= heard < 10 for *_, heard in rows)
    shutil.rmtree("OUT")
    library.run("splits", "make")
    library.run("export", "webdataset", "OUT", "--license", "CC0-1.0", "--seconds", "2")
    (lines,) = blocks(DATASETS)
    left = run([lines], library.home, monkeypatch)
    assert all(len(note) == 4 for note in left["notes"])
    assert json.loads(left["told"])["instrument_category"]
    assert left["sound"].startswith(b"fLaC")
