"""A working directory with a library in it, and the real command line run there."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from cue_pipeline.cli.commands import cli
from cue_pipeline.errors import CuePipelineError

CLEAN = ("DATABASE_URL", "DAGSTER_HOME", "OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL")


def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unset what the developer's own shell may have set."""
    for name in [n for n in os.environ if n in CLEAN or n.startswith("CUE_")]:
        monkeypatch.delenv(name)


def said_here(arguments: Sequence[str], *, expect: int) -> str:
    """Run the command line within this process, in its folder; return all that it says."""
    result = CliRunner().invoke(cli, arguments)
    known = isinstance(result.exception, CuePipelineError)
    assert (2 if known else result.exit_code) == expect, result.output
    return f"{result.output}{result.exception if known else ''}"


class Workspace:
    """A working directory with a library in it, and the command line run there."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.base = home / "library"
        self.env: dict[str, str] = {}

    def run(self, *arguments: str, expect: int = 0) -> str:
        done = self._cli(arguments)
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stdout + done.stderr

    def states(self) -> dict[tuple[str, str], str]:
        rows = json.loads(self.run_stdout("status", "--json"))
        return {(row["cue_key"], row["asset"]): row["state"] for row in rows}

    def run_stdout(self, *arguments: str) -> str:
        done = self._cli(arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _cli(self, arguments: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        env = {k: v for k, v in os.environ.items() if k not in CLEAN and not k.startswith("CUE_")}
        return subprocess.run(
            [sys.executable, "-m", "cue_pipeline.cli", *arguments],
            cwd=self.home,
            env=env | self.env,
            capture_output=True,
            text=True,
            timeout=300,
        )

    def table(self, name: str) -> pd.DataFrame:
        engine = sa.create_engine(f"sqlite:///{self.home / 'cue_pipeline.db'}")
        try:
            rows = pd.read_sql(f"select * from {name}", engine)
        finally:
            engine.dispose()
        return rows.sort_values(list(rows.columns[:2]), ignore_index=True)

    def instance(self) -> dg.DagsterInstance:
        return dg.DagsterInstance.from_config(str(self.home / ".dagster_home"))
