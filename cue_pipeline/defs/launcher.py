"""A run launcher that starts a run in some tens of milliseconds, in a process of its own.

Named in ``dagster.yaml``; Dagster's daemon makes one. See :mod:`cue_pipeline.defs.run_server`.
Where it cannot serve (a run of another code location, another Python), Dagster's default launcher
does.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import dagster as dg
from dagster._core.launcher.base import CheckRunHealthResult, LaunchRunContext, WorkerStatus
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import ConfigurableClassData

import cue_pipeline
from cue_pipeline.defs.liveness import WORKER_TAG, interrupt, liveness, worker_tag

START_SECONDS = 60.0
"""Limit for a run server to import everything, on a busy machine."""

PACKAGE = Path(cue_pipeline.__file__).parent

log = logging.getLogger("cue_pipeline.launcher")


class WarmRunLauncher(dg.DefaultRunLauncher):
    """Launch runs as forks of a process that has everything imported.

    Unlike Dagster's default it can tell whether a run's process is alive, so the monitoring daemon
    fails the runs of a crashed machine within its poll interval, and they are retried.
    """

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(inst_data)
        self._lock = threading.Lock()
        self._server: _RunServer | None = None

    @classmethod
    def from_config_value(
        cls,
        inst_data: ConfigurableClassData,
        config_value: Mapping[str, Any],  # noqa: ARG003
    ) -> Self:
        """Make one as ``dagster.yaml`` asks; there is nothing to configure."""
        return cls(inst_data)

    def launch_run(self, context: LaunchRunContext) -> None:
        """Start a run's process and note on the run which it is."""
        run = context.dagster_run
        pid = self._fork(run) if _is_ours(run) else None
        if pid is None:
            super().launch_run(context)
            return
        self._instance.add_run_tags(run.run_id, worker_tag(pid))

    def terminate(self, run_id: str) -> bool:
        """Interrupt a run's process."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        if WORKER_TAG not in run.tags:
            return bool(super().terminate(run_id))  # type: ignore[no-untyped-call]
        self._instance.report_run_canceling(run)
        state = liveness(run)
        if interrupt(run):
            return True
        if state == "dead":
            self._instance.report_run_canceled(run, "The process of this run was gone already.")
            return True
        where = json.loads(run.tags[WORKER_TAG]).get("host")
        self._instance.report_engine_event(
            f"The process of this run is on {where!r}; it can be interrupted from there only.",
            run,
            cls=type(self),
        )
        return False

    @property
    def supports_check_run_worker_health(self) -> bool:
        """It does."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Return whether a run's process is alive; running, where that cannot be known."""
        if liveness(run) == "dead":
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

    def _fork(self, run: dg.DagsterRun) -> int | None:
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
            for _ in range(2):
                try:
                    return self._serving().fork(run.run_id, request)
                except _ServerGoneError as e:
                    log.warning("The run server is gone (%s); another is started.", e)
                    self._server = None
        return None

    def _serving(self) -> _RunServer:
        """Return a run server that has today's code."""
        version = _code_on_disk()
        if self._server is not None and (self._server.version != version or self._server.ended):
            self._server.close()
            self._server = None
        if self._server is None:
            self._server = _RunServer(version, self._ended)
        return self._server

    def _ended(self, run_id: str, code: int) -> None:
        """Fail a run whose process ended without a word."""
        if not self.has_instance:
            return
        run = self._instance.get_run_by_id(run_id)
        if run is not None and not run.is_finished:
            how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
            if run.status == dg.DagsterRunStatus.CANCELING:
                self._instance.report_run_canceled(run)
            else:
                self._instance.report_run_failed(run, f"The process of this run {how}.")

    def _share(self) -> str:
        """Return the threads of a run, so that runs side by side share the processors."""
        queue = self._instance.get_concurrency_config().run_queue_config
        at_once = queue.max_concurrent_runs if queue else 1
        return str(max(1, (os.cpu_count() or 1) // max(1, at_once)))


class _ServerGoneError(Exception):
    """The run server ended or does not answer."""


class _RunServer:
    """The child process that forks, and the thread that listens to it."""

    def __init__(self, version: int, ended: Callable[[str, int], None]) -> None:
        self.version = version
        self.ended = False
        self._on_end = ended
        self._pids: dict[str, int] = {}
        self._news = threading.Condition()
        self._ready = False
        self._process = subprocess.Popen(
            [sys.executable, "-m", "cue_pipeline.defs.run_server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        threading.Thread(target=self._listen, name="cue_pipeline run server", daemon=True).start()
        self._wait(lambda: self._ready)

    def fork(self, run_id: str, request: Mapping[str, Any]) -> int:
        """Start a run; return its process id."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except OSError as e:
            raise _ServerGoneError(str(e)) from e
        self._wait(lambda: run_id in self._pids)
        return self._pids.pop(run_id)

    def close(self) -> None:
        """Let the server end; it does when its input closes."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    def _wait(self, until: Callable[[], bool]) -> None:
        with self._news:
            came = self._news.wait_for(lambda: until() or self.ended, timeout=START_SECONDS)
            if not came or not until():
                self._process.kill()
                raise _ServerGoneError("no answer" if not came else "it ended")

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            message = json.loads(line)
            if "code" in message:
                try:
                    self._on_end(message["run"], message["code"])
                except Exception:
                    log.exception("The end of run %s could not be noted.", message["run"])
                continue
            with self._news:
                self._ready |= "ready" in message
                if "pid" in message:
                    self._pids[message["run"]] = message["pid"]
                self._news.notify_all()
        self._process.wait()
        with self._news:
            self.ended = True
            self._news.notify_all()


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
