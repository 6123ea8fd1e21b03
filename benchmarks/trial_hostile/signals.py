"""Signals to a command at random moments."""

from __future__ import annotations

import contextlib
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.trial_hostile.limited_site import Cases, Site, needed, same
from cue_pipeline_tests.cues import write_cue

END_SECONDS = 2.0


def killed(number: signal.Signals) -> Callable[[Site], str]:
    def case(site: Site) -> str:
        keys = [f"1m0{k}" for k in range(1, 5)]
        for k, key in enumerate(keys):
            write_cue(site.base, key, base_hz=200.0 + 10 * k)
        began = time.monotonic()
        site.run("process", "library", "--jobs", "2")
        whole = time.monotonic() - began
        expected = site.frames()
        chance = random.Random(number)
        slowest = 0.0
        for _ in range(5):
            process = site.start("process", "library", "--jobs", "2", "--force")
            time.sleep(chance.uniform(0.05, whole))
            process.send_signal(number)
            sent = time.monotonic()
            while site.processes() and time.monotonic() - sent < 20:
                time.sleep(0.02)
            slowest = max(slowest, time.monotonic() - sent)
            left = [told for pid in site.processes() if (told := _described(pid))]
            process.communicate()
            needed(slowest <= END_SECONDS, f"processes lived on for {slowest:.1f} s: {left}")
            began = time.monotonic()
            said = site.run("process", "library", "--jobs", "2")
            needed("another process" not in said, f"a claim is held: {said}")
            needed(time.monotonic() - began < 2 * whole + 10, "the rerun waited")
        states = site.states()
        needed(set(states.values()) == {"ready"}, f"not ready: {states}")
        same(expected, site.frames())
        return f"5 at random moments: all processes gone within {slowest:.1f} s, rows equal"

    return case


def _described(pid: int) -> str:
    """Return what a process is, and in what it waits; empty if it is gone."""
    of = Path(f"/proc/{pid}")
    with contextlib.suppress(OSError):
        command = (of / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        state = (of / "stat").read_text().rpartition(")")[2].split()[0]
        waits = {(t / "wchan").read_text() for t in (of / "task").iterdir()}
        return f"{pid} {command[-80:].strip()!r} state {state}, in {sorted(waits)}"
    return ""


CASES: Cases = {
    "SIGINT to `process`": killed(signal.SIGINT),
    "SIGTERM to `process`": killed(signal.SIGTERM),
    "SIGKILL to `process`": killed(signal.SIGKILL),
}
