"""Looks at a large library with nothing to do: the sensor's, ``status``, ``process``.

    python -m benchmarks.bench_sensor
    python -m benchmarks.bench_sensor --cues 20000

The time that counts is the process's own (CPU, the kernel's share in it).
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cue_pipeline.settings import Settings
    from cue_pipeline.warehouse.store import Store

CUES = 5_000
FILES = 24


def write_library(root: Path, n: int, n_files: int = FILES) -> None:
    """Write ``n`` cue folders of empty files: the sensor reads names, sizes and dates only."""
    for k in range(n):
        cue = root / f"Reel {k // 40 + 1}" / f"{k // 40 + 1}m{k % 40:02}"
        audio = cue / "PT" / "Audio Files"
        audio.mkdir(parents=True)
        (cue / "MIDI").mkdir()
        (cue / "MIDI" / "a.mid").touch()
        for i in range(n_files - 1):
            (audio / f"stem {i}.L.wav").touch()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cues", type=int, default=CUES)
    n_cues = parser.parse_args().cues
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "library"
        write_library(root, n_cues)
        os.environ |= {
            "DATABASE_URL": f"sqlite:///{folder}/w.db",
            "CUE_ROOT": str(root),
            "CUE_SETTLE_SECONDS": "0",
        }
        import dagster as dg

        from cue_pipeline.defs.location import build_defs
        from cue_pipeline.defs.sensors import SENSOR
        from cue_pipeline.library import graph
        from cue_pipeline.settings import read_settings
        from cue_pipeline.warehouse.opening import open_store

        settings = read_settings()
        defs = build_defs(settings)
        sensor = defs.resolve_sensor_def(SENSOR)
        print(f"{n_cues:,} cue folders of {FILES} files, SQLite")
        with dg.DagsterInstance.ephemeral() as instance:
            cursor = None

            def look(name: str) -> None:
                nonlocal cursor
                began, cpu = time.perf_counter(), time.process_time()
                with dg.build_sensor_context(
                    instance, cursor=cursor, definitions=defs,
                    resources={"library": defs.resources["library"]},
                ) as context:  # fmt: skip
                    result = sensor(context)
                seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
                cursor = result.cursor
                asked = len(result.run_requests or ())
                print(
                    f"{name:32} {seconds:6.2f} s ({cpu:5.2f} s CPU)  {asked:4} runs  "
                    f"cursor {len(cursor):6,} bytes",
                    flush=True,
                )

            look("all new, first look")
            look("all new, second look")
            look("all new, third look")
            store = open_store(settings.database_url.get_secret_value())
            fill_ledger(store, root, graph.code_versions(settings))
            instance.add_dynamic_partitions("cues", [c.cue_key for c in store.cues()])
            cursor = None
            look("all ready, nothing to do")
            look("all ready, nothing to do, again")
        _commands(root, settings, store)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"peak memory of the process {peak:.0f} MB")


def _commands(root: Path, settings: Settings, store: Store) -> None:
    """Say what ``status`` and ``process`` take to find that all is up to date."""
    from cue_pipeline.library.plan import plan_library
    from cue_pipeline.library.status import read_status

    one = store.cues()[0].cue_key
    commands = {
        "status": lambda: read_status(store, settings),
        "process, all current": lambda: plan_library(root, store, settings),
        "process --cue ONE": lambda: plan_library(root, store, settings, only=[one]),
    }
    for name, command in commands.items():
        began, cpu = time.perf_counter(), time.process_time()
        command()
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        print(f"{name:32} {seconds:6.2f} s ({cpu:5.2f} s CPU)", flush=True)


def fill_ledger(store, root: Path, versions) -> None:  # type: ignore[no-untyped-def]
    """Make every asset of every cue ready, as a night of runs would."""
    from datetime import UTC, datetime

    import sqlalchemy as sa

    from cue_pipeline.cue.identity import row_id
    from cue_pipeline.cue.scan import find_cues
    from cue_pipeline.library import graph
    from cue_pipeline.warehouse import tables

    scan = find_cues(root)
    store.register_cues(scan.cues)
    moment = datetime.now(UTC)
    rows = []
    for folder in scan.cues:
        expected = graph.expected_data_versions(folder, versions)
        rows += [
            {
                "cue_id": row_id("cues", folder.key), "asset": asset, "state": "ready",
                "fingerprint": graph.fingerprint(asset, folder), "code_version": versions[asset],
                "data_version": expected[asset], "row_count": 1, "error": None,
                "started_at": moment, "finished_at": moment,
            }
            for asset in graph.GRAPH
        ]  # fmt: skip
    with store.engine.begin() as connection:
        connection.execute(sa.insert(tables.cue_assets), rows)


if __name__ == "__main__":
    main()
