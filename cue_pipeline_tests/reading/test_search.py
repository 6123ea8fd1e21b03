"""Stems and mixes found by what is known of them, on every engine."""

import json
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from click.testing import CliRunner

import cue_pipeline as cp
from cue_pipeline.cli.commands import cli
from cue_pipeline.cue.identity import row_id
from cue_pipeline.errors import UnknownNameError, WarehouseError
from cue_pipeline.reading.search import Wanted, likest, search
from cue_pipeline.warehouse import tables as t
from cue_pipeline_tests.warehouse.synthetic import ASSETS, SyntheticCue, load

WALTZ = SyntheticCue(key="Reel 1/1m01 Waltz", n_groups=3)
CHASE = SyntheticCue(key="Reel 1/1m02 Chase", n_groups=2, n_frames=30_000)


def write_score(store, cue, **columns):
    with store.engine.begin() as connection:
        connection.execute(
            sa.update(t.midi_files).where(t.midi_files.c.cue_id == cue.id).values(**columns)
        )


def make(store, cue, kind, vectors, summaries, fingerprint):
    """Store a feature of one frame of each stem."""
    features, chunks = [], []
    for name, stem, vector, summary in zip(
        cue.group_names, cue.group_ids, vectors, summaries, strict=True
    ):
        feature = row_id("audio_features", cue.key, name, kind, "mono", "default")
        features.append(
            {
                "id": feature, "audio_file_id": stem, "feature_type": kind, "channel": "mono",
                "profile": "default", "sample_rate": 48_000, "hop_length": 48_000,
                "n_mels": len(vector), "n_frames": 1, "dtype": "float32", "max_db": None,
                "params": {"summary": summary}, "warnings": [],
            }
        )  # fmt: skip
        data = np.array(vector, np.float32).tobytes()
        chunks.append(
            {"audio_feature_id": feature, "chunk_index": 0, "first_frame": 0, "n_frames": 1,
             "data": data}
        )  # fmt: skip
    store.replace(
        cue.key, f"{kind}_features",
        {"audio_features": pd.DataFrame(features), "audio_feature_chunks": pd.DataFrame(chunks)},
        fingerprint=fingerprint, code_version="1", data_version="d", started_at=datetime.now(UTC),
    )  # fmt: skip


@pytest.fixture
def library(store, filled_url):
    """A waltz in D minor of three stems, and a chase whose mapping is not ready."""
    load(store, WALTZ)
    load(store, CHASE, ASSETS[:-1])
    # A rubato of many changes: most of the time at 90, the last second at 180.
    waltz = [[0.0, 0, 666_667], [20.0, 1, 650_000], [39.0, 2, 333_333]]
    write_score(
        store, WALTZ, tempo_map=waltz, time_signature_map=[[0.0, 0, 3, 4], [9.0, 1, 2, 4]],
        key_signature_map=[[0.0, 0, -1, "minor"]],
    )  # fmt: skip
    summaries = [{"integrated_lufs": lufs} for lufs in (-20.0, -30.0, None)]
    for kind, vectors in (
        ("loudness", [(0.0, 0.0)] * 3), ("embedding", [(1.0, 0.0), (1.0, 1.0), (-1.0, 0.0)]),
    ):  # fmt: skip
        make(store, WALTZ, kind, vectors, summaries, "fingerprint 0")
    return cp.open_library(filled_url)


def names(found):
    return [(f.cue_key.split()[-1], f.name) for f in found]


def test_each_question_finds_what_is_so_and_nothing_else(library):
    def asked(**wanted):
        return names(search(library, Wanted(**wanted)))

    all_waltz = [("Waltz", f"Stem {i}") for i in range(3)]
    all_chase = [("Chase", f"Stem {i}") for i in range(2)]
    assert asked() == all_waltz + all_chase
    assert asked(words=("WALTZ", "stem 1")) == [("Waltz", "Stem 1")]
    # The chase's stems have categories in their rows, which no mapping vouches for.
    assert asked(category="Brass") == [("Waltz", "Stem 1")]
    assert asked(seconds=(100.0, 400.0)) == all_chase  # 30,000 frames of 512 samples
    assert asked(lufs=(-25.0, 0.0)) == [("Waltz", "Stem 0")]
    assert asked(tempo=(85.0, 95.0)) == all_waltz
    assert asked(tempo=(120.0, 120.0)) == all_chase
    assert asked(tempo=(170.0, 190.0)) == []
    assert asked(meter="2/4") == all_waltz
    assert asked(meter="4/4") == all_chase
    assert asked(key="D minor") == asked(key="d m") == asked(key="D") == all_waltz
    assert asked(key="D major") == asked(key="F") == []
    assert names(search(library, Wanted(kind="mix", words=("chase",)))) == [("Chase", "6mx")]
    (found,) = search(library, Wanted(words=("waltz", "stem 0")))
    assert (found.lufs, found.meters, found.keys) == (-20.0, ("3/4", "2/4"), ("D minor",))


def test_loudness_of_a_sound_that_was_replaced_since_is_not_found(library, store):
    with store.engine.begin() as connection:
        connection.execute(
            sa.update(t.cue_assets)
            .where(t.cue_assets.c.cue_id == WALTZ.id, t.cue_assets.c.asset == "channel_groups")
            .values(fingerprint="other files")
        )
    assert search(library, Wanted(lufs=(-100.0, 0.0))) == []
    assert all(f.lufs is None for f in search(library, Wanted()))


def test_the_likest_stands_first_and_what_has_no_such_feature_is_told(library):
    said = likest(library, Wanted(), WALTZ.key, "Stem 0")
    assert names(said.found) == [("Waltz", "Stem 1"), ("Waltz", "Stem 2")]
    assert [f.likeness for f in said.found] == pytest.approx([0.5**0.5, -1.0])
    assert list(said.left_out) == [f"{CHASE.key}: Stem {i}" for i in range(2)]
    with pytest.raises(WarehouseError, match="embedding"):
        likest(library, Wanted(), CHASE.key, "Stem 0")
    with pytest.raises(UnknownNameError):
        likest(library, Wanted(), WALTZ.key, "Stem 9")


@pytest.mark.parametrize("wanted", [{"key": "H minor"}, {"meter": "waltz"}])
def test_a_key_or_a_meter_that_is_none_is_refused(library, wanted):
    with pytest.raises(UnknownNameError, match="write"):
        search(library, Wanted(**wanted))


def test_the_command_says_the_same_in_a_table_and_as_json(library, filled_url):
    def said(*words):
        run = CliRunner().invoke(cli, ["--database-url", filled_url, "search", *words])
        assert run.exit_code == 0, run.output
        return run.stdout

    found = json.loads(said("--tempo", ":100", "--lufs", "-25:", "--json"))
    assert [f["name"] for f in found] == ["Stem 0"]
    table = said("waltz", "--like", WALTZ.key, "Stem 0")
    assert "0.707" in table
    assert table.endswith("2 stems.\n")
    assert "3 stems, 1 of them shown." in said("waltz", "--limit", "1")
    refused = CliRunner().invoke(cli, ["search", "--tempo", "140:100"])
    assert refused.exit_code == 2
