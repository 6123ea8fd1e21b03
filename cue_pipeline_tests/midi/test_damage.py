"""What precedes damage is kept, the rest is reported with track and byte offset."""

import time

import pytest

from cue_pipeline.errors import MidiFileError
from cue_pipeline_tests.midi.smf import (
    END,
    chunk,
    header,
    meta,
    name,
    off,
    on,
    read,
    read_if_usable,
    smf,
    tempo,
)

FIRST = name("First") + on(60) + off(60, 480)
SECOND = name("Second") + on(62) + off(62, 480)


def notes(file):
    on_events = (file.messages.status & 0xF0) == 0x90
    return list(
        zip(file.messages.track[on_events].tolist(), file.messages.data1[on_events].tolist(),
            strict=True)
    )  # fmt: skip


def damaged_first_track(damage):
    """Two tracks; the first breaks after its first note. Returns file and offset of the damage."""
    data = header(1, 2) + chunk(FIRST + damage + END) + chunk(SECOND + END)
    return data, 14 + 8 + len(FIRST)


@pytest.mark.parametrize(
    ("damage", "at", "words"),
    [
        (bytes.fromhex("00 90 40 C8"), 3, "byte 0xC8 where a data byte"),
        (bytes.fromhex("00 90 90 40 40"), 2, "byte 0x90 where a data byte"),
        (bytes.fromhex("00 F4 00"), 1, "status byte 0xF4"),
        (bytes.fromhex("00 F5"), 1, "status byte 0xF5"),
        (bytes.fromhex("00 F9"), 1, "status byte 0xF9"),
        (bytes.fromhex("00 FD"), 1, "status byte 0xFD"),
        (bytes.fromhex("FF FF FF FF 7F 90 40 40"), 0, "delta time longer than four bytes"),
        (bytes.fromhex("00 FF 90 00"), 2, "meta event of type 0x90"),
        (bytes.fromhex("00 FF 01 FF FF FF 7F"), 0, "meta event 0x01 of 268435455 bytes"),
        (bytes.fromhex("00 F0 FF FF FF 7F"), 0, "sysex event of 268435455 bytes"),
        (bytes.fromhex("00 FF 01 80 80 80 80 00"), 3, "length of a meta event longer than four"),
    ],
)
def test_damage_within_a_track_costs_the_rest_of_that_track_only(damage, at, words):
    data, offset = damaged_first_track(damage)
    file = read(data)
    assert notes(file) == [(0, 60), (1, 62)]
    assert [t.name for t in file.tracks] == ["First", "Second"]
    (warning,) = file.warnings
    assert warning.startswith(f"track 0, byte {offset + at}: {words}")
    assert "lost" in warning


def test_a_first_message_without_status_is_damage_where_it_stands():
    data = header(1, 2) + chunk(bytes.fromhex("00 3C 40") + END) + chunk(SECOND + END)
    file = read(data)
    assert notes(file) == [(1, 62)]
    assert file.warnings[0].startswith("track 0, byte 23: data byte 0x3C where a status byte")


def test_running_status_does_not_leak_from_track_to_track():
    data = header(1, 2) + chunk(FIRST + END) + chunk(bytes.fromhex("00 3C 40") + END)
    assert len(read(data).messages) == 2


@pytest.mark.parametrize("octets", ["F1 05", "F2 05 06", "F3 01", "F6", "F8", "FA", "FE"])
def test_system_messages_that_have_no_place_in_a_file_are_passed_over(octets):
    data = smf(on(60) + b"\x05" + bytes.fromhex(octets) + off(60, 5))
    file = read(data)
    assert file.messages.tick.tolist() == [0, 10]
    assert file.warnings[0].startswith("track 0, byte 26: a system message")


def test_a_file_that_breaks_off_keeps_all_that_is_there():
    data = smf(FIRST, SECOND)
    kept = {}
    for size in range(len(data)):
        file = read_if_usable(data[:size])
        assert file is None or file.warnings
        kept[size] = len(file.messages) if file else 0
    assert list(kept.values()) == sorted(kept.values())
    end_of_first = len(smf(FIRST))
    assert kept[end_of_first] == 2
    assert kept[len(data) - 4] == 4  # only the last End of Track is missing
    assert kept[len(data) - 5] == 3


def test_a_file_that_breaks_off_within_a_track_says_how_much_is_missing():
    data = smf(FIRST, SECOND)
    file = read(data[:-6])
    assert notes(file) == [(0, 60), (1, 62)]
    second = len(smf(FIRST))
    assert file.warnings == (
        f"track 1, byte {second + 4}: the track should have 23 bytes, 17 are left in the file",
        f"track 1, byte {len(data) - 9}: the track ends within an event; what follows in this "
        "track (3 bytes) is lost",
    )


@pytest.mark.parametrize("lie", [0, 1, 5, 12, 17, 18, 19, 25, 40, 49, 53, 1_000, 0xFFFFFFFF])
def test_a_track_chunk_that_lies_about_its_length_is_read_to_its_end(lie):
    truth = len(FIRST + END)
    data = header(1, 3) + chunk(FIRST + END, length=lie) + chunk(SECOND + END) + chunk(FIRST + END)
    file = read(data)
    assert notes(file) == [(0, 60), (1, 62), (2, 60)]
    assert bool(file.warnings) == (lie != truth)
    if lie != truth:
        assert file.warnings[0].startswith("track 0, byte ")


@pytest.mark.parametrize("lie", [0, 3, 14, 17, 18, 30, 0xFFFFFFFF])
def test_the_last_track_may_lie_too(lie):
    file = read(header(1, 2) + chunk(SECOND + END) + chunk(FIRST + END, length=lie))
    assert notes(file) == [(0, 62), (1, 60)]


def test_a_track_without_end_of_track_is_kept():
    file = read(header(1, 2) + chunk(FIRST) + chunk(SECOND + END))
    assert notes(file) == [(0, 60), (1, 62)]
    assert file.warnings == (f"track 0, byte {22 + len(FIRST)}: the track has no End of Track",)


@pytest.mark.parametrize("extra", [b"\0", b"\0\0\0\0", b"garbage between", b"\r\n", bytes(1000)])
def test_extra_bytes_between_chunks_are_passed_over(extra):
    data = header(1, 2) + chunk(FIRST + END) + extra + chunk(SECOND + END) + extra
    file = read(data)
    assert notes(file) == [(0, 60), (1, 62)]
    first, last = 22 + len(FIRST + END), len(data) - len(extra)
    assert file.warnings == (
        f"byte {first}: {len(extra)} bytes that belong to no track",
        f"byte {last}: {len(extra)} bytes after the last track",
    )


def test_bytes_after_end_of_track_are_passed_over():
    file = read(header(1, 2) + chunk(FIRST + END + b"rest") + chunk(SECOND + END))
    assert notes(file) == [(0, 60), (1, 62)]
    assert file.warnings == (f"track 0, byte {26 + len(FIRST)}: 4 bytes after End of Track",)


def test_extra_bytes_before_the_header_are_passed_over():
    file = read(bytes(128) + smf(FIRST))
    assert notes(file) == [(0, 60)]
    assert file.warnings == ("byte 0: 128 extra bytes before the header were passed over",)


def test_a_wrong_number_of_tracks_is_said():
    file = read(header(1, 7) + chunk(FIRST + END))
    assert file.warnings == ("byte 10: the header promises 7 tracks, 1 were found",)


@pytest.mark.parametrize("length", [0, 5, 0xFFFFFFFF])
def test_a_header_that_lies_about_its_length_is_read_as_six_bytes(length):
    file = read(smf(FIRST).replace(b"MThd\0\0\0\6", b"MThd" + length.to_bytes(4, "big")))
    assert notes(file) == [(0, 60)]
    assert file.warnings == (f"byte 4: header length {length} cannot be right, read as 6",)


def test_an_unknown_format_is_read_as_simultaneous_tracks():
    file = read(smf(FIRST, tempo(250_000), format=3))
    assert file.sequences[0].duration_seconds == 0.25
    assert "format 3 is unknown" in file.warnings[0]


def test_a_delta_time_of_hours_is_kept_and_said():
    file = read(smf(on(60) + off(60, 0x0FFFFFFF)))
    assert file.messages.tick.tolist() == [0, 0x0FFFFFFF]
    assert file.warnings == (
        "track 0, byte 26: a delta time of 268435455 ticks leaves 77.7 hours without an event",
    )


def test_a_file_of_more_bars_than_can_be_stored_is_refused():
    track = on(60) + b"".join(on(60, 0x0FFFFFFF) for _ in range(33))
    assert len(read(smf(track[:-7], division=1)).messages) == 33
    with pytest.raises(MidiFileError, match="2214592504 bars"):
        read(smf(track, division=1))


def test_a_file_of_nothing_but_damage_does_not_fill_memory_with_warnings():
    track = meta(0x51, b"\0\0\0") * 100_000 + on(60) + off(60, 1)
    file = read(smf(track))
    assert len(file.warnings) == 51
    assert file.warnings[-1] == "and 99950 more"


@pytest.mark.parametrize(
    "data",
    [
        header(1, 65_535, 1) + b"MTrk\0\0\0\0" * 65_535 + chunk(FIRST + END),
        header(1, 1) + chunk(b"", length=0xFFFFFFFF) * 20_000 + chunk(FIRST + END),
        smf(on(60) + bytes.fromhex("FF FF FF 7F 3C 40") * 100_000, division=1),
        smf(on(60) + b"\xff" * 1_000_000),
        smf(on(60) + b"\0\xf0" + bytes.fromhex("FF FF FF 7F") + bytes(1_000_000)),
        smf(meta(6, b"") * 50_000, format=2),
        smf(on(60), *[b""] * 20_000, format=2),
        header(1, 1) + b"MTrk" * 250_000 + chunk(FIRST + END),
        smf(FIRST) + bytes(2_000_000),
        bytes(2_000_000),
    ],
)
def test_absurd_files_are_dealt_with_at_once(data):
    began = time.process_time()
    read_if_usable(data)
    assert time.process_time() - began < 5.0


def test_a_second_midi_file_behind_the_first_is_left_out_and_said():
    one = smf(FIRST)
    file = read(one + one)
    assert len(file.tracks) == len(read(one).tracks)
    assert file.warnings == (
        f"byte {len(one)}: a second MIDI file begins here, and is left out ({len(one)} bytes): "
        "give it a name of its own, or export the sequence again",
    )


def test_a_header_of_format_0_over_several_tracks_is_said():
    file = read(smf(FIRST, FIRST, format=0))
    assert len(file.tracks) == 2
    assert any("format 0 has one track, 2 are there" in warning for warning in file.warnings)
