"""Transactions whose failures a user can understand."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import sqlalchemy as sa

from cue_pipeline.warehouse.dsql import repeat_on_conflict
from cue_pipeline.warehouse.engine import SQLITE_BUSY_SECONDS, WRITE_OPTION, connect
from cue_pipeline.warehouse.failures import warehouse_error
from cue_pipeline.warehouse.types import is_dsql, is_postgresql

T = TypeVar("T")

LOCK_SECONDS = SQLITE_BUSY_SECONDS
"""How long a writer waits for another one of the same cue."""


@contextmanager
def driver_failures(url: sa.URL) -> Iterator[None]:
    """Turn errors of SQLAlchemy and of the drivers below it into a :class:`WarehouseError`."""
    import sqlite3

    import psycopg2

    try:
        yield
    except (sa.exc.DBAPIError, psycopg2.Error, sqlite3.Error) as e:
        raise warehouse_error(e, url) from e


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open a transaction that sees one state of the database, however many queries it makes."""
    connection = connect(engine)
    with driver_failures(engine.url), connection:
        if engine.dialect.name == "postgresql":
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            yield connection


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open a transaction that writes: all of it happens, or nothing."""
    connection = connect(engine).execution_options(**{WRITE_OPTION: True})
    with driver_failures(engine.url), connection, connection.begin():
        if is_postgresql(engine.dialect) and not is_dsql(engine.dialect):
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
        yield connection


def write(engine: sa.Engine, work: Callable[[sa.Connection], T]) -> T:
    """Run one transaction that writes, again where Aurora DSQL says that it lost a race.

    Parameters
    ----------
    engine : Engine
        Of the database.
    work : callable
        Takes the connection; may run several times, each time from its beginning.
    """
    if not is_dsql(engine.dialect):
        with writing(engine) as connection:
            return work(connection)

    def once() -> T:
        with connect(engine) as connection, connection.begin():
            return work(connection)

    with driver_failures(engine.url):
        return repeat_on_conflict(once)
