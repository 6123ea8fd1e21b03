"""A person decides by eye and ear, in a real browser, and what is decided comes out at the end.

The cue is made so that nothing but ears can decide: five melodies, each doubled in unison by a
second track; ten stems without a telling name, bright ones and dull ones. The program hears which
two stems hold a melody, and cannot know which of the two tracks is the bright one.
"""

from __future__ import annotations

import json
import re
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
import pytest
import soundfile as sf
import soxr
import yaml

import cue_pipeline as cp
from cue_pipeline.mapping.categories import INSTRUMENT_CATEGORIES
from cue_pipeline.training import Windows
from cue_pipeline_tests.cues import RATE, write_audio, write_midi
from cue_pipeline_tests.ui.conftest import artifacts
from cue_pipeline_tests.ui.page_server import PageServer
from cue_pipeline_tests.ui.page_speed import (
    frames_while_playing,
    most_memory_mb,
    seconds_until_first_picture,
    seconds_until_heard,
)
from cue_pipeline_tests.workspace import Workspace

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

KEY = "Reel 4/4m01 Unison"
MELODIES, NOTES = 5, 24
SECONDS = 22.0
TRUTH = {f"Part {i + 1}": f"Audio {(i * 7) % 10 + 1}_01" for i in range(2 * MELODIES)}

NAMELESS = """[...document.querySelectorAll("button, input, select, canvas")]
  .filter((e) => !(e.textContent.trim() || e.ariaLabel || e.ariaHidden || e.title))
  .filter((e) => !e.labels?.length)
  .map((e) => e.outerHTML)"""

RECORDER = """
const source = `registerProcessor("recorder", class extends AudioWorkletProcessor {
  process([input]) {
    if (input.length) this.port.postMessage([currentFrame, ...input.map((ear) => Array.from(ear))]);
    return true;
  }
})`;
const module = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
const heard = window.heard = { blocks: [] };
const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (to, ...more) {
  if (to instanceof AudioDestinationNode) {
    const { context } = this;
    context.tap ??= new GainNode(context);
    heard.ready ??= context.audioWorklet.addModule(module).then(() => {
      const recorder = new AudioWorkletNode(context, "recorder", { numberOfOutputs: 0 });
      recorder.port.onmessage = (event) => heard.blocks.push(event.data);
      connect.call(context.tap, recorder);
    });
    connect.call(this, context.tap, ...more);
  }
  return connect.call(this, to, ...more);
};
"""


def recorded(page: Page) -> tuple[int, np.ndarray]:
    """Return from which sample of the context on something was heard, and both ears from there."""
    blocks = page.evaluate("heard.blocks")
    first = blocks[0][0]
    out = np.zeros((2, blocks[-1][0] + 128 - first), np.float32)
    for frame, *ears in blocks:
        out[:, frame - first : frame - first + 128] = ears
    return first, out


def melody(number: int) -> list[tuple[int, int, int]]:
    """Return notes as `write_midi` takes them; at its tempos, 24 of them last 20 s."""
    random = np.random.default_rng(number)
    starts = np.sort(random.choice(np.arange(100), NOTES, replace=False)) * 120
    pitches = 45 + 9 * number + random.integers(0, 9, NOTES)
    return [(int(start), int(pitch), 110) for start, pitch in zip(starts, pitches, strict=True)]


def seconds_at(tick: float) -> float:
    """Return when a tick of `write_midi` is: ♩ = 120 for three beats, then ♩ = 80."""
    beats = tick / 480
    return min(beats, 3.0) * 0.5 + max(0.0, beats - 3.0) * 0.75


def stem(notes: list[tuple[int, int, int]], harmonics: int) -> np.ndarray:
    out = np.zeros(round(SECONDS * RATE), np.float32)
    for start, pitch, _ in notes:
        first = round(seconds_at(start) * RATE)
        t = np.arange(min(RATE, len(out) - first)) / RATE
        hz = 440.0 * 2 ** ((pitch - 69) / 12)
        tones = sum(np.sin(2 * np.pi * hz * k * t) / k for k in range(1, harmonics + 1))
        out[first : first + len(t)] += (0.12 * np.exp(-4 * t) * tones).astype(np.float32)
    return out


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = Workspace(tmp_path_factory.mktemp("review"))
    cue = made.base / KEY
    parts = {f"Part {i + 1}": melody(i // 2) for i in range(2 * MELODIES)}
    write_midi(cue / "MIDI" / "4m01.mid", parts)
    audio = {
        TRUTH[name]: stem(notes, harmonics=2 if i % 2 else 9)
        for i, (name, notes) in enumerate(parts.items())
    }
    write_audio(cue / "PT" / "Audio Files", audio)
    made.run("process", "library")
    return made


@pytest.fixture(scope="module")
def server(library: Workspace) -> Iterator[PageServer]:
    with PageServer(library) as server:
        yield server
        assert server.stop() == 0


@pytest.fixture
def look(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Return what opens the page; nothing it says on the console and no address is let pass."""
    complaints: list[str] = []
    expected: list[str] = []
    opened: list[Page] = []

    def open_page(
        server: PageServer,
        path: str = "",
        *,
        expect: str | None = None,
        script: str = "",
        **options: Any,
    ) -> Page:
        expected.extend([expect] if expect else [])
        page = browser.new_page(viewport={"width": 1280, "height": 720}, **options)
        page.set_default_timeout(60_000)
        page.add_init_script(script)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None,
        )
        page.on(
            "request",
            lambda r: None if r.url.startswith(server.url) else complaints.append(r.url),
        )
        page.goto(f"{server.url}{path}")
        page.locator("html[data-ready]").wait_for()
        opened.append(page)
        return page

    yield open_page
    for i, page in enumerate(opened):
        page.screenshot(path=artifacts() / f"review-{i}.png")
        page.close()
    assert [c for c in complaints if not any(words in c for words in expected)] == []


def until(true: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := true():
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds} s for {what}")


def test_what_is_played_is_what_the_file_holds(look, server, library):
    page = look(server, script=RECORDER, bypass_csp=True)  # the page lets no recorder in
    name = page.locator("#candidates [aria-checked=true] .name").inner_text()
    page.keyboard.press("Space")
    until(lambda: page.evaluate("heard.blocks.length > 3 * 44100 / 128"), "three seconds of sound")
    deck = page.evaluate(
        "import('/page/main.js').then(({ player: p }) => "
        "({ own: p.decks[0].own, at: p.decks[0].startsAt, rate: p.context.sampleRate }))"
    )
    page.keyboard.press("Space")
    began, (left, right) = recorded(page)
    rate = int(deck["rate"])
    y, _ = sf.read(library.base / KEY / "PT" / "Audio Files" / f"{name}.wav", dtype="float32")
    expected = soxr.resample(y, RATE, rate, quality="HQ")
    # A second that is heard whole, from half a second after the start on.
    first, due = (round((deck[of] + 0.5) * rate) for of in ("at", "own"))
    part, peer = left[first - began :][:rate], expected[due:][:rate]
    gain = float(part @ peer / (peer @ peer))
    assert np.abs(peer).max() > 0.01
    assert np.abs(part - gain * peer).max() < 3 / 32767
    # The other ear has the voice, and nothing of the stem.
    assert np.abs(right).max() > 0.01
    assert page.locator("#clock").inner_text().count("bar") == 1


def open_first_decided(page):
    """Open the first of the tracks that were decided, all ten of them; return its name."""
    page.locator("[name=state]").select_option("decided")
    until(lambda: page.evaluate("document.querySelectorAll('#queue .decided').length") == 10, "all")
    first = page.locator("#queue button").first
    name = first.inner_text().splitlines()[0]
    first.click()
    until(lambda: page.locator("#track h2").inner_text() == name, "the track")
    return name


def test_ten_decisions_are_made_by_keys(look, server, library):
    page = look(server)
    assert page.locator("#progress").inner_text() == "0 of 10 decided"
    began = time.monotonic()
    for done in range(10):
        progress = f"{done + 1} of 10 decided"
        name = page.locator("#track h2").inner_text()
        if not done:  # of one track, its category too
            page.keyboard.press("/")
            page.keyboard.type("Bra")
            page.keyboard.press("Enter")
            page.get_by_text(f"{name}: Brass. Its stem is still to be decided").wait_for()
        names = page.locator("#candidates .name").all_inner_texts()
        choice = names.index(TRUTH[name])
        if choice:
            page.keyboard.press(str(choice + 1))
        page.keyboard.press("Enter")
        page.locator("#progress", has_text=progress).wait_for()
        if done < 9:
            page.locator("#track h2", has_not_text=re.compile(f"^{name}$")).wait_for()
    took = time.monotonic() - began
    (artifacts() / "review-ten-decisions.txt").write_text(f"{took:.1f} s\n")
    assert took < 15
    page.get_by_text("Nothing waits for you").wait_for()
    # Leaving the cue had its mappings made again, once.
    until(lambda: server.ask("/api/remaking").get(KEY, {}).get("state") == "made", "the mappings")
    rows = json.loads(library.run_stdout("mappings", KEY, "--json"))
    assert {row["track_name"]: row["canonical_name"] for row in rows} == TRUTH
    assert {row["state"] for row in rows} == {"confirmed"}
    log = json.loads(library.run_stdout("mappings", "log", KEY, "--json"))
    assert {change["decided_by"] for change in log} == {"Anna"}
    assert len(log) == 11


def test_the_decisions_are_in_the_export_and_in_the_training_windows(library):
    """Nobody but a person could know which of two tracks in unison is in which stem."""
    (brass,) = {
        row["canonical_name"]
        for row in json.loads(library.run_stdout("mappings", KEY, "--json"))
        if row["instrument_category"] == "Brass"
    }
    library.run("export", "slakh", "out", "--license", "none")
    (path,) = (library.home / "out").rglob("metadata.yaml")
    stems = list(yaml.safe_load(path.read_text())["stems"].values())
    assert {s["name"]: s["tracks"] for s in stems} == {s: [t] for t, s in TRUTH.items()}
    assert {s["name"] for s in stems if s["instrument_category"] == "Brass"} == {brass}
    url = f"sqlite:///{library.home / 'cue_pipeline.db'}"
    windows = Windows.open(url, seconds=5.0, hop=5.0, fields=["roll", "complete", "category"])
    found = [(windows.where(i).stem, windows[i]) for i in range(len(windows))]
    assert {stem for stem, window in found if window["roll"].any()} == set(TRUTH.values())
    at = INSTRUMENT_CATEGORIES.index("Brass")
    assert {stem for stem, window in found if window["category"] == at} == {brass}
    heard_in = {stem: set() for stem in TRUTH.values()}
    notes = cp.open_library(url)[KEY].heard_notes()
    for row in notes.itertuples():
        heard_in[row.stem].add(row.track_name)
    assert heard_in == {stem: {track} for track, stem in TRUTH.items()}


def test_what_was_decided_is_looked_at_changed_and_taken_back(look, server, library):
    page = look(server)
    name = open_first_decided(page)
    page.keyboard.press("0")
    page.get_by_text(f"{name}: no stem.").wait_for()
    page.keyboard.press("u")
    page.get_by_text(f"Taken back: {name}.").wait_for()
    assert server.ask("/api/queue?state=decided")["decided"] == 10
    page.keyboard.press("Shift+B")
    page.locator("#category-list [role=option]", has_text="Brass").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("v")
    page.get_by_role("dialog").get_by_text("how well each track fits").wait_for()
    assert page.locator("#cue tbody tr").count() == 10
    # What is looked at has the focus; Space plays there too, and chooses nothing.
    chosen = page.locator("#candidates [aria-checked=true] .name").inner_text()
    assert page.locator("#cue td button:focus").get_attribute("title").count(f"in {chosen}:") == 1
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    page.get_by_text("■ Stop").wait_for()
    assert page.get_by_role("dialog").is_visible()
    page.keyboard.press("Space")
    page.get_by_text("▶ Play").wait_for()
    page.keyboard.press("Enter")
    until(lambda: not page.get_by_role("dialog").is_visible(), "the table to close")
    until(lambda: page.locator("#track h2").inner_text() == name, "the pair")


def test_what_another_decides_meanwhile_is_told(look, server, library):
    page = look(server, expect="409 (Conflict)")
    name = open_first_decided(page)
    other = look(server)
    other.locator("#who input").fill("Béla")
    other.locator("[name=state]").select_option("decided")
    other.locator("#queue button", has_text=name).first.click()
    until(lambda: other.locator("#track h2").inner_text() == name, "the same track")
    other.keyboard.press("0")
    other.get_by_text(f"{name}: no stem.").wait_for()
    page.locator("#picture").focus()
    page.keyboard.press("Enter")
    page.locator("#message", has_text="Béla").wait_for()
    other.keyboard.press("u")
    other.get_by_text(f"Taken back: {name}.").wait_for()


def test_the_mouse_alone_does_it_too_in_the_dark(look, server):
    page = look(server, f"/#cue={quote(KEY, safe='')}", color_scheme="dark")
    assert page.locator("[name=cue]").input_value() == KEY  # as Dagster's pages link to it
    page.locator("[name=state]").select_option("all")
    page.locator("#queue button").nth(3).click()
    page.locator("#candidates button").nth(1).click()
    assert page.locator("#candidates button").nth(1).get_attribute("aria-checked") == "true"
    box = page.locator("#picture").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.7, box["y"] + 60)
    until(lambda: "0:00.0" not in page.locator("#clock").inner_text(), "the playhead")
    page.get_by_role("button", name="▶ Play").click()
    page.get_by_role("button", name="■ Stop").click()
    page.get_by_role("button", name="? Help").click()
    page.get_by_role("dialog").get_by_text("play or stop").wait_for()
    page.get_by_role("button", name="Close", exact=True).click()
    # All of it is seen at 1280 × 720, and whatever can be used has a name.
    assert page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    ) == [1280, 720]
    assert page.evaluate(NAMELESS) == []


def test_a_server_that_is_gone_is_told_and_the_catalogue_writes_nothing(look, library):
    with PageServer(library, "--read-only") as catalogue:
        page = look(catalogue, expect="ERR_CONNECTION_REFUSED")
        page.locator("#track h2").wait_for()
        assert page.get_by_role("button", name="Accept").count() == 0
        assert page.title() == "Catalogue"
        assert catalogue.stop() == 0
        page.keyboard.press("v")
        page.get_by_role("alert").get_by_text("does not answer").wait_for()


@pytest.mark.parametrize(
    ("lost", "cure"),
    [("", "start `cue-pipeline review --root DIR`"), ("PT/Audio Files", "cannot be read")],
)
def test_sound_that_is_away_is_told_and_the_picture_stays(look, server, library, lost, cure):
    page = look(server, "/#state=all", expect="410 (Gone)")
    seconds_until_first_picture(page)
    there = library.base / KEY / lost
    away = there.rename(library.home / "away")
    try:
        page.keyboard.press("Space")
        page.locator("#message.doubt", has_text=cure).wait_for()
        page.get_by_text("▶ Play").wait_for()
        assert page.locator("#track h2").is_visible()
    finally:
        away.rename(there)
    seconds_until_heard(page, "Space")


def test_sound_and_picture_come_at_once_and_frames_leave_room(look, server):
    """The best of some tries, and twice the bars: the slow tests run beside this one.

    ``python -m benchmarks.bench_review --bars`` holds the bars themselves, on a quiet machine. Of
    the frames, what is held is the processor time: it leaves two fifths of each 60th.
    """
    pictures, sounds, switches = [], [], []
    for _ in range(6):
        page = look(server, "/#state=all")
        pictures.append(seconds_until_first_picture(page))
        sounds.append(seconds_until_heard(page, "Space"))
        switches += [seconds_until_heard(page, key) for key in "234"]
        if min(pictures) < 1.0 and min(sounds) < 1.0 and min(switches) < 0.2:
            break
        page.keyboard.press("Space")
    frames, _, worked = frames_while_playing(page, 2.0)
    told = f"{min(pictures):.2f} {min(sounds):.2f} {min(switches):.3f} s, {worked / frames:.4f} s"
    (artifacts() / "review-speed.txt").write_text(f"{told} a frame\n")
    assert min(pictures) < 2.0
    assert min(sounds) < 2.0
    assert min(switches) < 0.4
    assert worked / frames < 0.6 / 60


def test_four_listeners_leave_the_server_small(server):
    stems = server.ask(f"/api/cue?cue={quote(KEY, safe='')}")["stems"]

    def listen(stem):
        for second in range(20):
            first = 44 + second * 44_100 * 4
            request = urllib.request.Request(
                f"{server.url}/sound/stem/{stem['id']}.wav?rate=44100&cue={quote(KEY, safe='')}",
                headers={"range": f"bytes={first}-{first + 44_100 * 4 - 1}"},
            )
            with urllib.request.urlopen(request, timeout=60) as response:
                assert len(response.read()) == 44_100 * 4

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(listen, stems[:4]))
    assert most_memory_mb(Path(f"/proc/{server.process.pid}/status")) < 300


def test_the_clock_is_stated_by_dragging_the_notes(look, server, library):
    page = look(server, "/#state=all")
    box = page.locator("#picture").bounding_box()
    per_pixel = page.evaluate("import('/page/main.js').then(({ picture: p }) => p.span / p.width)")
    x, y = box["x"] + box["width"] / 2, box["y"] + 80
    page.keyboard.down("Alt")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 20, y, steps=4)
    page.mouse.up()
    page.keyboard.up("Alt")
    told = page.locator("#told", has_text="Notes and bars are moved by +").inner_text()
    moved = float(re.search(r"moved by \+([\d.]+) s", told)[1])
    assert abs(moved - 20 * per_pixel) < 2 * per_pixel
    page.get_by_role("button", name="State this clock for all stems").click()
    page.get_by_text("Stated: the score begins").wait_for()
    (row,) = json.loads(library.run_stdout("align", "show", KEY, "--json"))["stated"]
    assert (row["decided_by"], row["stem"]) == ("Anna", "")
    # The cue was written without a lag.
    assert abs(row["lag_seconds"] - moved) < 0.03
    state = until(
        lambda: (s := server.ask("/api/remaking").get(KEY, {}).get("state")) in ("made", "later")
        and s, "the stems to be heard anew", 120,
    )  # fmt: skip
    assert state == "made"
