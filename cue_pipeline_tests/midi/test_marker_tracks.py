"""Tracks that carry no music are left out, and what is left out is said."""

import pytest

from cue_pipeline.midi.marker_tracks import is_marker_name
from cue_pipeline_tests.midi.smf import message, meta, name, off, on, rows, smf, tables

NAMES = ("notes", "conductor", "orchestrator")
MUSIC = name("Strings") + on(60) + off(60, 480)


@pytest.mark.parametrize(
    "text",
    [
        "notes",
        "NOTES",
        " Notes ",
        "Notes:",
        "*NOTES*",
        "[Notes]",
        "Notes 2",
        "Notes-1",
        "notes_03",
        "Conductor Track",
        "conductor track 2",
        "ＮＯＴＥＳ",
        "-- Orchestrator --",
        "Conductor #1",
        "Orchestrator Notes",
    ],
)
def test_a_marker_track_is_known_by_its_name_and_evident_variants(text):
    assert is_marker_name(text, NAMES)


@pytest.mark.parametrize(
    "text",
    [
        "Bass Notes",
        "Notes low",
        "Long notes",
        "Grace Notes 2",
        "",
        "1",
        "Track 1",
        "Note",
        "Semiconductor",
        "Conductors",
        "Notesx",
        "Orchestra",
    ],
)
def test_a_name_that_only_holds_such_a_word_is_music(text):
    assert not is_marker_name(text, NAMES)


def test_the_names_are_a_setting():
    assert is_marker_name("Klick", ("klick",))
    assert is_marker_name("Notes 2", ("Notes 2",))
    assert not is_marker_name("Notes", ())


def test_a_marker_track_has_no_rows_but_its_markers_tempo_and_words_stay():
    conductor = name("Conductor") + meta(0x51, b"\x03\xd0\x90") + meta(6, b"Bar 1")
    found = tables(smf(conductor, MUSIC, name("NOTES") + meta(5, b"div.", 480)), NAMES)
    assert rows(found["midi_tracks"], "track_index", "track_name") == [(1, "Strings")]
    row = found["midi_files"].iloc[0]
    assert row["markers"] == [[0.0, 0, "Bar 1"]]
    assert row["lyrics"] == [[0.25, 480, "div."]]
    assert row["warnings"] == []


def test_notes_of_a_marker_track_are_left_out_and_counted_in_the_warnings():
    marker = name("Notes") + on(1) + off(1, 1) + on(2) + on(2, 1, 0) + message(0xB0, 7, 1)
    found = tables(smf(MUSIC, marker), NAMES)
    assert len(found["midi_tracks"]) == len(found["midi_notes"]) == 1
    assert found["midi_files"]["warnings"][0] == [
        "track 1: 'Notes' is a marker track by its name; its 2 notes, 5 messages in all, are not "
        "stored"
    ]
    of_one = tables(smf(MUSIC, name("Notes") + on(1)), NAMES)["midi_files"]["warnings"][0]
    assert "its 1 note, 1 message in all" in of_one[0]


def test_the_name_of_a_file_of_one_track_is_the_pieces_name_and_its_music_stays():
    found = tables(smf(name("Notes") + on(60) + off(60, 1), format=0), NAMES)
    assert len(found["midi_notes"]) == 1
    sequences = tables(smf(name("Notes") + on(60) + off(60, 1), MUSIC, format=2), NAMES)
    assert len(sequences["midi_notes"]) == 2


def test_a_cue_of_marker_tracks_alone_has_all_tables_without_rows():
    found = tables(smf(name("Notes") + on(60) + off(60, 1), name("Conductor")), NAMES)
    assert all(len(found[t]) == 0 for t in found if t not in {"midi_files", "cue_sketches"})
    assert found["midi_notes"].dtypes["note"] == "int64"
