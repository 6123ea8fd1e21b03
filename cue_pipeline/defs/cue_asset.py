"""How every asset of a cue is run: read the folder, call one pure function, hand over tables.

What is the same for all assets is here, once: the partition, the version, the ledger's record of
a failure, progress, warnings in the run's log and in the metadata.
"""

import inspect
import logging
import os
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import dagster as dg

from cue_pipeline.cue.shown import shown
from cue_pipeline.defs.checks import Checks, Judges, check_results, check_specs
from cue_pipeline.defs.described import OWNERS, asset_metadata, asset_tags
from cue_pipeline.defs.io_manager import CueTables, plain, said_as_failures
from cue_pipeline.defs.markdown import markdown_list, picture
from cue_pipeline.defs.partitions import cues
from cue_pipeline.defs.resources import CueLibrary
from cue_pipeline.defs.runs.concurrency import MODEL_POOL
from cue_pipeline.defs.runs.ending import ends_when_told
from cue_pipeline.library import graph, progress
from cue_pipeline.library.cue_run import CueRun
from cue_pipeline.processes.heap import give_back
from cue_pipeline.warehouse.store import Store

if TYPE_CHECKING:
    from cue_pipeline.warehouse.store import Tables

# Output(data_version=…) is marked beta in Dagster 1.13; it is what makes the UI's 'Unsynced' agree
# with our ledger, and the tests hold it to that.
warnings.filterwarnings("ignore", category=dg.BetaWarning)
warnings.filterwarnings("ignore", category=dg.PreviewWarning)


@dataclass(frozen=True, slots=True)
class AssetResult:
    """What an asset function returns: its tables, and what a person should know of them."""

    tables: "Tables"
    found: str
    """One line for the run's log."""
    metadata: Mapping[str, dg.MetadataValue] = field(default_factory=dict)
    """Numbers are plotted over time by the UI."""
    warnings: Sequence[str] = ()
    pictures: Mapping[str, Callable[[], str | None]] = field(default_factory=dict)
    """Metadata's name → what draws it as SVG, or None where there is nothing to draw."""
    judges: Judges = field(default_factory=dict)
    """Check's name → what judges it."""


Compute = Callable[..., AssetResult]

RETRIES = dg.RetryPolicy(max_retries=3, delay=5, backoff=dg.Backoff.LINEAR)
"""A database that restarts is back within half a minute; a bad file is not tried again."""


def cue_asset(
    *,
    loads: Mapping[str, Sequence[str]] | None = None,
    dispensable: frozenset[str] = frozenset(),
    checks: Checks | None = None,
) -> Callable[[Compute], dg.AssetsDefinition]:
    """Make a function of one cue the Dagster asset that the graph declares under its name.

    Parameters
    ----------
    loads : mapping of str to sequence of str, optional
        Upstream asset → tables of it that the function wants, passed as keyword arguments, each
        a dict of table name → DataFrame. Upstream assets not named here only come first.
    dispensable : frozenset of str
        Those of ``loads`` that need not have been materialised: their tables are then empty. An
        asset whose other upstream rows are not there fails, and names what lacks. Of those that
        failed, the tables are empty where the graph says that the asset goes without them.
    checks : mapping of str to str, optional
        Check's name → what passing means; the function's result says what judges each.

    Returns
    -------
    callable
        Decorator. The function's name is the asset's key, its docstring the description.
    """
    loaded, judged = loads or {}, checks or {}

    def decorate(compute: Compute) -> dg.AssetsDefinition:
        name = compute.__name__
        try:
            node = graph.node(name)
        except KeyError:
            raise RuntimeError(
                f"library/graph.py declares no asset {name!r}, which {compute.__module__} makes."
            ) from None

        @dg.asset(
            name=name,
            description=inspect.cleandoc(compute.__doc__ or ""),
            partitions_def=cues,
            group_name=node.group,
            kinds=set(node.kinds),
            owners=OWNERS,
            tags=asset_tags(name),
            metadata=asset_metadata(name),
            check_specs=check_specs(name, judged),
            ins={
                up: dg.AssetIn(
                    metadata={
                        "tables": list(t),
                        "dispensable": up in dispensable,
                        "goes_without": up in node.goes_without,
                    }
                )
                for up, t in loaded.items()
            },
            deps=[up for up in node.upstream if up not in loaded],
            code_version=str(node.algorithm),
            io_manager_key="warehouse",
            retry_policy=RETRIES,
            pool=MODEL_POOL if node.asks_model else None,
            op_tags={"dagster/priority": str(node.priority)} if node.priority else None,
        )
        def materialise(
            context: dg.AssetExecutionContext,
            library: CueLibrary,
            **upstream: dict[str, Any],  # pandas is not imported for an annotation
        ) -> Iterator[dg.Output[CueTables] | dg.AssetCheckResult]:
            with (
                said_as_failures(context.partition_key),
                ends_when_told(context.instance, context.run.run_id),
            ):
                output, judges = _materialise(context, library, compute, upstream)
            yield output
            # From here on the rows are in the warehouse.
            with ends_when_told(context.instance, context.run.run_id):
                results = list(check_results(judged, judges, context.log))
            yield from results

        return materialise

    return decorate


def _materialise(
    context: dg.AssetExecutionContext,
    library: CueLibrary,
    compute: Compute,
    upstream: Mapping[str, Any],
) -> tuple[dg.Output[CueTables], Judges]:
    asset, key = context.asset_key.path[-1], context.partition_key
    started_at, began = datetime.now(UTC), time.perf_counter()
    settings, store = library.settings, library.store
    code_version = graph.code_versions(settings)[asset]
    fingerprint, cue_id = "", None
    progress.report(key, asset, "started")
    give_back()  # what the asset before has freed
    try:
        look = library.look(key)
        cue_id = look.cue_id
        fingerprint = graph.fingerprint(asset, look.folder)
        version = graph.data_version(
            asset,
            code_version,
            fingerprint,
            _upstream_versions(store, key, asset),
            # Before the rows are made: what is decided meanwhile makes them stale, not lost.
            store.decisions(key).get(key, graph.NOTHING_DECIDED),
        )
        run = CueRun(look, settings, store, context.log, _threads(), made_in(context.run))
        result = compute(run, **upstream)
    except Exception as e:
        store.fail(
            key,
            asset,
            plain(e),
            fingerprint=fingerprint,
            code_version=code_version,
            started_at=started_at,
            cue_id=cue_id,
        )
        progress.report(key, asset, "failed", (plain(e),))
        raise
    # A stem's features may all say the same of one file.
    said = [*result.warnings, *_row_warnings(result.tables)]
    noted = list(dict.fromkeys(shown(warning) for warning in said))
    for warning in noted:
        context.log.warning("Cue %r: %s", key, warning)
    progress.report(key, asset, "computed", noted)
    seconds = time.perf_counter() - began
    context.log.info("Cue %r: %s In %.2f s.", key, shown(result.found), seconds)
    metadata = _pictures(result.pictures, context.log) | dict(result.metadata)
    metadata["seconds"] = round(seconds, 3)
    metadata["warnings"] = len(noted)
    if noted:
        metadata["what to look at"] = markdown_list(noted)
    output = dg.Output(
        CueTables(result.tables, fingerprint, code_version, version, started_at, look.cue_id),
        metadata=metadata,
        data_version=dg.DataVersion(version),
    )
    return output, result.judges


def made_in(run: dg.DagsterRun) -> frozenset[str] | None:
    """Return the assets that a run makes; None: all, for it names nothing."""
    if not run.asset_selection and not run.asset_check_selection:
        return None
    return frozenset(key.path[-1] for key in run.asset_selection or ())


def _pictures(
    pictures: Mapping[str, Callable[[], str | None]], log: logging.Logger
) -> dict[str, Any]:
    """Draw; a picture that cannot be drawn is no reason to lose the rows."""
    drawn: dict[str, Any] = {}
    for name, draw in pictures.items():
        try:
            svg = draw()
        except Exception as e:  # noqa: BLE001 - whatever it is, it is only a picture
            log.warning("The picture %r could not be drawn: %s: %s", name, type(e).__name__, e)
            continue
        if svg is not None:
            drawn[name] = picture(name, svg)
    return drawn


def _row_warnings(tables: "Tables") -> list[str]:
    """Return what the rows themselves warn of, each text with its file's name."""
    from pandas import DataFrame

    found = []
    for rows in tables.values():
        if not isinstance(rows, DataFrame) or "warnings" not in rows:
            continue
        paths = rows["file_path"] if "file_path" in rows else [""] * len(rows)
        for path, texts in zip(paths, rows["warnings"], strict=True):
            found += with_file(path, texts)
    return found


def with_file(path: str, warnings: Iterable[str]) -> list[str]:
    """Return what a row warns of, each text with its file's name."""
    name = PurePosixPath(path).name
    return [text if name in text else f"{path!r}: {text}" for text in warnings]


def _upstream_versions(store: Store, key: str, asset: str) -> dict[str, str | None]:
    ready = {row.asset: row.data_version for row in store.ledger(key) if row.state == "ready"}
    return {up: ready.get(up) for up in graph.node(asset).upstream}


def _threads() -> int:
    """Threads per asset: all processors, unless the launcher says how many cues run at once."""
    return max(1, int(os.environ.get("CUE_PIPELINE_THREADS", "0")) or (os.cpu_count() or 1))
