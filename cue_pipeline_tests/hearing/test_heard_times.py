"""Where notes are heard: knots against numpy's interpolation, and clocks of known sound."""

import numpy as np
import pytest

from cue_pipeline.errors import MappingError
from cue_pipeline.hearing import match_evidence
from cue_pipeline.hearing.attacks import instant_rise_seconds
from cue_pipeline.hearing.heard_times import heard_times, score_times, segments
from cue_pipeline_tests.hearing.sounding import SR, cue, late, phrase, tone

KNOTS = [[2.0, 5.7], [6.0, 9.75], [10.0, 13.6]]


def test_between_knots_time_runs_evenly_and_beyond_them_as_in_the_score():
    inside = np.linspace(2.0, 10.0, 17)
    expected = np.interp(inside, [2.0, 6.0, 10.0], [5.7, 9.75, 13.6])
    np.testing.assert_allclose(heard_times(KNOTS, inside), expected, atol=1e-12)
    np.testing.assert_allclose(heard_times(KNOTS, [[0.0], [11.5]]), [[3.7], [15.1]], atol=1e-12)
    assert heard_times(KNOTS, 2.0) == pytest.approx(5.7)


def test_the_inverse_leads_back():
    seconds = np.random.default_rng(1).uniform(-20.0, 40.0, 200)
    np.testing.assert_allclose(score_times(KNOTS, heard_times(KNOTS, seconds)), seconds, atol=1e-9)


def test_segments_say_for_sql_what_knots_say():
    rows = segments(1, 2, KNOTS)
    for seconds in np.random.default_rng(2).uniform(-20.0, 40.0, 100):
        (row,) = [r for r in rows if r[3] <= seconds < r[4]]
        heard = row[6] + row[7] * (seconds - row[5])
        assert heard == pytest.approx(float(heard_times(KNOTS, seconds)), abs=1e-9)
    assert len(segments(1, 2, [[0.0, 3.7], [60.0, 63.7]])) == 1


@pytest.mark.parametrize("knots", [[], None, [[1.0, 2.0], [0.5, 3.0]], [[1.0, 3.0], [2.0, 3.0]]])
def test_knots_that_are_no_clock_are_refused(knots):
    with pytest.raises(MappingError, match="knots"):
        heard_times(knots, 1.0)


LONG = {
    name: phrase(seed, low=low, n=140, seconds=70.0)
    for name, seed, low in (("melody", 1, 72), ("inner", 2, 60), ("bass", 3, 40))
}


def _alignments(tracks, stems, **of_cue):
    rows, notes, features, mels = cue(tracks, stems, **of_cue)
    found = match_evidence(rows, notes, features, mels.__getitem__)
    return found, found.tables()["stem_alignments"].set_index("audio_file_id")


def test_notes_of_a_take_that_drifts_are_placed_where_they_sound():
    """Its clock is slow by 3 per mille: 0.2 s at the end of 70."""
    stems = {name: late(tone(notes, drift=0.003), 4.0) for name, notes in LONG.items()}
    _, clocks = _alignments(LONG, stems)
    assert set(clocks["method"]) == {"sound"}
    times = np.linspace(5.0, 65.0, 25)
    for knots in clocks["knots"]:
        np.testing.assert_allclose(heard_times(knots, times), times * 1.003 + 4.0, atol=0.025)


def test_silent_stems_and_tracks_of_few_notes_have_the_clock_of_the_cue():
    tracks = {**LONG, "gong": LONG["bass"][:2]}
    stems = {name: late(tone(notes), 6.5) for name, notes in LONG.items()}
    stems["empty"] = np.zeros(80 * SR, np.float32)
    found, clocks = _alignments(tracks, stems)
    assert found.pairs.query("midi_track_id == 13")["score"].isna().all()
    assert found.pairs.query("audio_file_id == 23")["score"].isna().all()
    assert clocks["lag_seconds"].to_numpy() == pytest.approx(6.5, abs=0.025)
    assert len(clocks) == 4


def test_of_other_music_no_clock_is_told():
    strange = {
        name: tone(phrase(s, low=50, n=140, seconds=70.0)) for s, name in enumerate("abc", 90)
    }
    found, clocks = _alignments(LONG, strange)
    assert set(clocks["method"]) == {"none"}
    assert clocks["knots"].isna().all()
    assert found.tables()["alignment_segments"].empty
    (doubt,) = set(found.pairs["clock_doubt"])
    assert doubt.startswith("score and recording do not follow each other")
    assert found.warnings == [doubt]


def test_of_a_handful_of_notes_it_is_not_said_that_the_recording_does_not_follow_them():
    few = {name: notes[:5] for name, notes in LONG.items()}
    strange = {name: tone(phrase(s, low=50, n=5)) for s, name in enumerate("abc", 90)}
    found, clocks = _alignments(few, strange)
    assert set(clocks["method"]) == {"none"}
    assert found.pairs["clock_doubt"].isna().all()
    assert found.pairs["abstained"].str.contains("15 notes do not tell it").all()


def test_a_track_without_a_note_in_the_recording_is_not_judged_and_says_so():
    after = [
        (start + 66.0, duration, pitch, velocity)
        for start, duration, pitch, velocity in LONG["bass"]
    ]
    tracks = {**LONG, "later": after}
    stems = {name: tone([n for n in notes if n[0] < 50.0]) for name, notes in LONG.items()}
    found, _ = _alignments(tracks, stems)
    rows = found.pairs.query("midi_track_id == 13")
    assert rows["score"].isna().all()
    (said,) = set(rows["abstained"])
    assert said.startswith("no note within the recording (first 1:")
    assert "recording ends 0:5" in said
    assert set(rows["n_notes"]) == {0}


def _bowed(notes):
    """Tones that swell for 60 ms, the power last."""
    y = np.zeros(int((max(s + d for s, d, *_ in notes) + 1.0) * SR), np.float32)
    for start, duration, pitch, velocity in notes:
        t = np.arange(int((duration + 0.1) * SR)) / SR
        f0 = 440.0 * 2 ** ((pitch - 69) / 12)
        wave = sum(np.sin(2 * np.pi * f0 * h * t) / h for h in range(1, 7) if f0 * h < SR / 2)
        shape = np.minimum(t / 0.06, 1) ** 2 * np.clip((duration + 0.1 - t) / 0.1, 0, 1)
        at = int(start * SR)
        y[at : at + len(t)] += 0.2 * (velocity / 127) ** 2 * wave * shape
    return y


def test_instruments_that_speak_slowly_do_not_make_the_clock_late():
    """Four that swell beside two that are struck: by most of them, the clock is 21 ms late."""
    tracks = {}
    for seed, low in enumerate((76, 67, 60, 45, 72, 40), 1):
        at_beats = {round(2 * start) / 2: of for start, *of in phrase(seed, low=low, seconds=60.0)}
        tracks[f"{seed}"] = [(start, 0.4, *of[1:]) for start, of in sorted(at_beats.items())]
    stems = {name: tone(of) if name in "56" else _bowed(of) for name, of in tracks.items()}
    _, clocks = _alignments(tracks, stems)
    times = np.linspace(5.0, 55.0, 60)
    errors = heard_times(clocks["knots"].iloc[0], times) - times
    assert np.abs(np.median(errors)) < 0.012


def test_a_tone_that_begins_at_once_is_heard_before_it_by_less_than_a_window():
    hops = [instant_rise_seconds(2048 / 48_000, hop / 48_000, 1024 / 48_000) for hop in (512, 1024)]
    assert all(-2048 / 48_000 < rise < 0.0 for rise in hops)
    assert hops[0] < hops[1]  # the louder of two hops is the later one, and stands for both
