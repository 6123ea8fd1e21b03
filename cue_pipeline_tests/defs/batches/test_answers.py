"""Questions go out once and their answers come back, whatever the files hold."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from cue_pipeline.errors import MappingError
from cue_pipeline.library import batches as flow
from cue_pipeline.library.batches import Batches
from cue_pipeline.library.chat_model import QUESTION_TABLES, chat_model
from cue_pipeline.mapping.model import batch_api as wire
from cue_pipeline.mapping.tracks import track_summary
from cue_pipeline.warehouse.waiting import WaitingRequests
from cue_pipeline_tests.defs.batches.asked_cues import (
    CUES,
    ask,
    collect,
    first_of,
    on_sqlite,
    on_sqlite_and_dsql,
    small,
    told,
)
from cue_pipeline_tests.library.test_chat_model import KEY, first_group_for_all
from cue_pipeline_tests.mapping.chat_server import Reply, completion, failure
from cue_pipeline_tests.warehouse.synthetic import load


@on_sqlite_and_dsql
def test_what_is_collected_is_never_asked_again_and_says_what_the_live_model_says(
    batches, library, settings, server
):
    (sent,) = batches.submit(CUES)
    assert (sent.n_questions, sent.n_cues) == (3, 3)
    server.finish()
    report = collect(batches)
    assert (report.settled, report.n_answers, report.faults, report.n_ignored) == (True, 3, {}, 0)
    assert (report.prompt_tokens, report.completion_tokens) == (300, 60)
    collected = [ask(library, settings, key) for key in CUES]
    assert server.live == []
    assert [answer.cost_usd for answer in collected] == [0.0] * 3
    # The very same questions, with an empty memory.
    model = chat_model(settings, library)
    model._cache = None
    for key, answer in zip(CUES, collected, strict=True):
        tables = {name: library.read(key, name) for name in QUESTION_TABLES["midi_events"]}
        live = model.ask(track_summary(**tables), library.read(key, "audio_files"))
        assert told(live) == told(answer)
        assert live.tracks
    assert server.live == [line["body"] for line in server.asked(sent.batch_id)]


@on_sqlite_and_dsql
def test_whoever_submits_at_once_each_question_is_sent_once(library, settings, server):
    submit_at_once(library, settings, server)


@pytest.mark.slow
@pytest.mark.engines("postgresql")
def test_whoever_submits_at_once_to_postgresql_each_question_is_sent_once(
    library, settings, server
):
    submit_at_once(library, settings, server)


def submit_at_once(library, settings, server):
    with ThreadPoolExecutor(3) as pool:
        people = [Batches(library, settings) for _ in range(3)]
        list(pool.map(lambda batches: list(batches.submit(CUES)), people))
    asked = [line["custom_id"] for b in server.batches for line in server.asked(b)]
    assert len(asked) == len(set(asked)) == 3
    server.finish()
    assert sum(report.n_answers for report in people[0].collect()) == 3


@on_sqlite
def test_a_claim_between_look_and_claim_is_seen(library, settings, server):
    """Both have read what is unasked before either claims."""
    one, two = Batches(library, settings), Batches(library, settings)
    parts = [next(b._parts(CUES, None)) for b in (one, two)]
    assert one._send(parts[0]).n_questions == 3
    assert two._send(parts[1]) is None
    server.finish()
    collect(one)
    # Answered since: claimed by nobody, and not to be asked.
    assert two._send(parts[1]) is None
    assert len(server.batches) == 1


@on_sqlite
def test_what_waits_in_a_batch_is_not_asked_live_until_it_is_collected(
    batches, library, settings, server
):
    next(batches.submit(CUES[:1]))
    with pytest.raises(MappingError, match=r"waits in batch 'batch_0000' \(since 2.*collect"):
        ask(library, settings, CUES[0])
    ask(library, settings, CUES[1])
    assert len(server.live) == 1


@on_sqlite
def test_what_an_answer_lacks_is_asked_live_once(batches, library, settings, server):
    list(batches.submit(CUES[:1]))
    server.finish(lambda request, n: completion('{"tracks": [{"track": 0, "group": 0}]}'))
    collect(batches)
    assert len(ask(library, settings, CUES[0]).tracks) == 2
    (repair,) = server.live
    assert "Parts of your answer cannot be used" in repair["messages"][-1]["content"]


@on_sqlite
def test_collecting_is_taken_up_where_it_was_interrupted(batches, server, monkeypatch):
    list(batches.submit(CUES))
    server.finish()
    answer = WaitingRequests.answer

    def interrupted(self, calls):
        answer(self, calls[:1])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(WaitingRequests, "answer", interrupted)
        with pytest.raises(KeyboardInterrupt):
            collect(batches)
    report = collect(batches)
    assert (report.n_answers, report.n_ignored, report.settled) == (2, 1, True)
    assert list(batches.collect()) == []


@on_sqlite
def test_the_file_is_what_the_protocol_asks_for(batches, server):
    (sent,) = batches.submit(CUES)
    made = server.batches[sent.batch_id]
    assert made["status"] == "validating"
    assert (made["endpoint"], made["completion_window"]) == ("/v1/chat/completions", "24h")
    for line in server.asked(sent.batch_id):
        assert set(line) == {"custom_id", "method", "url", "body"}
        assert (line["method"], line["url"]) == ("POST", "/v1/chat/completions")
        assert len(line["custom_id"]) == 64  # the most that some servers of the protocol take
        assert set(line["body"]) == {"model", "messages", "temperature", "response_format"}
    assert server.keys == {f"Bearer {KEY}"}
    assert KEY.encode() not in b"".join(server.files.values())


@on_sqlite
def test_cues_that_ask_the_same_ask_it_once(batches, library, server):
    load(library, small("copy", 0), ("tempo_map", *QUESTION_TABLES))
    (sent,) = batches.submit([*CUES, "copy"])
    assert sent.n_questions == 3


@on_sqlite
@pytest.mark.parametrize(
    "limit", ["MOST_REQUESTS", pytest.param("MOST_BYTES", marks=pytest.mark.slow)]
)
def test_what_a_file_cannot_hold_goes_into_the_next(batches, server, monkeypatch, limit):
    most = 2 if limit == "MOST_REQUESTS" else 2 * len(wire.request_line(first_of(batches)))
    monkeypatch.setattr(flow, limit, most + 60 * (limit == "MOST_BYTES"))
    assert [sent.n_questions for sent in batches.submit(CUES)] == [2, 1]
    server.finish()
    assert sum(report.n_answers for report in batches.collect()) == 3


@on_sqlite
def test_expired_and_failed_questions_are_named_and_due_again(batches, library, settings, server):
    refused = failure(400, f"Too long for key {KEY}", "context_length_exceeded")
    list(batches.submit(CUES))

    def answer(request, n):
        return (first_group_for_all(request, n), refused, None)[n]

    server.finish(answer, status="expired")
    report = collect(batches)
    assert report.n_answers == 1
    assert {fault.split(":")[0]: keys for fault, keys in report.faults.items()} == {
        "batch_expired": [CUES[2]],
        "context_length_exceeded": [CUES[1]],
    }
    assert KEY not in str(report.faults)
    (again,) = batches.submit(CUES)
    assert again.n_questions == 2


@on_sqlite
def test_a_batch_that_is_refused_as_a_whole_says_why_and_leaves_all_due(batches, server):
    (sent,) = batches.submit(CUES)
    words = "Enqueued token limit reached for gpt-4o-mini. Limit: 90,000 enqueued tokens."
    error = {"code": "token_limit_exceeded", "message": words, "line": None, "param": None}
    server.batches[sent.batch_id] |= {
        "status": "failed",
        "errors": {"object": "list", "data": [error]},
    }
    report = collect(batches)
    assert report.faults == {f"token_limit_exceeded: {words}": CUES}
    assert next(batches.submit(CUES, 1)).n_questions == 1


@pytest.mark.slow
@on_sqlite
def test_a_batch_under_way_is_left_alone(batches, server):
    (sent,) = batches.submit(CUES)
    server.batches[sent.batch_id] |= {
        "status": "in_progress",
        "request_counts": {"total": 3, "completed": 1, "failed": 0},
    }
    for report in (*batches.status(), *batches.collect()):
        assert (report.seen.completed, report.seen.total, report.settled) == (1, 3, False)


HOSTILE = (
    b"<html>oops",
    b"[1, 2]",
    b'{"response": null}',
    b'{"custom_id": 7}',
    b'{"custom_id": ' + b"[" * 100_000,
    b'{"custom_id": ' + b"9" * 10_000 + b"}",
    b'{"custom_id": "\xff"}',
    b'{"custom_id": "x", "response": {"status_code": 200, "body": {"choices": []}}}',
    b'{"__class__": 1, "__dict__": {}, "custom_id": ["x"]}',
)


@on_sqlite
def test_lines_that_nobody_asked_for_cost_no_other_its_answer(batches, server):
    (sent,) = batches.submit(CUES)
    server.finish()
    output = server.batches[sent.batch_id]["output_file_id"]
    server.files[output] = b"\n\n".join((*HOSTILE, server.files[output]))
    report = collect(batches)
    assert (report.n_answers, report.n_ignored, report.faults) == (3, len(HOSTILE), {})


@pytest.mark.slow
@on_sqlite
def test_what_is_no_chat_completion_is_no_answer(batches, server):
    for body in (
        None,
        [],
        {"choices": []},
        {"choices": [None]},
        {"choices": {"message": {"content": "{}"}}},
        {"error": {"message": "oops \x1b[31m", "code": 5}},
    ):
        list(batches.submit(CUES[:1]))
        server.finish(lambda request, n, body=body: Reply(body=body))
        list(server.batches.values())[-1]["request_counts"]["completed"] = 0
        report = collect(batches)
        assert (report.n_answers, list(report.faults.values())) == (0, [CUES[:1]])
        assert "\x1b" not in str(report.faults)


@pytest.mark.engines("sqlite", "postgresql")
def test_odd_values_in_an_answer_are_stored_as_any_database_can_hold_them(
    batches, library, settings, server
):
    usage = {"prompt_tokens": 10**30, "completion_tokens": float("inf")}
    list(batches.submit(CUES[:1]))
    server.finish(
        lambda request, n: completion("{}\0 \u2028 \ud800", refusal={"a": 1}, usage=usage)
    )
    report = collect(batches)
    assert (report.n_answers, report.prompt_tokens, report.cost_usd) == (1, 0, None)
    stored = library.llm_call(server.asked("batch_0000")[0]["custom_id"], settings.openai_model)
    assert stored.response["content"] == "{}\ufffd \u2028 ?"
    assert stored.response["batch_id"] == "batch_0000"
    assert stored.prompt_tokens is stored.completion_tokens is None


@pytest.mark.slow
@on_sqlite
def test_a_line_separator_within_an_answer_is_no_end_of_a_line(batches, library, server):
    list(batches.submit(CUES[:1]))
    server.finish(lambda request, n: completion("one\u2028two\x85three"))
    output = server.batches["batch_0000"]["output_file_id"]
    text = json.dumps(json.loads(server.files[output]), ensure_ascii=False)
    server.files[output] = text.encode() + b"\r\n"
    assert collect(batches).n_answers == 1


@pytest.mark.slow
@on_sqlite
def test_a_second_line_about_a_question_is_left_alone(batches, library, settings, server):
    list(batches.submit(CUES[:1]))
    server.finish()
    output = server.batches["batch_0000"]["output_file_id"]
    first = server.files[output]
    server.files[output] += first.replace(b"Strings", b"Brass")
    report = collect(batches)
    assert (report.n_answers, report.n_ignored) == (1, 1)
    sha = server.asked("batch_0000")[0]["custom_id"]
    assert "Strings" in library.llm_call(sha, settings.openai_model).response["content"]


@on_sqlite
def test_an_output_file_that_is_cut_short_loses_nothing(batches, library, server):
    list(batches.submit(CUES))
    server.finish()
    output = server.batches["batch_0000"]["output_file_id"]
    whole = server.files[output]
    server.files[output] = whole[: len(whole) // 2]
    report = collect(batches)
    assert (report.n_answers, report.settled) == (1, False)
    assert "counts 3 answers in batch 'batch_0000', its file holds 1" in report.note
    assert list(batches.submit(CUES)) == []
    server.files[output] = whole
    report = collect(batches)
    assert (report.n_answers, report.settled, report.n_ignored) == (2, True, 1)


@on_sqlite
def test_answers_are_kept_where_the_file_of_failures_cannot_be_had(batches, server):
    list(batches.submit(CUES))
    server.finish(lambda request, n: first_group_for_all(request, n) if n else None, "expired")
    failures = server.files.pop(server.batches["batch_0000"]["error_file_id"])
    report = collect(batches)
    assert (report.n_answers, report.settled) == (2, False)
    assert "knows no 'batch_0000', or no file of it" in report.note
    server.files[server.batches["batch_0000"]["error_file_id"]] = failures
    report = collect(batches)
    assert (report.n_answers, report.settled, len(report.faults)) == (0, True, 1)


@on_sqlite
def test_a_server_that_sends_its_first_page_for_ever_is_not_asked_for_ever(batches, server):
    list(batches.submit(CUES[:1]))
    page = server._page

    def first(query):
        more = server.calls.count(("GET", "/v1/batches")) < 9
        return Reply(body=page({}).body | {"has_more": more})

    server._page = first
    with pytest.raises(MappingError, match="no answer of OpenAI's protocol"):
        batches._api.find("another", flow.now())
    assert server.calls.count(("GET", "/v1/batches")) == 2
