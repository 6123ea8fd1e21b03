"""Rows of the audio tables: SCHEMA's columns, chunks that add up, memory that stays flat."""

import tracemalloc

import librosa
import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from cue_pipeline.audio.mel_filters import mel_remarks
from cue_pipeline.audio.profiles import mel_profiles
from cue_pipeline.audio.sound_rows import channel_group_tables, final_mix_tables, mel_feature_tables
from cue_pipeline.audio.spool import CHUNK_BYTES
from cue_pipeline.cue.identity import row_id
from cue_pipeline.errors import SettingsError
from cue_pipeline.settings import MelSettings
from cue_pipeline_tests.audio.wave_files import cue_folder, inventory_of, noise, write_audio

KEY = "Reel 1/1m02"
MELS = mel_profiles(["librosa", "mt3"], MelSettings())


@pytest.fixture
def cue(tmp_path):
    for i, name in enumerate(["1m02 VLN_01", "1m02 HP_01"]):
        for j, c in enumerate("LR"):
            write_audio(tmp_path / "PT" / f"{name}.{c}.wav", noise(96_000, seed=2 * i + j))
    for j, c in enumerate(["L", "C", "R", "Ls", "Rs", "lfe"]):
        write_audio(tmp_path / "PT" / f"1m02 6mx.{c}.wav", noise(96_000, seed=40 + j))
    return tmp_path


def read_back(header: pd.Series, chunks: pd.DataFrame, id_column: str) -> np.ndarray:
    mine = chunks[chunks[id_column] == header.id].sort_values("chunk_index")
    return np.frombuffer(b"".join(mine.data), header.params["dtype"]).reshape(-1, header.n_mels)


def rows_of(batches) -> pd.DataFrame:
    """Put batches of columns together."""
    return pd.concat(map(pd.DataFrame, batches), ignore_index=True)


def test_groups_have_exactly_the_columns_that_the_asset_owns(cue):
    (table,) = channel_group_tables(KEY, inventory_of(cue)).values()
    assert list(table.columns) == [
        "id", "cue_id", "file_path", "canonical_name", "layout", "channels", "sample_rate",
        "frames", "duration_seconds", "time_reference", "start_offset_seconds", "grouping",
        "warnings",
    ]  # fmt: skip
    assert table.canonical_name.tolist() == ["1m02 HP_01", "1m02 VLN_01"]
    assert table.file_path[0] == "PT/1m02 HP_01.L.wav"
    assert table.id[0] == row_id("audio_files", KEY, "1m02 HP_01")
    assert table.channels[0][1] == {
        "label": "R", "file": "PT/1m02 HP_01.R.wav", "channel_index": 0, "frames": 96_000,
        "sample_rate": 48_000, "subtype": "PCM_24", "time_reference": None,
    }  # fmt: skip
    assert table.dtypes["time_reference"] == "Int64"


def test_a_stored_mel_is_librosas_of_the_mean_of_the_channels(cue):
    tables = mel_feature_tables(cue_folder(cue), inventory_of(cue), MELS, threads=2)
    chunks = rows_of(tables["audio_feature_chunks"])
    features = tables["audio_features"]
    assert features.profile.tolist() == ["default", "librosa", "mt3"] * 2
    header = features.iloc[0]
    stereo = [librosa.load(cue / f"PT/1m02 HP_01.{c}.wav", sr=None)[0] for c in "LR"]
    power = librosa.feature.melspectrogram(y=np.mean(stereo, axis=0), sr=48_000, n_mels=64)
    expected = librosa.power_to_db(power, ref=1.0, top_db=None).T
    got = read_back(header, chunks, "audio_feature_id")
    np.testing.assert_array_less(np.abs(got - expected), 0.02)  # float16's own rounding
    assert header.max_db == pytest.approx(expected.max(), abs=1e-3)
    assert (header.n_frames, header.n_mels, header["dtype"]) == (188, 64, "float16")


def test_a_profile_at_another_rate_is_librosas_of_the_resampled_audio(cue):
    tables = mel_feature_tables(cue_folder(cue), inventory_of(cue), MELS, threads=1)
    chunks = rows_of(tables["audio_feature_chunks"])
    header = tables["audio_features"].iloc[1]
    stereo = [librosa.load(cue / f"PT/1m02 HP_01.{c}.wav")[0] for c in "LR"]
    power = librosa.feature.melspectrogram(y=np.mean(stereo, axis=0))
    expected = librosa.power_to_db(power, ref=1.0, top_db=None).T
    got = read_back(header, chunks, "audio_feature_id")
    assert got.shape == expected.shape
    np.testing.assert_array_less(np.abs(got - expected), 0.02)
    assert header.params["resampler"] == "soxr_hq"
    assert header.params["source_sample_rates"] == [48_000]


def test_every_parameter_of_a_mel_is_in_its_header(cue):
    tables = mel_feature_tables(cue_folder(cue), inventory_of(cue), MELS, threads=1)
    assert set(tables["audio_features"].params[2]) >= {
        "sr", "n_fft", "win_length", "window", "hop_length", "center", "pad_mode", "n_mels",
        "fmin", "fmax", "mel_scale", "norm", "power", "ref", "amin", "top_db", "dtype",
        "resampler", "downmix", "versions",
    }  # fmt: skip


def test_bands_without_a_bin_are_told_where_librosa_warns_of_them(cue):
    wide = MelSettings(n_mels=512)
    with pytest.warns(UserWarning, match="Empty filters detected"):
        bank = librosa.filters.mel(sr=wide.sr, n_fft=wide.n_fft, n_mels=wide.n_mels)
    empty = int((bank == 0).all(axis=1).sum())
    profiles = mel_profiles(["mt3"], wide)
    features = mel_feature_tables(cue_folder(cue), inventory_of(cue), profiles)["audio_features"]
    told = dict(zip(features.profile, features.warnings, strict=True))
    assert told["default"][0].startswith(f"{empty} of 512 mel bands hold no bin")
    assert told["mt3"] == []  # its bands are given
    assert features.params[0]["empty_bands"] == empty
    assert mel_remarks(MelSettings()) == []


def test_samples_that_no_frame_looks_at_are_told():
    (told,) = mel_remarks(MelSettings(n_fft=512, n_mels=16, hop_length=2_048))
    assert told.startswith("Of every 2048 samples only 512 are looked at")


def test_chunks_are_at_most_512_kib_and_add_up(tmp_path):
    write_audio(tmp_path / "V.wav", noise(48_000 * 60))
    tables = mel_feature_tables(cue_folder(tmp_path), inventory_of(tmp_path), MELS, threads=1)
    chunks = rows_of(tables["audio_feature_chunks"])
    assert chunks.data.map(len).max() <= CHUNK_BYTES
    for header in tables["audio_features"].itertuples():
        mine = chunks[chunks.audio_feature_id == header.id]
        assert mine.n_frames.sum() == header.n_frames
        assert mine.first_frame.tolist() == [0, *mine.n_frames.cumsum()[:-1]]
        assert mine.chunk_index.tolist() == list(range(len(mine)))
        assert (mine.data.map(len) == mine.n_frames * header.n_mels * 2).all()
    assert len(chunks) > 15


def test_chunks_may_be_read_twice_and_come_in_batches(tmp_path):
    write_audio(tmp_path / "V.wav", noise(48_000 * 60))
    tables = mel_feature_tables(cue_folder(tmp_path), inventory_of(tmp_path), MELS, threads=1)
    first, second = (list(tables["audio_feature_chunks"]) for _ in range(2))
    assert len(first) > 1
    pd.testing.assert_frame_equal(rows_of(first), rows_of(second))


def test_a_mix_has_its_composite_and_each_channel(cue):
    mels = mel_profiles([], MelSettings())
    tables = final_mix_tables(cue_folder(cue), inventory_of(cue), mels, [77], threads=2)
    mixes, features = tables["final_mixes"], tables["final_mix_features"]
    assert mixes.midi_file_id.tolist() == [77]
    assert (mixes.layout[0], mixes.canonical_name[0]) == ("5.1", "1m02 6mx")
    assert features.channel.tolist() == ["mono", "L", "C", "R", "Ls", "Rs", "LFE"]
    chunks = rows_of(tables["final_mix_feature_chunks"])
    lfe = sf.read(cue / "PT/1m02 6mx.lfe.wav", dtype="float32")[0]
    power = librosa.feature.melspectrogram(y=lfe, sr=48_000, n_mels=64)
    got = read_back(features.iloc[6], chunks, "final_mix_feature_id")
    np.testing.assert_array_less(
        np.abs(got - librosa.power_to_db(power, ref=1.0, top_db=None).T), 0.02
    )


@pytest.mark.parametrize("ids", [[], [1, 2]])
def test_a_mix_of_a_cue_with_no_or_several_midi_files_belongs_to_none(cue, ids):
    mels = mel_profiles([], MelSettings())
    tables = final_mix_tables(cue_folder(cue), inventory_of(cue), mels, ids)
    assert tables["final_mixes"].midi_file_id.isna().all()


def test_a_cue_without_mixes_has_empty_tables_with_their_columns(tmp_path):
    write_audio(tmp_path / "V.wav", noise(100))
    mels = mel_profiles([], MelSettings())
    tables = final_mix_tables(cue_folder(tmp_path), inventory_of(tmp_path), mels, [1])
    assert list(tables["final_mix_feature_chunks"]) == []
    assert [len(t) for t in (tables["final_mixes"], tables["final_mix_features"])] == [0, 0]
    assert "residual_db" in tables["final_mixes"].columns


def test_mixed_rates_are_brought_to_the_projects_before_they_are_summed(tmp_path):
    t48, t96 = (np.arange(2 * sr) / sr for sr in (48_000, 96_000))
    write_audio(tmp_path / "V.L.wav", 0.5 * np.sin(2 * np.pi * 440 * t48), 48_000, "FLOAT")
    write_audio(tmp_path / "V.R.wav", -0.5 * np.sin(2 * np.pi * 440 * t96), 96_000, "FLOAT")
    mels = mel_profiles([], MelSettings())
    tables = mel_feature_tables(cue_folder(tmp_path), inventory_of(tmp_path), mels)
    assert tables["audio_features"].n_frames[0] == 188
    assert tables["audio_files"].rms_dbfs[0] < -60  # they cancel, but for the resampler's ends


def test_rerunning_gives_the_same_rows(cue):
    runs = [mel_feature_tables(cue_folder(cue), inventory_of(cue), MELS, threads=n) for n in (1, 3)]
    for name in ("audio_files", "audio_features"):
        pd.testing.assert_frame_equal(runs[0][name], runs[1][name])
    a, b = (rows_of(run["audio_feature_chunks"]) for run in runs)
    pd.testing.assert_frame_equal(a, b)


def test_memory_does_not_grow_with_length_or_number_of_groups(tmp_path):
    def peak_of(folder, groups, seconds):
        for i in range(groups):
            write_audio(folder / f"S{i}.wav", noise(48_000 * seconds, seed=i))
        inventory = inventory_of(folder)
        mels = mel_profiles([], MelSettings())
        tracemalloc.start()
        tables = mel_feature_tables(cue_folder(folder), inventory, mels, threads=1)
        for _ in tables["audio_feature_chunks"]:
            pass
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    peak_of(tmp_path / "warm", 1, 2)
    small = peak_of(tmp_path / "small", 1, 10)
    large = peak_of(tmp_path / "large", 4, 40)
    assert large < small + (10 << 20)


def test_an_unknown_profile_is_refused_with_the_list():
    with pytest.raises(SettingsError, match=r"'mt4'.*default, librosa, original, mt3"):
        mel_profiles(["mt4"], MelSettings())


def test_the_default_profile_is_the_projects_and_comes_first():
    base = MelSettings(n_mels=32)
    profiles = mel_profiles(["MT3", " librosa", "original"], base)
    assert list(profiles) == ["default", "mt3", "librosa", "original"]
    assert profiles["default"] is base
    assert profiles["original"].n_mels == 64
