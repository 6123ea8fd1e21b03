"""A second feature of the audio, made of nothing but a declaration, a module and an entry.

What a contributor would write is written here, and nothing of the product is changed for it: the
asset is found, run, shown and kept apart from the mel spectrograms whose tables it shares.
"""

from dataclasses import replace

import dagster as dg
import pandas as pd
import pytest

from cue_pipeline.defs import assets
from cue_pipeline.defs.location import PROCESS_CUE, build_defs
from cue_pipeline.library import graph
from cue_pipeline.library.declaration import NOTHING, Declaration
from cue_pipeline.library.plan import plan_library
from cue_pipeline.library.status import read_status
from cue_pipeline.settings import read_settings
from cue_pipeline.warehouse import tables as t
from cue_pipeline.warehouse.opening import open_store
from cue_pipeline_tests.cues import write_cue

MODULE = '''
"""Asset ``steps_features``: the level of each stem, ten times a second."""

import dagster as dg
import numpy as np
import pandas as pd
import soundfile as sf

from cue_pipeline.cue.identity import row_id
from cue_pipeline.defs.cue_asset import AssetResult, cue_asset
from cue_pipeline.library.cue_run import CueRun


@cue_asset(loads={"channel_groups": ["audio_files"]})
def steps_features(cue: CueRun, channel_groups: dict[str, pd.DataFrame]) -> AssetResult:
    """RMS of the first channel of each stem in steps of a tenth of a second, one column a frame."""
    features, chunks = [], []
    for stem in channel_groups["audio_files"].itertuples():
        y, sr = sf.read(cue.folder.path / stem.file_path)
        step = sr // 10
        frames = np.sqrt((y[: len(y) // step * step].reshape(-1, step) ** 2).mean(axis=1))
        feature = row_id(
            "audio_features", cue.folder.key, stem.canonical_name, "steps", "mono", "default"
        )
        features.append(
            {"id": feature, "audio_file_id": stem.id, "feature_type": "steps",
             "channel": "mono", "profile": "default", "sample_rate": sr, "hop_length": step,
             "n_mels": 1, "n_frames": len(frames), "dtype": "float32", "max_db": None,
             "params": {}, "warnings": []}
        )
        chunks.append(
            {"audio_feature_id": feature, "chunk_index": 0, "first_frame": 0,
             "n_frames": len(frames), "data": frames.astype("<f4").tobytes()}
        )
    return AssetResult(
        {"audio_features": pd.DataFrame(features), "audio_feature_chunks": pd.DataFrame(chunks)},
        found=f"{len(features)} stems.",
        metadata={"stems": dg.MetadataValue.int(len(features))},
    )
'''

NEW = "steps_features"


@pytest.fixture
def contributed(tmp_path, monkeypatch):
    """What is contributed: a module, a declaration, an entry in the tables."""
    folder = tmp_path / "contributed"
    folder.mkdir()
    (folder / f"{NEW}.py").write_text(MODULE)
    monkeypatch.setattr(assets, "__path__", [*assets.__path__, str(folder)])
    monkeypatch.setitem(t.audio_features.info["kinds"], "steps", NEW)
    declaration = Declaration(
        upstream=("channel_groups",), reads=("audio",), algorithm=1, shaped_by=NOTHING,
        group="sound", kinds=frozenset({"numpy", "table"}),
    )  # fmt: skip
    monkeypatch.setitem(graph.GRAPH, NEW, declaration)  # type: ignore[arg-type]


@pytest.fixture(params=["sqlite", "dsql"])
def url(request, tmp_path):
    if request.param == "dsql":
        return request.getfixturevalue("dsql_url")
    return f"sqlite:///{tmp_path / 'w.db'}"


def states(store):
    return {s.asset: s.state for s in read_status(store, read_settings())}


def test_a_second_feature_shares_the_tables_and_touches_no_row_of_the_first(
    url, contributed, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    cue = write_cue(tmp_path / "library", "1m01")
    settings = read_settings()
    store = open_store(url)
    (plan,) = plan_library(cue.parent, store, settings).cues
    assert NEW in plan.assets
    definitions = build_defs(settings)
    spec = next(s for s in definitions.resolve_all_asset_specs() if s.key.path[-1] == NEW)
    assert spec.metadata["dagster/relation_identifier"] == "audio_features"
    assert spec.metadata["tables"] == "audio_features, audio_feature_chunks"
    job = definitions.resolve_job_def(PROCESS_CUE)

    def rows(asset):
        return [
            store.read("1m01", table, asset=asset)
            for table in ("audio_features", "audio_feature_chunks")
        ]

    def same(one, other):
        return all(a.equals(b) for a, b in zip(one, other, strict=True))

    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("cues", ["1m01"])

        def run(*selected):
            selection = [dg.AssetKey(a) for a in selected] or None
            assert job.execute_in_process(
                partition_key="1m01", instance=instance, asset_selection=selection
            ).success

        run()
        assert set(states(store).values()) == {"ready"}
        mel, loudness = rows("mel_features"), rows(NEW)
        assert [len(frame) for frame in loudness] == [2, 2]
        # A sine of amplitude 0.25 has an RMS of 0.25 / sqrt(2).
        level = pd.Series(memoryview(loudness[1].data.iloc[0]).cast("f"))
        assert level.between(0.24 / 2**0.5, 0.26 / 2**0.5).all()

        run("mel_features")
        assert same(rows(NEW), loudness)
        assert same(rows("mel_features"), mel)
        run(NEW)
        assert same(rows(NEW), loudness)
        assert same(rows("mel_features"), mel)

    # A new number makes it stale, and nothing else.
    newer = replace(graph.GRAPH[NEW], algorithm=2)
    monkeypatch.setitem(graph.GRAPH, NEW, newer)
    assert {a for a, state in states(store).items() if state == "stale"} == {NEW}
