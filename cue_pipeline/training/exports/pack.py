"""Format ``pack``: a folder that windows are read from by memory maps.

What is in it, :mod:`cue_pipeline.training.windows.packed` says.
"""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Collection, Mapping, Sequence
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
from cue_pipeline.training.exports.pack_blocks import feature_blocks, mel_blocks, shifts
from cue_pipeline.training.exports.pack_differences import differences, disorder
from cue_pipeline.training.exports.pack_samples import PackSamples, unreadable
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
from cue_pipeline.training.windows.source import Labels

if TYPE_CHECKING:
    from cue_pipeline.reading import Library

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
        found = [*disorder(packed)]
        if library is not None and not found:
            found += differences(packed, library, read_manifest(out)["description"])
        there = {p.relative_to(out).as_posix() for p in out.rglob("*") if not p.is_dir()}
        extra = there - {
            *sizes(index), INDEX, "manifest.json", README, CROISSANT,
        }  # fmt: skip
        return found + [f"{name}: a pack has no such file." for name in sorted(extra)]

    def notes(self, out: Path) -> list[str]:
        """Return what a pack of an earlier version lacks: see `Format.notes`."""
        packed = PackedSource(out)
        if all(packed.labels_on_cue(i) is not None for i in shifts(packed)):
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
    """Return what is to be written, and say what is not and what is in doubt.

    With samples, cues are left out whose sound changed or is not there.
    """

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
    lacking = unreadable(sounds, found) if with_samples else {}
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
        self.shifts = shifts(source)
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
