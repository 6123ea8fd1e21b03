"""Memory that a process has freed, as the kernel counts it."""

import ctypes
import os
import subprocess
import sys

import pytest

from cue_pipeline.processes.fork_client import _LEAN

# Blocks of 64 KiB lie on the heap; the last one, still in use, keeps all below it resident.
FREED = """
from pathlib import Path
from cue_pipeline.processes.heap import give_back

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 // 2**20

blocks = [bytearray(64 * 1024) for _ in range(3200)]
last = bytearray(64 * 1024)
del blocks
before = resident()
give_back()
print(before - resident())
"""


@pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="the C library is not glibc"
)
def test_what_lies_freed_below_a_block_in_use_goes_back_to_the_system() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FREED],
        env=_LEAN | os.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) > 150  # of 200 MiB
