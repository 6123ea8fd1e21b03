"""A file's samples under a header that is put right, for decoders that believe headers."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from cue_pipeline.audio.containers.contents import Contents
from cue_pipeline.cue.gate import opened

if TYPE_CHECKING:
    import soundfile


class SplicedFile(io.RawIOBase):
    """A head of its own, and behind it a stretch of a file.

    Parameters
    ----------
    path : Path
    head : bytes
    at, size : int
        The stretch, bytes.
    """

    def __init__(self, path: Path, head: bytes, at: int, size: int) -> None:
        self._file = opened(path)
        self._head, self._at, self._size = head, at, size
        self._position = 0

    def readable(self) -> bool:
        """Whether it can be read: yes."""
        return True

    def seekable(self) -> bool:
        """Whether it can be sought: yes."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place, as files do."""
        start = (0, self._position, len(self._head) + self._size)[whence]
        self._position = max(0, start + offset)
        return self._position

    def tell(self) -> int:
        """Return the place where it stands."""
        return self._position

    def readinto(self, buffer) -> int:  # type: ignore[no-untyped-def]
        """Fill a buffer; return how many bytes there were."""
        data = self._read(len(memoryview(buffer).cast("B")))
        memoryview(buffer).cast("B")[: len(data)] = data
        return len(data)

    def _read(self, n: int) -> bytes:
        data = self._head[self._position : self._position + n]
        behind = self._position + len(data) - len(self._head)
        if len(data) < n and behind < self._size:
            self._file.seek(self._at + behind)
            data += self._file.read(min(n - len(data), self._size - behind))
        self._position += len(data)
        return data

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
        super().close()


def opened_by_libsndfile(path: Path, contents: Contents | None) -> "soundfile.SoundFile":
    """Return a file opened by libsndfile, under its own header or under one that is put right.

    Raises
    ------
    soundfile.LibsndfileError
        If libsndfile cannot read it.
    """
    import soundfile

    if contents is None or not contents.clean_head:
        return soundfile.SoundFile(str(path))
    at = contents.data_offset or 0
    return soundfile.SoundFile(SplicedFile(path, contents.clean_head, at, contents.data_size))
