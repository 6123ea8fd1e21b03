"""What people decided about tracks: rows of ``mapping_overrides``."""

import hashlib
import json
from collections.abc import Sequence

import sqlalchemy as sa

from cue_pipeline.warehouse import tables as t
from cue_pipeline.warehouse.encode import storable_text
from cue_pipeline.warehouse.ledger import upsert
from cue_pipeline.warehouse.types import now

Decided = tuple[str, str, str | None, str | None, str | None]
"""Cue key, track, group, category, note."""


def store(
    decided: Sequence[Decided], taken_back: Sequence[tuple[str, str]], connection: sa.Connection
) -> None:
    """Forget the decisions ``taken_back`` (cue key, track), then store those ``decided``."""
    table = t.mapping_overrides
    for cue_key, track in taken_back:
        connection.execute(
            sa.delete(table).where(
                table.c.cue_key == cue_key, table.c.track == storable_text(track)
            )
        )
    for cue_key, track, group, category, note in decided:
        values = {
            "cue_key": cue_key,
            "track": storable_text(track),
            "canonical_name": group,
            "instrument_category": category,
            "note": None if note is None else storable_text(note),
            "created_at": now(),
        }
        changed = [k for k in values if k not in {"cue_key", "track"}]
        upsert(connection, table, values, changed)


def digests(connection: sa.Connection, cue_key: str | None = None) -> dict[str, str]:
    """Return a digest of all that was decided, by cue key; cues without decisions are not there."""
    columns = [c for c in t.mapping_overrides.c if c.name != "created_at"]
    query = sa.select(*columns).order_by(t.mapping_overrides.c.cue_key, t.mapping_overrides.c.track)
    if cue_key is not None:
        query = query.where(t.mapping_overrides.c.cue_key == cue_key)
    by_cue: dict[str, list[list[str | None]]] = {}
    for key, *said in connection.execute(query):
        by_cue.setdefault(key, []).append(said)
    return {
        # Databases sort text differently: the digest must not depend on which one it is.
        key: hashlib.sha256(json.dumps(sorted(said, key=lambda s: str(s[0]))).encode()).hexdigest()
        for key, said in by_cue.items()
    }
