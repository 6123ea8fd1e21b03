"""Takes that leave the score's time, made by physics: where notes are heard is known."""

import numpy as np
import pytest

from cue_pipeline.hearing import match_evidence
from cue_pipeline.hearing.heard_times import heard_times, is_cut, segments
from cue_pipeline_tests.hearing.sounding import cue, phrase, tone

SECONDS = 50.0
TRACKS = {
    name: phrase(seed, low=low, n=110, seconds=SECONDS)
    for name, seed, low in (("melody", 1, 72), ("inner", 2, 60), ("bass", 3, 40))
}
SCORE = np.linspace(2.0, SECONDS - 2.0, 47)


def played(clock) -> dict:
    """The tracks at the times at which a take has them; what it leaves out has none."""
    out = {}
    for name, notes in TRACKS.items():
        kept = [(clock(start), clock(start + length), *rest) for start, length, *rest in notes]
        out[name] = [(a, max(b - a, 0.05), *rest) for a, b, *rest in kept if a is not None]
    return out


def heard(notes):
    rows, score, features, mels = cue(TRACKS, {name: tone(of) for name, of in notes.items()})
    return match_evidence(rows, score, features, mels.__getitem__)


@pytest.mark.slow
def test_a_take_without_click_is_followed():
    at, tempo = np.arange(0.0, 61.0, 5.0), np.array([1.05, 0.94, 0.96, 1.08, 1.0, 0.93] * 2)
    takes = np.r_[0.0, np.cumsum(5.0 * tempo)]
    found = heard(played(lambda t: float(np.interp(t, at, takes))))
    assert found.pairs["clock_doubt"].isna().all()
    for knots in found.alignments["knots"]:
        errors = np.abs(heard_times(knots, SCORE) - np.interp(SCORE, at, takes))
        assert np.mean(errors < 0.05) >= 0.95
    assert "was followed" in found.warnings[0]


@pytest.mark.slow
def test_of_a_stretch_that_was_cut_no_note_is_placed_and_all_after_it_are_earlier():
    begin, end = 26.0, 28.5
    notes = {
        name: [
            (start - (end - begin if start >= end else 0.0), *rest)
            for start, *rest in of
            if not begin <= start < end
        ]
        for name, of in TRACKS.items()
    }
    found = heard(notes)
    assert "2.5 s of the score" in found.warnings[0]
    for knots in found.alignments["knots"]:
        apart = SCORE[(begin - 0.5 > SCORE) | (end + 0.5 < SCORE)]
        expected = apart - np.where(apart > end, end - begin, 0.0)
        np.testing.assert_allclose(heard_times(knots, apart), expected, atol=0.04)
        assert not is_cut(knots, apart).any()
        assert is_cut(knots, np.linspace(begin + 0.4, end - 0.4, 9)).all()


@pytest.mark.parametrize("twice", [True, False])
def test_after_a_bar_played_twice_or_a_rest_notes_are_heard_later(twice):
    at, more = 24.0, 2.4
    notes = {
        name: sorted(
            [(start + (more if start >= at else 0.0), *rest) for start, *rest in of]
            + [(start + more, *rest) for start, *rest in of if twice and at - more <= start < at]
        )
        for name, of in TRACKS.items()
    }
    found = heard(notes)
    for knots in found.alignments["knots"]:
        before, after = SCORE[at - more - 0.5 > SCORE], SCORE[at + 0.5 < SCORE]
        np.testing.assert_allclose(heard_times(knots, before), before, atol=0.04)
        np.testing.assert_allclose(heard_times(knots, after), after + more, atol=0.04)


def test_what_is_cut_is_so_steep_that_sql_can_tell_it():
    knots = [[0.0, 0.0], [10.0, 10.0], [12.5, 10.001], [20.0, 17.501]]
    assert is_cut(knots, [9.0, 10.5, 12.4, 12.6, 30.0]).tolist() == [
        False,
        True,
        True,
        False,
        False,
    ]
    slopes = [row[-1] for row in segments(1, 2, knots)]
    assert [slope < 0.05 for slope in slopes].count(True) == 1
