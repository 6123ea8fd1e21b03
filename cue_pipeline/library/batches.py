"""The model asked for a whole library at half the price: batches submitted, looked at, collected.

The answers go to ``llm_calls``, where ``llm_mappings`` finds them: a batch changes what is paid,
and nothing of how a mapping is made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain, islice
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from cue_pipeline.errors import MappingError, SettingsError
from cue_pipeline.library import graph
from cue_pipeline.library.backfill_plan import unreachable_cues
from cue_pipeline.library.chat_model import QUESTION_TABLES, chat_model, model_server
from cue_pipeline.library.status import read_status
from cue_pipeline.mapping.model.batch_api import (
    MOST_BYTES,
    MOST_REQUESTS,
    Batch,
    BatchApi,
    MaybeSentError,
    request_line,
)
from cue_pipeline.mapping.model.exchange import ChatCall, ChatRequest, response_of
from cue_pipeline.mapping.model.prices import BATCH_PRICE, cost_usd
from cue_pipeline.mapping.model.server import OPENAI_HOST
from cue_pipeline.mapping.tracks import track_summary
from cue_pipeline.warehouse.types import now
from cue_pipeline.warehouse.waiting import WaitingBatch, WaitingQuestion, WaitingRequests

if TYPE_CHECKING:
    from cue_pipeline.settings import Settings
    from cue_pipeline.warehouse.store import Store

# An upload takes minutes; a batch that the server does not list after this was never made.
UNSENT_AFTER: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Submitted:
    """A batch that was sent."""

    batch_id: str
    n_questions: int
    n_cues: int


@dataclass(slots=True)
class BatchReport:
    """What is known of a batch, and what was made of it.

    Attributes
    ----------
    batch : WaitingBatch
    seen : Batch or None
        As the server has it; None where that cannot be said, and ``note`` says why.
    note : str
    absent : bool
        Whether the server was asked, and lists no such batch.
    settled : bool
        Whether no question waits in it any more.
    n_answers : int
        Answers stored now.
    prompt_tokens, completion_tokens : int
        Of those answers.
    cost_usd : float or None
        Of those answers, at half the list price; None: the price is not known.
    faults : dict of str to list of str
        Why questions have no answer → the cues that ask them, which are due again.
    n_ignored : int
        Lines of the server's files about nothing that waits in this batch.
    """

    batch: WaitingBatch
    seen: Batch | None = None
    note: str = ""
    absent: bool = False
    settled: bool = False
    n_answers: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float | None = None
    faults: dict[str, list[str]] = field(default_factory=dict)
    n_ignored: int = 0


def due_cues(
    store: Store, settings: Settings, only: Collection[str]
) -> tuple[list[str], dict[str, str]]:
    """Return the cues for which the model is due and can be asked, and why others cannot.

    Parameters
    ----------
    only : collection of str
        These cues only. Empty: all.
    """
    states: dict[str, dict[str, str]] = {}
    for status in read_status(store, settings):
        if not only or status.cue_key in only:
            states.setdefault(status.cue_key, {})[status.asset] = status.state
    asking = graph.asking_model()
    due = {k: state for k, state in states.items() if any(state[a] != "ready" for a in asking)}
    waiting = unreachable_cues(store, due)  # an answer would be paid for that nobody can use
    for key, state in due.items():
        lacking = [asset for asset in QUESTION_TABLES if state[asset] != "ready"]
        if lacking:
            waiting[key] = f"{lacking[0]} is {state[lacking[0]]}"
    return [key for key in due if key not in waiting], waiting


class Batches:
    """The batches of a warehouse at the server that the settings name.

    Raises
    ------
    SettingsError
        If there is no key.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        server = model_server(settings)
        model = chat_model(settings, store, server)
        if server is None or model is None:
            raise SettingsError(
                "OPENAI_API_KEY is not set, and without a model there is nothing to ask in a "
                "batch. Set it in .env, with OPENAI_MODEL and, for another server than OpenAI's, "
                "OPENAI_BASE_URL."
            )
        self._store = store
        self._host = server.host
        self._address = server.address
        self._model = model
        self._api = BatchApi(server)
        self._waiting = WaitingRequests(store.engine)

    def submit(self, cue_keys: Iterable[str], most: int | None = None) -> Iterator[Submitted]:
        """Send what these cues ask and the store cannot answer; yield each batch once it is sent.

        Parameters
        ----------
        cue_keys : iterable of str
            From :func:`due_cues`.
        most : int, optional
            Questions in all.
        """
        for part in self._parts(cue_keys, most):
            sent = self._send(part)
            if sent is not None:
                yield sent

    def _parts(
        self, cue_keys: Iterable[str], most: int | None
    ) -> Iterator[dict[str, tuple[str, ChatRequest]]]:
        """Yield what one file may hold, by hash."""
        part: dict[str, tuple[str, ChatRequest]] = {}
        n_bytes = 0
        for key, request in islice(self.unasked(cue_keys), most):
            size = len(request_line(request))
            if len(part) == MOST_REQUESTS or n_bytes + size > MOST_BYTES:
                yield part
                part, n_bytes = {}, 0
            part[request.prompt_sha256] = (key, request)
            n_bytes += size
        if part:
            yield part

    def unasked(self, cue_keys: Iterable[str]) -> Iterator[tuple[str, ChatRequest]]:
        """Yield what ``llm_mappings`` would ask first, without what is answered or waits.

        Cues that ask the same ask it once.
        """
        seen: set[str] = set()
        for key in cue_keys:
            read = {name: self._store.read(key, name) for name in chain(*QUESTION_TABLES.values())}
            groups = read.pop("audio_files")
            for request in self._model.unasked(track_summary(**read), groups):
                sha = request.prompt_sha256
                if sha not in seen and self._waiting.where(sha, request.model) is None:
                    seen.add(sha)
                    yield key, request

    def _send(self, part: dict[str, tuple[str, ChatRequest]]) -> Submitted | None:
        submission, since = uuid4().hex, now()
        claimed = self._waiting.claim(part, submission, self._host)
        mine = [asked for sha, asked in part.items() if sha in claimed]
        if not mine:
            return None
        try:
            lines = b"".join(request_line(request) for _, request in mine)
            file_id = self._api.upload(lines, submission)
        except BaseException:
            self._settle(submission, claimed)
            raise
        try:
            batch = self._api.create(file_id, submission, since)
        except MaybeSentError:
            raise
        except MappingError:
            self._settle(submission, claimed)
            raise
        if not self._waiting.sent(submission, batch.id):
            try:
                self._api.cancel(batch.id)
                stopped = "was cancelled"
            except MappingError as e:
                stopped = f"could not be cancelled, so do that at the server ({e})"
            raise MappingError(
                f"Batch '{batch.id}' took so long to send that its questions were let go meanwhile "
                f"by another `mappings batch collect`; it {stopped}. Submit again."
            )
        return Submitted(batch.id, len(mine), len({key for key, _ in mine}))

    def status(self) -> Iterator[BatchReport]:
        """Yield how far each batch is that is not settled."""
        for batch in self._waiting.batches():
            yield self._look(batch)

    def collect(self) -> Iterator[BatchReport]:
        """Store the answers of batches that have ended; yield what became of each batch.

        Collecting again, also after an interruption, stores what is not stored yet.
        """
        for batch in self._waiting.batches():
            report = self._look(batch)
            if report.seen is not None and report.seen.ended:
                self._take(report, report.seen)
            elif report.absent:
                self._give_up(report)
            yield report

    def cancel(self, name: str, *, forget: bool) -> BatchReport:
        """Have a batch stopped; with ``forget`` do not wait for its answers either.

        Parameters
        ----------
        name : str
            The server's id of the batch, or the name of its submission.
        forget : bool
            Its questions are due again at once, and what was answered is paid for in vain.

        Raises
        ------
        MappingError
            If there is no such batch, or the server does not stop it.
        """
        batches = self._waiting.batches()
        found = [b for b in batches if name in (b.batch_id, b.submission)]
        if not found:
            there = ", ".join(b.batch_id or b.submission for b in batches) or "none"
            raise MappingError(f"No batch '{name}' waits to be collected; those that do: {there}.")
        report = self._look(found[0])
        if report.seen is not None and not report.seen.ended:
            report.seen = self._api.cancel(report.seen.id)
        elif report.seen is None and not forget:
            raise MappingError(f"{report.note} --forget lets go of its questions in any case.")
        if forget:
            self._settle(found[0].submission, self._waiting.questions(found[0].submission))
            report.settled = True
        return report

    def _look(self, batch: WaitingBatch) -> BatchReport:
        report = BatchReport(batch)
        if batch.server != self._host:
            report.note = f"It is at {batch.server}, but OPENAI_BASE_URL is {self._host} now."
            return report
        try:
            if batch.batch_id is not None:
                report.seen = self._api.batch(batch.batch_id)
            else:
                report.seen = self._api.find(batch.submission, batch.submitted_at)
                report.absent = report.seen is None
                if report.seen is not None:
                    self._waiting.sent(batch.submission, report.seen.id)
                else:
                    report.note = "It is being sent, or was cut short: no such batch is listed yet."
        except MappingError as e:
            report.note = str(e)
        return report

    def _take(self, report: BatchReport, seen: Batch) -> None:
        """Store a batch's answers, and let go of the questions that have none."""
        submission = report.batch.submission
        asked = self._waiting.questions(submission)
        calls: dict[str, tuple[WaitingQuestion, ChatCall]] = {}
        faults: dict[str, str] = {}
        completed: set[str] = set()
        try:
            for line in self._api.lines(seen):
                question = asked.get(line.custom_id)
                if line.completion is not None:
                    completed.add(line.custom_id)
                if question is None or line.custom_id in calls:
                    report.n_ignored += 1
                elif line.completion is None:
                    faults[line.custom_id] = line.fault
                else:
                    call = _call(question, line.completion, seen.id, self._address)
                    calls[line.custom_id] = (question, call)
        except MappingError as e:  # one file cannot be had; what the other says is paid for
            report.note = str(e)
        self._waiting.answer(list(calls.values()))
        self._count(report, [call for _, call in calls.values()])
        left = {sha: q for sha, q in asked.items() if sha not in calls}
        unheard = [sha for sha in left if sha not in faults]
        if unheard and not report.note and len(completed) < seen.completed:
            report.note = (
                f"The server counts {seen.completed} answers in batch '{seen.id}', its file holds "
                f"{len(completed)}: {len(unheard)} questions go on waiting. Collect again later; "
                f"`cue-pipeline mappings batch cancel {seen.id} --forget` lets go of them."
            )
        if unheard and report.note:
            return
        whole = "; ".join(seen.errors[:3]) or f"the batch is {seen.status}, without a word on it"
        for sha, question in left.items():
            report.faults.setdefault(faults.get(sha, whole), []).append(question.cue_key)
        self._settle(submission, left)
        report.settled = True

    def _give_up(self, report: BatchReport) -> None:
        """Let go of a submission that never became a batch."""
        batch = report.batch
        if now() - batch.submitted_at > UNSENT_AFTER:
            questions = self._waiting.questions(batch.submission)
            fault = "the batch never reached the server, and nothing was paid"
            report.faults = {fault: [q.cue_key for q in questions.values()]}
            self._settle(batch.submission, questions)
            report.settled = True

    def _settle(self, submission: str, hashes: Collection[str]) -> None:
        self._waiting.let_go(submission, hashes)
        self._waiting.end(submission)

    def _count(self, report: BatchReport, calls: list[ChatCall]) -> None:
        report.n_answers = len(calls)
        report.prompt_tokens = sum(call.prompt_tokens or 0 for call in calls)
        report.completion_tokens = sum(call.completion_tokens or 0 for call in calls)
        if self._host == OPENAI_HOST and all(call.prompt_tokens is not None for call in calls):
            model = report.batch.model
            price = cost_usd(model, report.prompt_tokens, report.completion_tokens)
            report.cost_usd = None if price is None else BATCH_PRICE * price


def _call(question: WaitingQuestion, completion: object, batch_id: str, server: str) -> ChatCall:
    response, prompt_tokens, answer_tokens = response_of(
        completion, question.response_format, server
    )
    return ChatCall(
        question.prompt_sha256,
        question.model,
        question.request,
        {**response, "batch_id": batch_id},
        prompt_tokens,
        answer_tokens,
        cached=False,
    )
