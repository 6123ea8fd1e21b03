"""Which process does a run, and whether it is still alive.

A run's tag names its process, so that whoever looks later, after a crash of anything between, can
tell a run that is at work from one that died with its machine. Dagster only keeps the tag; the
questions are the operating system's, and Dagster is not imported for them.
"""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

WORKER_TAG = ".dagster/cue_pipeline_worker"
"""The run's tag that names its process; Dagster's UI hides tags that begin so."""

NO_WORKER = {WORKER_TAG: ""}
"""Tag of a run whose process is not known."""

_ENDED = "ended"

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
    return "alive" if began == _began(pid) != _ENDED else "dead"


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
    return _ENDED if fields[0] in "ZX" else f"{boot[:8]}:{fields[19]}"
