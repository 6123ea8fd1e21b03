"""Parts of one track in the decision: their common name, and people's word on them."""

from typing import Any

import pandas as pd
import pytest

from cue_pipeline.mapping.decision.map_cue import map_cue
from cue_pipeline_tests.mapping.cue_frames import (
    chosen,
    evidence_frame,
    groups_frame,
    states,
    tracks_frame,
)
from cue_pipeline_tests.mapping.test_decision_people import override


def parts_frame(names: list[str], **columns: Any) -> pd.DataFrame:
    n = len(names)
    return tracks_frame(
        names,
        track_index=0,
        port=pd.array([0] * n, dtype="Int64"),
        part_channel=pd.array(range(n), dtype="Int64"),
        all_names=[["Flute Dreams"]] * n,
        **columns,
    )


def programs(*numbers: int | None) -> Any:
    return pd.array(numbers, dtype="Int64")


def test_the_title_of_a_file_names_none_of_its_parts_where_programs_do() -> None:
    mapping = map_cue(
        parts_frame(["Flute Dreams"] * 2, program=programs(48, 60)), groups_frame(["FLT", "Pad"])
    )
    assert [t.instrument_category for t in mapping.tracks] == ["Strings", "Brass"]
    assert not set(states(mapping)) & {"auto", "confirmed"}


def test_a_name_that_parts_share_is_no_proof_by_itself() -> None:
    mapping = map_cue(parts_frame(["Flutes"] * 2), groups_frame(["FLT", "VLN"]))
    assert states(mapping) == ["review"] * 2


def test_parts_that_are_heard_stand_by_themselves() -> None:
    mapping = map_cue(
        parts_frame(["Chase"] * 2, program=programs(48, 73)),
        groups_frame(["VLN", "FLT"]),
        evidence=evidence_frame([[0.98, 0.01], [0.01, 0.98]]),
    )
    assert chosen(mapping) == ["VLN", "FLT"]
    assert states(mapping) == ["auto", "auto"]
    assert [t.track_name for t in mapping.tracks] == ["Chase (ch1)", "Chase (ch2)"]


def test_a_decision_about_a_whole_track_holds_for_its_parts_and_one_about_a_part_wins() -> None:
    rows = [override("#0", "A"), override("#0 ch2", "B"), override("Flute Dreams", None, "Brass")]
    mapping = map_cue(
        parts_frame(["", "", ""]), groups_frame(["A", "B"]), overrides=pd.DataFrame(rows)
    )
    assert chosen(mapping) == ["A", "B", "A"]
    assert {t.instrument_category for t in mapping.tracks} == {"Brass"}


def test_programs_that_contradict_each_other_are_doubt_only_where_nothing_else_tells() -> None:
    doubt = pd.Series(["its notes are played with 4 programs (25, 2, 3, 119)"] * 2, dtype=object)
    heard = evidence_frame([[0.98, 0.01], [0.01, 0.98]])
    names = ["Kontakt 3", "Violins"]
    opaque = map_cue(
        tracks_frame(names, program_doubt=doubt),
        groups_frame(["Audio 1", "Audio 2"]),
        evidence=heard,
    )
    assert states(opaque) == ["review", "auto"]
    assert "4 programs" in opaque.tracks[0].reason
    named = map_cue(
        tracks_frame(names, program_doubt=doubt), groups_frame(["CELLI", "VLN"]), evidence=heard
    )
    assert states(named)[1] == "auto"


def test_a_track_without_notes_is_no_instrument() -> None:
    mapping = map_cue(
        tracks_frame(["Setup", "Violins"], program=programs(48, None), n_notes=[0, 50]),
        groups_frame(["VLN"]),
    )
    first = mapping.tracks[0]
    assert (first.instrument_category, first.state, first.canonical_name) == (
        None,
        "unmatched",
        None,
    )
    assert first.reason == "the track has no notes"


def test_a_stem_that_may_be_none_of_its_own_is_mapped_for_a_person_to_see():
    doubt = "'VLN.1' … 'VLN.6' may be 6 stems, or the 6 channels of one."
    groups = groups_frame(["VLN", "HRN"]).assign(grouping=[{"identity_doubt": doubt}, {}])
    mapping = map_cue(tracks_frame(["Violins", "Horns"]), groups)
    assert states(mapping) == ["review", "auto"]
    assert "may be 6 stems" in mapping.tracks[0].reason


@pytest.mark.parametrize("name", ["Piano", "Violins I", "Double Bass", "Choir"])
def test_a_kit_that_is_named_as_what_no_kit_has_is_mapped_for_a_person_to_see(name):
    tracks = tracks_frame([name, "Horns"], is_drum=[True, False])
    mapping = map_cue(tracks, groups_frame([name, "HRN"]))
    assert states(mapping) == ["review", "auto"]
    assert "its channel or bank that its notes are drums" in mapping.tracks[0].reason


@pytest.mark.parametrize("name", ["Drums", "Taiko", "Bass Drum", "Timpani", "Perc", "Toms"])
def test_a_kit_that_is_named_as_drums_stands(name):
    tracks = tracks_frame([name, "Horns"], is_drum=[True, False])
    assert states(map_cue(tracks, groups_frame([name, "HRN"]))) == ["auto", "auto"]


def test_a_kit_that_may_be_a_melody_is_mapped_for_a_person_to_see():
    doubt = "its notes may be drums by their channel, or a melody that only stands there"
    tracks = tracks_frame(["Drums", "Horns"], is_drum=[True, False], program_doubt=[doubt, None])
    mapping = map_cue(tracks, groups_frame(["DRUMS", "HRN"]))
    assert states(mapping) == ["review", "auto"]
    assert doubt in mapping.tracks[0].reason
