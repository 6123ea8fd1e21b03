"""Two programs at one library: each cue is worked at by one of them, whatever dies."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time

import dagster as dg
import pytest

from cue_pipeline.defs.instance import open_instance
from cue_pipeline.defs.runs.claims import CueClaims
from cue_pipeline.library.graph import GRAPH
from cue_pipeline.processes.liveness import worker_tag
from cue_pipeline_tests.cues import write_cue
from cue_pipeline_tests.workspace import Workspace

fork = multiprocessing.get_context("fork")  # what is imported here need not be again


@pytest.fixture
def instance(tmp_path, monkeypatch):
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    with open_instance(tmp_path) as opened:
        yield opened


def hold(home, cue_key, said):
    with open_instance(home) as instance, CueClaims(instance) as claims:
        said.send(claims.take(cue_key))
        time.sleep(60)


def open_with_others(home, barrier):
    barrier.wait()
    open_instance(home).dispose()


@pytest.fixture
def other(instance, tmp_path):
    """Another process that is at cue 1m01."""
    ours, theirs = fork.Pipe()
    process = fork.Process(target=hold, args=(tmp_path, "1m01", theirs))
    process.start()
    assert ours.recv()
    yield process
    process.kill()
    process.join()


def test_a_cue_that_another_process_is_at_cannot_be_taken_and_others_can(instance, other):
    with CueClaims(instance) as claims:
        assert not claims.take("1m01")
        assert claims.take("1m02")


def test_the_claim_of_a_process_that_is_killed_ends_with_it(instance, other):
    other.kill()
    other.join()
    with CueClaims(instance) as claims:
        assert claims.take("1m01")
        claims.release("1m01")
        assert claims.take("1m01")


def test_a_run_of_the_daemon_on_this_machine_is_seen_as_long_as_its_process_lives(instance):
    @dg.job
    def anything():
        pass

    ended = fork.Process(target=time.sleep, args=(60,))
    ended.start()
    tags = {"dagster/partition": "1m01", **worker_tag(ended.pid)}
    instance.create_run_for_job(anything, tags=tags, status=dg.DagsterRunStatus.STARTED)
    with CueClaims(instance) as claims:
        assert not claims.take("1m01")
        assert claims.take("1m02")
        ended.kill()
        ended.join()
        assert claims.take("1m01")


def test_an_instance_that_several_processes_open_first_at_once_can_be_opened_again(tmp_path):
    barrier = fork.Barrier(4)
    openers = [fork.Process(target=open_with_others, args=(tmp_path, barrier)) for _ in range(4)]
    for opener in openers:
        opener.start()
    for opener in openers:
        opener.join()
    assert [opener.exitcode for opener in openers] == [0] * 4
    open_instance(tmp_path).dispose()


@pytest.mark.slow
@pytest.mark.parametrize("killed", [False, True], ids=["both end", "one is killed"])
def test_two_calls_on_one_library_share_its_cues_and_both_say_the_truth(tmp_path, killed):
    workspace = Workspace(tmp_path)
    keys = [f"1m{n:02}" for n in range(1, 7)]
    for key in keys:
        write_cue(workspace.base, key)
    command = [sys.executable, "-m", "cue_pipeline.cli", "process", "library", "--jobs", "1"]
    first, second = (
        subprocess.Popen(
            command, cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        for _ in range(2)
    )  # fmt: skip
    if killed:
        with open_instance(tmp_path) as instance:
            while not instance.get_runs_count():
                time.sleep(0.1)
        os.killpg(first.pid, signal.SIGKILL)
    said = second.communicate(timeout=200)[0]
    first.communicate(timeout=200)
    assert second.returncode == 0, said
    assert first.returncode == (-signal.SIGKILL if killed else 0)
    assert {row["state"] for row in json.loads(workspace.run_stdout("status", "--json"))} == {
        "ready"
    }
    with workspace.instance() as instance:
        ends = [run.status for run in instance.get_runs()]
    assert ends.count(dg.DagsterRunStatus.SUCCESS) == len(keys)
    assert killed or len(ends) == len(keys)
    assert len(workspace.table("cue_assets")) == len(keys) * len(GRAPH)
