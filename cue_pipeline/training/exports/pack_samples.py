"""The samples that a pack holds: those of its stems, and of the mixes of their cues."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cue_pipeline.errors import AudioFileError, CueError
from cue_pipeline.training.samples import Sounds, mixes_on_clock

if TYPE_CHECKING:
    from cue_pipeline.reading import Library, Mix, Stem
    from cue_pipeline.training.tables_source import TablesSource

Array = np.ndarray[Any, Any]
BLOCK_SECONDS: Final = 10.0


def unreadable(library: Library, source: TablesSource) -> dict[str, str]:
    """Return the cues of which a stem's file is gone, no sound, or not whole, and why.

    Files that are those of the rows were read once: only those that were warned of are again.
    """
    sounds, rate = Sounds(library), source.grid.sample_rate
    opened = lru_cache(1)(library.__getitem__)  # a cue's stems stand together
    found: dict[str, str] = {}
    for item in source.items:
        key, name = item.cue_key, item.stem
        if key not in found:
            read = partial(sounds.read_stem, key, name)
            if why := _why_unreadable(read, opened(key).stems[name], rate):
                found[key] = f"it cannot be read: {why}"
    return found


def _why_unreadable(read: Callable[..., None], sound: Stem | Mix, rate: int) -> str | None:
    """Return why a sound cannot be read; None where it can."""
    seconds = sound.duration_seconds if sound.warnings else 0.0
    try:
        read(0.0, rate, np.empty((1, 0), np.float32))
        for start in np.arange(0.0, seconds, BLOCK_SECONDS):
            read(float(start), rate, np.empty((1, round(BLOCK_SECONDS * rate)), np.float32))
    except (AudioFileError, CueError) as e:
        return str(e)
    return None


class PackSamples:
    """What is written of samples, stem by stem and mix by mix.

    Parameters
    ----------
    library : Library
    source : TablesSource
    rate, channels : int

    Attributes
    ----------
    left_out : dict of (str, str) to str
        Cue key and mix → why it is not in the pack.
    """

    def __init__(self, library: Library, source: TablesSource, rate: int, channels: int) -> None:
        from cue_pipeline.warehouse.stem_index import read_mixes

        self._source, self._sounds = source, Sounds(library)
        self._rate, self._channels = rate, channels
        opened = lru_cache(1)(library.__getitem__)  # a cue's stems stand together
        self._stems = [self._length(opened(item.cue_key).stems[item.stem]) for item in source.items]
        self.left_out: dict[tuple[str, str], str] = {}
        starts = {(item.cue_key, item.stem): item.start_seconds for item in source.items}
        found, _ = mixes_on_clock(read_mixes(library.store), starts)
        self._mixes: dict[str, tuple[str, int]] = {}
        for (key, _), (name, _) in found.items():
            if key not in self._mixes and (key, name) not in self.left_out:
                self._look(library, key, name)
        self._later = [
            found[item.cue_key, item.stem][1]
            if item.cue_key in self._mixes and (item.cue_key, item.stem) in found
            else None
            for item in source.items
        ]

    def index(self) -> dict[str, Any]:
        """Return ``samples`` of the index."""
        keys = dict.fromkeys(item.cue_key for item in self._source.items)
        return {
            "sample_rate": self._rate,
            "channels": self._channels,
            "stems": self._stems,
            "mixes": [self._mixes.get(key, ("", 0))[1] for key in keys],
            "mix_later": self._later,
        }

    def stem(self, item: int) -> Iterator[memoryview]:
        """Yield the bytes of a stem, a block at a time."""
        of = self._source.items[item]

        def read(start: float, out: Array) -> None:
            self._sounds.read_stem(of.cue_key, of.stem, start, self._rate, out)

        yield from self._blocks(read, self._stems[item])

    def mix_before(self, item: int) -> Iterator[memoryview]:
        """Yield the bytes of the mix of a cue, with the first of its stems."""
        items = self._source.items
        key = items[item].cue_key
        if key not in self._mixes or (item > 0 and items[item - 1].cue_key == key):
            return
        name, total = self._mixes[key]

        def read(start: float, out: Array) -> None:
            self._sounds.read_mix(key, name, start, self._rate, out)

        yield from self._blocks(read, total)

    def _blocks(self, read: Callable[[float, Array], None], total: int) -> Iterator[memoryview]:
        size = round(BLOCK_SECONDS * self._rate)
        for first in range(0, total, size):
            out = np.empty((self._channels, min(size, total - first)), np.float32)
            read(first / self._rate, out)
            yield memoryview(np.ascontiguousarray(out.T)).cast("B")

    def _look(self, library: Library, key: str, name: str) -> None:
        mix = library[key].mixes[name]
        why = _why_unreadable(partial(self._sounds.read_mix, key, name), mix, self._rate)
        if why is None:
            self._mixes[key] = name, self._length(mix)
        else:
            self.left_out[key, name] = f"its mix cannot be read: {why}"

    def _length(self, sound: Stem | Mix) -> int:
        """Return how many samples of a pack hold a sound, by the files that were processed."""
        channels = sound.row["channels"]
        longest = max(Fraction(int(c["frames"]), int(c["sample_rate"])) for c in channels)
        return math.ceil(longest * self._rate)
