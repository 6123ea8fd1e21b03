"""What ``match_evidence`` hears in small cues whose truth is known by construction."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cue_pipeline.errors import MappingError
from cue_pipeline.hearing import MatchEvidence, match_evidence, placing
from cue_pipeline.hearing.alignment import joint_lag
from cue_pipeline_tests.hearing.sounding import SR, cue, late, phrase, together, tone

MELODY = phrase(1, low=72)
INNER = phrase(2, low=60)
BASS = phrase(3, low=40)
TRACKS = {"melody": MELODY, "inner": INNER, "bass": BASS}


def heard(*of_cue) -> MatchEvidence:
    tracks, notes, features, mels = of_cue
    return match_evidence(tracks, notes, features, mels.__getitem__)


def best(evidence: MatchEvidence) -> dict[int, int]:
    known = evidence.pairs.dropna(subset=["score"])
    rows = known.loc[known.groupby("midi_track_id")["score"].idxmax()]
    return dict(zip(rows["midi_track_id"], rows["audio_file_id"], strict=True))


def pair(evidence: MatchEvidence, track: int, group: int) -> pd.Series:
    rows = evidence.pairs
    return rows[(rows["midi_track_id"] == track) & (rows["audio_file_id"] == group)].iloc[0]


def test_each_track_is_heard_in_its_own_stem_whatever_the_order():
    stems = {"Audio 3_01": tone(BASS), "Audio 1_01": tone(MELODY), "Audio 2_01": tone(INNER)}
    evidence = heard(*cue(TRACKS, stems))
    assert best(evidence) == {10: 21, 11: 22, 12: 20}
    assert (evidence.pairs.groupby("midi_track_id")["score"].max() > 0.9).all()


def test_several_tracks_may_be_heard_in_one_stem():
    stems = {"A": together(tone(MELODY), tone(BASS)), "B": tone(INNER)}
    evidence = heard(*cue(TRACKS, stems))
    assert best(evidence) == {10: 20, 11: 21, 12: 20}


@pytest.mark.parametrize("leak_db", [-10.0, -15.0, -20.0])
def test_a_leak_is_measured_near_its_level_and_is_no_match(leak_db):
    own = {name: tone(notes) for name, notes in TRACKS.items()}
    gain = 10 ** (leak_db / 20)
    stems = {
        name: together(y, *(gain * other for n, other in own.items() if n != name))
        for name, y in own.items()
    }
    evidence = heard(*cue(TRACKS, stems))
    assert best(evidence) == {10: 20, 11: 21, 12: 22}
    found = pair(evidence, 10, 21)["level_db"] - pair(evidence, 10, 20)["level_db"]
    # The louder notes of the stem itself hide some of the leak.
    assert leak_db - 8.0 < found < leak_db + 1.0
    assert pair(evidence, 10, 21)["score"] < 0.1


@pytest.mark.parametrize("lag", [-4.2, 0.0, 3.7, 21.35, 55.0])
def test_the_lag_is_found_to_within_two_frames(lag):
    stems = {name: late(tone(notes), lag) for name, notes in TRACKS.items()}
    evidence = heard(*cue(TRACKS, stems))
    found = evidence.summary["files"][0]
    assert found["lag_seconds"] == pytest.approx(lag, abs=0.025)
    assert found["lag_confidence"] > 0.9
    assert best(evidence) == {10: 20, 11: 21, 12: 22}


def test_time_references_stand_files_that_begin_apart_on_one_clock():
    starts = {"A": 0.0, "B": 7.25, "C": 2.5}
    stems = {
        name: late(tone(notes), 9.0 - starts[name])
        for name, notes in zip(starts, TRACKS.values(), strict=True)
    }
    references = {name: round((36_000 + s) * SR) for name, s in starts.items()}
    evidence = heard(*cue(TRACKS, stems, references=references))
    assert best(evidence) == {10: 20, 11: 21, 12: 22}
    assert evidence.summary["time_references"] == "used"
    for group, start in zip((20, 21, 22), starts.values(), strict=True):
        assert pair(evidence, 10, group)["lag_seconds"] == pytest.approx(9.0 - start, abs=0.03)


def test_time_references_that_the_sound_contradicts_are_not_used():
    stems = {name: late(tone(notes), 2.0) for name, notes in TRACKS.items()}
    references = {"melody": 0, "inner": 31 * SR, "bass": 12 * SR}
    evidence = heard(*cue(TRACKS, stems, references=references))
    assert evidence.summary["time_references"].startswith("not used")
    assert best(evidence) == {10: 20, 11: 21, 12: 22}


def test_time_references_hours_apart_are_no_one_take():
    stems = {name: tone(notes) for name, notes in TRACKS.items()}
    evidence = heard(*cue(TRACKS, stems, references={"melody": 0, "bass": 7_200 * SR}))
    assert evidence.summary["time_references"].startswith("not used: they lie 7200 s apart")


def test_a_group_that_begins_at_a_time_of_its_own_is_found_there():
    tracks = {**TRACKS, "tenor": phrase(4, low=50)}
    stems = {name: late(tone(notes), 2.0) for name, notes in tracks.items()}
    stems["inner"] = late(tone(INNER), 11.5)
    evidence = heard(*cue(tracks, stems))
    assert best(evidence) == {10: 20, 11: 21, 12: 22, 13: 23}
    assert pair(evidence, 11, 21)["lag_seconds"] == pytest.approx(11.5, abs=0.03)
    assert pair(evidence, 10, 20)["lag_seconds"] == pytest.approx(2.0, abs=0.03)
    assert list(evidence.summary["files"][0]["moved_stems"]) == ["inner"]


def test_raw_clips_without_time_references_are_each_found_at_their_own_time():
    tracks = {**TRACKS, "tenor": phrase(4, low=50)}
    lags = dict(zip(tracks, (1.0, 8.3, 4.4, 17.0), strict=True))
    stems = {name: late(tone(notes), lags[name]) for name, notes in tracks.items()}
    evidence = heard(*cue(tracks, stems))
    assert best(evidence) == {10: 20, 11: 21, 12: 22, 13: 23}
    for group, lag in zip((20, 21, 22, 23), lags.values(), strict=True):
        assert pair(evidence, 10, group)["lag_seconds"] == pytest.approx(lag, abs=0.03)


def test_a_stem_of_other_music_is_not_bent_to_fit():
    stems = {name: tone(notes) for name, notes in TRACKS.items()}
    stems["other"] = tone(phrase(77, low=60))
    evidence = heard(*cue(TRACKS, stems))
    assert evidence.summary["files"][0]["moved_stems"] == {}
    assert evidence.pairs.query("audio_file_id == 23")["score"].max() < 0.2


def test_a_slow_drift_is_followed():
    tracks = {
        name: phrase(seed, low=low, n=140, seconds=70.0)
        for name, seed, low in (("melody", 1, 72), ("inner", 2, 60), ("bass", 3, 40))
    }
    stems = {name: tone(notes, drift=0.003) for name, notes in tracks.items()}
    evidence = heard(*cue(tracks, stems))
    assert best(evidence) == {10: 20, 11: 21, 12: 22}
    assert evidence.summary["files"][0]["drift_seconds"] == pytest.approx(0.21, abs=0.05)


def test_a_lag_that_level_finds_good_enough_is_mended_by_the_onsets(monkeypatch):
    """Level stands on frames of 85 ms; a stroke is over sooner."""
    stems = {name: late(tone(notes), 1.0) for name, notes in TRACKS.items()}
    monkeypatch.setattr(
        placing,
        "joint_lag",
        lambda *of: replace(found := joint_lag(*of), lag_seconds=found.lag_seconds + 0.04),
    )
    (of_file,) = heard(*cue(TRACKS, stems)).summary["files"]
    assert of_file["lag_seconds"] == pytest.approx(1.0, abs=0.02)


def test_a_track_that_nobody_recorded_is_not_surely_heard():
    tracks = {**TRACKS, "unrecorded": phrase(9, low=55)}
    stems = {name: tone(notes) for name, notes in TRACKS.items()}
    evidence = heard(*cue(tracks, stems))
    assert best(evidence)[10] == 20
    assert evidence.pairs.query("midi_track_id == 13")["score"].max() < 0.5


def test_tracks_with_the_same_notes_are_named_and_get_the_same_scores():
    tracks = {**TRACKS, "doubled": [(s, d, p, 64) for s, d, p, _ in MELODY]}
    stems = {**{n: tone(x) for n, x in TRACKS.items()}, "double": tone(MELODY, colour=2.0)}
    evidence = heard(*cue(tracks, stems))
    assert evidence.summary["files"][0]["same_notes"] == [["melody", "doubled"]]
    scores = evidence.pairs.pivot(index="audio_file_id", columns="midi_track_id", values="score")
    np.testing.assert_allclose(scores[10], scores[13])


def test_drums_have_no_pitch_score_and_are_still_found():
    rng = np.random.default_rng(4)
    hits = [(float(t), 0.05, 38, 100) for t in np.sort(rng.uniform(0, 30, 80))]
    noise = np.zeros(31 * SR, np.float32)
    for start, *_ in hits:
        at = int(start * SR)
        noise[at : at + 2_000] += rng.normal(0, 0.2, 2_000) * np.exp(-np.arange(2_000) / 500)
    stems = {"A": noise, **{n: tone(x) for n, x in TRACKS.items()}}
    evidence = heard(*cue({"snare": hits, **TRACKS}, stems, drums=["snare"]))
    assert best(evidence) == {10: 20, 11: 21, 12: 22, 13: 23}
    assert evidence.pairs.query("midi_track_id == 10")["pitch_score"].isna().all()
    assert evidence.pairs.query("midi_track_id == 11")["pitch_score"].notna().all()


def test_it_abstains_on_few_notes_and_says_so():
    evidence = heard(
        *cue({**TRACKS, "cymbal": MELODY[:3]}, {n: tone(x) for n, x in TRACKS.items()})
    )
    rows = evidence.pairs.query("midi_track_id == 13")
    assert rows["score"].isna().all()
    assert set(rows["abstained"]) == {"only 3 notes"}
    assert set(rows["n_notes"]) == {3}


def test_it_abstains_on_silent_groups_and_says_so():
    stems = {n: tone(x) for n, x in TRACKS.items()} | {"empty": np.zeros(31 * SR, np.float32)}
    evidence = heard(*cue(TRACKS, stems))
    rows = evidence.pairs.query("audio_file_id == 23")
    assert rows["score"].isna().all()
    assert set(rows["abstained"]) == {"the stem is silent"}
    assert evidence.summary["stems_left_out"] == [{"stem": "empty", "reason": "the stem is silent"}]


def test_it_abstains_where_no_lag_explains_the_sound():
    stems = {n: tone(phrase(50 + i, low=50)) for i, n in enumerate(TRACKS)}
    evidence = heard(*cue(TRACKS, stems))
    assert not (evidence.pairs["score"] > 0.5).any()
    assert evidence.summary["files"][0]["lag_confidence"] < 0.5


def test_a_group_with_other_mel_parameters_is_left_out_with_the_reason():
    tracks, notes, features, mels = cue(TRACKS, {n: tone(x) for n, x in TRACKS.items()})
    features.at[2, "params"] = {**features.at[2, "params"], "n_fft": 512}
    evidence = heard(tracks, notes, features, mels)
    assert evidence.pairs.query("audio_file_id == 22")["score"].isna().all()
    assert "other parameters" in evidence.summary["stems_left_out"][0]["reason"]


@pytest.mark.parametrize("known_before", [False, True])
def test_a_group_whose_mel_is_no_numbers_is_left_out_and_the_others_are_heard(known_before):
    tracks, notes, features, mels = cue(TRACKS, {n: tone(x) for n, x in TRACKS.items()})
    mels[22][100] = np.nan
    if known_before:
        features.loc[2, "max_db"] = np.nan
    evidence = heard(tracks, notes, features, mels)
    assert evidence.summary["stems_left_out"][0]["reason"].endswith("no numbers")
    rows = evidence.pairs.query("audio_file_id == 22")
    assert rows["score"].isna().all()
    assert rows["abstained"].notna().all()
    known = best(evidence)
    assert (known[10], known[11]) == (20, 21)


def test_a_mel_of_the_wrong_shape_is_refused_with_the_cure():
    tracks, notes, features, mels = cue(TRACKS, {n: tone(x) for n, x in TRACKS.items()})
    mels[21] = mels[21].T
    with pytest.raises(MappingError, match=r"'inner' has the shape .* Re-materialise mel_features"):
        heard(tracks, notes, features, mels)


@pytest.mark.parametrize(("n_mels", "hop"), [(40, 512), (128, 256), (229, 128)])
def test_other_mel_settings_serve_as_well(n_mels, hop):
    stems = {n: late(tone(x), 1.5) for n, x in TRACKS.items()}
    evidence = heard(*cue(TRACKS, stems, n_mels=n_mels, hop=hop))
    assert best(evidence) == {10: 20, 11: 21, 12: 22}
    assert evidence.summary["files"][0]["lag_seconds"] == pytest.approx(1.5, abs=0.03)


@pytest.mark.parametrize("empty", ["tracks", "notes", "features"])
def test_nothing_in_gives_rows_without_scores(empty):
    tracks, notes, features, mels = cue(TRACKS, {n: tone(x) for n, x in TRACKS.items()})
    tables = {"tracks": tracks, "notes": notes, "features": features}
    tables[empty] = tables[empty].iloc[:0]
    evidence = match_evidence(**tables, mel_of=mels.__getitem__)
    rows = evidence.tables()["match_evidence"]
    assert len(rows) == (9 if empty == "notes" else 0)
    assert rows["score"].isna().all()
    assert rows["midi_track_id"].dtype == np.int64


def test_every_track_of_every_file_is_paired_with_every_group_once():
    tracks, notes, features, mels = cue(TRACKS, {n: tone(x) for n, x in TRACKS.items()})
    tracks["midi_file_id"] = [1, 1, 2]
    evidence = heard(tracks, notes, features, mels)
    assert not evidence.pairs.duplicated(["midi_track_id", "audio_file_id"]).any()
    assert len(evidence.pairs) == 9
    assert len(evidence.summary["files"]) == 2


def test_the_summary_is_plain_json_and_names_the_time_taken():
    evidence = heard(*cue(TRACKS, {n: tone(x) for n, x in TRACKS.items()}))
    assert json.loads(json.dumps(evidence.summary)) == evidence.summary
    assert evidence.summary["seconds"] > 0


def test_the_order_of_groups_changes_nothing():
    stems = {n: tone(x) for n, x in TRACKS.items()}
    tracks, notes, features, mels = cue(TRACKS, stems)
    one = heard(tracks, notes, features, mels).pairs
    other = heard(tracks, notes, features.iloc[::-1].reset_index(drop=True), mels).pairs
    key = ["midi_track_id", "audio_file_id"]
    pd.testing.assert_frame_equal(
        one.sort_values(key, ignore_index=True), other.sort_values(key, ignore_index=True),
        rtol=1e-3, atol=1e-4,
    )  # fmt: skip
