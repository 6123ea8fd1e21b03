"""Backfills from the shell: which pairs are asked for, and that a real daemon does just those."""

import os

import dagster as dg
import pytest
from click.testing import CliRunner

from cue_pipeline.cli.commands import cli
from cue_pipeline.defs import backfills as b
from cue_pipeline.defs.instance import open_instance
from cue_pipeline.errors import SettingsError
from cue_pipeline.library import backfill_plan
from cue_pipeline.library.graph import GRAPH
from cue_pipeline.library.plan import plan_library
from cue_pipeline.library.status import AssetStatus
from cue_pipeline.processes.liveness import WORKER_TAG
from cue_pipeline.settings import read_settings
from cue_pipeline.warehouse.opening import open_store
from cue_pipeline_tests.cues import write_cue
from cue_pipeline_tests.daemon import Site, backfills, wait_until

DONE = {"COMPLETED_SUCCESS", "COMPLETED_FAILED", "FAILED", "CANCELED"}


def statuses(**states):
    """Two cues, all ready but for what is given as asset=state for the first."""
    first = [AssetStatus("1m01", a, states.get(a, "ready"), "why") for a in GRAPH]
    return first + [AssetStatus("1m02", a, "ready", "") for a in GRAPH]


def assets(plan):
    return {key: set(wanted) for key, wanted in plan.assets.items()}


MIXED = {"midi_events": "failed", "match_evidence": "missing", "final_mix_features": "stale"}


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ([], {"midi_events", "match_evidence", "final_mix_features"}),
        (["stale"], {"final_mix_features"}),
        # What waits for a failed asset comes with it.
        (["failed"], {"midi_events", "match_evidence", "final_mix_features"}),
        # What a missing asset stands on has to be there first.
        (["missing"], {"midi_events", "match_evidence", "final_mix_features"}),
        (["stale", "missing"], {"midi_events", "match_evidence", "final_mix_features"}),
    ],
)
def test_the_flags_choose_by_state(kinds, expected):
    assert assets(backfill_plan.plan_backfill(statuses(**MIXED), kinds=kinds)) == {"1m01": expected}


def test_what_was_good_before_an_asset_failed_waits_for_it_too():
    changed = statuses(tempo_map="failed", midi_events="stale", llm_mappings="stale")
    plan = backfill_plan.plan_backfill(changed, kinds=["failed"])
    assert assets(plan) == {"1m01": {"tempo_map", "midi_events", "llm_mappings"}}


def test_one_asset_brings_only_what_it_stands_on():
    plan = backfill_plan.plan_backfill(statuses(**MIXED), select=["final_mix_features"])
    assert assets(plan) == {"1m01": {"final_mix_features"}}
    plan = backfill_plan.plan_backfill(statuses(**MIXED), select=["match_evidence"])
    assert assets(plan) == {"1m01": {"midi_events", "final_mix_features", "match_evidence"}}


def test_assets_come_in_the_order_of_the_graph_with_reasons():
    plan = backfill_plan.plan_backfill(statuses(**MIXED))
    assert plan.assets["1m01"] == ("midi_events", "final_mix_features", "match_evidence")
    assert plan.reasons["1m01", "midi_events"] == "failed: why"
    assert len(plan) == 3


def test_a_cue_alone():
    assert assets(backfill_plan.plan_backfill(statuses(**MIXED), only=["1m02"])) == {}
    assert set(assets(backfill_plan.plan_backfill(statuses(**MIXED), only=["1m01"]))) == {"1m01"}


@pytest.mark.parametrize("wrong", [{"select": ["mels"]}, {"only": ["9m99"]}])
def test_a_wrong_name_is_refused_with_those_there_are(wrong):
    with pytest.raises(SettingsError, match=r"mels.*tempo_map|9m99.*1m01"):
        backfill_plan.plan_backfill(statuses(), **wrong)


def test_the_request_is_of_just_those_pairs():
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("cues", ["1m01", "1m02", "1m03"])
        wanted = ["tempo_map", "midi_events"]
        made = instance.get_backfill(
            b.request_backfill(instance, wanted, ["1m01", "1m03"], "title")
        )
        assert made.title == "title"
        assert {key.path[-1] for key in made.asset_selection} == {"tempo_map", "midi_events"}
        target = made.asset_backfill_data.target_subset
        pairs = {(p.asset_key.path[-1], p.partition_key) for p in target.iterate_asset_partitions()}
        assert pairs == {(asset, key) for asset in wanted for key in ("1m01", "1m03")}


def test_cues_that_want_the_same_assets_share_a_backfill():
    plan = backfill_plan.BackfillPlan(
        {"a": ("tempo_map",), "b": ("mel_features",), "c": ("tempo_map",)}, {}
    )
    assert backfill_plan.by_assets(plan) == {("tempo_map",): ["a", "c"], ("mel_features",): ["b"]}


@pytest.mark.slow
def test_a_real_daemon_makes_just_what_was_asked_for_and_one_bad_cue_fails_alone(tmp_path):
    site = Site(tmp_path)
    site.write_cues("Reel 1/1m01", "1m02", "1m03")
    site.cli("process", "library", "--select", "tempo_map", "--select", "channel_groups")
    (site.base / "1m03" / "MIDI" / "1m03.mid").write_bytes(b"this is no MIDI file")
    midi = site.base / "1m02" / "MIDI" / "1m02.mid"
    midi.write_bytes(midi.read_bytes() + b"\0")
    assert "1m02: tempo_map (stale: midi files changed" in site.cli(
        "backfill", "--dry-run", "--stale"
    )
    with site.running(), site.instance() as instance:
        before = instance.get_runs_count()
        wait_until(lambda: "BACKFILL" in instance.get_daemon_heartbeats(), 90, "the daemon")
        said = site.cli("backfill")
        assert said.count("Backfill ") == 2  # of one cue MIDI has not changed
        assert "of 3 cues" in said
        assert "begins within 30 seconds" in said
        wait_until(lambda: set(backfills(instance).values()) <= DONE, 200, "the backfill ended")
        # A run that tells states is of no cue.
        new = instance.get_runs(limit=instance.get_runs_count() - before)
        of_cues = [r for r in new if "dagster/partition" in r.tags]
        assert len(of_cues) == 3
        runs = {r.tags["dagster/partition"]: r for r in of_cues}
        assert set(runs) == {"Reel 1/1m01", "1m02", "1m03"}
        assert "tempo_map" not in {k.path[-1] for k in runs["Reel 1/1m01"].asset_selection}
        assert "tempo_map" in {k.path[-1] for k in runs["1m02"].asset_selection}
        assert all(run.tags[WORKER_TAG] for run in runs.values())
    states = site.states()
    assert {s for (cue, _), s in states.items() if cue != "1m03"} == {"ready"}
    assert states["1m03", "tempo_map"] == "failed"
    assert states["1m03", "mel_features"] == "ready"


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """Two registered cues of which nothing is made, in a working directory of their own."""
    for name in [n for n in os.environ if n.startswith(("CUE_", "OPENAI_", "DAGSTER_HOME"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'w.db'}")
    for key in ("1m01", "1m02"):
        write_cue(tmp_path / "library", key)
    settings = read_settings()
    store = open_store(settings.database_url.get_secret_value())
    plan_library(tmp_path / "library", store, settings)
    return tmp_path


def said(*arguments):
    done = CliRunner().invoke(cli, ["backfill", *arguments], catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


def test_without_a_daemon_it_is_said_that_nothing_happens_yet(workplace):
    assert "Nothing is stale" in said("--stale")
    output = said("--select", "tempo_map", "--cue", "1m01")
    assert "tempo_map of 1 cue." in output
    assert "1 asset of 1 cue asked for" in output
    assert "heard never" in output
    with open_instance(workplace) as instance:
        assert list(backfills(instance).values()) == ["REQUESTED"]
        assert instance.get_dynamic_partitions("cues") == ["1m01"]


def test_a_cue_whose_folder_is_gone_is_left_out(workplace):
    (workplace / "library" / "1m01").rename(workplace / "away")
    output = said("--dry-run")
    assert "left out: 1m01:" in output
    assert "1m01: channel_groups" not in output
    assert "1m02: channel_groups" in output
    assert not (workplace / ".dagster_home").exists()


def test_a_cue_that_a_run_is_at_is_left_out(workplace):
    @dg.job
    def anything():
        pass

    with open_instance(workplace) as instance:
        instance.create_run_for_job(
            anything, tags={"dagster/partition": "1m01"}, status=dg.DagsterRunStatus.STARTED
        )
    output = said("--missing")
    assert "left out: 1m01: a run of it is under way" in output
    assert "of 1 cue asked for" in output
