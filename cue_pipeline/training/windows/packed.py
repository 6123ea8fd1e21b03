"""A pack: windows from memory-mapped files, without a database.

Notes
-----
A pack is a folder. ``index.json`` says what is in it; every array is a file of its own,
little-endian, in C order, stem after stem:

==================  =====================================================================
``mel.f2``          frames × bands: dB re full scale, as the tables hold it
``beat.f4``         frames × 2: bar and beat
``controllers.i1``  frames × controllers
``complete.b1``     frames
``sounding.i4``     cells in which notes sound, with ``velocity.u1``
``onsets.i4``       cells in which notes begin, with ``categories.i1``
``offsets.i4``      cells in which notes have ceased to sound
``audio.f4``        where it was exported with samples: see :mod:`.packed_samples`
``mix.f4``          the same of the cues' mixes
==================  =====================================================================

A cell is ``frame * 128 + pitch``, the frame counted from the stem's first.
"""

from __future__ import annotations

import json
import mmap
import os
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .grid import Grid
from .packed_samples import AUDIO, MIX, PackedSamples, sample_sizes
from .refusal import WindowsError
from .source import LABEL_DTYPES, Item, Labels

Array = NDArray[Any]

INDEX = "index.json"
VERSION = 1
PER_FRAME = ("beat", "controllers", "complete")
PER_CELL = {
    "sounding": "sounding", "velocity": "sounding", "onsets": "onsets", "categories": "onsets",
    "offsets": "offsets",
}  # fmt: skip
"""Array → the one whose length it shares."""

_SUFFIX = {"<i4": "i4", "u1": "u1", "i1": "i1", "<f4": "f4", "?": "b1", "float16": "f2",
           "float32": "f4"}  # fmt: skip
_KEPT_LABELS = 1 << 16


def file_of(array: str, mel_dtype: str) -> str:
    """Return the name of an array's file."""
    return f"{array}.{_SUFFIX[mel_dtype if array == 'mel' else LABEL_DTYPES[array]]}"


class PackedSource:
    """The stems of a pack.

    Parameters
    ----------
    folder : path
    split : str, optional
        Only stems of cues of this split.
    cues : collection of str, optional
        Only stems of these cues.
    mixes : bool
        Whether the mix is asked for: stems beside which none is known are left out then.

    Attributes
    ----------
    samples : PackedSamples or None
        None: the pack holds none.
    left_out : list of (cue_key, stem, reason)

    Raises
    ------
    WindowsError
        If there is no pack, it is of a version that this program does not read, its files do not
        have the sizes that its index says, or it has no such split.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        split: str | None = None,
        cues: Collection[str] | None = None,
        mixes: bool = False,
    ) -> None:
        self.folder = Path(folder).absolute()
        self._asked = (split, cues, mixes)
        index = read_index(self.folder)
        self.grid = Grid(**index["grid"])
        self.controllers = tuple(index["controllers"])
        self.categories = tuple(index["categories"])
        self._arrays = _arrays(self.folder, index, self.grid)
        stems = index["stems"]
        self.samples = _samples(self.folder, index)
        self._kept = _of_cues(index, _of_split(index, split, self.folder), cues, self.folder)
        self.left_out: list[tuple[str, str, str]] = []
        if mixes and self.samples is not None:
            self._kept = self._with_mix(index, self.samples.later)
        frames = [0, *accumulate(stems["n_frames"])]
        self._frames = [frames[i] for i in self._kept]
        cells = {name: [0, *accumulate(stems["n_cells"][name])] for name in stems["n_cells"]}
        self._cells = {
            name: [(ends[i], ends[i + 1]) for i in self._kept] for name, ends in cells.items()
        }
        self.items: Sequence[Item] = [_item(index, i) for i in self._kept]
        self._labels = lru_cache(_KEPT_LABELS)(self._read_labels)

    def read_mel(self, items: Array, firsts: Array, out: Array) -> None:
        """Fill a batch with frames: see `Source.read_mel`."""
        mel, frames, stems, n = self._arrays["mel"], self._frames, self.items, out.shape[1]
        for row, (item, first) in enumerate(zip(items.tolist(), firsts.tolist(), strict=True)):
            begin = frames[item] + first
            there = max(0, min(n, stems[item].n_frames - first))
            out[row, :there] = mel[begin : begin + there]
            if there < n:
                out[row, there:] = self.grid.silence_db

    def read_feature(self, field: str, items: Array, firsts: Array, out: Array) -> None:
        """Refuse: a pack holds the mel alone."""
        del items, firsts, out
        raise WindowsError(f"A pack holds no field '{field}'.")

    def labels(self, item: int) -> Labels:
        """Return what the score says of a stem."""
        return self._labels(item)

    def spans(self, item: int) -> list[tuple[int, int]]:
        """Return where a stem begins on its own clock, and its frames."""
        return [(0, self.items[item].n_frames)]

    def scores(self, item: int) -> list[Labels]:
        """Return what the score says of a stem."""
        return [self._labels(item)]

    def labels_complete(self, item: int) -> bool:
        """Return whether all that sounds in a stem is known."""
        return bool(self._labels(item).complete.all())

    def read_audio(self, item: int, start: float, rate: int, out: Array) -> None:
        """Fill an array with samples of a stem: see `Source.read_audio`."""
        self._held().read_audio(self._kept[item], start, rate, out)

    def read_mix(self, item: int, start: float, rate: int, out: Array) -> None:
        """Fill an array with samples of the mix of a stem's cue: see `Source.read_mix`."""
        self._held().read_mix(self._kept[item], start, rate, out)

    def _held(self) -> PackedSamples:
        if self.samples is None:
            raise WindowsError(
                f"'{self.folder}' is a pack that holds no samples: it was exported without --audio "
                "HZ. Export it anew with that, or open the library itself for 'audio' and 'mix': "
                "Windows.open('sqlite:///…')."
            )
        return self.samples

    def _with_mix(self, index: Mapping[str, Any], later: Sequence[float | None]) -> list[int]:
        kept = [i for i in self._kept if later[i] is not None]
        for i in self._kept:
            if later[i] is None:
                item = _item(index, i)
                self.left_out.append(
                    (item.cue_key, item.stem, "its cue has no mix of which it is known where it "
                     "starts beside it")
                )  # fmt: skip
        if not kept:
            raise WindowsError(
                f"No stem in '{self.folder}' has a mix that is known to start with it. Leave 'mix' "
                "out of the fields."
            )
        return kept

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopened, (self.folder, *self._asked)

    def _read_labels(self, item: int) -> Labels:
        begin = self._frames[item]
        end = begin + self.items[item].n_frames
        found = {name: self._arrays[name][begin:end] for name in PER_FRAME}
        for name, of in PER_CELL.items():
            lo, hi = self._cells[of][item]
            found[name] = self._arrays[name][lo:hi]
        return Labels(**found)


def read_index(folder: Path) -> dict[str, Any]:
    """Return the index of a pack.

    Raises
    ------
    WindowsError
        If there is none, or it is of another version.
    """
    try:
        index: dict[str, Any] = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        version = index["version"]
    except OSError:
        raise WindowsError(
            f"'{folder}' is no pack: it has no {INDEX}. Give the folder that `cue-pipeline export "
            "pack` has written; cue_pipeline.training.Windows takes the URL of a database, too "
            "(sqlite:///…)."
        ) from None
    except (ValueError, KeyError, TypeError):
        raise WindowsError(f"'{folder / INDEX}' cannot be read; copy the pack again.") from None
    if version != VERSION:
        raise WindowsError(
            f"'{folder}' is a pack of version {version}; this program reads {VERSION}. Export it "
            "anew, or install the program that wrote it."
        )
    return index


def sizes(index: Mapping[str, Any]) -> dict[str, int]:
    """Return how many bytes each file of a pack has, by its index."""
    grid, stems = Grid(**index["grid"]), index["stems"]
    n_frames = sum(stems["n_frames"])
    width = {"mel": grid.n_mels, "beat": 2, "controllers": len(index["controllers"]), "complete": 1}
    found = {}
    for name in ("mel", *PER_FRAME, *PER_CELL):
        n = width[name] * n_frames if name in width else sum(stems["n_cells"][PER_CELL[name]])
        dtype = grid.dtype if name == "mel" else LABEL_DTYPES[name]
        found[file_of(name, grid.dtype)] = n * np.dtype(dtype).itemsize
    return found | sample_sizes(index)


def _samples(folder: Path, index: Mapping[str, Any]) -> PackedSamples | None:
    if "samples" not in index:
        return None
    n_channels = index["samples"]["channels"]
    audio, mix = (
        _mapped(folder / n, np.dtype("<f4")).reshape(-1, n_channels) for n in (AUDIO, MIX)
    )
    return PackedSamples(index, audio, mix)


def _arrays(folder: Path, index: Mapping[str, Any], grid: Grid) -> dict[str, Array]:
    for name, needed in sizes(index).items():
        path = folder / name
        found = path.stat().st_size if path.is_file() else -1
        if found != needed:
            raise WindowsError(
                f"'{path}' {f'has {found:,} bytes' if found >= 0 else 'is missing'}; by {INDEX} it "
                f"has {needed:,}. The pack is not whole: copy it again."
            )
    shapes = {
        "mel": (-1, grid.n_mels),
        "beat": (-1, 2),
        "controllers": (-1, len(index["controllers"])),
    }
    arrays = {}
    for name in ("mel", *PER_FRAME, *PER_CELL):
        dtype = np.dtype(grid.dtype if name == "mel" else LABEL_DTYPES[name]).newbyteorder("<")
        found_array = _mapped(folder / file_of(name, grid.dtype), dtype)
        shape = shapes.get(name, (-1,))
        # Of no columns the number of rows is not told by the file.
        rows = sum(index["stems"]["n_frames"]) if 0 in shape else -1
        arrays[name] = found_array.reshape(rows, *shape[1:])
    return arrays


def _mapped(path: Path, dtype: np.dtype[Any]) -> Array:
    """Return a file as an array; a plain one, whose slices cost less than those of np.memmap."""
    if path.stat().st_size == 0:
        return np.empty(0, dtype)
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return np.frombuffer(mapped, dtype)


def _of_split(index: Mapping[str, Any], split: str | None, folder: Path) -> list[int]:
    cues = index["stems"]["cue"]
    if split is None:
        return list(range(len(cues)))
    splits = index["cues"]["split"]
    names = sorted({name for name in splits if name is not None})
    if split not in names:
        there = f"there are {', '.join(names)}" if names else "it was exported without splits"
        raise WindowsError(f"No split {split!r} in '{folder}': {there}.")
    return [i for i, cue in enumerate(cues) if splits[cue] == split]


def _of_cues(
    index: Mapping[str, Any], stems: list[int], cues: Collection[str] | None, folder: Path
) -> list[int]:
    if cues is None:
        return stems
    keys = index["cues"]["key"]
    unknown = sorted(set(cues) - set(keys))
    if unknown:
        raise WindowsError(f"No cue {unknown[0]!r} in '{folder}', which has {len(keys)} others.")
    return [i for i in stems if keys[index["stems"]["cue"][i]] in cues]


def _item(index: Mapping[str, Any], i: int) -> Item:
    stems = index["stems"]
    cue = stems["cue"][i]
    return Item(
        index["cues"]["key"][cue],
        stems["name"][i],
        stems["n_frames"][i],
        stems["category"][i],
        stems["start_seconds"][i],
        cue,
    )


def _reopened(
    folder: Path, split: str | None, cues: Collection[str] | None, mixes: bool
) -> PackedSource:
    return PackedSource(folder, split=split, cues=cues, mixes=mixes)
