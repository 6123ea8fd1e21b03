"""Rows of kinds of features, of files on disk: what is refused, and what is warned of in them."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile as sf

from cue_pipeline.audio.features.feature_rows import feature_tables
from cue_pipeline.audio.features.kind import FeatureKind, FeatureStream, FrameShape, Grid
from cue_pipeline.audio.features.shipped import load_shipped
from cue_pipeline.errors import AudioFileError
from cue_pipeline_tests.audio.wave_files import inventory_of
from cue_pipeline_tests.cues import tone, write_audio

GRID = Grid(48_000, 512, 2_048)
STEP = 4_800


class Peaks(FeatureStream):
    """The peak of every 100 ms, as far as ``kept`` keeps them."""

    def __init__(self, kept):
        self.held, self.kept = np.zeros(0, np.float32), kept

    def feed(self, block):
        self.held = np.concatenate((self.held, block))
        steps = self.held[: self.held.size // STEP * STEP].reshape(-1, STEP)
        self.held = self.held[steps.size :]
        yield self.kept(np.abs(steps).max(axis=1, keepdims=True))


def peaks(name, kept):
    return FeatureKind(
        name=name, about="", algorithm=1, dtype="float32",
        shape=lambda grid: FrameShape(1, grid.sample_rate, STEP),
        make=lambda *_: Peaks(kept),
    )  # fmt: skip


def rows_of(folder, *kinds):
    """Return name of each kind → rows of its features, or what it failed of."""
    made = feature_tables(
        folder, "key", {"audio_files": inventory_of(folder).groups}, kinds, GRID, threads=1
    )
    found = {}
    for name, tables in made.items():
        try:
            found[name] = tables()["audio_features"]
        except AudioFileError as e:
            found[name] = str(e)
    return found


def test_a_kind_of_too_few_or_too_many_frames_fails_alone(tmp_path):
    write_audio(tmp_path / "PT" / "Audio Files", {"VLN_01": tone(220.0, 3.0)})
    found = rows_of(
        tmp_path,
        peaks("every", lambda frames: frames),
        peaks("few", lambda frames: frames[::2]),
        peaks("many", lambda frames: np.repeat(frames, 2, axis=0)),
        load_shipped("chroma"),
    )
    assert list(found["every"].n_frames) == [30]
    assert "'few' gave 1" in found["few"]
    assert "FrameShape" in found["few"]
    assert "'many' gave 60 frames" in found["many"]
    assert list(found["chroma"].n_frames) == [1 + 3 * 48_000 // 512]


def test_a_kind_that_stumbles_fails_alone_with_its_name_and_for_good(tmp_path):
    write_audio(tmp_path / "PT" / "Audio Files", {"VLN_01": tone(220.0, 3.0)})

    def stumbled(frames):
        raise ValueError("no such frame")

    found = rows_of(tmp_path, peaks("mine", stumbled), load_shipped("chroma"))
    # An error of the program's own is not tried again; a ValueError would be, three times.
    assert "'mine' failed on 'VLN_01': ValueError: no such frame" in found["mine"]
    assert list(found["chroma"].n_frames) == [1 + 3 * 48_000 // 512]


def test_frames_of_nan_are_warned_of_but_of_a_kind_that_says_that_it_has_gaps(tmp_path):
    write_audio(tmp_path / "PT" / "Audio Files", {"VLN_01": tone(220.0, 0.3)})
    nothing = peaks("nothing", lambda frames: frames * np.float32("nan"))
    found = rows_of(
        tmp_path, nothing, replace(nothing, name="gaps", has_gaps=True), load_shipped("loudness")
    )
    ((told,),) = found["nothing"].warnings
    assert told == (
        "'VLN_01': 3 of 3 frames of 'nothing' hold NaN, which it does not say that it has."
    )
    assert list(found["gaps"].warnings) == [[]]
    assert list(found["loudness"].warnings) == [[]]  # of less than 400 ms


def test_samples_beyond_full_scale_are_warned_of_in_the_row(tmp_path):
    folder = tmp_path / "PT" / "Audio Files"
    write_audio(folder, {"VLN_01": tone(220.0)})
    sf.write(folder / "BRS_01.wav", tone(220.0, level=2.0), 48_000, subtype="FLOAT")
    rows = rows_of(tmp_path, load_shipped("wave"))["wave"]
    (told,) = [said for said in rows.warnings if said]
    assert told[0].startswith("'BRS_01': ")
    assert "+6.02 dB" in told[0]


@pytest.mark.parametrize("plain", ["mel", "loudness"])
def test_a_downmix_of_mid_and_side_is_left_and_right(tmp_path, plain):
    left, right = tone(220.0), tone(330.0) / 2
    sides = {"OBOE_01.L": left, "OBOE_01.R": right}
    write_audio(tmp_path / "lr" / "PT" / "Audio Files", sides)
    mid_side = {"OBOE Mid": (left + right) / 2**0.5, "OBOE Side": (left - right) / 2**0.5}
    write_audio(tmp_path / "ms" / "PT" / "Audio Files", mid_side)
    kind = load_shipped(f"downmix.{plain}")
    of_sides, of_mid_side = (rows_of(tmp_path / d, kind)[kind.name] for d in ("lr", "ms"))
    assert list(of_sides.channel) == list(of_mid_side.channel)
    if plain == "mel":
        levels = of_sides.set_index("channel").max_db, of_mid_side.set_index("channel").max_db
        assert np.allclose(*levels, atol=0.01)
    else:
        said = (rows.params[0]["summary"]["integrated_lufs"] for rows in (of_sides, of_mid_side))
        assert np.ptp(list(said)) < 0.01
    assert not any(of_sides.warnings)
    assert all("mid and side" in told for (told,) in of_mid_side.warnings)
    assert "(M + S)/√2" in of_mid_side.params[0]["downmix"]
