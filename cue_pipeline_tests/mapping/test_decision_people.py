"""A person's word in the decision: it wins over names, sound and model."""

import json
from typing import Any

import pandas as pd
from pydantic import SecretStr

from cue_pipeline.cue.identity import row_id
from cue_pipeline.mapping.decision.map_cue import map_cue
from cue_pipeline.mapping.model.chat import ChatModel
from cue_pipeline.mapping.model.server import ModelServer
from cue_pipeline_tests.mapping.chat_server import chat_server, completion
from cue_pipeline_tests.mapping.cue_frames import (
    chosen,
    evidence_frame,
    groups_frame,
    states,
    tracks_frame,
)


def override(track: str, group: str | None = None, category: str | None = None) -> dict[str, Any]:
    return {
        "cue_key": "1m01",
        "track": track,
        "canonical_name": group,
        "instrument_category": category,
        "note": None,
    }


def test_a_persons_word_wins_over_names_sound_and_model() -> None:
    obeys = json.dumps({"tracks": [{"track": 0, "group": 0, "confidence": 1}], "groups": []})
    with chat_server([completion(obeys)]) as server:
        mapping = map_cue(
            tracks_frame(["Viola"]),
            groups_frame(["VLA", "Audio 3"]),
            evidence=evidence_frame([[0.99, 0.01]]),
            overrides=pd.DataFrame([override("Viola", "Audio 3", "Brass")]),
            chat=ChatModel(ModelServer(SecretStr("sk-x"), base_url=server.url)),
        )
    track = mapping.tracks[0]
    assert (track.canonical_name, track.state, track.method) == ("Audio 3", "confirmed", "override")
    assert track.confidence == 1.0
    assert track.instrument_category == "Brass"


def test_an_override_by_index_wins_over_one_by_name_among_namesakes() -> None:
    rows = [override("#1", "B"), override("MIDI", "A")]
    mapping = map_cue(
        tracks_frame(["MIDI"] * 3), groups_frame(["A", "B"]), overrides=pd.DataFrame(rows)
    )
    assert chosen(mapping) == ["A", "B", "A"]


def test_an_override_by_file_and_index_means_that_file_alone() -> None:
    files = [row_id("midi_files", "1m01", path) for path in ("MIDI/a.mid", "MIDI/b.mid")]
    tracks = tracks_frame(["Pad", "Pad"], midi_file_id=files, track_index=[3, 3])
    rows = [override("MIDI/b.mid#3", "B"), override("#3", "A")]
    mapping = map_cue(tracks, groups_frame(["A", "B"]), overrides=pd.DataFrame(rows))
    assert chosen(mapping) == ["A", "B"]


def test_overrides_of_group_and_category_by_different_keys_hold_both() -> None:
    rows = [override("#0", None, "Brass"), override("MIDI", "B")]
    mapping = map_cue(
        tracks_frame(["MIDI"]), groups_frame(["A", "B"]), overrides=pd.DataFrame(rows)
    )
    assert chosen(mapping) == ["B"]
    assert mapping.tracks[0].instrument_category == "Brass"


def test_an_override_can_say_that_a_track_has_no_group() -> None:
    mapping = map_cue(
        tracks_frame(["VLA"]), groups_frame(["VLA"]), overrides=pd.DataFrame([override("VLA", "-")])
    )
    assert (states(mapping), chosen(mapping)) == (["confirmed"], [None])


def test_an_override_of_the_category_alone_leaves_the_group_to_the_rest() -> None:
    mapping = map_cue(
        tracks_frame(["VLA"]),
        groups_frame(["VLA"]),
        overrides=pd.DataFrame([override("VLA", None, "Orch FX")]),
    )
    assert (states(mapping), chosen(mapping)) == (["auto"], ["VLA"])
    assert mapping.tracks[0].instrument_category == "Orch FX"
    assert mapping.tracks[0].category_confidence == 1.0
    assert list(mapping.group_categories.values()) == ["Orch FX"]


def test_an_override_survives_a_renamed_group_with_a_warning() -> None:
    mapping = map_cue(
        tracks_frame(["MIDI 1"]),
        groups_frame(["Audio Viola New", "Timpani"]),
        overrides=pd.DataFrame([override("MIDI 1", "Audio Viola Neu")]),
    )
    assert chosen(mapping) == ["Audio Viola New"]
    assert "Audio Viola Neu" in mapping.summary["warnings"][0]


def test_an_override_of_a_group_that_is_gone_is_warned_of_and_not_guessed() -> None:
    mapping = map_cue(
        tracks_frame(["VLA"]),
        groups_frame(["VLA", "Timpani"]),
        overrides=pd.DataFrame([override("VLA", "Choir Stem"), override("Gone", "VLA")]),
    )
    assert chosen(mapping) == ["VLA"]
    assert len(mapping.summary["warnings"]) == 2
