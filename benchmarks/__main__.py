"""Run every benchmark, one process each, and print their tables."""

import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Run them in order; return 0 if every one ended well."""
    here = Path(__file__).parent
    failed = []
    for path in sorted(here.glob("bench_*.py")):
        print(f"\n== {path.stem} ==", flush=True)
        if subprocess.run(
            [sys.executable, "-m", f"benchmarks.{path.stem}"], check=False
        ).returncode:
            failed.append(path.stem)
    if failed:
        print("failed:", ", ".join(failed))
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
