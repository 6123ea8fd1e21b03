"""What people decided about tracks, and how that came about: decisions and their history."""

import hashlib
import json
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from cue_pipeline.warehouse import tables as t
from cue_pipeline.warehouse.atomic import unknown_cue
from cue_pipeline.warehouse.encode import storable_text
from cue_pipeline.warehouse.ledger import upsert
from cue_pipeline.warehouse.statements import in_parts
from cue_pipeline.warehouse.types import is_dsql, is_postgresql, now, timestamp_text

PROGRAM: Final = "cue-pipeline"
"""Author of what the program notes by itself, when a track is found again or is gone."""

_SAID = ("track", "canonical_name", "instrument_category", "note")  # makes other mappings


@dataclass(frozen=True, slots=True)
class Anchor:
    """What a decision was about, by which it is found again under another name.

    Attributes
    ----------
    track_name : str or None
        The track's name when it was last found.
    track_notes : str or None
        Digest of its notes then.
    stem_content : str or None
        ``content_hash`` of the stem then.
    bound_to : str or None
        Where the track was found; empty: nowhere; None: not looked for yet.
    """

    track_name: str | None = None
    track_notes: str | None = None
    stem_content: str | None = None
    bound_to: str | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision, as ``mapping_overrides`` has it.

    Attributes
    ----------
    decided_by, created_at
        None: whoever stores it, now.
    """

    cue_key: str
    track: str
    canonical_name: str | None
    instrument_category: str | None
    note: str | None = None
    anchor: Anchor = field(default_factory=Anchor)
    decided_by: str | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One row of ``mapping_history``: what became of one decision.

    Attributes
    ----------
    before : mapping or None
        The decision until then; None: there was none.
    undoes : int or None
        The change that this one took back.
    """

    id: int
    change_id: int
    cue_key: str
    track: str
    action: str
    canonical_name: str | None
    instrument_category: str | None
    note: str | None
    before: Mapping[str, Any] | None
    undoes: int | None
    decided_by: str | None
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class Act:
    """Who changes decisions, and by what.

    Attributes
    ----------
    action : str
        ``set``, ``unset``, ``import``, ``undo``, …
    undoes : mapping of (str, str) to int
        Cue key and track → the change that is taken back.
    """

    by: str
    action: str
    undoes: Mapping[tuple[str, str], int] = field(default_factory=dict)
    change_id: int = field(default_factory=lambda: secrets.randbits(63))


_MOST_LOCKED_CUES: Final = 100
"""Beyond, the whole library is locked: PostgreSQL has room for some thousands of locks in all."""
_ADVISORY_SPACE: Final = 0x6375_6573  # so that no other program's advisory locks are ours


def exclude_others(connection: sa.Connection, cue_keys: Collection[str]) -> None:
    """Make this transaction the only one that changes what is decided of cues, until it ends.

    Runs that write such a cue's rows go on meanwhile. On SQLite another writer waits for the file
    already; on PostgreSQL it waits here; on Aurora DSQL, where nobody waits, the later one of two
    is refused when it ends, and is run again from its beginning.

    Raises
    ------
    WarehouseError
        If a cue is not registered under that key.
    """
    dialect, keys = connection.dialect, sorted(set(cue_keys))
    known: set[str] = set()
    for part in in_parts(keys):
        query = sa.select(t.cues.c.cue_key).where(t.cues.c.cue_key.in_(part))
        if is_dsql(dialect):
            # What is only locked there by a reader stands in no other reader's way.
            touched = sa.update(t.cues).values(cue_key=t.cues.c.cue_key)
            connection.execute(touched.where(t.cues.c.cue_key.in_(part)))
        elif is_postgresql(dialect):  # whoever gives the cue another key waits
            query = query.with_for_update(read=True, key_share=True)
        known |= set(connection.scalars(query))
    if unknown := [key for key in keys if key not in known]:
        raise unknown_cue(unknown[0])
    if is_postgresql(dialect) and not is_dsql(dialect):
        _wait_for_turn(connection, keys)


def _wait_for_turn(connection: sa.Connection, cue_keys: Sequence[str]) -> None:
    """Wait until no other transaction of PostgreSQL changes what is decided of some cues."""
    some = len(cue_keys) <= _MOST_LOCKED_CUES
    library = sa.func.pg_advisory_xact_lock_shared if some else sa.func.pg_advisory_xact_lock
    connection.execute(sa.select(library(_ADVISORY_SPACE)))
    for key in cue_keys if some else ():
        own = sa.func.hashtextextended(key, _ADVISORY_SPACE)
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(own)))


@dataclass(frozen=True, slots=True)
class Turn:
    """The decisions about some cues, while nobody else changes them."""

    connection: sa.Connection
    act: Act

    def overrides(self, cue_key: str) -> list[dict[Any, Any]]:
        """Return what stands of a cue: rows of ``mapping_overrides``."""
        table = t.mapping_overrides
        query = sa.select(table).where(table.c.cue_key == cue_key).order_by(table.c.track)
        return [dict(row) for row in self.connection.execute(query).mappings()]

    def history(self, cue_key: str) -> list[Change]:
        """Return what became of the decisions about a cue, the oldest first."""
        return history(self.connection, cue_key)

    def store(
        self,
        decided: Sequence[Decided],
        taken_back: Sequence[tuple[str, str]] = (),
        undoes: Mapping[tuple[str, str], int] | None = None,
    ) -> None:
        """Forget the decisions ``taken_back`` (cue key, track), then store those ``decided``."""
        act = self.act if undoes is None else replace(self.act, undoes=undoes)
        store(decided, taken_back, act, self.connection)

    def bind(self, anchors: Mapping[tuple[str, str], Anchor]) -> None:
        """Note where decisions (cue key, track) were found; what they say stays as it is."""
        bind(anchors, self.connection)


def store(
    decided: Sequence[Decided],
    taken_back: Sequence[tuple[str, str]],
    act: Act,
    connection: sa.Connection,
) -> None:
    """Forget the decisions ``taken_back`` (cue key, track), then store those ``decided``."""
    moment = now()
    for cue_key, track in taken_back:
        before = _standing(connection, cue_key, track)
        if before is not None:
            connection.execute(sa.delete(t.mapping_overrides).where(_is(cue_key, track)))
            _note(connection, act, Decided(cue_key, track, None, None), before, moment)
    for d in decided:
        before = _standing(connection, d.cue_key, d.track)
        values = {
            "cue_key": d.cue_key,
            "track": storable_text(d.track),
            "canonical_name": d.canonical_name,
            "instrument_category": d.instrument_category,
            "note": None if d.note is None else storable_text(d.note),
            "created_at": d.created_at or moment,
            "decided_by": storable_text(d.decided_by or act.by),
            **_columns(d.anchor),
        }
        changed = [k for k in values if k not in {"cue_key", "track"}]
        upsert(connection, t.mapping_overrides, values, changed)
        _note(connection, act, d, before, moment)


def bind(anchors: Mapping[tuple[str, str], Anchor], connection: sa.Connection) -> None:
    """Note where decisions (cue key, track) were found; what they say stays as it is."""
    moment = now()
    for (cue_key, track), anchor in anchors.items():
        before = _standing(connection, cue_key, track)
        if before is None:  # taken back meanwhile
            continue
        connection.execute(
            sa.update(t.mapping_overrides).where(_is(cue_key, track)).values(**_columns(anchor))
        )
        action = _became(before["bound_to"], anchor.bound_to)
        if action is not None:
            said = Decided(cue_key, track, *(before[name] for name in _SAID[1:]))
            _note(connection, Act(PROGRAM, action), said, before, moment)


def _became(before: str | None, after: str | None) -> str | None:
    """Return the action that tells of a decision that is nowhere or elsewhere from now on."""
    if after == "" and before != "":
        return "orphaned"
    if after and before is not None and after != before:
        return "found again"
    return None


def moved_rows(
    overrides: sa.Table,
    new_key: str,
    chosen: sa.ColumnElement[bool] | None,
    connection: sa.Connection,
) -> list[sa.RowMapping]:
    """Return what people said of a cue that has a new key; ``chosen``: only some of its rows."""
    query = sa.select(overrides).where(overrides.c.cue_key == new_key)
    if chosen is not None:
        query = query.where(chosen)
    return list(connection.execute(query).mappings())


def note_move(
    old_key: str,
    new_key: str,
    act: Act,
    connection: sa.Connection,
    chosen: sa.ColumnElement[bool] | None = None,
) -> None:
    """Note in the history of a cue's decisions that the cue has another key from now on."""
    moment = now()
    for row in moved_rows(t.mapping_overrides, new_key, chosen, connection):
        said = Decided(new_key, *(row[name] for name in _SAID))
        before = {**as_json(row), "cue_key": old_key}
        _note(connection, act, said, before, moment)


def history(connection: sa.Connection, cue_key: str) -> list[Change]:
    """Return what became of the decisions about a cue, the oldest first."""
    table = t.mapping_history
    query = (
        sa.select(table)
        .where(table.c.cue_key == cue_key)
        .order_by(table.c.decided_at, table.c.change_id, table.c.track, table.c.id)
    )
    return [Change(**row) for row in connection.execute(query).mappings()]


def digests(connection: sa.Connection, cue_key: str | None = None) -> dict[str, str]:
    """Return a digest of all that was decided, by cue key; cues without decisions are not there."""
    table = t.mapping_overrides
    query = sa.select(table.c.cue_key, *(table.c[name] for name in _SAID))
    if cue_key is not None:
        query = query.where(table.c.cue_key == cue_key)
    by_cue: dict[str, list[list[str | None]]] = {}
    for key, *said in connection.execute(query):
        by_cue.setdefault(key, []).append(said)
    return {
        # Databases sort text differently: the digest must not depend on which one it is.
        key: hashlib.sha256(json.dumps(sorted(said, key=lambda s: str(s[0]))).encode()).hexdigest()
        for key, said in by_cue.items()
    }


def _is(cue_key: str, track: str) -> sa.ColumnElement[bool]:
    table = t.mapping_overrides
    return sa.and_(table.c.cue_key == cue_key, table.c.track == storable_text(track))


def _columns(anchor: Anchor) -> dict[str, str | None]:
    return {
        "track_name": None if anchor.track_name is None else storable_text(anchor.track_name),
        "track_notes": anchor.track_notes,
        "stem_content": anchor.stem_content,
        "bound_to": None if anchor.bound_to is None else storable_text(anchor.bound_to),
    }


def _standing(connection: sa.Connection, cue_key: str, track: str) -> dict[str, Any] | None:
    query = sa.select(t.mapping_overrides).where(_is(cue_key, track))
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else as_json(row)


def as_json(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return a row as JSON holds it: times as text."""
    return {
        str(k): timestamp_text(v) if isinstance(v, datetime) else v for k, v in dict(row).items()
    }


def _note(
    connection: sa.Connection,
    act: Act,
    after: Decided,
    before: dict[str, Any] | None,
    moment: datetime,
) -> None:
    connection.execute(
        sa.insert(t.mapping_history).values(
            id=secrets.randbits(63),
            change_id=act.change_id,
            cue_key=after.cue_key,
            track=storable_text(after.track),
            action=act.action,
            canonical_name=after.canonical_name,
            instrument_category=after.instrument_category,
            note=None if after.note is None else storable_text(after.note),
            before=before,
            undoes=act.undoes.get((after.cue_key, after.track)),
            decided_by=storable_text(act.by),
            decided_at=moment,
        )
    )
