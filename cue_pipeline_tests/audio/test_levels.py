"""Facts of a stem: what physics says of signals that we made."""

import numpy as np
import pytest

from cue_pipeline.audio.levels import GroupLevels
from cue_pipeline.audio.profiles import mel_profiles
from cue_pipeline.audio.sound_rows import mel_feature_tables
from cue_pipeline.settings import MelSettings
from cue_pipeline_tests.audio.wave_files import cue_folder, inventory_of, noise, write_audio

SR = 48_000


def sine(seconds: float = 2.0, level: float = 0.5, hz: float = 997.0) -> np.ndarray:
    return (level * np.sin(2 * np.pi * hz * np.arange(int(SR * seconds)) / SR)).astype(np.float32)


def levels_of(tmp_path, **signals):
    for name, y in signals.items():
        write_audio(tmp_path / f"{name.replace('_', '.')}.wav", y, subtype="FLOAT")
    mels = mel_profiles([], MelSettings())
    tables = mel_feature_tables(cue_folder(tmp_path), inventory_of(tmp_path), mels, threads=2)
    return tables["audio_files"]


def test_a_sine_of_half_scale_has_its_peak_and_rms(tmp_path):
    files = levels_of(tmp_path, V=sine())
    assert files.peak_dbfs[0] == pytest.approx(20 * np.log10(0.5), abs=0.01)
    assert files.rms_dbfs[0] == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=0.01)


def test_the_rms_of_a_group_is_its_composites_and_the_peak_the_highest_of_any_channel(tmp_path):
    files = levels_of(tmp_path, V_L=sine(), V_R=-sine())
    assert files.peak_dbfs[0] == pytest.approx(-6.02, abs=0.01)
    assert np.isnan(files.rms_dbfs[0])


def test_silence_is_told_from_and_to(tmp_path):
    y = np.concatenate([np.zeros(SR), sine(2.0), np.zeros(3 * SR), sine(1.0), np.zeros(SR // 2)])
    files = levels_of(tmp_path, V=y)
    assert files.levels[0]["silence_seconds"] == [[0.0, 1.0], [3.0, 6.0]]


def test_silence_to_the_end_ends_at_the_end(tmp_path):
    files = levels_of(tmp_path, V=np.concatenate([sine(1.0), np.zeros(70_003)]))
    ((start, end),) = files.levels[0]["silence_seconds"]
    assert (start, end) == (1.0, pytest.approx(1.0 + 70_003 / SR, abs=1e-3))


def test_a_silent_stem_has_no_level_and_says_so(tmp_path):
    files = levels_of(tmp_path, V=np.zeros(SR))
    assert np.isnan(files.peak_dbfs[0])
    assert files.levels[0]["silent"] is True
    assert "silent throughout" in files.levels[0]["warnings"][0]


def test_dc_offset_is_the_mean(tmp_path):
    files = levels_of(tmp_path, V=sine() + np.float32(0.01))
    assert files.levels[0]["channels"][0]["dc_offset"] == pytest.approx(0.01, abs=1e-5)
    assert "DC offset of +0.0100" in files.levels[0]["warnings"][0]


def test_what_a_person_should_look_at_is_no_damage_of_the_feature(tmp_path):
    write_audio(tmp_path / "V.wav", np.ones(SR), subtype="FLOAT")
    mels = mel_profiles([], MelSettings())
    tables = mel_feature_tables(cue_folder(tmp_path), inventory_of(tmp_path), mels)
    assert tables["audio_features"].warnings[0] == []
    assert len(tables["audio_files"].levels[0]["warnings"]) == 2


def test_clipped_samples_are_counted_on_both_sides(tmp_path):
    y = sine()
    y[100:105], y[5_000:5_003] = 1.0, -1.2
    files = levels_of(tmp_path, V=y)
    assert files.levels[0]["channels"][0]["clipped_samples"] == 8


@pytest.mark.parametrize(("mix", "expected"), [(0.0, 0.0), (0.5, 0.5**0.5), (1.0, 1.0)])
def test_correlation_is_pearsons(tmp_path, mix, expected):
    a, b = noise(SR * 4, seed=1)[:, 0], noise(SR * 4, seed=2)[:, 0]
    right = np.sqrt(mix) * a + np.sqrt(1 - mix) * b
    files = levels_of(tmp_path, V_L=a, V_R=right)
    got = files.levels[0]["correlation"]
    assert got == pytest.approx(np.corrcoef(a, right)[0, 1], abs=1e-3)
    assert got == pytest.approx(expected, abs=0.02)


def test_one_signal_on_two_channels_is_told(tmp_path):
    files = levels_of(tmp_path, V_L=sine(), V_R=sine())
    assert "L and R are the same signal" in files.levels[0]["warnings"][0]


def test_opposite_polarity_is_told(tmp_path):
    files = levels_of(tmp_path, V_L=sine(), V_R=-sine())
    assert "opposite rather than alike" in files.levels[0]["warnings"][0]


def test_a_spaced_pair_with_one_side_inverted_is_told(tmp_path):
    rng = np.random.default_rng(4)
    common, a, b = rng.normal(0.0, 0.1, (3, 48_000))
    pair = common + 0.5 * a, common + 0.5 * b  # correlation 1 / 1.25 = 0.8
    files = levels_of(
        tmp_path, **{"A.L": pair[0], "A.R": pair[1], "B.L": 0.9 * pair[0], "B.R": -pair[1]}
    )
    sound, inverted = files.levels
    assert sound["warnings"] == []
    assert "Check the polarity" in inverted["warnings"][0]


@pytest.mark.parametrize("silent", ["L", "R"])
def test_a_side_that_is_silent_where_the_other_sounds_is_told(tmp_path, silent):
    y, other = np.random.default_rng(6).normal(0.0, 0.1, (2, 48_000))
    sides = {"A.L": y, "A.R": other, f"A.{silent}": 0 * y}
    files = levels_of(tmp_path, **sides, **{"B.L": 2 * y, "B.C": 0 * y, "B.R": 0.3 * other})
    warnings = [row["warnings"] for row in files.levels]
    assert f"{silent} is silent throughout" in warnings[0][0]
    assert warnings[1] == []


def test_a_file_that_is_a_channel_of_two_stems_is_told(tmp_path):
    a, b, c = np.random.default_rng(5).normal(0.0, 0.1, (3, 48_000))
    files = levels_of(
        tmp_path,
        **{"A.L": a, "A.R": b, "B.L": c, "B.R": b, "C.L": a, "C.R": c},
        **{"Copy.L": a, "Copy.R": b, "Wide.L": a, "Wide.R": b, "Wide.C": 0.4 * b + a},
    )
    of = dict(
        zip(("A", "B", "C", "Copy", "Wide"), (x["warnings"] for x in files.levels), strict=True)
    )
    assert any("channel R ('B.R.wav'), holds" in w and "of 'A'" in w for w in of["B"])
    assert any("channel R" in w and "of 'B'" in w for w in of["A"])
    # The same audio is told as such, and a smaller print of a stem is no fault.
    assert not any("'Copy'" in w and "wrong name" in w for w in (*of["A"], *of["Wide"]))


def test_the_same_audio_under_two_names_is_told_even_in_another_format(tmp_path):
    # Integers: libsndfile scales floats by 2**23 for WAV and by 2**23 - 1 for FLAC.
    y = (noise(SR, level=0.05) * 2**23).astype(np.int32) << 8
    write_audio(tmp_path / "A.wav", y)
    write_audio(tmp_path / "B.flac", y)
    write_audio(tmp_path / "C.wav", noise(SR, seed=9, level=0.05))
    files = levels_of(tmp_path)
    assert [row["duplicate_of"] for row in files.levels] == [["B"], ["A"], []]
    assert "same audio as 'B'" in files.levels[0]["warnings"][0]


def test_two_silent_stems_are_no_duplicates(tmp_path):
    files = levels_of(tmp_path, A=np.zeros(SR), B=np.zeros(SR))
    assert [row["duplicate_of"] for row in files.levels] == [[], []]


def test_one_differing_sample_makes_another_signal(tmp_path):
    y = noise(SR)[:, 0]
    other = y.copy()
    other[30_000] += 0.01
    files = levels_of(tmp_path, A=y, B=other)
    assert [row["duplicate_of"] for row in files.levels] == [[], []]


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("block", [480, 4_800, 480_000])
def test_levels_do_not_depend_on_the_blocks(block, compiled):
    x = np.stack([noise(100_000, seed=i)[:, 0] for i in range(2)])
    x[:, 20_000:90_000] = 0

    def fed(size, *, compiled):
        levels = GroupLevels(["L", "R"], SR, compiled=compiled)
        for at in range(0, x.shape[1], size):
            part = np.ascontiguousarray(x[:, at : at + size])
            levels.feed(part, np.empty(part.shape[1], np.float32))
        return levels

    whole, parts = fed(480 * 10_000, compiled=False), fed(block, compiled=compiled)
    assert parts.as_json() == whole.as_json()
    assert parts.rms == pytest.approx(whole.rms, rel=1e-5)


def test_samples_that_no_mix_reaches_are_doubted(tmp_path):
    write_audio(tmp_path / "A.wav", noise(4_800, level=0.01) * 3_000, subtype="FLOAT")
    write_audio(tmp_path / "B.wav", noise(4_800, level=0.01) * 300, subtype="FLOAT")
    mels = mel_profiles([], MelSettings())
    tables = mel_feature_tables(cue_folder(tmp_path), inventory_of(tmp_path), mels, threads=1)
    by_name = dict(zip("AB", tables["audio_files"].levels, strict=True))
    assert any("which no mix does" in w for w in by_name["A"]["warnings"])
    assert not any("which no mix does" in w for w in by_name["B"]["warnings"])
