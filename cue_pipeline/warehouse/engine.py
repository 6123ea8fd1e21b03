"""Engines: from a URL as pasted to connections that are set up for bulk loads."""

import atexit
import contextlib
from pathlib import Path
from typing import Any
from weakref import WeakSet

import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy import event

from cue_pipeline.errors import WarehouseError
from cue_pipeline.warehouse import dsql
from cue_pipeline.warehouse.failures import warehouse_error
from cue_pipeline.warehouse.urls import describe, is_dsql_url, normalise_url

__all__ = ["connect", "create_engine", "describe", "normalise_url"]

SQLITE_BUSY_SECONDS = 120
"""How long a writer waits for another one of the same SQLite file."""

SQLITE_PAGE_BYTES = 16_384
"""Chunks of 512 KiB are written 1.4 times faster than with pages of 4 KiB."""

CONNECT_TIMEOUT_SECONDS = 10
WRITE_OPTION = "cue_pipeline_write"

_opened: WeakSet[sa.Engine] = WeakSet()


@atexit.register
def _close_all() -> None:
    """Close all connections: the last one to a SQLite file leaves no journal beside it."""
    for engine in list(_opened):
        engine.dispose()


def create_engine(
    url: str | SecretStr | sa.URL, *, read_only: bool = False, **options: Any
) -> sa.Engine:
    """Return an engine for a database URL as people paste it; connects at first use.

    Parameters
    ----------
    url : str, SecretStr or sqlalchemy.URL
        See :func:`cue_pipeline.warehouse.urls.normalise_url`.
    read_only : bool
        Have the database refuse whatever writes.
    **options
        Passed on to :func:`sqlalchemy.create_engine`.

    Raises
    ------
    WarehouseError
        If the URL cannot be used, or the folder of a SQLite file does not exist.
    """
    if isinstance(url, SecretStr):
        url = url.get_secret_value()
    if isinstance(url, str):
        url = normalise_url(url)
    options = {"hide_parameters": True, **options}
    engine = _engine(url, options, read_only=read_only)
    _opened.add(engine)
    return engine


def _engine(url: sa.URL, options: dict[str, Any], *, read_only: bool) -> sa.Engine:
    if url.get_backend_name() == "sqlite":
        return _sqlite_engine(url, options, read_only=read_only)
    if read_only:
        options["execution_options"] = {
            "postgresql_readonly": True,
            **options.get("execution_options", {}),
        }
    if is_dsql_url(url):
        return _dsql_engine(url, options)
    arguments = {
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "application_name": "cue-pipeline",
        **options.pop("connect_args", {}),
    }
    arguments = {k: v for k, v in arguments.items() if k not in url.query}
    return sa.create_engine(url, pool_pre_ping=True, connect_args=arguments, **options)


def connect(engine: sa.Engine) -> sa.Connection:
    """Return a connection.

    Raises
    ------
    WarehouseError
        If there is none to be had: says why, where and what to do.
    """
    try:
        return engine.connect()
    except sa.exc.DBAPIError as e:
        raise warehouse_error(e, engine.url) from None


def _sqlite_engine(url: sa.URL, options: dict[str, Any], *, read_only: bool) -> sa.Engine:
    if url.database and url.database != ":memory:" and "uri" not in url.query:
        folder = Path(url.database).expanduser().absolute().parent
        if not folder.is_dir():
            raise WarehouseError(
                f"The SQLite database '{url.database}' lies in a folder that does not exist: "
                f"{folder}. Create it, or set DATABASE_URL to another file."
            )
        url = url.set(database=str(Path(url.database).expanduser()))
    arguments = {"timeout": SQLITE_BUSY_SECONDS, **options.pop("connect_args", {})}
    engine = sa.create_engine(url, connect_args=arguments, **options)

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        # The driver's own BEGIN comes too late and is never IMMEDIATE: take it over.
        connection.isolation_level = None
        cursor = connection.cursor()
        if read_only:
            cursor.execute("PRAGMA query_only=ON")
        else:
            _set_up_for_writing(cursor)
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA cache_size=-8192")  # KiB; rows come in the order of their keys
        cursor.execute("PRAGMA temp_store=MEMORY")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        # A reader that turns writer later fails at once if another wrote meanwhile; a writer that
        # says so at the start waits its turn.
        write = connection.get_execution_options().get(WRITE_OPTION, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _set_up_for_writing(cursor: Any) -> None:
    import sqlite3

    cursor.execute(f"PRAGMA page_size={SQLITE_PAGE_BYTES}")
    with contextlib.suppress(sqlite3.OperationalError):
        # A read-only file or folder cannot change its journal, and may still be read.
        cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")


def _dsql_engine(url: sa.URL, options: dict[str, Any]) -> sa.Engine:
    region = url.query.get("region")
    url = url.difference_update_query(["region"])
    arguments = {**dsql.connect_arguments(url), **options.pop("connect_args", {})}
    engine = sa.create_engine(
        url,
        pool_pre_ping=True,
        pool_recycle=dsql.RECYCLE_SECONDS,
        connect_args=arguments,
        **options,
    )
    if url.password is None and url.host is not None:
        host, username = url.host, url.username or "admin"

        @event.listens_for(engine, "do_connect")
        def sign(_dialect: Any, _record: Any, _args: Any, parameters: dict[str, Any]) -> None:
            # A token lives minutes and a pool hours: every connection gets its own.
            parameters["password"] = dsql.auth_token(
                host, username, region if isinstance(region, str) else None
            )

    return engine
