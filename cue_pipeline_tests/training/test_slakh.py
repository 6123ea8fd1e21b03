"""A data set in Slakh2100's folders: notes where they are heard, sound that adds up."""

import json

import numpy as np
import pandas as pd
import pretty_midi
import pytest
import soundfile as sf
import soxr
import sqlalchemy as sa
import yaml

import cue_pipeline as cp
from cue_pipeline.errors import ExportError
from cue_pipeline.training.exports.cue_content import (
    EVENT_TABLES,
    CueContent,
    Start,
    stem_starts,
)
from cue_pipeline.training.exports.formats import Request
from cue_pipeline.training.exports.manifest import file_faults, read_manifest
from cue_pipeline.training.exports.slakh import Slakh
from cue_pipeline.training.exports.slakh import yaml as as_yaml
from cue_pipeline.warehouse import tables as t
from cue_pipeline_tests.training.planted import RATE, PlantedCue, plant, planted_library, wandered
from cue_pipeline_tests.warehouse.synthetic import replace

pytestmark = pytest.mark.engines("sqlite")
CUE = PlantedCue()
N_NOTES = CUE.n_tracks * CUE.n_notes


@pytest.fixture
def library(store, filled_url, tmp_path):
    plant(store, tmp_path / "cues", CUE)
    return cp.open_library(filled_url, tmp_path / "cues")


@pytest.fixture(scope="module")
def done(sqlite_template, tmp_path_factory):
    """Return a library and its export, which no test changes."""
    folder = tmp_path_factory.mktemp("slakh")
    with planted_library(sqlite_template, folder, CUE) as library:
        assert export(library, folder / "set") == {"cues": 1, "stems": 2, "notes": N_NOTES}
        yield library, folder / "set"


def export(library, out, split=None, resume=False, **options):
    request = Request(library, out, "internal use only", split, resume, options=options)
    return Slakh().write(request)


def notes_of(path):
    """Return start, end, pitch, velocity, as pretty_midi reads them."""
    file = pretty_midi.PrettyMIDI(str(path))
    found = [(n.start, n.end, n.pitch, n.velocity) for i in file.instruments for n in i.notes]
    return np.array(sorted(found))


def test_notes_are_where_they_are_heard_within_25_ms_of_known_wander(done):
    library, out = done
    played = library[CUE.key].notes()
    for i, tracks in enumerate([CUE.track_ids[::2], CUE.track_ids[1::2]]):
        found = notes_of(out / f"Track00001/MIDI/S0{i}.mid")
        mine = played[played["midi_track_id"].isin(tracks)].sort_values(["start_time", "note"])
        expected = wandered(mine["start_time"])
        order = np.lexsort((mine["note"], np.round(expected, 3)))
        assert np.abs(np.sort(found[:, 0]) - np.sort(expected)).max() < 0.025
        assert sorted(found[:, 2]) == sorted(mine["note"].to_numpy()[order])
    assert len(notes_of(out / "Track00001/all_src.mid")) == N_NOTES


def test_what_is_heard_in_two_stems_is_in_both_and_once_in_the_whole(store, library, tmp_path):
    rows = CUE.value("llm_mappings")["track_stems"].astype({"notes": object})
    further = rows.iloc[:1].assign(audio_file_id=CUE.group_ids[1])
    both = pd.concat([rows, further], ignore_index=True)
    replace(store, CUE, "llm_mappings", track_stems=both)
    heard = library[CUE.key].heard_notes()
    assert len(heard) == N_NOTES + CUE.n_notes
    export(library, tmp_path / "set")
    folder = tmp_path / "set/Track00001"
    n = [len(notes_of(folder / f"MIDI/S0{i}.mid")) for i in range(2)]
    assert n == [2 * CUE.n_notes, 2 * CUE.n_notes]
    assert len(notes_of(folder / "all_src.mid")) == N_NOTES


def test_stems_are_means_of_their_channels_and_the_mix_their_sum(library, tmp_path):
    export(library, tmp_path / "set", sample_rate=RATE)
    folder = tmp_path / "set/Track00001"
    stems = [sf.read(folder / f"stems/S0{i}.flac", dtype="float32")[0] for i in range(2)]
    for i, stem in enumerate(stems):
        assert np.abs(stem - CUE.samples(i).mean(axis=1)).max() < 2**-22
    mix, rate = sf.read(folder / "mix.flac", dtype="float32")
    assert rate == RATE
    assert np.abs(mix - sum(stems)).max() < 2**-22
    own, _ = sf.read(folder / "final_mix.flac", dtype="float32")
    assert np.abs(own - CUE.samples(99).mean(axis=1)).max() < 2**-22


def test_the_default_rate_is_that_of_slakh_and_resampling_is_soxrs(done):
    _, out = done
    stem, rate = sf.read(out / "Track00001/stems/S00.flac", dtype="float32")
    assert rate == 44_100
    peer = soxr.resample(CUE.samples(0).mean(axis=1), RATE, rate, quality="HQ")
    assert len(stem) == pytest.approx(len(peer), abs=1)
    n = min(len(stem), len(peer))
    assert np.abs(stem[:n] - peer[:n]).max() < 2e-5


def test_what_would_pass_full_scale_is_turned_down_alike(store, filled_url, tmp_path):
    loud = PlantedCue(level=0.9)
    plant(store, tmp_path / "cues", loud)
    export(cp.open_library(filled_url, tmp_path / "cues"), tmp_path / "set", sample_rate=RATE)
    folder = tmp_path / "set/Track00001"
    told = yaml.safe_load((folder / "metadata.yaml").read_text())
    mix, _ = sf.read(folder / "mix.flac", dtype="float32")
    expected = sum(loud.samples(i).mean(axis=1) for i in range(2))
    assert np.abs(expected).max() > 1.0
    assert np.abs(mix).max() == pytest.approx(0.999, abs=1e-6)
    assert np.abs(mix - told["overall_gain"] * expected).max() < 2**-22


def test_stems_begin_where_their_time_references_say(store, filled_url, tmp_path):
    late = PlantedCue(offsets=(0.0, 1.5))
    plant(store, tmp_path / "cues", late)
    library = cp.open_library(filled_url, tmp_path / "cues")
    export(library, tmp_path / "set", sample_rate=RATE)
    folder = tmp_path / "set/Track00001"
    stem, _ = sf.read(folder / "stems/S01.flac", dtype="float32")
    assert not stem[: round(1.5 * RATE)].any()
    whole = late.samples(1).mean(axis=1)
    assert np.abs(stem[round(1.5 * RATE) :] - whole).max() < 2**-22
    mine = library[late.key].notes()
    mine = mine[mine["midi_track_id"] == late.track_ids[1]]
    found = notes_of(folder / "MIDI/S01.mid")
    assert np.abs(found[:, 0] - 1.5 - wandered(mine["start_time"])).max() < 0.025
    assert not Slakh().faults(tmp_path / "set", library)


def test_stems_without_time_references_are_placed_by_where_the_score_is_heard_in_them():
    """By hand: a moment of the score is at 5 s in one file, at 3 s in one that begins 2 s later."""
    first = Start(0.0, "first sample")
    assert stem_starts({"a": None, "b": None}, {"a": 0.0, "b": 0.03}) == {"a": first, "b": first}
    placed = stem_starts({"a": None, "b": None}, {"a": 5.0, "b": 3.0})
    assert placed == {"a": Start(0.0, "sound"), "b": Start(2.0, "sound")}
    placed = stem_starts({"a": 1.0, "b": None}, {"a": 5.0, "b": 3.0})
    assert placed == {"a": Start(1.0, "time reference"), "b": Start(3.0, "sound")}
    unknown = stem_starts({"a": 1.0, "b": None}, {"a": 5.0, "b": None})["b"]
    assert unknown.seconds == 0.0
    assert "nothing tells" in unknown.doubt


def test_the_metadata_has_the_names_of_slakh(done):
    _, out = done
    told = yaml.safe_load((out / "Track00001/metadata.yaml").read_text())
    assert {"UUID", "audio_dir", "midi_dir", "lmd_midi_dir", "normalized", "normalization_factor",
            "overall_gain", "target_peak", "stems"} <= set(told)  # fmt: skip
    assert list(told["stems"]) == ["S00", "S01"]
    assert {"audio_rendered", "midi_saved", "inst_class", "is_drum", "program_num",
            "midi_program_name", "plugin_name", "integrated_loudness"} <= set(
        told["stems"]["S00"]
    )  # fmt: skip
    assert told["cue_key"] == CUE.key
    assert (told["final_mix"], told["final_mix_start_seconds"]) == ("6mx", 0.0)


def test_odd_text_and_numbers_are_the_same_after_yaml():
    odd = {
        "text": 'a "b"\\ \x85\u2028 é 🎻: # - [x', "small": 1.5e-7, "big": 2.5e20, "none": None,
        "true one": True, "list": ["a: b", "no"], "deep": {"word": "off", "empty": {}},
    }  # fmt: skip
    assert yaml.safe_load(as_yaml(odd)) == odd


def change(store, table, **values):
    with store.engine.begin() as connection:
        connection.execute(sa.update(t.metadata.tables[table]).values(**values))


def test_tracks_in_review_are_no_labels_and_their_stems_are_not_complete(store, library, tmp_path):
    change(store, "track_mappings", state="review")
    assert export(library, tmp_path / "set", sample_rate=RATE)["notes"] == 0
    told = yaml.safe_load((tmp_path / "set/Track00001/metadata.yaml").read_text())
    assert not any(stem["labels_complete"] for stem in told["stems"].values())
    assert not any(stem["midi_saved"] for stem in told["stems"].values())
    assert told["tracks_in_no_stem"] == ["Track 0", "Track 1", "Track 2"]


def test_a_clock_that_no_sound_confirms_puts_no_note_into_a_stem(store, library):
    with store.engine.begin() as connection:
        unsure = sa.update(t.stem_alignments).values(confidence=0.3, method="time_code")
        connection.execute(unsure)
    content = CueContent(library[CUE.key])
    assert content.notes.empty
    assert all(content.events(table).empty for table in EVENT_TABLES)
    assert content.incomplete == set(CUE.group_names)


def test_an_export_is_verified_against_its_manifest_and_the_tables(store, library, tmp_path):
    out = tmp_path / "set"
    export(library, out, sample_rate=RATE)
    assert not list(file_faults(out, read_manifest(out)))
    assert not Slakh().faults(out, None)
    assert not Slakh().faults(out, library)
    change(store, "midi_notes", note=sa.literal_column("note + 1"))
    told = Slakh().faults(out, library)
    assert [line.partition(":")[0] for line in told] == [
        "Track00001/MIDI/S00.mid", "Track00001/MIDI/S01.mid",
    ]  # fmt: skip
    (tmp_path / "cues" / CUE.key / "Stem 0.wav").unlink()
    sf.write(tmp_path / "cues" / CUE.key / "Stem 0.wav", CUE.samples(5), RATE, subtype="FLOAT")
    assert any("S00.flac: its sound" in line for line in Slakh().faults(out, library))


@pytest.mark.slow
def test_an_export_that_was_killed_goes_on_and_is_the_same(
    store, library, filled_url, tmp_path, monkeypatch
):
    others = [PlantedCue(key=f"Reel 1/1m0{i}", seed=i) for i in (2, 3)]
    plant(store, tmp_path / "cues", *others)
    export(library, tmp_path / "whole", sample_rate=RATE)
    import cue_pipeline.training.exports.slakh as module

    write = module.write_audio

    def killed(folder, content, ids, rate):
        if content.cue.key == others[1].key:
            (folder / "mix.flac").write_bytes(b"half")
            raise KeyboardInterrupt
        return write(folder, content, ids, rate)

    monkeypatch.setattr(module, "write_audio", killed)
    with pytest.raises(KeyboardInterrupt):
        export(library, tmp_path / "set", sample_rate=RATE)
    assert not (tmp_path / "set").exists()
    monkeypatch.setattr(module, "write_audio", write)
    export(library, tmp_path / "set", resume=True, sample_rate=RATE)
    files = [read_manifest(tmp_path / name)["files"] for name in ("whole", "set")]
    cards = {"README.md", "croissant.json"}  # which have the folder's name
    whole, resumed = ({k: v for k, v in f.items() if k not in cards} for f in files)
    assert resumed == whole


def test_splits_are_folders_and_cues_without_one_are_left_out_and_said(store, library, tmp_path):
    plant(store, tmp_path / "cues", PlantedCue(key="Reel 1/1m02", seed=2))
    row = {
        "split": "test", "group_id": 1, "pinned": False, "why": None, "doubt": None, "rule": {},
        "decided_by": "ada", "decided_at": pd.Timestamp("2026-11-01", tz="UTC").to_pydatetime(),
    }  # fmt: skip
    with store.engine.begin() as connection:
        connection.execute(sa.insert(t.cue_splits).values(cue_key=CUE.key, **row))
    export(library, tmp_path / "set", sample_rate=RATE)
    assert (tmp_path / "set/test/Track00001/mix.flac").exists()
    left_out = read_manifest(tmp_path / "set")["description"]["left_out"]
    assert left_out == {"no split yet: `cue-pipeline splits make` draws one": ["Reel 1/1m02"]}
    assert "Reel 1/1m02" in (tmp_path / "set/README.md").read_text()
    with pytest.raises(ExportError, match="No cue is in split 'train'; there are test"):
        export(library, tmp_path / "other", split="train")


def test_the_cards_are_valid_and_say_the_licence(done):
    _, out = done
    card = (out / "README.md").read_text()
    assert yaml.safe_load(card.split("---")[1])["license_name"] == "internal use only"
    assert "Licence: internal use only" in card
    import mlcroissant

    described = mlcroissant.Dataset(str(out / "croissant.json"))
    assert not described.metadata.ctx.issues.errors
    assert not described.metadata.ctx.issues.warnings
    rows = list(described.records("stems"))
    assert [row["stems/stem"] for row in rows] == [b"S00", b"S01"]
    assert [row["stems/labels_complete"] for row in rows] == [True, True]
    assert json.loads((out / "croissant.json").read_text())["license"] == ("internal use only")


def test_a_cue_whose_sound_is_gone_is_left_out_and_the_others_are_whole(store, library, tmp_path):
    plant(store, tmp_path / "cues", PlantedCue(key="Reel 1/1m02", seed=2))
    (tmp_path / "cues" / CUE.key / "Stem 1.wav").unlink()
    counts = export(library, tmp_path / "set", sample_rate=RATE)
    assert counts == {"cues": 1, "stems": 2, "notes": N_NOTES}
    assert not (tmp_path / "set/Track00001").exists()
    assert (tmp_path / "set/Track00002/mix.flac").exists()
    ((why, keys),) = read_manifest(tmp_path / "set")["description"]["left_out"].items()
    assert keys == [CUE.key]
    assert "Stem 1.wav" in why
    assert not Slakh().faults(tmp_path / "set", library)
    (tmp_path / "cues/Reel 1/1m02/Stem 0.wav").unlink()
    with pytest.raises(ExportError, match=r"No cue could be read\. .*Stem 1\.wav"):
        export(library, tmp_path / "none", sample_rate=RATE)
