"""The quick half of ``python -m benchmarks.trial_hostile``: its cases that take seconds."""

import pytest

from benchmarks.trial_hostile import CASES
from benchmarks.trial_hostile.limited_site import Site

QUICK = ("files: links out, pipes, devices, folders, text", ".env: an open quote, a misspelt name")


@pytest.mark.parametrize("name", QUICK)
def test_a_hostile_input_ends_as_the_page_on_operations_says(name, tmp_path):
    CASES[name](Site(tmp_path, f"sqlite:///{tmp_path / 'cue_pipeline.db'}"))


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("SIG")])
def test_a_command_that_is_ended_leaves_no_process_and_no_claim(name, tmp_path, monkeypatch):
    # Two seconds hold on a machine of its own; here other tests and a browser run beside it.
    monkeypatch.setattr("benchmarks.trial_hostile.signals.END_SECONDS", 8.0)
    CASES[name](Site(tmp_path, f"sqlite:///{tmp_path / 'cue_pipeline.db'}"))
