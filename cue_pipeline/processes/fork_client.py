"""Processes from a fork server: asked for, named, and asked how they ended.

The other end is :mod:`.fork_server`, which says what goes between the two. What the server imports
is not imported here: a command need not wait for it.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection
from multiprocessing.reduction import send_handle
from pathlib import Path
from typing import Any, NamedTuple

from cue_pipeline.errors import CuePipelineError
from cue_pipeline.processes.liveness import worker_tag

START_SECONDS = 60.0
"""Limit for a server to import everything, on a busy machine, and answer."""

RETRY_SECONDS = 300.0
"""After a server could not be started, none is tried for so long, unless the code changes."""

PACKAGE = Path(__file__).resolve().parents[1]

log = logging.getLogger("cue_pipeline.launcher")

# Of glibc alone. Threads with a heap each keep what they freed: 45 MB of a run. Arrays of a
# megabyte and more are mapped, and so go back when they are freed, whatever lies above them: 9 MB.
_LEAN = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "1048576"}


class ForkServerGoneError(CuePipelineError):
    """No fork server can be started."""


class Fork(NamedTuple):
    """A process of a fork server."""

    pid: int
    tags: Mapping[str, str]
    """They name the process, also to who looks later (:mod:`cue_pipeline.processes.liveness`)."""
    connection: Connection
    """To what the process calls; it closes when the process ends, however that comes."""


class ForkServer:
    """A server in a process of its own, which is started again where it is gone or has old code.

    Parameters
    ----------
    preload : str
        ``module:function`` of what it imports (see :mod:`.fork_server`).
    everything : bool
        Have it import all before the first fork, not only what every worker needs.
    """

    def __init__(self, preload: str, *, everything: bool = False) -> None:
        self._preload = preload
        self._how = "everything" if everything else "first"
        self._lock = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: Connection
        self._version = 0
        self._broken = (0, 0.0, "")  # of which code, until when none is tried, and why

    def start(self) -> None:
        """Have the server import while this process does something else; else :meth:`fork` does."""
        with self._lock:
            if self._process is not None:
                return
            self._version = _code_on_disk()
            ours, theirs = multiprocessing.Pipe()
            module = "cue_pipeline.processes.fork_server"
            with theirs:
                self._process = subprocess.Popen(  # noqa: S603
                    [sys.executable, "-m", module, str(theirs.fileno()), self._preload, self._how],
                    stdin=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    env=_LEAN | os.environ,
                )
            self._control = ours

    def fork(self, call: str, *arguments: Any, env: Mapping[str, str]) -> Fork:
        """Return a new process, which calls a function with its connection and the arguments.

        Parameters
        ----------
        call : str
            ``module:function``.
        *arguments
            Anything that can be pickled.
        env : mapping of str to str
            Added to the environment that the server has.

        Raises
        ------
        ForkServerGoneError
            If no server can be started.
        """
        with self._lock:
            version = _code_on_disk()
            broken, until, why = self._broken
            if broken == version and time.monotonic() < until:
                raise ForkServerGoneError(why)
            if self._version != version:
                self.close()
            for _ in range(2):  # one that served before may have been killed
                try:
                    return self._fork((call, arguments, dict(env)))
                except (EOFError, OSError) as e:
                    code = self.close()
                    gone = code is not None and not isinstance(e, TimeoutError)
                    why = f"it ended with code {code}" if gone else str(e)
                    log.warning("The fork server is gone: %s.", why)
            self._broken = (version, time.monotonic() + RETRY_SECONDS, why)
            raise ForkServerGoneError(why)

    def code_of(self, fork: Fork) -> int | None:
        """Return how a process ended that has: its exit code, or a signal's negative number.

        To be asked once. None, where the server that forked it is gone.
        """
        with self._lock, contextlib.suppress(EOFError, OSError):
            if self._process is not None:
                self._control.send(fork.pid)
                code: int | None = self._answer()
                return code
        return None

    def close(self) -> int | None:
        """End the server, if there is one; its processes go on. Return how it ended."""
        with self._lock:
            if self._process is None:
                return None
            self._control.close()
            self._process.kill()  # it may be importing; of no effect where it has ended already
            code = self._process.wait()
            self._process = None
            return code

    def _fork(self, request: tuple[str, tuple[Any, ...], dict[str, str]]) -> Fork:
        self.start()
        ours, theirs = multiprocessing.Pipe()
        with theirs:
            self._control.send(request)
            send_handle(self._control, theirs.fileno(), None)
            pid = self._answer()
        return Fork(pid, worker_tag(pid), ours)

    def _answer(self) -> Any:
        if not self._control.poll(START_SECONDS):
            raise TimeoutError(f"no answer in {START_SECONDS:.0f} s")
        return self._control.recv()


def how_ended(code: int | None) -> str:
    """Return in words how a process ended, as :meth:`ForkServer.code_of` says it."""
    if code is None:
        return "is gone"
    return f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"


def _code_on_disk() -> int:
    """Return what changes when any of this package's code does."""
    return hash(
        tuple((str(p), p.stat().st_mtime_ns) for p in sorted(PACKAGE.rglob("*.py")) if p.is_file())
    )
