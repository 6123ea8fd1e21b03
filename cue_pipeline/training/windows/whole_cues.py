"""Windows of whole cues: samples and scores of all stems, and the mix, on one clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .grid import Grid
from .refusal import WindowsError
from .source import Item, Labels

if TYPE_CHECKING:
    from .source import StemSource

Array = NDArray[Any]


def on_clock(items: Sequence[Item], grid: Grid) -> dict[int, tuple[float, float]]:
    """Return where the stems of cues begin on the clock of their cue.

    The clock of a cue counts from the earliest start of its stems. Where none of them bears a time
    reference they begin together, as a session's consolidated files do.

    Parameters
    ----------
    items : sequence of Item
        Stems, those of a cue together.
    grid : Grid

    Returns
    -------
    dict of int to (float, float)
        Stem → the seconds by which it begins later than its cue, and by how many of them it begins
        after a frame of the cue (before one: less than 0). Stems that bear no time reference where
        others do are not in it.
    """
    found: dict[int, tuple[float, float]] = {}
    for _, members in groupby(enumerate(items), key=lambda of: of[1].cue_key):
        own = list(members)
        timed = [(i, stem.start_seconds) for i, stem in own if stem.start_seconds is not None]
        placed = timed or [(i, 0.0) for i, _ in own]
        begin = min(start for _, start in placed)
        for i, start in placed:
            later = start - begin
            found[i] = later, later - _frame(later, grid) / grid.frames_per_second
    return found


def _frame(seconds: float, grid: Grid) -> int:
    return round(seconds * grid.frames_per_second)


class CueSource:
    """The cues of a source, each as its stems beside each other, on one clock: `on_clock`.

    Stems of which nothing tells where they begin are left out.

    Parameters
    ----------
    stems : StemSource
    max_stems : int
        Places in a window. Of a cue with more, those that come first by name are taken.

    Attributes
    ----------
    left_out : list of (cue_key, stem or None, reason)
    """

    def __init__(self, stems: StemSource, max_stems: int) -> None:
        if max_stems < 1:
            raise WindowsError(f"A window of a cue has a stem or more, not {max_stems=}.")
        self._stems, self._max = stems, max_stems
        self.grid, self.categories = stems.grid, stems.categories
        self.controllers = stems.controllers
        self.left_out: list[tuple[str, str | None, str]] = list(stems.left_out)
        placed = on_clock(stems.items, stems.grid)
        stems.later.update({i: shift for i, (_, shift) in placed.items()})
        self._members: list[list[tuple[int, float]]] = []
        items: list[Item] = []
        numbered = enumerate(stems.items)
        for key, members in groupby(numbered, key=lambda of: of[1].cue_key):
            own = self._taken(key, list(members), placed)
            if own:
                self._members.append(own)
                items.append(self._item(key, own, len(items)))
        self.items: Sequence[Item] = items

    def read_audio(self, item: int, start: float, rate: int, out: Array) -> None:
        """Fill an array with samples of all stems, shape=(max_stems, channels, n)."""
        for place, (stem, later) in enumerate(self._members[item]):
            self._stems.read_audio(stem, start - later, rate, out[place])
        out[len(self._members[item]) :] = 0.0

    def read_mix(self, item: int, start: float, rate: int, out: Array) -> None:
        """Fill an array with samples of the mix."""
        stem, later = self._members[item][0]
        self._stems.read_mix(stem, start - later, rate, out)

    def read_feature(self, *_: Any) -> None:
        """Refuse, as of the mel."""
        raise WindowsError("A window of a cue has no features; see `of='stem'`.")

    def read_mel(self, *_: Any) -> None:
        """Refuse: stems of a cue need not begin on each other's frames."""
        raise WindowsError("A window of a cue has no mel; see `of='stem'`.")

    def labels(self, *_: Any) -> Labels:
        """Refuse: what is said of the score is said of stems."""
        raise WindowsError("Notes one by one are told of windows of stems: see `of='stem'`.")

    def spans(self, item: int) -> list[tuple[int, int]]:
        """Return of each stem the cue's frame on which it begins, and its frames."""
        return [
            (_frame(later, self.grid), self._stems.items[stem].n_frames)
            for stem, later in self._members[item]
        ]

    def scores(self, item: int) -> list[Labels]:
        """Return what the score says of each stem."""
        return [self._stems.labels(stem) for stem, _ in self._members[item]]

    def labels_complete(self, item: int) -> Array:
        """Return of each place of a stem whether all that sounds in it is known."""
        found = np.zeros(self._max, bool)
        for place, (stem, _) in enumerate(self._members[item]):
            found[place] = self._stems.labels_complete(stem)
        return found

    def _taken(
        self, key: str, members: list[tuple[int, Item]], placed: Mapping[int, tuple[float, float]]
    ) -> list[tuple[int, float]]:
        """Return a cue's stems, each with how much later than the cue's clock it starts."""
        kept: list[tuple[int, float]] = []
        for i, stem in members:
            if i not in placed:
                self.left_out.append((key, stem.stem, "nothing tells where it starts"))
            elif len(kept) == self._max:
                self.left_out.append((key, stem.stem, f"beyond the first {self._max} stems"))
            else:
                kept.append((i, placed[i][0]))
        return kept

    def _item(self, key: str, members: list[tuple[int, float]], cue: int) -> Item:
        stems = self._stems.items
        n_frames = max(stems[i].n_frames + _frame(later, self.grid) for i, later in members)
        absent = (-1,) * (self._max - len(members))
        categories = tuple(stems[i].category for i, _ in members) + absent
        return Item(key, "", n_frames, categories, 0.0, cue, n_stems=len(members))
