"""A run's process is killed in the middle of its work; the daemon does the rest.

What happens when the daemon, the code server or PostgreSQL is killed takes minutes to see:
``python -m benchmarks.trial_crashes`` does that, and docs/running.md has its results.
"""

import json
import os
import signal

import dagster as dg
import pytest

from cue_pipeline_tests.daemon import Site, backfills, hold_runs, wait_until

pytestmark = pytest.mark.slow


def test_a_killed_run_worker_is_replaced_and_nothing_is_twice_or_half(tmp_path):
    site = Site(tmp_path)
    site.write_cues("1m01", "1m02")
    hold = hold_runs(site, "1m02")
    site.env["CUE_ROOT"] = str(site.library)
    site.env["CUE_SETTLE_SECONDS"] = "0"
    with site.running(), site.instance() as instance:
        # The sensor finds both cues; the second is held while it reads its MIDI.
        wait_until(hold.held, 200, "a run of 1m02 is at work")
        (run,) = instance.get_runs(dg.RunsFilter(tags={"dagster/partition": "1m02"}))
        wait_until(lambda: "cue_pipeline/worker" in tags(instance, run), 10, "its process is known")
        pid = json.loads(tags(instance, run)["cue_pipeline/worker"])["pid"]
        assert pid in hold.pids()
        hold.release()
        os.kill(pid, signal.SIGKILL)
        took = wait_until(lambda: failed(instance, run), 20, "the dead run is seen as failed")
        assert took < 10
        wait_until(lambda: set(site.states().values()) == {"ready"}, 120, "all is ready")
        again = instance.get_runs(dg.RunsFilter(tags={"dagster/partition": "1m02"}))
        assert len(again) == 2
        assert again[0].parent_run_id == run.run_id
        assert not backfills(instance)
    twin = site.rows("1m01")
    assert site.rows("1m02") == twin
    assert twin["midi_notes"] > 0


def tags(instance, run):
    return instance.get_run_by_id(run.run_id).tags


def failed(instance, run):
    return instance.get_run_by_id(run.run_id).status == dg.DagsterRunStatus.FAILURE
