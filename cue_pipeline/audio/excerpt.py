"""Some seconds of a channel group's samples, from the files that the tables describe."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from cue_pipeline.audio.group_pass import GroupReader
from cue_pipeline.audio.grouping import Channel
from cue_pipeline.audio.headers import AudioHeader, read_audio_header
from cue_pipeline.audio.mel_filters import Float32Array
from cue_pipeline.audio.sources import finite
from cue_pipeline.errors import AudioFileError

# A resampler begun in the middle of a file needs some sound before what is asked for.
_RUN_UP_SECONDS = Fraction(1, 10)
_BLOCK_SAMPLES = 1 << 16


@dataclass(frozen=True, slots=True)
class _Described:
    channels: tuple[Channel, ...]


def read_excerpt(
    folder: Path,
    channels: Sequence[Mapping[str, Any]],
    *,
    start: float,
    duration: float | None,
    sample_rate: int,
) -> Float32Array:
    """Return samples of a group's channels.

    Parameters
    ----------
    folder : Path
        The cue's folder.
    channels : sequence of mapping
        As ``audio_files.channels`` has them.
    start : float
        Seconds from the first sample.
    duration : float or None
        Seconds; None: to the end. What lies beyond the end is not there.
    sample_rate : int
        Hz; files of another rate are resampled (soxr HQ).

    Returns
    -------
    np.ndarray, shape=(n_channels, n_samples), dtype=float32
        Full scale = 1.0; shorter channels padded with silence, which also stands for NaN and Inf.

    Raises
    ------
    AudioFileError
        If a file is gone, cannot be read to the end of the excerpt, or is another than the one
        that was processed; or if ``start`` or ``duration`` is negative.
    """
    if start < 0 or (duration is not None and duration < 0):
        raise AudioFileError(
            f"An excerpt begins at 0 s or later and lasts 0 s or longer; start={start:g} and "
            f"duration={duration} were asked for."
        )
    return _excerpt(folder, _Described(_channels(folder, channels)), start, duration, sample_rate)


def _excerpt(
    folder: Path, described: _Described, start: float, duration: float | None, sample_rate: int
) -> Float32Array:
    reader = GroupReader(folder, described, sample_rate, convert_to=sample_rate)
    try:
        samples = _read(reader, described, start, duration)
    finally:
        reader.close()
    if reader.damage:
        raise AudioFileError(" ".join(reader.damage))
    return samples


class ExcerptReader:
    """Reads many excerpts of the same groups: their headers once, as long as the files stay.

    From any thread; what it keeps are headers, not open files.

    Parameters
    ----------
    compiled : bool
        Decode by the compiled kernels, which are faster and take a second and 100 MB to load; the
        samples are the same.
    """

    def __init__(self, *, compiled: bool = True) -> None:
        self._compiled = compiled
        self._known: dict[tuple[Path, str], tuple[tuple[object, ...], _Described]] = {}

    def blocks(
        self,
        folder: Path,
        channels: Sequence[Mapping[str, Any]],
        *,
        start: float,
        n: int,
        sample_rate: int,
    ) -> Iterator[tuple[int, Float32Array]]:
        """Yield a group's samples in blocks that stay in the processor's cache.

        Parameters
        ----------
        folder, channels, sample_rate
            As for :func:`read_excerpt`.
        start : float
            Seconds from the first sample; may be negative.
        n : int
            Samples from there.

        Yields
        ------
        at : int
            Place of the block's first sample, from 0; what lies before the first block, and beyond
            the last, is not in the files.
        block : np.ndarray, shape=(n_channels, n_samples), dtype=float32
            Valid until the next is asked for.

        Raises
        ------
        AudioFileError
            As :func:`read_excerpt`.
        """
        described = self._described(folder, channels)
        before = max(0, round(-start * sample_rate))
        if before >= n:
            return
        if {c.header.sample_rate for c in described.channels} != {sample_rate}:
            # One more, since half a sample may be rounded up at the start and down at the end.
            seconds = (n - before + 1) / sample_rate
            found = _excerpt(folder, described, max(0.0, start), seconds, sample_rate)
            yield before, found[:, : n - before]
            return
        reader = GroupReader(
            folder, described, sample_rate, convert_to=sample_rate, compiled=self._compiled
        )
        whole_numbers = all(c.header.subtype.startswith("PCM_") for c in described.channels)
        try:
            reader.skip(Fraction(max(0, round(start * sample_rate)), sample_rate))
            block = np.empty((len(described.channels), _BLOCK_SAMPLES), np.float32)
            for at in range(before, n, _BLOCK_SAMPLES):
                wanted = min(_BLOCK_SAMPLES, n - at)
                count = reader.read(block[:, :wanted])
                if count:
                    found = block[:, :count]
                    yield at, found if whole_numbers else finite(found)
                if count < wanted:
                    break
        finally:
            reader.close()
        if reader.damage:
            raise AudioFileError(" ".join(reader.damage))

    def whole(
        self, folder: Path, channels: Sequence[Mapping[str, Any]], sample_rate: int
    ) -> Iterator[Float32Array]:
        """Yield all samples of a group in blocks, shape=(n_channels, n), in one pass.

        For files that cannot be entered in their midst (:func:`~.sources.is_entered`). A block is
        valid until the next is asked for.

        Raises
        ------
        AudioFileError
            As :func:`read_excerpt`.
        """
        described = self._described(folder, channels)
        reader = GroupReader(
            folder, described, sample_rate, convert_to=sample_rate, compiled=self._compiled
        )
        try:
            for block in reader.blocks(_BLOCK_SAMPLES):
                yield finite(block)
        finally:
            reader.close()
        if reader.damage:
            raise AudioFileError(" ".join(reader.damage))

    def stamp(self, folder: Path, channels: Sequence[Mapping[str, Any]]) -> tuple[object, ...]:
        """Return what changes when one of a group's files does; None of each that is gone."""
        return tuple(_stamp(folder / file) for file in _files(channels))

    def _described(self, folder: Path, channels: Sequence[Mapping[str, Any]]) -> _Described:
        stamp = self.stamp(folder, channels)
        key = (folder, _files(channels)[0])
        known = self._known.get(key)
        if known is None or known[0] != stamp:
            known = self._known[key] = (stamp, _Described(_channels(folder, channels)))
        return known[1]


def _files(channels: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(str(channel["file"]) for channel in channels))


def _stamp(path: Path) -> object:
    try:
        found = path.stat()
    except OSError:
        return None  # what is wrong, reading it says
    return found.st_size, found.st_mtime_ns


def _read(
    reader: GroupReader, group: _Described, start: float, duration: float | None
) -> Float32Array:
    rate = reader.sample_rate
    rates = {c.header.sample_rate for c in group.channels} | {rate}
    # The run-up begins where every file and the result have a sample at the same moment.
    common = math.gcd(*rates)
    run_up = Fraction(0) if rates == {rate} else _RUN_UP_SECONDS
    begin = Fraction(max(0, math.floor((Fraction(start) - run_up) * common)), common)
    first = round(start * rate)
    longest = max(Fraction(c.header.frames, c.header.sample_rate) for c in group.channels)
    end = math.ceil(longest * rate)
    if duration is not None:
        end = min(end, round((start + duration) * rate))
    reader.skip(begin)
    before = first - int(begin * rate)
    held = np.empty((len(group.channels), max(0, before + max(0, end - first))), np.float32)
    count = reader.read(held)
    return np.ascontiguousarray(finite(held[:, min(before, count) : count]))


def _channels(folder: Path, described: Sequence[Mapping[str, Any]]) -> tuple[Channel, ...]:
    headers: dict[str, AudioHeader] = {}
    channels = []
    for channel in described:
        file = str(channel["file"])
        if file not in headers:
            headers[file] = _header(folder, file, channel)
        channels.append(Channel(channel["label"], headers[file], int(channel["channel_index"])))
    return tuple(channels)


def _header(folder: Path, file: str, described: Mapping[str, Any]) -> AudioHeader:
    """Return the header of a file, which is to be the one that was processed."""
    header = read_audio_header(folder, file)
    if header.fault:
        raise AudioFileError(f"In '{folder}': {header.fault}")
    found = header.frames, header.sample_rate
    processed = int(described["frames"]), int(described["sample_rate"])
    if found != processed or int(described["channel_index"]) >= header.channels:
        raise AudioFileError(
            f"'{file}' in '{folder}' is not the file that was processed: it holds {found[0]} "
            f"samples at {found[1]} Hz, then it held {processed[0]} at {processed[1]} Hz. Run "
            "`cue-pipeline process BASE_DIR`, and open the cue anew."
        )
    return header
