"""The spectrograms are librosa's, to a ten-thousandth of a decibel in every band."""

import itertools

import librosa
import numpy as np
import pytest
import soxr

from cue_pipeline.audio.mel import MelStream, log_mel_spectrogram, n_frames_of
from cue_pipeline.audio.mel_filters import mel_filter_bank
from cue_pipeline.audio.resampling import RateConverter
from cue_pipeline.errors import AudioFileError
from cue_pipeline.settings import MelSettings

pytestmark = [
    pytest.mark.filterwarnings("ignore:Empty filters detected"),
    pytest.mark.filterwarnings("ignore:n_fft=.* is too large"),
]

TOLERANCE_DB = 1e-4  # what is asked for is 0.001; all that is left is the rounding of float32


def signal(n: int, sr: int, seed: int = 1) -> np.ndarray:
    """Two gliding tones, clicks and noise: every band has something, nothing is stationary."""
    rng = np.random.default_rng(seed)
    t = np.arange(n) / sr
    y = 0.3 * np.sin(2 * np.pi * (200 * t + 150 * t**2)) + 0.1 * np.sin(2 * np.pi * 3_100 * t)
    y += 0.01 * rng.standard_normal(n)
    if n:
        y[rng.integers(0, n, size=1 + n // 20_000)] += 0.5
    return y.astype(np.float32)


def librosas(y: np.ndarray, mel: MelSettings) -> np.ndarray:
    power = librosa.feature.melspectrogram(
        y=y, sr=mel.sr, n_fft=mel.n_fft, hop_length=mel.hop_length, n_mels=mel.n_mels,
        fmin=mel.fmin, fmax=mel.fmax, htk=mel.htk, norm=mel.norm, center=mel.center,
        pad_mode=mel.pad_mode, power=mel.power,
    )  # fmt: skip
    if mel.power == 1.0:
        return librosa.amplitude_to_db(power, ref=1.0, amin=mel.amin**0.5, top_db=None).T
    return librosa.power_to_db(power, ref=1.0, amin=mel.amin, top_db=None).T


def assert_same(y: np.ndarray, mel: MelSettings) -> None:
    """Hold both engines to librosa."""
    theirs = librosas(y, mel)
    for compiled in (False, True):
        ours = log_mel_spectrogram(y, mel, compiled=compiled)
        assert ours.shape == theirs.shape
        assert_levels(ours, theirs)


def assert_levels(ours: np.ndarray, theirs: np.ndarray) -> None:
    """Hold every band of every frame, however far below the loudest."""
    np.testing.assert_allclose(ours, theirs, rtol=0.0, atol=TOLERANCE_DB)


MATRIX = [
    MelSettings(sr=sr, n_fft=n_fft, hop_length=n_fft // part, n_mels=n_mels, htk=htk, norm=norm,
                center=center, fmin=fmin, fmax=fmax)
    for (sr, n_fft, part, n_mels), (htk, norm), center, (fmin, fmax) in itertools.product(
        [(48_000, 2_048, 4, 64), (44_100, 1_024, 2, 128), (96_000, 4_096, 8, 229),
         (22_050, 400, 3, 40), (16_000, 2_048, 16, 80)],
        [(False, "slaney"), (True, None)],
        [True, False],
        [(0.0, None), (27.5, 7_000.0)],
    )
]  # fmt: skip


@pytest.mark.parametrize("mel", MATRIX, ids=str)
def test_a_spectrogram_is_librosas_over_a_matrix_of_parameters(mel):
    assert_same(signal(40_000, mel.sr), mel)


@pytest.mark.parametrize("n", [1, 2, 511, 512, 513, 1_023, 1_024, 1_025, 2_047, 2_048, 100_003])
@pytest.mark.parametrize("pad_mode", ["constant", "reflect"])
def test_a_spectrogram_is_librosas_for_short_and_odd_lengths(n, pad_mode):
    if pad_mode == "reflect" and n < 2:
        pytest.skip("numpy cannot reflect a single sample without repeating it")
    y = signal(n, 48_000)
    mel = MelSettings(pad_mode=pad_mode)
    theirs = librosas(np.pad(y, 0), mel) if n > 1_024 or pad_mode == "constant" else None
    if theirs is None:  # librosa refuses what is shorter than its padding: numpy pads instead
        padded = np.pad(y, 1_024, mode="reflect")
        theirs = librosas(padded, mel.model_copy(update={"center": False}))
    for compiled in (False, True):
        ours = log_mel_spectrogram(y, mel, compiled=compiled)
        assert ours.shape == theirs.shape
        assert_levels(ours, theirs)


@pytest.mark.parametrize("power", [1.0, 2.0])
def test_magnitude_and_power_are_both_true_decibels(power):
    assert_same(signal(30_000, 48_000), MelSettings(power=power))


@pytest.mark.parametrize("hop", [1_000, 2_048, 3_001])
def test_hops_that_skip_samples_are_librosas(hop):
    assert_same(signal(60_000, 48_000), MelSettings(hop_length=hop))


@pytest.mark.parametrize("n_fft", [255, 1_023, 2_205])
def test_frames_of_odd_length_are_librosas(n_fft):
    assert_same(signal(30_000, 44_100), MelSettings(sr=44_100, n_fft=n_fft, hop_length=300))


@pytest.mark.parametrize("scale", [1e-7, 1e-4, 1.0, 30.0])
def test_levels_from_the_floor_to_far_above_full_scale_are_librosas(scale):
    assert_same(signal(20_000, 48_000) * np.float32(scale), MelSettings())


@pytest.mark.parametrize("mel", MATRIX[::4], ids=str)
def test_the_filter_bank_is_librosas(mel):
    theirs = librosa.filters.mel(
        sr=mel.sr, n_fft=mel.n_fft, n_mels=mel.n_mels, fmin=mel.fmin, fmax=mel.fmax, htk=mel.htk,
        norm=mel.norm,
    )  # fmt: skip
    np.testing.assert_allclose(mel_filter_bank(mel), theirs, atol=1e-7, rtol=1e-4)


@pytest.mark.parametrize("n_fft", [32, 64, 128, 256, 512, 1_024, 2_048, 4_096, 8_192, 16_384])
@pytest.mark.parametrize("power", [1.0, 2.0])
def test_kernels_of_every_power_of_two_are_librosas(n_fft, power):
    mel = MelSettings(n_fft=n_fft, hop_length=n_fft // 4 + 3, n_mels=8, power=power)
    assert_same(signal(30_000, 48_000), mel)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("pad_mode", ["constant", "reflect"])
@pytest.mark.parametrize("sizes", [[1], [7], [512], [1_024], [65_536], [3, 70_000, 11]])
def test_the_size_of_the_blocks_does_not_change_the_spectrogram(sizes, pad_mode, compiled):
    y = signal(9_000 if sizes[0] < 100 else 200_000, 48_000)
    mel = MelSettings(pad_mode=pad_mode)
    stream, parts, at = MelStream(mel, compiled=compiled), [], 0
    for size in itertools.cycle(sizes):
        if at >= len(y):
            break
        parts.extend(stream.feed(y[at : at + size]))
        at += size
    parts.extend(stream.finish())
    whole = log_mel_spectrogram(y, mel)
    got = np.concatenate(parts)
    assert got.shape == whole.shape
    assert_levels(got, whole)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("pad_mode", ["constant", "reflect"])
def test_samples_may_be_written_where_a_stream_has_room(pad_mode, compiled):
    y = signal(50_000, 48_000)
    mel = MelSettings(pad_mode=pad_mode)
    stream, parts = MelStream(mel, compiled=compiled), []
    for at in range(0, len(y), 7_000):
        room = stream.room(len(y[at : at + 7_000]))
        room[:] = y[at : at + 7_000]
        parts.extend(stream.feed(room))
    parts.extend(stream.finish())
    assert_levels(np.concatenate(parts), log_mel_spectrogram(y, mel))


def test_no_samples_make_one_centred_frame_at_the_floor():
    frames = log_mel_spectrogram(np.empty(0, np.float32), MelSettings())
    assert frames.shape == (1, 64)
    np.testing.assert_allclose(frames, -100.0, atol=1e-4)


def test_fewer_samples_than_a_frame_make_no_frame_where_frames_are_not_centred():
    assert log_mel_spectrogram(np.ones(100, np.float32), MelSettings(center=False)).shape == (0, 64)


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("n", [0, 1, 2_047, 2_048, 2_049, 48_000])
def test_the_number_of_frames_is_known_beforehand(n, center):
    mel = MelSettings(center=center)
    assert n_frames_of(n, mel) == len(log_mel_spectrogram(np.zeros(n, np.float32), mel))


@pytest.mark.parametrize("f0_hz", [220.0, 440.0, 1_760.0, 9_000.0])
def test_a_sine_peaks_in_the_band_that_holds_its_frequency(f0_hz):
    mel = MelSettings()
    y = np.sin(2 * np.pi * f0_hz * np.arange(48_000) / 48_000).astype(np.float32)
    band = int(log_mel_spectrogram(y, mel)[40].argmax())
    centres = librosa.mel_frequencies(n_mels=66, fmin=0, fmax=24_000)
    assert centres[band] <= f0_hz <= centres[band + 2]


def test_a_sine_has_the_power_that_physics_gives_it():
    # Sum over bins of |X|² = n_fft · Σ (w·x)² (Parseval, one-sided half of it), Hann: Σw² = 3N/8.
    mel = MelSettings(norm=None, n_mels=16)
    y = np.sin(2 * np.pi * 1_500 * np.arange(96_000) / 48_000).astype(np.float32)
    frame = log_mel_spectrogram(y, mel)[90].astype(np.float64)
    expected = 10 * np.log10(2_048 * (3 * 2_048 / 8) / 2 / 2)
    bank = mel_filter_bank(mel)
    assert abs(10 * np.log10((10 ** (frame / 10)).sum()) - expected) < 0.2
    assert bank[:, 64].sum() == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize(("sr", "to"), [(44_100, 48_000), (96_000, 48_000), (48_000, 16_000)])
@pytest.mark.parametrize("n", [1, 1_000, 100_001])
def test_blockwise_resampling_is_soxrs_of_the_whole(sr, to, n):
    y = signal(n, sr)
    converter = RateConverter(sr, to)
    parts = [converter.feed(y[None, i : i + 7_001]) for i in range(0, n, 7_001)]
    got = np.concatenate([*parts, converter.finish()], axis=1)[0]
    theirs = librosa.util.fix_length(
        soxr.resample(y, sr, to, quality="soxr_hq"), size=-(-n * to // sr)
    )
    assert got.shape == theirs.shape
    np.testing.assert_allclose(got, theirs, atol=2e-6)


def test_a_signal_of_two_dimensions_is_refused():
    with pytest.raises(AudioFileError, match=r"shape \(n,\)"):
        log_mel_spectrogram(np.zeros((2, 100), np.float32), MelSettings())


@pytest.mark.slow
def test_an_hour_and_more_is_librosas_at_its_end():
    n, tail = 48_000 * 3_700, 200_000
    mel = MelSettings()
    stream = MelStream(mel, compiled=True)
    block = signal(1 << 16, 48_000)
    count, last = 0, []
    for at in range(0, n, len(block)):
        for frames in stream.feed(block[: n - at]):
            count += len(frames)
            last = [*last[-40:], frames]
    for frames in stream.finish():
        count += len(frames)
        last.append(frames)
    assert count == 1 + n // 512
    end = np.concatenate([block, block, block, block, block[: n % len(block)]])
    got = np.concatenate(last)[-tail // 512 :]
    np.testing.assert_allclose(got, librosas(end, mel)[-len(got) :], atol=TOLERANCE_DB)
