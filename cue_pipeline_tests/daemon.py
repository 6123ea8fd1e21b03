"""A real Dagster daemon with its code server, in a workspace of its own, for tests and trials."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import dagster as dg

from cue_pipeline_tests.cues import write_cue

ROOT = Path(__file__).parent.parent
OURS = ("DATABASE_URL", "DAGSTER_HOME", "OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL")


class Site:
    """A working directory with a library, a warehouse and a Dagster instance."""

    def __init__(self, home: Path, dagster_yaml: str | None = None) -> None:
        self.home = home
        self.library = home / "library"
        self.library.mkdir(exist_ok=True)
        self.dagster_home = home / "dagster_home"
        self.dagster_home.mkdir(exist_ok=True)
        text = dagster_yaml or (ROOT / "dagster.yaml").read_text()
        text = text.replace("base_dir: .dagster_home", f"base_dir: {self.dagster_home}")
        (self.dagster_home / "dagster.yaml").write_text(text)
        (home / "workspace.yaml").write_text((ROOT / "workspace.yaml").read_text())
        (home / ".env").write_text("")
        self.env: dict[str, str] = {}
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if k not in OURS and k[:4] != "CUE_"}
        return kept | {
            "DAGSTER_HOME": str(self.dagster_home),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            **self.env,
        }

    def write_cues(self, *keys: str) -> None:
        for k, key in enumerate(keys):
            write_cue(self.library, key, base_hz=110.0 * 1.06**k)

    def cli(self, *arguments: str, expect: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "cue_pipeline.cli", *arguments],
            cwd=self.home, env=self.environment, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stdout

    def states(self) -> dict[tuple[str, str], str]:
        rows = json.loads(self.cli("status", "--json"))
        return {(row["cue_key"], row["asset"]): row["state"] for row in rows}

    def instance(self) -> dg.DagsterInstance:
        return dg.DagsterInstance.from_config(str(self.dagster_home))

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start Dagster in a process group of its own."""
        output = (self.home / "dagster.log").open("ab")
        self.process = subprocess.Popen(
            command or ("dagster-daemon", "run", "-w", "workspace.yaml"),
            cwd=self.home, env=self.environment, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
        return self.process

    def stop(self) -> None:
        """End the daemon and all that it has started."""
        if self.process is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=10)
        self.process = None

    @contextmanager
    def running(self, *command: str) -> Iterator["Site"]:
        self.start(*command)
        try:
            yield self
        finally:
            self.stop()

    def log(self) -> str:
        return (self.home / "dagster.log").read_text(errors="replace")

    def children(self, words: str) -> list[int]:
        """Return the processes of this site whose command line holds ``words``."""
        assert self.process is not None
        listing = subprocess.run(
            ["ps", "-eo", "pid,sid,args"], capture_output=True, text=True, check=True
        ).stdout
        found = []
        for line in listing.splitlines()[1:]:
            pid, session, args = line.split(None, 2)
            if int(session) == self.process.pid and words in args:
                found.append(int(pid))
        return found


def wait_until(condition: Callable[[], object], seconds: float, what: str) -> float:
    """Poll until ``condition`` holds; return how long it took."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if condition():
            return time.monotonic() - began
        time.sleep(0.3)
    raise AssertionError(f"after {seconds:.0f} s still not: {what}")


def backfills(instance: dg.DagsterInstance) -> Mapping[str, str]:
    return {b.backfill_id: b.status.value for b in instance.get_backfills()}
