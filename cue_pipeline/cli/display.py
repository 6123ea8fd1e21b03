"""What the commands show: live progress, and tables at the end."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from cue_pipeline.cue.shown import shown, shown_lines
from cue_pipeline.library.progress import CueLeft, CueOutcome, CueStarted

if TYPE_CHECKING:
    from rich.table import Table

    from cue_pipeline.library.plan import CuePlan, LibraryPlan
    from cue_pipeline.library.progress import Event
    from cue_pipeline.library.status import AssetStatus
    from cue_pipeline.warehouse.store import Store

STATE_STYLES = {
    "ready": "green",
    "processed": "green",
    "up to date": "green",
    "stale": "yellow",
    "to do": "yellow",
    "loading": "cyan",
    "waiting": "cyan",
    "missing": "dim",
    "interrupted": "yellow",
    "failed": "bold red",
    "refused": "bold red",
}

KEY_WIDTH = 24  # columns that a cue's key needs to be read
WIDE = 110  # columns from which a reason beside its track is more than a column of syllables

LEFT = "another process is at it; left to the end"

NO_CUE_FOUND = (
    "No cue was found: no folder there, at any depth, holds both MIDI/*.mid and "
    "PT/Audio Files/*.wav (or other audio). Give the folder that your cues lie in, or write "
    "demonstration cues to look at: `cue-pipeline demo DIR`."
)


def live_display(plans: Sequence[CuePlan]) -> Any:
    """Progress bars on a terminal, plain lines otherwise."""
    return _Bars(plans) if sys.stderr.isatty() else _Lines(plans)


class _Lines:
    """One line per cue that starts or ends."""

    def __init__(self, plans: Sequence[CuePlan]) -> None:
        self.total = sum(bool(plan.assets) for plan in plans)
        self.done = 0

    def __enter__(self) -> _Lines:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __call__(self, event: Event) -> None:
        if isinstance(event, CueStarted):
            click.echo(f"{event.cue_key}: {', '.join(event.assets)}", err=True)
        elif isinstance(event, CueLeft):
            click.echo(f"{event.cue_key}: {LEFT}", err=True)
        elif isinstance(event, CueOutcome):
            self.done += 1
            click.echo(
                f"{event.cue_key}: {event.result} in {event.seconds:.1f} s "
                f"({self.done} of {self.total})",
                err=True,
            )


class _Bars:
    """One bar for the library, one per cue that runs."""

    def __init__(self, plans: Sequence[CuePlan]) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self.bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self.all = self.bars.add_task("cues", total=sum(bool(plan.assets) for plan in plans))
        self.by_cue: dict[str, Any] = {}

    def __enter__(self) -> _Bars:
        self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bars.stop()

    def __call__(self, event: Event) -> None:
        if isinstance(event, CueStarted):
            self.by_cue[event.cue_key] = self.bars.add_task(event.cue_key, total=len(event.assets))
        elif isinstance(event, CueLeft):
            self.bars.remove_task(self.by_cue.pop(event.cue_key))
            self.bars.console.print(f"{event.cue_key}: {LEFT}", markup=False, highlight=False)
        elif isinstance(event, CueOutcome):
            self.bars.remove_task(self.by_cue.pop(event.cue_key))
            self.bars.advance(self.all)
        elif event.stage == "started":
            self.bars.update(
                self.by_cue[event.cue_key], description=f"{event.cue_key} · {event.asset}"
            )
        elif event.stage in ("stored", "failed"):
            self.bars.advance(self.by_cue[event.cue_key])


def print_plan(plan: LibraryPlan) -> None:
    """Show what would be done, and why."""
    for cue in plan.cues:
        if not cue.assets:
            click.echo(f"{cue.folder.key}: {'waits for a batch' if cue.waits else 'up to date'}")
        for asset in cue.assets:
            click.echo(f"{cue.folder.key}: {asset} ({cue.reasons.get(asset, '')})")
    _print_notes(plan)
    todo = sum(bool(cue.assets) for cue in plan.cues)
    click.echo(f"{todo} of {_cues(len(plan.cues))} would be processed. Nothing was done.")


def print_outcomes(plan: LibraryPlan, outcomes: Sequence[CueOutcome], store: Store) -> None:
    """Show what became of each cue, then every warning, error and note in full."""
    if outcomes or plan.refused:
        _print_outcome_table(plan, outcomes, store)
    for o in outcomes:
        for warning in o.warnings:
            click.echo(f"warning: {o.cue_key}: {shown(warning)}")
    for o in outcomes:
        for asset, error in o.errors.items():
            click.echo(f"failed: {o.cue_key}: {asset}: {shown_lines(error)}")
    _print_notes(plan)
    counts = Counter[str](o.result for o in outcomes)
    if plan.refused:
        counts["refused"] = len(plan.refused)
    said = ", ".join(f"{n} {result}" for result, n in sorted(counts.items()))
    if said:
        click.echo(f"{_cues(len(outcomes) + len(plan.refused))}: {said}.")
    elif plan.problems:
        click.echo("No cue was processed: what looks like one was skipped, for the reasons above.")
    else:
        click.echo(NO_CUE_FOUND)
    if counts["interrupted"]:
        click.echo("What was stored is kept; the same command again makes the rest.")


def _print_outcome_table(plan: LibraryPlan, outcomes: Sequence[CueOutcome], store: Store) -> None:
    from rich.markup import escape
    from rich.table import Table

    from cue_pipeline.library.graph import GRAPH

    ready = Counter(row.cue_key for row in store.ledger() if row.state == "ready")
    rows = Counter[str]()
    for row in store.ledger():
        rows[row.cue_key] += row.row_count or 0
    table = Table()
    for heading in ("cue", "result"):
        table.add_column(heading)
    for heading in ("assets ready", "rows", "seconds", "warnings"):
        table.add_column(heading, justify="right")
    for o in outcomes:
        table.add_row(
            escape(o.cue_key),
            f"[{STATE_STYLES[o.result]}]{o.result}[/]",
            f"{ready[o.cue_key]}/{len(GRAPH)}",
            f"{rows[o.cue_key]:,}",
            f"{o.seconds:.1f}" if o.assets else "",
            str(len(o.warnings) or ""),
        )
    for key in plan.refused:
        table.add_row(escape(key), f"[{STATE_STYLES['refused']}]refused[/]", "", "", "", "")
    _console().print(table)


def _print_notes(plan: LibraryPlan) -> None:
    for problem in plan.problems:
        click.echo(f"skipped: {shown(str(problem))}")
    for key, text in plan.refused.items():
        click.echo(f"refused: {shown(key)}: {shown(text)}")
    for key in plan.gone:
        click.echo(_gone(key))
    if waiting := sum(cue.waits for cue in plan.cues):
        print_waiting(waiting)


def print_waiting(n: int) -> None:
    """Say how many cues are left without a mapping, since their question is in a batch."""
    click.echo(
        f"{_cues(n)} wait{'s' * (n == 1)} for a batch: run `cue-pipeline mappings batch collect` "
        "once it is done, then this again."
    )


def _gone(key: str) -> str:
    return f"gone: {key}: its folder is gone; its rows are kept."


def print_status(statuses: Sequence[AssetStatus], where: str, gone: Collection[str] = ()) -> None:
    """Show a table of cue × asset, then why anything is not ready.

    Parameters
    ----------
    statuses : sequence of AssetStatus
        State of every cue × asset.
    where : str
        The database, without secrets: one that is empty may be another than was meant.
    gone : collection of str
        Cues whose folder was not there when it was last looked for.
    """
    from cue_pipeline.cue.numbering import natural_key
    from cue_pipeline.library.graph import GRAPH

    if not statuses:
        click.echo(
            f"No cues in {where} yet. Run `cue-pipeline process BASE_DIR` (`cue-pipeline demo DIR` "
            "writes cues to try), or the command in the folder whose database you mean."
        )
        return
    by_cue: dict[str, list[AssetStatus]] = {}
    for s in sorted(statuses, key=lambda s: natural_key(s.cue_key)):
        by_cue.setdefault(s.cue_key, []).append(s)
    console = _console()
    needed = KEY_WIDTH + sum(len(asset) + 3 for asset in GRAPH) + 4  # with the lines between them
    console.print(_status_table(by_cue) if console.width >= needed else _status_counts(by_cue))
    for states in by_cue.values():
        for s in states:
            if s.state != "ready":
                click.echo(f"{s.state}: {s.cue_key}: {s.asset}: {s.reason}")
    for key in gone:
        click.echo(_gone(key))


def _status_table(by_cue: Mapping[str, Sequence[AssetStatus]]) -> Table:
    """Return cue × asset, which a terminal of 80 columns has no room for."""
    from rich.markup import escape
    from rich.table import Table

    from cue_pipeline.library.graph import GRAPH

    table = Table()
    table.add_column("cue", overflow="fold")
    for asset in GRAPH:
        table.add_column(asset, no_wrap=True)
    for key, states in by_cue.items():
        cells = (f"[{STATE_STYLES[s.state]}]{s.state}[/]" for s in states)
        table.add_row(escape(key), *cells)
    return table


def _status_counts(by_cue: Mapping[str, Sequence[AssetStatus]]) -> Table:
    """Return how many assets of each cue are in which state; which ones is said below it."""
    from rich.markup import escape
    from rich.table import Table

    table = Table()
    table.add_column("cue", overflow="fold")
    table.add_column("assets", overflow="fold")
    for key, states in by_cue.items():
        counts = Counter(s.state for s in states)
        said = (f"[{STATE_STYLES[state]}]{n} {state}[/]" for state, n in counts.items())
        table.add_row(escape(key), ", ".join(said))
    return table


def print_mappings(cue_key: str, rows: Sequence[dict[str, Any]]) -> None:
    """Show the track ↔ stem table of one cue; reasons below it where it would be too wide."""
    from rich.markup import escape
    from rich.table import Table

    if not rows:
        click.echo(f"{cue_key}: no tracks to show.")
        return
    console = _console()
    wide = console.width >= WIDE
    several = len({row["file_path"] for row in rows}) > 1
    table = Table()
    headings = ["file"] * several + ["track", "stem", "category", "state"] + ["method"] * wide
    for heading in headings:
        table.add_column(heading, overflow="fold")
    table.add_column("confidence" if wide else "sure", justify="right", no_wrap=True)
    if wide:
        table.add_column("reason", overflow="fold")
    for row in rows:
        confidence = row["confidence"]
        table.add_row(
            *[escape(_file_name(row))] * several,
            escape(_track_name(row)),
            escape(shown(row["canonical_name"] or "—")),
            row["instrument_category"] or "—",
            row["state"],
            *[row["method"] or ""] * wide,
            "" if confidence is None else f"{confidence:.2f}",
            *[escape(shown(row["reason"] or ""))] * wide,
        )
    console.print(table)
    for row in rows if not wide else ():
        if row["reason"]:
            place = f"{_file_name(row)}: " if several else ""
            click.echo(f"{place}{_track_name(row)}: {shown(row['reason'])}")


def _file_name(row: Mapping[str, Any]) -> str:
    return shown(str(row["file_path"]).rpartition("/")[2])


def _track_name(row: Mapping[str, Any]) -> str:
    from cue_pipeline.mapping.tracks import track_label

    return track_label(row["track_name"], row["track_index"], row["part_channel"], row["port"])


def _cues(n: int) -> str:
    return f"{n} cue{'s' * (n != 1)}"


def _console() -> Any:
    from rich.console import Console

    # Off a terminal the width is unknown: wide enough that no key is cut.
    return Console() if sys.stdout.isatty() else Console(width=160)
