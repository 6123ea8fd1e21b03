"""The ledger: which asset of which cue is whole."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from cue_pipeline.warehouse import tables as t
from cue_pipeline.warehouse.types import is_postgresql

State = Literal["loading", "ready", "failed"]


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One asset of one cue, as ``cue_assets`` has it."""

    cue_key: str
    asset: str
    state: State
    fingerprint: str | None
    code_version: str | None
    data_version: str | None
    row_count: int
    error: str | None
    started_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be written of one asset of one cue."""

    cue_id: int
    asset: str
    fingerprint: str | None
    code_version: str | None
    data_version: str | None
    started_at: datetime


def write_entry(
    connection: sa.Connection,
    entry: Entry,
    state: State,
    *,
    row_count: int = 0,
    error: str | None = None,
    finished_at: datetime | None = None,
) -> None:
    """Insert or replace the ledger's row; a failure keeps the row count and data version."""
    values: dict[str, Any] = {
        "cue_id": entry.cue_id,
        "asset": entry.asset,
        "state": state,
        "fingerprint": entry.fingerprint,
        "code_version": entry.code_version,
        "data_version": entry.data_version,
        "row_count": row_count,
        "error": error,
        "started_at": entry.started_at,
        "finished_at": finished_at,
    }
    kept = {"cue_id", "asset"} | ({"row_count", "data_version"} if state != "ready" else set())
    upsert(connection, t.cue_assets, values, [k for k in values if k not in kept])


def mark_stale(connection: sa.Connection, cue_id: int, assets: Iterable[str]) -> None:
    """Take the fingerprint of assets that lost rows with a parent: their input has changed."""
    for asset in assets:
        connection.execute(
            sa.update(t.cue_assets)
            .where(t.cue_assets.c.cue_id == cue_id, t.cue_assets.c.asset == asset)
            .values(fingerprint=None)
        )


def read_entries(connection: sa.Connection, cue_key: str | None = None) -> list[LedgerRow]:
    """Return the ledger of one cue or of all, by cue and asset."""
    columns = [t.cue_assets.c[field.name] for field in fields(LedgerRow) if field.name != "cue_key"]
    query = (
        sa.select(t.cues.c.cue_key, *columns)
        .join_from(t.cue_assets, t.cues, t.cues.c.id == t.cue_assets.c.cue_id)
        .order_by(t.cues.c.cue_key, t.cue_assets.c.asset)
    )
    if cue_key is not None:
        query = query.where(t.cues.c.cue_key == cue_key)
    return [LedgerRow(*row) for row in connection.execute(query)]  # 35,000 rows: no mappings


def upsert(
    connection: sa.Connection, table: sa.Table, values: dict[str, Any], changed: list[str]
) -> None:
    """Insert one row, or set ``changed`` columns where its key exists."""
    insert: Any = postgresql.insert if is_postgresql(connection.dialect) else sqlite.insert
    statement = insert(table).values(**values)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[c.name for c in table.primary_key.columns],
            set_={name: statement.excluded[name] for name in changed},
        )
    )
