"""What the commands show: live progress, and tables at the end."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cue_pipeline.cli.saying import cell, say, say_lines
from cue_pipeline.cue.shown import shown
from cue_pipeline.library.progress import CueLeft, CueOutcome, CueStarted

if TYPE_CHECKING:
    from cue_pipeline.library.plan import CuePlan, LibraryPlan
    from cue_pipeline.library.progress import Event
    from cue_pipeline.warehouse.store import CueRow, Store

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

MOST_NAMED = 5  # of cues that are told of together

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
            say(f"{event.cue_key}: {', '.join(event.assets)}", err=True)
        elif isinstance(event, CueLeft):
            say(f"{event.cue_key}: {LEFT}", err=True)
        elif isinstance(event, CueOutcome):
            self.done += 1
            say(
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
            self.by_cue[event.cue_key] = self.bars.add_task(
                shown(event.cue_key), total=len(event.assets)
            )
        elif isinstance(event, CueLeft):
            self.bars.remove_task(self.by_cue.pop(event.cue_key))
            left = shown(f"{event.cue_key}: {LEFT}")
            self.bars.console.print(left, markup=False, highlight=False)
        elif isinstance(event, CueOutcome):
            self.bars.remove_task(self.by_cue.pop(event.cue_key))
            self.bars.advance(self.all)
        elif event.stage == "started":
            self.bars.update(
                self.by_cue[event.cue_key], description=shown(f"{event.cue_key} · {event.asset}")
            )
        elif event.stage in ("stored", "failed"):
            self.bars.advance(self.by_cue[event.cue_key])


def print_plan(plan: LibraryPlan) -> None:
    """Show what would be done, and why."""
    for cue in plan.cues:
        if not cue.assets:
            say(f"{cue.folder.key}: {'waits for a batch' if cue.waits else 'up to date'}")
        for asset in cue.assets:
            say(f"{cue.folder.key}: {asset} ({cue.reasons.get(asset, '')})")
    _print_notes(plan)
    todo = sum(bool(cue.assets) for cue in plan.cues)
    say(f"{todo} of {_cues(len(plan.cues))} would be processed. Nothing was done.")


def print_outcomes(plan: LibraryPlan, outcomes: Sequence[CueOutcome], store: Store) -> None:
    """Show what became of each cue, then every warning, error and note in full."""
    if outcomes or plan.refused:
        _print_outcome_table(plan, outcomes, store)
    for o in outcomes:
        for warning in o.warnings:
            say(f"warning: {o.cue_key}: {warning}")
    for o in outcomes:
        for asset, error in o.errors.items():
            say_lines(f"failed: {shown(o.cue_key)}: {asset}: {error}")
    _print_notes(plan)
    counts = Counter[str](o.result for o in outcomes)
    if plan.refused:
        counts["refused"] = len(plan.refused)
    said = ", ".join(f"{n} {result}" for result, n in sorted(counts.items()))
    if said:
        say(f"{_cues(len(outcomes) + len(plan.refused))}: {said}.")
    elif any(problem.kind != "warning" for problem in plan.problems):
        say("No cue was processed: what looks like one was skipped, for the reasons above.")
    else:
        say(NO_CUE_FOUND)
    if counts["interrupted"]:
        say("What was stored is kept; the same command again makes the rest.")


def _print_outcome_table(plan: LibraryPlan, outcomes: Sequence[CueOutcome], store: Store) -> None:
    from rich.table import Table

    from cue_pipeline.library.graph import chosen
    from cue_pipeline.settings import read_settings

    assets = chosen(read_settings())
    ready, rows = Counter[str](), Counter[str]()
    for row in store.ledger():
        if row.asset in assets:  # those of kinds that are no longer chosen stay, unseen
            ready[row.cue_key] += row.state == "ready"
            rows[row.cue_key] += row.row_count or 0
    table = Table()
    for heading in ("cue", "result"):
        table.add_column(heading)
    for heading in ("assets ready", "rows", "seconds", "warnings"):
        table.add_column(heading, justify="right")
    for o in outcomes:
        table.add_row(
            cell(o.cue_key),
            f"[{STATE_STYLES[o.result]}]{o.result}[/]",
            f"{ready[o.cue_key]}/{len(assets)}",
            f"{rows[o.cue_key]:,}",
            f"{o.seconds:.1f}" if o.assets else "",
            str(len(o.warnings) or ""),
        )
    for key in plan.refused:
        table.add_row(cell(key), f"[{STATE_STYLES['refused']}]refused[/]", "", "", "", "")
    console().print(table)


def _print_notes(plan: LibraryPlan) -> None:
    for problem in plan.problems:
        word = "warning" if problem.kind == "warning" else "skipped"
        say(f"{word}: {problem.text}")
    for key, text in plan.refused.items():
        say(f"refused: {key}: {text}")
    for old, new in plan.moved.items():
        say(told_moved(old, new))
    for key in plan.restored:
        say(f"restored: {key}: other dates, and what it held: nothing is made again for that.")
    for key in plan.gone:
        say(told_gone(key))
    for text in plan.offered:
        say(f"offered: {text}")
    if waiting := sum(cue.waits for cue in plan.cues):
        print_waiting(waiting)


def print_waiting(n: int) -> None:
    """Say how many cues are left without a mapping, since their question is in a batch."""
    say(
        f"{_cues(n)} wait{'s' * (n == 1)} for a batch: run `cue-pipeline mappings batch collect` "
        "once it is done, then this again."
    )


def told_moved(old: str, new: str) -> str:
    """Return what is said of a cue that has another key now."""
    return f"moved: {new}: it was {old}; rows and decisions went with it, nothing is made again."


def told_gone(key: str) -> str:
    """Return what is said of a cue whose folder is gone."""
    return f"gone: {key}: its folder is gone; its rows are kept."


def print_cues(cues: Sequence[CueRow], where: str) -> None:
    """Show which cues there are, whether their folders are there, and where they were before."""
    from rich.table import Table

    table = Table()
    for heading in ("cue", "project", "state", "last seen", "was before"):
        table.add_column(heading, overflow="fold")
    for cue in cues:
        seen = f"{cue.last_seen_at:%Y-%m-%d %H:%M}"
        table.add_row(
            cell(cue.cue_key), cell(cue.project or "—"), cue.state, seen, cell(cue.moved_from or "")
        )
    console().print(table)
    say(f"{_cues(len(cues))} in {where}.")


def named(keys: Sequence[str]) -> str:
    """Return the first of some cues by name, and how many more there are."""
    said = ", ".join(keys[:MOST_NAMED])
    return f"{said} and {_cues(len(keys) - MOST_NAMED)} more" if len(keys) > MOST_NAMED else said


def print_mappings(cue_key: str, rows: Sequence[dict[str, Any]]) -> None:
    """Show the track ↔ stem table of one cue; reasons below it where it would be too wide."""
    from rich.table import Table

    if not rows:
        say(f"{cue_key}: no tracks to show.")
        return
    screen = console()
    wide = screen.width >= WIDE
    several = len({row["file_path"] for row in rows}) > 1
    table = Table()
    headings = ["file"] * several + ["#", "track", "stem", "category", "state"] + ["method"] * wide
    for heading in headings:
        table.add_column(heading, overflow="fold")
    table.add_column("confidence" if wide else "sure", justify="right", no_wrap=True)
    if wide:
        table.add_column("reason", overflow="fold")
    for row in rows:
        confidence = row["confidence"]
        table.add_row(
            *[cell(_file_name(row))] * several,
            _track_place(row),
            cell(_track_name(row)),
            cell(row["canonical_name"] or "—"),
            row["instrument_category"] or "—",
            row["state"],
            *[row["method"] or ""] * wide,
            "" if confidence is None else f"{confidence:.2f}",
            *[cell(row["reason"] or "")] * wide,
        )
    screen.print(table)
    for row in rows if not wide else ():
        if row["reason"]:
            place = f"{_file_name(row)}: " if several else ""
            say(f"{place}{_track_name(row)}: {row['reason']}")


def _file_name(row: Mapping[str, Any]) -> str:
    return shown(str(row["file_path"]).rpartition("/")[2])


def _track_name(row: Mapping[str, Any]) -> str:
    from cue_pipeline.mapping.tracks import track_label

    return track_label(row["track_name"], row["track_index"], row["part_channel"], row["port"])


def _track_place(row: Mapping[str, Any]) -> str:
    from cue_pipeline.mapping.people.track_keys import part_place

    return part_place(row["track_index"], row["part_channel"], row["port"])


def _cues(n: int) -> str:
    return f"{n} cue{'s' * (n != 1)}"


def console() -> Any:
    """Return rich's console for standard output, as wide as the terminal or `COLUMNS` says."""
    from rich.console import Console

    # Off a terminal the width is unknown: wide enough that no key is cut.
    return Console() if sys.stdout.isatty() else Console(width=160)
