"""Chunks of RIFF, RF64, BW64 and W64: what a WAVE header promises, and what the file holds.

libsndfile opens a file that is cut short without a word and hides where its samples lie, so the
chunks are walked here: a few reads of a few bytes each, whatever the file's length.

References
----------
EBU Tech 3285 (Broadcast Wave), EBU Tech 3306 / ITU-R BS.2088 (RF64, BW64), Sony Wave64,
Microsoft ``WAVEFORMATEXTENSIBLE``, iXML specification 3.0.
"""

import os
import struct
from dataclasses import dataclass, field
from typing import BinaryIO

from cue_pipeline.errors import AudioFileError

WAVE_MAGICS = {b"RIFF": "WAV", b"RF64": "RF64", b"BW64": "RF64", b"riff": "W64"}

_UNKNOWN_SIZE = 0xFFFFFFFF
_MAX_CHUNKS = 4_096
_MAX_METADATA_BYTES = 4 << 20
_TIME_REFERENCE_AT = 338  # 256 description, 32 + 32 originator, 10 date, 8 time

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_SUBTYPES = {
    (_PCM, 8): "PCM_U8",
    (_PCM, 16): "PCM_16",
    (_PCM, 24): "PCM_24",
    (_PCM, 32): "PCM_32",
    (_FLOAT, 32): "FLOAT",
    (_FLOAT, 64): "DOUBLE",
}


@dataclass(slots=True)
class WaveChunks:
    """What the chunks of one file say; sizes in bytes."""

    container: str
    file_size: int
    has_format: bool = False
    format_tag: int = 0
    channels: int = 0
    sample_rate: int = 0
    block_align: int = 0
    bits: int = 0
    channel_mask: int = 0
    data_offset: int | None = None
    data_size: int = 0
    ds64_data_size: int = 0
    time_reference: int | None = None
    ixml: bytes | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def subtype(self) -> str | None:
        """Libsndfile's name of the sample format; None where it is no plain PCM or float."""
        return _SUBTYPES.get((self.format_tag, self.bits))

    @property
    def bytes_there(self) -> int:
        """Bytes of audio that the file really holds."""
        if self.data_offset is None:
            return 0
        return max(0, min(self.data_size, self.file_size - self.data_offset))


def read_wave_chunks(stream: BinaryIO) -> WaveChunks:
    """Return what the chunks of a WAV, RF64, BW64 or W64 file say.

    Parameters
    ----------
    stream : binary file
        Open for reading and seekable; its position is moved.

    Raises
    ------
    AudioFileError
        If the magic is none of :data:`WAVE_MAGICS`, or the walk does not end.
    """
    size = os.fstat(stream.fileno()).st_size
    stream.seek(0)
    magic = stream.read(40)
    container = WAVE_MAGICS.get(magic[:4])
    if container is None:
        raise AudioFileError("no RIFF, RF64, BW64 or W64 header")
    chunks = WaveChunks(container=container, file_size=size)
    position = 40 if container == "W64" else 12
    for _ in range(_MAX_CHUNKS):
        if position >= size:  # where a damaged size points to, past what can be sought
            return chunks
        head = _read_chunk_head(stream, position, wide=container == "W64")
        if head is None:
            return chunks
        name, payload_at, payload_size, position = head
        if name == b"data" and chunks.data_offset is None:
            position = _take_data(chunks, payload_at, payload_size, position)
        else:
            _take_chunk(chunks, stream, name, payload_at, payload_size)
    raise AudioFileError(f"more than {_MAX_CHUNKS} chunks: the chunk sizes are damaged")


def _read_chunk_head(
    stream: BinaryIO, position: int, *, wide: bool
) -> tuple[bytes, int, int, int] | None:
    """Return a chunk's name, payload offset, payload size and the offset of the next chunk."""
    stream.seek(position)
    head = stream.read(24 if wide else 8)
    if wide:
        if len(head) < 24:
            return None
        (size,) = struct.unpack_from("<Q", head, 16)
        size = max(size, 24)
        return head[:4].lower(), position + 24, size - 24, position + (size + 7) // 8 * 8
    if len(head) < 8:
        return None
    (size,) = struct.unpack_from("<I", head, 4)
    return head[:4], position + 8, size, position + 8 + size + (size & 1)


def _take_data(chunks: WaveChunks, at: int, size: int, following: int) -> int:
    """Note where the samples lie; return where the next chunk starts."""
    chunks.data_offset = at
    if size == _UNKNOWN_SIZE and chunks.container == "RF64":
        size = chunks.ds64_data_size
        following = at + size + (size & 1)
    rest = max(0, chunks.file_size - at)
    if size == _UNKNOWN_SIZE or (size == 0 and rest > 8 and chunks.container != "W64"):
        chunks.notes.append(
            f"its header was never finished (it promises {size} bytes of audio, {rest} follow): "
            "read to the end of the file; bounce it again if it should be longer or shorter"
        )
        size, following = rest, chunks.file_size
    chunks.data_size = size
    return following


def _take_chunk(chunks: WaveChunks, stream: BinaryIO, name: bytes, at: int, size: int) -> None:
    """Read one chunk that is not the samples, if it says something of use."""
    readers = {b"fmt ": _take_format, b"ds64": _take_ds64, b"bext": _take_bext, b"iXML": _take_ixml}
    readers[b"ixml"] = _take_ixml
    reader = readers.get(name)
    if reader is None:
        return
    stream.seek(at)
    reader(chunks, stream.read(min(size, _MAX_METADATA_BYTES)))


def _take_format(chunks: WaveChunks, payload: bytes) -> None:
    if len(payload) < 16:
        chunks.notes.append("its format chunk is cut short")
        return
    tag, channels, rate, _, align, bits = struct.unpack_from("<HHIIHH", payload)
    if tag == _EXTENSIBLE and len(payload) >= 26:
        chunks.channel_mask, tag = struct.unpack_from("<IH", payload, 20)
    chunks.has_format = True
    chunks.format_tag, chunks.channels, chunks.sample_rate = tag, channels, rate
    chunks.block_align, chunks.bits = align, bits


def _take_ds64(chunks: WaveChunks, payload: bytes) -> None:
    if len(payload) >= 16:
        (chunks.ds64_data_size,) = struct.unpack_from("<Q", payload, 8)


def _take_bext(chunks: WaveChunks, payload: bytes) -> None:
    if len(payload) >= _TIME_REFERENCE_AT + 8:
        (chunks.time_reference,) = struct.unpack_from("<Q", payload, _TIME_REFERENCE_AT)


def _take_ixml(chunks: WaveChunks, payload: bytes) -> None:
    chunks.ixml = payload.rstrip(b"\0 \r\n\t")
