"""Where sounds, notes and beats stand on the page's one axis of time."""

import numpy as np
import pytest

from cue_pipeline.reading.tempo import Tempo
from cue_pipeline.review.axis import Clock, beats, left_out, most_telling, notes_on_axis, onto


def test_two_stems_of_one_score_stand_where_the_score_is_heard_in_both():
    first = Clock([[0.0, 2.0], [10.0, 12.0]], None)
    late = Clock([[0.0, 5.0], [4.0, 9.0], [10.0, 14.0]], None)  # runs faster from 4 s on
    knots, told = onto(first, late)
    assert told is None
    assert knots == [[2.0, 5.0], [6.0, 9.0], [12.0, 14.0]]


def test_stems_without_a_clock_stand_by_their_time_references():
    knots, told = onto(Clock(None, 3.0), Clock(None, 1.0))
    assert (knots, told) == ([[0.0, 2.0]], None)  # 0 s of the first is 2 s of what began earlier


def test_what_nothing_places_is_drawn_from_its_beginning_and_says_so():
    knots, told = onto(Clock(None, None), Clock(None, 1.0))
    assert knots == [[0.0, 0.0]]
    assert told
    assert "Nothing tells" in told


def test_notes_are_drawn_where_they_are_heard():
    assert notes_on_axis(Clock([[0.0, 1.5]], None), np.array([0.0, 2.0])).tolist() == [1.5, 3.5]


def test_what_the_recording_leaves_out_is_known():
    jumps = Clock([[0.0, 0.0], [10.0, 10.0], [20.0, 10.1], [30.0, 20.1]], None)
    assert left_out(jumps, np.array([5.0, 15.0, 25.0])).tolist() == [False, True, False]
    assert left_out(Clock(None, None), np.array([5.0])).tolist() == [False]


def test_it_opens_where_the_track_is_densest_and_most_alone():
    doubled = np.arange(10.0, 14.0, 0.25)  # 16 notes, with as many of three others
    alone = np.arange(40.0, 44.0, 0.5)  # 8 notes, and nobody else's
    own = np.concatenate([[0.0], doubled, alone])
    everyone = np.concatenate([own, doubled, doubled, doubled])
    assert 38.0 < most_telling(own, everyone, 60.0) <= 40.0
    assert 8.0 < most_telling(own, own, 60.0) <= 10.0


def test_it_opens_within_the_recording():
    own = np.concatenate([[5.0], np.arange(100.0, 104.0, 0.1)])
    assert most_telling(own, own, 60.0) <= 5.0


@pytest.mark.parametrize("lag", [0.0, 1.25])
def test_beats_of_three_four_then_six_eight_stand_on_their_bars(lag):
    tempo = Tempo(
        "a.mid", 480, 9.0, [[0.0, 0, 500_000]], [[0.0, 0, 3, 4], [3.0, 2880, 6, 8]], [], []
    )  # ♩ = 120: a bar of 3/4 lasts 1.5 s, an eighth 0.25 s
    found = beats(tempo, Clock([[0.0, lag]], None))
    assert found[:4] == [
        [lag, 1.0, 1.0], [lag + 0.5, 1.0, 2.0], [lag + 1.0, 1.0, 3.0], [lag + 1.5, 2.0, 1.0],
    ]  # fmt: skip
    assert [row for row in found if row[1] == 3.0] == [
        [lag + 3.0 + 0.25 * i, 3.0, 1.0 + i] for i in range(6)
    ]
