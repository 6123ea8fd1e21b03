"""Several assets keep features in the same tables, each its own rows: nobody touches another's."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from cue_pipeline.cue.identity import row_id
from cue_pipeline.errors import WarehouseError
from cue_pipeline.warehouse import tables as t
from cue_pipeline.warehouse.catalogue import owned_columns
from cue_pipeline.warehouse.features import find_composite, read_mel
from cue_pipeline_tests.warehouse.synthetic import SyntheticCue, everything, load, replace

FEATURES, CHUNKS = "audio_features", "audio_feature_chunks"


@pytest.fixture(autouse=True)
def _a_second_kind(monkeypatch):
    monkeypatch.setitem(t.audio_features.info["kinds"], "pitches", "pitches_features")


def chroma(cue, seed=0, n_frames=40, kind="pitches"):
    """What an asset of 12 pitch classes a frame would give, in the columns of the mel's."""
    rng = np.random.default_rng(seed)
    features, chunks = [], []
    for name, stem in zip(cue.group_names, cue.group_ids, strict=True):
        feature = row_id(FEATURES, cue.key, name, kind, "mono", "default")
        features.append(
            {
                "id": feature,
                "audio_file_id": stem,
                "feature_type": kind,
                "channel": "mono",
                "profile": "default",
                "sample_rate": 48_000,
                "hop_length": 2_048,
                "n_mels": 12,
                "n_frames": n_frames,
                "dtype": "float16",
                "max_db": None,
                "params": {"seed": seed},
                "warnings": [],
            }
        )
        data = rng.random((n_frames, 12)).astype("<f2")
        for index, first in enumerate(range(0, n_frames, 16)):
            part = data[first : first + 16]
            chunks.append(
                {
                    "audio_feature_id": feature,
                    "chunk_index": index,
                    "first_frame": first,
                    "n_frames": len(part),
                    "data": part.tobytes(),
                }
            )
    return {FEATURES: pd.DataFrame(features), CHUNKS: pd.DataFrame(chunks)}


def materialise_chroma(store, cue, **given):
    store.replace(
        cue.key, "pitches_features", chroma(cue, **given), fingerprint="f", code_version="1",
        data_version="d", started_at=datetime.now(UTC),
    )  # fmt: skip


def of_kind(store, cue, kind):
    """All rows of one kind, as plain tuples."""
    rows = everything(store, cue)
    names = list(t.audio_features.c.keys())
    features = [r for r in rows[FEATURES] if r[names.index("feature_type")] == kind]
    ids = {r[0] for r in features}
    return features, [r for r in rows[CHUNKS] if r[0] in ids]


def test_each_asset_is_made_again_without_a_touch_of_the_others_rows(store):
    cue = SyntheticCue()
    load(store, cue)
    mel = of_kind(store, cue, "mel_spectrogram")
    materialise_chroma(store, cue)
    first = of_kind(store, cue, "pitches")
    assert of_kind(store, cue, "mel_spectrogram") == mel
    assert len(first[0]) == cue.n_groups
    assert len(first[1]) == cue.n_groups * 3

    materialise_chroma(store, cue, seed=1, n_frames=10)
    second = of_kind(store, cue, "pitches")
    assert second != first
    assert len(second[1]) == cue.n_groups
    assert of_kind(store, cue, "mel_spectrogram") == mel

    changed = SyntheticCue(seed=1)
    replace(store, changed, "mel_features")
    assert of_kind(store, cue, "mel_spectrogram") != mel
    assert of_kind(store, cue, "pitches") == second
    assert {row.asset: row.state for row in store.ledger(cue.key)}["pitches_features"] == "ready"


def test_readers_get_the_rows_of_the_asset_that_they_name(store):
    cue = SyntheticCue()
    load(store, cue)
    materialise_chroma(store, cue)
    mel = store.read(cue.key, FEATURES, asset="mel_features")
    assert set(mel.feature_type) == {"mel_spectrogram"}
    own = store.read(cue.key, FEATURES, asset="pitches_features")
    assert set(own.feature_type) == {"pitches"}
    assert len(store.read(cue.key, FEATURES)) == len(mel) + len(own)
    chunks = store.read(cue.key, CHUNKS, asset="pitches_features")
    assert set(chunks.audio_feature_id) == set(own.id)
    assert find_composite(store, cue.group_ids[0]).id in set(mel.id)
    expected = np.random.default_rng(0).random((40, 12)).astype("<f2")
    assert np.array_equal(
        read_mel(store, int(own.id[own.audio_file_id == cue.group_ids[0]].iloc[0])), expected
    )


def test_a_failed_asset_is_in_nobodys_way_but_its_own(store):
    cue = SyntheticCue()
    load(store, cue)
    store.fail(
        cue.key, "pitches_features", "no numbers", fingerprint="", code_version="1",
        started_at=datetime.now(UTC),
    )  # fmt: skip
    assert len(store.read(cue.key, FEATURES, asset="mel_features"))
    for asset in ("pitches_features", None):
        with pytest.raises(WarehouseError, match="'pitches_features' is failed"):
            store.read(cue.key, FEATURES, asset=asset)


def test_rows_of_another_assets_kind_are_refused(store):
    cue = SyntheticCue()
    load(store, cue)
    mel = store.read(cue.key, FEATURES, asset="mel_features")
    with pytest.raises(WarehouseError, match=r"feature_type \['mel_spectrogram'\].*\['pitches'\]"):
        materialise_chroma(store, cue, kind="mel_spectrogram")
    pd.testing.assert_frame_equal(store.read(cue.key, FEATURES, asset="mel_features"), mel)


def test_a_stem_that_vanishes_takes_every_kind_along_and_says_so(store):
    cue = SyntheticCue(n_groups=3)
    load(store, cue)
    materialise_chroma(store, cue)
    fewer = SyntheticCue(n_groups=2)
    replace(store, fewer, "channel_groups")
    for kind in ("mel_spectrogram", "pitches"):
        features, chunks = of_kind(store, cue, kind)
        assert len(features) == 2
        assert {c[0] for c in chunks} == {f[0] for f in features}
    lost = {row.asset for row in store.ledger(cue.key) if row.fingerprint is None}
    assert {"mel_features", "pitches_features"} <= lost


def test_an_asset_owns_all_columns_of_the_tables_that_it_shares():
    owned = {
        table.name: [c.name for c in columns]
        for table, columns in owned_columns("pitches_features").items()
    }
    assert owned == {name: list(t.metadata.tables[name].c.keys()) for name in (FEATURES, CHUNKS)}
