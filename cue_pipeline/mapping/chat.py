"""The chat model: asked once per cue, answered in JSON, paid for once.

Any server that speaks OpenAI's chat completions will do. What the server says is data: it is
validated by :mod:`cue_pipeline.mapping.answers`, asked again once where it cannot be used, and
never stored as a decision otherwise.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

from pydantic import SecretStr

from cue_pipeline.errors import MappingError
from cue_pipeline.mapping.answers import ReadAnswer, TrackAnswer, read_answer
from cue_pipeline.mapping.calls import Cache, ChatCall, ModelAnswer
from cue_pipeline.mapping.prices import cost_usd
from cue_pipeline.mapping.prompt import REPAIR_PROMPT, answer_schema, messages
from cue_pipeline.mapping.questions import Question, questions

if TYPE_CHECKING:
    from openai import OpenAI
    from pandas import DataFrame

OPENAI_HOST: Final = "api.openai.com"
# Models from before structured outputs: they are asked for JSON mode at once.
_JSON_MODE_ONLY: Final = re.compile(r"^(?:gpt-3\.5|gpt-4(?:-|$)(?!o|\.))")
# Reasoning models accept no temperature but their own.
_NO_TEMPERATURE: Final = re.compile(r"^(?:o\d|gpt-5)")
_LONGEST_REPEATED_ANSWER: Final = 8_000
_OFFLINE: Final = "or unset OPENAI_API_KEY to map by names and sound alone"


class _TooLongError(Exception):
    """The question does not fit the model's context."""


class ChatModel:
    """A chat model behind OpenAI's protocol.

    Parameters
    ----------
    api_key : SecretStr
        Never in any message, log or table.
    model : str
    base_url : str, optional
        An OpenAI-compatible server; None: OpenAI's.
    timeout_seconds : float
        Limit of one request.
    max_retries : int
        On 429, 5xx and timeouts, with exponential backoff, or as long as the server says.
    cache : callable, optional
        ``(prompt_sha256, model)`` to the stored call, or None where it was never asked.

    Raises
    ------
    MappingError
        If the key cannot be a key.
    """

    def __init__(
        self,
        api_key: SecretStr,
        *,
        model: str = "gpt-3.5-turbo",
        base_url: str | None = None,
        timeout_seconds: float = 60.0,
        max_retries: int = 4,
        cache: Cache | None = None,
    ) -> None:
        secret = api_key.get_secret_value().strip()
        if not secret or not secret.isascii() or any(c.isspace() for c in secret):
            raise MappingError(
                "OPENAI_API_KEY is empty or holds characters that no key has (spaces, line breaks, "
                f"accents). Paste it again, {_OFFLINE}."
            )
        self.model = model
        self._key = SecretStr(secret)
        self._base_url = base_url
        self._timeout_seconds = timeout_seconds
        self._max_retries = max_retries
        self._cache = cache
        self._formats = ["json_object", "text"]
        if not _JSON_MODE_ONLY.match(model):
            self._formats.insert(0, "json_schema")
        self._temperature = not _NO_TEMPERATURE.match(model)
        self._opened: OpenAI | None = None

    def __repr__(self) -> str:
        return f"ChatModel({self.model!r} at {self._host})"

    @property
    def _host(self) -> str:
        # Without user and password, which a URL may hold.
        return urlsplit(self._base_url).hostname or "?" if self._base_url else OPENAI_HOST

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
            If the server cannot be asked, also after retries; says what to do.
        """
        answer = ModelAnswer(self.model)
        try:
            for question in questions(tracks, groups):
                self._ask_in_parts(question, answer)
        finally:
            if self._opened is not None:
                self._opened.close()
                self._opened = None
        self._count(answer)
        return answer

    def _ask_in_parts(self, question: Question, answer: ModelAnswer) -> None:
        try:
            self._ask(question, answer)
        except _TooLongError:
            if len(question.tracks) < 2:
                raise MappingError(
                    f"A question about one track and {len(question.groups)} groups is too long for "
                    f"the model '{self.model}'. Set OPENAI_MODEL to one with a longer context, "
                    f"{_OFFLINE}."
                ) from None
            for half in question.halves():
                self._ask_in_parts(half, answer)

    def _ask(self, question: Question, answer: ModelAnswer) -> None:
        """Ask once, and once more for what cannot be used."""
        asked = messages(list(question.tracks.values()), list(question.groups.values()))
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
                f"asked twice ({faults}): names and sound decide there."
            )

    def _call(self, asked: list[dict[str, str]], question: Question) -> ChatCall:
        request = {"messages": asked}
        text = json.dumps(request, ensure_ascii=False, sort_keys=True)
        sha = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        stored = self._cache(sha, self.model) if self._cache is not None else None
        if stored is not None and (response := _stored_response(stored.response)) is not None:
            return ChatCall(
                sha,
                self.model,
                request,
                response,
                _whole(stored.prompt_tokens),
                _whole(stored.completion_tokens),
                cached=True,
            )
        response, prompt_tokens, completion_tokens = self._send(asked, question)
        return ChatCall(
            sha, self.model, request, response, prompt_tokens, completion_tokens, cached=False
        )

    def _send(
        self, asked: list[dict[str, str]], question: Question
    ) -> tuple[dict[str, Any], int | None, int | None]:
        """Send one request, in the strictest form of JSON that the server knows."""
        import openai

        while True:
            try:
                completion = self._client.chat.completions.create(
                    model=self.model,
                    messages=cast("Any", asked),
                    **self._options(question),
                )
            except (openai.BadRequestError, openai.UnprocessableEntityError) as e:
                self._after_refusal(e)
                continue
            # ValueError: the client's own complaint about a body that is no JSON.
            except (openai.OpenAIError, ValueError) as e:
                raise self._failure(e) from None
            if not isinstance(getattr(completion, "choices", None), list):
                raise self._failure(None)
            return _response(completion, self._formats[0])

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

    @property
    def _client(self) -> "OpenAI":
        if self._opened is None:
            from openai import OpenAI

            self._opened = OpenAI(
                api_key=self._key.get_secret_value(),
                base_url=self._base_url or f"https://{OPENAI_HOST}/v1",
                timeout=self._timeout_seconds,
                max_retries=self._max_retries,
            )
        return self._opened

    def _failure(self, error: Any) -> MappingError:
        """Return the error for people; the key is never in it, whatever the server echoed."""
        import openai

        said = self._said(error)
        at = f"the model server {self._host}"
        tries = f"{self._max_retries + 1} attempts"
        if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
            what = f"{at} refused the key ({error.status_code}{said})"
            cure = "Put a valid OPENAI_API_KEY in .env"
        elif isinstance(error, openai.NotFoundError):
            what = f"{at} knows no model '{self.model}'{said}"
            cure = "Set OPENAI_MODEL (and OPENAI_BASE_URL) to what it serves"
        elif isinstance(error, openai.RateLimitError):
            what = f"{at} turned us away {tries} long (429{said})"
            cure = "Wait, raise the account's limits or credit, run fewer cues at once"
        elif isinstance(error, openai.APITimeoutError):
            what = f"{at} gave no answer within {self._timeout_seconds:g} s, in {tries}"
            cure = "Raise OPENAI_TIMEOUT_SECONDS or try later"
        elif isinstance(error, openai.APIConnectionError):
            what = f"{at} cannot be reached, in {tries}"
            cure = "Check OPENAI_BASE_URL and the network"
        elif isinstance(error, openai.APIStatusError):
            what = f"{at} failed ({error.status_code}{said})"
            cure = "Try later, or another OPENAI_MODEL"
        else:
            what = f"{at} sent what is no chat completion"
            cure = "Check that OPENAI_BASE_URL ends where its API begins (often /v1)"
        return MappingError(f"No mapping by '{self.model}': {what}. {cure}, {_OFFLINE}.")

    def _said(self, error: Any) -> str:
        text = str(getattr(error, "message", "") or "").replace(self._key.get_secret_value(), "…")
        text = re.sub(r"\b(?:sk|Bearer)[-_ ][\w*.-]+", "…", text)
        text = " ".join(text.split())[:200]
        return f": {text}" if text else ""

    def _count(self, answer: ModelAnswer) -> None:
        paid = [call for call in answer.calls if not call.cached]
        answer.prompt_tokens = sum(call.prompt_tokens or 0 for call in paid)
        answer.completion_tokens = sum(call.completion_tokens or 0 for call in paid)
        known = self._host == OPENAI_HOST and all(call.prompt_tokens is not None for call in paid)
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


def _response(
    completion: Any, response_format: str
) -> tuple[dict[str, Any], int | None, int | None]:
    choices = getattr(completion, "choices", None) or []
    choice = choices[0] if choices else None
    message = getattr(choice, "message", None)
    usage = getattr(completion, "usage", None)
    content = getattr(message, "content", None)
    response = {
        # PostgreSQL's JSON holds no NUL.
        "content": content.replace("\0", "\ufffd") if isinstance(content, str) else None,
        "refusal": getattr(message, "refusal", None),
        "finish_reason": getattr(choice, "finish_reason", None),
        "model": getattr(completion, "model", None),
        "response_format": response_format,
    }
    return (
        response,
        _whole(getattr(usage, "prompt_tokens", None)),
        _whole(getattr(usage, "completion_tokens", None)),
    )


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


def _whole(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"'{name[:40]}'" for name in names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more tracks"
