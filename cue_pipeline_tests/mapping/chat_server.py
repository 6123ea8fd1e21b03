"""A local server that speaks OpenAI's chat completions, and misbehaves as told."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Reply:
    """One HTTP answer; ``body`` a dict (sent as JSON) or raw text."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0


Script = Callable[[dict[str, Any], int], Reply]


def completion(content: str | None, **changes: Any) -> Reply:
    """A chat completion with `content`, shaped as OpenAI's API reference has it."""
    message = {"role": "assistant", "content": content, "refusal": changes.pop("refusal", None)}
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-3.5-turbo-0125",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
        **changes,
    }
    return Reply(body=body)


def failure(status: int, message: str, code: str | None = None, **headers: str) -> Reply:
    """An error, shaped as OpenAI's API reference has it."""
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    # The official client waits as long as this header says instead of its own backoff.
    return Reply(status, {"error": error}, {"retry-after-ms": "1", **headers})


@dataclass
class ChatServer:
    url: str
    requests: list[dict[str, Any]]
    headers: list[dict[str, str]]

    def data(self, n: int = 0) -> dict[str, Any]:
        """What request `n` says of the cue."""
        return json.loads(self.requests[n]["messages"][1]["content"])


@contextmanager
def chat_server(script: Script | list[Reply]) -> Iterator[ChatServer]:
    """Serve `script`: a function of the request and its number, or one reply after the other."""
    requests: list[dict[str, Any]] = []
    headers: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["content-length"])))
            requests.append({**request, "path": self.path})
            headers.append({k.lower(): v for k, v in self.headers.items()})
            n = len(requests) - 1
            reply = script(request, n) if callable(script) else script[min(n, len(script) - 1)]
            time.sleep(reply.delay_seconds)
            body = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
            try:
                self.send_response(reply.status)
                for key, value in {"content-type": "application/json", **reply.headers}.items():
                    self.send_header(key, value)
                self.send_header("content-length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())
            except (BrokenPipeError, ConnectionResetError):
                pass  # the client gave up, as some tests want

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield ChatServer(f"http://127.0.0.1:{server.server_port}/v1", requests, headers)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
