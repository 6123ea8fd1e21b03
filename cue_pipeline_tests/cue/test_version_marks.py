"""Versions of a piece are told apart, and from other pieces, by the names that folders have."""

from itertools import pairwise

import pytest

from cue_pipeline.cue.project import read_project
from cue_pipeline.cue.version_marks import read_work_name

LETTER = "1m02 The Letter"
VERSIONS = [
    "v1", "v2", "v3.2", "V04", " ver 2", "_rev3", " revised", " alt", " (alt 2)", "_ALT", " (old)",
    " [old]", "_old", " old", " OLD", " FINAL", " FINAL v2", " 2024-05-01", "_20240501", "_240501",
    " - draft", " v2 alt", "_v1_old", " (superseded)", "_bak", "/v3", "/alt/v2",
]  # fmt: skip


@pytest.mark.parametrize("mark", VERSIONS)
def test_a_version_is_of_the_work_that_its_name_without_it_names(mark):
    plain, marked = (
        read_work_name(LETTER),
        read_work_name(f"{LETTER}{' ' * (mark[0] == 'v')}{mark}"),
    )
    if mark[0] == "V":
        marked = read_work_name(f"{LETTER} {mark}")
    assert marked.exact == plain.exact
    assert marked.title == "The Letter"
    assert marked.marks.text
    assert plain.marks.text is None


@pytest.mark.parametrize(
    "key",
    ["1m02R The Letter", "1m02R2 The Letter", "1m02v3 The Letter", "1M2 the letter", "OLD/1m02 The "
     "Letter", "v2/1m02 The Letter", "Backup 2024-05-01/1m02 The Letter", "1m02_the_letter"],
)  # fmt: skip
def test_marks_stand_at_the_number_and_in_folders_too(key):
    assert read_work_name(key).exact == read_work_name(LETTER).exact


@pytest.mark.parametrize(
    "key",
    ["1m02", "1m03 The Letter", "2m02 The Letter", "1m02a The Letter", "1s02 The Letter",
     "1m02 The Chase", "1m02 The Letter pt2", "Film B/1m02 The Letter", "1m02 The Letter copy",
     "1m02 The Letter (1)", "Copy of 1m02 The Letter"],
)  # fmt: skip
def test_what_may_be_another_piece_is_no_version_by_name_alone(key):
    assert read_work_name(key).exact != read_work_name(LETTER).exact


@pytest.mark.parametrize(
    "title",
    ["Growing Old", "The Old Man", "Final Battle", "The Final", "Something New", "A New Hope",
     "Altitude", "Salt", "Renewal", "Trevor", "Carbon Copy", "Latest News", "Backdraft",
     "Revelation"],
)  # fmt: skip
def test_words_that_titles_are_made_of_are_no_marks(title):
    name = read_work_name(f"1m05 {title}")
    assert (name.title, name.marks.text) == (title, None)
    assert read_work_name(title).marks.text is None


@pytest.mark.parametrize(
    "order",
    [
        ("1m02 old", "1m02 draft", "1m02", "1m02 v2", "1m02 v2.1", "1m02 v10", "1m02 FINAL"),
        ("1m02 alt", "1m02 v1"),
        ("1m02 v3", "1m02R", "1m02R2", "1m02_rev3"),
        ("1m02 FINAL v2", "1m02 v3", "1m02 FINAL v3b"),
        ("1m02 v4 (old)", "1m02 v3"),
        ("In Too Deep", "In Too Deep v2"),
    ],
)
def test_versions_are_ranked_as_people_count_them(order):
    ranks = [read_work_name(key).marks.rank for key in order]
    assert all(lower < higher for lower, higher in pairwise(ranks)), ranks


@pytest.mark.parametrize(
    ("key", "project", "known_by"),
    [
        ("Film A/1m01", "Film A", "folder"),
        ("Film A/Reel 1/1m01 Opening", "Film A", "folder"),
        ("Reel 1/Film A/1m01", "Film A", "folder"),
        ("Film A old/1m01", "Film A", "folder"),
        ("Film A/TW312 1m01", "Film A", "folder"),
        ("Songs/In Too Deep", "Songs", "folder"),
        ("TW312 1m01 v3.2 Main Title", "TW312", "name"),
        ("Reel 1/TW312 1m01", "TW312", "name"),
        ("Reel 1/1m01", None, None),
        ("R2/2m01", None, None),
        ("1m02/v3", None, None),
        ("In Too Deep", None, None),
    ],
)
def test_a_project_is_the_top_folder_above_the_cue_that_is_no_reel(key, project, known_by):
    found = read_project(key)
    assert (found and found.name, found and found.known_by) == (project, known_by)


def test_a_pattern_finds_the_project_where_a_person_gave_one():
    key = "Deliveries/Acme - Film A/1m01"
    assert read_project(key, r"Acme - (?P<project>[^/]+)").name == "Film A"
    assert read_project(key, r"Acme - ([^/]+)").name == "Film A"
    assert read_project(key, r"Film \w").name == "Film A"
    assert read_project(key, "no such thing").name == "Acme - Film A"
