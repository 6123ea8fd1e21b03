"""A stand-in for a chat model, which knows the truth and tells it as often as it is told to.

No real model can be had where benchmarks run without a key. What a model adds is then shown for
answers of a known quality, by the way that real ones come: the official client asks a server on
this machine, and the product reads, validates and weighs what it says.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import numpy as np
from pydantic import SecretStr

from cue_pipeline.mapping.model.chat import ChatModel
from cue_pipeline.mapping.model.server import ModelServer

CONFIDENCE = 0.9  # always sure of itself, as chat models are


def told(rng: np.random.Generator, truth: int | None, n_groups: int, right: float) -> int | None:
    """Return the group that a model says which is right so often, else any other, or none."""
    others = [g for g in (None, *range(n_groups)) if g != truth]
    if rng.random() < right or not others:
        return truth
    return others[int(rng.integers(len(others)))]


class StandIn:
    """What the stand-in knows of the cue that it is asked about.

    Attributes
    ----------
    right : float
        Share of tracks of which it tells the truth, 0..1.
    truth : list of int or None
        The group of each track, both by position; None: in no group.
    n_groups : int
        How many groups there are.
    """

    def __init__(self, right: float) -> None:
        self.right = right
        self.truth: list[int | None] = []
        self.n_groups = 0
        self._rng = np.random.default_rng(77)

    def content(self, request: dict[str, Any]) -> str:
        """Return the answer to one request, the JSON that a model would write."""
        asked = json.loads(request["messages"][1]["content"])
        tracks = [
            {
                "track": track["index"],
                "group": told(self._rng, self.truth[track["index"]], self.n_groups, self.right),
                "category": None,
                "confidence": CONFIDENCE,
            }
            for track in asked["tracks"]
        ]
        groups = [{"group": group["index"], "category": None} for group in asked["groups"]]
        return json.dumps({"tracks": tracks, "groups": groups})


@contextmanager
def standing_in(knows: StandIn) -> Iterator[ChatModel]:
    """Yield the product's model, asking a server on this machine that answers as it is told."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["content-length"])))
            message = {"role": "assistant", "content": knows.content(request)}
            body = {
                "id": "chatcmpl-0", "object": "chat.completion", "created": 0,
                "model": request["model"],
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
            }  # fmt: skip
            sent = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *args: Any) -> None:
            """Say nothing of every request."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/v1"
        try:
            yield ChatModel(
                ModelServer(SecretStr("none"), base_url=url, timeout_seconds=30.0, max_retries=2),
                model="gpt-4o-mini",
            )
        finally:
            server.shutdown()
            thread.join()
