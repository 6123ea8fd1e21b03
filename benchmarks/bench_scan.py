"""How fast a library is scanned, beside the floor: ``os.walk`` and one ``stat`` a file.

    python -m benchmarks.bench_scan
    python -m benchmarks.bench_scan --cues 500

5,000 cue folders of 30 files; the sensor has 5 seconds for them. Both sides take turns over the
same warm tree. The time is the process's own (CPU, the kernel's share in it), so that a busy
machine shifts neither; the ratio is the median of the rounds' ratios.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from cue_pipeline.cue.scan import find_cues, read_cue_folder

LIMIT_SECONDS = 5.0
ROUNDS = 3


def write_library(root: Path, cues: int, files: int) -> None:
    """Write cue folders with one MIDI file each and stereo stems, all empty."""
    for i in range(cues):
        reel, number = divmod(i, 100)
        cue = root / f"Reel {reel + 1}" / f"{reel + 1}m{number:02d} Title"
        audio = cue / "PT" / "Audio Files"
        audio.mkdir(parents=True)
        (cue / "MIDI").mkdir()
        (cue / "MIDI" / "cue.mid").touch()
        for k in range(files - 1):
            (audio / f"{reel + 1}m{number:02d} VLN {k // 2}_01.{'LR'[k % 2]}.wav").touch()


def stat_every_file(root: Path) -> int:
    count = 0
    for folder, _, names in os.walk(root):
        for name in names:
            os.stat(f"{folder}/{name}")  # noqa: PTH116 - the floor makes no Path objects
            count += 1
    return count


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cues", type=int, default=5_000)
    parser.add_argument("--files", type=int, default=30)
    a = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_library(root, a.cues, a.files)
        found = find_cues(root)
        assert (len(found.cues), found.problems) == (a.cues, ())
        assert stat_every_file(root) == a.cues * a.files
        rounds = [
            (seconds(lambda: find_cues(root)), seconds(lambda: stat_every_file(root)))
            for _ in range(ROUNDS)
        ]
        some = found.cues[:: max(1, a.cues // 200)]
        one = seconds(lambda: [read_cue_folder(root, cue.key) for cue in some]) / len(some)
    scan = statistics.median(scan for scan, _ in rounds)
    floor = statistics.median(floor for _, floor in rounds)
    ratio = statistics.median(scan / floor for scan, floor in rounds)
    limit = LIMIT_SECONDS * a.cues / 5_000
    print(f"{a.cues:,} cues of {a.files} files")
    print(f"  find_cues            {scan:7.3f} s  (limit {limit:.2f} s)")
    print(f"  os.walk + stat       {floor:7.3f} s  (floor)")
    print(f"  ratio                {ratio:7.2f}")
    print(f"  read_cue_folder      {one * 1e3:7.3f} ms a cue")
    return int(scan > limit)


if __name__ == "__main__":
    sys.exit(main())
