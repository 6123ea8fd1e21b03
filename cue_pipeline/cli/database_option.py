"""``--database-url``, which every command takes.

Commands and groups made by :class:`DatabaseGroup` have the option by themselves, so that a new
command cannot lack it. Its value goes into the environment while the command runs: that is where
this process reads its settings, and what worker processes, and whatever they start, inherit.
"""

from __future__ import annotations

import os
from typing import Any

import click

VARIABLE = "DATABASE_URL"
_GIVEN = "cue_pipeline.database_url"


def database_was_given() -> bool:
    """Return whether this call of the command line names its database by the option."""
    return bool(click.get_current_context().meta.get(_GIVEN))


def _use_database(ctx: click.Context, _: click.Parameter, url: str | None) -> None:
    if not url:
        return
    before = os.environ.get(VARIABLE)

    def restore() -> None:
        if before is None:
            os.environ.pop(VARIABLE, None)
        else:
            os.environ[VARIABLE] = before

    ctx.call_on_close(restore)
    ctx.meta[_GIVEN] = True
    os.environ[VARIABLE] = url


class _TakesDatabaseUrl(click.Command):
    """Adds the option to what it is mixed into."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.params.append(
            click.Option(
                ["--database-url"],
                metavar="URL",
                expose_value=False,
                callback=_use_database,
                help=f"Where the tables are, instead of {VARIABLE}.",
            )
        )


class DatabaseCommand(_TakesDatabaseUrl):
    """A command that takes ``--database-url``."""


class DatabaseGroup(_TakesDatabaseUrl, click.Group):
    """A group that takes ``--database-url``, as do all commands and groups made by it."""

    command_class = DatabaseCommand
    group_class = type
