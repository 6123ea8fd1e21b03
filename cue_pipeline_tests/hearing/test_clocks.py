"""The score's clock against the recording's: another tempo, another time line, time codes."""

import numpy as np
import pandas as pd
import pytest

from cue_pipeline.hearing import MatchEvidence, match_evidence
from cue_pipeline.hearing.alignment import Alignment
from cue_pipeline.hearing.heard_times import heard_times
from cue_pipeline.hearing.origins import named_starts, origins, session_zero
from cue_pipeline.hearing.templates import TrackNotes
from cue_pipeline.hearing.tempo_check import linear_drift
from cue_pipeline_tests.hearing.sounding import SR, cue, late, phrase, tone

TRACKS = {
    "melody": phrase(1, low=72),
    "inner": phrase(2, low=60),
    "bass": phrase(3, low=40),
}
STEMS = {name: tone(notes) for name, notes in TRACKS.items()}
HOUR = 3600.0


def at(scale: float = 1.0, later: float = 0.0) -> dict:
    """The tracks as a MIDI file has them whose seconds are not the recording's."""
    return {
        name: [(start * scale + later, length * scale, *rest) for start, length, *rest in notes]
        for name, notes in TRACKS.items()
    }


def heard(tracks, stems, time_codes=None, reference=None) -> MatchEvidence:
    rows, notes, features, mels = cue(tracks, stems)
    if reference is not None:
        features["time_reference"] = round(reference * SR)
    codes = None if time_codes is None else {int(rows["midi_file_id"].iloc[0]): time_codes}
    return match_evidence(rows, notes, features, mels.__getitem__, codes)


@pytest.mark.parametrize("scale", [120 / 112, 1.02, 0.98, 1.25, 2 / 3])
def test_a_recording_at_another_tempo_than_the_score_is_followed_or_doubted(scale):
    found = heard(at(scale), STEMS)
    assert found.warnings
    if found.pairs["clock_doubt"].notna().all():
        return
    for knots in found.alignments["knots"]:
        where = heard_times(knots, np.linspace(3.0, 25.0, 23) * scale)
        np.testing.assert_allclose(where, np.linspace(3.0, 25.0, 23), atol=0.05)


def test_drums_at_another_tempo_cannot_be_followed_and_the_tempo_that_fits_is_named():
    names = list(TRACKS)
    rows, notes, features, mels = cue(at(120 / 112), STEMS, drums=names)
    found = match_evidence(rows, notes, features, mels.__getitem__)
    assert "fits about 1.07 times the MIDI file's tempo" in found.warnings[0]


@pytest.mark.parametrize("drift", [0.0, 120e-6, 800e-6])
def test_a_recording_at_the_scores_tempo_is_not_doubted_and_neither_is_one_that_drifts(drift):
    stems = {name: tone(notes, drift=drift) for name, notes in TRACKS.items()}
    found = heard(TRACKS, stems)
    assert found.pairs["clock_doubt"].isna().all()
    assert found.warnings == []


def test_a_score_whose_time_line_begins_an_hour_before_the_cue_is_heard():
    found = heard(at(later=HOUR), STEMS, reference=HOUR)
    assert found.pairs["lag_seconds"].to_numpy() == pytest.approx(-HOUR, abs=0.06)
    assert "time reference" in found.summary["files"][0]["lag_named_by"]
    # Without a reference the hour itself is the hint.
    found = heard(at(later=HOUR), STEMS)
    assert found.pairs["lag_seconds"].to_numpy() == pytest.approx(-HOUR, abs=0.06)


def test_time_codes_far_apart_are_a_lag_that_the_sound_confirms():
    stems = {name: late(y, 120.0) for name, y in STEMS.items()}
    found = heard(TRACKS, stems, time_codes=[HOUR + 125.0], reference=HOUR + 5.0)
    assert found.pairs["lag_seconds"].to_numpy() == pytest.approx(120.0, abs=0.06)
    assert found.summary["files"][0]["lag_named_by"] == "the time codes of MIDI and audio"
    assert found.warnings == []


def test_the_time_code_of_a_film_pulled_down_is_tried_too():
    # 01:00:00:00 at 23.976 frames is 3603.6 s of real time after midnight.
    found = heard(TRACKS, STEMS, time_codes=[HOUR], reference=HOUR * 1.001)
    assert found.pairs["lag_seconds"].to_numpy() == pytest.approx(0.0, abs=0.06)
    assert "pulled down" in found.summary["files"][0]["lag_named_by"]
    assert found.warnings == []


def test_time_codes_that_the_sound_refuses_are_told_and_not_followed():
    found = heard(TRACKS, STEMS, time_codes=[HOUR + 10.0], reference=HOUR)
    assert found.pairs["lag_seconds"].to_numpy() == pytest.approx(0.0, abs=0.06)
    assert "score begins +10.000 s into the recording, the sound says" in found.warnings[0]


def test_a_sequencers_default_time_code_says_nothing():
    found = heard(TRACKS, STEMS, time_codes=[0.0], reference=10 * HOUR)
    assert found.pairs["lag_seconds"].to_numpy() == pytest.approx(0.0, abs=0.06)
    assert found.warnings == []


def notes_at(*starts: float) -> TrackNotes:
    start = np.array(starts)
    return TrackNotes(
        start,
        np.full(len(start), 0.1),
        np.full(len(start), 60),
        np.ones(len(start), np.float32),
        is_drum=False,
    )


def test_a_usual_score_is_searched_in_one_place_only():
    track = notes_at(*np.linspace(0.5, 90, 50))
    assert origins([track], [], None, 100.0).searched == [0.0]
    assert origins([track], [HOUR], HOUR - 10, 100.0).searched == [0.0]
    assert origins([track], [], 10 * HOUR, 100.0).searched == [0.0]


def test_a_file_without_a_time_code_has_that_of_the_file_whose_clock_it_follows():
    files = pd.DataFrame(
        {
            "id": [1, 2, 3],
            "file_path": ["a.mid", "b.mid", "c.mid"],
            "clock_from": [None, "a.mid", None],
            # A time code within the file says when its tick 0 is, too.
            "time_codes": [[[2.0, 1920, HOUR + 2, "01:00:02:00 at 25"]], [], None],
        }
    )
    assert named_starts(files) == {1: [HOUR], 2: [HOUR], 3: []}


def test_the_sessions_zero_is_where_the_references_that_are_used_put_it():
    features = pd.DataFrame(
        {"audio_file_id": [1, 2, 3], "time_reference": [48_000, 96_000, None],
         "file_sample_rate": [48_000, 48_000, 48_000]}
    )  # fmt: skip
    assert session_zero(features, {1: 0.0, 2: 1.0}) == 1.0
    assert session_zero(features, {}) is None


@pytest.mark.parametrize(
    ("wander", "slope"),
    [
        (lambda t: 0.012 * t, 0.012),
        (lambda t: 0.001 * t, None),  # film pulled down
        (lambda t: 0.2 * np.sin(t / 9), None),  # players
        (lambda t: 0.0 * t, None),
    ],
)
def test_only_a_steady_drift_is_another_tempo(wander, slope):
    t = np.arange(2.0, 60, 4)
    alignment = Alignment(0.0, 1.0, 0.6, [], np.zeros(1), [[]], knots=t, wander=wander(t))
    found = linear_drift(alignment)
    assert (None if found is None else found.slope) == (slope and pytest.approx(slope))
