"""The whole pipeline on an emulated Aurora DSQL: its limits kept, its conflicts survived.

The same cues go to SQLite, and both databases must hold the same rows.
"""

import dagster as dg
import pandas as pd
import pytest

from cue_pipeline.defs.location import PROCESS_CUE, build_defs
from cue_pipeline.library.plan import plan_library
from cue_pipeline.settings import read_settings
from cue_pipeline.warehouse.opening import open_store
from cue_pipeline.warehouse.tables import metadata
from cue_pipeline_tests.cues import write_cue

BOOKKEEPING = {
    "cues",
    "cue_assets",
    "cue_writers",
    "llm_batches",
    "llm_calls",
    "llm_waiting",
    "mapping_overrides",
}


def process_in_this_process(library, url, monkeypatch):
    """Run every cue as ``process`` does, but here, where the emulation's listeners are."""
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    settings = read_settings()
    store = open_store(url)
    job = build_defs(settings).resolve_job_def(PROCESS_CUE)
    with dg.DagsterInstance.ephemeral() as instance:
        for plan in plan_library(library, store, settings).cues:
            instance.add_dynamic_partitions("cues", [plan.folder.key])
            assert job.execute_in_process(partition_key=plan.folder.key, instance=instance).success
    again = plan_library(library, store, settings)
    assert all(not plan.assets for plan in again.cues)
    return store


def rows_of(store, keys):
    found = {}
    for name in metadata.tables:
        if name in BOOKKEEPING or name == "cue_pipeline_schema":
            continue
        frames = [store.read(key, name) for key in keys]
        rows = pd.concat(frames, ignore_index=True)
        found[name] = rows.sort_values(list(rows.columns[:2]), ignore_index=True)
    return found


@pytest.mark.slow
def test_a_library_on_aurora_dsql_has_the_rows_that_it_has_on_sqlite(
    dsql_url, dsql_conflicts, tmp_path, monkeypatch
):
    keys = ["1m01", "Reel 2/2m02"]
    for n, key in enumerate(keys):
        write_cue(tmp_path / "library", key, base_hz=220.0 * (n + 1))
    here = process_in_this_process(
        tmp_path / "library", f"sqlite:///{tmp_path / 'cues.db'}", monkeypatch
    )
    dsql_conflicts.share = 0.2
    there = process_in_this_process(tmp_path / "library", dsql_url, monkeypatch)
    dsql_conflicts.share = 0.0
    assert dsql_conflicts.injected
    expected, found = rows_of(here, keys), rows_of(there, keys)
    for name, rows in expected.items():
        pd.testing.assert_frame_equal(found[name], rows, obj=name)
