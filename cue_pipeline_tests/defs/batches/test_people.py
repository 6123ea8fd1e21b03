"""What a person sees of batches: the commands, and a library in which a cue waits."""

import json

import pandas as pd
import pytest

from cue_pipeline.library import batches as flow
from cue_pipeline.library import graph
from cue_pipeline.library.backfill_plan import hold, plan_backfill
from cue_pipeline.library.chat_model import QUESTION_TABLES, waiting_cues
from cue_pipeline.library.plan import plan_library
from cue_pipeline.library.status import AssetStatus
from cue_pipeline.settings import read_settings
from cue_pipeline_tests.cues import write_cue
from cue_pipeline_tests.defs.batches.asked_cues import (
    CUES,
    collect,
    on_sqlite,
    small,
)
from cue_pipeline_tests.library.test_chat_model import asks, first_group_for_all
from cue_pipeline_tests.mapping.batch_server import batch_server
from cue_pipeline_tests.warehouse.synthetic import load
from cue_pipeline_tests.workspace import Workspace, said_here


def statuses(**states):
    """The library's state: all is ready but the mappings, and what ``states`` says."""
    return [
        AssetStatus(key, asset, states.get(asset, ["ready"] * 3)[i], "")
        for i, key in enumerate(CUES)
        for asset in graph.GRAPH
    ]


@on_sqlite
def test_the_command_line_submits_what_is_due_shows_it_and_collects_it(
    library, settings, server, monkeypatch
):
    url = library.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("DATABASE_URL", url)
    states = statuses(
        llm_mappings=["missing", "stale", "failed"],
        channel_groups=["ready", "stale", "ready"],
        match_evidence=["missing", "missing", "missing"],  # is not asked about
    )
    monkeypatch.setattr(flow, "read_status", lambda *args: states)
    due, left_out = flow.due_cues(library, settings, ())
    assert due == []  # the folders are not there: nobody could use what is answered
    assert "The base folder '/library' does not exist" in left_out[CUES[0]]
    monkeypatch.setattr(flow, "unreachable_cues", lambda *args: {})
    said = said_here(("mappings", "batch", "submit", "--dry-run"), expect=0)
    assert "2 questions about 2 cues would go to 'gpt-4o-mini'" in said
    said = said_here(("mappings", "batch", "submit"), expect=0)
    assert f"left out: {CUES[1]}: channel_groups is stale" in said
    assert "batch_0000: 2 questions about 2 cues sent" in said
    assert "validating" in said_here(("mappings", "batch", "status"), expect=0)
    (row,) = json.loads(said_here(("mappings", "batch", "status", "--json"), expect=0))
    assert (row["batch_id"], row["n_questions"], row["status"]) == ("batch_0000", 2, "validating")
    assert "validating" in said_here(("mappings", "batch", "collect"), expect=1)
    server.finish(lambda request, n: first_group_for_all(request, n) if n else None, "expired")
    said = said_here(("mappings", "batch", "collect"), expect=1)
    assert "1 answer stored (100 + 20 tokens)" in said
    assert "1 question without an answer, due again: batch_expired: This request" in said
    assert "No batch waits" in said_here(("mappings", "batch", "collect"), expect=0)
    assert "No batch 'batch_0000' waits" in said_here(
        ("mappings", "batch", "cancel", "batch_0000"), expect=2
    )


@on_sqlite
def test_what_a_batch_of_openai_cost_is_told_at_half_the_list_price(batches, server, monkeypatch):
    monkeypatch.setattr(flow, "OPENAI_HOST", "127.0.0.1")
    list(batches.submit(CUES))
    server.finish()
    # gpt-4o-mini: 0.15 and 0.60 dollars for a million tokens of question and answer.
    assert collect(batches).cost_usd == pytest.approx((300 * 0.15 + 60 * 0.60) / 1e6 / 2)


@on_sqlite
def test_a_cue_whose_question_waits_is_left_without_a_mapping_and_makes_the_rest(
    batches, library, settings, tmp_path, monkeypatch
):
    monkeypatch.setenv("DATABASE_URL", library.engine.url.render_as_string(hide_password=False))
    for name in ("asked", "free"):
        write_cue(tmp_path / "films", name)
        load(library, small(name, len(name)), ("tempo_map", *QUESTION_TABLES))
    list(batches.submit(["asked"]))

    def planned(**options):
        plan = plan_library(tmp_path / "films", library, settings, dry_run=True, **options)
        return {cue.folder.key: (cue.waits, cue.assets) for cue in plan.cues}

    rest = tuple(asset for asset in graph.GRAPH if asset != "llm_mappings")
    assert planned(force=True) == {"asked": (True, rest), "free": (False, tuple(graph.GRAPH))}
    assert planned(select=["tempo_map"], force=True)["asked"] == (False, ("tempo_map",))
    # Without a key, or with another model, nothing that waits would be asked.
    monkeypatch.setenv("OPENAI_MODEL", "gpt-4o")
    settings = read_settings()
    assert planned(force=True)["asked"] == (False, tuple(graph.GRAPH))


@on_sqlite
def test_a_backfill_leaves_out_the_mapping_that_waits(batches, library, settings):
    list(batches.submit(CUES[:1]))
    plan = plan_backfill(statuses(llm_mappings=["missing"] * 3, final_mix_features=["stale"] * 3))
    held = hold(plan, waiting_cues(settings, library))
    both = ("final_mix_features", "llm_mappings")
    assert {key: set(assets) for key, assets in held.assets.items()} == {
        CUES[0]: {"final_mix_features"},
        CUES[1]: set(both),
        CUES[2]: set(both),
    }
    assert set(held.reasons) == {(key, a) for key, wanted in held.assets.items() for a in wanted}


@pytest.mark.slow
def test_a_library_asked_in_batches_is_mapped_as_one_asked_live(tmp_path):
    with batch_server(first_group_for_all) as server:
        made = {}
        for way in ("live", "batch"):
            made[way] = workspace = Workspace(tmp_path / way)
            write_cue(workspace.base, "1m01")
            write_cue(workspace.base, "1m02", base_hz=330.0)
            asks(workspace, server.url)
        made["live"].run("process", "library")
        n_live = len(server.live)
        made["batch"].run("process", "library", "--select", "match_evidence")
        made["batch"].run("mappings", "batch", "submit")
        said = made["batch"].run("process", "library")
        assert "2 cues wait for a batch: run `cue-pipeline mappings batch collect`" in said
        server.finish()
        made["batch"].run("mappings", "batch", "collect")
        made["batch"].run("process", "library")
        assert len(server.live) == n_live > 0
    for table in ("track_mappings", "midi_tracks", "audio_files"):
        pd.testing.assert_frame_equal(made["live"].table(table), made["batch"].table(table))
