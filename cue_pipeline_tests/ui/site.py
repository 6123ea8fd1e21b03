"""A working directory with `dagster dev` running in it, configured as a checkout is."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from cue_pipeline_tests.workspace import CLEAN

CHECKOUT = Path(__file__).parents[2]
PATIENCE_SECONDS = int(os.environ.get("CUE_UI_PATIENCE_SECONDS", "240"))
"""How long a page or a run may take; machines that are shared need much."""


class Site:
    """A folder with a library, the settings in its `.env`, and Dagster's UI on a free port."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.base = home / "library"
        self.incoming = home / "incoming"
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None
        for name in ("dagster.yaml", "workspace.yaml"):
            shutil.copy(CHECKOUT / name, home / name)
        self.incoming.mkdir(parents=True)
        self.log = home / "dagster-dev.log"

    def cli(self, *arguments: str) -> str:
        """Run the command line in this folder."""
        done = subprocess.run(
            [sys.executable, "-m", "cue_pipeline.cli", *arguments],
            cwd=self.home,
            env=self._env(),
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def states(self) -> dict[tuple[str, str], str]:
        made = self.home / "cue_pipeline.db"
        if "DATABASE_URL" not in self.settings and not made.exists():
            return {}  # before the first look of the sensor
        rows = json.loads(self.cli("status", "--json"))
        return {(row["cue_key"], row["asset"]): row["state"] for row in rows}

    def set(self, **settings: str) -> None:
        """Write settings into `.env`, as a person does; they hold from the next start."""
        self.settings |= settings
        lines = [f"{name}={value}\n" for name, value in self.settings.items()]
        (self.home / ".env").write_text("".join(lines))

    def start(self) -> None:
        """Start `dagster dev` in a process group of its own and wait until its code is loaded."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    str(Path(sys.executable).parent / "dagster"), "dev",
                    "-w", "workspace.yaml", "-h", "127.0.0.1", "-p", str(self.port),
                ],
                cwd=self.home,
                env=self._env(),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
        self.wait_for(self._loaded, "dagster dev to load the code location")

    def stop(self) -> None:
        """End the whole group: `dagster dev` may ignore politer signals in the background."""
        if self._process is None:
            return
        group = self._process.pid
        for sign in (signal.SIGINT, signal.SIGKILL):
            try:
                os.killpg(group, sign)
            except ProcessLookupError:
                break
            deadline = time.monotonic() + 10
            while time.monotonic() < deadline and _alive(group):
                self._process.poll()
                time.sleep(0.2)
        self._process.wait(timeout=10)
        self._process = None

    def query(self, text: str, **variables: Any) -> dict[str, Any]:
        """Ask Dagster's GraphQL endpoint, for what a test needs to wait for."""
        request = urllib.request.Request(
            f"{self.url}/graphql",
            data=json.dumps({"query": text, "variables": variables}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            answer = json.load(response)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def runs(self) -> list[dict[str, Any]]:
        """Return the runs, newest first: id, status, tags, assets."""
        answer = self.query(
            "{ runsOrError(limit: 100) { ... on Runs { results { id status "
            "assetSelection { path } tags { key value } } } } }"
        )
        return [
            {
                "id": run["id"],
                "status": run["status"],
                "assets": {key["path"][-1] for key in run["assetSelection"] or []},
                "tags": {tag["key"]: tag["value"] for tag in run["tags"]},
            }
            for run in answer["runsOrError"]["results"]
        ]

    def runs_of(self, cue: str, before: set[str]) -> list[dict[str, Any]]:
        """Return the runs of a cue that are not in `before`; runs of no cue tell states."""
        return [
            run
            for run in self.runs()
            if run["id"] not in before and run["tags"].get("dagster/partition") == cue
        ]

    def seconds_to_cancel(self, run_id: str) -> float:
        """Return how long a run went on after it was told to end."""
        answer = self.query(
            "query($id: ID!) { logsForRun(runId: $id) { ... on EventConnection { events { "
            "... on MessageEvent { timestamp eventType } } } } }",
            id=run_id,
        )
        moments = {e["eventType"]: int(e["timestamp"]) for e in answer["logsForRun"]["events"]}
        return (moments["RUN_CANCELED"] - moments["RUN_CANCELING"]) / 1000

    def wait_for(self, true: Any, what: str) -> Any:
        """Wait until something is true; say what it was and the log's end if it never is."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                found = true()
            except (OSError, ValueError):
                found = None
            if found:
                return found
            time.sleep(1.0)
        tail = self.log.read_text(errors="replace")[-3000:]
        raise AssertionError(f"Waited {PATIENCE_SECONDS} s for {what}.\n{tail}")

    def _loaded(self) -> bool:
        answer = self.query(
            "{ workspaceOrError { ... on Workspace { locationEntries { loadStatus "
            "locationOrLoadError { __typename ... on PythonError { message } } } } } }"
        )
        entries = answer["workspaceOrError"]["locationEntries"]
        for entry in entries:
            found = entry["locationOrLoadError"] or {}
            assert found.get("__typename") != "PythonError", found["message"]
        return bool(entries) and all(entry["loadStatus"] == "LOADED" for entry in entries)

    def _env(self) -> dict[str, str]:
        env = {k: v for k, v in os.environ.items() if k not in CLEAN and not k.startswith("CUE_")}
        # The installed scripts must be found by what dagster dev starts.
        env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
        return env


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def _alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
