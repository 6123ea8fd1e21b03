"""Run every benchmark, one process each, and print their tables."""

import subprocess
import sys
from pathlib import Path

SHORTER = {
    "bench_mapping": ["--songs", "chamber101", "--conditions", "clean", "hard"],
    "bench_alignment": ["--styles", "chamber", "--seconds", "40"],
}
"""Arguments that keep `make bench` within minutes; `make bench-mapping` runs the whole set."""


def main() -> int:
    """Run them in order; return 0 if every one ended well."""
    here = Path(__file__).parent
    failed = []
    for path in sorted(here.glob("bench_*.py")):
        print(f"\n== {path.stem} ==", flush=True)
        command = [sys.executable, "-m", f"benchmarks.{path.stem}", *SHORTER.get(path.stem, [])]
        if subprocess.run(command, check=False).returncode:
            failed.append(path.stem)
    if failed:
        print("failed:", ", ".join(failed))
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
