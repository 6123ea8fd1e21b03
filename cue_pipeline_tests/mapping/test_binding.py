"""A decision is found again after tracks and stems were renamed, moved or edited."""

from dataclasses import replace

import pandas as pd
import pytest

from cue_pipeline.mapping.people.binding import Found, stem_of, track_of
from cue_pipeline.mapping.people.track_keys import KnownTrack
from cue_pipeline.mapping.tracks import note_digests

VIOLINS = KnownTrack("MIDI/1m02.mid", 1, "Violins", notes="v")
VIOLAS = KnownTrack("MIDI/1m02.mid", 2, "Violas", notes="a")
CELLI = KnownTrack("MIDI/1m02.mid", 3, "Celli", notes="c")


def decided(key, name=None, notes=None):
    return {"track": key, "track_name": name, "track_notes": notes}


@pytest.mark.parametrize(
    "key", ["Violas", "#2", "MIDI/1m02.mid#2"], ids=["name", "place", "file and place"]
)
def test_what_has_not_changed_is_where_it_was(key):
    assert track_of(decided(key, "Violas", "a"), [VIOLINS, VIOLAS, CELLI]) == Found((1,))


def test_decisions_of_before_anything_was_kept_go_by_their_key_alone():
    assert track_of(decided("#2"), [VIOLINS, CELLI, replace(VIOLAS, notes=None)]) == Found((2,))
    assert track_of(decided("Gone"), [VIOLINS]) == Found(())


def test_a_renamed_track_is_found_by_its_notes_and_it_is_said():
    found = track_of(decided("Violas", "Violas", "a"), [VIOLINS, replace(VIOLAS, name="Vla")])
    assert found.positions == (1,)
    assert "'Vla' (#2 of MIDI/1m02.mid) has its notes" in found.told
    assert not found.doubt


def test_a_track_with_edited_notes_is_found_by_its_name_and_nothing_is_said():
    for key in ("Violas", "#2"):
        row = decided(key, "Violas", "a")
        assert track_of(row, [VIOLINS, replace(VIOLAS, notes="other")]) == Found((1,))


def test_a_place_that_another_track_has_taken_is_not_followed():
    """The file was exported again with a track more at its head."""
    moved = [replace(t, track_index=t.track_index + 1) for t in (VIOLINS, VIOLAS, CELLI)]
    found = track_of(decided("#2", "Violas", "a"), moved)
    assert found.positions == (1,)
    assert "another track is at #2 now" in found.told
    edited = [moved[0], replace(moved[1], notes="other"), moved[2]]
    found = track_of(decided("#2", "Violas", "a"), edited)
    assert (found.positions, found.doubt) == ((1,), False)
    assert "has its name" in found.told


def test_of_many_tracks_of_one_name_the_notes_tell_which():
    tracks = [KnownTrack("a.mid", i, "MIDI", notes=f"n{i}") for i in range(4)]
    shuffled = [replace(t, track_index=3 - t.track_index) for t in tracks]
    found = track_of(decided("#1", "MIDI", "n1"), shuffled)
    assert [shuffled[i].notes for i in found.positions] == ["n1"]
    assert not found.doubt
    edited = [replace(t, notes=t.notes + "x") for t in tracks]
    assert track_of(decided("#1", "MIDI", "n1"), edited).doubt


def test_a_name_that_has_passed_to_other_notes_is_a_doubt():
    """Two names were exchanged, or the old notes were kept aside: nothing says which."""
    tracks = [replace(VIOLINS, notes="a"), replace(VIOLAS, notes="v")]
    found = track_of(decided("Violas", "Violas", "a"), tracks)
    assert (found.positions, found.doubt) == ((1,), True)
    assert "'Violins' (#1 of MIDI/1m02.mid)" in found.told


def test_two_tracks_in_unison_are_no_place_to_go():
    tracks = [VIOLINS, replace(VIOLAS, name="Vla 1"), replace(CELLI, name="Vla 2", notes="a")]
    assert track_of(decided("Violas", "Violas", "a"), tracks).positions == ()


def test_what_fits_nothing_says_so():
    found = track_of(decided("#9", "Violas", "a"), [VIOLINS])
    assert found.positions == ()
    assert "no other with its notes or its name" in found.told


def test_a_renamed_stem_is_found_by_its_sound_before_its_name():
    row = {"canonical_name": "1m02 VLA_01", "stem_content": "x"}
    names = ["1m02 VLA_02", "Audio 7"]
    found = stem_of(row, names, ["other", "x"])
    assert (found.positions, found.doubt) == ((1,), False)
    assert "called 'Audio 7' now" in found.told
    assert stem_of(row, names, [None, None]).positions == (0,)
    assert stem_of(row, ["1m02 VLA_01"], ["recorded again"]) == Found((0,))
    assert stem_of(row, ["1m02 VLA_01", "Audio 7"], ["other", "x"]).doubt
    assert stem_of({"canonical_name": "-", "stem_content": None}, names, [None, None]) is None


def test_the_digest_of_notes_is_free_of_tempo_resolution_and_the_order_of_chords():
    pitches = [60, 64, 67, 72, 71, 60]
    at = [0, 0, 0, 480, 720, 960]
    first = pd.DataFrame({"midi_track_id": 5, "note": pitches, "start_tick": at})
    again = first.assign(start_tick=first["start_tick"] * 2).iloc[[2, 0, 1, 4, 3, 5]]
    slower = first.rename(columns={"start_tick": "start_time"})
    assert note_digests(first) == note_digests(again) == note_digests(slower)
    other = first.assign(note=[60, 64, 67, 71, 72, 60])
    assert note_digests(other) != note_digests(first)
    both = pd.concat([first, other.assign(midi_track_id=7)])
    assert note_digests(both) == note_digests(first) | note_digests(other.assign(midi_track_id=7))
