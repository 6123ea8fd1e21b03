"""The group ``cue-pipeline dataset``: what a library holds for training."""

from __future__ import annotations

from pathlib import Path

import click

from cue_pipeline.cli.context import configured
from cue_pipeline.cli.database_option import DatabaseGroup
from cue_pipeline.cli.saying import say


@click.group(cls=DatabaseGroup)
def dataset() -> None:
    """Tell what the library holds for training."""


@dataset.command(short_help="Write what it holds as a page of HTML.")
@click.argument("out", metavar="OUT.html", type=click.Path(path_type=Path, dir_okay=False))
def report(out: Path) -> None:
    """Write OUT.html: sound by category, polyphony, pitches, velocities, clocks, review, splits.

    One file without scripts, which needs no server, for light and dark screens.
    """
    settings = configured()
    from cue_pipeline.reading import open_library
    from cue_pipeline.training.census import take_census
    from cue_pipeline.training.report_page import write_report

    library = open_library(settings.database_url.get_secret_value())
    census = take_census(library, say=lambda key: say(key, err=True))
    write_report(out, census, library=library.database)
    n = sum(census.cues.values())
    left = f", {len(census.left_out)} not counted" if census.left_out else ""
    say(f"{out}: {n} cue{'s' * (n != 1)}{left}.")
