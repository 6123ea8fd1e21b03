"""Spectrograms in tiles of bytes, coarser the further one looks from.

A tile of zoom ``z`` has :data:`TILE_COLUMNS` columns of ``2**z`` frames each, of which the loudest
is shown: a stroke is seen from however far. A byte is dB below the loudest value of the whole
spectrogram: 255 is that value, 0 is :data:`SHOWN_DB` below it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from cue_pipeline.reading import Mel

TILE_COLUMNS: Final = 512
SHOWN_DB: Final = 72.0
MOST_ZOOM: Final = 12


def mel_tile(mel: Mel, zoom: int, index: int) -> bytes:
    """Return a tile, C order of shape (columns, n_mels), the last of a sound with fewer columns.

    Parameters
    ----------
    mel : Mel
        Of which only the tile's frames are read.
    zoom : int
        From 0 to :data:`MOST_ZOOM`.
    index : int
        From 0.
    """
    step = 1 << zoom
    first = index * TILE_COLUMNS * step
    frames = np.asarray(mel[first : first + TILE_COLUMNS * step])
    if not len(frames):
        return b""
    pooled = np.maximum.reduceat(frames, np.arange(0, len(frames), step), axis=0)
    top = float(mel.max_db) if mel.max_db is not None else float(pooled.max())
    scaled = (pooled - (top - SHOWN_DB)) * (255.0 / SHOWN_DB)
    return np.clip(np.rint(scaled), 0.0, 255.0).astype(np.uint8).tobytes()
