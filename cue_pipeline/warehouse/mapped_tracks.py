"""All tracks of a library that have a mapping, and what people decided since it was made."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from cue_pipeline.warehouse import tables as t
from cue_pipeline.warehouse.transaction import reading
from cue_pipeline.warehouse.types import is_postgresql

if TYPE_CHECKING:
    from cue_pipeline.warehouse.store import Store


@dataclass(frozen=True, slots=True)
class MappedTrack:
    """One track of a present cue with its mapping, of a cue whose mappings are ready.

    Attributes
    ----------
    n_notes : int
        Notes that it plays.
    seconds : float or None
        How long it sounds; None: not counted yet.
    made_at : datetime
        When the cue's mappings were made.
    """

    cue_key: str
    project: str | None
    track_id: int
    file_path: str
    track_index: int
    port: int | None
    channel: int | None
    name: str
    state: str
    method: str | None
    confidence: float | None
    category: str | None
    stem: str | None
    n_notes: int
    seconds: float | None
    made_at: datetime


@dataclass(frozen=True, slots=True)
class StandingDecision:
    """What stands in ``mapping_overrides``, but what it was about."""

    cue_key: str
    track: str
    canonical_name: str | None
    instrument_category: str | None
    note: str | None
    decided_by: str | None
    created_at: datetime
    bound_to: str | None


def read_mapped_tracks(store: Store, states: Collection[str]) -> list[MappedTrack]:
    """Return the tracks whose mapping is in one of some states, by cue, file and place.

    Parameters
    ----------
    store : Store
        The warehouse.
    states : collection of str
        Of ``track_mappings.state``.
    """
    cues, files, tracks, mapped = t.cues.c, t.midi_files.c, t.midi_tracks.c, t.track_mappings.c
    ledger, groups = t.cue_assets.c, t.audio_files.c
    query = (
        sa.select(
            cues.cue_key, cues.project, tracks.id, files.file_path, tracks.track_index,
            tracks.port, tracks.part_channel, sa.func.coalesce(tracks.track_name, ""),
            mapped.state, mapped.method, mapped.confidence, mapped.instrument_category,
            groups.canonical_name,
            # As text: SQLAlchemy would decode each by itself, at thrice the time.
            sa.cast(tracks.sounds, sa.Text)
            if is_postgresql(store.engine.dialect)
            else sa.type_coerce(tracks.sounds, sa.Text),
            tracks.sounding_seconds, ledger.finished_at,
        )
        .select_from(t.track_mappings)
        .join(t.midi_tracks, tracks.id == mapped.midi_track_id)
        .join(t.midi_files, files.id == tracks.midi_file_id)
        .join(t.cues, cues.id == files.cue_id)
        .join(t.cue_assets, ledger.cue_id == cues.id)
        .outerjoin(t.audio_files, groups.id == mapped.audio_file_id)
        .where(
            mapped.state.in_(states),
            cues.state == "present",
            ledger.asset == "llm_mappings",
            ledger.state == "ready",
        )
        .order_by(cues.cue_key, files.file_path, tracks.track_index, tracks.port,
                  tracks.part_channel)
    )  # fmt: skip
    with reading(store.engine) as connection:
        rows: list[Any] = list(connection.execute(query))
    told = ((*row[:13], _notes(row[13]), *row[14:]) for row in rows)
    return [MappedTrack(*values) for values in told]


def read_standing_decisions(store: Store) -> list[StandingDecision]:
    """Return every decision of people that stands, by cue and track."""
    table = t.mapping_overrides.c
    query = sa.select(
        table.cue_key, table.track, table.canonical_name, table.instrument_category, table.note,
        table.decided_by, table.created_at, table.bound_to,
    ).order_by(table.cue_key, table.track)  # fmt: skip
    with reading(store.engine) as connection:
        return [StandingDecision(*row) for row in connection.execute(query)]


def _notes(sounds: str | None) -> int:
    """Return how many notes ``midi_tracks.sounds`` counts."""
    return sum(int(sound[3]) for sound in json.loads(sounds) or ()) if sounds else 0
