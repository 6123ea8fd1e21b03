"""Files that grow by a thread of their own have all bytes, in order, with their digests."""

import hashlib
import resource

import numpy as np
import pytest

from cue_pipeline.errors import ExportError
from cue_pipeline.training.exports.growing import GrowingFiles


def appended(folder, sizes, blocks, notes=None):
    with GrowingFiles(folder, sizes) as files:
        for name, block in blocks:
            files.append(name, memoryview(block))
        files.keep((notes if notes is not None else []).append)
    return files.digests()


def test_every_file_has_its_blocks_in_order_and_their_sha256(tmp_path):
    random = np.random.default_rng(1)
    blocks = [("ab"[i % 2], random.bytes(int(random.integers(0, 9_000)))) for i in range(200)]
    notes = []
    digests = appended(tmp_path, {"a": 0, "b": 0}, blocks, notes)
    for name in "ab":
        content = b"".join(block for of, block in blocks if of == name)
        assert (tmp_path / name).read_bytes() == content
        assert digests[name] == hashlib.sha256(content).hexdigest()
        assert notes == [{"a": (tmp_path / "a").stat().st_size,
                          "b": (tmp_path / "b").stat().st_size}]  # fmt: skip


def test_what_was_written_after_the_note_goes_and_the_digest_is_of_the_rest(tmp_path):
    (tmp_path / "a").write_bytes(b"noted" + b"half")
    digests = appended(tmp_path, {"a": 5}, [("a", b" and more")])
    assert (tmp_path / "a").read_bytes() == b"noted and more"
    assert digests == {"a": hashlib.sha256(b"noted and more").hexdigest()}


def test_a_file_that_is_shorter_than_was_noted_is_refused(tmp_path):
    (tmp_path / "a").write_bytes(b"not")
    with pytest.raises(ExportError, match="has 3 bytes, fewer than the 5"):
        GrowingFiles(tmp_path, {"a": 5})


def test_a_disk_that_takes_no_more_is_told_and_stops_the_export(tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    noted = []
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, before[1]))  # writes fail beyond it
    try:
        with pytest.raises(ExportError, match="cannot be written: File too large"):
            appended(tmp_path, {"a": 0}, [("a", bytes(1 << 18))] * 100, noted)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert noted == []
    assert (tmp_path / "a").stat().st_size <= 1 << 20


def test_an_error_of_who_appends_is_not_hidden(tmp_path):
    with pytest.raises(KeyError, match="mine"), GrowingFiles(tmp_path, {"a": 0}):
        raise KeyError("mine")
