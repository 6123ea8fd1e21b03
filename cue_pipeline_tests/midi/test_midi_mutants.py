"""Some of the mutants; all by ``python -m cue_pipeline_tests.midi.midi_mutants 10000``."""

from collections import Counter

import pytest

from cue_pipeline_tests.midi.midi_mutants import HURTS, mutants, outcome


def test_no_broken_file_is_read_otherwise_than_mido_reads_it_without_a_word():
    found = Counter(outcome(mutant.data) for mutant in mutants(800, seed=1))
    assert found["silent"] == 0
    # The generator still breaks files, and not all of them beyond repair.
    assert min(found["right"], found["warned"], found["refused"]) >= 10


@pytest.mark.parametrize("hurt", HURTS)
def test_every_way_to_hurt_a_file_does(hurt):
    assert any(mutant.hurts == (hurt,) for mutant in mutants(400, seed=1))
