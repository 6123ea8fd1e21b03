"""All that this package uses of Dagster's inside, which an update may move: here, and nowhere else.

Dagster 1.13 has no public name for what a run launcher is given and answers, for the interrupt of a
run, for doing a run that is in the queue, for asking the daemon for a backfill, for whether it is
about to try a run again, nor for what a check said of a partition. A test looks at each; where it
fails after an update of Dagster, this module is what has to be mended.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import dagster as dg
from dagster._core.errors import DagsterExecutionInterruptedError as RunInterrupted
from dagster._core.launcher.base import CheckRunHealthResult, LaunchRunContext, WorkerStatus
from dagster._serdes import ConfigurableClassData

if TYPE_CHECKING:
    from dagster._core.execution.backfill import PartitionBackfill
    from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecord

__all__ = [
    "EXECUTION",
    "CheckRunHealthResult",
    "ConfigurableClassData",
    "LaunchRunContext",
    "RunInterrupted",
    "WorkerStatus",
    "backfill_of",
    "checked",
    "execute_queued_run",
    "queued_run",
    "tell_as_checked",
    "waits_for_retry",
]

EXECUTION = (
    "dagster._core.execution.execute_in_process",
    "dagster._core.instance.factory",
    "dagster._core.storage.base_storage",
    "dagster._core.storage.local_compute_log_manager",
    "dagster._core.storage.root",
    "dagster._core.storage.sqlite_storage",
    "dagster._core.system_config.composite_descent",
    "dagster._core.execution.plan.active",
    "dagster._core.executor.in_process",
    "dagster._cli.api",
    "dagster._core.definitions.external_asset",
    "dagster._core.definitions.repository_definition.repository_data_builder",
    "dagster._core.storage.migration.utils",
    "dagster._core.workspace.autodiscovery",
    "dagster._utils.test.definitions",
)
"""Modules that Dagster imports as it comes to them: for a run's process to have beforehand."""


def queued_run(run: dg.DagsterRun, instance: dg.DagsterInstance) -> str:
    """Return what says to another process which run of which instance is to be done."""
    from dagster._grpc.types import ExecuteRunArgs

    assert run.job_code_origin is not None
    arguments = ExecuteRunArgs(
        job_origin=run.job_code_origin, run_id=run.run_id, instance_ref=instance.get_ref()
    )
    return str(arguments.get_command_args()[-1])


def execute_queued_run(told: str) -> None:
    """Do the run that :func:`queued_run` told of, as Dagster's own run workers do."""
    from dagster._cli.api import api_cli

    api_cli.main(["execute_run", told], prog_name="dagster api", standalone_mode=False)


def backfill_of(
    partitions: dg.PartitionsDefinition[str],
    instance: dg.DagsterInstance,
    assets: Collection[str],
    keys: Sequence[str],
    title: str,
    tags: Mapping[str, str],
) -> PartitionBackfill:
    """Return a backfill of these assets of these partitions, for ``instance.add_backfill``.

    Parameters
    ----------
    partitions : dagster.PartitionsDefinition
        Of each asset.
    instance : dagster.DagsterInstance
        It knows the dynamic partitions.
    assets, keys : collection of str
        What to make of what.
    title : str
        What the UI calls it; at most 100 characters.
    tags : mapping of str to str
        Of the backfill and of its runs.
    """
    from dagster._core.definitions.assets.graph.asset_graph_subset import AssetGraphSubset
    from dagster._core.execution.backfill import PartitionBackfill
    from dagster._core.utils import make_new_backfill_id

    subset = partitions.empty_subset().with_partition_keys(keys)
    subsets = {dg.AssetKey(asset): subset for asset in assets}
    return PartitionBackfill.from_asset_graph_subset(  # type: ignore[no-any-return]
        backfill_id=make_new_backfill_id(),
        backfill_timestamp=time.time(),
        tags=tags,
        dynamic_partitions_store=instance,
        asset_graph_subset=AssetGraphSubset(subsets, set()),  # type: ignore[call-arg]
        title=title,
        description=None,
        run_config=None,
    )


def waits_for_retry(instance: dg.DagsterInstance, failed: dg.DagsterRun) -> bool:
    """Tell whether Dagster's daemon is about to try a run again that has failed.

    A run is marked for that just after its status is set; one that is not marked yet may be.
    """
    from dagster._core.storage.tags import WILL_RETRY_TAG

    if WILL_RETRY_TAG not in failed.tags:
        return instance.run_retries_enabled
    return bool(failed.is_complete_and_waiting_to_retry)


def checked(
    instance: dg.DagsterInstance, checks: Sequence[dg.AssetCheckKey], partition: str
) -> list[AssetCheckExecutionRecord]:
    """Return what checks said last of a partition; of those under way, nothing."""
    from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluation
    from dagster._core.event_api import PartitionKeyFilter

    found = instance.event_log_storage.get_latest_asset_check_execution_by_key(
        checks, PartitionKeyFilter(key=partition)
    )
    return [
        record for record in found.values() if isinstance(record.evaluation, AssetCheckEvaluation)
    ]


def tell_as_checked(
    instance: dg.DagsterInstance, record: AssetCheckExecutionRecord, partition: str
) -> None:
    """Have what a check said of one partition said of another too, by the run that said it.

    Without a run Dagster keeps one verdict of a check on a partition for ever.
    """
    from dagster._core.definitions.asset_checks.asset_check_evaluation import (
        AssetCheckEvaluation,
        AssetCheckEvaluationTargetMaterializationData,
    )
    from dagster._core.events import DagsterEvent, DagsterEventType

    said = record.evaluation
    assert said is not None
    made = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=said.asset_key, asset_partitions=[partition]), limit=1
    ).records
    about = [
        AssetCheckEvaluationTargetMaterializationData(
            storage_id=m.storage_id, run_id=m.run_id, timestamp=m.timestamp
        )
        for m in made
    ]
    again = AssetCheckEvaluation(
        asset_key=said.asset_key,
        check_name=said.check_name,
        passed=said.passed,
        metadata=said.metadata,
        target_materialization_data=about[0] if about else None,
        severity=said.severity,
        description=said.description,
        blocking=said.blocking,
        partition=partition,
    )
    event = DagsterEvent(
        event_type_value=DagsterEventType.ASSET_CHECK_EVALUATION.value,
        event_specific_data=again,
        job_name=record.event.job_name if record.event and record.event.job_name else "",
    )
    instance.report_dagster_event(event, run_id=record.run_id)
