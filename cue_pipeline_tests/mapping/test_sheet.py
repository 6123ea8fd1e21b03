"""A library's mappings as a CSV file: written, edited by people and spreadsheets, read again."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cue_pipeline.errors import MappingError
from cue_pipeline.mapping.people.changed_lines import CueParts, Decision, decision_of
from cue_pipeline.mapping.people.spreadsheet import SHEET_COLUMNS, SheetLine, read_sheet, sheet_text
from cue_pipeline.mapping.people.track_keys import KnownTrack

TRACKS = (KnownTrack("MIDI/a.mid", 1, "Violas"), KnownTrack("MIDI/a.mid", 2, "Pad"))
FOUND = {
    0: {"canonical_name": "VLA", "instrument_category": "Strings", "state": "auto"},
    1: {"canonical_name": None, "instrument_category": "Synth Pad", "state": "unmatched"},
}
CUE = CueParts("1m01", TRACKS, ("VLA", "PAD_01"), FOUND)


def row(track: int, **columns: Any) -> dict[str, Any]:
    known = TRACKS[track]
    return {
        "cue_key": "1m01",
        "file_path": known.file_path,
        "track_index": known.track_index,
        "track_name": known.name,
        "confidence": 0.5,
        "candidates": [{"canonical_name": "VLA", "confidence": 0.987}],
        **FOUND[track],
        **columns,
    }


def written(tmp_path: Path, rows: list[dict[str, Any]]) -> Path:
    path = tmp_path / "sheet.csv"
    path.write_text("".join(sheet_text(rows)), encoding="utf-8", newline="")
    return path


def edited(tmp_path: Path, track: int, **cells: str) -> SheetLine:
    (line,) = read_sheet(written(tmp_path, [row(track)]))
    return SheetLine(line.number, {**line.cells, **cells})


def test_an_unchanged_line_decides_nothing(tmp_path: Path) -> None:
    lines = read_sheet(written(tmp_path, [row(0), row(1)]))
    assert [line.number for line in lines] == [2, 3]
    assert [decision_of(line, CUE) for line in lines] == [None, None]


def test_a_name_of_a_megabyte_comes_back_whole(tmp_path: Path) -> None:
    name = 'Violins, "I"\r\n=1+1 ' * 60_000
    (line,) = read_sheet(written(tmp_path, [row(0, track_name=name)]))
    assert line.cells["track_name"] == name


def test_an_unchanged_line_of_an_old_export_decides_nothing(tmp_path: Path) -> None:
    (line,) = read_sheet(written(tmp_path, [row(0, canonical_name="PAD_01", state="review")]))
    assert decision_of(line, CUE) is None  # although the program finds VLA today


@pytest.mark.parametrize(
    ("track", "cells", "group", "category"),
    [
        (0, {"canonical_name": "pad_01"}, "PAD_01", None),
        (0, {"canonical_name": ""}, "-", None),
        (0, {"canonical_name": "-"}, "-", None),
        (1, {"canonical_name": "-"}, None, None),  # it has none already
        (0, {"instrument_category": "brass"}, None, "Brass"),
        (0, {"state": "confirmed"}, "VLA", None),
        (1, {"state": " Confirmed"}, "-", None),
        (1, {"state": "confirmed", "canonical_name": "PAD_01"}, "PAD_01", None),
    ],
)
def test_what_is_changed_is_decided(
    tmp_path: Path, track: int, cells: dict[str, str], group: str | None, category: str | None
) -> None:
    decision = decision_of(edited(tmp_path, track, **cells), CUE)
    expected = None
    if group or category:
        expected = Decision("1m01", track, group, category, None)
    assert decision == expected


@pytest.mark.parametrize(
    ("cells", "cure"),
    [
        ({"canonical_name": "VLAA"}, "closest are 'VLA'"),
        ({"instrument_category": "String"}, "'Strings'"),
        ({"instrument_category": ""}, "one of the 28"),
        ({"state": "done"}, "only 'confirmed'"),
        ({"track_name": "Celli"}, "export again"),
        ({"track_index": "x"}, "whole number"),
        ({"track_index": "9"}, "shows all 2"),
        ({"track_index": "", "track_name": ""}, "names no track"),
    ],
)
def test_a_line_that_cannot_be_followed_says_what_to_do(
    tmp_path: Path, cells: dict[str, str], cure: str
) -> None:
    with pytest.raises(MappingError, match=cure):
        decision_of(edited(tmp_path, 0, **cells), CUE)


def test_a_sheet_that_a_person_wrote_needs_three_columns_only(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("cue_key;track_name;canonical_name\n1m01;Pad;PAD_01\n1m01;Violas;VLA\n")
    assert [decision_of(line, CUE) for line in read_sheet(path)] == [
        Decision("1m01", 1, "PAD_01", None, None),
        None,  # as found
    ]


@pytest.mark.parametrize("name", ["=1+1", "+x", "-x", "@x", "'x", "'=x", "\tx"])
def test_no_name_is_a_formula_to_a_spreadsheet_and_all_come_back(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, [row(0, track_name=name)])
    (cells,) = list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"), newline="")))
    assert cells["track_name"].startswith("'")
    assert read_sheet(path)[0].cells["track_name"] == name


@given(
    st.lists(st.text(st.characters(codec="utf-8"), max_size=12), min_size=1, max_size=4),
    st.sampled_from([",", ";", "\t"]),
)
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_name_survives_a_spreadsheet_whatever_it_parts_cells_with(
    tmp_path: Path, names: list[str], delimiter: str
) -> None:
    text = "".join(sheet_text(row(0, track_name=name) for name in names))
    cells = list(csv.reader(io.StringIO(text[1:], newline="")))
    saved = io.StringIO()
    csv.writer(saved, delimiter=delimiter).writerows(cells)
    path = tmp_path / "saved.csv"
    path.write_bytes(saved.getvalue().encode("utf-8-sig"))
    assert [line.cells["track_name"] for line in read_sheet(path)] == names


def test_line_numbers_are_those_of_the_file_where_cells_hold_line_breaks(tmp_path: Path) -> None:
    lines = read_sheet(written(tmp_path, [row(0, track_name="a\nb"), row(1)]))
    assert [line.number for line in lines] == [2, 4]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "needs a heading line"),
        (b"cue_key,track_name\n", "needs a heading line"),
        (b"cue_key,track_name,canonical_name,cue_key\n", "more than once"),
        ("cue_key,track_name,canonical_name\n1m01,Flöte,\n".encode("latin-1"), "CSV UTF-8"),
    ],
)
def test_a_file_that_is_no_sheet_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    with pytest.raises(MappingError, match=said):
        read_sheet(path)
    with pytest.raises(MappingError, match="cannot be read"):
        read_sheet(tmp_path / "none.csv")


def test_every_column_is_written_and_candidates_are_readable(tmp_path: Path) -> None:
    (line,) = read_sheet(written(tmp_path, [row(0)]))
    assert tuple(line.cells) == SHEET_COLUMNS
    assert line.cells["candidates"] == "VLA 0.99"
    assert line.cells["found_state"] == "auto"


def test_a_line_about_a_part_decides_about_that_part(tmp_path: Path) -> None:
    parts = tuple(KnownTrack("a.mid", 0, "Chase", channel=c, port=0) for c in (0, 9))
    cue = CueParts("1m01", parts, ("DRUMS", "VLN"), {})
    rows = [
        {"cue_key": "1m01", "file_path": "a.mid", "track_index": 0, "port": 0, "part_channel": c,
         "track_name": "Chase"}
        for c in (0, 9)
    ]  # fmt: skip
    _, line = read_sheet(written(tmp_path, rows))
    changed = SheetLine(line.number, {**line.cells, "canonical_name": "DRUMS"})
    assert decision_of(changed, cue) == Decision("1m01", 1, "DRUMS", None, None)
    old = {k: v for k, v in changed.cells.items() if k not in ("port", "part_channel")}
    with pytest.raises(MappingError, match=r"'a\.mid#0 ch10'"):
        decision_of(SheetLine(2, old), cue)
