"""Stems and mixes found by what is known of them, on every engine."""

import json
import math
from datetime import UTC, datetime

import click
import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from click.testing import CliRunner

import cue_pipeline as cp
from cue_pipeline.audio.features.kind import asset_of
from cue_pipeline.cli.commands import cli
from cue_pipeline.cli.search_commands import _Range
from cue_pipeline.cue.identity import row_id
from cue_pipeline.errors import MappingError, UnknownNameError, WarehouseError
from cue_pipeline.reading.search import Wanted, likest, search
from cue_pipeline.reading.whole_library import Library
from cue_pipeline.warehouse import tables as t
from cue_pipeline_tests.warehouse.synthetic import ASSETS, SyntheticCue, load

WALTZ = SyntheticCue(key="Reel 1/1m01 Waltz", n_groups=3)
CHASE = SyntheticCue(key="Reel 1/1m02 Chase", n_groups=2, n_frames=30_000)


def write_score(store, cue, **columns):
    with store.engine.begin() as connection:
        connection.execute(
            sa.update(t.midi_files).where(t.midi_files.c.cue_id == cue.id).values(**columns)
        )


def make(store, cue, kind, vectors, summaries, fingerprint, channels=("mono",)):
    """Store a feature of one frame of each stem, or of each channel of each."""
    features, chunks = [], []
    stems = zip(cue.group_names, cue.group_ids, summaries, strict=True)
    of_channels = [(*stem, channel) for stem in stems for channel in channels]
    for (name, stem, summary, channel), vector in zip(of_channels, vectors, strict=True):
        feature = row_id("audio_features", cue.key, name, kind, channel, "default")
        features.append(
            {
                "id": feature, "audio_file_id": stem, "feature_type": kind, "channel": channel,
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
        cue.key, asset_of(kind),
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
    assert asked(category="Brass") == asked(category="brass") == [("Waltz", "Stem 1")]
    assert asked(seconds=(100.0, 400.0)) == all_chase  # 30,000 frames of 512 samples
    assert asked(lufs=(-25.0, 0.0)) == [("Waltz", "Stem 0")]
    assert asked(tempo=(85.0, 95.0)) == all_waltz
    assert asked(tempo=(120.0, 120.0)) == all_chase
    assert asked(tempo=(170.0, 190.0)) == []
    assert asked(tempo=(90.0, 120.0)) == all_waltz + all_chase  # 60e6 / 666,667 is less than 90
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
    assert all("with 'embedding' in CUE_FEATURES" in why for why in said.left_out.values())
    with pytest.raises(WarehouseError, match="with 'embedding' in CUE_FEATURES"):
        likest(library, Wanted(), CHASE.key, "Stem 0")
    with pytest.raises(UnknownNameError):
        likest(library, Wanted(), WALTZ.key, "Stem 9", by="chroma")


def test_what_the_library_lacks_is_told_with_what_makes_it_and_what_there_is(library):
    there = r"\(--by\) mel, embedding\."
    with pytest.raises(WarehouseError, match=rf"with 'chroma' in CUE_FEATURES to .*{there}"):
        likest(library, Wanted(), WALTZ.key, "Stem 0", by="chroma")
    with pytest.raises(WarehouseError, match=rf"Did you mean 'chroma'\? .*{there}"):
        likest(library, Wanted(), WALTZ.key, "Stem 0", by="chrom")
    with pytest.raises(WarehouseError, match=r"'embedding' in CUE_FEATURES and .*EMBEDDING_MODEL"):
        likest(library, Wanted(kind="mix"), CHASE.key, "6mx")


@pytest.mark.engines("sqlite")  # refused before anything is read
@pytest.mark.parametrize(
    "by", ["loudness", "codec", "wave", "defects", "onset_strength", "downmix.loudness"]
)
def test_levels_tokens_and_counts_are_no_vectors_to_compare(library, by):
    with pytest.raises(WarehouseError, match=r"make no vector\. .*\(--by\) mel, embedding\."):
        likest(library, Wanted(), WALTZ.key, "Stem 0", by=by)


def test_an_embedding_of_one_column_is_no_vector_to_compare(library, store):
    make(store, WALTZ, "embedding", [(1.0,), (2.0,), (3.0,)], [{}] * 3, "fingerprint 0")
    with pytest.raises(WarehouseError, match="its frames are single numbers, which make no vector"):
        likest(library, Wanted(), WALTZ.key, "Stem 0")


def test_both_channels_of_a_downmix_are_compared_as_their_mean(library, store):
    # Means (1, 1), (1, 0) and (-1, -1): by Lo alone the second would be the likest.
    vectors = [(2.0, 0.0), (0.0, 2.0), (2.0, 0.0), (0.0, 0.0), (0.0, 0.0), (-2.0, -2.0)]
    make(store, WALTZ, "downmix.mel", vectors, [{}] * 3, "fingerprint 0", ("Lo", "Ro"))
    said = likest(library, Wanted(words=("waltz",)), WALTZ.key, "Stem 0", by="downmix.mel")
    assert [f.likeness for f in said.found] == pytest.approx([0.5**0.5, -1.0])


def test_the_mel_spectrograms_of_every_library_can_be_compared(library):
    said = likest(library, Wanted(), WALTZ.key, "Stem 0", by="mel")
    assert len(said.found) == 4
    assert not said.left_out


def test_a_category_that_is_none_is_answered_with_the_closest(library):
    with pytest.raises(MappingError, match=r"'Brss' is no instrument category\. .*'Brass'"):
        search(library, Wanted(category="Brss"))


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


@pytest.mark.engines("sqlite")
def test_one_number_is_found_as_it_is_written(library, store, filled_url):
    write_score(store, CHASE, tempo_map=[[0.0, 0, 461_538]])  # 130.00013 quarters a minute

    def asked(*words):
        run = CliRunner().invoke(cli, ["--database-url", filled_url, "search", "--json", *words])
        return {f["cue_key"] for f in json.loads(run.stdout)}

    assert asked("--tempo", "130") == asked("--tempo", "130.0") == {CHASE.key}
    assert asked("--tempo", "129") == asked("--tempo", "131") == set()
    assert asked("--lufs", "-20") == asked("--lufs", "-20.0") == {WALTZ.key}
    assert asked("--lufs", "-21") == set()
    assert asked("--seconds", "320") == {CHASE.key}  # 30,000 frames of 512 samples at 48 kHz


def test_every_whole_tempo_is_found_as_midi_rounds_it():
    said = click.Option(["--tempo"], type=_Range())
    context = click.Context(cli)
    for tempo in range(40, 241):
        held = 60e6 / round(60e6 / tempo)
        for written in (f"{tempo}", f"{tempo}.0"):
            least, most = said.type_cast_value(context, written)
            assert least <= held <= most
            assert not least <= held + 1.0 <= most


@pytest.mark.parametrize(
    ("written", "ends"),
    [("130", (129.5, 130.5)), ("-23", (-23.5, -22.5)), ("60.00", (59.995, 60.005)),
     ("100:", (100.0, math.inf)), (":-20", (-math.inf, -20.0)), ("130:130", (130.0, 130.0))],
)  # fmt: skip
def test_a_range_has_its_ends_and_a_number_half_a_last_digit_to_each_side(written, ends):
    assert _Range().convert(written, None, None) == pytest.approx(ends, abs=1e-12)


@pytest.mark.engines("sqlite")
def test_loudness_is_said_to_be_unknown_only_where_it_is(library, filled_url):
    def told(*words):
        run = CliRunner().invoke(cli, ["--database-url", filled_url, "search", *words])
        return "in CUE_FEATURES" in run.stderr

    assert not told("--lufs", "-25:-15")
    assert not told("--lufs", "5:6")  # none is as loud
    assert not told("--lufs", "5:6", "no such words")
    assert told("chase", "--lufs", "5:6")
    assert told("--mixes", "--lufs", "5:6")


@pytest.mark.engines("sqlite")
def test_each_cue_is_opened_once_however_many_stems_are_compared(library, monkeypatch):
    opened, get = [], Library.__getitem__
    monkeypatch.setattr(
        Library, "__getitem__", lambda self, key: opened.append(key) or get(self, key)
    )
    assert len(likest(library, Wanted(), WALTZ.key, "Stem 0", by="mel").found) == 4
    assert sorted(opened) == [WALTZ.key, CHASE.key]


@pytest.mark.parametrize(
    "words",
    [
        ("--tempo", "140:100"),
        ("--tempo", "fast"),
        ("--tempo", "nan"),
        ("--by", "chroma"),
        ("--mixes", "--category", "Brass"),
    ],
)
def test_options_that_mean_nothing_together_are_refused(words):
    assert CliRunner().invoke(cli, ["search", *words]).exit_code == 2
