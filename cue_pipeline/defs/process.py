"""The main job: find the cues under a folder, see what each lacks, and run it, side by side.

Each cue is one Dagster run of its partition, in a warm worker process. A worker that dies takes
only its cue with it. Programs that are at one library together share its cues out
(:mod:`cue_pipeline.defs.claims`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import dagster as dg

from cue_pipeline.cue.folder import CueFolder
from cue_pipeline.cue.scan import find_cues
from cue_pipeline.defs import graph
from cue_pipeline.defs.liveness import fail_dead_runs
from cue_pipeline.defs.model import waiting_cues
from cue_pipeline.defs.partitions import PARTITIONS_NAME
from cue_pipeline.defs.pools import make_pools
from cue_pipeline.defs.status import AssetStatus, cue_status, to_do
from cue_pipeline.defs.watch import gone_cues
from cue_pipeline.defs.worker import CueJob
from cue_pipeline.defs.workers import CueOutcome, Event, WorkerPool
from cue_pipeline.errors import CueError, SettingsError
from cue_pipeline.settings import Settings
from cue_pipeline.warehouse.registry import KeyConflict, compare
from cue_pipeline.warehouse.store import LedgerRow, Store


@dataclass(frozen=True, slots=True)
class CuePlan:
    """What is to be done for one cue; nothing, if ``assets`` is empty."""

    folder: CueFolder
    assets: tuple[str, ...]
    reasons: Mapping[str, str]
    forced: bool = False
    """Done also where another process has done it meanwhile."""
    waits: bool = False
    """Its mapping is left out until the batch is collected in which the model is asked."""


@dataclass(frozen=True, slots=True)
class LibraryPlan:
    """What one call is to do: a plan per cue, and what of the folder could not be used."""

    cues: tuple[CuePlan, ...]
    problems: tuple[str, ...]
    refused: Mapping[str, str]
    gone: tuple[str, ...]


def plan_library(
    base: Path,
    store: Store,
    settings: Settings,
    *,
    force: bool = False,
    select: Collection[str] = (),
    only: Collection[str] = (),
    dry_run: bool = False,
) -> LibraryPlan:
    """Find the cues under ``base``, register them, and see what each lacks.

    Parameters
    ----------
    base : Path
        The library's root.
    store : Store
        The warehouse; cues are registered there, and those gone from ``base`` marked missing.
    settings : Settings
        They say which versions are current.
    force : bool
        Also what is up to date.
    select : collection of str
        These assets only, and what they need that is not ready. Empty: all.
    only : collection of str
        These cue keys only. Empty: all.
    dry_run : bool
        Write nothing: the cues are not registered, nor marked.

    Raises
    ------
    CueError
        If ``base`` cannot be used or a key in ``only`` is not there.
    SettingsError
        If ``select`` names no asset.
    """
    unknown = sorted(set(select) - set(graph.GRAPH))
    if unknown:
        raise SettingsError(
            f"No asset is called {unknown[0]!r}. Assets are {', '.join(graph.GRAPH)}."
        )
    scan = find_cues(base)
    folders = [folder for folder in scan.cues if not only or folder.key in only]
    absent = sorted(set(only) - {folder.key for folder in folders})
    if absent:
        raise CueError(
            f"No cue {absent[0]!r} under {str(base)!r}. A cue's key is its folder's path below the "
            f"base folder; {len(scan.cues)} were found there"
            + (f", the closest {_closest(absent[0], scan.cues)!r}." if scan.cues else ".")
        )
    refused = {
        conflict.cue_key: f"already registered from {conflict.registered_root!r}, where it still "
        "is. Give the folder above both as base, or another DATABASE_URL, so that the two cues "
        "have different keys or databases."
        for conflict in _conflicts(folders, store, dry_run=dry_run)
    }
    gone: tuple[str, ...] = ()
    if scan.cues and not only:
        gone = gone_cues(scan, scan.cues[0].root, {cue.cue_key: cue for cue in store.cues()})
        if not dry_run:
            store.mark_missing(gone)
    versions, decided = graph.code_versions(settings), store.decisions()
    ledgers, waiting = _ledgers(store), waiting_cues(settings, store)
    plans = []
    for folder in folders:
        if folder.key not in refused:
            ledger = ledgers.get(folder.key, {})
            statuses = cue_status(folder, ledger, versions, decided.get(folder.key, ""))
            plan = _plan_cue(folder, statuses, force=force, select=select)
            plans.append(_hold(plan) if folder.key in waiting else plan)
    problems = tuple(problem.text for problem in scan.problems)
    return LibraryPlan(tuple(plans), problems, refused, gone)


def _conflicts(
    folders: Sequence[CueFolder], store: Store, *, dry_run: bool
) -> tuple[KeyConflict, ...]:
    """Register the cues, or only see what that would do; return those that cannot be."""
    if not dry_run:
        return store.register_cues(folders).conflicts
    return compare({cue.cue_key: cue for cue in store.cues()}, folders)[0].conflicts


def _closest(key: str, cues: Sequence[CueFolder]) -> str:
    """Return the key that is most like what was typed."""
    from difflib import get_close_matches

    return get_close_matches(key, [cue.key for cue in cues], n=1, cutoff=0.0)[0]


def run_plans(
    plans: Sequence[CuePlan],
    store: Store,
    instance: dg.DagsterInstance,
    *,
    jobs: int,
    watch: Callable[[Event], None],
    working_directory: Path,
) -> list[CueOutcome]:
    """Run the cues of ``plans``, ``jobs`` at once, and return what became of each.

    Parameters
    ----------
    plans : sequence of CuePlan
        Those with nothing to do are reported as up to date, or waiting, without a run.
    store : Store
        The warehouse, for what the ledger says at the end.
    instance : dagster.DagsterInstance
        Where the runs are recorded; it must be the one that a worker opens.
    jobs : int
        Worker processes.
    watch : callable
        Called with each event, in this process.
    working_directory : Path
        Where a worker looks for the instance.
    """
    outcomes = {
        p.folder.key: CueOutcome(p.folder.key, "waiting" if p.waits else "up to date")
        for p in plans
    }
    todo = [plan for plan in plans if plan.assets]
    if todo:
        fail_dead_runs(instance)  # they would hold their cue and a place in the queue
        make_pools(instance)
        instance.add_dynamic_partitions(PARTITIONS_NAME, [plan.folder.key for plan in todo])
        logs = Path(instance.root_directory) / "process"
        logs.mkdir(parents=True, exist_ok=True)
        tasks = [CueJob(p.folder.key, p.assets, str(uuid4()), forced=p.forced) for p in todo]
        pool = WorkerPool(tasks, outcomes, store, instance, watch, working_directory, logs)
        pool.run(min(jobs, len(todo)))
    return list(outcomes.values())


def _ledgers(store: Store) -> dict[str, dict[str, LedgerRow]]:
    ledgers: dict[str, dict[str, LedgerRow]] = {}
    for row in store.ledger():
        ledgers.setdefault(row.cue_key, {})[row.asset] = row
    return ledgers


def _plan_cue(
    folder: CueFolder,
    statuses: Sequence[AssetStatus],
    *,
    force: bool,
    select: Collection[str],
) -> CuePlan:
    lacking = set(to_do(statuses))
    wanted = set(graph.GRAPH) if force else set(lacking)
    if select:
        needed = set(select) | {up for asset in select for up in graph.upstream_of(asset)}
        wanted = {a for a in needed if a in lacking or (force and a in select)}
    reasons = {s.asset: s.reason or "asked for by --force" for s in statuses if s.asset in wanted}
    return CuePlan(folder, tuple(a for a in graph.GRAPH if a in wanted), reasons, forced=force)


def _hold(plan: CuePlan) -> CuePlan:
    """Leave the mapping out, whose question waits in a batch."""
    assets = tuple(asset for asset in plan.assets if asset != "llm_mappings")
    return replace(plan, assets=assets, waits=assets != plan.assets)
