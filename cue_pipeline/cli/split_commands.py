"""The group ``cue-pipeline splits``: parts of a data set that share no music."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from cue_pipeline.cli.context import configured, known_cue, open_store, shown_database
from cue_pipeline.cli.database_option import DatabaseGroup
from cue_pipeline.cli.saying import say, say_json

if TYPE_CHECKING:
    from cue_pipeline.library.splits import Merge, SplitPlan
    from cue_pipeline.settings import Settings
    from cue_pipeline.warehouse.store import Store

_NAMES = ("train", "validation", "test")
_MOST_NAMED = 20


def _ratios(_: click.Context, __: click.Parameter, text: str | None) -> tuple[float, ...] | None:
    if text is None:
        return None
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise click.BadParameter(f"{text!r} is not three numbers such as 80,10,10.") from None


@click.group(cls=DatabaseGroup, short_help="Divide the library for training.")
def splits() -> None:
    """Divide the library for training: cues that share music are never parted."""


@splits.command(short_help="Draw a split for every cue that has none.")
@click.option(
    "--ratios",
    metavar="TRAIN,VALIDATION,TEST",
    callback=_ratios,
    help="How many groups of each.  [default: as before; 80,10,10 at first]",
)
@click.option("--seed", type=int, help="Draws otherwise.  [default: as before; 0 at first]")
@click.option(
    "--by",
    type=click.Choice(["project", "work"]),
    help="Whether a project stays whole.  [default: as before; project at first]",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done; do nothing.")
def make(
    ratios: tuple[float, ...] | None, seed: int | None, by: Any, dry_run: bool
) -> None:  # fmt: skip
    """Draw a split for every cue that has none; those that have one keep it.

    Cues of one project, versions of one work, and cues that share a MIDI file, a stem, a mix or
    music in any key and tempo are one group, which goes to one split. Other ratios, another seed
    or --by draw all groups anew that no pin holds. Where a new cue joins groups of two splits,
    that is told with the evidence.

    Exit code: 1 where pins put cues that share music into two splits.
    """
    settings = configured()
    store = open_store(settings)
    _make(store, settings, ratios=ratios, seed=seed, by=by, dry_run=dry_run)


@splits.command(short_help="Show the split of every cue, and why.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON list.")
def show(as_json: bool) -> None:
    """Show the split of every cue, its group, and what ties it to that."""
    settings = configured()
    store = open_store(settings)
    from cue_pipeline.cue.numbering import natural_key
    from cue_pipeline.warehouse.split_rows import read_splits

    rows = read_splits(store.engine)
    keys = sorted((cue.cue_key for cue in store.cues()), key=natural_key)
    if as_json:
        say_json(
            [
                {
                    "cue_key": key,
                    "split": row.split if row else None,
                    "group_id": row.group_id if row else None,
                    "pinned": row.pinned if row else False,
                    "why": row.why if row else None,
                    "doubt": row.doubt if row else None,
                }
                for key in keys
                for row in [rows.get(key)]
            ]
        )
        return
    for key in keys:
        row = rows.get(key)
        if row is None:
            say(f"{'—':<11} {key}: none yet")
            continue
        notes = [*(["pinned"] if row.pinned else []), *([row.why] if row.why else [])]
        say(f"{row.split:<11} {key}{': ' + '; '.join(notes) if notes else ''}")
        if row.doubt:
            say(f"{'':<11} LEAK: {row.doubt}")
    _say_sizes({key: row.split for key, row in rows.items()}, len(keys))


@splits.command(short_help="Put a cue and its group into a split.")
@click.argument("cue_key")
@click.argument("split", type=click.Choice(_NAMES))
def pin(cue_key: str, split: str) -> None:
    """Put CUE_KEY, and all cues that must not be parted from it, into SPLIT, whatever is drawn."""
    settings = configured()
    store = open_store(settings)
    _make(store, settings, pins={known_cue(store, settings, cue_key): split})


@splits.command(short_help="Take a pin back.")
@click.argument("cue_key")
def unpin(cue_key: str) -> None:
    """Take the pin of CUE_KEY back; it stays where it is until its group is drawn anew."""
    settings = configured()
    store = open_store(settings)
    _make(store, settings, pins={known_cue(store, settings, cue_key): None})


def _make(store: Store, settings: Settings, *, dry_run: bool = False, **asked: Any) -> None:
    from cue_pipeline.library.splits import make_splits, plan_splits

    plan = plan_splits(store, author=settings.author, **asked)
    if not dry_run:
        make_splits(store, plan)
    _say_plan(plan, dry_run=dry_run)
    if not plan.rows and not plan.waiting:
        say(f"{shown_database(settings)} holds no cues yet.")
    sys.exit(1 if plan.leaks else 0)


def _say_plan(plan: SplitPlan, *, dry_run: bool) -> None:
    for key, (before, now) in plan.moved.items():
        say(f"moved: {key}: from {before} to {now}.")
    for merge in plan.merges:
        say(f"merged: cues of {_told(merge.was)} share music; all are in {merge.now} now:")
        _say_evidence(merge)
    for leak in plan.leaks:
        say(f"LEAK: cues that share music are pinned to {_told(leak.was)}:", err=True)
        _say_evidence(leak)
    for split, keys in plan.filled.items():
        say(f"filled: the draw left {split} empty; {', '.join(keys)} went there.")
    for key, why in plan.waiting.items():
        say(f"no split yet: {key}: {why}.")
    known = {*plan.moved, *plan.altered}
    new = {row.cue_key: row.split for row in plan.changed if row.cue_key not in known}
    _say_by(new, "new in {}")
    _say_by(plan.altered, "same split, {}")
    say(
        f"{len(plan.moved)} moved, {len(new)} new, {len(plan.altered)} otherwise changed"
        f"{'; nothing written' * dry_run}."
    )
    by_split = {key: row.split for key, row in plan.rows.items()}
    _say_sizes(by_split, len(plan.rows) + len(plan.waiting))
    groups = Counter(row.group_id for row in plan.rows.values())
    if len(groups) > 0 and max(groups.values()) > len(plan.rows) / 2 > 1:
        say(
            f"Note: one group holds {max(groups.values())} of {len(plan.rows)} cues. `splits show` "
            "says what ties them; --by work parts cues of one project.",
            err=True,
        )
    if plan.rows and plan.empty:
        say(
            f"EMPTY: {' and '.join(plan.empty)}. There {'is' if len(groups) == 1 else 'are'} "
            f"{len(groups)} group{'s' * (len(groups) != 1)} of cues, and what has a split keeps "
            "it. --by work parts cues of one project; another --seed draws all anew; `splits pin` "
            "puts a cue where you want it.",
            err=True,
        )


def _say_by(of_cues: Mapping[str, str], told: str) -> None:
    """Say which cues have the same in common, the first of them by name."""
    by: dict[str, list[str]] = {}
    for key, common in of_cues.items():
        by.setdefault(common, []).append(key)
    for common, keys in by.items():
        more = f" and {len(keys) - _MOST_NAMED:,} more" if len(keys) > _MOST_NAMED else ""
        say(f"{told.format(common)}: {', '.join(keys[:_MOST_NAMED])}{more}.")


def _say_evidence(merge: Merge) -> None:
    for tie in merge.evidence:
        say(f"  {tie.a} and {tie.b}: {tie.why}")


def _told(was: Mapping[str, tuple[str, ...]]) -> str:
    return " and ".join(f"{split} ({', '.join(keys)})" for split, keys in was.items())


def _say_sizes(split_of: Mapping[str, str], n_cues: int) -> None:
    counts = Counter(split_of.values())
    told = ", ".join(f"{name} {counts[name]}" for name in _NAMES)
    none = n_cues - len(split_of)
    say(f"Cues: {told}" + (f", without a split {none}." if none else "."))
