"""Parts that sound at other pitches than they are written."""

import pytest

from cue_pipeline.hearing import match_evidence
from cue_pipeline_tests.hearing.sounding import cue, phrase, tone

PARTS = {
    "Flute": phrase(1, low=76, n=70, seconds=28.0),
    "Horn": phrase(2, low=62, n=70, seconds=28.0),
    "Bass": phrase(3, low=36, n=70, seconds=28.0),
}
STEMS = {name: tone(notes) for name, notes in PARTS.items()}


def heard(written, stems=STEMS):
    tracks, notes, features, mels = cue(written, stems)
    return match_evidence(tracks, notes, features, mels.__getitem__)


def moved(notes, semitones):
    return [(start, length, pitch + semitones, v) for start, length, pitch, v in notes]


def test_parts_that_sound_as_written_are_not_doubted():
    found = heard(PARTS)
    assert found.summary["files"][0]["transposed"] == []
    assert found.pairs["clock_doubt"].isna().all()
    assert found.warnings == []


@pytest.mark.parametrize(
    ("semitones", "told"),
    [
        (7, "7 semitones lower"),  # a horn in F, as players read it
        # a clarinet in B flat, and one in E flat
        pytest.param(2, "2 semitones lower", marks=pytest.mark.slow),
        pytest.param(-3, "3 semitones higher", marks=pytest.mark.slow),
    ],
)
def test_a_part_that_is_written_elsewhere_is_doubted_and_how_far_is_told(semitones, told):
    part = "Horn"
    found = heard(PARTS | {part: moved(PARTS[part], semitones)})
    said = f"its notes sound {told} than they are written"
    assert found.summary["files"][0]["transposed"] == [[part, said]]
    assert found.warnings == [f"track {part!r}: {said}"]
    of_track = found.pairs.groupby("midi_track_id")["clock_doubt"].agg(lambda s: set(s.dropna()))
    own = 10 + list(PARTS).index(part)
    assert of_track[own] == {said}
    assert not any(of_track.drop(own))


def test_a_part_an_octave_up_is_told_and_one_that_is_doubled_below_is_not():
    found = heard(PARTS | {"Flute": moved(PARTS["Flute"], 12)})
    said = "its notes sound an octave lower than they are written, or are doubled there"
    assert found.summary["files"][0]["transposed"] == [["Flute", said]]
    below = tone(moved(PARTS["Flute"], -12))
    n = min(len(below), len(STEMS["Flute"]))
    doubled = heard(PARTS, STEMS | {"Flute": STEMS["Flute"][:n] + below[:n]})
    assert doubled.summary["files"][0]["transposed"] == []


@pytest.mark.slow
def test_of_a_bass_and_of_parts_in_one_stem_nothing_is_told():
    low = heard(PARTS | {"Bass": moved(PARTS["Bass"], 7)})
    assert low.summary["files"][0]["transposed"] == []
    together = STEMS["Flute"].copy()
    n = min(len(together), len(STEMS["Horn"]))
    together[:n] += STEMS["Horn"][:n]
    shared = {"Winds": together, "Bass": STEMS["Bass"]}
    found = heard(PARTS | {"Horn": moved(PARTS["Horn"], 7)}, shared)
    assert found.summary["files"][0]["transposed"] == []
