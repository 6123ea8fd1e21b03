"""The chat model: asked once per cue, answered in JSON, paid for once.

Any server that speaks OpenAI's chat completions will do. What the server says is data: it is
validated by :mod:`.answers`, asked again once where it cannot be used, and
never stored as a decision otherwise.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, Final, cast

from cue_pipeline.errors import MappingError
from cue_pipeline.mapping.model.answers import ReadAnswer, TrackAnswer, read_answer
from cue_pipeline.mapping.model.exchange import (
    Cache,
    ChatCall,
    ChatRequest,
    ModelAnswer,
    StoredCall,
    Waiting,
    prompt_sha256,
    read_completion,
    response_of,
    whole_number,
)
from cue_pipeline.mapping.model.prices import cost_usd
from cue_pipeline.mapping.model.prompt import REPAIR_PROMPT, answer_schema, messages
from cue_pipeline.mapping.model.questions import Question, questions
from cue_pipeline.mapping.model.server import OFFLINE, OPENAI_HOST, ModelServer

if TYPE_CHECKING:
    from pandas import DataFrame

# Models from before structured outputs: they are asked for JSON mode at once.
_JSON_MODE_ONLY: Final = re.compile(r"^(?:gpt-3\.5|gpt-4(?:-|$)(?!o|\.))")
# Reasoning models accept no temperature but their own.
_NO_TEMPERATURE: Final = re.compile(r"^(?:o\d|gpt-5)")
_LONGEST_REPEATED_ANSWER: Final = 8_000
ASK_AGAIN_AFTER: Final = timedelta(days=1)
"""How long an answer of which nothing can be used stands in the way of a new one."""


class _TooLongError(Exception):
    """The question does not fit the model's context."""


class ChatModel:
    """A chat model behind OpenAI's protocol.

    Parameters
    ----------
    server : ModelServer
    model : str
    cache : callable, optional
        ``(prompt_sha256, model)`` to the stored call, or None where it was never asked.
    waiting : callable, optional
        ``(prompt_sha256, model)`` to words about the batch in which the question waits for its
        answer, or None: what waits is not asked, and paid for, a second time.
    ask_again : bool
        A stored answer of which nothing can be used is asked for again now, not only after
        :data:`ASK_AGAIN_AFTER`. Each has a row of its own in ``llm_calls``: all were paid for.
    """

    def __init__(
        self,
        server: ModelServer,
        *,
        model: str = "gpt-3.5-turbo",
        cache: Cache | None = None,
        waiting: Waiting | None = None,
        ask_again: bool = False,
    ) -> None:
        self.model = model
        self._server = server
        self._cache = cache
        self._waiting = waiting
        self._ask_again_now = ask_again
        self._formats = ["json_object", "text"]
        if not _JSON_MODE_ONLY.match(model):
            self._formats.insert(0, "json_schema")
        self._temperature = not _NO_TEMPERATURE.match(model)

    def __repr__(self) -> str:
        return f"ChatModel({self.model!r} at {self._server.host})"

    def unasked(self, tracks: "DataFrame", groups: "DataFrame") -> list[ChatRequest]:
        """Return the requests that :meth:`ask` would send first, without those in the store.

        Parameters
        ----------
        tracks, groups : DataFrame
            As :meth:`ask` takes them.
        """
        requests = []
        for question in questions(tracks, groups):
            asked = _messages(question)
            stored, sha = self._stored(asked, question)
            if stored is None:
                options = self._options(question)
                requests.append(ChatRequest(sha, self.model, asked, options, self._formats[0]))
        return requests

    def ask(self, tracks: "DataFrame", groups: "DataFrame") -> ModelAnswer:
        """Return what the model says of a cue's tracks and groups.

        Parameters
        ----------
        tracks : DataFrame
            As :func:`~cue_pipeline.mapping.tracks.track_summary` returns it.
        groups : DataFrame
            Columns ``canonical_name``, ``layout``.

        Raises
        ------
        MappingError
            If the server cannot be asked, also after retries, or if a question waits in a batch;
            says what to do.
        """
        answer = ModelAnswer(self.model)
        asked = questions(tracks, groups)
        self._refuse_waiting(asked)
        with self._server.about_one_cue():
            for question in asked:
                self._ask_in_parts(question, answer)
        self._count(answer)
        return answer

    def _refuse_waiting(self, asked: list[Question]) -> None:
        if self._waiting is None:
            return
        # Before anything is paid for: an answer to one part is lost where another cannot be had.
        for question in asked:
            messages = _messages(question)
            stored, sha = self._stored(messages, question)
            where = self._waits(sha) or self._waits(prompt_sha256(messages))
            if where is not None and stored is None:
                raise MappingError(
                    f"The question to '{self.model}' waits in {where}; asking now would pay for it "
                    "twice. Run `cue-pipeline mappings batch collect` once the batch is done, or "
                    "`cue-pipeline mappings batch cancel` first."
                )

    def _waits(self, sha: str) -> str | None:
        return self._waiting(sha, self.model) if self._waiting is not None else None

    def _ask_in_parts(self, question: Question, answer: ModelAnswer) -> None:
        try:
            self._ask(question, answer)
        except _TooLongError:
            if len(question.tracks) < 2:
                raise MappingError(
                    f"A question about one track and {len(question.groups)} groups is too long for "
                    f"the model '{self.model}'. Set OPENAI_MODEL to one with a longer context, "
                    f"{OFFLINE}."
                ) from None
            for half in question.halves():
                self._ask_in_parts(half, answer)

    def _ask(self, question: Question, answer: ModelAnswer) -> None:
        """Ask once, and once more for what cannot be used."""
        asked = _messages(question)
        call = self._call(asked, question)
        answer.calls.append(call)
        read = read_answer(_content(call), question.track_names, question.group_names)
        _merge(read, call.prompt_sha256, answer)
        missing = {i: told for i, told in question.tracks.items() if i not in read.tracks}
        if missing:
            self._ask_again(asked, call, read, Question(missing, question.groups), answer)

    def _ask_again(
        self,
        asked: list[dict[str, str]],
        call: ChatCall,
        read: ReadAnswer,
        rest: Question,
        answer: ModelAnswer,
    ) -> None:
        """Ask for `rest`, saying what was wrong with the answer of `call`; warn of what is left."""
        repair = REPAIR_PROMPT.format(
            faults="; ".join(read.faults[:5]), tracks=list(rest.tracks), groups=list(rest.groups)
        )
        said = (_content(call) or "")[:_LONGEST_REPEATED_ANSWER]
        again = [
            *asked,
            {"role": "assistant", "content": said},
            {"role": "user", "content": repair},
        ]
        try:
            second = self._call(again, rest)
        except _TooLongError:
            mended = ReadAnswer(faults=read.faults)
        else:
            answer.calls.append(second)
            mended = read_answer(_content(second), rest.track_names, rest.group_names)
            _merge(mended, second.prompt_sha256, answer)
        left = [name for i, name in rest.track_names.items() if i not in mended.tracks]
        if left:
            faults = "; ".join((mended.faults or read.faults)[:3])
            answer.warnings.append(
                f"The model '{self.model}' gave no usable answer about {_listed(left)}, "
                f"asked twice ({faults}): names and sound decide there. `cue-pipeline process "
                "BASE_DIR --ask-again` asks it once more, after a change of server or model say."
            )

    def _call(self, asked: list[dict[str, str]], question: Question) -> ChatCall:
        stored, sha = self._stored(asked, question)
        if stored is not None:
            return stored
        request = {"messages": asked}
        return ChatCall(sha, self.model, request, *self._send(asked, question), cached=False)

    def _stored(
        self, asked: list[dict[str, str]], question: Question
    ) -> tuple[ChatCall | None, str]:
        """Return the call that the store answers a question with, and the question's hash.

        Without such a call it is the hash under which a new answer is stored.
        """
        for sha, is_own in self._hashes(asked):
            stored = self._cache(sha, self.model) if self._cache is not None else None
            response = None if stored is None else _stored_response(stored.response)
            if stored is None or response is None:
                if is_own:
                    break
                continue
            if response.get("server") not in (None, self._server.address):
                continue
            call = ChatCall(
                sha,
                self.model,
                {"messages": asked},
                response,
                whole_number(stored.prompt_tokens),
                whole_number(stored.completion_tokens),
                cached=True,
            )
            if not self._is_due(stored, call, question):
                return call, sha
        return None, sha

    def _hashes(self, asked: list[dict[str, str]]) -> Iterator[tuple[str, bool]]:
        """Yield the hashes under which an answer may be, and whether a new one may go there."""
        server = None if self._server.address == OPENAI_HOST else self._server.address
        if server is not None:
            yield prompt_sha256(asked), False  # from before the store knew of servers
        for repeated in count():
            yield prompt_sha256(asked, server, repeated), True

    def _is_due(self, stored: StoredCall, call: ChatCall, question: Question) -> bool:
        """Whether a stored answer is worth nothing, and has been for long enough."""
        if not self._ask_again_now and datetime.now(UTC) - stored.created_at < ASK_AGAIN_AFTER:
            return False
        return not read_answer(_content(call), question.track_names, question.group_names).tracks

    def _send(
        self, asked: list[dict[str, str]], question: Question
    ) -> tuple[dict[str, Any], int | None, int | None]:
        """Send one request, in the strictest form of JSON that the server knows."""
        import openai

        while True:
            try:
                raw = self._server.client.chat.completions.with_raw_response.create(
                    model=self.model,
                    messages=cast("Any", asked),
                    **self._options(question),
                )
            except (openai.BadRequestError, openai.UnprocessableEntityError) as e:
                self._after_refusal(e)
                continue
            except openai.OpenAIError as e:
                raise self._failure(e) from None
            completion = read_completion(raw.content)
            if not isinstance(getattr(completion, "choices", None), list):
                raise self._failure(None)
            return response_of(completion, self._formats[0], self._server.address)

    def _options(self, question: Question) -> dict[str, Any]:
        options: dict[str, Any] = {"temperature": 0} if self._temperature else {}
        if self._formats[0] == "json_schema":
            schema = answer_schema(list(question.tracks), list(question.groups))
            options["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "cue_mapping", "strict": True, "schema": schema},
            }
        elif self._formats[0] == "json_object":
            options["response_format"] = {"type": "json_object"}
        return options

    def _after_refusal(self, error: Any) -> None:
        """Ask for less where the server refused a parameter; raise where all is dropped."""
        text = f"{error.code} {error.message}".casefold()
        if "context_length" in text or "maximum context" in text or "too long" in text:
            raise _TooLongError from None
        if self._temperature and "temperature" in text:
            self._temperature = False
        elif len(self._formats) > 1:
            self._formats.pop(0)
        else:
            raise self._failure(error) from None

    def _failure(self, error: Any) -> MappingError:
        import openai

        what, cure = self._server.what_failed(error)
        if isinstance(error, openai.NotFoundError):
            at, said = self._server.host, self._server.said(error)
            what = f"the model server {at} knows no model '{self.model}'{said}"
            cure = "Set OPENAI_MODEL (and OPENAI_BASE_URL) to what it serves"
        return MappingError(f"No mapping by '{self.model}': {what}. {cure}, {OFFLINE}.")

    def _count(self, answer: ModelAnswer) -> None:
        paid = [call for call in answer.calls if not call.cached]
        answer.prompt_tokens = sum(call.prompt_tokens or 0 for call in paid)
        answer.completion_tokens = sum(call.completion_tokens or 0 for call in paid)
        told = all(call.prompt_tokens is not None for call in paid)
        known = self._server.host == OPENAI_HOST and told
        answer.cost_usd = (
            cost_usd(self.model, answer.prompt_tokens, answer.completion_tokens) if known else None
        )
        if not paid:
            answer.cost_usd = 0.0


def _merge(read: ReadAnswer, sha: str, answer: ModelAnswer) -> None:
    """Add one part's answers; where two parts disagree on a track, the model does not know."""
    for track, new in read.tracks.items():
        old = answer.tracks.get(track)
        if old is not None and old.group is not None and new.group is None:
            continue
        if old is not None and old.group is not None and new.group != old.group:
            better = max(old, new, key=lambda a: a.confidence)
            new = TrackAnswer(better.group, better.category, 0.5 * better.confidence)
        answer.tracks[track] = new
        answer.prompts[track] = sha
    for group, category in read.groups.items():
        answer.group_categories.setdefault(group, category)


def _messages(question: Question) -> list[dict[str, str]]:
    return messages(list(question.tracks.values()), list(question.groups.values()))


def _stored_response(response: Any) -> dict[str, Any] | None:
    if isinstance(response, str):
        try:
            response = json.loads(response)
        except ValueError:
            return None
    return dict(response) if isinstance(response, Mapping) else None


def _content(call: ChatCall) -> str | None:
    content = call.response.get("content")
    return content if isinstance(content, str) else None


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"'{name[:40]}'" for name in names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more tracks"
