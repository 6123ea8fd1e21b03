"""Which cues have a run under way, whoever started it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg

from cue_pipeline.defs.dagster_private import waits_for_retry

UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]

PARTITION_TAG = "dagster/partition"

RETRIED_WITHIN = timedelta(seconds=60)
"""Dagster's daemon looks every five seconds for runs to try again; where none runs, none is."""

_KEYS_AT_ONCE = 500


def busy_cues(instance: dg.DagsterInstance, keys: Sequence[str]) -> frozenset[str]:
    """Return those of ``keys`` of which any run has not ended, or is about to be tried again."""
    busy: set[str] = set()
    for first in range(0, len(keys), _KEYS_AT_ONCE):
        of_part = {PARTITION_TAG: list(keys[first : first + _KEYS_AT_ONCE])}
        runs = instance.get_runs(dg.RunsFilter(tags=of_part, statuses=UNFINISHED))
        failed = dg.RunsFilter(
            tags=of_part,
            statuses=[dg.DagsterRunStatus.FAILURE],
            updated_after=datetime.now(UTC) - RETRIED_WITHIN,
        )
        retried = [r for r in instance.get_runs(failed) if waits_for_retry(instance, r)]
        busy |= {run.tags[PARTITION_TAG] for run in (*runs, *retried)}
    return frozenset(busy)
