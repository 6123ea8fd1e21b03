"""A model's server that holds, floods, misleads or forgets: what it can cost is bounded."""

import gzip
import json
import socket
import threading
import time
import tracemalloc
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr

from cue_pipeline.errors import MappingError
from cue_pipeline.mapping.model.answers import read_answer
from cue_pipeline.mapping.model.batch_api import BatchApi
from cue_pipeline.mapping.model.chat import ChatModel
from cue_pipeline.mapping.model.exchange import prompt_sha256
from cue_pipeline.mapping.model.guarded_client import MOST_ANSWER_BYTES
from cue_pipeline.mapping.model.server import ModelServer
from cue_pipeline_tests.mapping.chat_server import Reply, chat_server, completion
from cue_pipeline_tests.mapping.cue_frames import groups_frame, tracks_frame
from cue_pipeline_tests.mapping.raw_server import headers, raw_server

KEY = "sk-test-0123456789abcdefSECRET"
TRACKS = ["Violins I", "Bratschen"]
GROUPS = ["VLN 1", "VLA"]
GOOD = json.dumps({"tracks": [{"track": 0, "group": 0}, {"track": 1, "group": 1}]})


def model(url: str, **changes: Any) -> ChatModel:
    kept = {name: changes.pop(name) for name in ("cache", "ask_again") if name in changes}
    options = {"max_retries": 0, "timeout_seconds": 0.5, **changes}
    return ChatModel(ModelServer(SecretStr(KEY), base_url=url, **options), **kept)


def ask(url: str, **changes: Any) -> Any:
    return model(url, **changes).ask(tracks_frame(TRACKS), groups_frame(GROUPS))


def drip(connection: socket.socket, over: threading.Event, byte: bytes = b" ") -> None:
    while not over.wait(0.05):
        connection.sendall(byte)


def drips_a_body(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(headers("connection: close"))
    drip(connection, over)


def drips_a_long_body(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(headers("content-length: 100000"))
    drip(connection, over)


def drips_headers(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nx-long: ")
    drip(connection, over, b"a")


def drips_many_headers(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    drip(connection, over, b"a: b\r\n")


@pytest.mark.parametrize(
    "misbehave", [drips_a_body, drips_a_long_body, drips_headers, drips_many_headers]
)
def test_a_server_that_sends_now_and_then_is_held_to_the_limit_of_the_whole_request(
    misbehave: Any,
) -> None:
    began = time.monotonic()
    with (
        raw_server(misbehave) as server,
        pytest.raises(MappingError, match=r"no answer within 0\.5 s.*OPENAI_TIMEOUT_SECONDS"),
    ):
        ask(server.url)
    assert time.monotonic() - began < 3


def test_a_server_that_never_ends_its_greeting_in_tls_is_held_to_the_limit_too() -> None:
    def drips_a_record(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(b"\x16\x03\x03\x40\x00")  # RFC 8446, 5.1: a handshake of 16,384 bytes
        drip(connection, over, b"\x02")

    began = time.monotonic()
    with (
        raw_server(drips_a_record, reads=False) as server,
        pytest.raises(MappingError, match=r"no answer within 0\.5 s"),
    ):
        ask(server.url.replace("http:", "https:"))
    assert time.monotonic() - began < 3


def test_all_requests_about_one_cue_have_a_limit_together() -> None:
    began = time.monotonic()
    with (
        raw_server(drips_a_body) as server,
        pytest.raises(MappingError, match=r"more than the 0\.8 s .* OPENAI_CUE_SECONDS"),
    ):
        ask(server.url, max_retries=50, cue_seconds=0.8)
    assert time.monotonic() - began < 5


def test_an_endless_answer_is_read_no_further_than_the_limit() -> None:
    sent = 0

    def floods(connection: socket.socket, over: threading.Event) -> None:
        nonlocal sent
        connection.sendall(headers("connection: close"))
        while not over.is_set():
            connection.sendall(b" " * 65536)
            sent += 65536

    with (
        raw_server(floods) as server,
        pytest.raises(MappingError, match=r"more than 2 MiB.*OPENAI_BASE_URL"),
    ):
        ask(server.url, timeout_seconds=20.0, max_retries=4)
    assert len(server.requests) == 1  # the same would come again, and be paid for again
    assert sent < 16 * MOST_ANSWER_BYTES  # what lies in the buffers of both sides is sent too


def test_an_answer_that_unpacks_without_end_is_unpacked_no_further_than_the_limit() -> None:
    bomb = gzip.compress(b" " * (256 << 20), compresslevel=1)

    def sends_a_bomb(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(headers("content-encoding: gzip", f"content-length: {len(bomb)}"))
        connection.sendall(bomb)

    with raw_server(sends_a_bomb) as server:
        ask_once = model(server.url, timeout_seconds=20.0)
        tracemalloc.start()
        try:
            with pytest.raises(MappingError, match="more than 2 MiB"):
                ask_once.ask(tracks_frame(TRACKS), groups_frame(GROUPS))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 64 << 20


def test_a_packed_answer_of_sane_size_is_read() -> None:
    body = gzip.compress(json.dumps(completion(GOOD).body).encode())

    def packs(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(headers("content-encoding: gzip", f"content-length: {len(body)}"))
        connection.sendall(body)

    with raw_server(packs) as server:
        assert len(ask(server.url, timeout_seconds=20.0).tracks) == 2


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
def test_neither_key_nor_question_goes_to_another_host_by_a_redirect(status: str) -> None:
    def leads(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(headers(f"location: {elsewhere.url}", "content-length: 0",
                                   status=status))  # fmt: skip

    with chat_server([completion(GOOD)]) as elsewhere, raw_server(leads) as server:
        with pytest.raises(MappingError, match=r"on to another host.*OPENAI_BASE_URL") as raised:
            ask(server.url, max_retries=4)
        assert elsewhere.requests == []
    assert len(server.requests) == 1
    assert KEY not in str(raised.value)


def test_a_redirect_at_the_same_host_is_followed_with_the_question() -> None:
    def script(request: dict[str, Any], n: int) -> Reply:
        moved = Reply(307, {}, {"location": "/v2/chat/completions"})
        return moved if n == 0 else completion(GOOD)

    with chat_server(script) as server:
        said = ask(server.url, timeout_seconds=5.0)
    assert [request["path"] for request in server.requests] == [
        "/v1/chat/completions", "/v2/chat/completions",
    ]  # fmt: skip
    assert len(said.tracks) == 2


def test_a_files_answers_are_held_to_a_limit_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cue_pipeline.mapping.model.guarded_client.MOST_FILE_BYTES", 1 << 20)

    def floods(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(headers("connection: close"))
        while not over.is_set():
            connection.sendall(b"{}\n" * 20_000)

    batch = SimpleNamespace(id="batch_1", files=("file-1",))
    with raw_server(floods) as server, pytest.raises(MappingError, match="more than 1 MiB"):
        list(BatchApi(ModelServer(SecretStr(KEY), base_url=server.url)).lines(batch))


def test_a_list_of_far_more_entries_than_were_asked_for_is_refused_unread() -> None:
    entries = [{"track": "no such track", "group": 0}] * 300_000
    began = time.process_time()
    read = read_answer(json.dumps({"tracks": entries}), {0: "Violins"}, {0: "VLN"})
    assert time.process_time() - began < 2
    assert read.tracks == {}
    assert read.faults == ["'tracks' lists 300000 entries where 1 were asked for"]


class Kept:
    """What a store does, with a clock."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Any] = {}
        self.age = timedelta()

    def __call__(self, sha: str, name: str) -> Any:
        row = self.rows.get((sha, name))
        when = datetime.now(UTC) - self.age
        return None if row is None else SimpleNamespace(**{**row, "created_at": when})

    def keep(self, said: Any) -> None:
        for call in said.calls:
            self.rows.setdefault((call.prompt_sha256, call.model), call.row())


def test_a_useless_answer_is_asked_for_again_after_a_day_or_by_wish_and_all_are_kept() -> None:
    kept = Kept()
    with chat_server([completion("I cannot.")] * 2 + [completion(GOOD)]) as server:
        options = {"cache": kept, "timeout_seconds": 5.0}
        kept.keep(said := ask(server.url, **options))
        assert "--ask-again" in said.warnings[0]
        kept.keep(ask(server.url, **options))
        assert len(server.requests) == 2  # the same question within the day: not paid for again
        kept.age = timedelta(days=2)
        kept.keep(said := ask(server.url, **options))
        assert len(server.requests) == 3
        assert len(said.tracks) == 2
        kept.keep(said := ask(server.url, **options))
        assert len(server.requests) == 3  # a good answer is kept for ever
        assert all(call.cached for call in said.calls)
    assert len(kept.rows) == 3

    kept = Kept()
    with chat_server([completion("no"), completion("no"), completion(GOOD)]) as server:
        options = {"cache": kept, "timeout_seconds": 5.0}
        kept.keep(ask(server.url, **options))
        assert len(ask(server.url, **options, ask_again=True).tracks) == 2


def test_an_answer_of_one_server_is_not_taken_for_anothers() -> None:
    kept = Kept()
    with chat_server([completion(GOOD)]) as one, chat_server([completion(GOOD)]) as other:
        kept.keep(ask(one.url, cache=kept, timeout_seconds=5.0))
        kept.keep(ask(other.url, cache=kept, timeout_seconds=5.0))
        assert len(other.requests) == 1
        ask(one.url, cache=kept, timeout_seconds=5.0)
        assert len(one.requests) == 1
    assert len(kept.rows) == 2


def test_what_was_paid_for_before_servers_were_told_apart_is_not_paid_for_again() -> None:
    kept = Kept()
    with chat_server([completion(GOOD)]) as server:
        said = ask(server.url, cache=kept, timeout_seconds=5.0)
        call = said.calls[0]
        old = {name: value for name, value in call.response.items() if name != "server"}
        sha = prompt_sha256(call.request["messages"])
        kept.rows[sha, call.model] = {**call.row(), "response": old, "prompt_sha256": sha}
        again = ask(server.url, cache=kept, timeout_seconds=5.0)
        assert len(server.requests) == 1
    assert again.prompt_of(0) == sha
