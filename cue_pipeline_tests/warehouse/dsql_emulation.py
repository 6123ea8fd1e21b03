"""Aurora DSQL's limits on a plain PostgreSQL.

Two halves. ``dsql_limits.sql`` makes the server count rows and bytes of each transaction, and
refuse what DSQL's catalogue lacks. What only the text of a statement shows (synchronous CREATE
INDEX, SAVEPOINT, advisory locks) is refused here, by listeners on every engine whose dialect is
``auroradsql``; they also take ASYNC out of CREATE INDEX, which PostgreSQL does not know, and
inject conflicts (SQLSTATE 40001) at commit.

Not emulated: the 300 s that a transaction may take, the 60 minutes of a connection, IAM, TLS.
"""

import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.extensions
import sqlalchemy as sa
from sqlalchemy import event

LIMITS = Path(__file__).with_name("dsql_limits.sql")
REFUSED = re.compile(
    r"^\s*(SAVEPOINT|RELEASE|ROLLBACK TO|LISTEN|NOTIFY|VACUUM|SET TRANSACTION|SET LOCAL|LOCK"
    r"|CREATE TEMP|CREATE\s+(UNIQUE\s+)?INDEX\s+(?!ASYNC))"
    r"|pg_(try_)?advisory|FOR (SHARE|NO KEY UPDATE|KEY SHARE)|\bMERGE INTO\b|ALTER COLUMN .* TYPE"
    r"|SET STORAGE",
    re.IGNORECASE,
)
MOST_MESSAGE_BYTES = 10 * 1024 * 1024


class OptimisticConflict(psycopg2.OperationalError):
    """What DSQL raises at COMMIT when another transaction won."""

    pgcode = "40001"


class Conflicts:
    """How often commits lose: a number of the next ones, or a share of all at random.

    ``lost_answers`` is the share of commits that happen, but whose answer never arrives.
    """

    def __init__(self) -> None:
        self.next_commits = 0
        self.share = 0.0
        self.lost_answers = 0.0
        self.injected = 0
        self.random = random.Random(0)


def load_limits(postgres_url: str) -> None:
    """Make an empty database refuse what DSQL's server refuses."""
    with psycopg2.connect(postgres_url) as connection, connection.cursor() as cursor:
        cursor.execute(LIMITS.read_text())
    connection.close()


def set_isolation(postgres_url: str) -> None:
    """Give a copy of such a database its isolation: a template does not pass it on."""
    with psycopg2.connect(postgres_url) as connection, connection.cursor() as cursor:
        name = psycopg2.extensions.quote_ident(connection.info.dbname, connection)
        cursor.execute(
            f"ALTER DATABASE {name} SET default_transaction_isolation = 'repeatable read'"
        )
    connection.close()


def url_of(postgres_url: str) -> str:
    """Return the URL by which the program takes a PostgreSQL for Aurora DSQL."""
    return postgres_url.replace("postgresql://", "auroradsql+psycopg2://", 1) + "&sslmode=disable"


@contextmanager
def installed() -> Iterator[None]:
    """Hold every engine of the ``auroradsql`` dialect in this process to the limits."""
    event.listen(sa.Engine, "before_cursor_execute", _refuse, retval=True)
    try:
        yield
    finally:
        event.remove(sa.Engine, "before_cursor_execute", _refuse)


@contextmanager
def conflicts() -> Iterator[Conflicts]:
    """Inject conflicts into the commits of every engine of the ``auroradsql`` dialect."""
    control = Conflicts()

    def lose(connection: sa.Connection) -> None:
        if connection.dialect.name != "auroradsql":
            return
        driver = connection.connection.driver_connection
        with driver.cursor() as cursor:
            cursor.execute("SELECT emulated.noted('rows')")
            if cursor.fetchone()[0] == 0:
                return  # readers never lose
        if control.next_commits > 0 or control.random.random() < control.share:
            control.next_commits = max(0, control.next_commits - 1)
            control.injected += 1
            driver.rollback()
            raise _as_sqlalchemy(OptimisticConflict("change conflicts (OC000)"))
        if control.random.random() < control.lost_answers:
            control.injected += 1
            driver.commit()
            connection.invalidate()
            lost = psycopg2.OperationalError("server closed the connection unexpectedly")
            raise _as_sqlalchemy(lost, invalidated=True)

    event.listen(sa.Engine, "commit", lose)
    try:
        yield control
    finally:
        event.remove(sa.Engine, "commit", lose)


def _as_sqlalchemy(error: psycopg2.Error, *, invalidated: bool = False) -> sa.exc.DBAPIError:
    return sa.exc.OperationalError("COMMIT", None, error, connection_invalidated=invalidated)


def _refuse(
    connection: sa.Connection,
    cursor: Any,
    statement: str,
    parameters: Any,
    context: Any,
    executemany: bool,
) -> tuple[str, Any]:
    if connection.dialect.name != "auroradsql":
        return statement, parameters
    if REFUSED.search(statement):
        refusal = psycopg2.NotSupportedError("0A000 not supported by Aurora DSQL")
        raise sa.exc.NotSupportedError(statement, parameters, refusal)
    if parameters and not executemany:
        message = cursor.mogrify(statement, parameters)
        if len(message) > MOST_MESSAGE_BYTES:
            raise psycopg2.OperationalError("message above 10 MiB: the socket was closed")
    return re.sub(r"INDEX\s+ASYNC", "INDEX", statement, flags=re.IGNORECASE), parameters
