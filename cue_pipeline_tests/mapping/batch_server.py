"""A local server that speaks OpenAI's files, batches and chat completions.

Written after OpenAI's guide "Batch API" and the reference of Files and Batch, by which it also
refuses: what it takes is what they say that a batch's file must be. It answers when a test says so.
"""

import email.parser
import email.policy
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

from cue_pipeline_tests.mapping.chat_server import Reply, completion, failure

Answer = Callable[[dict[str, Any], int], Reply | None]
ENDPOINT = "/v1/chat/completions"

LOST = Reply(status=-1)
"""What is in the way where the work is done, and the answer gets lost."""


def batch_object(n: int, request: dict[str, Any]) -> dict[str, Any]:
    """A new batch, with every field of the reference's example."""
    moments = ("in_progress", "finalizing", "completed", "failed", "expired", "cancelling")
    return {
        "id": f"batch_{n:04}",
        "object": "batch",
        "endpoint": request["endpoint"],
        "errors": None,
        "input_file_id": request["input_file_id"],
        "completion_window": request["completion_window"],
        "status": "validating",
        "output_file_id": None,
        "error_file_id": None,
        "created_at": 4_000_000_000 + n,
        "expires_at": 4_000_086_400 + n,
        **{f"{moment}_at": None for moment in (*moments, "cancelled")},
        "request_counts": {"total": 0, "completed": 0, "failed": 0},
        "metadata": request.get("metadata"),
    }


@dataclass
class BatchServer:
    """What the server holds, open to the tests."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    live: list[dict[str, Any]] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    in_the_way: Callable[[str, str], Reply | None] = lambda method, path: None
    answer: Answer = lambda request, n: completion("{}")

    def asked(self, batch_id: str) -> list[dict[str, Any]]:
        """The lines of a batch's input file."""
        return lines_of(self.files[self.batches[batch_id]["input_file_id"]])

    def finish(self, answer: Answer | None = None, status: str = "completed") -> None:
        """Answer every open batch, last line first; what ``answer`` has no reply to expires."""
        for batch in self.batches.values():
            if batch["status"] in ("validating", "in_progress", "cancelling"):
                self._finish(batch, answer or self.answer, status)

    def _finish(self, batch: dict[str, Any], answer: Answer, status: str) -> None:
        output, errors = [], []
        for n, line in reversed(list(enumerate(self.asked(batch["id"])))):
            reply = answer(line["body"], n)
            entry = {"id": f"batch_req_{n}", "custom_id": line["custom_id"]}
            if reply is None:
                words = "This request could not be executed before the completion window expired."
                error = {"code": "batch_expired", "message": words}
                errors.append({**entry, "response": None, "error": error})
                continue
            response = {"status_code": reply.status, "request_id": "req_1", "body": reply.body}
            done = output if reply.status == 200 else errors
            done.append({**entry, "response": response, "error": None})
        for name, entries in (("output_file_id", output), ("error_file_id", errors)):
            if entries:
                batch[name] = self.add("".join(json.dumps(e) + "\n" for e in entries).encode())
        batch["status"] = status
        total = len(output) + len(errors)
        batch["request_counts"] = {
            "total": total,
            "completed": len(output),
            "failed": len(errors),
        }

    def add(self, content: bytes) -> str:
        file_id = f"file-{len(self.files):04}"
        self.files[file_id] = content
        return file_id

    def post(self, path: str, content_type: str, body: bytes) -> Reply:
        if path == "/v1/files":
            return self._upload(*uploaded(content_type, body))
        request = json.loads(body or b"{}")
        if path == "/v1/batches":
            return self._create(request)
        if path == ENDPOINT:
            self.live.append(request)
            return self.answer(request, len(self.live) - 1) or failure(500, "no answer")
        batch = self.batches.get(path.removeprefix("/v1/batches/").removesuffix("/cancel"))
        if batch is None or not path.endswith("/cancel"):
            return failure(404, f"No such object: {path}")
        batch["status"] = "cancelling"
        return Reply(body=batch)

    def get(self, path: str, query: dict[str, list[str]]) -> Reply | bytes:
        if path == "/v1/batches":
            return self._page(query)
        kind, _, name = path.removeprefix("/v1/").partition("/")
        if kind == "batches" and name in self.batches:
            return Reply(body=self.batches[name])
        content = self.files.get(name.removesuffix("/content"))
        return failure(404, f"No such object: {name}") if content is None else content

    def _upload(self, fields: dict[str, str], name: str, content: bytes) -> Reply:
        if fields.get("purpose") != "batch" or not name.endswith(".jsonl"):
            return failure(400, "Invalid file")
        about = {"bytes": len(content), "filename": name, "created_at": 1, "purpose": "batch"}
        return Reply(
            body={"id": self.add(content), "object": "file", "status": "processed", **about}
        )

    def _create(self, request: dict[str, Any]) -> Reply:
        if request["completion_window"] != "24h" or request["endpoint"] != ENDPOINT:
            return failure(400, "Invalid value")
        content = self.files.get(request["input_file_id"])
        if content is None:
            return failure(400, "No such File object")
        batch = batch_object(len(self.batches), request)
        self.batches[batch["id"]] = batch
        if (code := refusal(content)) is not None:
            error = {"code": code, "line": 1, "message": f"Refused: {code}.", "param": None}
            batch |= {"status": "failed", "errors": {"object": "list", "data": [error]}}
        return Reply(body=batch)

    def _page(self, query: dict[str, list[str]]) -> Reply:
        """Newest first, two a page, so that there are pages."""
        newest = list(self.batches.values())[::-1]
        after = [b["id"] for b in newest].index(query["after"][0]) + 1 if "after" in query else 0
        data = newest[after : after + 2]
        ids = {"first_id": None, "last_id": data[-1]["id"] if data else None}
        more = after + 2 < len(newest)
        return Reply(body={"object": "list", "data": data, "has_more": more, **ids})


def lines_of(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.split(b"\n") if line]


def uploaded(content_type: str, body: bytes) -> tuple[dict[str, str], str, bytes]:
    """Return the fields, the file's name and its content from a multipart body."""
    head = f"content-type: {content_type}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    fields, name, content = {}, "", b""
    for part in message.iter_parts():
        payload = part.get_payload(decode=True)
        if part.get_filename():
            name, content = part.get_filename(), payload
        else:
            fields[part.get_param("name", header="content-disposition")] = payload.decode()
    return fields, name, content


def refusal(content: bytes) -> str | None:
    """Return why the service would refuse a batch's file, None where it would not."""
    lines = lines_of(content)
    ids = [line.get("custom_id") for line in lines]
    if len(lines) > 50_000 or len(content) > 200_000_000:
        return "file_too_large"
    if len(set(ids)) < len(ids):
        return "duplicate_custom_id"
    if any(set(line) != {"custom_id", "method", "url", "body"} for line in lines):
        return "invalid_json_line"
    if any((line["method"], line["url"]) != ("POST", ENDPOINT) for line in lines):
        return "invalid_url"
    if len({line["body"]["model"] for line in lines}) != 1:
        return "mismatched_model"
    return None


@contextmanager
def batch_server(answer: Answer | None = None) -> Iterator[BatchServer]:
    """Serve files, batches and chat completions; ``answer`` answers a request's body."""
    told = BatchServer()
    if answer is not None:
        told.answer = answer
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(told))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    told.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def handler_of(told: BatchServer) -> type[BaseHTTPRequestHandler]:
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            kind = self.headers["content-type"] or ""
            self.serve(lambda url: told.post(url.path, kind, body))

        def do_GET(self) -> None:
            self.serve(lambda url: told.get(url.path, parse_qs(url.query)))

        def serve(self, work: Callable[[SplitResult], Reply | bytes]) -> None:
            url = urlsplit(self.path)
            with lock:
                told.calls.append((self.command, url.path))
                told.keys.add(self.headers["authorization"])
                reply: Reply | bytes | None = told.in_the_way(self.command, url.path)
                if reply is None:
                    reply = work(url)
                elif reply == LOST:
                    work(url)
                    self.close_connection = True
                    return
            raw = isinstance(reply, bytes)
            content = reply if isinstance(reply, bytes) else json.dumps(reply.body).encode()
            self.send_response(200 if raw else reply.status)
            for key, value in ({} if raw else reply.headers).items():
                self.send_header(key, value)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: Any) -> None:
            pass

    return Handler
