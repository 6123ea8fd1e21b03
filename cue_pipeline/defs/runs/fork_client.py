"""Processes from a fork server: asked for, named, and asked how they ended.

The other end is :mod:`cue_pipeline.defs.runs.fork_server`, which says what goes between the two.
Dagster is not needed for that, and not imported: a command need not wait for it.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection
from multiprocessing.reduction import send_handle
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import cue_pipeline
from cue_pipeline.defs.runs.liveness import worker_tag
from cue_pipeline.errors import CuePipelineError

START_SECONDS = 60.0
"""Limit for a server to import everything, on a busy machine, and answer."""

RETRY_SECONDS = 300.0
"""After a server could not be started, none is tried for so long, unless the code changes."""

PACKAGE = Path(cue_pipeline.__file__).parent

log = logging.getLogger("cue_pipeline.launcher")


class ForkServerGoneError(CuePipelineError):
    """No fork server can be started."""


class Fork(NamedTuple):
    """A process of a fork server.

    Attributes
    ----------
    pid : int
    tags : mapping of str to str
        They name the process, also to who looks later (:mod:`cue_pipeline.defs.runs.liveness`).
    connection : multiprocessing.connection.Connection
        To what the process calls; it closes when the process ends, however that comes.
    """

    pid: int
    tags: Mapping[str, str]
    connection: Connection


class _Server(NamedTuple):
    process: subprocess.Popen[bytes]
    control: Connection
    version: int
    """Of the code that it has imported."""


class ForkServer:
    """A server in a process of its own, which is started again where it is gone or has old code.

    Parameters
    ----------
    everything : bool
        Have it import all before the first fork, not only what every run needs.
    """

    def __init__(self, *, everything: bool = False) -> None:
        self._how = "everything" if everything else "first"
        self._lock = threading.RLock()
        self._server: _Server | None = None
        self._served = False
        self._broken = (0, 0.0, "")  # of which code, until when none is tried, and why

    def __enter__(self) -> ForkServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Have the server import while this process does something else."""
        with contextlib.suppress(ForkServerGoneError):  # the first fork says why
            self._serving()

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
            while True:
                control = self._serving().control
                ours, theirs = multiprocessing.Pipe()
                try:
                    control.send((call, arguments, dict(env)))
                    send_handle(control, theirs.fileno(), None)
                    pid = self._answer()
                except (EOFError, OSError) as e:
                    ours.close()
                    self._give_up(e)
                    continue
                finally:
                    theirs.close()
                self._served = True
                return Fork(pid, worker_tag(pid), ours)

    def code_of(self, fork: Fork) -> int | None:
        """Return how a process ended that has: its exit code, or a signal's negative number.

        To be asked once. None, where the server that forked it is gone.
        """
        with self._lock:
            try:
                assert self._server is not None
                self._server.control.send(fork.pid)
                code: int | None = self._answer()
            except (AssertionError, EOFError, OSError):
                return None
            return code

    def close(self) -> None:
        """End the server; its processes go on."""
        with self._lock:
            if self._server is not None:
                self._server.control.close()
                self._server.process.kill()  # it may be importing
                self._server.process.wait()
                self._server, self._served = None, False

    def _answer(self) -> Any:
        assert self._server is not None
        if not self._server.control.poll(START_SECONDS):
            raise TimeoutError(f"no answer in {START_SECONDS:.0f} s")
        return self._server.control.recv()

    def _serving(self) -> _Server:
        """Return a server that has today's code; it may be importing still."""
        with self._lock:
            version = _code_on_disk()
            if self._server is not None and self._server.version == version:
                return self._server
            self.close()
            broken, until, why = self._broken
            if broken == version and time.monotonic() < until:
                raise ForkServerGoneError(why)
            ours, theirs = multiprocessing.Pipe()
            module = "cue_pipeline.defs.runs.fork_server"
            with theirs:
                try:
                    process = subprocess.Popen(  # noqa: S603
                        [sys.executable, "-m", module, str(theirs.fileno()), self._how],
                        stdin=subprocess.DEVNULL,
                        pass_fds=[theirs.fileno()],
                    )
                except OSError as e:
                    self._tell_broken(version, str(e))
            self._server = _Server(process, ours, version)
            return self._server

    def _give_up(self, error: Exception) -> None:
        """End a server that is gone or does not answer; raise, if it never did."""
        assert self._server is not None
        process, _, version = self._server
        served = self._served
        process.kill()  # of no effect on how one ended that has
        code = process.wait()
        why = str(error) if isinstance(error, TimeoutError) else f"it ended with code {code}"
        self.close()
        if not served:
            self._tell_broken(version, why)
        log.warning("The fork server is gone (%s); another is started.", why)

    def _tell_broken(self, version: int, why: str) -> NoReturn:
        self._broken = (version, time.monotonic() + RETRY_SECONDS, why)
        raise ForkServerGoneError(why)


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
