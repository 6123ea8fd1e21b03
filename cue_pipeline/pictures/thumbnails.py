"""Spectrograms made small while their chunks go by, so that pictures take no memory of their own.

A cue may have a hundred stems of ten minutes: half a gigabyte of frames, of which a picture shows
some hundred columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from pandas import DataFrame

COLUMNS = 600
"""Columns of a thumbnail at most."""


def cell_frames(n_frames: Iterable[int]) -> int:
    """Return how many frames one column stands for, so that the longest has :data:`COLUMNS`."""
    return max(1, -(-max(n_frames, default=1) // COLUMNS))


def composites(features: DataFrame, owner_column: str) -> DataFrame:
    """Return the rows of features that are composites of the default profile, one per owner."""
    chosen = (features["profile"] == "default") & (features["channel"] == "mono")
    return features[chosen].drop_duplicates(owner_column)


def thumbnails(
    features: DataFrame, chunks: Iterable[Mapping[str, Any]], id_column: str, cell: int
) -> dict[int, np.ndarray]:
    """Return the loudest of every ``cell`` frames of each feature.

    Parameters
    ----------
    features : DataFrame
        Rows of a feature table, those that are wanted.
    chunks : iterable of mapping of str to sequence
        Rows of its chunk table as columns, others among them.
    id_column : str
        The chunks' reference to the feature.
    cell : int
        Frames to a column.

    Returns
    -------
    dict of int to np.ndarray, shape=(columns, n_mels), dtype=float32
        By the feature's id; dB.
    """
    import numpy as np

    wanted: dict[int, Mapping[Any, Any]] = {
        int(row["id"]): row for row in features.to_dict("records")
    }
    small = {
        key: np.full((-(-int(row["n_frames"]) // cell), int(row["n_mels"])), -120.0, np.float32)
        for key, row in wanted.items()
    }
    for batch in chunks:
        for key, first, data in zip(
            batch[id_column], batch["first_frame"], batch["data"], strict=True
        ):
            row = wanted.get(int(key))
            if row is not None and len(data):
                frames = np.frombuffer(data, row["dtype"]).reshape(-1, int(row["n_mels"]))
                shrink_into(small[int(key)], frames, int(first), cell)
    return small


def shrink_into(small: np.ndarray, frames: np.ndarray, first_frame: int, cell: int) -> None:
    """Take frames into a thumbnail; those before its start or beyond its end are left out.

    Parameters
    ----------
    small : np.ndarray, shape=(columns, n_mels), dtype=float32
        Changed in place.
    frames : np.ndarray, shape=(n, n_mels)
        dB.
    first_frame : int
        Where they stand, in frames of the thumbnail; below 0: before it.
    cell : int
        Frames to a column.
    """
    import numpy as np

    frames = frames[max(0, -first_frame) : max(0, len(small) * cell - first_frame)]
    if not len(frames):
        return
    columns, starts = np.unique(
        (max(0, first_frame) + np.arange(len(frames))) // cell, return_index=True
    )
    loudest = np.maximum.reduceat(frames, starts, axis=0)
    small[columns] = np.maximum(small[columns], loudest)
