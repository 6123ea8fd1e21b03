"""Samples of one file in blocks of float32, whatever the file is made of.

Plain samples are read straight off the disk, from where they were found to lie, whatever a header
says: 24 bits as overlapping 32-bit integers at a stride of 3 bytes, which is several times
libsndfile's speed and bit for bit the same. Codecs go through libsndfile or ffmpeg.

A source never raises for a file that fails under it: it ends early and says so in ``damage``,
so that the other channels of a group go on.
"""

import io
import os
import threading
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np

from cue_pipeline.audio.compiled.choice import compiled_add_24, compiled_decode_24
from cue_pipeline.audio.containers.contents import SampleForm
from cue_pipeline.audio.containers.splicing import opened_by_libsndfile
from cue_pipeline.audio.headers import AudioHeader
from cue_pipeline.audio.mel_filters import Float32Array
from cue_pipeline.audio.mpeg4 import read_mpeg4_blocks
from cue_pipeline.cue.gate import opened
from cue_pipeline.errors import AudioFileError

# What libsndfile enters at any sample; others are decoded from the beginning.
_EXACT_SEEK = ("PCM", "FLOAT", "DOUBLE", "ULAW", "ALAW", "MPEG_LAYER_III", "VORBIS", "OPUS")
_SALVAGED_AT_ONCE = 192  # the shortest block of FLAC's usual ones
_SKIPPED_AT_ONCE = 1 << 18
_SLACK_BYTES = 64  # the kernels load whole vectors


class Source(Protocol):
    """Channels of one file, read forward.

    Attributes
    ----------
    header : AudioHeader
    sample_rate : int
        Hz, of what ``read`` returns.
    damage : list of str
        What went wrong so far.
    opened : bool
        False if nothing could be read at all.
    """

    header: AudioHeader
    sample_rate: int
    damage: list[str]
    opened: bool

    def read(self, out: Float32Array) -> int:
        """Fill ``out``, shape=(channels, n), with the next samples.

        Returns
        -------
        int
            How many of each channel there were; fewer than ``n`` only at the end.
        """

    def add(self, rows: Sequence[Float32Array]) -> int:
        """Add the next samples of each channel to a row of its own; silence for what is no number.

        Returns
        -------
        int
            How many of each channel there were; fewer than a row's length only at the end.
        """

    def skip(self, seconds: Fraction) -> None:
        """Leave out what comes next; ``seconds`` is a whole number of the file's samples."""

    def seek(self, frame: int) -> bool:
        """Go on reading from a sample of the file's; return whether it could be reached."""

    def close(self) -> None:
        """Let go of the file."""


def is_entered(subtype: str) -> bool:
    """Return whether a file of a subtype is read from any sample on, without what lies before."""
    return subtype.startswith(_EXACT_SEEK)


def add_read(source: Source, rows: Sequence[Float32Array]) -> int:
    """Read from a source and add; see :meth:`Source.add`."""
    held = np.empty((len(rows), len(rows[0])), np.float32)
    count = source.read(held)
    for row, samples in zip(rows, held[:, :count], strict=True):
        row[:count] += finite(samples)
    return count


def finite(block: Float32Array) -> Float32Array:
    """Return samples with silence for NaN and Inf."""
    with np.errstate(over="ignore", invalid="ignore"):
        sound = np.isfinite(block.sum())
    return block if sound else np.nan_to_num(block, posinf=0.0, neginf=0.0)


def open_source(
    folder: Path, header: AudioHeader, indices: Sequence[int], *, compiled: bool = False
) -> Source:
    """Return a source of some channels of a file, at the file's own sample rate.

    Parameters
    ----------
    folder : Path
        The cue's folder.
    header : AudioHeader
        Of the file.
    indices : sequence of int
        Interleaved channels wanted, in this order.
    compiled : bool
        Decode by the compiled kernels; the samples are the same.
    """
    path = folder / header.file
    if header.data_offset is not None and header.form is not None:
        return _RawSource(path, header, indices, compiled=compiled)
    return _DecodedSource(path, header, indices)


def read_excerpts(
    folder: Path, header: AudioHeader, indices: Sequence[int], firsts: Sequence[int], n: int
) -> Float32Array:
    """Return short stretches of a file, without reading what lies between where that can be.

    Parameters
    ----------
    folder, header, indices
        As for :func:`open_source`.
    firsts : sequence of int
        First samples, ascending; before 0 and behind the end there is silence.
    n : int
        Samples of each.

    Returns
    -------
    np.ndarray, shape=(channels, excerpts, n)
        At the file's own sample rate; silent where it cannot be read.
    """
    out = np.zeros((len(indices), len(firsts), n), np.float32)
    source = open_source(folder, header, indices)
    try:
        for k, first in enumerate(firsts):
            begin, end = max(0, first), min(header.frames, first + n)
            if source.opened and begin < end and source.seek(begin):
                source.read(out[:, k, begin - first : end - first])
    finally:
        source.close()
    return out


_scratch = threading.local()


def _scratch_bytes(size: int) -> bytearray:
    """Return bytes to read into, which this thread's next read of any file overwrites.

    One buffer for all files of a thread stays in the core's cache; one each would not.
    """
    held: bytearray | None = getattr(_scratch, "held", None)
    if held is None or len(held) < size:
        held = _scratch.held = bytearray(size)
    return held


def _short(header: AudioHeader, got: int) -> str:
    return (
        f"'{header.file}' gave {got} of {header.frames} samples, {got / header.sample_rate:.2f} s: "
        "it shrank while it was read, or is damaged. Copy the file again and process the cue "
        "again; the rest is taken as silence."
    )


def _gone(header: AudioHeader, reason: str) -> str:
    return (
        f"'{header.file}' could not be opened any more ({reason}): it was moved or removed while "
        "the cue was processed. Its channel is left out; process the cue again."
    )


class _RawSource:
    """Plain samples."""

    def __init__(
        self, path: Path, header: AudioHeader, indices: Sequence[int], *, compiled: bool
    ) -> None:
        self._form = header.form or SampleForm(header.subtype)
        packed = compiled and self._form == SampleForm("PCM_24")
        self._decode_24 = compiled_decode_24() if packed else None
        self._add_24 = compiled_add_24() if packed and header.channels == 1 else None
        self.header = header
        self.sample_rate = header.sample_rate
        self.damage: list[str] = []
        self._indices = list(indices)
        self._left = header.frames
        self._flat = np.empty(0, np.float32)
        self._file: io.FileIO | None = None
        try:
            self._file = cast("io.FileIO", opened(path).detach())
            self._file.seek(header.data_offset or 0)
        except OSError as e:
            self.damage.append(_gone(header, e.strerror or str(e)))
        self.opened = self._file is not None

    def read(self, out: Float32Array) -> int:
        raw, got = self._next(out.shape[1])
        channels = self.header.channels
        if channels == 1:
            self._decode(raw, out[0, :got])
        elif got:
            if len(self._flat) < got * channels:
                self._flat = np.empty(got * channels, np.float32)
            flat = self._flat[: got * channels]
            self._decode(raw, flat)
            out[:, :got] = flat.reshape(got, channels).T[self._indices]
        return got

    def add(self, rows: Sequence[Float32Array]) -> int:
        if self._add_24 is None:
            return add_read(self, rows)
        raw, got = self._next(len(rows[0]))
        self._add_24(np.frombuffer(raw, np.uint8, offset=4), rows[0][:got])
        return got

    def skip(self, seconds: Fraction) -> None:
        n = min(int(seconds * self.sample_rate), self._left)
        if self._file is not None:
            self._file.seek(n * self._form.bytes * self.header.channels, os.SEEK_CUR)
            self._left -= n

    def seek(self, frame: int) -> bool:
        size = self._form.bytes * self.header.channels
        try:
            if self._file is not None:
                self._file.seek((self.header.data_offset or 0) + frame * size)
        except OSError as e:
            self.damage.append(f"'{self.header.file}': {e.strerror or e}.")
            return False
        self._left = max(0, self.header.frames - frame)
        return self._file is not None

    def _next(self, n: int) -> tuple[bytearray, int]:
        """Return the next samples' bytes, from byte 4 on, and how many samples of a channel."""
        n = min(n, self._left)
        size = self._form.bytes * self.header.channels
        raw = _scratch_bytes(4 + n * size + _SLACK_BYTES)
        if self._file is None or n == 0:
            return raw, 0
        got = self._fill(memoryview(raw)[4 : 4 + n * size]) // size
        if got < n:
            self.damage.append(_short(self.header, self.header.frames - self._left + got))
            self._left = got
        self._left -= got
        return raw, got

    def _fill(self, view: memoryview) -> int:
        """Read bytes; return how many came."""
        got = 0
        try:
            while got < len(view):
                step = self._file.readinto(view[got:]) if self._file else 0
                if not step:
                    break
                got += step
        except OSError as e:
            self.damage.append(f"'{self.header.file}': {e.strerror or e}.")
        return got

    def _decode(self, raw: bytearray, out: Float32Array) -> None:
        """Fill ``out`` with the samples that lie from byte 4 on."""
        if self._decode_24 is not None:
            self._decode_24(np.frombuffer(raw, np.uint8, offset=4), out)
        else:
            decode(raw, self._form, out)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def decode(raw: bytearray, form: SampleForm, out: Float32Array) -> None:
    """Fill ``out`` with plain samples that lie from byte 4 of ``raw`` on.

    Parameters
    ----------
    raw : bytearray
        Four bytes, the samples, and as many bytes again as one sample has.
    form : SampleForm
    out : np.ndarray, shape=(n,), dtype=float32
    """
    n = len(out)
    if form.subtype == "PCM_24":
        # Sample k lies at bytes 4+3k … 4+3k+2: read as a word of four bytes whose other byte is
        # its neighbour's, the lowest of the four, and wiped.
        packed = np.ndarray((n,), ">i4" if form.big_endian else "<i4", raw,
                            4 if form.big_endian else 3, (3,))  # fmt: skip
        wide = np.bitwise_and(packed, -256)
        np.multiply(wide, np.float32(2.0**-31 * form.scale), out=out, casting="unsafe")
        return
    order = ">" if form.big_endian else "<"
    kind, full_scale = _KINDS[form.subtype]
    data = np.frombuffer(raw, order + kind, n, 4)
    if form.subtype == "PCM_U8":
        data = (data ^ 128).view(np.int8)
    with np.errstate(over="ignore", invalid="ignore"):
        if full_scale * form.scale == 1.0:
            out[:] = data
        else:
            np.multiply(data, np.float32(full_scale * form.scale), out=out, casting="unsafe")


_KINDS = {
    "PCM_S8": ("i1", 2.0**-7), "PCM_U8": ("u1", 2.0**-7), "PCM_16": ("i2", 2.0**-15),
    "PCM_32": ("i4", 2.0**-31), "FLOAT": ("f4", 1.0), "DOUBLE": ("f8", 1.0),
}  # fmt: skip


class _DecodedSource:
    """Samples that libsndfile or ffmpeg decodes."""

    def __init__(self, path: Path, header: AudioHeader, indices: Sequence[int]) -> None:
        self.header = header
        self.sample_rate = header.sample_rate
        self.damage: list[str] = []
        self._path = path
        self._indices = list(indices)
        self._got = 0
        self._ended = False
        self._sound: Any = None
        self._blocks: Iterator[Float32Array] | None = None
        self._spare = np.empty((0, header.channels), np.float32)
        self.opened = self._open()

    def _open(self) -> bool:
        import soundfile

        try:
            if self.header.container == "M4A":
                self._path.stat()
                self._blocks = read_mpeg4_blocks(self._path, self.header.channels, 1 << 16)
            else:
                self._sound = opened_by_libsndfile(self._path, self.header.contents)
        except (OSError, soundfile.LibsndfileError) as e:
            self.damage.append(_gone(self.header, str(e)))
            return False
        return True

    def read(self, out: Float32Array) -> int:
        n = out.shape[1]
        block = self._next(n) if self.opened and not self._ended else self._spare[:0]
        self._got += len(block)
        if len(block) < n and not self._ended and self.opened:
            self._ended = True
            # Encoders' delay and padding make MPEG lengths inexact: only a real lack is told of.
            if self._got < self.header.frames and (
                self.header.container not in {"M4A", "MP3"}
                or self.header.frames - self._got > self.sample_rate // 2
            ):
                self.damage.append(_short(self.header, self._got))
        out[:, : len(block)] = block.T[self._indices]
        return len(block)

    def add(self, rows: Sequence[Float32Array]) -> int:
        return add_read(self, rows)

    def skip(self, seconds: Fraction) -> None:
        import soundfile

        n = min(int(seconds * self.sample_rate), self.header.frames)
        if self._sound is not None and is_entered(self.header.subtype):
            try:
                self._got += self._sound.seek(n)
            except (OSError, soundfile.LibsndfileError) as e:
                self.damage.append(f"'{self.header.file}': decoding failed ({e}).")
                self._ended = True
            return
        block = np.empty((len(self._indices), min(n, _SKIPPED_AT_ONCE)), np.float32)
        while n > 0 and (got := self.read(block[:, :n])):
            n -= got

    def seek(self, frame: int) -> bool:
        import soundfile

        if self._sound is None or not is_entered(self.header.subtype):
            while self._got < frame and not self._ended:
                step = min(_SKIPPED_AT_ONCE, frame - self._got)
                self.read(np.empty((len(self._indices), step), np.float32))
            return self._got == frame
        try:
            self._sound.seek(frame)
        except (OSError, soundfile.LibsndfileError) as e:
            self.damage.append(f"'{self.header.file}': decoding failed ({e}).")
            return False
        self._got = frame
        return True

    def _next(self, n: int) -> Float32Array:
        import soundfile

        try:
            if self._sound is not None:
                block = self._sound.read(n, dtype="float32", always_2d=True)
                return np.asarray(block, dtype=np.float32)
            return self._gather(n)
        except (OSError, soundfile.LibsndfileError, AudioFileError) as e:
            self.damage.append(f"'{self.header.file}': decoding failed ({e}).")
            return self._sound_before_damage(n) if self._sound is not None else self._spare[:0]

    def _sound_before_damage(self, n: int) -> Float32Array:
        """Return what can be decoded of a block that cannot be decoded as a whole."""
        import soundfile

        parts, have = [self._spare[:0]], 0
        try:
            self._sound.close()
            self._sound = opened_by_libsndfile(self._path, self.header.contents)
            self._sound.seek(self._got)
            while have < n:
                part = self._sound.read(_SALVAGED_AT_ONCE, dtype="float32", always_2d=True)
                if not len(part):
                    break
                parts.append(part)
                have += len(part)
        except (OSError, soundfile.LibsndfileError):
            pass  # here it ends, which is told by how much is missing
        return np.asarray(np.concatenate(parts)[:n], dtype=np.float32)

    def _gather(self, n: int) -> Float32Array:
        parts, have = [self._spare], len(self._spare)
        while have < n and self._blocks is not None:
            block = next(self._blocks, None)
            if block is None:
                break
            parts.append(block)
            have += len(block)
        whole = np.concatenate(parts)
        self._spare = whole[n:]
        return whole[:n]

    def close(self) -> None:
        if self._sound is not None:
            self._sound.close()
        if self._blocks is not None and hasattr(self._blocks, "close"):
            self._blocks.close()
