"""What is used of Dagster's inside is there, and nothing of it is used but in one module."""

import importlib
import inspect
import json
import re
from pathlib import Path

import dagster as dg
import pytest

import cue_pipeline
from cue_pipeline.defs import dagster_private as private
from cue_pipeline.defs.partitions import cues

PACKAGE = Path(cue_pipeline.__file__).parent


def test_only_one_module_imports_from_inside_dagster():
    users = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if re.search(r"\bdagster\._\w", path.read_text(encoding="utf-8"))
    }
    assert users == {"defs/dagster_private.py"}


@pytest.mark.parametrize("name", private.EXECUTION)
def test_what_a_run_imports_of_dagster_is_there_to_be_imported_beforehand(name):
    importlib.import_module(name)


def test_a_launcher_is_given_a_run_and_answers_as_the_monitoring_daemon_reads_it():
    assert "dagster_run" in private.LaunchRunContext._fields
    assert {status.value for status in private.WorkerStatus} >= {"RUNNING", "FAILED"}
    answer = private.CheckRunHealthResult(private.WorkerStatus.FAILED, "gone")
    assert (answer.status.value, answer.msg) == ("FAILED", "gone")
    for name in ("launch_run", "terminate", "dispose", "join", "check_run_worker_health"):
        assert callable(getattr(dg.DefaultRunLauncher, name)), name
    made = inspect.signature(dg.DefaultRunLauncher.from_config_value).parameters
    assert list(made) == ["inst_data", "config_value"]


def test_the_interrupt_of_a_run_is_no_error_of_a_step():
    assert issubclass(private.RunInterrupted, BaseException)
    assert not issubclass(private.RunInterrupted, Exception)


def test_a_queued_run_is_told_in_a_form_that_dagsters_run_worker_reads():
    from dagster._cli.api import api_cli
    from dagster._core.code_pointer import ModuleCodePointer
    from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin
    from dagster._grpc.types import ExecuteRunArgs
    from dagster._serdes import deserialize_value

    pointer = ModuleCodePointer("cue_pipeline.definitions", "defs", None)
    origin = JobPythonOrigin("process_cue", RepositoryPythonOrigin("python", pointer))
    run = dg.DagsterRun("process_cue", job_code_origin=origin)
    with dg.instance_for_test() as instance:
        told = private.queued_run(run, instance)
    read = deserialize_value(told, ExecuteRunArgs)
    assert read.run_id == run.run_id
    assert "execute_run" in api_cli.commands


def test_a_backfill_names_just_those_assets_of_just_those_cues():
    with dg.instance_for_test() as instance:
        instance.add_dynamic_partitions("cues", ["1m01", "1m02", "1m03"])
        backfill = private.backfill_of(
            cues, instance, ["tempo_map", "midi_events"], ["1m03", "1m01"], "asked", {"a": "b"}
        )
        instance.add_backfill(backfill)
        (kept,) = instance.get_backfills()
    said = json.dumps(str(kept.asset_backfill_data.target_subset))
    assert "1m01" in said
    assert "1m03" in said
    assert "1m02" not in said
    assert {key.path[-1] for key in kept.asset_selection} == {"tempo_map", "midi_events"}
    assert kept.tags["a"] == "b"
