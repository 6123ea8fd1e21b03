"""The group ``cue-pipeline align``: its commands and their options."""

from __future__ import annotations

from pathlib import Path

import click

from cue_pipeline.cli.context import configured, fork_server, known_cue, open_store
from cue_pipeline.cli.database_option import DatabaseGroup

_MIDI = click.option(
    "--midi",
    "midi_file",
    default="",
    metavar="FILE",
    help="Only of this MIDI file of the cue, where it has several.",
)
_STEM = click.option("--stem", default="", metavar="NAME", help="Only in this stem, or mix.")


@click.group(cls=DatabaseGroup)
def align() -> None:
    """Show or state where in a cue's recordings its score is heard."""


@align.command(short_help="Show the clock of CUE_KEY.")
@click.argument("cue_key")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
def show(cue_key: str, as_json: bool) -> None:
    """Show where the score of CUE_KEY is heard in each stem and mix, and what tells it."""
    settings = configured()
    store = open_store(settings)
    from cue_pipeline.cli import align as clocks

    clocks.show(store, known_cue(store, settings, cue_key), as_json=as_json)


@align.command(name="set", short_help="State the clock of CUE_KEY.")
@click.argument("cue_key")
@_STEM
@_MIDI
@click.option("--lag", type=float, metavar="SECONDS", help="Where in it the score begins.")
@click.option(
    "--tempo",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.mid",
    help="A MIDI file, of the cue or any other, with the tempo map that the take was played to.",
)
@click.option("--note", default="", help="Why, for those who read it later.")
def set_clock(
    cue_key: str, stem: str, midi_file: str, lag: float | None, tempo: Path | None, note: str
) -> None:
    """State where in the recording the score begins, or the tempo it was played to.

    --lag S: time 0 of the MIDI file is heard S seconds after the earliest stem begins; with
    --stem, after that stem's file does. Less than 0: the recording begins later than the score.
    Later runs keep it, and the ear takes it as true.
    """
    if lag is None and tempo is None:
        raise click.UsageError("Give --lag, --tempo, or both.")
    if stem and tempo is not None:
        raise click.UsageError("A tempo is that of all stems: give --tempo without --stem.")
    server = fork_server()
    settings = configured()
    store = open_store(settings)
    from cue_pipeline.cli import align as clocks

    clocks.set_clock(
        store, settings, server, known_cue(store, settings, cue_key),
        stem=stem, midi_file=midi_file, lag=lag, tempo=tempo, note=note,
    )  # fmt: skip


@align.command(name="unset", short_help="Take back what was stated of CUE_KEY's clock.")
@click.argument("cue_key")
@_STEM
@_MIDI
def unset_clock(cue_key: str, stem: str, midi_file: str) -> None:
    """Take back what was stated of the clock of CUE_KEY, or of one stem or MIDI file of it."""
    server = fork_server()
    settings = configured()
    store = open_store(settings)
    from cue_pipeline.cli import align as clocks

    clocks.unset_clock(
        store, settings, server, known_cue(store, settings, cue_key), stem, midi_file
    )


@align.command(name="undo", short_help="Take the last change of CUE_KEY's clock back.")
@click.argument("cue_key")
@_STEM
@_MIDI
def undo_clock(cue_key: str, stem: str, midi_file: str) -> None:
    """Take the last change of what was stated of CUE_KEY's clock back; again: the one before it.

    Whatever it was stated of; with --stem, or --midi, of that stem, or MIDI file.
    """
    server = fork_server()
    settings = configured()
    store = open_store(settings)
    from cue_pipeline.cli import align as clocks

    clocks.undo_clock(store, settings, server, known_cue(store, settings, cue_key), stem, midi_file)


@align.command(name="log", short_help="Show who stated what of CUE_KEY's clock, and when.")
@click.argument("cue_key")
@click.option("--json", "as_json", is_flag=True, help="As a JSON list.")
def clock_log(cue_key: str, as_json: bool) -> None:
    """Show all that people stated of the clock of CUE_KEY, the oldest first."""
    settings = configured()
    store = open_store(settings)
    from cue_pipeline.cli import align as clocks

    clocks.print_log(store, known_cue(store, settings, cue_key), as_json=as_json)
