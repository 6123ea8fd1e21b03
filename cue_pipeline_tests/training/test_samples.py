"""Samples in windows: those of the files, stems and mix at one moment."""

import json
import os
import pickle
import shutil

import numpy as np
import pytest
import soundfile as sf
import soxr

import cue_pipeline as cp
import cue_pipeline.training.windows as of_packs
from cue_pipeline.audio.excerpt import ExcerptReader
from cue_pipeline.errors import AudioFileError, ExportError
from cue_pipeline.training import Windows
from cue_pipeline.training.exports.formats import Request
from cue_pipeline.training.exports.pack import PackFormat
from cue_pipeline.training.exports.unfinished import Unfinished
from cue_pipeline.training.samples import folded, mixes_on_clock
from cue_pipeline.training.windows import WindowsError
from cue_pipeline.training.windows.fields import OF_CUES
from cue_pipeline.warehouse.engine import create_engine
from cue_pipeline.warehouse.stem_index import MixRow
from cue_pipeline.warehouse.store import Store
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


SCORE = ["roll", "onset", "offset", "velocity", "cc", "beat", "complete", "inside",
         "labels_complete"]  # fmt: skip


@pytest.mark.engines("sqlite")
@pytest.mark.parametrize("offset", [0.0, 47 * 512 / RATE, 0.5])
def test_a_window_of_a_cue_has_the_score_of_its_stems_on_its_clock(library, store, offset):
    made = library(offsets=(0.0, offset))
    for asset in ("match_evidence", "llm_mappings"):
        replace(store, CUE, asset)
    seconds = 8.0  # longer than the cue
    cues = opened(made, of="cue", max_stems=3, fields=SCORE, seconds=seconds, hop=seconds)
    (window,) = cues
    assert window["roll"].shape == (3, 750, 128)
    heard = cp.open_library(*made)[CUE.key].heard_notes()
    per_second, n_frames = RATE / 512, CUE.n_frames
    for place, later in ((0, 0.0), (1, offset)):
        own = heard[heard["stem"] == f"Stem {place}"]
        begin = round(later * per_second)
        frames = np.floor((own["heard_start"] + later) * per_second + 0.5).astype(int)
        expected = {
            (f, p)
            for f, p in zip(frames, own["note"], strict=True)
            if begin <= f < begin + n_frames
        }
        assert expected
        assert set(map(tuple, np.argwhere(window["onset"][place]).tolist())) == expected
        inside = np.flatnonzero(window["inside"][place])
        assert (inside[0], inside[-1]) == (begin, begin + n_frames - 1)
        assert np.array_equal(window["complete"][place], window["inside"][place])
    assert window["labels_complete"].tolist() == [True, True, False]
    # A place without a stem: nothing sounds, no controller was sent, and nothing is known.
    assert not any(window[name][2].any() for name in SCORE if name not in ("cc", "labels_complete"))
    assert (window["cc"][2] == -1).all()


@pytest.mark.engines("sqlite")
def test_where_frames_coincide_a_cue_has_what_windows_of_its_stems_have(library, store):
    later = 47
    made = library(offsets=(0.0, later * 512 / RATE))
    for asset in ("match_evidence", "llm_mappings"):
        replace(store, CUE, asset)
    cues = opened(made, of="cue", fields=SCORE, seconds=1.0, hop=1.0)
    stems = opened(made, fields=SCORE, seconds=8.0, hop=8.0)
    whole = {stems.where(i).stem: stems[i] for i in range(len(stems))}
    for i in range(len(cues)):
        first = cues.where(i).first
        for place, begin in ((0, 0), (1, later)):
            for name in SCORE[:-1]:
                of_stem = whole[f"Stem {place}"][name]
                blank = np.full_like(of_stem[:1], -1 if name == "cc" else 0)
                before = np.repeat(blank, begin, axis=0)
                after = np.repeat(blank, 1_000, axis=0)
                there = of_stem[: CUE.n_frames]
                on_clock = np.concatenate([before, there, after])
                assert np.array_equal(cues[i][name][place], on_clock[first : first + 94]), name


@pytest.mark.engines("sqlite")
def test_windows_of_cues_without_a_note_are_weighed_by_all_stems(library, store):
    made = library(offsets=(0.0, 0.5))
    for asset in ("match_evidence", "llm_mappings"):
        replace(store, CUE, asset)
    cues = opened(made, of="cue", fields=["roll"], seconds=0.5, hop=0.25, empty=0.0)
    sounding = [i for i in range(len(cues)) if cues[i]["roll"].any()]
    assert 0 < len(sounding) < len(cues)
    drawn = [i for batch in cues.batches(4) for i in batch["window"].tolist()]
    assert sorted(drawn) == sounding


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
    with pytest.raises(WindowsError, match="No field 'mel': fields are roll, onset"):
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


def packed(made, out, **options):
    url, root = made
    request = Request(cp.open_library(url, root), out, "CC0-1.0", options=options)
    for asset in ("match_evidence", "llm_mappings"):  # what labels are made of
        replace(Store(create_engine(url)), CUE, asset)
    PackFormat().write(request)
    return out


@pytest.mark.engines("sqlite")
@pytest.mark.parametrize("channels", [1, 2])
def test_a_pack_with_audio_has_the_samples_of_the_files_bit_for_bit(library, tmp_path, channels):
    made = library()
    out = packed(made, tmp_path / "pack", audio=RATE, audio_channels=channels)
    asked = {"seconds": 2.0, "hop": 0.7, "fields": ["mel", "audio", "mix"]}
    tables = opened(made, channels=channels, sample_rate=RATE, **asked)
    pack = Windows.open(out, **asked)
    assert len(pack) == len(tables) > 10
    for of_pack, of_tables in zip(pack, tables, strict=True):
        for field in asked["fields"]:
            assert np.array_equal(of_pack[field], of_tables[field])
        assert of_pack["audio"].any()
    assert not PackFormat().faults(out, cp.open_library(*made))
    with (out / "audio.f4").open("r+b") as file:
        file.write(b"\1")
    (fault,) = PackFormat().faults(out, cp.open_library(*made))
    assert "its samples are others" in fault


@pytest.mark.engines("sqlite")
def test_a_pack_whose_sound_cannot_be_read_any_more_is_told_so(library, tmp_path):
    made = library()
    out = packed(made, tmp_path / "pack", audio=RATE)
    (tmp_path / CUE.key / "0.wav").unlink()
    (tmp_path / CUE.key / "mix.wav").unlink()
    stem, mix = PackFormat().faults(out, cp.open_library(*made))
    assert stem.startswith(f"stem 'Stem 0' of cue '{CUE.key}': its sound cannot be read: ")
    assert "0.wav" in stem
    assert mix.startswith(f"cue '{CUE.key}': its mix cannot be read: ")
    assert "mix.wav" in mix
    shutil.rmtree(tmp_path / CUE.key)
    assert len(PackFormat().faults(out, cp.open_library(*made))) == 3


@pytest.mark.engines("sqlite")
def test_the_mix_of_a_pack_is_held_against_the_files_and_where_it_starts_against_the_tables(
    library, tmp_path
):
    made = library()
    out = packed(made, tmp_path / "pack", audio=RATE)
    with (out / "mix.f4").open("r+b") as file:
        file.seek(-4, os.SEEK_END)
        file.write(b"\1")
    index = json.loads((out / "index.json").read_text())
    assert index["samples"]["mix_later"] == [-0.25, 0.25]
    index["samples"]["mix_later"][1] = 0.0
    (out / "index.json").write_text(json.dumps(index))
    assert PackFormat().faults(out, cp.open_library(*made)) == [
        f"stem 'Stem 1' of cue '{CUE.key}': its mix starts elsewhere beside it in the tables.",
        f"cue '{CUE.key}': the samples of its mix are others in its files.",
    ]


@pytest.mark.engines("sqlite")
def test_a_mix_that_came_since_is_not_in_the_pack_and_one_that_was_left_out_is_no_fault(
    library, tmp_path
):
    made = library()
    file, aside = tmp_path / CUE.key / "mix.wav", tmp_path / "aside.wav"
    file.rename(aside)
    out = packed(made, tmp_path / "pack", audio=RATE)
    library_now = cp.open_library(*made)
    assert PackFormat().faults(out, library_now) == []
    aside.rename(file)
    assert PackFormat().faults(out, library_now) == []  # the pack says that it has it not
    manifest = json.loads((out / "manifest.json").read_text())
    manifest["description"]["left_out"] = {}
    (out / "manifest.json").write_text(json.dumps(manifest))
    assert PackFormat().faults(out, library_now) == [
        f"cue '{CUE.key}': its mix '6mx' is in the files and not in the pack."
    ]


@pytest.mark.engines("sqlite")
def test_only_a_pack_of_stereo_that_other_gains_began_is_not_gone_on_with(
    library, tmp_path, monkeypatch
):
    made = library()

    def begun_by_other_gains(channels):
        out = tmp_path / f"{channels}"
        with monkeypatch.context() as before:
            before.setattr("cue_pipeline.training.exports.pack.GAINS_VERSION", 1)
            before.setattr(Unfinished, "finish", lambda *_: None)
            packed(made, out, audio=RATE, audio_channels=channels)
        return Request(cp.open_library(*made), out, "CC0-1.0", resume=True,
                       options={"audio": RATE, "audio_channels": channels})  # fmt: skip

    with pytest.raises(ExportError, match="begun with another stereo_gains than"):
        PackFormat().write(begun_by_other_gains(2))
    PackFormat().write(begun_by_other_gains(1))


@pytest.mark.engines("sqlite")
def test_a_pack_has_its_samples_at_one_rate(library, tmp_path):
    made = library()
    out = packed(made, tmp_path / "pack", audio=22_050)
    windows = Windows.open(out, seconds=2.0, hop=2.0, fields=["audio"])
    peer = soxr.resample(noise(0)[:, 0], RATE, 22_050, quality="HQ")[: 2 * 22_050]
    assert np.abs(windows[0]["audio"][0] - peer).max() < 2e-5
    with pytest.raises(WindowsError, match=r"sample_rate=22050, channels=1"):
        Windows.open(out, seconds=2.0, fields=["audio"], sample_rate=RATE)[0]
    with pytest.raises(WindowsError, match="channels=1"):
        Windows.open(out, seconds=2.0, fields=["audio"], channels=2)[0]


@pytest.mark.engines("sqlite")
def test_stems_of_a_pack_beside_which_no_mix_is_known_are_left_out_of_windows_with_it(
    library, tmp_path
):
    made = library(offsets=(0.0, None))
    out = packed(made, tmp_path / "pack", audio=RATE)
    assert {item.stem for item in Windows.open(out, fields=["audio"]).items} == {"Stem 0", "Stem 1"}
    windows = Windows.open(out, fields=["mix"])
    assert {item.stem for item in windows.items} == {"Stem 0"}
    elsewhere = pickle.loads(pickle.dumps(windows))  # as a loader hands it to its workers
    assert np.array_equal(elsewhere[0]["mix"], windows[0]["mix"])
    assert [(key, stem) for key, stem, _ in windows.left_out] == [(CUE.key, "Stem 1")]


STARTS = [
    ((0.0, 0.5), 0.25),  # between the frames of the cue
    ((0.3137, 0.0), 0.1),
    ((0.0, 47 * 512 / RATE), 0.0),  # on a frame
    ((3.0, None), 3.0),  # nothing tells where the second one starts
    ((None, None), None),  # consolidated files
]


@pytest.mark.engines("sqlite")
@pytest.mark.parametrize(("offsets", "mix"), STARTS)
@pytest.mark.parametrize("asked", [{"max_stems": 3, "channels": 2}, {"max_stems": 1}])
def test_windows_of_cues_are_the_same_from_a_pack_bit_for_bit(
    library, tmp_path, offsets, mix, asked
):
    made = library(offsets, mix)
    out = packed(made, tmp_path / "pack", audio=RATE, audio_channels=asked.get("channels", 1))
    asked = {**asked, "of": "cue", "seconds": 2.0, "hop": 1.3, "fields": list(OF_CUES)}
    tables = opened(made, **asked)
    pack = pickle.loads(pickle.dumps(Windows.open(out, **asked)))
    small = of_packs.Windows.open(out, **asked)  # as the small wheel has it
    assert len(pack) == len(small) == len(tables) >= 4
    assert pack.left_out == small.left_out
    assert [left[:2] for left in pack.left_out] == [left[:2] for left in tables.left_out]
    for i in range(len(tables)):
        assert pack.where(i) == tables.where(i)
        for name, array in tables[i].items():
            assert array.tobytes() == pack[i][name].tobytes() == small[i][name].tobytes(), name
    assert any(window["roll"].any() and window["mix"].any() for window in pack)
    assert PackFormat().faults(out, cp.open_library(*made)) == []
    assert PackFormat().notes(out) == []


@pytest.mark.engines("sqlite")
def test_labels_of_a_pack_on_the_clock_of_cues_are_held_against_the_tables(library, tmp_path):
    made = library()
    out = packed(made, tmp_path / "pack")
    complete = np.fromfile(out / "cue/complete.b1", bool)
    assert len(complete) == CUE.n_frames  # of the stem that begins between frames, and no other
    (~complete).tofile(out / "cue/complete.b1")
    (fault,) = PackFormat().faults(out, cp.open_library(*made))
    assert fault.startswith(f"stem 'Stem 1' of cue '{CUE.key}': its labels on the clock of its cue")
    (out / "cue/complete.b1").unlink()
    (fault,) = PackFormat().faults(out, None)
    assert "cue/complete.b1' is missing" in fault


@pytest.mark.engines("sqlite")
def test_a_pack_of_before_says_what_windows_of_cues_lack_and_what_to_do(library, tmp_path):
    made = library()
    out = packed(made, tmp_path / "pack", audio=RATE)
    index = json.loads((out / "index.json").read_text())
    del index["on_cue"], index["features"]
    (out / "index.json").write_text(json.dumps(index))
    shutil.rmtree(out / "cue")
    assert PackFormat().faults(out, cp.open_library(*made)) == []
    (note,) = PackFormat().notes(out)
    assert "export it anew" in note
    fields = ["audio", "mix", "stems", "inside"]
    asked = {"of": "cue", "max_stems": 2, "seconds": 2.0}
    window = Windows.open(out, fields=fields, **asked)[0]
    assert all(window[field].any() for field in fields)
    with pytest.raises(WindowsError, match=r"no labels on the clock of cues.*Export it anew"):
        Windows.open(out, fields=["roll"], **asked)[0]


@pytest.mark.engines("sqlite")
def test_the_clock_of_a_cue_is_that_of_all_its_stems_however_many_a_window_has(library):
    made = library(offsets=(0.5, 0.0))
    both, first = (opened(made, of="cue", max_stems=n, fields=["audio", "mix"])[0] for n in (2, 1))
    assert np.array_equal(first["audio"][0], both["audio"][0])
    assert np.array_equal(first["mix"], both["mix"])


def test_as_many_resampled_samples_come_as_there_are_wherever_they_begin(tmp_path):
    sf.write(tmp_path / "a.wav", noise(0), RATE, subtype="PCM_24")
    reader, rate = ExcerptReader(), RATE // 2
    for start in range(6):  # every other one half a sample after one of the result
        for n in (8, 9):
            asked = {"start": start / RATE, "n": n, "sample_rate": rate}
            ((at, block),) = reader.blocks(tmp_path, described("a.wav"), **asked)
            assert (at, block.shape) == (0, (1, n))


@pytest.mark.engines("sqlite")
def test_a_cue_without_its_sound_is_left_out_of_a_pack_with_audio(library, tmp_path):
    made = library()
    (tmp_path / CUE.key / "0.wav").unlink()
    with pytest.raises(ExportError, match="No cue could be read"):
        packed(made, tmp_path / "pack", audio=RATE)
    assert packed(made, tmp_path / "without").is_dir()


@pytest.mark.engines("sqlite")
def test_a_cue_whose_sound_is_damaged_further_on_is_left_out_of_a_pack_with_audio(
    library, store, tmp_path
):
    made = library()
    path = tmp_path / CUE.key / "0.flac"
    sf.write(path, noise(0), RATE, format="FLAC", subtype="PCM_24")
    content = bytearray(path.read_bytes())
    content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    path.write_bytes(content)
    stems = CUE.value("channel_groups")["audio_files"].assign(
        channels=[described("0.flac"), described("1.wav", 2)], warnings=[["damaged"], []]
    )
    replace(store, CUE, "channel_groups", audio_files=stems)
    replace(store, CUE, "mel_features")
    with pytest.raises(ExportError, match="No cue could be read"):
        packed(made, tmp_path / "pack", audio=RATE)
    assert not (tmp_path / "pack.unfinished").exists()
