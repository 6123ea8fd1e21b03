"""The main job: find the cues under a folder, see what each lacks, and run it, side by side.

Each cue is one Dagster run of its partition, in a warm worker process. A worker that dies takes
only its cue with it. Programs that are at one library together share its cues out
(:mod:`cue_pipeline.defs.runs.claims`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import uuid4

import dagster as dg

from cue_pipeline.defs.partitions import PARTITIONS_NAME
from cue_pipeline.defs.runs.concurrency import make_pools
from cue_pipeline.defs.runs.liveness import fail_dead_runs
from cue_pipeline.defs.runs.pool import CueOutcome, Event, WorkerPool
from cue_pipeline.defs.runs.worker import CueJob
from cue_pipeline.library.plan import CuePlan
from cue_pipeline.warehouse.store import Store


def run_plans(
    plans: Sequence[CuePlan],
    store: Store,
    instance: dg.DagsterInstance,
    *,
    jobs: int,
    watch: Callable[[Event], None],
    working_directory: Path,
) -> list[CueOutcome]:
    """Run the cues of ``plans``, ``jobs`` at once, and return what became of each.

    Parameters
    ----------
    plans : sequence of CuePlan
        Those with nothing to do are reported as up to date, or waiting, without a run.
    store : Store
        The warehouse, for what the ledger says at the end.
    instance : dagster.DagsterInstance
        Where the runs are recorded; it must be the one that a worker opens.
    jobs : int
        Worker processes.
    watch : callable
        Called with each event, in this process.
    working_directory : Path
        Where a worker looks for the instance.
    """
    outcomes = {
        p.folder.key: CueOutcome(p.folder.key, "waiting" if p.waits else "up to date")
        for p in plans
    }
    todo = [plan for plan in plans if plan.assets]
    if todo:
        fail_dead_runs(instance)  # they would hold their cue and a place in the queue
        make_pools(instance)
        instance.add_dynamic_partitions(PARTITIONS_NAME, [plan.folder.key for plan in todo])
        logs = Path(instance.root_directory) / "process"
        logs.mkdir(parents=True, exist_ok=True)
        tasks = [CueJob(p.folder.key, p.assets, str(uuid4()), forced=p.forced) for p in todo]
        pool = WorkerPool(tasks, outcomes, store, instance, watch, working_directory, logs)
        pool.run(min(jobs, len(todo)))
    return list(outcomes.values())
