"""Which track is which stem: names, sound, model and people together."""

import json
import os
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cue_pipeline.mapping.decision.map_cue import map_cue
from cue_pipeline.mapping.decision.summary import OFFLINE_NOTE
from cue_pipeline_tests.mapping.cue_frames import (
    chosen,
    evidence_frame,
    groups_frame,
    states,
    tracks_frame,
)

SECTION = ["Violins I", "Violins II", "Violas", "Celli"]
STEMS = ["VLN 1", "VLN 2", "VLA", "VCS"]


def test_clear_names_are_mapped_without_model_or_sound_and_it_is_said() -> None:
    mapping = map_cue(tracks_frame(SECTION), groups_frame(STEMS))
    assert chosen(mapping) == STEMS
    assert states(mapping) == ["auto"] * 4
    assert {t.method for t in mapping.tracks} == {"names"}
    assert {t.instrument_category for t in mapping.tracks} == {"Strings"}
    assert mapping.summary["note"] == OFFLINE_NOTE
    assert mapping.summary["model"] is None
    assert mapping.summary["states"] == {"auto": 4}


def test_clear_names_do_not_stand_where_the_recording_does_not_follow_the_score() -> None:
    doubt = "score and recording do not follow each other: the lag is not certain (0.02)"
    unheard = evidence_frame([[None] * 4] * 4)
    mapping = map_cue(
        tracks_frame(SECTION), groups_frame(STEMS), evidence=unheard.assign(clock_doubt=doubt)
    )
    assert chosen(mapping) == STEMS
    assert states(mapping) == ["review"] * 4
    assert all(t.reason.endswith(doubt) for t in mapping.tracks)
    assert (
        states(map_cue(tracks_frame(SECTION), groups_frame(STEMS), evidence=unheard))
        == ["auto"] * 4
    )


@pytest.mark.parametrize(
    ("track", "groups", "expected"),
    [
        ("Bratschen", ["Violins", "VLA", "Celli"], "VLA"),
        ("Hörner", ["TPTS", "FHN", "TBNS"], "FHN"),
        ("Gran Cassa", ["Timp", "GC_01", "Piatti"], "GC_01"),
        ("Violas", ["STRINGS", "BRASS", "WW"], "STRINGS"),
        ("Oboe", ["STRINGS", "BRASS", "WW"], "WW"),
        ("Horns", ["BRASS", "HORNS", "TBNS"], "HORNS"),
        ("Double Basses", ["BASS GTR", "CBS"], "CBS"),
        ("Taiko", ["PERC LO", "PERC HI"], "PERC LO"),
        ("Shaker", ["PERC LO", "PERC HI"], "PERC HI"),
        ("LeadVox", ["BVs", "LD VOX"], "LD VOX"),
        ("Epic Zorblax", ["Zorblax", "Violins"], None),
        ("Zorblax", ["Zorblaxx", "Violins"], "Zorblaxx"),
        ("Harp", ["STRINGS", "BRASS"], None),
    ],
)
def test_a_track_goes_where_a_person_would_put_it(
    track: str, groups: list[str], expected: str | None
) -> None:
    assert chosen(map_cue(tracks_frame([track]), groups_frame(groups))) == [expected]


def test_many_tracks_may_share_a_group_and_agree_with_its_category() -> None:
    tracks = tracks_frame(["Vln I Leg", "Vln I Spicc", "Vla", "Vc", "Tuba"])
    mapping = map_cue(tracks, groups_frame(["STRINGS", "LO BRASS"]))
    assert chosen(mapping) == ["STRINGS"] * 4 + ["LO BRASS"]
    by_group = dict(zip(["STRINGS", "LO BRASS"], mapping.group_categories.values(), strict=True))
    for track in mapping.tracks:
        assert track.instrument_category == by_group[str(track.canonical_name)]


def test_a_track_shares_the_category_of_a_mixed_stem_but_not_surely() -> None:
    mapping = map_cue(
        tracks_frame(["Clarinet", "Piano"]),
        groups_frame(["CL"]),
        evidence=evidence_frame([[0.97], [0.97]]),
    )
    clarinet, piano = mapping.tracks
    assert clarinet.instrument_category == piano.instrument_category == "Woodwinds"
    assert clarinet.category_confidence is not None
    assert piano.category_confidence is not None
    assert piano.category_confidence < 0.1 < 0.9 < clarinet.category_confidence


def test_twins_get_one_group_each_and_a_person_is_asked() -> None:
    mapping = map_cue(tracks_frame(["Gtr", "Gtr"]), groups_frame(["GTR 1", "GTR 2"]))
    assert sorted(str(c) for c in chosen(mapping)) == ["GTR 1", "GTR 2"]
    assert states(mapping) == ["review", "review"]
    assert "cannot be told apart" in mapping.tracks[0].reason


def test_what_has_no_stem_stays_unmatched_with_its_own_category() -> None:
    mapping = map_cue(tracks_frame(["Harp", "Oboe"]), groups_frame(["TIMP", "CHOIR"]))
    assert states(mapping) == ["unmatched", "unmatched"]
    assert [t.instrument_category for t in mapping.tracks] == ["Harp", "Woodwinds"]
    assert [t.audio_file_id for t in mapping.tracks] == [None, None]


def test_where_nothing_is_known_a_person_is_asked_and_nothing_is_guessed() -> None:
    groups = groups_frame([f"Audio {i}_01" for i in range(8)])
    mapping = map_cue(tracks_frame(["MIDI 12"]), groups)
    assert (states(mapping), chosen(mapping)) == (["review"], [None])
    assert mapping.tracks[0].instrument_category is None


def test_opaque_names_are_decided_by_sound() -> None:
    mapping = map_cue(
        tracks_frame(["MIDI 1", "MIDI 2"]),
        groups_frame(["Audio 1", "Audio 2"]),
        evidence=evidence_frame([[0.02, 0.97], [0.96, 0.03]]),
    )
    assert chosen(mapping) == ["Audio 2", "Audio 1"]
    assert states(mapping) == ["auto", "auto"]
    assert {t.method for t in mapping.tracks} == {"evidence"}
    assert mapping.tracks[0].evidence_score == pytest.approx(0.97)
    assert mapping.tracks[0].evidence_margin == pytest.approx(0.95)


def test_sound_decides_alone_only_where_the_track_explains_much_of_what_is_heard() -> None:
    heard = evidence_frame([[0.99, 0.02], [0.01, 0.99]]).assign(activity_score=0.3)
    for pitch, state in ((0.6, "auto"), (0.1, "review"), (None, "auto")):
        rows = heard.assign(pitch_score=[pitch, 0.0, 0.6, 0.6])
        args = (tracks_frame(["MIDI 1", "MIDI 2"]), groups_frame(["Audio 1", "Audio 2"]))
        mapping = map_cue(*args, evidence=rows)
        assert states(mapping) == [state, "auto"]
        named = map_cue(tracks_frame(["VLA", "VC"]), groups_frame(["VLA", "VC"]), evidence=rows)
        assert states(named) == ["auto", "auto"]
    assert chosen(mapping) == ["Audio 1", "Audio 2"]


def test_sound_alone_does_not_say_which_of_two_tracks_with_the_same_notes_a_stem_holds() -> None:
    heard = evidence_frame([[0.97, 0.02], [0.97, 0.02], [0.01, 0.98]])
    rows = heard.assign(onset_score=heard["score"], activity_score=0.6, level_db=-20.0)
    stems = groups_frame(["Audio 1", "Audio 2"])
    mapping = map_cue(tracks_frame(["MIDI 1", "MIDI 2", "MIDI 3"]), stems, evidence=rows)
    assert chosen(mapping) == ["Audio 1", "Audio 1", "Audio 2"]
    assert states(mapping) == ["review", "review", "auto"]
    assert "cannot tell the track from 'MIDI 2': the same notes" in mapping.tracks[0].reason
    # What differs in anything that is measured are not the same notes; names may tell the rest.
    rows.loc[0, "level_db"] = -21.0
    apart = map_cue(tracks_frame(["MIDI 1", "MIDI 2", "MIDI 3"]), stems, evidence=rows)
    assert states(apart) == ["auto"] * 3


def test_silence_of_the_ear_leaves_the_names_their_say() -> None:
    mapping = map_cue(
        tracks_frame(SECTION),
        groups_frame(STEMS),
        evidence=evidence_frame([[None] * 4] * 4),
    )
    assert states(mapping) == ["auto"] * 4
    assert mapping.tracks[0].evidence_score is None


def test_a_name_that_the_sound_contradicts_goes_to_review_with_both_said() -> None:
    mapping = map_cue(
        tracks_frame(["Viola", "Horns"]),
        groups_frame(["VLA", "Audio 3_01"]),
        evidence=evidence_frame([[0.22, 0.81], [0.1, 0.3]]),
    )
    viola = mapping.tracks[0]
    assert viola.state == "review"
    assert "'VLA'" in viola.reason
    assert "'Audio 3_01': 0.81 against 0.22" in viola.reason
    assert {c["canonical_name"] for c in viola.candidates} == {"VLA", "Audio 3_01"}


def test_a_clear_name_that_the_ear_finds_nothing_of_goes_to_a_person() -> None:
    mapping = map_cue(
        tracks_frame(["Choir Aahs", "Horns", "Harp"]),
        groups_frame(["1m01 CHOIR_01", "1m01 FHN_01"]),
        evidence=evidence_frame([[0.04, 0.02], [0.03, 0.95], [0.03, 0.04]]),
    )
    choir, _, harp = mapping.tracks
    assert (choir.state, choir.canonical_name) == ("review", "1m01 CHOIR_01")
    assert "the name says '1m01 CHOIR_01'" in choir.reason
    assert "hardly heard there (0.04)" in choir.reason
    assert choir.confidence < 0.6
    assert (harp.state, harp.canonical_name) == ("unmatched", None)


@pytest.mark.parametrize(
    ("elsewhere", "shown"), [(0.02, "Audio 1_01"), (0.36, None)], ids=["in one", "in two"]
)
def test_a_track_that_is_faintly_heard_in_one_stem_alone_is_shown_with_it(
    elsewhere: float, shown: str | None
) -> None:
    mapping = map_cue(
        tracks_frame(["MIDI 1", "MIDI 2", "MIDI 3"]),
        groups_frame(["Audio 1_01", "Audio 2_01"]),
        evidence=evidence_frame([[0.97, 0.02], [0.02, 0.97], [0.4, elsewhere]]),
    )
    faint = mapping.tracks[2]
    assert (faint.state, faint.canonical_name) == ("review", shown)
    if shown:
        assert "perhaps 'Audio 1_01', where its notes are faintly heard (0.40)" in faint.reason


def test_a_name_never_stands_against_an_ear_that_finds_nothing() -> None:
    mapping = map_cue(
        tracks_frame(["Toms", "Violas", "Horns", "Harp", "Celesta"]),
        groups_frame(["TOMS", "VLA", "HNS", "HARP", "CEL"]),
        evidence=evidence_frame(
            [[0.05, 0.3, 0.02, 0.02, 0.02], *(_heard_at(g, 5) for g in range(1, 5))]
        ),
    )
    toms, *others = mapping.tracks
    assert (toms.state, toms.canonical_name) == ("review", "TOMS")
    assert "hardly heard there (0.05)" in toms.reason
    assert {m.state for m in others} == {"auto"}


def _heard_at(group: int, n_groups: int) -> list[float]:
    return [0.97 if g == group else 0.02 for g in range(n_groups)]


def test_a_track_that_is_heard_nowhere_stands_without_a_stem() -> None:
    mapping = map_cue(
        tracks_frame(["MIDI 1", "MIDI 2", "MIDI 3"]),
        groups_frame(["Audio 1_01", "Audio 2_01"]),
        evidence=evidence_frame([[0.97, 0.02], [0.02, 0.97], [0.05, 0.02]]),
    )
    assert (mapping.tracks[2].state, mapping.tracks[2].canonical_name) == ("unmatched", None)


def test_a_name_that_another_instrument_is_sometimes_put_under_is_never_enough_alone() -> None:
    tracks, groups = tracks_frame(["Glass Drone"]), groups_frame(["1m02 WARM PAD_01"])
    for heard in (
        None,
        evidence_frame([[None]]),
        evidence_frame([[0.03]]),
        evidence_frame([[0.4]]),
    ):
        assert states(map_cue(tracks, groups, evidence=heard)) == ["review"]


def test_two_takes_of_one_instrument_are_left_to_a_person() -> None:
    mapping = map_cue(tracks_frame(["Flute"]), groups_frame(["1m02 FL_01", "1m02 FL_02"]))
    assert states(mapping) == ["review"]
    assert "cannot be told apart" in mapping.tracks[0].reason


def test_agreement_of_name_and_sound_is_surer_than_either() -> None:
    args = (tracks_frame(["Viola"]), groups_frame(["VLA", "VC"]))
    heard = evidence_frame([[0.9, 0.1]])
    names = map_cue(*args).tracks[0].confidence
    both = map_cue(*args, evidence=heard).tracks[0].confidence
    against = map_cue(*args, evidence=evidence_frame([[0.1, 0.9]])).tracks[0]
    assert both > names
    assert against.confidence < names
    assert against.state == "review"


def test_a_track_without_notes_is_unmatched_and_says_why() -> None:
    tracks = tracks_frame(["VLA"]).assign(n_notes=0)
    mapping = map_cue(tracks, groups_frame(["VLA"]))
    assert states(mapping) == ["unmatched"]
    assert "no notes" in mapping.tracks[0].reason


def test_a_name_that_two_tracks_share_contradicts_no_stem_of_that_instrument() -> None:
    args = (tracks_frame(["Violin", "Violin"]), groups_frame(["Violin", "Violin 2"]))
    mapping = map_cue(*args, evidence=evidence_frame([[0.02, 0.99], [0.99, 0.01]]))
    assert chosen(mapping) == ["Violin 2", "Violin"]
    assert states(mapping) == ["auto", "auto"]
    only = map_cue(
        tracks_frame(["Violin"]),
        groups_frame(["Violin", "Violin 2"]),
        evidence=evidence_frame([[0.02, 0.99]]),
    )
    assert states(only) == ["review"]


def test_names_alone_do_not_put_two_tracks_into_one_instruments_stem_without_a_person() -> None:
    stems = groups_frame(["VLA", "STRINGS", "HORNS"])
    names_only = map_cue(tracks_frame(["Vla long", "Vla spicc", "Horns"]), stems)
    assert states(names_only) == ["review", "review", "auto"]
    assert "other tracks are named like it" in names_only.tracks[0].reason
    # Where it is surely heard, or the other track is another file's, nothing is left open.
    heard = evidence_frame([[0.97, 0.1, 0.1], [0.95, 0.2, 0.1], [0.1, 0.1, 0.97]])
    tracks = tracks_frame(["Vla long", "Vla spicc", "Horns"])
    assert states(map_cue(tracks, stems, evidence=heard)) == ["auto"] * 3
    unsure = evidence_frame([[0.97, 0.1, 0.1], [0.7, 0.02, 0.1], [0.1, 0.1, 0.97]])
    assert states(map_cue(tracks, stems, evidence=unsure)) == ["auto", "review", "auto"]
    two_files = tracks_frame(["Violas", "Violas", "Horns"], midi_file_id=[1, 2, 1])
    assert states(map_cue(two_files, stems)) == ["auto"] * 3


def test_a_stem_named_for_one_of_its_tracks_may_hold_others_that_are_heard_there() -> None:
    mapping = map_cue(
        tracks_frame(["Clarinet", "Piano", "Piano"]),
        groups_frame(["CL", "PNO"]),
        evidence=evidence_frame([[0.97, 0.01], [0.93, 0.02], [0.01, 0.98]]),
    )
    assert chosen(mapping) == ["CL", "CL", "PNO"]
    assert states(mapping) == ["auto", "review", "auto"]
    assert "the name says 'PNO', but the notes are heard in 'CL'" in mapping.tracks[1].reason


def test_what_is_heard_clearly_in_a_stem_of_another_name_is_shown_to_a_person() -> None:
    mapping = map_cue(
        tracks_frame(["Clarinet", "Piano"]),
        groups_frame(["CL"]),
        evidence=evidence_frame([[0.9], [0.7]]),
    )
    assert chosen(mapping) == ["CL", "CL"]
    assert states(mapping) == ["auto", "review"]
    assert "heard in 'CL' (0.70), but it is named otherwise" in mapping.tracks[1].reason


def test_a_stem_that_is_named_for_a_track_heard_there_contradicts_no_other_of_its_name() -> None:
    mapping = map_cue(
        tracks_frame(["Flute long", "Flute short"]),
        groups_frame(["FLUTES", "OBOE"]),
        evidence=evidence_frame([[0.98, 0.01], [0.001, 0.002]]),
    )
    assert chosen(mapping) == ["FLUTES", None]
    assert states(mapping) == ["auto", "unmatched"]


def test_the_one_track_and_the_one_stem_that_are_left_are_shown_to_a_person() -> None:
    tracks, groups = ["MIDI 1", "MIDI 2", "MIDI 3"], ["Audio 1", "Audio 2", "Audio 3"]
    heard = evidence_frame([[0.98, 0.01, 0.01], [0.01, 0.98, 0.01], [0.01, 0.01, 0.01]])
    mapping = map_cue(tracks_frame(tracks), groups_frame(groups), evidence=heard)
    assert chosen(mapping) == groups
    assert states(mapping) == ["auto", "auto", "review"]
    assert "both are left over" in mapping.tracks[2].reason
    # Not against its name, not without notes, and not where two are left.
    named = map_cue(
        tracks_frame(["MIDI 1", "MIDI 2", "Harp"]),
        groups_frame(["Audio 1", "Audio 2", "TIMP"]),
        evidence=heard,
    )
    assert chosen(named) == ["Audio 1", "Audio 2", None]
    silent = tracks_frame(tracks).assign(n_notes=[100, 100, 0])
    assert chosen(map_cue(silent, groups_frame(groups), evidence=heard))[2] is None
    two = evidence_frame([[0.98, 0.01, 0.01], [0.01, 0.01, 0.01], [0.01, 0.01, 0.01]])
    assert (
        chosen(map_cue(tracks_frame(tracks), groups_frame(groups), evidence=two))[1:] == [None] * 2
    )


def test_the_tables_have_the_columns_of_the_contract_and_keep_every_bit_of_an_id() -> None:
    mapping = map_cue(tracks_frame([*SECTION, "MIDI 9"]), groups_frame(STEMS))
    tables = mapping.tables()
    assert set(tables) == {
        "track_mappings", "track_stems", "midi_tracks", "audio_files", "llm_calls",
    }  # fmt: skip
    contract = {
        "midi_track_id",
        "audio_file_id",
        "instrument_category",
        "state",
        "method",
        "confidence",
        "name_score",
        "evidence_score",
        "evidence_margin",
        "model",
        "prompt_sha256",
        "reason",
    }
    assert contract <= set(tables["track_mappings"].columns)
    assert list(tables["midi_tracks"].columns) == [
        "id",
        "instrument_category",
        "assigned_audio_file_id",
    ]
    assert list(tables["audio_files"].columns) == ["id", "instrument_category"]
    # Ids need 63 bits; float64 holds 53.
    assert tables["track_mappings"]["audio_file_id"].tolist()[:4] == [2**61 + i for i in range(4)]
    assert tables["midi_tracks"]["assigned_audio_file_id"].isna().tolist() == [False] * 4 + [True]
    json.dumps(mapping.summary)


@pytest.mark.parametrize(("n_tracks", "n_groups"), [(0, 0), (0, 2), (2, 0)])
def test_a_cue_without_tracks_or_groups_has_empty_or_unmatched_rows(
    n_tracks: int, n_groups: int
) -> None:
    mapping = map_cue(tracks_frame(SECTION[:n_tracks]), groups_frame(STEMS[:n_groups]))
    assert states(mapping) == ["unmatched"] * n_tracks
    tables = mapping.tables()
    assert len(tables["track_mappings"]) == n_tracks
    assert len(tables["audio_files"]) == n_groups
    assert list(mapping.table.columns)[:3] == ["#", "track", "stem"]


NAMES = st.sampled_from(
    [*SECTION, *STEMS, "MIDI 1", "Audio 1_01", "Gtr", "Strings", "", "Brass", "Kick", "Perc"]
)
SCORES = st.one_of(st.none(), st.floats(0, 1))


@given(
    st.lists(NAMES, min_size=1, max_size=6),
    st.lists(NAMES, min_size=1, max_size=5, unique=True),
    st.data(),
)
@settings(max_examples=int(os.environ.get("CUE_TEST_EXAMPLES", "60")), deadline=None)
def test_whatever_is_said_the_mapping_keeps_its_promises(
    tracks: list[str], groups: list[str], data: st.DataObject
) -> None:
    row = st.lists(SCORES, min_size=len(groups), max_size=len(groups))
    heard = data.draw(st.lists(row, min_size=len(tracks), max_size=len(tracks)))
    mapping = map_cue(tracks_frame(tracks), groups_frame(groups), evidence=evidence_frame(heard))
    shown = [name or f"#{i}" for i, name in enumerate(tracks)]
    assert [t.track_name for t in mapping.tracks] == shown
    for track in mapping.tracks:
        assert track.state in {"auto", "review", "unmatched"}
        assert 0.0 <= track.confidence <= 1.0
        assert (track.audio_file_id is None) == (track.canonical_name is None)
        if track.state == "auto":
            assert track.audio_file_id is not None
            assert track.confidence >= 0.9
        if track.audio_file_id is not None:
            assert track.instrument_category == mapping.group_categories[track.audio_file_id]
        assert track.reason
    mapping.tables()


def test_the_order_of_tracks_and_groups_does_not_change_who_belongs_where() -> None:
    tracks, groups = [*SECTION, "Timp", "Hns", "MIDI 3"], [*STEMS, "TIMP", "FHN", "Audio 2_01"]
    rng = random.Random(7)
    expected = dict(
        zip(tracks, chosen(map_cue(tracks_frame(tracks), groups_frame(groups))), strict=True)
    )
    for _ in range(5):
        rng.shuffle(tracks)
        rng.shuffle(groups)
        mapping = map_cue(tracks_frame(tracks), groups_frame(groups))
        assert dict(zip(tracks, chosen(mapping), strict=True)) == expected
