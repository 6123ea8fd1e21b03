"""Column types that mean the same on SQLite, PostgreSQL and Aurora DSQL."""

import json
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine


def is_postgresql(dialect: Dialect) -> bool:
    """Tell whether a dialect speaks PostgreSQL's language: PostgreSQL itself or Aurora DSQL."""
    return dialect.name in {"postgresql", "auroradsql"}


def is_dsql(dialect: Dialect) -> bool:
    """Tell whether a dialect is Aurora DSQL's, whose transactions are small and optimistic."""
    return dialect.name == "auroradsql"


class Json(TypeDecorator[Any]):
    """Lists and dictionaries: ``jsonb`` on PostgreSQL, text on SQLite.

    ``jsonb`` rather than ``json``: it can be indexed and searched, and equal values are equal.
    """

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the engine's own type."""
        if is_postgresql(dialect):
            return dialect.type_descriptor(JSONB(none_as_null=True))
        return dialect.type_descriptor(sa.Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Encode for SQLite; PostgreSQL's type encodes by itself."""
        if value is None or is_postgresql(dialect):
            return value
        return json.dumps(value, ensure_ascii=False)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Decode SQLite's text; PostgreSQL's driver has decoded already."""
        return json.loads(value) if isinstance(value, str) and not is_postgresql(dialect) else value


class Timestamp(TypeDecorator[datetime]):
    """A moment, with its time zone: ``timestamptz`` on PostgreSQL, ISO 8601 in UTC on SQLite.

    The text has a fixed width, so that it sorts and compares as the moments do.
    """

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the engine's own type."""
        if is_postgresql(dialect):
            return dialect.type_descriptor(sa.DateTime(timezone=True))
        return dialect.type_descriptor(sa.Text())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Refuse moments without a time zone, which mean something else elsewhere."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        return value if is_postgresql(dialect) else timestamp_text(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return an aware moment in UTC."""
        if value is None:
            return None
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


@lru_cache(maxsize=64)  # thousands of rows are written at one moment
def timestamp_text(moment: datetime) -> str:
    """Return a moment as SQLite holds it: ``2026-11-22T20:21:25.000000+00:00``."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def now() -> datetime:
    """Return this moment in UTC."""
    return datetime.now(UTC)
