"""The command line over real folders, on Aurora DSQL's limits, with conflicts injected."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from cue_pipeline.warehouse.engine import create_engine
from cue_pipeline.warehouse.store import Store
from cue_pipeline_tests.cues import write_cue
from cue_pipeline_tests.warehouse.synthetic import ASSETS, everything
from cue_pipeline_tests.workspace import Workspace

SITE = Path(__file__).with_name("dsql_site")
ROOT = Path(__file__).parents[2]


def rows_of(url: str, key: str) -> dict[str, list[tuple]]:
    engine = create_engine(url)
    try:
        return everything(Store(engine), SimpleNamespace(key=key))
    finally:
        engine.dispose()


@pytest.mark.slow
def test_the_whole_pipeline_on_dsql_gives_the_rows_that_it_gives_on_sqlite(tmp_path, dsql_url):
    workspace = Workspace(tmp_path)
    keys = ("Reel 1/1m01 Titles", "Reel 1/1m02")
    for i, key in enumerate(keys):
        write_cue(workspace.library, key, base_hz=330.0 + 110 * i)
    workspace.run("process", "library", "--jobs", "2")
    workspace.env = {
        "DATABASE_URL": dsql_url,
        "DAGSTER_HOME": str(tmp_path / "other_home"),
        "PYTHONPATH": f"{SITE}:{ROOT}",
        "CUE_TEST_DSQL_CONFLICTS": "0.15",
    }
    workspace.run("process", "library", "--jobs", "2")
    engine = create_engine(dsql_url)
    states = {(r.cue_key, r.asset): r.state for r in Store(engine).ledger()}
    assert states == {(k, a): "ready" for k in keys for a in ASSETS}
    engine.dispose()
    for key in keys:
        on_sqlite = rows_of(f"sqlite:///{tmp_path}/cue_pipeline.db", key)
        assert rows_of(dsql_url, key) == on_sqlite
        assert all(on_sqlite[table] for table in ("midi_notes", "audio_feature_chunks"))
