"""An asset that fails stops what cannot do without it, and nothing else."""

import dagster as dg
import pytest

from cue_pipeline.audio import sound_rows
from cue_pipeline.defs.location import PROCESS_CUE, build_defs
from cue_pipeline.defs.runs.worker import _run
from cue_pipeline.errors import AudioFileError
from cue_pipeline.library import graph, watch
from cue_pipeline.library.plan import plan_library
from cue_pipeline.library.pool import CueJob
from cue_pipeline.library.status import read_status
from cue_pipeline.settings import read_settings
from cue_pipeline.warehouse.opening import open_store
from cue_pipeline_tests.cues import write_cue


@pytest.mark.parametrize(
    ("failed", "stopped"),
    [
        ({"final_mix_features"}, set()),
        ({"mel_features"}, {"match_evidence", "llm_mappings"}),
        ({"midi_events", "final_mix_features"}, {"match_evidence", "llm_mappings"}),
        ({"match_evidence"}, {"llm_mappings"}),
    ],
)
def test_what_waits_for_a_failed_asset_is_what_cannot_do_without_it(failed, stopped):
    assert graph.stopped(failed) == stopped


def test_the_ear_hears_the_stems_of_a_cue_whose_mixes_cannot_be_measured(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'w.db'}")
    write_cue(tmp_path / "library", "1m01")
    settings = read_settings()
    store = open_store(settings.database_url.get_secret_value())
    plan_library(tmp_path / "library", store, settings)

    def stumble(*args, **kwargs):
        raise AudioFileError("no mix of this cue can be measured")

    monkeypatch.setattr(sound_rows, "final_mix_tables", stumble)
    assets = tuple(graph.GRAPH)
    with dg.DagsterInstance.ephemeral() as instance:
        job = build_defs(settings).resolve_job_def(PROCESS_CUE)
        task = CueJob("1m01", assets, "5b1e2f6e-6f0f-4d0c-9d7b-1b6a3b1f0c55")
        errors = _run(job, instance, task, assets)
    assert [e for e in errors if "no mix of this cue" in e] == errors != []
    states = {row.asset: row.state for row in store.ledger("1m01")}
    assert states.pop("final_mix_features") == "failed"
    assert set(states.values()) == {"ready"}
    assert set(states) == set(assets) - {"final_mix_features"}
    assert len(store.read("1m01", "track_mappings")) > 0
    # Once the mix can be measured, the ear has it to hear.
    by_asset = {s.asset: s for s in read_status(store, settings)}
    assert by_asset["match_evidence"].state == "stale"
    assert "final_mix_features" in by_asset["match_evidence"].reason


def test_the_sensor_asks_for_what_goes_without_a_failed_asset(tmp_path, monkeypatch):
    from cue_pipeline.cue.folder import CueFolder
    from cue_pipeline.library.status import AssetStatus

    folder = CueFolder("1m01", tmp_path, tmp_path, ("1m01.mid",), (), "m", "a")
    monkeypatch.setattr(watch, "_failed_on_other_input", lambda *args: False)
    lost = {"final_mix_features": "failed", "match_evidence": "missing", "llm_mappings": "missing"}
    statuses = [AssetStatus("1m01", asset, lost.get(asset, "ready"), "") for asset in graph.GRAPH]
    ledger = {"final_mix_features": object()}
    ask, failed = watch.wanted(folder, statuses, ledger)
    assert ask == ["match_evidence", "llm_mappings"]
    assert failed == ["final_mix_features"]
