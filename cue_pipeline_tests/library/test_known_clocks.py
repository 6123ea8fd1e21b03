"""People's words on clocks, brought to files and stems; tempo maps, by arithmetic."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from cue_pipeline.errors import MappingError
from cue_pipeline.library.known_clocks import known_clocks, read_tempo, tempo_bend
from cue_pipeline_tests.cues import write_midi

AT_120 = [[0.0, 0, 500_000]]
NOTES = {"Violins I": [(0, 60, 480)]}


def midi_files(**tempo_maps) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"id": 1 + i, "file_path": f"MIDI/{name}.mid", "division": 480, "ticks_per_beat": 480,
             "duration_seconds": 60.0, "tempo_map": tempo_map}
            for i, (name, tempo_map) in enumerate(tempo_maps.items())
        ]
    )  # fmt: skip


SOUNDS = pd.DataFrame(
    {"id": [20, 21, 30], "canonical_name": ["VLN", "VLA", "6mx"], "content_hash": ["v", "a", "m"]}
)


def words(*said) -> pd.DataFrame:
    row = {
        "midi_file": "", "stem": "", "lag_seconds": np.nan, "tempo": None, "tempo_from": None,
        "note": None, "decided_by": "ann", "created_at": datetime(2026, 11, 28, tzinfo=UTC),
        "stem_content": None,
    }  # fmt: skip
    return pd.DataFrame([row | of for of in said], columns=list(row))


def test_a_bend_puts_each_quarter_where_the_other_tempo_has_it():
    """60 s at 120 are 120 quarters: 20 of them at 100 last 12 s, the others at 150 last 40 s."""
    (file,) = midi_files(a=AT_120).to_dict("records")
    bend = tempo_bend(file, [[0.0, 600_000.0], [20.0, 400_000.0]], "b.mid")
    np.testing.assert_allclose(bend.played_times([0.0, 5.0, 10.0, 60.0]), [0.0, 6.0, 12.0, 52.0])


def test_a_files_own_tempo_map_bends_nothing_and_another_of_the_cue_is_a_candidate():
    files = midi_files(a=AT_120, b=AT_120, c=[[0.0, 0, 535_714]])
    known = known_clocks(words(), files, SOUNDS)
    assert known.stated == {}
    assert [b.said_by for b in known.tempos[1]] == ["'MIDI/c.mid'"]
    # Files that agree are one candidate.
    assert [b.said_by for b in known.tempos[3]] == ["'MIDI/a.mid'"]
    assert known.tempos[3][0].played_times(53.5714) == pytest.approx(50.0, abs=1e-4)


def test_a_word_about_one_file_goes_before_one_about_all():
    said = words({"lag_seconds": 1.0}, {"lag_seconds": 2.0, "midi_file": "MIDI/b.mid"})
    known = known_clocks(said, midi_files(a=AT_120, b=AT_120), SOUNDS)
    assert {key: of.lag_seconds for key, of in known.stated.items()} == {1: 1.0, 2: 2.0}
    assert known.stated[1].who == "ann, 2026-11-28,"


def test_a_stem_or_a_mix_is_found_by_its_name_or_by_its_sound():
    said = words(
        {"stem": "Violins", "stem_content": "v", "lag_seconds": 1.0},
        {"stem": "6mx", "lag_seconds": 2.0},
    )
    known = known_clocks(said, midi_files(a=AT_120), SOUNDS)
    assert known.stated[1].in_files == {20: 1.0, 30: 2.0}
    assert ["it has the same sound" in text for text in known.warnings] == [True]


def test_what_fits_nothing_is_told_and_has_no_effect():
    said = words(
        {"stem": "gone", "lag_seconds": 1.0}, {"midi_file": "MIDI/gone.mid", "lag_seconds": 2.0}
    )
    known = known_clocks(said, midi_files(a=AT_120), SOUNDS)
    assert known.stated[1].lag_seconds is None
    assert known.stated[1].in_files == {}
    assert len(known.warnings) == 2
    assert all("it is kept" in text for text in known.warnings)


def test_a_tempo_is_read_from_a_midi_file_and_one_without_is_refused(tmp_path):
    write_midi(tmp_path / "a.mid", NOTES)
    silent = b"MThd\0\0\0\6\0\0\0\1\x01\xe0MTrk\0\0\0\x0c\0\x90\x3c\x40\x60\x80\x3c\x40\0\xff\x2f\0"
    (tmp_path / "b.mid").write_bytes(silent)
    assert read_tempo(tmp_path / "a.mid")[0][0] == 0.0
    with pytest.raises(MappingError, match="writes no tempo"):
        read_tempo(tmp_path / "b.mid")
    with pytest.raises(MappingError, match="No tempo can be read"):
        read_tempo(tmp_path / "c.mid")
