"""Whether cues are up to date, as a sensor last saw it, and what the UI was told of that."""

from collections.abc import Mapping, Sequence
from functools import partial

import sqlalchemy as sa

from cue_pipeline.warehouse import tables as t
from cue_pipeline.warehouse.dsql import BATCH_ROWS
from cue_pipeline.warehouse.statements import in_parts
from cue_pipeline.warehouse.transaction import reading, write


def note_verdicts(engine: sa.Engine, verdicts: Mapping[str, str], *, untold: bool = False) -> None:
    """Keep why cues are not up to date, by key; empty: they are.

    Parameters
    ----------
    engine : Engine
    verdicts : mapping of str to str
    untold : bool
        They are to be told, also where they are what was told last.
    """
    rows = [{"key": key, "said": text} for key, text in verdicts.items()]
    values: dict[str, object] = {"verdict": sa.bindparam("said")}
    if untold:
        values["verdict_told"] = None
    _update(engine, rows, values)


def note_told(engine: sa.Engine, told: Mapping[str, str], teller: str) -> None:
    """Keep what the UI was told of cues, by key."""
    rows = [{"key": key, "said": f"{teller}\n{text}"} for key, text in told.items()]
    _update(engine, rows, {"verdict_told": sa.bindparam("said")})


def untold_verdicts(engine: sa.Engine, teller: str, most: int) -> dict[str, str]:
    """Return verdicts on present cues that are not what a teller told last, by key."""
    cues = t.cues.c
    told = sa.literal(f"{teller}\n") + cues.verdict
    query = (
        sa.select(cues.cue_key, cues.verdict)
        .where(cues.state == "present", cues.verdict.is_not(None))
        .where(sa.or_(cues.verdict_told.is_(None), cues.verdict_told != told))
        .order_by(cues.cue_key)
        .limit(most)
    )
    with reading(engine) as connection:
        return {row.cue_key: row.verdict for row in connection.execute(query)}


def read_verdicts(engine: sa.Engine, keys: Sequence[str]) -> dict[str, str]:
    """Return the verdicts on some cues, by key."""
    cues = t.cues.c
    with reading(engine) as connection:
        return {
            key: verdict
            for part in in_parts(keys)
            for key, verdict in connection.execute(
                sa.select(cues.cue_key, cues.verdict).where(
                    cues.cue_key.in_(part), cues.verdict.is_not(None)
                )
            )
        }


def _update(engine: sa.Engine, rows: Sequence[dict[str, str]], values: dict[str, object]) -> None:
    statement = sa.update(t.cues).where(t.cues.c.cue_key == sa.bindparam("key")).values(values)
    for part in in_parts(rows, BATCH_ROWS):
        write(engine, partial(_execute, statement, part))


def _execute(
    statement: sa.Update, rows: Sequence[dict[str, str]], connection: sa.Connection
) -> None:
    connection.execute(statement, rows)
