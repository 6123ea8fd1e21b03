"""What ``cue-pipeline mappings batch`` does and says."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Collection, Iterable
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from cue_pipeline.cli.context import busy_here
from cue_pipeline.cli.saying import say, say_json

if TYPE_CHECKING:
    from cue_pipeline.library.batches import BatchReport, Submitted
    from cue_pipeline.settings import Settings
    from cue_pipeline.warehouse.store import Store

MOST_NAMED = 3


def submit(
    store: Store,
    settings: Settings,
    only: Collection[str],
    limit: int | None,
    *,
    dry_run: bool,
) -> None:
    """Send the questions of the cues whose mapping is due."""
    from cue_pipeline.library.batches import Batches, due_cues

    batches = Batches(store, settings)
    due, left_out = due_cues(store, settings, only)
    busy = busy_here(due)  # their runs may be asking the model just now
    left_out |= dict.fromkeys(busy, "a run of it is under way")
    for why, keys in _by_reason(left_out).items():
        say(f"left out: {_named(keys)}: {why}")
    due = [key for key in due if key not in busy]
    if dry_run:
        with _bar(due) as read:
            asked = list(islice(batches.unasked(read), limit))
        cues = len({key for key, _ in asked})
        told = f"{_counted(len(asked), 'question')} about {_counted(cues, 'cue')}"
        say(f"{told} would go to '{settings.openai_model}'. Nothing was sent.")
        return
    done: list[Submitted] = []
    try:
        with _bar(due) as read:
            done.extend(batches.submit(read, limit))
    finally:  # what was sent is told, also where a later one fails
        for sent in done:
            say(
                f"{sent.batch_id}: {_counted(sent.n_questions, 'question')} about "
                f"{_counted(sent.n_cues, 'cue')} sent to '{settings.openai_model}'."
            )
    if not done:
        say("Nothing was sent: no cue has a question that is due and not asked already.")
        return
    say(
        "The answers come within 24 hours. `cue-pipeline mappings batch status` shows how far they "
        "are; `cue-pipeline mappings batch collect` stores them."
    )


def show_status(store: Store, settings: Settings, *, as_json: bool) -> None:
    """Show how far the batches are."""
    from cue_pipeline.library.batches import Batches

    reports = list(Batches(store, settings).status())
    if as_json:
        rows = [_row(report) for report in reports]
        say_json(rows)
        return
    for report in reports:
        say(_told(report))
    if not reports:
        say("No batch waits to be collected.")


def collect(store: Store, settings: Settings) -> None:
    """Store the answers of the batches that are done."""
    from cue_pipeline.library.batches import Batches

    n_answers = n_batches = n_waiting = n_faults = 0
    for report in Batches(store, settings).collect():
        n_batches += 1
        n_answers += report.n_answers
        n_waiting += not report.settled
        n_faults += len(report.faults)
        _print_collected(report)
    if not n_batches:
        say("No batch waits to be collected.")
    if n_answers:
        say(
            "The answers are in the store: `cue-pipeline process BASE_DIR` makes the mappings and "
            "pays for none of them again."
        )
    sys.exit(1 if n_waiting or n_faults else 0)


def cancel(store: Store, settings: Settings, name: str, *, forget: bool) -> None:
    """Have a batch stopped."""
    from cue_pipeline.library.batches import Batches

    report = Batches(store, settings).cancel(name, forget=forget)
    say(_told(report))
    if forget:
        say("Its questions are due again. What it has answered is paid for all the same.")
    else:
        say("`cue-pipeline mappings batch collect` stores what it has answered by then.")


def _print_collected(report: BatchReport) -> None:
    say(_told(report))
    if report.n_answers:
        tokens = f"{report.prompt_tokens:,} + {report.completion_tokens:,} tokens"
        cost = "" if report.cost_usd is None else f", about ${report.cost_usd:.4f} at half price"
        say(f"  {_counted(report.n_answers, 'answer')} stored ({tokens}{cost}).")
    if report.n_ignored:
        say(
            f"  {_counted(report.n_ignored, 'line')} of its files left alone: known already, or "
            "about nothing that was asked."
        )
    for fault, keys in report.faults.items():
        say(
            f"  {_counted(len(keys), 'question')} without an answer, due again: {fault} "
            f"({_named(keys)})",
            err=True,
        )
    if report.faults:
        say(
            "  Submit again, or let `cue-pipeline process BASE_DIR` ask at full price: it also "
            "finds out what a server refuses, and halves what is too long.",
            err=True,
        )


def _told(report: BatchReport) -> str:
    """Return in one line what a batch is and how far."""
    batch, seen = report.batch, report.seen
    name = batch.batch_id or (seen.id if seen else f"submission {batch.submission}")
    what = f"{_counted(batch.n_questions, 'question')} to '{batch.model}'"
    since = f"since {batch.submitted_at:%Y-%m-%d %H:%M} UTC"
    parts = [f"{name}: {what}, {since}"]
    if seen is not None:
        done = f", {seen.completed:,} of {seen.total:,} answered" if seen.total else ""
        failed = f", {seen.failed:,} failed" if seen.failed else ""
        parts.append(f"{seen.status}{done}{failed}")
    parts += [report.note] * bool(report.note)
    return ": ".join((parts[0], "; ".join(parts[1:]))) if parts[1:] else parts[0]


def _row(report: BatchReport) -> dict[str, Any]:
    """Return what is known of a batch; what the server says is null where it cannot be asked."""
    batch, seen = report.batch, report.seen
    return {
        "batch_id": seen.id if seen else batch.batch_id,
        "submission": batch.submission,
        "server": batch.server,
        "model": batch.model,
        "n_questions": batch.n_questions,
        "submitted_at": batch.submitted_at.isoformat(),
        "status": seen.status if seen else None,
        "completed": seen.completed if seen else None,
        "failed": seen.failed if seen else None,
        "total": seen.total if seen else None,
        "note": report.note,
    }


def _bar(keys: Collection[str]) -> AbstractContextManager[Iterable[str]]:
    """Show on a terminal how many cues are read."""
    if not sys.stderr.isatty():
        return nullcontext(keys)
    return click.progressbar(keys, label="Reading cues", file=sys.stderr)


def _by_reason(reasons: dict[str, str]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for key, why in reasons.items():
        grouped.setdefault(why, []).append(key)
    return grouped


def _named(keys: Iterable[str]) -> str:
    names = list(Counter(keys))
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}{'s' * (n != 1)}"
