"""Notes: first in, first out; nothing is dropped, and what is odd is flagged."""

import random
from collections import defaultdict, deque

import pytest
import symusic

from cue_pipeline_tests.midi.smf import message, off, on, rows, smf, tables

UNTERMINATED, OVERLAPS, ZERO_LENGTH = 1, 2, 4


def notes(*tracks, **kwargs):
    found = tables(smf(*tracks, **kwargs))["midi_notes"]
    return rows(found, "note", "start_tick", "end_tick", "flags")


def test_a_plain_note():
    (row,) = rows(
        tables(smf(on(60, 480, 100, channel=3) + off(60, 240, 33, channel=3)))["midi_notes"],
        "event_index", "channel", "note", "velocity", "release_velocity", "start_tick",
        "end_tick", "start_time", "duration", "bar", "beat", "flags", "end_event_index",
    )  # fmt: skip
    assert row == (0, 3, 60, 100, 33, 480, 720, 0.5, 0.25, 1, 2.0, 0, 1)


def test_the_same_pitch_struck_again_ends_first_in_first_out():
    track = on(60) + on(60, 100) + off(60, 100) + off(60, 100)
    assert notes(track) == [(60, 0, 200, OVERLAPS), (60, 100, 300, OVERLAPS)]


def test_three_at_once_end_in_the_order_in_which_they_began():
    track = on(60, 0, 1) + on(60, 10, 2) + on(60, 10, 3) + off(60, 10) + off(60, 10) + off(60, 10)
    assert notes(track) == [(60, 0, 30, 2), (60, 10, 40, 2), (60, 20, 50, 2)]


def test_a_note_repeated_at_the_tick_at_which_it_ends_does_not_overlap():
    assert notes(on(60) + on(60, 100) + off(60) + off(60, 100)) == [
        (60, 0, 100, 0),
        (60, 100, 200, 0),
    ]
    assert notes(on(60) + off(60, 100) + on(60) + off(60, 100)) == [
        (60, 0, 100, 0),
        (60, 100, 200, 0),
    ]


def test_only_the_same_track_channel_and_pitch_overlap():
    one = on(60) + on(61) + on(60, channel=1) + off(60, 9) + off(61) + off(60, channel=1)
    assert notes(one, on(60) + off(60, 9)) == [
        (60, 0, 9, 0), (61, 0, 9, 0), (60, 0, 9, 0), (60, 0, 9, 0)
    ]  # fmt: skip


def test_a_note_off_on_another_track_ends_nothing():
    assert notes(on(60) + off(62, 50), off(60, 20)) == [(60, 0, 50, UNTERMINATED)]


def test_a_note_without_note_off_lasts_to_the_end_of_its_track():
    found = notes(on(60) + message(0xB0, 1, 1, delta=700), on(62) + off(62, 9_000))
    assert found == [(60, 0, 700, UNTERMINATED), (62, 0, 9_000, 0)]


def test_a_note_of_no_length_is_kept():
    assert notes(on(60, 5) + off(60, 0) + off(61, 5)) == [(60, 5, 5, ZERO_LENGTH)]


def test_a_note_struck_at_the_very_end_is_unterminated_and_has_no_length():
    assert notes(on(60, 5)) == [(60, 5, 5, UNTERMINATED | ZERO_LENGTH)]


def test_an_unterminated_note_overlaps_all_that_follow_on_its_pitch():
    track = on(60) + on(60, 10) + off(60, 10) + on(60, 10) + off(61, 10)
    assert notes(track) == [(60, 0, 20, 2), (60, 10, 40, 3), (60, 30, 40, 3)]


def test_a_note_on_of_velocity_0_is_a_note_off_without_release_velocity():
    found = tables(smf(on(60) + on(60, 10, 0) + on(61) + off(61, 10, 0) + on(62)))["midi_notes"]
    assert rows(found, "end_tick", "release_velocity", "end_event_index", "flags") == [
        (10, None, 1, 0),
        (20, 0, 3, 0),
        (20, None, None, UNTERMINATED | ZERO_LENGTH),
    ]


def test_note_offs_that_end_nothing_are_kept_beside_the_track():
    track = off(60, 7, 9) + on(60) + off(60, 10) + off(60, 1) + on(61, 1, 0) + off(59, 1, channel=2)
    found = tables(smf(track))
    assert rows(found["midi_tracks"], "stray_note_offs") == [
        ([[0, 7, 0, 60, 9], [3, 18, 0, 60, 64], [4, 19, 0, 61, None], [5, 20, 2, 59, 64]],)
    ]
    assert len(found["midi_notes"]) == 1


def test_a_note_off_written_before_its_note_on_of_the_same_tick_ends_it():
    # A grace note of no length at 100, exported with the tick's note-offs first.
    track = on(60) + off(60, 50) + off(60, 50) + on(60) + on(60, 100) + off(60, 50)
    assert notes(track) == [(60, 0, 50, 0), (60, 100, 100, ZERO_LENGTH), (60, 200, 250, 0)]


def test_several_such_grace_notes_do_not_shift_the_notes_that_follow():
    grace = off(60, 100) + off(61) + off(60) + on(60) + on(61) + on(60)
    plain = on(60, 10) + off(60, 20) + on(61, 10) + off(61, 20)
    found = notes(grace + plain + grace + plain + on(60, 1) + on(60, 1) + off(60, 5) + off(60, 5))
    assert [(s, e) for _, s, e, f in found if not f & ZERO_LENGTH] == [
        (110, 130), (140, 160), (270, 290), (300, 320), (321, 327), (322, 332)
    ]  # fmt: skip
    assert sum(f == ZERO_LENGTH for *_, f in found) == 6
    assert sum(f == OVERLAPS for *_, f in found) == 2


def test_a_burst_of_note_offs_before_the_music_takes_no_note_from_it():
    panic = b"".join(off(pitch) for pitch in range(128))
    assert notes(panic + on(60) + off(60, 480) + on(60) + off(60, 480)) == [
        (60, 0, 480, 0),
        (60, 480, 960, 0),
    ]
    assert notes(panic + on(60) + off(60, 480) + on(60, 5)) == [
        (60, 0, 480, 0),
        (60, 485, 485, UNTERMINATED | ZERO_LENGTH),
    ]


def test_a_note_off_at_another_tick_never_ends_a_later_note():
    assert notes(off(60, 99) + on(60, 1) + off(61, 50)) == [(60, 100, 150, UNTERMINATED)]


def slow_pairs(events):
    """The rule as one would say it: a queue for each channel and pitch."""
    sounding, found, end = defaultdict(deque), {}, max(tick for tick, *_ in events)
    for index, (tick, is_on, channel, pitch) in enumerate(events):
        queue = sounding[channel, pitch]
        if is_on:
            queue.append(index)
            found[index] = (tick, end, True)
        elif queue:
            begun = queue.popleft()
            found[begun] = (found[begun][0], tick, False)
    return [found[index] for index in sorted(found)]


@pytest.mark.parametrize("seed", range(20))
def test_music_with_grace_notes_survives_an_export_that_sorts_note_offs_first(seed):
    r = random.Random(seed)
    written, expected = [], []  # (tick, note-on, pitch)
    for pitch in range(60, 64):
        tick = 0
        for _ in range(60):
            tick += r.choice([0, 10, 10, 30])
            length = r.choice([0, 0, 10, 20])
            expected.append((pitch, tick, tick + length))
            written += [(tick, True, pitch), (tick + length, False, pitch)]
            tick += length
    track, now = b"", 0
    for tick, is_on, pitch in sorted(written):  # False, the note-off, before True
        track += (on if is_on else off)(pitch, tick - now)
        now = tick
    assert sorted((n, s, e) for n, s, e, _ in notes(track)) == sorted(expected)


@pytest.mark.parametrize("seed", range(25))
def test_crowded_pitches_pair_as_with_a_queue_for_each(seed):
    r = random.Random(seed)
    events, track, tick = [], b"", 0
    for _ in range(400):
        delta, is_on = r.choice([0, 0, 1, 5]), r.random() < 0.55
        channel, pitch = r.randrange(2), r.choice([0, 60, 61, 127])
        # No off before an on of its tick: the one case in which a queue is not the rule.
        delta += is_on and any(e[0] == tick and e[1:] == (False, channel, pitch) for e in events)
        tick += delta
        events.append((tick, is_on, channel, pitch))
        track += on(pitch, delta, 1, channel) if is_on else off(pitch, delta, 1, channel)
    found = tables(smf(track))["midi_notes"]
    got = [(s, e, bool(f & 1)) for s, e, f in rows(found, "start_tick", "end_tick", "flags")]
    assert got == slow_pairs(events)


@pytest.mark.parametrize("seed", range(10))
def test_terminated_notes_are_those_that_symusic_finds(seed):
    r = random.Random(100 + seed)
    track, sounding = b"", defaultdict(int)
    for _ in range(300):
        delta, pitch = r.randrange(0, 30), r.randrange(58, 64)
        if r.random() < 0.5 and sounding[pitch]:
            track, sounding[pitch] = track + off(pitch, delta), sounding[pitch] - 1
        else:
            track, sounding[pitch] = track + on(pitch, delta), sounding[pitch] + 1
    track += b"".join(off(pitch, 1) for pitch, n in sounding.items() for _ in range(n))
    data = smf(track)
    found = tables(data)["midi_notes"]
    ours = sorted(
        (note, start, end - start)
        for note, start, end in rows(found, "note", "start_tick", "end_tick")
    )
    theirs = sorted(
        (note.pitch, note.time, note.duration)
        for t in symusic.Score.from_midi(data).tracks
        for note in t.notes
    )
    assert ours == theirs
