"""What the pieces of a kit, and parts that share a stem, say of each other."""

import pandas as pd
import pytest

from cue_pipeline.mapping.decision.map_cue import map_cue
from cue_pipeline.mapping.decision.result import CueMapping
from cue_pipeline_tests.mapping.cue_frames import (
    chosen,
    evidence_frame,
    groups_frame,
    states,
    tracks_frame,
)

KIT = ["Kick", "Snare", "Hats", "Crash"]
OPAQUE = ["Audio 1", "Audio 2", "Audio 3"]


def mapped(
    names: list[str],
    scores: list[list[float | None]],
    stems: list[str] = OPAQUE,
    *,
    drums: list[bool] | None = None,
    files: list[int] | None = None,
    overrides: pd.DataFrame | None = None,
) -> CueMapping:
    tracks = tracks_frame(names, is_drum=drums or [True] * len(names))
    return map_cue(
        tracks.assign(midi_file_id=files or 1),
        groups_frame(stems),
        evidence=evidence_frame(scores),
        overrides=overrides,
    )


@pytest.mark.parametrize("crash", [0.02, None])
def test_a_piece_that_is_not_heard_is_shown_where_the_rest_of_its_kit_is(
    crash: float | None,
) -> None:
    scores = [[0.01, 0.98, 0.0], [0.02, 0.97, 0.01], [0.0, 0.3, 0.02], [0.0, crash, 0.0]]
    found = mapped(KIT, scores)
    assert chosen(found) == ["Audio 2"] * 4
    assert states(found)[:2] == ["auto", "auto"]
    assert states(found)[2:] == ["review", "review"]
    assert "the rest of its kit is heard there" in found.tracks[3].reason


def test_a_piece_that_may_be_elsewhere_is_shown_with_its_kit() -> None:
    scores = [[0.4, 0.05, 0.0], [0.02, 0.97, 0.01], [0.0, 0.9, 0.02], [0.0, 0.9, 0.0]]
    assert chosen(mapped(KIT, scores)) == ["Audio 2"] * 4


@pytest.mark.parametrize(
    ("scores", "files"),
    [
        ([[0.9, 0.0, 0.0], [0.0, 0.9, 0.0], [0.0, 0.0, 0.95], [0.02, 0.02, 0.0]], None),
        ([[0.3, 0.0, 0.0], [0.3, 0.0, 0.0], [0.2, 0.0, 0.0], [0.02, 0.02, 0.0]], None),
        ([[0.9, 0.0, 0.0], [0.9, 0.0, 0.0], [0.9, 0.0, 0.0], [0.02, 0.02, 0.0]], [1, 1, 1, 2]),
    ],
    ids=["a split kit", "a kit that is heard nowhere", "another file's kit"],
)
def test_a_piece_whose_kit_does_not_tell_stays_without_a_stem(scores, files) -> None:
    assert chosen(mapped(KIT, scores, files=files))[3] is None


def test_many_pieces_of_which_nothing_is_heard_are_no_kit() -> None:
    names = [f"Perc {i}" for i in range(30)]
    found = mapped(names, [[0.06, 0.01, 0.0]] * 30)
    assert set(chosen(found)) == {None}


def test_a_stem_that_is_called_after_another_piece_takes_none_from_its_kit() -> None:
    scores = [[0.98, 0.0, 0.0], [0.9, 0.02, 0.0], [0.02, 0.03, 0.0]]
    found = mapped(["Kick", "Kick Sub", "Hi-Hat"], scores, ["Kick In", "Vocals", "Audio 3"])
    assert chosen(found)[2] != "Kick In"


def test_a_drum_of_a_kit_that_is_heard_nowhere_else_does_not_stand_by_sound_alone() -> None:
    """A strummed guitar may be struck where a snare is written."""
    scores = [[0.02, 0.0, 0.1], [0.0, 0.99, 0.0], [0.1, 0.02, 0.0], [0.0, 0.0, 0.02]]
    found = mapped(KIT, scores)
    assert states(found)[1] == "review"
    assert "no other piece of its kit is heard anywhere" in found.tracks[1].reason
    heard = [[0.02, 0.0, 0.9], *scores[1:]]
    assert states(mapped(KIT, heard))[1] == "auto"
    assert states(mapped(KIT[:2], scores[:2]))[1] == "auto"  # one other piece may be missing


@pytest.mark.parametrize(("part", "state"), [(0.3, "review"), (0.5, "auto")])
def test_a_part_that_may_only_double_another_does_not_stand_by_sound_alone(
    part: float, state: str
) -> None:
    heard = evidence_frame([[0.99, 0.02], [0.99, 0.02], [0.01, 0.99]])
    rows = heard.assign(activity_score=0.3, pitch_score=[0.6, 0.0, part, 0.0, 0.0, 0.6])
    tracks = tracks_frame(["Bass", "Dist Gtr", "Lead"])
    found = map_cue(tracks, groups_frame(["Audio 1", "Audio 2"]), evidence=rows)
    assert chosen(found) == ["Audio 1", "Audio 1", "Audio 2"]
    assert states(found) == ["auto", state, "auto"]
    if state == "review":
        assert "'Bass' explains more of it" in found.tracks[1].reason
    named = map_cue(tracks, groups_frame(["Bass + Dist Gtr", "Lead"]), evidence=rows)
    assert states(named) == ["auto"] * 3
    drums = map_cue(
        tracks.assign(is_drum=True), groups_frame(["Audio 1", "Audio 2"]), evidence=rows
    )
    assert "explains more" not in drums.tracks[1].reason


@pytest.mark.parametrize(("snare", "state"), [(0.98, "auto"), (0.3, "review")])
def test_a_drum_that_explains_little_stands_where_another_piece_of_its_kit_is_heard(
    snare: float, state: str
) -> None:
    heard = evidence_frame([[0.98, 0.01], [snare, 0.01], [0.0, 0.99]])
    rows = heard.assign(activity_score=[0.1, 0.0, 0.6, 0.0, 0.0, 0.6], pitch_score=None)
    tracks = tracks_frame(["Kick", "Snare", "Shaker"], is_drum=True)
    found = map_cue(tracks, groups_frame(["Audio 1", "Audio 2"]), evidence=rows)
    assert chosen(found)[0] == "Audio 1"
    assert states(found)[0] == state
