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

from cue_pipeline.warehouse.opening import open_store
from cue_pipeline_tests.cues import write_cue

ROOT = Path(__file__).parent.parent
OURS = ("DATABASE_URL", "DAGSTER_HOME", "OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL")


class Site:
    """A working directory with a library, a warehouse and a Dagster instance."""

    def __init__(self, home: Path, dagster_yaml: str | None = None) -> None:
        self.home = home
        self.base = home / "library"
        self.base.mkdir(exist_ok=True)
        self.dagster_home = home / "dagster_home"
        self.dagster_home.mkdir(exist_ok=True)
        text = dagster_yaml or (ROOT / "dagster.yaml").read_text()
        text = text.replace("base_dir: .dagster_home", f"base_dir: {self.dagster_home}")
        (self.dagster_home / "dagster.yaml").write_text(text)
        (home / "workspace.yaml").write_text((ROOT / "workspace.yaml").read_text())
        (home / ".env").write_text("")
        self.env: dict[str, str] = {}
        self.process: subprocess.Popen[bytes] | None = None
        self.processes_before: list[int] = []

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
            write_cue(self.base, key, base_hz=110.0 * 1.06**k)

    def cli(self, *arguments: str, expect: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "cue_pipeline.cli", *arguments],
            cwd=self.home, env=self.environment, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stdout

    def states(self) -> dict[tuple[str, str], str]:
        made = self.home / "cue_pipeline.db"
        if "DATABASE_URL" not in self.env and not made.exists():
            return {}  # before the first look of the sensor
        rows = json.loads(self.cli("status", "--json"))
        return {(row["cue_key"], row["asset"]): row["state"] for row in rows}

    def rows(self, key: str) -> dict[str, int]:
        """Count a cue's rows by table, from what the database says now."""
        store = open_store(self.env.get("DATABASE_URL") or f"sqlite:///{self.home}/cue_pipeline.db")
        counted = (
            "midi_files", "midi_tracks", "midi_notes", "midi_cc", "audio_files", "audio_features",
            "audio_feature_chunks", "final_mixes", "final_mix_features", "match_evidence",
            "track_mappings",
        )  # fmt: skip
        return {name: len(store.read(key, name)) for name in counted}

    def instance(self) -> dg.DagsterInstance:
        return dg.DagsterInstance.from_config(str(self.dagster_home))

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start Dagster in a process group of its own."""
        with self.instance():
            pass  # two processes that first open a SQLite instance at once can ruin it
        output = (self.home / "dagster.log").open("ab")
        self.process = subprocess.Popen(
            command or ("dagster-daemon", "run", "-w", "workspace.yaml"),
            cwd=self.home, env=self.environment, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
        return self.process

    def stop(self) -> None:
        """End the daemon and all that it has started."""
        for group in self.processes_before:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
        if self.process is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=10)
        self.process = None

    @staticmethod
    def killpg(group: int, number: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(group, number)

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
            ["ps", "-ww", "-eo", "pid,sid,args"], capture_output=True, text=True, check=True
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


class Hold:
    """Runs that wait, while they read MIDI, until they are released."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "hold"
        self.folder.mkdir()

    def held(self) -> bool:
        return bool(self.pids())

    def pids(self) -> list[int]:
        return [int(path.name) for path in self.folder.glob("[0-9]*")]

    def release(self) -> None:
        (self.folder / "released").touch()


HOLDING = """
import importlib.abc, importlib.util, os, pathlib, sys, time

FOLDER, KEYS, NAME = pathlib.Path({folder!r}), {keys!r}, "cue_pipeline.midi.score_rows"


class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name != NAME:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        load = spec.loader.exec_module

        def exec_module(module):
            load(module)
            original = module.read_midi_files

            def read_midi_files(folder, *args, **kwargs):
                released = FOLDER / "released"
                if folder.key in KEYS and not released.exists():
                    (FOLDER / str(os.getpid())).touch()
                    while not released.exists():
                        time.sleep(0.05)
                    time.sleep(1.0)
                return original(folder, *args, **kwargs)

            module.read_midi_files = read_midi_files

        spec.loader.exec_module = exec_module
        return spec


sys.meta_path.insert(0, Finder())
"""


def hold_runs(site: Site, *keys: str) -> Hold:
    """Make every process of a site wait in the middle of these cues."""
    hold = Hold(site.home)
    patch(site, HOLDING.format(folder=str(hold.folder), keys=keys))
    return hold


def break_run_server(site: Site) -> None:
    """Make the run server of a site end as soon as it starts."""
    patch(
        site, "import sys\nif 'cue_pipeline.processes.fork_server' in sys.orig_argv: sys.exit(3)\n"
    )


def patch(site: Site, code: str) -> None:
    """Have every Python of a site run this first, from now on."""
    patches = site.home / "patches"
    patches.mkdir(exist_ok=True)
    with (patches / "sitecustomize.py").open("a") as file:
        file.write(code)
    site.env["PYTHONPATH"] = os.pathsep.join(
        [str(patches), *filter(None, [os.environ.get("PYTHONPATH")])]
    )
