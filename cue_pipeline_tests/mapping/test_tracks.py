"""What the pipeline tells of each track before it is mapped."""

from typing import Any

import pandas as pd
import pytest

from cue_pipeline.errors import MappingError
from cue_pipeline.mapping.decision.map_cue import map_cue, track_summary
from cue_pipeline_tests.mapping.cue_frames import groups_frame, states


def tracks_of(*sounds: list[list[int | None]] | None, kits: tuple[str | None, ...] = ()) -> Any:
    n = len(sounds)
    return pd.DataFrame(
        {
            "id": range(11, 11 + n),
            "midi_file_id": 1,
            "track_index": range(n),
            "port": pd.array([None] * n, dtype="Int64"),
            "part_channel": pd.array([None] * n, dtype="Int64"),
            "track_name": [*"ABCDEFGH"[:n]],
            "all_names": [[] for _ in range(n)],
            "sounds": pd.Series(list(sounds), dtype=object),
            "drum_kit": pd.Series([*kits, *[None] * (n - len(kits))], dtype=object),
        }
    )


def notes_of(**columns: Any) -> Any:
    n = len(columns["midi_track_id"])
    usual = {"channel": 0, "note": 60, "start_time": 0.0, "duration": 1.0}
    return pd.DataFrame({**usual, **columns, "event_index": range(n)})


def test_the_summary_of_tracks_counts_what_is_in_the_tables() -> None:
    midi_tracks = tracks_of(
        [[12, None, None, 1], [48, 1, 2, 2]][1:],
        [[0, None, None, 1]],
        [],
        kits=(None, "channel 10"),
    )
    notes = notes_of(
        midi_track_id=[11, 11, 11, 12],
        channel=[3, 3, 4, 9],
        note=[60, 72, 55, 36],
        start_time=[1.0, 2.0, 0.5, 4.0],
        duration=[8.0, 0.5, 0.5, 0.1],
    )
    summary = track_summary(midi_tracks, notes).set_index("id")
    first = summary.loc[11]
    assert (first["program"], first["bank"], first["channel"]) == (48, 128 + 2, 3)
    assert (first["n_notes"], first["lowest_note"], first["highest_note"]) == (3, 55, 72)
    assert (first["first_seconds"], first["last_seconds"]) == (0.5, 9.0)
    assert summary["is_drum"].tolist() == [False, True, False]
    assert pd.isna(summary.loc[12, "program"])  # a kit's number names no instrument
    assert summary["n_notes"].tolist() == [3, 1, 0]
    assert pd.isna(summary.loc[13, "lowest_note"])
    empty = track_summary(midi_tracks, notes.iloc[:0])
    assert empty["n_notes"].tolist() == [0, 0, 0]
    assert states(map_cue(empty, groups_frame(["A"]))) == ["unmatched"] * 3


@pytest.mark.parametrize(
    ("programs", "believed"),
    [
        ((73, 72), 73),  # flute and piccolo: both woodwinds
        ((48, 45, 44), 48),  # strings, pizzicato, tremolo
        ((24, 1, 2, 118), None),
        ((0, 1, 2), None),  # pianos all, or the first articulations of an expression map
        ((40, 56), None),
    ],
)
def test_many_programs_in_a_track_are_believed_only_within_a_family(programs, believed) -> None:
    sounds: list[list[int | None]] = [[p, None, None, 9 - i] for i, p in enumerate(programs)]
    row = track_summary(tracks_of(sounds), notes_of(midi_track_id=[11])).iloc[0]
    assert (None if pd.isna(row["program"]) else row["program"]) == believed
    assert (row["program_doubt"] is None) == (believed is not None)
    if believed is None:
        assert ", ".join(str(p + 1) for p in programs) in row["program_doubt"]


def test_rows_of_a_version_that_knew_no_parts_are_refused_with_the_cure() -> None:
    with pytest.raises(MappingError, match=r"1 tracks .*Materialise midi_events"):
        track_summary(tracks_of(None), notes_of(midi_track_id=[11]))
