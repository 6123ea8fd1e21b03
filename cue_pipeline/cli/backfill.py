"""What ``cue-pipeline backfill`` does and says."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from cue_pipeline.cli.database_option import database_was_given
from cue_pipeline.cli.display import print_waiting
from cue_pipeline.cli.saying import say

if TYPE_CHECKING:
    import dagster as dg

    from cue_pipeline.library import backfill_plan
    from cue_pipeline.settings import Settings
    from cue_pipeline.warehouse.store import Store


def ask_for_backfill(
    store: Store,
    settings: Settings,
    kinds: Collection[str],
    select: Collection[str],
    only: Collection[str],
    *,
    dry_run: bool,
) -> None:
    """Plan a backfill and, unless ``dry_run``, hand it to the daemon's instance."""
    from cue_pipeline.defs.instance import open_instance
    from cue_pipeline.library import backfill_plan
    from cue_pipeline.library.chat_model import waiting_cues
    from cue_pipeline.library.status import read_status

    plan = backfill_plan.plan_backfill(
        read_status(store, settings), kinds=kinds, select=select, only=only
    )
    unreachable = backfill_plan.unreachable_cues(store, plan.assets)
    for key, why in unreachable.items():
        say(f"left out: {key}: {why}")
    plan = backfill_plan.without(plan, unreachable)
    waiting = backfill_plan.asking_cues(plan) & waiting_cues(settings, store)
    if waiting:
        print_waiting(len(waiting))
        plan = backfill_plan.hold(plan, waiting)
    what = " or ".join(kinds or backfill_plan.KINDS)
    if dry_run:
        for (key, asset), why in plan.reasons.items():
            say(f"{key}: {asset} ({why})")
        say(f"{_counted(plan)} would be made again. Nothing was done.")
        return
    if not plan.assets:
        left_out = unreachable or waiting
        say("Nothing was asked for." if left_out else f"Nothing is {what}.")
        return
    with open_instance(Path.cwd()) as instance:
        _ask(instance, plan, what)


def _ask(instance: dg.DagsterInstance, plan: backfill_plan.BackfillPlan, what: str) -> None:
    from cue_pipeline.defs import backfills
    from cue_pipeline.defs.busy import busy_cues
    from cue_pipeline.defs.partitions import cues
    from cue_pipeline.library import backfill_plan

    busy = busy_cues(instance, list(plan.assets))
    for key in sorted(busy):
        say(f"left out: {key}: a run of it is under way; ask again once it has ended.")
    plan = backfill_plan.without(plan, busy)
    if not plan.assets:
        say("Nothing was asked for.")
        return
    new = backfills.unknown_to_dagster(instance, plan.assets)
    if new:
        instance.add_dynamic_partitions(str(cues.name), new)
    for assets, keys in backfill_plan.by_assets(plan).items():
        title = f"cue-pipeline backfill: {what}"
        made = backfills.request_backfill(instance, assets, keys, title)
        say(f"Backfill {made}: {', '.join(assets)} of {_cues(len(keys))}.")
    say(f"{_counted(plan)} asked for; `cue-pipeline status` shows how far they are.")
    if database_was_given():
        say(
            "Note: --database-url does not reach the daemon. Its runs write to the DATABASE_URL of "
            "its own environment or .env; see that it names the same database.",
            err=True,
        )
    silent = backfills.daemon_seconds_silent(instance)
    if silent is None or silent > backfills.DAEMON_SILENT_SECONDS:
        heard = "never" if silent is None else f"last {silent / 60:.0f} minutes ago"
        say(
            f"Note: Dagster's daemon was heard {heard} on this instance ({instance.root_directory})"
            ". The backfill waits until `make ui` or the daemon's service runs on it.",
            err=True,
        )
    else:
        say("The daemon begins within 30 seconds.")


def _counted(plan: backfill_plan.BackfillPlan) -> str:
    return f"{len(plan)} asset{'s' * (len(plan) != 1)} of {_cues(len(plan.assets))}"


def _cues(n: int) -> str:
    return f"{n} cue{'s' * (n != 1)}"
