"""The fields of a window, filled a batch at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .grid import PITCHES
from .refusal import WindowsError

if TYPE_CHECKING:
    from .source import Labels, Source

Array = NDArray[Any]


@dataclass(frozen=True)
class Shape:
    """What the arrays of the fields are measured by.

    Attributes
    ----------
    n_frames : int
        Frames of a window.
    controllers : tuple of int
        Controllers that ``cc`` has, in this order.
    sample_rate, n_samples, channels : int
        Of ``audio`` and ``mix``.
    max_stems : int or None
        Places for stems in a window of a cue; None: windows are of one stem.
    features : mapping of str to (int, str)
        Fields that are features of the sound beside mel → columns of a frame, and their type.
    """

    n_frames: int
    controllers: tuple[int, ...]
    sample_rate: int
    n_samples: int
    channels: int
    max_stems: int | None = None
    features: Mapping[str, tuple[int, str]] = field(default_factory=dict)

    @property
    def stems(self) -> tuple[int, ...]:
        """What the places of stems add to the shape of a field."""
        return () if self.max_stems is None else (self.max_stems,)


@dataclass(frozen=True)
class Places:
    """The windows of a batch: the stem of each, and its first frame there."""

    items: Array
    firsts: Array


@dataclass(frozen=True)
class Field:
    """One field: the shape and type of a window's part, and whether it is of the score."""

    shape: Callable[[Shape, Any], tuple[int, ...]]
    dtype: str
    of_score: bool = False


_ROLL = Field(lambda s, _: (*s.stems, s.n_frames, PITCHES), "bool", of_score=True)
_FRAMES = Field(lambda s, _: (*s.stems, s.n_frames), "bool")

FIELDS: Mapping[str, Field] = {
    "mel": Field(lambda s, g: (s.n_frames, g.n_mels), ""),
    "roll": _ROLL,
    "onset": _ROLL,
    "offset": _ROLL,
    "velocity": Field(_ROLL.shape, "uint8", of_score=True),
    "cc": Field(lambda s, _: (*s.stems, s.n_frames, len(s.controllers)), "int8", of_score=True),
    "beat": Field(lambda s, _: (*s.stems, s.n_frames, 2), "float32", of_score=True),
    "complete": Field(_FRAMES.shape, "bool", of_score=True),
    "inside": _FRAMES,
    "category": Field(lambda s, _: s.stems, "int64"),
    "stems": Field(lambda s, _: s.stems, "bool"),
    "labels_complete": Field(lambda s, _: s.stems, "bool", of_score=True),
    "audio": Field(lambda s, _: (*s.stems, s.channels, s.n_samples), "float32"),
    "mix": Field(lambda s, _: (s.channels, s.n_samples), "float32"),
}
"""Every field of a window, in the order of the documentation."""


OF_SCORE = frozenset(name for name, of in FIELDS.items() if of.of_score)


OF_FEATURES = "feature."
"""How the name of a field begins that is a feature of the sound beside mel: ``feature.chroma``."""


OF_CUES = tuple(name for name in FIELDS if name != "mel")
"""The fields that a window of a cue can have: its stems need not begin on each other's frames."""


def checked_fields(names: Sequence[str], known: Collection[str] = FIELDS) -> tuple[str, ...]:
    """Return names of fields; refuse what is none.

    Raises
    ------
    WindowsError
        If one is unknown, or none is given.
    """
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise WindowsError(
            f"{'No field' if unknown else 'No fields'} {', '.join(map(repr, unknown))}".rstrip()
            + f": fields are {', '.join(known)}{_more(known)}."
        )
    return tuple(dict.fromkeys(names))


def _more(known: Collection[str]) -> str:
    if "mel" not in known or any(name.startswith(OF_FEATURES) for name in known):
        return ""
    return (
        f"; and {OF_FEATURES}KIND of the kinds that the library or the pack has "
        f"({OF_FEATURES}chroma)"
    )


def fill(source: Source, shape: Shape, places: Places, out: Mapping[str, Array]) -> None:
    """Fill the arrays of a batch.

    Parameters
    ----------
    source : Source
    shape : Shape
    places : Places
        The windows.
    out : mapping of str to array, shape=(n, …)
        Field → where to; whatever they hold before.
    """
    if "mel" in out:
        source.read_mel(places.items, places.firsts, out["mel"])
    for name in shape.features.keys() & out.keys():
        source.read_feature(name, places.items, places.firsts, out[name])
    if "category" in out:
        out["category"][:] = [source.items[i].category for i in places.items]
    if "stems" in out:
        of_windows = [[source.items[i].n_stems] for i in places.items]
        out["stems"][:] = np.arange(shape.max_stems or 1) < of_windows if shape.stems else True
    if "labels_complete" in out:
        out["labels_complete"][:] = [source.labels_complete(i) for i in places.items.tolist()]
    if "inside" in out:
        _fill_inside(source, shape, places, out["inside"])
    _fill_score(source, shape, places, out)
    for name, read in (("audio", source.read_audio), ("mix", source.read_mix)):
        if name in out:
            _fill_samples(source, read, shape, places, out[name])


def _fill_inside(source: Source, shape: Shape, places: Places, out: Array) -> None:
    by_stem = out.reshape(len(out), -1, shape.n_frames)
    by_stem.fill(0)
    for row, (item, first) in enumerate(
        zip(places.items.tolist(), places.firsts.tolist(), strict=True)
    ):
        for place, (begin, n) in enumerate(source.spans(item)):
            by_stem[row, place, max(0, begin - first) : max(0, begin + n - first)] = True


def _fill_samples(
    source: Source, read: Callable[..., None], shape: Shape, places: Places, out: Array
) -> None:
    starts = places.firsts * source.grid.hop_length / source.grid.sample_rate
    for row, (item, start) in enumerate(zip(places.items.tolist(), starts.tolist(), strict=True)):
        read(item, start, shape.sample_rate, out[row])


_OF_FRAMES = {"cc": "controllers", "beat": "beat", "complete": "complete"}
_MARKS = {"onset": "onsets", "offset": "offsets"}
_ROLLS = ("roll", "velocity", *_MARKS)
_LAST_CELL = np.iinfo(np.int32).max
_ALIGNED = 64  # a line of the processor's cache


def _fill_score(source: Source, shape: Shape, places: Places, out: Mapping[str, Array]) -> None:
    if not any(name in OF_SCORE and name != "labels_complete" for name in out):
        return
    columns = [source.controllers.index(c) for c in shape.controllers]
    every = columns == list(range(len(source.controllers)))
    n = len(places.items) * (shape.max_stems or 1)
    curves = [
        (out[name].reshape(n, shape.n_frames, *out[name].shape[len(shape.stems) + 2 :]), of)
        for name, of in _OF_FRAMES.items()
        if name in out
    ]
    flat = {name: out[name].reshape(n, -1) for name in _ROLLS if name in out}
    marks = [(flat[name], of) for name, of in _MARKS.items() if name in flat]
    rolls = [(flat[name], name == "velocity") for name in ("velocity", "roll") if name in flat]
    if shape.stems:
        for target, _ in curves:
            target.fill(_blank(target))
        for roll in flat.values():
            roll.fill(0)
    # Window by window: what is cleared is still in the processor's cache when it is written to.
    for row, labels, first, bounds in _rows(source, shape, places):
        for target, of in curves:
            curve = getattr(labels, of)
            chosen = curve if every or of != "controllers" else curve[:, columns]
            _fill_frames(chosen, first, target[row])
        for target, of in marks:
            target[row].fill(0)
            cells, *_ = _cells(getattr(labels, of), first, bounds)
            target[row][cells] = 1
        if rolls:
            cells, lo, hi = _cells(labels.sounding, first, bounds)
            for target, of_cells in rolls:
                target[row].fill(0)
                target[row][cells] = labels.velocity[lo:hi] if of_cells else 1


def _rows(source: Source, shape: Shape, places: Places) -> Iterator[tuple[int, Labels, int, Array]]:
    """Yield row, labels, first frame and first cells of each stem in each window."""
    items, firsts = places.items.tolist(), places.firsts
    if not shape.stems:
        bounds = _bounds(firsts, shape)
        for row, (item, first) in enumerate(zip(items, firsts.tolist(), strict=True)):
            yield row, source.labels(item), first, bounds[row]
        return
    for window, (item, first) in enumerate(zip(items, firsts.tolist(), strict=True)):
        begins = np.array([begin for begin, _ in source.spans(item)])
        bounds = _bounds(first - begins, shape)
        for place, labels in enumerate(source.scores(item)):
            row = window * (shape.max_stems or 1) + place
            yield row, labels, first - int(begins[place]), bounds[place]


def _blank(out: Array) -> int:
    """Return what stands for frames of which nothing is told: of controllers -1."""
    return -1 if out.dtype == np.int8 else 0


def _fill_frames(curve: Array, first: int, out: Array) -> None:
    n = len(out)
    if first >= 0 and first + n <= len(curve):
        out[:] = curve[first : first + n]
        return
    out[:] = _blank(out)
    begin, end = max(0, first), min(first + n, len(curve))
    if end > begin:
        out[begin - first : end - first] = curve[begin:end]


def _bounds(firsts: Array, shape: Shape) -> Array:
    """Return the first cell of windows and the first after them, of the type that cells have."""
    ends = np.minimum((firsts + shape.n_frames) * PITCHES, _LAST_CELL)
    return np.stack([firsts * PITCHES, ends], axis=1).astype(np.int32)


def _cells(cells: Array, first: int, bounds: Array) -> tuple[Array, int, int]:
    """Return the places in a window's flat roll of the cells in it, and which they are."""
    lo, hi = cells.searchsorted(bounds).tolist()
    return np.subtract(cells[lo:hi], first * PITCHES, dtype=np.intp), lo, hi


def empty_arrays(names: Sequence[str], shape: Shape, grid: Any, n: int) -> dict[str, Array]:
    """Return arrays for the fields of ``n`` windows and their numbers, not filled."""
    measures = _measures(names, shape, grid, n)
    return {name: np.empty(size, dtype) for name, (size, dtype) in measures.items()}


def empty_block(names: Sequence[str], shape: Shape, grid: Any, n: int) -> dict[str, Array]:
    """Return the same as parts of one array, the ``base`` of each.

    NumPy asks for large pages for an array of 4 MiB or more; in small ones each field of a batch
    would be some thousand pages, of which the processor keeps no track.
    """
    measures = _measures(names, shape, grid, n)
    sizes = [math.prod(size) * dtype.itemsize for size, dtype in measures.values()]
    ends = np.cumsum([-(-size // _ALIGNED) * _ALIGNED for size in sizes]).tolist()
    block = np.empty(ends[-1], np.uint8)
    return {
        name: block[begin : begin + size].view(dtype).reshape(of)
        for begin, size, (name, (of, dtype)) in zip(
            [0, *ends], sizes, measures.items(), strict=False
        )
    }


def _measures(
    names: Sequence[str], shape: Shape, grid: Any, n: int
) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
    found = {
        name: ((n, *FIELDS[name].shape(shape, grid)), np.dtype(FIELDS[name].dtype or grid.dtype))
        for name in names
        if name in FIELDS
    }
    for name in shape.features.keys() & set(names):
        columns, dtype = shape.features[name]
        found[name] = ((n, shape.n_frames, columns), np.dtype(dtype))
    found = {name: found[name] for name in names}
    return {**found, "window": ((n,), np.dtype(np.int64))}
