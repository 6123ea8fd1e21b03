"""The cues that a scan found: registered, renumbered, missing."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import sqlalchemy as sa

from cue_pipeline.cue.cue_paths import find_folder
from cue_pipeline.cue.folder import CueFolder
from cue_pipeline.cue.identity import row_id
from cue_pipeline.cue.numbering import CueNumber, parse_cue_number
from cue_pipeline.cue.project import Project, read_project
from cue_pipeline.cue.version_marks import read_work_name
from cue_pipeline.errors import CueError
from cue_pipeline.warehouse import tables as t
from cue_pipeline.warehouse.encode import EncodedColumn, EncodedRows, storable_text
from cue_pipeline.warehouse.statements import in_parts, upsert_rows
from cue_pipeline.warehouse.types import now

CueState = Literal["present", "missing"]


@dataclass(frozen=True, slots=True)
class CueRow:
    """One cue, as ``cues`` has it."""

    id: int
    cue_key: str
    root: str
    folder: str | None
    project: str | None
    reel: int | None
    cue_number: int | None
    cue_suffix: str | None
    is_source: bool | None
    title: str | None
    version: str | None
    state: CueState
    fingerprint: str
    midi_fingerprint: str
    audio_fingerprint: str
    first_seen_at: datetime
    last_seen_at: datetime
    work_id: int | None = None
    is_latest: bool | None = None
    duplicate_of: str | None = None
    duplicate_share: float | None = None
    duplicate_why: str | None = None
    midi_seen: str | None = None
    audio_seen: str | None = None
    first_key: str | None = None
    moved_from: str | None = None
    moved_at: datetime | None = None
    verdict: str | None = None
    verdict_told: str | None = None

    def knows(self, folder: CueFolder) -> bool:
        """Whether a folder holds what was last seen of this cue, by names, sizes and dates."""
        return folder.midi_fingerprint in (
            self.midi_fingerprint,
            self.midi_seen,
        ) and folder.audio_fingerprint in (self.audio_fingerprint, self.audio_seen)

    def recognised(self, folder: CueFolder) -> CueFolder:
        """Return the cue's folder as the ledger knows it, whatever dates its files have today."""
        midi, audio = folder.midi_fingerprint, folder.audio_fingerprint
        if midi == self.midi_seen:
            midi = self.midi_fingerprint
        if audio == self.audio_seen:
            audio = self.audio_fingerprint
        said = (midi, audio, self.first_key)
        if said == (folder.midi_fingerprint, folder.audio_fingerprint, folder.first_key):
            return folder
        return replace(
            folder, midi_fingerprint=midi, audio_fingerprint=audio, first_key=self.first_key
        )

    @property
    def path(self) -> Path:
        """Where the cue's folder was when it was last seen."""
        return Path(self.root, self.folder or self.cue_key)


@dataclass(frozen=True, slots=True)
class KeyConflict:
    """A key that another library's folder holds already; it was left as it was."""

    cue_key: str
    registered_root: str
    found_root: str


@dataclass(frozen=True, slots=True)
class Registration:
    """What registering a scan's cues did.

    Attributes
    ----------
    new, changed, unchanged : tuple of str
        Cue keys: never seen before; with another fingerprint than before, or missing before; the
        same as before.
    conflicts : tuple of KeyConflict
        Cues that were not registered.
    """

    new: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    conflicts: tuple[KeyConflict, ...]


def fingerprint_of(folder: CueFolder) -> str:
    """Return one fingerprint over a cue's MIDI and audio files."""
    return both_fingerprints(folder.midi_fingerprint, folder.audio_fingerprint)


def both_fingerprints(midi: str, audio: str) -> str:
    """Return one fingerprint over those of the MIDI and of the audio files."""
    return hashlib.sha256(f"{midi}\0{audio}".encode()).hexdigest()


def register(
    folders: Sequence[CueFolder],
    numbers: Mapping[str, CueNumber | None] | None,
    project_pattern: str | None,
    connection: sa.Connection,
) -> Registration:
    """Register folders within the connection's transaction."""
    known = {row.cue_key: row for row in read_cues(connection, [f.key for f in folders])}
    registration, accepted = compare(known, folders)
    write_cues(connection, accepted, numbers, project_pattern, known)
    return registration


def together(parts: Sequence[Registration]) -> Registration:
    """Return what several registrations did as one."""
    return Registration(
        new=tuple(k for r in parts for k in r.new),
        changed=tuple(k for r in parts for k in r.changed),
        unchanged=tuple(k for r in parts for k in r.unchanged),
        conflicts=tuple(c for r in parts for c in r.conflicts),
    )


def compare(
    known: Mapping[str, CueRow], folders: Iterable[CueFolder]
) -> tuple[Registration, list[CueFolder]]:
    """Return what registering folders will do, and those to write.

    A key of another root is free for the taking once its folder there is gone: the library moved.
    """
    new, changed, unchanged, conflicts, accepted = [], [], [], [], []
    for folder in folders:
        row = known.get(folder.key)
        root = storable_text(str(folder.root))
        if row is not None and row.root != root and _is_there(row):
            conflicts.append(KeyConflict(folder.key, row.root, root))
            continue
        accepted.append(folder)
        if row is None:
            new.append(folder.key)
        elif row.state != "present" or row.fingerprint != fingerprint_of(folder):
            changed.append(folder.key)
        else:
            unchanged.append(folder.key)
    registration = Registration(tuple(new), tuple(changed), tuple(unchanged), tuple(conflicts))
    return registration, accepted


def _is_there(row: CueRow) -> bool:
    try:
        find_folder(Path(row.root), row.cue_key, row.folder)
    except CueError:
        return False
    return True


def write_cues(
    connection: sa.Connection,
    folders: Sequence[CueFolder],
    numbers: Mapping[str, CueNumber | None] | None,
    project_pattern: str | None,
    known: Mapping[str, CueRow],
) -> None:
    """Insert or update cues; the moment of the first sight stays."""
    if not folders:
        return
    moment = now()
    new = _new_ids(connection, [f.key for f in folders if f.key not in known])
    rows = []
    for folder in folders:
        row = known.get(folder.key)
        row_key, first_key = (row.id, row.first_key) if row else new[folder.key]
        rows.append(
            _row(
                folder, _number(folder, numbers), read_project(folder.key, project_pattern), moment
            )
            | {"id": row_key, "first_key": first_key, **_seen(folder, row)}
        )
    columns = [t.cues.c[name] for name in rows[0] if name != "first_seen_at"]
    seen = _encoded(rows, [*columns, t.cues.c.first_seen_at])
    upsert_rows(connection, seen, keep=("first_seen_at",))


def read_cues(connection: sa.Connection, keys: Sequence[str] | None = None) -> list[CueRow]:
    """Return all cues by key, or those of the given keys."""
    query = sa.select(t.cues).order_by(t.cues.c.cue_key)
    if keys is None:
        return [CueRow(**row) for row in connection.execute(query).mappings()]
    return [
        CueRow(**row)
        for part in in_parts(keys)
        for row in connection.execute(query.where(t.cues.c.cue_key.in_(part))).mappings()
    ]


def _new_ids(connection: sa.Connection, keys: Sequence[str]) -> dict[str, tuple[int, str | None]]:
    """Return ids of new cues, and from which key they derive, where it is not their own.

    A cue that was moved away has kept its ids: what comes to its old place needs others.
    """
    found: dict[str, tuple[int, str | None]] = {}
    pending: dict[int, tuple[str, str | None]] = {row_id("cues", key): (key, None) for key in keys}
    turn = 1
    while pending:
        turn += 1
        ids = t.cues.c.id
        taken = {
            i
            for part in in_parts(list(pending))
            for i in connection.scalars(sa.select(ids).where(ids.in_(part)))
        }
        found |= {key: (i, first) for i, (key, first) in pending.items() if i not in taken}
        retried = [(key, f"{key}//{turn}") for i, (key, _) in pending.items() if i in taken]
        pending = {row_id("cues", first): (key, first) for key, first in retried}
    return found


def _seen(folder: CueFolder, row: CueRow | None) -> dict[str, str | None]:
    """Return what else the files' fingerprints may be, which goes once those of before do."""
    if row is None:
        return {"midi_seen": None, "audio_seen": None}
    return {
        "midi_seen": row.midi_seen if folder.midi_fingerprint == row.midi_fingerprint else None,
        "audio_seen": row.audio_seen if folder.audio_fingerprint == row.audio_fingerprint else None,
    }


def _number(folder: CueFolder, numbers: Mapping[str, CueNumber | None] | None) -> CueNumber | None:
    if numbers is not None and folder.key in numbers:
        return numbers[folder.key]
    return parse_cue_number(folder.key)


def _row(
    folder: CueFolder, number: CueNumber | None, project: Project | None, moment: datetime
) -> dict[str, Any]:
    name = read_work_name(folder.key)
    return {
        "cue_key": folder.key,
        "root": storable_text(str(folder.root)),
        "folder": folder.folder,
        "project": project.name if project else None,
        "reel": number.reel if number else None,
        "cue_number": number.number if number else None,
        "cue_suffix": (number.suffix or None) if number else None,
        "is_source": number.is_source if number else None,
        "title": name.title if number else None,
        "version": name.marks.text,
        "state": "present",
        "fingerprint": fingerprint_of(folder),
        "midi_fingerprint": folder.midi_fingerprint,
        "audio_fingerprint": folder.audio_fingerprint,
        "first_seen_at": moment,
        "last_seen_at": moment,
    }


def _encoded(rows: Sequence[dict[str, Any]], columns: Sequence[sa.Column[Any]]) -> EncodedRows:
    encoded = []
    for column in columns:
        values = np.empty(len(rows), dtype=object)
        values[:] = [row[column.name] for row in rows]
        nulls = np.array([v is None for v in values])
        encoded.append(EncodedColumn(column, values, nulls if nulls.any() else None))
    return EncodedRows(t.cues, tuple(encoded), len(rows))
