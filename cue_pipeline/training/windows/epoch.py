"""An epoch's windows in batches, from any point of it, prepared by a thread."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Mapping
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .refusal import WindowsError

if TYPE_CHECKING:
    from .windowed import Windows

Array = NDArray[Any]

DRAWN_AT_ONCE = 4096
MOST_SETS = 8
_WAIT_SECONDS = 0.1


class Batches:
    """The batches of one epoch on one rank.

    Position ``p`` of an epoch holds the same window for every number of ranks and workers: rank
    ``r`` of ``world`` takes the positions ``r``, ``r + world``, ``r + 2 * world``, …, in batches of
    ``batch``.

    Parameters
    ----------
    windows : Windows
    batch : int
        Windows of a batch.
    seed, epoch : int
        What the order is a function of. ``shuffle=False``: the order of the index.
    rank, world : int
        Which of how many processes that train together.
    start : int
        The first batch: what a run that is resumed has seen of this epoch.
    drop_last : bool
        Leave out what fills no batch on every rank, so that all ranks have the same number.
    prefetch : int
        Batches that a thread prepares ahead; 0: none.
    """

    def __init__(
        self,
        windows: Windows,
        batch: int,
        *,
        seed: int = 0,
        epoch: int = 0,
        rank: int = 0,
        world: int = 1,
        start: int = 0,
        shuffle: bool = True,
        drop_last: bool = False,
        prefetch: int = 1,
    ) -> None:
        _check(batch, rank, world, start)
        self.windows, self.batch, self.seed, self.epoch = windows, batch, seed, epoch
        self.rank, self.world, self.start = rank, world, start
        self.shuffle, self.drop_last, self.prefetch = shuffle, drop_last, prefetch
        self._next = start

    def __len__(self) -> int:
        """Return the number of batches of the epoch that are left from ``start`` on."""
        return max(0, self._total() - self.start)

    def __iter__(self) -> Iterator[dict[str, Array]]:
        """Yield batches: field → array of shape (n, …), and ``window``, the number of each."""
        return self.of_worker(0, 1)

    def of_worker(self, worker: int, workers: int) -> Iterator[dict[str, Array]]:
        """Yield every ``workers``-th batch, from the ``worker``-th on."""
        numbers = range(self.start + worker, self._total(), workers)
        for number, found in zip(numbers, self._prepared(numbers), strict=True):
            self._next = number - worker + workers
            yield found
            del found  # or its arrays would be in use while the next batch is made

    def set_epoch(self, epoch: int) -> None:
        """Begin another epoch, from its first batch."""
        self.epoch, self.start, self._next = epoch, 0, 0

    def state_dict(self) -> dict[str, int]:
        """Return from where to go on: after the last batch that was given out."""
        return {"seed": self.seed, "epoch": self.epoch, "batch": self._next}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Go on from where a :meth:`state_dict` was taken."""
        self.seed, self.epoch = int(state["seed"]), int(state["epoch"])
        self._next = self.start = int(state["batch"])

    def drawn(self, number: int) -> Array:
        """Return the windows of a batch, without reading them."""
        return next(self._draws(range(number, number + 1)))

    def _total(self) -> int:
        n = self.windows.epoch_length
        if self.drop_last:
            return n // (self.batch * self.world)
        mine = max(0, -(-(n - self.rank) // self.world))
        return -(-mine // self.batch)

    def _prepared(self, numbers: range) -> Iterator[dict[str, Array]]:
        pool = self.windows.buffers(self.batch)
        made = (self._made(ids, pool) for ids in self._draws(numbers))
        return made if self.prefetch < 1 else ahead(made, self.prefetch)

    def _made(self, ids: Array, pool: Buffers) -> dict[str, Array]:
        arrays = pool.take(len(ids))
        self.windows.fill(ids, arrays)
        arrays["window"][:] = ids
        return arrays

    def _draws(self, numbers: range) -> Iterator[Array]:
        """Yield the windows of batches; many are drawn at once, at little more than one costs."""
        n = self.windows.epoch_length
        at_once = max(1, DRAWN_AT_ONCE // self.batch)
        for i in range(0, len(numbers), at_once):
            some = np.array(numbers[i : i + at_once], np.int64)
            within = some[:, None] * self.batch + np.arange(self.batch)
            positions = (within * self.world + self.rank).reshape(-1)
            positions = positions[positions < n]
            ids = self.windows.draw(positions, self.seed, self.epoch) if self.shuffle else positions
            for k in range(len(some)):
                yield ids[k * self.batch : (k + 1) * self.batch]


class Buffers:
    """Arrays for batches, taken again when nobody holds them any more.

    New pages cost more than what is written into them. Arrays are free when only this pool refers
    to them: a view, or a tensor, of one counts as a reference.
    """

    def __init__(self, windows: Windows, batch: int) -> None:
        self._windows, self.batch = windows, batch
        self._sets: list[_Set] = []
        self._lock = threading.Lock()  # two epochs may be read at once

    def take(self, n: int) -> dict[str, Array]:
        """Return arrays for ``n`` windows."""
        if n != self.batch:
            return self._windows.empty(n)
        with self._lock:
            for one in self._sets:
                if one.is_free():
                    return dict(one.arrays)
            if len(self._sets) >= MOST_SETS:  # what is kept elsewhere will not come back soon
                return self._windows.empty(n)
            self._sets.append(_Set(self._windows.empty_block(n)))
            return dict(self._sets[-1].arrays)


class _Set:
    """The arrays of a batch, parts of one block."""

    def __init__(self, arrays: dict[str, Array]) -> None:
        self.arrays = arrays
        # Versions of Python count their own references differently: now there are no others.
        self._unused = self._references()

    def is_free(self) -> bool:
        """Return whether nobody else refers to an array, or, by a view of one, to the block."""
        return self._references() == self._unused

    def _references(self) -> list[int]:
        of_arrays = [sys.getrefcount(array) for array in self.arrays.values()]
        block: Any = self.arrays["window"].base
        return [*of_arrays, sys.getrefcount(block)]


def ahead(made: Iterator[dict[str, Array]], depth: int) -> Iterator[dict[str, Array]]:
    """Yield what an iterator yields, which a thread runs ahead of its reader.

    No more than ``depth`` are made, or being made, beside the one that is read: what is in few
    arrays stays in the processor's cache.
    """
    ready: SimpleQueue[Any] = SimpleQueue()
    places, left = threading.Semaphore(depth), threading.Event()

    def run() -> None:
        try:
            while _free(places, left):
                ready.put(next(made, None))
        except BaseException as e:  # noqa: BLE001 - raised again where the batch was asked for
            ready.put(e)

    thread = threading.Thread(target=run, name="windows", daemon=True)
    thread.start()
    try:
        while (one := ready.get()) is not None:
            if isinstance(one, BaseException):
                raise one
            places.release()
            yield one
            del one  # or its arrays would be in use while the next is waited for
    finally:
        left.set()
        thread.join()


def _free(places: threading.Semaphore, left: threading.Event) -> bool:
    """Wait for a place; False once the reader has left."""
    while not places.acquire(timeout=_WAIT_SECONDS):
        if left.is_set():
            return False
    return not left.is_set()


def _check(batch: int, rank: int, world: int, start: int) -> None:
    if batch < 1 or start < 0:
        raise WindowsError(f"A batch has 1 window or more, and the first is 0: {batch=}, {start=}.")
    if not 0 <= rank < world:
        raise WindowsError(f"Ranks count from 0 to world - 1: {rank=}, {world=}.")
