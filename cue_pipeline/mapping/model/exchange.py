"""One question to a chat model and its answer, before they are a decision."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any, Protocol

from cue_pipeline.mapping.model.answers import TrackAnswer
from cue_pipeline.mapping.model.prompt import PROMPT_VERSION


class StoredCall(Protocol):
    """An answer that was given before: as the warehouse keeps it."""

    @property
    def response(self) -> Any:
        """What :attr:`ChatCall.response` was, as a dict or as its JSON."""

    @property
    def prompt_tokens(self) -> int | None:
        """Tokens of the question, as billed then."""

    @property
    def completion_tokens(self) -> int | None:
        """Tokens of the answer, as billed then."""

    @property
    def created_at(self) -> datetime:
        """When it was stored."""


Cache = Callable[[str, str], StoredCall | None]
Waiting = Callable[[str, str], str | None]


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One question as it is sent.

    Attributes
    ----------
    options : dict
        What a request has besides model and messages: temperature and response format.
    response_format : str
        ``json_schema``, ``json_object`` or ``text``.
    """

    prompt_sha256: str
    model: str
    messages: list[dict[str, str]]
    options: dict[str, Any]
    response_format: str

    def body(self) -> dict[str, Any]:
        """Return the body of a request to chat completions."""
        return {"model": self.model, "messages": self.messages, **self.options}


@dataclass(frozen=True, slots=True)
class ChatCall:
    """One question and its answer, as ``llm_calls`` keeps it.

    Attributes
    ----------
    cached : bool
        Whether it was answered from the store, so that nothing was paid now.
    """

    prompt_sha256: str
    model: str
    request: dict[str, Any]
    response: dict[str, Any]
    prompt_tokens: int | None
    completion_tokens: int | None
    cached: bool

    def row(self) -> dict[str, Any]:
        """Return the row of ``llm_calls``."""
        return {
            "prompt_sha256": self.prompt_sha256,
            "model": self.model,
            "prompt_version": PROMPT_VERSION,
            "request": self.request,
            "response": self.response,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
        }


@dataclass(slots=True)
class ModelAnswer:
    """What the model says of a cue.

    Attributes
    ----------
    model : str
    tracks : dict of int to TrackAnswer
        By the track's position; a track that is not here got no usable answer.
    group_categories : dict of int to str
        By the group's position.
    calls : list of ChatCall
        Every request, those answered from the store as well.
    warnings : list of str
    prompt_tokens, completion_tokens : int
        Paid for now.
    cost_usd : float or None
        None: the price is not known.
    """

    model: str
    tracks: dict[int, TrackAnswer] = field(default_factory=dict)
    group_categories: dict[int, str] = field(default_factory=dict)
    calls: list[ChatCall] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float | None = 0.0
    prompts: dict[int, str] = field(default_factory=dict)

    def prompt_of(self, track: int) -> str | None:
        """Return the hash of the question that this track's answer came from."""
        return self.prompts.get(track)


def prompt_sha256(
    messages: list[dict[str, str]], server: str | None = None, repeated: int = 0
) -> str:
    """Return the hash by which the store knows a question.

    Parameters
    ----------
    messages : list of dict
    server : str, optional
        Whom it is for; None: OpenAI, and whoever was asked before the store knew of servers.
    repeated : int
        How often it was asked before, in vain.
    """
    told: dict[str, Any] = {"messages": messages}
    if server is not None:
        told["server"] = server
    if repeated:
        told["repeated"] = repeated
    text = json.dumps(told, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def read_completion(body: bytes) -> Any:
    """Return a chat completion as it came, with attributes for keys; None where it is no JSON.

    Nothing is validated: anything may be missing or odd.
    """
    try:
        return json.loads(body, object_hook=lambda found: SimpleNamespace(**found))
    except (ValueError, RecursionError):
        return None


def response_of(
    completion: Any, response_format: str, server: str
) -> tuple[dict[str, Any], int | None, int | None]:
    """Return what is kept of a chat completion, and the tokens of question and answer.

    Parameters
    ----------
    completion : object
        As :func:`read_completion` returns it.
    response_format : str
        What was asked for.
    server : str
        Who answered.
    """
    choices = getattr(completion, "choices", None) or []
    choice = choices[0] if choices else None
    message = getattr(choice, "message", None)
    usage = getattr(completion, "usage", None)
    response = {
        "content": _text(getattr(message, "content", None)),
        "refusal": _text(getattr(message, "refusal", None)),
        "finish_reason": _text(getattr(choice, "finish_reason", None)),
        "model": _text(getattr(completion, "model", None)),
        "response_format": response_format,
        "server": server,
    }
    return (
        response,
        whole_number(getattr(usage, "prompt_tokens", None)),
        whole_number(getattr(usage, "completion_tokens", None)),
    )


def whole_number(value: Any) -> int | None:
    """Return a number of tokens, None for what is none or does not fit a database's integer."""
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if 0 <= number < 2**31 else None


def _text(value: Any) -> str | None:
    # PostgreSQL's JSON holds no NUL, and no half surrogates, which JSON's escapes can spell.
    if not isinstance(value, str):
        return None
    return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
