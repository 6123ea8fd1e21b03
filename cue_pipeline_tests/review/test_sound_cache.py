"""Pieces of sound on disk: whole or not at all, as many as there is room for, used by several."""

import logging
import os
import shutil
from pathlib import Path

import pytest

from cue_pipeline.review.sound_cache import SoundCache

MB = bytes(1_000_000)


def test_what_was_used_longest_ago_goes_first(tmp_path):
    cache = SoundCache(tmp_path, 5_000_000)
    for at, name in enumerate("abcde"):
        cache.put(name, MB)
        os.utime(tmp_path / name, (at, at))
    assert cache.get("a", len(MB)) == MB  # used now
    cache.put("f", MB)
    left = {path.name for path in tmp_path.iterdir()}
    assert "a" in left
    assert "f" in left
    assert "b" not in left
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 5_000_000


def test_two_servers_share_a_folder_and_its_limit(tmp_path):
    one, other = SoundCache(tmp_path, 5_000_000), SoundCache(tmp_path, 5_000_000)
    for number in range(20):
        (one if number % 2 else other).put(str(number), MB)
        assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 6_000_000
    assert other.get("19", len(MB)) == MB
    assert one.get("0", len(MB)) is None


def test_a_half_file_is_not_taken(tmp_path):
    cache = SoundCache(tmp_path, 5_000_000)
    cache.put("a", MB)
    (tmp_path / "a").write_bytes(MB[:-1])  # as after a crash of the machine
    assert cache.get("a", len(MB)) is None
    cache.put("a", MB)
    assert cache.get("a", len(MB)) == MB


def test_what_a_server_left_unfinished_is_removed_once_it_is_old(tmp_path):
    (tmp_path / "unfinished-old").write_bytes(MB)
    os.utime(tmp_path / "unfinished-old", (1, 1))
    (tmp_path / "unfinished-now").write_bytes(MB)
    SoundCache(tmp_path, 5_000_000).put("a", MB)
    assert {path.name for path in tmp_path.iterdir()} == {"unfinished-now", "a"}


def test_a_folder_that_cannot_be_written_is_told_once_and_stops_nothing(tmp_path, caplog):
    (tmp_path / "file").write_bytes(b"")
    cache = SoundCache(tmp_path / "file" / "below", 5_000_000)
    with caplog.at_level(logging.WARNING):
        cache.put("a", MB)
        cache.put("b", MB)
    assert cache.get("a", len(MB)) is None
    assert len(caplog.records) == 1
    assert "XDG_CACHE_HOME" in caplog.text


def test_a_folder_that_is_removed_while_a_piece_is_kept_stops_nothing(tmp_path, monkeypatch):
    cache = SoundCache(tmp_path / "kept", 5_000_000)
    replace = Path.replace

    def and_somebody_clears_the_cache(self, target):
        replace(self, target)
        shutil.rmtree(tmp_path / "kept")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", and_somebody_clears_the_cache)
        cache.put("a", MB)
    cache.put("b", MB)
    assert cache.get("a", len(MB)) is None
    assert cache.get("b", len(MB)) == MB


@pytest.mark.parametrize("most", [0, 999_999])
def test_what_is_larger_than_the_limit_is_not_kept(tmp_path, most):
    SoundCache(tmp_path / "kept", most).put("a", MB)
    assert not (tmp_path / "kept").exists()
