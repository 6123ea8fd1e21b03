"""The model in the pipeline: asked once per cue, cached, and no secret ever written anywhere."""

import json
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from cue_pipeline.warehouse.engine import create_engine
from cue_pipeline_tests.cues import write_cue
from cue_pipeline_tests.mapping.chat_server import chat_server, completion, failure
from cue_pipeline_tests.workspace import Workspace

KEY = "sk-test-2f9c1e0b7d6a4e"


def first_group_for_all(request, n):
    """An answer as a model gives it: every track in the group of the same place."""
    asked = json.loads(request["messages"][1]["content"])
    tracks = [
        {"track": i, "group": i, "category": "Strings" if i == 0 else "Brass", "confidence": 0.9}
        for i, _ in enumerate(asked["tracks"])
    ]
    groups = [
        {"group": i, "category": "Strings" if i == 0 else "Brass", "confidence": 0.9}
        for i, _ in enumerate(asked["groups"])
    ]
    return completion(json.dumps({"tracks": tracks, "groups": groups}))


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path)


def asks(workspace: Workspace, url: str, model: str = "gpt-3.5-turbo") -> None:
    workspace.env |= {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": url, "OPENAI_MODEL": model}


def files_that_hold(folder: Path, secret: str) -> list[str]:
    return [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and secret.encode() in path.read_bytes()
    ]


@pytest.mark.slow
def test_the_model_is_asked_once_per_cue_and_paid_for_once(workspace):
    write_cue(workspace.base, "1m01")
    write_cue(workspace.base, "1m02")
    with chat_server(first_group_for_all) as server:
        asks(workspace, server.url)
        workspace.run("process", "library")
        assert len(server.requests) == 2
        workspace.run("process", "library", "--force", "--select", "llm_mappings")
        assert len(server.requests) == 2
        mappings = workspace.table("track_mappings")
        assert set(mappings.model) == {"gpt-3.5-turbo"}
        assert len(workspace.table("llm_calls")) == 2


@pytest.mark.slow
def test_a_changed_model_recomputes_the_mapping_and_nothing_else(workspace):
    write_cue(workspace.base, "1m01")
    with chat_server(first_group_for_all) as server:
        asks(workspace, server.url)
        workspace.run("process", "library")
        before = workspace.table("cue_assets").set_index("asset").finished_at
        asks(workspace, server.url, "gpt-4o-mini")
        stale = {asset for (_, asset), state in workspace.states().items() if state == "stale"}
        assert stale == {"llm_mappings"}
        workspace.run("process", "library")
    after = workspace.table("cue_assets").set_index("asset").finished_at
    assert set(after.index[after != before]) == {"llm_mappings"}
    assert set(workspace.table("track_mappings").model) == {"gpt-4o-mini"}


@pytest.mark.slow
def test_a_cue_without_a_usable_answer_is_asked_about_again_by_wish_alone(workspace):
    write_cue(workspace.base, "1m01")
    with chat_server([completion("Sorry.")]) as server:
        asks(workspace, server.url)
        output = workspace.run("process", "library")
        assert "--ask-again" in output
        n_asked = len(server.requests)
    with chat_server(first_group_for_all) as server:
        asks(workspace, server.url)
        workspace.run("process", "library")
        assert server.requests == []
        workspace.run("process", "library", "--ask-again")
        assert len(server.requests) == 1
        workspace.run("process", "library", "--ask-again")
        assert len(server.requests) == 1
    assert len(workspace.table("llm_calls")) == n_asked + 1
    assert set(workspace.table("track_mappings").prompt_sha256.notna()) == {True}


@pytest.mark.slow
def test_a_key_that_is_refused_fails_that_asset_alone_and_is_written_nowhere(workspace):
    write_cue(workspace.base, "1m01")
    # OpenAI's own text repeats part of the key; a careless server repeats all of it.
    refused = failure(401, f"Incorrect API key provided: {KEY}.", "invalid_api_key")
    with chat_server([refused]) as server:
        asks(workspace, server.url)
        output = workspace.run("process", "library", expect=1)
    states = workspace.states()
    assert states.pop(("1m01", "llm_mappings")) == "failed", output
    assert set(states.values()) == {"ready"}
    assert "OPENAI_API_KEY" in output
    assert KEY not in output
    assert files_that_hold(workspace.home, KEY) == []


@pytest.mark.slow
def test_the_database_password_is_written_nowhere(workspace, postgres_server, postgres_admin):
    password = "pw-8d1f7b2c!x"
    with postgres_admin.connect() as connection:
        connection.exec_driver_sql("DROP ROLE IF EXISTS cue_secret")
        connection.exec_driver_sql(f"CREATE ROLE cue_secret LOGIN SUPERUSER PASSWORD '{password}'")
        connection.exec_driver_sql("DROP DATABASE IF EXISTS cue_secret")
        connection.exec_driver_sql("CREATE DATABASE cue_secret OWNER cue_secret")
    url = sa.make_url(postgres_server).set(
        username="cue_secret", password=password, database="cue_secret"
    )
    text = url.render_as_string(hide_password=False)
    try:
        write_cue(workspace.base, "1m01")
        broken = write_cue(workspace.base, "1m02")
        next((broken / "MIDI").iterdir()).write_text("no MIDI")
        workspace.env["DATABASE_URL"] = text
        output = workspace.run("process", "library", expect=1)
        output += workspace.run("status") + workspace.run("db", "current")
        engine = create_engine(text)
        with engine.connect() as connection:
            ledger = pd.read_sql(sa.text("select * from cue_assets"), connection)
        engine.dispose()
        assert set(ledger.state) == {"ready", "failed"}
        workspace.env["DATABASE_URL"] = text.replace("/cue_secret", "/no_such_database")
        output += workspace.run("process", "library", expect=2)
    finally:
        with postgres_admin.connect() as connection:
            connection.exec_driver_sql("DROP DATABASE IF EXISTS cue_secret WITH (FORCE)")
            connection.exec_driver_sql("DROP ROLE IF EXISTS cue_secret")
    assert password not in output
    assert password not in ledger.to_csv()
    assert files_that_hold(workspace.home, password) == []
