"""A process that has everything imported, and forks a worker of itself when asked.

A fresh worker takes 2 to 4 seconds to import Dagster and this package; a fork of a process that has
done so takes 20 ms. Each worker is a process of its own all the same: its memory is given back when
it ends, and one that is killed takes nothing with it.

The other end is :mod:`cue_pipeline.processes.fork_client`, which starts this module with one end of
a connection, asks one thing at a time, and gets one answer:

``(call, arguments, env)``, and a file descriptor after it
    Fork a process that calls ``module:function`` with a connection, which that descriptor is, and
    the arguments. The answer is its process id.
a process id
    How that process ended, which it has. The answer is its exit code or a signal's negative number;
    None, if it is no child of this server.

The server ends when the connection closes.

Nothing may be imported before a fork that opens a connection or starts a thread, but for the pools
of OpenBLAS, which stop before a fork and start again after it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle
from typing import Any, NoReturn


def main() -> None:
    """Serve the connection whose descriptor is the first argument, until it closes.

    The second is a function, ``module:function``, that returns the names of modules to import, most
    needed first, with "" after those that every worker needs. With ``everything`` as the third, all
    are imported before anything is answered; else the needed ones, and the rest as long as nobody
    asks.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who is at the keyboard decides what ends
    control = Connection(int(sys.argv[1]))
    os.dup2(2, 1)  # what libraries print is not for the output of a command
    gc.disable()  # a fifth of the time of the imports
    with _ending_with(control):
        modules = iter(_named(sys.argv[2])())
        for name in modules:
            if not name and sys.argv[3] != "everything":
                break
            _import(name)
        while not control.poll(0) and (name := next(modules, "")):
            _import(name)
    gc.freeze()  # what is shared with the forks stays so
    gc.enable()
    try:
        _serve(control)
    except (EOFError, OSError):  # whoever asked is gone
        os._exit(0)  # what the libraries do at an exit takes long, and may wait for a thread


@contextlib.contextmanager
def _ending_with(control: Connection) -> Iterator[None]:
    """End this process meanwhile when the other end of its connection closes.

    An import may take seconds. The thread that watches is gone before anything is forked.
    """
    stop, told = os.pipe()
    watching = threading.Thread(target=_watch, args=(control.fileno(), stop), daemon=True)
    watching.start()
    try:
        yield
    finally:
        os.write(told, b"\n")
        watching.join()
        os.close(stop)
        os.close(told)


def _watch(control: int, stop: int) -> None:
    either = select.poll()
    either.register(control, 0)  # of a hang-up is told in any case
    either.register(stop, select.POLLIN)
    if any(ready == control for ready, _ in either.poll()):
        os._exit(1)


def _serve(control: Connection) -> NoReturn:
    while True:
        request = control.recv()
        if isinstance(request, int):
            control.send(_code_of(request))
            continue
        end = recv_handle(control)
        pid = os.fork()
        if pid == 0:
            control.close()
            _work(Connection(end), *request)
        os.close(end)
        control.send(pid)


def _code_of(pid: int) -> int | None:
    try:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    except ChildProcessError:  # of an earlier server
        return None


def _work(
    connection: Connection, call: str, arguments: Sequence[Any], env: Mapping[str, str]
) -> NoReturn:
    """Become a worker: call what was asked for."""
    code = 1
    try:
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.environ.update(env)
        _named(call)(connection, *arguments)
        code = 0
    except SystemExit as e:
        code = e.code if isinstance(e.code, int) else 1
    except BaseException:  # noqa: BLE001 - whatever it was, a forked child must not go on serving
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _named(call: str) -> Callable[..., Any]:
    module, function = call.split(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return found


def _import(name: str) -> None:
    """Import a module; one that cannot be is for the run that needs it to tell of."""
    with contextlib.suppress(Exception):
        importlib.import_module(name)


if __name__ == "__main__":
    main()
