"""The chat model's word in the decision: it helps, and never stands alone."""

import json

from pydantic import SecretStr

from cue_pipeline.mapping.decision.map_cue import map_cue
from cue_pipeline.mapping.decision.summary import asked
from cue_pipeline.mapping.model.chat import ChatModel
from cue_pipeline.mapping.model.exchange import ModelAnswer
from cue_pipeline.mapping.model.server import ModelServer
from cue_pipeline_tests.mapping.chat_server import chat_server, completion
from cue_pipeline_tests.mapping.cue_frames import (
    chosen,
    evidence_frame,
    groups_frame,
    states,
    tracks_frame,
)


def test_model_names_and_sound_that_agree_need_no_person() -> None:
    agreed = json.dumps(
        {"tracks": [{"track": 0, "group": 1, "category": "Strings", "confidence": 0.9}]}
    )
    with chat_server([completion(agreed)]) as server:
        mapping = map_cue(
            tracks_frame(["Alti"]),
            groups_frame(["Audio 1", "VLA"]),
            chat=ChatModel(ModelServer(SecretStr("sk-x"), base_url=server.url)),
            evidence=evidence_frame([[0.1, 0.9]]),
        )
    track = mapping.tracks[0]
    assert (track.state, track.method, track.canonical_name) == ("auto", "llm", "VLA")
    assert track.prompt_sha256 == mapping.calls[0]["prompt_sha256"]
    assert mapping.summary["model"] == "gpt-3.5-turbo"


def test_beside_a_cost_it_is_said_that_prices_are_a_dated_table_and_none_is_guessed() -> None:
    answer = ModelAnswer("gpt-4o-mini", cost_usd=0.01)
    assert "estimate by a table of prices of 20" in asked(answer)
    assert "may be out of date or wrong" in asked(answer)
    answer.cost_usd = None
    assert "not known" in asked(answer)
    with chat_server([completion('{"tracks": [], "groups": []}')] * 2) as server:
        summary = map_cue(
            tracks_frame(["VLA"]),
            groups_frame(["VLA"]),
            chat=ChatModel(ModelServer(SecretStr("sk-x"), base_url=server.url)),
        ).summary
    assert summary["cost_usd"] is None
    assert "not known" in summary["note"]


def test_what_only_the_model_says_goes_to_a_person() -> None:
    said = json.dumps({"tracks": [{"track": 0, "group": 0, "confidence": 1}]})
    with chat_server([completion(said)]) as server:
        mapping = map_cue(
            tracks_frame(["MIDI 1"]),
            groups_frame(["Audio 1"]),
            chat=ChatModel(ModelServer(SecretStr("sk-x"), base_url=server.url)),
        )
    assert (states(mapping), chosen(mapping)) == (["review"], ["Audio 1"])
    assert "only the model" in mapping.tracks[0].reason


def test_a_model_alone_never_stands_without_a_person_against_clear_names() -> None:
    swapped = json.dumps(
        {"tracks": [{"track": t, "group": 1 - t, "confidence": 1} for t in range(2)]}
    )
    with chat_server([completion(swapped)]) as server:
        mapping = map_cue(
            tracks_frame(["Violas", "Celli"]),
            groups_frame(["VLA", "VC"]),
            chat=ChatModel(ModelServer(SecretStr("sk-x"), base_url=server.url)),
        )
    assert "auto" not in states(mapping)
