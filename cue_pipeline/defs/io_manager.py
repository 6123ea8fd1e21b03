"""Assets' tables to and from the warehouse, for any asset.

No table and no asset is named here: ``warehouse.tables`` says which columns an asset owns, the
consumer says which tables it wants.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import dagster as dg

from cue_pipeline.cue.shown import shown_lines
from cue_pipeline.defs.resources import CueLibrary
from cue_pipeline.defs.runs.ending import ends_when_told
from cue_pipeline.errors import CuePipelineError, WarehouseAwayError
from cue_pipeline.library import progress
from cue_pipeline.library.graph import ordered, upstream_of
from cue_pipeline.warehouse.store import Store

if TYPE_CHECKING:
    from pandas import DataFrame

    from cue_pipeline.warehouse.store import Tables


@dataclass(frozen=True, slots=True)
class CueTables:
    """What an asset made of one cue, with what it was made from.

    Attributes
    ----------
    tables : mapping of str to rows, or to an iterable of rows
        Table name → rows, as a DataFrame or columns by name: exactly those that the asset owns.
    fingerprint, code_version, data_version : str
        See :mod:`cue_pipeline.library.graph`.
    started_at : datetime
        When the asset began to read its input.
    cue_id : int
        Which cue had the key when the run began.
    """

    tables: "Tables"
    fingerprint: str
    code_version: str
    data_version: str
    started_at: datetime
    cue_id: int


def rows_of(tables: "Tables", table: str) -> "DataFrame":
    """Return a table that is given in one piece, not in batches."""
    from pandas import DataFrame

    rows = tables[table]
    if not isinstance(rows, DataFrame):
        raise TypeError(f"{table} is given in batches, not as one DataFrame.")
    return rows


def plain(error: Exception) -> str:
    """Return an error as one says it to a user, or with its type where it is a bug."""
    return str(error) if isinstance(error, CuePipelineError) else f"{type(error).__name__}: {error}"


def failure(cue_key: str, error: CuePipelineError) -> dg.Failure:
    """Return an error as Dagster shows it without a traceback.

    Only a database that is away is asked again, not one that refuses: what lasts is told at once.
    """
    may_pass = isinstance(error, WarehouseAwayError)
    return dg.Failure(shown_lines(f"Cue {cue_key!r}: {error}"), allow_retries=may_pass)


@contextmanager
def said_as_failures(cue_key: str) -> Iterator[None]:
    """Turn errors that a user can understand into failures, as :func:`failure` does."""
    try:
        yield
    except CuePipelineError as e:
        raise failure(cue_key, e) from e


def _require_ready(store: Store, cue_key: str, asset: str) -> None:
    """Refuse to work on rows that are not there: from nothing a green nothing would be made."""
    ledger = {row.asset: row for row in store.ledger(cue_key)}
    if asset in ledger and ledger[asset].state == "ready":
        return
    text = f"{asset}, on which this asset stands, is not ready"
    for up in ordered(ledger):
        row = ledger.get(up)
        if (up == asset or up in upstream_of(asset)) and row is not None and row.state == "failed":
            text += f": {up} failed ({row.error})"
            break
    said = f"Cue {cue_key!r}: {text}. Materialise what it lacks first."
    raise dg.Failure(shown_lines(said), allow_retries=False)


def _failed(store: Store, cue_key: str, asset: str) -> bool:
    return any(row.asset == asset and row.state == "failed" for row in store.ledger(cue_key))


class WarehouseIOManager(dg.ConfigurableIOManager):
    """Replace one cue's rows of an asset in one transaction, and read them back."""

    cue_library: dg.ResourceDependency[CueLibrary]

    def handle_output(self, context: dg.OutputContext, obj: CueTables) -> None:
        """Write the rows and the ledger; add row counts and column schema as metadata."""
        key, asset = context.partition_key, context.asset_key.path[-1]
        with said_as_failures(key):
            counts = self._replace(context, key, asset, obj)
        progress.report(key, asset, "stored")
        context.add_output_metadata(
            {
                "dagster/row_count": sum(counts.values()),
                **{f"rows/{table}": count for table, count in counts.items()},
            }
        )

    def _replace(
        self, context: dg.OutputContext, key: str, asset: str, obj: CueTables
    ) -> dict[str, int]:
        try:
            with ends_when_told(context.step_context.instance, context.run_id):
                return self.cue_library.store.replace(
                    key,
                    asset,
                    obj.tables,
                    fingerprint=obj.fingerprint,
                    code_version=obj.code_version,
                    data_version=obj.data_version,
                    started_at=obj.started_at,
                    cue_id=obj.cue_id,
                )
        except dg.Failure:
            raise
        except Exception as e:
            text = plain(e)
            progress.report(key, asset, "failed", (text,))
            self.cue_library.store.fail(
                key,
                asset,
                text,
                fingerprint=obj.fingerprint,
                code_version=obj.code_version,
                started_at=obj.started_at,
                cue_id=obj.cue_id,
            )
            raise

    def load_input(self, context: dg.InputContext) -> "dict[str, DataFrame]":
        """Return this cue's rows, of the upstream asset, of those tables that the consumer names.

        The consumer names them in its input's metadata: ``AssetIn(metadata={"tables": [...]})``.
        """
        wants = context.definition_metadata or {}
        tables: Sequence[str] = wants["tables"]
        key, asset = context.partition_key, context.asset_key.path[-1]
        with (
            said_as_failures(key),
            ends_when_told(context.step_context.instance, context.step_context.run_id),
        ):
            store = self.cue_library.store
            if wants.get("goes_without") and _failed(store, key, asset):
                return {table: store.no_rows(table) for table in tables}
            if not wants.get("dispensable"):
                _require_ready(store, key, asset)
            return {table: store.read(key, table, asset=asset) for table in tables}
