"""The warehouse at a URL, opened once by a process and kept."""

import os
from functools import lru_cache

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


@lru_cache(maxsize=4)
def _open_store(database_url: str, _: str) -> Store:
    from cue_pipeline.warehouse.engine import create_engine
    from cue_pipeline.warehouse.migrations import ensure_schema

    engine = create_engine(database_url)
    ensure_schema(engine)
    return Store(engine)
