"""Questions that wait in a batch: claimed before they are sent, so that none is paid for twice.

A question is claimed by inserting its row of ``llm_waiting``; of two who submit at once, each
gets the questions that the other did not. With its answer it moves to ``llm_calls`` in one
transaction; without one it is let go, and is due again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from cue_pipeline.mapping.model.exchange import ChatCall, ChatRequest
from cue_pipeline.mapping.model.prompt import PROMPT_VERSION
from cue_pipeline.warehouse import tables as t
from cue_pipeline.warehouse.statements import in_parts
from cue_pipeline.warehouse.transaction import reading, write
from cue_pipeline.warehouse.types import is_postgresql, now

# A question has some 40 kB at most: far below the 10 MiB that Aurora DSQL takes at once.
ROWS_AT_ONCE = 100

_batches, _waiting = t.llm_batches.c, t.llm_waiting.c


@dataclass(frozen=True, slots=True)
class WaitingBatch:
    """A batch whose questions have not all been settled; ``batch_id`` None: maybe not sent yet."""

    submission: str
    batch_id: str | None
    server: str
    model: str
    n_questions: int
    submitted_at: datetime


@dataclass(frozen=True, slots=True)
class WaitingQuestion:
    """One question that waits in a batch."""

    prompt_sha256: str
    model: str
    cue_key: str
    request: dict[str, Any]
    response_format: str
    prompt_version: str


class WaitingRequests:
    """The tables ``llm_batches`` and ``llm_waiting``.

    Parameters
    ----------
    engine : Engine
        With the schema in place.

    Notes
    -----
    Every method raises :class:`~cue_pipeline.errors.WarehouseError` where the database cannot be
    reached or refuses. None modifies more rows at once than Aurora DSQL takes; what is cut short
    is done by calling it again.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def where(self, prompt_sha256: str, model: str) -> str | None:
        """Return in words in which batch a question waits, None where it does not."""
        query = (
            sa.select(_batches.batch_id, _batches.submitted_at)
            .join_from(t.llm_waiting, t.llm_batches, _batches.submission == _waiting.submission)
            .where(_waiting.prompt_sha256 == prompt_sha256, _waiting.model == model)
        )
        with reading(self._engine) as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        name = f"batch '{row.batch_id}'" if row.batch_id else "a batch that is being submitted"
        return f"{name} (since {row.submitted_at:%Y-%m-%d %H:%M} UTC)"

    def cue_keys(self, model: str) -> frozenset[str]:
        """Return the cues for which a question to a model waits."""
        query = sa.select(_waiting.cue_key).where(_waiting.model == model).distinct()
        with reading(self._engine) as connection:
            return frozenset(connection.execute(query).scalars())

    def batches(self) -> list[WaitingBatch]:
        """Return the batches that are not settled, oldest first."""
        columns = [c for c in _batches if c.name != "ended_at"]
        query = (
            sa.select(*columns)
            .where(_batches.ended_at.is_(None))
            .order_by(_batches.submitted_at, _batches.submission)
        )
        with reading(self._engine) as connection:
            return [WaitingBatch(**row) for row in connection.execute(query).mappings()]

    def questions(self, submission: str) -> dict[str, WaitingQuestion]:
        """Return what still waits in a batch, by hash."""
        columns = [c for c in _waiting if c.name != "submission"]
        query = sa.select(*columns).where(_waiting.submission == submission)
        with reading(self._engine) as connection:
            rows = connection.execute(query).mappings().all()
        return {row["prompt_sha256"]: WaitingQuestion(**row) for row in rows}

    def claim(
        self, requests: Mapping[str, tuple[str, ChatRequest]], submission: str, server: str
    ) -> set[str]:
        """Claim questions for a batch that is about to be sent.

        Parameters
        ----------
        requests : mapping of str to (str, ChatRequest)
            Hash → cue key and question; all to one model.
        submission : str
            A name that no other batch has.
        server : str
            Host of the model's server.

        Returns
        -------
        set of str
            Hashes of those that are neither answered nor claimed by another; where there are none,
            there is no batch either.
        """
        rows = [
            {
                "prompt_sha256": sha,
                "model": request.model,
                "submission": submission,
                "cue_key": cue_key,
                "request": {"messages": request.messages},
                "response_format": request.response_format,
                "prompt_version": PROMPT_VERSION,
            }
            for sha, (cue_key, request) in requests.items()
        ]
        batch = {
            "submission": submission,
            "server": server,
            "model": rows[0]["model"],
            "n_questions": len(rows),
            "submitted_at": now(),
        }
        write(self._engine, partial(_insert, t.llm_batches, [batch]))
        claimed: set[str] = set()
        for part in in_parts(rows, ROWS_AT_ONCE):
            claimed |= write(self._engine, partial(_claim, part, submission))
        mine = t.llm_batches.update().where(_batches.submission == submission)
        statement = (
            mine.values(n_questions=len(claimed))
            if claimed
            else t.llm_batches.delete().where(_batches.submission == submission)
        )
        write(self._engine, partial(_run, statement))
        return claimed

    def sent(self, submission: str, batch_id: str) -> bool:
        """Note what the server calls a batch; False where its questions were let go meanwhile."""
        noting = (
            t.llm_batches.update()
            .where(
                _batches.submission == submission,
                _batches.batch_id.is_(None),
                _batches.ended_at.is_(None),
            )
            .values(batch_id=batch_id)
        )
        write(self._engine, partial(_run, noting))
        query = sa.select(_batches.batch_id).where(_batches.submission == submission)
        with reading(self._engine) as connection:
            # Another process may have found the batch at the server, and noted it first.
            return bool(connection.execute(query).scalar() == batch_id)

    def answer(self, calls: Sequence[tuple[WaitingQuestion, ChatCall]]) -> None:
        """Store answers in ``llm_calls``; their questions wait no longer."""
        moment = now()
        rows = [
            {**call.row(), "prompt_version": question.prompt_version, "created_at": moment}
            for question, call in calls
        ]
        for part in in_parts(rows, ROWS_AT_ONCE):
            write(self._engine, partial(_answer, part))

    def let_go(self, submission: str, hashes: Collection[str]) -> None:
        """Let questions of a batch wait no longer, without an answer."""
        mine = t.llm_waiting.delete().where(_waiting.submission == submission)
        for part in in_parts(list(hashes), ROWS_AT_ONCE):
            write(self._engine, partial(_run, mine.where(_waiting.prompt_sha256.in_(part))))

    def end(self, submission: str) -> None:
        """Note that a batch is settled."""
        ended = t.llm_batches.update().where(_batches.submission == submission)
        write(self._engine, partial(_run, ended.values(ended_at=now())))


def _insert(table: sa.Table, rows: Sequence[dict[str, Any]], connection: sa.Connection) -> None:
    """Insert rows; leave those alone whose key exists already."""
    insert: Any = postgresql.insert if is_postgresql(connection.dialect) else sqlite.insert
    connection.execute(insert(table).values(list(rows)).on_conflict_do_nothing())


def _run(statement: sa.Executable, connection: sa.Connection) -> None:
    connection.execute(statement)


def _claim(rows: Sequence[dict[str, Any]], submission: str, connection: sa.Connection) -> set[str]:
    _insert(t.llm_waiting, rows, connection)
    hashes = [row["prompt_sha256"] for row in rows]
    # An answer may have come between the caller's look at the store and the claim. Looking again
    # only now misses none: a question leaves this table and enters that one in one transaction.
    answered = sa.select(t.llm_calls.c.prompt_sha256).where(
        t.llm_calls.c.prompt_sha256.in_(hashes), t.llm_calls.c.model == rows[0]["model"]
    )
    mine = sa.and_(_waiting.submission == submission, _waiting.prompt_sha256.in_(hashes))
    connection.execute(
        t.llm_waiting.delete().where(mine, _waiting.prompt_sha256.in_(answered.scalar_subquery()))
    )
    return set(connection.execute(sa.select(_waiting.prompt_sha256).where(mine)).scalars())


def _answer(rows: Sequence[dict[str, Any]], connection: sa.Connection) -> None:
    _insert(t.llm_calls, rows, connection)
    connection.execute(
        t.llm_waiting.delete().where(
            _waiting.model == rows[0]["model"],  # a batch asks one model
            _waiting.prompt_sha256.in_([row["prompt_sha256"] for row in rows]),
        )
    )
