"""What the processes of a fork server do: one run of Dagster's queue, or cues one after another.

Heavy imports are inside the functions: who asks for a process imports this module too.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import shutil
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from cue_pipeline.library.pool import CueBusy, CueDone, CueJob

if TYPE_CHECKING:
    import dagster as dg

FIRST = ("alembic.context", "cue_pipeline.defs.location")
"""What every run needs, beside :data:`cue_pipeline.defs.dagster_private.EXECUTION` and assets."""

LATER = (
    "scipy.optimize", "scipy.fft", "soundfile", "pandas.core.methods.to_dict", "dagster_postgres",
    "psycopg2.extras", "fsspec.implementations.local", "importlib.resources.readers",
    "threadpoolctl", "upath.implementations.local", "urllib.request", "xml.sax.saxutils",
)  # fmt: skip
"""What a run of all assets imports of other packages."""

NOT_FOR_RUNS = ("cli", "definitions", "demo", "warehouse.migrations.versions")
"""Parts of this package that no run needs, or, like ``definitions``, has to import itself: that
reads the settings as they are at its import."""

_LOOK_SECONDS = 0.5  # how often one that waits for another process looks


def modules_of_runs() -> Iterator[str]:
    """Yield the modules that runs import, most needed first; "" after what every run needs."""
    import pkgutil

    import cue_pipeline
    from cue_pipeline.defs import assets
    from cue_pipeline.defs.dagster_private import EXECUTION

    yield from (*EXECUTION, *FIRST)
    yield from (
        found.name for found in pkgutil.iter_modules(assets.__path__, f"{assets.__name__}.")
    )
    yield from ("", *LATER)
    left_out = tuple(f"cue_pipeline.{name}" for name in NOT_FOR_RUNS)
    for found in pkgutil.walk_packages(cue_pipeline.__path__, "cue_pipeline."):
        if not found.name.startswith(left_out):
            yield found.name


def execute_queued(connection: Connection, told: str) -> None:
    """Do a run of Dagster's queue once ``connection`` says so; it outlives whoever asked for it."""
    from cue_pipeline.defs.dagster_private import execute_queued_run
    from cue_pipeline.defs.instance import records_kept_open

    signal.signal(signal.SIGINT, signal.default_int_handler)  # by which a run is terminated
    try:
        connection.recv()
    except EOFError:
        sys.exit(1)  # whoever asked is gone, and has not noted this process on the run
    with records_kept_open():
        execute_queued_run(told)  # the connection stays open as long as this process lives


def work(connection: Connection, working_directory: str) -> None:
    """Run the jobs that come through ``connection`` until None does.

    Sends first the path of the file to which what libraries print goes from then on, away from the
    progress bars, or the error why Dagster's instance cannot be opened; then
    :class:`~cue_pipeline.library.progress.Progress` while a job runs, and a :class:`CueDone` at its
    end or a :class:`CueBusy` instead. When whoever asked is gone, the process kills itself at once:
    it holds a claim on its cue.
    """
    threading.Thread(target=_end_with, args=(connection.fileno(),), daemon=True).start()
    logging.getLogger("dagster").setLevel(logging.CRITICAL)

    from cue_pipeline.defs.instance import alone_in, open_instance, records_kept_open
    from cue_pipeline.defs.location import process_job
    from cue_pipeline.defs.runs.claims import CueClaims
    from cue_pipeline.defs.runs.concurrency import make_pools
    from cue_pipeline.defs.runs.ending import record_dead_runs
    from cue_pipeline.errors import SettingsError
    from cue_pipeline.library import progress
    from cue_pipeline.settings import read_settings

    try:
        opened = open_instance(Path(working_directory))
    except SettingsError as e:
        connection.send(e)
        return
    with records_kept_open(), opened as instance, CueClaims(instance) as claims:
        home = Path(instance.root_directory)
        connection.send(_print_to(home / "process" / f"worker-{os.getpid()}.log"))
        with alone_in(home):
            make_pools(instance)
        record_dead_runs(instance)  # they would hold their cue and a place in the queue
        progress.listen(connection.send)
        job = process_job(read_settings())
        while (task := connection.recv()) is not None:
            while not (taken := claims.take(task.cue_key)) and task.patient:
                connection.poll(_LOOK_SECONDS)
            if not taken:
                connection.send(CueBusy())
                continue
            try:
                connection.send(_run_what_lacks(job, instance, task))
            finally:
                claims.release(task.cue_key)


def record_ends(
    connection: Connection,  # noqa: ARG001 - it is open as long as this process lives
    working_directory: str,
    run_ids: Sequence[str],
    why: str,
    canceled: bool,
) -> None:
    """Record in Dagster's instance that runs ended which can no longer do so themselves."""
    from cue_pipeline.defs.instance import open_instance
    from cue_pipeline.defs.runs.ending import record_end

    with open_instance(Path(working_directory)) as instance:
        for run_id in run_ids:
            record_end(instance, run_id, why, canceled=canceled)


def _end_with(connection: int) -> None:
    """Wait for the other end of a connection to close, however that comes, and kill this process.

    That is safe at any moment: an asset's rows are one transaction.
    """
    other = select.poll()
    other.register(connection, 0)  # of a hang-up is told in any case
    other.poll()
    os.kill(os.getpid(), signal.SIGKILL)


def _print_to(log: Path) -> Path:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as sink:
        os.dup2(sink.fileno(), sys.stdout.fileno())
        os.dup2(sink.fileno(), sys.stderr.fileno())
    return log


def _run_what_lacks(job: dg.JobDefinition, instance: dg.DagsterInstance, task: CueJob) -> CueDone:
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
    try:
        errors = _run(job, instance, task, assets) if assets else []
    except Exception as e:  # noqa: BLE001 - one bad cue must not end the worker
        errors = [run_error(e, instance.root_directory)]
    return CueDone(not errors, errors[0] if errors else None, assets)


def _run(
    job: dg.JobDefinition, instance: dg.DagsterInstance, task: CueJob, assets: Sequence[str]
) -> list[str]:
    """Run some assets of a cue; return the errors, none where all went well.

    Dagster skips whatever stands on an asset that fails. What goes without it is run by itself.
    """
    from cue_pipeline.library.graph import stopped

    errors, failed, skipped = _run_at_once(job, instance, task.cue_key, assets, task.run_id)
    if failed and (rest := [asset for asset in skipped if asset not in stopped(failed, assets)]):
        # Not under the id that the plan gave: that run is over.
        errors += _run_at_once(job, instance, task.cue_key, rest, None)[0]
    return errors


def _run_at_once(
    job: dg.JobDefinition,
    instance: dg.DagsterInstance,
    cue_key: str,
    assets: Sequence[str],
    run_id: str | None,
) -> tuple[list[str], frozenset[str], list[str]]:
    """Run some assets of a cue in one run of Dagster.

    Returns
    -------
    errors : list of str
        None where all went well.
    failed : frozenset of str
    skipped : list of str
        Those that were neither made nor failed.
    """
    import dagster as dg

    from cue_pipeline.defs.partitions import PARTITIONS_NAME
    from cue_pipeline.processes.liveness import worker_tag

    instance.add_dynamic_partitions(PARTITIONS_NAME, [cue_key])
    result = job.execute_in_process(
        partition_key=cue_key,
        asset_selection=[dg.AssetKey(asset) for asset in assets],
        instance=instance,
        run_id=run_id,
        raise_on_error=False,
        tags={"cue_pipeline/launched_by": "cue-pipeline process", **worker_tag()},
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )
    failures = [event for event in result.all_events if event.is_step_failure]
    errors = [
        event.step_failure_data.error.message.strip()
        for event in failures
        if event.step_failure_data.error
    ]
    failed = frozenset(str(event.step_key) for event in failures)
    made = {str(event.step_key) for event in result.all_events if event.is_step_success}
    skipped = [asset for asset in assets if asset not in made | failed]
    return errors if errors or result.success else [""], failed, skipped


def run_error(error: Exception, home: str) -> str:
    """Return in one line why a run could not even be recorded in the instance at ``home``.

    The error came out of Dagster, which assets' own errors do not.
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
