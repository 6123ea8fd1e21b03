"""Loudness against EBU's own test signals, built by their formulas, and against pyloudnorm.

EBU Tech 3341 (2016), table 1, tests 1 to 6, 9, 12, 15 to 19; EBU Tech 3342 (2016), tests 1 to 4.
The numbers in brackets are those of the standard, with its tolerances.
"""

import numpy as np
import pytest
import scipy.signal

from cue_pipeline.audio.features.kind import Grid
from cue_pipeline.audio.features.loudness import KIND, k_weighting

GRID = Grid(48_000, 512, 2_048)
SURROUND = ("L", "R", "C", "Ls", "Rs")


def sine(parts, hz=1_000.0, rate=48_000):
    """A sine whose level changes: (dBFS of its peak, seconds) each."""
    level = np.concatenate([np.full(round(s * rate), 10.0 ** (db / 20.0)) for db, s in parts])
    return (level * np.sin(2 * np.pi * hz * np.arange(level.size) / rate)).astype(np.float32)


def stereo(parts, **given):
    return np.stack([sine(parts, **given)] * 2)


def measured(channels, labels=("L", "R"), block=131_040, grid=GRID):
    stream = KIND.make(grid, labels)
    parts = []
    for first in range(0, channels.shape[1], block):
        parts += list(stream.feed(channels[:, first : first + block]))
    return np.concatenate([*parts, *stream.finish()]), stream.summary()


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([(-23.0, 20.0)], -23.0),
        ([(-33.0, 20.0)], -33.0),
        ([(-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0)], -23.0),
        ([(-72.0, 10.0), (-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0), (-72.0, 10.0)], -23.0),
        ([(-26.0, 20.0), (-20.0, 20.1), (-26.0, 20.0)], -23.0),
    ],
)
def test_integrated_loudness_of_ebu_3341_tests_1_to_5(parts, expected):
    _, summary = measured(stereo(parts))
    assert summary["integrated_lufs"] == pytest.approx(expected, abs=0.1)


def test_integrated_loudness_of_ebu_3341_test_6_weighs_the_surrounds():
    levels = {"L": -28.0, "R": -28.0, "C": -24.0, "Ls": -30.0, "Rs": -30.0}
    channels = np.stack([sine([(levels[label], 20.0)]) for label in SURROUND])
    _, summary = measured(channels, SURROUND)
    assert summary["integrated_lufs"] == pytest.approx(-23.0, abs=0.1)
    with_lfe = np.concatenate([channels, sine([(-6.0, 20.0)])[None]])
    assert measured(with_lfe, (*SURROUND, "LFE"))[1]["integrated_lufs"] == pytest.approx(
        summary["integrated_lufs"], abs=1e-9
    )


def test_momentary_and_short_term_of_a_steady_tone_from_the_first_whole_window_on():
    frames, summary = measured(stereo([(-23.0, 10.0)]))
    assert frames.shape == (100, 2)
    assert np.isnan(frames[:3, 0]).all()
    assert np.isnan(frames[:29, 1]).all()
    assert frames[4:, 0] == pytest.approx(-23.0, abs=0.1)
    assert frames[30:, 1] == pytest.approx(-23.0, abs=0.1)
    assert summary["max_momentary_lufs"] == pytest.approx(-23.0, abs=0.1)


def test_short_term_loudness_of_ebu_3341_test_9_stays():
    frames, _ = measured(stereo([(-20.0, 1.34), (-30.0, 1.66)] * 5))
    assert frames[30:, 1] == pytest.approx(-23.0, abs=0.1)


def test_momentary_loudness_of_ebu_3341_test_12_stays():
    frames, _ = measured(stereo([(-20.0, 0.18), (-30.0, 0.22)] * 25))
    assert frames[10:, 0] == pytest.approx(-23.0, abs=0.1)


@pytest.mark.parametrize(
    ("divisor", "phase", "amplitude", "expected"),
    [
        (4, 0.0, 0.5, -6.0),
        (4, 45.0, 0.5, -6.0),
        (6, 60.0, 0.5, -6.0),
        (8, 67.5, 0.5, -6.0),
        (4, 45.0, 1.41, 3.0),
    ],
)
def test_true_peak_of_ebu_3341_tests_15_to_19(divisor, phase, amplitude, expected):
    n = np.arange(48_000)
    y = amplitude * np.sin(2 * np.pi * n / divisor + np.deg2rad(phase))
    ramp = np.minimum(1.0, np.minimum(n, n[::-1]) / 480.0)
    _, summary = measured(np.stack([y * ramp] * 2).astype(np.float32))
    assert -0.4 <= summary["true_peak_dbtp"] - expected <= 0.2


def test_a_peak_that_is_found_by_looking_only_where_it_can_be_is_the_largest():
    y = np.random.default_rng(5).normal(0, 0.1, (2, 200_000)).astype(np.float32)
    y[:, 70_000:70_100] *= 3.0
    _, summary = measured(y, block=12_345)
    up = scipy.signal.resample_poly(y[:, 60_000:80_000].astype(float), 4, 1, axis=1)
    other = 20 * np.log10(np.abs(up).max())  # another interpolator: close, not the same
    assert summary["true_peak_dbtp"] == pytest.approx(other, abs=0.5)
    assert summary["true_peak_dbtp"] == measured(y, block=200_000)[1]["true_peak_dbtp"]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([(-20.0, 20.0), (-30.0, 20.0)], 10.0),
        ([(-20.0, 20.0), (-15.0, 20.0)], 5.0),
        ([(-40.0, 20.0), (-20.0, 20.0)], 20.0),
        ([(-50.0, 20.0), (-35.0, 20.0), (-20.0, 20.0), (-35.0, 20.0), (-50.0, 20.0)], 15.0),
    ],
)
def test_loudness_range_of_ebu_3342_tests_1_to_4(parts, expected):
    _, summary = measured(stereo(parts))
    assert summary["loudness_range_lu"] == pytest.approx(expected, abs=1.0)


def test_k_weighting_at_48_khz_has_the_coefficients_of_the_standard():
    shelf = [1.53512485958697, -2.69169618940638, 1.19839281085285, 1.0, -1.69065929318241,
             0.73248077421585]  # fmt: skip
    high_pass = [1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621]
    assert k_weighting(48_000) == pytest.approx(np.array([shelf, high_pass]), abs=1e-8)


@pytest.mark.parametrize("rate", [44_100, 96_000])
def test_another_rate_measures_the_same(rate):
    _, summary = measured(stereo([(-23.0, 8.0)], rate=rate), grid=Grid(rate, 512, 2_048))
    assert summary["integrated_lufs"] == pytest.approx(-23.0, abs=0.1)


def test_blocks_of_any_length_give_the_same_frames():
    y = np.random.default_rng(2).normal(0, 0.1, (2, 150_000)).astype(np.float32)
    one, _ = measured(y, block=150_000)
    many, _ = measured(y, block=997)
    assert np.allclose(one, many, rtol=0.0, atol=1e-5, equal_nan=True)


def test_silence_and_what_is_shorter_than_a_window_have_no_loudness():
    for seconds in (10.0, 0.3, 0.0):
        _, summary = measured(np.zeros((2, round(48_000 * seconds)), np.float32)) if seconds else (
            None, KIND.make(GRID, ("L", "R")).summary()
        )  # fmt: skip
        assert summary["integrated_lufs"] is None
        assert summary["loudness_range_lu"] is None
        assert summary["true_peak_dbtp"] is None


def test_integrated_loudness_is_pyloudnorms_by_the_filter_of_the_standard():
    pyloudnorm = pytest.importorskip("pyloudnorm")
    rng = np.random.default_rng(3)
    envelope = np.repeat(10 ** rng.uniform(-3.5, -0.5, 60), 24_000)
    y = (envelope * rng.normal(0, 0.3, (2, envelope.size))).astype(np.float32)
    expected = pyloudnorm.Meter(48_000, filter_class="DeMan").integrated_loudness(
        y.T.astype(np.float64)
    )
    ours = measured(y)[1]["integrated_lufs"]
    assert ours == pytest.approx(expected, abs=1e-4)
    # As docs/features.md says of its default filter, which only comes near the standard's.
    default = pyloudnorm.Meter(48_000).integrated_loudness(y.T.astype(np.float64))
    assert 0.03 < ours - default < 0.045
