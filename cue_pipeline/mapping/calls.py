"""One question to a chat model and its answer, before they are a decision."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from cue_pipeline.mapping.answers import TrackAnswer
from cue_pipeline.mapping.prompt import PROMPT_VERSION


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


Cache = Callable[[str, str], StoredCall | None]


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
