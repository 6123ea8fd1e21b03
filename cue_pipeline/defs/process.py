"""The main job: find the cues under a folder, see what each lacks, and run it, side by side.

Each cue is one Dagster run of its partition, in a warm worker process. A worker that dies takes
only its cue with it.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Literal
from uuid import uuid4

import dagster as dg

from cue_pipeline.cue.folder import CueFolder
from cue_pipeline.cue.scan import find_cues
from cue_pipeline.defs import graph
from cue_pipeline.defs.liveness import fail_dead_runs
from cue_pipeline.defs.partitions import PARTITIONS_NAME
from cue_pipeline.defs.pools import free_pools, make_pools
from cue_pipeline.defs.progress import Progress
from cue_pipeline.defs.status import AssetStatus, cue_status, to_do
from cue_pipeline.defs.watch import gone_cues
from cue_pipeline.defs.worker import CueDone, CueJob, work
from cue_pipeline.errors import CueError, SettingsError
from cue_pipeline.settings import Settings
from cue_pipeline.warehouse.store import LedgerRow, Store

Result = Literal["processed", "up to date", "failed", "refused", "interrupted", "to do"]


@dataclass(frozen=True, slots=True)
class CuePlan:
    """What is to be done for one cue; nothing, if ``assets`` is empty."""

    folder: CueFolder
    assets: tuple[str, ...]
    reasons: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LibraryPlan:
    """What one call is to do: a plan per cue, and what of the folder could not be used."""

    cues: tuple[CuePlan, ...]
    problems: tuple[str, ...]
    refused: Mapping[str, str]
    gone: tuple[str, ...]


@dataclass(slots=True)
class CueOutcome:
    """What became of one cue."""

    cue_key: str
    result: Result
    assets: int = 0
    seconds: float = 0.0
    warnings: list[str] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CueStarted:
    """A cue's run has begun."""

    cue_key: str
    assets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CueFinished:
    """A cue's run has ended."""

    outcome: CueOutcome


Event = CueStarted | Progress | CueFinished


def plan_library(
    base: Path,
    store: Store,
    settings: Settings,
    *,
    force: bool = False,
    select: Collection[str] = (),
    only: Collection[str] = (),
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
        for conflict in store.register_cues(folders).conflicts
    }
    gone: tuple[str, ...] = ()
    if scan.cues and not only:
        gone = gone_cues(scan, scan.cues[0].root, {cue.cue_key: cue for cue in store.cues()})
        store.mark_missing(gone)
    versions, decided = graph.code_versions(settings), store.decisions()
    ledgers = _ledgers(store)
    plans = []
    for folder in folders:
        if folder.key not in refused:
            ledger = ledgers.get(folder.key, {})
            statuses = cue_status(folder, ledger, versions, decided.get(folder.key, ""))
            plans.append(_plan_cue(folder, statuses, force=force, select=select))
    problems = tuple(problem.text for problem in scan.problems)
    return LibraryPlan(tuple(plans), problems, refused, gone)


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
        Those with nothing to do are reported as up to date without a run.
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
    outcomes = {p.folder.key: CueOutcome(p.folder.key, "up to date") for p in plans}
    todo = [plan for plan in plans if plan.assets]
    if todo:
        fail_dead_runs(instance)  # they would hold their cue and a place in the queue
        make_pools(instance)
        instance.add_dynamic_partitions(PARTITIONS_NAME, [plan.folder.key for plan in todo])
        logs = Path(instance.root_directory) / "process"
        logs.mkdir(parents=True, exist_ok=True)
        pool = _Pool(todo, outcomes, store, instance, watch, working_directory, logs)
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
    return CuePlan(folder, tuple(a for a in graph.GRAPH if a in wanted), reasons)


class _Worker:
    """One child process and the cue it is at."""

    def __init__(self, process: BaseProcess, connection: Connection, log: Path) -> None:
        self.process = process
        self.connection = connection
        self.log = log
        self.task: CueJob | None = None
        self.asset: str | None = None
        self.began = 0.0


class _Pool:
    """Workers over a queue of cues.

    Not ``ProcessPoolExecutor``: a killed child breaks that one for all, and it has no channel for
    progress.
    """

    def __init__(
        self,
        todo: Sequence[CuePlan],
        outcomes: dict[str, CueOutcome],
        store: Store,
        instance: dg.DagsterInstance,
        watch: Callable[[Event], None],
        working_directory: Path,
        logs: Path,
    ) -> None:
        self.queue = deque(CueJob(p.folder.key, p.assets, str(uuid4())) for p in todo)
        self.outcomes = outcomes
        self.store = store
        self.instance = instance
        self.watch = watch
        self.working_directory = working_directory
        self.logs = logs
        self.workers: list[_Worker] = []

    def run(self, jobs: int) -> None:
        os.environ["CUE_PIPELINE_THREADS"] = str(max(1, (os.cpu_count() or 1) // jobs))
        try:
            for _ in range(jobs):
                self._start_worker()
            while self.queue or any(w.task for w in self.workers):
                for worker, message in self._messages():
                    self._take(worker, message)
        except KeyboardInterrupt:
            self._interrupt()
        finally:
            for worker in self.workers:
                self._stop(worker)

    def _start_worker(self) -> None:
        spawn = multiprocessing.get_context("spawn")
        ours, theirs = spawn.Pipe()
        log = self.logs / f"worker-{os.getpid()}-{len(self.workers)}.log"
        process = spawn.Process(
            target=work, args=(theirs, str(self.working_directory), str(log)), daemon=True
        )
        process.start()
        theirs.close()
        worker = _Worker(process, ours, log)
        self.workers.append(worker)
        self._next(worker)

    def _next(self, worker: _Worker) -> None:
        worker.task = self.queue.popleft() if self.queue else None
        worker.asset = None
        if worker.task is None:
            return
        worker.began = time.monotonic()
        worker.connection.send(worker.task)
        self.watch(CueStarted(worker.task.cue_key, worker.task.assets))

    def _messages(self) -> Iterator[tuple[_Worker, Progress | CueDone | None]]:
        by_connection = {w.connection: w for w in self.workers if w.task}
        for ready in wait(list(by_connection), timeout=1.0):
            worker = by_connection[ready]  # type: ignore[index]
            try:
                yield worker, worker.connection.recv()
            except (EOFError, OSError):
                yield worker, None

    def _take(self, worker: _Worker, message: Progress | CueDone | None) -> None:
        assert worker.task is not None
        outcome = self.outcomes[worker.task.cue_key]
        if isinstance(message, Progress):
            worker.asset = message.asset
            if message.stage == "failed":
                outcome.errors[message.asset] = " ".join(message.messages)
            elif message.stage == "stored":
                outcome.errors.pop(message.asset, None)  # a retry went well
            else:
                outcome.warnings += message.messages
            self.watch(message)
            return
        if message is None:
            self._bury(worker, outcome)
        elif message.success:
            outcome.result = "processed"
        else:
            outcome.result = "failed"
            if not outcome.errors:
                outcome.errors["run"] = message.error or "the run failed without a reason"
        outcome.seconds = time.monotonic() - worker.began
        outcome.assets = len(worker.task.assets)
        self.watch(CueFinished(outcome))
        if message is None:
            self.workers.remove(worker)
            if self.queue:
                self._start_worker()
        else:
            self._next(worker)

    def _bury(self, worker: _Worker, outcome: CueOutcome) -> None:
        """Record what a dead worker can no longer record itself."""
        assert worker.task is not None
        worker.process.join(timeout=5)
        text = _cause_of_death(worker.process.exitcode, worker.log)
        outcome.result = "failed"
        asset = worker.asset or worker.task.assets[0]
        outcome.errors[asset] = text
        self.store.fail(
            worker.task.cue_key,
            asset,
            text,
            fingerprint="",
            code_version="",
            started_at=datetime.now(UTC),
        )
        run = self.instance.get_run_by_id(worker.task.run_id)
        if run is not None and not run.is_finished:
            self.instance.report_run_failed(run, text)
        free_pools(self.instance)

    def _interrupt(self) -> None:
        for worker in self.workers:
            if worker.task is None:
                continue
            worker.process.kill()  # safe at any moment: an asset's rows are one transaction
            run = self.instance.get_run_by_id(worker.task.run_id)
            if run is not None and not run.is_finished:
                self.instance.report_run_canceled(run, "Interrupted at the keyboard.")
            self.outcomes[worker.task.cue_key].result = "interrupted"
            worker.task = None
        for job in self.queue:
            self.outcomes[job.cue_key].result = "interrupted"

    def _stop(self, worker: _Worker) -> None:
        with contextlib.suppress(BrokenPipeError, OSError):
            worker.connection.send(None)
        worker.connection.close()
        worker.process.join(timeout=10)
        if worker.process.is_alive():
            worker.process.kill()


def _cause_of_death(exit_code: int | None, log: Path) -> str:
    if exit_code is not None and exit_code < 0:
        cause = f"was killed by signal {-exit_code}"
        if exit_code == -signal.SIGKILL:
            cause += ", most often because memory ran out; try again with --jobs 1"
    else:
        cause = f"ended with exit code {exit_code}"
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    last = f" Its last words were {lines[-1].strip()!r}." if lines else ""
    return f"The worker process {cause}.{last} Its output is in {log}."
