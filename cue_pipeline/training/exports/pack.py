"""Format ``pack``: a folder that windows are read from by memory maps.

What is in it, :mod:`cue_pipeline.training.windows.packed` says.
"""

from __future__ import annotations

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
from cue_pipeline.training.samples import Sounds
from cue_pipeline.training.tables_source import DEFAULT_CONTROLLERS, TablesSource
from cue_pipeline.training.windows.packed import (
    INDEX,
    PER_CELL,
    PER_FRAME,
    VERSION,
    PackedSource,
    file_of,
    read_index,
    sizes,
)
from cue_pipeline.training.windows.packed_samples import AUDIO, MIX
from cue_pipeline.training.windows.source import Item, Labels

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
        selection = select(request.library, request.split)
        source = _opened(request, selection, profile, controllers, sounds)
        samples = _samples(request, source, sounds)
        settings = {
            "profile": profile,
            "controllers": list(controllers),
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
        index = _index(source, writing.n_cells)
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
        extra = {p.name for p in out.iterdir()} - {
            *sizes(index), INDEX, "manifest.json", README, CROISSANT,
        }  # fmt: skip
        return found + [f"{name}: a pack has no such file." for name in sorted(extra)]


def _opened(
    request: Request,
    selection: Selection,
    profile: str,
    controllers: Sequence[int],
    sounds: Sounds,
) -> TablesSource:
    """Return what is to be written; with samples, less cues whose sound changed or is not there."""

    def source(cues: Collection[str]) -> TablesSource:
        return TablesSource(
            request.library,
            profile=profile,
            cues=cues,
            controllers=controllers,
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
    for key, _, why in found.left_out:
        request.say(f"left out: {key}: {why}")
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
    file = folder / file_of("complete", source.grid.dtype)
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
    told = {name: settings[name] for name in ("profile", "controllers", "audio", "audio_channels")}
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
        self.n_cells: dict[str, list[int]] = kept.get(
            "n_cells", {name: [] for name in sorted(set(PER_CELL.values()))}
        )
        self._names = {
            name: file_of(name, source.grid.dtype) for name in ("mel", *PER_FRAME, *PER_CELL)
        }
        files = [*self._names.values(), *([] if samples is None else [AUDIO, MIX])]
        self._sizes: dict[str, int] = kept.get("sizes", dict.fromkeys(files, 0))

    def run(self) -> dict[str, str]:
        """Write what is lacking; return the SHA-256 of each file."""
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
            files.append(self._names["mel"], block)
        labels = self._source.labels(item)
        for name in (*PER_FRAME, *PER_CELL):
            data = np.ascontiguousarray(getattr(labels, name)).data.cast("B")
            files.append(self._names[name], data)
        for name, lengths in self.n_cells.items():
            lengths.append(len(getattr(labels, name)))
        if self._samples is not None:
            for block in self._samples.mix_before(item):
                files.append(MIX, block)
            for block in self._samples.stem(item):
                files.append(AUDIO, block)

    def _keep(self, files: GrowingFiles, stems: int) -> None:
        n_cells = {name: list(lengths) for name, lengths in self.n_cells.items()}
        files.keep(
            lambda sizes: self._unfinished.keep(
                {"stems": stems, "n_cells": n_cells, "sizes": sizes}
            )
        )
        self._say(f"{stems:,} of {len(self._source.items):,} stems")


def mel_blocks(source: TablesSource, item: int) -> Iterator[memoryview]:
    """Yield the bytes of a stem's mel, a block of frames at a time."""
    n_frames, grid = source.items[item].n_frames, source.grid
    for first in range(0, n_frames, BLOCK_FRAMES):
        n = min(BLOCK_FRAMES, n_frames - first)
        block = np.empty((1, n, grid.n_mels), grid.dtype)
        source.read_mel(np.array([item]), np.array([first]), block)
        yield memoryview(block.view(np.uint8).reshape(-1))


def _index(source: TablesSource, n_cells: Mapping[str, list[int]]) -> dict[str, Any]:
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
            "n_cells": dict(n_cells),
        },
    }


def _disorder(packed: PackedSource) -> Iterator[str]:
    """Yield what in the arrays does not fit: cells that are not sorted, or not of their stem."""
    for i, item in enumerate(packed.items):
        labels = packed.labels(i)
        for name in sorted(set(PER_CELL.values())):
            cells = getattr(labels, name)
            inside = not len(cells) or (cells[0] >= 0 and cells[-1] < item.n_frames * 128)
            if not inside or (np.diff(cells) < 0).any():
                yield f"{name} of stem '{item.stem}' of cue '{item.cue_key}' are not its cells."


def _differences(
    packed: PackedSource, library: Library, description: Mapping[str, Any]
) -> Iterator[str]:
    """Yield what a pack holds otherwise than the tables, and the files where it has samples."""
    selection = select(library, description["split"])
    tables = TablesSource(
        library,
        profile=description["profile"],
        cues=selection.keys,
        controllers=packed.controllers,
        cache_bytes=0,
    )
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
    return None


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
