"""A data set as tar shards, read by the webdataset package."""

import io
import json

import numpy as np
import pytest
import soundfile as sf

from cue_pipeline.reading import Cue
from cue_pipeline.training.exports import shard_samples as module
from cue_pipeline.training.exports.formats import Request
from cue_pipeline.training.exports.manifest import file_faults, read_manifest
from cue_pipeline.training.exports.tar_shards import Webdataset
from cue_pipeline_tests.training.planted import RATE, PlantedCue, planted_library, wandered

CUES = [PlantedCue(key=f"Reel 1/1m0{i}", seed=i) for i in (1, 2)]


def export(library, out, resume=False, **options):
    return Webdataset().write(Request(library, out, "CC-BY-4.0", resume=resume, options=options))


def read(out):
    """Return all samples, as webdataset reads them."""
    import webdataset as wds

    shards = [str(path) for path in sorted(out.glob("*.tar"))]
    return list(wds.WebDataset(shards, shardshuffle=False))


@pytest.fixture(scope="module")
def done(sqlite_template, tmp_path_factory):
    """Return a library and its export in windows of 2 s, which no test changes."""
    folder = tmp_path_factory.mktemp("webdataset")
    with planted_library(sqlite_template, folder, *CUES) as library:
        export(library, folder / "set", seconds=2.0, shard_mb=1)
        yield library, folder / "set"


def test_windows_hold_the_sound_and_the_notes_at_the_known_wander(done):
    library, out = done
    samples = read(out)
    windows = -(-CUES[0].seconds // 2.0)
    assert len(samples) == 2 * 2 * windows
    heard = []
    for sample in samples:
        told = json.loads(sample["json"])
        sound, rate = sf.read(io.BytesIO(sample["flac"]), dtype="float32")
        assert (len(sound), rate) == (2 * RATE, RATE)
        cue = next(c for c in CUES if c.key == told["cue_key"])
        whole = cue.samples(cue.group_names.index(told["stem"])).mean(axis=1)
        first = round(told["start_seconds"] * RATE)
        expected = whole[first : first + 2 * RATE]
        assert np.abs(sound[: len(expected)] - expected).max() < 2**-22
        assert not sound[len(expected) :].any()
        assert told["sounding_seconds"] == pytest.approx(len(expected) / RATE)
        heard += [
            (told["cue_key"], told["start_seconds"] + start, pitch)
            for start, _, pitch, _ in told["notes"]
            if 0 <= start < 2
        ]
    notes = [
        (key, start, pitch)
        for key in library
        for start, pitch in library[key].notes()[["start_time", "note"]].itertuples(index=False)
    ]
    assert len(heard) == len(notes)
    found, expected = (np.sort([row[1] for row in rows]) for rows in (heard, notes))
    assert np.abs(found - wandered(expected)).max() < 0.025


def test_shards_are_no_larger_than_asked_for_but_by_one_sample(done):
    _, out = done
    sizes = [path.stat().st_size for path in sorted(out.glob("*.tar"))]
    assert len(sizes) > 1
    assert max(sizes) < 2 * 2**20
    assert read_manifest(out)["description"]["counts"]["samples"] == len(read(out))


def test_whole_cues_hold_stems_that_add_up_to_the_mix(done, tmp_path):
    library, _ = done
    export(library, tmp_path / "set", whole=True)
    samples = read(tmp_path / "set")
    assert len(samples) == 2
    sound = {
        kind: sf.read(io.BytesIO(data), dtype="float32")[0]
        for kind, data in samples[0].items()
        if kind.endswith("flac")
    }
    assert set(sound) == {"s00.flac", "s01.flac", "mix.flac", "final_mix.flac"}
    assert np.abs(sound["s00.flac"] + sound["s01.flac"] - sound["mix.flac"]).max() < 2**-22
    told = json.loads(samples[0]["json"])
    assert [len(stem["notes"]) for stem in told["stems"].values()] == [120, 60]
    assert not Webdataset().faults(tmp_path / "set", library)


@pytest.mark.slow
def test_an_export_that_was_killed_goes_on_and_is_the_same(done, tmp_path, monkeypatch):
    library, whole = done
    encoded, count = module._encoded, 0

    def killed(samples, rate):
        nonlocal count
        count += 1
        if count == 8:
            raise KeyboardInterrupt
        return encoded(samples, rate)

    monkeypatch.setattr(module, "_encoded", killed)
    with pytest.raises(KeyboardInterrupt):
        export(library, tmp_path / "set", seconds=2.0, shard_mb=1)
    assert not (tmp_path / "set").exists()
    monkeypatch.setattr(module, "_encoded", encoded)
    export(library, tmp_path / "set", resume=True, seconds=2.0, shard_mb=1)
    kept = [
        {k: v for k, v in read_manifest(out)["files"].items() if k.endswith((".tar", ".csv"))}
        for out in (whole, tmp_path / "set")
    ]
    assert kept[0] == kept[1]


def test_an_export_is_verified_against_its_manifest_and_the_tables(done, tmp_path):
    library, out = done
    assert not list(file_faults(out, read_manifest(out)))
    assert not Webdataset().faults(out, library)
    other = PlantedCue(key=CUES[0].key, seed=7)
    gone = tmp_path / "elsewhere"
    gone.mkdir()
    for name in other.group_names:
        sf.write(gone / f"{name}.wav", other.samples(0), RATE, subtype="FLOAT")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Cue, "folder", gone)
        assert any("flac would be others" in line for line in Webdataset().faults(out, library))


def test_the_card_is_read_by_croissant(done):
    _, out = done
    import mlcroissant

    described = mlcroissant.Dataset(str(out / "croissant.json"))
    assert not described.metadata.ctx.issues.errors
    assert not described.metadata.ctx.issues.warnings
    assert len(list(described.records("samples"))) == len(read(out))
