"""The kept connections, against what Dagster's own storage reads of the same files."""

import os
import threading
import time
from pathlib import Path

import dagster as dg
import pytest

from cue_pipeline.defs.instance import open_instance
from cue_pipeline.defs.sqlite_storage import MOST_OPEN, Databases, KeptEventLogStorage
from cue_pipeline_tests.daemon import wait_until

CUES = dg.DynamicPartitionsDefinition(name="cues")


@dg.asset(partitions_def=CUES, check_specs=[dg.AssetCheckSpec("fine", asset="anything")])
def anything(context):
    context.log.info("a line")
    yield dg.Output(1, metadata={"rows": 3})
    yield dg.AssetCheckResult(passed=True)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    return tmp_path


def is_ours(instance):
    return isinstance(instance.event_log_storage, KeptEventLogStorage)


def run(instance, key):
    instance.add_dynamic_partitions("cues", [key])
    return dg.materialize([anything], partition_key=key, instance=instance).run_id


def seen(instance, run_id):
    """What anybody can ask of a run and of its asset."""
    record = instance.get_run_record_by_id(run_id)
    asset = dg.AssetKey("anything")
    return {
        "run": (record.dagster_run.status, record.dagster_run.tags, record.start_time),
        "events": [(e.message, e.timestamp, e.level) for e in instance.all_logs(run_id)],
        "materialised": instance.get_materialized_partitions(asset),
        "latest": instance.get_latest_materialization_event(asset).asset_materialization.metadata,
        "runs": instance.get_runs_count(),
    }


def test_dagsters_own_storage_reads_the_same_and_goes_on_with_the_files(home):
    with open_instance(home) as instance:
        assert is_ours(instance)
        first = run(instance, "1m01")
        before = seen(instance, first)
    assert len(before["events"]) > 10
    with dg.DagsterInstance.from_config(str(home / ".dagster_home")) as instance:
        assert not is_ours(instance)
        assert seen(instance, first) == before
        second = run(instance, "1m02")
        after = seen(instance, second)
    with open_instance(home) as instance:
        assert seen(instance, second) == after
        assert after["materialised"] == {"1m01", "1m02"}


def test_a_storage_that_the_home_names_itself_is_left_as_it_is(home):
    made = home / ".dagster_home"
    made.mkdir()
    (made / "dagster.yaml").write_text(f"storage: {{sqlite: {{base_dir: {home}/elsewhere}}}}\n")
    with open_instance(home) as instance:
        assert not is_ours(instance)
    assert (home / "elsewhere" / "history").is_dir()


def test_who_watches_a_run_sees_each_event_as_it_comes(home):
    """As the UI does, from another process's point of view: with Dagster's own storage."""
    heard = []
    with open_instance(home) as instance:
        run_id = run(instance, "1m01")
        record = instance.get_run_by_id(run_id)
        with dg.DagsterInstance.from_config(str(home / ".dagster_home")) as watching:
            n = len(watching.all_logs(run_id))
            watching.watch_event_logs(run_id, None, lambda event, _: heard.append(event.message))
            instance.report_engine_event("while it is watched", record)
            wait_until(lambda: "while it is watched" in heard, 10, "the event was heard of")
            assert len(watching.all_logs(run_id)) == n + 1


def test_threads_and_a_second_instance_write_at_once_and_nothing_is_lost(home):
    with open_instance(home) as one, open_instance(home) as two:
        run_ids = [run(one, "1m01"), run(two, "1m02")]
        before = {run_id: len(one.all_logs(run_id)) for run_id in run_ids}

        def write(instance, run_id):
            record = instance.get_run_by_id(run_id)
            for _ in range(20):
                instance.report_engine_event("one of many", record)
                instance.add_run_tags(run_id, {"at": str(time.time())})

        threads = [threading.Thread(target=write, args=(i, r)) for i in (one, two) for r in run_ids]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {r: len(two.all_logs(r)) - before[r] for r in run_ids} == dict.fromkeys(run_ids, 40)


def test_no_more_databases_are_open_than_that(tmp_path):
    databases = Databases()
    for k in range(3 * MOST_OPEN):
        with databases.engine(f"sqlite:///{tmp_path}/{k}.db").connect() as connection:
            connection.exec_driver_sql("create table t (x)")
    there = {str(fd.readlink()) for fd in Path("/proc/self/fd").iterdir() if fd.is_symlink()}
    assert len({path for path in there if path.startswith(str(tmp_path))}) == MOST_OPEN
    databases.close()


def test_a_fork_has_connections_of_its_own(tmp_path):
    databases = Databases()
    url = f"sqlite:///{tmp_path}/x.db"
    ours = databases.engine(url)
    assert databases.engine(url) is ours
    pid = os.fork()
    if pid == 0:
        os._exit(0 if databases.engine(url) is not ours else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_events_can_be_wiped(home):
    with open_instance(home) as instance:
        run_id = run(instance, "1m01")
        assert is_ours(instance)
        instance.wipe()
        assert not instance.all_logs(run_id)
        assert len(instance.all_logs(run(instance, "1m02"))) > 10
