"""The fork server, the launcher of runs, and how a dead process is told from a living one."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing

import dagster as dg
import pytest

from cue_pipeline.defs.runs import PRELOAD
from cue_pipeline.defs.runs.ending import record_dead_runs
from cue_pipeline.defs.runs.launcher import EXECUTE, WarmRunLauncher
from cue_pipeline.processes import fork_client
from cue_pipeline.processes.fork_client import ForkServer, ForkServerGoneError
from cue_pipeline.processes.liveness import WORKER_TAG, liveness, send, worker_tag
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
        assert record_dead_runs(instance) == [dead.run_id]
        assert instance.get_run_by_id(dead.run_id).status == dg.DagsterRunStatus.FAILURE
        assert instance.get_run_by_id(alive.run_id).status == started


@pytest.fixture(scope="module")
def server():
    with closing(ForkServer(PRELOAD)) as made:
        yield made


def ask(server, call, *arguments):
    return server.fork(call, *arguments, env={})


def code_of(server, fork):
    """Wait for a process's end, and return how it was."""
    assert fork.connection.poll(30)
    with pytest.raises(EOFError):
        fork.connection.recv()
    return server.code_of(fork)


def say_pid(connection):
    connection.send(os.getpid())


def wait_for_word(connection):
    connection.recv()


def fail(connection):
    raise SystemExit(7)


HERE = __name__


def test_a_fork_is_a_process_of_its_own_and_its_end_is_told(server):
    fork = ask(server, f"{HERE}:say_pid")
    assert fork.connection.recv() == fork.pid
    assert fork.pid not in (os.getpid(), server._process.pid)
    assert code_of(server, fork) == 0
    assert liveness(fork.tags) == "dead"


def test_a_run_waits_until_its_record_names_its_process(server):
    fork = ask(server, EXECUTE, "this is no run")
    assert not fork.connection.poll(0.5)
    assert liveness(fork.tags) == "alive"
    fork.connection.send("go")
    assert code_of(server, fork) == 1


def test_a_fork_that_is_killed_holds_nothing_up(server):
    fork = ask(server, f"{HERE}:wait_for_word")
    os.kill(fork.pid, signal.SIGKILL)
    assert code_of(server, fork) == -signal.SIGKILL
    assert code_of(server, ask(server, f"{HERE}:fail")) == 7


def test_a_run_whose_launcher_dies_before_its_record_names_it_does_not_begin():
    with closing(ForkServer(PRELOAD)) as server:
        fork = ask(server, EXECUTE, "this is no run")
        os.kill(server._process.pid, signal.SIGKILL)
        fork.connection.close()
        wait_until(lambda: liveness(fork.tags) == "dead", 10, "the process has ended")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["TERM", "KILL"])
def test_a_worker_of_the_command_line_ends_with_it_however_that_ends(tmp_path, number):
    command = subprocess.Popen(
        [sys.executable, "-c", A_COMMAND, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    worker = {WORKER_TAG: command.stdout.readline()}
    assert "worker-" in command.stdout.readline()
    assert liveness(worker) == "alive"
    command.send_signal(number)
    command.communicate()
    wait_until(lambda: liveness(worker) == "dead", 2, "its worker has ended")


A_COMMAND = f"""
import sys
from cue_pipeline.processes.fork_client import ForkServer
fork = ForkServer({PRELOAD!r}).fork("cue_pipeline.defs.runs.worker:work", sys.argv[1], env={{}})
print(fork.tags["{WORKER_TAG}"], flush=True)
print(fork.connection.recv(), flush=True)
fork.connection.recv()
"""


def test_a_fork_takes_a_fraction_of_a_second(server):
    began = time.monotonic()
    for _ in range(5):
        assert code_of(server, ask(server, f"{HERE}:fail")) == 7
    assert (time.monotonic() - began) / 5 < 1.0  # a fresh process takes 2 to 4 s


def test_a_server_ends_with_whoever_started_it_and_one_that_is_killed_is_replaced():
    server = ForkServer(PRELOAD)
    first = ask(server, f"{HERE}:fail")
    process = server._process
    process.kill()
    second = ask(server, f"{HERE}:fail")
    assert server._process.pid != process.pid
    assert server.code_of(first) is None  # only its own server could tell
    process = server._process
    assert code_of(server, second) == 7
    server._control.close()
    assert process.wait(10) == 0


def test_a_server_that_cannot_start_says_how_it_ended_and_is_not_tried_for_every_run(monkeypatch):
    server = ForkServer(PRELOAD)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ForkServerGoneError, match="ended with code 1"):
        ask(server, f"{HERE}:fail")
    server = ForkServer(PRELOAD)
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(ForkServerGoneError, match="No such file"):
        ask(server, f"{HERE}:fail")
    monkeypatch.undo()
    with pytest.raises(ForkServerGoneError, match="No such file"):
        ask(server, f"{HERE}:fail")
    monkeypatch.setattr(fork_client, "_code_on_disk", lambda: -1)  # somebody mended it
    assert code_of(server, ask(server, f"{HERE}:fail")) == 7
    server.close()


def test_new_code_on_disk_means_a_new_server(tmp_path, monkeypatch):
    (tmp_path / "a.py").write_text("")
    monkeypatch.setattr(fork_client, "PACKAGE", tmp_path)
    before = fork_client._code_on_disk()
    assert fork_client._code_on_disk() == before
    os.utime(tmp_path / "a.py", (1, 1))
    assert fork_client._code_on_disk() != before


def test_the_launcher_can_tell_whether_a_run_is_alive(sleeper):
    made = WarmRunLauncher()
    run = run_of(worker_tag(sleeper.pid))
    assert made.supports_check_run_worker_health
    assert made.check_run_worker_health(run).status.value == "RUNNING"
    assert made.check_run_worker_health(run_of({})).status.value == "RUNNING"
    sleeper.kill()
    sleeper.wait()
    assert made.check_run_worker_health(run).status.value == "FAILED"
