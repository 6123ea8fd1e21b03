"""The same samples have the same number, whatever they are written as."""

import numpy as np
import pytest
import soundfile as sf
import xxhash

from cue_pipeline.audio.content import bytes_content, content_again, file_contents
from cue_pipeline.audio.group_pass import BLOCK_SAMPLES
from cue_pipeline.audio.sound_rows import mel_feature_tables
from cue_pipeline.settings import MelSettings
from cue_pipeline_tests.audio.wave_files import cue_folder, inventory_of

MELS = {"default": MelSettings()}
N = BLOCK_SAMPLES + 12_345


def whole_numbers(seed=1, n=N):
    """16-bit samples, so that every form that is tried holds them exactly."""
    rng = np.random.default_rng(seed)
    return rng.integers(-30_000, 30_000, n).astype(np.int16)


def measured(root):
    """Return each stem's row, and the contents of its files."""
    inventory = inventory_of(root)
    rows = mel_feature_tables(cue_folder(root), inventory, MELS, threads=1)["audio_files"]
    return rows, file_contents(root, inventory.groups, rows["levels"])


def write(root, name, samples, subtype, **options):
    folder = root / "PT" / "Audio Files"
    folder.mkdir(parents=True, exist_ok=True)
    sf.write(folder / name, samples, 48_000, subtype=subtype, **options)
    return folder / name


@pytest.mark.parametrize(
    ("name", "subtype"),
    [("a.wav", "PCM_16"), ("a.wav", "PCM_24"), ("a.wav", "FLOAT"), ("a.flac", "PCM_16"),
     ("a.flac", "PCM_24"), ("a.aiff", "PCM_24"), ("a.caf", "PCM_32")],
)  # fmt: skip
def test_a_channels_content_is_the_xxh3_of_its_samples_in_any_container(tmp_path, name, subtype):
    samples = whole_numbers()
    write(tmp_path, name, samples, subtype)
    rows, _ = measured(tmp_path)
    said = rows["levels"][0]["channels"][0]["content_hash"]
    assert said == xxhash.xxh3_128((samples / 32_768).astype("<f4").tobytes()).hexdigest()


def test_a_stem_is_the_same_split_or_interleaved_and_another_with_one_other_sample(tmp_path):
    left, right = whole_numbers(1), whole_numbers(2)
    write(tmp_path / "split", "VLN.L.wav", left, "PCM_24")
    write(tmp_path / "split", "VLN.R.wav", right, "PCM_24")
    write(tmp_path / "one", "Strings.flac", np.stack((left, right), 1), "PCM_24")
    right[-1] += 1
    write(tmp_path / "other", "VLN.L.wav", left, "PCM_24")
    write(tmp_path / "other", "VLN.R.wav", right, "PCM_24")
    split, one, other = (
        measured(tmp_path / kind)[0]["content_hash"][0] for kind in ("split", "one", "other")
    )
    assert split == one != other


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_a_files_content_is_found_again_and_changes_with_any_byte(tmp_path, name):
    path = write(tmp_path, name, whole_numbers(), "PCM_24")
    _, contents = measured(tmp_path)
    file = f"PT/Audio Files/{name}"
    assert content_again(tmp_path, file, contents[file]) == contents[file]
    data = bytearray(path.read_bytes())
    for place in (len(data) // 2, len(data) - 1):
        changed = bytearray(data)
        changed[place] ^= 1
        path.write_bytes(changed)
        assert content_again(tmp_path, file, contents[file]) != contents[file]


def test_what_lies_around_the_samples_counts_too(tmp_path):
    """A title is in a chunk of its own; the samples are the same."""
    path = write(tmp_path, "a.wav", whole_numbers(), "PCM_24")
    _, before = measured(tmp_path)
    with sf.SoundFile(path, "r+") as sound:
        sound.title = "Another one"
    _, after = measured(tmp_path)
    (one,), (other,) = before.values(), after.values()
    assert one.partition(":")[2].partition(":")[2] == other.partition(":")[2].partition(":")[2]
    assert one != other


def test_a_file_that_is_cut_short_while_it_is_read_has_no_content(tmp_path, monkeypatch):
    path = write(tmp_path, "a.wav", whole_numbers(), "PCM_24")
    inventory = inventory_of(tmp_path)
    path.write_bytes(path.read_bytes()[:-3_000])
    rows = mel_feature_tables(cue_folder(tmp_path), inventory, MELS, threads=1)["audio_files"]
    assert rows["content_hash"][0] is None
    assert file_contents(tmp_path, inventory.groups, rows["levels"]) == {}


def test_bytes_are_hashed_as_they_lie(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(bytes(range(256)) * 10_000)
    assert bytes_content(path) == f"file:{xxhash.xxh3_128(path.read_bytes()).hexdigest()}"
