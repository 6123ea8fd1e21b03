"""What the commands say: every line of it goes through here, so that no name acts on a terminal.

Keys of cues, names of tracks and stems, paths, answers of a model and notes of people are other
people's data. ``click.echo`` is called here alone.
"""

from __future__ import annotations

import json
from typing import Any

import click

from cue_pipeline.cue.shown import shown, shown_json, shown_lines


def say(line: str, *, err: bool = False) -> None:
    """Say one line: a line end within it is some name's, and is written out."""
    click.echo(shown(line), err=err)


def say_lines(text: str, *, err: bool = False) -> None:
    """Say what may have several lines, as messages of other programs do."""
    click.echo(shown_lines(text), err=err)


def say_json(value: Any) -> None:
    """Write a value as JSON that means the same and acts on no terminal."""
    click.echo(shown_json(json.dumps(value, indent=1, ensure_ascii=False)))


MOST_OF_A_CELL = 1_000
"""Characters: a reason, with the names in it, is shorter."""


def cell(text: str) -> str:
    """Return text for a table of rich: neither markup nor command."""
    from rich.markup import escape

    return escape(shown(text, MOST_OF_A_CELL))
