"""What people decided, brought into the tables at once."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import TYPE_CHECKING

from cue_pipeline.cli.context import run_here
from cue_pipeline.cli.display import live_display
from cue_pipeline.cli.saying import say, say_lines
from cue_pipeline.cue.shown import shown

if TYPE_CHECKING:
    from cue_pipeline.processes.fork_client import ForkServer
    from cue_pipeline.settings import Settings
    from cue_pipeline.warehouse.store import Store


_LATER = (
    "the decision is kept; it comes into the tables with the next `cue-pipeline process` of this "
    "cue, which has more to do: "
)


def follow(store: Store, settings: Settings, server: ForkServer, keys: Collection[str]) -> int:
    """Bring decisions into the tables, and say where that has to wait; return the exit code."""
    from cue_pipeline.library.decisions import ready_to_follow

    plans, waiting = ready_to_follow(store, settings, keys)
    outcomes = []
    if plans:
        with live_display(plans) as watch:
            outcomes = run_here(plans, store, server, jobs=os.cpu_count() or 1, watch=watch)
    for outcome in outcomes:
        for warning in outcome.warnings:
            say(f"warning: {outcome.cue_key}: {warning}")
        for asset, error in outcome.errors.items():
            say_lines(f"failed: {shown(outcome.cue_key)}: {asset}: {error}", err=True)
    for key, why in waiting.items():
        say(f"{key}: {_LATER}{why}")
    return 1 if any(o.result not in ("processed", "up to date") for o in outcomes) else 0


def follow_quietly(
    store: Store, settings: Settings, server: ForkServer, keys: Collection[str]
) -> dict[str, str]:
    """Bring decisions into the tables; return why some are not in them, by cue."""
    from cue_pipeline.library.decisions import ready_to_follow

    plans, waiting = ready_to_follow(store, settings, keys)
    told = {key: f"{_LATER}{why}" for key, why in waiting.items()}
    if plans:
        for outcome in run_here(plans, store, server, jobs=1, watch=lambda _: None):
            if outcome.errors:
                told[outcome.cue_key] = "; ".join(outcome.errors.values())
    return told
