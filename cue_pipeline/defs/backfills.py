"""Backfills asked for from a shell: just those assets of just those cues, run by the daemon.

The daemon that runs them is the one of ``make ui`` or of the service (docs/running.md); they are
seen on the UI's page of backfills like those launched there.
"""

from __future__ import annotations

import time
from collections.abc import Collection

import dagster as dg

from cue_pipeline.defs.dagster_private import backfill_of
from cue_pipeline.defs.partitions import cues

LAUNCHED_BY = {"cue_pipeline/launched_by": "cue-pipeline backfill"}

DAEMON_SILENT_SECONDS = 300.0
"""A daemon that has not written for this long is not running; it writes every 30 s."""


def request_backfill(
    instance: dg.DagsterInstance, assets: Collection[str], keys: Collection[str], title: str
) -> str:
    """Ask the daemon for a backfill of these assets of these cues; return its id.

    Parameters
    ----------
    instance : dagster.DagsterInstance
        The instance that the daemon serves.
    assets : collection of str
        What to make.
    keys : collection of str
        Cues; each a partition that Dagster knows.
    title : str
        What the UI calls it; at most 100 characters.

    Notes
    -----
    The UI does the same through GraphQL (``launchPartitionBackfill``), which takes a web server, or
    a code server of its own (5 s), and ends in the same object.
    """
    backfill = backfill_of(cues, instance, assets, list(keys), title, LAUNCHED_BY)
    instance.add_backfill(backfill)
    return str(backfill.backfill_id)


def unknown_to_dagster(instance: dg.DagsterInstance, keys: Collection[str]) -> list[str]:
    """Return the cues that are no partitions of this instance yet."""
    there = set(instance.get_dynamic_partitions(str(cues.name)))
    return [key for key in keys if key not in there]


def daemon_seconds_silent(instance: dg.DagsterInstance) -> float | None:
    """Return how long ago the daemon that runs backfills was heard of; None: never."""
    heartbeat = instance.get_daemon_heartbeats().get("BACKFILL")
    return None if heartbeat is None else max(0.0, time.time() - heartbeat.timestamp)
