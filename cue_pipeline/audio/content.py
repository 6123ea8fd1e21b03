"""What audio holds, in a number: of samples, whatever they are written as, and of whole files.

Conventions
-----------
*Content of a channel*: XXH3-128 of its samples as float32, little-endian, at the file's own rate.
The same samples give the same number in WAV, AIFF, CAF and FLAC, of 16 and of 24 bits, whichever
blocks they are read in.
*Content of a group*: of the sample rate and of its channels' contents, in order. Not of names.
*Content of a file*: ``xxh3:`` of what lies around the samples (chunks, dates, time references),
and of each channel; or ``file:`` of its bytes, where a decoder stands between.

XXH3 is no secret-keeper's hash: nobody is kept from making two files that have the same number.
It takes 4 % of the pass that reads the samples anyway, where SHA-256 takes 70 %.
"""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from cue_pipeline.audio.grouping import ChannelGroup
from cue_pipeline.audio.headers import AudioHeader, read_audio_header
from cue_pipeline.audio.mel_filters import Float32Array
from cue_pipeline.audio.sources import Source, open_source

_BLOCK_SAMPLES = 1 << 17
_BLOCK_BYTES = 1 << 20


class HashedSource:
    """A source whose samples are hashed as they are read.

    Parameters
    ----------
    source : Source
        At its file's own rate.
    indices : sequence of int
        Its channels' places in the file.
    """

    def __init__(self, source: Source, indices: Sequence[int]) -> None:
        import xxhash

        self._source = source
        self._indices = indices
        self._hashes = [xxhash.xxh3_128() for _ in indices]
        self._whole = True
        self.header = source.header
        self.sample_rate = source.sample_rate
        self.damage = source.damage
        self.opened = source.opened

    def read(self, out: Float32Array) -> int:
        """Fill ``out`` with the next samples, and hash them."""
        got = self._source.read(out)
        for row, digest in zip(out, self._hashes, strict=True):
            digest.update(_bytes_of(row[:got]))
        return got

    def add(self, rows: Sequence[Float32Array]) -> int:
        """Add the next samples; they are not hashed."""
        self._whole = False
        return self._source.add(rows)

    def skip(self, seconds: Fraction) -> None:
        """Leave out what comes next."""
        self._whole = False
        self._source.skip(seconds)

    def seek(self, frame: int) -> bool:
        """Go on reading elsewhere."""
        self._whole = False
        return self._source.seek(frame)

    def close(self) -> None:
        """Let go of the file."""
        self._source.close()

    def contents(self) -> dict[tuple[str, int], str]:
        """Return the content of each channel, by file and place; nothing where it is damaged."""
        if not self._whole or self.damage:
            return {}
        named = zip(self._indices, self._hashes, strict=True)
        return {(self.header.file, index): digest.hexdigest() for index, digest in named}


def _bytes_of(samples: Float32Array) -> Any:
    little = samples if samples.dtype.byteorder in "=<|" and _LITTLE else samples.astype("<f4")
    return np.ascontiguousarray(little)


_LITTLE = np.little_endian


def group_content(sample_rate: int, channels: Sequence[str]) -> str:
    """Return the content of a group, in 32 hexadecimal digits.

    Parameters
    ----------
    sample_rate : int
        Hz, of its files.
    channels : sequence of str
        Contents of its channels, in order.
    """
    import xxhash

    return str(xxhash.xxh3_128("\n".join((str(sample_rate), *channels)).encode()).hexdigest())


def file_contents(
    folder: Path, groups: Iterable[ChannelGroup], levels: Iterable[Mapping[str, Any]]
) -> dict[str, str]:
    """Return the contents of the files of some groups, as far as each was read whole.

    Parameters
    ----------
    folder : Path
        The cue's.
    groups : iterable of ChannelGroup
    levels : iterable of mapping
        Of each group, the ``levels`` that the pass over its samples found.
    """
    headers: dict[str, AudioHeader] = {}
    found: dict[tuple[str, int], str] = {}
    for group, measured in zip(groups, levels, strict=True):
        by_label = {c["label"]: c.get("content_hash") for c in measured.get("channels", ())}
        for channel in group.channels:
            headers[channel.file] = channel.header
            if content := by_label.get(channel.label):
                found[channel.file, channel.index] = content
    contents = {}
    for file, header in headers.items():
        channels = [found.get((file, index)) for index in range(header.channels)]
        if (content := _content(folder, header, channels)) is not None:
            contents[file] = content
    return contents


def _content(folder: Path, header: AudioHeader, channels: Sequence[str | None]) -> str | None:
    known = [content for content in channels if content is not None]
    try:
        if header.data_offset is None or header.form is None:
            return bytes_content(folder / header.file)
        if len(known) < len(channels):
            return None
        samples = header.frames * header.channels * header.form.bytes
        around = _hash_around(folder / header.file, header.data_offset, samples)
    except OSError:
        return None
    return f"xxh3:{around}:{','.join(known)}"


def bytes_content(path: Path) -> str:
    """Return the content of a file by its bytes."""
    return f"file:{_hash_around(path, 0, 0)}"


def _hash_around(path: Path, first: int, size: int) -> str:
    """Return the hash of a file's bytes but for ``size`` from ``first`` on."""
    import xxhash

    digest = xxhash.xxh3_128()
    held = bytearray(_BLOCK_BYTES)
    view = memoryview(held)
    with path.open("rb", buffering=0) as stream:
        left = first
        while left and (n := stream.readinto(view[: min(left, _BLOCK_BYTES)])):
            digest.update(view[:n])
            left -= n
        stream.seek(first + size)
        while n := stream.readinto(view):
            digest.update(view[:n])
    return str(digest.hexdigest())


def content_again(folder: Path, file: str, known: str) -> str | None:
    """Return the content of a file as it is now, in the form in which it is known.

    Returns
    -------
    str or None
        None where the file cannot be read whole.
    """
    if known.startswith("file:"):
        try:
            return bytes_content(folder / file)
        except OSError:
            return None
    header = read_audio_header(folder, file)
    if header.fault is not None or header.data_offset is None:
        return None
    source = HashedSource(
        open_source(folder, header, range(header.channels)), range(header.channels)
    )
    try:
        block = np.empty((header.channels, _BLOCK_SAMPLES // header.channels + 1), np.float32)
        while source.opened and source.read(block):
            pass
        contents = source.contents()
    finally:
        source.close()
    return _content(folder, header, [contents.get((file, i)) for i in range(header.channels)])
