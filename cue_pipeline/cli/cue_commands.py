"""The group ``cue-pipeline cues``: its commands and their options."""

from __future__ import annotations

from pathlib import Path

import click

from cue_pipeline.cli.context import configured, known_cue, open_store, shown_database
from cue_pipeline.cli.database_option import DatabaseGroup


@click.group(cls=DatabaseGroup)
def cues() -> None:
    """Show, move or forget the cues of the library."""


@cues.command(name="list", short_help="List the cues.")
@click.option("--project", metavar="NAME", help="Only those of this project.")
@click.option("--state", type=click.Choice(["present", "missing"]), help="Only those.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON list.")
def list_cues(project: str | None, state: str | None, as_json: bool) -> None:
    """List the cues that were ever found, and whether their folders are there."""
    settings = configured()
    store = open_store(settings)
    from cue_pipeline.cli import cues as library

    library.list_cues(store, shown_database(settings), project, state, as_json=as_json)


@cues.command(name="show", short_help="Show what is known of one cue.")
@click.argument("cue_key")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
def show_cue(cue_key: str, as_json: bool) -> None:
    """Show where CUE_KEY is, was, and what of it is made and decided."""
    settings = configured()
    store = open_store(settings)
    from cue_pipeline.cli import cues as library

    pattern = settings.project_pattern
    key = known_cue(store, settings, cue_key)
    library.show_cue(store, key, project_pattern=pattern, as_json=as_json)


@cues.command(name="move", short_help="Say that the cue OLD is the folder NEW now.")
@click.argument("old")
@click.argument("new")
def move_cue(old: str, new: str) -> None:
    """Give the cue OLD the key NEW: its rows and decisions go with it.

    NEW is a folder's path below the library's root. `process` moves a cue by itself where its
    folder was renamed or moved and holds what it held; this is for where files changed on the way.
    What was made of NEW as a cue of its own is made from OLD's rows then, as far as files changed.
    """
    settings = configured()
    store = open_store(settings)
    from cue_pipeline.cli import cues as library

    library.move_cue(store, settings, known_cue(store, settings, old), new)


@cues.command(short_help="Say that the library lies in NEW_ROOT now.")
@click.argument("new_root", type=click.Path(path_type=Path))
@click.option(
    "--from",
    "old_root",
    type=click.Path(path_type=Path),
    metavar="OLD_ROOT",
    help="The library that is meant, where there are several.",
)
def adopt(new_root: Path, old_root: Path | None) -> None:
    """Have the library's cues looked for below NEW_ROOT from now on.

    For a library that was moved or copied elsewhere, keys stay. Where NEW_ROOT lies above or below
    the folder from which the cues were registered, keys become longer or shorter, and rows and
    decisions go with them. Nothing is made again.
    """
    settings = configured()
    store = open_store(settings)
    from cue_pipeline.cli import cues as library

    library.adopt(store, settings, new_root, old_root)


@cues.command(short_help="Remove a cue from the tables and from Dagster.")
@click.argument("cue_key")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--runs", is_flag=True, help="Remove Dagster's runs of it too.")
@click.option(
    "--export",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where its decisions go, for `cues restore`.  [default: KEY.decisions.json]",
)
def forget(cue_key: str, yes: bool, runs: bool, file: Path | None) -> None:
    """Remove all rows of CUE_KEY, its partition and, with --runs, its runs; files stay.

    What people decided about it is written to FILE first.
    """
    settings = configured()
    store = open_store(settings)
    from cue_pipeline.cli import cues as library

    library.forget(store, known_cue(store, settings, cue_key), file, yes=yes, runs=runs)


@cues.command(short_help="Store the decisions of FILE again.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--cue", "cue_key", metavar="KEY", help="As decisions about this cue.")
def restore(file: Path, cue_key: str | None) -> None:
    """Store again what people had decided about a cue that was forgotten, from FILE."""
    settings = configured()
    store = open_store(settings)
    from cue_pipeline.cli import cues as library

    library.restore(store, settings, file, cue_key)
