"""What the pipeline tells of each track before it is mapped."""

import pandas as pd

from cue_pipeline.mapping.decision.map_cue import map_cue, track_summary
from cue_pipeline_tests.mapping.cue_frames import groups_frame, states


def test_the_summary_of_tracks_counts_what_is_in_the_tables() -> None:
    midi_tracks = pd.DataFrame(
        {
            "id": [11, 12, 13],
            "midi_file_id": 1,
            "track_index": [0, 1, 2],
            "track_name": ["A", "B", None],
        }
    )
    notes = pd.DataFrame(
        {
            "midi_track_id": [11, 11, 11, 12],
            "event_index": [0, 1, 2, 0],
            "channel": [3, 3, 4, 9],
            "note": [60, 72, 55, 36],
            "start_time": [1.0, 2.0, 0.5, 4.0],
            "duration": [8.0, 0.5, 0.5, 0.1],
        }
    )
    programs = pd.DataFrame(
        {
            "midi_track_id": [11, 11, 13],
            "event_index": [9, 4, 0],
            "channel": [3, 3, 7],
            "program": [12, 48, 5],
        }
    )
    controls = pd.DataFrame(
        {
            "midi_track_id": [11, 11, 11],
            "event_index": [1, 2, 3],
            "channel": 3,
            "cc_number": [32, 0, 0],
            "cc_value": [2, 1, 9],
        }
    )
    summary = track_summary(midi_tracks, notes, programs, controls).set_index("id")
    first = summary.loc[11]
    assert (first["program"], first["bank"], first["channel"]) == (48, 128 + 2, 3)
    assert (first["n_notes"], first["lowest_note"], first["highest_note"]) == (3, 55, 72)
    assert (first["first_seconds"], first["last_seconds"]) == (0.5, 9.0)
    assert summary["is_drum"].tolist() == [False, True, False]
    assert summary.loc[13, "channel"] == 7
    assert summary["n_notes"].tolist() == [3, 1, 0]
    assert pd.isna(summary.loc[13, "lowest_note"])
    empty = track_summary(midi_tracks, notes.iloc[:0], programs.iloc[:0], controls.iloc[:0])
    assert empty["n_notes"].tolist() == [0, 0, 0]
    assert states(map_cue(empty, groups_frame(["A"]))) == ["unmatched"] * 3
