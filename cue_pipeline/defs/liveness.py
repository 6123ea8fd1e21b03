"""Which process does a run, and whether it is still alive.

A run's tag names its process, so that whoever looks later, after a crash of anything between, can
tell a run that is at work from one that died with its machine.
"""

from __future__ import annotations

import json
import os
import signal
import socket
from pathlib import Path
from typing import Literal

import dagster as dg

WORKER_TAG = "cue_pipeline/worker"

Liveness = Literal["alive", "dead", "unknown"]


def worker_tag(pid: int | None = None) -> dict[str, str]:
    """Return the tag that names a process of this machine; this process, without ``pid``."""
    pid = pid or os.getpid()
    worker = {"host": socket.gethostname(), "pid": pid, "began": _began(pid)}
    return {WORKER_TAG: json.dumps(worker)}


def liveness(run: dg.DagsterRun) -> Liveness:
    """Return whether the process of a run is alive; unknown if it is, or was, elsewhere."""
    worker = _worker(run)
    if worker is None:
        return "unknown"
    pid, began = worker
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return "dead"
    except PermissionError:
        return "dead" if began else "unknown"  # a user's own processes can be signalled
    # The number may have been given to another process since.
    return "alive" if began == _began(pid) else "dead"


def interrupt(run: dg.DagsterRun) -> bool:
    """Ask the process of a run to stop, as Ctrl-C does; whether there was one to ask."""
    if liveness(run) != "alive":
        return False
    worker = _worker(run)
    assert worker is not None
    os.kill(worker[0], signal.SIGINT)
    return True


def fail_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark runs as failed whose process is gone; return their ids.

    A dead run would otherwise hold its cue, and a place in the queue, until it is timed out.
    """
    failed = []
    runs = instance.get_runs(
        dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING])
    )
    for run in runs:
        if liveness(run) == "dead":
            instance.report_run_failed(run, "The process of this run is gone.")
            failed.append(run.run_id)
    return failed


def _worker(run: dg.DagsterRun) -> tuple[int, str] | None:
    """Return process id and beginning of a run's process if it is of this machine."""
    try:
        worker = json.loads(run.tags[WORKER_TAG])
        host, pid, began = worker["host"], int(worker["pid"]), str(worker["began"])
    except (KeyError, ValueError, TypeError):
        return None
    return (pid, began) if host == socket.gethostname() else None


def _began(pid: int) -> str:
    """Return what tells a process from a later one of the same number; empty without /proc."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
    fields = stat[stat.rindex(")") + 2 :].split()
    return "" if fields[0] in "ZX" else f"{boot[:8]}:{fields[19]}"
