"""A warm process that runs one cue after another, as Dagster runs of the cue's partition."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import sys
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path


@dataclass(frozen=True, slots=True)
class CueJob:
    """One run: these assets of this cue, under this run id."""

    cue_key: str
    assets: tuple[str, ...]
    run_id: str


@dataclass(frozen=True, slots=True)
class CueDone:
    """How a run ended."""

    cue_key: str
    success: bool
    error: str | None
    run_id: str


def work(connection: Connection, working_directory: str, output: str) -> None:
    """Run the jobs that come through ``connection`` until it closes.

    Sends :class:`~cue_pipeline.defs.progress.Progress` while a job runs and a :class:`CueDone` at
    its end. What libraries print goes to the file ``output``, away from the progress bars.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when Ctrl-C ends a run
    with Path(output).open("a", encoding="utf-8") as sink:
        os.dup2(sink.fileno(), sys.stdout.fileno())
        os.dup2(sink.fileno(), sys.stderr.fileno())
    logging.getLogger("dagster").setLevel(logging.CRITICAL)

    from cue_pipeline.defs import progress
    from cue_pipeline.defs.instance import open_instance
    from cue_pipeline.defs.location import PROCESS_CUE, build_defs
    from cue_pipeline.settings import read_settings

    progress.listen(connection.send)
    job = build_defs(read_settings()).resolve_job_def(PROCESS_CUE)
    with open_instance(Path(working_directory)) as instance:
        while True:
            try:
                task: CueJob | None = connection.recv()
            except EOFError:
                return
            if task is None:
                return
            connection.send(_run(job, instance, task))


def _run(job, instance, task: CueJob) -> CueDone:  # type: ignore[no-untyped-def]
    import dagster as dg

    from cue_pipeline.defs.liveness import worker_tag

    try:
        result = job.execute_in_process(
            partition_key=task.cue_key,
            asset_selection=[dg.AssetKey(asset) for asset in task.assets],
            instance=instance,
            run_id=task.run_id,
            raise_on_error=False,
            tags={"cue_pipeline/launched_by": "cue-pipeline process", **worker_tag()},
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
    except Exception as e:  # noqa: BLE001 - one bad cue must not end the worker
        told = run_error(e, instance.root_directory)
        return CueDone(task.cue_key, success=False, error=told, run_id=task.run_id)
    errors = [
        event.step_failure_data.error.message.strip()
        for event in result.all_events
        if event.is_step_failure and event.step_failure_data.error
    ]
    return CueDone(task.cue_key, result.success, errors[0] if errors else None, task.run_id)


def run_error(error: Exception, home: str) -> str:
    """Return in one line why a run could not even be recorded.

    Parameters
    ----------
    error : Exception
        As it came out of Dagster; assets' own errors do not.
    home : str
        The folder of Dagster's instance.
    """
    said = getattr(error, "orig", None)  # of a database: SQLAlchemy adds the whole statement
    if said is None:
        return f"{type(error).__name__}: {error}"
    free = shutil.disk_usage(home).free / 1e6
    return (
        f"Dagster could not write its own records, which are in {home!r} unless its dagster.yaml "
        f"says otherwise: {str(said).strip()}. {free:,.0f} MB are free there. Make room, or see "
        "that this user may write there, and give the same command again: what is in the tables "
        "stays."
    )
