import pytest
from hypothesis import given
from hypothesis import strategies as st

from cue_pipeline.cue.numbering import CueNumber, natural_key, parse_cue_number


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("1m03", CueNumber(1, 3)),
        ("1m1", CueNumber(1, 1)),
        ("1m001", CueNumber(1, 1)),
        ("m01", CueNumber(None, 1)),
        ("101m01", CueNumber(101, 1)),
        ("0m01", CueNumber(0, 1)),
        ("1M04A", CueNumber(1, 4, "a")),
        ("1m01s", CueNumber(1, 1, is_source=True)),
        ("1s01", CueNumber(1, 1, is_source=True)),
        ("1m04as", CueNumber(1, 4, "a", is_source=True)),
        (
            "TW312 1m01 v3.2 Main Title",
            CueNumber(1, 1, version="3.2", project="TW312", title="Main Title"),
        ),
        ("TW312_1m01_Main", CueNumber(1, 1, project="TW312", title="Main")),
        ("1m02 The Letter v2", CueNumber(1, 2, version="2", title="The Letter")),
        ("1m01v3", CueNumber(1, 1, version="3")),
        ("1m04av3", CueNumber(1, 4, "a", version="3")),
        ("1m02 version 4", CueNumber(1, 2, version="4")),
        ("2m05a Chase", CueNumber(2, 5, "a", title="Chase")),
        ("1m04alt", CueNumber(1, 4, title="alt")),
        ("1m02R", CueNumber(1, 2, version="R")),
        ("1m02aR2 Chase", CueNumber(1, 2, "a", version="R2", title="Chase")),
    ],
)
def test_a_cue_number_is_read_in_the_spellings_of_the_field(name, expected):
    assert parse_cue_number(name) == expected


@pytest.mark.parametrize(
    "name",
    [
        "5mm nail",
        "10m run",
        "Room01",
        "35mm01",
        "1080p",
        "mp3",
        "Main Title",
        "Reel 1",
        "m4 rifle",
        "take.m4a",
        "S01E02",
        "1m",
        "m",
        "",
        "Em7",
        "1m0400",
        "12345m01",
        "Opus 18",
    ],
)
def test_a_name_without_a_cue_number_has_none(name):
    assert parse_cue_number(name) is None


def test_of_a_key_the_deepest_folder_with_a_number_counts():
    assert parse_cue_number("TW312/1m01 old/2m07 New") == CueNumber(2, 7, title="New")


def test_a_folder_below_the_number_may_give_the_version():
    assert parse_cue_number("Reel 1/1m02/v3") == CueNumber(1, 2, version="3")


_SUFFIXES = st.sampled_from(["", *"abcdefghijklnopqtuvwxyz"])
_NUMBERS = st.builds(
    CueNumber,
    reel=st.none() | st.integers(0, 9999),
    number=st.integers(0, 999),
    suffix=_SUFFIXES,
    is_source=st.booleans(),
)


@given(_NUMBERS)
def test_a_written_cue_number_is_read_back(cue_number):
    assert parse_cue_number(cue_number.label) == cue_number
    found = parse_cue_number(f"TW312 {cue_number.label} v3.2 Main Title")
    assert found is not None
    assert found.sort_key == cue_number.sort_key
    assert (found.project, found.version, found.title) == ("TW312", "3.2", "Main Title")


@given(st.text())
def test_any_text_is_either_a_cue_number_or_none(text):
    found = parse_cue_number(text)
    assert found is None or found.number >= 0


@given(
    st.lists(st.text(alphabet="aB1/0 ²٣é")).flatmap(
        lambda names: st.tuples(st.just(names), st.permutations(names))
    )
)
def test_any_names_can_be_sorted_and_in_one_way_only(orders):
    one, other = orders
    assert sorted(one, key=natural_key) == sorted(other, key=natural_key)


def test_natural_order_counts_and_keeps_folders_together():
    names = ["1m10", "1m2/b", "1m2 x/a", "1M1", "1m002", "Reel 10/1m1", "Reel 9/1m1", "1m2/a"]
    assert sorted(names, key=natural_key) == [
        "1M1",
        "1m002",
        "1m2/a",
        "1m2/b",
        "1m2 x/a",
        "1m10",
        "Reel 9/1m1",
        "Reel 10/1m1",
    ]


def test_film_order_is_by_reel_then_number_then_suffix():
    names = ["2m01", "1m10", "1m04a", "1m04", "m03", "101m01"]
    parsed = [n for n in map(parse_cue_number, names) if n]
    assert [n.label for n in sorted(parsed, key=lambda n: n.sort_key)] == [
        "m03",
        "1m04",
        "1m04a",
        "1m10",
        "2m01",
        "101m01",
    ]
