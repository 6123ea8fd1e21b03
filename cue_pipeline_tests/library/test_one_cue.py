"""Cues that are asked for by name: a large library is not walked for them."""

from dataclasses import replace

import pytest

from cue_pipeline.cue import scan
from cue_pipeline.cue.folder import CueFolder
from cue_pipeline.errors import CueError
from cue_pipeline.library.plan import plan_library
from cue_pipeline.settings import read_settings
from cue_pipeline.warehouse.opening import open_store
from cue_pipeline_tests.cues import write_cue


@pytest.fixture
def library(tmp_path):
    root = tmp_path / "library"
    for key in ("Reel 1/1m01", "Reel 1/1m02", "Reel 2/2m01"):
        write_cue(root, key)
    return root, open_store(f"sqlite:///{tmp_path / 'w.db'}"), read_settings()


@pytest.fixture
def walked(monkeypatch):
    """Return the folders that were walked through."""
    folders = []
    walk = scan._walk

    def noting(root, problems):
        folders.append(root)
        return walk(root, problems)

    monkeypatch.setattr(scan, "_walk", noting)
    return folders


def test_of_cues_that_are_known_no_other_folder_is_looked_at(library, walked):
    root, store, settings = library
    whole = plan_library(root, store, settings)
    assert walked == [root]
    walked.clear()
    asked = ["Reel 2/2m01", "Reel 1/1m01"]
    named = plan_library(root, store, settings, only=asked)
    assert set(walked) == {root / key for key in asked}
    assert named == replace(whole, cues=tuple(c for c in whole.cues if c.folder.key in asked))


def test_a_cue_that_is_not_known_is_looked_for_in_the_whole_library(library, walked):
    root, store, settings = library
    plan = plan_library(root, store, settings, only=["Reel 2/2m01"])
    assert [c.folder.key for c in plan.cues] == ["Reel 2/2m01"]
    assert walked == [root]
    with pytest.raises(CueError, match="the closest 'Reel 1/1m02'"):
        plan_library(root, store, settings, only=["Reel 1/1m2"])
    (root / "Reel 2" / "2m01").rename(root / "Reel 2" / "2m01 v2")
    with pytest.raises(CueError, match="No cue 'Reel 2/2m01' under"):
        plan_library(root, store, settings, only=["Reel 2/2m01"])


def test_no_cue_of_a_library_is_held_against_every_other(library, monkeypatch):
    root, store, settings = library
    compared = []
    equal = CueFolder.__eq__
    monkeypatch.setattr(CueFolder, "__eq__", lambda a, b: compared.append(a) or equal(a, b))
    plan = plan_library(root, store, settings)
    assert len(plan.cues) == 3
    assert compared == []
