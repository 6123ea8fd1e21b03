from datetime import timedelta

import dagster as dg
import pytest

from cue_pipeline.defs import busy
from cue_pipeline.defs.busy import PARTITION_TAG, busy_cues


@pytest.fixture
def failed_run(tmp_path):
    """Return an instance that tries failed runs again, and a run of 1m01 whose process died."""
    retries = {"run_retries": {"enabled": True, "max_retries": 2}}
    with dg.instance_for_test(temp_dir=str(tmp_path), overrides=retries) as instance:
        run = instance.create_run_for_job(_job, tags={PARTITION_TAG: "1m01"})
        instance.report_run_failed(run, "The process of this run was killed by signal 9.")
        yield instance, run.run_id


@dg.job
def _job():
    pass


def test_a_cue_whose_run_is_about_to_be_tried_again_is_busy_until_that_run_is_there(failed_run):
    instance, failed = failed_run
    assert busy_cues(instance, ["1m01", "1m02"]) == {"1m01"}
    instance.add_run_tags(failed, {"dagster/auto_retry_run_id": "0" * 32})  # the daemon's mark
    assert not busy_cues(instance, ["1m01"])


def test_a_cue_whose_failed_run_nobody_tries_again_in_time_is_not_busy(failed_run, monkeypatch):
    monkeypatch.setattr(busy, "RETRIED_WITHIN", timedelta(0))
    assert not busy_cues(failed_run[0], ["1m01"])
