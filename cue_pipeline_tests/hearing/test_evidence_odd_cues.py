"""Whatever a cue holds, the answer is a score between 0 and 1 or a reason for having none."""

import json
import os
import warnings

import numpy as np
import pandas as pd
import pytest

from cue_pipeline.hearing import match_evidence

EXAMPLES = int(os.environ.get("CUE_TEST_EXAMPLES", "25"))


def odd_cue(seed: int):
    """Return tables and mels with silence, single frames, endless notes, and nothing at all."""
    rng = np.random.default_rng(seed)
    n_tracks, n_groups = rng.integers(0, 5), rng.integers(0, 5)
    n_mels, hop = int(rng.choice([1, 2, 5, 16, 64, 100])), int(rng.choice([64, 512, 4096]))
    tracks = pd.DataFrame(
        {
            "id": np.arange(n_tracks),
            "midi_file_id": rng.integers(0, 2, n_tracks),
            "track_index": 0,
            "track_name": None,
        }
    )
    rows = [
        (
            k,
            int(rng.choice([0, 9])),
            int(rng.integers(0, 128)),
            int(rng.integers(1, 128)),
            float(rng.choice([0.0, rng.uniform(0, 200), 5.0])),
            float(rng.choice([0.0, 0.1, 300.0])),
        )
        for k in range(n_tracks)
        for _ in range(int(rng.choice([0, 1, 25, 300])))
    ]
    names = ["midi_track_id", "channel", "note", "velocity", "start_time", "duration"]
    notes = pd.DataFrame(rows, columns=names)
    mels = {}
    for g in range(n_groups):
        n_frames = int(rng.choice([1, 2, 7, 50, 3000]))
        sound = rng.normal(-50, 20, (n_frames, n_mels))
        mels[g] = np.full((n_frames, n_mels), -100.0) if rng.random() < 0.2 else sound
    params = {"sr": 48_000, "n_fft": 2_048, "hop_length": hop, "n_mels": n_mels, "fmax": None}
    names = ["audio_file_id", "sample_rate", "hop_length", "n_mels", "n_frames", "max_db"]
    features = pd.DataFrame(
        [(g, 48_000, hop, n_mels, len(m), float(m.max())) for g, m in mels.items()], columns=names
    )
    features["params"] = [params] * len(features)
    features["canonical_name"] = [f"Audio {g}" for g in mels]
    features["time_reference"] = pd.array(
        [None if rng.random() < 0.5 else int(rng.integers(0, 48_000 * 30)) for _ in mels],
        dtype="Int64",
    )
    return tracks, notes, features, mels


@pytest.mark.parametrize("seed", range(EXAMPLES))
def test_every_pair_of_any_cue_has_a_score_or_a_reason(seed):
    tracks, notes, features, mels = odd_cue(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        evidence = match_evidence(tracks, notes, features, mels.__getitem__)
    rows = evidence.tables()["match_evidence"]
    assert len(rows) == len(tracks) * len(features)
    assert rows["score"].dropna().between(0.0, 1.0).all()
    assert (rows["score"].isna() == rows["abstained"].notna()).all()
    assert not (rows["abstained"] == "").any()
    json.dumps(evidence.summary)


def test_a_cue_of_digital_silence_says_so():
    tracks, notes, features, mels = odd_cue(0)
    features["max_db"] = -100.0
    evidence = match_evidence(tracks, notes, features, mels.__getitem__)
    reasons = {row["reason"] for row in evidence.summary["stems_left_out"]}
    assert reasons <= {"the stem is silent", "the stem is shorter than 2 s"}
    assert evidence.pairs["score"].isna().all()


def test_groups_that_are_all_too_short_are_told_to_be_short_and_not_silent():
    tracks, notes, features, mels = odd_cue(0)
    features["n_frames"] = 4
    short = {key: mel[:4] for key, mel in mels.items()}
    evidence = match_evidence(tracks, notes, features, short.__getitem__)
    played = evidence.pairs[evidence.pairs["n_notes"] >= 4]
    assert len(played)
    assert set(played["abstained"]) == {"the stem is shorter than 2 s"}


def test_two_groups_of_one_name_have_each_its_own_reason():
    tracks, notes, features, mels = odd_cue(0)
    features["canonical_name"] = "Audio"
    features["max_db"] = [-100.0, *[-20.0] * (len(features) - 1)]
    features["n_frames"] = [1_000_000, *[4] * (len(features) - 1)]
    evidence = match_evidence(tracks, notes, features, mels.__getitem__)
    of_first = evidence.pairs["audio_file_id"] == features["audio_file_id"].iloc[0]
    played = evidence.pairs["n_notes"] >= 4
    assert set(evidence.pairs[played & of_first]["abstained"]) == {"the stem is silent"}
    assert set(evidence.pairs[played & ~of_first]["abstained"]) == {"the stem is shorter than 2 s"}
