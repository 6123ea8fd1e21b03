"""A data set has its name only when it is whole."""

import hashlib
import json

import pytest

from cue_pipeline.errors import ExportError
from cue_pipeline.training.exports.manifest import file_faults, read_manifest
from cue_pipeline.training.exports.unfinished import Unfinished


def written(out, files=(("a.bin", b"one"), ("deep/b.bin", b"two"))):
    export = Unfinished(out, {"seconds": 10})
    for name, data in files:
        (export.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (export.folder / name).write_bytes(data)
    return export


def test_nothing_has_the_final_name_before_the_end(tmp_path):
    export = written(tmp_path / "set")
    assert not (tmp_path / "set").exists()
    export.finish("pack", {})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["set"]


def test_the_manifest_has_the_sha256_of_every_file(tmp_path):
    written(tmp_path / "set").finish("pack", {"cues": 1})
    manifest = read_manifest(tmp_path / "set")
    assert manifest["format"] == "pack"
    assert manifest["files"] == {
        "a.bin": {"bytes": 3, "sha256": hashlib.sha256(b"one").hexdigest()},
        "deep/b.bin": {"bytes": 3, "sha256": hashlib.sha256(b"two").hexdigest()},
    }
    assert list(file_faults(tmp_path / "set", manifest)) == []


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda out: (out / "a.bin").unlink(), "a.bin: it is missing"),
        (lambda out: (out / "a.bin").write_bytes(b"on"), "a.bin: it has 2 bytes; 3"),
        (lambda out: (out / "a.bin").write_bytes(b"onE"), "a.bin: its bytes are not"),
        (lambda out: (out / "c.bin").write_bytes(b""), "c.bin: it was not written"),
    ],
)
def test_what_changed_since_is_told(tmp_path, damage, told):
    out = tmp_path / "set"
    written(out).finish("pack", {})
    damage(out)
    (fault,) = file_faults(out, read_manifest(out))
    assert fault.startswith(told)


def test_an_export_goes_on_where_it_was_only_if_told_so(tmp_path):
    written(tmp_path / "set").keep({"cues": 3})
    with pytest.raises(ExportError, match="--resume"):
        Unfinished(tmp_path / "set", {"seconds": 10})
    again = Unfinished(tmp_path / "set", {"seconds": 10}, resume=True)
    assert again.progress == {"cues": 3}
    assert (again.folder / "a.bin").read_bytes() == b"one"


def test_what_was_begun_with_other_settings_is_not_gone_on_with(tmp_path):
    written(tmp_path / "set").keep({})
    with pytest.raises(ExportError, match="another seconds"):
        Unfinished(tmp_path / "set", {"seconds": 5}, resume=True)


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "mine.txt").write_text("dear")
    with pytest.raises(ExportError, match="Nothing is overwritten"):
        Unfinished(tmp_path / "set", {})


def test_a_folder_without_a_manifest_is_no_data_set(tmp_path):
    with pytest.raises(ExportError, match=r"there is no manifest\.json"):
        read_manifest(tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps([1]))
    with pytest.raises(ExportError, match="cannot be read as a manifest"):
        read_manifest(tmp_path)


def test_an_export_that_was_killed_while_it_was_hashed_goes_on(tmp_path, monkeypatch):
    import cue_pipeline.training.exports.manifest as module

    export = written(tmp_path / "set")
    (export.folder / "rows.jsonl").write_text("{}")
    export.keep({"cues": 3})

    def killed(path):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(module, "sha256_of", killed)
        with pytest.raises(KeyboardInterrupt):
            export.finish("pack", {})
    (export.folder / "manifest.json.part").write_text("half")
    again = Unfinished(tmp_path / "set", {"seconds": 10}, resume=True)
    assert again.progress == {"cues": 3}
    assert (again.folder / "rows.jsonl").read_text() == "{}"
    again.finish("pack", {})
    assert set(read_manifest(tmp_path / "set")["files"]) == {"a.bin", "deep/b.bin"}
    assert not list(file_faults(tmp_path / "set", read_manifest(tmp_path / "set")))
