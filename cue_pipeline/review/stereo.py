"""A stem or a mix as people hear it: two channels, 16 bits, about as loud as the others.

Conventions
-----------
Channels are folded down by ITU-R BS.775: centre, sides, rears and heights at −3 dB, the LFE left
out unless there is nothing else. One gain is given to a whole stem: it brings its mean power to
−23 dBFS where no sample can then exceed full scale, and otherwise as close as that goes.

References
----------
ITU-R BS.775-4, table 2 (downward mixing). EBU R 128 (−23, here of plain power, not K-weighted).
Microsoft, *Multiple channel audio data and WAVE files*. RFC 9110, section 14 (ranges).
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cue_pipeline.audio.excerpt import ExcerptReader
from cue_pipeline.errors import AudioFileError

TARGET_DBFS: Final = -23.0
MOST_GAIN_DB: Final = 40.0
HEADER_BYTES: Final = 44
FRAME_BYTES: Final = 4

_MINUS_3_DB: Final = math.sqrt(0.5)
_MOST_BYTES: Final = 0xFFFFFFFF - HEADER_BYTES
_BLOCK_SECONDS: Final = 4
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@dataclass(frozen=True, slots=True)
class Heard:
    """What is heard of a group: how long it is, and how its channels come to the two ears.

    Attributes
    ----------
    folder : Path
        The cue's.
    channels : sequence of mapping
        As ``audio_files.channels`` has them.
    sample_rate : int
        Hz, of the stream.
    matrix : np.ndarray, shape=(2, n_channels)
        Left and right of each channel, with the gain in it.
    """

    folder: Path
    channels: Sequence[Mapping[str, Any]]
    sample_rate: int
    matrix: NDArray[np.float32]

    @property
    def frames(self) -> int:
        """Samples of each ear."""
        longest = max(Fraction(int(c["frames"]), int(c["sample_rate"])) for c in self.channels)
        return math.ceil(longest * self.sample_rate)

    @property
    def bytes(self) -> int:
        """Size of the WAVE file.

        Raises
        ------
        AudioFileError
            If it is too long for one.
        """
        size = self.frames * FRAME_BYTES
        if size > _MOST_BYTES:
            raise AudioFileError(
                f"'{self.channels[0]['file']}' is longer than a WAVE file can be: {size} bytes of "
                f"samples, at most {_MOST_BYTES}. Cut it, or listen to it in a sequencer."
            )
        return HEADER_BYTES + size


def stereo_matrix(labels: Sequence[str]) -> NDArray[np.float32]:
    """Return how much of each channel is heard on the left and on the right, shape=(2, n)."""
    lfe_only = all(label == "LFE" for label in labels)
    columns = [_ears(label, lfe_only=lfe_only) for label in labels]
    return np.array(columns, np.float32).T


def _ears(label: str, *, lfe_only: bool) -> tuple[float, float]:
    match label:
        case "L":
            return 1.0, 0.0
        case "R":
            return 0.0, 1.0
        case "M":
            return 1.0, 1.0
        case "LFE":
            return (1.0, 1.0) if lfe_only else (0.0, 0.0)
    if label[:1] == "L":
        return _MINUS_3_DB, 0.0
    if label[:1] == "R":
        return 0.0, _MINUS_3_DB
    return _MINUS_3_DB, _MINUS_3_DB


def matching_gain_db(matrix: NDArray[np.float32], levels: Sequence[Mapping[str, Any]]) -> float:
    """Return the gain that makes a group as loud as others, as far as no sample is clipped.

    Parameters
    ----------
    matrix : np.ndarray, shape=(2, n_channels)
    levels : sequence of mapping
        ``peak_dbfs`` and ``rms_dbfs`` of each channel; None or NaN: digital silence.
    """
    rms = np.array([_amplitude(level.get("rms_dbfs")) for level in levels])
    peaks = np.array([_amplitude(level.get("peak_dbfs")) for level in levels])
    power = float((matrix.astype(np.float64) ** 2 @ rms**2).mean())
    highest = float((matrix @ peaks).max())  # all at once, which is never exceeded
    if power <= 0.0 or highest <= 0.0:
        return 0.0
    wanted = TARGET_DBFS - 10.0 * math.log10(power)
    return min(wanted, -20.0 * math.log10(highest), MOST_GAIN_DB)


def _amplitude(dbfs: float | None) -> float:
    return 0.0 if dbfs is None or dbfs != dbfs else float(10.0 ** (dbfs / 20.0))


def wave_header(frames: int, sample_rate: int) -> bytes:
    """Return the first 44 bytes of a stereo WAVE file of 16 bits."""
    size = frames * FRAME_BYTES
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF", HEADER_BYTES - 8 + size, b"WAVE",
        b"fmt ", 16, 1, 2, sample_rate, sample_rate * FRAME_BYTES, FRAME_BYTES, 16,
        b"data", size,
    )  # fmt: skip


def asked_range(header: str | None, size: int) -> tuple[int, int] | None:
    """Return which bytes, the last exclusive, a ``Range`` header asks for.

    Returns
    -------
    tuple of int or None
        All of them where the header is not there, or is none that can be followed, as RFC 9110
        wants it; None where there are no such bytes.
    """
    found = _RANGE.fullmatch((header or "").strip())
    if found is None or found.group(1) == found.group(2) == "":
        return 0, size
    first, last = found.groups()
    if not first:  # the last so many
        return (max(0, size - int(last)), size) if int(last) else None
    begin, end = int(first), min(size, int(last) + 1) if last else size
    if last and int(last) < begin:
        return 0, size
    return (begin, end) if begin < size else None


def stream(heard: Heard, reader: ExcerptReader, begin: int, end: int) -> Iterator[bytes]:
    """Yield bytes ``begin`` to ``end`` of the WAVE file; what lies before is not read.

    Raises
    ------
    AudioFileError
        If a file is gone, damaged there, or another than the one that was processed.
    """
    if begin < HEADER_BYTES:
        header = wave_header(heard.frames, heard.sample_rate)
        yield header[begin : min(end, HEADER_BYTES)]
        begin = HEADER_BYTES
    if begin >= end:
        return
    first, cut = divmod(begin - HEADER_BYTES, FRAME_BYTES)
    last = -(-(end - HEADER_BYTES) // FRAME_BYTES)
    left = end - begin
    for block in _pieces(heard, reader, first, last):
        data = block[cut : cut + left]
        left, cut = left - len(data), 0
        yield data


def _pieces(heard: Heard, reader: ExcerptReader, first: int, last: int) -> Iterator[bytes]:
    step = _BLOCK_SECONDS * heard.sample_rate
    for begin in range(first, last, step):
        yield stereo(heard, reader, begin, min(step, last - begin)).tobytes()


def stereo(heard: Heard, reader: ExcerptReader, first: int, n: int) -> NDArray[np.int16]:
    """Return ``n`` samples of both ears from ``first`` on, shape=(n, 2), little-endian."""
    ears = np.zeros((2, n), np.float32)
    blocks = reader.blocks(
        heard.folder,
        heard.channels,
        start=first / heard.sample_rate,
        n=n,
        sample_rate=heard.sample_rate,
    )
    for at, block in blocks:
        ears[:, at : at + block.shape[1]] = heard.matrix @ block
    rounded = np.rint(ears * np.float32(32767.0))
    return np.ascontiguousarray(np.clip(rounded, -32768.0, 32767.0).T.astype("<i2"))
