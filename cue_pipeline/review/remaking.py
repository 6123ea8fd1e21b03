"""The mappings of a cue, made again in the background when people have left it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from threading import Condition, Thread
from typing import Literal

from cue_pipeline.cue.shown import shown
from cue_pipeline.errors import CuePipelineError

log = logging.getLogger("cue_pipeline.review")

Follow = Callable[[Collection[str]], dict[str, str]]
"""Brings what was decided of cues into the tables; returns why it could not, by cue."""

State = Literal["decided", "waiting", "making", "made", "later"]


@dataclass(frozen=True, slots=True)
class Remade:
    """How far a cue is of which something was decided here; ``told``: why it comes later."""

    state: State
    told: str | None = None


class Remaker:
    """Makes mappings again, one cue at a time, in a thread of its own.

    Parameters
    ----------
    follow : callable
        What `cue-pipeline mappings set` does after it has stored a decision.
    """

    def __init__(self, follow: Follow) -> None:
        self._follow = follow
        self._cues: dict[str, Remade] = {}
        self._changed = Condition()
        self._closed = False
        self._thread = Thread(target=self._work, name="remaker", daemon=True)
        self._thread.start()

    def decided(self, cue_key: str) -> None:
        """Note that something was decided of a cue, which is made again when it is left."""
        with self._changed:
            self._cues[cue_key] = Remade("decided")

    def left(self, cue_key: str) -> None:
        """Have a cue made again of which something was decided since it was made."""
        with self._changed:
            if self._cues.get(cue_key, Remade("made")).state == "decided":
                self._cues[cue_key] = Remade("waiting")
                self._changed.notify_all()

    def states(self) -> dict[str, Remade]:
        """Return how far each cue is of which something was decided here."""
        with self._changed:
            return dict(self._cues)

    def close(self) -> list[str]:
        """Have no further cue made; return those that are still to be made, once the last is."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()
        return [cue for cue, remade in self._cues.items() if remade.state in ("decided", "waiting")]

    def _next(self) -> str | None:
        with self._changed:
            while not self._closed:
                for cue, remade in self._cues.items():
                    if remade.state == "waiting":
                        self._cues[cue] = Remade("making")
                        return cue
                self._changed.wait()
        return None

    def _work(self) -> None:
        while (cue := self._next()) is not None:
            try:
                why = self._follow([cue]).get(cue)
            except CuePipelineError as e:
                why = str(e)
            except Exception:
                log.exception("The mappings of cue %r could not be made again.", cue)
                why = "it failed; the terminal in which the page's server runs says how"
            with self._changed:
                if self._cues[cue].state == "making":  # nothing was decided meanwhile
                    self._cues[cue] = Remade("later", shown(why)) if why else Remade("made")
