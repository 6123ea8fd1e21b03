"""The rows of a cue: whole, placed, and enough to write the files again."""

import hashlib
import io
import math

import mido
import pandas as pd
import pytest

from cue_pipeline.cue.identity import row_id
from cue_pipeline.errors import MidiFileError
from cue_pipeline.midi.score_rows import (
    midi_events_tables,
    read_midi_files,
    sounding_seconds,
    tempo_map_tables,
)
from cue_pipeline_tests.midi.rebuild import channel_messages, rebuilt_file
from cue_pipeline_tests.midi.smf import (
    CUE,
    folder_of,
    message,
    meta,
    meter,
    name,
    off,
    on,
    rows,
    smf,
    tables,
    tables_of_folder,
    tempo,
)
from cue_pipeline_tests.midi.test_reader import SPECIFICATION_EXAMPLE, as_mido_reads

SCHEMA = {
    "midi_files": "id cue_id file_path sha256 format ticks_per_beat duration_seconds tempo_map "
    "time_signature_map key_signature_map markers warnings",
    "midi_tracks": "id midi_file_id track_index track_name raw_name",
    "midi_notes": "midi_track_id event_index channel note velocity release_velocity start_tick "
    "end_tick start_time duration bar beat flags",
    "midi_cc": "midi_track_id event_index channel cc_number cc_value tick time bar beat",
    "midi_program_changes": "midi_track_id event_index channel program tick time bar beat",
    "midi_pitch_bends": "midi_track_id event_index channel value tick time bar beat",
    "midi_aftertouch": "midi_track_id event_index channel note value tick time bar beat",
    "cue_sketches": "cue_id n_shingles sketch",
}
ADDED = {
    "midi_files": "division sequence cue_points lyrics texts smpte_offset clock_from same_as "
    "clock_doubt time_codes charset charset_confidence",
    "midi_tracks": "stray_note_offs port part_channel all_names sounds drum_kit sounding_seconds",
    "midi_notes": "end_event_index",
    "midi_program_changes": "bank_msb bank_lsb",
}
FLOATS = {
    "sounding_seconds",
    "duration_seconds",
    "charset_confidence",
    "start_time",
    "duration",
    "time",
    "beat",
}
NULLABLE = {
    "midi_tracks": {"port", "part_channel"},
    "midi_files": {"format", "ticks_per_beat", "division", "sequence"},
    "midi_notes": {"release_velocity", "end_event_index"},
    "midi_program_changes": {"bank_msb", "bank_lsb"},
    "midi_aftertouch": {"note"},
}
OBJECTS = {
    "file_path", "sha256", "tempo_map", "time_signature_map", "key_signature_map", "markers",
    "warnings", "cue_points", "lyrics", "texts", "smpte_offset", "track_name", "raw_name",
    "stray_note_offs", "all_names", "sounds", "drum_kit", "clock_from", "same_as", "clock_doubt",
    "time_codes", "charset", "sketch",
}  # fmt: skip
EVERYTHING = b"".join(
    [
        name("All"), tempo(400_000), meter(6, 8), message(0xB0, 0, 5), message(0xB0, 32, 6),
        message(0xC0, 7), on(60), message(0xA0, 60, 9, delta=100), message(0xD0, 11),
        message(0xE0, 0, 64), message(0xE0, 0x7F, 0x7F, delta=700), message(0xE0, 0, 0),
        off(60, 10, 12), tempo(300_000, 1), message(0xB1, 1, 2), message(0xC1, 3), on(61, 5),
    ]
)  # fmt: skip


@pytest.mark.parametrize("data", [smf(EVERYTHING), smf(tempo(400_000))])
def test_tables_have_the_columns_of_the_contract_with_their_types_even_when_empty(data):
    found = tables(data)
    assert set(found) == set(SCHEMA)
    for table, columns in SCHEMA.items():
        want = [*columns.split(), *ADDED.get(table, "").split()]
        assert sorted(found[table].columns) == sorted(want)
        for column, dtype in found[table].dtypes.items():
            if column in OBJECTS:
                assert str(dtype) == "object", column
            elif column in FLOATS:
                assert dtype == "float64", column
            else:
                nullable = column in NULLABLE.get(table, ())
                assert str(dtype) == ("Int64" if nullable else "int64"), (table, column)


def test_the_example_of_the_specification_gives_the_rows_that_it_describes():
    found = tables(SPECIFICATION_EXAMPLE)
    columns = ("channel", "note", "velocity", "release_velocity", "start_tick", "end_tick")
    assert rows(found["midi_notes"], *columns, "bar", "beat", "flags") == [
        (2, 48, 96, 64, 0, 384, 1, 1.0, 0),
        (2, 60, 96, 64, 0, 384, 1, 1.0, 0),
        (1, 67, 64, 64, 96, 384, 1, 2.0, 0),
        (0, 76, 32, 64, 192, 384, 1, 3.0, 0),
    ]
    assert rows(found["midi_notes"], "start_time", "duration") == [
        (0.0, 2.0), (0.0, 2.0), (0.5, 1.5), (1.0, 1.0)
    ]  # fmt: skip
    assert rows(found["midi_program_changes"], "channel", "program") == [(0, 5), (1, 46), (2, 70)]


def test_every_kind_of_message_has_its_row_with_time_and_bar():
    found = tables(smf(EVERYTHING))
    at = ("tick", "bar", "beat")
    assert rows(found["midi_cc"], "event_index", "channel", "cc_number", "cc_value", *at) == [
        (3, 0, 0, 5, 0, 1, 1.0),
        (4, 0, 32, 6, 0, 1, 1.0),
        (14, 1, 1, 2, 811, 1, 1 + 811 / 240),
    ]
    program = ("event_index", "channel", "program", "bank_msb", "bank_lsb", "tick")
    assert rows(found["midi_program_changes"], *program) == [
        (5, 0, 7, 5, 6, 0),
        (15, 1, 3, None, None, 811),
    ]
    assert rows(found["midi_pitch_bends"], "event_index", "value", *at) == [
        (9, 0, 100, 1, 1 + 100 / 240),
        (10, 8191, 800, 1, 1 + 800 / 240),
        (11, -8192, 800, 1, 1 + 800 / 240),
    ]
    assert rows(found["midi_aftertouch"], "event_index", "note", "value", *at) == [
        (7, 60, 9, 100, 1, 1 + 100 / 240),
        (8, None, 11, 100, 1, 1 + 100 / 240),
    ]
    assert found["midi_cc"]["time"].tolist() == pytest.approx([0, 0, 811 / 1200])


def test_a_bank_is_that_of_the_same_track_and_channel_before_the_program_change():
    one = message(0xB0, 0, 1) + message(0xB1, 0, 2) + message(0xC0, 9) + message(0xB0, 0, 3)
    one += message(0xC1, 9) + message(0xC0, 9) + message(0xC2, 9)
    other = message(0xC0, 9) + message(0xB0, 32, 4) + message(0xC0, 9)
    found = tables(smf(one, other))["midi_program_changes"]
    assert rows(found, "bank_msb", "bank_lsb") == [
        (1, None), (2, None), (3, None), (None, None), (None, None), (None, 4)
    ]  # fmt: skip


@pytest.mark.parametrize("data", [SPECIFICATION_EXAMPLE, smf(EVERYTHING, on(1) + off(2, 3))])
def test_the_tables_give_back_the_messages_that_mido_reads(data):
    assert channel_messages(tables(data)) == as_mido_reads(data)


def test_a_file_rebuilt_from_the_tables_is_the_same_to_mido():
    conductor = name("Map") + tempo(400_000) + meter(6, 8) + meta(6, "Début".encode())
    conductor += tempo(350_001, 777) + meter(5, 8) + meta(6, b"End", 3)
    data = smf(conductor, name("Flöte") + EVERYTHING, name("Flöte") + on(1) + off(2, 3), EVERYTHING)
    before = mido.MidiFile(file=io.BytesIO(data), charset="utf-8")
    rebuilt = rebuilt_file(tables(data))
    after = mido.MidiFile(file=io.BytesIO(rebuilt), charset="utf-8")
    assert as_mido_reads(rebuilt) == as_mido_reads(data)
    assert [t.name for t in after.tracks[1:3]] == [t.name for t in before.tracks[1:3]]
    # The same tempo and meter: to mido both last equally long, and to us all stands in one place.
    assert after.length == pytest.approx(before.length, abs=1e-9)
    ours, theirs = tables(data), tables(rebuilt)
    for table in ("midi_notes", "midi_cc", "midi_pitch_bends"):
        columns = [
            c for c in ours[table].columns if "event_index" not in c and c != "midi_track_id"
        ]
        assert ours[table][columns].equals(theirs[table][columns])
    for column in ("tempo_map", "time_signature_map", "markers"):
        assert ours["midi_files"][column][0] == theirs["midi_files"][column][0]


def test_every_stored_time_follows_from_the_tempo_map_by_the_formula_of_the_contract():
    track = b"".join(
        tempo(300_000 + i * 7_919, 37) + on(60, i % 5) + off(60, 11) for i in range(500)
    )
    for division in (480, 97, 0xE350):
        found = tables(smf(track, division=division))
        (file,) = found["midi_files"].to_dict("records")
        for tick, time in rows(found["midi_notes"], "start_tick", "start_time"):
            at = [s for s in file["tempo_map"] if s[1] <= tick][-1]
            assert at[0] + (tick - at[1]) * at[2] / 1e6 / file["ticks_per_beat"] == time


def test_ids_come_from_natural_keys_and_repeat(tmp_path):
    files = {"b/song.mid": smf(on(60) + off(60, 1), EVERYTHING), "a.midi": smf(EVERYTHING)}
    found = tables_of_folder(tmp_path, files)
    again = tables_of_folder(tmp_path, files)
    assert all(found[table].equals(again[table]) for table in found)
    assert rows(found["midi_files"], "id", "cue_id", "file_path", "sha256") == [
        (
            row_id("midi_files", CUE, path),
            row_id("cues", CUE),
            path,
            hashlib.sha256(data).hexdigest(),
        )
        for path, data in files.items()
    ]
    assert rows(found["midi_tracks"], "id", "midi_file_id", "track_index") == [
        (row_id("midi_tracks", CUE, path, index), row_id("midi_files", CUE, path), index)
        for path, index in (("b/song.mid", 0), ("b/song.mid", 1), ("a.midi", 0))
    ]


def test_six_tracks_of_one_name_stay_six():
    found = tables(smf(*[name("MIDI") + on(60 + i) + off(60 + i, 1) for i in range(6)]))
    assert found["midi_tracks"]["id"].nunique() == 6
    assert found["midi_notes"]["midi_track_id"].tolist() == found["midi_tracks"]["id"].tolist()


def test_a_track_of_controllers_alone_is_kept_and_one_of_meta_events_alone_is_none():
    found = tables(smf(tempo(500_000), name("CC") + message(0xB0, 1, 1), name("empty")))
    assert rows(found["midi_tracks"], "track_index", "track_name") == [(1, "CC")]
    assert len(found["midi_cc"]) == 1


def test_a_key_of_rows_is_unique():
    found = tables(smf(EVERYTHING, EVERYTHING, EVERYTHING))
    keys = [k for t in list(SCHEMA)[2:7] for k in rows(found[t], "midi_track_id", "event_index")]
    assert len(keys) == len(set(keys))


def test_a_type_2_file_has_a_row_for_each_clock():
    slow = tempo(1_000_000) + meter(3, 4) + on(60, 480) + off(60, 960)
    found = tables(smf(on(60, 480) + off(60, 480), slow, format=2))
    assert rows(found["midi_files"], "file_path", "sequence", "duration_seconds") == [
        ("song.mid", 0, 1.0),
        ("song.mid#1", 1, 3.0),
    ]
    files = found["midi_files"]["id"].tolist()
    assert files[0] == row_id("midi_files", CUE, "song.mid")
    assert found["midi_tracks"]["midi_file_id"].tolist() == files
    assert found["midi_tracks"]["id"][1] == row_id("midi_tracks", CUE, "song.mid", 1)
    assert rows(found["midi_notes"], "start_time", "duration", "bar", "beat") == [
        (0.5, 0.5, 1, 2.0),
        (1.0, 2.0, 1, 2.0),
    ]


def test_each_clock_of_a_type_2_file_has_the_warnings_of_its_track():
    data = smf(on(60), on(60) + bytes.fromhex("00 F4"), tempo(0), format=2)
    found = tables(data[:11] + b"\x09" + data[12:])["midi_files"]["warnings"]
    assert [len(texts) for texts in found] == [1, 1, 1]
    assert found[0][0].startswith("byte 10: the header promises 9")
    assert found[1][0].startswith("track 1, byte 43: status byte 0xF4")
    assert found[2][0].startswith("track 2, byte 56: a tempo of 0")


def test_an_unusable_file_has_a_row_that_says_why_and_the_others_go_on(tmp_path):
    files = {"a.mid": b"a letter, renamed", "b.mid": smf(EVERYTHING), "c.MID": b""}
    found = tables_of_folder(tmp_path, files)
    bad, good, empty = found["midi_files"].to_dict("records")
    assert "holds text" in bad["warnings"][0]
    assert "empty" in empty["warnings"][0]
    assert good["warnings"] == []
    assert bad["sha256"] == hashlib.sha256(files["a.mid"]).hexdigest()
    for row in (bad, empty):
        assert all(row[column] == [] for column in ("tempo_map", "time_signature_map", "markers"))
        assert math.isnan(row["duration_seconds"])
    null = rows(found["midi_files"], "format", "ticks_per_beat", "duration_seconds", "division")
    assert null[0] == null[2] == (None, None, None, None)
    assert len(found["midi_tracks"]) == 1


def test_a_file_that_vanishes_or_cannot_be_read_does_not_stop_the_others(tmp_path):
    folder = folder_of(tmp_path, {"a.mid": smf(EVERYTHING), "gone.mid": b"", "dir.mid": b""})
    (tmp_path / "gone.mid").unlink()
    (tmp_path / "dir.mid").unlink()
    (tmp_path / "dir.mid").mkdir()
    good, gone, directory = read_midi_files(folder)
    assert good.file is not None
    assert gone.sha256 is directory.sha256 is None
    assert "cannot be read" in str(gone.error)
    assert "cannot be read" in str(directory.error)
    assert len(tempo_map_tables(CUE, [good, gone, directory])["midi_files"]) == 3


@pytest.mark.parametrize("files", [{}, {"a.mid": b"", "b.midi": b"text"}])
def test_a_cue_without_a_usable_file_is_an_error_that_names_them(tmp_path, files):
    outcomes = read_midi_files(folder_of(tmp_path, files))
    for make in (tempo_map_tables, midi_events_tables):
        with pytest.raises(MidiFileError, match="the cue has no") as caught:
            make(CUE, outcomes, ())
        assert all(path in str(caught.value) for path in files)
        assert "Export" in str(caught.value)


def test_warnings_of_damage_are_in_the_row():
    (warning,) = tables(smf(on(60) + bytes.fromhex("00 F4")))["midi_files"]["warnings"][0]
    assert warning.startswith("track 0, byte 27: status byte 0xF4")


def test_words_with_their_times_are_in_the_row():
    row = tables(smf(meta(5, b"la", 480) + meta(7, b"in") + on(60) + off(60, 1)))[
        "midi_files"
    ].iloc[0]
    assert (row["lyrics"], row["cue_points"], row["texts"]) == (
        [[0.5, 480, "la"]],
        [[0.5, 480, "in"]],
        [],
    )


@pytest.mark.parametrize(
    ("notes", "seconds"),
    [
        ([], None),
        ([(0.0, 1.0), (2.0, 0.5)], 1.5),  # with a rest between
        ([(0.0, 1.0), (0.0, 1.0), (0.0, 1.0)], 1.0),  # a chord
        ([(0.0, 4.0), (1.0, 1.0), (3.0, 2.0)], 5.0),  # one within another, one beyond it
        ([(3.0, 2.0), (0.0, 4.0)], 5.0),
    ],
)
def test_time_in_which_several_notes_sound_counts_once(notes, seconds):
    frame = pd.DataFrame(notes, columns=["start_time", "duration"]).assign(midi_track_id=7)
    assert sounding_seconds(frame).get(7) == seconds
