"""The ends of runs: noticed, brought about where they were asked for, and recorded, all here.

Most runs end by themselves and Dagster records it. This is about the others: a process that was
killed, a machine that went down, a run that a person or a limit of time ends.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import wait

import dagster as dg

from cue_pipeline.defs.dagster_private import RunInterrupted
from cue_pipeline.defs.runs.concurrency import free_pools
from cue_pipeline.processes.fork_client import Fork, how_ended
from cue_pipeline.processes.liveness import liveness, send

CANCELING = dg.DagsterRunStatus.CANCELING

LOOK_SECONDS = 2.0
"""Time between two looks, while any run is under way."""

PATIENCE_SECONDS = 15.0
"""A process that is still there so long after its run was to end is killed."""

log = logging.getLogger("cue_pipeline.launcher")


def record_end(
    instance: dg.DagsterInstance, run_id: str, why: str, *, canceled: bool = False
) -> bool:
    """Record the end of a run that its process could not record; whether that was needed.

    It counts as failed; as ``canceled``, if somebody ended it or its record says that it is to end.
    """
    run = instance.get_run_by_id(run_id)
    if run is None or run.is_finished:
        return False
    if canceled or run.status == CANCELING:
        instance.report_run_canceled(run, why)
    else:
        instance.report_run_failed(run, why)
    free_pools(instance)
    return True


def record_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Record the end of runs whose process is gone; return their ids.

    A dead run would otherwise hold its cue, and a place in the queue, until it is timed out.
    """
    at_work = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, CANCELING])
    dead = [run.run_id for run in instance.get_runs(at_work) if liveness(run.tags) == "dead"]
    free_pools(instance)
    why = f"The process of this run {how_ended(None)}."
    return [run_id for run_id in dead if record_end(instance, run_id, why)]


@contextmanager
def ends_when_told(instance: dg.DagsterInstance, run_id: str) -> Iterator[None]:
    """Let an interrupt end the step for good if its run was told to end.

    Dagster's retry policy holds for interrupts too: the step would be tried again some seconds
    later, although a person ended its run.

    Raises
    ------
    dagster.Failure
        In place of the interrupt, if the run is being canceled or has been.
    """
    try:
        yield
    except (RunInterrupted, KeyboardInterrupt) as e:
        run = instance.get_run_by_id(run_id)
        told = run is None or run.is_finished or run.status == CANCELING
        if told:
            raise dg.Failure("The run was told to end.", allow_retries=False) from e
        raise


class Ending:
    """Looks after runs under way: records the end of each, and ends those that are to end.

    ``WarmRunLauncher.terminate`` interrupts a run's process where it can: on the same machine. The
    web server may be in another container, a run may be deep in a computation that no interrupt
    reaches, or marked as canceled at once while its process goes on. So the launcher of the daemon,
    which has started the processes, looks after them. Killing is safe at any moment: an asset's
    rows are one transaction (on Aurora DSQL the ledger says ``loading`` until the last).

    Parameters
    ----------
    instance : callable
        Returns the instance, or None once it is closed.
    code_of : callable
        Returns how a process ended, as :meth:`.fork_client.ForkServer.code_of` does.
    """

    def __init__(
        self,
        instance: Callable[[], dg.DagsterInstance | None],
        code_of: Callable[[Fork], int | None],
    ) -> None:
        self._instance = instance
        self._code_of = code_of
        self._forks: dict[str, Fork] = {}
        self._since: dict[str, float] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def watch(self, run_id: str, fork: Fork) -> None:
        """Look after a run from now on, which that process does."""
        with self._lock:
            self._forks[run_id] = fork
            if self._thread is None:
                self._thread = threading.Thread(target=self._look_on, name="ending", daemon=True)
                self._thread.start()

    def look(self, now: float) -> None:
        """End what is to end, as of a moment of the monotonic clock, and record what has ended."""
        instance, forks = self._instance(), dict(self._forks)
        if instance is None or not forks:
            return
        runs = {r.run_id: r for r in instance.get_runs(dg.RunsFilter(run_ids=list(forks)))}
        for run_id, fork in forks.items():
            run = runs.get(run_id)
            if liveness(fork.tags) == "dead":
                how = how_ended(self._code_of(fork))
                record_end(instance, run_id, f"The process of this run {how}.")
                with self._lock:
                    self._forks.pop(run_id).connection.close()
                self._since.pop(run_id, None)
            elif run is None or run.is_finished or run.status == CANCELING:
                waited = now - self._since.setdefault(run_id, now)
                if waited >= PATIENCE_SECONDS:
                    log.warning("The process of run %s did not end; it is killed.", run_id)
                    send(fork.tags, signal.SIGKILL)
                elif 0 < waited < 2 * LOOK_SECONDS:  # most end by themselves, or were told
                    send(fork.tags, signal.SIGINT)

    def _look_on(self) -> None:
        while True:
            with self._lock:
                connections = [fork.connection for fork in self._forks.values()]
                if not connections:
                    self._thread = None
                    return
            wait(connections, timeout=LOOK_SECONDS)  # one that closes is of a process that ends
            try:
                self.look(time.monotonic())
            except Exception:  # the database is away; the next look may find it again
                log.warning("Runs under way could not be looked at.", exc_info=True)
                time.sleep(LOOK_SECONDS)
