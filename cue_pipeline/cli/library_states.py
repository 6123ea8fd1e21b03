"""What ``cue-pipeline status`` shows: every cue of a small library, a large one by numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from cue_pipeline.cli import display
from cue_pipeline.cli.display import KEY_WIDTH, STATE_STYLES, named, told_gone
from cue_pipeline.cli.saying import cell, say, say_lines
from cue_pipeline.cue.shown import shown

if TYPE_CHECKING:
    from rich.table import Table

    from cue_pipeline.library.status import AssetStatus, State
    from cue_pipeline.warehouse.store import LedgerRow

SHOWN_ONE_BY_ONE = 100
"""Cues of which each has its line, unless more is asked for."""

NAMED_OF_MANY = 50
"""Cues of a larger library that are named, those that need attention most first."""

_WORST_FIRST: tuple[State, ...] = ("failed", "stale", "missing", "loading", "ready")

_GONE = "gone"
_STYLES = {**STATE_STYLES, _GONE: "yellow"}

ByCue = Mapping[str, Sequence["AssetStatus"]]


def print_status(
    statuses: Sequence[AssetStatus],
    where: str,
    gone: Collection[str] = (),
    ledger: Sequence[LedgerRow] = (),
    told: Collection[str] = (),
    *,
    projects: Mapping[str, str | None] | None = None,
    away: Mapping[str, int] | None = None,
    whole: bool = False,
) -> None:
    """Show which assets of which cues are in which state, then why any is not ready.

    Parameters
    ----------
    statuses : sequence of AssetStatus
        State of every cue × asset.
    where : str
        The database, without secrets: one that is empty may be another than was meant.
    gone : collection of str
        Cues whose folder is not there.
    ledger : sequence of LedgerRow
        Of all cues: tells of those in which there are stems or mixes only.
    told : collection of str
        What else is to be said of cues.
    projects : mapping of str to (str or None), optional
        Which project each cue is of.
    away : mapping of str to int, optional
        Base folders that are not there, and how many cues each has.
    whole : bool
        Show every cue; without it a library of more than :data:`SHOWN_ONE_BY_ONE` is counted, by
        project, and only the first cues that need attention are named.
    """
    from cue_pipeline.cue.numbering import natural_key
    from cue_pipeline.library.status import mixes_only, stems_only

    if not statuses:
        say(
            f"No cues in {where} yet. Run `cue-pipeline process BASE_DIR` (`cue-pipeline demo DIR` "
            "writes cues to try), or the command in the folder whose database you mean."
        )
        return
    by_cue: dict[str, list[AssetStatus]] = {}
    for s in sorted(statuses, key=lambda s: natural_key(s.cue_key)):
        by_cue.setdefault(s.cue_key, []).append(s)
    if whole or len(by_cue) <= SHOWN_ONE_BY_ONE:
        _print_every(by_cue, frozenset(gone))
    else:
        _print_counted(by_cue, projects or {}, frozenset(gone))
    for root, count in (away or {}).items():
        say(_told_away(root, count))
    _say_some([told_gone(key) for key in gone], "cues whose folder is gone", whole=whole)
    _say_some(list(told), "notes of cues", whole=whole)
    if keys := stems_only(ledger):
        say(f"stems only, no final mix: {named(keys)}.")
    if keys := mixes_only(ledger):
        say(f"mixes only, so that no track has a stem to match: {named(keys)}.")


def _print_every(by_cue: ByCue, gone: Collection[str]) -> None:
    screen = display.console()
    assets = _assets_of(by_cue)
    needed = KEY_WIDTH + sum(len(asset) + 3 for asset in assets) + 4  # with the lines between them
    table = _status_table if screen.width >= needed else _status_counts
    screen.print(table(by_cue, gone))
    for states in by_cue.values():
        for s in states:
            if s.state != "ready":
                say_lines(f"{s.state}: {shown(s.cue_key)}: {s.asset}: {s.reason}")


def _assets_of(by_cue: ByCue) -> list[str]:
    return list(dict.fromkeys(s.asset for states in by_cue.values() for s in states))


def _told_away(root: str, count: int) -> str:
    """Return what is said of a base folder that is not there."""
    cues = f"its {count:,} cues are" if count > 1 else "its cue is"
    return (
        f"gone: the base folder '{shown(root)}' is not there; {cues} shown as last seen. Mount its "
        "volume; or where the library has moved, `cue-pipeline process` its new place, or "
        "`cue-pipeline cues adopt` it."
    )


def _print_counted(
    by_cue: ByCue, projects: Mapping[str, str | None], gone: Collection[str]
) -> None:
    """Show how many cues of each project are in which state, and name those to look at first."""
    worst = {key: _worst(states) for key, states in by_cue.items()}
    display.console().print(_project_counts(worst, projects, gone))
    open_ones = sorted(
        (key for key, s in worst.items() if s.state != "ready"),
        key=lambda key: _WORST_FIRST.index(worst[key].state),
    )
    for key in open_ones[:NAMED_OF_MANY]:
        s = worst[key]
        others = sum(other.state != "ready" for other in by_cue[key]) - 1
        more = f" ({others} more assets)" if others > 1 else f" ({others} more asset)" * others
        say_lines(f"{s.state}: {shown(key)}: {s.asset}: {s.reason}{more}")
    if len(open_ones) > NAMED_OF_MANY:
        say(
            f"… and {len(open_ones) - NAMED_OF_MANY:,} more cues: `--state failed` counts those "
            "that failed alone, `--all` shows every cue and asset, `--json` the same for programs."
        )


def _worst(states: Sequence[AssetStatus]) -> AssetStatus:
    """Return the asset to look at first: the furthest upstream of those in the worst state."""
    return min(states, key=lambda s: _WORST_FIRST.index(s.state))


def _project_counts(
    worst: Mapping[str, AssetStatus], projects: Mapping[str, str | None], gone: Collection[str]
) -> Table:
    from rich.table import Table

    counts: dict[str, Counter[str]] = {}
    for key, s in worst.items():
        state = _GONE if key in gone else s.state
        counts.setdefault(projects.get(key) or "—", Counter())[state] += 1
    if len(counts) > 1:
        counts["all"] = sum(counts.values(), Counter())
    used = [
        state
        for state in (*reversed(_WORST_FIRST), _GONE)
        if any(c[state] for c in counts.values())
    ]
    table = Table()
    table.add_column("project", overflow="fold")
    for heading in ("cues", *used):
        table.add_column(heading, justify="right")
    for project, of_project in counts.items():
        if project == "all":
            table.add_section()
        cells = (
            f"[{_STYLES[state]}]{of_project[state]:,}[/]" if of_project[state] else ""
            for state in used
        )
        table.add_row(cell(project), f"{of_project.total():,}", *cells)
    return table


def _say_some(lines: Sequence[str], what: str, *, whole: bool) -> None:
    """Say lines of the same kind; of very many only the first."""
    most = len(lines) if whole else NAMED_OF_MANY
    for line in lines[:most]:
        say(line)
    if len(lines) > most:
        say(f"… and {len(lines) - most:,} more {what}: `--all` names all.")


def _status_table(by_cue: ByCue, gone: Collection[str]) -> Table:
    """Return cue × asset, which a terminal of 80 columns has no room for."""
    from rich.table import Table

    table = Table()
    table.add_column("cue", overflow="fold")
    for asset in _assets_of(by_cue):
        table.add_column(asset, no_wrap=True)
    for key, states in by_cue.items():
        cells = (f"[{STATE_STYLES[s.state]}]{s.state}[/]" for s in states)
        table.add_row(_named_cue(key, gone), *cells)
    return table


def _status_counts(by_cue: ByCue, gone: Collection[str]) -> Table:
    """Return how many assets of each cue are in which state; which ones is said below it."""
    from rich.table import Table

    table = Table()
    table.add_column("cue", overflow="fold")
    table.add_column("assets", overflow="fold")
    for key, states in by_cue.items():
        counts = Counter(s.state for s in states)
        said = (f"[{STATE_STYLES[state]}]{n} {state}[/]" for state, n in counts.items())
        table.add_row(_named_cue(key, gone), ", ".join(said))
    return table


def _named_cue(key: str, gone: Collection[str]) -> str:
    return f"{cell(key)} ({_GONE})" if key in gone else cell(key)
