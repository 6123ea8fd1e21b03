"""Pieces of sound that were made once, kept on disk as long as there is room.

Several servers may share a folder. A piece comes under its name only when it is whole, and is
taken by nobody who expects another length; what was used longest ago goes first.
"""

from __future__ import annotations

import logging
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Final

log = logging.getLogger("cue_pipeline.review")

_LEFT_PART: Final = 0.9
"""What stays of the room when something has to go, so that it does not for each piece."""
_UNCOUNTED_PART: Final = 0.1
"""Of the room: after so much of its own, a server counts what others have written too."""
_UNFINISHED: Final = "unfinished-"
_UNFINISHED_SECONDS: Final = 600.0


def default_folder() -> Path:
    """Return where programs of this user keep what can be made again."""
    above = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(above).expanduser() / "cue_pipeline" / "review sound"


class SoundCache:
    """Bytes by name, in a folder.

    Parameters
    ----------
    folder : Path
        Made where it is not there.
    most_bytes : int
        Of all pieces together.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder, self._most = folder, most_bytes
        self._lock = Lock()
        self._room: int | None = None  # until it is counted again; None: not counted yet
        self._told = False

    def get(self, name: str, size: int) -> bytes | None:
        """Return a piece; None where it is not there as a whole."""
        path = self._folder / name
        try:
            data = path.read_bytes()
            if len(data) == size:
                os.utime(path)
                return data
        except OSError:
            return None
        return None

    def put(self, name: str, data: bytes) -> None:
        """Keep a piece, and let go of others where there is no room; a full disk is told once."""
        if len(data) > self._most:
            return
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, unfinished = tempfile.mkstemp(prefix=_UNFINISHED, dir=self._folder)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                Path(unfinished).replace(self._folder / name)
            except OSError:
                Path(unfinished).unlink(missing_ok=True)
                raise
            self._make_room(len(data))
        except OSError as e:
            self._tell(e)

    def _make_room(self, added: int) -> None:
        with self._lock:
            self._room = None if self._room is None else self._room - added
            if self._room is not None and self._room >= 0:
                return
            pieces = sorted(self._pieces())
            left = sum(size for _, size, _ in pieces)
            if left > self._most:
                for _, size, path in pieces:
                    if left <= _LEFT_PART * self._most:
                        break
                    with suppress(OSError):
                        path.unlink()
                    left -= size
            self._room = min(self._most - left, int(_UNCOUNTED_PART * self._most))

    def _pieces(self) -> Iterator[tuple[float, int, Path]]:
        """Yield when each piece was used last, its size and path; remove what was never ended."""
        for path in self._folder.iterdir():
            with suppress(OSError):  # another server let go of it
                found = path.stat()
                if not path.name.startswith(_UNFINISHED):
                    yield found.st_mtime, found.st_size, path
                elif time.time() - found.st_mtime > _UNFINISHED_SECONDS:
                    path.unlink()

    def _tell(self, error: OSError) -> None:
        if not self._told:
            self._told = True
            log.warning(
                "Sound cannot be kept in '%s' (%s); it is made anew each time. Make room there, or "
                "set XDG_CACHE_HOME to another folder.", self._folder, error.strerror or error,
            )  # fmt: skip
