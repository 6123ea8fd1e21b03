"""Groups of cues that share music, directly or through others, and the ties that join them."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cue_pipeline.library.ties import Tie


@dataclass
class TieGroups:
    """Union-find over cues, with the ties that joined them.

    Attributes
    ----------
    parent : dict of str to str
        Each cue, to another one of its group; at first to itself.
    neighbours : dict of str to list of (str, Tie)
        Each cue, to those that share something with it.
    """

    parent: dict[str, str]
    neighbours: dict[str, list[tuple[str, Tie]]] = field(default_factory=lambda: defaultdict(list))

    def root(self, key: str) -> str:
        """Return the least cue of a group, which stands for it."""
        while self.parent[key] != key:
            self.parent[key] = key = self.parent[self.parent[key]]
        return key

    def join(self, tie: Tie) -> None:
        """Join the groups of two cues; a tie to a cue that is not among them joins nothing."""
        if tie.a not in self.parent or tie.b not in self.parent:
            return
        self.neighbours[tie.a].append((tie.b, tie))
        self.neighbours[tie.b].append((tie.a, tie))
        a, b = sorted((self.root(tie.a), self.root(tie.b)))
        self.parent[b] = a

    def members(self) -> list[list[str]]:
        """Return the cues of each group, in order of their keys."""
        found: dict[str, list[str]] = defaultdict(list)
        for key in sorted(self.parent):
            found[self.root(key)].append(key)
        return list(found.values())

    def chain(self, start: Collection[str], goal: Collection[str]) -> tuple[Tie, ...]:
        """Return the shortest chain of ties from some cues to others."""
        came: dict[str, tuple[str, Tie] | None] = dict.fromkeys(sorted(start))
        queue = deque(came)
        while queue:
            key = queue.popleft()
            if key in goal:
                return self._back(came, key)
            for other, tie in self.neighbours[key]:
                if other not in came:
                    came[other] = (key, tie)
                    queue.append(other)
        return ()

    @staticmethod
    def _back(came: Mapping[str, tuple[str, Tie] | None], key: str) -> tuple[Tie, ...]:
        chain: list[Tie] = []
        while (step := came[key]) is not None:
            key = step[0]
            chain.insert(0, step[1])
        return tuple(chain)
