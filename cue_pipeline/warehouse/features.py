"""Feature arrays, put together from their chunks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from cue_pipeline.errors import WarehouseError
from cue_pipeline.warehouse import tables as t
from cue_pipeline.warehouse.frames import read_binary
from cue_pipeline.warehouse.transaction import reading

if TYPE_CHECKING:
    import numpy as np

    from cue_pipeline.warehouse.store import Store


def find_composite(store: Store, audio_file_id: int | None) -> sa.Row[*tuple[Any, ...]] | None:
    """Return a stem's composite mel spectrogram in the default profile, if there is one.

    Returns
    -------
    sqlalchemy.Row or None
        ``id``, ``sample_rate``, ``hop_length`` and ``n_frames`` of its row in ``audio_features``.
    """
    features = t.audio_features.c
    query = sa.select(
        features.id, features.sample_rate, features.hop_length, features.n_frames
    ).where(
        features.audio_file_id == audio_file_id,
        features.feature_type == t.MEL_SPECTROGRAM,
        features.profile == "default",
        features.channel == "mono",
    )
    with reading(store.engine) as connection:
        return connection.execute(query).first()


def read_mel(store: Store, audio_feature_id: int) -> np.ndarray:
    """Return one stored mel spectrogram of a stem.

    Parameters
    ----------
    store : Store
        The warehouse.
    audio_feature_id : int
        Id of a row of ``audio_features``.

    Returns
    -------
    np.ndarray, shape=(n_frames, n_mels)
        Power in dB re full scale, in the stored dtype; read-only.

    Raises
    ------
    WarehouseError
        If there is no such feature, or its chunks do not add up to the shape in its header.
    """
    import numpy as np

    header = sa.select(
        t.audio_features.c.n_frames, t.audio_features.c.n_mels, t.audio_features.c.dtype
    ).where(t.audio_features.c.id == audio_feature_id)
    chunks = (
        sa.select(t.audio_feature_chunks.c.data)
        .where(t.audio_feature_chunks.c.audio_feature_id == audio_feature_id)
        .order_by(t.audio_feature_chunks.c.chunk_index)
    )
    with reading(store.engine) as connection:
        row = connection.execute(header).one_or_none()
        data = b"".join(chunk for (chunk,) in read_binary(connection, chunks))
    if row is None:
        raise WarehouseError(f"There is no row {audio_feature_id} in audio_features.")
    needed = row.n_frames * row.n_mels * np.dtype(row.dtype).itemsize
    if len(data) != needed:
        raise WarehouseError(
            f"Chunks of audio feature {audio_feature_id} hold {len(data)} bytes; its header needs "
            f"{needed}. Materialise the asset of such features of its cue again."
        )
    return np.frombuffer(data, dtype=row.dtype).reshape(row.n_frames, row.n_mels)
