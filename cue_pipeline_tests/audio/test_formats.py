"""What each format's header says, and that its samples are libsndfile's."""

import shutil
import struct
import subprocess

import numpy as np
import pytest
import soundfile as sf

from cue_pipeline.audio import mpeg4
from cue_pipeline.audio.grouping import find_channel_groups
from cue_pipeline.audio.headers import read_audio_header
from cue_pipeline.audio.sources import open_source
from cue_pipeline.audio.unread_files import find_strays
from cue_pipeline.cue.scan import read_cue_folder
from cue_pipeline.errors import AudioFileError
from cue_pipeline_tests.audio.wave_files import (
    NAMED_SO,
    arranged,
    bext_chunk,
    chunk,
    cue_folder,
    fmt_chunk,
    inventory_of,
    ixml_chunk,
    noise,
    pcm16,
    wave_bytes,
    write_audio,
    write_wave,
)  # fmt: skip

N = 70_001

EXACT = [
    ("x.wav", "PCM_16", 1), ("x.wav", "PCM_24", 1), ("x.wav", "PCM_32", 1), ("x.wav", "FLOAT", 1),
    ("x.wav", "DOUBLE", 1), ("x.wav", "PCM_U8", 1), ("x.wav", "PCM_24", 2), ("x.wav", "PCM_16", 6),
    ("x.wav", "ULAW", 1), ("x.wav", "IMA_ADPCM", 2), ("x.rf64", "PCM_24", 2),
    ("x.w64", "PCM_24", 1), ("x.w64", "FLOAT", 2), ("x.aif", "PCM_24", 2),
    ("x.aif", "PCM_16", 1), ("x.aiff", "FLOAT", 1),
    ("x.flac", "PCM_24", 2), ("x.flac", "PCM_16", 1), ("x.ogg", "VORBIS", 2),
    ("x.caf", "PCM_24", 2), ("x.opus", "OPUS", 2),
    ("x.mp3", "MPEG_LAYER_III", 2), ("x.bwf", "PCM_24", 1),
]  # fmt: skip


def whole(source, channels):
    """Read all of a source in blocks of an odd size."""
    parts, block = [], np.empty((channels, 16_381), np.float32)
    while count := source.read(block):
        parts.append(block[:, :count].copy())
    return np.concatenate(parts, axis=1)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(("name", "subtype", "channels"), EXACT)
def test_samples_are_libsndfiles_bit_for_bit(tmp_path, name, subtype, channels, compiled):
    path = write_audio(tmp_path / name, noise(N, channels), subtype=subtype)
    theirs = sf.read(path, dtype="float32", always_2d=True)[0].T
    header = read_audio_header(tmp_path, name)
    assert header.fault is None
    assert header.warnings == ()
    assert (header.channels, header.sample_rate) == (channels, 48_000)
    source = open_source(tmp_path, header, range(channels), compiled=compiled)
    got = whole(source, channels)
    source.close()
    assert source.damage == []
    np.testing.assert_array_equal(got, theirs)
    assert header.frames == header.promised_frames == theirs.shape[1]


@pytest.mark.parametrize("channels", [2, 5])
def test_channels_may_be_taken_in_any_order(tmp_path, channels):
    y = noise(1_000, channels)
    write_audio(tmp_path / "x.wav", y, subtype="FLOAT")
    header = read_audio_header(tmp_path, "x.wav")
    source = open_source(tmp_path, header, [channels - 1, 0])
    np.testing.assert_array_equal(whole(source, 2), y.T[[channels - 1, 0]])


@pytest.mark.parametrize("compiled", [False, True])
def test_extremes_of_24_bits_are_exact(tmp_path, compiled):
    values = [-(2**23), 2**23 - 1, -1, 0, 1, 0x123456, -0x123456] * 5
    data = b"".join(struct.pack("<i", v)[:3] for v in values)
    write_wave(tmp_path / "x.wav", fmt_chunk(bits=24), chunk(b"data", data))
    source = open_source(tmp_path, read_audio_header(tmp_path, "x.wav"), [0], compiled=compiled)
    np.testing.assert_array_equal(whole(source, 1)[0], np.array(values) / 2.0**23)


@pytest.mark.parametrize("reference", [0, 2_191_709_524, 3_917_280_000, 2**40 + 5])
def test_a_time_reference_has_64_bits(tmp_path, reference):
    write_wave(
        tmp_path / "x.wav", bext_chunk(reference), fmt_chunk(), chunk(b"data", pcm16(np.zeros(9)))
    )
    header = read_audio_header(tmp_path, "x.wav")
    assert header.time_reference == reference


def test_metadata_after_the_samples_are_read(tmp_path):
    write_wave(
        tmp_path / "x.wav", fmt_chunk(channels=2), chunk(b"data", pcm16(np.zeros(20))),
        bext_chunk(7), ixml_chunk(["Str.R", "Str.L"]),
    )  # fmt: skip
    header = read_audio_header(tmp_path, "x.wav")
    assert header.time_reference == 7
    assert (header.labels, header.labels_from) == (("R", "L"), "ixml")


def test_chunks_of_odd_size_do_not_derail_the_walk(tmp_path):
    write_wave(
        tmp_path / "x.wav", chunk(b"JUNK", b"odd"), fmt_chunk(), chunk(b"fact", b"12345"),
        chunk(b"data", pcm16(np.ones(10))),
    )  # fmt: skip
    assert read_audio_header(tmp_path, "x.wav").frames == 10


MASKS = [
    (0x3, 2, ("L", "R")),
    (0x4, 1, ("M",)),
    (0x7, 3, ("L", "R", "C")),
    (0x107, 4, ("L", "R", "C", "S")),
    (0x33, 4, ("L", "R", "Ls", "Rs")),
    (0x603, 4, ("L", "R", "Ls", "Rs")),
    (0x3F, 6, ("L", "R", "C", "LFE", "Ls", "Rs")),
    (0x60F, 6, ("L", "R", "C", "LFE", "Ls", "Rs")),
    (0x63F, 8, ("L", "R", "C", "LFE", "Lsr", "Rsr", "Lss", "Rss")),
    (0x2D63F, 12, ("L", "R", "C", "LFE", "Lsr", "Rsr", "Lss", "Rss", "Ltf", "Rtf", "Ltr", "Rtr")),
]


@pytest.mark.parametrize(("mask", "channels", "labels"), MASKS)
def test_the_channel_mask_names_interleaved_channels(tmp_path, mask, channels, labels):
    write_wave(
        tmp_path / "MX.wav", fmt_chunk(channels=channels, mask=mask),
        chunk(b"data", pcm16(np.zeros(channels * 8))),
    )  # fmt: skip
    header = read_audio_header(tmp_path, "MX.wav")
    assert header.fault is None
    assert header.labels == labels
    assert header.labels_from == "mask"


def test_a_mask_that_does_not_fit_the_count_is_not_believed(tmp_path):
    write_wave(
        tmp_path / "MX.wav", fmt_chunk(channels=6, mask=0x3), chunk(b"data", pcm16(np.zeros(60)))
    )
    (group,) = inventory_of(tmp_path).groups
    assert group.grouping["layout_from"] == "count"
    assert "film order" in group.grouping["assumption"]


def test_a_smpte_ordered_interleaved_mix_is_told_in_film_order(tmp_path):
    y = np.zeros((100, 6))
    y[:, 2] = 0.5  # SMPTE's third channel is C
    write_wave(
        tmp_path / "MX.wav", fmt_chunk(channels=6, mask=0x3F), chunk(b"data", pcm16(y.ravel()))
    )
    (group,) = inventory_of(tmp_path).groups
    assert group.layout == "5.1"
    assert [(c.label, c.index) for c in group.channels] == [
        ("L", 0), ("C", 2), ("R", 1), ("Ls", 4), ("Rs", 5), ("LFE", 3),
    ]  # fmt: skip


def test_flac_has_a_channel_order_of_its_own(tmp_path):
    write_audio(tmp_path / "MX.flac", noise(100, 6), subtype="PCM_24")
    header = read_audio_header(tmp_path, "MX.flac")
    assert header.labels == ("L", "R", "C", "LFE", "Ls", "Rs")
    assert header.labels_from == "format"


def test_ixml_track_names_group_files_whose_names_say_nothing(tmp_path):
    data = chunk(b"data", pcm16(np.zeros(50)))
    for name, track in [("T01_1", "VLN.L"), ("T01_2", "VLN.R"), ("T01_3", "Harp")]:
        write_wave(tmp_path / f"{name}.wav", fmt_chunk(), data, ixml_chunk([track], "F1"))
    inventory = inventory_of(tmp_path)
    assert [(g.canonical_name, g.layout) for g in inventory.groups] == [
        ("T01_3", "mono"), ("VLN", "stereo"),
    ]  # fmt: skip
    assert inventory.groups[1].grouping["layout_from"] == "ixml"


def test_the_evidence_used_is_stored(tmp_path):
    for c in "LR":
        write_wave(
            tmp_path / f"VLN.{c}.wav", bext_chunk(172_800_000), fmt_chunk(),
            chunk(b"data", pcm16(np.zeros(50))),
        )  # fmt: skip
    (group,) = inventory_of(tmp_path).groups
    assert group.grouping["evidence"] == ["channel token (dot)", "equal length", "time reference"]
    assert group.time_reference == 172_800_000


def test_start_offsets_are_seconds_after_the_cues_first_sample(tmp_path):
    for name, reference in [("A", 172_800_000), ("B", 172_824_000)]:
        write_wave(
            tmp_path / f"{name}.wav", bext_chunk(reference), fmt_chunk(),
            chunk(b"data", pcm16(np.zeros(50))),
        )  # fmt: skip
    write_audio(tmp_path / "C.wav", noise(50))
    assert [g.start_offset_seconds for g in inventory_of(tmp_path).groups] == [0.0, 0.5, None]


def test_mixed_sample_rates_are_warned_of(tmp_path):
    write_audio(tmp_path / "V.L.wav", noise(48_000), 48_000)
    write_audio(tmp_path / "V.R.wav", noise(44_100), 44_100)
    (group,) = inventory_of(tmp_path).groups
    assert any("mixes sample rates" in w and "44100" in w for w in group.warnings)
    assert not any("unequal length" in w for w in group.warnings)


def test_a_rate_that_is_not_the_projects_is_warned_of(tmp_path):
    write_audio(tmp_path / "V.wav", noise(960), 96_000)
    (group,) = inventory_of(tmp_path).groups
    assert any("96000 Hz" in w and "48000" in w for w in group.warnings)


def test_audio_of_another_kind_inside_is_read_for_what_it_is(tmp_path):
    write_audio(tmp_path / "V.flac", noise(960)).rename(tmp_path / "V.wav")
    header = read_audio_header(tmp_path, "V.wav")
    assert header.fault is None
    assert "FLAC inside" in header.warnings[0]


def test_files_that_belong_to_nothing_are_reported(tmp_path):
    cue = tmp_path / "1m02"
    audio = cue / "PT" / "Audio Files"
    write_audio(audio / "V.wav", noise(100))
    (cue / "MIDI").mkdir()
    for path in (
        cue / "MIDI/1m02.mid",
        audio / "Old.sd2",
        audio / "Strings.L.wave2",
        cue / "notes.pdf",
        cue / "PT/session.ptx",
        audio / "._V.wav",
    ):
        path.write_bytes(b"x")
    folder = read_cue_folder(tmp_path, "1m02")
    notes = find_strays(folder)
    assert len(notes) == 2
    assert "'PT/Audio Files/Old.sd2'" in notes[0]
    assert "'PT/Audio Files/Strings.L.wave2'" in notes[1]
    assert find_channel_groups(folder, sample_rate=48_000, **NAMED_SO).warnings == notes


SIDECARS = (
    "V.wav.pek", "V.sfk", "V.wav.md5", "V.mhl", "V.wav.asd", "V.xmp", "V.wav:Zone.Identifier",
    "V.wavZone.Identifier", "V.wav.Zone.Identifier", "Thumbs.db", "Icon\r", "V.reapeaks", "V.sfl",
    "._V.wav", ".DS_Store", "session.ptx", "desktop.ini",
)  # fmt: skip


def test_sidecars_are_passed_over_without_a_word(tmp_path):
    write_audio(tmp_path / "PT/Audio Files/V.wav", noise(100))
    for name in SIDECARS:
        (tmp_path / "PT/Audio Files" / name).write_bytes(b"x")
    assert find_strays(cue_folder(tmp_path)) == ()


def test_bounces_beside_the_session_are_mentioned(tmp_path):
    folder = cue_folder(tmp_path)
    write_audio(tmp_path / "PT/Audio Files/V.wav", noise(100))
    folder = cue_folder(tmp_path)
    write_audio(tmp_path / "PT/Bounced Files/6mx.L.wav", noise(100))
    (note,) = find_strays(folder)
    assert "'PT/Bounced Files/6mx.L.wav'" in note


@pytest.mark.parametrize("name", [".VLN.R.wav.icloud", "VLN.R.wav.nextcloud", "VLN.R.wav.part"])
def test_a_channel_that_is_not_downloaded_is_named_with_its_group(tmp_path, name):
    write_audio(tmp_path / "VLN.L.wav", noise(4_800))
    (tmp_path / name).write_bytes(b"bplist00")
    headers = [read_audio_header(tmp_path, file) for file in ("VLN.L.wav", name)]
    (group,) = arranged(headers).groups
    assert group.canonical_name == "VLN"
    assert any("'VLN.R.wav' is not downloaded" in w for w in group.warnings)


@pytest.mark.parametrize(
    "content",
    [
        b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64,
        b"bplist00" + bytes(80),
    ],
)
def test_a_pointer_under_the_files_own_name_is_told_as_such(tmp_path, content):
    (tmp_path / "VLN.wav").write_bytes(content)
    assert "is not downloaded" in (read_audio_header(tmp_path, "VLN.wav").fault or "")


def test_a_cue_without_audio_is_empty_with_a_warning(tmp_path):
    inventory = inventory_of(tmp_path)
    assert inventory.groups == ()
    assert "no audio files" in inventory.warnings[0]


def test_m4a_without_a_decoder_says_what_to_install(tmp_path, monkeypatch):
    (tmp_path / "V.m4a").write_bytes(b"\0\0\0\x20ftypM4A \0\0\0\0" + b"\0" * 100)
    monkeypatch.setattr(mpeg4.shutil, "which", lambda name: None)
    header = read_audio_header(tmp_path, "V.m4a")
    assert "Install ffmpeg" in (header.fault or "")
    with pytest.raises(AudioFileError, match="ffmpeg"):
        inventory_of(tmp_path)


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="no ffmpeg on this machine")
def test_m4a_is_read_where_there_is_a_decoder(tmp_path):
    wav = write_audio(tmp_path / "src" / "V.wav", noise(48_000, 2, level=0.05))
    subprocess.run(
        ["ffmpeg", "-v", "error", "-i", wav, "-b:a", "256k", tmp_path / "V.m4a"], check=True
    )
    header = read_audio_header(tmp_path, "V.m4a")
    assert (header.fault, header.channels, header.sample_rate) == (None, 2, 48_000)
    source = open_source(tmp_path, header, [0, 1])
    assert whole(source, 2).shape[1] == pytest.approx(48_000, abs=3_000)
    source.close()


def test_headers_of_a_hundred_files_are_read_in_well_under_a_second(tmp_path):
    import time

    data = wave_bytes(fmt_chunk(bits=24), chunk(b"data", bytes(300_000)))
    for i in range(50):
        for c in "LR":
            (tmp_path / f"S{i}.{c}.wav").write_bytes(data)
    folder = cue_folder(tmp_path)
    started = time.process_time()  # the clock's would tell of the machine's other work
    inventory = find_channel_groups(
        folder, sample_rate=48_000, final_mix_patterns=(), ignore_patterns=()
    )
    assert time.process_time() - started < 1.0
    assert len(inventory.groups) == 50
