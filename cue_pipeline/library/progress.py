"""Where a run tells how far it is, for whoever watches this process.

Dagster's own event log is the record; this is the live signal for the command line's progress
bars, which would otherwise have to poll a database.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

Stage = Literal["started", "computed", "stored", "failed"]


@dataclass(frozen=True, slots=True)
class Progress:
    """One step of one asset of one cue."""

    cue_key: str
    asset: str
    stage: Stage
    messages: tuple[str, ...] = ()


_listeners: list[Callable[[Progress], None]] = []


def listen(listener: Callable[[Progress], None]) -> None:
    """Call ``listener`` with every step that this process takes from now on."""
    _listeners.append(listener)


def report(cue_key: str, asset: str, stage: Stage, messages: Sequence[str] = ()) -> None:
    """Tell the listeners of one step."""
    for listener in _listeners:
        listener(Progress(cue_key, asset, stage, tuple(messages)))
