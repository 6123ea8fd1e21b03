"""The server of the review page, as a process of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from typing import Any

from cue_pipeline_tests.workspace import CLEAN, Workspace


class PageServer:
    """`cue-pipeline review` in the folder of a library."""

    def __init__(self, library: Workspace, *arguments: str) -> None:
        env = {"PYTHONUNBUFFERED": "1", "CUE_DECIDED_BY": "Anna"}
        env["XDG_CACHE_HOME"] = str(library.home / "cache")
        kept = {k: v for k, v in os.environ.items() if k not in CLEAN and k[:4] != "CUE_"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cue_pipeline.cli", "review", "--port", "0", *arguments],
            cwd=library.home, env=kept | env, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        told = re.search(r"http://\S+", self.process.stdout.readline())
        assert told, "the server did not say where it is"
        self.url = told[0].rstrip("/")

    def ask(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.url}{path}", timeout=30) as response:
            return json.load(response)

    def __enter__(self) -> PageServer:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> int:
        """Interrupt it as a person does; return how it ended."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)
