"""A folder with a library in it, and the command line run there under limits."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import sqlalchemy as sa

from cue_pipeline.warehouse.urls import normalise_url
from cue_pipeline_tests.workspace import CLEAN

ADDRESS_SPACE = 6 << 30
SECONDS = 240.0
MARK = "CUE_PIPELINE_TRIAL"
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
        self.base.mkdir(exist_ok=True)

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
        with self.engine() as engine:
            return {
                name: pd.read_sql(f"select * from {name} order by 1, 2", engine) for name in TABLES
            }

    @contextlib.contextmanager
    def engine(self) -> Iterator[sa.Engine]:
        """Open the database beside the program."""
        engine = sa.create_engine(normalise_url(self.url))
        try:
            yield engine
        finally:
            engine.dispose()


def needed(held: object, otherwise: str) -> None:
    if not held:
        raise NotAsItShouldBeError(otherwise)


def within(text: str, *parts: str) -> None:
    for part in parts:
        needed(part in text, f"{part!r} is not said in: {text[-1500:]}")


def same(expected: dict[str, pd.DataFrame], seen: dict[str, pd.DataFrame]) -> None:
    for name, frame in expected.items():
        try:
            pd.testing.assert_frame_equal(frame, seen[name])
        except AssertionError as e:
            raise NotAsItShouldBeError(f"{name} differs: {e}") from None


Cases = dict[str, Callable[[Site], str]]
"""What is done, in words → what does it and returns what was seen."""
