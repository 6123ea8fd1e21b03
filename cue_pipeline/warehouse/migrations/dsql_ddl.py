"""Migrations on Aurora DSQL: one DDL statement a transaction, indexes built in the background."""

import random
import time

import sqlalchemy as sa
from alembic.ddl.postgresql import PostgresqlImpl
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from cue_pipeline.errors import WarehouseError
from cue_pipeline.warehouse.engine import connect
from cue_pipeline.warehouse.migrations import (
    VERSION_TABLE,
    alembic_config,
    refuse_newer,
    revision_of,
)
from cue_pipeline.warehouse.transaction import driver_failures

ATTEMPTS = 12
INDEX_WAIT_SECONDS = 3_600


class AuroraDSQLImpl(PostgresqlImpl):
    """Alembic's view of the dialect: no transaction around several statements."""

    __dialect__ = "auroradsql"
    transactional_ddl = False


def upgrade_one_statement_at_a_time(engine: sa.Engine, revision: str) -> None:
    """Run revisions with every statement in a transaction of its own, and await the indexes.

    There is no lock to take. Two processes at once meet in conflicts (OC001), and each starts
    again where it was: every statement, and the note of a revision, does nothing the second time.
    """
    with driver_failures(engine.url):
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with connect(engine).execution_options(isolation_level="AUTOCOMMIT") as connection:
                    _run_missing(connection, revision)
                break
            except sa.exc.DBAPIError:
                if attempt == ATTEMPTS:
                    raise
                time.sleep(random.uniform(0.0, 0.2 * attempt))
        _await_indexes(engine)


def _run_missing(connection: sa.Connection, revision: str) -> None:
    found = revision_of(connection)
    refuse_newer(found, connection.engine.url)
    connection.exec_driver_sql(
        f"CREATE TABLE IF NOT EXISTS {VERSION_TABLE} (version_num varchar(32) PRIMARY KEY)"
    )
    scripts = ScriptDirectory.from_config(alembic_config())
    missing = list(scripts.iterate_revisions(revision, found or "base"))[::-1]
    context = MigrationContext.configure(connection)
    for script in missing:
        with Operations.context(context):
            script.module.upgrade()
        _note(connection, script.revision)


def _note(connection: sa.Connection, revision: str) -> None:
    """Note a revision: the greatest counts, so that a slower process cannot set it back."""
    connection.exec_driver_sql(
        f"INSERT INTO {VERSION_TABLE} VALUES (%s) ON CONFLICT DO NOTHING",  # noqa: S608
        (revision,),
    )
    connection.exec_driver_sql(
        f"DELETE FROM {VERSION_TABLE} WHERE version_num < %s",  # noqa: S608
        (revision,),
    )


def _await_indexes(engine: sa.Engine) -> None:
    """Wait for ``CREATE INDEX ASYNC``: a unique index is not enforced before it is done."""
    unfinished = sa.text(
        "SELECT job_id, status FROM sys.jobs WHERE status IN ('submitted', 'processing')"
    )
    deadline = time.monotonic() + INDEX_WAIT_SECONDS
    while time.monotonic() < deadline:
        with connect(engine) as connection:
            if not connection.execute(unfinished).all():
                return
        time.sleep(1.0)
    raise WarehouseError(
        f"Aurora DSQL has been building indexes for {INDEX_WAIT_SECONDS} s. Look at sys.jobs, then "
        "run: cue-pipeline db upgrade."
    )
