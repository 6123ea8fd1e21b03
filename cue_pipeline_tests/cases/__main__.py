"""Process a folder of reported cues and say, case by case: right, said, or silent wrong.

Usage: ``python -m cue_pipeline_tests.cases [DIR]``. DIR holds cues under the names of
:mod:`.reported` (or folders of such cues); without DIR the variations of :mod:`.variations` are
written and tried. The exit code is 1 if any case is silently wrong.
"""

import os
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

from cue_pipeline_tests.cases.cue_view import CueView, Finding, verdict
from cue_pipeline_tests.cases.reported import EXPECTED


def process(folder: Path, scratch: Path) -> tuple[Path, str]:
    """Run ``cue-pipeline process`` on a folder; return the database and what was printed."""
    database = scratch / "cases.db"
    environment = {**os.environ, "COLUMNS": "400"}
    for name in ("OPENAI_API_KEY", "DATABASE_URL", "DAGSTER_HOME"):
        environment.pop(name, None)
    run = subprocess.run(
        [sys.executable, "-m", "cue_pipeline.cli", "process", str(folder), "48000",
         "--database-url", f"sqlite:///{database}"],
        cwd=scratch, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if run.returncode not in (0, 1) or not database.exists():
        raise SystemExit(f"process ended with {run.returncode}:\n{run.stdout}\n{run.stderr}")
    return database, run.stdout + run.stderr


def judge(database: Path, output: str, cases) -> dict[str, tuple[str, list[Finding], CueView]]:
    """Return each case's verdict; ``cases`` is key → function of a view that yields findings."""
    judged = {}
    with sqlite3.connect(database) as db:
        for key, expected in cases.items():
            view = CueView(db, key, output)
            try:
                findings = list(expected(view))
            except (KeyError, IndexError, StopIteration) as e:
                findings = [Finding(f"{type(e).__name__}: {e} is not there", right=False)]
            judged[key] = verdict(findings, view), findings, view
    return judged


def show(judged: dict[str, tuple[str, list[Finding], CueView]], *, told: bool) -> int:
    """Print case by case, then the sums; return how many are silently wrong."""
    sums: dict[str, int] = {}
    for key, (how, findings, view) in judged.items():
        print(f"{how:13}{key}")
        sums[how] = sums.get(how, 0) + 1
        if how != "right":
            for finding in findings:
                if not finding.right:
                    print(f"{'':13}  not so: {finding.what}")
            if told:
                for line in view.told.splitlines():
                    print(f"{'':13}  told: {line}")
    print(", ".join(f"{n} {how}" for how, n in sorted(sums.items())))
    return sums.get("silent wrong", 0)


def main(arguments: list[str]) -> int:
    """Try the cases of a folder, or the variations."""
    told = "--told" in arguments
    folders = [Path(a).resolve() for a in arguments if not a.startswith("--")]
    with tempfile.TemporaryDirectory(prefix="cue-cases-") as scratch:
        if folders:
            silent = 0
            for folder in folders:
                there = {p.name for p in folder.iterdir() if p.is_dir()}
                cases = {key: rule for key, rule in EXPECTED.items() if key in there}
                unknown = sorted(there - set(cases))
                if not cases:
                    raise SystemExit(f"No case of the table is in {str(folder)!r}.")
                place = Path(scratch) / folder.name
                place.mkdir()
                database, output = process(folder, place)
                silent += show(judge(database, output, cases), told=told)
                if unknown:
                    print(f"Not in the table: {', '.join(unknown)}.")
            return int(silent > 0)
        from cue_pipeline_tests.cases.variations import write

        library = Path(scratch) / "library"
        rules = write(library)
        place = Path(scratch) / "place"
        place.mkdir()
        database, output = process(library, place)
        return int(show(judge(database, output, rules), told=told) > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
