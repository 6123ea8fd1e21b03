"""Fields that are features beside mel: what the tables hold of them, on the frames of the mel."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from cue_pipeline.errors import NotReadyError, TrainingError
from cue_pipeline.reading import open_library
from cue_pipeline.training import Windows
from cue_pipeline.training.exports.manifest import read_manifest
from cue_pipeline.training.exports.pack import PackFormat
from cue_pipeline.training.windows import WindowsError
from cue_pipeline_tests.training.stored_chroma import CUE, SILENCE, chroma, store_chroma
from cue_pipeline_tests.warehouse.synthetic import load


def opened(url, *fields):
    return Windows.open(url, seconds=4.0, hop=2.0, fields=["mel", "feature.chroma", *fields])


@pytest.fixture
def filled(store, filled_url):
    load(store, CUE)
    return filled_url


def test_a_feature_is_a_field_on_the_frames_of_the_mel(filled, store):
    store_chroma(store)
    windows = pickle.loads(pickle.dumps(opened(filled, "onset")))
    for i in range(len(windows)):
        where, window = windows.where(i), windows[i]
        stored = chroma(int(where.stem[-1]))[where.first : where.first + 375]
        found = window["feature.chroma"]
        assert found.shape == (375, 12)
        assert found.dtype == np.float16
        assert np.array_equal(found[: len(stored)], stored)
        assert (found[len(stored) :] == SILENCE).all()
        assert len(window["mel"]) == len(found)
    batch = next(iter(windows.batches(4, seed=1)))
    assert batch["feature.chroma"].shape == (4, 375, 12)


@pytest.mark.engines("sqlite")
def test_stems_without_the_feature_are_left_out_and_told(filled, store):
    store_chroma(store, stems=[1])
    windows = opened(filled)
    assert {item.stem for item in windows.items} == {CUE.group_names[1]}
    ((_, stem, why),) = windows.left_out
    assert (stem, why) == (CUE.group_names[0], "it has no field 'feature.chroma'")


@pytest.mark.engines("sqlite")
def test_a_feature_of_other_files_than_the_mel_is_not_put_beside_it(filled, store):
    store_chroma(store, files="of before")
    with pytest.raises(TrainingError, match=r"No stem has all .* feature\.chroma: .*made of other"):
        opened(filled)


@pytest.mark.engines("sqlite")
def test_of_two_cues_that_of_whose_feature_the_sound_was_replaced_is_left_out_and_told(
    filled, store
):
    store_chroma(store)
    other = replace(CUE, key="1m02 Other")
    load(store, other)
    store_chroma(store, files="of before", cue=other)
    windows = opened(filled)
    assert {item.cue_key for item in windows.items} == {CUE.key}
    told = {(key, why) for key, stem, why in windows.left_out if stem in other.group_names}
    ((key, why),) = told
    assert key == other.key
    assert "with 'chroma' in CUE_FEATURES" in why


@pytest.mark.engines("sqlite")
@pytest.mark.parametrize(
    ("field", "cure"),
    [
        ("feature.mel", "the field 'mel'"),
        ("feature.downmix.mel", r"feature\('downmix\.mel', channel="),
        ("feature.loudness", "all channels"),
    ],
)
def test_what_is_not_of_the_composite_is_no_field_and_the_cure_is_another(filled, field, cure):
    with pytest.raises(TrainingError, match=cure) as refused:
        Windows.open(filled, fields=["mel", field])
    assert "CUE_FEATURES" not in str(refused.value)


@pytest.mark.engines("sqlite")
def test_a_library_that_did_not_choose_the_feature_has_no_such_field(filled):
    with pytest.raises(TrainingError, match="CUE_FEATURES"):
        opened(filled)


@pytest.mark.engines("sqlite")
def test_frames_that_are_not_those_of_the_mel_are_refused(filled, store):
    store_chroma(store, hop_length=256)
    with pytest.raises(TrainingError, match="256 samples apart"):
        opened(filled)


def test_a_feature_that_was_made_again_since_is_refused(filled, store):
    store_chroma(store)
    windows = opened(filled)
    assert len(windows[0]["feature.chroma"])
    store_chroma(store, seed=1)
    with pytest.raises(NotReadyError, match="chroma_features"):
        windows[0]


@pytest.mark.engines("sqlite")
def test_windows_of_cues_have_no_features(filled, store):
    store_chroma(store)
    with pytest.raises(TrainingError, match=r"No field 'feature\.chroma'"):
        Windows.open(filled, of="cue", fields=["onset", "feature.chroma"])


@pytest.mark.engines("sqlite")
def test_a_pack_has_the_features_that_it_is_asked_for_bit_for_bit(
    filled, store, tmp_path, exported
):
    store_chroma(store, n_frames=CUE.n_frames - 10)  # less than the mel has
    tables = opened(filled, "onset")
    out = exported(filled, tmp_path / "pack", options={"features": ["chroma"]})
    packed = pickle.loads(pickle.dumps(opened(out, "onset")))
    assert len(packed) == len(tables)
    for i in range(len(tables)):
        for name, array in tables[i].items():
            assert array.dtype == packed[i][name].dtype
            assert array.tobytes() == packed[i][name].tobytes(), name
    assert (packed[len(packed) - 1]["feature.chroma"][-1] == SILENCE).all()
    library = open_library(filled)
    assert PackFormat().faults(out, library) == []
    told = read_manifest(out)["description"]
    assert told["settings"]["features"] == ["chroma"]
    assert "chroma_features" in told["code_versions"]
    store_chroma(store, seed=1, n_frames=CUE.n_frames - 10)
    found = PackFormat().faults(out, library)
    assert len(found) == 2
    assert all("its feature.chroma is another in the tables" in fault for fault in found)


@pytest.mark.engines("sqlite")
def test_stems_without_a_feature_are_in_no_pack_that_has_it(filled, store, tmp_path, exported):
    store_chroma(store, stems=[1])
    out = exported(filled, tmp_path / "pack", options={"features": ["chroma"]})
    assert {item.stem for item in opened(out).items} == {CUE.group_names[1]}
    left_out = read_manifest(out)["description"]["left_out"]
    assert left_out == {"it has no field 'feature.chroma'": [f"{CUE.key}: {CUE.group_names[0]}"]}
    assert PackFormat().faults(out, open_library(filled)) == []


@pytest.mark.engines("sqlite")
def test_a_pack_that_was_not_asked_for_a_feature_says_how_to_have_it(
    filled, store, tmp_path, exported
):
    store_chroma(store)
    with pytest.raises(WindowsError, match="--features chroma"):
        opened(exported(filled, tmp_path / "pack"))
    with pytest.raises(TrainingError, match="CUE_FEATURES"):
        exported(filled, tmp_path / "none", options={"features": ["cqt"]})
    with pytest.raises(TrainingError, match="all channels"):
        exported(filled, tmp_path / "none", options={"features": ["loudness"]})
