"""Files that grow while a data set is written, by a thread of their own.

Whoever makes the bytes does not wait for the disk: writing, SHA-256 and fsync let other Python
threads run. What waits to be written is bounded, so that memory does not grow with the data.
"""

from __future__ import annotations

import hashlib
import os
import queue
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from cue_pipeline.errors import ExportError

_WAITING: Final = 32
_BLOCK: Final = 1 << 20


class GrowingFiles:
    """Files that are only appended to.

    Parameters
    ----------
    folder : Path
    sizes : mapping of str to int
        Name → bytes of the file that count, 0: it is new. What lies beyond is of a kill, and goes.

    Raises
    ------
    ExportError
        From any method: if the disk takes no more, or a file is shorter than ``sizes`` says.
    """

    def __init__(self, folder: Path, sizes: Mapping[str, int]) -> None:
        self._folder = folder
        self._failed: BaseException | None = None
        self._jobs: queue.Queue[Callable[[], None] | None] = queue.Queue(_WAITING)
        self._files: dict[str, BinaryIO] = {}
        self._stack = ExitStack()
        self._digests = {name: hashlib.sha256() for name in sizes}
        for name, size in sizes.items():
            path = folder / name
            path.touch()
            if path.stat().st_size < size:
                raise ExportError(
                    f"'{path}' has {path.stat().st_size:,} bytes, fewer than the {size:,} that "
                    "were noted. Remove the folder and export anew."
                )
            os.truncate(path, size)
            with path.open("rb") as file:
                while block := file.read(_BLOCK):
                    self._digests[name].update(block)
            self._files[name] = self._stack.enter_context(path.open("ab"))
        self._thread = threading.Thread(target=self._work, name="export writer", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._jobs.put(None)
        self._thread.join()
        try:
            self._stack.close()
        except OSError as e:  # what could not be written before cannot be now
            self._failed = self._failed or e
        if error is None:
            self._refuse_failed()

    def append(self, name: str, data: memoryview) -> None:
        """Append bytes to a file, soon; they must stay as they are."""

        def write() -> None:
            self._files[name].write(data)
            self._digests[name].update(data)

        self._put(write)

    def keep(self, note: Callable[[dict[str, int]], None]) -> None:
        """Have all that was appended on the disk, and then call ``note`` with the files' sizes."""

        def sync() -> None:
            for file in self._files.values():
                file.flush()
                os.fsync(file.fileno())
            note({name: file.tell() for name, file in self._files.items()})

        self._put(sync)

    def digests(self) -> dict[str, str]:
        """Return the SHA-256 of each file, once it is closed."""
        return {name: digest.hexdigest() for name, digest in self._digests.items()}

    def _put(self, job: Callable[[], None]) -> None:
        self._refuse_failed()
        self._jobs.put(job)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            if self._failed is None:  # else jobs are taken so that nobody waits
                try:
                    job()
                except BaseException as e:  # noqa: BLE001  told to whoever appends
                    self._failed = e

    def _refuse_failed(self) -> None:
        if isinstance(self._failed, OSError):
            raise ExportError(
                f"'{self._folder}' cannot be written: {self._failed.strerror}. Make room, and go "
                "on by --resume."
            ) from self._failed
        if self._failed is not None:
            raise self._failed
