"""The main job: run what each cue lacks, side by side, and hear how far that is.

Each cue is one Dagster run of its partition, in a worker forked from a process that has everything
imported. A worker that dies takes only its cue with it. Programs that are at one library together
share its cues out: a worker claims its cue.

Dagster is not imported here: the workers have it, and also what records the end of one that died,
and a command that was interrupted would wait for a second import of it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from multiprocessing.connection import wait
from pathlib import Path
from uuid import uuid4

from cue_pipeline.errors import SettingsError
from cue_pipeline.library.plan import CuePlan
from cue_pipeline.library.progress import (
    CueLeft,
    CueOutcome,
    CueStarted,
    Event,
    Progress,
    Result,
)
from cue_pipeline.processes.fork_client import Fork, ForkServer, ForkServerGoneError, how_ended
from cue_pipeline.processes.liveness import send
from cue_pipeline.warehouse.store import Store

END_SECONDS = 10.0
"""A worker that is still there so long after it was told to end is killed."""

RECORD_SECONDS = 10.0
"""So long is waited until it is recorded how runs ended; else the next command does it."""

INTERRUPTED_SECONDS = 1.0
"""The same, where somebody waits at the keyboard."""


@dataclass(frozen=True, slots=True)
class CueJob:
    """One run: these assets of this cue, under this run id."""

    cue_key: str
    assets: tuple[str, ...]
    run_id: str
    forced: bool = False
    """Also what another process has made since it was planned."""
    patient: bool = False
    """Wait for another process that is at the cue, instead of saying so."""


@dataclass(frozen=True, slots=True)
class CueBusy:
    """Nothing was done: another process is at the cue."""


@dataclass(frozen=True, slots=True)
class CueDone:
    """How a run ended; without ``assets`` there was nothing left to do, and no run."""

    success: bool
    error: str | None
    assets: tuple[str, ...]


Message = Progress | CueBusy | CueDone | Path | SettingsError


def run_plans(
    plans: Sequence[CuePlan],
    store: Store,
    server: ForkServer,
    *,
    work: str,
    record_ends: str,
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
        Where the death of a worker is recorded.
    server : ForkServer
        Where workers come from; best started before the plans were made.
    work, record_ends : str
        What workers do, and what records the end of runs that could not, as ``module:function``.
    jobs : int
        Workers.
    watch : callable
        Called with each event, in this process.
    working_directory : Path
        Where a worker looks for Dagster's instance.

    Raises
    ------
    SettingsError
        If the instance cannot be opened.
    ForkServerGoneError
        If no worker can be started.
    """
    outcomes = {
        p.folder.key: CueOutcome(p.folder.key, "waiting" if p.waits else "up to date")
        for p in plans
    }
    todo = deque(
        CueJob(plan.folder.key, plan.assets, str(uuid4()), forced=plan.forced)
        for plan in plans
        if plan.assets
    )
    if todo:
        pool = _Pool(todo, outcomes, store, server, work, record_ends, watch, working_directory)
        pool.run(min(jobs, len(todo)))
    return list(outcomes.values())


@dataclass(slots=True, eq=False)
class _Worker:
    """One process and the cue it is at."""

    fork: Fork
    log: Path | None = None
    task: CueJob | None = None
    asset: str | None = None
    began: float = 0.0


@dataclass(slots=True)
class _Pool:
    """Workers over a queue of cues; a cue that another process is at comes last.

    Not ``ProcessPoolExecutor``: a killed child breaks that one for all, and it has no channel for
    progress.
    """

    queue: deque[CueJob]
    outcomes: dict[str, CueOutcome]
    store: Store
    server: ForkServer
    work: str
    record_ends: str
    watch: Callable[[Event], None]
    working_directory: Path
    workers: list[_Worker] = field(default_factory=list)

    def run(self, jobs: int) -> None:
        """Run the queue to its end in so many processes; what becomes of it is in ``outcomes``."""
        threads = max(1, (os.cpu_count() or 1) // jobs)
        try:
            while self.queue or any(w.task for w in self.workers):
                while self.queue and len(self.workers) < jobs:
                    self._start_worker(threads)
                for worker, message in self._messages():
                    self._take(worker, message)
        except KeyboardInterrupt:
            self._interrupt()
        finally:
            for worker in self.workers:
                self._stop(worker)

    def _start_worker(self, threads: int) -> None:
        env = {**os.environ, "CUE_PIPELINE_THREADS": str(threads)}  # settings among it, as of now
        worker = _Worker(self.server.fork(self.work, str(self.working_directory), env=env))
        self.workers.append(worker)
        self._next(worker)

    def _next(self, worker: _Worker) -> None:
        worker.task = self.queue.popleft() if self.queue else None
        worker.asset = None
        if worker.task is None:
            return
        worker.began = time.monotonic()
        with contextlib.suppress(OSError):  # it is dead; that is read from it, too
            worker.fork.connection.send(worker.task)
        self.watch(CueStarted(worker.task.cue_key, worker.task.assets))

    def _messages(self) -> Iterator[tuple[_Worker, Message | None]]:
        by_connection = {w.fork.connection: w for w in self.workers if w.task}
        for ready in wait(list(by_connection), timeout=1.0):
            worker = by_connection[ready]  # type: ignore[index]
            try:
                yield worker, worker.fork.connection.recv()
            except (EOFError, OSError):
                yield worker, None

    def _take(self, worker: _Worker, message: Message | None) -> None:
        assert worker.task is not None
        outcome = self.outcomes[worker.task.cue_key]
        match message:
            case Path():
                worker.log = message
            case SettingsError():
                raise message
            case Progress():
                self._note(worker, message, outcome)
            case CueBusy():
                self.watch(CueLeft(worker.task.cue_key))
                self.queue.append(replace(worker.task, patient=True))
                self._next(worker)
            case CueDone(success, error, assets):
                done: Result = "processed" if assets else "up to date"
                outcome.result = done if success else "failed"
                if not success and not outcome.errors:
                    outcome.errors["run"] = error or "the run failed without a reason"
                self._finish(worker, outcome, len(assets))
                self._next(worker)
            case None:
                self._bury(worker, worker.task, outcome)
                self._finish(worker, outcome, len(worker.task.assets))
                self.workers.remove(worker)

    def _note(self, worker: _Worker, message: Progress, outcome: CueOutcome) -> None:
        worker.asset = message.asset
        if message.stage == "failed":
            outcome.errors[message.asset] = " ".join(message.messages)
        elif message.stage == "stored":
            outcome.errors.pop(message.asset, None)  # a retry went well
        else:
            # Assets that read the same files may say the same of them.
            outcome.warnings += [m for m in message.messages if m not in outcome.warnings]
        self.watch(message)

    def _finish(self, worker: _Worker, outcome: CueOutcome, assets: int) -> None:
        outcome.seconds = time.monotonic() - worker.began
        outcome.assets = assets
        self.watch(outcome)

    def _bury(self, worker: _Worker, task: CueJob, outcome: CueOutcome) -> None:
        """Record what a dead worker can no longer record itself."""
        text = _cause_of_death(self.server.code_of(worker.fork), worker.log)
        asset = worker.asset or task.assets[0]
        outcome.result = "failed"
        outcome.errors[asset] = text
        self.store.fail(
            task.cue_key, asset, text, fingerprint="", code_version="", started_at=datetime.now(UTC)
        )
        self._record_ends([task], text)

    def _interrupt(self) -> None:
        tasks = [worker.task for worker in self.workers if worker.task]
        for worker in self.workers:
            send(worker.fork.tags, signal.SIGKILL)  # safe: an asset's rows are one transaction
        for task in [*tasks, *self.queue]:
            self.outcomes[task.cue_key].result = "interrupted"
        why = "Interrupted at the keyboard."
        self._record_ends(tasks, why, canceled=True, seconds=INTERRUPTED_SECONDS)

    def _record_ends(
        self,
        tasks: Iterable[CueJob],
        why: str,
        *,
        canceled: bool = False,
        seconds: float = RECORD_SECONDS,
    ) -> None:
        """Record how runs ended, in a process that has Dagster imported: a command has not.

        Where none can be had, or it takes longer, the next command or the daemon records it.
        """
        runs = [task.run_id for task in tasks]
        if not runs:
            return
        with contextlib.suppress(ForkServerGoneError):
            told = (str(self.working_directory), runs, why, canceled)
            fork = self.server.fork(self.record_ends, *told, env={**os.environ})
            with fork.connection:
                if not fork.connection.poll(seconds):  # it closes when the process ends
                    send(fork.tags, signal.SIGKILL)

    def _stop(self, worker: _Worker) -> None:
        with contextlib.suppress(OSError):
            worker.fork.connection.send(None)
        if not worker.fork.connection.poll(END_SECONDS):  # it closes when the process ends
            send(worker.fork.tags, signal.SIGKILL)
        worker.fork.connection.close()


def _cause_of_death(exit_code: int | None, log: Path | None) -> str:
    cause = how_ended(exit_code)
    if exit_code == -signal.SIGKILL:
        cause += ", most often because memory ran out; try again with --jobs 1"
    if log is None:
        return f"The worker process {cause}, before it could open Dagster's instance."
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    last = f" Its last words were {lines[-1].strip()!r}." if lines else ""
    return f"The worker process {cause}.{last} Its output is in {log}."
