"""Ticks, seconds and bars through the door, beside mido and pretty_midi."""

import dataclasses

import mido
import numpy as np
import pretty_midi
import pytest
import sqlalchemy as sa

import cue_pipeline as cp
from cue_pipeline.errors import MidiFileError
from cue_pipeline.midi.reader import read_midi_file
from cue_pipeline.midi.score_rows import MidiFileOutcome, tempo_map_tables
from cue_pipeline.warehouse import tables as t
from cue_pipeline_tests.warehouse.synthetic import SyntheticCue, load

TPB = 480
TEMPI = {0: 500_000, 5 * TPB: 612_345, 9 * TPB + 7: 428_571, 30 * TPB: 999_999}
METERS = {0: (4, 4), 8 * TPB: (3, 4), 14 * TPB: (6, 8)}


@pytest.fixture(scope="module")
def midi_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("midi") / "1m01.mid"
    file, track, now = mido.MidiFile(type=1, ticks_per_beat=TPB), mido.MidiTrack(), 0
    for tick in sorted({*TEMPI, *METERS}):
        delta, now = tick - now, tick
        if tick in METERS:
            n, d = METERS[tick]
            track.append(mido.MetaMessage("time_signature", numerator=n, denominator=d, time=delta))
            delta = 0
        if tick in TEMPI:
            track.append(mido.MetaMessage("set_tempo", tempo=TEMPI[tick], time=delta))
    notes = mido.MidiTrack([
        mido.MetaMessage("track_name", name="Horn"),
        mido.Message("note_on", note=60, velocity=90),
        mido.Message("note_off", note=60, time=40 * TPB),
    ])  # fmt: skip
    file.tracks += [track, notes]
    file.save(path)
    return path


@pytest.fixture(scope="module")
def tempo(midi_path):
    tables = tempo_map_tables(
        "1m01", [MidiFileOutcome("MIDI/1m01.mid", read_midi_file(midi_path), None, None)]
    )
    return cp.Tempo.of_row(tables["midi_files"].iloc[0].to_dict())


def test_seconds_are_those_of_mido(tempo):
    ticks = np.arange(0, 40 * TPB, 37)
    edges = sorted(TEMPI)

    def by_mido(tick):
        ends = [*edges[1:], tick]
        return sum(
            mido.tick2second(min(end, tick) - start, TPB, TEMPI[start])
            for start, end in zip(edges, ends, strict=True)
            if start < tick
        )

    expected = [by_mido(int(tick)) for tick in ticks]
    assert np.allclose(tempo.ticks_to_seconds(ticks), expected, rtol=0, atol=1e-9)
    assert np.array_equal(np.rint(tempo.seconds_to_ticks(expected)), ticks)


def test_seconds_and_bar_lines_are_those_of_pretty_midi(tempo, midi_path):
    peer = pretty_midi.PrettyMIDI(str(midi_path))
    ticks = np.arange(0, 40 * TPB, 11)
    expected = [peer.tick_to_time(int(tick)) for tick in ticks]
    assert np.allclose(tempo.ticks_to_seconds(ticks), expected, rtol=0, atol=1e-9)
    downbeats = peer.get_downbeats()
    assert len(downbeats) > 10
    bars = np.arange(1, len(downbeats) + 1)
    assert np.allclose(tempo.bars_to_seconds(bars), downbeats, rtol=0, atol=1e-9)
    counted, beats = tempo.seconds_to_bars(downbeats)
    assert np.array_equal(counted, bars)
    assert np.allclose(beats, 1.0)


def test_there_and_back_is_where_it_began_for_arrays_of_any_shape(tempo):
    ticks = np.arange(0, 12_000).reshape(100, 120)
    bars, beats = tempo.ticks_to_bars(ticks)
    assert bars.shape == ticks.shape
    assert np.array_equal(np.rint(tempo.bars_to_ticks(bars, beats)), ticks)
    assert float(tempo.bars_to_ticks(3)) == 8 * TPB


def two_files(tempo_map, same):
    """Return what two rows of midi_files hold, of one clock or of two."""
    first = tempo_map["midi_files"]
    second = first.assign(id=first["id"] + 1, file_path="MIDI/b.mid")
    if not same:
        second["tempo_map"] = [[[0.0, 0, 600_000]]]
    import pandas as pd

    return {"midi_files": pd.concat([first, second], ignore_index=True)}


@pytest.mark.engines("sqlite")
@pytest.mark.parametrize("same", [True, False])
def test_a_cue_of_several_files_has_one_tempo_only_where_they_agree(store, filled_url, same):
    class Two(SyntheticCue):
        def _tempo_map(self):
            return two_files(super()._tempo_map(), same)

    cue = Two()
    load(store, cue, ("tempo_map",))
    read = cp.open_library(filled_url)[cue.key]
    assert list(read.tempos) == ["MIDI/1m01.mid", "MIDI/b.mid"]
    if same:
        assert dataclasses.asdict(read.tempo) == dataclasses.asdict(read.tempos["MIDI/1m01.mid"])
        return
    with pytest.raises(MidiFileError, match=r"2 MIDI files .* differ in tempo.*'MIDI/b\.mid'"):
        read.tempo  # noqa: B018 - asking is what fails
    assert float(read.tempos["MIDI/b.mid"].ticks_to_seconds(480)) == 0.6
    with store.engine.begin() as connection:  # an older version of the other
        connection.execute(
            sa.update(t.midi_files)
            .where(t.midi_files.c.file_path == "MIDI/b.mid")
            .values(same_as="MIDI/1m01.mid")
        )
    assert cp.open_library(filled_url)[cue.key].tempo.file_path == "MIDI/1m01.mid"
