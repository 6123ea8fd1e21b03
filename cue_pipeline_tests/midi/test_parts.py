"""Tracks of several instruments: parts by port and channel, their names, and what they play."""

import pytest

from cue_pipeline.cue.identity import row_id
from cue_pipeline.midi.track_names import is_placeholder
from cue_pipeline_tests.midi.smf import CUE, message, meta, name, off, on, read, rows, smf, tables


def tune(channel: int, *pitches: int, length: int = 240) -> bytes:
    return b"".join(
        on(p, channel=channel) + off(p, length, channel=channel) for p in pitches or (60, 62, 64)
    )


def program(channel: int, number: int) -> bytes:
    return message(0xC0 | channel, number)


def control(channel: int, number: int, value: int) -> bytes:
    return message(0xB0 | channel, number, value)


def sysex(text: str) -> bytes:
    body = bytes.fromhex(text)
    return b"\0\xf0" + bytes([len(body) + 1]) + body + b"\xf7"


def prefix(channel: int) -> bytes:
    return meta(0x20, bytes([channel]))


def port(number: int, delta: int = 0) -> bytes:
    return meta(0x21, bytes([number]), delta)


def parts(*tracks: bytes, format: int = 1) -> list[tuple]:  # noqa: A002
    found = tables(smf(*tracks, format=format))["midi_tracks"]
    return rows(found, "track_index", "port", "part_channel", "track_name")


def kits(*tracks: bytes) -> list[str | None]:
    return [p.sounds.drum_kit for p in read(smf(*tracks)).parts.parts if p.sounds.sounds]


def test_a_track_with_notes_on_several_channels_is_a_part_for_each():
    track = name("Chase") + program(0, 48) + program(9, 0) + tune(0) + tune(9, 36, 38)
    assert parts(track, format=0) == [(0, 0, 0, "Chase"), (0, 0, 9, "Chase")]
    found = tables(smf(track, format=0))
    assert [len(g) for _, g in found["midi_notes"].groupby("midi_track_id", sort=False)] == [3, 2]
    assert found["midi_tracks"]["id"].tolist() == [
        row_id("midi_tracks", CUE, "song.mid", 0, 0, channel) for channel in (0, 9)
    ]


def test_a_track_that_is_one_part_keeps_its_id_whatever_controllers_it_sends():
    track = name("Solo") + control(3, 7, 100) + tune(0) + program(5, 1)
    (row,) = tables(smf(track))["midi_tracks"].to_dict("records")
    assert row["id"] == row_id("midi_tracks", CUE, "song.mid", 0)
    assert parts(track) == [(0, None, None, "Solo")]


def test_every_message_of_a_track_is_in_one_of_its_parts():
    track = tune(0) + control(7, 1, 2) + tune(1) + message(0xE4, 0, 64) + message(0xD2, 9)
    found = tables(smf(track))
    assert parts(track) == [(0, 0, c, "") for c in (0, 1, 2, 4, 7)]
    n_events = sum(len(found[t]) for t in ("midi_cc", "midi_pitch_bends", "midi_aftertouch"))
    assert (len(found["midi_notes"]), n_events) == (6, 3)


def test_a_note_off_on_one_port_ends_no_note_on_another():
    # The standard leaves FF 21 to sequencers; the same channel on two ports is two instruments.
    track = port(0) + on(60) + port(1, 480) + on(60) + off(60, 480) + port(0) + off(60, 4800)
    found = tables(smf(track, format=0))
    assert parts(track, format=0) == [(0, 0, 0, ""), (0, 1, 0, "")]
    notes = rows(found["midi_notes"], "start_tick", "end_tick", "flags")
    assert notes == [(0, 5760, 0), (480, 960, 0)]


def test_devices_that_change_within_a_track_are_ports():
    a, b = meta(9, b"Port A"), meta(9, b"Port B")
    assert [p[1] for p in parts(a + tune(0) + b + tune(0) + a + tune(0))] == [0, 1]


@pytest.mark.parametrize(
    ("track", "named"),
    [
        (name("InitializedTrack") + name("Violas") + tune(0), "Violas"),
        (name("Track 1") + meta(4, b"Harp") + tune(0), "Harp"),
        (name("untitled") + meta(8, b"Horns Legato") + meta(9, b"Kontakt 7") + tune(0), None),
        (meta(8, b"French Horns") + meta(9, b"Kontakt 7 - 3") + tune(0), "French Horns"),
        (meta(9, b"Celesta") + tune(0), "Celesta"),
        (tune(0) + name("Contrabass Pizz"), "Contrabass Pizz"),
        (name("Flute") + tune(0) + name("Piccolo") + tune(0), "Flute"),
        (name("MIDI 01") + tune(0), "MIDI 01"),
        (prefix(0) + name("Oboe") + tune(0), "Oboe"),
    ],
)
def test_the_best_of_a_tracks_names_is_its_name(track, named):
    ((*_, got),) = parts(track)
    assert got == (named or "Horns Legato")


def test_all_names_are_kept_in_their_order():
    track = name("InitializedTrack") + name("Violas") + tune(0) + name("Violas div")
    (kept,) = tables(smf(track))["midi_tracks"]["all_names"]
    assert kept == ["InitializedTrack", "Violas", "Violas div"]


@pytest.mark.parametrize(
    ("word", "expected"),
    [(w, True) for w in ("Track 1", "track_02", "MIDI 01", "Inst 1", "untitled", "InitializedTrack",
                         "Untitled 3", "Software Instrument 4", "Spur 2", "Piste 3", "Staff-1",
                         "SmartMusic SoftSynth 1", "トラック 1", "Дорожка 3", "17", "<no name>")]
    + [(w, False) for w in ("Violins 1", "Bass", "Piano", "Synth 1", "Pad", "Drums", "Horn 2",
                            "Trumpet", "Choir Track", "1st Violins")],
)  # fmt: skip
def test_placeholders_are_what_programs_write_where_nobody_gave_a_name(word, expected):
    assert is_placeholder(word) is expected


def test_channel_prefixes_name_the_channels_of_one_track():
    track = name("Chase")
    for channel, kind, text in ((0, 4, "Violins 1"), (1, 3, "Flute"), (9, 8, "Drum Kit")):
        track += prefix(channel) + meta(kind, text.encode()) + tune(channel)
    assert [p[3] for p in parts(track, format=0)] == ["Violins 1", "Flute", "Drum Kit"]
    names = tables(smf(track, format=0))["midi_tracks"]["all_names"].tolist()
    assert names[1] == ["Flute", "Chase"]


def test_a_prefix_holds_until_the_next_message():
    track = prefix(0) + tune(0) + name("Late") + tune(1)
    assert [p[3] for p in parts(track)] == ["Late", "Late"]


def test_names_that_precede_the_channels_of_merged_tracks_are_theirs():
    track = name("Oboe") + program(0, 68) + name("Tuba") + program(1, 58) + tune(0) + tune(1)
    assert [p[3] for p in parts(track, format=0)] == ["Oboe", "Tuba"]


MPE_SET_UP = control(0, 101, 0) + control(0, 100, 6) + control(0, 6, 15)


def test_an_mpe_zone_is_one_part():
    track = name("Roli") + MPE_SET_UP + b"".join(tune(c, 60 + c) for c in range(1, 16))
    assert parts(track) == [(0, None, None, "Roli")]
    assert kits(track) == [None]


def test_two_mpe_zones_are_two_parts_by_their_managers():
    lower = control(0, 101, 0) + control(0, 100, 6) + control(0, 6, 7)
    upper = control(15, 101, 0) + control(15, 100, 6) + control(15, 6, 6)
    track = lower + upper + b"".join(tune(c) for c in (1, 2, 3, 12, 13, 14))
    assert [p[2] for p in parts(track) if p[2] in (0, 15)] == [0, 15]
    assert len(parts(track)) == 2


def test_an_mpe_zone_that_a_track_without_notes_sets_up_holds_too():
    assert len(parts(name("Setup") + MPE_SET_UP, name("Lead") + tune(1) + tune(2) + tune(3))) == 2


def voices(bend: bool) -> bytes:
    """One line whose notes go from channel to channel, as a controller for MPE plays."""
    track = b""
    for i in range(24):
        channel = 1 + i % 6
        if bend:
            track += message(0xE0 | channel, 0, 64 + i % 3)
        track += tune(channel, 60 + (i * 7) % 12)
    return track


def test_a_channel_for_every_note_with_its_bend_is_one_part_and_that_is_said():
    file = read(smf(voices(bend=True)))
    assert len(file.parts.parts) == 1
    assert any("MPE" in warning for warning in file.warnings)


def test_channels_without_bends_or_with_programs_or_registers_of_their_own_are_parts():
    assert len(parts(voices(bend=False))) == 6
    programs = b"".join(program(1 + i, 40 + i) for i in range(6))
    assert len(parts(programs + voices(bend=True))) == 6
    low_and_high = b"".join(
        message(0xE0 | c, 0, 70) + tune(c, 30 + 15 * c + i % 3) for i in range(9) for c in range(4)
    )
    assert len(parts(low_and_high)) == 4


def test_programs_of_a_set_up_track_reach_their_channels():
    set_up = name("Setup") + program(0, 48) + program(1, 73)
    file = read(smf(set_up, tune(0), tune(1)))
    assert [p.sounds.sounds for p in file.parts.parts] == [
        (),
        ((48, None, None, 3),),
        ((73, None, None, 3),),
    ]


def test_a_silent_instrument_on_everyones_channel_is_no_set_up_track():
    """Sequencers put every track on channel 1; a muted one's program says nothing of others."""
    file = read(smf(name("Tacet") + program(0, 40), tune(0), tune(0)))
    assert [p.sounds.sounds[0][0] for p in file.parts.parts if p.sounds.sounds] == [None, None]


def test_the_first_track_may_set_up_the_others_beside_its_own_notes():
    first = program(0, 48) + program(1, 73) + program(9, 0) + tune(0)
    file = read(smf(first, tune(1), tune(9, 36)))
    assert [p.sounds.sounds[0][0] for p in file.parts.parts] == [48, 73, 0]


def test_a_set_up_track_speaks_of_its_own_port():
    file = read(smf(port(1) + program(0, 40) + program(1, 41), tune(0), port(1) + tune(0)))
    assert [p.sounds.sounds[0][0] for p in file.parts.parts[1:]] == [None, 40]


def test_a_bank_in_a_set_up_track_makes_a_kit_of_another():
    set_up = control(10, 0, 127) + program(10, 0) + program(0, 48)
    assert kits(set_up, tune(10, 36, 38), tune(0)) == ["bank 127 (XG)", None]


def test_a_tracks_own_program_goes_before_that_of_a_set_up_track():
    file = read(smf(program(0, 48) + program(1, 1), program(0, 60) + tune(0)))
    assert file.parts.parts[1].sounds.sounds == ((60, None, None, 3),)


@pytest.mark.parametrize(
    ("track", "kit"),
    [
        (tune(9, 36, 38, 42), "channel 10"),
        (control(10, 0, 127) + program(10, 0) + tune(10, 36, 38), "bank 127 (XG)"),
        (control(10, 0, 126) + program(10, 0) + tune(10, 36, 38), "bank 126 (XG)"),
        (control(10, 0, 120) + program(10, 0) + tune(10, 36, 38), "bank 120 (GM 2)"),
        (control(10, 0, 127) + tune(10, 36), None),  # a bank alone changes nothing
        (control(9, 0, 121) + program(9, 40) + tune(9), None),
        # Roland: part 11 is block A; block 0 is part 10.
        (sysex("41 10 42 12 40 1A 15 01 10") + tune(10, 36), "SysEx (rhythm part)"),
        (sysex("41 10 42 12 40 10 15 00 1B") + tune(9), None),
        (sysex("41 10 42 12 40 00 7F 00 41") + control(2, 0, 127) + program(2, 0) + tune(2), None),
        (sysex("43 10 4C 00 00 7E 00") + control(9, 0, 0) + program(9, 40) + tune(9), None),
        (sysex("43 10 4C 08 03 07 02") + tune(3, 36), "SysEx (rhythm part)"),
        # GM on sets all parts back.
        (sysex("41 10 42 12 40 1A 15 01 10") + sysex("7E 7F 09 01") + tune(10, 36), None),
    ],
)
def test_drum_kits_are_told_by_bank_and_system_exclusive(track, kit):
    assert kits(track) == [kit]


def test_a_system_exclusive_message_in_packets_is_one():
    whole = bytes.fromhex("41 10 42 12 40 1A 15 01 10 F7")
    packets = b"\0\xf0\x04" + whole[:4] + b"\x0a\xf7\x06" + whole[4:]
    assert kits(packets + tune(10, 36)) == ["SysEx (rhythm part)"]
    # What follows a whole message is no part of it.
    assert kits(sysex("7E 7F 09 01") + packets[7:] + tune(10, 36)) == [None]


def test_system_exclusive_messages_of_a_conductor_reach_every_track():
    conductor = sysex("41 10 42 12 40 1B 15 02 0E")
    assert kits(conductor, tune(11, 36), tune(2)) == ["SysEx (rhythm part)", None]


def test_pitches_that_no_kit_has_are_no_drums_and_that_is_said():
    file = read(smf(tune(9, *range(84, 104))))
    assert file.parts.parts[0].sounds.drum_kit is None
    assert any("channel 10" in warning for warning in file.warnings)


MELODY = (55, 57, 58, 60, 62, 63, 65, 67, 69, 70, 72, 74)
KIT = (36, 42, 38, 42, 36, 46, 38, 49, 45, 43, 41, 56, 54)


def test_a_melody_that_stands_on_channel_10_as_the_tenth_track_is_no_kit_and_that_is_said():
    file = read(smf(*(tune(channel, *MELODY, *MELODY[::-1]) for channel in range(8, 12))))
    assert [part.sounds.drum_kit for part in file.parts.parts] == [None] * 4
    assert any("track 1: its notes on channel 10 are 12 pitches" in w for w in file.warnings)


@pytest.mark.parametrize("keys", [KIT, (60, 61, 62, 63, 64), range(36, 56)])
def test_a_kit_hand_drums_and_a_toy_box_on_channel_10_stay_drums(keys):
    file = read(smf(tune(9, *keys, *keys)))
    assert (file.parts.parts[0].sounds.drum_kit, file.warnings) == ("channel 10", ())


# Bass lines: a walk from low E, a line of five strings' range in two paces, and one in one pace.
WALK = (28, 31, 33, 35, 36, 33, 31, 28, 33, 36, 40, 43, 41, 40, 38, 35)
# F, G, A and B, on which kits have toms.
ON_TOMS = (41, 43, 45, 43, 41, 43, 47, 45, 43, 41, 43, 45, 47, 45, 43, 41)
IN_DOUBT = "channel 10, in doubt"
FIVE_STRINGS = (36, 38, 40, 43, 41, 40, 38, 43, 45, 43, 41, 40, 38, 36, 43, 36)


def paced(*pitches: int, paces: tuple[int, ...], held: float) -> bytes:
    track = b""
    for at, pitch in enumerate(pitches):
        pace = paces[at % len(paces)]
        length = round(pace * held)
        track += on(pitch, pace - length if at else 0, channel=9) + off(pitch, length, channel=9)
    return track


def gated(*pitches: int, paces: tuple[int, ...], held: float) -> bytes:
    """Return notes that last a part of the time to the next, or always as many ticks."""
    track, rest = b"", 0
    for at, pitch in enumerate(pitches):
        pace = paces[at % len(paces)]
        length = round(pace * held) if held < 1 else round(held)
        track += on(pitch, rest, channel=9) + off(pitch, length, channel=9)
        rest = pace - length
    return track


@pytest.mark.parametrize(
    ("line", "kit", "said"),
    [
        (paced(*WALK, paces=(480,), held=0.4), None, "lower than key 35"),
        (paced(*FIVE_STRINGS, paces=(480, 480, 240, 240), held=0.9), None, "held to the next"),
        (paced(*FIVE_STRINGS, paces=(480,), held=0.4), "channel 10, in doubt", "one scale"),
        (paced(*(x + 3 for x in WALK), paces=(240, 480, 720), held=1), None, "held to the next"),
        (paced(*ON_TOMS, paces=(480, 480, 240, 240), held=0.9), IN_DOUBT, "pitches of one scale"),
        (paced(*ON_TOMS, paces=(240,), held=1), IN_DOUBT, "4 pitches of one scale"),
        (gated(*ON_TOMS, paces=(480, 240, 240), held=0.4), IN_DOUBT, "4 pitches of one scale"),
    ],
)
def test_a_bass_line_on_channel_10_is_no_kit_or_doubted_and_that_is_said(line, kit, said):
    file = read(smf(line))
    assert file.parts.parts[0].sounds.drum_kit == kit
    assert any(said in warning for warning in file.warnings)


@pytest.mark.parametrize(
    "track",
    [
        # Kick and hi-hat together, snare and hi-hat together, as machines write it.
        (on(36, channel=9) + on(42, channel=9) + off(36, 60, channel=9) + off(42, 0, channel=9)
         + on(42, 180, channel=9) + off(42, 60, channel=9) + on(38, 180, channel=9)
         + on(42, channel=9) + off(38, 60, channel=9) + on(45, 120, channel=9)
         + off(45, 60, channel=9) + on(49, 60, channel=9) + off(49, 60, channel=9)) * 4,
        # Fills on the toms alone.
        paced(*(50, 50, 48, 48, 47, 45, 43, 41) * 4, paces=(240, 120, 120), held=1),
        # Up and down them, as pads write it: all strokes of one length.
        gated(*(41, 43, 45, 47, 50, 47, 45, 43) * 4, paces=(480, 240, 240), held=60),
        # A line up and down them that is called what it is.
        name("Tom Toms") + paced(*(41, 43, 45, 47, 50, 47, 45, 43) * 4, paces=(240,), held=1),
        name("Schlagzeug") + paced(*FIVE_STRINGS, paces=(480,), held=0.4),
        # Played by hand at two paces, all strokes of one length.
        paced(*(36, 42, 38, 46, 36, 49, 38, 43) * 4, paces=(480, 240), held=0.2),
        # A kick and a snare that are held to the next stroke.
        paced(*(36, 38, 36, 36, 38) * 4, paces=(480, 240), held=1),
    ],
)  # fmt: skip
def test_drums_on_channel_10_are_never_taken_for_a_line(track):
    file = read(smf(track))
    assert (file.parts.parts[0].sounds.drum_kit, file.warnings) == ("channel 10", ())


def test_a_rhythm_part_that_nothing_plays_is_taken_for_the_tracks_own_and_said():
    file = read(smf(sysex("41 10 42 12 40 1D 15 01 0D") + tune(12, 36, 38)))
    assert file.parts.parts[0].sounds.drum_kit == "SysEx (rhythm part)"
    assert any("channel 14" in warning for warning in file.warnings)


def test_a_device_name_that_tracks_share_names_none_of_them():
    device = meta(9, b"Broadway Big Band")
    assert [p[3] for p in parts(device + name("Track 1") + tune(0), device + tune(1))] == [
        "Track 1",
        "Broadway Big Band",
    ]
