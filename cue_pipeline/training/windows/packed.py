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
``cue/…``           labels once more, of stems that do not begin on a frame of their cue's clock,
                    on its frames
``feature.KIND.…``  where it was exported with features: see :mod:`.packed_features`
``audio.f4``        where it was exported with samples: see :mod:`.packed_samples`
``mix.f4``          the same of the cues' mixes
==================  =====================================================================

A cell is ``frame * 128 + pitch``, the frame counted from the stem's first.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .fields import OF_FEATURES
from .grid import Grid
from .packed_features import PackedFeatures, feature_sizes
from .packed_labels import ON_CUE, PackedLabels, mapped, suffix_of
from .packed_samples import AUDIO, MIX, PackedSamples, sample_sizes
from .refusal import WindowsError
from .source import Item, Labels

Array = NDArray[Any]

INDEX = "index.json"
VERSION = 1
_KEPT_LABELS = 1 << 16


def mel_file(dtype: str) -> str:
    """Return the name of the mel's file."""
    return f"mel.{suffix_of(dtype)}"


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
    features : dict of str to (int, str)
        Its fields that are features beside mel, with the columns of a frame and their type.
    later : dict of int to float
        See `StemSource`. What else than the pack's own labels on the clock of cues is not there.
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
        _refuse_other_sizes(self.folder, sizes(index))
        stems = index["stems"]
        dtype = self.grid.dtype
        self._mel = mapped(self.folder / mel_file(dtype), dtype).reshape(-1, self.grid.n_mels)
        self._own, self._on_cue = packed_labels(index)
        for labels in (self._own, self._on_cue):
            if labels is not None:
                labels.open(self.folder)
        self._place_on_cue = _places_on_cue(index)
        self._features = PackedFeatures(self.folder, index)
        self.features = self._features.shapes
        self.later: dict[int, float] = {}
        self.samples = _samples(self.folder, index)
        self._kept = _of_cues(index, _of_split(index, split, self.folder), cues, self.folder)
        self.left_out: list[tuple[str, str | None, str]] = []
        if mixes and self.samples is not None:
            self._kept = self._with_mix(index, self.samples.later)
        frames = [0, *accumulate(stems["n_frames"])]
        self._frames = [frames[i] for i in self._kept]
        self.items: Sequence[Item] = [_item(index, i) for i in self._kept]
        self._labels = lru_cache(_KEPT_LABELS)(self._read_labels)

    def read_mel(self, items: Array, firsts: Array, out: Array) -> None:
        """Fill a batch with frames: see `Source.read_mel`."""
        mel, frames, stems, n = self._mel, self._frames, self.items, out.shape[1]
        for row, (item, first) in enumerate(zip(items.tolist(), firsts.tolist(), strict=True)):
            begin = frames[item] + first
            there = max(0, min(n, stems[item].n_frames - first))
            out[row, :there] = mel[begin : begin + there]
            if there < n:
                out[row, there:] = self.grid.silence_db

    def read_feature(self, field: str, items: Array, firsts: Array, out: Array) -> None:
        """Fill a batch with frames of another feature: see `Source.read_feature`."""
        for row, (item, first) in enumerate(zip(items.tolist(), firsts.tolist(), strict=True)):
            self._features.read(field, self._kept[item], first, out[row])

    def feature_frames(self, field: str, item: int) -> Array:
        """Return all frames of a feature of a stem."""
        return self._features.frames(field, self._kept[item])

    def refuse_lacking(self, fields: Sequence[str]) -> None:
        """Refuse features that the pack does not hold.

        Raises
        ------
        WindowsError
            If one of the fields is such.
        """
        for field in fields:
            if field.startswith(OF_FEATURES) and field not in self.features:
                kind = field.removeprefix(OF_FEATURES)
                raise WindowsError(
                    f"'{self.folder}' is a pack that holds no field '{field}'; of this kind it has "
                    f"{', '.join(self.features) or 'none'}. Export it anew with --features {kind}, "
                    "or open the library itself: Windows.open('sqlite:///…')."
                )

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
        return _reopened, (self.folder, *self._asked), {"later": self.later}

    def own_labels(self, item: int) -> Labels:
        """Return what the score says of a stem, on its own frames."""
        return self._own.read(self._kept[item])

    def labels_on_cue(self, item: int) -> Labels | None:
        """Return the same on the frames of its cue; None: the pack does not keep that of it."""
        place = self._place_on_cue.get(self._kept[item])
        return None if place is None or self._on_cue is None else self._on_cue.read(place)

    def _read_labels(self, item: int) -> Labels:
        if not self.later.get(item):
            return self.own_labels(item)
        found = self.labels_on_cue(item)
        if found is None:
            raise WindowsError(
                f"'{self.folder}' was exported by a version that kept no labels on the clock of "
                "cues, which windows of cues need where stems do not begin together. Export it "
                "anew, or open the library itself: Windows.open('sqlite:///…', of='cue')."
            )
        return found


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
    grid = Grid(**index["grid"])
    frame_bytes = grid.n_mels * np.dtype(grid.dtype).itemsize
    found = {mel_file(grid.dtype): sum(index["stems"]["n_frames"]) * frame_bytes}
    for labels in packed_labels(index):
        if labels is not None:
            found |= labels.sizes()
    return found | feature_sizes(index) | sample_sizes(index)


def packed_labels(index: Mapping[str, Any]) -> tuple[PackedLabels, PackedLabels | None]:
    """Return the labels of all stems, and those on the clock of cues where there are any."""
    stems, n_controllers = index["stems"], len(index["controllers"])
    own = PackedLabels(stems["n_frames"], stems["n_cells"], n_controllers)
    if not _places_on_cue(index):
        return own, None
    told = index["on_cue"]
    n_frames = [stems["n_frames"][i] for i in told["stems"]]
    return own, PackedLabels(n_frames, told["n_cells"], n_controllers, ON_CUE)


def _places_on_cue(index: Mapping[str, Any]) -> dict[int, int]:
    """Return which stems have labels on the clock of their cue: their place among those."""
    stems: Sequence[int] = index.get("on_cue", {}).get("stems", ())
    return {stem: place for place, stem in enumerate(stems)}


def _samples(folder: Path, index: Mapping[str, Any]) -> PackedSamples | None:
    if "samples" not in index:
        return None
    n_channels = index["samples"]["channels"]
    audio, mix = (mapped(folder / n, "<f4").reshape(-1, n_channels) for n in (AUDIO, MIX))
    return PackedSamples(index, audio, mix)


def _refuse_other_sizes(folder: Path, needed: Mapping[str, int]) -> None:
    for name, size in needed.items():
        path = folder / name
        found = path.stat().st_size if path.is_file() else -1
        if found != size:
            raise WindowsError(
                f"'{path}' {f'has {found:,} bytes' if found >= 0 else 'is missing'}; by {INDEX} it "
                f"has {size:,}. The pack is not whole: copy it again."
            )


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
