"""Features on their way to the database: a temporary file, so that memory stays flat.

Frames are packed into chunks of at most 512 KiB as they are computed; only the chunk being
filled is held. The file lies where ``TMPDIR`` says, has no name, and goes with the spool.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from cue_pipeline.audio.compiled.choice import pack_half
from cue_pipeline.audio.mel_filters import Float32Array
from cue_pipeline.errors import ScratchError

CHUNK_BYTES = 512 * 1024
_BATCH_BYTES = 4 << 20
DTYPE = np.dtype("<f2")

Columns = dict[str, Any]
"""Rows as columns: name → values, all of one length."""


def frames_per_chunk(n_mels: int, dtype: np.dtype[Any] = DTYPE) -> int:
    """Return how many frames fit a chunk."""
    return max(1, CHUNK_BYTES // (n_mels * dtype.itemsize))


@dataclass(slots=True)
class _Extent:
    offset: int
    first_frame: int
    n_frames: int


@dataclass(slots=True)
class SpooledFeature:
    """One feature in the spool.

    Attributes
    ----------
    n_mels : int
        Columns of a frame.
    n_frames : int
        Written so far.
    max_db : float
        The highest value, -inf before the first frame.
    frame_bytes : int
        Of one frame.
    """

    n_mels: int
    frame_bytes: int
    n_frames: int = 0
    max_db: float = float("-inf")
    extents: list[_Extent] = field(default_factory=list)


class Spool:
    """A temporary file of chunks; safe to write from several threads.

    Raises
    ------
    ScratchError
        If the file cannot be made, written or read, as where the disk is full.
    """

    def __init__(self) -> None:
        with _told(0):
            # Unbuffered: what does not fit is told by the write that does not, at its place.
            self._file = tempfile.TemporaryFile(  # noqa: SIM115
                prefix="cue_pipeline_mel_", buffering=0
            )
        self._lock = threading.Lock()
        self._end = 0

    def write(self, data: bytes | memoryview) -> int:
        """Append data; return its offset."""
        with self._lock, _told(self._end):
            offset = self._end
            self._file.seek(offset)
            left = memoryview(data)
            while left:
                left = left[self._file.write(left) :]
            self._end += len(data)
        return offset

    def read(self, offset: int, size: int) -> bytes:
        """Return ``size`` bytes from ``offset``."""
        parts: list[bytes] = []
        with self._lock, _told(self._end):
            self._file.seek(offset)
            while size and (part := self._file.read(size)):
                parts.append(part)
                size -= len(part)
        return b"".join(parts)


@contextlib.contextmanager
def _told(size: int) -> Iterator[None]:
    """Turn the system's errors into one that says where room is needed."""
    try:
        yield
    except OSError as e:
        try:
            place = tempfile.gettempdir()
            free = f"{shutil.disk_usage(place).free / 1e6:,.0f} MB are free there"
        except OSError:
            place, free = os.environ.get("TMPDIR", "/tmp"), "it cannot be used"  # noqa: S108
        raise ScratchError(
            f"The temporary file for spectrograms cannot be written in '{place}' after "
            f"{size / 1e6:,.0f} MB ({e.strerror or e}; {free}). Make room there, or set TMPDIR to "
            "a folder with room, and process the cue again."
        ) from e


class FeatureWriter:
    """Packs the frames of one feature into chunks of a spool, as float16 unless asked otherwise.

    Attributes
    ----------
    compiled : bool
        Whether the compiled kernel rounds, which takes no NaN.
    """

    def __init__(
        self,
        spool: Spool,
        n_mels: int,
        *,
        compiled: bool = False,
        dtype: np.dtype[Any] = DTYPE,
    ) -> None:
        self.compiled = compiled
        dtype = dtype.newbyteorder("<")
        self.feature = SpooledFeature(n_mels, n_mels * dtype.itemsize)
        self._spool = spool
        self._chunk = np.empty((frames_per_chunk(n_mels, dtype), n_mels), dtype)
        self._filled = 0

    def write(self, frames: Float32Array) -> None:
        """Take frames, shape=(n, n_mels)."""
        while len(frames):
            room = len(self._chunk) - self._filled
            part, frames = frames[:room], frames[room:]
            packed = self._chunk[self._filled : self._filled + len(part)]
            self.feature.max_db = max(self.feature.max_db, self._pack(part, packed))
            self._filled += len(part)
            if self._filled == len(self._chunk):
                self._flush()

    def _pack(self, part: Float32Array, packed: np.ndarray[Any, Any]) -> float:
        if packed.dtype == DTYPE and part.dtype == np.float32:
            return pack_half(part, packed, compiled=self.compiled)
        packed[:] = part
        return float(np.fmax.reduce(packed, axis=None))  # what is not known is NaN

    def close(self) -> SpooledFeature:
        """Write what is left; return the whole."""
        self._flush()
        self._chunk = self._chunk[:0]
        return self.feature

    def _flush(self) -> None:
        if self._filled:
            data = self._chunk[: self._filled].tobytes()
            extent = _Extent(self._spool.write(data), self.feature.n_frames, self._filled)
            self.feature.extents.append(extent)
            self.feature.n_frames += self._filled
            self._filled = 0


class ChunkRows:
    """Rows of a chunk table, read from a spool in batches of a few MB each time it is iterated.

    Parameters
    ----------
    spool : Spool
    features : list of (int, SpooledFeature)
        Id of each feature's row, and the feature.
    id_column : str
        The chunk table's reference to the feature.
    """

    def __init__(
        self, spool: Spool, features: list[tuple[int, SpooledFeature]], id_column: str
    ) -> None:
        self._spool = spool
        self._features = features
        self._id_column = id_column

    def __iter__(self) -> Iterator[Columns]:
        """Yield batches of rows as columns: int64 arrays, and ``data`` as a list of bytes."""
        batch: list[_Chunk] = []
        size = 0
        for chunk in self._chunks():
            if batch and size + chunk.size > _BATCH_BYTES:
                yield self._columns(batch)
                batch, size = [], 0
            batch.append(chunk)
            size += chunk.size
        if batch:
            yield self._columns(batch)

    def _chunks(self) -> Iterator[_Chunk]:
        for feature_id, feature in self._features:
            for index, extent in enumerate(feature.extents):
                size = extent.n_frames * feature.frame_bytes
                yield _Chunk((feature_id, index, extent.first_frame, extent.n_frames), extent, size)

    def _columns(self, batch: list[_Chunk]) -> Columns:
        names = (self._id_column, "chunk_index", "first_frame", "n_frames")
        numbers = np.array([chunk.numbers for chunk in batch], dtype=np.int64)
        return {
            **dict(zip(names, numbers.T, strict=True)),
            "data": [self._spool.read(chunk.extent.offset, chunk.size) for chunk in batch],
        }


class _Chunk(NamedTuple):
    numbers: tuple[int, int, int, int]
    extent: _Extent
    size: int
