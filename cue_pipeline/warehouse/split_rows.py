"""Which part of a data set each cue is in: rows of ``cue_splits``, and what ties cues together."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import sqlalchemy as sa

from cue_pipeline.warehouse import tables as t
from cue_pipeline.warehouse.cue_facts import has_notes
from cue_pipeline.warehouse.dsql import BATCH_ROWS
from cue_pipeline.warehouse.encode import storable_text
from cue_pipeline.warehouse.ledger import upsert
from cue_pipeline.warehouse.statements import in_parts
from cue_pipeline.warehouse.transaction import reading, write
from cue_pipeline.warehouse.types import is_dsql


@dataclass(frozen=True, slots=True)
class SplitRow:
    """One cue's part of a data set, as ``cue_splits`` has it."""

    cue_key: str
    split: str
    group_id: int
    pinned: bool
    why: str | None
    doubt: str | None
    rule: dict[str, Any]
    decided_by: str
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class Held:
    """Something that a cue holds, by its hash.

    Attributes
    ----------
    cue_key : str
    what : str
        In words: the same for equal hashes of one kind.
    digest : str
    name : str
        What it is called there.
    """

    cue_key: str
    what: str
    digest: str
    name: str


def read_splits(engine: sa.Engine) -> dict[str, SplitRow]:
    """Return every row by cue key."""
    with reading(engine) as connection:
        rows = connection.execute(sa.select(t.cue_splits).order_by(t.cue_splits.c.cue_key))
        return {row.cue_key: SplitRow(**row._mapping) for row in rows}


def write_splits(engine: sa.Engine, rows: Sequence[SplitRow]) -> None:
    """Insert or replace rows: on SQLite and PostgreSQL all of them, or none."""
    most = BATCH_ROWS if is_dsql(engine.dialect) else max(1, len(rows))
    for part in in_parts(rows, most):
        write(engine, partial(_upsert, part))


def _upsert(rows: Sequence[SplitRow], connection: sa.Connection) -> None:
    for row in rows:
        values = {name: getattr(row, name) for name in SplitRow.__slots__}
        for name in ("why", "doubt", "decided_by"):
            values[name] = None if values[name] is None else storable_text(values[name])
        upsert(connection, t.cue_splits, values, [n for n in values if n != "cue_key"])


def read_held(engine: sa.Engine) -> list[Held]:
    """Return what all cues hold that others may hold too: files of notes, stems, mixes.

    Files without a note, and silence, are like any other, and left out.
    """
    files = t.midi_files
    with reading(engine) as connection:
        return [
            Held(key, what, digest, name)
            for what, digests, names, asset, condition in (
                ("MIDI file", files.c.sha256, files.c.file_path, "midi_events", has_notes()),
                ("stem", *_sound(t.audio_files, "mel_features")),
                ("mix", *_sound(t.final_mixes, "final_mix_features")),
            )
            for key, digest, name in connection.execute(
                _held(digests, names, asset, condition)
            )
        ]  # fmt: skip


def _sound(table: sa.Table, asset: str) -> tuple[Any, Any, str, Any]:
    c = table.c
    return c.content_hash, c.canonical_name, asset, c.peak_dbfs.is_not(None)


def _held(digest: Any, name: Any, asset: str, condition: Any) -> sa.Select[Any]:
    cue_id, ledger = digest.table.c.cue_id, t.cue_assets
    return (
        sa.select(t.cues.c.cue_key, digest, name)
        .join_from(t.cues, digest.table, cue_id == t.cues.c.id)
        .join(ledger, ledger.c.cue_id == t.cues.c.id)
        .where(ledger.c.asset == asset, ledger.c.state == "ready")
        .where(digest.is_not(None), condition)
        .order_by(t.cues.c.cue_key, name)
    )
