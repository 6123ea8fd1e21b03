"""The Dagster instance that the command line and the UI share."""

import contextlib
import fcntl
import os
import re
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg

from cue_pipeline.errors import SettingsError

HOME_NAME = ".dagster_home"

DEFAULT_DAGSTER_YAML = """\
telemetry:
  enabled: false
nux:
  enabled: false
"""


def open_instance(working_directory: Path) -> dg.DagsterInstance:
    """Return the instance of ``DAGSTER_HOME`` if set, else the one under the working directory.

    Where the working directory has a ``dagster.yaml`` (a checkout), that file says where things
    are, as it does for ``dagster dev``; anywhere else ``.dagster_home/`` is made.

    Raises
    ------
    SettingsError
        If ``DAGSTER_HOME`` cannot be used, or what its ``dagster.yaml`` says does not work.
    """
    home = os.environ.get("DAGSTER_HOME")
    if home:
        if not Path(home).is_absolute():
            raise SettingsError(
                f"DAGSTER_HOME is {home!r}, which is not an absolute path. Dagster needs one: "
                "write the whole path, or unset it to use .dagster_home/ here."
            )
        with alone_in(Path(home)), _told_plainly(Path(home)):
            return dg.DagsterInstance.get()
    made = working_directory / HOME_NAME
    with alone_in(made), _told_plainly(made):
        if (working_directory / "dagster.yaml").is_file():
            return dg.DagsterInstance.from_config(str(working_directory))
        if not (made / "dagster.yaml").exists():
            (made / "dagster.yaml").write_text(DEFAULT_DAGSTER_YAML, encoding="utf-8")
        return dg.DagsterInstance.from_config(str(made))


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Make ``folder``, and let no other process of ours that asks for it be there meanwhile.

    Dagster 1.13 makes its SQLite files at the first opening. Two openings at once write the
    revision of one twice, and it can never be opened again.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise SettingsError(
            f"Dagster's records go to '{folder}', where nothing can be written: {e.strerror}. Let "
            "this user write there, or set DAGSTER_HOME to a folder where it may."
        ) from e
    with contextlib.ExitStack() as held:
        # Not where this user may only read, or where the file system has no locks: an instance on
        # PostgreSQL may be opened all the same, and one on SQLite says what it lacks.
        with contextlib.suppress(OSError):
            lock = held.enter_context((folder / "opening.lock").open("ab"))
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def records_kept_open() -> Iterator[None]:
    """Keep the SQLite files open that Dagster writes its events to meanwhile.

    Notes
    -----
    Dagster 1.13 opens a file anew for each event and each question, four hundred times a run, and
    closes it again. Whenever the last connection of a file goes, SQLite works the write-ahead log
    into the file and waits for the disk; and it waits at each commit. With one connection more, and
    ``synchronous=NORMAL`` as in the warehouse, a run hardly waits at all. A program that crashes or
    is killed loses nothing by it; a power cut may take Dagster's last records, and does not damage
    the file.
    """
    import sqlalchemy as sa

    files = _OpenFiles()
    sa.event.listen(sa.Engine, "connect", files.connected)
    try:
        yield
    finally:
        sa.event.remove(sa.Engine, "connect", files.connected)
        files.close()


class _OpenFiles:
    """One connection to each of the SQLite files that were used last."""

    MOST = 8  # a run has four, and one of them is its own

    def __init__(self) -> None:
        self._kept: OrderedDict[str, sqlite3.Connection] = OrderedDict()
        self._lock = threading.Lock()  # Dagster has threads that look at the event log

    def connected(self, connection: Any, _: Any) -> None:
        """Take note of a connection that SQLAlchemy has made, of whatever database."""
        if not isinstance(connection, sqlite3.Connection):
            return
        # What is wrong with a file is for the statement to say that the connection was made for.
        with contextlib.suppress(sqlite3.Error):
            path = connection.execute("PRAGMA database_list").fetchone()[2]
            if path and connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
                connection.execute("PRAGMA synchronous=NORMAL")
                self._keep(path)

    def close(self) -> None:
        """Let go of all files."""
        with self._lock:
            while self._kept:
                self._kept.popitem()[1].close()

    def _keep(self, path: str) -> None:
        with self._lock:
            if path not in self._kept:
                kept = sqlite3.connect(path, check_same_thread=False)
                kept.execute("SELECT name FROM sqlite_master LIMIT 1").fetchall()  # opens the log
                self._kept[path] = kept
            self._kept.move_to_end(path)
            if len(self._kept) > self.MOST:
                self._kept.popitem(last=False)[1].close()


@contextlib.contextmanager
def _told_plainly(folder: Path) -> Iterator[None]:
    """Raise what goes wrong in opening an instance as one line: a user's ``dagster.yaml``, mostly.

    Dagster wraps the cause and adds a schema and a stack; SQLAlchemy a statement and a link.
    """
    try:
        yield
    except Exception as e:
        cause: BaseException = e
        while cause.__cause__ is not None:
            cause = cause.__cause__
        said = " ".join(str(getattr(cause, "orig", None) or cause).split())
        said = re.sub(r"^Errors whilst .*?Error 1: ", "", said).split(" Stack Trace:")[0]
        raise SettingsError(
            f"Dagster's instance in '{folder}' cannot be opened: {said.rstrip('.')}. See that its "
            "dagster.yaml is right, that the settings which it names are set (a PostgreSQL URL "
            "begins with postgresql+psycopg2://), and that its database can be reached."
        ) from e
