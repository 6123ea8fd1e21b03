"""What a search goes by: every stem and mix of a library, and what is known of it and its cue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from cue_pipeline.warehouse import tables as t
from cue_pipeline.warehouse.transaction import reading

if TYPE_CHECKING:
    from cue_pipeline.warehouse.features import Kind
    from cue_pipeline.warehouse.store import Store

_SOUNDS: dict[Kind, tuple[sa.Table, sa.Table, str, str]] = {
    "stem": (t.audio_files, t.audio_features, "audio_file_id", "channel_groups"),
    "mix": (t.final_mixes, t.final_mix_features, "final_mix_id", "final_mix_features"),
}
"""Table of sounds, that of their features, the link between both, and the asset that vouches."""


@dataclass(frozen=True, slots=True)
class SoundRow:
    """A stem or a mix.

    Attributes
    ----------
    seconds : float
        Of the longest channel.
    category : str or None
        Of a stem's instruments; None: undecided, or the mapping is not ready.
    lufs : float or None
        Integrated loudness; None: silent, or ``loudness`` is not made, or of other files.
    """

    id: int
    cue_id: int
    cue_key: str
    name: str
    seconds: float
    category: str | None
    lufs: float | None


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """The clock and the keys of one MIDI file, as ``midi_files`` has them."""

    seconds: float
    tempo_map: list[list[Any]]
    time_signatures: list[list[Any]]
    key_signatures: list[list[Any]]
    doubt: str | None


def read_sounds(
    store: Store,
    kind: Kind,
    *,
    category: str | None = None,
    seconds: tuple[float, float] | None = None,
) -> list[SoundRow]:
    """Return the stems or the mixes of all present cues, of which the ledger vouches.

    Parameters
    ----------
    store : Store
    kind : {"stem", "mix"}
    category : str, optional
        Only stems of this one; mixes have none.
    seconds : tuple of float, optional
        Only those whose length lies between these, both ends included.
    """
    sounds, features, link, asset = _SOUNDS[kind]
    mapped = sa.null() if kind == "mix" else sounds.c.instrument_category
    decided = sa.case((_ready("llm_mappings").exists(), mapped), else_=sa.null())
    loudness = (
        sa.select(features.c[link].label("sound"), features.c.params)
        .where(features.c.feature_type == "loudness", features.c.profile == "default")
        .subquery()
    )
    query = (
        sa.select(
            sounds.c.id, sounds.c.cue_id, t.cues.c.cue_key, sounds.c.canonical_name,
            sounds.c.duration_seconds, decided.label("category"),
            sa.case(
                (_same_files("loudness_features", asset).exists(), loudness.c.params),
                else_=sa.null(),
            ).label("loudness"),
        )
        .join(t.cues, t.cues.c.id == sounds.c.cue_id)
        .outerjoin(loudness, loudness.c.sound == sounds.c.id)
        .where(t.cues.c.state == "present", _ready(asset).exists())
    )  # fmt: skip
    if category is not None:
        query = query.where(decided == category)
    if seconds is not None:
        query = query.where(sounds.c.duration_seconds.between(*seconds))
    with reading(store.engine) as connection:
        rows = connection.execute(query).all()
    return [
        SoundRow(row.id, row.cue_id, row.cue_key, row.canonical_name, row.duration_seconds,
                 row.category, _lufs(row.loudness))
        for row in rows
    ]  # fmt: skip


def read_scores(store: Store) -> dict[int, list[ScoreRow]]:
    """Return the MIDI files that could be read, by ``cues.id``."""
    files = t.midi_files.c
    query = sa.select(
        files.cue_id, files.duration_seconds, files.tempo_map, files.time_signature_map,
        files.key_signature_map, files.clock_doubt,
    ).where(
        files.duration_seconds.is_not(None),
        sa.exists().where(
            t.cue_assets.c.cue_id == files.cue_id,
            t.cue_assets.c.asset == "tempo_map",
            t.cue_assets.c.state == "ready",
        ),
    )  # fmt: skip
    found: dict[int, list[ScoreRow]] = {}
    with reading(store.engine) as connection:
        for cue_id, *of_file in connection.execute(query):
            found.setdefault(cue_id, []).append(ScoreRow(*of_file))
    return found


def read_kinds(store: Store, kind: Kind) -> list[str]:
    """Return the kinds of features that any stem or mix has rows of, by name; ``mel`` first."""
    column = _SOUNDS[kind][1].c.feature_type
    with reading(store.engine) as connection:
        names = set(connection.execute(sa.select(column).distinct()).scalars())
    mel = ["mel"] if t.MEL_SPECTROGRAM in names else []
    return mel + sorted(names - {t.MEL_SPECTROGRAM})


def _ready(asset: str) -> sa.Select[tuple[int]]:
    """Return the query whether the ledger vouches for an asset of the cue of the row at hand."""
    ledger = t.cue_assets.alias()
    return (
        sa.select(ledger.c.cue_id)
        .where(ledger.c.cue_id == t.cues.c.id, ledger.c.asset == asset, ledger.c.state == "ready")
        .correlate(t.cues)
    )


def _same_files(asset: str, other: str) -> sa.Select[tuple[int]]:
    """Return the query whether two assets are ready and were made of the same files."""
    one, two = t.cue_assets.alias(), t.cue_assets.alias()
    return (
        sa.select(one.c.cue_id)
        .join(two, sa.and_(two.c.cue_id == one.c.cue_id, two.c.fingerprint == one.c.fingerprint))
        .where(
            one.c.cue_id == t.cues.c.id, one.c.asset == asset, one.c.state == "ready",
            two.c.asset == other, two.c.state == "ready",
        )
        .correlate(t.cues)
    )  # fmt: skip


def _lufs(params: Any) -> float | None:
    summary = params.get("summary") if isinstance(params, Mapping) else None
    value = (summary or {}).get("integrated_lufs")
    return None if value is None else float(value)
