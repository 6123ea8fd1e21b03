"""Notes as cells of frames: each once, with the loudest velocity there."""

import numpy as np

from cue_pipeline.reading.stem_scores import CONTROLLER_COLUMNS, StemScore
from cue_pipeline.training.labelling import labels_of
from cue_pipeline.training.windows.grid import Grid

GRID = Grid(sample_rate=1_000, hop_length=10, centre=0, n_mels=4)  # 100 frames a second


def test_cells_are_those_of_a_roll_that_is_filled_note_by_note():
    random = np.random.default_rng(0)
    n, n_frames = 3_000, 2_000
    first = random.integers(-50, n_frames + 50, n)
    last = first + random.integers(1, 90, n)
    pitch, velocity = random.integers(0, 128, n), random.integers(0, 128, n)
    notes = {
        "start": first / 100, "end": last / 100, "ends": np.ones(n, bool), "note": pitch,
        "velocity": velocity, "category": np.zeros(n, int),
    }  # fmt: skip
    nothing = {name: np.empty(0, kind) for name, kind in CONTROLLER_COLUMNS.items()}
    score = StemScore(notes, ("Strings",), nothing, [], None, None)
    labels = labels_of(score, GRID, n_frames, (), {"Strings": 0})
    roll = np.full((n_frames, 128), -1)
    for begin, end, key, loud in zip(first, last, pitch, velocity, strict=True):
        of_note = roll[max(begin, 0) : max(end, 0), key]
        np.maximum(of_note, loud, out=of_note)
    cells = np.flatnonzero(roll.reshape(-1) >= 0)
    assert labels.sounding.tolist() == cells.tolist()
    assert labels.velocity.tolist() == roll.reshape(-1)[cells].tolist()
