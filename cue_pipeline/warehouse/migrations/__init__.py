"""Revisions of the schema, and bringing a database to the program's.

Every revision works on SQLite, PostgreSQL and Aurora DSQL, whose DDL comes one statement a
transaction: there each statement says ``IF NOT EXISTS``, so that a killed upgrade is run again.
"""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from cue_pipeline.errors import SchemaError
from cue_pipeline.warehouse import tables as t
from cue_pipeline.warehouse.engine import describe
from cue_pipeline.warehouse.transaction import reading, writing
from cue_pipeline.warehouse.types import is_dsql

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = max(path.stem[1:5] for path in (Path(__file__).parent / "versions").glob("r[0-9]*.py"))
"""The revision that this program works with.

It is the greatest of those that the scripts' names begin with: alembic, which would read the
scripts themselves, is not imported where there is nothing to upgrade.
"""

VERSION_TABLE = "cue_pipeline_schema"
"""Where the revision stands; not alembic's default, which Dagster's own storage uses."""

_STEP_SECONDS = 10.0
"""Longer than another process takes for one revision on Aurora DSQL."""

_UPGRADE_LOCK = 0x637565  # any number that other programs' advisory locks will not have


def current(engine: sa.Engine) -> str | None:
    """Return the database's revision, None where it has none of the program's tables.

    Raises
    ------
    WarehouseError
        If the database cannot be reached.
    """
    with reading(engine) as connection:
        return revision_of(connection)


def upgrade(engine: sa.Engine, revision: str = "head") -> str:
    """Bring the schema to a revision, the program's own unless told otherwise.

    Safe when several processes call it at once: one works, the others wait and find it done.

    Parameters
    ----------
    engine : Engine
        Of the database.
    revision : str
        ``head``, or an earlier revision for tests.

    Returns
    -------
    str
        The revision that the database has now.

    Raises
    ------
    WarehouseError
        If the schema is newer than the program, or the database refuses.
    """
    if is_dsql(engine.dialect):
        from cue_pipeline.warehouse.migrations.dsql_ddl import upgrade_one_statement_at_a_time

        upgrade_one_statement_at_a_time(engine, revision)
    else:
        with writing(engine) as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_UPGRADE_LOCK})")
            run_revisions(connection, revision)
    return current(engine) or ""


def ensure_schema(engine: sa.Engine) -> None:
    """Make sure that the database has the program's tables; cheap where it has.

    An empty database gets them. An older SQLite file is upgraded; an older server is not, because
    other programs may be working with it. On Aurora DSQL, where each step of another process that
    makes the tables is seen, this one waits as long as there are further steps.

    Raises
    ------
    SchemaError
        If the schema is older (on a server) or newer than the program.
    """
    found = current(engine)
    if found == HEAD:
        return
    refuse_newer(found, engine.url)
    if found is not None and is_dsql(engine.dialect):
        found = _while_it_advances(engine, found)
    if found == HEAD:
        return
    if found is not None and engine.dialect.name != "sqlite":
        raise SchemaError(
            f"Database {describe(engine.url)} has schema {found}; this program needs {HEAD}. "
            "Stop other programs that use it, then run: cue-pipeline db upgrade."
        )
    upgrade(engine)


def _while_it_advances(engine: sa.Engine, found: str) -> str:
    """Return the revision at which a database stays: on Aurora DSQL others' steps are seen."""
    until = time.monotonic() + _STEP_SECONDS
    while found != HEAD and time.monotonic() < until:
        time.sleep(0.2)
        now = current(engine) or found
        if now != found:
            found, until = now, time.monotonic() + _STEP_SECONDS
    return found


def lacking(engine: sa.Engine) -> list[str]:
    """Return the tables, and the columns as ``table.column``, that a database should have.

    A database of the right revision lacks none, unless somebody took them away.
    """
    with reading(engine) as connection:
        there = set(sa.inspect(connection).get_table_names())
        found = [name for name in t.metadata.tables if name not in there]
        for name in (name for name in t.metadata.tables if name in there):
            # Not the inspector's columns: the dialect of Aurora DSQL cannot read those.
            nothing = sa.select(sa.text("*")).select_from(sa.table(name)).where(sa.false())
            columns = set(connection.execute(nothing).keys())
            declared = t.metadata.tables[name].columns
            found += [f"{name}.{c.name}" for c in declared if c.name not in columns]
    return found


def require_whole(engine: sa.Engine) -> None:
    """Refuse a database of the program's revision that lacks tables or columns all the same.

    Raises
    ------
    SchemaError
        If it does: no revision brings back what was taken away.
    """
    if missing := lacking(engine):
        raise SchemaError(
            f"Database {describe(engine.url)} has schema {HEAD}, and lacks what belongs to it: "
            f"{', '.join(missing)}. No upgrade brings that back: restore the database from a copy, "
            "or process the library into an empty one."
        )


def run_revisions(connection: sa.Connection, revision: str) -> None:
    """Run what is missing up to a revision within the connection's transaction."""
    from alembic import command

    found = revision_of(connection)
    refuse_newer(found, connection.engine.url)
    if found is None:
        _refuse_foreign(connection)
    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def alembic_config() -> "Config":
    """Return alembic's configuration: the revisions lie in this package."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "cue_pipeline.warehouse:migrations")
    return config


def revision_of(connection: sa.Connection) -> str | None:
    """Return the revision noted in a database; on Aurora DSQL there may be earlier ones beside."""
    if not connection.dialect.has_table(connection, VERSION_TABLE):
        return None
    found = connection.exec_driver_sql(f"SELECT max(version_num) FROM {VERSION_TABLE}").scalar()  # noqa: S608
    return None if found is None else str(found)


def refuse_newer(found: str | None, url: sa.URL) -> None:
    """Refuse a revision that this program does not know."""
    if found is None or found == HEAD:
        return
    from alembic.script import ScriptDirectory

    known = {s.revision for s in ScriptDirectory.from_config(alembic_config()).walk_revisions()}
    if found not in known:
        raise SchemaError(
            f"Database {describe(url)} has schema {found}, which is newer than this program's "
            f"({HEAD}). Install the version of cue-pipeline that made it, or a later one."
        )


def _refuse_foreign(connection: sa.Connection) -> None:
    there = set(sa.inspect(connection).get_table_names()) & set(t.metadata.tables)
    if there:
        raise SchemaError(
            f"Database {describe(connection.engine.url)} has tables {sorted(there)} that this "
            "program did not make. Use an empty database, or a schema of its own "
            "(?options=-csearch_path=cues)."
        )
