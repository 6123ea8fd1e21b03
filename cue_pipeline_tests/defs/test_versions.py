"""A model or a parameter changes: which assets are stale, as each of those who can tell says.

`cue-pipeline status`, `backfill --stale` and what the UI shows (GraphQL) have to agree.
"""

import os
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from cue_pipeline.defs.instance import open_instance
from cue_pipeline.defs.location import PROCESS_CUE, build_defs
from cue_pipeline.library.backfill_plan import plan_backfill
from cue_pipeline.library.graph import (
    GRAPH,
    code_versions,
    expected_data_versions,
    fingerprint,
    what_changed,
)
from cue_pipeline.library.plan import plan_library
from cue_pipeline.library.status import cue_status, decided_since, read_status
from cue_pipeline.settings import read_settings
from cue_pipeline.warehouse.opening import open_store
from cue_pipeline.warehouse.store import LedgerRow
from cue_pipeline_tests.cues import write_cue
from cue_pipeline_tests.warehouse.synthetic import SyntheticCue

KEYS = ("Reel 1/1m01", "1m02")

QUERY = """
query($partition: String!) {
  assetNodes { assetKey { path } staleStatus(partition: $partition) }
}
"""


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """Two cues, processed with a key for a model that nobody asks: the answer is in no cache."""
    for name in [n for n in os.environ if n.startswith(("CUE_", "OPENAI_", "DAGSTER_HOME"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'w.db'}")
    for key in KEYS:
        write_cue(tmp_path / "library", key)
    settings = read_settings()
    store = open_store(settings.database_url.get_secret_value())
    plan_library(tmp_path / "library", store, settings)
    job = build_defs(settings).resolve_job_def(PROCESS_CUE)
    with open_instance(tmp_path) as instance:
        instance.add_dynamic_partitions("cues", list(KEYS))
        for key in KEYS:
            assert job.execute_in_process(partition_key=key, instance=instance).success
    return tmp_path


@pytest.mark.parametrize(
    ("asset", "before", "after", "words"),
    [
        ("mel_features", {}, {"CUE_MEL_N_MELS": "80"}, "a CUE_MEL_… setting or"),
        (
            "channel_groups",
            {},
            {"CUE_IGNORE_PATTERNS": "guide"},
            "CUE_IGNORE_PATTERNS, CUE_INTERLEAVED_ORDER or",
        ),
        ("channel_groups", {}, {"CUE_INTERLEAVED_ORDER": "smpte"}, "CUE_INTERLEAVED_ORDER or"),
        (
            "midi_events",
            {},
            {"CUE_MARKER_TRACKS": "cues"},
            "CUE_MARKER_TRACKS or CUE_MIDI_CHARSET changed since",
        ),
        ("llm_mappings", {}, {"OPENAI_API_KEY": "k", "OPENAI_MODEL": "a+b"}, "now a+b is"),
        ("llm_mappings", {"OPENAI_API_KEY": "k"}, {}, "gpt-3.5-turbo was asked, now no model is"),
    ],
)
def test_a_changed_setting_is_told_by_its_name(monkeypatch, tmp_path, asset, before, after, words):
    monkeypatch.chdir(tmp_path)
    versions = []
    for environment in (before, after):
        with monkeypatch.context() as changed:
            for name, value in environment.items():
                changed.setenv(name, value)
            versions.append(code_versions(read_settings())[asset])
    assert words in what_changed(asset, *versions)


def test_another_version_of_this_program_is_told_as_such():
    assert what_changed("tempo_map", "1+ab", "2+ab").startswith("this version of cue_pipeline")
    now = ["1", "decision", "gpt-4o", "prompt"]
    for part in (0, 1, 3):
        was = [f"old {word}" if i == part else word for i, word in enumerate(now)]
        told = what_changed("llm_mappings", "+".join(was), "+".join(now))
        assert told.startswith("this version of cue_pipeline")


def made(folder, versions, minute, assets=GRAPH, decided=None):
    """What the ledger says of assets that were made in a certain minute."""
    expected = expected_data_versions(folder, versions, decided or {})
    began = datetime(2026, 1, 1, 12, minute, tzinfo=UTC)
    moments = {asset: began + timedelta(seconds=n) for n, asset in enumerate(GRAPH)}
    return {
        asset: LedgerRow(
            folder.key, asset, "ready", fingerprint(asset, folder), versions[asset],
            expected[asset], 1, None, moments[asset], moments[asset] + timedelta(seconds=0.5),
        )
        for asset in assets
    }  # fmt: skip


def test_evidence_that_was_made_again_is_not_called_a_persons_decision(monkeypatch):
    folder = SyntheticCue().folder()
    before = code_versions(read_settings(_env_file=None))
    monkeypatch.setenv("CUE_MEL_N_MELS", "80")
    after = code_versions(read_settings(_env_file=None))
    heard_again = ("mel_features", "final_mix_features", "match_evidence")

    def reasons(ledger, versions, **decided):
        statuses = cue_status(folder, ledger, versions, decided)
        return {s.asset: s.reason for s in statuses if s.state != "ready"}

    first = made(folder, before, 0)
    assert reasons(first, before, mapping_overrides="one way") == {
        "llm_mappings": decided_since("llm_mappings")
    }
    assert reasons(
        first | made(folder, before, 1, heard_again), before, mapping_overrides="one way"
    ) == {"llm_mappings": decided_since("llm_mappings")}
    assert reasons(first | made(folder, after, 1, heard_again), after) == {
        "llm_mappings": "match_evidence changed since"
    }
    followed = made(folder, before, 0, decided={"mapping_overrides": "one way"})
    assert reasons(followed, before, mapping_overrides="another") == {
        "llm_mappings": decided_since("llm_mappings")
    }


def test_a_stated_clock_makes_the_evidence_and_the_mapping_stale_and_nothing_else():
    folder, versions = SyntheticCue().folder(), code_versions(read_settings(_env_file=None))
    statuses = cue_status(
        folder, made(folder, versions, 0), versions, {"alignment_overrides": "lag 3.7"}
    )
    assert {s.asset: s.reason for s in statuses if s.state != "ready"} == {
        "match_evidence": "alignment_overrides changed since: people decided",
        "llm_mappings": "match_evidence changed since",
    }


def said_by_status():
    settings = read_settings()
    store = open_store(settings.database_url.get_secret_value())
    found = read_status(store, settings)
    assert {s.state for s in found} <= {"ready", "stale"}
    return {(s.cue_key, s.asset) for s in found if s.state == "stale"}


def asked_by_backfill():
    settings = read_settings()
    store = open_store(settings.database_url.get_secret_value())
    plan = plan_backfill(read_status(store, settings), kinds=["stale"])
    return {(key, asset) for key, assets in plan.assets.items() for asset in assets}


def said_by_the_ui(folder):
    from dagster._core.workspace.context import WorkspaceProcessContext
    from dagster._core.workspace.load_target import ModuleTarget
    from dagster_graphql.schema import create_schema

    target = ModuleTarget(
        module_name="cue_pipeline.definitions", attribute=None,
        working_directory=str(folder), location_name="cue_pipeline",
    )  # fmt: skip
    stale = set()
    with open_instance(folder) as instance, WorkspaceProcessContext(instance, target) as workspace:
        for key in KEYS:
            result = create_schema().execute(
                QUERY, context_value=workspace.create_request_context(),
                variable_values={"partition": key},
            )  # fmt: skip
            assert not result.errors, result.errors
            nodes = result.data["assetNodes"]
            assert {node["staleStatus"] for node in nodes} <= {"FRESH", "STALE"}
            stale |= {
                (key, node["assetKey"]["path"][-1])
                for node in nodes
                if node["staleStatus"] == "STALE"
            }
    return stale


def of_every_cue(*assets):
    return {(key, asset) for key in KEYS for asset in assets}


@pytest.mark.slow
def test_all_three_agree_on_what_a_change_makes_stale(workplace, monkeypatch):
    assert said_by_status() == said_by_the_ui(workplace) == set()

    # Nothing but the mapping depends on the model, and that only where a model is asked.
    monkeypatch.setenv("OPENAI_MODEL", "another-model")
    assert said_by_status() == set()
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    stale = of_every_cue("llm_mappings")
    assert said_by_status() == asked_by_backfill() == stale
    assert said_by_the_ui(workplace) == stale
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.delenv("OPENAI_MODEL")

    # Mel spectrograms, and what is heard in them.
    monkeypatch.setenv("CUE_MEL_N_MELS", "80")
    stale = of_every_cue("mel_features", "final_mix_features", "match_evidence", "llm_mappings")
    assert said_by_status() == asked_by_backfill() == stale
    assert said_by_the_ui(workplace) == stale


def requested(instance, cursor=None):
    """Evaluate the automation as the daemon does; return what it asks for, and its cursor."""
    result = dg.evaluate_automation_conditions(
        defs=build_defs(read_settings()), instance=instance, cursor=cursor
    )
    asked = {
        (key, asset)
        for asset in GRAPH
        for key in result.get_requested_partitions(dg.AssetKey(asset))
    }
    return asked, result.cursor


@pytest.mark.slow
def test_automation_takes_what_a_change_made_stale_and_the_model_only_by_name(
    workplace, monkeypatch
):
    stale = of_every_cue("mel_features", "final_mix_features", "match_evidence", "llm_mappings")
    expected = {"cheap": stale - of_every_cue("llm_mappings"), "all": stale}
    with open_instance(workplace) as instance:
        instance.add_dynamic_partitions("cues", ["never made"])
        for n_mels, automate in ((80, "cheap"), (96, "all")):
            monkeypatch.setenv("CUE_AUTOMATE", automate)
            asked, cursor = requested(instance)
            assert asked == set()
            monkeypatch.setenv("CUE_MEL_N_MELS", str(n_mels))
            asked, cursor = requested(instance, cursor)
            assert asked == expected[automate]
            assert requested(instance, cursor)[0] == set()
