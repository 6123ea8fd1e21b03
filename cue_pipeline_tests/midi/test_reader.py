"""What a valid file holds is read whole."""

import gzip
import io
import zipfile

import mido
import pytest

from cue_pipeline.errors import MidiFileError
from cue_pipeline.midi.reader import read_midi, read_midi_file
from cue_pipeline_tests.midi.smf import (
    END,
    chunk,
    header,
    message,
    meta,
    name,
    off,
    on,
    read,
    smf,
    tempo,
    vlq,
)

# The example of the specification (RP-001, 'Program Fragments and Example MIDI Files'), format 0.
SPECIFICATION_EXAMPLE = bytes.fromhex(
    "4D546864 00000006 0000 0001 0060 4D54726B 0000003B"
    "00FF580404021808 00FF510307A120 00C005 00C12E 00C246 00923060 003C60 60914340 60904C20"
    "8140823040 003C40 00814340 00804C40 00FF2F00"
)


def events(file):
    m = file.messages
    return list(
        zip(*(c.tolist() for c in (m.track, m.tick, m.status, m.data1, m.data2)), strict=True)
    )


def as_mido_reads(data):
    """Channel messages of a file as (track, tick, status, data1, data2), by mido."""
    found = []
    for index, track in enumerate(mido.MidiFile(file=io.BytesIO(data)).tracks):
        tick = 0
        for event in track:
            tick += event.time
            if not event.is_meta and event.type != "sysex":
                status, *rest = event.bytes()
                found.append((index, tick, status, *rest, *[0] * (2 - len(rest))))
    return found


def test_the_example_of_the_specification_reads_as_the_specification_says():
    file = read(SPECIFICATION_EXAMPLE)
    assert events(file) == [
        (0, 0, 0xC0, 5, 0),
        (0, 0, 0xC1, 46, 0),
        (0, 0, 0xC2, 70, 0),
        (0, 0, 0x92, 48, 96),
        (0, 0, 0x92, 60, 96),
        (0, 96, 0x91, 67, 64),
        (0, 192, 0x90, 76, 32),
        (0, 384, 0x82, 48, 64),
        (0, 384, 0x82, 60, 64),
        (0, 384, 0x81, 67, 64),
        (0, 384, 0x80, 76, 64),
    ]
    assert (file.format, file.ticks_per_beat, file.warnings) == (0, 96, ())
    assert file.sequences[0].duration_seconds == 2.0
    assert file.sequences[0].time_signature_map == [[0.0, 0, 4, 4]]


@pytest.mark.parametrize(
    ("value", "octets"),
    [
        (0x00, "00"), (0x40, "40"), (0x7F, "7F"), (0x80, "81 00"), (0x2000, "C0 00"),
        (0x3FFF, "FF 7F"), (0x4000, "81 80 00"), (0x100000, "C0 80 00"), (0x1FFFFF, "FF FF 7F"),
        (0x200000, "81 80 80 00"), (0x8000000, "C0 80 80 00"), (0xFFFFFFF, "FF FF FF 7F"),
    ],
)  # fmt: skip
def test_delta_times_are_read_as_the_specification_tabulates(value, octets):
    track = on(60) + bytes.fromhex(octets) + bytes.fromhex("80 3C 40")
    assert [event[1] for event in events(read(smf(track)))] == [0, value]


def test_every_kind_of_channel_message_is_kept():
    track = b"".join(
        message(status | channel, 1, *([2] if status not in (0xC0, 0xD0) else []), delta=3)
        for status in range(0x80, 0xF0, 0x10)
        for channel in range(16)
    )
    data = smf(track)
    assert events(read(data)) == as_mido_reads(data)
    assert len(read(data).messages) == 7 * 16


def test_running_status_goes_on_across_meta_and_sysex_events():
    track = on(60) + meta(1, b"x", 5) + bytes.fromhex("05 3C 00")
    track += bytes.fromhex("05 F0 03 7E 7F F7") + bytes.fromhex("05 40 41")
    track += bytes.fromhex("05 F7 02 F8 FA") + bytes.fromhex("05 40 00")
    file = read(smf(track))
    assert events(file) == [
        (0, 0, 0x90, 60, 64),
        (0, 10, 0x90, 60, 0),
        (0, 20, 0x90, 64, 65),
        (0, 30, 0x90, 64, 0),
    ]
    assert file.messages.event_index.tolist() == [0, 2, 4, 6]
    assert file.warnings == ()


def test_running_status_knows_one_data_byte_from_two():
    track = bytes.fromhex("00 C0 01 01 02 01 03 00 B0 07 08 01 09 0A 01 D3 0B 01 0C 81 00 E1 00 40")
    data = smf(track)
    assert events(read(data)) == [
        (0, 0, 0xC0, 1, 0),
        (0, 1, 0xC0, 2, 0),
        (0, 2, 0xC0, 3, 0),
        (0, 2, 0xB0, 7, 8),
        (0, 3, 0xB0, 9, 10),
        (0, 4, 0xD3, 11, 0),
        (0, 5, 0xD3, 12, 0),
        (0, 133, 0xE1, 0, 64),
    ]
    assert events(read(data)) == as_mido_reads(data)


def test_a_sysex_dump_in_packets_does_not_disturb_the_notes_between():
    track = on(60) + bytes.fromhex("00 F0 03 43 12 00") + on(62, 48) + off(62, 48)
    track += bytes.fromhex("64 F7 04 43 12 00 F7") + off(60, 10)
    assert [e[:4] for e in events(read(smf(track)))] == [
        (0, 0, 0x90, 60),
        (0, 48, 0x90, 62),
        (0, 96, 0x80, 62),
        (0, 206, 0x80, 60),
    ]


def test_a_sysex_event_longer_than_a_window_is_passed_over():
    dump = b"\0\xf0" + vlq(700_000) + bytes(699_999) + b"\xf7"
    file = read(smf(on(60) + dump + off(60, 480)))
    assert [e[1] for e in events(file)] == [0, 480]


@pytest.mark.parametrize("n", [65_535, 87_381, 200_000])
def test_tracks_longer_than_a_window_are_read_as_mido_reads_them(n):
    track = on(60) + b"".join(bytes([i & 1, i * 7 & 127, i * 3 & 127]) for i in range(n))
    data = smf(track)
    file = read(data)
    assert len(file.messages) == n + 1
    m = file.messages
    assert m.tick[-1] == n // 2
    assert m.data1[1:].tolist() == [i * 7 & 127 for i in range(n)]


def test_tempo_events_on_any_track_count():
    data = smf(name("A") + on(60) + off(60, 1920), tempo(250_000, 960), tempo(1_000_000, 480))
    file = read(data)
    assert file.sequences[0].tempo_map == [
        [0.0, 0, 500_000],
        [0.5, 480, 1_000_000],
        [1.5, 960, 250_000],
    ]
    assert file.sequences[0].duration_seconds == pytest.approx(
        mido.MidiFile(file=io.BytesIO(data)).length
    )


def test_each_sequence_of_a_type_2_file_has_its_own_clock():
    slow = tempo(1_000_000) + meta(0x58, b"\3\2\x18\x08") + on(60) + off(60, 480)
    data = smf(on(60) + off(60, 480), slow, format=2)
    file = read(data)
    assert [s.duration_seconds for s in file.sequences] == [0.5, 1.0]
    assert [s.time_signature_map for s in file.sequences] == [[[0.0, 0, 4, 4]], [[0.0, 0, 3, 4]]]


def test_events_after_the_last_note_lengthen_the_file():
    track = on(60) + off(60, 480) + message(0xB0, 64, 0, delta=480) + vlq(960) + END[1:]
    file = read(header(1, 1) + chunk(track))
    assert file.sequences[0].duration_seconds == 2.0
    assert file.tracks[0].end_tick == 1920
    assert len(file.messages) == 3


def test_keys_markers_cue_points_lyrics_and_texts_are_kept_with_their_times():
    conductor = meta(0x59, b"\xfd\0") + meta(6, b"Start") + meta(7, b"Door slams", 480)
    conductor += meta(0x59, b"\2\1", 480) + meta(2, "© 2026".encode())
    singer = (
        meta(5, b"Glo-", 240) + meta(5, b"ria", 240) + meta(1, b"softly") + meta(0x59, b"\2\1", 480)
    )
    clock = read(smf(conductor, singer + on(60) + off(60, 1))).sequences[0]
    assert clock.key_signature_map == [[0.0, 0, -3, "major"], [1.0, 960, 2, "minor"]]
    assert clock.markers == [[0.0, 0, "Start"]]
    assert clock.cue_points == [[0.5, 480, "Door slams"]]
    assert clock.lyrics == [[0.25, 240, "Glo-"], [0.5, 480, "ria"]]
    assert clock.texts == [[0.5, 480, "softly"], [1.0, 960, "© 2026"]]


def test_the_time_code_at_which_a_cue_begins_is_kept():
    # 01:02:03:04 and 5 hundredths at 29.97 drop: rate bits 10.
    clock = read(smf(meta(0x54, bytes([0x41, 2, 3, 4, 5])) + on(60) + off(60, 1))).sequences[0]
    assert clock.smpte_offset == {
        "rate": "29.97 drop", "hours": 1, "minutes": 2, "seconds": 3, "frames": 4, "hundredths": 5
    }  # fmt: skip


def test_a_track_is_called_by_its_name_or_else_by_its_instrument():
    tracks = [
        meta(4, b"Bassoon") + name("Bsn 1") + on(60) + off(60, 1),
        meta(4, b"Bassoon\0") + name("") + on(60) + off(60, 1),
        on(60) + off(60, 1),
    ]
    file = read(smf(*tracks))
    assert [t.name for t in file.tracks] == ["Bsn 1", "Bassoon", ""]
    assert [t.raw_name for t in file.tracks] == [b"Bsn 1", b"Bassoon\0", b""]


def test_chunks_of_other_kinds_are_passed_over_without_a_word():
    parts = [header(1, 2), chunk(on(60) + off(60, 1) + END), chunk(b"MTrk? no", b"XFIH")]
    file = read(b"".join([*parts, chunk(on(62) + off(62, 1) + END), chunk(b"tail", b"XFKM")]))
    assert [len(file.tracks), len(file.messages), file.warnings] == [2, 4, ()]


def test_a_longer_header_is_accepted():
    body = bytes.fromhex("0001 0001 01E0 FFFF")
    file = read(chunk(body, b"MThd") + chunk(on(60) + off(60, 1) + END))
    assert (file.ticks_per_beat, len(file.messages), file.warnings) == (480, 2, ())


def test_a_midi_file_in_a_riff_wrapper_is_read():
    inner = smf(on(60) + off(60, 480))
    riff = b"RMIDdata" + len(inner).to_bytes(4, "little") + inner
    file = read(b"RIFF" + len(riff).to_bytes(4, "little") + riff)
    assert (len(file.messages), file.warnings) == (2, ())


def test_a_tempo_track_alone_is_a_usable_file():
    file = read(smf(tempo(250_000) + meta(6, b"End", 960)))
    assert len(file.messages) == 0
    assert file.sequences[0].duration_seconds == 0.5


@pytest.mark.parametrize("division", [0x0000, 0xE200, 0xFF04, 0x8001, 0xE100])
def test_a_division_that_gives_no_clock_is_refused(division):
    with pytest.raises(MidiFileError, match=rf"song\.mid.*byte 12: division 0x{division:04X}"):
        read(smf(on(60) + off(60, 1), division=division))


def zipped(name: str, data: bytes) -> bytes:
    """An archive that holds a file as it stands, so that its bytes are all there."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as z:
        z.writestr(name, data)
    return archive.getvalue()


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "empty"),
        (b"Dear all, the MIDI follows tomorrow.", "holds text"),
        (b"PK\x03\x04rest of an archive", "ZIP"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "RIFF file of kind 'WAVE'"),
        (gzip.compress(smf(on(60) + off(60, 1)), mtime=0), "gzip archive.* Unpack it"),
        (zipped("cue.mid", smf(on(60) + off(60, 1))), "ZIP archive.* Unpack it"),
        (b"XMF_1.00" + smf(on(60) + off(60, 1)), "XMF"),
        (b"SMF2CLIP" + bytes.fromhex("00400000 00300001"), "MIDI 2.0 clip"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00", "LFS pointer.*git lfs pull"),
        (b"\r\n<!DOCTYPE HTML><html><head><title>404", "HTML page.* Download the file"),
        (b"\xef\xbb\xbf<html lang='en'>", "HTML page"),
        (bytes(4096), "4096 bytes are all zero"),
        (b"\0\1\2\3\4\5\6\7\x08", "bytes of no kind that is known"),
        (b"MThd\0\0\0\6\0\1", "breaks off after 10 bytes"),
        (header(1, 1), "no track chunk"),
        (header(1, 1) + b"MTrk\0\0", "no track chunk"),
        (header(1, 1) + chunk(b"\x00\x40\x40"), "without a readable event"),
    ],
)
def test_what_is_no_midi_file_is_refused_with_what_it_is(data, found):
    with pytest.raises(MidiFileError, match=found) as caught:
        read_midi(data, "song.mid")
    assert "song.mid" in str(caught.value)
    assert "remove" in str(caught.value)


def test_a_file_that_is_not_there_is_an_error_of_this_room(tmp_path):
    with pytest.raises(MidiFileError, match=r"'gone\.mid' cannot be read"):
        read_midi_file(tmp_path / "gone.mid")


def test_an_enormous_file_is_not_loaded(tmp_path):
    path = tmp_path / "disk.mid"
    with path.open("wb") as stream:
        stream.truncate(1 << 40)
    with pytest.raises(MidiFileError, match="at most"):
        read_midi_file(path)
