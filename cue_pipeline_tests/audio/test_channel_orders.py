"""Which channel of an interleaved file is which: by chunks of Apple, ADM, iXML, masks and GUIDs.

Expected orders are those of Apple's ``CoreAudioBaseTypes.h``, of ITU-R BS.2094 and BS.2076, of
FuMa's B format, and libsndfile's own reading of the same bytes.
"""

import shutil
import struct
import subprocess

import numpy as np
import pytest
import soundfile as sf

from cue_pipeline.audio.core_audio import labels_of_chan
from cue_pipeline.audio.headers import read_audio_header
from cue_pipeline.audio.layouts import MASKS_BY_NAME, ORDERS_BY_COUNT, labels_of_mask
from cue_pipeline_tests.audio.wave_files import (
    chunk,
    fmt_chunk,
    inventory_of,
    ixml_chunk,
    noise,
    pcm16,
    write_wave,
)

SMPTE = "L R C LFE Ls Rs"
FILM = "L C R Ls Rs LFE"


def layout(tag, bitmap=0, labels=()):
    """Return an AudioChannelLayout with a tag, a bitmap or descriptions."""
    rows = b"".join(struct.pack(">IIfff", label, 0, 0.0, 0.0, 0.0) for label in labels)
    return struct.pack(">III", tag, bitmap, len(labels)) + rows


def caf_bytes(y, chan):
    def part(name, payload):
        return name + struct.pack(">q", len(payload)) + payload

    channels = y.shape[1]
    desc = struct.pack(">d4sIIIII", 48_000, b"lpcm", 2, channels * 2, 1, channels, 16)
    parts = part(b"desc", desc) + (part(b"chan", chan) if chan else b"")
    data = (y * 32767).astype("<i2").tobytes()
    return b"caff" + struct.pack(">HH", 1, 0) + parts + part(b"data", b"\0\0\0\0" + data)


def aiff_bytes(y, chan, *, first=b""):
    def part(name, payload):
        return name + struct.pack(">I", len(payload)) + payload + b"\0" * (len(payload) & 1)

    rate = struct.pack(">HQ", 16383 + 15, 48_000 << (63 - 15))
    common = part(b"COMM", struct.pack(">HIH", y.shape[1], len(y), 16) + rate)
    data = struct.pack(">II", 0, 0) + (y * 32767).astype(">i2").tobytes()
    body = b"AIFF" + first + common + (part(b"CHAN", chan) if chan else b"") + part(b"SSND", data)
    return b"FORM" + struct.pack(">I", len(body)) + body


# As the comments of Apple's header have them, its Rls, Vhl, Lsd in our words.
APPLE = [
    (113, "L R C"), (114, "C L R"), (108, "L R Ls Rs"), (117, "L R C Ls Rs"), (118, "L R Ls Rs C"),
    (119, "L C R Ls Rs"), (120, "C L R Ls Rs"), (121, SMPTE), (122, "L R Ls Rs C LFE"),
    (123, FILM), (124, "C L R Ls Rs LFE"), (125, "L R C LFE Ls Rs Cs"),
    (126, "L R C LFE Ls Rs Lc Rc"), (127, "C Lc Rc L R Ls Rs LFE"),
    (128, "L R C LFE Lss Rss Lsr Rsr"), (133, "L R LFE"), (138, "L R Ls Rs LFE"),
    (150, "L C R"), (189, "L R C LFE Lsr Rsr Lss Rss"), (107, "W X Y Z"),
    (192, "L R C LFE Lss Rss Lsr Rsr Ltf Rtf Ltr Rtr"), (194, "L R C LFE Ls Rs Ltm Rtm"),
]  # fmt: skip


@pytest.mark.parametrize("write", [caf_bytes, aiff_bytes])
@pytest.mark.parametrize(("number", "labels"), APPLE)
def test_apples_layout_chunk_names_the_channels(tmp_path, write, number, labels):
    count = len(labels.split())
    path = tmp_path / ("MX.caf" if write is caf_bytes else "MX.aif")
    path.write_bytes(write(noise(100, count), layout(number << 16 | count)))
    header = read_audio_header(tmp_path, path.name)
    assert (header.fault, header.warnings) == (None, ())
    assert (" ".join(header.labels), header.labels_from) == (labels, "chan")


@pytest.mark.parametrize(("number", "labels"), [row for row in APPLE if row[0] in {121, 123, 119}])
def test_libsndfile_reads_the_same_order_from_an_aiff(tmp_path, number, labels):
    words = labels.split()
    path = tmp_path / "MX.aif"
    path.write_bytes(aiff_bytes(noise(100, len(words)), layout(number << 16 | len(words))))
    # sndfile.h: SF_CHANNEL_MAP_LEFT = 2 …; surrounds are 'rear' to libsndfile.
    of_sndfile = {2: "L", 3: "R", 4: "C", 9: "Ls", 10: "Rs", 11: "LFE"}
    with sf.SoundFile(path) as sound:
        found = sf._ffi.new("int[]", sound.channels)
        told = sf._snd.sf_command(sound._file, 0x1100, found, 4 * sound.channels)
    if not told:
        pytest.skip("this libsndfile does not know the tag")
    assert [of_sndfile[n] for n in found] == words


def test_apples_layout_may_be_a_bitmap_or_descriptions():
    assert labels_of_chan(layout(1 << 16, bitmap=0x3F), 6) == tuple(SMPTE.split())
    described = layout(0, labels=(3, 1, 2, 5, 6, 4))
    assert labels_of_chan(described, 6) == ("C", "L", "R", "Ls", "Rs", "LFE")
    assert labels_of_chan(layout(0, labels=(200, 201, 202, 203)), 4) == ("W", "X", "Y", "Z")
    ambix = layout(0, labels=[(2 << 16) + n for n in range(4)])
    assert labels_of_chan(ambix, 4) == ("W", "Y", "Z", "X")
    assert labels_of_chan(layout(190 << 16 | 9), 9) == tuple(f"ACN{n}" for n in range(9))


@pytest.mark.parametrize(
    "payload",
    [b"", b"\0" * 11, layout(121 << 16 | 6)[:-4], layout(120 << 16 | 5), layout(999 << 16 | 6),
     layout(0, labels=(1, 1, 2, 3, 4, 5)), layout(0, labels=(1, 2, 100, 4, 5, 6)),
     struct.pack(">III", 0, 0, 2**32 - 1), layout(1 << 16, bitmap=0x7)],
)  # fmt: skip
def test_a_layout_chunk_that_fits_no_six_channels_is_not_believed(payload):
    assert labels_of_chan(payload, 6) is None


@pytest.mark.parametrize("chan", [layout(120 << 16 | 5), layout(999 << 16 | 6)])
def test_a_layout_chunk_of_another_number_is_told(tmp_path, chan):
    (tmp_path / "MX.caf").write_bytes(caf_bytes(noise(100, 6), chan))
    (group,) = inventory_of(tmp_path).groups
    assert group.grouping["layout_from"] == "count"
    assert "fits no 6 channels" in group.warnings[0]
    assert "nothing says which is which" in group.warnings[1]


def test_a_chunk_of_a_layout_that_says_nothing_leaves_the_order_open(tmp_path):
    (tmp_path / "MX.caf").write_bytes(caf_bytes(noise(100, 6), layout(147 << 16 | 6)))
    (group,) = inventory_of(tmp_path).groups
    assert len(group.warnings) == 1
    assert "nothing says which is which" in group.warnings[0]


def test_a_mono_file_of_apples_is_mono_whatever_its_label(tmp_path):
    (tmp_path / "VLN.caf").write_bytes(caf_bytes(noise(100), layout(0, labels=(1,))))
    assert read_audio_header(tmp_path, "VLN.caf").labels == ("M",)


# --- WAVE: masks, GUIDs -------------------------------------------------------------------------


@pytest.mark.parametrize("mask", [0x1, 0x2, 0x4, 0x8, 0x10, 0x3, 0x3F, 0x80000000, 0xFFFFFFFF])
def test_a_mono_file_with_a_mask_is_mono(tmp_path, mask):
    write_wave(tmp_path / "VLN.wav", fmt_chunk(mask=mask), chunk(b"data", pcm16(np.zeros(60))))
    (group,) = inventory_of(tmp_path).groups
    assert (group.layout, group.channels[0].label, group.warnings) == ("mono", "M", ())


def test_no_mask_names_two_channels_alike():
    for mask in range(1 << 11):  # up to the sides
        labels = labels_of_mask(mask, mask.bit_count())
        assert labels is None or len(set(labels)) == len(labels)


@pytest.mark.parametrize("mask", [0x3, 0x30, 0x600, 0xC0, 0x5000])
def test_a_pair_of_any_left_and_right_is_stereo(tmp_path, mask):
    write_wave(
        tmp_path / "VLN.wav", fmt_chunk(channels=2, mask=mask), chunk(b"data", pcm16(np.zeros(60)))
    )
    (group,) = inventory_of(tmp_path).groups
    assert (group.layout, group.warnings) == ("stereo", ())


def test_a_mask_of_another_number_is_told(tmp_path):
    write_wave(
        tmp_path / "MX.wav", fmt_chunk(channels=6, mask=0x3), chunk(b"data", pcm16(np.zeros(60)))
    )
    (group,) = inventory_of(tmp_path).groups
    assert "channel mask 0x3 names 2 loudspeakers for 6 channels" in group.warnings[0]
    assert "nothing says which is which" in group.warnings[1]


@pytest.mark.parametrize(("mask", "channels"), [(0xC, 2), (0x103, 3), (0x33 | 0x100, 5)])
def test_interleaved_channels_that_lack_some_of_every_layout_make_none(tmp_path, mask, channels):
    write_wave(
        tmp_path / "MX.wav",
        fmt_chunk(channels=channels, mask=mask),
        chunk(b"data", pcm16(np.zeros(10 * channels))),
    )
    (group,) = inventory_of(tmp_path).groups
    assert group.layout == f"{channels} discrete"
    assert group.missing == ()


def b_format(channels, tag=1):
    guid = struct.pack("<I", tag) + bytes.fromhex("2107d3118644c8c1ca000000")
    head = struct.pack("<HHIIHH", 0xFFFE, channels, 48_000, 96_000 * channels, 2 * channels, 16)
    return chunk(b"fmt ", head + struct.pack("<HHI", 22, 16, 0) + guid)


@pytest.mark.parametrize(
    ("channels", "labels"),
    [(3, "W X Y"), (4, "W X Y Z"),
     (9, "ACN0 ACN3 ACN1 ACN2 ACN6 ACN7 ACN5 ACN8 ACN4")],
)  # fmt: skip
def test_an_ambisonic_guid_is_no_lcrs(tmp_path, channels, labels):
    write_wave(tmp_path / "A.wav", b_format(channels), chunk(b"data", pcm16(np.zeros(36))))
    header = read_audio_header(tmp_path, "A.wav")
    assert header.fault is None
    assert " ".join(header.labels) == labels
    (group,) = inventory_of(tmp_path).groups
    assert group.layout == "ambisonic"
    assert "no mono mix of it" in group.warnings[0]


def flac_with(path, y, comment):
    """Write a FLAC file with one Vorbis comment, its block put in front of libsndfile's own."""
    sf.write(path, y, 48_000, subtype="PCM_16", format="FLAC")
    data = path.read_bytes()
    text = comment.encode()
    block = struct.pack("<I", 0) + struct.pack("<II", 1, len(text)) + text
    info_end = 4 + 4 + 34  # fLaC, STREAMINFO
    head = bytes([4]) + len(block).to_bytes(3, "big")
    path.write_bytes(data[:info_end] + head + block + data[info_end:])


@pytest.mark.parametrize(
    ("comment", "labels", "known_from"),
    [("WAVEFORMATEXTENSIBLE_CHANNEL_MASK=0x00F", "L R C LFE", "mask"),
     ("waveformatextensible_channel_mask=0x603", "L R Ls Rs", "mask"),
     ("WAVEFORMATEXTENSIBLE_CHANNEL_MASK=0x0", "L C R S", "count"),
     ("TITLE=Strings", "L R Ls Rs", "format")],
)  # fmt: skip
def test_a_mask_in_flacs_comments_wins_over_flacs_order(tmp_path, comment, labels, known_from):
    flac_with(tmp_path / "MX.flac", noise(100, 4), comment)
    header = read_audio_header(tmp_path, "MX.flac")
    assert header.fault is None
    assert (" ".join(header.labels), header.labels_from) == (labels, known_from)


# --- iXML ---------------------------------------------------------------------------------------


def interleaved(path, *chunks, channels=6, mask=None):
    return write_wave(
        path, fmt_chunk(channels=channels, mask=mask), *chunks,
        chunk(b"data", pcm16(np.zeros(10 * channels))),
    )  # fmt: skip


def test_ixml_and_mask_that_contradict_each_other_are_told(tmp_path):
    interleaved(tmp_path / "MX.wav", ixml_chunk(FILM.split()), mask=0x3F)
    (group,) = inventory_of(tmp_path).groups
    assert group.grouping["layout_from"] == "ixml"
    assert [c.index for c in group.channels] == [0, 1, 2, 3, 4, 5]
    (warning,) = group.warnings
    assert f"{FILM} by its iXML, and {SMPTE} by its channel mask" in warning


@pytest.mark.parametrize("mask", [0x3F, 0x60F, None])
def test_ixml_and_mask_that_agree_are_no_news(tmp_path, mask):
    interleaved(tmp_path / "MX.wav", ixml_chunk(SMPTE.split()), mask=mask)
    (group,) = inventory_of(tmp_path).groups
    assert group.warnings == ()


def functions(*words):
    tracks = "".join(
        f"<TRACK><CHANNEL_INDEX>{i}</CHANNEL_INDEX><INTERLEAVE_INDEX>{i}</INTERLEAVE_INDEX>"
        f"<NAME>Strings</NAME><FUNCTION>{word}</FUNCTION></TRACK>"
        for i, word in enumerate(words, 1)
    )
    return chunk(b"iXML", f"<BWFXML><TRACK_LIST>{tracks}</TRACK_LIST></BWFXML>".encode())


@pytest.mark.parametrize(
    ("words", "layout_name"),
    [("L-5.1 C-5.1 R-5.1 Ls-5.1 Rs-5.1 LFE-5.1", "5.1"), ("L-LCRS C-LCRS R-LCRS S-LCRS", "lcrs"),
     ("LEFT RIGHT", "stereo"), ("M-MID_SIDE S-MID_SIDE", "mid-side")],
)  # fmt: skip
def test_ixmls_functions_are_roles(tmp_path, words, layout_name):
    tracks = words.split()
    interleaved(tmp_path / "MX.wav", functions(*tracks), channels=len(tracks))
    (group,) = inventory_of(tmp_path).groups
    assert (group.layout, group.grouping["layout_from"]) == (layout_name, "ixml")


def test_sources_in_one_file_are_no_layout(tmp_path):
    interleaved(tmp_path / "T01.wav", ixml_chunk(["Vln", "Vla", "Cello", "Room"]), channels=4)
    (group,) = inventory_of(tmp_path).groups
    assert group.layout == "4 discrete"
    assert "'Vln', 'Vla', 'Cello', 'Room'" in group.warnings[0]


@pytest.mark.parametrize(
    "names", [["Audio 1"] * 4, ["1", "2", "3", "4"], ["STR.A1", "STR.A2", "STR.A3", "STR.A4"],
              ["Track 1", "Track 2", "Track 3", "Track 4"]],
)  # fmt: skip
def test_names_that_only_count_say_nothing(tmp_path, names):
    interleaved(tmp_path / "T01.wav", ixml_chunk(names), channels=4)
    (group,) = inventory_of(tmp_path).groups
    assert group.grouping["layout_from"] == "count"
    assert "nothing says which is which" in group.warnings[0]


@pytest.mark.parametrize(
    ("names", "doubted"),
    [(["Boom", "Lav 1"], True), (["Vln", "Vla"], True), (["Track 1", "Track 2"], False),
     (["VLN 1", "VLN 2"], False), (["Pno", "Pno"], False), (["Out L", "Out R"], False)],
)  # fmt: skip
def test_two_sources_in_one_file_are_doubted_as_left_and_right(tmp_path, names, doubted):
    interleaved(tmp_path / "T01.wav", ixml_chunk(names), channels=2)
    (group,) = inventory_of(tmp_path).groups
    assert [c.label for c in group.channels] == ["L", "R"]
    assert any("taken as left and right" in text for text in group.warnings) == doubted


def test_a_boom_beside_a_left_channel_is_no_lfe(tmp_path):
    interleaved(tmp_path / "T01.wav", ixml_chunk(["L", "Boom"]), channels=2)
    (group,) = inventory_of(tmp_path).groups
    assert [c.label for c in group.channels] == ["L", "R"]
    assert group.grouping["layout_from"] == "count"


# --- ADM ----------------------------------------------------------------------------------------


def chna_chunk(references, first=1):
    rows = b"".join(
        struct.pack("<H12s14s11sx", i, f"ATU_{i:08x}".encode(), ref.encode(), b"AP_00010003")
        for i, ref in enumerate(references, first)
    )
    return chunk(b"chna", struct.pack("<HH", len(references), len(references)) + rows)


def common(*numbers):
    return [f"AT_0001{n:04x}_01" for n in numbers]


# BS.2094: 1 FrontLeft, 2 FrontRight, 3 FrontCentre, 4 LFE, 5/6 Surround, a/b Side, 1c/1d BackMid,
# d/f TopFront, 10/12 TopSurround, 22/23 TopFrontMid, 1e/1f TopBackMid.
COMMON = [
    ((1, 2, 3, 4, 5, 6), SMPTE),
    ((1, 3, 2, 5, 6, 4), FILM),
    ((1, 2, 3, 4, 0xA, 0xB, 0x1C, 0x1D), "L R C LFE Lss Rss Lsr Rsr"),
    ((1, 2, 3, 4, 5, 6, 0xD, 0xF, 0x10, 0x12), f"{SMPTE} Ltf Rtf Ltr Rtr"),
    ((1, 2, 3, 4, 0xA, 0xB, 0x1C, 0x1D, 0x22, 0x23, 0x1E, 0x1F),
     "L R C LFE Lss Rss Lsr Rsr Ltf Rtf Ltr Rtr"),
]  # fmt: skip


@pytest.mark.parametrize(("numbers", "labels"), COMMON)
def test_adms_common_definitions_name_the_channels(tmp_path, numbers, labels):
    interleaved(tmp_path / "MX.wav", chna_chunk(common(*numbers)), channels=len(numbers))
    header = read_audio_header(tmp_path, "MX.wav")
    assert (" ".join(header.labels), header.labels_from) == (labels, "chna")
    assert header.warnings == ()


AXML = """<?xml version="1.0" encoding="UTF-8"?><ebuCoreMain xmlns="urn:ebu:metadata-schema:ebuCore_2016">
<coreMetadata><format><audioFormatExtended>{channels}{streams}</audioFormatExtended></format></coreMetadata>
</ebuCoreMain>"""  # noqa: E501


def axml_chunk(speakers, cut=0):
    channels = "".join(
        f'<audioChannelFormat audioChannelFormatID="AC_0001{0x1001 + i:04x}" '
        f'audioChannelFormatName="RoomCentric" typeLabel="0001"><audioBlockFormat>'
        f"<speakerLabel>{speaker}</speakerLabel></audioBlockFormat></audioChannelFormat>"
        for i, speaker in enumerate(speakers)
    )
    # Tracks refer to channels by way of streams, here in reverse order.
    n = len(speakers)
    streams = "".join(
        f'<audioTrackFormat audioTrackFormatID="AT_0001{0x1001 + i:04x}_01">'
        f"<audioStreamFormatIDRef>AS_0001{0x1001 + i:04x}</audioStreamFormatIDRef>"
        f'</audioTrackFormat><audioStreamFormat audioStreamFormatID="AS_0001{0x1001 + i:04x}">'
        f"<audioChannelFormatIDRef>AC_0001{0x1001 + n - 1 - i:04x}</audioChannelFormatIDRef>"
        "</audioStreamFormat>"
        for i in range(n)
    )
    text = AXML.format(channels=channels, streams=streams).encode()
    return chunk(b"axml", text[: len(text) - cut])


@pytest.mark.parametrize(
    "speakers",
    [["RC_LFE", "RC_Rs", "RC_Ls", "RC_C", "RC_R", "RC_L"],
     ["LFE1", "M-110", "M+110", "M+000", "M-030", "M+030"],
     ["urn:itu:bs:2051:0:speaker:LFE", "urn:itu:bs:2051:0:speaker:M-110",
      "urn:itu:bs:2051:0:speaker:M+110", "urn:itu:bs:2051:0:speaker:M+000",
      "urn:itu:bs:2051:0:speaker:M-030", "urn:itu:bs:2051:0:speaker:M+030"]],
)  # fmt: skip
def test_adms_own_definitions_are_followed(tmp_path, speakers):
    tracks = common(*range(0x1001, 0x1007))
    interleaved(tmp_path / "MX.wav", chna_chunk(tracks), axml_chunk(speakers))
    header = read_audio_header(tmp_path, "MX.wav")
    assert (" ".join(header.labels), header.labels_from) == ("L R C Ls Rs LFE", "chna")


def test_objects_are_no_layout(tmp_path):
    tracks = [*common(1, 2), "AT_00031001_01", "AT_00031002_01"]
    interleaved(tmp_path / "MX.wav", chna_chunk(tracks), channels=4)
    (group,) = inventory_of(tmp_path).groups
    assert group.layout == "4 discrete"
    assert [c.label for c in group.channels] == ["L", "R", "3", "4"]


def test_adm_of_ambisonics_is_ambisonic(tmp_path):
    tracks = [f"AT_0004{n:04x}_01" for n in range(1, 5)]
    interleaved(tmp_path / "MX.wav", chna_chunk(tracks), channels=4)
    (group,) = inventory_of(tmp_path).groups
    assert group.layout == "ambisonic"
    at = {c.index: c.label for c in group.channels}
    assert [at[i] for i in range(4)] == ["W", "Y", "Z", "X"]


@pytest.mark.parametrize(
    "chunks",
    [[chunk(b"chna", b"")], [chunk(b"chna", b"\xff" * 50)], [chna_chunk(common(1, 2))],
     [chna_chunk(common(1, 2, 3, 4, 5, 6), first=0)], [chna_chunk(["garbage"] * 6)],
     [chna_chunk(common(*range(0x1001, 0x1007))), axml_chunk(["RC_L"] * 6)]],
)  # fmt: skip
def test_an_adm_that_does_not_speak_of_every_channel_is_not_believed(tmp_path, chunks):
    interleaved(tmp_path / "MX.wav", *chunks)
    (group,) = inventory_of(tmp_path).groups
    assert group.grouping["layout_from"] == "count"
    assert "nothing says which is which" in group.warnings[-1]


@pytest.mark.parametrize(
    "document", [b'<?xml version="1.0" encoding="nonsense"?><a/>', b"<!ENTITY x 'y'>", b"\xff" * 99,
                 b'<?xml version="1.0" encoding="utf-32"?><a/>', b""],
)  # fmt: skip
def test_a_damaged_axml_fails_no_file(tmp_path, document):
    tracks = chna_chunk(common(*range(0x1001, 0x1007)))
    interleaved(tmp_path / "MX.wav", tracks, chunk(b"axml", document))
    (group,) = inventory_of(tmp_path).groups
    assert group.layout == "6 discrete"


def test_an_axml_cut_short_is_read_as_far_as_it_goes(tmp_path):
    tracks = chna_chunk(common(*range(0x1001, 0x1007)))
    speakers = ["RC_L", "RC_R", "RC_C", "RC_LFE", "RC_Ls", "RC_Rs"]
    interleaved(tmp_path / "MX.wav", tracks, axml_chunk(speakers, cut=1_500))
    assert " ".join(read_audio_header(tmp_path, "MX.wav").labels) == SMPTE


# --- orders -------------------------------------------------------------------------------------


def test_smpte_order_is_that_of_waves_mask_where_there_is_a_mask_for_it():
    for count, mask in ((3, 0x7), (5, 0x37), (6, 0x3F)):
        assert ORDERS_BY_COUNT["smpte"][count] == labels_of_mask(mask, count)
    assert " ".join(ORDERS_BY_COUNT["smpte"][8]) == "L R C LFE Lss Rss Lsr Rsr"
    for count, labels in ORDERS_BY_COUNT["film"].items():
        assert set(ORDERS_BY_COUNT["smpte"][count]) == set(labels)


@pytest.mark.parametrize(
    ("name", "labels"),
    [("MX_LRCLFELsRs", SMPTE), ("MX_LRCLfeLsRs", SMPTE), ("1m02 MX (L-C-R-Ls-Rs-LFE) v2", FILM),
     ("MX 5.1 SMPTE", SMPTE), ("L R C LFE Ls Rs", SMPTE)],
)  # fmt: skip
@pytest.mark.parametrize("setting", [{}, {"interleaved_order": "film"}])
def test_an_order_that_the_name_spells_out_is_taken(tmp_path, name, labels, setting):
    interleaved(tmp_path / f"{name}.wav")
    (group,) = inventory_of(tmp_path, **setting).groups
    assert (group.warnings, group.grouping["layout_from"]) == ((), "name")
    at = {c.index: c.label for c in group.channels}
    assert [at[i] for i in range(6)] == labels.split()


@pytest.mark.parametrize(
    ("name", "labels"),
    [("Amb quad", "L R Ls Rs"), ("Mus_LCRS", "L C R S"), ("Amb_ambiX", "W Y Z X"),
     ("Amb_FuMa", "W X Y Z")],
)  # fmt: skip
def test_words_stand_for_orders_of_four(tmp_path, name, labels):
    interleaved(tmp_path / f"{name}.wav", channels=4)
    (group,) = inventory_of(tmp_path).groups
    at = {c.index: c.label for c in group.channels}
    assert ([at[i] for i in range(4)], group.grouping["layout_from"]) == (labels.split(), "name")


@pytest.mark.parametrize("name", ["MX_LCRLsRs", "MX_LLLLLL", "LRCLFE", "MX_lcrlsrslfe", "Film"])
def test_a_name_of_other_channels_says_no_order(tmp_path, name):
    interleaved(tmp_path / f"{name}.wav")
    (group,) = inventory_of(tmp_path).groups
    assert group.grouping["layout_from"] == "count"


def test_a_header_that_says_the_order_wins_over_the_setting(tmp_path):
    interleaved(tmp_path / "MX.wav", mask=0x3F)
    (group,) = inventory_of(tmp_path, interleaved_order="film").groups
    assert group.grouping["layout_from"] == "mask"
    assert {c.label: c.index for c in group.channels}["C"] == 2


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="no ffmpeg on this machine")
@pytest.mark.parametrize("name", ["5.1", "5.1(side)", "quad", "3.0"])
def test_an_m4a_has_the_order_in_which_ffmpeg_gives_its_channels(tmp_path, name):
    mask = MASKS_BY_NAME[name]
    labels = labels_of_mask(mask, mask.bit_count())
    subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"anullsrc=cl={name}:r=48000", "-t", "1",
         tmp_path / "MX.m4a"], check=True,
    )  # fmt: skip
    header = read_audio_header(tmp_path, "MX.m4a")
    assert (header.labels, header.labels_from) == (labels, "format")
