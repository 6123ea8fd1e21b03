"""Runs that are told to end do end, and soon, whoever told them and wherever.

``WarmRunLauncher.terminate`` interrupts a run's process where it can: on the same machine. The web
server may be in another container, a run may be deep in a computation that no interrupt reaches,
or marked as canceled at once while its process goes on. So the launcher of the daemon, whose
children the processes are, looks after those that it has started.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable, Mapping

import dagster as dg

from cue_pipeline.defs.runs.liveness import GONE, liveness, send

CANCELING = dg.DagsterRunStatus.CANCELING

LOOK_SECONDS = 2.0
"""Time between two looks, while any run is under way."""

PATIENCE_SECONDS = 15.0
"""A process that is still there so long after its run was to end is killed."""

log = logging.getLogger("cue_pipeline.launcher")


class Ending:
    """Looks at runs under way, and ends the processes of those that are to end.

    Killing is safe at any moment: an asset's rows of a cue are one transaction (on Aurora DSQL the
    ledger says ``loading`` until the last).

    Parameters
    ----------
    instance : callable
        Returns the instance, or None once it is closed.
    """

    def __init__(self, instance: Callable[[], dg.DagsterInstance | None]) -> None:
        self._instance = instance
        self._workers: dict[str, Mapping[str, str]] = {}
        self._since: dict[str, float] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def watch(self, run_id: str, worker: Mapping[str, str]) -> None:
        """Look after a run from now on, done by the process that the tag ``worker`` names."""
        with self._changed:
            self._workers[run_id] = worker
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._look_on, name="cue_pipeline ending", daemon=True
                )
                self._thread.start()

    def forget(self, run_id: str) -> None:
        """Stop looking after a run: its process has ended."""
        with self._changed:
            self._workers.pop(run_id, None)
            self._since.pop(run_id, None)
            self._changed.notify_all()

    def look(self, now: float) -> None:
        """End what is to end, as of a moment of the monotonic clock."""
        instance = self._instance()
        with self._changed:
            workers = dict(self._workers)
        if instance is None or not workers:
            return
        runs = {r.run_id: r for r in instance.get_runs(dg.RunsFilter(run_ids=list(workers)))}
        for run_id, worker in workers.items():
            run = runs.get(run_id)
            dead = liveness(worker) == "dead"
            if not dead and run and not run.is_finished and run.status != CANCELING:
                continue
            # Most end by themselves, and the run server tells, before this is seen twice.
            waited = now - self._since.setdefault(run_id, now)
            if dead and waited:
                self._bury(instance, run)
                self.forget(run_id)
            elif waited >= PATIENCE_SECONDS:
                log.warning("The process of run %s did not end; it is killed.", run_id)
                send(worker, signal.SIGKILL)
            elif 0 < waited < 2 * LOOK_SECONDS:
                send(worker, signal.SIGINT)

    @staticmethod
    def _bury(instance: dg.DagsterInstance, run: dg.DagsterRun | None) -> None:
        """Record the end of a run that neither its process nor the run server could tell of."""
        if run is None or run.is_finished:
            return
        if run.status == CANCELING:
            instance.report_run_canceled(run)
        else:
            instance.report_run_failed(run, GONE)

    def _look_on(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: not self._workers, timeout=LOOK_SECONDS)
                if not self._workers:
                    self._thread = None
                    return
            try:
                self.look(time.monotonic())
            except Exception:  # the database is away; the next look may find it again
                log.warning("Runs under way could not be looked at.", exc_info=True)
