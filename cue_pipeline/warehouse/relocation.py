"""Cues that get another key: everything that is said of them by key goes along.

Rows hang on ids, and those derive from the key under which a cue was first registered
(``cues.first_key``), so a move writes a few rows and no more: none of notes, none of spectrograms.
Whoever holds an id from before the move still holds the right one.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import sqlalchemy as sa

from cue_pipeline.errors import WarehouseError
from cue_pipeline.warehouse import people, stated_clocks
from cue_pipeline.warehouse import tables as t
from cue_pipeline.warehouse.dsql import BATCH_ROWS
from cue_pipeline.warehouse.encode import storable_text
from cue_pipeline.warehouse.large_moves import finish_moves, set_aside
from cue_pipeline.warehouse.statements import in_parts
from cue_pipeline.warehouse.transaction import write
from cue_pipeline.warehouse.types import is_dsql, now

_ROWS_AT_ONCE = 900  # on Aurora DSQL: each is written three times, and 3,000 are the limit


def move_cues(engine: sa.Engine, moves: Mapping[str, str], by: str = people.PROGRAM) -> None:
    """Give cues other keys, with all that is said of them by key.

    Parameters
    ----------
    engine : Engine
    moves : mapping of str to str
        Key of today → new key. Keys may be exchanged or passed on from one cue to the next; a new
        key that no cue of ``moves`` leaves must be free.
    by : str
        Who says so, for the history of decisions.

    Raises
    ------
    WarehouseError
        If a key is not registered, or a new one is taken by a cue or by decisions.
    """
    act = people.Act(by, "move")
    if not is_dsql(engine.dialect):
        write(engine, partial(_move, dict(moves), act))
        return
    finish_moves(engine)
    for part, n_rows in _small_parts(engine, moves):
        if n_rows > _ROWS_AT_ONCE:
            with engine.connect() as connection:
                _require_room(part, connection)
            set_aside(engine, part)
        write(engine, partial(_move, part, act))
    finish_moves(engine, by)


def finish_broken_moves(engine: sa.Engine) -> None:
    """Finish moves that were broken off, which can be on Aurora DSQL alone."""
    if is_dsql(engine.dialect):
        finish_moves(engine)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a cue's folder is."""

    key: str
    root: str
    folder: str

    @classmethod
    def at(cls, root: str, folder: str) -> "Place":
        """Return the place of a folder below a root, with the key that follows from it."""
        return cls(unicodedata.normalize("NFC", folder), root, folder)


def set_places(engine: sa.Engine, places: Iterable[Place]) -> None:
    """Note where cues' folders are now; what their keys say is read from them anew."""
    most = BATCH_ROWS if is_dsql(engine.dialect) else None
    every = list(places)
    for part in in_parts(every, most or max(1, len(every))):
        write(engine, partial(_set_places, part))


def _set_places(places: Iterable[Place], connection: sa.Connection) -> None:
    for place in places:
        connection.execute(
            sa.update(t.cues)
            .where(t.cues.c.cue_key == place.key)
            .values(root=storable_text(place.root), folder=place.folder, state="present")
        )


def chains(moves: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Yield moves by those that pass keys on to each other, which can only be made together."""
    came_from = {new: old for old, new in moves.items()}
    left = dict(moves)
    while left:
        chain: dict[str, str] = {}
        pending = [next(iter(left))]
        while pending:
            old = pending.pop()
            if old in left:
                chain[old] = left.pop(old)
                pending += [chain[old], *([came_from[old]] if old in came_from else [])]
        yield chain


def _small_parts(
    engine: sa.Engine, moves: Mapping[str, str]
) -> Iterator[tuple[dict[str, str], int]]:
    """Yield moves by transactions, with their rows: few enough, or those of one chain."""
    with engine.connect() as connection:
        rows = Counter(dict.fromkeys(moves, 3))  # the cue itself, and what is noted of its move
        for old, n in _rows_that_name(connection, moves):
            rows[old] += n
    part: dict[str, str] = {}
    n_rows = 0
    for chain in chains(moves):
        n_more = sum(rows[old] for old in chain)
        if part and n_rows + n_more > _ROWS_AT_ONCE:
            yield part, n_rows
            part, n_rows = {}, 0
        part |= chain
        n_rows += n_more
    if part:
        yield part, n_rows


def _rows_that_name(connection: sa.Connection, keys: Iterable[str]) -> Iterator[tuple[str, int]]:
    for table in naming_cues():
        key = table.c.cue_key
        for part in in_parts(list(keys)):
            query = sa.select(key, sa.func.count()).where(key.in_(part)).group_by(key)
            yield from ((found, n) for found, n in connection.execute(query))


def _move(moves: Mapping[str, str], act: people.Act, connection: sa.Connection) -> None:
    _require_room(moves, connection)
    moment = now()
    cues = t.cues.c
    aside = {old: f"//{i}" for i, old in enumerate(moves)}  # no cue's key can begin so
    for old, between in aside.items():
        connection.execute(
            sa.update(t.cues)
            .where(cues.cue_key == old)
            .values(
                cue_key=between,
                first_key=sa.func.coalesce(cues.first_key, old),
                moved_from=old,
                moved_at=moment,
                verdict_told=None,  # the new partition is told it too
            )
        )
        _rename(connection, old, between)
    for old, between in aside.items():
        connection.execute(
            sa.update(t.cues).where(cues.cue_key == between).values(cue_key=moves[old])
        )
        _rename(connection, between, moves[old])
        people.note_move(old, moves[old], act, connection)
        stated_clocks.note_move(old, moves[old], act, connection)


def _rename(connection: sa.Connection, old: str, new: str) -> None:
    for table in naming_cues():
        connection.execute(sa.update(table).where(table.c.cue_key == old).values(cue_key=new))
    repeats = t.cues.c.duplicate_of
    connection.execute(sa.update(t.cues).where(repeats == old).values(duplicate_of=new))


def naming_cues() -> list[sa.Table]:
    """Return the tables, but ``cues``, whose rows name their cue by its key."""
    return [
        table
        for table in t.metadata.tables.values()
        if table is not t.cues and "cue_key" in table.c
    ]


def _require_room(moves: Mapping[str, str], connection: sa.Connection) -> None:
    known = _holding(connection, t.cues, moves)
    if lacking := sorted(set(moves) - known):
        raise WarehouseError(f"Cue '{lacking[0]}' is not registered, so it cannot be moved.")
    wanted = [new for new in moves.values() if new not in moves]
    if len(set(moves.values())) < len(moves):
        raise WarehouseError("Two cues cannot be moved to one key.")
    for table in (t.cues, *naming_people()):
        if taken := sorted(_holding(connection, table, wanted)):
            what = "a cue" if table is t.cues else "decisions"
            raise WarehouseError(
                f"The key '{taken[0]}' is taken: there is {what} of it already. Look at it with "
                f"`cue-pipeline cues show '{taken[0]}'`."
            )


def naming_people() -> list[sa.Table]:
    """Return the tables of what people said of a cue, which they name by its key."""
    return [table for table in naming_cues() if table.info["owner"] == "people"]


def _holding(connection: sa.Connection, table: sa.Table, keys: Iterable[str]) -> set[str]:
    """Return those of some keys that a table has."""
    key = table.c.cue_key
    return {
        found
        for part in in_parts(list(keys))
        for found in connection.scalars(sa.select(key).where(key.in_(part)))
    }
