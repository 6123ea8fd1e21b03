"""Concurrency pools: their places are there before a run is; dead runs give theirs back."""

from __future__ import annotations

import logging

import dagster as dg

MODEL_POOL = "openai"
"""Pool of the assets that ask the model; ``dagster.yaml`` says how many do so at once."""

log = logging.getLogger("cue_pipeline.launcher")


def make_pools(instance: dg.DagsterInstance) -> None:
    """Make the places of the pools, before runs do.

    Runs make them at first use, and of two that do so at once on PostgreSQL one fails (Dagster
    1.13: 'current transaction is aborted', an update after a failed insert). Nothing is retried
    after that failure, so one process makes them first.
    """
    storage = instance.event_log_storage
    limited = instance.global_op_concurrency_default_limit is not None
    if not limited or not storage.supports_global_concurrency_limits:
        return
    try:
        if any(pool.name == MODEL_POOL for pool in storage.get_pool_limits()):
            return
        storage.initialize_concurrency_limit_to_default(MODEL_POOL)
    except Exception:  # whoever was quicker has made them; else the run says what is wrong
        log.warning("The pool %r could not be made.", MODEL_POOL, exc_info=True)


def free_pools(instance: dg.DagsterInstance) -> None:
    """Give back the places in concurrency pools that runs hold which have ended.

    A run that is killed cannot do so itself; once all places were lost, no cue could ever ask the
    model again.
    """
    storage = instance.event_log_storage
    if not storage.supports_global_concurrency_limits:
        return
    for run_id in storage.get_concurrency_run_ids():
        run = instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            storage.free_concurrency_slots_for_run(run_id)
