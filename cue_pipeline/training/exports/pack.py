"""Format ``pack``: a folder that windows are read from by memory maps.

What is in it, :mod:`cue_pipeline.training.windows.packed` says.
"""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cue_pipeline.audio.stereo_gains import GAINS_VERSION
from cue_pipeline.errors import CuePipelineError, ExportError
from cue_pipeline.training.exports.card import (
    CROISSANT,
    README,
    Account,
    Hours,
    LabelCount,
    write_cards,
)
from cue_pipeline.training.exports.formats import Request
from cue_pipeline.training.exports.growing import GrowingFiles
from cue_pipeline.training.exports.manifest import read_manifest
from cue_pipeline.training.exports.pack_samples import (
    PackSamples,
    mix_differences,
    stem_difference,
    unreadable,
)
from cue_pipeline.training.exports.selection import Selection, select
from cue_pipeline.training.exports.unfinished import Unfinished
from cue_pipeline.training.feature_fields import assets_of
from cue_pipeline.training.samples import Sounds
from cue_pipeline.training.tables_source import DEFAULT_CONTROLLERS, TablesSource
from cue_pipeline.training.windows.fields import OF_FEATURES
from cue_pipeline.training.windows.packed import (
    INDEX,
    VERSION,
    PackedSource,
    mel_file,
    read_index,
    sizes,
)
from cue_pipeline.training.windows.packed_features import feature_file
from cue_pipeline.training.windows.packed_labels import (
    CELLS,
    ON_CUE,
    PER_CELL,
    PER_FRAME,
    file_of,
)
from cue_pipeline.training.windows.packed_samples import AUDIO, MIX
from cue_pipeline.training.windows.source import Item, Labels
from cue_pipeline.training.windows.whole_cues import on_clock

if TYPE_CHECKING:
    from cue_pipeline.reading import Library

BLOCK_FRAMES = 16_384
"""Frames that are copied at a time: 2 MiB of 64 bands."""

_KEEP_SECONDS = 2.0
_LAYOUT = """
Memory-mapped arrays, stem after stem, which `cue_pipeline.training.Windows.open` reads, and
`cue_pipeline_pack.Windows.open` of the small wheel `cue-pipeline-pack`, which needs NumPy only.
`index.json` has the grid, the cues, the stems and their lengths.

| file | what it holds |
|---|---|
| `mel.f2` | frames × bands |
| `beat.f4`, `controllers.i1`, `complete.b1` | frame by frame |
| `sounding.i4`, `velocity.u1` | cells in which a note sounds: frame × 128 + pitch, sorted |
| `onsets.i4`, `categories.i1` | cells in which a note begins, and its part's category |
| `offsets.i4` | cells in which a note has ceased to sound |
| `cue/` | labels once more, on the frames of the cue's clock, of stems that begin between them |
| `feature.KIND.…` | with `--features`: frames × columns |
| `audio.f4`, `mix.f4` | with `--audio`: samples × channels of stems, and of the cues' mixes |
"""


class PackFormat:
    """Writes and verifies packs."""

    compared = (
        "every frame of mel, all labels and, where it has any, all samples of stems and mixes"
    )

    def write(self, request: Request) -> Mapping[str, Any]:
        """Write a pack: see `Format.write`."""
        controllers = request.options.get("controllers") or DEFAULT_CONTROLLERS
        profile = request.options.get("profile") or "default"
        sounds = Sounds(request.library)
        kinds = tuple(dict.fromkeys(request.options.get("features") or ()))
        features = [OF_FEATURES + kind for kind in kinds]
        selection = select(request.library, request.split, assets_of(features).values())
        source = _opened(request, selection, profile, controllers, features, sounds)
        samples = _samples(request, source, sounds)
        settings = {
            "profile": profile,
            "controllers": list(controllers),
            "features": list(kinds),
            "split": request.split,
            "license": request.license,
            "audio": request.options.get("audio"),
            "audio_channels": _channels(request),
            "include_changed": bool(request.options.get("include_changed")),
            **_gains(request),
            "state of the library": source.digest(),
        }
        unfinished = Unfinished(request.out, settings, resume=request.resume)
        writing = _Writing(source, samples, unfinished, request)
        digests = writing.run()
        index = _index(source, writing)
        if samples is not None:
            index["samples"] = samples.index()
        (unfinished.folder / INDEX).write_text(
            json.dumps(index, ensure_ascii=False), encoding="utf-8"
        )
        counts = {
            "cues": len(index["cues"]["key"]),
            "stems": len(source.items),
            "frames": sum(item.n_frames for item in source.items),
            "onsets": sum(writing.n_cells["onsets"]),
        }
        account = _account(request, selection, source, counts, settings, unfinished.folder)
        write_cards(unfinished.folder, account, layout=_LAYOUT, described=[INDEX])
        unfinished.finish(
            "pack",
            {**account.description(), **settings},
            digests,
        )
        return counts

    def faults(self, out: Path, library: Library | None) -> list[str]:
        """Return what is wrong with a pack: see `Format.faults`."""
        try:
            index = read_index(out)
            packed = PackedSource(out)
        except CuePipelineError as e:
            return [str(e)]
        found = [*_disorder(packed)]
        if library is not None and not found:
            found += _differences(packed, library, read_manifest(out)["description"])
        there = {p.relative_to(out).as_posix() for p in out.rglob("*") if not p.is_dir()}
        extra = there - {
            *sizes(index), INDEX, "manifest.json", README, CROISSANT,
        }  # fmt: skip
        return found + [f"{name}: a pack has no such file." for name in sorted(extra)]

    def notes(self, out: Path) -> list[str]:
        """Return what a pack of an earlier version lacks: see `Format.notes`."""
        packed = PackedSource(out)
        if all(packed.labels_on_cue(i) is not None for i in _shifts(packed)):
            return []
        return [
            "it was exported by a version that kept no labels on the clock of cues: windows of "
            "cues (of='cue') have no fields of the score from it, since stems do not begin "
            "together. All else is read as before; export it anew to have these."
        ]


def _opened(
    request: Request,
    selection: Selection,
    profile: str,
    controllers: Sequence[int],
    features: Sequence[str],
    sounds: Sounds,
) -> TablesSource:
    """Return what is to be written; with samples, less cues whose sound changed or is not there."""

    def source(cues: Collection[str]) -> TablesSource:
        return TablesSource(
            request.library,
            profile=profile,
            cues=cues,
            controllers=controllers,
            features=features,
            sounds=with_samples,
            include_changed=bool(request.options.get("include_changed")),
            comparing_seconds=None,
            cache_bytes=0,
        )

    with_samples = request.options.get("audio") is not None
    found = source(selection.keys)
    if not with_samples:
        return found
    lacking = unreadable(sounds, found)
    if lacking:
        left = {item.cue_key for item in found.items} - lacking.keys()
        if not left:
            raise ExportError(f"No cue could be read. The first: {next(iter(lacking.values()))}")
        before, found = found, source(left)
        found.left_out[:] = [*before.left_out, *((key, None, why) for key, why in lacking.items())]
    for key, stem, why in found.left_out:
        request.say(f"left out: {key if stem is None else f'{key}: {stem}'}: {why}")
    for doubt in found.doubts:
        request.say(f"note: {doubt}")
    return found


def _gains(request: Request) -> dict[str, int]:
    """Return by which gains samples are folded down to two channels, where they are."""
    stereo = request.options.get("audio") is not None and _channels(request) == 2
    return {"stereo_gains": GAINS_VERSION} if stereo else {}


def _channels(request: Request) -> int:
    return int(request.options.get("audio_channels") or 1)


def _samples(request: Request, source: TablesSource, sounds: Sounds) -> PackSamples | None:
    rate = request.options.get("audio")
    if rate is None:
        return None
    samples = PackSamples(request.library, source, sounds, int(rate), _channels(request))
    for (key, name), why in samples.left_out.items():
        source.left_out.append((key, f"mix '{name}'", why))
        request.say(f"left out: {key}: mix '{name}': {why}")
    return samples


def _account(
    request: Request,
    selection: Selection,
    source: TablesSource,
    counts: Mapping[str, int],
    settings: Mapping[str, Any],
    folder: Path,
) -> Account:
    from cue_pipeline.library.made_of import CHANGED

    items = source.items
    file = folder / file_of("complete")
    complete = np.memmap(file, bool, "r") if file.stat().st_size else np.empty(0, bool)
    hours, first = Hours(), 0
    for item in items:
        category = source.categories[item.category] if item.category >= 0 else None
        whole = bool(complete[first : first + item.n_frames].all())
        seconds = item.n_frames / source.grid.frames_per_second
        hours.add(category, source.splits.get(item.cue_key), seconds, whole)
        first += item.n_frames
    written = selection.of({item.cue_key for item in items})
    left_out = selection.left_out_by_reason()
    for key, stem, why in source.left_out:
        # Which files these were is said of each cue as the pack is written.
        reason = CHANGED if why.startswith(CHANGED) else why
        left_out.setdefault(reason, []).append(key if stem is None else f"{key}: {stem}")
    told = {
        name: settings[name]
        for name in ("profile", "controllers", "features", "audio", "audio_channels")
    }
    labels = LabelCount.of(
        counts["onsets"],
        "onsets, one for each note and stem in which it begins to be heard",
        request.library,
        written.keys,
    )
    return Account(
        "pack", request.out.name, request.license, request.split, counts, told, hours, labels,
        written.code_versions, written.digest, left_out, source.doubts,
    )  # fmt: skip


class _Writing:
    """The files of a pack while they grow, stem after stem."""

    def __init__(
        self,
        source: TablesSource,
        samples: PackSamples | None,
        unfinished: Unfinished,
        request: Request,
    ) -> None:
        self._source, self._samples = source, samples
        self._unfinished, self._say = unfinished, request.say
        kept = unfinished.progress
        self._done = int(kept.get("stems", 0))
        self.n_cells: dict[str, list[int]] = kept.get("n_cells", {name: [] for name in CELLS})
        self.n_cells_on_cue: dict[str, list[int]] = kept.get(
            "n_cells_on_cue", {name: [] for name in CELLS}
        )
        self.shifts = _shifts(source)
        self._mel = mel_file(source.grid.dtype)
        labels = [file_of(name) for name in (*PER_FRAME, *PER_CELL)]
        on_cue = [ON_CUE + name for name in labels] if self.shifts else []
        features = [feature_file(field, dtype) for field, (_, dtype) in source.features.items()]
        sounds = [] if samples is None else [AUDIO, MIX]
        files = [self._mel, *labels, *on_cue, *features, *sounds]
        self._sizes: dict[str, int] = kept.get("sizes", dict.fromkeys(files, 0))

    def run(self) -> dict[str, str]:
        """Write what is lacking; return the SHA-256 of each file."""
        if self.shifts:
            (self._unfinished.folder / ON_CUE).mkdir(exist_ok=True)
        files = GrowingFiles(self._unfinished.folder, self._sizes)
        with files:
            kept_at = time.monotonic()
            for i in range(self._done, len(self._source.items)):
                self._add(files, i)
                if time.monotonic() - kept_at > _KEEP_SECONDS:
                    self._keep(files, i + 1)
                    kept_at = time.monotonic()
            self._keep(files, len(self._source.items))
        return files.digests()

    def _add(self, files: GrowingFiles, item: int) -> None:
        for block in mel_blocks(self._source, item):
            files.append(self._mel, block)
        _add_labels(files, "", self._source.labels(item), self.n_cells)
        if shift := self.shifts.get(item):
            later = self._source.labels_later(item, shift)
            _add_labels(files, ON_CUE, later, self.n_cells_on_cue)
        for field, (_, dtype) in self._source.features.items():
            for block in feature_blocks(self._source, field, item):
                files.append(feature_file(field, dtype), block)
        if self._samples is not None:
            for block in self._samples.mix_before(item):
                files.append(MIX, block)
            for block in self._samples.stem(item):
                files.append(AUDIO, block)

    def _keep(self, files: GrowingFiles, stems: int) -> None:
        cells = {"n_cells": self.n_cells, "n_cells_on_cue": self.n_cells_on_cue}
        noted = copy.deepcopy(cells)
        files.keep(lambda sizes: self._unfinished.keep({"stems": stems, **noted, "sizes": sizes}))
        self._say(f"{stems:,} of {len(self._source.items):,} stems")


def _add_labels(
    files: GrowingFiles, prefix: str, labels: Labels, n_cells: Mapping[str, list[int]]
) -> None:
    for name in (*PER_FRAME, *PER_CELL):
        data = np.ascontiguousarray(getattr(labels, name)).data.cast("B")
        files.append(prefix + file_of(name), data)
    for name, lengths in n_cells.items():
        lengths.append(len(getattr(labels, name)))


def feature_blocks(source: TablesSource, field: str, item: int) -> Iterator[memoryview]:
    """Yield the bytes of a feature of a stem, a block of frames at a time."""
    columns, dtype = source.features[field]
    n_frames = source.feature_length(field, item)
    for first in range(0, n_frames, BLOCK_FRAMES):
        block = np.empty((1, min(BLOCK_FRAMES, n_frames - first), columns), dtype)
        source.read_feature(field, np.array([item]), np.array([first]), block)
        yield memoryview(block.view(np.uint8).reshape(-1))


def mel_blocks(source: TablesSource, item: int) -> Iterator[memoryview]:
    """Yield the bytes of a stem's mel, a block of frames at a time."""
    n_frames, grid = source.items[item].n_frames, source.grid
    for first in range(0, n_frames, BLOCK_FRAMES):
        n = min(BLOCK_FRAMES, n_frames - first)
        block = np.empty((1, n, grid.n_mels), grid.dtype)
        source.read_mel(np.array([item]), np.array([first]), block)
        yield memoryview(block.view(np.uint8).reshape(-1))


def _shifts(source: TablesSource | PackedSource) -> dict[int, float]:
    """Return the stems whose labels are kept on the clock of their cue, too, and how much later."""
    placed = on_clock(source.items, source.grid)
    return {i: shift for i, (_, shift) in placed.items() if shift}


def _index(source: TablesSource, writing: _Writing) -> dict[str, Any]:
    items = source.items
    keys = list(dict.fromkeys(item.cue_key for item in items))
    return {
        "version": VERSION,
        "grid": source.grid.as_json(),
        "profile": source.profile,
        "controllers": list(source.controllers),
        "categories": list(source.categories),
        "cues": {"key": keys, "split": [source.splits.get(key) for key in keys]},
        "stems": {
            "cue": [item.cue for item in items],
            "name": [item.stem for item in items],
            "n_frames": [item.n_frames for item in items],
            "category": [item.category for item in items],
            "start_seconds": [item.start_seconds for item in items],
            "n_cells": dict(writing.n_cells),
        },
        "on_cue": {"stems": list(writing.shifts), "n_cells": dict(writing.n_cells_on_cue)},
        "features": {
            field: {
                "columns": columns,
                "dtype": dtype,
                "silence": source.silence(field),
                "n_frames": [source.feature_length(field, i) for i in range(len(items))],
            }
            for field, (columns, dtype) in source.features.items()
        },
    }


def _disorder(packed: PackedSource) -> Iterator[str]:
    """Yield what in the arrays does not fit: cells that are not sorted, or not of their stem."""
    for i, item in enumerate(packed.items):
        labels = packed.labels(i)
        for name in CELLS:
            cells = getattr(labels, name)
            inside = not len(cells) or (cells[0] >= 0 and cells[-1] < item.n_frames * 128)
            if not inside or (np.diff(cells) < 0).any():
                yield f"{name} of stem '{item.stem}' of cue '{item.cue_key}' are not its cells."


def _differences(
    packed: PackedSource, library: Library, description: Mapping[str, Any]
) -> Iterator[str]:
    """Yield what a pack holds otherwise than the tables, and the files where it has samples."""
    fields = list(packed.features)
    selection = select(library, description["split"], assets_of(fields).values())
    tables = TablesSource(
        library,
        profile=description["profile"],
        cues=selection.keys,
        controllers=packed.controllers,
        features=fields,
        cache_bytes=0,
    )
    shifts = _shifts(packed)
    held = packed.samples
    files = held and PackSamples(library, tables, Sounds(library), held.rate, held.channels)
    left_out = {name for names in description["left_out"].values() for name in names}
    places = {(item.cue_key, item.stem): i for i, item in enumerate(tables.items)}
    for i, item in enumerate(packed.items):
        there = places.pop((item.cue_key, item.stem), None)
        why: str | None
        if there is None:
            why = _gone(item, selection, tables)
        else:
            why = _difference(packed, i, tables, there)
            why = why or _difference_on_cue(packed, i, tables, there, shifts.get(i))
            if why is None and held and files:
                why = stem_difference(packed, held, i, files, there)
        if why is not None:
            yield f"stem '{item.stem}' of cue '{item.cue_key}': {why}"
    for key, name in places:
        if key not in left_out:
            yield f"stem '{name}' of cue '{key}' is in the tables and not in the pack."
    if held and files:
        yield from mix_differences(packed, held, files, left_out)


def _gone(item: Item, selection: Selection, tables: TablesSource) -> str:
    """Say that a stem of a pack would not be exported any more, and why."""
    stems = {(key, stem or item.stem): why for key, stem, why in tables.left_out}
    why = selection.left_out.get(item.cue_key) or stems.get((item.cue_key, item.stem))
    return f"it would not be exported now: {why}." if why else "the tables do not have it any more."


def _difference(packed: PackedSource, i: int, tables: TablesSource, there: int) -> str | None:
    """Return how a stem of a pack differs from the tables; None: it does not."""
    same_length = tables.items[there].n_frames == packed.items[i].n_frames
    if not same_length or not _same_mel(packed, i, tables, there):
        return "its mel is another in the tables."
    if not _same_labels(packed.labels(i), tables.labels(there)):
        return "its labels are others in the tables."
    for field in packed.features:
        if not _same_feature(packed, field, i, tables, there):
            return f"its {field} is another in the tables."
    return None


def _difference_on_cue(
    packed: PackedSource, i: int, tables: TablesSource, there: int, shift: float | None
) -> str | None:
    """Return how what a pack keeps of a stem on the clock of its cue differs from the tables."""
    if tables.items[there].start_seconds != packed.items[i].start_seconds:
        return "it starts elsewhere in the tables."
    held = packed.labels_on_cue(i)
    if held is None or not shift:
        return None
    if not _same_labels(held, tables.labels_later(there, shift)):
        return "its labels on the clock of its cue are others in the tables."
    return None


def _same_feature(
    packed: PackedSource, field: str, i: int, tables: TablesSource, there: int
) -> bool:
    if tables.features[field] != packed.features[field]:
        return False
    found = b"".join(feature_blocks(tables, field, there))
    return packed.feature_frames(field, i).tobytes() == found


def _same_mel(packed: PackedSource, i: int, tables: TablesSource, there: int) -> bool:
    n, grid = packed.items[i].n_frames, packed.grid
    if grid != tables.grid:
        return False
    first = 0
    for block in mel_blocks(tables, there):
        rows = len(block) // (grid.n_mels * np.dtype(grid.dtype).itemsize)
        own = np.empty((1, rows, grid.n_mels), grid.dtype)
        packed.read_mel(np.array([i]), np.array([first]), own)
        if own.tobytes() != block:
            return False
        first += rows
    return first == n


def _same_labels(one: Labels, other: Labels) -> bool:
    names = (*PER_FRAME, *PER_CELL)
    return all(getattr(one, n).tobytes() == getattr(other, n).tobytes() for n in names)
