"""Migrations on Aurora DSQL: one DDL statement a transaction, indexes built in the background."""

import time

import sqlalchemy as sa
from alembic.ddl.postgresql import PostgresqlImpl

from cue_pipeline.errors import WarehouseError
from cue_pipeline.warehouse.dsql import repeat_on_conflict
from cue_pipeline.warehouse.engine import connect
from cue_pipeline.warehouse.migrations import run_revisions
from cue_pipeline.warehouse.transaction import driver_failures

INDEX_WAIT_SECONDS = 3_600


class AuroraDSQLImpl(PostgresqlImpl):
    """Alembic's view of the dialect: no transaction around several statements."""

    __dialect__ = "auroradsql"
    transactional_ddl = False


def upgrade_one_statement_at_a_time(engine: sa.Engine, revision: str) -> None:
    """Run revisions with every statement in a transaction of its own, and await the indexes.

    Two processes at once meet in conflicts (OC001), or find that the other has noted the revision
    already; either is repeated, and finds what is there.
    """

    def run() -> None:
        with connect(engine).execution_options(isolation_level="AUTOCOMMIT") as connection:
            run_revisions(connection, revision)

    with driver_failures(engine.url):
        try:
            repeat_on_conflict(run)
        except sa.exc.IntegrityError:
            repeat_on_conflict(run)
        _await_indexes(engine)


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
