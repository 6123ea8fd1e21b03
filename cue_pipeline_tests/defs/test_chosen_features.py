"""Kinds of features that a library chooses: each an asset of its own, beside the seven of all."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import dagster as dg
import librosa
import numpy as np
import pytest
import soundfile as sf
from click.testing import CliRunner

from cue_pipeline import open_library
from cue_pipeline.audio.features import chroma, measuring
from cue_pipeline.audio.mel import log_mel_spectrogram
from cue_pipeline.audio.stereo_gains import stereo_gains
from cue_pipeline.cli.commands import cli
from cue_pipeline.cli.display import print_outcomes
from cue_pipeline.defs.location import PROCESS_CUE, build_defs
from cue_pipeline.errors import NotReadyError, SettingsError, TrainingError, WarehouseError
from cue_pipeline.library import feature_kinds, graph
from cue_pipeline.library.plan import plan_library
from cue_pipeline.library.progress import CueOutcome
from cue_pipeline.library.status import read_status
from cue_pipeline.settings import read_settings
from cue_pipeline.training import Windows
from cue_pipeline.warehouse.opening import open_store
from cue_pipeline_tests.cues import tone, write_audio, write_cue

KEY, ASSET = "1m01", "chroma_features"


@pytest.fixture(params=["sqlite", "dsql"])
def url(request, tmp_path):
    if request.param == "dsql":
        return request.getfixturevalue("dsql_url")
    return f"sqlite:///{tmp_path / 'w.db'}"


@pytest.fixture
def cue(url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("CUE_FEATURES", "mel, chroma")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    return write_cue(tmp_path / "library", KEY)


def states(store):
    return {s.asset: s.state for s in read_status(store, read_settings())}


def run(*assets):
    job = build_defs(read_settings()).resolve_job_def(PROCESS_CUE)
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("cues", [KEY])
        selection = [dg.AssetKey(a) for a in assets] or None
        assert job.execute_in_process(
            partition_key=KEY, instance=instance, asset_selection=selection
        ).success


def test_a_chosen_kind_is_an_asset_of_its_own_of_stems_and_mixes(cue, url, monkeypatch, capsys):
    store = open_store(url)
    (plan,) = plan_library(cue.parent, store, read_settings()).cues
    assert plan.assets == (*graph.GRAPH, ASSET)
    run()
    assert set(states(store).values()) == {"ready"}

    def mels():
        return [
            store.read(KEY, table, asset=asset)
            for table, asset in (
                ("audio_features", "mel_features"), ("final_mix_features", "final_mix_features"),
            )
        ]  # fmt: skip

    before = mels()
    library = open_library(url)
    for sound in (*library[KEY].stems.values(), *library[KEY].mixes.values()):
        found = sound.feature("chroma")
        y = sound.audio().mean(axis=0)
        expected = librosa.feature.chroma_stft(
            y=y, sr=48_000, n_fft=2_048, hop_length=512, tuning=0.0
        ).T
        assert np.abs(found.array - expected).max() < 1e-3  # float16 of 0 to 1
        assert found.times[3] == pytest.approx(3 * 512 / 48_000)
        assert repr(found).startswith("<Feature 'chroma' of 'mono': ")
        assert np.array_equal(found.window(0.2, 0.4), found.array[19:38])
    assert set(store.read(KEY, "audio_features", asset=ASSET).feature_type) == {"chroma"}

    # A new number makes it stale and nothing else; made again, it touches nothing else.
    monkeypatch.setattr(
        feature_kinds,
        "_shipped",
        lambda _: replace(chroma.KIND, algorithm=chroma.KIND.algorithm + 1),
    )
    assert {a for a, state in states(store).items() if state == "stale"} == {ASSET}
    run(ASSET)
    assert set(states(store).values()) == {"ready"}
    assert all(a.equals(b) for a, b in zip(before, mels(), strict=True))

    # No longer chosen, its rows stay, and nobody asks for them.
    monkeypatch.setenv("CUE_FEATURES", "mel")
    assert set(states(store)) == set(graph.GRAPH)
    assert len(store.read(KEY, "audio_features", asset=ASSET)) == 2
    plan = plan_library(cue.parent, store, read_settings())
    print_outcomes(plan, [CueOutcome(KEY, "processed")], store)
    counted = sum(row.row_count for row in store.ledger(KEY) if row.asset in graph.GRAPH)
    assert f" {counted} " in capsys.readouterr().out


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_only_the_settings_that_shape_its_frames_make_a_kind_stale(cue, url, monkeypatch):
    before = graph.code_versions(read_settings())[ASSET]
    monkeypatch.setenv("CUE_MEL_N_MELS", "32")
    assert graph.code_versions(read_settings())[ASSET] == before
    monkeypatch.setenv("CUE_MEL_HOP_LENGTH", "256")
    assert graph.code_versions(read_settings())[ASSET] != before


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_the_command_line_knows_the_kinds_that_are_chosen_and_no_others(cue, url, monkeypatch):
    def said(*words):
        return CliRunner().invoke(cli, [*words], catch_exceptions=True)

    assert said("process", str(cue.parent), "--select", ASSET, "--dry-run").exit_code == 0
    monkeypatch.setenv("CUE_FEATURES", "mel")
    refused = said("process", str(cue.parent), "--select", ASSET, "--dry-run")
    assert isinstance(refused.exception, SettingsError)
    assert "CUE_FEATURES" in str(refused.exception)
    plan_library(cue.parent, open_store(url), read_settings())
    listed = json.loads(said("status", "--json").output)
    assert ASSET not in json.dumps(listed)
    monkeypatch.setenv("CUE_FEATURES", "chroma")
    assert ASSET in said("status", "--json").output


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_all_kinds_of_a_run_are_made_in_one_pass_over_the_samples(cue, url, monkeypatch):
    monkeypatch.setenv("CUE_FEATURES", "chroma,loudness,onset_strength,downmix.mel")
    opened = []

    class Counted(measuring.GroupReader):
        def __init__(self, folder, group, *given, **named):
            opened.append(group.canonical_name)
            super().__init__(folder, group, *given, **named)

    monkeypatch.setattr(measuring, "GroupReader", Counted)
    plan_library(cue.parent, open_store(url), read_settings())
    run()
    assert len(opened) == len(set(opened)) == 3  # two stems and a mix
    library = open_library(url)
    mix = next(iter(library[KEY].mixes.values()))
    gains = stereo_gains(mix.labels)
    for channel, y in zip(("Lo", "Ro"), gains @ mix.audio(), strict=True):
        expected = log_mel_spectrogram(y, read_settings().mel)
        assert np.abs(mix.feature("downmix.mel", channel).array - expected).max() < 0.1  # float16
    with pytest.raises(WarehouseError, match="name the channel"):
        mix.feature("downmix.mel")
    loudness = mix.feature("loudness")
    assert loudness.channel == "all"
    assert loudness.dtype == np.float32
    assert loudness.times[0] == pytest.approx(0.1)
    assert loudness.params["summary"]["integrated_lufs"] < 0.0


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_where_the_mixes_failed_a_kind_is_made_of_the_stems(cue, url):
    store = open_store(url)
    plan_library(cue.parent, store, read_settings())
    run("channel_groups")
    store.fail(
        KEY, "final_mix_features", "no mix", fingerprint="", code_version="1",
        started_at=datetime.now(UTC),
    )  # fmt: skip
    assert ASSET not in graph.stopped({"final_mix_features"}, graph.chosen(read_settings()))
    assert graph.stopped({"channel_groups"}, [ASSET]) == {ASSET}
    run(ASSET)
    assert len(store.read(KEY, "audio_features", asset=ASSET)) == 2
    assert len(store.read(KEY, "final_mix_features", asset=ASSET)) == 0
    assert states(store)[ASSET] == "stale"  # until the mixes are there


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_of_a_sound_that_was_replaced_no_feature_of_before_is_read(cue, url, monkeypatch):
    plan_library(cue.parent, open_store(url), read_settings())
    run()

    def sounds():
        found = open_library(url)[KEY]
        return [*found.stems.values(), *found.mixes.values()]

    assert all(len(sound.feature("chroma")) for sound in sounds())
    with pytest.raises(WarehouseError, match=r"mel\(\)"):
        sounds()[0].feature("mel")

    # Another sound under the same name; the kind is not chosen any more, and is not made again.
    (left,) = (cue / "PT" / "Audio Files").glob("* VLN I_01.L.wav")
    write_audio(left.parent, {left.stem: tone(311.1, 1.5)})
    monkeypatch.setenv("CUE_FEATURES", "mel")
    plan_library(cue.parent, open_store(url), read_settings())
    run()
    for sound in sounds():
        assert len(sound.mel())
        with pytest.raises(NotReadyError, match="'chroma' in CUE_FEATURES"):
            sound.feature("chroma")
    with pytest.raises(TrainingError, match="'chroma_features' was made of other files"):
        Windows.open(url, fields=["mel", "feature.chroma"])

    monkeypatch.setenv("CUE_FEATURES", "chroma")
    run(ASSET)
    assert all(len(sound.feature("chroma")) == len(sound.mel()) for sound in sounds())
    assert len(Windows.open(url, fields=["mel", "feature.chroma"]).items) == 2


def test_a_misspelt_kind_is_refused_with_the_closest(monkeypatch):
    monkeypatch.setenv("CUE_FEATURES", "mel,cromma")
    with pytest.raises(SettingsError, match=r"'cromma'.*Did you mean 'chroma'"):
        graph.chosen(read_settings())


def test_a_library_that_chooses_nothing_imports_no_kind(monkeypatch):
    monkeypatch.delenv("CUE_FEATURES", raising=False)

    def refuse(name):
        raise AssertionError(name)

    monkeypatch.setattr(feature_kinds, "_shipped", refuse)  # what is loaded is kept behind it
    assert graph.chosen(read_settings()) == graph.GRAPH
    monkeypatch.setenv("CUE_FEATURES", "mel,chroma")
    with pytest.raises(AssertionError, match="chroma"):
        graph.chosen(read_settings())


def test_assets_come_in_one_order_however_they_are_named():
    named = ["wave_features", "match_evidence", "chroma_features", "onsets_features", "tempo_map"]
    expected = ["tempo_map", "match_evidence", *sorted(n for n in named if "features" in n)]
    for first in range(len(named)):
        assert graph.ordered(named[first:] + named[:first]) == expected


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_loudness_and_defects_are_judged_in_their_own_step(cue, url, monkeypatch):
    monkeypatch.setenv("CUE_FEATURES", "loudness,defects")
    folder = cue / "PT" / "Audio Files"
    y, rate = sf.read(folder / "1m01 FHN_01.L.wav")
    y[rate // 2] += 0.5
    sf.write(folder / "1m01 FHN_01.L.wav", y, rate, subtype="PCM_24")
    plan_library(cue.parent, open_store(url), read_settings())
    job = build_defs(read_settings()).resolve_job_def(PROCESS_CUE)
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("cues", [KEY])
        told = job.execute_in_process(partition_key=KEY, instance=instance)
    checks = {e.check_name: e for e in told.get_asset_check_evaluations()}
    clean = checks["sound_is_clean"]
    assert not clean.passed
    assert "FHN\\_01, channel L: 1 click" in str(clean.metadata["which"].value)
    # The stems are no parts of this made-up mix, which is 12 dB below them.
    assert not checks["stems_fit_the_mix"].passed
