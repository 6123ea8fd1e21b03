"""A warm process that runs one cue after another, as Dagster runs of the cue's partition."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import sys
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path

_LOOK_SECONDS = 0.5  # how often one that waits for another process looks


@dataclass(frozen=True, slots=True)
class CueJob:
    """One run: these assets of this cue, under this run id."""

    cue_key: str
    assets: tuple[str, ...]
    run_id: str
    forced: bool = False
    """Also what another process has made since it was planned."""
    patient: bool = False
    """Wait for another process that is at the cue, instead of saying so."""


@dataclass(frozen=True, slots=True)
class CueBusy:
    """Nothing was done: another process is at the cue."""

    cue_key: str


@dataclass(frozen=True, slots=True)
class CueDone:
    """How a run ended; without ``assets`` there was nothing left to do, and no run."""

    cue_key: str
    success: bool
    error: str | None
    assets: tuple[str, ...]


def work(connection: Connection, working_directory: str, output: str) -> None:
    """Run the jobs that come through ``connection`` until it closes.

    Sends :class:`~cue_pipeline.library.progress.Progress` while a job runs and a
    :class:`CueDone` at its end, or :class:`CueBusy` instead. What libraries print goes to the
    file ``output``, away from the progress bars.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when Ctrl-C ends a run
    with Path(output).open("a", encoding="utf-8") as sink:
        os.dup2(sink.fileno(), sys.stdout.fileno())
        os.dup2(sink.fileno(), sys.stderr.fileno())
    logging.getLogger("dagster").setLevel(logging.CRITICAL)

    from cue_pipeline.defs.location import PROCESS_CUE, build_defs
    from cue_pipeline.defs.runs.claims import CueClaims
    from cue_pipeline.defs.runs.instance import open_instance
    from cue_pipeline.library import progress
    from cue_pipeline.settings import read_settings

    progress.listen(connection.send)
    job = build_defs(read_settings()).resolve_job_def(PROCESS_CUE)
    with open_instance(Path(working_directory)) as instance, CueClaims(instance) as claims:
        while True:
            try:
                task: CueJob | None = connection.recv()
            except EOFError:
                return
            if task is None:
                return
            while not (taken := claims.take(task.cue_key)) and task.patient:
                if connection.poll(_LOOK_SECONDS):  # whoever asked for it is gone
                    return
            if not taken:
                connection.send(CueBusy(task.cue_key))
                continue
            try:
                connection.send(_run_what_lacks(job, instance, task))
            finally:
                claims.release(task.cue_key)


def _run_what_lacks(job, instance, task: CueJob) -> CueDone:  # type: ignore[no-untyped-def]
    """Run a claimed cue, less what another process made between the plan and the claim."""
    from cue_pipeline.errors import CuePipelineError
    from cue_pipeline.library.plan import still_lacking
    from cue_pipeline.settings import read_settings
    from cue_pipeline.warehouse.opening import open_store

    assets = task.assets
    if not task.forced:
        settings = read_settings()
        # What cannot be read now is for the run to record and to tell.
        with contextlib.suppress(CuePipelineError):
            store = open_store(settings.database_url.get_secret_value())
            assets = still_lacking(task.cue_key, task.assets, store, settings)
    if not assets:
        return CueDone(task.cue_key, success=True, error=None, assets=())
    return _run(job, instance, replace(task, assets=assets))


def _run(job, instance, task: CueJob) -> CueDone:  # type: ignore[no-untyped-def]
    import dagster as dg

    from cue_pipeline.defs.runs.liveness import worker_tag

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
        return CueDone(task.cue_key, success=False, error=told, assets=task.assets)
    errors = [
        event.step_failure_data.error.message.strip()
        for event in result.all_events
        if event.is_step_failure and event.step_failure_data.error
    ]
    error = errors[0] if errors else None
    return CueDone(task.cue_key, result.success, error, task.assets)


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
