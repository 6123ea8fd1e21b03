"""A backfill of small cues × all assets by a real daemon: total time, and overhead per cue.

``python -m benchmarks.bench_backfill [cues]`` takes 20 cues; ``--full`` 200; ``--default-launcher``
also Dagster's own run launcher, beside ours. The work is what the assets say they computed; the
rest is loading, and Dagster's.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import dagster as dg
import yaml

from cue_pipeline_tests.daemon import ROOT, Site, backfills, wait_until

DONE = {"COMPLETED_SUCCESS", "COMPLETED_FAILED", "FAILED", "CANCELED"}
BACKFILL = "dagster/backfill"


def main() -> None:
    numbers = [int(word) for word in sys.argv[1:] if word.isdecimal()]
    n = 200 if "--full" in sys.argv else (numbers or [20])[0]
    print(
        "| launcher | cues | total s | until the first run | s per cue | work per cue | overhead |"
    )
    print("|---|---|---|---|---|---|---|")
    _bench(n, default_launcher=False)
    if "--default-launcher" in sys.argv:
        _bench(n, default_launcher=True)
    print(
        f"load of the machine at the end: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"
    )


def _bench(n: int, *, default_launcher: bool) -> None:
    config = yaml.safe_load((ROOT / "dagster.yaml").read_text())
    if default_launcher:
        del config["run_launcher"]
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder), yaml.safe_dump(config))
        site.write_cues(*(f"Reel {k // 40}/m{k:03}" for k in range(n)))
        site.cli("process", "library", "--select", "tempo_map", "--jobs", "2")
        with site.running(), site.instance() as instance:
            wait_until(lambda: "BACKFILL" in instance.get_daemon_heartbeats(), 120, "the daemon")
            asked = time.time()
            site.cli("backfill", "--missing")
            in_backfill = dg.RunsFilter(
                tags={BACKFILL: list(backfills(instance))}, statuses=[dg.DagsterRunStatus.SUCCESS]
            )
            wait_until(lambda: instance.get_runs_count(in_backfill) == n, 60 + 30 * n, "all ended")
            records = instance.get_run_records(in_backfill)
            first = min(r.start_time for r in records if r.start_time)
            last = max(r.end_time for r in records if r.end_time)
            work = sum(_work_seconds(instance, r.dagster_run.run_id) for r in records) / n
            slots = config["concurrency"]["runs"]["max_concurrent_runs"]
            each = (last - first) / n
            print(
                f"| {'default' if default_launcher else 'warm'} | {n} | {last - asked:.0f} "
                f"| {first - asked:.0f} s | {each:.2f} | {work / slots:.2f} "
                f"| {each - work / slots:.2f} |",
                flush=True,
            )


def _work_seconds(instance: dg.DagsterInstance, run_id: str) -> float:
    """Return what the steps of a run took, less what writing Dagster's own events did.

    The assets say how long they computed; loading is what lies between that and the step's end.
    """
    records = instance.get_records_for_run(
        run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION, limit=100
    ).records
    seconds = 0.0
    for record in records:
        materialization = record.asset_materialization
        if materialization is not None and "seconds" in materialization.metadata:
            seconds += float(materialization.metadata["seconds"].value or 0.0)  # type: ignore[arg-type]
    return seconds


if __name__ == "__main__":
    main()
