"""A process that has everything imported, and forks a run worker of itself when asked.

Started by :class:`cue_pipeline.defs.runs.launcher.WarmRunLauncher`, one per daemon. A fresh worker
takes 2 to 4 seconds to import Dagster and this package; a fork of a process that has done so takes
20 ms. Each run still has a process of its own: its memory is given back when it ends, and a killed
run takes nothing with it.

Protocol: JSON, one object a line. In: ``{"run": id, "arguments": [...], "env": {...}}`` makes a
process, which waits for ``{"go": id}``. Out: ``{"ready": true}`` once, ``{"run": id, "pid": n}``
for each, ``{"run": id, "code": n}`` when one has ended; negative codes are signals. When standard
input closes, the server ends; workers that have begun go on, those that wait end.

Nothing may be imported before a fork that opens a connection or starts a thread, but for the
pools of OpenBLAS, which stop before a fork and start again after it.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import selectors
import signal
import sys
from typing import Any, NoReturn

ROOMS = (
    "cue", "midi", "audio", "hearing", "mapping", "warehouse", "library", "pictures", "defs",
)  # fmt: skip
"""Rooms of this package of which every module is imported; ``definitions`` reads the settings as
they are at its import, so each run imports that itself."""

PRELOADED = (
    "alembic.context",
    "dagster._cli.api",
    "dagster._core.definitions.external_asset",
    "dagster._core.definitions.repository_definition.repository_data_builder",
    "dagster._core.execution.plan.active",
    "dagster._core.executor.in_process",
    "dagster._core.instance.factory",
    "dagster._core.storage.local_compute_log_manager",
    "dagster._core.storage.migration.utils",
    "dagster._core.storage.root",
    "dagster._core.storage.sqlite_storage",
    "dagster._core.system_config.composite_descent",
    "dagster._core.workspace.autodiscovery",
    "dagster._daemon.controller",
    "dagster._utils.test.definitions",
    "dagster_postgres",
    "fsspec.implementations.local",
    "importlib.resources.readers",
    "pandas.core.methods.to_dict",
    "psycopg2.extras",
    "scipy.fft",
    "scipy.optimize",
    "soundfile",
    "threadpoolctl",
    "upath.implementations.local",
    "urllib.request",
    "xml.sax.saxutils",
)
"""What a run of all assets imports of other packages."""


def main() -> None:
    """Serve until standard input closes."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # what libraries print must not mix with the replies
    _import_everything()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(0))
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    _reply(replies, ready=True)
    with selectors.DefaultSelector() as selector:
        selector.register(0, selectors.EVENT_READ)
        selector.register(woken, selectors.EVENT_READ)
        _serve(selector, woken, replies)


def _serve(selector: selectors.BaseSelector, woken: int, replies: Any) -> None:
    run_of: dict[int, str] = {}
    waiting: dict[str, int] = {}  # run → the end of a pipe that its process listens at
    pending = b""
    while True:
        ready = {key.fd for key, _ in selector.select()}
        if woken in ready:
            os.read(woken, 4096)
        _tell_ended(run_of, waiting, replies)
        if 0 not in ready:
            continue
        read = os.read(0, 1 << 16)
        if not read:
            return
        *lines, pending = (pending + read).split(b"\n")
        for line in lines:
            request = json.loads(line)
            if "go" in request:
                if (told := waiting.pop(request["go"], None)) is not None:
                    _release(told)
                continue
            heard, told = os.pipe()
            pid = os.fork()
            if pid == 0:
                for other in (told, *waiting.values()):
                    os.close(other)
                _work(request, heard)
            os.close(heard)
            run_of[pid], waiting[request["run"]] = request["run"], told
            _reply(replies, run=request["run"], pid=pid)


def _tell_ended(run_of: dict[int, str], waiting: dict[str, int], replies: Any) -> None:
    while run_of:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        if pid in run_of:
            run_id = run_of.pop(pid)
            if run_id in waiting:
                os.close(waiting.pop(run_id))
            _reply(replies, run=run_id, code=os.waitstatus_to_exitcode(status))


def _release(told: int) -> None:
    try:
        os.write(told, b"go")
    except BrokenPipeError:
        pass  # it was killed while it waited
    finally:
        os.close(told)


def _reply(replies: Any, **message: Any) -> None:
    try:
        replies.write(json.dumps(message) + "\n")
        replies.flush()
    except BrokenPipeError:
        os._exit(0)  # the daemon is gone; its workers go on without us


def _work(request: dict[str, Any], heard: int) -> NoReturn:
    """Become the worker of one run: when told to, do what ``dagster api execute_run …`` does."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.environ.update(request["env"])
        if not os.read(heard, 2):
            os._exit(code)  # whoever asked is gone, and has not noted this process on the run
        os.close(heard)

        from dagster._cli.api import api_cli

        api_cli.main(request["arguments"], prog_name="dagster api", standalone_mode=False)
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


def _import_everything() -> None:
    """Import what a run needs; what is missed costs each run its import, nothing more."""
    for name in PRELOADED:
        importlib.import_module(name)
    for room in ROOMS:
        package = importlib.import_module(f"cue_pipeline.{room}")
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".migrations." not in found.name:  # alembic executes these
                importlib.import_module(found.name)


if __name__ == "__main__":
    main()
