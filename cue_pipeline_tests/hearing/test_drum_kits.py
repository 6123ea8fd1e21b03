"""Which tracks the ear takes for drum kits: as the tables say, and not by channel 10 alone."""

import pandas as pd
import pytest

from cue_pipeline.hearing.templates import track_notes


def notes(channel: int) -> pd.DataFrame:
    return pd.DataFrame(
        {"midi_track_id": 1, "channel": channel, "note": [36, 38], "velocity": 90,
         "start_time": [0.0, 1.0], "duration": 0.1}
    )  # fmt: skip


@pytest.mark.parametrize(
    ("channel", "kits", "is_drum"),
    [
        (9, None, True),
        (0, None, False),
        (10, {1: True}, True),
        (9, {1: False}, False),
        (9, {2: False}, True),
    ],
)
def test_the_tables_word_goes_before_the_channel(channel, kits, is_drum):
    (track,) = track_notes([1], notes(channel), kits)
    assert track.is_drum is is_drum
