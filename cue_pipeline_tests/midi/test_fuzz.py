"""Random files: all that was written comes back; damaged ones never break the reader."""

import io
import math
import random
from fractions import Fraction

import mido
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from cue_pipeline.midi.score_rows import MidiFileOutcome, midi_events_tables, tempo_map_tables
from cue_pipeline.midi.timing import (
    bars_beats_to_ticks,
    seconds_to_ticks,
    ticks_to_bars_beats,
    ticks_to_seconds,
)
from cue_pipeline_tests.midi.random_files import (
    EXAMPLES,
    LONG_DELTAS,
    LONG_RUN,
    Written,
    written_files,
)
from cue_pipeline_tests.midi.rebuild import channel_messages, rebuilt_file
from cue_pipeline_tests.midi.reference import counted_bar_beat, exact_seconds
from cue_pipeline_tests.midi.smf import CUE, read, read_if_usable, rows, tables
from cue_pipeline_tests.midi.test_reader import as_mido_reads, events

FUZZ = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=not LONG_RUN,  # the same files each time, so that a red build is one's own doing
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
SMPTE_FRAMES = {
    0xE828: Fraction(24 * 40),
    0xE750: Fraction(25 * 80),
    0xE304: Fraction(30_000 * 4, 1_001),
    0xE264: Fraction(30 * 100),
}


def metas_of(file: Written, sequence: int, kind: int):
    """(tick, data) of a clock's meta events of one kind, in playing order."""
    mine = [m for m in file.metas if m[2] == kind and (file.format != 2 or m[0] == sequence)]
    return [(tick, data) for _, tick, _, data in sorted(mine, key=lambda m: m[1])]


def seconds(file: Written, sequence: int, tick: int) -> Fraction:
    if file.division in SMPTE_FRAMES:
        return tick / SMPTE_FRAMES[file.division]
    tempos = [(t, int.from_bytes(d, "big")) for t, d in metas_of(file, sequence, 0x51)]
    return exact_seconds(tick, tempos, file.division)


def tolerance(time: float) -> float:
    """A nanosecond; in files of months, what a float64 can tell."""
    return max(1e-9, 4 * math.ulp(time))


@FUZZ
@given(written_files(deltas=LONG_DELTAS))
def test_every_message_of_a_random_file_comes_back_from_the_tables(file):
    # Files of more bars than a database can count are refused; see test_damage.
    assume(file.division >= 0x8000 or 64 * max(file.end_ticks) < file.division << 31)
    expected = [message[:5] for message in file.messages]
    read_back = read(file.data)
    assert events(read_back) == expected
    assert [t.end_tick for t in read_back.tracks] == file.end_ticks
    found = tables(file.data)
    assert channel_messages(found) == expected
    if file.format == 1 and file.division < 0x8000:
        assert as_mido_reads(rebuilt_file(found)) == expected


@FUZZ
@given(written_files(n_events=25))
def test_every_time_and_bar_of_a_random_file_is_that_of_the_slow_reference(file):
    found = tables(file.data)
    clock_of = dict(rows(found["midi_files"], "id", "sequence"))
    track_of = {
        i: (n, clock_of[f] or 0)
        for i, f, n in rows(found["midi_tracks"], "id", "midi_file_id", "track_index")
    }
    division = read(file.data).ticks_per_beat
    for table in ("midi_notes", "midi_cc", "midi_pitch_bends"):
        at = ("start_tick", "start_time") if table == "midi_notes" else ("tick", "time")
        for track, tick, time, bar, beat in rows(found[table], "midi_track_id", *at, "bar", "beat"):
            _, sequence = track_of[track]
            assert abs(Fraction(time) - seconds(file, sequence, tick)) < tolerance(time)
            meters = {t: (d[0], 1 << d[1]) for t, d in metas_of(file, sequence, 0x58)}
            if tick < 2_000 * division:  # the reference steps from bar to bar
                want_bar, want_beat = counted_bar_beat(tick, meters, division)
                assert (bar, beat) == (want_bar, pytest.approx(float(want_beat), abs=1e-9))
    for track, start, end, begin, duration in rows(
        found["midi_notes"], "midi_track_id", "start_tick", "end_tick", "start_time", "duration"
    ):
        length = seconds(file, track_of[track][1], end) - seconds(file, track_of[track][1], start)
        assert abs(Fraction(duration) - length) < tolerance(begin + duration)
        assert end >= start
        assert begin >= 0


@FUZZ
@given(written_files(), st.lists(st.integers(0, 1_000_000), min_size=1, max_size=50))
def test_readers_of_the_tables_go_both_ways_on_any_clock(file, ticks):
    for row in tables(file.data)["midi_files"].to_dict("records"):
        division, tempo_map = row["ticks_per_beat"], row["tempo_map"]
        meters = row["time_signature_map"]
        at = ticks_to_seconds(ticks, tempo_map, division)
        assert np.rint(seconds_to_ticks(at, tempo_map, division)).tolist() == ticks
        bars, beats = ticks_to_bars_beats(ticks, meters, division)
        assert np.rint(bars_beats_to_ticks(bars, beats, meters, division)).tolist() == ticks
        assert (np.diff(at[np.argsort(ticks)]) >= 0).all()


@FUZZ
@given(written_files(), st.data())
def test_what_precedes_a_damaged_byte_is_kept_and_so_are_the_other_tracks(file, data):
    track = data.draw(st.integers(0, len(file.tracks_at) - 1))
    start, stop = file.tracks_at[track]
    at = data.draw(st.integers(start, stop - 1))
    value = data.draw(st.integers(0, 255))
    damaged = file.data[:at] + bytes([value]) + file.data[at + 1 :]
    result = read_if_usable(damaged)
    if result is None:
        assert not [m for m in file.messages if m[5] <= at or m[0] != track]
        return
    got = events(result)
    before = [m[:5] for m in file.messages if m[0] == track and m[5] <= at]
    assert [m for m in got if m[0] == track][: len(before)] == before
    for other in range(len(file.tracks_at)):
        if other != track:
            expected = [m[:5] for m in file.messages if m[0] == other]
            assert [m for m in got if m[0] == other] == expected


def damage(r: random.Random, data: bytes) -> bytes:
    """Do to a file what disks, transfers and careless programs do."""
    for _ in range(r.choice([1, 1, 1, 2, 5, 20])):
        at, size = r.randrange(len(data) or 1), r.choice([1, 1, 2, 8, 100])
        length_of_next_track = data.find(b"MTrk", at) + 4
        first, last, new = r.choice(
            [
                (at, at + 1, r.randbytes(1)),
                (at, at + 1, r.randbytes(1)),
                (at, at + 1, bytes(b ^ 1 << r.randrange(8) for b in data[at : at + 1])),
                (at, at + size, b""),
                (at, at, r.randbytes(size)),
                (at, len(data), b""),
                (at, at + 4, r.choice([b"\xff\xff\xff\x7f", b"\xff" * 4, bytes(4), b"MTrk"])),
                (length_of_next_track, length_of_next_track + 4, r.randbytes(4)),
                (at, at, data[at // 2 : at // 2 + 2 * size]),
            ]
        )
        data = data[:first] + new + data[last:]
    return data


def as_mido_reads_if_it_can(data: bytes):
    try:
        tracks = mido.MidiFile(file=io.BytesIO(data)).tracks
    except Exception:  # noqa: BLE001 - mido has no error of its own, and odd limits
        return None
    # mido 1.3.3 forgets the delta time of a meta event that it does not know.
    if any(event.type == "unknown_meta" and event.is_meta for t in tracks for event in t):
        return None
    return as_mido_reads(data)


def check_tables(file) -> None:
    """Whatever was read makes consistent rows."""
    outcome = [MidiFileOutcome("song.mid", file, None, "0" * 64)]
    found = {**tempo_map_tables(CUE, outcome), **midi_events_tables(CUE, outcome, ())}
    assert channel_messages(found) == events(file)
    for table in ("midi_notes", "midi_cc", "midi_pitch_bends", "midi_aftertouch"):
        frame = found[table]
        assert np.isfinite(frame[["beat"]].to_numpy()).all()
        assert (frame["bar"] >= 1).all()
        assert (frame["beat"] >= 1).all()
    notes = found["midi_notes"]
    assert notes["note"].between(0, 127).all()
    assert notes["velocity"].between(1, 127).all()
    assert (notes["duration"] >= 0).all()


@FUZZ
@given(written_files(), st.integers(0, 2**32))
def test_a_damaged_file_is_read_with_warnings_or_refused(file, seed):
    r = random.Random(seed)
    for i in range(20):
        damaged = damage(r, file.data)
        result = read_if_usable(damaged)
        if result is None:
            continue
        if i % 5 == 0:
            check_tables(result)
        m = result.messages
        assert ((m.status >= 0x80) & (m.status < 0xF0)).all()
        assert (m.data1 < 128).all()
        assert (m.data2 < 128).all()
        assert (np.diff(m.tick)[np.diff(m.track.astype(int)) == 0] >= 0).all()
        if not result.warnings:
            # Nothing wrong with it, we say: then another program must find the same in it.
            assert as_mido_reads_if_it_can(damaged) in (None, events(result))


@FUZZ
@given(st.binary(max_size=200))
def test_any_bytes_after_a_header_are_read_or_refused(octets):
    result = read_if_usable(
        bytes.fromhex("4D546864 00000006 0001 0001 01E0 4D54726B 000000C8") + octets
    )
    if result is not None:
        check_tables(result)
