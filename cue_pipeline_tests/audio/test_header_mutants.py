"""No damage to a header crashes a cue or changes samples in silence."""

import pytest

from cue_pipeline_tests.audio.header_mutants import GOOD, mutants, originals, outcome


def tried(tmp_path, count, seed):
    wrong = []
    for mutant in mutants(count, seed):
        found = outcome(tmp_path, mutant)
        if found not in GOOD:
            wrong.append((mutant.number, mutant.original.suffix, mutant.done, found))
    return wrong


def test_the_files_that_are_damaged_are_read_right_and_without_a_word_before(tmp_path):
    from cue_pipeline_tests.audio.header_mutants import Mutant

    for number, original in enumerate(originals()):
        assert outcome(tmp_path, Mutant(number, original, original.data, ())) == "right"


def test_damaged_headers_give_the_right_samples_or_a_word_or_a_fault(tmp_path):
    assert tried(tmp_path, 600, seed=1) == []


@pytest.mark.slow
def test_thousands_of_damaged_headers_give_the_right_samples_or_a_word_or_a_fault(tmp_path):
    assert tried(tmp_path, 5_000, seed=2) == []
