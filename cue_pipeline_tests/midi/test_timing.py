"""Ticks, seconds, bars and beats, against rational arithmetic and counting on one's fingers."""

import random
from fractions import Fraction

import numpy as np
import pretty_midi
import pytest

from cue_pipeline.midi.timing import (
    bars_beats_to_seconds,
    bars_beats_to_ticks,
    build_tempo_map,
    build_time_signature_map,
    seconds_to_bars_beats,
    seconds_to_ticks,
    ticks_to_bars_beats,
    ticks_to_seconds,
)
from cue_pipeline_tests.midi.reference import counted_bar_beat, exact_seconds
from cue_pipeline_tests.midi.smf import meta, meter, off, on, read, smf, tempo


@pytest.fixture(scope="module")
def an_hour_of_ten_thousand_tempos():
    r = random.Random(2)
    ticks = sorted(r.sample(range(1, 6_912_000), 10_000))
    return [(tick, r.randrange(400_000, 640_000)) for tick in ticks]


def test_seconds_are_exact_to_a_nanosecond_over_an_hour_and_ten_thousand_tempos(
    an_hour_of_ten_thousand_tempos,
):
    changes, division = an_hour_of_ten_thousand_tempos, 960
    tempo_map = build_tempo_map(changes, division)
    r = random.Random(3)
    ticks = [0, 1, 6_912_000, *(r.randrange(7_000_000) for _ in range(40))]
    ticks += [tick + d for tick, _ in changes[::800] for d in (-1, 0, 1)]
    got = ticks_to_seconds(ticks, tempo_map, division)
    want = [exact_seconds(tick, changes, division) for tick in ticks]
    assert float(want[2]) > 3_600
    assert max(abs(Fraction(g) - w) for g, w in zip(got.tolist(), want, strict=True)) < 1e-9


def test_a_file_with_three_thousand_tempo_changes_is_exact_where_it_ends():
    r = random.Random(4)
    changes, tick, track = [], 0, b""
    for _ in range(3_000):
        delta, micros = r.randrange(1, 300), r.randrange(200_000, 900_000)
        tick += delta
        changes.append((tick, micros))
        track += tempo(micros, delta)
    file = read(smf(track, on(60, tick + 7) + off(60, 3), division=384))
    want = exact_seconds(tick + 10, changes, 384)
    assert abs(Fraction(file.sequences[0].duration_seconds) - want) < 1e-9


def test_stored_times_of_tempo_changes_are_the_nearest_floats(an_hour_of_ten_thousand_tempos):
    tempo_map = build_tempo_map(an_hour_of_ten_thousand_tempos, 960)
    for time, tick, _ in tempo_map[::1000]:
        assert time == float(exact_seconds(tick, an_hour_of_ten_thousand_tempos, 960))


def test_seconds_go_back_to_the_tick_they_came_from(an_hour_of_ten_thousand_tempos):
    tempo_map = build_tempo_map(an_hour_of_ten_thousand_tempos, 960)
    ticks = np.arange(0, 7_000_000, 97)
    back = seconds_to_ticks(ticks_to_seconds(ticks, tempo_map, 960), tempo_map, 960)
    assert np.array_equal(np.rint(back), ticks)
    assert np.abs(back - ticks).max() < 1e-5


def test_without_tempo_a_quarter_lasts_half_a_second():
    assert build_tempo_map([], 480) == [[0.0, 0, 500_000]]
    assert ticks_to_seconds(480, [[0.0, 0, 500_000]], 480) == 0.5


def test_of_several_tempos_at_one_tick_the_last_holds():
    assert build_tempo_map([(0, 400_000), (0, 600_000), (480, 1), (480, 250_000)], 480) == [
        [0.0, 0, 600_000],
        [0.6, 480, 250_000],
    ]


def test_without_meter_it_is_four_four():
    meter_map = build_time_signature_map([], build_tempo_map([], 480), 480)
    assert meter_map == [[0.0, 0, 4, 4]]
    bars, beats = ticks_to_bars_beats([0, 480, 1919, 1920], meter_map, 480)
    assert bars.tolist() == [1, 1, 1, 2]
    assert beats.tolist() == [1.0, 2.0, 1 + 1919 / 480, 1.0]


# ticks per quarter, signatures (tick: meter), then (tick, bar, beat) counted by hand
COUNTED = {
    "a pickup of one quarter, then 3/4": (
        480,
        {0: (1, 4), 480: (3, 4)},
        [(0, 1, 1.0), (479, 1, 1 + 479 / 480), (480, 2, 1.0), (1440, 2, 3.0), (1920, 3, 1.0)],
    ),
    "6/8 counts eighths": (
        480,
        {0: (6, 8)},
        [(0, 1, 1.0), (240, 1, 2.0), (720, 1, 4.0), (1200, 1, 6.0), (1440, 2, 1.0)],
    ),
    "5/8 then 3/4 in turns": (
        96,
        {0: (5, 8), 240: (3, 4), 528: (5, 8), 768: (3, 4)},
        [(192, 1, 5.0), (240, 2, 1.0), (432, 2, 3.0), (528, 3, 1.0), (767, 3, 1 + 239 / 48)],
    ),
    "a meter within a bar begins a new one, and the cut bar counts": (
        480,
        {0: (4, 4), 2880: (3, 4)},
        [(1920, 2, 1.0), (2879, 2, 1 + 959 / 480), (2880, 3, 1.0), (4320, 4, 1.0)],
    ),
    "the same meter again within a bar changes nothing": (
        480,
        {0: (4, 4), 480: (4, 4)},
        [(479, 1, 1 + 479 / 480), (480, 1, 2.0), (1920, 2, 1.0), (2400, 2, 2.0)],
    ),
    "the same meter again on a bar line changes nothing": (
        480,
        {0: (3, 4), 1440: (3, 4), 2880: (2, 4)},
        [(1440, 2, 1.0), (2879, 2, 3 + 479 / 480), (2880, 3, 1.0), (3840, 4, 1.0)],
    ),
    "two meters before a bar is over": (
        480,
        {0: (4, 4), 100: (3, 4), 200: (2, 4)},
        [(99, 1, 1 + 99 / 480), (100, 2, 1.0), (200, 3, 1.0), (1160, 4, 1.0)],
    ),
    "alla breve counts halves": (480, {0: (2, 2)}, [(960, 1, 2.0), (1920, 2, 1.0)]),
    "sixteenths finer than the ticks": (
        2,
        {0: (3, 16)},
        [(0, 1, 1.0), (1, 1, 3.0), (2, 2, 2.0), (3, 3, 1.0)],
    ),
    "no meter until later": (480, {3000: (3, 4)}, [(2999, 2, 1 + 1079 / 480), (3000, 3, 1.0)]),
}


@pytest.mark.parametrize("case", COUNTED)
def test_bars_and_beats_are_as_counted_by_hand(case):
    division, signatures, expected = COUNTED[case]
    changes = [(tick, *s) for tick, s in signatures.items()]
    meter_map = build_time_signature_map(changes, build_tempo_map([], division), division)
    ticks, want_bars, want_beats = (list(c) for c in zip(*expected, strict=True))
    bars, beats = ticks_to_bars_beats(ticks, meter_map, division)
    assert bars.tolist() == want_bars
    assert beats.tolist() == pytest.approx(want_beats, abs=1e-12)
    assert np.rint(bars_beats_to_ticks(bars, beats, meter_map, division)).tolist() == ticks


@pytest.mark.parametrize("seed", range(20))
def test_bars_and_beats_are_as_counted_line_by_line(seed):
    r = random.Random(seed)
    division = r.choice([1, 24, 96, 480, 960, 10_080])
    signatures = {
        r.randrange(40 * division): (r.randrange(1, 14), 1 << r.randrange(6)) for _ in range(8)
    }
    ticks = [r.randrange(60 * division) for _ in range(200)]
    changes = [(tick, *s) for tick, s in signatures.items()]
    meter_map = build_time_signature_map(changes, build_tempo_map([], division), division)
    bars, beats = ticks_to_bars_beats(ticks, meter_map, division)
    for tick, bar, beat in zip(ticks, bars.tolist(), beats.tolist(), strict=True):
        want_bar, want_beat = counted_bar_beat(tick, signatures, division)
        assert (bar, beat) == (want_bar, pytest.approx(float(want_beat), abs=1e-12))


def test_downbeats_are_where_pretty_midi_hears_them(tmp_path):
    conductor = tempo(600_000) + meter(3, 4) + tempo(450_000, 2880) + meter(6, 8)
    conductor += meter(5, 4, 4320) + tempo(700_000, 1000)
    path = tmp_path / "song.mid"
    path.write_bytes(smf(conductor, on(60) + off(60, 20_000)))
    clock = read(path.read_bytes()).sequences[0]
    want = pretty_midi.PrettyMIDI(str(path)).get_downbeats()
    bars = np.arange(1, len(want) + 1)
    got = bars_beats_to_seconds(bars, 1.0, clock.tempo_map, clock.time_signature_map, 480)
    assert got == pytest.approx(want, abs=1e-9)
    assert len(want) > 8


def test_a_downbeat_that_was_rounded_as_seconds_stays_a_downbeat(an_hour_of_ten_thousand_tempos):
    tempo_map = build_tempo_map(an_hour_of_ten_thousand_tempos, 960)
    meter_map = build_time_signature_map([(0, 7, 8), (6720, 3, 4)], tempo_map, 960)
    ticks = np.concatenate([np.arange(0, 6720, 3360), np.arange(6720, 6_900_000, 2880)])
    seconds = ticks_to_seconds(ticks, tempo_map, 960)
    for shift in (-1e-10, 0.0, 1e-10):
        bars, beats = seconds_to_bars_beats(seconds + shift, tempo_map, meter_map, 960)
        assert np.array_equal(bars, np.arange(1, len(ticks) + 1))
        assert (beats == 1.0).all()


def test_functions_keep_the_shape_of_what_they_are_given():
    tempo_map, meter_map = [[0.0, 0, 500_000]], [[0.0, 0, 4, 4]]
    ticks = np.arange(12).reshape(3, 4) * 480
    assert ticks_to_seconds(ticks, tempo_map, 480).shape == (3, 4)
    bars, beats = ticks_to_bars_beats(ticks, meter_map, 480)
    assert bars.shape == beats.shape == (3, 4)
    assert bars_beats_to_ticks(bars, beats, meter_map, 480).tolist() == ticks.tolist()
    assert float(ticks_to_seconds(960, tempo_map, 480)) == 1.0
    assert len(ticks_to_seconds([], tempo_map, 480)) == 0


@pytest.mark.parametrize(
    ("division", "frames_per_second"),
    [
        (0xE828, Fraction(24)),
        (0xE750, Fraction(25)),
        (0xE350, Fraction(30_000, 1_001)),
        (0xE264, Fraction(30)),
    ],
)
def test_smpte_ticks_are_fixed_parts_of_a_frame(division, frames_per_second):
    subframes = division & 0xFF
    file = read(smf(tempo(250_000) + on(60, 1_000_000) + off(60, 1), division=division))
    clock = file.sequences[0]
    want = Fraction(1_000_001) / (frames_per_second * subframes)
    assert abs(Fraction(clock.duration_seconds) - want) < 1e-9
    ((time, tick, micros),) = clock.tempo_map
    assert (time, tick) == (0.0, 0)
    # The formula that every reader of the tables uses, in exact integers.
    assert Fraction(1_000_001 * micros, 10**6 * file.ticks_per_beat) == want
    assert "SMPTE" in " ".join(file.warnings)


def test_tempo_and_meter_at_the_same_tick_both_hold():
    track = meter(3, 4) + tempo(500_000) + tempo(1_000_000, 1440) + meter(2, 4) + on(60, 960)
    clock = read(smf(track + off(60))).sequences[0]
    assert clock.tempo_map == [[0.0, 0, 500_000], [1.5, 1440, 1_000_000]]
    assert clock.time_signature_map == [[0.0, 0, 3, 4], [1.5, 1440, 2, 4]]


def test_an_impossible_tempo_meter_or_key_is_passed_over_and_said():
    track = tempo(0) + meter(0, 4) + meta(0x51, b"\1\2") + meta(0x58, b"\4\x20\x18\x08")
    file = read(smf(track + meta(0x59, b"\x09\0") + meta(0x59, b"\0\2") + on(60) + off(60, 480)))
    clock = file.sequences[0]
    assert clock.tempo_map == [[0.0, 0, 500_000]]
    assert clock.time_signature_map == [[0.0, 0, 4, 4]]
    assert clock.key_signature_map == []
    assert clock.duration_seconds == 0.5
    assert len(file.warnings) == 6
    assert file.warnings[0].startswith("track 0, byte 22: a tempo of 0")


# Microseconds, 3/4, one sharp, one o'clock: each with a byte too few and one too many.
_FIT = {0x51: "07A120", 0x58: "03021808", 0x59: "0100", 0x54: "2100000000"}


@pytest.mark.parametrize("kind", _FIT)
@pytest.mark.parametrize("change", ["short", "a byte before", "a byte behind"])
def test_a_meta_event_of_another_length_than_the_standards_is_passed_over_and_said(kind, change):
    data = bytes.fromhex(_FIT[kind])
    data = {"short": data[:-1], "a byte before": b"\0" + data, "a byte behind": data + b"\0"}[
        change
    ]
    file = read(smf(tempo(600_000) + meta(kind, data, 480) + on(60) + off(60, 480)))
    clock = file.sequences[0]
    assert clock.tempo_map == [[0.0, 0, 600_000]]
    assert clock.time_signature_map == [[0.0, 0, 4, 4]]
    assert (clock.key_signature_map, clock.smpte_offset, clock.time_codes) == ([], None, [])
    (told,) = file.warnings
    assert (
        f"meta event 0x{kind:02X} has {len(data)} bytes where it needs {len(data) - 1}" in told
        or (f"meta event 0x{kind:02X} has {len(data)} bytes where it needs {len(data) + 1}" in told)
    )


def test_what_follows_an_end_of_track_that_carries_bytes_is_read():
    file = read(smf(on(60) + off(60, 480) + meta(0x2F, b"\0", 480) + on(62) + off(62, 480)))
    assert len(file.messages) == 4
    assert "meta event 0x2F has 1 bytes where it needs 0" in " ".join(file.warnings)


@pytest.mark.parametrize(
    ("octets", "seconds", "text"),
    [
        # One hour: 3,600 s at 24, 25 and 30 frames; drop-frame counts 107,892 frames of
        # 1001/30000 s, 3,599.9964 s (SMPTE ST 12-1: 3.6 ms a hour behind the clock).
        ("01 00 00 00 00", 3600.0, "01:00:00:00 at 24"),
        ("21 02 05 00 00", 3725.0, "01:02:05:00 at 25"),
        ("41 00 00 00 00", 107_892 * 1001 / 30_000, "01:00:00;00 at 29.97 drop"),
        ("61 00 05 0F 32", 3605.0 + 15.5 / 30, "01:00:05:15.50 at 30"),
    ],
)
def test_a_time_code_is_the_moment_that_it_names(octets, seconds, text):
    clock = read(smf(meta(0x54, bytes.fromhex(octets)) + on(60) + off(60, 1))).sequences[0]
    (code,) = clock.time_codes
    assert code == [0.0, 0, pytest.approx(seconds, abs=1e-9), text]


@pytest.mark.parametrize(
    "octets",
    ["18 00 00 00 00", "01 3C 00 00 00", "01 00 3C 00 00", "01 00 00 18 00", "21 00 00 19 00",
     "61 00 00 1E 00", "01 00 00 00 64", "81 00 00 00 00", "FF FF FF FF FF"],
)  # fmt: skip
def test_a_time_code_that_no_clock_shows_is_passed_over_and_said(octets):
    file = read(smf(meta(0x54, bytes.fromhex(octets)) + on(60) + off(60, 1)))
    assert (file.sequences[0].time_codes, file.sequences[0].smpte_offset) == ([], None)
    assert "no possible time code" in file.warnings[0]


def test_several_time_codes_are_kept_each_once():
    one, two = meta(0x54, bytes.fromhex("2100000000")), meta(0x54, bytes.fromhex("2100050000"))
    clock = read(smf(one + one + two + on(60) + off(60, 1), one + on(60) + off(60, 1))).sequences[0]
    assert [code[2] for code in clock.time_codes] == [3600.0, 3605.0]


def test_tracks_that_differ_in_tempo_at_one_tick_are_told():
    file = read(smf(tempo(500_000) + on(60) + off(60, 1), tempo(600_000) + on(60) + off(60, 1)))
    assert file.sequences[0].tempo_map == [[0.0, 0, 600_000]]
    assert "tick 0: the tracks differ in tempo, 120 in track 0, 100 in track 1" in file.warnings[0]
    # A program that writes its default first and then the tempo means the tempo.
    assert read(smf(tempo(500_000) + tempo(600_000) + on(60) + off(60, 1))).warnings == ()


def test_markers_that_stand_in_every_track_are_kept_once():
    marked = meta(6, b"Start") + on(60) + meta(6, b"Hit", 480) + off(60)
    clock = read(smf(marked, marked, marked)).sequences[0]
    assert clock.markers == [[0.0, 0, "Start"], [0.5, 480, "Hit"]]


def test_tracks_that_differ_in_meter_or_time_code_at_one_tick_are_told():
    ten, eleven = (meta(0x54, bytes([1 << 5 | hour, 0, 0, 0, 0])) for hour in (10, 11))
    file = read(
        smf(ten + meter(4, 4) + on(60) + off(60, 1), eleven + meter(3, 4) + on(60) + off(60, 1))
    )
    assert file.sequences[0].time_signature_map == [[0.0, 0, 3, 4]]
    assert [row[2] for row in file.sequences[0].time_codes] == [36_000.0, 39_600.0]
    told = " ".join(file.warnings)
    assert "time signature, 4/4 in track 0, 3/4 in track 1; the last track's holds" in told
    assert "time code, 10:00:00:00 at 25 in track 0, 11:00:00:00 at 25 in track 1" in told


def test_tracks_that_repeat_the_meter_and_the_time_code_are_quiet():
    ten = meta(0x54, bytes([1 << 5 | 10, 0, 0, 0, 0]))
    track = ten + meter(3, 4) + on(60) + off(60, 1)
    assert read(smf(track, track)).warnings == ()
