"""A feature beside mel, stored as its asset would store it."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd

from cue_pipeline.cue.identity import row_id
from cue_pipeline_tests.warehouse.synthetic import SyntheticCue

CUE = SyntheticCue(n_frames=2_000, frames_per_chunk=600, n_tracks=3, n_groups=2)
SILENCE = -7.0


def chroma(stem, seed=0, cue=CUE):
    return np.random.default_rng([seed, stem]).random((cue.n_frames, 12)).astype("<f2")


def store_chroma(store, stems=(0, 1), seed=0, files=None, cue=CUE, **changed):
    """Have ``chroma`` of some stems stored, as its asset would."""
    features, chunks = [], []
    for stem in stems:
        name = cue.group_names[stem]
        feature = row_id("audio_features", cue.key, name, "chroma", "mono", "default")
        row = {
            "id": feature, "audio_file_id": cue.group_ids[stem], "feature_type": "chroma",
            "channel": "mono", "profile": "default", "sample_rate": 48_000, "hop_length": 512,
            "n_mels": 12, "n_frames": cue.n_frames, "dtype": "float16", "max_db": None,
            "params": {"first_frame_at": 0, "silence": SILENCE, "n_samples": stem}, "warnings": [],
        }  # fmt: skip
        features.append(row | changed)
        for index, first in enumerate(range(0, cue.n_frames, 700)):
            part = chroma(stem, seed, cue)[first : first + 700]
            chunks.append(
                {"audio_feature_id": feature, "chunk_index": index, "first_frame": first,
                 "n_frames": len(part), "data": part.tobytes()}
            )  # fmt: skip
    (mel,) = (row for row in store.ledger(cue.key) if row.asset == "mel_features")
    store.replace(
        cue.key, "chroma_features",
        {"audio_features": pd.DataFrame(features), "audio_feature_chunks": pd.DataFrame(chunks)},
        fingerprint=files or mel.fingerprint, code_version="1", data_version="d",
        started_at=datetime.now(UTC),
    )  # fmt: skip
