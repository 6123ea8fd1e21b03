"""Floats called integers, integers called floats, other scales: told by their bytes alone."""

import struct

import numpy as np
import pytest

from cue_pipeline.audio.headers import read_audio_header
from cue_pipeline_tests.audio.header_mutants import packed, read_here, sound
from cue_pipeline_tests.audio.wave_files import chunk, fmt_chunk, wave_bytes

RATE = 48_000
T = np.arange(2 * RATE) / RATE
RNG = np.random.default_rng(3)


def square(f0, level):
    return level * np.sign(np.sin(2 * np.pi * f0 * T + 0.1))


SIGNALS = {
    "struck tones": sound(2 * RATE, 1)[:, 0],
    "quiet noise": RNG.standard_normal(2 * RATE) * 1e-4,
    "loud noise": np.clip(RNG.standard_normal(2 * RATE) * 0.4, -1, 1),
    "a sine at full scale": 0.9999 * np.sin(2 * np.pi * 97.3 * T),
    "a low square wave of half scale": square(40, 0.5),
    "a square wave that droops": square(40, 0.45) * (1 - 0.1 * (T % 0.0125) / 0.0125),
    "a saw": 0.9 * (2 * (T * 110 % 1) - 1),
    "an offset": 0.45 + 0.02 * np.sin(2 * np.pi * 200 * T),
    "a fade to nothing": np.sin(2 * np.pi * 220 * T) * 10.0 ** (-6 * T),
    "clipped": np.clip(3 * np.sin(2 * np.pi * 60 * T), -0.6, 0.6),
    "hits between silences": np.where(T % 1 < 0.05, np.sin(2 * np.pi * 180 * T), 0.0),
    "one short hit": np.where(T < 0.01, 0.5 * np.sin(2 * np.pi * 500 * T), 0.0),
    "dithered silence": np.round(RNG.triangular(-1, 0, 1, 2 * RATE)) / 2**23,
}


def int32(y):
    return np.round(np.asarray(y, np.float64) * (2**31 - 256)).astype("<i4").tobytes()


def int24_in_32(y):
    return (np.round(y * (2**23 - 1)).astype("<i4") << 8).astype("<i4").tobytes()


def read(tmp_path, raw, fmt):
    (tmp_path / "x.wav").write_bytes(wave_bytes(fmt, chunk(b"data", raw)))
    header = read_audio_header(tmp_path, "x.wav")
    assert header.fault is None
    return header, read_here(tmp_path, header)[0][:, 0]


@pytest.mark.parametrize("y", SIGNALS.values(), ids=SIGNALS)
def test_sound_samples_are_what_their_tag_says_whatever_they_sound_like(tmp_path, y):
    forms = [
        (int32(y), fmt_chunk(bits=32), "PCM_32"),
        (int24_in_32(y), fmt_chunk(bits=32), "PCM_32"),
        (y.astype("<f4").tobytes(), fmt_chunk(bits=32, tag=3), "FLOAT"),
        ((8 * y).astype("<f4").tobytes(), fmt_chunk(bits=32, tag=3), "FLOAT"),
        (y.astype("<f8").tobytes(), fmt_chunk(bits=64, tag=3), "DOUBLE"),
        (packed(y, 24), fmt_chunk(bits=24), "PCM_24"),
        (packed(y, 16), fmt_chunk(bits=16), "PCM_16"),
    ]
    for raw, fmt, subtype in forms:
        header, samples = read(tmp_path, raw, fmt)
        assert (header.subtype, header.warnings) == (subtype, ())
        assert len(samples) == len(y)


@pytest.mark.parametrize("name", ["struck tones", "quiet noise", "loud noise", "a saw",
                                  "a sine at full scale", "a fade to nothing"])  # fmt: skip
def test_floats_that_are_called_integers_are_read_as_floats_and_told(tmp_path, name):
    y = SIGNALS[name].astype("<f4")
    header, samples = read(tmp_path, y.tobytes(), fmt_chunk(bits=32))
    assert "called integers and are floats" in header.warnings[0]
    np.testing.assert_array_equal(samples, y)


@pytest.mark.parametrize("name", ["struck tones", "quiet noise", "loud noise", "a saw",
                                  "a sine at full scale", "a fade to nothing"])  # fmt: skip
@pytest.mark.parametrize("written", [int32, int24_in_32])
def test_integers_that_are_called_floats_are_read_as_integers_and_told(tmp_path, name, written):
    raw = written(SIGNALS[name])
    header, samples = read(tmp_path, raw, fmt_chunk(bits=32, tag=3))
    assert "called floats and are integers" in header.warnings[0]
    np.testing.assert_array_equal(samples, (np.frombuffer(raw, "<i4") / 2**31).astype(np.float32))


@pytest.mark.parametrize(("scale", "name"), [(2**15, "16.8"), (2**23, "24.0")])
@pytest.mark.parametrize(("bits", "tag"), [(32, 3), (32, 1), (24, 1)])
def test_floats_that_count_in_integers_are_brought_to_full_scale_and_told(
    tmp_path, scale, name, bits, tag
):
    y = (SIGNALS["struck tones"] * scale).astype("<f4")
    fmt = chunk(b"fmt ", struct.pack("<HHIIHH", tag, 1, RATE, 4 * RATE, 4, bits))
    header, samples = read(tmp_path, y.tobytes(), fmt)
    assert any(f"Audition's {name}" in w for w in header.warnings)
    np.testing.assert_allclose(samples, SIGNALS["struck tones"], rtol=1e-6)


def test_floats_that_may_be_scaled_are_doubted(tmp_path):
    y = (SIGNALS["struck tones"] * 400).astype("<f4")
    header, samples = read(tmp_path, y.tobytes(), fmt_chunk(bits=32, tag=3))
    assert "level wrong" in header.warnings[0]
    np.testing.assert_array_equal(samples, y)


def extensible(bits, valid, tag=1, guid=None):
    guid = guid or struct.pack("<H", tag) + bytes.fromhex("000000001000800000aa00389b71")
    align = bits // 8
    return chunk(b"fmt ", struct.pack("<HHIIHHHHI", 0xFFFE, 1, RATE, RATE * align, align, bits,
                                      22, valid, 4) + guid)  # fmt: skip


def test_24_bits_at_the_upper_end_of_32_are_at_full_scale(tmp_path):
    raw = int24_in_32(SIGNALS["struck tones"])
    header, samples = read(tmp_path, raw, extensible(32, 24))
    assert header.warnings == ()
    np.testing.assert_array_equal(samples, (np.frombuffer(raw, "<i4") / 2**31).astype(np.float32))


def test_24_bits_at_the_lower_end_of_32_are_brought_to_full_scale_and_told(tmp_path):
    words = np.round(SIGNALS["struck tones"] * (2**23 - 1)).astype("<i4")
    header, samples = read(tmp_path, words.tobytes(), extensible(32, 24))
    assert "lower end" in header.warnings[0]
    np.testing.assert_array_equal(samples, (words / 2**23).astype(np.float32))


def test_20_bits_stand_at_the_upper_end_of_24(tmp_path):
    words = np.round(SIGNALS["struck tones"] * (2**19 - 1)).astype("<i4") << 4
    raw = words.view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    header, samples = read(tmp_path, raw, extensible(24, 20))
    assert header.warnings == ()
    np.testing.assert_array_equal(samples, (words / 2**23).astype(np.float32))


def test_an_unknown_guid_is_told_and_floats_are_known_by_their_bytes(tmp_path):
    y = SIGNALS["struck tones"].astype("<f4")
    header, samples = read(tmp_path, y.tobytes(), extensible(32, 32, guid=b"\xee" * 16))
    assert any("GUID" in w for w in header.warnings)
    np.testing.assert_array_equal(samples, y)


def test_samples_of_the_other_byte_order_are_known_in_files_that_may_have_either(tmp_path):
    y = SIGNALS["struck tones"]
    for bits, tag in ((16, 1), (24, 1), (32, 3)):
        raw = packed(y, bits, "<")
        fmt = b"fmt " + struct.pack(">IHHIIHH", 16, tag, 1, RATE, RATE * bits // 8, bits // 8, bits)
        body = b"WAVE" + fmt + b"data" + struct.pack(">I", len(raw)) + raw
        (tmp_path / "x.wav").write_bytes(b"RIFX" + struct.pack(">I", len(body)) + body)
        header = read_audio_header(tmp_path, "x.wav")
        assert "little-endian" in header.warnings[0]
        scale = 1 if bits == 32 else 2 ** (bits - 1)
        expected = y if bits == 32 else np.round(y * (scale - 1)) / scale
        samples = read_here(tmp_path, header)[0][:, 0]
        np.testing.assert_array_equal(samples, expected.astype(np.float32))


@pytest.mark.parametrize("name", ["struck tones", "quiet noise", "a fade to nothing"])
@pytest.mark.parametrize(("bits", "said"), [(24, 16), (16, 24)])
def test_integers_of_another_width_than_all_numbers_say_are_known(tmp_path, name, bits, said):
    y = SIGNALS[name]
    header, samples = read(tmp_path, packed(y, bits) + bytes(12), fmt_chunk(bits=said))
    assert f"called {said} bits, and are {bits}" in header.warnings[0]
    scale = 2 ** (bits - 1)
    expected = (np.round(y * (scale - 1)) / scale).astype(np.float32)
    np.testing.assert_array_equal(samples[: len(y)], expected)


@pytest.mark.parametrize("name", ["struck tones", "quiet noise", "a fade to nothing"])
def test_three_bytes_that_are_called_words_of_four_are_known(tmp_path, name):
    y = SIGNALS[name]
    fmt = chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, RATE, 4 * RATE, 4, 24))
    header, samples = read(tmp_path, packed(y, 24), fmt)
    assert "read as 1 channels of 24 bits" in header.warnings[0]
    expected = (np.round(y * (2**23 - 1)) / 2**23).astype(np.float32)
    np.testing.assert_array_equal(samples, expected)
    header, samples = read(tmp_path, int24_in_32(y), fmt)
    assert header.warnings == ()
    np.testing.assert_array_equal(samples, expected)


@pytest.mark.parametrize(
    ("sync", "bits", "name"),
    [
        ("fe7f0180", 16, "DTS"),
        ("72f81f4e", 16, "AC-3"),
        ("72f8961f4ea5", 24, "Dolby E"),
        ("20876ff0e154", 24, "Dolby E"),
    ],
)
def test_a_coded_stream_in_the_place_of_samples_is_no_sound(tmp_path, sync, bits, name):
    bursts = [bytes.fromhex(sync) + RNG.bytes(2_042 - len(sync) // 2) + bytes(6) for _ in range(99)]
    data = wave_bytes(fmt_chunk(2, bits=bits), chunk(b"data", b"".join(bursts)))
    (tmp_path / "x.wav").write_bytes(data)
    assert name in (read_audio_header(tmp_path, "x.wav").fault or "")
