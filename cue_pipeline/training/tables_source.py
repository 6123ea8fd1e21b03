"""Windows straight from a library's tables."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cue_pipeline.errors import NotReadyError, TrainingError, UnknownNameError, closest_names
from cue_pipeline.training.feature_fields import FeatureFields, assets_of
from cue_pipeline.training.label_cache import LabelCache
from cue_pipeline.training.labelling import labels_of
from cue_pipeline.training.windows.grid import Grid
from cue_pipeline.training.windows.source import Item, Labels

if TYPE_CHECKING:
    from cue_pipeline.reading import Library
    from cue_pipeline.reading.stem_scores import StemScore
    from cue_pipeline.warehouse.stem_index import StemIndex, StemRow

Array = NDArray[Any]
LeftOut = tuple[str, str | None, str]

DEFAULT_CONTROLLERS = (1, 2, 7, 11, 64)
CACHE_BYTES = 1 << 30
"""Most bytes of labels that are kept in memory."""

COMPARING_SECONDS = 10.0
"""How long files whose dates are new are read as windows with samples are opened."""


class TablesSource:
    """A library's stems, read from its tables as they are asked for.

    Parameters
    ----------
    library : Library
    profile : str
        Which mel; its frames are the grid of all fields.
    split : str, optional
        Only stems of cues of this split.
    cues : collection of str, optional
        Only stems of these cues.
    controllers : sequence of int
    scores : bool
        Whether fields of the score are asked for: stems of cues whose score is not ready are left
        out then.
    mixes : bool
        Whether the mix is asked for: stems beside which none is known are left out then.
    sounds : bool
        Whether samples are asked for: cues whose files changed after their rows were made are left
        out then.
    include_changed : bool
        Take these all the same.
    comparing_seconds : float or None
        How long files whose dates are new are read for that; None: as long as it takes.
    cache_bytes : int
        Most bytes of labels that are kept.
    features : sequence of str
        Fields that are features beside mel, ``feature.KIND``: stems that lack one are left out.

    Attributes
    ----------
    left_out : list of (cue_key, stem or None, reason)
    doubts : list of str
        What is not known of the files of cues that are taken.
    features : dict of str to (int, str)
        Its fields that are features beside mel, with the columns of a frame and their type.
    later : dict of int to float
        See `StemSource`.

    Raises
    ------
    TrainingError
        If there is no such split, no stem, or the file names more than one measure of mels equally
        often.
    """

    def __init__(
        self,
        library: Library,
        *,
        profile: str = "default",
        split: str | None = None,
        cues: Collection[str] | None = None,
        controllers: Sequence[int] = DEFAULT_CONTROLLERS,
        scores: bool = True,
        mixes: bool = False,
        sounds: bool = False,
        include_changed: bool = False,
        comparing_seconds: float | None = COMPARING_SECONDS,
        cache_bytes: int = CACHE_BYTES,
        features: Sequence[str] = (),
    ) -> None:
        from cue_pipeline.mapping.categories import INSTRUMENT_CATEGORIES
        from cue_pipeline.reading.stem_scores import SCORE_ASSETS
        from cue_pipeline.warehouse.features import MEL_ASSETS
        from cue_pipeline.warehouse.frame_batches import Feature
        from cue_pipeline.warehouse.stem_index import read_stem_index

        wanted = assets_of(features)
        self._library, self.profile = library, profile
        self.controllers, self.categories = tuple(controllers), INSTRUMENT_CATEGORIES
        self._numbers = {name: i for i, name in enumerate(INSTRUMENT_CATEGORIES)}
        needed = (MEL_ASSETS["stem"], "channel_groups", *(SCORE_ASSETS if scores else ()))
        assets = {*needed, "llm_mappings", *wanted.values()}
        index = read_stem_index(library.store, profile, assets)
        self.left_out: list[LeftOut] = []
        self._of_split = "" if split is None else f" in split {split!r}"
        stems = _of_split(index, split, library.database)
        if cues is not None:
            _refuse_unknown(cues, index.states, library.database)
            stems = [stem for stem in stems if stem.cue_key in cues]
        stems = self._ready(stems, index, needed)
        self.doubts: list[str] = []
        if sounds and stems:
            stems = self._with_files_as_they_were(
                stems, include_changed=include_changed, seconds=comparing_seconds
            )
        self.grid, stems = self._one_grid(stems)
        self._mixes: dict[tuple[str, str], tuple[str, float]] = {}
        if mixes:
            stems = self._with_mix(stems)
        self._more = FeatureFields(library.store, wanted, self.grid, index)
        self.features: Mapping[str, tuple[int, str]] = self._more.shapes
        stems, lacking = self._more.of_stems(stems)
        self.left_out += lacking
        self.rows = stems
        cues = {key: i for i, key in enumerate(dict.fromkeys(stem.cue_key for stem in stems))}
        self.items: Sequence[Item] = [self._item(stem, cues[stem.cue_key], index) for stem in stems]
        frame_bytes = self.grid.n_mels * np.dtype(self.grid.dtype).itemsize
        self._features = [
            Feature(
                stem.cue_key, stem.cue_id, stem.feature_id, frame_bytes,
                index.states[stem.cue_key][MEL_ASSETS["stem"]][2],  # type: ignore[arg-type]
            )
            for stem in stems
        ]  # fmt: skip
        self._states = index.states if scores else {}
        self._score_assets = SCORE_ASSETS
        self.splits: Mapping[str, str] = index.splits
        self._open()
        self.later: dict[int, float] = {}
        self._cache = LabelCache(cache_bytes)

    def __getstate__(self) -> dict[str, Any]:
        opened = ("_frames", "_sounds", "_scores")
        return {name: value for name, value in vars(self).items() if name not in opened}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._open()

    def _open(self) -> None:
        from cue_pipeline.training.samples import Sounds
        from cue_pipeline.warehouse.frame_batches import FrameBatches

        self._frames = FrameBatches(self._library.store)
        self._sounds = Sounds(self._library)
        self._scores = lru_cache(1)(self._read_scores)

    def read_mel(self, items: Array, firsts: Array, out: Array) -> None:
        """Fill a batch with frames: see `Source.read_mel`."""
        from cue_pipeline.warehouse.frame_batches import Wanted

        n = out.shape[1]
        wanted = []
        for row, (item, first) in enumerate(zip(items.tolist(), firsts.tolist(), strict=True)):
            last = min(first + n, self.items[item].n_frames)
            there = out[row, : max(0, last - first)]
            if len(there):
                into = memoryview(there.reshape(-1).view(np.uint8))
                wanted.append(Wanted(self._features[item], first, last, into))
            if len(there) < n:
                out[row, len(there) :] = self.grid.silence_db
        if wanted:
            self._frames.read(wanted)

    def read_feature(self, field: str, items: Array, firsts: Array, out: Array) -> None:
        """Fill a batch with frames of another feature: see `Source.read_feature`."""
        stems = [self.rows[item].audio_file_id for item in items.tolist()]
        self._frames.read(self._more.wanted(field, stems, firsts.tolist(), out))

    def feature_length(self, field: str, item: int) -> int:
        """Return how many frames of a feature a stem has."""
        return self._more.n_frames(field, self.rows[item].audio_file_id)

    def silence(self, field: str) -> float:
        """Return what stands for silence in a feature."""
        return self._more.silence[field]

    def labels(self, item: int) -> Labels:
        """Return what the score says of a stem; a cue's stems are read together, and kept."""
        found = self._cache.get(item)
        if found is None:
            of_cue = self._labels_of_cue(item)
            self._cache.put(of_cue)
            found = of_cue[item]
        return found

    def spans(self, item: int) -> list[tuple[int, int]]:
        """Return where a stem begins on its own clock, and its frames."""
        return [(0, self.items[item].n_frames)]

    def scores(self, item: int) -> list[Labels]:
        """Return what the score says of a stem."""
        return [self.labels(item)]

    def digest(self) -> str:
        """Return a digest of which stems there are and of when all that is read was written."""
        told = [
            (
                stem.cue_key,
                stem.name,
                feature.written_at,
                sorted(self._states[stem.cue_key].items()),
            )
            for stem, feature in zip(self.rows, self._features, strict=True)
        ]
        told += self._more.told(stem.audio_file_id for stem in self.rows)
        return hashlib.sha256(json.dumps(told, default=str).encode()).hexdigest()

    def labels_complete(self, item: int) -> bool:
        """Return whether all that sounds in a stem is known."""
        return bool(self.labels(item).complete.all())

    def read_audio(self, item: int, start: float, rate: int, out: Array) -> None:
        """Fill an array with samples of a stem: see `Source.read_audio`."""
        stem = self.items[item]
        self._sounds.read_stem(stem.cue_key, stem.stem, start, rate, out)

    def read_mix(self, item: int, start: float, rate: int, out: Array) -> None:
        """Fill an array with samples of the mix of a stem's cue: see `Source.read_mix`."""
        stem = self.items[item]
        name, later = self._mixes[stem.cue_key, stem.stem]
        self._sounds.read_mix(stem.cue_key, name, start + later, rate, out)

    def labels_later(self, item: int, later: float) -> Labels:
        """Return what the score says of a stem, put later by some seconds; it is not kept."""
        row = self.rows[item]
        return labels_of(
            self._scores(row.cue_key)[row.audio_file_id],
            self.grid,
            self.items[item].n_frames,
            self.controllers,
            self._numbers,
            later,
        )

    def _read_scores(self, key: str) -> dict[int, StemScore]:
        from cue_pipeline.reading.stem_scores import read_stem_scores

        scores = read_stem_scores(self._library.store, key, self.controllers)
        self._refuse_newer(key)
        return scores

    def _labels_of_cue(self, item: int) -> dict[int, Labels]:
        key = self.rows[item].cue_key
        first = last = item
        while first > 0 and self.rows[first - 1].cue_key == key:
            first -= 1
        while last + 1 < len(self.rows) and self.rows[last + 1].cue_key == key:
            last += 1
        return {i: self.labels_later(i, self.later.get(i, 0.0)) for i in range(first, last + 1)}

    def _refuse_newer(self, key: str) -> None:
        """Refuse a score that is not the one that was there as the windows were opened."""
        now = {row.asset: row.finished_at for row in self._library.store.ledger(key)}
        opened = self._states.get(key, {})
        for asset in self._score_assets:
            if asset in opened and now.get(asset) != opened[asset][2]:
                raise NotReadyError(
                    f"'{asset}' of cue '{key}' was made again since these windows were opened. "
                    "Open them anew; a pack stays as it is."
                )

    def _item(self, stem: StemRow, cue: int, index: StemIndex) -> Item:
        mapped = index.states[stem.cue_key].get("llm_mappings", ("",))[0] == "ready"
        return Item(
            stem.cue_key,
            stem.name,
            stem.n_frames,
            self._numbers.get(stem.category or "", -1) if mapped else -1,
            stem.start_offset_seconds,
            cue,
        )

    def _ready(
        self, stems: Sequence[StemRow], index: StemIndex, needed: Sequence[str]
    ) -> list[StemRow]:
        found, refused = [], set()
        for stem in stems:
            states = index.states[stem.cue_key]
            lacking = next((a for a in needed if states.get(a, ("",))[0] != "ready"), None)
            if lacking is None:
                found.append(stem)
            elif stem.cue_key not in refused:
                refused.add(stem.cue_key)
                state = states[lacking][0] if lacking in states else "missing"
                self.left_out.append((stem.cue_key, None, f"'{lacking}' of it is {state}"))
        return self._of_one_state(found, index, needed)

    def _of_one_state(
        self, stems: Sequence[StemRow], index: StemIndex, needed: Sequence[str]
    ) -> list[StemRow]:
        """Return the stems of cues whose rows were all made of the same files."""
        from cue_pipeline.library.made_of import of_other_files, told_mixed

        mixed: dict[str, str] = {}
        for key in dict.fromkeys(stem.cue_key for stem in stems):
            prints = {asset: index.made_of[key].get(asset) for asset in needed}
            if asset := of_other_files(prints, index.last_read.get(key, {})):
                mixed[key] = told_mixed(asset)
        self.left_out += [(key, None, why) for key, why in mixed.items()]
        return [stem for stem in stems if stem.cue_key not in mixed]

    def _with_files_as_they_were(
        self, stems: Sequence[StemRow], *, include_changed: bool, seconds: float | None
    ) -> list[StemRow]:
        """Return the stems of cues whose files are those that their rows were made of."""
        from cue_pipeline.library.made_of import CHANGED, split_changed

        keys = dict.fromkeys(stem.cue_key for stem in stems)
        left_out, self.doubts = split_changed(
            self._library.store,
            keys,
            self._library.root,
            include_changed=include_changed,
            seconds=seconds,
        )
        self.left_out += [(key, None, f"{CHANGED}: {which}") for key, which in left_out.items()]
        kept = [stem for stem in stems if stem.cue_key not in left_out]
        if not kept:
            key, which = next(iter(left_out.items()))
            raise TrainingError(
                f"No cue of {self._library.database} has the files that its rows were made of. The "
                f"first, '{key}': {which}. Run `cue-pipeline process BASE_DIR`, give the `root` "
                "below which these files are, or `include_changed=True`."
            )
        return kept

    def _with_mix(self, stems: Sequence[StemRow]) -> list[StemRow]:
        from cue_pipeline.training.samples import mixes_on_clock
        from cue_pipeline.warehouse.stem_index import read_mixes

        starts = {(stem.cue_key, stem.name): stem.start_offset_seconds for stem in stems}
        self._mixes, lacking = mixes_on_clock(read_mixes(self._library.store), starts)
        self.left_out += [(key, name, why) for (key, name), why in lacking.items()]
        kept = [stem for stem in stems if (stem.cue_key, stem.name) in self._mixes]
        if not kept:
            raise TrainingError(
                f"No stem of {self._library.database} has a mix that is known to start with it: "
                f"{next(iter(lacking.values()))}. Leave 'mix' out of the fields."
            )
        return kept

    def _one_grid(self, stems: Sequence[StemRow]) -> tuple[Grid, list[StemRow]]:
        """Return the grid that most stems have, and those that have it."""
        if not stems:
            why = ""
            if self.left_out:
                key, _, reason = self.left_out[0]
                why = f" {len(self.left_out)} cues are left out; the first, '{key}': {reason}."
            raise TrainingError(
                f"{self._library.database} has no stem with a mel spectrogram {self.profile!r}"
                f"{self._of_split}.{why} Run `cue-pipeline "
                "process BASE_DIR`; profiles are chosen by CUE_MEL_PROFILES."
            )
        measures = [_measure(stem) for stem in stems]
        ((most, _),) = Counter(measures).most_common(1)
        for stem, measure in zip(stems, measures, strict=True):
            if measure != most:
                self.left_out.append(
                    (stem.cue_key, stem.name, f"its mel {self.profile!r} was made otherwise than "
                     "that of most stems")
                )  # fmt: skip
        kept = [stem for stem, measure in zip(stems, measures, strict=True) if measure == most]
        return _grid(kept[0]), kept


def _of_split(index: StemIndex, split: str | None, database: str) -> list[StemRow]:
    if split is None:
        return index.stems
    if not index.splits:
        raise TrainingError(
            f"No splits were made in {database}, so there is no {split!r}. Run `cue-pipeline "
            "splits make`, or leave `split` out for all cues."
        )
    names = sorted(set(index.splits.values()))
    if split not in names:
        raise TrainingError(f"No split {split!r} in {database}; there are {', '.join(names)}.")
    return [stem for stem in index.stems if index.splits.get(stem.cue_key) == split]


def _refuse_unknown(cues: Collection[str], known: Collection[str], database: str) -> None:
    for key in cues:
        if key not in known:
            raise UnknownNameError(
                f"No cue {key!r} in {database}. Did you mean {closest_names(key, known)}?"
            )


def _measure(stem: StemRow) -> tuple[Any, ...]:
    shape = (stem.sample_rate, stem.hop_length, stem.n_mels, stem.dtype)
    return (*shape, *sorted((k, str(v)) for k, v in stem.settings.items()))


def _grid(stem: StemRow) -> Grid:
    settings = stem.settings
    return Grid(
        sample_rate=stem.sample_rate,
        hop_length=stem.hop_length,
        centre=0 if settings.get("center", True) else int(settings["n_fft"]) // 2,
        n_mels=stem.n_mels,
        dtype=stem.dtype,
        silence_db=10.0 * math.log10(float(settings.get("amin", 1e-10))),
    )
