"""A pack: written whole or not at all, gone on with after a kill, verified, read without us."""

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import cue_pipeline.training.windows as of_packs
from cue_pipeline.cli.commands import cli
from cue_pipeline.errors import ExportError
from cue_pipeline.reading import open_library
from cue_pipeline.training import Windows
from cue_pipeline.training.exports.formats import format_named
from cue_pipeline.training.exports.manifest import read_manifest, sha256_of
from cue_pipeline.training.exports.pack import PackFormat
from cue_pipeline.training.exports.unfinished import Unfinished
from cue_pipeline.training.tables_source import TablesSource
from cue_pipeline.training.windows import WindowsError
from cue_pipeline.warehouse.split_rows import SplitRow, write_splits
from cue_pipeline_tests.training.stored_chroma import store_chroma
from cue_pipeline_tests.warehouse.synthetic import SyntheticCue, load, replace
from cue_pipeline_tests.workspace import clean_environment

CUES = [SyntheticCue(key=f"Reel 1/1m{i:02d}", n_frames=900, seed=i) for i in range(3)]
ROOT = Path(__file__).parents[2]
EVERY = ["mel", "roll", "onset", "offset", "velocity", "cc", "beat", "complete", "inside",
         "category", "labels_complete"]  # fmt: skip
pytestmark = pytest.mark.engines("sqlite")


@pytest.fixture
def filled(store, filled_url):
    for cue in CUES:
        load(store, cue)
    return filled_url


def put_in_splits(store, placed):
    """Put cues into splits."""
    write_splits(
        store.engine,
        [
            SplitRow(key, split, i, False, None, None, {}, "ada", datetime.now(UTC))
            for i, (key, split) in enumerate(placed)
        ],
    )


def start_apart(store):
    """Have chroma of all stems, of which some begin between two frames of their cue's clock."""
    for i, cue in enumerate(CUES):
        starts = [0.0, 0.1 * i]
        files = cue.value("channel_groups")["audio_files"].assign(start_offset_seconds=starts)
        replace(store, cue, "channel_groups", audio_files=files)
        for asset in ("mel_features", "final_mix_features", "match_evidence", "llm_mappings"):
            replace(store, cue, asset)
        store_chroma(store, cue=cue)


def contents(folder):
    """Return its files but those that bear its name."""
    named = {"manifest.json", "README.md", "croissant.json"}
    paths = [path for path in folder.rglob("*") if path.is_file() and path.name not in named]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_a_pack_has_cards_for_people_and_programs(filled, tmp_path, exported):
    out = exported(filled, tmp_path / "pack")
    card = (out / "README.md").read_text()
    assert "Licence: CC0-1.0" in card
    assert "## Sound by category" in card
    import mlcroissant

    issues = mlcroissant.Dataset(str(out / "croissant.json")).metadata.ctx.issues
    assert not issues.errors
    assert not issues.warnings


@pytest.mark.parametrize("features", [(), ("chroma",)])
def test_a_pack_is_the_same_after_a_kill_in_the_middle(
    store, filled, tmp_path, exported, monkeypatch, features
):
    if features:
        start_apart(store)
    asked = {"options": {"features": features}}
    whole = contents(exported(filled, tmp_path / "whole", **asked))
    assert ("cue/onsets.i4" in whole) is ("feature.chroma.f2" in whole) is bool(features)
    monkeypatch.setattr("cue_pipeline.training.exports.pack._KEEP_SECONDS", 0.0)
    read = TablesSource.labels
    killed = []

    def dying(self, item):
        if item == 5 and not killed:
            killed.append(item)
            raise KeyboardInterrupt
        return read(self, item)

    monkeypatch.setattr(TablesSource, "labels", dying)
    with pytest.raises(KeyboardInterrupt):
        exported(filled, tmp_path / "pack", **asked)
    assert not (tmp_path / "pack").exists()
    left = tmp_path / "pack.unfinished"
    for name in {"mel.f2", "cue/onsets.i4", "feature.chroma.f2"} & whole.keys():
        (left / name).write_bytes((left / name).read_bytes() + b"half a frame")
    assert contents(exported(filled, tmp_path / "pack", resume=True, **asked)) == whole
    assert not left.exists()


def test_a_library_that_has_changed_is_not_gone_on_with(
    store, filled, tmp_path, monkeypatch, exported
):
    monkeypatch.setattr(Unfinished, "finish", lambda *_: None)
    exported(filled, tmp_path / "pack")
    replace(store, CUES[1], "llm_mappings")
    with pytest.raises(ExportError, match="begun with another state of the library"):
        exported(filled, tmp_path / "pack", resume=True)


def test_a_pack_agrees_with_the_tables_until_they_are_made_again(store, filled, tmp_path, exported):
    out, library = exported(filled, tmp_path / "pack"), open_library(filled)
    assert PackFormat().faults(out, library) == []
    another = SyntheticCue(key=CUES[1].key, n_frames=900, seed=9)
    replace(store, another, "mel_features")
    found = PackFormat().faults(out, library)
    assert len(found) == 2
    assert all("its mel is another in the tables" in fault for fault in found)


@pytest.mark.parametrize("seconds", [0.5, 2.0, 10.0])  # stems last 9.6 s
@pytest.mark.parametrize("hop", [None, 5.0, 30.0])
def test_a_pack_has_the_windows_of_the_tables_whatever_their_length_and_hop(
    filled, tmp_path, exported, seconds, hop
):
    asked = {"seconds": seconds, "hop": hop, "fields": EVERY}
    tables = Windows.open(filled, **asked)
    packed = Windows.open(exported(filled, tmp_path / "pack"), **asked)
    small = of_packs.Windows.open(tmp_path / "pack", **asked)  # as the small wheel has it
    assert len(tables) == len(packed) == len(small) >= 6
    for i in range(len(tables)):
        assert tables.where(i) == packed.where(i) == small.where(i)
        assert tables.where(i).start < 900 * 512 / 48_000
        for name, array in tables[i].items():
            assert array.tobytes() == packed[i][name].tobytes() == small[i][name].tobytes(), name


@pytest.mark.parametrize("split", [None, "train"])
def test_every_format_takes_the_same_cues_and_says_the_same_of_their_data(
    store, filled, tmp_path, exported, split
):
    store_chroma(store, cue=CUES[1])  # chosen once, and by one cue alone
    placed = [(CUES[0].key, "train"), (CUES[1].key, "train"), (CUES[2].key, "test")]
    put_in_splits(store, placed[: 2 if split is None else 3])
    told = []
    for form in ("pack", "parquet"):
        out = exported(filled, tmp_path / form, form, split=split)
        said = read_manifest(out)["description"]
        told.append((said["data"], said["code_versions"], said["left_out"], said["counts"]["cues"]))
        assert format_named(form).faults(out, open_library(filled)) == []
    assert told[0] == told[1]
    _, versions, left_out, n = told[0]
    assert n == 2
    (why,) = left_out
    assert left_out[why] == [CUES[2].key]
    assert "chroma_features" not in versions


def test_a_cue_of_a_pack_that_would_not_be_exported_now_is_told_with_the_reason(
    store, filled, tmp_path, exported
):
    out = exported(filled, tmp_path / "pack")
    put_in_splits(store, [(cue.key, "train") for cue in CUES[1:]])
    found = PackFormat().faults(out, open_library(filled))
    assert len(found) == 2
    assert all(
        f"of cue '{CUES[0].key}': it would not be exported now: no split" in f for f in found
    )


def test_the_commands_write_features_and_note_what_an_earlier_pack_lacks(
    store, filled, tmp_path, monkeypatch
):
    start_apart(store)
    clean_environment(monkeypatch)
    monkeypatch.chdir(tmp_path)

    def run(*command):
        done = CliRunner().invoke(cli, ["export", *command, "--database-url", filled])
        assert done.exit_code == 0, done.output
        return done.output

    run("pack", "OUT", "--license", "CC0-1.0", "--features", "chroma")
    assert Windows.open("OUT", fields=["feature.chroma"])[0]["feature.chroma"].shape[1] == 12
    assert "note:" not in run("verify", "OUT", "--against-tables")
    out = tmp_path / "OUT"
    index, manifest = (json.loads((out / f"{n}.json").read_text()) for n in ("index", "manifest"))
    del index["on_cue"]
    (out / "index.json").write_text(json.dumps(index))
    shutil.rmtree(out / "cue")
    kept = {name: of for name, of in manifest["files"].items() if not name.startswith("cue/")}
    kept["index.json"] = {
        "bytes": (out / "index.json").stat().st_size,
        "sha256": sha256_of(out / "index.json"),
    }
    (out / "manifest.json").write_text(json.dumps({**manifest, "files": kept}))
    said = run("verify", "OUT", "--against-tables")
    assert "note: it was exported by a version that kept no labels on the clock of cues" in said
    assert "export it anew" in said


def test_cells_that_are_no_cells_are_a_fault(filled, tmp_path, exported):
    out = exported(filled, tmp_path / "pack")
    onsets = np.fromfile(out / "onsets.i4", "<i4")
    onsets[:2] = onsets[1::-1]
    onsets.tofile(out / "onsets.i4")
    (fault,) = PackFormat().faults(out, None)
    assert fault.startswith("onsets of stem 'Stem 0'")


def test_a_file_that_is_cut_short_is_told_when_the_pack_is_opened(filled, tmp_path, exported):
    out = exported(filled, tmp_path / "pack")
    (out / "mel.f2").write_bytes((out / "mel.f2").read_bytes()[:-1])
    with pytest.raises(WindowsError, match=r"mel\.f2' has .* by index\.json it has"):
        Windows.open(out)


def test_a_pack_of_another_version_is_refused(filled, tmp_path, exported):
    out = exported(filled, tmp_path / "pack")
    index = json.loads((out / "index.json").read_text())
    (out / "index.json").write_text(json.dumps({**index, "version": 99}))
    with pytest.raises(WindowsError, match="of version 99"):
        Windows.open(out)


def test_a_pack_says_which_splits_it_has(filled, tmp_path, exported):
    with pytest.raises(WindowsError, match="it was exported without splits"):
        Windows.open(exported(filled, tmp_path / "pack"), split="train")


def test_a_pack_without_audio_has_no_samples(filled, tmp_path, exported):
    windows = Windows.open(exported(filled, tmp_path / "pack"), fields=["audio"])
    with pytest.raises(WindowsError, match="holds no samples"):
        windows[0]


@pytest.mark.slow
def test_the_small_wheel_opens_a_pack(filled, tmp_path, exported):
    out = exported(filled, tmp_path / "pack")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    package = ROOT / "packages" / "cue-pipeline-pack"
    install = ["install", "--quiet", "--no-deps", "--target", str(tmp_path / "site"), str(package)]
    subprocess.run([*pip, *install], check=True)
    code = f"import cue_pipeline_pack as p; print(len(p.Windows.open({str(out)!r}, seconds=2.0)))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path / "site",
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) == len(Windows.open(out, seconds=2.0))


def test_what_reads_a_pack_imports_numpy_only(filled, tmp_path, exported):
    out = exported(filled, tmp_path / "pack")
    # The folder as the small wheel has it: a package of another name, that stands alone.
    there = tmp_path / "site" / "cue_pipeline_pack"
    there.parent.mkdir()
    there.symlink_to(Path(of_packs.__file__).parent)
    code = (
        f"import sys; sys.path.insert(0, {str(there.parent)!r})\n"
        "import cue_pipeline_pack\n"
        f"windows = cue_pipeline_pack.Windows.open({str(out)!r}, seconds=4.0, hop=2.0)\n"
        "print(sum(b['mel'].astype('f8').sum() for b in windows.batches(4, seed=1)))\n"
        "heavy = {'pandas', 'sqlalchemy', 'dagster', 'torch', 'scipy', 'pydantic'}\n"
        "print(sorted({m.split('.')[0] for m in sys.modules} & heavy))\n"
        "ours = {m for m in sys.modules if m.startswith('cue_pipeline.')}\n"
        "print(sorted(ours - {'cue_pipeline.errors'}))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    total, foreign, own = done.stdout.splitlines()
    own_windows = Windows.open(out, seconds=4.0, hop=2.0)
    expected = sum(b["mel"].astype("f8").sum() for b in own_windows.batches(4, seed=1))
    assert float(total) == pytest.approx(expected)
    assert (foreign, own) == ("[]", "[]")
