"""What a pack holds of the tables, as bytes to be written or compared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from cue_pipeline.training.windows.whole_cues import on_clock

if TYPE_CHECKING:
    from cue_pipeline.training.tables_source import TablesSource
    from cue_pipeline.training.windows.packed import PackedSource

BLOCK_FRAMES = 16_384
"""Frames that are copied at a time: 2 MiB of 64 bands."""


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


def shifts(source: TablesSource | PackedSource) -> dict[int, float]:
    """Return the stems whose labels are kept on the clock of their cue, too, and how much later."""
    placed = on_clock(source.items, source.grid)
    return {i: shift for i, (_, shift) in placed.items() if shift}
