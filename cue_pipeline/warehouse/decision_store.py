"""The part of the store that keeps what people say: of tracks, and of clocks."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Final, TypeVar

import sqlalchemy as sa

from cue_pipeline.settings import system_user
from cue_pipeline.warehouse import people, stated_clocks
from cue_pipeline.warehouse import tables as t
from cue_pipeline.warehouse.statements import in_parts
from cue_pipeline.warehouse.transaction import reading, write
from cue_pipeline.warehouse.types import is_dsql

T = TypeVar("T")

DECISIONS_A_TURN: Final = 500
"""On Aurora DSQL: each writes two rows, and two more where it takes the place of another key."""


class DecisionStore:
    """What people decided and stated, cue by cue; see :class:`~.store.Store`."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

    def take_turn(
        self,
        cue_keys: Collection[str],
        work: Callable[[people.Turn], T],
        *,
        by: str | None = None,
        action: str = "set",
        change_id: int | None = None,
    ) -> T:
        """Read and change what is decided of some cues in one transaction, one writer at a time.

        Parameters
        ----------
        cue_keys : collection of str
            Registered cues; of no other anything is changed.
        work : callable
            What is done; on Aurora DSQL it may run several times, and change 3,000 rows at most.
        by : str, optional
            Who decides; the user of the system otherwise.
        action : str
            How the history calls it.
        change_id : int, optional
            Of the change that it is a part of; a new one otherwise.

        Returns
        -------
        object
            What ``work`` returns.
        """
        act = people.Act(by or system_user(), action)
        if change_id is not None:
            act = replace(act, change_id=change_id)

        def turn(connection: sa.Connection) -> T:
            people.exclude_others(connection, cue_keys)
            return work(people.Turn(connection, act))

        return write(self.engine, turn)

    def in_turns(self, decisions: Sequence[T]) -> Iterator[Sequence[T]]:
        """Yield decisions in the parts that one turn can hold: all of them, but on Aurora DSQL."""
        most = DECISIONS_A_TURN if is_dsql(self.engine.dialect) else max(1, len(decisions))
        yield from in_parts(decisions, most)

    def history(self, cue_key: str) -> list[people.Change]:
        """Return what became of the decisions about a cue, the oldest first."""
        with reading(self.engine) as connection:
            return people.history(connection, cue_key)

    def state_clock(self, said: stated_clocks.StatedClock, *, by: str | None = None) -> bool:
        """Store what a person says of a cue's clock; what was said before and not anew stays.

        Parameters
        ----------
        said : StatedClock
            Of a registered cue.
        by : str, optional
            Who says so; the user of the system otherwise.

        Returns
        -------
        bool
            Whether it was not stored just so already.
        """
        return self._state(partial(stated_clocks.state, said), said, "set", by)

    def unstate_clock(self, said: stated_clocks.StatedClock, *, by: str | None = None) -> bool:
        """Forget what was said of a clock (file and stem); tell whether there was something."""
        return self._state(partial(stated_clocks.take_back, said), said, "unset", by)

    def undo_clock(
        self, said: stated_clocks.StatedClock, *, by: str | None = None
    ) -> stated_clocks.ClockChange | None:
        """Take back the last change of what is said of a clock (file and stem), and return it."""
        return self._state(partial(stated_clocks.undo, said), said, "undo", by)

    def _state(
        self,
        work: Callable[[people.Act, sa.Connection], T],
        said: stated_clocks.StatedClock,
        action: str,
        by: str | None,
    ) -> T:
        return self.take_turn(
            [said.cue_key], lambda turn: work(turn.act, turn.connection), by=by, action=action
        )

    def clock_history(self, cue_key: str) -> list[stated_clocks.ClockChange]:
        """Return what became of what people said of a cue's clock, the oldest first."""
        with reading(self.engine) as connection:
            return stated_clocks.history(connection, cue_key)

    def decisions(self, cue_key: str | None = None) -> dict[str, dict[str, str]]:
        """Return digests of what people decided, by cue key and table; nothing: not there."""
        found: dict[str, dict[str, str]] = {}
        with reading(self.engine) as connection:
            for table, digests in (
                (t.mapping_overrides, people.digests),
                (t.alignment_overrides, stated_clocks.digests),
            ):
                for key, digest in digests(connection, cue_key).items():
                    found.setdefault(key, {})[table.name] = digest
        return found
