"""The run server and its launcher, and how a dead process is told from a living one."""

import json
import os
import signal
import subprocess
import sys
import time

import dagster as dg
import pytest

from cue_pipeline.defs.runs import launcher
from cue_pipeline.defs.runs.fork_client import RunServerGoneError, RunService
from cue_pipeline.defs.runs.launcher import WarmRunLauncher
from cue_pipeline.defs.runs.liveness import WORKER_TAG, fail_dead_runs, liveness, send, worker_tag
from cue_pipeline_tests.daemon import wait_until


def run_of(tags):
    return dg.DagsterRun("job", run_id="00000000-0000-0000-0000-000000000000", tags=tags)


@pytest.fixture
def sleeper():
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        yield process
        process.kill()


def test_a_run_of_a_living_process_is_alive_and_of_a_killed_one_dead(sleeper):
    run = run_of(worker_tag(sleeper.pid))
    assert liveness(run.tags) == "alive"
    sleeper.kill()
    sleeper.wait()
    assert liveness(run.tags) == "dead"
    assert not send(run.tags, signal.SIGINT)


def test_a_zombie_is_dead(sleeper):
    run = run_of(worker_tag(sleeper.pid))
    sleeper.kill()
    time.sleep(0.3)  # killed, and not waited for
    assert liveness(run.tags) == "dead"


def test_another_process_with_the_same_number_is_not_the_worker(sleeper):
    tag = json.loads(worker_tag(sleeper.pid)[WORKER_TAG])
    assert liveness({WORKER_TAG: json.dumps(tag | {"began": "before"})}) == "dead"


def test_a_run_of_another_machine_or_without_a_name_is_not_judged():
    tag = json.loads(worker_tag()[WORKER_TAG])
    assert liveness({WORKER_TAG: json.dumps(tag | {"host": "elsewhere"})}) == "unknown"
    assert liveness({}) == "unknown"
    assert liveness({WORKER_TAG: "mangled"}) == "unknown"


def test_dead_runs_are_failed_and_living_ones_left_alone(sleeper):
    sleeper.kill()
    sleeper.wait()

    @dg.job
    def nothing():
        pass

    with dg.DagsterInstance.ephemeral() as instance:
        started = dg.DagsterRunStatus.STARTED
        gone = {
            WORKER_TAG: json.dumps({"host": os.uname().nodename, "pid": sleeper.pid, "began": "x"})
        }
        dead = instance.create_run_for_job(nothing, status=started, tags=gone)
        alive = instance.create_run_for_job(nothing, status=started, tags=worker_tag())
        assert fail_dead_runs(instance) == [dead.run_id]
        assert instance.get_run_by_id(dead.run_id).status == dg.DagsterRunStatus.FAILURE
        assert instance.get_run_by_id(alive.run_id).status == started


@pytest.fixture(scope="module")
def server():
    ended = {}
    made = RunService(0, lambda run_id, code: ended.__setitem__(run_id, code))
    made.codes = ended
    yield made
    made.close()


def request(*arguments):
    return {"run": "r", "arguments": list(arguments), "env": {}}


def start(server, *arguments):
    pid = server.fork("r", request(*arguments))
    server.go("r")
    return pid


def code_of(server, run_id):
    until = time.monotonic() + 30
    while run_id not in server.codes:
        assert time.monotonic() < until
        time.sleep(0.02)
    return server.codes.pop(run_id)


def test_a_worker_is_a_process_of_its_own_and_its_end_is_told(server):
    pid = start(server, "--help")
    assert pid not in (os.getpid(), server._process.pid)
    assert code_of(server, "r") == 0


def test_a_worker_waits_until_its_run_names_it(server):
    server.fork("r", request("--help"))
    time.sleep(0.5)
    assert "r" not in server.codes
    server.go("r")
    assert code_of(server, "r") == 0


def test_a_worker_that_is_killed_while_it_waits_holds_nothing_up(server):
    os.kill(server.fork("r", request("--help")), signal.SIGKILL)
    assert code_of(server, "r") == -signal.SIGKILL
    server.go("r")
    start(server, "--help")
    assert code_of(server, "r") == 0


def test_a_worker_whose_launcher_dies_before_the_run_names_it_does_not_begin():
    made = RunService(0, lambda *_: None)
    worker = worker_tag(made.fork("r", request("--help")))
    made._process.kill()
    wait_until(lambda: liveness(worker) == "dead", 10, "the worker has ended")


def test_a_worker_that_fails_takes_nothing_with_it(server):
    start(server, "execute_run", "this is no run")
    assert code_of(server, "r") != 0
    start(server, "--help")
    assert code_of(server, "r") == 0


def test_a_worker_starts_in_a_fraction_of_a_second(server):
    began = time.monotonic()
    for _ in range(5):
        start(server, "--help")
        assert code_of(server, "r") == 0
    assert (time.monotonic() - began) / 5 < 1.0  # a fresh process takes 2 to 4 s


def test_a_server_ends_when_its_input_closes_and_when_it_is_killed_it_says_so():
    made = RunService(0, lambda *_: None)
    made.close()
    assert made._process.wait(10) == 0
    with pytest.raises(RunServerGoneError):
        made.fork("r", request("--help"))
    made = RunService(0, lambda *_: None)
    made._process.kill()
    made._process.wait()
    with pytest.raises(RunServerGoneError):
        made.fork("r", request("--help"))


def test_a_server_that_cannot_start_says_how_it_ended_and_is_not_tried_for_every_run(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(RunServerGoneError, match="ended with code 1"):
        RunService(0, lambda *_: None)
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(RunServerGoneError, match="No such file"):
        RunService(0, lambda *_: None)
    made = WarmRunLauncher()
    with pytest.raises(RunServerGoneError, match="No such file"):
        made._serving()
    monkeypatch.undo()
    with pytest.raises(RunServerGoneError, match="No such file"):
        made._serving()
    monkeypatch.setattr(launcher, "_code_on_disk", lambda: -1)  # somebody mended it
    assert made._serving()
    made.dispose()


def test_new_code_on_disk_means_a_new_server(tmp_path, monkeypatch):
    (tmp_path / "a.py").write_text("")
    monkeypatch.setattr(launcher, "PACKAGE", tmp_path)
    before = launcher._code_on_disk()
    assert launcher._code_on_disk() == before
    os.utime(tmp_path / "a.py", (1, 1))
    assert launcher._code_on_disk() != before


def test_the_launcher_can_tell_whether_a_run_is_alive(sleeper):
    made = WarmRunLauncher()
    run = run_of(worker_tag(sleeper.pid))
    assert made.supports_check_run_worker_health
    assert made.check_run_worker_health(run).status.value == "RUNNING"
    assert made.check_run_worker_health(run_of({})).status.value == "RUNNING"
    sleeper.kill()
    sleeper.wait()
    assert made.check_run_worker_health(run).status.value == "FAILED"
