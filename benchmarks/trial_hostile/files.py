"""Files that are none, are not what they are called, or are vast."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

from benchmarks.trial_hostile.limited_site import Cases, Site, needed, within
from cue_pipeline_tests.cues import write_cue

SECRET = "root:x:0:0:SECRET of another"


def no_files(site: Site) -> str:
    cue = write_cue(site.base, "1m01")
    (site.home / "passwd").write_text(SECRET)
    audio, midi = cue / "PT" / "Audio Files", cue / "MIDI"
    for name, target in {
        "text.wav": str(site.home / "passwd"), "process.wav": "/proc/self/environ",
        "device.wav": "/dev/zero",
    }.items():  # fmt: skip
        (audio / name).symlink_to(target)
    (midi / "text.mid").symlink_to(site.home / "passwd")
    os.mkfifo(audio / "pipe.wav")
    os.mkfifo(midi / "pipe.mid")
    (audio / "folder.wav").mkdir()
    (audio / "own text.wav").write_text(SECRET)
    (midi / "own text.mid").write_text(SECRET)
    said = site.run("process", "library", expect=None)
    for name in ("text.wav", "process.wav", "device.wav", "text.mid", "pipe.wav", "pipe.mid",
                 "folder.wav", "own text.wav"):  # fmt: skip
        within(said, name)
    for part in ("SECRET", "root:x"):
        needed(part not in said, "content is quoted")
        for path in site.home.rglob("*"):
            if path.is_file() and path.suffix not in (".wav", ".mid") and path.name != "passwd":
                needed(part.encode() not in path.read_bytes(), f"content is in {path}")
    return "each is told and left out, nothing waited for, nothing quoted anywhere"


def strays(site: Site) -> str:
    audio = write_cue(site.base, "1m01") / "PT" / "Audio Files"
    site.run("process", "library")
    began = time.monotonic()
    site.run("process", "library", "--dry-run")
    without = time.monotonic() - began
    for k in range(100_000):
        (audio / f"stray {k}.txt").touch()
    began = time.monotonic()
    site.run("process", "library", "--dry-run")
    took = time.monotonic() - began - without
    needed(took < 2, f"{took:.1f} s more")
    return f"a look takes {max(0.0, took):.1f} s more"


def garbage_audio(site: Site) -> str:
    audio = write_cue(site.base, "1m01") / "PT" / "Audio Files"
    noise = random.Random(17)
    box = b"\x00\x00\x00\x20ftypM4A \x00\x00\x00\x00M4A mp42isom\x00\x00\x00\x00"
    for suffix, start in {
        ".mp3": b"\xff\xfb\x90\x64", ".m4a": box, ".aac": b"\xff\xf1\x50\x80", ".flac": b"fLaC",
        ".ogg": b"OggS", ".caf": b"caff\x00\x01\x00\x00desc", ".aif": b"FORM\x00\x00\xff\xffAIFF",
        ".wav": b"RIFF\xff\xff\xff\xffWAVE",
    }.items():  # fmt: skip
        for n_bytes in (0, 300, 200_000):
            (audio / f"garbage {n_bytes}{suffix}").write_bytes(start + noise.randbytes(n_bytes))
    for k in range(4):  # a box of samples that its tables describe in vain
        atoms = b"".join(
            len(body := noise.randbytes(400 * k)).to_bytes(4, "big")[:4] + name + body
            for name in (b"moov", b"alac", b"mp4a", b"mdat")
        )
        (audio / f"atoms {k}.m4a").write_bytes(box + atoms)
    said = site.run("process", "library", expect=None)
    needed(site.ready("1m01"), f"not ready: {said[-1500:]}")
    needed("Traceback" not in said, "a traceback is shown")
    needed("does not exist" not in said, "the decoder's own guess is repeated")
    return "28 files of 8 kinds: each told, the cue's own stems ready"


def _vast(site: Site, track: bytes, told: str) -> str:
    write_cue(site.base, "1m01")
    _write_track(write_cue(site.base, "1m02", base_hz=330.0) / "MIDI" / "vast.mid", track)
    said = site.run("process", "library", "--jobs", "2", expect=None)
    within(said, told, "CUE_MIDI_MOST_EVENTS")
    needed(site.ready("1m01"), "the cue beside it is not ready")
    needed(site.peak_bytes < 1 << 30, f"{site.peak_bytes >> 20} MB")
    return f"refused (“… {told} …”); the cue's other file and the cue beside it are read"


def _write_track(path: Path, events: bytes) -> None:
    chunk = b"MTrk" + (len(events) + 4).to_bytes(4, "big") + events + b"\x00\xff\x2f\x00"
    path.write_bytes(b"MThd" + bytes([0, 0, 0, 6, 0, 1, 0, 1, 1, 224]) + chunk)


def _notes(n: int) -> bytes:
    return b"\x00\x90\x3c\x64\x01\x3c\x00" + bytes([1, 60, 100, 1, 60, 0]) * (n - 1)


def ten_million_notes(site: Site) -> str:
    return _vast(site, _notes(10_000_000), "events, so many in the first 5,7")


def million_tempos(site: Site) -> str:
    track = bytes([1, 0xFF, 0x51, 3, 7, 0xA1, 0x20]) * 1_000_000
    return _vast(site, track, "meta and system exclusive events, so many in the first 1,4")


def many_notes(site: Site) -> str:
    write_cue(site.base, "1m01")
    cue = write_cue(site.base, "1m02", base_hz=330.0)
    _write_track(cue / "MIDI" / "large.mid", _notes(900_000))
    site.run("process", "library", "--jobs", "2")
    n_notes = len(site.frames()["midi_notes"])
    needed(n_notes > 900_000, f"{n_notes} notes")
    return "all stored: as many as are allowed by default"


CASES: Cases = {
    "files: links out, pipes, devices, folders, text": no_files,
    "files: 100,000 that are nothing to the cue": strays,
    "files: garbage called .mp3, .m4a, .flac …": garbage_audio,
    "MIDI: 10⁷ notes in 60 MB": ten_million_notes,
    "MIDI: 10⁶ tempo events": million_tempos,
    "MIDI: 900,000 notes": many_notes,
}
