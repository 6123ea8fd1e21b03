"""The byte order and the number of channels that samples can only have, whatever a header says."""

import struct

import numpy as np
import pytest

from cue_pipeline.audio.headers import read_audio_header
from cue_pipeline_tests.audio.header_mutants import packed, read_here
from cue_pipeline_tests.audio.wave_files import chunk, fmt_chunk, wave_bytes

RATE = 48_000
T = np.arange(3 * RATE) / RATE
RNG = np.random.default_rng(8)


def struck(f0, decay):
    """Return strokes of a string every 0.7 s that fade to nothing."""
    return sum(np.sin(2 * np.pi * f0 * h * T) / h for h in range(1, 7)) * np.exp(
        -decay * (T % 0.7)
    ) * 0.25  # fmt: skip


def low_passed(y):
    return np.convolve(y, np.hanning(24) / np.hanning(24).sum(), "same")


MUSIC = {
    "strokes that fade": struck(220, 14),
    "strokes that are cut": struck(330, 3) * (T % 0.7 < 0.3),
    "a bass": 0.6 * np.sin(2 * np.pi * 41 * T),
    "soft wind": low_passed(RNG.standard_normal(3 * RATE)) * 0.02,
}


def header_of(tmp_path, raw, **fmt):
    (tmp_path / "x.wav").write_bytes(wave_bytes(fmt_chunk(**fmt), chunk(b"data", raw)))
    return read_audio_header(tmp_path, "x.wav")


@pytest.mark.parametrize("name", MUSIC)
@pytest.mark.parametrize("bits", [16, 24])
def test_big_endian_samples_in_a_plain_wave_file_are_known_and_said(tmp_path, name, bits):
    header = header_of(tmp_path, packed(MUSIC[name], bits, ">"), bits=bits)
    assert "big-endian" in header.warnings[0]
    scale = 2 ** (bits - 1)
    expected = (np.round(MUSIC[name] * (scale - 1)) / scale).astype(np.float32)
    np.testing.assert_array_equal(read_here(tmp_path, header)[0][:, 0], expected)


def stereo(left, right):
    return np.column_stack([left, right])


@pytest.mark.parametrize("bits", [16, 24])
@pytest.mark.parametrize(
    "y",
    [
        stereo(MUSIC["strokes that fade"], MUSIC["a bass"]),
        stereo(MUSIC["soft wind"], MUSIC["strokes that are cut"]),
        np.column_stack([struck(110 * n, 4) for n in range(2, 8)]),
    ],
    ids=["strokes and bass", "wind and strokes", "six"],
)
def test_interleaved_channels_that_are_called_one_are_read_as_what_they_are(tmp_path, bits, y):
    header = header_of(tmp_path, packed(y.ravel(), bits), bits=bits)
    assert (header.channels, header.frames) == (y.shape[1], len(y))
    assert "its header says 1 channel, and its samples can only be" in header.warnings[0]


@pytest.mark.parametrize("name", MUSIC)
def test_one_signal_that_is_called_stereo_is_read_as_one(tmp_path, name):
    y = MUSIC[name]
    header = header_of(tmp_path, packed(y, 24), channels=2, bits=24)
    assert (header.channels, header.frames) == (1, len(y))
    assert "can only be 1 channel" in header.warnings[0]


def test_two_channels_alike_that_are_called_one_are_doubted(tmp_path):
    y = MUSIC["strokes that fade"]
    header = header_of(tmp_path, packed(np.repeat(y, 2), 24), bits=24)
    assert header.channels == 1
    assert "stands twice" in header.warnings[0]


SOUND = {
    **MUSIC,
    "white noise": RNG.standard_normal(3 * RATE) * 0.1,
    "hiss above 10 kHz": np.diff(RNG.standard_normal(3 * RATE + 4), 4) * 0.01,
    "a tone of 20 kHz": 0.3 * np.sin(2 * np.pi * 20_000 * T),
    "a tone of a quarter of the rate": 0.3 * np.sin(2 * np.pi * 12_000 * T + 0.1),
    "clicks": np.where(T * 100 % 1 < 100 / RATE, 0.5, 0.0),
    "a square wave": 0.5 * np.sign(np.sin(2 * np.pi * 50 * T + 0.01)),
    "a faint fade": 3e-5 * np.sin(2 * np.pi * 150 * T) * np.exp(-T),
}


@pytest.mark.parametrize("name", SOUND)
@pytest.mark.parametrize("bits", [16, 24])
def test_sound_mono_and_stereo_files_are_left_alone(tmp_path, name, bits):
    y = SOUND[name]
    shifted = np.roll(y, 1) * 0.9
    for samples, channels in (
        (y, 1), (stereo(y, y).ravel(), 2), (stereo(y, 0 * y).ravel(), 2),
        (stereo(y, -y).ravel(), 2), (stereo(y, shifted).ravel(), 2),
        (stereo(y, SOUND["white noise"]).ravel(), 2),
    ):  # fmt: skip
        header = header_of(tmp_path, packed(samples, bits), channels=channels, bits=bits)
        assert (header.channels, header.warnings) == (channels, ())


def test_a_mono_aiff_over_two_channels_is_known_too(tmp_path):
    y = stereo(MUSIC["strokes that fade"], MUSIC["a bass"])
    data = struct.pack(">II", 0, 0) + packed(y.ravel(), 16, ">")
    comm = struct.pack(">HIH", 1, y.size, 16) + bytes.fromhex("400ebb80000000000000")
    body = b"AIFF" + b"".join(
        name + struct.pack(">I", len(part)) + part
        for name, part in ((b"COMM", comm), (b"SSND", data))
    )
    (tmp_path / "x.aif").write_bytes(b"FORM" + struct.pack(">I", len(body)) + body)
    header = read_audio_header(tmp_path, "x.aif")
    assert (header.channels, header.frames) == (2, len(y))
    assert "can only be 2 channels" in header.warnings[0]
