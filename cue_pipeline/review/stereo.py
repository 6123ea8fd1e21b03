"""A stem or a mix as people hear it: two channels, 16 bits, about as loud as the others.

Conventions
-----------
Channels are folded down by :mod:`cue_pipeline.audio.stereo_gains`, so that every sound is audible:
the LFE, where there is nothing else. One gain is given to a whole stem: it brings its mean power to
−23 dBFS where no sample can then exceed full scale, and otherwise as close as that goes.

References
----------
EBU R 128 (−23, here of plain power, not K-weighted).
Microsoft, *Multiple channel audio data and WAVE files*. RFC 9110, section 14 (ranges).
"""

from __future__ import annotations

import hashlib
import math
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from threading import Lock
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cue_pipeline.audio.excerpt import ExcerptReader
from cue_pipeline.audio.sources import is_entered
from cue_pipeline.errors import AudioFileError
from cue_pipeline.review.sound_cache import SoundCache

TARGET_DBFS: Final = -23.0
MOST_GAIN_DB: Final = 40.0
HEADER_BYTES: Final = 44
FRAME_BYTES: Final = 4

_MOST_BYTES: Final = 0xFFFFFFFF - HEADER_BYTES
_PIECE_SECONDS: Final = 4
_VERSION: Final = 2  # of how samples are made: pieces of another are not taken
_WHOLE: Final = "whole"
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
    def is_entered(self) -> bool:
        """Whether what lies before a moment need not be decoded to hear from there."""
        return all(is_entered(str(channel["subtype"])) for channel in self.channels)

    def name(self, stamp: object) -> str:
        """Return a name of the stream's samples, another one where anything of them is another."""
        places = [(c["file"], c["channel_index"]) for c in self.channels]
        said = (_VERSION, str(self.folder), places, stamp, self.sample_rate)
        return hashlib.sha256(repr(said).encode() + self.matrix.tobytes()).hexdigest()[:40]

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


class SoundServer:
    """Makes streams of groups: what was made once is taken from the disk.

    Parameters
    ----------
    reader : ExcerptReader
    cache : SoundCache, optional
        Where pieces are kept; nowhere otherwise.
    """

    def __init__(self, reader: ExcerptReader, cache: SoundCache | None = None) -> None:
        self._reader, self._cache = reader, cache
        self._decoding: dict[str, Lock] = {}

    def stream(self, heard: Heard, begin: int, end: int) -> Iterator[bytes]:
        """Yield bytes ``begin`` to ``end`` of the WAVE file.

        Of files that can be entered, what lies before is not read; others are decoded once.

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
        for block in self._blocks(heard, first, last):
            data = block[cut : cut + left]
            left, cut = left - len(data), 0
            yield data

    def _blocks(self, heard: Heard, first: int, last: int) -> Iterator[bytes]:
        step = _PIECE_SECONDS * heard.sample_rate
        stamp = self._reader.stamp(heard.folder, heard.channels)
        if self._cache is None or None in stamp:  # a file that is gone is not heard from the cache
            for begin in range(first, last, step):
                yield stereo(heard, self._reader, begin, min(step, last - begin)).tobytes()
            return
        name = heard.name(stamp)
        for number in range(first // step, -(-last // step)):
            begin = number * step
            piece = self._piece(heard, self._cache, name, number)
            yield piece[max(0, first - begin) * FRAME_BYTES : (last - begin) * FRAME_BYTES]

    def _piece(self, heard: Heard, cache: SoundCache, name: str, number: int) -> bytes:
        step = _PIECE_SECONDS * heard.sample_rate
        n = min(step, heard.frames - number * step)
        if heard.is_entered:
            if (kept := cache.get(f"{name}-{number}", n * FRAME_BYTES)) is not None:
                return kept
            made = stereo(heard, self._reader, number * step, n).tobytes()
            cache.put(f"{name}-{number}", made)
            return made
        if (kept := _of_whole(cache, name, number, n)) is not None:
            return kept
        with self._decoding.setdefault(name, Lock()):  # whoever waits finds it made
            if (kept := _of_whole(cache, name, number, n)) is not None:
                return kept
            try:
                return self._decoded(heard, cache, name, number)
            finally:
                self._decoding.pop(name, None)

    def _decoded(self, heard: Heard, cache: SoundCache, name: str, number: int) -> bytes:
        """Decode a file from its beginning, keep all of it, and return one piece."""
        wanted = b""
        for at, piece in enumerate(self._pieces(heard)):
            cache.put(f"{name}-{at}", piece)
            wanted = piece if at == number else wanted
        cache.put(f"{name}-{_WHOLE}", b"\n")
        return wanted

    def _pieces(self, heard: Heard) -> Iterator[bytes]:
        """Yield all pieces of a file; one that is damaged raises behind the last that was read."""
        size, left = _PIECE_SECONDS * heard.sample_rate * FRAME_BYTES, heard.frames * FRAME_BYTES
        pending = bytearray()
        for block in self._reader.whole(heard.folder, heard.channels, heard.sample_rate):
            if left:
                pending += _rounded(heard.matrix @ block).tobytes()
            while left and len(pending) >= min(size, left):
                piece = bytes(pending[: min(size, left)])
                del pending[: len(piece)]
                left -= len(piece)
                yield piece
        while left:  # coders' lengths are inexact: the end is silent
            piece = bytes(pending).ljust(min(size, left), b"\0")
            pending.clear()
            left -= len(piece)
            yield piece


def _of_whole(cache: SoundCache, name: str, number: int, n: int) -> bytes | None:
    """Return a piece of a file that was decoded to its end: only there its damage is known."""
    if cache.get(f"{name}-{_WHOLE}", 1) is None:
        return None
    return cache.get(f"{name}-{number}", n * FRAME_BYTES)


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
    return _rounded(ears)


def _rounded(ears: NDArray[np.float32]) -> NDArray[np.int16]:
    rounded = np.rint(ears * np.float32(32767.0))
    return np.ascontiguousarray(np.clip(rounded, -32768.0, 32767.0).T.astype("<i2"))
