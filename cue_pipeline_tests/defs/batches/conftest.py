"""A server that speaks the protocol, the real client, real tables."""

import shutil

import pytest

from cue_pipeline.library.batches import Batches
from cue_pipeline.settings import read_settings
from cue_pipeline.warehouse.engine import create_engine
from cue_pipeline.warehouse.store import Store
from cue_pipeline_tests.defs.batches.asked_cues import fill
from cue_pipeline_tests.library.test_chat_model import KEY, first_group_for_all
from cue_pipeline_tests.mapping.batch_server import batch_server


@pytest.fixture
def server():
    with batch_server(lambda request, n: first_group_for_all(request, n)) as served:
        yield served


@pytest.fixture(scope="module")
def sqlite_library(sqlite_template, tmp_path_factory):
    """Three cues whose tracks have other ranges, so that each asks something of its own."""
    path = tmp_path_factory.mktemp("batches") / "library.db"
    shutil.copy(sqlite_template, path)
    engine = create_engine(f"sqlite:///{path}")
    fill(Store(engine))
    engine.dispose()
    return path


@pytest.fixture
def library(store, sqlite_library):
    """The same three cues on each engine."""
    if store.engine.dialect.name == "sqlite":
        shutil.copy(sqlite_library, store.engine.url.database)
    else:
        fill(store)
    return store


@pytest.fixture(scope="module")
def rows_read():
    """What was read of the three cues, which no test changes; half of the time went there."""
    return {}


@pytest.fixture
def settings(server, rows_read, monkeypatch, tmp_path):
    read = Store.read

    def read_once(self, key, table):
        if (key, table) not in rows_read:
            rows_read[key, table] = read(self, key, table)
        return rows_read[key, table].copy()

    monkeypatch.setattr(Store, "read", read_once)
    # The server speaks plain HTTP: 30 ms a client for the certificates of the world are spared.
    monkeypatch.setattr("ssl.SSLContext.load_verify_locations", lambda *args, **kwargs: None)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setenv("OPENAI_MODEL", "gpt-4o-mini")
    monkeypatch.setenv("OPENAI_MAX_RETRIES", "0")
    return read_settings()


@pytest.fixture
def batches(library, settings):
    return Batches(library, settings)
