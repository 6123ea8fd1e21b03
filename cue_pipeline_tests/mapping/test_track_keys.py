"""What people type for a track, a stem or a category."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cue_pipeline.errors import MappingError
from cue_pipeline.mapping.people.track_keys import (
    KnownTrack,
    category_meant,
    group_meant,
    lasting_key,
    one_track,
    specificity,
    tracks_meant,
)

TWO_FILES = (
    KnownTrack("MIDI/a.mid", 1, "Violas"),
    KnownTrack("MIDI/a.mid", 2, "Pad"),
    KnownTrack("MIDI/b.mid", 1, "Flute"),
    KnownTrack("MIDI/b.mid", 2, "Pad"),
    KnownTrack("MIDI/b.mid", 3, ""),
    KnownTrack("MIDI/b.mid", 4, "#1"),
)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("Violas", [0]),
        (" violas ", [0]),
        ("Pad", [1, 3]),
        ("#2", [1, 3]),
        ("#3", [4]),
        ("#1", [5]),  # a name that looks like an index is a name first
        ("a.mid#1", [0]),
        ("MIDI/b.mid#2", [3]),
        ("MIDI/c.mid#2", []),
        ("Harp", []),
        ("", []),
    ],
)
def test_a_track_is_its_name_its_index_or_its_file_and_index(typed: str, meant: list[int]) -> None:
    assert tracks_meant(typed, TWO_FILES) == meant


PARTS = (
    KnownTrack("a.mid", 0, "Chase", channel=0, port=0, other_names=("Chase",)),
    KnownTrack("a.mid", 0, "Flute", channel=1, port=0, other_names=("Flute", "Chase")),
    KnownTrack("a.mid", 0, "Chase", channel=1, port=1, other_names=("Chase",)),
    KnownTrack("a.mid", 3, "Violas", other_names=("InitializedTrack", "Violas")),
)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("#0", [0, 1, 2]),  # what was said of the whole track holds for all its parts
        ("#0 ch1", [0]),
        ("#0 ch2", [1]),
        ("#0 port1 ch2", [2]),
        ("#0 CH2", [1]),
        ("a.mid#0 ch1", [0]),
        ("a.mid#0 port 1 ch 2", [2]),
        ("#0 ch3", []),
        ("#3 ch1", []),
        ("#3", [3]),
        ("Flute", [1]),
        ("Chase", [0, 2]),
        ("InitializedTrack", [3]),
        ("initializedtrack", [3]),
    ],
)
def test_a_part_is_named_by_its_channel_and_port(typed: str, meant: list[int]) -> None:
    assert tracks_meant(typed, PARTS) == meant


def test_the_lasting_key_of_every_part_means_just_that_part() -> None:
    keys = [lasting_key(i, PARTS) for i in range(len(PARTS))]
    assert keys == ["#0 ch1", "Flute", "#0 port1 ch2", "Violas"]
    assert [tracks_meant(key, PARTS) for key in keys] == [[0], [1], [2], [3]]
    assert sorted(["#0", *keys], key=specificity)[-1].startswith("#0 ")


def test_parts_of_a_name_are_told_with_what_to_type() -> None:
    with pytest.raises(MappingError, match=r"Type 'a.mid#0 ch1' or 'a.mid#0 port1 ch2'"):
        one_track("Chase", PARTS, "1m01")


def test_several_tracks_of_a_name_are_told_with_what_to_type() -> None:
    with pytest.raises(MappingError) as e:
        one_track("Pad", TWO_FILES, "1m01")
    assert "2 tracks that 'Pad' may mean" in str(e.value)
    assert "Type 'a.mid#2' or 'b.mid#2'" in str(e.value)
    assert "--all" in str(e.value)
    assert one_track("a.mid#2", TWO_FILES, "1m01") == 1


def test_files_of_the_same_name_are_told_apart_by_their_folders() -> None:
    tracks = (KnownTrack("MIDI/x/a.mid", 1, "Pad"), KnownTrack("MIDI/y/a.mid", 1, "Pad"))
    with pytest.raises(MappingError, match=r"Type 'MIDI/x/a.mid#1' or 'MIDI/y/a.mid#1'"):
        one_track("a.mid#1", tracks, "1m01")


def test_a_track_that_is_not_there_is_told_with_the_closest() -> None:
    with pytest.raises(MappingError, match=r"no track 'Viola'.*closest are 'Violas'"):
        one_track("Viola", TWO_FILES, "1m01")
    with pytest.raises(MappingError, match="`cue-pipeline mappings '1m01'` shows all 6"):
        one_track("Zzz", TWO_FILES, "1m01")


NAMES = st.sampled_from(["Pad", "Violas", "", "#1", "#2", "a.mid#1", "MIDI/a.mid#2", "pad", " "])
TRACKS = st.lists(
    st.tuples(st.sampled_from(["MIDI/a.mid", "MIDI/b.mid", "a.mid"]), st.integers(1, 3), NAMES),
    min_size=1,
    max_size=7,
    unique_by=lambda t: t[:2],
)


@given(TRACKS)
@settings(max_examples=200, deadline=None)
def test_the_key_that_is_kept_means_its_track_alone_or_names_like_keys_are_the_cause(
    rows: list[tuple[str, int, str]],
) -> None:
    tracks = [KnownTrack(*row) for row in rows]
    names = {t.name for t in tracks}
    for i in range(len(tracks)):
        key = lasting_key(i, tracks)
        if key in names and tracks[i].name != key:
            continue  # a track is called what another one's file and index are: nobody does that
        assert i in tracks_meant(key, tracks)
        if not any(name.count("#") for name in names) and "a.mid" not in {
            t.file_path for t in tracks
        }:
            assert tracks_meant(key, tracks) == [i]


def test_a_name_is_kept_where_it_is_the_only_one_and_an_index_elsewhere() -> None:
    assert lasting_key(0, TWO_FILES) == "Violas"
    assert lasting_key(1, TWO_FILES) == "MIDI/a.mid#2"
    one_file = (KnownTrack("a.mid", 1, "Pad"), KnownTrack("a.mid", 2, "Pad"))
    assert lasting_key(1, one_file) == "#2"


def test_a_stem_is_found_whatever_its_case_and_empty_means_none() -> None:
    groups = ("1m01 VLA_01", "1m01 VCS_01")
    assert group_meant("1M01 vla_01", groups, "1m01") == "1m01 VLA_01"
    assert group_meant("", groups, "1m01") == group_meant(" - ", groups, "1m01") == "-"
    with pytest.raises(MappingError, match=r"no stem 'VLA'.*closest are '1m01 VLA_01'"):
        group_meant("VLA", groups, "1m01")


def test_a_category_is_one_of_the_28() -> None:
    assert category_meant(" strings") == "Strings"
    with pytest.raises(MappingError, match=r"'String' is no instrument category\..*'Strings'"):
        category_meant("String")
    for instrument, category in (("Flutes", "Woodwinds"), ("Celli", "Strings")):
        with pytest.raises(MappingError, match=f"The closest is '{category}'"):
            category_meant(instrument)
