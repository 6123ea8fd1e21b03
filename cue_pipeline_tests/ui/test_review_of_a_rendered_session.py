"""A hard session is decided by keys in a browser, and comes out in tables, export and windows.

Ten parts of a composed piece are rendered through a General MIDI sound font, three to a stem, with
leaks of -15 dB, reverberation, a wandering clock and 3.7 s of silence before; no name says
anything. The truth is known to the script as a listener knows it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import mido
import numpy as np
import pytest
import yaml

import cue_pipeline as cp
from benchmarks.compose import composed
from benchmarks.conditions import CONDITIONS
from benchmarks.stems import SR, Plan, stems_of
from cue_pipeline.training import Windows
from cue_pipeline_tests.cues import write_audio
from cue_pipeline_tests.ui.page_server import PageServer
from cue_pipeline_tests.ui.test_review_page import until
from cue_pipeline_tests.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

    from benchmarks.compose import Part

KEY = "Reel 5/5m02"
SECONDS = 40.0
(HARD,) = (c for c in CONDITIONS if c.name == "hard")
PARTS = composed(50_207, "score", seconds=SECONDS)[:10]
CLUMPS = [[0, 3, 6], [1, 4], [2, 8], [5, 7], [9]][: len(PARTS)]
TRUTH = {f"Part {p + 1}": f"Audio {3 * g + 2}_01" for g, of in enumerate(CLUMPS) for p in of}


def write_score(path: Path, parts: list[Part]) -> None:
    midi = mido.MidiFile(type=1, ticks_per_beat=960)
    for number, part in enumerate(parts):
        track = mido.MidiTrack([mido.MetaMessage("track_name", name=f"Part {number + 1}")])
        channel = 9 if part.is_drum else number % 9
        events = sorted(
            (round(at * 1920), kind, pitch, velocity)
            for start, length, pitch, velocity in part.notes
            for at, kind in ((start, 1), (start + length, 0))
        )
        now = 0
        for tick, kind, pitch, velocity in events:
            how = "note_on" if kind else "note_off"
            track.append(
                mido.Message(
                    how, channel=channel, note=pitch, velocity=velocity * kind, time=tick - now
                )
            )
            now = tick
        midi.tracks.append(track)
    path.parent.mkdir(parents=True)
    midi.save(path)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = Workspace(tmp_path_factory.mktemp("rendered"))
    write_score(made.base / KEY / "MIDI" / "5m02.mid", PARTS)
    plan = Plan(HARD, CLUMPS, set(), np.zeros(len(CLUMPS)), np.random.default_rng(7))
    stems = stems_of(plan, PARTS, [], made.home / "rendered")
    audio = {f"Audio {3 * g + 2}_01": 0.5 * y for g, y in enumerate(stems)}
    write_audio(made.base / KEY / "PT" / "Audio Files", audio, rate=SR)
    made.run("process", "library")
    return made


def test_what_is_decided_by_ear_is_in_tables_export_and_windows(
    session: Workspace, browser: Browser
) -> None:
    before = json.loads(session.run_stdout("mappings", KEY, "--json"))
    waiting = {row["track_name"] for row in before if row["state"] in ("review", "unmatched")}
    assert waiting
    with PageServer(session) as server:
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.goto(server.url)
        page.locator("html[data-ready]").wait_for()
        for done in range(len(waiting)):
            name = page.locator("#track h2").inner_text()
            names = page.locator("#candidates .name").all_inner_texts()
            place = names.index(TRUTH[name])
            if place:
                page.keyboard.press(str(place + 1))
            page.keyboard.press("Enter")
            page.locator("#progress", has_text=f"{done + 1} of {len(waiting)} decided").wait_for()
        page.get_by_text("Nothing waits for you").wait_for()
        until(
            lambda: server.ask("/api/remaking").get(KEY, {}).get("state") == "made", "the mappings"
        )
        assert server.stop() == 0
        page.close()

    rows = {r["track_name"]: r for r in json.loads(session.run_stdout("mappings", KEY, "--json"))}
    assert {rows[name]["state"] for name in waiting} == {"confirmed"}
    assert {name: rows[name]["canonical_name"] for name in waiting} == {
        name: TRUTH[name] for name in waiting
    }
    session.run("export", "slakh", "out", "--license", "none")
    (path,) = (session.home / "out").rglob("metadata.yaml")
    exported = {
        s["name"]: set(s["tracks"]) for s in yaml.safe_load(path.read_text())["stems"].values()
    }
    assert all(name in exported[TRUTH[name]] for name in waiting)

    url = f"sqlite:///{session.home / 'cue_pipeline.db'}"
    stems = cp.open_library(url)[KEY].stems
    windows = Windows.open(url, seconds=60.0, hop=60.0, fields=["onset"])
    begun = [i for i in range(len(windows)) if windows.where(i).first == 0]
    whole = {windows.where(i).stem: windows[i]["onset"] for i in begun}
    rate = SR / 512
    for name in waiting:
        onsets = whole[TRUTH[name]]
        notes = [n for n in PARTS[int(name.split()[1]) - 1].notes if n[0] < 55.0]
        # Known wander: 3.7 s of silence, 120 ppm, and at most 20 ms about it.
        due = [(start * (1 + 120e-6) + 3.7, pitch) for start, _, pitch, _ in notes]
        near = [
            onsets[round((at - 0.05) * rate) : round((at + 0.05) * rate) + 1, pitch].any()
            for at, pitch in due
        ]
        assert np.mean(near) > 0.95, (name, np.mean(near))
    assert set(stems) == set(TRUTH.values())
