"""How far runs are: what a run tells whoever watches its process, and what is told of each cue.

Dagster's own event log is the record; this is the live signal for the command line's progress
bars, which would otherwise have to poll a database.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

Stage = Literal["started", "computed", "stored", "failed"]
Result = Literal["processed", "up to date", "failed", "refused", "interrupted", "waiting", "to do"]


@dataclass(frozen=True, slots=True)
class Progress:
    """One step of one asset of one cue."""

    cue_key: str
    asset: str
    stage: Stage
    messages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CueStarted:
    """A cue's run has begun."""

    cue_key: str
    assets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CueLeft:
    """A cue is left to the end: another process of this machine is at it."""

    cue_key: str


@dataclass(slots=True)
class CueOutcome:
    """What became of one cue; told when its run has ended."""

    cue_key: str
    result: Result
    assets: int = 0
    seconds: float = 0.0
    warnings: list[str] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)


Event = CueStarted | Progress | CueLeft | CueOutcome

_listeners: list[Callable[[Progress], None]] = []


def listen(listener: Callable[[Progress], None]) -> None:
    """Call ``listener`` with every step that this process takes from now on."""
    _listeners.append(listener)


def report(cue_key: str, asset: str, stage: Stage, messages: Sequence[str] = ()) -> None:
    """Tell the listeners of one step."""
    for listener in _listeners:
        listener(Progress(cue_key, asset, stage, tuple(messages)))
