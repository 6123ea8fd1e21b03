"""Dagster's SQLite storage, with connections that are kept open.

Dagster's own opens and closes a database for every event: it makes an engine, compiles the
statement again, and, as the last connection closes, merges and removes the write-ahead log. A run
of all assets of one cue has 95 events, and that was a third of the processor time of a run of a
small cue (0.5 of 1.4 s). The files are the same: either can be taken at any time.

Notes
-----
``_connect`` and ``connect`` are private or undocumented in Dagster, whose version is bounded for
that reason; tests hold what is written here against what Dagster's own storage reads of it.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import sqlalchemy as sa
from dagster import EventLogEntry
from dagster._core.storage import sqlite_storage as dagsters
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage
from dagster._core.storage.schedules.sqlite.sqlite_schedule_storage import SqliteScheduleStorage
from dagster._serdes import ConfigurableClassData

MOST_OPEN = 4
"""Databases kept open at once; Dagster has one for each run."""

BUSY_SECONDS = 30
"""How long one waits for another's write, as in Dagster's own storage."""


class Databases:
    """The SQLite databases that this process has open."""

    def __init__(self) -> None:
        self._engines: OrderedDict[tuple[int, str], sa.Engine] = OrderedDict()
        self._lock = threading.Lock()

    def engine(self, url: str) -> sa.Engine:
        """Return the engine of a database; that which was least recently asked for is closed."""
        place = os.getpid(), url  # a SQLite connection must not be used across a fork
        with self._lock:
            if place not in self._engines:
                self._engines[place] = _engine(url)
            self._engines.move_to_end(place)
            while len(self._engines) > MOST_OPEN:
                (pid, _), oldest = self._engines.popitem(last=False)
                oldest.dispose(close=pid == place[0])
            return self._engines[place]

    def close(self) -> None:
        """Close all."""
        with self._lock:
            for (pid, _), engine in self._engines.items():
                engine.dispose(close=pid == os.getpid())
            self._engines.clear()


def _engine(url: str) -> sa.Engine:
    engine = sa.create_engine(
        url,
        poolclass=sa.QueuePool,
        max_overflow=-1,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
    )

    @sa.event.listens_for(engine, "connect")
    def _set_up(connection: Any, _: Any) -> None:
        # With a write-ahead log this never damages a file; a power cut may take the last events.
        connection.execute("PRAGMA synchronous = NORMAL")
        # The log is merged after so many pages, and at the end, instead of after every event.
        connection.execute("PRAGMA wal_autocheckpoint = 200")

    return engine


class KeptEventLogStorage(SqliteEventLogStorage):
    """Dagster's event log in SQLite, with connections that are kept open."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._databases = Databases()
        super().__init__(base_dir, inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[sa.Connection]:
        with self._db_lock:
            engine = self._databases.engine(self.conn_string_for_shard(shard))
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
                yield connection

    def store_event(self, event: EventLogEntry) -> None:
        """Store an event, and let those know who watch the run's log."""
        super().store_event(event)
        # The UI follows a run by changes of the database's file, not of its write-ahead log.
        with contextlib.suppress(OSError):
            os.utime(self.path_for_shard(event.run_id))

    def wipe(self) -> None:
        """Remove all events."""
        self._databases.close()
        super().wipe()

    def dispose(self) -> None:
        """Close what is open."""
        super().dispose()
        self._databases.close()


class KeptRunStorage(SqliteRunStorage):
    """Dagster's run storage in SQLite, with connections that are kept open."""

    def __init__(self, conn_string: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(conn_string, inst_data)
        self._databases = Databases()

    @contextmanager
    def connect(self) -> Iterator[sa.Connection]:
        """Yield a connection in a transaction."""
        with self._databases.engine(self._conn_string).begin() as connection:
            yield connection

    def dispose(self) -> None:
        """Close what is open."""
        super().dispose()
        self._databases.close()


class KeptSqliteStorage(dagsters.DagsterSqliteStorage):
    """Named in ``dagster.yaml`` in place of ``sqlite``; it takes the same ``base_dir``."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        # Not the parent's, which would open and check Dagster's own storages first.
        self.base_dir = base_dir
        self._schedule_storage = SqliteScheduleStorage.from_local(
            dagsters._schedule_directory(base_dir)
        )
        self._inst_data = inst_data
        super(dagsters.DagsterSqliteStorage, self).__init__()  # type: ignore[no-untyped-call]
        self._run_storage = KeptRunStorage.from_local(dagsters._runs_directory(base_dir))
        self._event_log_storage = KeptEventLogStorage(dagsters._event_logs_directory(base_dir))

    @classmethod
    def from_config_value(
        cls,
        inst_data: ConfigurableClassData,
        config_value: Any,
    ) -> Self:
        """Make one as ``dagster.yaml`` asks."""
        return cls.from_local(inst_data=inst_data, **config_value)
