"""What people say of the clocks of cues, and how that came about."""

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from cue_pipeline.warehouse import tables as t
from cue_pipeline.warehouse.encode import storable_text
from cue_pipeline.warehouse.ledger import upsert
from cue_pipeline.warehouse.people import Act, as_json, moved_rows
from cue_pipeline.warehouse.types import now

_SAID = ("midi_file", "stem", "lag_seconds", "tempo")  # makes another clock
_BY_PEOPLE = ("set", "unset")
_KEY = ("cue_key", "midi_file", "stem")


@dataclass(frozen=True, slots=True)
class StatedClock:
    """What a person says of a cue's clock: a row of ``alignment_overrides``, but who and when.

    Attributes
    ----------
    midi_file : str
        Its path; empty: every MIDI file of the cue.
    stem : str
        The stem or mix; empty: all of them, by the earliest stem.
    lag_seconds : float or None
        Where in it the score's beginning is heard.
    tempo : list of [quarters, microseconds_per_quarter], or None
        What was played to.
    tempo_from : str or None
        The file that tempo was read from.
    stem_content : str or None
        ``content_hash`` of the stem, by which it is found again under another name.
    """

    cue_key: str
    midi_file: str = ""
    stem: str = ""
    lag_seconds: float | None = None
    tempo: list[list[float]] | None = None
    tempo_from: str | None = None
    note: str | None = None
    stem_content: str | None = None


@dataclass(frozen=True, slots=True)
class ClockChange:
    """One row of ``alignment_history``."""

    id: int
    change_id: int
    cue_key: str
    midi_file: str
    stem: str
    action: str
    lag_seconds: float | None
    tempo_from: str | None
    note: str | None
    before: Mapping[str, Any] | None
    decided_by: str
    decided_at: datetime


def state(said: StatedClock, act: Act, connection: sa.Connection) -> bool:
    """Store what a person says of a clock; what was said of the same before and not anew stays.

    Returns
    -------
    bool
        Whether it was not stored just so already.
    """
    before = _standing(connection, said)
    if before is not None:
        said = _together(said, before)
        if all(getattr(said, name) == before[name] for name in ("lag_seconds", "tempo", "note")):
            return False
    moment = now()
    values = {
        **_texts(asdict(said)),
        "created_at": moment,
        "decided_by": storable_text(act.by),
    }
    upsert(connection, t.alignment_overrides, values, [k for k in values if k not in _KEY])
    _note(connection, act, said, before, moment)
    return True


def _together(said: StatedClock, before: Mapping[str, Any]) -> StatedClock:
    return replace(
        said,
        lag_seconds=before["lag_seconds"] if said.lag_seconds is None else said.lag_seconds,
        tempo=before["tempo"] if said.tempo is None else said.tempo,
        tempo_from=before["tempo_from"] if said.tempo is None else said.tempo_from,
        note=said.note or before["note"],
    )


def take_back(said: StatedClock, act: Act, connection: sa.Connection) -> bool:
    """Forget what was said of a clock; tell whether there was something."""
    before = _standing(connection, said)
    if before is None:
        return False
    connection.execute(sa.delete(t.alignment_overrides).where(_is(said)))
    gone = StatedClock(said.cue_key, said.midi_file, said.stem)
    _note(connection, act, gone, before, now())
    return True


def standing_changes(changes: Iterable[ClockChange]) -> list[ClockChange]:
    """Return a cue's changes by people that are not taken back, the oldest first."""
    standing: list[ClockChange] = []
    for change in changes:
        if change.action in _BY_PEOPLE:
            standing.append(change)
        elif change.action == "undo":
            of_it = (change.midi_file, change.stem)
            same = [i for i, c in enumerate(standing) if (c.midi_file, c.stem) == of_it]
            if same:
                del standing[same[-1]]
    return standing


def undo(said: StatedClock, act: Act, connection: sa.Connection) -> ClockChange | None:
    """Take back the last change of what is said of a clock (file and stem); again: the one before.

    Returns
    -------
    ClockChange or None
        What was taken back; None: there is nothing that is not taken back already.
    """
    texts = _texts(asdict(said))
    of_it = (texts["midi_file"], texts["stem"])
    open_ = [
        change
        for change in standing_changes(history(connection, said.cue_key))
        if (change.midi_file, change.stem) == of_it
    ]
    if not open_:
        return None
    was, standing = open_[-1].before, _standing(connection, said)
    if was is None:
        connection.execute(sa.delete(t.alignment_overrides).where(_is(said)))
        _note(
            connection, act, StatedClock(*(getattr(said, name) for name in _KEY)), standing, now()
        )
        return open_[-1]
    before = {**was, "cue_key": said.cue_key}
    values = {**before, "created_at": datetime.fromisoformat(was["created_at"])}
    upsert(connection, t.alignment_overrides, values, [k for k in values if k not in _KEY])
    again = StatedClock(**{name: before[name] for name in StatedClock.__slots__})
    _note(connection, act, again, standing, now())
    return open_[-1]


def note_move(
    old_key: str,
    new_key: str,
    act: Act,
    connection: sa.Connection,
    chosen: sa.ColumnElement[bool] | None = None,
) -> None:
    """Note in the history that a cue of whose clock something is said has another key now."""
    for row in moved_rows(t.alignment_overrides, new_key, chosen, connection):
        said = StatedClock(**{name: row[name] for name in StatedClock.__slots__})
        _note(connection, act, said, {**as_json(row), "cue_key": old_key}, now())


def history(connection: sa.Connection, cue_key: str) -> list[ClockChange]:
    """Return what became of all that was said of a cue's clock, the oldest first."""
    table = t.alignment_history
    query = (
        sa.select(table)
        .where(table.c.cue_key == cue_key)
        .order_by(table.c.decided_at, table.c.change_id, table.c.id)
    )
    return [ClockChange(**row) for row in connection.execute(query).mappings()]


def digests(connection: sa.Connection, cue_key: str | None = None) -> dict[str, str]:
    """Return a digest of what is said of clocks, by cue key; cues without are not there."""
    table = t.alignment_overrides
    query = sa.select(table.c.cue_key, *(table.c[name] for name in _SAID))
    if cue_key is not None:
        query = query.where(table.c.cue_key == cue_key)
    by_cue: dict[str, list[Sequence[Any]]] = {}
    for key, *said in connection.execute(query):
        by_cue.setdefault(key, []).append(said)
    return {
        # Databases sort text differently: the digest must not depend on which one it is.
        key: hashlib.sha256(json.dumps(sorted(said, key=lambda s: s[:2])).encode()).hexdigest()
        for key, said in by_cue.items()
    }


def _is(said: StatedClock) -> sa.ColumnElement[bool]:
    table, texts = t.alignment_overrides, _texts(asdict(said))
    return sa.and_(*(table.c[name] == texts[name] for name in _KEY))


def _texts(values: Mapping[str, Any]) -> dict[str, Any]:
    return {k: storable_text(v) if isinstance(v, str) else v for k, v in values.items()}


def _standing(connection: sa.Connection, said: StatedClock) -> dict[str, Any] | None:
    query = sa.select(t.alignment_overrides).where(_is(said))
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else as_json(row)


def _note(
    connection: sa.Connection,
    act: Act,
    after: StatedClock,
    before: dict[str, Any] | None,
    moment: datetime,
) -> None:
    kept = ("cue_key", "midi_file", "stem", "lag_seconds", "tempo_from", "note")
    connection.execute(
        sa.insert(t.alignment_history).values(
            id=secrets.randbits(63),
            change_id=act.change_id,
            action=act.action,
            before=before,
            decided_by=storable_text(act.by),
            decided_at=moment,
            **_texts({name: getattr(after, name) for name in kept}),
        )
    )
