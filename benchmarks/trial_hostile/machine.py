"""Disks that are full and clocks that go back."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.trial_hostile.limited_site import Cases, NotTriedError, Site, needed, within
from cue_pipeline_tests.cues import tone, write_audio, write_cue


@contextlib.contextmanager
def _small_disk(place: Path, size: str) -> Iterator[Path]:
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", place], capture_output=True,
        check=False,
    )  # fmt: skip
    if made.returncode:
        raise NotTriedError("needs root, for a file system of its own")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=False)


def scratch_full(site: Site) -> str:
    cue = write_cue(site.base, "1m01")
    write_audio(cue / "PT" / "Audio Files", {f"PAD {k}": tone(200.0 + k, 60.0) for k in range(6)})
    with _small_disk(site.home / "tmp", "1m") as place:
        site.env["TMPDIR"] = str(place)
        said = site.run("process", "library", expect=1)
        within(said, f"cannot be written in '{place}'", "No space left", "set TMPDIR to a folder")
        needed("Errno" not in said, "the system's error is shown bare")
    site.env.pop("TMPDIR")
    site.run("process", "library")
    return "“cannot be written in '…' (No space left on device; 0 MB are free there). Make room …”"


def database_full(site: Site) -> str:
    if not site.url.startswith("sqlite"):
        raise NotTriedError("of SQLite alone")
    cue = write_cue(site.base, "1m01")
    write_audio(cue / "PT" / "Audio Files", {f"PAD {k}": tone(200.0 + k, 90.0) for k in range(8)})
    with _small_disk(site.home / "small", "3m") as place:
        site.url = f"sqlite:///{place}/w.db"
        said = site.run("process", "library", expect=1)
        within(said, "full", "1m01")
        needed("Traceback" not in said, "a traceback is shown")
        subprocess.run(["mount", "-o", "remount,size=200m", place], check=True)
        site.run("process", "library")
        needed(site.ready("1m01"), "not ready after room was made")
        with site.engine() as engine, engine.connect() as connection:
            whole = connection.exec_driver_sql("pragma integrity_check").scalar()
    needed(whole == "ok", str(whole))
    return "told; the file is sound, and the same command makes the rest once there is room"


def clock_set_back(site: Site) -> str:
    if shutil.which("faketime") is None:
        raise NotTriedError("needs faketime")
    write_cue(site.base, "1m01")
    site.run("process", "library")
    expected = site.frames()
    cue = write_cue(site.base, "1m02", base_hz=330.0)
    said = site.run("process", "library", before=("faketime", "-f", "-2d"))
    needed("1m02: processed" in said, said)
    needed(site.ready("1m01") and site.ready("1m02"), "not ready")
    write_cue(site.base, "1m02", base_hz=440.0)
    old = time.time() - 30 * 86_400
    for path in cue.rglob("*.*"):
        os.utime(path, (old, old))
    said = site.run("process", "library", before=("faketime", "-f", "-3d"))
    needed("1m02: processed" in said, f"changed files with older dates are not seen: {said}")
    needed(set(site.states().values()) == {"ready"}, "not ready")
    seen = site.frames()["midi_notes"]
    first = seen[seen["midi_track_id"].isin(expected["midi_notes"]["midi_track_id"])]
    needed(len(first) == len(expected["midi_notes"]), "the first cue's rows differ")
    return "cues are made and made anew two and three days back; nothing is stale, nothing lost"


CASES: Cases = {
    "disk: TMPDIR full": scratch_full,
    "disk: SQLite's full in the middle of a load": database_full,
    "clock set back": clock_set_back,
}
