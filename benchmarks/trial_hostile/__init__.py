"""Hostile and unlucky inputs, one by one, each with the real command line in a fresh folder.

``python -m benchmarks.trial_hostile`` tries all, ``… NAME …`` those whose names hold one of the
words, ``--list`` names them, ``--on postgresql`` has the tables there. Each case runs under limits
of its own, of address space (``RLIMIT_AS``) and of time, and prints a line of the table that
docs/operations.md has: what was done, what was seen, how long it took, and the memory of the
largest process. A case that is not as it has to be says so, and the trial ends with exit code 1.

Some cases need root (a small file system of its own) or a program that is not there
(``pgbouncer``, ``faketime``): they say so in place of what was seen.
"""

from __future__ import annotations

from benchmarks.trial_hostile import databases, files, machine, model_servers, signals, texts
from benchmarks.trial_hostile.limited_site import Cases

CASES: Cases = {
    **model_servers.CASES,
    **signals.CASES,
    **texts.CASES,
    **files.CASES,
    **machine.CASES,
    **databases.CASES,
}
