"""A person's word on the clock, another tempo map, and the clock of the mixes."""

import re

import numpy as np
import pytest

from cue_pipeline.errors import MappingError
from cue_pipeline.hearing import match_evidence
from cue_pipeline.hearing.clock import Clock
from cue_pipeline.hearing.heard_times import heard_times
from cue_pipeline.hearing.mix_clocks import Begins, Mixes, mix_starts, of_mix
from cue_pipeline.hearing.standing import ways_to_stand
from cue_pipeline.hearing.stated import Stated, TempoBend
from cue_pipeline_tests.hearing.sounding import cue, late, phrase, together, tone

TRACKS = {
    name: phrase(seed, low=low, n=70, seconds=28.0)
    for name, seed, low in (("melody", 1, 72), ("inner", 2, 60), ("bass", 3, 40))
}
STEMS = {name: tone(notes) for name, notes in TRACKS.items()}
STRANGE = {name: tone(phrase(s, low=50, n=70, seconds=28.0)) for s, name in enumerate("abc", 90)}
TIMES = np.linspace(2.0, 26.0, 20)


def heard(tracks, stems, *, start_offsets=None, mixes=None, **known):
    rows, notes, features, mels = cue(tracks, stems)
    if start_offsets is not None:
        features["start_offset_seconds"] = start_offsets
    if mixes is not None:
        _, _, of_mixes, mix_mels = cue(tracks, mixes)
        of_mixes["audio_file_id"] += 100
        of_mixes["start_offset_seconds"] = np.nan
        known["mixes"] = Mixes(of_mixes, lambda mix: mix_mels[mix - 100])
    of_file = {name: {1: value} for name, value in known.items() if name != "mixes"}
    more = {"mixes": known["mixes"]} if mixes is not None else {}
    return match_evidence(rows, notes, features, mels.__getitem__, **of_file, **more)


def test_where_the_sound_confirms_a_stated_lag_its_wander_is_kept_too():
    stems = {name: late(tone(notes, drift=0.001), 4.03) for name, notes in TRACKS.items()}
    found = heard(TRACKS, stems, stated=Stated(4.03, who="ann"))
    clocks = found.alignments
    assert set(clocks["method"]) == {"stated"}
    assert set(clocks["lag_seconds"]) == {4.03}
    assert found.warnings == []
    assert "ann says so; the sound agrees" in clocks["reason"][0]
    for knots in clocks["knots"]:
        np.testing.assert_allclose(heard_times(knots, TIMES), TIMES * 1.001 + 4.03, atol=0.02)


@pytest.mark.parametrize(
    "off", [0.05, *(pytest.param(s, marks=pytest.mark.slow) for s in (-0.2, 0.2))]
)
def test_a_stated_lag_near_the_sounds_is_followed_to_the_letter_in_every_stem(off):
    found = heard(TRACKS, STEMS, stated=Stated(off, who="ann"))
    assert set(found.alignments["lag_seconds"]) == {off}
    for knots in found.alignments["knots"]:
        np.testing.assert_allclose(heard_times(knots, TIMES), TIMES + off, atol=0.006)
    (warning,) = [text for text in found.warnings if "ann states" in text]
    sound = re.search(r"the sound says ([+-]0\.\d+) s; the person is believed", warning)
    assert sound is not None
    assert float(sound[1]) == pytest.approx(0.0, abs=0.015)


def test_a_stated_lag_is_followed_to_the_letter_against_the_sound_and_that_is_told():
    found = heard(TRACKS, STEMS, stated=Stated(3.7, who="ann"))
    for knots in found.alignments["knots"]:
        np.testing.assert_allclose(heard_times(knots, TIMES), TIMES + 3.7, atol=1e-9)
    assert found.pairs["lag_seconds"].to_numpy() == pytest.approx(3.7, abs=1e-6)
    (warning,) = [text for text in found.warnings if "ann states" in text]
    assert re.search(r"begins \+3\.700 s into the recording, the sound says .0\.0[01] s", warning)


@pytest.mark.slow
def test_where_the_sound_does_not_tell_the_lag_a_stated_one_lets_the_ear_judge():
    assert heard(TRACKS, STRANGE).pairs["score"].isna().all()
    found = heard(TRACKS, STRANGE, stated=Stated(0.0))
    assert found.pairs["score"].notna().all()
    assert set(found.alignments["reason"]) == {"a person says so; the sound does not tell"}
    assert found.warnings == []


@pytest.mark.slow
def test_a_lag_far_beyond_any_search_is_followed():
    stems = {name: late(y, 200.0) for name, y in STEMS.items()}
    found = heard(TRACKS, stems, stated=Stated(200.0))
    assert found.pairs["lag_seconds"].to_numpy() == pytest.approx(200.0, abs=0.02)
    best = found.pairs.pivot(index="midi_track_id", columns="audio_file_id", values="score")
    assert list(best.to_numpy().argmax(axis=1)) == [0, 1, 2]
    assert best.to_numpy().diagonal().min() > 0.9


@pytest.mark.parametrize("lag", [-500.0, 80_000.0])
def test_a_lag_that_puts_no_note_into_the_recording_is_kept_and_nothing_is_judged(lag):
    found = heard(TRACKS, STEMS, stated=Stated(lag), mixes={"mix": together(*STEMS.values())})
    assert set(found.alignments["lag_seconds"]) == set(found.mix_alignments["lag_seconds"]) == {lag}
    assert set(found.alignments["method"]) == {"stated"}
    assert all(why.startswith("no note within the recording") for why in found.pairs["abstained"])
    assert found.pairs["score"].isna().all()
    assert "states, there is no note within the recording" in found.warnings[0]


def test_a_lag_that_puts_a_stem_hours_from_the_others_is_kept_and_that_stem_is_not_judged():
    found = heard(TRACKS, STEMS, stated=Stated(in_files={22: -9000.0}))
    clocks = found.alignments.set_index("audio_file_id")
    assert (clocks["method"][22], clocks["lag_seconds"][22]) == ("stated", -9000.0)
    assert dict(found.pairs.groupby("audio_file_id")["score"].count()) == {20: 3, 21: 3, 22: 0}
    reasons = set(found.pairs.query("audio_file_id == 22")["abstained"])
    assert reasons == {"the lag stated of it puts the stem +9000 s from the others"}


def test_a_lag_stated_of_one_stem_is_that_stems_alone():
    stems = STEMS | {"bass": late(STEMS["bass"], 1.5)}
    found = heard(TRACKS, stems, stated=Stated(in_files={22: 1.5}))
    clocks = found.alignments.set_index("audio_file_id")
    assert list(clocks["method"]) == ["sound", "sound", "stated"]
    assert clocks["lag_seconds"].to_numpy() == pytest.approx([0.0, 0.0, 1.5], abs=0.02)
    bass = found.pairs.query("midi_track_id == 12 and audio_file_id == 22").iloc[0]
    assert bass["lag_seconds"] == pytest.approx(1.5, abs=0.02)
    assert bass["score"] > 0.9


def test_a_lag_stated_of_one_stem_against_its_sound_is_believed_and_that_is_told():
    found = heard(TRACKS, STEMS, stated=Stated(in_files={22: -1.5}, who="ann"))
    clocks = found.alignments.set_index("audio_file_id")
    np.testing.assert_allclose(heard_times(clocks["knots"][22], TIMES), TIMES - 1.5, atol=0.02)
    assert re.fullmatch(r"ann says so of it; the sound says .0\.0[01] s", clocks["reason"][22])
    (warning,) = [text for text in found.warnings if "ann states" in text]
    assert "begins -1.500 s into stem 'bass', the sound says" in warning


def test_of_a_stem_that_stays_silent_the_reason_says_that_others_tell_its_clock():
    found = heard(TRACKS, STEMS | {"bass": 1e-3 * tone(phrase(7, low=50, n=2, seconds=28.0))})
    reasons = found.alignments.set_index("audio_file_id")["reason"]
    assert reasons[20] == "heard"
    assert reasons[22] == "heard; of this file alone too few onsets are heard to tell it"


def test_a_roll_whose_next_stroke_may_be_louder_is_no_sign_that_the_stem_is_off():
    rng = np.random.default_rng(4)
    at = np.arange(0.5, 27.0, 0.12)
    rolled = {"roll": [(float(s), 0.08, 50, int(rng.choice([50, 120]))) for s in at]}
    tracks = TRACKS | rolled
    found = heard(tracks, {name: tone(notes) for name, notes in tracks.items()})
    clock = found.alignments.set_index("audio_file_id").loc[23]
    assert clock["confidence"] > 0.9
    assert not clock["spread_ms"] > 20.0


def test_of_a_stem_in_which_nothing_of_the_score_is_heard_the_clock_is_doubted():
    found = heard(TRACKS, STEMS | {"riser": STRANGE["a"]})
    clocks = found.alignments.set_index("audio_file_id")
    assert "nothing of the score is heard in this file" in clocks["reason"][23]
    assert clocks["confidence"][23] == pytest.approx(0.6 * clocks["confidence"][20], abs=1e-3)


def test_a_stem_in_which_only_another_midi_files_tracks_are_heard_is_not_doubted():
    rows, notes, features, mels = cue(TRACKS, STEMS)
    rows["midi_file_id"] = [1, 1, 2]
    found = match_evidence(rows, notes, features, mels.__getitem__).alignments
    of_first = found[found["midi_file_id"] == 1].set_index("audio_file_id")
    assert of_first["confidence"][22] == of_first["confidence"][20] > 0.9
    assert of_first["reason"][22] == "heard; none of its tracks is heard in this file"
    assert np.isnan(of_first["spread_ms"][22])


def test_of_stems_whose_clock_the_sound_does_not_tell_the_stated_one_is_judged():
    found = heard(TRACKS, STRANGE, stated=Stated(in_files={21: 2.0}))
    clocks = found.alignments.set_index("audio_file_id")
    assert list(clocks["method"]) == ["none", "stated", "none"]
    np.testing.assert_allclose(heard_times(clocks["knots"][21], TIMES), TIMES + 2.0, atol=1e-6)
    judged = found.pairs.groupby("audio_file_id")["score"].count()
    assert dict(judged) == {20: 0, 21: 3, 22: 0}
    assert found.pairs.query("audio_file_id == 21")["lag_seconds"].to_numpy() == pytest.approx(
        2.0, abs=1e-6
    )


def test_a_stem_at_another_sample_rate_says_that_its_own_onsets_do_not_confirm_the_clock():
    fast = {"bass": STEMS["bass"][np.arange(0, len(STEMS["bass"]), 48 / 44.1).astype(int)]}
    clocks = heard(TRACKS, STEMS | fast).alignments.set_index("audio_file_id")
    assert list(clocks["confidence"] > 0.9) == [True, True, False]
    assert clocks["confidence"][22] <= 0.6
    assert re.search(r"its own onsets scatter by \d+ ms", clocks["reason"][22])


# The score says 120 quarters a minute, the take was played at 100, and at 130 from second 16.8 on.
BEND = TempoBend(
    np.array([0.0, 14.0, 28.0]), np.array([0.0, 16.8, 16.8 + 14.0 / 1.3 * 1.2]), "take.mid"
)


def played(tracks, bend):
    out = {}
    for name, notes in tracks.items():
        start, length, *rest = (np.array(column) for column in zip(*notes, strict=True))
        ends = bend.played_times(start + length)
        begins = bend.played_times(start)
        out[name] = list(zip(begins, ends - begins, *rest, strict=True))
    return out


def test_played_times_are_numpys_interpolation_and_lead_back():
    seconds = np.linspace(0.0, 28.0, 33)
    np.testing.assert_allclose(
        BEND.played_times(seconds), np.interp(seconds, BEND.score, BEND.played), atol=1e-12
    )
    beyond = np.array([-3.0, 55.0])
    np.testing.assert_allclose(BEND.played_times(beyond)[0], -3.6, atol=1e-12)
    np.testing.assert_allclose(BEND.score_times(BEND.played_times(beyond)), beyond, atol=1e-9)


def test_a_bend_that_goes_back_is_refused():
    with pytest.raises(MappingError, match=r"take\.mid.*rise"):
        TempoBend(np.array([0.0, 1.0, 2.0]), np.array([0.0, 2.0, 1.0]), "take.mid")


@pytest.mark.parametrize("known", [{"stated": Stated(tempo=BEND)}, {"tempos": [BEND]}])
@pytest.mark.slow
def test_a_take_at_the_tempo_of_another_file_is_heard_where_that_tempo_puts_it(known):
    stems = {name: late(tone(notes), 2.0) for name, notes in played(TRACKS, BEND).items()}
    assert heard(TRACKS, stems).warnings
    found = heard(TRACKS, stems, **known)
    assert found.warnings == []
    for knots, method, reason in found.alignments[["knots", "method", "reason"]].itertuples(
        index=False
    ):
        np.testing.assert_allclose(
            heard_times(knots, TIMES), BEND.played_times(TIMES) + 2.0, atol=0.03
        )
        assert method == ("stated" if "stated" in known else "sound")
        assert "at the tempo of take.mid" in reason


@pytest.mark.slow
def test_another_tempo_map_is_not_taken_where_the_files_own_is_the_one_that_was_played():
    found = heard(TRACKS, STEMS, tempos=[BEND])
    np.testing.assert_allclose(heard_times(found.alignments["knots"][0], TIMES), TIMES, atol=0.02)
    assert not found.alignments["reason"].str.contains("tempo").any()


@pytest.mark.parametrize("seconds", [2.345, -3.21])
def test_a_mix_has_the_clock_of_its_stems_wherever_it_begins(seconds):
    stems = {name: late(y, 1.25) for name, y in STEMS.items()}
    # A bus compressor: what goes in comes out bent.
    mix = np.tanh(4.0 * late(together(*stems.values()), seconds)).astype(np.float32)
    found = heard(TRACKS, stems, mixes={"mix": mix, "other": tone(phrase(70, low=55, n=70))})
    clocks = found.mix_alignments.set_index("final_mix_id")
    assert list(clocks["method"]) == ["sound", "none"]
    np.testing.assert_allclose(
        heard_times(clocks["knots"][120], TIMES), TIMES + 1.25 + seconds, atol=0.02
    )
    assert "does not sound like the stems" in clocks["reason"][121]


@pytest.mark.parametrize("stems", [STEMS, {"empty": np.zeros_like(STEMS["bass"])}])
def test_the_spread_of_a_mix_is_how_far_its_players_are_from_the_score(stems):
    """Uniform within ±45 ms: the median deviation is half of that, 1.48 times which is told."""
    rng = np.random.default_rng(9)
    loose = {
        name: [(s + float(rng.uniform(-0.045, 0.045)), *rest) for s, *rest in notes]
        for name, notes in TRACKS.items()
    }
    mix = {
        "tight": together(*STEMS.values()),
        "loose": together(*(tone([(s + 0.1, *rest) for s, *rest in n]) for n in loose.values())),
    }
    found = heard(TRACKS, stems, mixes=mix)
    tight, spread = found.mix_alignments["spread_ms"]
    assert tight < 15.0  # the ear's own frame is 21 ms
    assert 20.0 < spread < 50.0


@pytest.mark.parametrize(
    ("scatter", "confidence"), [(0.012, 1.0), (0.09, 0.6), (float("nan"), 1.0)]
)
def test_a_mix_whose_onsets_lie_anywhere_around_the_score_has_less_confidence(scatter, confidence):
    knots = np.array([0.0, 30.0])
    clock = Clock(0.0, knots, knots, "sound", 1.0, "heard")
    _, _, method, sure, _, reason = of_mix(clock, Begins(0.0, 1.0, ""), scatter)
    assert (method, sure) == ("sound", confidence)
    assert ("its own onsets scatter by 90 ms" in reason) == (confidence < 1.0)
    assert "too few" not in reason  # most mixes have few strokes that stand alone


@pytest.mark.parametrize(("seconds", "begins"), [(-3.0, 0.0), (-4.5, None)])
@pytest.mark.slow
def test_a_mix_of_loops_that_may_begin_in_several_places_begins_with_its_stems_or_is_not_placed(
    seconds, begins
):
    bar = phrase(5, low=50, n=12, seconds=2.5)
    loop = tone([(s + 3.0 * k, *rest) for k in range(40) for s, *rest in bar])
    _, _, stems, mels = cue({"loop": bar}, {"loop": loop})
    _, _, mixes, mix_mels = cue({"loop": bar}, {"mix": late(loop, seconds)})
    (way,), _ = ways_to_stand(stems, mels.__getitem__)
    (found,) = mix_starts(way, stems, Mixes(mixes, mix_mels.__getitem__)).values()
    assert found.seconds == begins
    assert "sounds like the stems in several places" in found.reason


def test_where_no_stem_can_be_heard_the_mix_is_heard_as_a_stem_is():
    silence = {"empty": np.zeros_like(STEMS["bass"])}
    found = heard(TRACKS, silence, mixes={"mix": late(together(*STEMS.values()), 5.0)})
    (clock,) = found.mix_alignments.itertuples(index=False)
    assert clock.method == "sound"
    np.testing.assert_allclose(heard_times(clock.knots, TIMES), TIMES + 5.0, atol=0.02)


def test_a_lag_stated_of_a_mix_is_that_mixs():
    mix = together(*STEMS.values())
    found = heard(TRACKS, STEMS, mixes={"mix": mix}, stated=Stated(in_files={120: 7.0}))
    (clock,) = found.mix_alignments.itertuples(index=False)
    assert (clock.method, clock.lag_seconds) == ("stated", 7.0)
    assert set(found.alignments["method"]) == {"sound"}
