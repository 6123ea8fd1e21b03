"""Feature arrays, put together from their chunks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import sqlalchemy as sa

from cue_pipeline.audio.features.kind import asset_of
from cue_pipeline.errors import NotReadyError, WarehouseError
from cue_pipeline.warehouse import tables as t
from cue_pipeline.warehouse.frames import read_binary
from cue_pipeline.warehouse.scope import cue_id
from cue_pipeline.warehouse.transaction import reading
from cue_pipeline.warehouse.vouched import not_ready

if TYPE_CHECKING:
    from datetime import datetime

    import numpy as np

    from cue_pipeline.warehouse.store import Store

MEL_SPECTROGRAM = t.MEL_SPECTROGRAM
Kind = Literal["stem", "mix"]

_ASSETS: dict[Kind, dict[str, str]] = {"stem": t.STEM_FEATURES, "mix": t.MIX_FEATURES}
MEL_ASSETS: dict[Kind, str] = {kind: of[t.MEL_SPECTROGRAM] for kind, of in _ASSETS.items()}
_BESIDE: dict[Kind, tuple[str, ...]] = {
    "stem": ("channel_groups", MEL_ASSETS["stem"]),
    "mix": (MEL_ASSETS["mix"],),
}
"""Assets whose rows are read beside those of further kinds: the sounds, and their mel."""
_FEATURES = {"stem": t.audio_features, "mix": t.final_mix_features}
_CHUNKS = {"stem": t.audio_feature_chunks, "mix": t.final_mix_feature_chunks}
_PARENT = {"stem": "audio_file_id", "mix": "final_mix_id"}
_CHUNK_PARENT = {"stem": "audio_feature_id", "mix": "final_mix_feature_id"}


@dataclass(frozen=True, slots=True)
class Header:
    """One stored feature: its row, and the write of the ledger that vouches for it."""

    kind: Kind
    cue_key: str
    asset: str
    id: int
    channel: str
    profile: str
    sample_rate: int
    hop_length: int
    n_mels: int
    n_frames: int
    dtype: str
    max_db: float | None
    params: dict[str, Any]
    warnings: list[str]
    written_at: datetime

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame."""
        import numpy as np

        return self.n_mels * np.dtype(self.dtype).itemsize


def read_headers(
    store: Store,
    kind: Kind,
    cue_key: str,
    parent_id: int,
    feature_type: str = t.MEL_SPECTROGRAM,
) -> list[Header]:
    """Return every feature of one type that is stored of a stem or a mix.

    Raises
    ------
    NotReadyError
        If the asset that makes them is not ready for this cue; of a kind beside mel, also if it was
        made of other files than the sounds and their mel.
    """
    table = _FEATURES[kind]
    query = sa.select(table).where(
        table.c[_PARENT[kind]] == parent_id, table.c.feature_type == feature_type
    )
    asset = _ASSETS[kind].get(feature_type) or asset_of(feature_type)
    with reading(store.engine) as connection:
        chosen = "" if feature_type == t.MEL_SPECTROGRAM else feature_type
        written_at = _written_at(connection, cue_key, asset, chosen)
        if chosen:
            _refuse_other_files(connection, cue_key, asset, feature_type, _BESIDE[kind])
        rows = connection.execute(query.order_by(table.c.id)).mappings().all()
    names = (
        "id", "channel", "profile", "sample_rate", "hop_length", "n_mels", "n_frames", "dtype",
        "max_db", "params", "warnings",
    )  # fmt: skip
    return [
        Header(kind, cue_key, asset, written_at=written_at, **{name: row[name] for name in names})
        for row in rows
    ]


def read_frames(store: Store, header: Header, first: int, last: int) -> np.ndarray | None:
    """Return frames ``first`` to ``last`` (exclusive) of a stored feature, and no more than those.

    Parameters
    ----------
    store : Store
        The warehouse.
    header : Header
        Of :func:`read_headers`.
    first, last : int
        ``0 <= first <= last <= n_frames``.

    Returns
    -------
    np.ndarray, shape=(last - first, n_mels), or None
        In the stored dtype, read-only. None where the asset was made again since the header was
        read, which then may not fit the chunks.

    Raises
    ------
    NotReadyError
        If the asset is being made again just now, or failed since.
    WarehouseError
        If chunks are lacking.
    """
    import numpy as np

    size, asset = header.frame_bytes, header.asset
    wanted = {
        "cue_key": header.cue_key, "asset": asset, "feature_id": header.id,
        "first": first, "last": last, "frame_bytes": size,
    }  # fmt: skip
    with reading(store.engine) as connection:
        query = _frames_query(header.kind, store.engine.dialect.name)
        rows = connection.execute(query, wanted).all()
    if not rows or rows[0].state != "ready":
        raise not_ready(header.cue_key, asset, *(rows[0][:2] if rows else (None, None)))
    if rows[0].finished_at != header.written_at:
        return None
    data = b"".join(bytes(row.data) for row in rows if row.data is not None)
    if len(data) != (last - first) * size:
        raise WarehouseError(
            f"Chunks of feature {header.id} of cue '{header.cue_key}' hold {len(data)} bytes of "
            f"frames {first} to {last}; {(last - first) * size} are needed. Materialise "
            f"{asset} of the cue again."
        )
    return np.frombuffer(data, dtype=np.dtype(header.dtype).newbyteorder("<")).reshape(
        last - first, header.n_mels
    )


@cache
def _frames_query(kind: Kind, dialect: str) -> sa.Select[Any]:
    """Return what reads frames of a feature, with the ledger's word on it, in one statement.

    Of the first and the last chunk only a part is wanted: the database cuts it out.
    """
    chunk, ledger = _CHUNKS[kind].c, t.cue_assets.c
    first, last = sa.bindparam("first", type_=sa.Integer), sa.bindparam("last", type_=sa.Integer)
    size = sa.bindparam("frame_bytes", type_=sa.Integer)
    greater = sa.func.max if dialect == "sqlite" else sa.func.greatest
    offset = greater(0, first - chunk.first_frame, type_=sa.Integer)
    frames = last - chunk.first_frame - offset
    data = sa.func.substr(chunk.data, offset * size + 1, frames * size, type_=sa.LargeBinary)
    touched = sa.and_(
        chunk[_CHUNK_PARENT[kind]] == sa.bindparam("feature_id"),
        chunk.first_frame < last,
        chunk.first_frame + chunk.n_frames > first,
    )
    return (
        sa.select(ledger.state, ledger.error, ledger.finished_at, data.label("data"))
        .select_from(t.cue_assets.outerjoin(_CHUNKS[kind], touched))
        .where(
            ledger.cue_id == cue_id(sa.bindparam("cue_key")), ledger.asset == sa.bindparam("asset")
        )
        .order_by(chunk.chunk_index)
    )


def _written_at(connection: sa.Connection, cue_key: str, asset: str, chosen: str) -> datetime:
    """Return when an asset of a cue was written; refuse what is not ready."""
    row = connection.execute(
        sa.select(t.cue_assets).where(
            t.cue_assets.c.cue_id == cue_id(cue_key), t.cue_assets.c.asset == asset
        )
    ).one_or_none()
    if row is None or row.state != "ready":
        state, error = (row.state, row.error) if row else (None, None)
        raise not_ready(cue_key, asset, state, error, chosen)
    finished_at: datetime = row.finished_at
    return finished_at


def _refuse_other_files(
    connection: sa.Connection, cue_key: str, asset: str, feature_type: str, beside: tuple[str, ...]
) -> None:
    """Refuse a feature of another sound than that which its stem or mix, or their mel, is of now.

    A kind that was not chosen when the cue was processed again has kept its rows.
    """
    ledger = t.cue_assets.c
    query = sa.select(ledger.asset, ledger.fingerprint).where(
        ledger.cue_id == cue_id(cue_key),
        ledger.asset.in_((asset, *beside)),
        ledger.state == "ready",
    )
    made_of = {row.asset: row.fingerprint for row in connection.execute(query)}
    own = made_of.pop(asset)
    other = next((name for name in beside if name in made_of and made_of[name] != own), None)
    if other is not None:
        raise NotReadyError(
            f"'{asset}' of cue '{cue_key}' was made of other files than '{other}': it would be of "
            "another sound than what is read beside it. Run `cue-pipeline process BASE_DIR` with "
            f"'{feature_type}' in CUE_FEATURES."
        )


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


def read_mel(store: Store, audio_feature_id: int, kind: Kind = "stem") -> np.ndarray:
    """Return one stored mel spectrogram of a stem, or of a mix.

    Parameters
    ----------
    store : Store
        The warehouse.
    audio_feature_id : int
        Id of a row of ``audio_features``, or of ``final_mix_features``.
    kind : {"stem", "mix"}

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

    table, chunk = _FEATURES[kind], _CHUNKS[kind].c
    header = sa.select(table.c.n_frames, table.c.n_mels, table.c.dtype).where(
        table.c.id == audio_feature_id
    )
    chunks = (
        sa.select(chunk.data)
        .where(chunk[_CHUNK_PARENT[kind]] == audio_feature_id)
        .order_by(chunk.chunk_index)
    )
    with reading(store.engine) as connection:
        row = connection.execute(header).one_or_none()
        data = b"".join(chunk for (chunk,) in read_binary(connection, chunks))
        if connection.dialect.name == "sqlite":
            # The pages of a whole spectrogram are not read again soon, and are many.
            connection.exec_driver_sql("PRAGMA shrink_memory")
    if row is None:
        raise WarehouseError(f"There is no row {audio_feature_id} in {table.name}.")
    needed = row.n_frames * row.n_mels * np.dtype(row.dtype).itemsize
    if len(data) != needed:
        raise WarehouseError(
            f"Chunks of audio feature {audio_feature_id} hold {len(data)} bytes; its header needs "
            f"{needed}. Materialise the asset of such features of its cue again."
        )
    return np.frombuffer(data, dtype=row.dtype).reshape(row.n_frames, row.n_mels)
