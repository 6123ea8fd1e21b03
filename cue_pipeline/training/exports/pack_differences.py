"""How a pack differs from what it should hold: the order of cells, the tables, the sound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from cue_pipeline.training.exports.pack_blocks import feature_blocks, mel_blocks, shifts
from cue_pipeline.training.exports.pack_samples import (
    PackSamples,
    mix_differences,
    stem_difference,
)
from cue_pipeline.training.exports.selection import Selection, select
from cue_pipeline.training.feature_fields import assets_of
from cue_pipeline.training.samples import Sounds
from cue_pipeline.training.tables_source import TablesSource
from cue_pipeline.training.windows.packed import PackedSource
from cue_pipeline.training.windows.packed_labels import CELLS, PER_CELL, PER_FRAME
from cue_pipeline.training.windows.source import Item, Labels

if TYPE_CHECKING:
    from cue_pipeline.reading import Library


def disorder(packed: PackedSource) -> Iterator[str]:
    """Yield what in the arrays does not fit: cells that are not sorted, or not of their stem."""
    for i, item in enumerate(packed.items):
        labels = packed.labels(i)
        for name in CELLS:
            cells = getattr(labels, name)
            inside = not len(cells) or (cells[0] >= 0 and cells[-1] < item.n_frames * 128)
            if not inside or (np.diff(cells) < 0).any():
                yield f"{name} of stem '{item.stem}' of cue '{item.cue_key}' are not its cells."


def differences(
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
    later = shifts(packed)
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
            why = why or _difference_on_cue(packed, i, tables, there, later.get(i))
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
