"""A library through its years, by the command line, with real runs of all assets."""

import json
import shutil

import pytest

from cue_pipeline.library.graph import GRAPH
from cue_pipeline.warehouse.engine import create_engine
from cue_pipeline_tests.cues import write_cue
from cue_pipeline_tests.shelf import redate
from cue_pipeline_tests.workspace import Workspace

pytestmark = [pytest.mark.slow, pytest.mark.engines("sqlite", "postgresql")]

TRACK = "Horn in F"
"""A brass instrument by its name: that it is a choir, a person alone can say."""


@pytest.fixture
def library(tmp_path, database_url):
    made = Workspace(tmp_path)
    made.env = {"DATABASE_URL": str(database_url)}
    write_cue(made.base, "Reel 1/1m01")
    write_cue(made.base, "Reel 1/1m02", base_hz=330.0)
    made.run("process", "library", "--jobs", "2")
    made.run("mappings", "set", "Reel 1/1m01", TRACK, "--category", "Choir", "--note", "heard it")
    return made


def made(workspace):
    """When each asset of each cue was made, by the cue's id, whatever its key."""
    engine = create_engine(workspace.env["DATABASE_URL"])
    try:
        with engine.connect() as connection:
            rows = connection.exec_driver_sql("SELECT cue_id, asset, finished_at FROM cue_assets")
            return {(cue_id, asset): str(moment) for cue_id, asset, moment in rows}
    finally:
        engine.dispose()


def runs(workspace):
    with workspace.instance() as instance:
        return instance.get_runs_count()


def category(workspace, key):
    """Of the track that people decided about, as the mapping that was made has it."""
    rows = json.loads(workspace.run_stdout("mappings", key, "--json"))
    return next(row["instrument_category"] for row in rows if row["track_name"] == TRACK)


def assert_whole(workspace, key, others):
    """The cue is there under one key, decided as it was, and nothing at all is stale."""
    states = workspace.states()
    assert set(states.values()) == {"ready"}
    assert {cue for cue, _ in states} == {key, *others}
    assert category(workspace, key) == "Choir"
    with workspace.instance() as instance:
        assert set(instance.get_dynamic_partitions("cues")) == {key, *others}


def test_a_cue_keeps_all_it_has_through_moves_restores_and_returns(library):
    first, other = "Reel 1/1m01", "Reel 1/1m02"
    assert_whole(library, first, [other])
    before, n_runs = made(library), runs(library)

    place = library.base / first
    for key in ("Reel 1/1m01 In Too Deep", "Reel 2/2m01 In Too Deep"):
        (library.base / key).parent.mkdir(exist_ok=True)
        place = place.rename(library.base / key)
        assert f"moved: {key}" in library.run("process", "library")
        assert_whole(library, key, [other])

    redate(place)
    assert f"restored: {key}" in library.run("process", "library")
    assert_whole(library, key, [other])

    away = library.home / "away"
    shutil.copytree(place, away)  # an archive: other inodes, and other dates in the end
    shutil.rmtree(place)
    assert f"gone: {key}" in library.run("process", "library")
    with library.instance() as instance:
        assert instance.get_dynamic_partitions("cues") == [other]
    redate(away)
    shutil.move(away, place)
    library.run("process", "library")
    assert_whole(library, key, [other])

    shutil.move(place, away)
    library.run("process", "library")
    shutil.move(away, library.base / first)
    library.run("process", "library")
    assert_whole(library, first, [other])

    assert (made(library), runs(library)) == (before, n_runs), "nothing was made again"
    assert len(before) == 2 * len(GRAPH)


def test_two_cues_exchanged_forgotten_and_made_anew_keep_each_its_own(library):
    one, two = library.base / "Reel 1/1m01", library.base / "Reel 1/1m02"
    n_runs = runs(library)
    one.rename(library.base / "x")
    two.rename(one)
    (library.base / "x").rename(two)
    library.run("process", "library")
    assert_whole(library, "Reel 1/1m02", ["Reel 1/1m01"])
    assert runs(library) == n_runs

    library.run("cues", "forget", "Reel 1/1m02", "--yes", "--export", "kept.json", "--runs")
    assert {cue for cue, _ in library.states()} == {"Reel 1/1m01"}
    library.run("process", "library")
    assert category(library, "Reel 1/1m02") == "Brass"
    library.run("cues", "restore", "kept.json")
    library.run("process", "library")
    assert_whole(library, "Reel 1/1m02", ["Reel 1/1m01"])
