"""All stems of a track: rules on what was heard, stated by hand."""

import pandas as pd

from cue_pipeline.mapping.decision.all_stems import all_stems
from cue_pipeline.mapping.decision.map_cue import map_cue
from cue_pipeline.mapping.decision.result import TrackMapping
from cue_pipeline.mapping.tracks import track_summary

STEMS = {20: "Kick In", 21: "Snr Top", 22: "OH", 23: "Bass DI"}


def tracks(name: str, notes: list[int], *, kit: bool):
    midi_tracks = pd.DataFrame(
        {
            "id": [10],
            "midi_file_id": [1],
            "track_index": [0],
            "track_name": [name],
            "port": pd.array([pd.NA], dtype="Int64"),
            "part_channel": pd.array([pd.NA], dtype="Int64"),
            "all_names": [[name]],
            "sounds": [[[0, None, None, len(notes)]]],
            "drum_kit": ["channel 10" if kit else None],
        }
    )
    midi_notes = pd.DataFrame(
        {
            "midi_track_id": 10,
            "channel": 9 if kit else 0,
            "note": notes,
            "velocity": 90,
            "start_time": range(len(notes)),
            "duration": 0.2,
        }
    )
    return track_summary(midi_tracks, midi_notes)


def evidence(of_stems: dict[int, tuple], *, kit: bool):
    """Rows of match_evidence: score, partial correlation, level in dB, keys of a kit."""
    return pd.DataFrame(
        [
            {
                "midi_track_id": 10,
                "audio_file_id": stem,
                "score": score,
                "onset_score": part,
                "activity_score": part,
                "pitch_score": None if kit else part,
                "level_db": level,
                "n_notes": 40,
                "abstained": None,
                "clock_doubt": None,
                "kit_notes": keys,
            }
            for stem, (score, part, level, keys) in of_stems.items()
        ]
    ).astype({"pitch_score": "float64"})


def rows(summary, heard, names=STEMS):
    groups = pd.DataFrame({"id": list(names), "canonical_name": list(names.values())})
    groups = groups.assign(layout="mono", duration_seconds=60.0)
    mapping = map_cue(summary, groups, evidence=heard)
    return mapping.tables()["track_stems"].set_index("audio_file_id"), mapping.tracks[0]


def test_of_a_kit_each_key_goes_to_the_stems_in_which_it_is_struck():
    heard = {
        20: (0.7, 0.7, -20.0, [[36, 0.9, 1.0], [38, 0.1, 0.2], [42, 0.05, 0.1]]),
        21: (0.4, 0.6, -22.0, [[36, 0.2, 0.3], [38, 0.9, 1.0], [42, 0.1, 0.2]]),
        22: (0.3, 0.6, -24.0, [[36, 0.6, 0.7], [38, 0.7, 0.8], [42, 0.8, 1.0]]),
        23: (0.0, 0.0, -60.0, [[36, 0.1, 0.1], [38, 0.0, 0.0], [42, 0.0, 0.0]]),
    }
    found, main = rows(tracks("Drums", [36, 38, 42] * 8, kit=True), evidence(heard, kit=True))
    assert main.audio_file_id in found.index
    assert found.loc[20, "notes"] == [36]
    assert found.loc[21, "notes"] == [38]
    assert found.loc[22, "notes"] is None
    assert 23 not in found.index
    assert abs(found["share"].sum() - 1.0) < 1e-9


def test_a_stem_called_after_another_drum_must_hold_more_of_a_key():
    heard = {
        20: (0.7, 0.7, -20.0, [[36, 0.9, 1.0], [38, 0.55, 0.7]]),
        21: (0.4, 0.6, -22.0, [[36, 0.3, 0.5], [38, 0.9, 1.0]]),
    }
    summary = tracks("Drums", [36, 38] * 8, kit=True)
    named = {stem: STEMS[stem] for stem in heard}
    opaque = {20: "Audio 1_01", 21: "Audio 2_01"}
    assert rows(summary, evidence(heard, kit=True), named)[0].loc[20, "notes"] == [36]
    assert rows(summary, evidence(heard, kit=True), opaque)[0].loc[20, "notes"] is None


def test_a_part_that_is_as_loud_in_two_stems_is_in_both_and_a_leak_is_in_none():
    names = {20: "Audio 1_01", 21: "Audio 2_01", 22: "Audio 3_01"}
    heard = {
        20: (0.97, 0.8, -20.0, None),
        21: (0.1, 0.7, -23.0, None),
        22: (0.02, 0.6, -35.0, None),
    }
    found, main = rows(tracks("Violas", [60] * 20, kit=False), evidence(heard, kit=False), names)
    assert main.audio_file_id == 20
    assert sorted(found.index) == [20, 21]
    # 3 dB are a factor of 2 in power.
    assert abs(found.loc[20, "share"] - 10**0.3 / (1 + 10**0.3)) < 1e-9


def given(stem, track=10, method="override"):
    return TrackMapping(
        track, "#0", "Violas", stem, None, None, None, "confirmed", method, 1.0, None, None, None,
        None, None, "",
    )  # fmt: skip


def test_of_two_parts_in_unison_that_people_told_apart_each_is_in_its_own_stem_alone():
    both = {20: (0.9, 0.8, -20.0, None), 21: (0.9, 0.8, -20.0, None)}
    one = evidence(both, kit=False)
    heard = pd.concat([one, one.assign(midi_track_id=11)])

    def found(*mapped):
        table = all_stems(mapped, heard, {20: "Audio 1_01", 21: "Audio 2_01"})
        return sorted(zip(table["midi_track_id"], table["audio_file_id"], strict=True))

    assert found(given(20), given(21, track=11)) == [(10, 20), (11, 21)]
    # What people did not decide may still be in both: the second stem may be another microphone.
    assert found(given(20)) == [(10, 20), (10, 21)]
    assert found(given(20), given(21, 11, method="evidence")) == [
        (10, 20), (10, 21), (11, 20), (11, 21),
    ]  # fmt: skip


def test_a_part_that_people_gave_a_stem_against_what_is_heard_is_in_no_other():
    names = {20: "Harp", 21: "Warm Pad"}
    heard = evidence({20: (0.53, 0.7, -16.5, None), 21: (0.09, 0.85, -16.9, None)}, kit=False)

    def stems(stem, method):
        return sorted(all_stems([given(stem, method=method)], heard, names)["audio_file_id"])

    assert stems(21, "override") == [21]
    assert stems(20, "override") == [20, 21]  # they confirm what is heard
    assert stems(21, "names") == [20, 21]


def test_a_key_of_which_nothing_is_heard_is_not_in_the_stem_of_its_kit():
    names = {20: "Drums", 21: "Bass"}

    def keys(kick):
        heard = {
            20: (0.9, 0.8, -20.0, [[36, *kick], [38, 0.85, 1.0], [42, 0.3, 0.9]]),
            21: (0.0, 0.0, -60.0, [[36, 0.15, 0.1], [38, 0.0, 0.0], [42, 0.0, 0.0]]),
        }
        summary = tracks("Drums", [36, 38, 42] * 8, kit=True)
        found, main = rows(summary, evidence(heard, kit=True), names)
        assert main.audio_file_id == 20
        return found["notes"].to_dict()

    assert keys((0.0, 0.0)) == {20: [38, 42]}
    assert keys((0.02, 1.0)) == {20: [38, 42]}  # loudest there, as it is anywhere
    assert keys((0.08, 0.6)) == {20: None}


def test_a_kit_that_people_put_where_no_key_of_it_is_heard_is_there_alone():
    heard = evidence(
        {
            20: (0.7, 0.7, -20.0, [[36, 0.9, 1.0], [38, 0.1, 0.2]]),
            21: (0.4, 0.6, -22.0, [[36, 0.2, 0.3], [38, 0.9, 1.0]]),
            22: (0.0, 0.0, -60.0, [[36, 0.0, 0.0], [38, 0.0, 0.0]]),
        },
        kit=True,
    )

    def found(stem):
        table = all_stems([given(stem)], heard, STEMS).set_index("audio_file_id")
        return table["notes"].to_dict()

    assert found(22) == {22: None}
    assert found(20) == {20: [36], 21: [38]}


def test_without_sound_the_stem_that_was_decided_is_the_only_one():
    names = {20: "Violas", 21: "Celli"}
    found, _ = rows(tracks("Violas", [60] * 20, kit=False), None, names)
    assert list(found.index) == [20]
    assert pd.isna(found.loc[20, "share"])
    assert found.loc[20, "notes"] is None
