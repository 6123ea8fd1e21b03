"""A run launcher that starts a run in some tens of milliseconds, in a process of its own.

Named in ``dagster.yaml``; Dagster's daemon makes one. See :mod:`.fork_server`. Where it cannot
serve (a run of another code location, another Python), Dagster's default launcher does.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self

import dagster as dg
from dagster._core.launcher.base import CheckRunHealthResult, LaunchRunContext, WorkerStatus
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import ConfigurableClassData

import cue_pipeline
from cue_pipeline.defs.runs.concurrency import free_pools, make_pools
from cue_pipeline.defs.runs.ending import Ending
from cue_pipeline.defs.runs.fork_client import RunServerGoneError, RunService
from cue_pipeline.defs.runs.liveness import NO_WORKER, WORKER_TAG, liveness, send, worker_tag

RETRY_SECONDS = 300.0
"""After a run server could not be started, none is tried for so long, unless the code changes."""

PACKAGE = Path(cue_pipeline.__file__).parent

log = logging.getLogger("cue_pipeline.launcher")


class _Broken(NamedTuple):
    """A run server that could not be started: of which code, until when none is tried, and why."""

    version: int
    until: float
    why: str


class WarmRunLauncher(dg.DefaultRunLauncher):
    """Launch runs as forks of a process that has everything imported.

    Unlike Dagster's default it can tell whether a run's process is alive, so the monitoring daemon
    fails the runs of a crashed machine within its poll interval, and they are retried.
    """

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(inst_data)
        self._lock = threading.Lock()
        self._server: RunService | None = None
        self._broken: _Broken | None = None
        self._ending = Ending(lambda: self._instance if self.has_instance else None)

    @classmethod
    def from_config_value(
        cls,
        inst_data: ConfigurableClassData,
        config_value: Mapping[str, Any],  # noqa: ARG003
    ) -> Self:
        """Make one as ``dagster.yaml`` asks; there is nothing to configure."""
        return cls(inst_data)

    def launch_run(self, context: LaunchRunContext) -> None:
        """Start a run's process; note on the run which it is before it begins."""
        run = context.dagster_run
        if _is_ours(run):
            try:
                self._launch_warm(run)
            except RunServerGoneError as e:
                self._ending.forget(run.run_id)
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
        state = liveness(run.tags)
        if send(run.tags, signal.SIGINT):
            return True
        if state == "dead":
            self._instance.report_run_canceled(run, "The process of this run was gone already.")
            return True
        where = json.loads(run.tags[WORKER_TAG]).get("host")
        self._instance.report_engine_event(
            f"The process of this run is on {where!r}; the daemon there is to interrupt it.",
            run,
            cls=type(self),
        )
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
        """End the run server; runs go on."""
        with self._lock:
            if self._server is not None:
                self._server.close()
                self._server = None

    def join(self, timeout: int = 30) -> None:
        """Do not wait: runs do not need this process."""

    def _launch_warm(self, run: dg.DagsterRun) -> None:
        """Fork, tag, go.

        In this order: a process that has begun writes its run's record too, and one of the two
        writings could be lost; and a run that is under way is never without its process's name.
        """
        assert run.job_code_origin is not None
        arguments = ExecuteRunArgs(
            job_origin=run.job_code_origin,
            run_id=run.run_id,
            instance_ref=self._instance.get_ref(),
        ).get_command_args()
        request = {
            "run": run.run_id,
            "arguments": list(arguments[-2:]),
            "env": {"CUE_PIPELINE_THREADS": os.environ.get("CUE_PIPELINE_THREADS", self._share())},
        }
        with self._lock:
            if self._server is None:
                make_pools(self._instance)
            server, pid = self._fork(run.run_id, request)
        worker = worker_tag(pid)
        self._instance.add_run_tags(run.run_id, worker)
        self._ending.watch(run.run_id, worker)
        server.go(run.run_id)

    def _fork(self, run_id: str, request: Mapping[str, Any]) -> tuple[RunService, int]:
        """Return a process that waits for its go, from a server that may have to be started."""
        server = self._serving()
        try:
            return server, server.fork(run_id, request)
        except RunServerGoneError as e:
            log.warning("The run server is gone (%s); another is started.", e)
            self._server = None
        server = self._serving()
        return server, server.fork(run_id, request)

    def _serving(self) -> RunService:
        """Return a run server that has today's code."""
        version = _code_on_disk()
        if self._server is not None and (self._server.version != version or self._server.ended):
            self._server.close()
            self._server = None
        if self._server is None:
            broken = self._broken
            if broken and broken.version == version and time.monotonic() < broken.until:
                raise RunServerGoneError(broken.why)
            try:
                self._server = RunService(version, self._ended)
            except RunServerGoneError as e:
                self._broken = _Broken(version, time.monotonic() + RETRY_SECONDS, str(e))
                raise
        return self._server

    def _ended(self, run_id: str, code: int) -> None:
        """Fail a run whose process ended without a word."""
        self._ending.forget(run_id)
        if not self.has_instance:
            return
        run = self._instance.get_run_by_id(run_id)
        if run is not None and not run.is_finished:
            how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
            if run.status == dg.DagsterRunStatus.CANCELING:
                self._instance.report_run_canceled(run)
            else:
                self._instance.report_run_failed(run, f"The process of this run {how}.")
            free_pools(self._instance)

    def _share(self) -> str:
        """Return the threads of a run, so that runs side by side share the processors."""
        queue = self._instance.get_concurrency_config().run_queue_config
        at_once = queue.max_concurrent_runs if queue else 1
        return str(max(1, (os.cpu_count() or 1) // max(1, at_once)))


def _is_ours(run: dg.DagsterRun) -> bool:
    """Whether a run is of this package, by this Python."""
    if run.job_code_origin is None:
        return False
    repository = run.job_code_origin.repository_origin
    module = getattr(repository.code_pointer, "module", "")
    return (
        module.startswith("cue_pipeline.")
        and repository.container_image is None
        and repository.executable_path == sys.executable
        and not _elsewhere(repository.code_pointer)
    )


def _elsewhere(pointer: Any) -> bool:
    """Whether a code pointer wants a working directory that is not this process's."""
    directory = getattr(pointer, "working_directory", None)
    return directory is not None and Path(directory).resolve() != Path.cwd().resolve()


def _code_on_disk() -> int:
    """Return what changes when any of this package's code does."""
    return hash(
        tuple((str(p), p.stat().st_mtime_ns) for p in sorted(PACKAGE.rglob("*.py")) if p.is_file())
    )
