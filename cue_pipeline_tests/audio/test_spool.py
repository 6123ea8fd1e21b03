"""Spectrograms' temporary file: what is written comes back, and a full disk is told as that."""

import multiprocessing
import resource
import tempfile

import pytest

from cue_pipeline.audio.spool import Spool
from cue_pipeline.errors import ScratchError


def test_what_is_written_comes_back():
    spool = Spool()
    offsets = [spool.write(bytes([k]) * (k + 1)) for k in range(50)]
    assert [spool.read(offset, k + 1) for k, offset in enumerate(offsets)] == [
        bytes([k]) * (k + 1) for k in range(50)
    ]


def _fill(connection) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_500_000, 2_500_000))  # as a disk that is full
    spool = Spool()
    try:
        for _ in range(10):
            spool.write(bytes(1_000_000))
    except ScratchError as e:
        connection.send(str(e))


def test_a_disk_that_is_full_is_told_with_its_place_and_the_cure():
    ours, theirs = multiprocessing.Pipe()
    filling = multiprocessing.get_context("fork").Process(target=_fill, args=(theirs,))
    filling.start()
    assert ours.poll(30)
    said = ours.recv()
    filling.join()
    assert f"in '{tempfile.gettempdir()}' after 2 MB (File too large;" in said
    assert "MB are free there). Make room there, or set TMPDIR" in said


def test_a_folder_for_temporary_files_that_is_not_there_is_told(monkeypatch):
    def nowhere() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found in ['/gone']")

    monkeypatch.setenv("TMPDIR", "/gone")
    monkeypatch.setattr(tempfile, "gettempdir", nowhere)
    with pytest.raises(ScratchError, match=r"in '/gone' .* set TMPDIR"):
        Spool()
