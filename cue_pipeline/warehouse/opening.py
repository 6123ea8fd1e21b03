"""The warehouse at a URL, opened once by a process and kept."""

import os
from functools import lru_cache
from pathlib import Path

from cue_pipeline.warehouse.store import Store


def open_store(database_url: str) -> Store:
    """Return the warehouse at a URL, its schema created or checked, one per process and URL.

    Raises
    ------
    WarehouseError
        If the database cannot be reached or its schema does not fit the program.
    """
    # The path of a SQLite file may be relative to the working directory.
    return _open_store(database_url, os.getcwd())  # noqa: PTH109 - a key, not a path


def require_database(database_url: str) -> None:
    """Refuse a SQLite file that does not exist: a mistyped URL would make an empty one.

    Raises
    ------
    WarehouseError
        If there is no such file. Other databases say so when they are connected to.
    """
    from cue_pipeline.errors import WarehouseError
    from cue_pipeline.warehouse.engine import describe

    file = missing_file(database_url)
    if file is not None:
        raise WarehouseError(
            f"There is no database {describe(database_url)}: '{file}' does not exist. Run "
            "`cue-pipeline process BASE_DIR` first, which writes it; or give the file that it has "
            "written (--database-url, DATABASE_URL), best by its absolute path."
        )


def missing_file(database_url: str) -> Path | None:
    """Return the absolute path of a SQLite file that does not exist, None for other databases."""
    from cue_pipeline.warehouse.engine import normalise_url

    url = normalise_url(database_url)
    file = url.database if url.get_backend_name() == "sqlite" and "uri" not in url.query else None
    if not file or file == ":memory:" or Path(file).expanduser().is_file():
        return None
    return Path(file).expanduser().absolute()


def open_for_reading(database_url: str) -> Store:
    """Return the warehouse at a URL for readers: nothing is created, upgraded or written.

    Raises
    ------
    WarehouseError
        If there is no such database, it holds none of the program's tables, or its schema is older
        or newer than the program's.
    """
    from cue_pipeline.errors import SchemaError, WarehouseError
    from cue_pipeline.warehouse import migrations
    from cue_pipeline.warehouse.engine import create_engine, describe, normalise_url

    url = normalise_url(database_url)
    where = describe(url)
    require_database(database_url)
    engine = create_engine(url, read_only=True)
    found = migrations.current(engine)
    if found is None:
        raise WarehouseError(
            f"Database {where} holds no cues: it has none of the program's tables. Run "
            "`cue-pipeline process BASE_DIR` with this DATABASE_URL first, or give the URL of the "
            "database that was filled."
        )
    if found != migrations.HEAD:
        migrations.refuse_newer(found, engine.url)
        raise SchemaError(
            f"Database {where} has schema {found}; this program reads {migrations.HEAD}. Run "
            "`cue-pipeline db upgrade` on it; rows and decisions stay."
        )
    return Store(engine)


@lru_cache(maxsize=4)
def _open_store(database_url: str, _: str) -> Store:
    from cue_pipeline.warehouse.engine import create_engine
    from cue_pipeline.warehouse.migrations import ensure_schema

    engine = create_engine(database_url)
    ensure_schema(engine)
    return Store(engine)
