"""Odd MIDI that nobody reported yet: at least two cues of each kind that was."""

import gzip
import json
import re
import struct
from collections.abc import Callable, Iterator, Sequence

from cue_pipeline_tests.cases.building import (
    BASS,
    CONDUCTOR,
    HORN,
    METER,
    SR,
    STROKES,
    VIOLIN,
    NewCue,
    Note,
    bext,
    meta,
    named,
    noise,
    played,
    smf,
    sound,
    tempo,
    track,
    wav,
)
from cue_pipeline_tests.cases.cue_view import CueView, Finding
from cue_pipeline_tests.cases.reported import Rule, is_told, maps, ready

Writer = Callable[[NewCue], Rule]
MIDI: dict[str, Writer] = {}

PERCUSSION = {
    "Drums", "Orch Percussion", "Low Percussion", "Mid Percussion", "High Percussion",
}  # fmt: skip


def variation(writer: Writer) -> Writer:
    """Enter a writer under its name; it writes the cue and returns what must become of it."""
    MIDI[writer.__name__] = writer
    return writer


def cc(channel: int, number: int, value: int) -> bytes:
    return bytes([0xB0 | channel, number, value])


def program(channel: int, number: int) -> bytes:
    return bytes([0xC0 | channel, number])


def tiny(cue: NewCue) -> None:
    cue.audio({"Pad_01.wav": wav(noise())})


def recorded(cue: NewCue, *, opaque: bool = False, before: bytes = b"", **kind) -> None:
    """Write the sound of violins, horns and bass."""
    names = ("Audio 1", "Audio 2", "Audio 3") if opaque else ("VLN_01", "HRN_01", "BASS_01")
    for name, part, colour in zip(names, (VIOLIN, HORN, BASS), (1.0, 1.4, 1.2), strict=True):
        cue.audio({f"{name}.wav": wav(sound(part, colour=colour, **kind), before=before)})


def named_parts(shift: int = 0, ppq: int = 480) -> list[bytes]:
    lines = (("Violins", VIOLIN), ("Horns", HORN), ("Contrabass", BASS))
    return [
        track((0, named(name)), *played(part, i, ppq=ppq, shift=shift))
        for i, (name, part) in enumerate(lines)
    ]


TRUE = {"Violins": "VLN_01", "Horns": "HRN_01", "Contrabass": "BASS_01"}


def mapped(view: CueView) -> Iterator[Finding]:
    found = {t["track_name"]: t for t in view.sounding if t["state"] is not None}
    for name, stem in TRUE.items():
        yield maps(view, found[name], stem)


def names_are(view: CueView, file: str, names: Sequence[str]) -> Finding:
    found = [t["track_name"] for t in view.sounding if t["file_path"] == f"MIDI/{file}"]
    return Finding(
        f"{file} says {list(names)} (found {found})", found == list(names), re.escape(file)
    )


def follows(view: CueView, file: str, at: Callable[[float], float], ppq: int) -> Finding:
    """Claim the times of all notes of a file."""
    apart, n = 0.0, 0
    for part in view.sounding:
        if part["file_path"] == f"MIDI/{file}":
            for note in view.events(part):
                n += 1
                apart = max(apart, abs(note["start_time"] - at(note["start_tick"] / ppq)))
    return Finding(
        f"{n} notes of {file} are in time (found {apart:.3f} s off)", n > 0 and apart < 0.001
    )


# ------------------------------------------------------------------ parts


@variation
def a_rack_of_two_channels_in_one_track(cue: NewCue) -> Rule:
    rack = track((0, named("Kontakt rack")), *played(VIOLIN, 2), *played(HORN, 5))
    cue.midi({"cue.mid": smf(CONDUCTOR, rack, track((0, named("Contrabass")), *played(BASS, 0)))})
    recorded(cue)

    def rule(view: CueView) -> Iterator[Finding]:
        parts = {t["part_channel"]: t for t in view.sounding if t["track_index"] == 1}
        yield Finding(f"two parts (found {sorted(parts, key=str)})", set(parts) == {2, 5})
        yield maps(view, parts[2], "VLN_01")
        yield maps(view, parts[5], "HRN_01")

    return rule


@variation
def a_format_0_file_without_any_name(cue: NewCue) -> Rule:
    events = [(0, tempo(120)), *played(VIOLIN, 0), *played(HORN, 1), *played(BASS, 2)]
    cue.midi({"cue.mid": smf(track(*events), kind=0)})
    recorded(cue, opaque=True)

    def rule(view: CueView) -> Iterator[Finding]:
        found = {t["part_channel"]: t for t in view.sounding}
        yield Finding(f"three parts (found {sorted(found, key=str)})", set(found) == {0, 1, 2})
        for channel in range(3):
            yield maps(view, found[channel], f"Audio {channel + 1}")

    return rule


@variation
def channel_prefixes_with_track_names(cue: NewCue) -> Rule:
    events = [(0, named("1m07 Hunt")), (0, tempo(120))]
    for channel, (name, part) in enumerate(
        (("Violins", VIOLIN), ("Horns", HORN), ("Contrabass", BASS))
    ):
        events += [(0, meta(0x20, bytes([channel]))), (0, named(name)), *played(part, channel)]
    cue.midi({"cue.mid": smf(track(*events), kind=0)})
    recorded(cue)
    return mapped


@variation
def channels_named_by_program(cue: NewCue) -> Rule:
    events = [(0, tempo(120))]
    for channel, (number, part) in enumerate(((40, VIOLIN), (60, HORN), (43, BASS))):
        events += [(0, program(channel, number)), *played(part, channel)]
    cue.midi({"cue.mid": smf(track(*events), kind=0)})
    recorded(cue, opaque=True)

    def rule(view: CueView) -> Iterator[Finding]:
        found = {t["part_channel"]: t["instrument_category"] for t in view.sounding}
        right = found.get(0) == "Strings" and found.get(1) == "Brass"
        yield Finding(f"categories by program (found {found})", right)
        yield Finding("a bass", found.get(2) in ("Double Bass", "Strings", "Bass"))

    return rule


@variation
def one_note_held_at_three_ports(cue: NewCue) -> Rule:
    events = [(0, tempo(120))]
    for port, (first, last) in enumerate(((0, 960), (240, 1920), (480, 720))):
        events += [(first, meta(0x21, bytes([port])) + b"\0" + bytes([0x90, 60, 90]))]
        events += [(last, meta(0x21, bytes([port])) + b"\0" + bytes([0x80, 60, 64]))]
    cue.midi({"cue.mid": smf(track(*events), kind=0)})
    tiny(cue)

    def rule(view: CueView) -> Iterator[Finding]:
        held = {
            t["port"]: [(n["start_tick"], n["end_tick"]) for n in view.events(t)]
            for t in view.sounding
        }
        true = {0: [(0, 960)], 1: [(240, 1920)], 2: [(480, 720)]}
        yield Finding(f"each port has its note (found {held})", held == true)

    return rule


@variation
def the_second_name_is_the_name(cue: NewCue) -> Rule:
    celli = track((0, named("Track 1")), (0, named("Celli")), *played(BASS, 0))
    trumpet = track((0, named("MIDI 03")), (0, meta(0x04, "Trumpet")), *played(HORN, 1))
    flute = track((0, meta(0x09, "VSL Flute 1")), *played(VIOLIN, 2))
    cue.midi({"cue.mid": smf(CONDUCTOR, celli, trumpet, flute)})
    tiny(cue)
    return lambda view: iter([names_are(view, "cue.mid", ["Celli", "Trumpet", "VSL Flute 1"])])


@variation
def programs_in_the_conductor_track(cue: NewCue) -> Rule:
    first = track((0, tempo(120)), (0, program(0, 40)), (0, program(1, 60)), (0, program(2, 43)))
    lines = [
        track((0, named(f"Track {i + 1}")), *played(p, i))
        for i, p in enumerate((VIOLIN, HORN, BASS))
    ]
    cue.midi({"cue.mid": smf(first, *lines)})
    recorded(cue, opaque=True)

    def rule(view: CueView) -> Iterator[Finding]:
        found = [t["instrument_category"] for t in view.sounding]
        yield Finding(f"categories by program (found {found})", found[:2] == ["Strings", "Brass"])
        for i, part in enumerate(view.sounding):
            yield maps(view, part, f"Audio {i + 1}")

    return rule


@variation
def a_track_without_notes_is_called_strings(cue: NewCue) -> Rule:
    empty = track((0, named("Strings")), (0, cc(0, 7, 100)))
    cue.midi({"cue.mid": smf(CONDUCTOR, empty, *named_parts())})
    recorded(cue)

    def rule(view: CueView) -> Iterator[Finding]:
        found = [(t["instrument_category"], t["stem"]) for t in view.tracks if not t["notes"]]
        yield Finding(
            f"it has neither category nor stem (found {found})",
            all(x == (None, None) for x in found),
        )
        yield from mapped(view)

    return rule


def _kit(cue: NewCue, *setup: bytes, channel: int = 4) -> Rule:
    kit = track((0, named("Track 5")), *((0, event) for event in setup), *played(STROKES, channel))
    line = track((0, named("Track 6")), (0, program(0, 40)), *played(VIOLIN, 0))
    cue.midi({"cue.mid": smf(CONDUCTOR, kit, line)})
    cue.audio({"Audio 1.wav": wav(sound(STROKES, drums=True)), "Audio 2.wav": wav(sound(VIOLIN))})

    def rule(view: CueView) -> Iterator[Finding]:
        found = {t["track_name"]: t for t in view.sounding}
        category = found["Track 5"]["instrument_category"]
        yield Finding(f"Track 5 is percussion (found {category})", category in PERCUSSION)
        yield maps(view, found["Track 5"], "Audio 1")
        yield maps(view, found["Track 6"], "Audio 2")

    return rule


@variation
def a_kit_by_xg_bank(cue: NewCue) -> Rule:
    return _kit(cue, cc(4, 0, 127), cc(4, 32, 0), program(4, 8))


@variation
def a_kit_by_gm2_bank(cue: NewCue) -> Rule:
    return _kit(cue, cc(4, 0, 120), cc(4, 32, 0), program(4, 40))


@variation
def a_kit_by_gs_rhythm_part(cue: NewCue) -> Rule:
    # Roland GS: 40 1x 15, x = 5 for part 5 (channel 5), value 02: map 2. Checksum: 128 − sum % 128.
    body = bytes([0x40, 0x15, 0x15, 0x02])
    sysex = bytes([0xF0, 0x0A, 0x41, 0x10, 0x42, 0x12, *body, (128 - sum(body) % 128) % 128, 0xF7])
    return _kit(cue, sysex, program(4, 0))


@variation
def a_flute_on_channel_10_by_gs(cue: NewCue) -> Rule:
    body = bytes([0x40, 0x10, 0x15, 0x00])  # part 10 is no rhythm part
    sysex = bytes([0xF0, 0x0A, 0x41, 0x10, 0x42, 0x12, *body, (128 - sum(body) % 128) % 128, 0xF7])
    line = track((0, named("Track 10")), (0, sysex), (0, program(9, 73)), *played(VIOLIN, 9))
    cue.midi({"cue.mid": smf(CONDUCTOR, line)})
    cue.audio({"Audio 1.wav": wav(sound(VIOLIN, colour=2.0))})

    def rule(view: CueView) -> Iterator[Finding]:
        category = view.sounding[0]["instrument_category"]
        yield Finding(f"a flute (found {category})", category == "Woodwinds")

    return rule


def _mpe(cue: NewCue, manager: int, members: Sequence[int]) -> Rule:
    events = [(0, named("Seaboard")), (0, cc(manager, 101, 0)), (0, cc(manager, 100, 6))]
    events.append((0, cc(manager, 6, len(members))))
    for i, note in enumerate(VIOLIN):
        channel = members[i % len(members)]
        first = round(note[0] * 480)
        events.append((first, bytes([0xE0 | channel, 0, 64])))
        events += played([note], channel)
    cue.midi(
        {"cue.mid": smf(CONDUCTOR, track(*events), track((0, named("Horns")), *played(HORN, 0)))}
    )
    cue.audio({"Audio 1.wav": wav(sound(VIOLIN)), "Audio 2.wav": wav(sound(HORN, colour=1.4))})

    def rule(view: CueView) -> Iterator[Finding]:
        own = [t for t in view.sounding if t["track_name"] == "Seaboard"]
        yield Finding(f"one part (found {len(own)})", len(own) == 1)
        yield Finding("no drums", own[0]["instrument_category"] not in PERCUSSION)
        yield maps(view, own[0], "Audio 1")

    return rule


@variation
def a_tenth_track_on_channel_10(cue: NewCue) -> Rule:
    lines = [track((0, named(f"MIDI {i + 1:02d}")), *played(VIOLIN, i)) for i in range(12)]
    cue.midi({"cue.mid": smf(CONDUCTOR, *lines)})
    tiny(cue)

    def rule(view: CueView) -> Iterator[Finding]:
        kits = [t["drum_kit"] for t in view.sounding if t["drum_kit"] is not None]
        yield Finding(f"no melody is a drum kit (found {kits})", not kits)
        yield is_told(view, "channel 10")

    return rule


def _a_bass_on_channel_10(cue: NewCue, line: list[Note]) -> Rule:
    low = track((0, named("Track 10")), *played(line, 9))
    cue.midi({"cue.mid": smf(CONDUCTOR, low, track((0, named("Violins")), *played(VIOLIN, 0)))})
    cue.audio({"Audio 1.wav": wav(sound(line)), "Audio 2.wav": wav(sound(VIOLIN))})

    def rule(view: CueView) -> Iterator[Finding]:
        (own,) = (t for t in view.sounding if t["track_name"] == "Track 10")
        doubted = own["drum_kit"] is None or own["state"] != "auto"
        yield Finding(f"no kit, or in doubt (found {own['drum_kit']})", doubted)
        yield is_told(view, "channel 10")

    return rule


@variation
def a_bass_on_channel_10(cue: NewCue) -> Rule:
    return _a_bass_on_channel_10(cue, BASS)


@variation
def a_bass_in_even_short_notes_on_channel_10(cue: NewCue) -> Rule:
    keys = (36, 40, 43, 45, 43, 40, 41, 38) * 6
    return _a_bass_on_channel_10(cue, [(n / 2, 0.2, key, 90) for n, key in enumerate(keys)])


@variation
def a_bass_on_the_keys_of_toms(cue: NewCue) -> Rule:
    keys = (41, 43, 45, 43, 41, 43, 47, 45, 43, 41, 43, 45, 47, 45, 43, 41) * 3
    return _a_bass_on_channel_10(cue, [(n / 2, 0.45, key, 90) for n, key in enumerate(keys)])


@variation
def piano_chords_on_channel_10(cue: NewCue) -> Rule:
    chords = [(float(b), 1.0, key, 80) for b in range(0, 32, 2) for key in (48, 52, 55)]
    piano = track((0, named("Piano")), *played(chords, 9))
    cue.midi({"cue.mid": smf(CONDUCTOR, piano, track((0, named("Violins")), *played(VIOLIN, 0)))})
    cue.audio({"PNO.wav": wav(sound(chords)), "VLN.wav": wav(sound(VIOLIN))})

    def rule(view: CueView) -> Iterator[Finding]:
        (own,) = (t for t in view.sounding if t["track_name"] == "Piano")
        doubted = own["drum_kit"] is None or own["state"] != "auto"
        yield Finding(f"no kit, or in doubt (found {own['drum_kit']})", doubted)

    return rule


@variation
def mpe_in_the_upper_zone(cue: NewCue) -> Rule:
    return _mpe(cue, 15, range(14, 7, -1))


@variation
def mpe_in_a_small_lower_zone(cue: NewCue) -> Rule:
    return _mpe(cue, 0, range(1, 6))


@variation
def keyswitches_by_program(cue: NewCue) -> Rule:
    changes = [(b * 480, program(0, [0, 3, 27, 9][i % 4])) for i, b in enumerate(range(0, 32, 2))]
    line = track((0, named("Kontakt 1")), *changes, *played(VIOLIN, 0))
    cue.midi({"cue.mid": smf(CONDUCTOR, line)})
    cue.audio({"Audio 1.wav": wav(sound(VIOLIN))})

    def rule(view: CueView) -> Iterator[Finding]:
        own = view.sounding[0]
        named_so = own["instrument_category"] in ("Piano", "Electric Guitar", "Bells", "Mallets")
        yield Finding(
            "no instrument by the programs alone "
            f"(found {own['instrument_category']}, {own['state']})",
            not named_so or own["state"] == "review",
        )

    return rule


# ------------------------------------------------------------------ one clock


def slow(beat: float) -> float:
    """100 for 16 beats, then 80."""
    return beat * 0.6 if beat <= 16 else 9.6 + (beat - 16) * 0.75


def _map(ppq: int) -> bytes:
    return smf(track((0, tempo(100)), (0, METER), (16 * ppq, tempo(80))), ppq=ppq)


@variation
def a_map_at_another_resolution(cue: NewCue) -> Rule:
    cue.midi({"conductor.mid": _map(960), "parts.mid": smf(*named_parts())})
    recorded(cue, at=slow, seconds=23.0)

    def rule(view: CueView) -> Iterator[Finding]:
        yield follows(view, "parts.mid", slow, 480)
        yield is_told(view, "tempo")
        yield from mapped(view)

    return rule


@variation
def a_map_for_two_files_of_parts(cue: NewCue) -> Rule:
    first, *others = named_parts()
    cue.midi({"00 tempo.mid": _map(480), "A.mid": smf(first), "B.mid": smf(*others)})
    recorded(cue, at=slow, seconds=23.0)

    def rule(view: CueView) -> Iterator[Finding]:
        yield follows(view, "A.mid", slow, 480)
        yield follows(view, "B.mid", slow, 480)
        yield from mapped(view)

    return rule


@variation
def two_maps_that_contradict(cue: NewCue) -> Rule:
    first, *others = named_parts()
    cue.midi(
        {"A.mid": smf(track((0, tempo(120))), first), "B.mid": smf(track((0, tempo(96))), *others)}
    )
    recorded(cue)
    return lambda view: iter([is_told(view, "tempo")])


@variation
def the_same_notes_saved_twice(cue: NewCue) -> Rule:
    again = track((0, tempo(120)), (0, METER), (0, meta(0x01, "saved again")))
    cue.midi({"cue.mid": smf(CONDUCTOR, *named_parts()), "cue 2.mid": smf(again, *named_parts())})
    recorded(cue)

    def rule(view: CueView) -> Iterator[Finding]:
        same = [n for n, row in view.files.items() if row["same_as"] is not None]
        yield Finding(f"one is the other again (found {same})", len(same) == 1)
        yield from mapped(view)

    return rule


@variation
def an_old_version_with_fewer_notes(cue: NewCue) -> Rule:
    old = [track((0, named("Violins")), *played(VIOLIN[:-6], 0)),
           track((0, named("Horns")), *played(HORN, 1))]  # fmt: skip
    cue.midi({"cue v3.mid": smf(CONDUCTOR, *named_parts()), "cue v2.mid": smf(CONDUCTOR, *old)})
    recorded(cue)
    return lambda view: iter([is_told(view, r"cue v[23]\.mid")])


def _one_counts(view: CueView) -> Iterator[Finding]:
    same = [n for n, row in view.files.items() if row["same_as"] is not None]
    yield Finding(f"one of the two is counted (found {same})", len(same) == 1)


@variation
def the_same_music_as_format_0(cue: NewCue) -> Rule:
    lines = (VIOLIN, HORN, BASS)
    merged = track(
        (0, tempo(120)),
        (0, METER),
        (0, named("1m01")),
        *(event for channel, part in enumerate(lines) for event in played(part, channel)),
    )
    cue.midi({"1m01.mid": smf(CONDUCTOR, *named_parts()), "1m01_type0.mid": smf(merged, kind=0)})
    recorded(cue)

    def rule(view: CueView) -> Iterator[Finding]:
        yield from _one_counts(view)
        yield from mapped(view)

    return rule


@variation
def a_version_with_tracks_of_other_names(cue: NewCue) -> Rule:
    lines = (("VLN", VIOLIN), ("HRN", HORN), ("CB", BASS))
    old = [track((0, named(name)), *played(part, i)) for i, (name, part) in enumerate(lines)]
    cue.midi({"1m01 v1.mid": smf(CONDUCTOR, *old), "1m01 v2.mid": smf(CONDUCTOR, *named_parts())})
    recorded(cue)

    def rule(view: CueView) -> Iterator[Finding]:
        yield from _one_counts(view)
        yield from mapped(view)

    return rule


@variation
def one_map_that_two_programs_round(cue: NewCue) -> Rule:
    first, later = named_parts()[0], named_parts(ppq=96)[1:]
    fine, coarse = meta(0x51, b"\x0a\x0f\x8c"), meta(0x51, b"\x0a\x0f\x8d")
    cue.midi(
        {
            "A.mid": smf(track((0, fine)), first),
            "B.mid": smf(track((0, coarse)), *later, ppq=96),
        }
    )
    tiny(cue)

    def rule(view: CueView) -> Iterator[Finding]:
        doubts = [row["clock_doubt"] for row in view.files.values()]
        yield Finding(f"no doubt of the tempo (found {doubts})", doubts == [None, None])

    return rule


def _fitted(view: CueView, factor: float) -> float:
    """Return how far the clocks that are believed are from the true one, in seconds."""
    clocks = view.rows(
        "SELECT a.knots FROM stem_alignments a JOIN midi_files f ON f.id = a.midi_file_id"
        " JOIN cues c ON c.id = f.cue_id WHERE c.cue_key = :key AND a.confidence > 0.5"
    )
    knots = [knot for row in clocks for knot in json.loads(row["knots"])]
    return max((abs(heard - at * factor) for at, heard in knots), default=9e9)


@variation
def a_tempo_that_the_sound_denies(cue: NewCue) -> Rule:
    lines = [
        track((0, named(f"Track {i}")), *played(p, i)) for i, p in enumerate((VIOLIN, HORN, BASS))
    ]
    cue.midi({"cue.mid": smf(track((0, tempo(100)), (0, METER)), *lines)})
    recorded(cue, opaque=True, at=lambda beat: beat * 60 / 108, seconds=20.0)

    def rule(view: CueView) -> Iterator[Finding]:
        states = [t["state"] for t in view.sounding]
        apart = _fitted(view, 100 / 108)
        yield Finding(
            f"none stands by itself (found {states}), or the tempo is fitted ({apart:.3f} s off)",
            "auto" not in states or apart < 0.05,
        )
        yield is_told(view, "tempo|clock|drift|lag")

    return rule


# ------------------------------------------------------------------ time codes


@variation
def a_session_at_ten_hours(cue: NewCue) -> Rule:
    cue.midi({"cue.mid": smf(CONDUCTOR, *named_parts(shift=36_000 * 2 * 480))})
    recorded(cue, before=bext(36_000 * SR))
    return mapped


@variation
def an_hour_that_only_midi_knows(cue: NewCue) -> Rule:
    cue.midi({"cue.mid": smf(CONDUCTOR, *named_parts(shift=3600 * 2 * 480))})
    recorded(cue)
    return mapped


@variation
def an_impossible_time_code(cue: NewCue) -> Rule:
    offset = meta(0x54, bytes([0x3F, 75, 80, 90, 120]))
    cue.midi({"cue.mid": smf(track((0, offset), (0, tempo(120))), *named_parts())})
    recorded(cue)

    def rule(view: CueView) -> Iterator[Finding]:
        yield is_told(view, "SMPTE|time ?code|offset")
        yield from mapped(view)

    return rule


@variation
def a_time_code_of_another_length(cue: NewCue) -> Rule:
    offset = meta(0x54, bytes([0x21, 0, 0]))
    cue.midi({"cue.mid": smf(track((0, offset), (0, tempo(120))), *named_parts())})
    recorded(cue)

    def rule(view: CueView) -> Iterator[Finding]:
        warned = view.file_warnings(view.files["cue.mid"])
        yield Finding(f"it is warned of (found {warned})", bool(warned))
        yield from mapped(view)

    return rule


# ------------------------------------------------------------------ text


def _written(cue: NewCue, names: Sequence[str], charset: str) -> Rule:
    lines = [track((0, named(n.encode(charset))), *played(HORN[:6], 0)) for n in names]
    cue.midi({"cue.mid": smf(CONDUCTOR, *lines)})
    tiny(cue)
    return lambda view: iter([names_are(view, "cue.mid", names)])


@variation
def japanese_names(cue: NewCue) -> Rule:
    return _written(cue, ["第1ヴァイオリン", "ホルン", "コントラバス", "打楽器"], "shift_jis")


@variation
def french_names(cue: NewCue) -> Rule:
    return _written(cue, ["Flûte", "Cor anglais", "Chœur d'hommes", "Célesta"], "cp1252")


@variation
def german_names(cue: NewCue) -> Rule:
    return _written(cue, ["Flöte", "Hörner", "Bässe", "Große Trommel"], "latin-1")


@variation
def polish_names(cue: NewCue) -> Rule:
    return _written(cue, ["Wiolonczela", "Kontrabas", "Rożek angielski", "Chór żeński"], "cp1250")


@variation
def names_of_a_dos_sequencer(cue: NewCue) -> Rule:
    return _written(cue, ["Flöte", "Hörner", "Große Trommel"], "cp437")


@variation
def names_of_a_unix_in_japan(cue: NewCue) -> Rule:
    return _written(cue, ["第1バイオリン", "ビオラ", "チェロ", "ドラム"], "euc_jp")


@variation
def names_in_utf_8(cue: NewCue) -> Rule:
    return _written(cue, ["Скрипки", "Flûte", "小提琴", "Große Trommel"], "utf-8")


@variation
def a_bell_and_colours_in_a_marker(cue: NewCue) -> Rule:
    first = track(
        (0, tempo(120)), (0, meta(0x06, b"\x1b]0;owned\x07Start")), (0, named("A\x1b[2J\u202eB"))
    )
    line = track((0, named("Horn\x9b31m\u2066")), *played(HORN, 0))
    cue.midi({"cue.mid": smf(first, line)})
    tiny(cue)

    def rule(view: CueView) -> Iterator[Finding]:
        shown = {c for c in "".join(view.lines) if ord(c) < 32 or c in "\x7f\x9b\u202e\u2066"}
        yield Finding(f"no control character is printed (found {shown})", not shown)
        yield ready(view)

    return rule


# ------------------------------------------------------------------ lengths and containers


@variation
def a_tempo_of_two_bytes(cue: NewCue) -> Rule:
    first = track((0, meta(0x51, b"\x07\xa1")), (0, meta(0x59, b"\x02")), (0, METER))
    cue.midi({"cue.mid": smf(first, *named_parts())})
    recorded(cue)

    def rule(view: CueView) -> Iterator[Finding]:
        row = view.files["cue.mid"]
        found = [entry[2] for entry in json.loads(row["tempo_map"])]
        yield Finding(f"the default tempo (found {found})", found == [500_000])
        yield Finding("both are warned of", len(view.file_warnings(row)) >= 2)
        yield from mapped(view)

    return rule


@variation
def files_that_are_no_midi(cue: NewCue) -> Rule:
    plain = smf(CONDUCTOR, *named_parts())
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    cue.midi({"cue.mid": plain, "a.mid": gzip.compress(plain), "b.mid": pointer,
              "c.mid": b"<!DOCTYPE html><html><body>404</body></html>",
              "d.mid": b"PK\x03\x04" + bytes(60), "e.mid": b"SMF2CLIP" + bytes(16)})  # fmt: skip
    recorded(cue)

    def rule(view: CueView) -> Iterator[Finding]:
        for file, word in (
            ("a", "gzip"),
            ("b", "LFS"),
            ("c", "HTML"),
            ("d", "zip"),
            ("e", "MIDI 2"),
        ):
            yield is_told(view, rf"{file}\.mid.*{word}")
        yield from mapped(view)

    return rule


@variation
def a_riff_midi_with_a_wrong_size(cue: NewCue) -> Rule:
    plain = smf(CONDUCTOR, *named_parts())
    inner = b"RMID" + b"data" + struct.pack("<I", len(plain)) + plain
    cue.midi({"cue.rmi": b"RIFF" + struct.pack("<I", 12) + inner})
    recorded(cue)
    return mapped


@variation
def a_drum_machine_without_note_offs(cue: NewCue) -> Rule:
    strokes: list[Note] = STROKES
    events = [(round(b * 480), bytes([0x99, p, v])) for b, _, p, v in strokes]
    cue.midi({"cue.mid": smf(CONDUCTOR, track((0, named("Drums")), *events), *named_parts())})
    recorded(cue)
    cue.audio({"DRUMS_01.wav": wav(sound(STROKES, drums=True))})

    def rule(view: CueView) -> Iterator[Finding]:
        own = next(t for t in view.sounding if t["track_name"] == "Drums")
        yield Finding(f"all strokes (found {own['notes']})", own["notes"] == len(strokes))
        yield maps(view, own, "DRUMS_01")
        yield from mapped(view)

    return rule


@variation
def a_file_that_stands_in_itself_twice(cue: NewCue) -> Rule:
    once = smf(CONDUCTOR, *named_parts())
    cue.midi({"cue.mid": once + once})
    recorded(cue)

    def rule(view: CueView) -> Iterator[Finding]:
        yield is_told(view, r"cue\.mid")
        found = [t["track_name"] for t in view.sounding if t["state"] is not None]
        yield Finding(f"each part counts once (found {found})", sorted(found) == sorted(TRUE))
        yield from mapped(view)

    return rule


@variation
def two_takes_glued_with_text_between(cue: NewCue) -> Rule:
    first = smf(CONDUCTOR, *named_parts()[:2])
    second = smf(CONDUCTOR, named_parts()[2])
    cue.midi({"cue.mid": first + b"-- take 2 --\r\n" + second})
    recorded(cue)

    def rule(view: CueView) -> Iterator[Finding]:
        yield is_told(view, r"cue\.mid")
        found = sorted({t["track_name"] for t in view.sounding if t["state"] is not None})
        yield Finding(f"all three parts are there (found {found})", found == sorted(TRUE))
        yield from mapped(view)

    return rule
