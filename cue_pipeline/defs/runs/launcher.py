"""A run launcher that starts a run in some tens of milliseconds, in a process of its own.

Named in ``dagster.yaml``; Dagster's daemon makes one. See :mod:`.fork_server`. Where it cannot
serve (a run of another code location, another Python), Dagster's default launcher does.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys
import threading
from pathlib import Path

import dagster as dg

from cue_pipeline.defs.dagster_private import (
    CheckRunHealthResult,
    ConfigurableClassData,
    LaunchRunContext,
    WorkerStatus,
    queued_run,
)
from cue_pipeline.defs.runs import PRELOAD
from cue_pipeline.defs.runs.concurrency import make_pools
from cue_pipeline.defs.runs.ending import Ending, record_end
from cue_pipeline.processes.fork_client import ForkServer, ForkServerGoneError
from cue_pipeline.processes.liveness import NO_WORKER, WORKER_TAG, liveness, send

EXECUTE = "cue_pipeline.defs.runs.worker:execute_queued"

log = logging.getLogger("cue_pipeline.launcher")


class WarmRunLauncher(dg.DefaultRunLauncher):
    """Launch runs as forks of a process that has everything imported.

    Unlike Dagster's default it can tell whether a run's process is alive, so the monitoring daemon
    fails the runs of a crashed machine within its poll interval, and they are retried.
    """

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(inst_data)
        self._server = ForkServer(PRELOAD, everything=True)
        self._lock = threading.Lock()
        self._pools_made = False
        self._ending = Ending(
            lambda: self._instance if self.has_instance else None, self._server.code_of
        )

    def launch_run(self, context: LaunchRunContext) -> None:
        """Start a run's process; note on the run which it is before it begins."""
        run = context.dagster_run
        if _is_ours(run):
            try:
                self._launch_warm(run)
            except ForkServerGoneError as e:
                text = (
                    f"The run server could not be started: {e}. Dagster's default launcher starts "
                    "this run, which takes some seconds more. The daemon's output says why."
                )
                log.warning("%s", text)
                self._instance.report_engine_event(text, run, cls=type(self))
            else:
                return
        # A retry has the tags of the run that died.
        self._instance.add_run_tags(run.run_id, NO_WORKER)
        super().launch_run(context)

    def terminate(self, run_id: str) -> bool:
        """Interrupt a run's process."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        if not run.tags.get(WORKER_TAG):
            return bool(super().terminate(run_id))  # type: ignore[no-untyped-call]
        self._instance.report_run_canceling(run)
        if send(run.tags, signal.SIGINT):
            return True
        if liveness(run.tags) == "dead":
            record_end(self._instance, run_id, "The process of this run was gone already.")
            return True
        where = json.loads(run.tags[WORKER_TAG]).get("host")
        text = f"The process of this run is on {where!r}; the daemon there is to interrupt it."
        self._instance.report_engine_event(text, run, cls=type(self))
        return True

    @property
    def supports_check_run_worker_health(self) -> bool:
        """It does."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Return whether a run's process is alive; running, where that cannot be known."""
        if liveness(run.tags) == "dead":
            return CheckRunHealthResult(WorkerStatus.FAILED, "the process of this run is gone")
        return CheckRunHealthResult(WorkerStatus.RUNNING)

    def dispose(self) -> None:
        """End the fork server; runs go on."""
        self._server.close()

    def _launch_warm(self, run: dg.DagsterRun) -> None:
        """Fork, tag, go.

        In this order: a process that has begun writes its run's record too, and one of the two
        writings could be lost; and a run that is under way is never without its process's name.
        """
        with self._lock:  # once for each launcher
            if not self._pools_made:
                make_pools(self._instance)
            self._pools_made = True
        threads = os.environ.get("CUE_PIPELINE_THREADS", self._share())
        told = queued_run(run, self._instance)
        fork = self._server.fork(EXECUTE, told, env={"CUE_PIPELINE_THREADS": threads})
        self._instance.add_run_tags(run.run_id, fork.tags)
        self._ending.watch(run.run_id, fork)
        with contextlib.suppress(OSError):  # it was killed while it waited
            fork.connection.send("go")

    def _share(self) -> str:
        """Return the threads of a run, so that runs side by side share the processors."""
        queue = self._instance.get_concurrency_config().run_queue_config
        at_once = queue.max_concurrent_runs if queue else 1
        return str(max(1, (os.cpu_count() or 1) // max(1, at_once)))


def _is_ours(run: dg.DagsterRun) -> bool:
    """Whether a run is of this package, by this Python, in this working directory."""
    if run.job_code_origin is None:
        return False
    repository = run.job_code_origin.repository_origin
    module = getattr(repository.code_pointer, "module", "")
    directory = getattr(repository.code_pointer, "working_directory", None) or Path.cwd()
    return (
        module.startswith("cue_pipeline.")
        and repository.container_image is None
        and repository.executable_path == sys.executable
        and Path(directory).resolve() == Path.cwd().resolve()
    )
