"""Runs that are told to end: their process is interrupted, killed if it must be, and it is told."""

import multiprocessing
import subprocess
import sys

import dagster as dg
import pytest

from cue_pipeline.defs.runs.ending import LOOK_SECONDS, PATIENCE_SECONDS, Ending
from cue_pipeline.defs.runs.launcher import WarmRunLauncher
from cue_pipeline.processes.fork_client import Fork
from cue_pipeline.processes.liveness import NO_WORKER, liveness, worker_tag

CANCELED, FAILURE = dg.DagsterRunStatus.CANCELED, dg.DagsterRunStatus.FAILURE
DEAF = "import signal, time; signal.signal(2, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
# A shell's background job begins with SIGINT ignored; a run's process restores it, as here.
POLITE = (
    "import signal, time; signal.signal(2, signal.default_int_handler); "
    "print(1, flush=True); time.sleep(60)"
)


@dg.job
def nothing():
    pass


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture
def processes():
    started = []

    def start(code):
        process = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        process.stdout.readline()  # it has begun to sleep
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def run_of(instance, process, status=dg.DagsterRunStatus.STARTED):
    fork = fork_of(process)
    run = instance.create_run_for_job(nothing, status=status, tags=fork.tags)
    ending = Ending(lambda: instance, lambda _: process.poll())
    ending._forks[run.run_id] = fork  # without the thread: the test says when to look
    return run, ending


def fork_of(process):
    return Fork(process.pid, worker_tag(process.pid), multiprocessing.Pipe()[0])


def status_of(instance, run):
    return instance.get_run_by_id(run.run_id).status


def test_a_run_that_nobody_told_to_end_is_left_alone(instance, processes):
    process = processes(POLITE)
    _, ending = run_of(instance, process)
    for now in (0.0, LOOK_SECONDS, 1e6):
        ending.look(now)
    assert process.poll() is None


def test_a_run_canceled_from_another_machine_is_interrupted_at_the_second_look(instance, processes):
    process = processes(POLITE)
    run, ending = run_of(instance, process)
    instance.report_run_canceling(run)
    ending.look(0.0)
    assert process.poll() is None
    ending.look(LOOK_SECONDS)
    process.wait(10)
    ending.look(2 * LOOK_SECONDS)
    assert status_of(instance, run) == CANCELED
    assert not ending._forks


def test_a_process_that_no_interrupt_reaches_is_killed(instance, processes):
    process = processes(DEAF)
    run, ending = run_of(instance, process)
    instance.report_run_canceling(run)
    for now in (0.0, LOOK_SECONDS, PATIENCE_SECONDS - 0.1):
        ending.look(now)
        assert process.poll() is None
    ending.look(PATIENCE_SECONDS)
    assert process.wait(10) == -9
    ending.look(PATIENCE_SECONDS + LOOK_SECONDS)
    assert status_of(instance, run) == CANCELED


@pytest.mark.parametrize("end", ["report_run_canceled", "report_run_failed"])
def test_a_run_marked_as_ended_at_once_does_not_work_on(instance, processes, end):
    process = processes(DEAF)
    run, ending = run_of(instance, process)
    getattr(instance, end)(run)
    ending.look(0.0)
    ending.look(PATIENCE_SECONDS)
    assert process.wait(10) == -9


def test_a_run_that_is_deleted_does_not_work_on(instance, processes):
    process = processes(POLITE)
    run, ending = run_of(instance, process)
    instance.delete_run(run.run_id)
    ending.look(0.0)
    ending.look(LOOK_SECONDS)
    process.wait(10)
    ending.look(2 * LOOK_SECONDS)
    assert not ending._forks


def test_a_run_whose_process_could_not_tell_its_end_is_failed(instance, processes):
    """It was killed before the run had begun."""
    process = processes(POLITE)
    run, ending = run_of(instance, process, dg.DagsterRunStatus.STARTING)
    process.kill()
    process.wait()
    ending.look(0.0)
    assert status_of(instance, run) == FAILURE
    said = [event.message for event in instance.all_logs(run.run_id)]
    assert any("was killed by signal 9" in text for text in said)


def test_looking_begins_with_a_run_and_ends_with_the_last(instance, processes):
    process = processes(POLITE)
    ours, theirs = multiprocessing.Pipe()
    fork = Fork(process.pid, worker_tag(process.pid), ours)
    ending = Ending(lambda: instance, lambda _: process.poll())
    run = instance.create_run_for_job(nothing, status=dg.DagsterRunStatus.STARTED, tags=fork.tags)
    ending.watch(run.run_id, fork)
    thread = ending._thread
    process.kill()
    process.wait()
    theirs.close()  # as the system does when a process ends
    thread.join(10)
    assert not thread.is_alive()
    assert ending._thread is None
    assert status_of(instance, run) == FAILURE


def test_terminating_interrupts_a_process_of_this_machine(instance, processes):
    process = processes(POLITE)
    run, _ = run_of(instance, process)
    launcher = WarmRunLauncher()
    launcher.register_instance(instance)
    assert launcher.terminate(run.run_id)
    process.wait(10)
    assert status_of(instance, run) == dg.DagsterRunStatus.CANCELING
    assert liveness(run.tags) == "dead"
    assert launcher.terminate(run.run_id)  # asked again, it says what has become of it
    assert status_of(instance, run) == CANCELED
    assert not launcher.terminate(run.run_id)


def test_terminating_a_run_of_another_machine_leaves_it_to_the_daemon_there(instance):
    tag = {name: text.replace('"host": "', '"host": "x') for name, text in worker_tag().items()}
    run = instance.create_run_for_job(nothing, status=dg.DagsterRunStatus.STARTED, tags=tag)
    launcher = WarmRunLauncher()
    launcher.register_instance(instance)
    assert launcher.terminate(run.run_id)
    assert status_of(instance, run) == dg.DagsterRunStatus.CANCELING
    said = [event.message for event in instance.all_logs(run.run_id)]
    assert any("the daemon there is to interrupt it" in text for text in said)
    assert liveness(NO_WORKER) == "unknown"
