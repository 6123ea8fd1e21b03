"""The command ``cue-pipeline search``: stems and mixes by what is known of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from cue_pipeline.cli.context import configured
from cue_pipeline.cli.database_option import DatabaseCommand
from cue_pipeline.cli.display import console
from cue_pipeline.cli.saying import cell, say, say_json

if TYPE_CHECKING:
    from cue_pipeline.reading.search import Found

_MOST = 50
_BY = "embedding"


class _Range(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4
    """``100:140``, ``100:``, ``:140``, or one number: all that is rounded to it as written."""

    name = "range"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float]:
        low, colon, high = str(value).partition(":")
        try:
            if not colon:
                return _rounded_to(low)
            least = float(low) if low else -math.inf
            most = float(high) if high else math.inf
        except (ValueError, ArithmeticError):
            self.fail(f"{value!r} is no range: write 100:140, 100:, :140 or 120.", param, ctx)
        if not least <= most:
            self.fail(f"{value!r} is empty: the smaller number comes first.", param, ctx)
        return least, most


def _rounded_to(written: str) -> tuple[float, float]:
    """Return the least and the most that is a number as written: half a last digit to each side."""
    number = Decimal(written)
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int):
        raise ValueError(f"{written!r} is no finite number.")
    half = Decimal(5).scaleb(exponent - 1)
    return float(number - half), float(number + half)


@click.command(cls=DatabaseCommand, short_help="Find stems and mixes.")
@click.argument("words", nargs=-1)
@click.option("--category", metavar="NAME", help="Stems of these instruments: Strings, Brass, ….")
@click.option("--seconds", type=_Range(), metavar="A:B", help="Length.")
@click.option("--lufs", type=_Range(), metavar="A:B", help="Integrated loudness (needs loudness).")
@click.option("--tempo", type=_Range(), metavar="A:B", help="The cue's, quarters a minute.")
@click.option("--meter", metavar="N/D", help="One that the cue has: 3/4.")
@click.option("--key", metavar="KEY", help="A key signature that the cue has: 'D minor', 'Bb'.")
@click.option("--mixes", is_flag=True, help="Mixes in place of stems.")
@click.option("--like", nargs=2, metavar="CUE STEM", help="The likest to this one first.")
@click.option(
    "--by",
    metavar="KIND",
    help=f"With --like: by which kind of feature: chroma, mel, ….  [default: {_BY}]",
)
@click.option("--limit", type=click.IntRange(1), default=_MOST, show_default=True, help="At most.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def search(
    words: tuple[str, ...],
    mixes: bool,
    like: tuple[str, str] | None,
    by: str | None,
    limit: int,
    as_json: bool,
    **asked: Any,
) -> None:
    """Find stems whose cue or name holds all WORDS, and that are as the options say.

    Ranges hold both ends: 100:140, 100: or :140. One number is what is rounded to it: 120 is 119.5
    to 120.5, and 120.0 is 119.95 to 120.05.
    """
    if by and not like:
        raise click.UsageError("--by says how sounds are compared to one: give --like CUE STEM.")
    if mixes and asked["category"]:
        raise click.UsageError("Mixes have no category: give --category without --mixes.")
    settings = configured()
    from cue_pipeline.reading import open_library
    from cue_pipeline.reading import search as of

    library = open_library(settings.database_url.get_secret_value())
    wanted = of.Wanted(kind="mix" if mixes else "stem", words=words, **asked)
    left_out: dict[str, str] = {}
    if like:
        said = of.likest(library, wanted, *like, by=by or _BY)
        found, left_out = said.found, said.left_out
    else:
        found = of.search(library, wanted)
    if as_json:
        say_json([asdict(f) for f in found[:limit]])
    else:
        _print(found[:limit], len(found), "mix" if mixes else "stem")
    if left_out:
        first, why = next(iter(left_out.items()))
        say(f"Not compared: {len(left_out)}, {first} among them: {why}", err=True)
    if (
        asked["lufs"]
        and not found
        and _none_measured(of.search(library, replace(wanted, lufs=None)))
    ):
        say(
            "Loudness is known where 'loudness' was in CUE_FEATURES when the cue was processed.",
            err=True,
        )


def _none_measured(sounds: Sequence[Found]) -> bool:
    """Tell whether there are sounds, and the loudness of none is known."""
    return bool(sounds) and all(f.lufs is None for f in sounds)


def _print(found: Sequence[Found], n: int, what: str) -> None:
    from rich.table import Table

    if found:
        table = Table()
        for heading in ("cue", what, "category"):
            table.add_column(heading, overflow="fold")
        for heading in ("seconds", "LUFS", "tempo"):
            table.add_column(heading, justify="right")
        for heading in ("meter", "key", *(["like"] if found[0].likeness is not None else [])):
            table.add_column(heading)
        for f in found:
            table.add_row(*_cells(f))
        console().print(table)
    more = f", {len(found)} of them shown" if len(found) < n else ""
    say(f"{n} {what if n == 1 else {'stem': 'stems', 'mix': 'mixes'}[what]}{more}.")


def _cells(f: Found) -> list[str]:
    tempo = "" if f.tempo is None else f"{f.tempo:.1f}{'?' if f.tempo_doubt else ''}"
    cells = [
        cell(f.cue_key), cell(f.name), cell(f.category or "—"), f"{f.seconds:.1f}",
        "" if f.lufs is None else f"{f.lufs:.1f}", tempo, " ".join(f.meters), ", ".join(f.keys),
    ]  # fmt: skip
    return cells if f.likeness is None else [*cells, f"{f.likeness:.3f}"]
