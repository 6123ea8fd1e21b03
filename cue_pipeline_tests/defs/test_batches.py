"""A library asked in batches: a server that speaks the protocol, the real client, real tables."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pandas as pd
import pytest

from cue_pipeline.defs import batches as flow
from cue_pipeline.defs import graph
from cue_pipeline.defs.backfills import hold, plan_backfill
from cue_pipeline.defs.batches import Batches
from cue_pipeline.defs.model import QUESTION_TABLES, chat_model, waiting_cues
from cue_pipeline.defs.process import plan_library
from cue_pipeline.defs.status import AssetStatus
from cue_pipeline.errors import MappingError, SettingsError
from cue_pipeline.mapping import batches as wire
from cue_pipeline.mapping.batches import MaybeSentError
from cue_pipeline.mapping.tracks import track_summary
from cue_pipeline.settings import read_settings
from cue_pipeline.warehouse.engine import create_engine
from cue_pipeline.warehouse.store import Store
from cue_pipeline.warehouse.waiting import WaitingRequests
from cue_pipeline_tests.cues import write_cue
from cue_pipeline_tests.defs.test_model import KEY, asks, first_group_for_all
from cue_pipeline_tests.mapping.batch_server import LOST, batch_server
from cue_pipeline_tests.mapping.chat_server import Reply, completion, failure
from cue_pipeline_tests.warehouse.synthetic import SyntheticCue, load
from cue_pipeline_tests.workspace import Workspace, said_here

CUES = [f"Reel 1/1m0{i}" for i in range(1, 4)]
on_sqlite = pytest.mark.engines("sqlite")
# What PostgreSQL does otherwise than Aurora DSQL is seen by the odd values, and by the slow race.
on_sqlite_and_dsql = pytest.mark.engines("sqlite", "dsql")


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


def fill(store):
    for seed, key in enumerate(CUES):
        load(store, small(key, seed), ("tempo_map", *QUESTION_TABLES))


def small(key, seed):
    return SyntheticCue(key=key, seed=seed, n_tracks=2, n_frames=4)


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


def ask(store, settings, key):
    """What ``llm_mappings`` does to ask the model of a cue."""
    tables = {name: store.read(key, name) for name in QUESTION_TABLES["midi_events"]}
    return chat_model(settings, store).ask(track_summary(**tables), store.read(key, "audio_files"))


def collect(batches):
    (report,) = batches.collect()
    return report


def told(answer):
    return answer.tracks, answer.group_categories, answer.warnings


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
    most = 2 if limit == "MOST_REQUESTS" else 2 * len(wire.request_line(_first(batches)))
    monkeypatch.setattr(flow, limit, most + 60 * (limit == "MOST_BYTES"))
    assert [sent.n_questions for sent in batches.submit(CUES)] == [2, 1]
    server.finish()
    assert sum(report.n_answers for report in batches.collect()) == 3


def _first(batches):
    return next(batches.unasked(CUES))[1]


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


@on_sqlite
@pytest.mark.parametrize(
    "way",
    [
        LOST,
        pytest.param(failure(500, "oops"), marks=pytest.mark.slow),
        Reply(body={"object": "batch"}),
    ],
)
def test_a_creation_whose_answer_is_lost_is_found_at_the_server_and_never_repeated(
    batches, server, way
):
    def in_the_way(method, path):
        if (method, path) != ("POST", "/v1/batches"):
            return None
        if way is not LOST:
            server._create(
                {
                    "endpoint": "/v1/chat/completions",
                    "completion_window": "24h",
                    "input_file_id": "file-0000",
                    "metadata": {"cue_pipeline_submission": _submission(batches)},
                }
            )
        return way

    server.in_the_way = in_the_way
    (sent,) = batches.submit(CUES)
    assert sent.batch_id == "batch_0000"
    assert server.calls.count(("POST", "/v1/batches")) == 1
    server.finish()
    assert collect(batches).n_answers == 3


def _submission(batches):
    return batches._waiting.batches()[0].submission


@on_sqlite
def test_a_batch_found_later_is_taken_up_by_collect(batches, server):
    silent = failure(503, "overloaded")
    lost = {("POST", "/v1/batches"): LOST, ("GET", "/v1/batches"): silent}
    server.in_the_way = lambda method, path: lost.get((method, path))
    with pytest.raises(MaybeSentError, match=r"not known.*mappings batch collect"):
        list(batches.submit(CUES))
    assert list(batches.submit(CUES)) == []
    server.in_the_way = lambda method, path: None
    # Batches of others come first in the list, page by page.
    for n in range(5):
        server.batches[f"batch_{n + 1:04}"] = server.batches["batch_0000"] | {
            "id": f"batch_{n + 1:04}",
            "metadata": None,
        }
    server.finish()
    report = collect(batches)
    assert (report.seen.id, report.n_answers) == ("batch_0000", 3)


@on_sqlite
def test_a_submission_that_was_killed_is_let_go_after_an_hour(batches, server, monkeypatch):
    monkeypatch.setattr(Batches, "_settle", lambda *args: None)  # as kill -9 would have it
    server.in_the_way = lambda method, path: LOST if path == "/v1/files" else None
    with pytest.raises(MappingError, match="cannot be reached"):
        list(batches.submit(CUES))
    monkeypatch.undo()
    server.in_the_way = lambda method, path: None
    assert collect(batches).settled is False
    later = flow.now() + timedelta(hours=1, minutes=1)
    monkeypatch.setattr(flow, "now", lambda: later)
    # A server that cannot be asked has not said that there is no such batch.
    server.in_the_way = lambda method, path: failure(503, "overloaded")
    assert collect(batches).settled is False
    server.in_the_way = lambda method, path: None
    report = collect(batches)
    assert report.settled
    assert list(report.faults.values()) == [CUES]
    monkeypatch.undo()


@on_sqlite
def test_a_batch_sent_after_its_questions_were_let_go_is_cancelled(batches, server):
    def in_the_way(method, path):
        if path == "/v1/files":
            submission = _submission(batches)
            batches._settle(submission, batches._waiting.questions(submission))
        return

    server.in_the_way = in_the_way
    with pytest.raises(MappingError, match=r"'batch_0000' took so long.*Submit again"):
        list(batches.submit(CUES))
    assert server.batches["batch_0000"]["status"] == "cancelling"


@on_sqlite
def test_a_server_that_takes_no_batch_is_said_and_all_is_due_again(batches, server):
    for words, path, reply in (
        (r"offers no batches \(404", "/v1/files", failure(404, "Not Found")),
        (r"offers no batches \(405", "/v1/files", failure(405, "Method Not Allowed")),
        (r"offers no batches \(501", "/v1/batches", failure(501, "Not implemented")),
        (r"refused the key", "/v1/files", failure(401, f"Incorrect API key: {KEY}")),
        (r"Billing hard limit", "/v1/batches", failure(400, "Billing hard limit reached")),
        (r"1 attempt long \(429: .*Too many", "/v1/batches", failure(429, "Too many batches")),
        (r"no answer of OpenAI's protocol", "/v1/files", Reply(body={"detail": "hello"})),
    ):
        server.in_the_way = lambda _, asked, path=path, reply=reply: (
            reply if asked == path else None
        )
        with pytest.raises(MappingError, match=words) as caught:
            list(batches.submit(CUES[:1]))
        assert KEY not in str(caught.value)
    server.in_the_way = lambda method, path: None
    (sent,) = batches.submit(CUES)
    assert sent.n_questions == 3


@on_sqlite
def test_a_batch_that_the_account_does_not_know_stops_no_other(batches, server):
    list(batches.submit(CUES[:1]))
    list(batches.submit(CUES[1:]))
    del server.batches["batch_0000"]
    server.finish()
    unknown, known = batches.collect()
    assert "knows no 'batch_0000'" in unknown.note
    assert "OPENAI_API_KEY" in unknown.note
    assert (unknown.settled, known.n_answers) == (False, 2)
    with pytest.raises(MappingError, match="knows no"):
        batches.cancel("batch_0000", forget=False)
    assert batches.cancel("batch_0000", forget=True).settled
    assert next(batches.submit(CUES)).n_questions == 1


@pytest.mark.slow
@on_sqlite
def test_a_batch_at_another_server_is_named_and_waits(batches, library, server, monkeypatch):
    list(batches.submit(CUES))
    monkeypatch.setenv("OPENAI_BASE_URL", server.url.replace("127.0.0.1", "localhost"))
    (report,) = Batches(library, read_settings()).collect()
    assert report.note == "It is at 127.0.0.1, but OPENAI_BASE_URL is localhost now."
    assert server.calls.count(("GET", "/v1/batches/batch_0000")) == 0


@on_sqlite
def test_a_cancelled_batch_keeps_what_it_has_answered(batches, server):
    (sent,) = batches.submit(CUES)
    assert batches.cancel(sent.batch_id, forget=False).seen.status == "cancelling"
    server.finish(lambda r, n: first_group_for_all(r, n) if n == 0 else None, "cancelled")
    report = collect(batches)
    assert (report.n_answers, len(report.faults)) == (1, 1)
    with pytest.raises(MappingError, match=r"No batch 'batch_0000' waits.*those that do: none"):
        batches.cancel(sent.batch_id, forget=False)


@on_sqlite
def test_without_a_key_there_are_no_batches(library, settings, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(SettingsError, match="OPENAI_API_KEY is not set"):
        Batches(library, read_settings())


def statuses(**states):
    """The library's state: all is ready but the mappings, and what ``states`` says."""
    return [
        AssetStatus(key, asset, states.get(asset, ["ready"] * 3)[i], "")
        for i, key in enumerate(CUES)
        for asset in graph.GRAPH
    ]


@on_sqlite
def test_the_command_line_submits_what_is_due_shows_it_and_collects_it(
    library, settings, server, monkeypatch
):
    url = library.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("DATABASE_URL", url)
    states = statuses(
        llm_mappings=["missing", "stale", "failed"],
        channel_groups=["ready", "stale", "ready"],
        match_evidence=["missing", "missing", "missing"],  # is not asked about
    )
    monkeypatch.setattr(flow, "read_status", lambda *args: states)
    due, left_out = flow.due_cues(library, settings, ())
    assert due == []  # the folders are not there: nobody could use what is answered
    assert "The base folder '/library' does not exist" in left_out[CUES[0]]
    monkeypatch.setattr(flow, "unreachable_cues", lambda *args: {})
    said = said_here(("mappings", "batch", "submit", "--dry-run"), expect=0)
    assert "2 questions about 2 cues would go to 'gpt-4o-mini'" in said
    said = said_here(("mappings", "batch", "submit"), expect=0)
    assert f"left out: {CUES[1]}: channel_groups is stale" in said
    assert "batch_0000: 2 questions about 2 cues sent" in said
    assert "validating" in said_here(("mappings", "batch", "status"), expect=0)
    (row,) = json.loads(said_here(("mappings", "batch", "status", "--json"), expect=0))
    assert (row["batch_id"], row["n_questions"], row["status"]) == ("batch_0000", 2, "validating")
    assert "validating" in said_here(("mappings", "batch", "collect"), expect=1)
    server.finish(lambda request, n: first_group_for_all(request, n) if n else None, "expired")
    said = said_here(("mappings", "batch", "collect"), expect=1)
    assert "1 answer stored (100 + 20 tokens)" in said
    assert "1 question without an answer, due again: batch_expired: This request" in said
    assert "No batch waits" in said_here(("mappings", "batch", "collect"), expect=0)
    assert "No batch 'batch_0000' waits" in said_here(
        ("mappings", "batch", "cancel", "batch_0000"), expect=2
    )


@on_sqlite
def test_what_a_batch_of_openai_cost_is_told_at_half_the_list_price(batches, server, monkeypatch):
    monkeypatch.setattr(flow, "OPENAI_HOST", "127.0.0.1")
    list(batches.submit(CUES))
    server.finish()
    # gpt-4o-mini: 0.15 and 0.60 dollars for a million tokens of question and answer.
    assert collect(batches).cost_usd == pytest.approx((300 * 0.15 + 60 * 0.60) / 1e6 / 2)


@on_sqlite
def test_a_cue_whose_question_waits_is_left_without_a_mapping_and_makes_the_rest(
    batches, library, settings, tmp_path, monkeypatch
):
    monkeypatch.setenv("DATABASE_URL", library.engine.url.render_as_string(hide_password=False))
    for name in ("asked", "free"):
        write_cue(tmp_path / "films", name)
        load(library, small(name, len(name)), ("tempo_map", *QUESTION_TABLES))
    list(batches.submit(["asked"]))

    def planned(**options):
        plan = plan_library(tmp_path / "films", library, settings, dry_run=True, **options)
        return {cue.folder.key: (cue.waits, cue.assets) for cue in plan.cues}

    rest = tuple(asset for asset in graph.GRAPH if asset != "llm_mappings")
    assert planned(force=True) == {"asked": (True, rest), "free": (False, tuple(graph.GRAPH))}
    assert planned(select=["tempo_map"], force=True)["asked"] == (False, ("tempo_map",))
    # Without a key, or with another model, nothing that waits would be asked.
    monkeypatch.setenv("OPENAI_MODEL", "gpt-4o")
    settings = read_settings()
    assert planned(force=True)["asked"] == (False, tuple(graph.GRAPH))


@on_sqlite
def test_a_backfill_leaves_out_the_mapping_that_waits(batches, library, settings):
    list(batches.submit(CUES[:1]))
    plan = plan_backfill(statuses(llm_mappings=["missing"] * 3, final_mix_features=["stale"] * 3))
    held = hold(plan, waiting_cues(settings, library))
    both = ("final_mix_features", "llm_mappings")
    assert {key: set(assets) for key, assets in held.assets.items()} == {
        CUES[0]: {"final_mix_features"},
        CUES[1]: set(both),
        CUES[2]: set(both),
    }
    assert set(held.reasons) == {(key, a) for key, wanted in held.assets.items() for a in wanted}


@pytest.mark.slow
def test_a_library_asked_in_batches_is_mapped_as_one_asked_live(tmp_path):
    with batch_server(first_group_for_all) as server:
        made = {}
        for way in ("live", "batch"):
            made[way] = workspace = Workspace(tmp_path / way)
            write_cue(workspace.base, "1m01")
            write_cue(workspace.base, "1m02", base_hz=330.0)
            asks(workspace, server.url)
        made["live"].run("process", "library")
        n_live = len(server.live)
        made["batch"].run("process", "library", "--select", "match_evidence")
        made["batch"].run("mappings", "batch", "submit")
        said = made["batch"].run("process", "library")
        assert "2 cues wait for a batch: run `cue-pipeline mappings batch collect`" in said
        server.finish()
        made["batch"].run("mappings", "batch", "collect")
        made["batch"].run("process", "library")
        assert len(server.live) == n_live > 0
    for table in ("track_mappings", "midi_tracks", "audio_files"):
        pd.testing.assert_frame_equal(made["live"].table(table), made["batch"].table(table))
