"""All stems of a library with one mel profile, and what of their cues is ready."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from cue_pipeline.warehouse import tables as t
from cue_pipeline.warehouse.cue_contents import Kind, read_fingerprints
from cue_pipeline.warehouse.transaction import reading
from cue_pipeline.warehouse.types import is_postgresql

if TYPE_CHECKING:
    from cue_pipeline.warehouse.store import Store


@dataclass(frozen=True, slots=True)
class StemRow:
    """One stem with one mel spectrogram.

    Attributes
    ----------
    settings : dict
        ``params`` of the spectrogram; stems whose parameters are the same share it.
    """

    cue_key: str
    cue_id: int
    audio_file_id: int
    name: str
    category: str | None
    start_offset_seconds: float | None
    feature_id: int
    sample_rate: int
    hop_length: int
    n_mels: int
    n_frames: int
    dtype: str
    settings: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StemIndex:
    """Stems by cue key and name, and the ledger at that moment.

    Attributes
    ----------
    stems : list of StemRow
    states : dict of str to dict of str to (state, error, finished_at)
        Cue key → asset → what the ledger has; only of cues that are present.
    made_of : dict of str to dict of str to str or None
        Cue key → asset → fingerprint of the files that it was made of.
    last_read : dict of str to dict of str to str
        Cue key → ``midi`` and ``audio`` → fingerprint of the files that were last read.
    splits : dict of str to str
        Cue key → split.
    """

    stems: list[StemRow]
    states: dict[str, dict[str, tuple[str, str | None, datetime | None]]]
    splits: dict[str, str]
    made_of: dict[str, dict[str, str | None]]
    last_read: Mapping[str, Mapping[Kind, str]]


def read_stem_index(store: Store, profile: str, assets: Collection[str]) -> StemIndex:
    """Return the stems of all present cues of which a mono mel of a profile is stored.

    Parameters
    ----------
    store : Store
    profile : str
        Name of the set of mel parameters.
    assets : collection of str
        Of which the ledger is asked.
    """
    cues, ledger = t.cues.c, t.cue_assets.c
    states = (
        sa.select(
            cues.cue_key, ledger.asset, ledger.state, ledger.error, ledger.finished_at,
            ledger.fingerprint,
        )
        .join(t.cues, cues.id == ledger.cue_id)
        .where(cues.state == "present", ledger.asset.in_(assets))
    )  # fmt: skip
    with reading(store.engine) as connection:
        found: dict[str, dict[str, tuple[str, str | None, datetime | None]]] = {
            key: {}
            for key in connection.scalars(sa.select(cues.cue_key).where(cues.state == "present"))
        }
        made_of: dict[str, dict[str, str | None]] = {key: {} for key in found}
        for key, asset, state, error, finished_at, fingerprint in connection.execute(states):
            found[key][asset] = (state, error, finished_at)
            made_of[key][asset] = fingerprint
        last_read = read_fingerprints(connection)
        splits = dict(
            connection.execute(sa.select(t.cue_splits.c.cue_key, t.cue_splits.c.split)).all()
        )
        stems = _stem_rows(connection, profile, t.MEL_SPECTROGRAM)
    by_key = {str(k): str(v) for k, v in splits.items()}
    return StemIndex(stems, found, by_key, made_of, last_read)


def read_stem_rows(store: Store, profile: str, feature_type: str) -> list[StemRow]:
    """Return the stems of all present cues of which a mono feature of a kind is stored.

    Parameters
    ----------
    store : Store
    profile : str
    feature_type : str
    """
    with reading(store.engine) as connection:
        return _stem_rows(connection, profile, feature_type)


def _stem_rows(connection: sa.Connection, profile: str, feature_type: str) -> list[StemRow]:
    cues, groups, features = t.cues.c, t.audio_files.c, t.audio_features.c
    # As text: many rows share one, and only one of each is decoded.
    params = (
        sa.cast(features.params, sa.Text)
        if is_postgresql(connection.dialect)
        else sa.type_coerce(features.params, sa.Text)
    )
    stems = (
        sa.select(
            cues.cue_key, cues.id, groups.id, groups.canonical_name, groups.instrument_category,
            groups.start_offset_seconds, features.id, features.sample_rate, features.hop_length,
            features.n_mels, features.n_frames, features.dtype, params,
        )
        .select_from(t.audio_features)
        .join(t.audio_files, groups.id == features.audio_file_id)
        .join(t.cues, cues.id == groups.cue_id)
        .where(
            cues.state == "present",
            features.feature_type == feature_type,
            features.channel == "mono",
            features.profile == profile,
        )
    )  # fmt: skip
    decoded: dict[str, dict[str, Any]] = {}
    of_mel = feature_type == t.MEL_SPECTROGRAM
    rows = [
        StemRow(*row[:-1], *[_decoded(row[-1], decoded, of_mel=of_mel)])
        for row in map(tuple, connection.execute(stems))
    ]
    return sorted(rows, key=lambda stem: (stem.cue_key, stem.name))


@dataclass(frozen=True, slots=True)
class MixRow:
    """One mix of a cue: its name, what it is, and where it starts on the clock of the audio."""

    cue_key: str
    name: str
    role: str | None
    start_offset_seconds: float | None


def read_mixes(store: Store) -> list[MixRow]:
    """Return the mixes of all present cues of which they are ready, by cue key and name."""
    cues, mixes, ledger = t.cues.c, t.final_mixes.c, t.cue_assets.c
    query = (
        sa.select(cues.cue_key, mixes.canonical_name, mixes.role, mixes.start_offset_seconds)
        .join(t.final_mixes, mixes.cue_id == cues.id)
        .join(t.cue_assets, ledger.cue_id == cues.id)
        .where(
            cues.state == "present",
            ledger.asset == t.MIX_FEATURES[t.MEL_SPECTROGRAM],
            ledger.state == "ready",
        )
    )
    with reading(store.engine) as connection:
        rows = [MixRow(*row) for row in connection.execute(query)]
    return sorted(rows, key=lambda mix: (mix.cue_key, mix.name))


_MEASURE = (
    "sr", "n_fft", "hop_length", "n_mels", "fmin", "fmax", "htk", "norm", "center", "pad_mode",
    "power", "amin", "win_length", "window", "mel_scale", "ref", "top_db",
)  # fmt: skip


_OF_SIGNAL = {
    "channels", "downmix", "source_sample_rates", "n_samples", "versions", "summary",
}  # fmt: skip
"""What of the parameters of a kind beside mel is told of the signal, not of its frames."""


def _decoded(text: str, known: dict[str, dict[str, Any]], *, of_mel: bool) -> dict[str, Any]:
    """Return what of the parameters tells whether two spectrograms can be compared."""
    if text not in known:
        params = json.loads(text)
        measure = _MEASURE if of_mel else params.keys() - _OF_SIGNAL
        known[text] = {name: params[name] for name in measure if name in params}
    return known[text]
