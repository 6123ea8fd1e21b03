"""A MIDI file of millions of events costs no more than a setting allows, and says so."""

import time
import tracemalloc

import pytest

from cue_pipeline.midi.reader import TooManyEventsError, read_midi
from cue_pipeline.midi.score_rows import read_midi_files
from cue_pipeline_tests.midi.smf import folder_of, off, on, smf, tempo

NOTE = bytes([1, 60, 100, 1, 60, 0])  # running status: on, and off by velocity 0


def notes(n: int) -> bytes:
    return on(60) + off(60, 1) + on(60) + bytes([1, 60, 0]) + NOTE * (n - 2)


def test_as_many_events_as_are_allowed_are_read_and_one_more_is_refused_with_the_setting():
    data = smf(notes(600_000))
    assert len(read_midi(data, "a.mid", most_events=1_200_001).messages) == 1_200_000
    with pytest.raises(TooManyEventsError, match=r"more than 1,200,000 events.*MOST_EVENTS"):
        read_midi(data, "a.mid", most_events=1_200_000)  # the end of the track is one too


def test_ten_million_notes_are_refused_in_the_memory_of_what_is_allowed():
    data = smf(notes(10_000_000))
    tracemalloc.start()
    began = time.process_time()
    try:
        with pytest.raises(TooManyEventsError, match=r"so many in the first .* of its 60,000,0"):
            read_midi(data, "a.mid", most_events=2_000_000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 128 << 20
    assert time.process_time() - began < 10


def test_a_million_tempo_events_are_refused_in_seconds():
    data = smf(tempo(500_000, 1) * 1_000_000, notes(10))
    began = time.process_time()
    with pytest.raises(TooManyEventsError, match="200,000 meta and system exclusive events"):
        read_midi(data, "a.mid", most_events=2_000_000)
    assert time.process_time() - began < 5


def test_the_files_of_a_cue_share_what_is_allowed_and_the_others_are_read(tmp_path):
    files = {"MIDI/1.mid": smf(notes(3_000)), "MIDI/2.mid": smf(notes(3_000)),
             "MIDI/3.mid": smf(notes(1_000))}  # fmt: skip
    folder = folder_of(tmp_path, files)
    first, second, third = read_midi_files(folder, most_events=10_000)
    assert first.error is None
    assert "'2.mid' is not read" in str(second.error)
    assert "more than 4,000 events" in str(second.error)
    assert third.error is None
    assert second.data == b""
