"""Small cues as the frames that the mapping takes."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from cue_pipeline.mapping.decision.result import CueMapping


def tracks_frame(names: Sequence[str], **columns: Any) -> pd.DataFrame:
    n = len(names)
    frame = pd.DataFrame(
        {
            "id": [2**62 + i for i in range(n)],
            "midi_file_id": 1,
            "track_index": range(n),
            "port": pd.array([pd.NA] * n, dtype="Int64"),
            "part_channel": pd.array([pd.NA] * n, dtype="Int64"),
            "track_name": pd.Series(
                list(names), dtype=object
            ),  # Arrow's text has no half surrogates
            "all_names": [[name] for name in names],
            "program_doubt": pd.Series([None] * n, dtype=object),
            "program": pd.array([pd.NA] * n, dtype="Int64"),
            "bank": pd.array([pd.NA] * n, dtype="Int64"),
            "channel": pd.array([0] * n, dtype="Int64"),
            "is_drum": False,
            "n_notes": 100,
            "lowest_note": pd.array([48] * n, dtype="Int64"),
            "highest_note": pd.array([72] * n, dtype="Int64"),
            "first_seconds": 0.5,
            "last_seconds": 60.0,
        }
    )
    return frame.assign(**columns)


def groups_frame(names: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": [2**61 + i for i in range(len(names))],
            "canonical_name": list(names),
            "layout": "stereo",
            "duration_seconds": 61.0,
        }
    )


def evidence_frame(scores: Sequence[Sequence[float | None]]) -> pd.DataFrame:
    """`scores[track][group]`, NULL where sound abstains."""
    return pd.DataFrame(
        [
            {"midi_track_id": 2**62 + t, "audio_file_id": 2**61 + g, "score": score}
            for t, row in enumerate(scores)
            for g, score in enumerate(row)
        ]
    )


def chosen(mapping: CueMapping) -> list[str | None]:
    return [t.canonical_name for t in mapping.tracks]


def states(mapping: CueMapping) -> list[str]:
    return [t.state for t in mapping.tracks]
