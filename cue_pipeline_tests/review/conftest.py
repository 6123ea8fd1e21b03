"""The processed demonstration cues with a database that tests may write to, and the page on it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from cue_pipeline.reading import Library, open_library
from cue_pipeline.review.app import Review, create_app
from cue_pipeline.review.guard import Admission
from cue_pipeline.review.remaking import Remaker
from cue_pipeline.warehouse.opening import open_store
from cue_pipeline.warehouse.store import Store

ORIGIN = "http://testserver"


@pytest.fixture
def demo_url(processed_demo: Path, tmp_path: Path) -> str:
    """Return the database of the demonstration cues, a copy."""
    for file in processed_demo.glob("cue_pipeline.db*"):
        shutil.copy(file, tmp_path / file.name)
    return f"sqlite:///{tmp_path / 'cue_pipeline.db'}"


@pytest.fixture
def demo(demo_url: str) -> Library:
    return open_library(demo_url)


@pytest.fixture
def store(demo_url: str) -> Store:
    return open_store(demo_url)


@pytest.fixture
def followed() -> list[str]:
    """Return the cues of which the page has the mappings made again, in order."""
    return []


@pytest.fixture
def page(demo: Library, store: Store, followed: list[str]) -> Iterator[TestClient]:
    """Return a client of the page's server; what it writes comes from the page itself."""

    def follow(keys: object) -> dict[str, str]:
        followed.extend(keys)  # type: ignore[call-overload]
        return {}

    remaker = Remaker(follow)
    with client(Review(demo, store, remaker, "Anna")) as found:
        yield found
    remaker.close()


def client(review: Review, *, read_only: bool = False) -> TestClient:
    app = create_app(review, Admission({"testserver"}, read_only=read_only))
    return TestClient(app, base_url=ORIGIN, headers={"origin": ORIGIN})


@pytest.fixture
def open_page() -> Callable[..., TestClient]:
    return client
