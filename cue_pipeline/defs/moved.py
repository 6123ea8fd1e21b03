"""Dagster's records follow the cues: partitions of those that moved, are gone, or came back.

A partition of a cue that is gone is retired, so that *Materialize → All* means all that can run;
Dagster keeps its history, and the key shows it again once the cue is back. Of a moved cue the new
partition is told what was materialised under the old key, with the same data versions, and what
checks said of it: no run is made, and nothing shows as missing or stale.
"""

from collections.abc import Collection, Mapping, Sequence

import dagster as dg

from cue_pipeline.defs import dagster_private as private
from cue_pipeline.defs.partitions import PARTITIONS_NAME
from cue_pipeline.library import graph

_NOT_OF_THE_RUN = ("dagster/data_version", "dagster/code_version", "dagster/input_")
"""What of a materialisation's tags says which data it is, not which run made it."""


def follow(
    instance: dg.DagsterInstance,
    *,
    moved: Mapping[str, str],
    gone: Collection[str],
    returned: Collection[str],
) -> None:
    """Make partitions those of the cues that are there.

    Parameters
    ----------
    instance : DagsterInstance
    moved : mapping of str to str
        Old key → new key.
    gone, returned : collection of str
        Keys of cues whose folders are no longer there, and are there again.
    """
    there = set(instance.get_dynamic_partitions(PARTITIONS_NAME))
    # All are read before any is written: keys may have been exchanged.
    assets = graph.ordered(key.path[-1] for key in instance.get_asset_keys()) if moved else []
    events_of = {old: _materialised(instance, old, assets) for old in moved}
    # A cue that was gone for a while has no partition, and yet a history.
    known = {old: new for old, new in moved.items() if old in there or events_of[old]}
    made = {new: events_of[old] for old, new in known.items()}
    checks = _checks() if known else []
    said = {new: private.checked(instance, checks, old) for old, new in known.items()}
    added = [key for key in (*known.values(), *returned) if key not in there]
    if added:
        instance.add_dynamic_partitions(PARTITIONS_NAME, list(dict.fromkeys(added)))
    for new, events in made.items():
        for event in events:
            instance.report_runless_asset_event(
                dg.AssetMaterialization(
                    asset_key=event.asset_key,
                    partition=new,
                    description="The cue was moved; nothing was made again.",
                    metadata=event.metadata,
                    tags={
                        name: value
                        for name, value in (event.tags or {}).items()
                        if name.startswith(_NOT_OF_THE_RUN)
                    },
                )
            )
    for new, records in said.items():
        for record in records:
            private.tell_as_checked(instance, record, new)
    left = {old for old in known if old not in moved.values()}
    for key in (left | set(gone)) & there:
        instance.delete_dynamic_partition(PARTITIONS_NAME, key)


def _checks() -> list[dg.AssetCheckKey]:
    """Return the checks that assets have; `is_current` is told anew by its sensor."""
    from cue_pipeline.defs.location import find_assets

    return [check for asset in find_assets() for check in asset.check_keys]


def _materialised(
    instance: dg.DagsterInstance, key: str, assets: Sequence[str]
) -> list[dg.AssetMaterialization]:
    """Return the last materialisation of each asset of a cue."""
    found = []
    for asset in assets:
        records = instance.fetch_materializations(
            dg.AssetRecordsFilter(asset_key=dg.AssetKey(asset), asset_partitions=[key]), limit=1
        ).records
        found += [r.asset_materialization for r in records if r.asset_materialization]
    return found


def retire(instance: dg.DagsterInstance, keys: Sequence[str], *, runs: bool) -> int:
    """Take the partitions of cues away, and their runs if asked for; return how many runs."""
    there = set(instance.get_dynamic_partitions(PARTITIONS_NAME))
    for key in there.intersection(keys):
        instance.delete_dynamic_partition(PARTITIONS_NAME, key)
    if not runs:
        return 0
    found = [
        run.run_id
        for key in keys
        for run in instance.get_runs(dg.RunsFilter(tags={"dagster/partition": key}))
    ]
    for run_id in found:
        instance.delete_run(run_id)
    return len(found)
