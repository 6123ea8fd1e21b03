"""One run of a cue at a time, however many programs of this machine are at the library.

Every way to run leaves a record in Dagster's instance that names its process, so a run of the
daemon is seen there. Two calls of ``cue-pipeline process`` in step would look before either has a
record: they also hold a lock of the operating system, which ends with its process however that
ends. Nothing has to be cleaned up after a crash.

Only this machine is seen: another one's dead run cannot be told from one at work, and who waits
for it would wait for ever. There the database keeps rows whole, and the work is done twice.
"""

from __future__ import annotations

import fcntl
from pathlib import Path

import dagster as dg

from cue_pipeline.cue.identity import row_id
from cue_pipeline.defs.busy import PARTITION_TAG
from cue_pipeline.processes.liveness import liveness


class CueClaims:
    """What this process has taken for itself, seen by all who share Dagster's instance.

    One file, of which each cue locks one byte: nothing is written, and a library of ten thousand
    cues leaves no ten thousand files. Closing *any* handle of the file would free all locks of the
    process, which is why a process makes one of these, and no more.
    """

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        folder = Path(instance.root_directory) / "process"
        folder.mkdir(parents=True, exist_ok=True)
        self._file = (folder / "claims.lock").open("ab")

    def __enter__(self) -> CueClaims:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def take(self, cue_key: str) -> bool:
        """Claim a cue; False, and nothing is held, where a run of it is under way."""
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _place(cue_key))
        except (BlockingIOError, PermissionError):  # either, depending on the system
            return False
        except OSError:  # a file system without locks: Dagster's record is all there is to go by
            return not self._runs(cue_key)
        if self._runs(cue_key):
            self.release(cue_key)
            return False
        return True

    def release(self, cue_key: str) -> None:
        """Give a cue back; nothing happens if it was not taken."""
        try:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, _place(cue_key))
        except OSError:  # as above
            return

    def _runs(self, cue_key: str) -> bool:
        """Whether Dagster knows of a run of this cue whose process lives on this machine."""
        status = dg.DagsterRunStatus
        at_work = [status.STARTING, status.STARTED, status.CANCELING]
        runs = self._instance.get_runs(
            dg.RunsFilter(tags={PARTITION_TAG: cue_key}, statuses=at_work)
        )
        return any(liveness(run.tags) == "alive" for run in runs)


def _place(cue_key: str) -> int:
    return row_id("claims", cue_key) >> 1  # half of what an offset can be, for any file system
