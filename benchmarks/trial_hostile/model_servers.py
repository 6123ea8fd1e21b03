"""Servers in the place of the model's that hold, flood or lead astray whoever asks."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from benchmarks.trial_hostile.limited_site import Cases, Site, needed, within
from cue_pipeline_tests.cues import write_cue
from cue_pipeline_tests.mapping.chat_server import Reply, chat_server, completion
from cue_pipeline_tests.mapping.raw_server import headers, raw_server


def _model_case(misbehave: Callable[[socket.socket, threading.Event], None], *told: str,
                **env: str) -> Callable[[Site], str]:  # fmt: skip
    def case(site: Site) -> str:
        write_cue(site.base, "1m01")
        with raw_server(misbehave) as server:
            site.env = {
                "OPENAI_API_KEY": "sk-trial", "OPENAI_BASE_URL": server.url,
                "OPENAI_TIMEOUT_SECONDS": "3", "OPENAI_MAX_RETRIES": "1", **env,
            }  # fmt: skip
            began = time.monotonic()
            said = site.run("process", "library", expect=1)
            took = time.monotonic() - began
        within(said, "failed: 1m01: llm_mappings", *told)
        needed(took < 60, f"it took {took:.0f} s")
        lost = [asset for (_, asset), state in site.states().items() if state != "ready"]
        needed(lost == ["llm_mappings"], f"not ready: {lost}")
        return f"the asset fails: “{told[0]}”; the others stay"

    return case


def _drips(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(headers("connection: close"))
    while not over.wait(0.5):
        connection.sendall(b" ")


def _floods(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(headers("connection: close"))
    while not over.is_set():
        connection.sendall(b" " * 65536)


def _bombs(connection: socket.socket, _: threading.Event) -> None:
    body = gzip.compress(bytes(1 << 30), compresslevel=1)
    connection.sendall(headers("content-encoding: gzip", f"content-length: {len(body)}"))
    connection.sendall(body)


def _leads_elsewhere(connection: socket.socket, _: threading.Event) -> None:
    connection.sendall(
        headers("location: http://localhost:9/v1", "content-length: 0", status="307 Elsewhere")
    )


def useless_then_good(site: Site) -> str:
    write_cue(site.base, "1m01")

    def good(request: dict[str, Any], _: int) -> Reply:
        asked = json.loads(request["messages"][1]["content"])
        tracks = [{"track": t["index"], "group": 0, "category": "Strings", "confidence": 0.9}
                  for t in asked["tracks"]]  # fmt: skip
        return completion(json.dumps({"tracks": tracks, "groups": []}))

    entries = json.dumps({"tracks": [{"track": "x", "group": 0}] * 60_000})
    with chat_server([completion(entries)]) as server:
        site.env = {"OPENAI_API_KEY": "sk-trial", "OPENAI_BASE_URL": server.url}
        within(site.run("process", "library"), "'tracks' lists 60000 entries", "--ask-again")
    with chat_server(good) as server:
        site.env["OPENAI_BASE_URL"] = server.url
        site.run("process", "library", "--ask-again")
        needed(len(server.requests) == 1, f"asked {len(server.requests)} times")
        site.run("process", "library", "--ask-again")
        needed(len(server.requests) == 1, "paid for twice")
    return "the list is refused unread; another server is asked for itself, once"


CASES: Cases = {
    "model server: a space now and then, for ever": _model_case(
        _drips, "gave no answer within 3 s", OPENAI_CUE_SECONDS="20"
    ),
    "model server: an endless answer": _model_case(
        _floods, "sent an answer of more than 2 MiB", OPENAI_TIMEOUT_SECONDS="30"
    ),
    "model server: an answer that unpacks to 1 GiB": _model_case(
        _bombs, "sent an answer of more than 2 MiB", OPENAI_TIMEOUT_SECONDS="30"
    ),
    "model server: a redirect to another host": _model_case(
        _leads_elsewhere, "sends us on to another host"
    ),
    "model server: 60,000 entries, then a good server": useless_then_good,
}
