"""The group ``cue-pipeline export``: its commands and their options."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from cue_pipeline.cli.context import configured
from cue_pipeline.cli.database_option import DatabaseGroup
from cue_pipeline.cli.saying import say

F = TypeVar("F", bound=Callable[..., Any])


@click.group(cls=DatabaseGroup)
def export() -> None:
    """Write a data set to train on, or verify one."""


_root = click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where the cues are now, if the library has moved.",
)


_include_changed = click.option(
    "--include-changed",
    is_flag=True,
    help="Take cues whose files changed after their rows were made; they are left out otherwise.",
)


def _sample_rate(default: int) -> Callable[[F], F]:
    return click.option(
        "--sample-rate",
        type=click.IntRange(8_000, 192_000),
        default=default,
        show_default=True,
        metavar="HZ",
        help="Of the FLAC files.",
    )


def asked_for(command: F) -> F:
    """Add what every format takes: OUT, --license, --split, --root, --resume."""
    for option in (
        click.option("--resume", is_flag=True, help="Go on with an export that did not end."),
        _root,
        click.option("--split", metavar="NAME", help="Only cues of this split."),
        click.option(
            "--license",
            "license_",
            metavar="TEXT",
            required=True,
            help="Under which the data set is handed on; it is written into it.",
        ),
        click.argument("out", type=click.Path(path_type=Path)),
    ):
        command = option(command)
    return command


def _numbers(_: click.Context, __: click.Parameter, text: str | None) -> tuple[int, ...] | None:
    """Return MIDI controllers that were given with commas between them."""
    if text is None:
        return None
    words = [word.strip() for word in text.split(",")]
    wrong = [word for word in words if not (word.isdigit() and int(word) < 128)]
    if wrong:
        raise click.BadParameter(f"controllers are numbers from 0 to 127, not {', '.join(wrong)}.")
    return tuple(map(int, words))


def _kinds(_: click.Context, __: click.Parameter, text: str | None) -> tuple[str, ...]:
    """Return kinds of features that were given with commas between them."""
    return tuple(word.strip() for word in (text or "").split(",") if word.strip())


def write_export(
    name: str,
    *,
    out: Path,
    license_: str,
    split: str | None,
    root: Path | None,
    resume: bool,
    **options: Any,
) -> None:
    """Export in a format, and say what was written."""
    settings = configured()
    from cue_pipeline.reading import open_library
    from cue_pipeline.training.exports.formats import Request, format_named
    from cue_pipeline.training.exports.manifest import read_manifest

    library = open_library(settings.database_url.get_secret_value(), root)
    request = Request(
        library,
        out,
        license_,
        split,
        resume,
        say=lambda line: say(line, err=True),
        options=options,
    )
    counts = format_named(name).write(request)
    told = ", ".join(f"{number:,} {what}" for what, number in counts.items())
    say(f"{out}: {told}.")
    left_out = sum(map(len, read_manifest(out)["description"]["left_out"].values()))
    if left_out:
        say(f"Left out: {left_out:,}. Which and why is in {out / 'README.md'}.")


@export.command(short_help="Write a pack: windows as fast as memory.")
@asked_for
@click.option("--profile", metavar="NAME", help="Which mel.  [default: default]")
@click.option(
    "--controllers",
    metavar="N,N,…",
    callback=_numbers,
    help="MIDI controllers that `cc` has.  [default: 1,2,7,11,64]",
)
@click.option(
    "--features",
    metavar="KIND,KIND,…",
    callback=_kinds,
    help="Features beside mel, of those that CUE_FEATURES chose: chroma, cqt, …  [default: none]",
)
@click.option(
    "--audio",
    type=click.IntRange(1_000, 192_000),
    metavar="HZ",
    help="Samples of stems and mixes too, at this rate.  [default: none]",
)
@click.option(
    "--audio-channels",
    type=click.Choice(["1", "2"]),
    default="1",
    show_default=True,
    help="1: the mean of all; 2: left and right.",
)
@_include_changed
def pack(**asked: Any) -> None:
    """Write all stems with a mel spectrogram into the folder OUT, to be read by memory maps.

    cue_pipeline.training.Windows opens it, and so does cue_pipeline_pack.Windows of the small wheel
    cue-pipeline-pack.
    """
    write_export("pack", **asked)


@export.command(short_help="Stems, mixes and MIDI in the folders of Slakh2100.")
@asked_for
@_sample_rate(44_100)
@_include_changed
def slakh(**asked: Any) -> None:
    """Write OUT in the layout of Slakh2100: FLAC stems, MIDI on their clock, the mix."""
    write_export("slakh", **asked)


@export.command(short_help="Cues, stems, tracks, notes and controllers as Parquet tables.")
@asked_for
def parquet(**asked: Any) -> None:
    """Write OUT as Parquet tables of events, with an index; needs cue-pipeline[parquet]."""
    write_export("parquet", **asked)


@export.command(short_help="Windows of stems, or whole cues, in tar shards.")
@asked_for
@click.option(
    "--seconds",
    type=click.FloatRange(0.1, 3_600),
    default=10.0,
    show_default=True,
    metavar="S",
    help="Length of a window.",
)
@click.option(
    "--hop",
    type=click.FloatRange(0.1, 3_600),
    metavar="S",
    help="From one window to the next.  [default: its length]",
)
@click.option("--whole", is_flag=True, help="Whole cues, all stems and mixes, in place of windows.")
@_sample_rate(48_000)
@_include_changed
@click.option(
    "--shard-mb",
    type=click.IntRange(1),
    default=256,
    show_default=True,
    metavar="MB",
    help="A shard is closed when it is this large.",
)
def webdataset(**asked: Any) -> None:
    """Write OUT as tar shards that the webdataset package reads."""
    write_export("webdataset", **asked)


@export.command(short_help="Say whether the data set OUT is whole.")
@click.argument("out", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--against-tables", is_flag=True, help="Hold it against the library too.")
@_root
def verify(out: Path, against_tables: bool, root: Path | None) -> None:
    """Say whether the files of OUT are those that an export has written, and fit each other.

    Exit code: 0 it is whole, 1 it is not, 2 it is no data set.
    """
    from cue_pipeline.training.exports.formats import format_named
    from cue_pipeline.training.exports.manifest import file_faults, read_manifest

    manifest = read_manifest(out)
    found = list(file_faults(out, manifest))
    told = f"{len(manifest['files']):,} files, all as they were written"
    form = format_named(manifest["format"])
    if not found:  # what is in damaged files says nothing
        library = None
        if against_tables:
            from cue_pipeline.reading import open_library

            library = open_library(configured().database_url.get_secret_value(), root)
            told += f"; {form.compared}: as in {library.database} now"
        found = form.faults(out, library)
    for fault in found:
        say(f"fault: {fault}", err=True)
    if found:
        sys.exit(1)
    for note in form.notes(out):
        say(f"note: {note}", err=True)
    say(f"{out}: {told}.")
