"""What is left of a mix without its stems: known sums, known errors."""

import numpy as np
import pytest

from cue_pipeline.audio.final_mix import find_lag, measure_residual
from cue_pipeline_tests.audio.wave_files import (
    bext_chunk,
    chunk,
    fmt_chunk,
    inventory_of,
    noise,
    write_audio,
    write_wave,
)  # fmt: skip

N = 150_000


def stems(tmp_path, lead=0):
    """Write two stereo stems; return their sum, shape=(N, 2)."""
    total = np.zeros((N, 2))
    for i, name in enumerate(["A", "B"]):
        y = noise(N, 2, seed=i, level=0.05)
        total += y
        for j, c in enumerate("LR"):
            write_audio(tmp_path / f"{name}.{c}.wav", y[:, j], subtype="FLOAT")
    return total


def write_mix(tmp_path, y, labels="LR"):
    for j, c in enumerate(labels):
        write_audio(tmp_path / f"6mx.{c}.wav", y[:, j].astype(np.float32), subtype="FLOAT")


def residual_of(tmp_path):
    inventory = inventory_of(tmp_path)
    return measure_residual(tmp_path, inventory.final_mixes[0], inventory.groups)


def test_stems_that_sum_to_the_mix_leave_nothing(tmp_path):
    write_mix(tmp_path, stems(tmp_path))
    residual = residual_of(tmp_path)
    assert residual.residual_db < -120
    assert residual.details["fitted_gain_db"] == pytest.approx(0.0, abs=0.01)
    assert residual.method == "channel by channel, at unity gain"


@pytest.mark.parametrize("error_db", [-60.0, -40.0, -20.0, -6.0])
def test_an_error_of_a_known_level_is_measured(tmp_path, error_db):
    total = stems(tmp_path)
    rms = np.sqrt((total**2).mean())
    error = np.random.default_rng(9).standard_normal((N, 2)) * rms * 10 ** (error_db / 20)
    write_mix(tmp_path, total + error)
    expected = 10 * np.log10((error**2).sum() / ((total + error) ** 2).sum())
    assert residual_of(tmp_path).residual_db == pytest.approx(expected, abs=0.05)


def test_a_missing_stem_shows(tmp_path):
    write_mix(tmp_path, stems(tmp_path))
    for c in "LR":
        (tmp_path / f"B.{c}.wav").unlink()
    assert residual_of(tmp_path).residual_db == pytest.approx(-3.0, abs=0.1)


def test_a_trimmed_mix_is_told_by_the_gain_that_fits(tmp_path):
    write_mix(tmp_path, stems(tmp_path) * 0.5)
    details = residual_of(tmp_path).details
    assert details["fitted_gain_db"] == pytest.approx(-6.02, abs=0.01)
    assert details["fitted_residual_db"] < -50


@pytest.mark.parametrize("lag", [-4_000, -1, 37, 12_345])
def test_a_mix_that_starts_elsewhere_is_aligned(tmp_path, lag):
    write_mix(tmp_path, np.roll(stems(tmp_path), lag, axis=0))
    residual = residual_of(tmp_path)
    assert residual.details["lag_samples"] == lag
    assert residual.details["alignment"] == "correlation"
    assert residual.residual_db < -9  # what rolled round does not cancel


@pytest.mark.parametrize("lag", [-300, 0, 5, 300])
def test_a_lag_is_found(lag):
    y = noise(60_000)[:, 0]
    assert find_lag(np.roll(y, lag), y, 48_000) == lag


def test_signals_that_have_nothing_in_common_have_no_lag():
    assert find_lag(noise(60_000, seed=1)[:, 0], noise(60_000, seed=2)[:, 0], 48_000) == 0


def test_time_references_align(tmp_path):
    y = (noise(N, level=0.05)[:, 0] * 2**15).astype("<i2")
    for name, reference, data in [("A", 1_000_480, y[480:]), ("6mx", 1_000_000, y)]:
        write_wave(
            tmp_path / f"{name}.wav", bext_chunk(reference), fmt_chunk(),
            chunk(b"data", data.tobytes()),
        )  # fmt: skip
    residual = residual_of(tmp_path)
    assert residual.details["alignment"] == "time reference"
    lost = 10 * np.log10((y[:480].astype(float) ** 2).sum() / (y.astype(float) ** 2).sum())
    assert residual.residual_db == pytest.approx(lost, abs=0.05)


def test_a_mono_stem_is_taken_away_at_its_gain_in_each_channel(tmp_path):
    y = noise(N, level=0.05)[:, 0]
    write_audio(tmp_path / "A.wav", y, subtype="FLOAT")
    write_mix(tmp_path, np.stack([y * 0.7, y * 0.2], axis=1))
    residual = residual_of(tmp_path)
    assert "at the gains that fit best" in residual.method
    expected = {"L": 20 * np.log10(0.7), "R": 20 * np.log10(0.2)}
    assert residual.details["panned"]["A"] == pytest.approx(expected, abs=0.01)
    assert residual.residual_db < -100


@pytest.mark.parametrize("error_db", [None, -60.0, -20.0, -6.0])
def test_panned_mono_stems_beside_stereo_ones_leave_the_error_of_a_known_level(tmp_path, error_db):
    total = stems(tmp_path)
    for i, (left, right) in enumerate([(0.9, 0.1), (0.3, 0.95), (0.7, 0.7)]):
        y = noise(N, seed=20 + i, level=0.05)[:, 0]
        write_audio(tmp_path / f"Mono {'XYZ'[i]}.wav", y, subtype="FLOAT")
        total += np.stack([y * left, y * right], axis=1)
    error = np.zeros((N, 2))
    if error_db is not None:
        rms = np.sqrt((total**2).mean())
        error = np.random.default_rng(9).standard_normal((N, 2)) * rms * 10 ** (error_db / 20)
    write_mix(tmp_path, total + error)
    found = residual_of(tmp_path).residual_db
    if error_db is None:
        assert found < -100
    else:
        expected = 10 * np.log10((error**2).sum() / ((total + error) ** 2).sum())
        assert found == pytest.approx(expected, abs=0.05)


def test_a_panned_stem_that_is_missing_shows(tmp_path):
    x, y = (noise(N, seed=i, level=0.05)[:, 0] for i in (1, 2))
    write_audio(tmp_path / "A.wav", x, subtype="FLOAT")
    write_mix(tmp_path, np.stack([x, x], axis=1) + np.stack([y, y], axis=1))
    assert residual_of(tmp_path).residual_db == pytest.approx(-3.0, abs=0.1)


def test_a_mix_of_a_panned_stem_that_starts_elsewhere_is_aligned(tmp_path):
    y = noise(N, level=0.05)[:, 0]
    write_audio(tmp_path / "A.wav", y, subtype="FLOAT")
    write_mix(tmp_path, np.roll(np.stack([y * 0.7, y * 0.2], axis=1), 37, axis=0))
    residual = residual_of(tmp_path)
    assert residual.details["lag_samples"] == 37
    assert residual.residual_db < -30  # what rolled round does not cancel: 37 of 150,000


def test_channels_of_the_mix_that_no_stem_has_are_listed(tmp_path):
    total = stems(tmp_path)
    write_mix(tmp_path, np.column_stack([total, total[:, 0]]), labels=["L", "R", "LFE"])
    residual = residual_of(tmp_path)
    assert residual.details["unfed"] == ["LFE"]
    assert residual.residual_db < -120


def test_stems_at_another_rate_are_resampled_first(tmp_path):
    t48, t96 = (np.arange(sr) / sr for sr in (48_000, 96_000))
    write_audio(tmp_path / "A.wav", 0.3 * np.sin(2 * np.pi * 440 * t96), 96_000, "FLOAT")
    write_audio(tmp_path / "6mx.wav", 0.3 * np.sin(2 * np.pi * 440 * t48), 48_000, "FLOAT")
    assert residual_of(tmp_path).residual_db < -40


def test_a_cue_without_stems_says_so(tmp_path):
    write_mix(tmp_path, noise(100, 2))
    assert "no stems" in residual_of(tmp_path).method


def test_a_silent_mix_says_so(tmp_path):
    stems(tmp_path)
    write_mix(tmp_path, np.zeros((N, 2)))
    assert "silent" in residual_of(tmp_path).method
