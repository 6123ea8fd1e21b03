"""Runs are killed, terminated, or cannot be started as they should; the daemon does the rest.

What happens when the daemon, the code server or PostgreSQL is killed takes minutes to see:
``python -m benchmarks.trial_crashes`` does that, and docs/running.md has its results.
"""

import json
import os
import signal
import subprocess
import sys

import dagster as dg
import pytest

from cue_pipeline.processes.liveness import WORKER_TAG, liveness
from cue_pipeline_tests.daemon import Site, backfills, break_run_server, hold_runs, wait_until

pytestmark = pytest.mark.slow

CANCELED, FAILURE = dg.DagsterRunStatus.CANCELED, dg.DagsterRunStatus.FAILURE


def test_runs_that_are_killed_terminated_or_started_cold_leave_nothing_twice_or_half(tmp_path):
    site = Site(tmp_path)
    site.write_cues("1m01", "1m02", "1m03")
    hold = hold_runs(site, "1m02", "1m03")
    site.env["CUE_ROOT"] = str(site.base)
    site.env["CUE_SETTLE_SECONDS"] = "0"
    with site.running(), site.instance() as instance:
        # The sensor finds the cues; two of them are held while they read their MIDI.
        wait_until(lambda: len(hold.pids()) == 2, 200, "runs of 1m02 and 1m03 are at work")
        (killed,), (terminated,) = runs_of(instance, "1m02"), runs_of(instance, "1m03")
        assert {worker(killed), worker(terminated)} == set(hold.pids())

        # What the UI's 'Terminate' asks for, from a process that is not the daemon.
        instance.run_coordinator.cancel_run(terminated.run_id)
        wait_until(lambda: status(instance, terminated) == CANCELED, 10, "the run is canceled")
        # Dagster's retry policy would have the interrupted step tried again.
        steps = [e.dagster_event_type for e in instance.all_logs(terminated.run_id)]
        assert dg.DagsterEventType.STEP_UP_FOR_RETRY not in steps
        wait_until(lambda: liveness(terminated.tags) == "dead", 10, "its process has ended")
        left = site.states(), site.rows("1m03")

        hold.release()
        os.kill(worker(killed), signal.SIGKILL)
        took = wait_until(lambda: status(instance, killed) == FAILURE, 20, "its end is noticed")
        assert took < 10
        others = {(key, "ready") for key in ("1m01", "1m02")}
        wait_until(lambda: others <= whole(site.states()), 120, "the killed one is run again")
        again, _ = runs_of(instance, "1m02")
        assert again.parent_run_id == killed.run_id
        assert worker(again) != worker(killed)
        assert len(runs_of(instance, "1m03")) == 1  # a person ended it, so nobody begins again
        assert not backfills(instance)
        twin = site.rows("1m01")
        assert site.rows("1m02") == twin
        assert twin["midi_notes"] > 0
        states, rows = left
        assert states["1m03", "tempo_map"] == states["1m03", "llm_mappings"] == "missing"
        assert set(states.values()) <= {"ready", "missing"}
        assert all(count in (0, twin[table]) for table, count in rows.items()), rows

        # From here on no run server starts: Dagster's own launcher serves.
        break_run_server(site)
        servers = site.children("cue_pipeline.processes.fork_server")
        assert servers
        for pid in servers:
            os.kill(pid, signal.SIGKILL)
        site.cli("backfill")
        wait_until(lambda: ("1m03", "ready") in whole(site.states()), 120, "it is run after all")
        cold, _ = runs_of(instance, "1m03")
        said = " ".join(event.message for event in instance.all_logs(cold.run_id))
        assert "run server could not be started: it ended with code" in said
        assert liveness(cold.tags) == "unknown"
    assert site.rows("1m03") == twin


def test_a_cue_of_the_command_line_is_terminated_and_the_others_go_on(tmp_path):
    site = Site(tmp_path)
    site.write_cues("1m01", "1m02")
    hold = hold_runs(site, "1m01")
    process = subprocess.Popen(
        [sys.executable, "-m", "cue_pipeline.cli", "process", "library", "--jobs", "1"],
        cwd=site.home, env=site.environment, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        wait_until(hold.held, 60, "1m01 is at work")
        with site.instance() as instance:
            (run,) = runs_of(instance, "1m01")
            instance.run_coordinator.cancel_run(run.run_id)
            output, _ = process.communicate(timeout=60)
            assert status(instance, run) == CANCELED
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 1
    assert "The run was told to end." in output
    states = site.states()
    assert states["1m01", "tempo_map"] == "missing"
    assert {state for (key, _), state in states.items() if key == "1m02"} == {"ready"}


def runs_of(instance, key):
    """Return the runs of a cue, newest first."""
    return instance.get_runs(dg.RunsFilter(tags={"dagster/partition": key}))


def worker(run):
    return json.loads(run.tags[WORKER_TAG])["pid"]


def status(instance, run):
    return instance.get_run_by_id(run.run_id).status


def whole(states):
    """Return each cue with the state of its assets, where that is one state."""
    cues = {}
    for (key, _), state in states.items():
        cues.setdefault(key, set()).add(state)
    return {(key, *found) for key, found in cues.items() if len(found) == 1}
