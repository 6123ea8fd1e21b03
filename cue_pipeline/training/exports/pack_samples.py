"""The samples that a pack holds: those of its stems, and of the mixes of their cues."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cue_pipeline.errors import AudioFileError, CueError
from cue_pipeline.training.samples import mixes_on_clock

if TYPE_CHECKING:
    from cue_pipeline.reading import Library, Mix, Stem
    from cue_pipeline.training.samples import Sounds
    from cue_pipeline.training.tables_source import TablesSource
    from cue_pipeline.training.windows.packed import PackedSource
    from cue_pipeline.training.windows.packed_samples import PackedSamples

Array = np.ndarray[Any, Any]
BLOCK_SECONDS: Final = 10.0
_UNREADABLE: Final = (AudioFileError, CueError)


def unreadable(sounds: Sounds, source: TablesSource) -> dict[str, str]:
    """Return the cues of which a stem's file is gone, no sound, or not whole, and why.

    Files that are those of the rows were read once: only those that were warned of are again.
    """
    found: dict[str, str] = {}
    for item in source.items:
        key, name = item.cue_key, item.stem
        if key not in found:
            read = partial(sounds.read_stem, key, name)
            if why := _why_unreadable(read, sounds.stem(key, name), source.grid.sample_rate):
                found[key] = f"it cannot be read: {why}"
    return found


def _why_unreadable(read: Callable[..., None], sound: Stem | Mix, rate: int) -> str | None:
    """Return why a sound cannot be read; None where it can."""
    seconds = sound.duration_seconds if sound.warnings else 0.0
    try:
        read(0.0, rate, np.empty((1, 0), np.float32))
        for start in np.arange(0.0, seconds, BLOCK_SECONDS):
            read(float(start), rate, np.empty((1, round(BLOCK_SECONDS * rate)), np.float32))
    except _UNREADABLE as e:
        return str(e)
    return None


class PackSamples:
    """What is written of samples, stem by stem and mix by mix.

    Parameters
    ----------
    library : Library
    source : TablesSource
    sounds : Sounds
    rate, channels : int

    Attributes
    ----------
    mixes : dict of str to (str, int)
        Cue key → name of the mix that is in the pack, and its samples.
    later : list of float or None
        For each stem, how many seconds later than the stem its mix starts; None: not known.
    left_out : dict of (str, str) to str
        Cue key and mix → why it is not in the pack.
    """

    def __init__(
        self, library: Library, source: TablesSource, sounds: Sounds, rate: int, channels: int
    ) -> None:
        from cue_pipeline.warehouse.stem_index import read_mixes

        self._source, self._sounds = source, sounds
        self._rate, self._channels = rate, channels
        self._stems = [self._length(sounds.stem(i.cue_key, i.stem)) for i in source.items]
        self.left_out: dict[tuple[str, str], str] = {}
        starts = {(item.cue_key, item.stem): item.start_seconds for item in source.items}
        found, _ = mixes_on_clock(read_mixes(library.store), starts)
        self.mixes: dict[str, tuple[str, int]] = {}
        for (key, _), (name, _) in found.items():
            if key not in self.mixes and (key, name) not in self.left_out:
                self._look(key, name)
        self.later = [
            found[item.cue_key, item.stem][1]
            if item.cue_key in self.mixes and (item.cue_key, item.stem) in found
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
            "mixes": [self.mixes.get(key, ("", 0))[1] for key in keys],
            "mix_later": self.later,
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
        if key in self.mixes and (item == 0 or items[item - 1].cue_key != key):
            yield from self.mix(key)

    def mix(self, key: str) -> Iterator[memoryview]:
        """Yield the bytes of the mix of a cue, a block at a time."""
        name, total = self.mixes[key]

        def read(start: float, out: Array) -> None:
            self._sounds.read_mix(key, name, start, self._rate, out)

        yield from self._blocks(read, total)

    def _blocks(self, read: Callable[[float, Array], None], total: int) -> Iterator[memoryview]:
        size = round(BLOCK_SECONDS * self._rate)
        for first in range(0, total, size):
            out = np.empty((self._channels, min(size, total - first)), np.float32)
            read(first / self._rate, out)
            yield memoryview(np.ascontiguousarray(out.T)).cast("B")

    def _look(self, key: str, name: str) -> None:
        mix = self._sounds.mix(key, name)
        why = _why_unreadable(partial(self._sounds.read_mix, key, name), mix, self._rate)
        if why is None:
            self.mixes[key] = name, self._length(mix)
        else:
            self.left_out[key, name] = f"its mix cannot be read: {why}"

    def _length(self, sound: Stem | Mix) -> int:
        """Return how many samples of a pack hold a sound, by the files that were processed."""
        channels = sound.row["channels"]
        longest = max(Fraction(int(c["frames"]), int(c["sample_rate"])) for c in channels)
        return math.ceil(longest * self._rate)


def stem_difference(
    packed: PackedSource, held: PackedSamples, i: int, files: PackSamples, there: int
) -> str | None:
    """Return how the sound of a stem differs from the files, or its mix's start; None: not."""
    try:
        if _differs(held.stem(i), files.stem(there)):
            return "its samples are others in its files."
    except _UNREADABLE as e:
        return f"its sound cannot be read: {e}"
    has_mix = packed.items[i].cue_key in files.mixes and len(held.mix(packed.items[i].cue))
    if has_mix and held.later[i] != files.later[there]:
        return "its mix starts elsewhere beside it in the tables."
    return None


def mix_differences(
    packed: PackedSource, held: PackedSamples, files: PackSamples, left_out: Collection[str]
) -> Iterator[str]:
    """Yield how the mixes in a pack differ from the files.

    Parameters
    ----------
    packed : PackedSource
    held : PackedSamples
        Its samples.
    files : PackSamples
    left_out : collection of str
        What the pack says that it has not.
    """
    unread = {key: why for (key, _), why in files.left_out.items()}
    for key, cue in {item.cue_key: item.cue for item in packed.items}.items():
        own, now = held.mix(cue), files.mixes.get(key)
        if now is None:
            if len(own):
                yield f"cue '{key}': {unread.get(key, 'the tables do not have its mix any more.')}"
        elif not len(own):
            if f"{key}: mix '{now[0]}'" not in left_out:
                yield f"cue '{key}': its mix '{now[0]}' is in the files and not in the pack."
        elif _differs(own, files.mix(key)):
            yield f"cue '{key}': the samples of its mix are others in its files."


def _differs(own: Array, blocks: Iterable[memoryview]) -> bool:
    first = 0
    for block in blocks:
        n = len(block) // (own.itemsize * own.shape[1])
        if own[first : first + n].tobytes() != block:
            return True
        first += n
    return first != len(own)
