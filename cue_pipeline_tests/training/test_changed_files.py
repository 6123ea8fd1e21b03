"""Files that were replaced after a cue's rows were made are not exported under old labels."""

import os
import shutil

import numpy as np
import pytest
import soundfile as sf
import sqlalchemy as sa

import cue_pipeline as cp
from cue_pipeline.audio.content import bytes_content
from cue_pipeline.cue.file_hash import hash_of_file
from cue_pipeline.cue.folder import CueFolder
from cue_pipeline.cue.media import MediaFiles
from cue_pipeline.errors import ExportError, TrainingError
from cue_pipeline.library import graph, made_of
from cue_pipeline.library.file_contents import note_audio, note_midi
from cue_pipeline.library.made_of import CHANGED, NEVER_READ, NO_TIME, NOT_NOTED, compare_files
from cue_pipeline.training import Windows
from cue_pipeline.training.exports.formats import Request, format_named
from cue_pipeline.training.exports.manifest import read_manifest
from cue_pipeline.warehouse import tables as t
from cue_pipeline_tests.training.planted import RATE, PlantedCue, plant

pytestmark = pytest.mark.engines("sqlite")
CUES = (PlantedCue(), PlantedCue(key="Reel 1/1m02", seed=1))


@pytest.fixture
def planted(store, filled_url, tmp_path):
    """Two cues on the disk, whose rows and files are noted as a run notes them."""
    root = tmp_path / "cues"
    for cue in CUES:
        plant(store, root, cue)
        (root / cue.key / "MIDI").mkdir()
        (root / cue.key / "MIDI" / "cue.mid").write_bytes(b"MThd of a made-up file")
        note(store, root, cue.key)
    return store, filled_url, root


def listed(root, key):
    """Return a cue's folder as a scan would list it."""
    path = root / key

    def media(pattern):
        found = [(p.relative_to(path).as_posix(), p.stat()) for p in sorted(path.glob(pattern))]
        files = [(name, s.st_size, s.st_mtime_ns, s.st_ino) for name, s in found]
        return MediaFiles(tuple(files), (), ())

    midi, audio = media("MIDI/*.mid"), media("*.wav")
    return CueFolder(
        key, root, path, midi.paths, audio.paths, midi.fingerprint, audio.fingerprint,
        midi_files=midi.files, audio_files=audio.files,
    )  # fmt: skip


def note(store, root, key):
    """Note what files are there, and have the ledger know the rows by them."""
    folder = listed(root, key)
    note_midi(store, folder, {f[0]: hash_of_file(folder.path, f) for f in folder.midi_files})
    note_audio(store, folder, {p: bytes_content(folder.path / p) for p in folder.audio_paths})
    of_cue = sa.select(t.cues.c.id).where(t.cues.c.cue_key == key).scalar_subquery()
    with store.engine.begin() as connection:
        for asset in graph.GRAPH:
            connection.execute(
                sa.update(t.cue_assets)
                .where(t.cue_assets.c.cue_id == of_cue, t.cue_assets.c.asset == asset)
                .values(fingerprint=graph.fingerprint(asset, folder))
            )


def other_sound_of_equal_length(root, key=CUES[0].key, name="Stem 0.wav"):
    path = root / key / name
    sf.write(path, np.flip(sf.read(path, dtype="float32")[0]), RATE, subtype="FLOAT")
    return path


def compared(store, root=None, **options):
    return compare_files(store, [cue.key for cue in CUES], root, **options)


def export(url, root, out, form="slakh", **options):
    said = []
    request = Request(cp.open_library(url, root), out, "CC0-1.0", say=said.append, options=options)
    return format_named(form).write(request), said


def test_files_that_stayed_are_those_of_the_rows(planted):
    store, _, root = planted
    assert compared(store, root).changed == {}
    assert compared(store, root).unknown == {}


def test_other_sound_of_equal_length_is_a_change_whatever_its_date(planted):
    store, _, root = planted
    path = other_sound_of_equal_length(root)
    assert compared(store, root).changed == {CUES[0].key: "'Stem 0.wav'"}
    os.utime(path, ns=(1, 1))
    assert compared(store, root).changed == {CUES[0].key: "'Stem 0.wav'"}


@pytest.mark.parametrize("change", [lambda p: p.unlink(), lambda p: p.write_bytes(b"longer" * 9)])
def test_midi_that_went_or_grew_is_a_change(planted, change):
    store, _, root = planted
    change(root / CUES[1].key / "MIDI" / "cue.mid")
    assert compared(store, root).changed == {CUES[1].key: "'MIDI/cue.mid'"}


def test_a_copy_with_new_dates_holds_the_same(planted, tmp_path):
    store, _, root = planted
    copy = tmp_path / "copy"
    shutil.copytree(root, copy, copy_function=shutil.copyfile)  # dates are those of today
    assert compared(store, copy).changed == {}
    other_sound_of_equal_length(copy)
    assert compared(store, copy).changed == {CUES[0].key: "'Stem 0.wav'"}
    late = compared(store, copy, seconds=-1.0)
    assert late.changed == {}
    assert late.unknown == dict.fromkeys((cue.key for cue in CUES), NO_TIME)


def test_the_time_for_comparing_ends_within_a_cue(planted, tmp_path, monkeypatch):
    store, _, root = planted
    copy = tmp_path / "copy"
    shutil.copytree(root, copy, copy_function=shutil.copyfile)
    other_sound_of_equal_length(copy)
    clock = iter([0.0, 0.5])  # when it begins, and before the first file: the MIDI
    monkeypatch.setattr(made_of, "monotonic", lambda: next(clock, 2.0))
    late = compared(store, copy, seconds=1.0)
    assert late.changed == {}
    assert late.unknown == dict.fromkeys((cue.key for cue in CUES), NO_TIME)


def test_a_file_of_a_new_date_that_was_never_read_whole_is_a_doubt(store, filled_url, tmp_path):
    root, key = tmp_path / "cues", CUES[0].key
    plant(store, root, CUES[0])
    note(store, root, key)
    path = other_sound_of_equal_length(root)
    forget_hash(store, path.name)
    found = compare_files(store, [key], root)
    assert found.changed == {}
    assert found.unknown == {key: NEVER_READ}
    path.unlink()
    assert compare_files(store, [key], root).changed == {key: f"'{path.name}'"}


def forget_hash(store, path):
    """Have what is noted of one file be as if it was not read to its end."""
    with store.engine.begin() as connection:
        for row in connection.execute(sa.select(t.cue_contents)).all():
            files = [[*file[:4], None if file[0] == path else file[4]] for file in row.files]
            connection.execute(
                sa.update(t.cue_contents)
                .where(t.cue_contents.c.cue_id == row.cue_id, t.cue_contents.c.kind == row.kind)
                .values(files=files)
            )


def test_rows_of_different_states_of_the_files_are_told_without_the_disk(planted):
    store, _, root = planted
    other_sound_of_equal_length(root)
    note_audio(
        store, listed(root, CUES[0].key), {}
    )  # as a run does that then made a part of the rows only
    shutil.rmtree(root)
    assert list(compared(store).changed) == [CUES[0].key]


def test_rows_of_different_states_of_the_files_are_in_no_window_and_no_export(planted, tmp_path):
    store, url, root = planted
    other_sound_of_equal_length(root)
    note_audio(store, listed(root, CUES[0].key), {})
    why = "was made of other files than were last read of it"
    windows = Windows.open(url, seconds=2.0, fields=["mel", "roll"])
    assert {item.cue_key for item in windows.items} == {CUES[1].key}
    ((key, stem, reason),) = windows.left_out
    assert (key, stem) == (CUES[0].key, None)
    assert why in reason
    for form in ("pack", "slakh"):
        counts, _ = export(url, root, tmp_path / form, form)
        assert counts["cues"] == 1
        ((reason, keys),) = read_manifest(tmp_path / form)["description"]["left_out"].items()
        assert why in reason
        assert keys == [CUES[0].key]
    with pytest.raises(TrainingError, match=why):
        Windows.open(url, fields=["mel"], cues=[CUES[0].key])


def test_what_was_never_noted_is_a_doubt(store, filled_url, tmp_path):
    plant(store, tmp_path / "cues", CUES[0])
    assert compared(store).unknown == {CUES[0].key: NOT_NOTED}


@pytest.mark.parametrize("form", ["slakh", "webdataset", "pack"])
def test_exports_leave_a_changed_cue_out_and_say_so(planted, tmp_path, form):
    _, url, root = planted
    other_sound_of_equal_length(root)
    options = {"audio": RATE} if form == "pack" else {}
    counts, said = export(url, root, tmp_path / "set", form, **options)
    assert counts["cues"] == 1
    assert f"left out: {CUES[0].key}: {CHANGED}: 'Stem 0.wav'" in said
    assert f"1 {CHANGED}: `{CUES[0].key}`" in (tmp_path / "set/README.md").read_text()
    counts, said = export(url, root, tmp_path / "all", form, **options, include_changed=True)
    assert counts["cues"] == 2
    doubt = f"{CUES[0].key}: {CHANGED}: 'Stem 0.wav'"
    assert f"note: {doubt}" in said
    assert "## What is not known" in (tmp_path / "all/README.md").read_text()
    assert read_manifest(tmp_path / "all")["description"]["doubts"] == [doubt]


def test_an_export_of_changed_cues_alone_is_refused(planted, tmp_path):
    _, url, root = planted
    for cue in CUES:
        other_sound_of_equal_length(root, cue.key)
    with pytest.raises(ExportError, match="include-changed"):
        export(url, root, tmp_path / "set")


def test_windows_with_samples_have_none_of_a_changed_cue_and_warn(planted):
    _, url, root = planted
    other_sound_of_equal_length(root)
    asked = {"root": root, "seconds": 2.0, "fields": ["audio"]}
    with pytest.warns(UserWarning, match=f"Cue '{CUES[0].key}' has no windows: {CHANGED}"):
        windows = Windows.open(url, **asked)
    assert {item.cue_key for item in windows.items} == {CUES[1].key}
    assert windows.left_out == [(CUES[0].key, None, f"{CHANGED}: 'Stem 0.wav'")]
    with pytest.warns(UserWarning, match=CHANGED):
        taken = Windows.open(url, **asked, include_changed=True)
    assert {item.cue_key for item in taken.items} == {cue.key for cue in CUES}
    assert taken.doubts == [f"{CUES[0].key}: {CHANGED}: 'Stem 0.wav'"]
    of_mel = Windows.open(url, root=root, seconds=2.0, fields=["mel"])  # nothing is read of files
    assert {item.cue_key for item in of_mel.items} == {cue.key for cue in CUES}
    other_sound_of_equal_length(root, CUES[1].key)
    with pytest.raises(TrainingError, match=r"No cue of .* has the files"):
        Windows.open(url, **asked)
