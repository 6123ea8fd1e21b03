"""The store: one cue's rows replaced whole, or read, on any of the engines."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from cue_pipeline.cue.folder import CueFolder
from cue_pipeline.cue.numbering import CueNumber
from cue_pipeline.errors import WarehouseError
from cue_pipeline.warehouse import ledger as led
from cue_pipeline.warehouse import registry
from cue_pipeline.warehouse import tables as t
from cue_pipeline.warehouse.atomic import AtomicWriter, lock_cue, unknown_cue
from cue_pipeline.warehouse.decision_store import DecisionStore
from cue_pipeline.warehouse.dsql import BATCH_ROWS
from cue_pipeline.warehouse.encode import storable_text
from cue_pipeline.warehouse.ledger import Entry, LedgerRow
from cue_pipeline.warehouse.registry import CueRow, KeyConflict, Registration
from cue_pipeline.warehouse.replacement import Replacement, Tables, plan_replacement
from cue_pipeline.warehouse.scope import columns_named, cue_id, of_cue
from cue_pipeline.warehouse.statements import in_parts
from cue_pipeline.warehouse.transaction import reading, write, writing
from cue_pipeline.warehouse.types import is_dsql, now

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CueRow", "KeyConflict", "LedgerRow", "LlmCall", "Registration", "Store", "Tables"]

MOST_ERROR_CHARACTERS = 4_000


@dataclass(frozen=True, slots=True)
class LlmCall:
    """One question to a chat model and its answer, as ``llm_calls`` has it."""

    prompt_sha256: str
    model: str
    request: Any
    response: Any
    prompt_version: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    created_at: datetime


class Store(DecisionStore):
    """The warehouse's tables, cue by cue.

    Parameters
    ----------
    engine : Engine
        From :func:`cue_pipeline.warehouse.engine.create_engine`, with its schema in place
        (:func:`cue_pipeline.warehouse.migrations.ensure_schema`).

    Notes
    -----
    Every method raises :class:`~cue_pipeline.errors.WarehouseError` where the database cannot be
    reached or refuses, and leaves it as it was.
    """

    # Cues

    def register_cues(
        self,
        folders: Sequence[CueFolder],
        numbers: Mapping[str, CueNumber | None] | None = None,
        *,
        project_pattern: str | None = None,
    ) -> Registration:
        """Register the cues of a scan as present, new ones and known ones.

        Parameters
        ----------
        folders : sequence of CueFolder
            What the scan found.
        numbers : mapping of str to CueNumber, optional
            Cue numbers by key where the caller has parsed them; parsed from the key otherwise.
        project_pattern : str, optional
            See :func:`cue_pipeline.cue.project.read_project`.

        Returns
        -------
        Registration
            Which were new, changed and the same, and which were left out because their key belongs
            to a folder of another root that still exists.
        """
        most = BATCH_ROWS if is_dsql(self.engine.dialect) else max(1, len(folders))
        done = [
            write(self.engine, partial(registry.register, part, numbers, project_pattern))
            for part in in_parts(folders, most)
        ]
        return registry.together(done)

    def mark_missing(self, cue_keys: Sequence[str]) -> int:
        """Mark cues whose folders are gone; their rows stay. Return how many were known."""
        missing = sa.update(t.cues).values(state="missing")
        return sum(
            write(self.engine, partial(_count, missing.where(t.cues.c.cue_key.in_(part))))
            for part in in_parts(cue_keys)
        )

    def cues(self) -> list[CueRow]:
        """Return every cue ever registered, by key."""
        with reading(self.engine) as connection:
            return registry.read_cues(connection)

    def cue(self, cue_key: str) -> CueRow | None:
        """Return one cue, None where it was never registered."""
        with reading(self.engine) as connection:
            return next(iter(registry.read_cues(connection, [cue_key])), None)

    # An asset's rows of a cue

    def replace(
        self,
        cue_key: str,
        asset: str,
        tables: Tables,
        *,
        fingerprint: str | None,
        code_version: str | None,
        data_version: str | None,
        started_at: datetime,
        cue_id: int | None = None,
    ) -> dict[str, int]:
        """Replace an asset's rows of a cue by its value, whole or not at all.

        Parameters
        ----------
        cue_key : str
            A registered cue.
        asset : str
            The asset whose value it is; only its own tables and columns are written.
        tables : mapping of str to rows, or to an iterable of rows
            Rows by table, each a DataFrame or a mapping of columns, with exactly the columns of
            :func:`cue_pipeline.warehouse.tables.owned_columns`. Batches are written as they come,
            so memory holds one; on SQLite the file is locked meanwhile. A table of the asset that
            is not given is emptied.
        fingerprint, code_version, data_version : str or None
            For the ledger.
        started_at : datetime
            When the work on the asset began, with time zone.
        cue_id : int, optional
            Which cue had that key when the work began; the one that has it now otherwise.

        Returns
        -------
        dict of str to int
            Rows written, by table.

        Raises
        ------
        WarehouseError
            If the cue is not registered, or was moved since the work began, a table or column is
            not the asset's own, a value does not fit its column, a key occurs twice, a row refers
            to nothing, or another process keeps writing this cue. Nothing is written then.
        """
        plan = plan_replacement(asset, tables)
        number = self._id(cue_key) if cue_id is None else cue_id
        entry = Entry(number, asset, fingerprint, code_version, data_version, started_at)
        if is_dsql(self.engine.dialect):
            from cue_pipeline.warehouse.batched import replace_in_batches

            return replace_in_batches(self.engine, entry, cue_key, plan)
        with writing(self.engine) as connection:
            lock_cue(connection, entry.cue_id, cue_key)
            replacement = Replacement(
                AtomicWriter(connection, entry.cue_id, cue_key, asset), asset, entry.cue_id
            )
            counts = replacement.run(plan)
            led.mark_stale(connection, entry.cue_id, replacement.lost)
            led.write_entry(
                connection, entry, "ready", row_count=sum(counts.values()), finished_at=now()
            )
        return counts

    def fail(
        self,
        cue_key: str,
        asset: str,
        error: str,
        *,
        fingerprint: str | None,
        code_version: str | None,
        started_at: datetime,
        cue_id: int | None = None,
    ) -> None:
        """Note in the ledger that an asset of a cue failed; its rows stay as they are.

        Parameters
        ----------
        cue_key, asset : str
            What failed.
        error : str
            Why, for people; cut after 4,000 characters.
        fingerprint, code_version : str or None
            Of the inputs and the code that failed.
        started_at : datetime
            When the work began, with time zone.
        cue_id : int, optional
            As for :meth:`replace`.
        """
        number = self._id(cue_key) if cue_id is None else cue_id
        entry = Entry(number, asset, fingerprint, code_version, None, started_at)
        text = storable_text(error)[:MOST_ERROR_CHARACTERS]

        def note(connection: sa.Connection) -> None:
            lock_cue(connection, entry.cue_id, cue_key)
            led.write_entry(connection, entry, "failed", error=text, finished_at=now())

        write(self.engine, note)

    def ledger(self, cue_key: str | None = None) -> list[LedgerRow]:
        """Return the ledger of one cue, or of all, by cue and asset."""
        with reading(self.engine) as connection:
            return led.read_entries(connection, cue_key)

    def read(
        self,
        cue_key: str,
        table: str,
        columns: Sequence[str] | None = None,
        *,
        asset: str | None = None,
    ) -> "pd.DataFrame":
        """Return a cue's rows of one table, in the order of its key.

        Parameters
        ----------
        cue_key : str
            The cue.
        table : str
            A table's name.
        columns : sequence of str, optional
            Columns to return, in this order; all otherwise.
        asset : str, optional
            Of a table that several assets share (features), the rows of this one; all otherwise.

        Returns
        -------
        DataFrame
            JSON decoded; integers int64, or Int64 where NULL can be; floats float64 with NaN for
            NULL; other NULLs None. No rows where the asset has never been materialised.

        Raises
        ------
        WarehouseError
            If the rows are not whole: the asset that owns them failed or is being loaded.
        """
        from cue_pipeline.warehouse.frames import read_frame

        chosen, selected = columns_named(table, columns)
        with reading(self.engine) as connection:
            owners = {asset} if asset in t.writers(chosen) else set(t.writers(chosen))
            if columns is not None:
                owners |= {c.info["owner"] for c in selected if "owner" in c.info}
            self._refuse_unready(connection, cue_key, chosen, owners)
            condition = of_cue(chosen, cue_id(cue_key), cue_key, asset)
            return read_frame(connection, chosen, selected, condition)

    def no_rows(self, table: str) -> "pd.DataFrame":
        """Return what :meth:`read` returns where an asset has never been materialised."""
        from cue_pipeline.warehouse.frames import read_frame

        chosen, selected = columns_named(table, None)
        with reading(self.engine) as connection:
            return read_frame(connection, chosen, selected, sa.false())

    # Decisions and calls

    def llm_call(self, prompt_sha256: str, model: str) -> LlmCall | None:
        """Return the stored answer of a model to a question, None where it was never asked."""
        query = sa.select(t.llm_calls).where(
            t.llm_calls.c.prompt_sha256 == prompt_sha256, t.llm_calls.c.model == model
        )
        with reading(self.engine) as connection:
            row = connection.execute(query).mappings().one_or_none()
        return None if row is None else LlmCall(**row)

    def unanswered_cues(self) -> frozenset[str]:
        """Return the keys of cues with a track with notes of which a model said nothing usable."""
        mapped, tracks, files = t.track_mappings, t.midi_tracks, t.midi_files
        has_notes = sa.exists().where(t.midi_notes.c.midi_track_id == tracks.c.id)
        query = (
            sa.select(t.cues.c.cue_key)
            .distinct()
            .join(files, files.c.cue_id == t.cues.c.id)
            .join(tracks, tracks.c.midi_file_id == files.c.id)
            .join(mapped, mapped.c.midi_track_id == tracks.c.id)
            .where(mapped.c.model.is_not(None), mapped.c.prompt_sha256.is_(None), has_notes)
        )
        with reading(self.engine) as connection:
            return frozenset(connection.execute(query).scalars())

    def overrides(self, cue_key: str) -> "pd.DataFrame":
        """Return what people decided for a cue: the rows of ``mapping_overrides``."""
        return self.read(cue_key, "mapping_overrides")

    def _id(self, cue_key: str) -> int:
        """Return a registered cue's id."""
        with reading(self.engine) as connection:
            found = connection.scalar(sa.select(cue_id(cue_key)))
        if found is None:
            raise unknown_cue(cue_key)
        return int(found)

    def _refuse_unready(
        self,
        connection: sa.Connection,
        cue_key: str,
        table: sa.Table,
        owners: Collection[str | None],
    ) -> None:
        for row in led.read_entries(connection, cue_key):
            if row.asset in owners and row.state != "ready":
                raise WarehouseError(
                    f"Rows of '{table.name}' of cue '{cue_key}' are not to be trusted: "
                    f"'{row.asset}' is {row.state}"
                    f"{f' ({row.error})' if row.error else ''}. Materialise it again."
                )


def _count(statement: sa.Update, connection: sa.Connection) -> int:
    return connection.execute(statement).rowcount
