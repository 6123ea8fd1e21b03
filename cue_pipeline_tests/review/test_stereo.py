"""Sound for the page beside soundfile, soxr and ITU-R BS.775."""

import io
import math
import os
import time
import tracemalloc

import numpy as np
import pytest
import soundfile as sf
import soxr

from cue_pipeline.audio.excerpt import ExcerptReader
from cue_pipeline.audio.stereo_gains import stereo_gains
from cue_pipeline.errors import AudioFileError
from cue_pipeline.review.sound_cache import SoundCache
from cue_pipeline.review.stereo import (
    HEADER_BYTES,
    Heard,
    SoundServer,
    asked_range,
    matching_gain_db,
)

RATE = 48_000
SOUNDS = SoundServer(ExcerptReader(compiled=False))


def written(folder, labels, seconds=2.0, rate=RATE, subtype="PCM_24", suffix="wav"):
    """Write noise, one file a channel; return it, and the channels as the tables have them."""
    frames = round(seconds * rate)
    channels, samples = [], []
    for i, label in enumerate(labels):
        y = np.random.default_rng(i).uniform(-0.2, 0.2, frames).astype(np.float32)
        file = f"1m01 X.{label}.{suffix}"
        sf.write(folder / file, y, rate, subtype=subtype)
        samples.append(sf.read(folder / file, dtype="float32")[0])
        channels.append(
            {
                "label": label, "file": file, "channel_index": 0, "frames": frames,
                "sample_rate": rate, "subtype": subtype,
            }
        )  # fmt: skip
    return np.array(samples), channels


def whole(heard):
    return b"".join(SOUNDS.stream(heard, 0, heard.bytes))


@pytest.mark.parametrize(
    ("subtype", "suffix"), [("PCM_24", "wav"), ("FLOAT", "wav"), ("PCM_24", "flac")]
)
def test_a_stereo_pair_of_any_kind_is_heard_as_its_files_hold_it(tmp_path, subtype, suffix):
    samples, channels = written(tmp_path, "LR", subtype=subtype, suffix=suffix)
    heard = Heard(tmp_path, channels, RATE, stereo_gains("LR"))
    found, rate = sf.read(io.BytesIO(whole(heard)), dtype="float32", always_2d=True)
    assert rate == RATE
    assert np.abs(found.T - samples).max() <= 1.5 / 2**15


def test_five_channels_are_folded_down_by_the_standard(tmp_path):
    labels = ("L", "C", "R", "Ls", "Rs", "LFE")
    samples, channels = written(tmp_path, labels)
    left, centre, right, left_side, right_side, _ = samples
    a = math.sqrt(0.5)
    heard = Heard(tmp_path, channels, RATE, stereo_gains(labels))
    found, _ = sf.read(io.BytesIO(whole(heard)), dtype="float32")
    assert np.abs(found[:, 0] - (left + a * centre + a * left_side)).max() <= 1.5 / 2**15
    assert np.abs(found[:, 1] - (right + a * centre + a * right_side)).max() <= 1.5 / 2**15


@pytest.mark.parametrize("rate", [RATE, 44_100])
@pytest.mark.parametrize(("begin", "end"), [(0, 100), (30, 60), (45, 47), (200_003, 300_001)])
def test_any_range_of_bytes_is_that_of_the_whole_file(tmp_path, rate, begin, end):
    _, channels = written(tmp_path, "LR")
    heard = Heard(tmp_path, channels, rate, stereo_gains("LR"))
    part = b"".join(SOUNDS.stream(heard, begin, end))
    assert len(part) == end - begin
    if rate == RATE:
        assert part == whole(heard)[begin:end]


def test_seconds_asked_for_one_by_one_are_those_of_the_resampled_file(tmp_path):
    samples, channels = written(tmp_path, "LR", seconds=3.0)
    heard = Heard(tmp_path, channels, 44_100, stereo_gains("LR"))
    peer = soxr.resample(samples.T, RATE, 44_100, quality="HQ")
    parts = []
    for second in range(3):
        begin = HEADER_BYTES + second * 44_100 * 4
        data = b"".join(SOUNDS.stream(heard, begin, begin + 44_100 * 4))
        parts.append(np.frombuffer(data, "<i2").reshape(-1, 2) / 32767.0)
    found = np.concatenate(parts)
    assert np.abs(found - peer[: len(found)]).max() < 2.0 / 2**15


def test_only_what_is_asked_for_is_read(tmp_path, monkeypatch):
    _, channels = written(tmp_path, "LR", seconds=20.0)
    heard = Heard(tmp_path, channels, RATE, stereo_gains("LR"))
    read = []
    blocks = ExcerptReader.blocks

    def counted(self, *args, n, **options):
        read.append(n)
        return blocks(self, *args, n=n, **options)

    monkeypatch.setattr(ExcerptReader, "blocks", counted)
    begin = HEADER_BYTES + 15 * RATE * 4
    list(SOUNDS.stream(heard, begin, begin + RATE * 4))
    assert read == [RATE]


def test_the_gain_brings_sound_to_23_db_below_full_scale_or_to_its_peak():
    both = stereo_gains("LR")
    quiet = [{"peak_dbfs": -30.0, "rms_dbfs": -50.0}] * 2
    # Mean power of the two ears is that of either channel by half: each is heard in one ear.
    assert matching_gain_db(both, quiet) == pytest.approx(-23.0 + 50.0)
    sparse = [{"peak_dbfs": -6.0, "rms_dbfs": -60.0}] * 2
    assert matching_gain_db(both, sparse) == pytest.approx(6.0)
    assert matching_gain_db(both, [{"peak_dbfs": None, "rms_dbfs": None}] * 2) == 0.0


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, (0, 1000)),
        ("bytes=0-99", (0, 100)),
        ("bytes=900-", (900, 1000)),
        ("bytes=900-5000", (900, 1000)),
        ("bytes=-100", (900, 1000)),
        ("bytes=1000-", None),
        ("bytes=-0", None),
        ("bytes=0-1,5-6", (0, 1000)),  # of several ranges, a server may send the whole
        ("seconds=1-2", (0, 1000)),
    ],
)
def test_ranges_are_read_as_rfc_9110_has_them(header, expected):
    assert asked_range(header, 1000) == expected


def test_a_file_that_is_gone_is_told(tmp_path):
    _, channels = written(tmp_path, "LR")
    (tmp_path / channels[1]["file"]).unlink()
    heard = Heard(tmp_path, channels, RATE, stereo_gains("LR"))
    with pytest.raises(AudioFileError, match=r"R\.wav"):
        whole(heard)


@pytest.mark.parametrize("rate", [RATE, 44_100])
def test_sound_from_the_cache_is_the_sound_that_was_made(tmp_path, rate):
    _, channels = written(tmp_path, "LR", seconds=9.0)
    heard = Heard(tmp_path, channels, rate, stereo_gains("LR"))
    sounds = SoundServer(ExcerptReader(compiled=False), SoundCache(tmp_path / "kept", 10**8))
    first = b"".join(sounds.stream(heard, 0, heard.bytes))
    assert b"".join(sounds.stream(heard, 0, heard.bytes)) == first
    second = HEADER_BYTES + 4 * rate
    assert b"".join(sounds.stream(heard, second + 1, second + 9)) == first[second + 1 : second + 9]
    samples, found_rate = sf.read(io.BytesIO(first), dtype="float32")
    peer = np.array([sf.read(tmp_path / c["file"], dtype="float32")[0] for c in channels]).T
    assert found_rate == rate
    assert len(samples) == math.ceil(9.0 * rate)
    if rate == RATE:
        assert np.abs(samples - peer).max() <= 1.5 / 2**15


def test_a_file_that_changes_is_not_heard_from_the_cache_nor_is_one_that_is_gone(tmp_path):
    _, channels = written(tmp_path, "LR", seconds=1.0)
    heard = Heard(tmp_path, channels, RATE, stereo_gains("LR"))
    sounds = SoundServer(ExcerptReader(compiled=False), SoundCache(tmp_path / "kept", 10**8))
    before = b"".join(sounds.stream(heard, 0, heard.bytes))
    silent = np.zeros(RATE, np.float32)
    path = tmp_path / channels[0]["file"]
    sf.write(path, silent, RATE, subtype="PCM_24")
    os.utime(path, ns=(1, 1))  # as a copy keeps the time of what was copied
    after = b"".join(sounds.stream(heard, 0, heard.bytes))
    assert after != before
    assert not np.frombuffer(after[HEADER_BYTES:], "<i2")[::2].any()
    path.unlink()
    with pytest.raises(AudioFileError, match=r"L\.wav"):
        b"".join(sounds.stream(heard, 0, heard.bytes))


def test_a_file_that_cannot_be_entered_is_decoded_once(tmp_path, monkeypatch):
    samples, channels = written(tmp_path, "L", seconds=10.0, subtype="IMA_ADPCM")
    channels[0]["frames"] = samples.shape[1]  # whole blocks
    heard = Heard(tmp_path, channels, RATE, stereo_gains("L"))
    assert not heard.is_entered
    begun = []
    whole = ExcerptReader.whole

    def counted(self, *args):
        begun.append(args)
        return whole(self, *args)

    monkeypatch.setattr(ExcerptReader, "whole", counted)
    sounds = SoundServer(ExcerptReader(compiled=False), SoundCache(tmp_path / "kept", 10**8))
    at = HEADER_BYTES + 8 * RATE * 4
    found = np.frombuffer(b"".join(sounds.stream(heard, at, at + RATE * 4)), "<i2")[::2] / 32767
    assert np.abs(found - samples[0, 8 * RATE : 9 * RATE]).max() <= 1.5 / 2**15
    b"".join(sounds.stream(heard, 0, heard.bytes))
    assert len(begun) == 1


@pytest.mark.parametrize("second", [0, 8])
@pytest.mark.parametrize(("subtype", "suffix"), [("VORBIS", "ogg"), ("PCM_24", "flac")])
def test_damage_is_told_each_time_though_pieces_were_decoded_before_it(
    tmp_path, subtype, suffix, second
):
    _, damaged = written(tmp_path, "L", seconds=10.0, subtype=subtype, suffix=suffix)
    path = tmp_path / damaged[0]["file"]
    data = bytearray(path.read_bytes())
    middle = len(data) * 3 // 5
    data[middle : middle + 20_000] = bytes([0x5A]) * 20_000
    path.write_bytes(data)
    _, decoded_whole = written(tmp_path, "R", seconds=10.0, subtype="ALAC_24", suffix="caf")
    heard = Heard(tmp_path, damaged + decoded_whole, RATE, stereo_gains("LR"))
    assert not heard.is_entered
    sounds = SoundServer(ExcerptReader(compiled=False), SoundCache(tmp_path / "kept", 10**8))
    at = HEADER_BYTES + second * RATE * 4
    for _ in range(3):
        with pytest.raises(AudioFileError, match=f"L.{suffix}"):
            b"".join(sounds.stream(heard, at, at + RATE * 4))


def test_a_long_file_that_is_decoded_whole_is_held_a_piece_at_a_time(tmp_path):
    rate, minutes = 8_000, 10
    samples, channels = written(
        tmp_path, "L", seconds=60.0 * minutes, rate=rate, subtype="IMA_ADPCM"
    )
    channels[0]["frames"] = samples.shape[1]  # whole blocks
    heard = Heard(tmp_path, channels, rate, stereo_gains("L"))
    sounds = SoundServer(ExcerptReader(compiled=False), SoundCache(tmp_path / "kept", 10**8))
    tracemalloc.start()
    try:
        found = b"".join(sounds.stream(heard, HEADER_BYTES, HEADER_BYTES + 4_000))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    whole_bytes = 4 * samples.shape[1]
    assert np.abs(np.frombuffer(found, "<i2")[::2] / 32767 - samples[0, :1_000]).max() < 2 / 2**15
    assert most < whole_bytes / 3


def test_a_file_that_ends_before_its_header_says_is_silent_from_there(tmp_path):
    """As coders whose lengths are inexact leave it: here the tables know 30 s, the reader 10."""
    samples, channels = written(tmp_path, "L", seconds=10.0, subtype="IMA_ADPCM")
    channels[0]["frames"] = samples.shape[1]

    class Longer(Heard):
        frames = 30 * RATE

    heard = Longer(tmp_path, channels, RATE, stereo_gains("L"))
    sounds = SoundServer(ExcerptReader(compiled=False), SoundCache(tmp_path / "kept", 10**8))
    data = b"".join(sounds.stream(heard, HEADER_BYTES, heard.bytes))
    found = np.frombuffer(data, "<i2")[::2] / 32767
    assert len(found) == 30 * RATE
    n = samples.shape[1]
    assert np.abs(found[:n] - samples[0]).max() <= 1.5 / 2**15
    assert not found[n:].any()


def test_sound_from_the_midst_of_a_cue_of_770_mb_is_there_at_once(tmp_path):
    """Nine channels of ten minutes, 24 bits, that take no room on the disk: they are silent."""
    rate, frames = 48_000, 48_000 * 600
    channels = []
    for label in "ABCDEFGHI":
        file = tmp_path / f"1m01 {label}.wav"
        sf.write(file, np.zeros(48, np.float32), rate, subtype="PCM_24")
        head = bytearray(file.read_bytes()[:44])
        head[4:8], head[40:44] = ((36 + 3 * frames).to_bytes(4, "little"),
                                  (3 * frames).to_bytes(4, "little"))  # fmt: skip
        file.write_bytes(head)
        os.truncate(file, 44 + 3 * frames)
        channels.append(
            {
                "label": "M", "file": file.name, "channel_index": 0, "frames": frames,
                "sample_rate": rate, "subtype": "PCM_24",
            }
        )  # fmt: skip
    assert sum(f.stat().st_size for f in tmp_path.iterdir()) > 770e6
    heard = Heard(tmp_path, channels, rate, stereo_gains("M" * 9))
    at = HEADER_BYTES + 300 * rate * 4

    def seconds(number):
        sounds = SoundServer(
            ExcerptReader(compiled=False), SoundCache(tmp_path / str(number), 10**8)
        )
        began = time.process_time()
        assert len(b"".join(sounds.stream(heard, at, at + rate * 4))) == rate * 4
        return time.process_time() - began

    assert min(seconds(number) for number in range(3)) < 0.5
