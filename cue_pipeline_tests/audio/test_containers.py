"""No number in a header is believed: what the file holds is read, and the lie is told."""

import io
import struct

import numpy as np
import pytest
import soundfile as sf

from cue_pipeline.audio.headers import read_audio_header
from cue_pipeline_tests.audio.header_mutants import packed, read_here, sound
from cue_pipeline_tests.audio.wave_files import (
    bext_chunk,
    chunk,
    fmt_chunk,
    ixml_chunk,
    noise,
    pcm16,
    wave_bytes,
    write_audio,
)  # fmt: skip

Y = sound(6_000, 1)
RAW = packed(Y, 24)
EXPECTED = np.round(Y * (2**23 - 1)) / 2**23
FMT = fmt_chunk(bits=24)
LIST = chunk(b"LIST", b"INFOINAM\x04\0\0\0abcd")


def read(tmp_path, data, name="x.wav"):
    """Return header and samples of a file."""
    (tmp_path / name).write_bytes(data)
    header = read_audio_header(tmp_path, name)
    if header.fault:
        return header, None
    samples, damage = read_here(tmp_path, header)
    assert damage == []
    return header, samples


def promised(size, raw=RAW):
    return b"data" + struct.pack("<I", size) + raw


def raw_fmt(channels=1, rate=48_000, byte_rate=144_000, align=3, bits=24, tag=1):
    return chunk(b"fmt ", struct.pack("<HHIIHH", tag, channels, rate, byte_rate, align, bits))


WHOLE = {
    "a size that says less": wave_bytes(FMT, promised(3_000)),
    "a size that says less, before a chunk": wave_bytes(FMT, promised(3_000), LIST),
    "a size that says more, before a chunk": wave_bytes(FMT, promised(18_900), LIST),
    "a size far beyond the file, before a chunk": wave_bytes(FMT, promised(0x12345678), LIST),
    "a stream that was never finished": wave_bytes(FMT, promised(0)),
    "a stream of size -1": wave_bytes(FMT, promised(0xFFFFFFFF)),
    "a stream that a chunk follows": wave_bytes(FMT, promised(0xFFFFFFFF), LIST),
    "an odd chunk without its padding": wave_bytes(b"bext" + struct.pack("<I", 603)
                                                   + bytes(603), FMT, promised(len(RAW))),
    "a padding byte too many": wave_bytes(chunk(b"JUNK", bytes(28)), b"\0", FMT,
                                          promised(len(RAW))),
    "a junk chunk whose size leads into the samples": wave_bytes(
        b"JUNK" + struct.pack("<I", 2_000) + bytes(28), FMT, promised(len(RAW))),
    "a junk chunk whose size leads past the file": wave_bytes(
        b"JUNK" + struct.pack("<I", 0x7FFFFFF0) + bytes(28), FMT, promised(len(RAW))),
    "a format chunk whose size is wrong": wave_bytes(
        FMT[:4] + struct.pack("<I", 400) + FMT[8:], promised(len(RAW))),
    "an empty data chunk before the samples": wave_bytes(
        FMT, chunk(b"data", b""), promised(len(RAW))),
    "an empty data chunk behind the samples": wave_bytes(
        FMT, promised(len(RAW)), chunk(b"data", b"")),
    "zeros behind": wave_bytes(FMT, promised(len(RAW))) + bytes(65_536),
    "text behind": wave_bytes(FMT, promised(len(RAW))) + b"<html>Not found</html>\n" * 99,
    "noise behind": wave_bytes(FMT, promised(len(RAW))) + np.random.default_rng(0).bytes(4_096),
    "another file behind": wave_bytes(FMT, promised(len(RAW))) * 2,
    "another name of the form": wave_bytes(FMT, promised(len(RAW))).replace(b"RIFF", b"RIFE", 1),
    "RF64 without its ds64": wave_bytes(FMT, promised(0xFFFFFFFF), magic=b"RF64"),
    "RF64 whose ds64 says -1": wave_bytes(
        chunk(b"ds64", b"\xff" * 28), FMT, promised(0xFFFFFFFF), magic=b"RF64"),
    "RF64 whose ds64 says 0": wave_bytes(
        chunk(b"ds64", bytes(28)), FMT, promised(0xFFFFFFFF), magic=b"RF64"),
    "a block size of one channel more": wave_bytes(raw_fmt(align=6), promised(len(RAW))),
    "a block size of zero": wave_bytes(raw_fmt(align=0), promised(len(RAW))),
    "bits that are none": wave_bytes(raw_fmt(bits=0), promised(len(RAW))),
    "16 bits in blocks of three bytes": wave_bytes(raw_fmt(bits=16), promised(len(RAW))),
    "two channels in blocks of one": wave_bytes(raw_fmt(channels=2), promised(len(RAW))),
    "a rate that its bytes per second deny": wave_bytes(raw_fmt(rate=1), promised(len(RAW))),
    "a rate of zero": wave_bytes(raw_fmt(rate=0), promised(len(RAW))),
    "a codec's tag over plain samples": wave_bytes(raw_fmt(tag=2), promised(len(RAW))),
    "an unknown tag over plain samples": wave_bytes(raw_fmt(tag=0x101), promised(len(RAW))),
    "two formats that differ": wave_bytes(FMT, fmt_chunk(2), promised(len(RAW))),
}  # fmt: skip


@pytest.mark.parametrize("data", WHOLE.values(), ids=WHOLE)
def test_a_wave_file_with_a_wrong_number_is_read_whole_and_told(tmp_path, data):
    header, samples = read(tmp_path, data)
    assert header.fault is None
    np.testing.assert_array_equal(samples, EXPECTED.astype(np.float32))
    assert header.sample_rate == 48_000
    assert header.warnings
    assert all(w.startswith("'x.wav'") and w.endswith(".") for w in header.warnings)


SOUND = {
    "chunks in front": wave_bytes(chunk(b"JUNK", bytes(28)), chunk(b"PAD ", bytes(7)),
                                  chunk(b"FLLR", bytes(4_000)), LIST, FMT, promised(len(RAW))),
    "chunks behind": wave_bytes(FMT, promised(len(RAW)), LIST, chunk(b"id3 ", b"ID3abc")),
    "unknown chunks": wave_bytes(chunk(b"abcd", b"1"), FMT, promised(len(RAW)),
                                 chunk(b"zyxw", b"")),
    "samples before the format": wave_bytes(promised(len(RAW)), FMT),
    "a wrong size of the whole": wave_bytes(FMT, promised(len(RAW)))[:4] + b"\xff\xff\xff\xff"
                                 + wave_bytes(FMT, promised(len(RAW)))[8:],
    "bytes per second left empty": wave_bytes(raw_fmt(byte_rate=0), promised(len(RAW))),
    "20 bits in 24": wave_bytes(raw_fmt(bits=20), promised(len(RAW))),
    "BW64": wave_bytes(chunk(b"ds64", struct.pack("<QQQI", 0, len(RAW), 0, 0)), FMT,
                       promised(0xFFFFFFFF), magic=b"BW64"),
}  # fmt: skip


@pytest.mark.parametrize("data", SOUND.values(), ids=SOUND)
def test_a_sound_wave_file_is_read_without_a_word(tmp_path, data):
    header, samples = read(tmp_path, data)
    assert header.fault is None
    assert header.warnings == ()
    np.testing.assert_array_equal(samples, EXPECTED.astype(np.float32))


@pytest.mark.parametrize(
    "front",
    [b"ID3\3\0\0\0\0\0\x0a" + bytes(10), b"\xef\xbb\xbf", bytes(65_536), b"HTTP/1.1 200\n\n"],
)
def test_bytes_in_front_of_a_header_are_passed_over_and_told(tmp_path, front):
    header, samples = read(tmp_path, front + wave_bytes(FMT, promised(len(RAW))))
    assert f"{len(front)} other bytes stand in front" in header.warnings[0]
    np.testing.assert_array_equal(samples, EXPECTED.astype(np.float32))


def test_samples_of_more_than_4_gib_are_not_taken_for_the_rest_of_their_size(tmp_path):
    size = (1 << 32) + len(RAW)
    head = b"RIFF\0\0\0\0WAVE" + FMT + b"data" + struct.pack("<I", len(RAW))
    with (tmp_path / "x.wav").open("wb") as f:
        f.write(head + packed(sound(12_000, 1), 24))
        f.truncate(len(head) + size)  # sparse: takes no disk
    header = read_audio_header(tmp_path, "x.wav")
    assert header.frames == size // 3
    assert "cut to 32 bits" in header.warnings[0]


@pytest.mark.parametrize("ending", [b"", LIST])
def test_a_wave64_whose_sizes_leave_out_their_heads_is_read_whole(tmp_path, ending):
    held = io.BytesIO()
    sf.write(held, Y, 48_000, format="W64", subtype="PCM_24")
    data = bytearray(held.getvalue())
    at = data.index(b"data") + 16
    data[at : at + 8] = struct.pack("<Q", struct.unpack_from("<Q", data, at)[0] - 24)
    header, samples = read(tmp_path, bytes(data), "x.w64")
    np.testing.assert_array_equal(samples, sf.read(io.BytesIO(held.getvalue()), dtype="float32",
                                                   always_2d=True)[0])  # fmt: skip
    assert header.warnings


def aiff(channels=1, frames=6_000, bits=24, raw=None, offset=0, size=None, coding=None, rate=None):
    raw = packed(Y, 24, ">") if raw is None else raw
    common = struct.pack(">HIH", channels, frames, bits)
    common += struct.pack(">HQ", 16383 + 15, 48_000 << 48) if rate is None else rate
    common += b"" if coding is None else coding + b"\0\0"
    samples = struct.pack(">II", offset, 0) + bytes(offset) + raw
    size = len(samples) if size is None else size
    body = b"AIFF" if coding is None else b"AIFC"
    body += b"COMM" + struct.pack(">I", len(common)) + common
    body += b"SSND" + struct.pack(">I", size) + samples
    return b"FORM" + struct.pack(">I", len(body)) + body


AIFFS = {
    "a count that says less": aiff(frames=100),
    "a count that says more": aiff(frames=100_000),
    "a size that says less": aiff(size=1_000),
    "a size of zero": aiff(size=0),
    "a size of -1": aiff(size=0xFFFFFFFF),
    "little-endian samples that are called big-endian": aiff(raw=packed(Y, 24, "<")),
    "samples called 16 bits": aiff(bits=16),
    "channels that do not fit the count": aiff(channels=3),
}


@pytest.mark.parametrize("data", AIFFS.values(), ids=AIFFS)
def test_an_aiff_file_with_a_wrong_number_is_read_whole_and_told(tmp_path, data):
    header, samples = read(tmp_path, data, "x.aif")
    assert header.warnings
    np.testing.assert_array_equal(samples, EXPECTED.astype(np.float32))


@pytest.mark.parametrize(
    ("coding", "order", "bits"),
    [(b"sowt", "<", 24), (b"sowt", "<", 16), (b"twos", ">", 16), (b"NONE", ">", 24),
     (b"in24", ">", 24), (b"42ni", "<", 24), (b"fl32", ">", 32), (b"FL32", ">", 32)],
)  # fmt: skip
def test_codings_of_aifc_are_read_as_libsndfile_reads_them(tmp_path, coding, order, bits):
    data = aiff(coding=coding, bits=bits, raw=packed(Y, bits, order), offset=0)
    header, samples = read(tmp_path, data, "x.aifc")
    assert header.warnings == ()
    if coding != b"NONE" or bits == 24:
        scale = 1 if bits == 32 else 2 ** (bits - 1)
        whole = Y if bits == 32 else np.round(Y * (scale - 1)) / scale
        np.testing.assert_array_equal(samples, whole.astype(np.float32))


def test_samples_of_an_aiff_file_begin_where_their_offset_says(tmp_path):
    header, samples = read(tmp_path, aiff(offset=512), "x.aif")
    assert header.warnings == ()
    np.testing.assert_array_equal(samples, EXPECTED.astype(np.float32))


def caf(size=None, flags=2, raw=RAW, packet=3, channels=1, bits=24, behind=b""):
    desc = struct.pack(">d4sIIIII", 48_000, b"lpcm", flags, packet, 1, channels, bits)
    size = len(raw) + 4 if size is None else size
    return (b"caff\0\1\0\0" + b"desc" + struct.pack(">q", 32) + desc
            + b"data" + struct.pack(">q", size) + bytes(4) + raw + behind)  # fmt: skip


def test_a_caf_file_may_leave_the_size_of_its_samples_open(tmp_path):
    header, samples = read(tmp_path, caf(size=-1), "x.caf")
    assert header.warnings == ()
    np.testing.assert_array_equal(samples, EXPECTED.astype(np.float32))


CAFS = {
    "a size that says less": caf(size=1_000),
    "a size that says more, before a chunk": caf(
        size=40_000, behind=b"free" + struct.pack(">q", 5) + b"abcde"),
    "a size below zero": caf(size=-77),
    "big-endian by its flags": caf(flags=0),
    "two channels in packets of one": caf(channels=2),
    "16 bits in packets of three bytes": caf(bits=16),
}  # fmt: skip


@pytest.mark.parametrize("data", CAFS.values(), ids=CAFS)
def test_a_caf_file_with_a_wrong_number_is_read_whole_and_told(tmp_path, data):
    header, samples = read(tmp_path, data, "x.caf")
    assert header.warnings
    np.testing.assert_array_equal(samples, EXPECTED.astype(np.float32))


def flac_with(tmp_path, total):
    path = write_audio(tmp_path / "x.flac", noise(60_000, 2))
    data = bytearray(path.read_bytes())
    whole = sf.read(path, dtype="float32", always_2d=True)[0]
    packed_fields = int.from_bytes(data[18:26], "big") >> 36 << 36 | total
    data[18:26] = packed_fields.to_bytes(8, "big")
    return bytes(data), whole


@pytest.mark.parametrize("total", [1, 4_096, 59_999])
def test_a_flac_file_that_counts_too_few_samples_is_read_whole_and_told(tmp_path, total):
    data, whole = flac_with(tmp_path, total)
    header, samples = read(tmp_path, data, "x.flac")
    assert header.frames == 60_000
    np.testing.assert_array_equal(samples, whole)
    assert f"counts {total} samples" in header.warnings[0]


def test_a_flac_stream_without_a_count_is_read_whole(tmp_path):
    data, whole = flac_with(tmp_path, 0)
    header, samples = read(tmp_path, data, "x.flac")
    assert header.warnings == ()
    np.testing.assert_array_equal(samples, whole)


def test_a_flac_file_that_counts_more_samples_than_it_has_is_cut_short(tmp_path):
    data, whole = flac_with(tmp_path, 90_000)
    header, samples = read(tmp_path, data, "x.flac")
    np.testing.assert_array_equal(samples, whole)
    assert "promises 90000 samples, 60000 are there" in header.warnings[0]


@pytest.mark.parametrize("shift", [44, 41, 36], ids=["rate", "channels", "bits"])
def test_a_flac_files_frames_are_believed_before_its_header(tmp_path, shift):
    path = write_audio(tmp_path / "x.flac", noise(60_000, 2))
    data = bytearray(path.read_bytes())
    whole = sf.read(path, dtype="float32", always_2d=True)[0]
    data[18:26] = (int.from_bytes(data[18:26], "big") ^ 1 << shift).to_bytes(8, "big")
    header, samples = read(tmp_path, bytes(data), "x.flac")
    assert (header.sample_rate, header.channels) == (48_000, 2)
    np.testing.assert_array_equal(samples, whole)
    assert header.warnings


def test_a_time_reference_of_all_ones_fails_no_file(tmp_path):
    header, samples = read(tmp_path, wave_bytes(bext_chunk(2**64 - 1), FMT, promised(len(RAW))))
    assert header.fault is None
    assert len(samples) == 6_000


def test_ixml_is_read_in_encodings_that_it_does_not_declare(tmp_path):
    text = ixml_chunk(["Flöte.L", "Flöte.R"])[8:].rstrip(b"\0").decode()
    for encoded in (text.encode("latin-1"), text.encode("utf-8"), b"\0\0" + text.encode(),
                    text.replace("UTF-8", "UTF-99").encode()):  # fmt: skip
        header, _ = read(tmp_path, wave_bytes(fmt_chunk(2), chunk(b"iXML", encoded),
                                              chunk(b"data", pcm16(Y))))  # fmt: skip
        assert header.track_names == ("Flöte.L", "Flöte.R")
        assert header.labels == ("L", "R")


def test_rows_of_chna_are_read_as_the_standard_lays_them_out(tmp_path):
    row = struct.pack("<H12s14s11sx", 1, b"ATU_00000001", b"AT_00010001_01", b"AP_00010002")
    spare = struct.pack("<H12s14s11sx", 0, b"", b"", b"")
    chna = chunk(b"chna", struct.pack("<HH", 1, 1) + row + spare)
    header, _ = read(tmp_path, wave_bytes(FMT, chna, promised(len(RAW))))
    (track,) = header.contents.adm_tracks
    assert (track.track_index, track.track_uid) == (1, "ATU_00000001")
    assert (track.track_format, track.pack_format) == ("AT_00010001_01", "AP_00010002")


@pytest.mark.parametrize("n", [1, 3, 4, 11, 12, 19, 20, 35, 43, 44, 45])
def test_a_file_that_ends_within_its_header_has_a_fault_of_its_own(tmp_path, n):
    header, _ = read(tmp_path, wave_bytes(FMT, promised(len(RAW)))[:n])
    assert header.fault is not None or header.warnings


def test_a_rate_that_ixml_contradicts_is_told(tmp_path):
    def said(rate):
        text = f"<BWFXML><SPEED><FILE_SAMPLE_RATE>{rate}</FILE_SAMPLE_RATE></SPEED></BWFXML>"
        data = wave_bytes(FMT, chunk(b"iXML", text.encode()), chunk(b"data", RAW))
        return read(tmp_path, data)[0]

    assert "48000 Hz, and its iXML 96000 Hz: taken as 48000 Hz" in said(96_000).warnings[0]
    assert said(48_000).warnings == said(0).warnings == ()
