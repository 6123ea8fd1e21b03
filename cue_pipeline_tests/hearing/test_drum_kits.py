"""Which tracks the ear takes for drum kits: as the tables say, and not by channel 10 alone."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cue_pipeline.hearing import match_evidence
from cue_pipeline.hearing.alignment import Alignment
from cue_pipeline.hearing.scoring import Measures
from cue_pipeline.hearing.standing import ways_to_stand
from cue_pipeline.hearing.stroke_colour import stroke_likeness
from cue_pipeline.hearing.templates import track_notes
from cue_pipeline_tests.hearing.sounding import SR, cue, phrase, together, tone


def notes(channel: int) -> pd.DataFrame:
    return pd.DataFrame(
        {"midi_track_id": 1, "channel": channel, "note": [36, 38], "velocity": 90,
         "start_time": [0.0, 1.0], "duration": 0.1}
    )  # fmt: skip


@pytest.mark.parametrize(
    ("channel", "kits", "is_drum"),
    [
        (9, None, True),
        (0, None, False),
        (10, {1: True}, True),
        (9, {1: False}, False),
        (9, {2: False}, True),
    ],
)
def test_the_tables_word_goes_before_the_channel(channel, kits, is_drum):
    (track,) = track_notes([1], notes(channel), kits)
    assert track.is_drum is is_drum


def struck(starts, sound) -> np.ndarray:
    """A sound, falling to 1/e in 50 ms, at each of some times."""
    t = np.arange(int(0.3 * SR)) / SR
    y = np.zeros(int((max(starts) + 1.0) * SR), np.float32)
    for start in starts:
        at = int(start * SR)
        y[at : at + len(t)] += (0.3 * sound(t) * np.exp(-t / 0.05)).astype(np.float32)
    return y


def test_the_keys_of_a_kit_are_heard_in_the_stems_of_their_drums_and_overhead():
    rng = np.random.default_rng(5)
    kicks, hats = (np.sort(rng.uniform(0.0, 30.0, n)) for n in (40, 60))
    kit = sorted(
        [(float(s), 0.1, 36, 100) for s in kicks] + [(float(s), 0.1, 42, 100) for s in hats]
    )
    others = {name: phrase(seed, low=low) for name, seed, low in (("bass", 3, 40), ("keys", 4, 60))}
    kick = struck(kicks, lambda t: np.sin(2 * np.pi * 70.0 * t))
    hat = struck(hats, lambda t: np.diff(rng.normal(0.0, 0.5, len(t) + 1)))
    stems = {"a": kick, "b": hat, "c": together(kick, hat)}
    stems |= {name: tone(of) for name, of in others.items()}
    rows, score, features, mels = cue({"kit": kit, **others}, stems, drums=["kit"])
    found = match_evidence(rows, score, features, mels.__getitem__).pairs
    of_kit = found[found["midi_track_id"] == 10].set_index("audio_file_id")["kit_notes"]
    part = {stem: {key: strokes for key, strokes, _ in keys} for stem, keys in of_kit.items()}
    assert min(part[20][36], part[21][42], part[22][36], part[22][42]) > 0.5
    assert max(part[20][42], part[21][36], part[23][36], part[23][42]) < 0.2
    assert found[found["midi_track_id"] == 11]["kit_notes"].isna().all()


@pytest.mark.parametrize("recorded", [False, True])
def test_strokes_that_sound_like_the_stems_own_instrument_are_no_drums(recorded):
    """A snare at every third note of a bass: its own noise, or only the bass's notes."""
    bass = phrase(3, low=40)
    strokes = [start for start, *_ in bass[::3]]
    snare = [(start, 0.1, 38, 100) for start in strokes]
    noise = np.random.default_rng(7).normal(0.0, 0.5, SR)
    stem = tone(bass)
    if recorded:
        stem = together(stem, struck(strokes, lambda t: noise[: len(t)]))
    _, score, features, mels = cue({"bass": bass, "snare": snare}, {"stem": stem}, drums=["snare"])
    (way,), _ = ways_to_stand(features, mels.__getitem__)
    here = Alignment(0.0, 1.0, 0.5, [], np.zeros(1), [])
    at_home = np.ones((2, 1), np.bool_)
    likeness = stroke_likeness(track_notes([10, 11], score), at_home, here, way.session)
    assert np.isnan(likeness[0, 0])
    assert (likeness[1, 0] < 0.9) if recorded else (likeness[1, 0] > 0.97)


def test_a_drum_that_sounds_like_the_stems_own_instrument_is_not_surely_heard():
    one, none = np.array([[0.8, 0.1]]), np.array([[np.nan, np.nan]])
    of = Measures(
        onset_part=one, activity_part=one, band_part=one, level_db=np.array([[-10.0, -50.0]]),
        onset_db=np.array([[-10.0, -50.0]]), share=one, r2=np.full(2, 0.5),
        lift=np.full(2, 0.3), is_drum=np.array([True]), likeness=none,
    )  # fmt: skip
    assert of.score()[0, 0] > 0.9
    assert replace(of, likeness=np.array([[0.99, np.nan]])).score()[0, 0] < 0.5
    assert replace(of, likeness=np.array([[0.85, np.nan]])).score()[0, 0] > 0.9
