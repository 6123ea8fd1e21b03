"""Damaged files: named, with what is wrong and what to do, while the rest goes on."""

import io
import re
import struct

import numpy as np
import pytest
import soundfile as sf

from cue_pipeline.audio import group_pass, sources
from cue_pipeline.audio.headers import read_audio_header
from cue_pipeline.audio.profiles import mel_profiles
from cue_pipeline.audio.sound_rows import final_mix_tables, mel_feature_tables
from cue_pipeline.errors import AudioFileError
from cue_pipeline.settings import MelSettings
from cue_pipeline_tests.audio.wave_files import (
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

MELS = mel_profiles([], MelSettings())
SOUND = pcm16(noise(4_800)[:, 0])


def measured(path, inventory=None):
    inventory = inventory or inventory_of(path)
    tables = mel_feature_tables(cue_folder(path), inventory, MELS, threads=1)
    return tables["audio_files"], tables["audio_features"]


UNUSABLE = {
    "empty": (b"", "is empty (0 bytes)"),
    "text": (b"Please find the stems in the other folder.\nThanks!\n", "is text, not audio"),
    "html": (b"<!DOCTYPE html><html><body>404 Not Found</body></html>", "is text, not audio"),
    "random bytes": (bytes(range(128, 256)) * 20, "no audio that can be read"),
    "riff of another kind": (b"RIFF\x10\0\0\0AVI LIST\0\0\0\0", "format chunk"),
    "header only": (b"RIFF\xff\xff\xff\x7fWAVE", "format chunk"),
    "half a format chunk": (
        b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0",
        "format chunk",
    ),
    "no data chunk": (wave_bytes(fmt_chunk()), "'data' chunk missing"),
    "no samples": (wave_bytes(fmt_chunk(), chunk(b"data", b"")), "0 samples"),
    "0 Hz": (wave_bytes(fmt_chunk(sr=0), chunk(b"data", SOUND)), "0 Hz"),
    "0 channels": (wave_bytes(fmt_chunk(channels=0), chunk(b"data", SOUND)), "0 channels"),
    "absurd rate": (wave_bytes(fmt_chunk(sr=2**31), chunk(b"data", SOUND)), "damaged"),
    "1 Hz": (wave_bytes(fmt_chunk(sr=1), chunk(b"data", SOUND)), "1 Hz"),
    "a size past all files": (
        b"RF64\xff\xff\xff\xffWAVE"
        + chunk(b"ds64", struct.pack("<QQQI", 0, 2**64 - 9, 0, 0))
        + b"data\xff\xff\xff\xff",
        "format chunk",
    ),
    "absurd channels": (wave_bytes(fmt_chunk(channels=9_999), chunk(b"data", SOUND)), "channels"),
    "unknown codec": (
        wave_bytes(fmt_chunk(tag=0x7777), chunk(b"data", np.random.default_rng(0).bytes(9_600))),
        "codec that is not known",
    ),
    "sizes that go nowhere": (
        b"RIFF\0\0\0\0WAVE" + b"\0" * 100_000,
        "format chunk",
    ),
    "mpeg-4 with nothing in it": (b"\0\0\0\x20ftypM4A \0\0\0\0", "cannot be read"),
    "w64 cut in its header": (b"riff.\x91\xcf\x11\xa5\xd6(\xdb\x04\xc1\0\0" + b"\0" * 30, "format"),
}


@pytest.mark.parametrize(("data", "says"), UNUSABLE.values(), ids=UNUSABLE)
def test_an_unusable_file_is_named_with_its_fault_and_the_group_goes_on(tmp_path, data, says):
    (tmp_path / "VLN.L.wav").write_bytes(data)
    write_audio(tmp_path / "VLN.R.wav", noise(4_800))
    (group,) = inventory_of(tmp_path).groups
    assert [c.label for c in group.channels] == ["R"]
    (fault,) = [w for w in group.warnings if "VLN.L.wav" in w]
    assert says in fault
    assert fault.endswith(".")
    assert any("lacks L" in w for w in group.warnings)
    _files, features = measured(tmp_path)
    assert features.n_frames.tolist() == [1 + 4_800 // 512]


@pytest.mark.parametrize(("data", "says"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_group_of_which_nothing_is_sound_is_reported_and_the_cue_goes_on(tmp_path, data, says):
    (tmp_path / "VLN.L.wav").write_bytes(data)
    (tmp_path / "VLN.R.wav").write_bytes(data)
    write_audio(tmp_path / "HP.wav", noise(4_800))
    inventory = inventory_of(tmp_path)
    assert [g.canonical_name for g in inventory.groups] == ["HP"]
    assert len([w for w in inventory.warnings if says in w]) == 2


def test_a_cue_without_any_usable_audio_is_an_error_that_names_the_files(tmp_path):
    (tmp_path / "VLN.L.wav").write_bytes(b"")
    (tmp_path / "VLN.R.wav").write_text("nothing here")
    with pytest.raises(AudioFileError, match=r"Reel 1/1m02.*VLN\.L\.wav.*empty.*VLN\.R\.wav.*text"):
        inventory_of(tmp_path)


def test_an_unreadable_path_is_a_fault_and_no_crash(tmp_path):
    (tmp_path / "VLN.wav").mkdir()
    assert "cannot be read" in (read_audio_header(tmp_path, "VLN.wav").fault or "")
    assert "cannot be read" in (read_audio_header(tmp_path, "gone.wav").fault or "")


def test_a_file_cut_short_is_warned_of_with_both_sizes(tmp_path):
    write_wave(tmp_path / "VLN.L.wav", fmt_chunk(), chunk(b"data", SOUND[:944], promised=17_640))
    header = read_audio_header(tmp_path, "VLN.L.wav")
    assert (header.frames, header.promised_frames) == (472, 8_820)
    assert header.warnings == (
        "'VLN.L.wav' is cut short: its header promises 17640 bytes of audio, 944 are there. Copy "
        "the file again, or remove it to process the cue without it.",
    )


@pytest.mark.parametrize("name", ["x.aif", "x.caf", "x.flac", "x.w64", "x.rf64", "x.ogg", "x.mp3"])
def test_a_cut_file_of_any_format_is_never_silently_short(tmp_path, name):
    kinds = {"x.ogg": "VORBIS", "x.mp3": "MPEG_LAYER_III"}
    path = write_audio(tmp_path / name, noise(96_000), subtype=kinds.get(name, "PCM_24"))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 3])
    try:
        inventory = inventory_of(tmp_path)
    except AudioFileError as e:
        assert name in str(e)  # noqa: PT017
        return
    files, _features = measured(tmp_path, inventory)
    (group,) = inventory.groups
    told = [*group.warnings, *files.levels[0]["warnings"]]
    if name in {"x.ogg", "x.mp3"}:  # streams without a length in front: what is there is what is
        assert told or group.frames < 96_000
        return
    assert any(name in w and ("short" in w or "shrank" in w) for w in told)


def test_a_header_that_was_never_finished_is_read_to_the_end_of_the_file(tmp_path):
    for promised in (0, 0xFFFFFFFF):
        write_wave(tmp_path / "x.wav", fmt_chunk(), chunk(b"data", SOUND, promised=promised))
        header = read_audio_header(tmp_path, "x.wav")
        assert header.frames == 4_800
        assert "never finished" in header.warnings[0]


def test_an_rf64_size_is_taken_from_its_ds64_chunk(tmp_path):
    ds64 = chunk(b"ds64", struct.pack("<QQQI", 0, len(SOUND), 4_800, 0))
    write_wave(
        tmp_path / "x.wav", ds64, fmt_chunk(), chunk(b"data", SOUND, promised=0xFFFFFFFF),
        magic=b"RF64",
    )  # fmt: skip
    header = read_audio_header(tmp_path, "x.wav")
    assert (header.container, header.frames, header.warnings) == ("RF64", 4_800, ())


def test_samples_past_4_gib_are_where_rf64_says(tmp_path):
    path = tmp_path / "x.wav"
    size = 5 << 30
    head = b"RF64\xff\xff\xff\xffWAVE" + chunk(b"ds64", struct.pack("<QQQI", size, size, 0, 0))
    with path.open("wb") as f:
        f.write(head + fmt_chunk(bits=24) + b"data\xff\xff\xff\xff")
        f.truncate(f.tell() + size)  # sparse: takes no disk
    header = read_audio_header(tmp_path, "x.wav")
    assert header.frames == size // 3
    assert header.warnings == ()


def test_damaged_ixml_is_told_and_left(tmp_path):
    write_wave(
        tmp_path / "x.wav", fmt_chunk(), chunk(b"iXML", b"<BWFXML><TRACK_LI"), chunk(b"data", SOUND)
    )
    header = read_audio_header(tmp_path, "x.wav")
    assert header.fault is None


def test_ixml_with_entities_is_not_expanded(tmp_path):
    bomb = b'<!DOCTYPE x [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><BWFXML>&c;</BWFXML>'
    write_wave(tmp_path / "x.wav", fmt_chunk(), chunk(b"iXML", bomb), chunk(b"data", SOUND))
    assert read_audio_header(tmp_path, "x.wav").track_names == ()


def test_ixml_that_names_fewer_tracks_than_channels_is_not_believed(tmp_path):
    write_wave(
        tmp_path / "x.wav", fmt_chunk(channels=3), ixml_chunk(["A.L", "A.R"]),
        chunk(b"data", SOUND),
    )  # fmt: skip
    assert read_audio_header(tmp_path, "x.wav").labels_from == "count"


def test_unequal_lengths_are_warned_of_and_padded(tmp_path):
    write_audio(tmp_path / "V.L.wav", noise(4_800))
    write_audio(tmp_path / "V.R.wav", noise(9_600))
    (group,) = inventory_of(tmp_path).groups
    assert group.frames == 9_600
    assert any("unequal length" in w and "4800" in w and "9600" in w for w in group.warnings)
    _files, features = measured(tmp_path)
    assert features.n_frames[0] == 1 + 9_600 // 512


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
def test_samples_that_are_no_numbers_become_silence_and_are_counted(
    tmp_path, subtype, compiled, monkeypatch
):
    monkeypatch.setattr(group_pass, "worth_compiling", lambda n_frames: compiled)
    y = noise(48_000)
    bad = y.copy()
    bad[100:110], bad[200], bad[300] = np.nan, np.inf, -np.inf
    write_audio(tmp_path / "good/V.wav", np.where(np.isfinite(bad), bad, 0), subtype=subtype)
    write_audio(tmp_path / "bad/V.wav", bad, subtype=subtype)
    good, _ = measured(tmp_path / "good")
    files, features = measured(tmp_path / "bad")
    (note,) = [w for w in features.warnings[0] if "not a number" in w]
    assert "10 samples are not a number and 2 are infinite" in note
    assert files.peak_dbfs[0] == good.peak_dbfs[0]
    assert files.rms_dbfs[0] == good.rms_dbfs[0]
    assert np.isfinite(features.max_db[0])


def test_samples_near_the_end_of_floats_do_not_break_the_sums(tmp_path):
    y = noise(4_800)
    y[7] = 3e38
    write_audio(tmp_path / "V.wav", y, subtype="FLOAT")
    _files, features = measured(tmp_path)
    assert np.isfinite(features.max_db[0])


def test_a_file_that_shrinks_after_its_header_was_read_is_told(tmp_path):
    paths = [write_audio(tmp_path / f"V.{c}.wav", noise(480_000)) for c in "LR"]
    inventory = inventory_of(tmp_path)
    paths[1].write_bytes(paths[1].read_bytes()[:300_000])
    _files, features = measured(tmp_path, inventory)
    assert features.n_frames[0] == 1 + 480_000 // 512
    (note,) = features.warnings[0]
    assert "V.R.wav" in note
    assert "of 480000 samples" in note


def test_a_file_that_shrinks_while_it_is_read_is_told(tmp_path, monkeypatch):
    path = write_audio(tmp_path / "V.wav", noise(480_000))
    inventory = inventory_of(tmp_path)
    read = sources._RawSource.read

    def shrinking(self, out):
        count = read(self, out)
        path.write_bytes(path.read_bytes()[:600_000])
        return count

    monkeypatch.setattr(sources._RawSource, "read", shrinking)
    _, features = measured(tmp_path, inventory)
    assert "shrank while it was read" in features.warnings[0][0]


def test_a_file_that_vanishes_leaves_the_other_channel(tmp_path):
    paths = [write_audio(tmp_path / f"V.{c}.wav", noise(48_000)) for c in "LR"]
    inventory = inventory_of(tmp_path)
    paths[0].unlink()
    files, features = measured(tmp_path, inventory)
    assert "could not be opened any more" in features.warnings[0][0]
    assert features.n_frames[0] == 94
    assert [c["label"] for c in files.levels[0]["channels"]] == ["R"]


def test_a_group_that_vanishes_has_no_features_and_the_others_go_on(tmp_path):
    path = write_audio(tmp_path / "A.wav", noise(48_000))
    write_audio(tmp_path / "B.flac", noise(48_000))
    inventory = inventory_of(tmp_path)
    path.unlink()
    files, features = measured(tmp_path, inventory)
    assert len(files) == 2
    assert len(features) == 1
    assert "none of its channels could be read" in files.levels[0]["warnings"][-1]


def test_a_decoded_file_that_vanishes_is_told_too(tmp_path):
    path = write_audio(tmp_path / "A.flac", noise(48_000))
    write_audio(tmp_path / "B.wav", noise(48_000))
    inventory = inventory_of(tmp_path)
    path.unlink()
    files, _ = measured(tmp_path, inventory)
    assert "could not be opened any more" in files.levels[0]["warnings"][0]


def test_no_file_is_left_open(tmp_path, monkeypatch):
    opened = []
    really = sources.open_source

    def noting(*args, **options):
        opened.append(really(*args, **options))
        return opened[-1]

    monkeypatch.setattr(group_pass, "open_source", noting)
    for name in ("A.wav", "B.flac"):
        write_audio(tmp_path / name, noise(4_800))
    measured(tmp_path)
    assert opened[0]._file.closed
    assert opened[1]._sound.closed


def test_a_damaged_mix_is_told_in_its_own_row(tmp_path):
    write_wave(tmp_path / "6mx.L.wav", fmt_chunk(), chunk(b"data", SOUND[:944], promised=17_640))
    write_audio(tmp_path / "6mx.R.wav", noise(4_800))
    tables = final_mix_tables(cue_folder(tmp_path), inventory_of(tmp_path), MELS, [])
    assert any("cut short" in w for w in tables["final_mixes"].warnings[0])


@pytest.mark.parametrize("seed", range(60))
def test_bytes_flipped_in_a_header_never_crash(tmp_path, seed):
    rng = np.random.default_rng(seed)
    path = write_audio(tmp_path / "V.L.wav", noise(3_000, 2), subtype="PCM_24")
    write_audio(tmp_path / "V.R.wav", noise(3_000))
    data = bytearray(path.read_bytes())
    for at in rng.integers(0, 60, size=rng.integers(1, 6)):
        data[at] = rng.integers(0, 256)
    path.write_bytes(bytes(data[: rng.integers(1, len(data))]))
    _, features = measured(tmp_path)
    assert len(features) >= 1
    assert sf.info(tmp_path / "V.R.wav").frames == 3_000


def test_files_with_the_same_fault_are_told_in_one_sentence(tmp_path):
    write_audio(tmp_path / "VLN.wav", noise(4_800))
    for n in range(14):
        (tmp_path / f"EMPTY {n:02}.wav").write_bytes(b"")
    (tmp_path / "NOTE.wav").write_bytes(UNUSABLE["text"][0])
    many, one = inventory_of(tmp_path).warnings
    assert many.startswith("Each of 14 files is empty (0 bytes).")
    assert "'EMPTY 00.wav'" in many
    assert many.endswith("and 2 more.")
    assert "'NOTE.wav' is text" in one
    (tmp_path / "VLN.wav").unlink()
    with pytest.raises(AudioFileError, match=r"none of its 15 .* Each of 14 .* 'NOTE.wav'"):
        inventory_of(tmp_path)


def test_a_link_to_nowhere_is_named_and_the_cue_goes_on_without_it(tmp_path):
    write_audio(tmp_path / "VLN.wav", noise(4_800))
    (tmp_path / "HRN.wav").symlink_to(tmp_path / "gone.wav")
    inventory = inventory_of(tmp_path)
    assert [group.canonical_name for group in inventory.groups] == ["VLN"]
    (said,) = inventory.warnings
    assert "'HRN.wav' cannot be read: No such file" in said
    assert "remove the link" in said


@pytest.mark.parametrize("damage", ["cut", "hole"])
@pytest.mark.parametrize("block", [1 << 20, 1 << 12, 1_000])
def test_what_a_damaged_flac_file_holds_before_its_damage_is_kept(tmp_path, damage, block):
    y = noise(6 * 48_000, 2)
    path = write_audio(tmp_path / "A.flac", y, subtype="PCM_24")
    whole = path.read_bytes()
    middle = len(whole) // 2
    path.write_bytes(
        whole[:middle] + (bytes(9_000) + whole[middle + 9_000 :] if damage == "hole" else b"")
    )
    header = read_audio_header(tmp_path, "A.flac")
    source = sources.open_source(tmp_path, header, (0, 1))
    got = []
    while n := source.read(out := np.zeros((2, block), np.float32)):
        got.append(out[:, :n].T)
    source.close()
    found = np.concatenate(got)
    # FLAC's blocks have at most 4608 samples at this rate (its subset): no more of them is lost.
    assert len(found) > 3 * 48_000 * 0.98 - 4_608
    np.testing.assert_allclose(found, y[: len(found)], atol=2**-23)
    assert any(f"gave {len(found)} of" in text for text in source.damage)


CODED = [
    ("WAV", ".wav", "ULAW"), ("WAV", ".wav", "IMA_ADPCM"), ("AIFF", ".aif", "ALAW"),
    ("W64", ".w64", "MS_ADPCM"), ("OGG", ".ogg", "VORBIS"), ("OGG", ".opus", "OPUS"),
]  # fmt: skip


@pytest.mark.parametrize(("container", "suffix", "subtype"), CODED)
def test_a_coded_file_that_was_cut_says_so_and_a_whole_one_does_not(
    tmp_path, container, suffix, subtype
):
    y = 0.1 * np.random.default_rng(0).standard_normal(480_000)
    held = io.BytesIO()
    sf.write(held, y, 48_000, format=container, subtype=subtype)
    whole = held.getvalue()
    (tmp_path / f"whole{suffix}").write_bytes(whole)
    for name, end in (("cut", len(whole) * 6 // 10), ("nearly", len(whole) - 1_000)):
        (tmp_path / f"{name}{suffix}").write_bytes(whole[:end])
    (tmp_path / f"zeros{suffix}").write_bytes(whole[: len(whole) // 2] + bytes(9_000))
    assert read_audio_header(tmp_path, f"whole{suffix}").warnings == ()
    for name in ("cut", "nearly", "zeros"):
        header = read_audio_header(tmp_path, f"{name}{suffix}")
        told = " ".join(header.warnings)
        assert re.search("cut short|has no last page|in the middle of a page", told), name
