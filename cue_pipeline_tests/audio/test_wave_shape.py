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


@pytest.mark.parametrize(("pitch", "degrees"), [(3000, 12), (7990, 27), (7990, 33), (12_000, 42)])
def test_a_stereo_tone_that_lags_in_one_channel_stays_stereo(tmp_path, pitch, degrees):
    phase = 2 * np.pi * pitch * T
    y = 0.3 * stereo(np.sin(phase), np.sin(phase + np.radians(degrees)))
    header = header_of(tmp_path, packed(y.ravel(), 24), channels=2, bits=24)
    assert (header.channels, header.warnings) == (2, ())


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


def tones(rate, *pitches, seconds=4):
    t = np.arange(seconds * rate) / rate
    return sum(0.1 * np.sin(2 * np.pi * f * t) * (np.floor(t * 3) % 2) for f in pitches)


def ringing(rate, pitch, hiss=0.0005, seconds=4):
    """Return a tone that swells and decays over hiss."""
    t = np.arange(seconds * rate) / rate
    envelope = np.clip(t * 3, 0, 1) * np.exp(-t / 2)
    noise = np.random.default_rng(3).normal(0, hiss, len(t))
    return 0.3 * envelope * np.sin(2 * np.pi * pitch * t) + noise


def swept(rate, low, high, seconds=4):
    t = np.arange(seconds * rate) / rate
    return 0.3 * np.sin(2 * np.pi * (low * t + (high - low) * t**2 / (2 * seconds)))


def band_of_noise(rate, low, high, seconds=4):
    spectrum = np.fft.rfft(np.random.default_rng(4).standard_normal(seconds * rate))
    pitch = np.fft.rfftfreq(seconds * rate, 1 / rate)
    return 0.5 * np.fft.irfft(np.where((pitch > low) & (pitch < high), spectrum, 0))


def mono_at(rate):
    """Return sound of one channel whose power lies at and near parts of the rate."""
    t = np.arange(4 * rate) / rate
    hum = 0.02 * sum(np.sin(2 * np.pi * 50 * h * t) / h for h in range(1, 9))
    parts = {f"{p} of the rate": rate / p for p in (2.01, 3, 4, 5, 6, 7, 8)}
    found = {}
    for name, pitch in parts.items():
        wide = min(1000, rate / 2 - pitch)
        found[f"a bell at {name}"] = ringing(rate, pitch)
        found[f"a bell by {name}"] = ringing(rate, pitch - 10, hiss=0.003)
        found[f"a bell by {name} over hum"] = ringing(rate, pitch - 100) + hum
        found[f"a tone by {name} on an offset"] = ringing(rate, pitch - 3) + 0.1
        found[f"a tone that beats at {name}"] = ringing(rate, pitch - 5) + ringing(rate, pitch + 2)
        found[f"a sweep about {name}"] = swept(rate, pitch - wide, pitch + wide)
        found[f"cicadas at {name}"] = band_of_noise(rate, pitch - wide, pitch + wide) + hum
        found[f"a ringing modulator at {name}"] = hum * (
            1 + 9 * np.sin(2 * np.pi * 0.99 * pitch * t)
        )
        found[f"a saw of {name}"] = 0.3 * ((0.999 * pitch * t) % 1 - 0.5) * np.exp(-t)
    found["chords under a whistle"] = tones(rate, 196, 246.9, 293.7, 0.3125 * rate)
    found["a sweep of all pitches"] = swept(rate, 20, rate / 2)
    return found


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
def test_high_sounds_near_parts_of_the_rate_stay_one_channel(tmp_path, rate):
    for name, y in mono_at(rate).items():
        header = header_of(tmp_path, packed(y, 24), sr=rate, bits=24)
        assert (header.channels, header.warnings) == (1, ()), name


@pytest.mark.parametrize("rate", [44_100, 96_000])
@pytest.mark.parametrize("count", [2, 3, 4, 6, 8])
def test_channels_that_are_called_one_are_known_at_any_rate(tmp_path, rate, count):
    rng = np.random.default_rng(count)
    players = [
        tones(rate, 110 * n, 131 * n, 165 * n) + low_passed(rng.standard_normal(4 * rate)) * 0.006
        for n in range(1, count + 1)
    ]
    y = np.column_stack(players)
    header = header_of(tmp_path, packed(y.ravel(), 24), sr=rate, bits=24)
    assert (header.channels, header.frames) == y.shape[::-1]
    assert "can only be" in header.warnings[0]


def test_images_of_one_tone_alone_are_told_and_the_header_is_believed(tmp_path):
    y = stereo(0.6 * np.sin(2 * np.pi * 441 * T), 0 * T)
    header = header_of(tmp_path, packed(y.ravel(), 24), bits=24)
    assert header.channels == 1
    assert "as if it were 2 channels" in header.warnings[0]
