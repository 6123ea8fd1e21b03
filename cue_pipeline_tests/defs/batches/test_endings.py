"""Batches that are lost, refused, cancelled or somebody else's: nothing is paid twice."""

from datetime import timedelta

import pytest

from cue_pipeline.errors import MappingError, SettingsError
from cue_pipeline.library import batches as flow
from cue_pipeline.library.batches import Batches
from cue_pipeline.mapping.model.batch_api import MaybeSentError
from cue_pipeline.settings import read_settings
from cue_pipeline_tests.defs.batches.asked_cues import CUES, collect, on_sqlite, submission_of
from cue_pipeline_tests.library.test_chat_model import KEY, first_group_for_all
from cue_pipeline_tests.mapping.batch_server import LOST
from cue_pipeline_tests.mapping.chat_server import Reply, failure


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
                    "metadata": {"cue_pipeline_submission": submission_of(batches)},
                }
            )
        return way

    server.in_the_way = in_the_way
    (sent,) = batches.submit(CUES)
    assert sent.batch_id == "batch_0000"
    assert server.calls.count(("POST", "/v1/batches")) == 1
    server.finish()
    assert collect(batches).n_answers == 3


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
            submission = submission_of(batches)
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
