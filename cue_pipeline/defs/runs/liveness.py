"""Which process does a run, and whether it is still alive.

A run's tag names its process, so that whoever looks later, after a crash of anything between, can
tell a run that is at work from one that died with its machine.
"""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import dagster as dg

from cue_pipeline.defs.runs.concurrency import free_pools

WORKER_TAG = ".dagster/cue_pipeline_worker"
"""The run's tag that names its process; Dagster's UI hides tags that begin so."""

NO_WORKER = {WORKER_TAG: ""}
"""Tag of a run whose process is not known."""

GONE = "The process of this run is gone."

Liveness = Literal["alive", "dead", "unknown"]


def worker_tag(pid: int | None = None) -> dict[str, str]:
    """Return the tag that names a process of this machine; this process, without ``pid``."""
    pid = pid or os.getpid()
    worker = {"host": socket.gethostname(), "pid": pid, "began": _began(pid)}
    return {WORKER_TAG: json.dumps(worker)}


def liveness(tags: Mapping[str, str]) -> Liveness:
    """Return whether the process that a run's tags name is alive.

    Unknown, if it is, or was, on another machine, or is not named.
    """
    worker = _worker(tags)
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


def send(tags: Mapping[str, str], number: signal.Signals) -> bool:
    """Send a signal to the process that a run's tags name; whether there was one."""
    worker = _worker(tags)
    if worker is None or liveness(tags) != "alive":
        return False
    try:
        os.kill(worker[0], number)
    except ProcessLookupError:
        return False
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
        if liveness(run.tags) == "dead":
            instance.report_run_failed(run, GONE)
            failed.append(run.run_id)
    free_pools(instance)
    return failed


def _worker(tags: Mapping[str, str]) -> tuple[int, str] | None:
    """Return process id and beginning of the named process if it is of this machine."""
    try:
        worker = json.loads(tags[WORKER_TAG])
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
