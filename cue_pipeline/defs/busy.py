"""Which cues have a run under way, whoever started it."""

from collections.abc import Sequence

import dagster as dg

UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]

PARTITION_TAG = "dagster/partition"

_KEYS_AT_ONCE = 500


def busy_cues(instance: dg.DagsterInstance, keys: Sequence[str]) -> frozenset[str]:
    """Return those of ``keys`` of which any run has not ended."""
    busy: set[str] = set()
    for first in range(0, len(keys), _KEYS_AT_ONCE):
        part = list(keys[first : first + _KEYS_AT_ONCE])
        runs = instance.get_runs(
            dg.RunsFilter(tags={PARTITION_TAG: part}, statuses=UNFINISHED),
        )
        busy |= {run.tags[PARTITION_TAG] for run in runs}
    return frozenset(busy)
