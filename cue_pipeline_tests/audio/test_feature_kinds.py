"""Kinds of features against the program whose numbers they promise: librosa, soxr, a standard."""

from dataclasses import replace

import librosa
import numpy as np
import pytest
import soxr

from cue_pipeline.audio.features.downmix import downmix_warnings, downmixed
from cue_pipeline.audio.features.feeding import Feed
from cue_pipeline.audio.features.framing import CentredFrames
from cue_pipeline.audio.features.kind import FeatureKind, FeatureStream, FrameShape, Grid
from cue_pipeline.audio.features.shipped import SHIPPED, load_shipped
from cue_pipeline.audio.layouts import LAYOUTS
from cue_pipeline.audio.mel import log_mel_spectrogram
from cue_pipeline.audio.stereo_gains import GAINS_VERSION, stereo_gains
from cue_pipeline.errors import AudioFileError, SettingsError
from cue_pipeline.settings import MelSettings

OF_NO_MODEL = [n for n in SHIPPED if not n.startswith(("downmix.", "codec", "embedding"))]


def music(seconds=6.0, rate=48_000, seed=0):
    """Struck partials over a little noise, with a silence in it."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(rate * seconds)) / rate
    decay = np.exp(-4.0 * ((2.0 * t) % 1.0))
    partials = [55.0, 110.3, 220.0, 329.6, 880.0, 1_760.0, 3_520.0]
    y = sum(0.1 * decay * np.sin(2 * np.pi * hz * t) for hz in partials)
    y = y + 0.001 * rng.standard_normal(t.size)
    y[rate : rate + rate // 4] = 0.0
    return y.astype(np.float32)


def frames_of(name, y, block=131_040, grid=None, labels=("M",)):
    kind, grid = load_shipped(name), grid or Grid(48_000, 512, 2_048)
    feed = Feed(grid)
    feed.stream(kind, "it", labels)
    parts = []
    for first in range(0, y.shape[-1], block):
        feed.take({"it": y[..., first : first + block]})
        parts += [part.copy() for part in feed.frames(kind, "it")]
    feed.end()
    columns = kind.shape(grid).n_columns
    return np.concatenate([np.empty((0, columns), kind.dtype), *parts, *feed.frames(kind, "it")])


@pytest.mark.parametrize("rate", [48_000, 22_050])
def test_cqt_is_librosas(rate):
    y = music(rate=rate)
    ours = frames_of("cqt", y, grid=Grid(rate, 512, 2_048))
    magnitudes = np.abs(librosa.cqt(y, sr=rate, hop_length=512)).T
    theirs = librosa.amplitude_to_db(magnitudes, ref=1.0, amin=1e-5, top_db=None)
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs)[theirs > -60.0].max() < 0.01
    assert np.abs(10.0 ** (ours / 20.0) - np.maximum(magnitudes, 1e-5)).max() < 2e-5


@pytest.mark.parametrize("hz", [40.0, 1_000.0])
def test_cqt_beside_a_tone_of_full_scale_is_librosas_to_a_few_hundredths_of_a_decibel(hz):
    t = np.arange(96_000) / 48_000
    tone = np.sin(2 * np.pi * hz * t) + 0.001 * np.random.default_rng(1).standard_normal(t.size)
    y = (tone / np.abs(tone).max()).astype(np.float32)
    magnitudes = np.abs(librosa.cqt(y, sr=48_000, hop_length=512)).T
    theirs = librosa.amplitude_to_db(magnitudes, ref=1.0, amin=1e-5, top_db=None)
    assert theirs.max() > 20.0
    assert np.abs(frames_of("cqt", y) - theirs)[theirs > -60.0].max() < 0.03


def test_a_sine_on_a_key_is_loudest_in_its_semitone():
    t = np.arange(96_000) / 48_000
    for semitone in (9, 33, 57, 80):
        hz = librosa.note_to_hz("C1") * 2.0 ** (semitone / 12)
        y = (0.5 * np.sin(2 * np.pi * hz * t)).astype(np.float32)
        assert frames_of("cqt", y)[90].argmax() == semitone


def test_chroma_is_librosas():
    y = music()
    theirs = librosa.feature.chroma_stft(y=y, sr=48_000, n_fft=2_048, hop_length=512, tuning=0.0)
    assert np.abs(frames_of("chroma", y) - theirs.T).max() < 1e-5


def test_onset_strength_and_tempogram_are_librosas():
    y = music()
    envelope = librosa.onset.onset_strength(y=y, sr=48_000, n_fft=2_048, hop_length=512)
    assert np.abs(frames_of("onset_strength", y)[:, 0] - envelope).max() < 1e-3
    theirs = librosa.feature.tempogram(onset_envelope=envelope, sr=48_000, hop_length=512)
    assert np.abs(frames_of("tempogram", y) - theirs.T).max() < 1e-4


@pytest.mark.parametrize("seconds", [0.001, 0.02, 0.5])
def test_what_is_shorter_than_a_frame_has_the_frames_that_librosa_gives_it(seconds):
    y = music(6.0)[: round(48_000 * seconds)]
    n_frames = 1 + y.size // 512
    for name in ("chroma", "onset_strength", "tempogram", "cqt"):
        found = frames_of(name, y)
        assert len(found) == n_frames, name
        assert np.isfinite(found).all()


def test_wave_is_what_soxr_gives_in_sixteen_bits():
    y = music()
    ours = frames_of("wave", y)
    theirs = soxr.resample(y, 48_000, 16_000, quality=soxr.HQ)
    assert ours.dtype == np.int16
    assert ours.shape == (theirs.size, 1)
    assert np.abs(ours[:, 0] / 32_768.0 - theirs).max() <= 0.6 / 32_768.0


def test_wave_counts_what_it_clips():
    stream = load_shipped("wave").make(Grid(48_000, 512, 2_048, wave_rate=48_000), ("M",))
    (frames,) = stream.feed(np.array([0.5, 1.5, -1.5, 1.0, -1.0], np.float32))
    assert frames[:, 0].tolist() == [16_384, 32_767, -32_768, 32_767, -32_768]
    assert stream.summary() == {"clipped_samples": 3}


def test_wave_warns_of_what_is_clipped_and_not_of_full_scale():
    def said(*samples):
        stream = load_shipped("wave").make(Grid(48_000, 512, 2_048, wave_rate=48_000), ("M",))
        list(stream.feed(np.array(samples, np.float32)))
        return stream.warnings()

    assert said(0.5, 1.0, -1.0) == ()  # a file of 24 bits may reach it
    (told,) = said(0.5, 2.0, -1.5)
    assert told.startswith("2 samples")
    assert "+6.02 dB" in told


@pytest.mark.parametrize("rate", [48_000, 44_100])
@pytest.mark.parametrize("seconds", [0.001, 0.45, 2.0])
@pytest.mark.parametrize("name", OF_NO_MODEL)
def test_every_kind_has_as_many_frames_as_its_shape_says(name, seconds, rate):
    kind, grid = load_shipped(name), Grid(rate, 512, 2_048)
    y = music(2.0, rate)[: round(rate * seconds)]
    found = frames_of(name, y[None] if kind.hears_channels else y, grid=grid)
    kind.shape(grid).refuse_frames(name, len(found), y.size, rate)


@pytest.mark.parametrize(
    ("shape", "n_frames", "fits"),
    [
        (FrameShape(1, 48_000, 512), 94, True),  # 1 + 48,000 // 512
        (FrameShape(1, 48_000, 512), 93, True),  # whole steps alone
        (FrameShape(1, 48_000, 512), 92, False),
        (FrameShape(1, 48_000, 512), 96, False),
        (FrameShape(1, 48_000, 512, tail=2_048), 90, True),  # 1 + (48,000 - 2,048) // 512
        (FrameShape(1, 48_000, 512, tail=2_048), 88, False),
        (FrameShape(1, 16_000, 1), 16_001, True),
        (FrameShape(1, 16_000, 1), 15_900, False),
        (FrameShape(1, 48_000, 4_800, first_frame_at=4_800), 10, True),
        (FrameShape(1, 48_000, 4_800, first_frame_at=4_800), 5, False),
    ],
)
def test_frames_that_cannot_stand_where_their_shape_says_are_refused(shape, n_frames, fits):
    if fits:
        shape.refuse_frames("mine", n_frames, 48_000, 48_000)
        return
    with pytest.raises(AudioFileError, match=f"'mine' gave {n_frames:,} frames"):
        shape.refuse_frames("mine", n_frames, 48_000, 48_000)


def test_composed_mel_is_the_mel_of_the_pipeline():
    y = music()
    ours = frames_of("downmix.mel", y)
    assert np.array_equal(ours, log_mel_spectrogram(y, MelSettings()))


@pytest.mark.parametrize("name", OF_NO_MODEL)
def test_frames_do_not_depend_on_where_blocks_end(name):
    y = music(3.0)
    y = np.stack([y, y[::-1]]) if load_shipped(name).hears_channels else y
    labels = ("L", "R")
    whole, parts = (
        frames_of(name, y, y.shape[-1], labels=labels),
        frames_of(name, y, 4_801, labels=labels),
    )
    # One matrix product of many rows rounds otherwise than several of few: near the floor of the
    # CQT, 100 dB below the loudest, that is some thousandths of a dB.
    assert np.allclose(whole, parts, atol=0.01 if name == "cqt" else 1e-4, equal_nan=True)


@pytest.mark.parametrize("name", OF_NO_MODEL)
def test_compiled_kernels_give_the_same_frames(name):
    kind, grid = load_shipped(name), Grid(48_000, 512, 2_048)
    y = music(3.0)
    y = np.stack([y, y[::-1]]) if kind.hears_channels else y
    plain, compiled = (
        frames_of(name, y, 40_000, grid=of, labels=("L", "R"))
        for of in (grid, replace(grid, compiled=True))
    )
    assert np.allclose(plain, compiled, atol=1e-4, equal_nan=True)


@pytest.mark.parametrize("labels", [("M",), ("L", "R"), ("L", "C", "R")])
def test_compiled_kernels_find_the_same_loudness_and_true_peak(labels):
    rng = np.random.default_rng(0)
    y = np.stack([music(2.0), *(0.1 * rng.standard_normal((2, 96_000)))]).astype(np.float32)
    y = y[: len(labels)]
    found = []
    for compiled in (False, True):
        stream = load_shipped("loudness").make(Grid(48_000, 512, 2_048, compiled=compiled), labels)
        for first in range(0, 96_000, 7):  # fewer samples than the interpolator has taps
            list(stream.feed(y[:, first : first + 7]))
            if first > 2_000:
                break
        list(stream.feed(y[:, first + 7 :]))
        found.append(dict(stream.summary()))
    weights = [of.pop("weights") for of in found]
    assert weights[0] == weights[1]
    assert found[0] == pytest.approx(found[1], abs=1e-5)


class Counted(FeatureStream):
    """Peaks of blocks, which counts how often it is fed."""

    def __init__(self, fails_at):
        self.fed, self.fails_at = 0, fails_at

    def feed(self, block):
        self.fed += 1
        if self.fed == self.fails_at:
            raise ValueError("no more")
        yield np.full((1, 1), block.max(), np.float32)

    def finish(self):
        yield np.full((1, 1), -1.0, np.float32)


class Doubled(FeatureStream):
    def feed(self, block):
        yield 2.0 * block


def upstream_and_two(fails_at=None):
    """Return the one stream of a kind, and that kind with two that hear it."""
    counted = Counted(fails_at)
    of = {"about": "", "algorithm": 1, "shape": lambda grid: FrameShape(1, grid.sample_rate, 512)}
    heard = FeatureKind(name="heard", make=lambda *_: counted, **of)
    ends = [
        FeatureKind(name=name, make=lambda *_: Doubled(), upstream=heard, **of) for name in "ab"
    ]
    return counted, heard, ends


def test_a_kind_that_others_hear_is_made_once_and_its_end_reaches_them():
    counted, heard, ends = upstream_and_two()
    feed = Feed(Grid(48_000, 512, 2_048))
    for kind in (*ends, heard):
        feed.stream(kind, "it", ("M",))
    found = {kind.name: [] for kind in (*ends, heard)}
    for block in (np.ones(10, np.float32), np.full(10, 3.0, np.float32)):
        feed.take({"it": block})
        for kind in (*ends, heard):
            found[kind.name] += [float(part[0, 0]) for part in feed.frames(kind, "it")]
    feed.end()
    for kind in (*ends, heard):
        found[kind.name] += [float(part[0, 0]) for part in feed.frames(kind, "it")]
    assert found == {"a": [2.0, 6.0, -2.0], "b": [2.0, 6.0, -2.0], "heard": [1.0, 3.0, -1.0]}
    assert counted.fed == 2


def test_kinds_fail_of_what_the_kind_that_they_hear_failed_of():
    counted, _, ends = upstream_and_two(fails_at=1)
    feed = Feed(Grid(48_000, 512, 2_048))
    for kind in ends:
        feed.stream(kind, "it", ("M",))
    feed.take({"it": np.ones(10, np.float32)})
    for kind in ends:
        with pytest.raises(ValueError, match="no more"):
            list(feed.frames(kind, "it"))
    assert counted.fed == 1  # a stream that broke is not fed on


@pytest.mark.parametrize(("n_fft", "hop"), [(2_048, 512), (256, 1_000), (512, 512)])
def test_centred_frames_are_librosas_frames_of_the_padded_signal(n_fft, hop):
    y = music(0.5)
    frames = CentredFrames(n_fft, hop)
    parts = []
    for first in range(0, y.size, 777):
        parts += [part.copy() for part in frames.feed(y[first : first + 777])]
    parts += [part.copy() for part in frames.finish()]
    padded = np.pad(y, n_fft // 2)
    assert np.array_equal(
        np.concatenate(parts), librosa.util.frame(padded, frame_length=n_fft, hop_length=hop).T
    )


def test_the_downmix_of_five_channels_has_the_gains_of_bs_775():
    labels = ("L", "C", "R", "Ls", "Rs", "LFE")
    expected = [[1, 0.7071, 0, 0.7071, 0, 0], [0, 0.7071, 1, 0, 0.7071, 0]]
    assert np.allclose(stereo_gains(labels), expected, atol=1e-4)
    assert downmix_warnings(labels) == []


def test_every_layout_has_a_downmix_and_a_stranger_is_left_out_and_told():
    for labels in LAYOUTS.values():
        assert downmix_warnings(labels) == []
    (told,) = downmix_warnings(("L", "X7"))
    assert "channel X7 has no place" in told


def test_mid_and_side_are_turned_into_left_and_right_and_it_is_told():
    left, right = music(1.0), music(1.0, seed=1)[::-1]
    mid_side = np.stack([left + right, left - right]) / np.sqrt(2.0)
    assert np.allclose(stereo_gains(("Mid", "Side")) @ mid_side, [left, right], atol=1e-6)
    (told,) = downmix_warnings(("Mid", "Side"))
    assert "mid and side" in told
    assert np.array_equal(stereo_gains(("Lt", "Rt")), np.eye(2))


@pytest.mark.parametrize("labels", [("LFE",), ("W", "X", "Y", "Z"), ("1", "2")])
def test_a_downmix_of_which_nothing_is_left_is_told_to_be_silent(labels):
    assert downmix_warnings(labels)[-1].endswith("it is silent.")


@pytest.mark.parametrize("grid", [Grid(48_000, 500, 2_048), Grid(8_000, 512, 2_048)])
def test_a_grid_that_the_cqt_cannot_have_is_refused_with_the_cure(grid):
    with pytest.raises(SettingsError, match="CUE_"):
        load_shipped("cqt").shape(grid)


def test_other_gains_make_what_hears_the_downmix_stale_and_nothing_else(monkeypatch):
    kind = load_shipped("tempogram")
    before = downmixed(kind)
    monkeypatch.setattr("cue_pipeline.audio.features.downmix.GAINS_VERSION", GAINS_VERSION + 1)
    assert downmixed(kind).algorithm == before.algorithm + 1
    assert downmixed(kind).upstream.algorithm == before.upstream.algorithm + 1
    assert load_shipped("tempogram").algorithm == kind.algorithm
