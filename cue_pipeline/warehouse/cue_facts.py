"""What cues are compared by, and what was found: works, versions, duplicates."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import sqlalchemy as sa

from cue_pipeline.midi.shingles import Sketch
from cue_pipeline.warehouse import tables as t
from cue_pipeline.warehouse.dsql import BATCH_ROWS
from cue_pipeline.warehouse.statements import in_parts
from cue_pipeline.warehouse.transaction import reading, write


@dataclass(frozen=True, slots=True)
class Kinship:
    """What a cue is to others, as ``cues`` has it.

    Attributes
    ----------
    work_id : int or None
        The same in all versions of a work.
    is_latest : bool or None
        Whether it is the latest of them; None: not known.
    duplicate_of : str or None
        Key of the cue that it repeats.
    duplicate_share : float or None
        How much of it that is.
    duplicate_why : str or None
        Of what.
    """

    work_id: int | None
    is_latest: bool | None
    duplicate_of: str | None
    duplicate_share: float | None
    duplicate_why: str | None


@dataclass(frozen=True, slots=True)
class CueFacts:
    """What a cue is compared by.

    Attributes
    ----------
    present : bool
        Its folder is there.
    sketch : Sketch or None
        Of its music; None: not read, or not to be trusted.
    midi : frozenset of str
        SHA-256 of its MIDI files that hold notes.
    stems : frozenset of str
        Digests of the samples of its stems; empty where they were not taken.
    kinship : Kinship
        What was found the last time.
    """

    cue_id: int
    cue_key: str
    present: bool
    first_seen_at: datetime
    sketch: Sketch | None
    midi: frozenset[str]
    stems: frozenset[str]
    kinship: Kinship


def read_facts(engine: sa.Engine) -> list[CueFacts]:
    """Return what every cue is compared by."""
    with reading(engine) as connection:
        sketches = _sketches(connection)
        midi = _by_cue(connection, t.midi_files.c.sha256, "tempo_map", has_notes())
        heard = t.audio_files.c.peak_dbfs.is_not(None)  # silence is like any other
        stems = _by_cue(connection, t.audio_files.c.content_hash, "mel_features", heard)
        cues = connection.execute(
            sa.select(
                t.cues.c.id, t.cues.c.cue_key, t.cues.c.state, t.cues.c.first_seen_at,
                t.cues.c.work_id, t.cues.c.is_latest, t.cues.c.duplicate_of,
                t.cues.c.duplicate_share, t.cues.c.duplicate_why,
            )
        ).all()  # fmt: skip
    nothing: frozenset[str] = frozenset()
    return [
        CueFacts(
            cue_id, key, state == "present", seen, sketches.get(cue_id),
            frozenset(midi.get(cue_id, nothing)), frozenset(stems.get(cue_id, nothing)),
            Kinship(*before),
        )
        for cue_id, key, state, seen, *before in cues
    ]  # fmt: skip


def note_kinship(engine: sa.Engine, found: Mapping[int, Kinship]) -> None:
    """Write what cues are to others, by ``cues.id``."""
    rows = [
        {
            "cue_id": cue_id,
            "work": kin.work_id,
            "latest": kin.is_latest,
            "of": kin.duplicate_of,
            "share": kin.duplicate_share,
            "why": kin.duplicate_why,
        }
        for cue_id, kin in found.items()
    ]
    for part in in_parts(rows, BATCH_ROWS):
        write(engine, partial(_update, part))


def _update(rows: Sequence[dict[str, object]], connection: sa.Connection) -> None:
    statement = (
        sa.update(t.cues)
        .where(t.cues.c.id == sa.bindparam("cue_id"))
        .values(
            work_id=sa.bindparam("work"),
            is_latest=sa.bindparam("latest"),
            duplicate_of=sa.bindparam("of"),
            duplicate_share=sa.bindparam("share"),
            duplicate_why=sa.bindparam("why"),
        )
    )
    connection.execute(statement, rows)


def has_notes() -> sa.ColumnElement[bool]:
    """Return the condition under which a row of ``midi_files`` has a note."""
    tracks, notes = t.midi_tracks, t.midi_notes
    noted = sa.exists().where(notes.c.midi_track_id == tracks.c.id)
    return sa.exists().where(tracks.c.midi_file_id == t.midi_files.c.id).where(noted)


def _ready(asset: str) -> sa.ColumnElement[bool]:
    ledger = t.cue_assets
    return sa.and_(ledger.c.asset == asset, ledger.c.state == "ready")


def _sketches(connection: sa.Connection) -> dict[int, Sketch]:
    table, ledger = t.cue_sketches, t.cue_assets
    query = (
        sa.select(table.c.cue_id, table.c.sketch, table.c.n_shingles)
        .join(ledger, ledger.c.cue_id == table.c.cue_id)
        .where(_ready("midi_events"))
    )
    return {
        cue_id: Sketch.from_bytes(bytes(data), n) for cue_id, data, n in connection.execute(query)
    }


def _by_cue(
    connection: sa.Connection,
    column: "sa.Column[str]",
    asset: str,
    *conditions: sa.ColumnElement[bool],
) -> dict[int, set[str]]:
    """Return the values of a column of rows that an asset vouches for, by cue."""
    ledger, cue_id = t.cue_assets, column.table.c.cue_id
    query = (
        sa.select(cue_id, column)
        .join(ledger, ledger.c.cue_id == cue_id)
        .where(_ready(asset), column.is_not(None), *conditions)
    )
    found: dict[int, set[str]] = defaultdict(set)
    for key, value in connection.execute(query):
        found[key].add(value)
    return found
