"""Rows that the ledger vouches for, of several tables of a cue at one moment."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from cue_pipeline.errors import NotReadyError
from cue_pipeline.warehouse import ledger as led
from cue_pipeline.warehouse import tables as t
from cue_pipeline.warehouse.scope import columns_named, cue_id, of_cue
from cue_pipeline.warehouse.transaction import reading

if TYPE_CHECKING:
    import pandas as pd

    from cue_pipeline.warehouse.ledger import LedgerRow
    from cue_pipeline.warehouse.store import Store

_NO_ASSETS = frozenset({"scan", "warehouse", "people"})


def asset_names() -> frozenset[str]:
    """Return the assets that every library has: those that own a table or a column."""
    tables = t.metadata.tables.values()
    owners = {c.info["owner"] for table in tables for c in table.c if "owner" in c.info}
    return frozenset(owners.union(table.info["owner"] for table in tables)) - _NO_ASSETS


def asset_states(store: Store) -> dict[str, dict[str, str]]:
    """Return what the ledger says of each cue: ``ready``, ``loading`` or ``failed``, by asset."""
    states: dict[str, dict[str, str]] = {}
    for row in store.ledger():
        states.setdefault(row.cue_key, {})[row.asset] = row.state
    return states


def read_vouched(
    store: Store,
    cue_key: str,
    wanted: Mapping[str, Sequence[str] | None],
    where_ready: Mapping[str, Sequence[str] | None] | None = None,
    only: Mapping[str, Mapping[str, Collection[int]]] | None = None,
) -> dict[str, pd.DataFrame]:
    """Return a cue's rows of some tables, all as of one moment.

    Parameters
    ----------
    store : Store
        The warehouse.
    cue_key : str
        A registered cue.
    wanted : mapping of str to sequence of str or None
        Table → columns; None: all.
    where_ready : mapping of str to sequence of str or None, optional
        The same, of tables that are empty where their asset is not ready.
    only : mapping of str to mapping of str to collection of int, optional
        Table → column → the numbers that it has in the rows that are wanted; others are not read.

    Returns
    -------
    dict of str to DataFrame
        As :meth:`~cue_pipeline.warehouse.store.Store.read` gives them. A column that belongs to
        another asset than the table's holds NULL where that asset is not ready.

    Raises
    ------
    NotReadyError
        If the asset that owns a table was not made, failed or is being loaded.
    """
    from cue_pipeline.warehouse.frames import read_frame

    frames: dict[str, pd.DataFrame] = {}
    with reading(store.engine) as connection:
        entries = {row.asset: row for row in led.read_entries(connection, cue_key)}
        ready = {row.asset for row in entries.values() if row.state == "ready"} | _NO_ASSETS
        for name, names in {**wanted, **(where_ready or {})}.items():
            table, columns = columns_named(name, names)
            condition = of_cue(table, cue_id(cue_key), cue_key)
            for column, values in (only or {}).get(name, {}).items():
                those = [table.c[column] == value for value in sorted(values)]
                condition = sa.and_(condition, sa.or_(sa.false(), *those))
            unready = _unready_writer(table, entries, ready)
            if unready is not None and name in wanted:
                entry = entries.get(unready)
                raise not_ready(
                    cue_key, unready, *((entry.state, entry.error) if entry else (None, None))
                )
            if unready is not None:
                condition = sa.false()
            frames[name] = _blanked(read_frame(connection, table, columns, condition), table, ready)
    return frames


def _unready_writer(
    table: sa.Table, entries: Mapping[str, LedgerRow], ready: Collection[str]
) -> str | None:
    """Return a writer of a table whose rows are not to be trusted; of a shared one, if any is not.

    An asset that was never made has no rows to distrust in a table that others fill.
    """
    writers = t.writers(table)
    made = [asset for asset in writers if asset in entries or asset in _NO_ASSETS]
    return next((asset for asset in made or writers if asset not in ready), None)


def not_ready(
    cue_key: str, asset: str, state: str | None, error: str | None, chosen: str = ""
) -> NotReadyError:
    """Return the error that says what the ledger has of an asset (None: nothing), and the cure.

    ``chosen`` is the kind of feature that it makes, where that is one to be chosen.
    """
    cure = "Run `cue-pipeline process BASE_DIR` on the library"
    if chosen:
        cure += f", with '{chosen}' in CUE_FEATURES"
    if state is None:
        found = "was never made"
    elif state == "loading":
        found = "is being loaded"
        cure = (
            "Wait for the run that loads it; where none does, run `cue-pipeline process BASE_DIR`"
        )
    else:
        found = f"failed ({error})" if error else "failed"
    return NotReadyError(
        f"'{asset}' of cue '{cue_key}' {found}, so its rows are not to be trusted. {cure}; "
        "`cue-pipeline status` shows all cues."
    )


def _blanked(frame: pd.DataFrame, table: sa.Table, ready: Collection[str]) -> pd.DataFrame:
    import pandas as pd

    for name in frame.columns:
        owner = table.c[name].info.get("owner")
        if owner is not None and owner not in ready:
            kind: Any = frame[name].dtype
            frame[name] = pd.Series([None] * len(frame), index=frame.index, dtype=kind)
    return frame
