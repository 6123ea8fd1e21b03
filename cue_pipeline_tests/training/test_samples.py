"""Samples in windows: those of the files, stems and mix at one moment."""

import numpy as np
import pytest
import soundfile as sf

from cue_pipeline.audio.excerpt import ExcerptReader
from cue_pipeline.errors import AudioFileError
from cue_pipeline.training import Windows
from cue_pipeline.training.samples import folded, mixes_on_clock
from cue_pipeline.training.windows import WindowsError
from cue_pipeline.warehouse.stem_index import MixRow
from cue_pipeline_tests.warehouse.synthetic import ASSETS, SyntheticCue, load, replace

RATE, SECONDS = 48_000, 6
CUE = SyntheticCue(n_frames=SECONDS * RATE // 512)


def noise(seed, channels=1):
    random = np.random.default_rng(seed)
    return (random.integers(-20_000, 20_000, (SECONDS * RATE, channels)) / 2**15).astype("f4")


def described(file, n_channels=1):
    labels = ("M",) if n_channels == 1 else ("L", "R")
    return [
        {"label": label, "file": file, "channel_index": i, "frames": SECONDS * RATE,
         "sample_rate": RATE}
        for i, label in enumerate(labels)
    ]  # fmt: skip


@pytest.fixture
def library(store, filled_url, tmp_path):
    """Two stems, of which the second starts half a second later, and their mix."""

    def make(offsets=(0.0, 0.5), mix_offset=0.25):
        folder = tmp_path / CUE.key
        folder.mkdir(parents=True)
        sf.write(folder / "0.wav", noise(0), RATE, subtype="PCM_24")
        sf.write(folder / "1.wav", noise(1, 2), RATE, subtype="PCM_24")
        sf.write(folder / "mix.wav", noise(2, 2), RATE, subtype="PCM_24")
        load(store, CUE, ASSETS[:2])
        stems = CUE.value("channel_groups")["audio_files"].assign(
            channels=[described("0.wav"), described("1.wav", 2)], start_offset_seconds=offsets
        )
        mixes = CUE.value("final_mix_features")["final_mixes"].assign(
            channels=[described("mix.wav", 2)], start_offset_seconds=mix_offset, role="mix"
        )
        replace(store, CUE, "channel_groups", audio_files=stems)
        replace(store, CUE, "mel_features")
        replace(store, CUE, "final_mix_features", final_mixes=mixes)
        return filled_url, tmp_path

    return make


def opened(made, **options):
    url, root = made
    options = {"seconds": 2.0, "hop": 1.0, "fields": ["audio", "mix"], **options}
    return Windows.open(url, root=root, **options)


@pytest.mark.engines("sqlite")
def test_stem_and_mix_are_the_samples_of_one_moment(library):
    windows = opened(library(), channels=2)
    for i in range(len(windows)):
        where, window = windows.where(i), windows[i]
        first = where.first * 512
        stem = noise(0).repeat(2, axis=1) if where.stem == "Stem 0" else noise(1, 2)
        own = stem[first : first + 2 * RATE].T
        assert np.array_equal(window["audio"][:, : own.shape[1]], own)
        assert not window["audio"][:, own.shape[1] :].any()
        # On the cue's clock stem 1 begins at 0.5 s, the mix at 0.25 s.
        later = first + round((-0.25 if where.stem == "Stem 0" else 0.25) * RATE)
        mix = np.pad(noise(2, 2), ((RATE, 3 * RATE), (0, 0)))[later + RATE :][: 2 * RATE].T
        assert np.array_equal(window["mix"], mix)


@pytest.mark.engines("sqlite")
def test_a_window_of_a_cue_has_its_stems_on_one_clock(library):
    windows = opened(library(), of="cue", max_stems=3, fields=["audio", "mix", "stems", "category"])
    window = windows[0]
    assert window["audio"].shape == (3, 1, 2 * RATE)
    assert window["stems"].tolist() == [True, True, False]
    assert window["category"].shape == (3,)
    assert np.array_equal(window["audio"][0, 0], noise(0)[: 2 * RATE, 0])
    assert not window["audio"][1, 0, : RATE // 2].any()  # it has not begun
    own = noise(1, 2)[: 3 * RATE // 2].mean(axis=1)
    assert np.abs(window["audio"][1, 0, RATE // 2 :] - own).max() < 1e-6
    assert not window["mix"][0, : RATE // 4].any()
    assert np.abs(window["mix"][0, RATE // 4 :] - noise(2, 2)[: 7 * RATE // 4].mean(1)).max() < 1e-6
    # 6 s of the stem that begins last end at 6.5 s.
    assert windows.where(len(windows) - 1).end >= 6.5 - 512 / RATE


@pytest.mark.engines("sqlite")
def test_a_stem_that_may_start_anywhere_is_left_out_and_told(library):
    made = library(offsets=(0.0, None))
    windows = opened(made)
    assert {item.stem for item in windows.items} == {"Stem 0"}
    assert windows.left_out == [
        (CUE.key, "Stem 1", "nothing tells where mix '6mx' starts beside it")
    ]
    cues = opened(made, of="cue", fields=["audio"])
    assert cues.left_out == [(CUE.key, "Stem 1", "nothing tells where it starts")]


@pytest.mark.engines("sqlite")
def test_a_window_of_a_cue_has_no_field_of_one_stem(library):
    with pytest.raises(WindowsError, match="No field 'mel': fields are audio, mix"):
        opened(library(), of="cue", fields=["mel"])


def test_without_any_time_reference_files_begin_together():
    mixes = [MixRow("a", "6mx", "mix", None)]
    found, lacking = mixes_on_clock(mixes, {("a", "x"): None, ("b", "y"): 0.0})
    assert found == {("a", "x"): ("6mx", 0.0)}
    assert lacking == {("b", "y"): "its cue has no mix"}


def test_the_mix_comes_before_old_mixes_and_fold_downs():
    mixes = [MixRow("a", name, role, 0.0) for name, role in
             (("1", "old mix"), ("2", "mix"), ("3", "fold-down"))]  # fmt: skip
    assert mixes_on_clock(mixes, {("a", "x"): 1.0})[0] == {("a", "x"): ("2", 1.0)}


def test_more_than_two_channels_are_folded_down_as_the_standard_says():
    # ITU-R BS.775: L + 0.7071 C + 0.7071 Ls; the LFE is left out.
    labels = ["L", "R", "C", "LFE", "Ls", "Rs"]
    impulses = np.eye(6, dtype="f4")
    left, right = folded(impulses, labels, 2)
    assert left == pytest.approx([1, 0, 0.7071, 0, 0.7071, 0], abs=1e-4)
    assert right == pytest.approx([0, 1, 0.7071, 0, 0, 0.7071], abs=1e-4)
    (mean,) = folded(impulses, labels, 1)
    assert mean == pytest.approx([1 / 6] * 6)


def test_a_file_that_changed_is_seen_though_its_header_is_kept(tmp_path):
    sf.write(tmp_path / "a.wav", noise(0), RATE, subtype="PCM_24")
    reader = ExcerptReader()

    def read(start):
        blocks = reader.blocks(tmp_path, described("a.wav"), start=start, n=RATE, sample_rate=RATE)
        return np.concatenate([block.copy() for _, block in blocks], axis=1)

    assert np.array_equal(read(1.0)[0], noise(0)[RATE : 2 * RATE, 0])
    sf.write(tmp_path / "a.wav", noise(0)[:RATE], RATE, subtype="PCM_24")
    with pytest.raises(AudioFileError, match="is not the file that was processed"):
        read(0.0)
