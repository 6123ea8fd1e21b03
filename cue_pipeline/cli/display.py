"""What the commands show: live progress, and tables at the end."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from cue_pipeline.defs.process import CueOutcome, CuePlan, Event, LibraryPlan
    from cue_pipeline.warehouse.store import Store

STATE_STYLES = {
    "ready": "green",
    "processed": "green",
    "up to date": "green",
    "stale": "yellow",
    "to do": "yellow",
    "loading": "cyan",
    "missing": "dim",
    "interrupted": "yellow",
    "failed": "bold red",
    "refused": "bold red",
}


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
        from cue_pipeline.defs.process import CueFinished, CueStarted

        if isinstance(event, CueStarted):
            click.echo(f"{event.cue_key}: {', '.join(event.assets)}", err=True)
        elif isinstance(event, CueFinished):
            self.done += 1
            o = event.outcome
            click.echo(
                f"{o.cue_key}: {o.result} in {o.seconds:.1f} s ({self.done} of {self.total})",
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
        from cue_pipeline.defs.process import CueFinished, CueStarted

        if isinstance(event, CueStarted):
            self.by_cue[event.cue_key] = self.bars.add_task(event.cue_key, total=len(event.assets))
        elif isinstance(event, CueFinished):
            self.bars.remove_task(self.by_cue.pop(event.outcome.cue_key))
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
            click.echo(f"{cue.folder.key}: up to date")
        for asset in cue.assets:
            click.echo(f"{cue.folder.key}: {asset} ({cue.reasons.get(asset, '')})")
    _print_notes(plan)
    todo = sum(bool(cue.assets) for cue in plan.cues)
    click.echo(f"{todo} of {len(plan.cues)} cues would be processed. Nothing was done.")


def print_outcomes(plan: LibraryPlan, outcomes: Sequence[CueOutcome], store: Store) -> None:
    """Show what became of each cue, then every warning, error and note in full."""
    _print_outcome_table(plan, outcomes, store)
    for o in outcomes:
        for warning in o.warnings:
            click.echo(f"warning: {o.cue_key}: {warning}")
    for o in outcomes:
        for asset, error in o.errors.items():
            click.echo(f"failed: {o.cue_key}: {asset}: {error}")
    _print_notes(plan)
    counts = Counter[str](o.result for o in outcomes)
    if plan.refused:
        counts["refused"] = len(plan.refused)
    said = ", ".join(f"{n} {result}" for result, n in sorted(counts.items()))
    click.echo(f"{len(outcomes) + len(plan.refused)} cues: {said or 'none found'}.")


def _print_outcome_table(plan: LibraryPlan, outcomes: Sequence[CueOutcome], store: Store) -> None:
    from rich.markup import escape
    from rich.table import Table

    from cue_pipeline.defs.graph import GRAPH

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
        click.echo(f"skipped: {problem}")
    for key, text in plan.refused.items():
        click.echo(f"refused: {key}: {text}")
    for key in plan.gone:
        click.echo(f"missing: {key}: its folder is gone; its rows are kept.")


def print_status(statuses: Sequence[Any]) -> None:
    """Show a table of cue × asset, then why anything is not ready."""
    from rich.markup import escape
    from rich.table import Table

    from cue_pipeline.defs.graph import GRAPH

    if not statuses:
        click.echo(
            "No cues yet. Run `cue-pipeline process BASE_DIR`, or `cue-pipeline demo DIR` first."
        )
        return
    table = Table()
    table.add_column("cue")
    for asset in GRAPH:
        table.add_column(asset)
    cells: dict[str, list[str]] = {}
    for s in statuses:
        cells.setdefault(s.cue_key, []).append(f"[{STATE_STYLES[s.state]}]{s.state}[/]")
    for key, states in cells.items():
        table.add_row(escape(key), *states)
    _console().print(table)
    for s in statuses:
        if s.state != "ready":
            click.echo(f"{s.state}: {s.cue_key}: {s.asset}: {s.reason}")


def print_mappings(cue_key: str, rows: Sequence[dict[str, Any]]) -> None:
    """Show the track ↔ stem table of one cue."""
    from rich.markup import escape
    from rich.table import Table

    if not rows:
        click.echo(f"{cue_key}: no mappings yet. Run `cue-pipeline process BASE_DIR`.")
        return
    table = Table()
    for heading in ("track", "stem", "category", "state", "method"):
        table.add_column(heading)
    table.add_column("confidence", justify="right")
    table.add_column("reason", overflow="fold")
    for row in rows:
        confidence = row["confidence"]
        table.add_row(
            escape(row["track_name"] or f"#{row['track_index']}"),
            escape(row["canonical_name"] or "—"),
            row["instrument_category"] or "—",
            row["state"],
            row["method"] or "",
            "" if confidence is None else f"{confidence:.2f}",
            escape(row["reason"] or ""),
        )
    _console().print(table)


def _console() -> Any:
    from rich.console import Console

    # Off a terminal the width is unknown: wide enough that no key is cut.
    return Console() if sys.stdout.isatty() else Console(width=160)
