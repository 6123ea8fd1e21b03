"""Windows of one length over the stems of a source, by number and in batches."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from .epoch import Batches, Buffers
from .fields import FIELDS, OF_CUES, Places, Shape, checked_fields, empty_arrays, empty_block, fill
from .grid import PITCHES, Grid
from .order import Permutation
from .refusal import WindowsError
from .whole_cues import CueSource

if TYPE_CHECKING:
    from .source import Item, Labels, Source

Array = NDArray[Any]

DEFAULT_FIELDS = ("mel", "roll", "onset", "complete")
_EMPTY_STREAM = 1  # beside the order itself: which of the empty windows an epoch has


@dataclass(frozen=True)
class Where:
    """Where a window lies.

    Attributes
    ----------
    cue_key, stem : str
    start, end : float
        Seconds from the stem's first sample to the centre of the first frame, and of the first
        frame that is no more in it.
    first : int
        Its first frame in the stem's mel.
    """

    cue_key: str
    stem: str
    start: float
    end: float
    first: int


class Windows:
    """Windows of one length over stems; made by :meth:`open`.

    ``len(windows)`` is their number, ``windows[i]`` one of them as a dict of arrays, and
    :meth:`batches` and :meth:`torch` give an epoch of them.

    A stem's windows begin every ``hop`` seconds, the first with the stem; the last holds the stem's
    end, or begins before it where ``hop`` is longer than a window, and may reach beyond it. A stem
    that is shorter than a window has one.

    Parameters
    ----------
    source : Source
    seconds : float
        Length of a window.
    hop : float, optional
        Seconds from the beginning of one to that of the next; half a window otherwise.
    fields : sequence of str
        See :data:`~.fields.FIELDS` and ``docs/training.md``.
    controllers : sequence of int, optional
        MIDI controllers that ``cc`` has; all that the source keeps otherwise.
    empty : float
        How many of the windows in which no note begins or sounds an epoch has, 0 to 1.
    sample_rate, channels : int
        Of ``audio`` and ``mix``; Hz, and 1 (the mean of all) or 2.
    max_stems : int, optional
        Of a source of cues: places for stems in a window.
    features : mapping of str to (int, str)
        Fields beside :data:`~.fields.FIELDS` that the source has: features of the sound, with the
        columns of a frame and their type.

    Attributes
    ----------
    left_out : list of (cue_key, stem or None, reason)
        What has no windows, and why.
    doubts : list of str
        What is not known of what has: whether files are those that their rows were made of.
    """

    def __init__(
        self,
        source: Source,
        *,
        seconds: float,
        hop: float | None = None,
        fields: Sequence[str] = DEFAULT_FIELDS,
        controllers: Sequence[int] | None = None,
        empty: float = 1.0,
        sample_rate: int | None = None,
        channels: int = 1,
        max_stems: int | None = None,
        left_out: Sequence[tuple[str, str | None, str]] = (),
        doubts: Sequence[str] = (),
        features: Mapping[str, tuple[int, str]] = MappingProxyType({}),
    ) -> None:
        _check(seconds, hop, empty, channels)
        self._source = source
        known = (*FIELDS, *features) if max_stems is None else OF_CUES
        self.fields = checked_fields(fields, known)
        self.left_out, self.doubts = list(left_out), list(doubts)
        grid = source.grid
        self.seconds = seconds
        self.hop = max(seconds / 2, 1.0 / grid.frames_per_second) if hop is None else hop
        rate = sample_rate or grid.sample_rate
        self._shape = Shape(
            n_frames=max(1, round(seconds * grid.frames_per_second)),
            controllers=_controllers(source, controllers),
            sample_rate=rate,
            n_samples=round(seconds * rate),
            channels=channels,
            max_stems=max_stems,
            features=dict(features),  # a mapping that other processes can be handed
        )
        self._buffers: Buffers | None = None
        self._hop_frames = self.hop * grid.frames_per_second
        lengths = np.array([item.n_frames for item in source.items], np.int64)
        beyond = np.maximum(lengths - self._shape.n_frames, 0)
        counts = np.where(lengths > 0, 1 + np.ceil(beyond / self._hop_frames).astype(np.int64), 0)
        # With a hop longer than a window the last would lie beyond the stem.
        counts -= (counts > 1) & (self._firsts(counts - 1) >= lengths)
        self._ends = np.cumsum(counts)
        self._begins = self._ends - counts
        self._notes, self._silent = self._by_notes(empty)
        self._n_silent = round(empty * len(self._silent))

    @classmethod
    def open(
        cls,
        pack: str | os.PathLike[str],
        /,
        *,
        split: str | None = None,
        cues: Collection[str] | None = None,
        seconds: float = 10.0,
        hop: float | None = None,
        fields: Sequence[str] = DEFAULT_FIELDS,
        of: Literal["stem", "cue"] = "stem",
        max_stems: int = 16,
        **options: Any,
    ) -> Self:
        """Open a pack that ``cue-pipeline export pack`` has written.

        Parameters
        ----------
        pack : path
            Its folder.
        split : str, optional
            Only stems of cues of this split.
        cues : collection of str, optional
            Only stems of these cues.
        seconds, hop, fields, **options
            As for the class; a window is of 10 s, and the next begins half a window later.
        of : {"stem", "cue"}
            What a window is of. Of a cue: all fields but ``mel`` and features, of all its stems, on
            one clock.
        max_stems : int
            Places for stems in a window of a cue.

        Raises
        ------
        WindowsError
            If there is no pack, it is not whole, or does not hold what is asked for.
        """
        from .packed import PackedSource

        if "://" in os.fspath(pack):
            raise WindowsError(
                f"'{os.fspath(pack).partition('://')[0]}://…' is a database, and only packs are "
                "opened here. Export one by `cue-pipeline export pack OUT`, or open the database "
                "where cue-pipeline is installed: cue_pipeline.training.Windows.open(URL)."
            )
        refuse_other_kinds(of)
        source = PackedSource(pack, split=split, cues=cues, mixes="mix" in fields)
        if source.samples is not None:
            options = {"sample_rate": source.samples.rate, "channels": source.samples.channels,
                       **options}  # fmt: skip
        options = {"seconds": seconds, "hop": hop, "fields": fields, **options}
        if of == "cue":
            whole = CueSource(source, max_stems)
            return cls(whole, left_out=whole.left_out, max_stems=max_stems, **options)
        source.refuse_lacking(fields)
        return cls(source, left_out=source.left_out, features=source.features, **options)

    @property
    def items(self) -> Sequence[Item]:
        """The stems."""
        return self._source.items

    @property
    def categories(self) -> tuple[str, ...]:
        """The instrument categories; ``category`` is a place in them, -1: undecided."""
        return self._source.categories

    @property
    def controllers(self) -> tuple[int, ...]:
        """The MIDI controllers that ``cc`` has, in this order."""
        return self._shape.controllers

    @property
    def grid(self) -> Grid:
        """The frames that all fields share, those of the mel."""
        return self._source.grid

    @property
    def frames_per_second(self) -> float:
        """Frames of a second."""
        return self._source.grid.frames_per_second

    @property
    def epoch_length(self) -> int:
        """How many windows an epoch has: all, or less where ``empty`` is less than 1."""
        return len(self._notes) + self._n_silent if self._notes is not None else len(self)

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def __getitem__(self, number: int) -> dict[str, Any]:
        """Return one window: field → array."""
        at = range(len(self))[number]
        arrays = self.empty(1)
        self.fill(np.array([at]), arrays)
        arrays["window"][0] = at
        return {name: array[0] for name, array in arrays.items()}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return (
            f"<{len(self):,} windows of {self.seconds:g} s of {len(self.items):,} stems: "
            f"{', '.join(self.fields)}>"
        )

    def where(self, number: int) -> Where:
        """Return where a window lies."""
        places = self._places(np.array([range(len(self))[number]]))
        item, first = self.items[int(places.items[0])], int(places.firsts[0])
        start, end = self._source.grid.seconds_of([first, first + self._shape.n_frames]).tolist()
        return Where(item.cue_key, item.stem, start, end, first)

    def onsets(self, number: int) -> Array:
        """Return the notes that begin in a window, with the category of each one's own part.

        Returns
        -------
        np.ndarray of records ``frame``, ``pitch``, ``category``
            Frames count from the window's first.
        """
        places = self._places(np.array([range(len(self))[number]]))
        first, labels = int(places.firsts[0]), self._source.labels(int(places.items[0]))
        lo, hi = _within(labels.onsets, first, self._shape.n_frames)
        found = np.empty(hi - lo, [("frame", "<i4"), ("pitch", "u1"), ("category", "i1")])
        cells = labels.onsets[lo:hi]
        found["frame"], found["pitch"] = cells // PITCHES - first, cells % PITCHES
        found["category"] = labels.categories[lo:hi]
        return found

    def batches(self, batch: int, **options: Any) -> Batches:
        """Return an epoch in batches of NumPy arrays; options as for :class:`~.epoch.Batches`."""
        return Batches(self, batch, **options)

    def torch(self, batch: int, **options: Any) -> Any:
        """Return an epoch in batches of tensors; options as for :class:`~.epoch.Batches`.

        What is returned is a ``torch.utils.data.IterableDataset``: it is iterated as it is, or
        given to a ``DataLoader`` with ``batch_size=None``.

        Raises
        ------
        WindowsError
            If torch is not installed.
        """
        try:
            from .tensors import TensorBatches
        except ModuleNotFoundError as e:
            if e.name != "torch":
                raise
            raise WindowsError(
                "Tensors need torch, which is not installed: `pip install torch`. "
                "`windows.batches(…)` gives the same batches as NumPy arrays."
            ) from None
        return TensorBatches(self.batches(batch, **options))

    def draw(self, positions: Array, seed: int, epoch: int) -> Array:
        """Return the windows at some positions of an epoch.

        Parameters
        ----------
        positions : np.ndarray of int64
            Each in ``0 <= position < epoch_length``.
        seed, epoch : int
        """
        at = Permutation(self.epoch_length, seed, epoch)(positions)
        if self._notes is None:
            return at
        with_notes = len(self._notes)
        found = np.empty_like(at)
        sounding = at < with_notes
        found[sounding] = self._notes[at[sounding]]
        chosen = Permutation(len(self._silent), seed, epoch, _EMPTY_STREAM)
        found[~sounding] = self._silent[chosen(at[~sounding] - with_notes)]
        return found

    def fill(self, numbers: Array, arrays: Mapping[str, Array]) -> None:
        """Fill arrays, as :meth:`empty` gives them, with the fields of some windows."""
        wanted = {name: array for name, array in arrays.items() if name in self.fields}
        fill(self._source, self._shape, self._places(numbers), wanted)

    def empty(self, n: int) -> dict[str, Array]:
        """Return arrays for ``n`` windows, not filled."""
        return empty_arrays(self.fields, self._shape, self._source.grid, n)

    def empty_block(self, n: int) -> dict[str, Array]:
        """Return arrays for ``n`` windows that are parts of one, not filled."""
        return empty_block(self.fields, self._shape, self._source.grid, n)

    def buffers(self, batch: int) -> Buffers:
        """Return where batches of a size take their arrays from."""
        if self._buffers is None or self._buffers.batch != batch:
            self._buffers = Buffers(self, batch)
        return self._buffers

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_buffers": None}

    def _places(self, numbers: Array) -> Places:
        items = self._ends.searchsorted(numbers, side="right")
        return Places(items, self._firsts(numbers - self._begins[items]))

    def _firsts(self, windows: Array) -> Array:
        """Return the first frames of a stem's windows, by their number in it."""
        return np.floor(windows * self._hop_frames + 0.5).astype(np.int64)

    def _by_notes(self, empty: float) -> tuple[Array | None, Array]:
        """Return the windows with notes and those without; None where they are not told apart."""
        if empty >= 1.0:
            return None, np.empty(0, np.int64)
        everything = np.arange(len(self))
        places = self._places(everything)
        holds = np.zeros(len(everything), bool)
        for item in range(len(self.items)):
            begin, end = int(self._begins[item]), int(self._ends[item])
            if end > begin:
                parts = zip(self._source.scores(item), self._source.spans(item), strict=True)
                for labels, (first, _) in parts:
                    firsts = places.firsts[begin:end] - first
                    holds[begin:end] |= _hold_notes(labels, firsts, self._shape.n_frames)
        if not holds.any():
            raise WindowsError(
                f"None of the {len(self):,} windows holds a note, so that there is nothing to "
                "weigh empty ones against. Leave `empty` out, or look whether tracks are mapped: "
                "`cue-pipeline mappings CUE`."
            )
        return everything[holds], everything[~holds]


def _hold_notes(labels: Labels, firsts: Array, n_frames: int) -> Array:
    cells = labels.sounding.astype(np.int64)  # of another type it would be turned for each search
    lo = cells.searchsorted(firsts * PITCHES)
    hi = cells.searchsorted((firsts + n_frames) * PITCHES)
    held: Array = hi > lo
    return held


def _within(cells: Array, first: int, n_frames: int) -> tuple[int, int]:
    lo, hi = cells.searchsorted((first * PITCHES, (first + n_frames) * PITCHES)).tolist()
    return lo, hi


def _controllers(source: Source, wanted: Sequence[int] | None) -> tuple[int, ...]:
    if wanted is None:
        return tuple(source.controllers)
    lacking = [c for c in wanted if c not in source.controllers]
    if lacking:
        raise WindowsError(
            f"Controllers {lacking} are not kept here; there are {list(source.controllers)}. A "
            "pack keeps those that `cue-pipeline export pack --controllers` names."
        )
    return tuple(wanted)


def refuse_other_kinds(of: str) -> None:
    """Refuse windows that are neither of stems nor of cues."""
    if of not in ("stem", "cue"):
        raise WindowsError(f"Windows are of 'stem' or 'cue', not of {of!r}.")


def _check(seconds: float, hop: float | None, empty: float, channels: int) -> None:
    if not (seconds > 0 and (hop is None or hop > 0)):
        raise WindowsError(f"Windows last, and lie apart, more than 0 s: {seconds=}, {hop=}.")
    if not 0.0 <= empty <= 1.0:
        raise WindowsError(f"`empty` is a share from 0 to 1, not {empty}.")
    if channels not in (1, 2):
        raise WindowsError(f"Samples are given in 1 channel or 2, not {channels}.")
