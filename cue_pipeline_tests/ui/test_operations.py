"""What the people who run this do in Dagster's UI, done in a browser, in one story.

The tests build on each other: a backfill, a new folder, a changed model, one asset made again.
Run them with `make test-ui`; screenshots are left in `artifacts/ui`.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from cue_pipeline.library.graph import GRAPH
from cue_pipeline_tests.ui.conftest import CUES, LATE_CUE, MODEL_HANGS, MODEL_IS_ASKED, artifacts

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from cue_pipeline_tests.ui.site import Site

pytestmark = pytest.mark.ui

LINEAGE = "/asset-groups?expanded=" + ",".join(
    f"global@global:{group}" for group in ("score", "sound", "mapping")
)


def partition_url(site: Site, asset: str, cue: str) -> str:
    return f"{site.url}/assets/{asset}?view=partitions&partition={quote(cue, safe='')}"


def open_partition(page: Page, site: Site, asset: str, cue: str) -> None:
    page.goto(partition_url(site, asset, cue))
    page.get_by_text("Latest materialization", exact=True).wait_for()
    page.get_by_text("dagster/row_count").wait_for()


def open_picture(page: Page, name: str) -> None:
    """Open a picture of the metadata table, and see that the browser could draw it."""
    row = page.locator("tr", has=page.get_by_text(name, exact=True))
    row.get_by_text("[Show Markdown]").click()
    image = page.get_by_role("img", name=name)
    image.wait_for()
    page.wait_for_function("e => e.complete && e.naturalWidth > 300", arg=image.element_handle())


def see(page: Page, name: str) -> None:
    page.wait_for_timeout(700)  # the UI's own animations
    page.screenshot(path=artifacts() / f"{name}.png")


def test_the_lineage_page_shows_seven_assets_and_no_warning(page, site):
    complaints = []
    page.on(
        "console",
        lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None,
    )
    page.on("pageerror", lambda e: complaints.append(str(e)))
    page.goto(site.url + LINEAGE)
    for asset in GRAPH:
        page.get_by_text(asset, exact=True).first.wait_for()
    for trouble in ("error", "Error", "failed to load"):
        assert page.get_by_role("alert").filter(has_text=trouble).count() == 0
    assert complaints == []
    see(page, "1-lineage-before")


def test_a_backfill_over_three_cues_is_launched_and_completes(page, site):
    page.goto(site.url + LINEAGE)
    page.get_by_role("button", name="Materialize all").first.click()
    page.get_by_role("button", name="All", exact=True).click()
    page.get_by_text("3 partitions", exact=True).first.wait_for()
    see(page, "2-backfill-dialog")
    page.get_by_role("button", name="Launch backfill").click()
    page.get_by_role("button", name="Launch backfill").wait_for(state="hidden")
    page.goto(f"{site.url}/runs?view=backfills")
    page.get_by_text("Completed", exact=True).or_(
        page.get_by_text("Success", exact=True)
    ).first.wait_for()
    see(page, "3-backfill-done")
    states = site.states()
    assert {states[cue, asset] for cue in CUES for asset in GRAPH} == {"ready"}
    backfilled = [run for run in site.runs() if "dagster/backfill" in run["tags"]]
    assert {run["tags"]["dagster/partition"] for run in backfilled} == set(CUES)
    page.set_viewport_size({"width": 1900, "height": 1000})
    page.goto(site.url + LINEAGE)
    page.get_by_text("100% filled").nth(len(GRAPH) - 1).wait_for()
    page.mouse.move(1500, 200)  # where nothing is drawn: the graph is dragged below the tool bar
    page.mouse.down()
    page.mouse.move(1500, 290, steps=5)
    page.mouse.up()
    see(page, "4-lineage-after")


def test_every_asset_shows_its_picture(page, site):
    cue = CUES[0]
    pictures = {
        "tempo_map": "tempo and bars",
        "midi_events": "piano roll",
        "mel_features": "spectrograms",
        "final_mix_features": "mix against stems",
        "match_evidence": "tracks against stems",
        "llm_mappings": "notes above their sound",
    }
    for asset, name in pictures.items():
        open_partition(page, site, asset, cue)
        open_picture(page, name)
        see(page, f"5-{asset}")
    open_partition(page, site, "channel_groups", cue)
    page.get_by_text("grouping", exact=True).wait_for()
    see(page, "5-channel_groups")


def test_an_asset_explains_itself_and_its_columns(page, site):
    page.goto(f"{site.url}/assets/mel_features")
    page.get_by_text("Absolute dB re full scale").first.wait_for()
    page.get_by_text("n_mels", exact=True).first.wait_for()
    page.get_by_text("music-data").first.wait_for()
    see(page, "6-mel_features")


def test_checks_are_told_for_each_cue(page, site):
    page.goto(f"{site.url}/assets/midi_events?view=checks")
    page.get_by_text("notes_are_kept").first.wait_for()
    page.get_by_text("notes of the files are stored").first.wait_for()
    see(page, "7-checks")


def test_a_check_says_that_each_cue_is_current(page, site):
    page.goto(f"{site.url}/assets/llm_mappings?view=checks")
    page.get_by_text("is_current", exact=True).first.click()
    page.get_by_text("Every asset is of the files, the code, the settings").first.wait_for()
    see(page, "7-is-current")


def test_a_folder_dropped_into_the_library_is_run_by_itself(page, site):
    page.goto(f"{site.url}/automation")
    page.get_by_text("cue_folders").first.wait_for()
    see(page, "8-sensor")
    (site.incoming / LATE_CUE).parent.mkdir(parents=True)
    shutil.copytree(site.home / "demo" / LATE_CUE, site.incoming / LATE_CUE)

    def done():
        runs = site.runs_of(LATE_CUE, set())
        assert all(run["status"] != "FAILURE" for run in runs)
        return [run for run in runs if run["status"] == "SUCCESS"]

    site.wait_for(done, "the sensor to see the new folder and its run to end")
    page.goto(f"{site.url}/runs")
    page.get_by_text(LATE_CUE).first.wait_for()
    see(page, "9-run-of-the-new-folder")
    states = site.states()
    assert {states[LATE_CUE, asset] for asset in GRAPH} == {"ready"}


def test_a_changed_model_is_seen_as_unsynced_on_the_mapping_alone(page, site):
    site.stop()
    site.set(OPENAI_MODEL="gpt-4o-mini")
    site.start()
    stale = {key for key, state in site.states().items() if state == "stale"}
    assert stale == {(cue, "llm_mappings") for cue in (*CUES, LATE_CUE)}
    open_partition(page, site, "match_evidence", CUES[0])
    page.wait_for_timeout(3000)  # long enough for a badge to come, if there were one
    assert page.get_by_text("Unsynced").count() == 0
    open_partition(page, site, "llm_mappings", CUES[0])
    page.get_by_text("Unsynced").first.wait_for()
    see(page, "10-unsynced")


def test_a_run_that_hangs_is_terminated_and_leaves_what_was_there(page, site):
    states, before = site.states(), {run["id"] for run in site.runs()}
    MODEL_HANGS.set()
    MODEL_IS_ASKED.clear()
    try:
        open_partition(page, site, "llm_mappings", CUES[0])
        page.get_by_role("button", name="Materialize").first.click()
        page.get_by_role("button", name="Launch 1 run").click()
        site.wait_for(MODEL_IS_ASKED.is_set, "the run to ask the model")
        (run,) = site.runs_of(CUES[0], before)
        page.goto(f"{site.url}/runs/{run['id']}")
        page.get_by_role("button", name="Terminate").first.click()
        page.get_by_role("button", name="Terminate 1 run").click()
        page.get_by_text("Canceled", exact=True).first.wait_for()
        assert site.seconds_to_cancel(run["id"]) < 10
        see(page, "10-terminated")
    finally:
        MODEL_HANGS.clear()
    assert site.states() == states


def test_one_asset_is_made_again_for_one_cue(page, site):
    before = {run["id"] for run in site.runs()}
    open_partition(page, site, "llm_mappings", CUES[0])
    page.get_by_text("Unsynced").first.wait_for()
    page.get_by_role("button", name="Materialize").first.click()
    page.get_by_role("button", name="Launch 1 run").click()

    def done():
        new = site.runs_of(CUES[0], before)
        assert all(run["status"] != "FAILURE" for run in new)
        return [run for run in new if run["status"] == "SUCCESS"]

    (run,) = site.wait_for(done, "the run to end")
    assert run["assets"] == {"llm_mappings"}
    open_partition(page, site, "llm_mappings", CUES[0])
    page.get_by_text("gpt-4o-mini").first.wait_for()
    page.get_by_text("Unsynced").first.wait_for(state="hidden")
    see(page, "11-made-again")
    states = site.states()
    assert states[CUES[0], "llm_mappings"] == "ready"
    assert states[CUES[1], "llm_mappings"] == "stale"  # nothing costly runs by itself


def test_the_log_of_a_run_can_be_followed(page, site):
    run = next(r for r in site.runs() if r["tags"].get("dagster/partition") == LATE_CUE)
    page.goto(f"{site.url}/runs/{run['id']}")
    page.get_by_text("tracks matched").first.wait_for()
    see(page, "12-log")


def test_pictures_read_in_the_dark_theme_too(page, site):
    page.emulate_media(color_scheme="dark")
    open_partition(page, site, "match_evidence", CUES[0])
    open_picture(page, "tracks against stems")
    see(page, "13-dark")


def test_all_means_all_that_can_run_while_a_cue_is_gone(page, site):
    away = site.home / "away"
    shutil.move(site.base / CUES[2], away)
    assert f"gone: {CUES[2]}" in site.cli("process", "library", "--select", "tempo_map")
    there = {
        c["cue_key"] for c in json.loads(site.cli("cues", "list", "--state=present", "--json"))
    }
    assert CUES[2] not in there
    before = {run["id"] for run in site.runs()}
    page.goto(site.url + LINEAGE)
    page.get_by_role("button", name="Materialize all").first.click()
    page.get_by_role("button", name="All", exact=True).click()
    page.get_by_text(f"{len(there)} partitions", exact=True).first.wait_for()
    see(page, "14-all-that-can-run")
    page.get_by_role("button", name="Launch backfill").click()
    page.get_by_role("button", name="Launch backfill").wait_for(state="hidden")

    def done():
        new = [run for run in site.runs() if run["id"] not in before]
        assert all(run["status"] != "FAILURE" for run in new)
        ended = {r["tags"].get("dagster/partition") for r in new if r["status"] == "SUCCESS"}
        return ended - {None} == there  # the run that tells states is of no cue

    site.wait_for(done, "a run of each cue that is there to end well")
    shutil.move(away, site.base / CUES[2])
    site.cli("process", "library", "--select", "tempo_map")
    page.goto(partition_url(site, "tempo_map", CUES[2]))
    page.get_by_text("Latest materialization", exact=True).wait_for()
