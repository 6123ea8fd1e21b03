"""Moves of cues that have more decisions than one transaction of Aurora DSQL may write.

What is said of such a cue by key is set aside in parts, under a key that names the cue by its id;
then the cue gets its new key; then what was set aside follows it in parts. A move that is broken
off anywhere is finished by whoever looks next (:func:`finish_moves`): until then some decisions are
about no cue, and what is made meanwhile shows as stale once they are back.
"""

from collections.abc import Callable, Iterable
from functools import partial

import sqlalchemy as sa

from cue_pipeline.warehouse import people, stated_clocks
from cue_pipeline.warehouse import tables as t
from cue_pipeline.warehouse.transaction import write

_ASIDE = "//"  # no cue's key can begin so
_ROWS_AT_ONCE = 900  # each moved, and noted in a history: 3,000 are the limit

_Noting = Callable[[sa.Connection, sa.ColumnElement[bool]], None]


def large_tables() -> list[sa.Table]:
    """Return the tables that may hold many rows about one cue, each named by its key."""
    return [t.mapping_overrides, t.mapping_history, t.alignment_overrides, t.alignment_history]


def set_aside(engine: sa.Engine, keys: Iterable[str]) -> None:
    """Put aside, in parts, what people said of some cues."""
    with engine.connect() as connection:
        cues = t.cues.c
        query = sa.select(cues.cue_key, cues.id).where(cues.cue_key.in_(list(keys)))
        numbers = {row.cue_key: row.id for row in connection.execute(query)}
    for table in large_tables():
        for key, number in numbers.items():
            aside = f"{_ASIDE}{number}/{key}"
            work = partial(_rename_some, table, key, aside, None)
            while write(engine, work) == _ROWS_AT_ONCE:
                pass


def finish_moves(engine: sa.Engine, by: str = people.PROGRAM) -> None:
    """Give what was set aside to its cues, whatever keys these have now."""
    act = people.Act(by, "move")
    for table in large_tables():
        with engine.connect() as connection:
            query = sa.select(table.c.cue_key).where(table.c.cue_key.like(f"{_ASIDE}%")).distinct()
            found = list(connection.scalars(query))
        for aside in found:
            number, _, old = aside.removeprefix(_ASIDE).partition("/")
            with engine.connect() as connection:
                new = connection.scalar(
                    sa.select(t.cues.c.cue_key).where(t.cues.c.id == int(number))
                )
            new = old if new is None else new  # it was removed: what is left is about none
            noting = None if new == old else _noting(table, old, new, act)
            work = partial(_rename_some, table, aside, new, noting)
            while write(engine, work) == _ROWS_AT_ONCE:
                pass


def _rename_some(
    table: sa.Table, old: str, new: str, noting: _Noting | None, connection: sa.Connection
) -> int:
    """Give some rows of a cue another key, and note that; return how many rows there were.

    Where the new key has a row of the same already, it is newer, and stands.
    """
    others = [c for c in table.primary_key.columns if c.name != "cue_key"]
    query = sa.select(*others).where(table.c.cue_key == old).limit(_ROWS_AT_ONCE)
    rows = [tuple(row) for row in connection.execute(query)]
    if not rows:
        return 0
    chosen = sa.tuple_(*others).in_(rows)
    if "cue_key" in table.primary_key.columns:
        newer = sa.select(*others).where(table.c.cue_key == new, chosen)
        if there := [tuple(row) for row in connection.execute(newer)]:
            outdated = sa.tuple_(*others).in_(there)
            connection.execute(sa.delete(table).where(table.c.cue_key == old, outdated))
            chosen = sa.tuple_(*others).in_([row for row in rows if row not in there])
    connection.execute(sa.update(table).where(table.c.cue_key == old, chosen).values(cue_key=new))
    if noting is not None:
        noting(connection, chosen)
    return len(rows)


def _noting(table: sa.Table, old: str, new: str, act: people.Act) -> _Noting | None:
    note_move = {
        t.mapping_overrides: people.note_move,
        t.alignment_overrides: stated_clocks.note_move,
    }.get(table)
    return None if note_move is None else partial(note_move, old, new, act)
