"""Worker processes over a queue of cues, and what is heard of them."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Literal

import dagster as dg

from cue_pipeline.defs.runs.concurrency import free_pools
from cue_pipeline.defs.runs.worker import CueBusy, CueDone, CueJob, work
from cue_pipeline.library.progress import Progress
from cue_pipeline.warehouse.store import Store

Result = Literal["processed", "up to date", "failed", "refused", "interrupted", "waiting", "to do"]


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


@dataclass(frozen=True, slots=True)
class CueLeft:
    """A cue is left to the end: another process of this machine is at it."""

    cue_key: str


Event = CueStarted | Progress | CueLeft | CueFinished


class _Worker:
    """One child process and the cue it is at."""

    def __init__(self, process: BaseProcess, connection: Connection, log: Path) -> None:
        self.process = process
        self.connection = connection
        self.log = log
        self.task: CueJob | None = None
        self.asset: str | None = None
        self.began = 0.0


class WorkerPool:
    """Workers over a queue of cues; a cue that another process is at comes last.

    Not ``ProcessPoolExecutor``: a killed child breaks that one for all, and it has no channel for
    progress.

    Parameters
    ----------
    todo : iterable of CueJob
        The queue.
    outcomes : dict of str to CueOutcome
        By cue key; filled in as cues end.
    store, instance, watch, working_directory
        As for :func:`cue_pipeline.defs.runs.process.run_plans`.
    logs : Path
        Folder for what workers print.
    """

    def __init__(
        self,
        todo: Iterable[CueJob],
        outcomes: dict[str, CueOutcome],
        store: Store,
        instance: dg.DagsterInstance,
        watch: Callable[[Event], None],
        working_directory: Path,
        logs: Path,
    ) -> None:
        self.queue = deque(todo)
        self.outcomes = outcomes
        self.store = store
        self.instance = instance
        self.watch = watch
        self.working_directory = working_directory
        self.logs = logs
        self.workers: list[_Worker] = []

    def run(self, jobs: int) -> None:
        """Run the queue to its end in so many processes; what becomes of it is in ``outcomes``."""
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

    def _messages(self) -> Iterator[tuple[_Worker, Progress | CueBusy | CueDone | None]]:
        by_connection = {w.connection: w for w in self.workers if w.task}
        for ready in wait(list(by_connection), timeout=1.0):
            worker = by_connection[ready]  # type: ignore[index]
            try:
                yield worker, worker.connection.recv()
            except (EOFError, OSError):
                yield worker, None

    def _take(self, worker: _Worker, message: Progress | CueBusy | CueDone | None) -> None:
        assert worker.task is not None
        if isinstance(message, CueBusy):
            self.watch(CueLeft(worker.task.cue_key))
            self.queue.append(replace(worker.task, patient=True))
            self._next(worker)
            return
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
            outcome.result = "processed" if message.assets else "up to date"
        else:
            outcome.result = "failed"
            if not outcome.errors:
                outcome.errors["run"] = message.error or "the run failed without a reason"
        outcome.seconds = time.monotonic() - worker.began
        outcome.assets = len(worker.task.assets if message is None else message.assets)
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
