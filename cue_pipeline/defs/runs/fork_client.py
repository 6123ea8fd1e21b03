"""The launcher's end of the run server: it asks for processes and hears of their ends.

The other end is :mod:`cue_pipeline.defs.runs.fork_server`, which says what goes over the pipes.
"""

from __future__ import annotations

import contextlib
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

START_SECONDS = 60.0
"""Limit for a run server to import everything, on a busy machine."""

log = logging.getLogger("cue_pipeline.launcher")


class RunServerGoneError(Exception):
    """The run server could not be started, ended, or does not answer."""


class RunService:
    """The child process that forks, and the thread that listens to it.

    Parameters
    ----------
    version : int
        Of the code that the server has imported; for the launcher to compare.
    on_end : callable
        Called from the listening thread with a run's id and its process's exit code (negative:
        the signal that ended it).

    Raises
    ------
    RunServerGoneError
        If the server does not get ready within :data:`START_SECONDS`.
    """

    def __init__(self, version: int, on_end: Callable[[str, int], None]) -> None:
        self.version = version
        self.ended = False
        self._on_end = on_end
        self._pids: dict[str, int] = {}
        self._news = threading.Condition()
        self._ready = False
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "cue_pipeline.defs.runs.fork_server"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        except OSError as e:
            raise RunServerGoneError(str(e)) from e
        threading.Thread(target=self._listen, name="cue_pipeline run server", daemon=True).start()
        self._wait(lambda: self._ready)

    def fork(self, run_id: str, request: Mapping[str, Any]) -> int:
        """Make a process for a run, which waits for :meth:`go`; return its process id."""
        self._send(request)
        self._wait(lambda: run_id in self._pids)
        return self._pids.pop(run_id)

    def go(self, run_id: str) -> None:
        """Let a run's process begin."""
        self._send({"go": run_id})

    def close(self) -> None:
        """Let the server end; it does when its input closes."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()
        except (OSError, ValueError) as e:
            raise RunServerGoneError(str(e)) from e

    def _wait(self, until: Callable[[], bool]) -> None:
        with self._news:
            came = self._news.wait_for(lambda: until() or self.ended, timeout=START_SECONDS)
            if not came or not until():
                self._process.kill()
                code = self._process.wait()
                raise RunServerGoneError(
                    f"it ended with code {code}" if came else f"no answer in {START_SECONDS:.0f} s"
                )

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
