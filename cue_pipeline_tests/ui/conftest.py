"""One site and one browser for all browser tests, which tell one story in order."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cue_pipeline_tests.mapping.chat_server import chat_server, completion
from cue_pipeline_tests.ui.site import CHECKOUT, PATIENCE_SECONDS, Site

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CUES = ("Reel 1/1m01 Opening Titles", "Reel 1/1m02 The Letter v2", "Reel 2/2m05a Chase")
LATE_CUE = "Reel 2/2m06s Radio"

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",  # CI runs as root, where Chromium's sandbox refuses to start
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("ui")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return the machine's Chromium; skip where there is none."""
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install -e '.[dev]'"
    )
    named = os.environ.get("CHROMIUM")
    found = named or next((p for n in CHROMIUM_NAMES if (p := shutil.which(n))), None)
    if found is None:
        pytest.skip(
            "no Chromium on this machine: apt-get install chromium, or set CHROMIUM to a browser"
        )
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Return a fresh page; its picture is kept if the test fails."""
    page = browser.new_page(viewport={"width": 1440, "height": 860})
    page.set_default_timeout(PATIENCE_SECONDS * 1000)
    failed_before = request.session.testsfailed
    yield page
    if request.session.testsfailed > failed_before:
        page.screenshot(path=artifacts() / f"failed-{request.node.name}.png")
    page.close()


def artifacts() -> Path:
    """Return where screenshots go; git ignores it, CI keeps it."""
    folder = CHECKOUT / "artifacts" / "ui"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


MODEL_HANGS, MODEL_IS_ASKED = threading.Event(), threading.Event()
"""A test sets the first to have the model give no answer; the second says that it was asked."""


def answer_by_letters(request: dict[str, Any], n: int) -> Any:
    """Answer as a chat model would: 'VLN I' is 'Violins 1', since its letters occur there."""
    MODEL_IS_ASKED.set()
    while MODEL_HANGS.is_set():
        time.sleep(0.1)
    asked = json.loads(request["messages"][1]["content"])
    tracks = []
    for track in asked["tracks"]:
        fitting = [g["index"] for g in asked["groups"] if _likely(g["name"], track["name"])]
        group = fitting[0] if fitting else None
        tracks.append(
            {"track": track["index"], "group": group, "category": None, "confidence": 0.9}
        )
    groups = [{"group": group["index"], "category": None} for group in asked["groups"]]
    return completion(json.dumps({"tracks": tracks, "groups": groups}))


def _likely(group: str, track: str) -> bool:
    words = [word for word in group.replace("_", " ").split() if word.isalpha()]
    letters = iter(track.casefold())
    return bool(words) and all(letter in letters for letter in words[0].casefold())


@pytest.fixture(scope="session")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return a site with three demonstration cues as partitions, of which little is made yet."""
    site = Site(tmp_path_factory.mktemp("site"))
    site.cli("demo", "demo")
    for key in CUES:
        (site.base / key).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(site.home / "demo" / key, site.base / key)
    with chat_server(answer_by_letters) as server:
        site.set(
            CUE_ROOT=str(site.incoming),
            CUE_SETTLE_SECONDS="1",
            OPENAI_API_KEY="sk-test",
            OPENAI_BASE_URL=server.url,
            OPENAI_MODEL="gpt-3.5-turbo",
        )
        site.cli("process", "library", "--select", "tempo_map")
        try:
            site.start()
            yield site
        finally:
            site.stop()
