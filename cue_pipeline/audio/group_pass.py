"""The one pass over a group's samples: levels, composite, spectrograms.

Blocks of about 128 Ki samples go from the disk through everything and are forgotten, so that
memory depends neither on the length of a cue nor on how many groups it has. Groups are taken by
several threads: file reads, FFTs and matrix products all let go of the interpreter's lock.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import groupby
from pathlib import Path
from typing import Protocol

import numpy as np

from cue_pipeline.audio.compiled.choice import worth_compiling
from cue_pipeline.audio.content import HashedSource
from cue_pipeline.audio.grouping import Channel, ChannelGroup
from cue_pipeline.audio.levels import GroupLevels
from cue_pipeline.audio.mel import MelStream
from cue_pipeline.audio.mel_filters import Float32Array
from cue_pipeline.audio.resampling import RateConverter, at_rate
from cue_pipeline.audio.sources import Source, open_source
from cue_pipeline.audio.spool import FeatureWriter, Spool, SpooledFeature
from cue_pipeline.settings import MelSettings

COMPOSITE = "mono"
BLOCK_SAMPLES = 1 << 17
_DIGEST_STEP = 512

Spread = Callable[..., Iterable[None]]


@dataclass(frozen=True, slots=True)
class FeatureKey:
    """Which spectrogram of a group: whose signal, by which profile."""

    channel: str
    profile: str


@dataclass(slots=True)
class Measured:
    """What one pass over a group found.

    Attributes
    ----------
    group : ChannelGroup
    levels : GroupLevels or None
        None if no channel could be read.
    features : dict of FeatureKey to SpooledFeature
    damage : list of str
        Met while reading: what headers could not tell.
    remarks : list of str
        What a person should look at, though nothing is broken.
    sample_rate : int
        Hz, of the composite: the files', or the project's if they differ.
    audio_digest : str
        The same for two groups whose composites sound the same; '' for silence.
    contents : dict of (str, int) to str
        Content of each channel, by file and place in it; not of those that are damaged.
    """

    group: ChannelGroup
    levels: GroupLevels | None = None
    features: dict[FeatureKey, SpooledFeature] = field(default_factory=dict)
    damage: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    sample_rate: int = 0
    audio_digest: str = ""
    contents: dict[tuple[str, int], str] = field(default_factory=dict)


class HasChannels(Protocol):
    """What a reader needs to know of a group."""

    @property
    def channels(self) -> tuple[Channel, ...]:
        """The channels, those of one file side by side."""


class GroupReader:
    """The channels of a group in step, all at one rate, the shorter padded with silence.

    Parameters
    ----------
    folder : Path
        The cue's folder.
    group : ChannelGroup
        Or whatever has its ``channels``.
    project_rate : int
        Hz: the rate of the blocks where the files' differ.
    convert_to : int, optional
        Hz: the rate of the blocks in any case.
    compiled : bool
        Decode by the compiled kernels.
    hashed : bool
        Hash the samples as they are read, at the files' own rates.
    """

    def __init__(
        self,
        folder: Path,
        group: HasChannels,
        project_rate: int,
        *,
        convert_to: int | None = None,
        compiled: bool = False,
        hashed: bool = False,
    ) -> None:
        rates = {c.header.sample_rate for c in group.channels}
        self.sample_rate = convert_to or (rates.pop() if len(rates) == 1 else project_rate)
        self.damage: list[str] = []
        self.labels: list[str] = []
        self._sources: list[tuple[Source, int]] = []
        self._hashed: list[HashedSource] = []
        for header, same in groupby(group.channels, key=lambda c: c.header):
            channels = list(same)
            indices = [c.index for c in channels]
            source = open_source(folder, header, indices, compiled=compiled)
            if not source.opened:
                self.damage.extend(source.damage)
                source.close()
                continue
            if hashed:
                source = HashedSource(source, indices)
                self._hashed.append(source)
            self._sources.append((at_rate(source, self.sample_rate, indices), len(indices)))
            self.labels.extend(c.label for c in channels)

    def skip(self, seconds: Fraction) -> None:
        """Begin later; ``seconds`` is a whole number of samples of every file. Before any read."""
        for source, _ in self._sources:
            source.skip(seconds)

    def read(self, out: Float32Array) -> int:
        """Fill ``out``, shape=(n_channels, n), with the next samples.

        Returns
        -------
        int
            How many there were of the longest channel; fewer than ``n`` only at the end.
        """
        counts, row = [], 0
        for source, rows in self._sources:
            counts.append(source.read(out[row : row + rows]))
            row += rows
        longest, row = max(counts, default=0), 0
        for (_, rows), count in zip(self._sources, counts, strict=True):
            out[row : row + rows, count:longest] = 0.0
            row += rows
        return longest

    def add(self, rows: Sequence[Float32Array]) -> int:
        """Add the next samples of each channel to a row of its own; silence for what is no number.

        Returns
        -------
        int
            How many there were of the longest channel; fewer than a row's length only at the end.
        """
        left, longest = list(rows), 0
        for source, count in self._sources:
            longest = max(longest, source.add(left[:count]))
            left = left[count:]
        return longest

    def blocks(self, n: int) -> Iterator[Float32Array]:
        """Yield samples, shape=(n_channels, <= n), until the longest channel ends.

        A block is the reader's own: the next one overwrites it.
        """
        held = np.empty((len(self.labels), n), np.float32)
        while count := self.read(held):
            yield held[:, :count]

    def contents(self) -> dict[tuple[str, int], str]:
        """Return the content of each channel that was hashed whole, by file and place in it."""
        return {at: content for source in self._hashed for at, content in source.contents().items()}

    def close(self) -> None:
        """Let go of the files and take over what went wrong with them."""
        for source, _ in self._sources:
            self.damage.extend(source.damage)
            source.close()


class _FeaturePass:
    """One signal through one profile."""

    def __init__(self, spool: Spool, mel: MelSettings, sample_rate: int, *, compiled: bool) -> None:
        self._converter = RateConverter(sample_rate, mel.sr) if mel.sr != sample_rate else None
        self._stream = MelStream(mel, compiled=compiled)
        self._writer = FeatureWriter(spool, mel.n_mels, compiled=compiled)

    def room(self, n: int) -> Float32Array:
        """Return where the next ``n`` samples are best written."""
        return np.empty(n, np.float32) if self._converter else self._stream.room(n)

    def feed(self, signal: Float32Array) -> None:
        if self._converter:
            signal = self._converter.feed(signal[None, :])[0]
        for frames in self._stream.feed(signal):
            self._writer.write(frames)

    def finish(self) -> SpooledFeature:
        if self._converter:
            for frames in self._stream.feed(self._converter.finish()[0]):
                self._writer.write(frames)
        for frames in self._stream.finish():
            self._writer.write(frames)
        return self._writer.close()


def measure_groups(
    folder: Path,
    groups: Sequence[ChannelGroup],
    mels: Mapping[str, MelSettings],
    spool: Spool,
    *,
    threads: int,
    per_channel: bool = False,
    compiled: bool = False,
) -> list[Measured]:
    """Return what one pass over each group's samples found, in the order given.

    Parameters
    ----------
    folder : Path
        The cue's folder.
    groups : sequence of ChannelGroup
    mels : mapping of str to MelSettings
        Profile name → parameters, ``default`` first.
    spool : Spool
        Where the spectrograms go.
    threads : int
        Groups at once; where there are fewer groups, the spectrograms of a group are made side by
        side too.
    per_channel : bool
        Also a spectrogram of each channel.
    compiled : bool
        By the compiled kernels (see :func:`takes_kernels`).
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    spread = len(groups) < threads

    def measured(group: ChannelGroup) -> Measured:
        return measure_group(
            folder, group, mels, spool, per_channel=per_channel, compiled=compiled,
            spread=signals.map if spread else map,
        )  # fmt: skip

    # Groups are what runs side by side: a matrix product of a few hundred rows that wakes up
    # further threads of BLAS only gets in the way of the next group.
    with (
        threadpool_limits(limits=1, user_api="blas"),
        ThreadPoolExecutor(max(1, min(threads, len(groups) or 1)), "mel") as pool,
        ThreadPoolExecutor(threads, "signals") as signals,
    ):
        # The longest first, so that no thread is left with a long one while the others idle.
        order = sorted(range(len(groups)), key=lambda i: -groups[i].duration_seconds)
        found = dict(zip(order, pool.map(measured, [groups[i] for i in order]), strict=True))
        return [found[i] for i in range(len(groups))]


def measure_group(
    folder: Path,
    group: ChannelGroup,
    mels: Mapping[str, MelSettings],
    spool: Spool,
    *,
    per_channel: bool,
    compiled: bool = False,
    spread: Spread = map,
) -> Measured:
    """Return what one pass over one group's samples found.

    ``spread`` calls a function for each of some items, as ``map`` does, or an executor's.
    """
    project_rate = next(iter(mels.values())).sr
    reader = GroupReader(folder, group, project_rate, compiled=compiled, hashed=True)
    found = Measured(group, damage=reader.damage, sample_rate=reader.sample_rate)
    try:
        if reader.labels:
            _pass(reader, found, mels, spool, spread, per_channel=per_channel, compiled=compiled)
            found.contents = reader.contents()
    finally:
        reader.close()
    if found.levels is None:
        found.damage.append(
            f"'{group.canonical_name}': none of its channels could be read; it has no features."
        )
    else:
        found.damage.extend(found.levels.damage(group.canonical_name))
        found.remarks.extend(found.levels.remarks(group.canonical_name))
    return found


def _pass(
    reader: GroupReader,
    found: Measured,
    mels: Mapping[str, MelSettings],
    spool: Spool,
    spread: Spread,
    *,
    per_channel: bool,
    compiled: bool,
) -> None:
    levels = GroupLevels(reader.labels, reader.sample_rate, compiled=compiled)
    found.levels = levels
    signals = [COMPOSITE, *(reader.labels if per_channel else ())]
    passes = {
        FeatureKey(signal, profile): _FeaturePass(spool, mel, reader.sample_rate, compiled=compiled)
        for signal in signals
        for profile, mel in mels.items()
    }
    first = next(iter(passes.values()))
    digest = hashlib.blake2b(digest_size=16)
    for raw in reader.blocks(max(1, BLOCK_SAMPLES // levels.window) * levels.window):
        n = raw.shape[1]
        # Where one spectrogram only is made of it, the composite is mixed right where that works.
        composite = first.room(n) if len(mels) == 1 else np.empty(n, np.float32)
        block, trace = levels.feed(raw, composite)
        digest.update(np.array(trace).tobytes())
        digest.update(composite[::_DIGEST_STEP].tobytes())
        by_label = {COMPOSITE: composite, **dict(zip(reader.labels, block, strict=True))}
        fed = spread(_FeaturePass.feed, passes.values(), [by_label[k.channel] for k in passes])
        deque(fed, maxlen=0)  # until all are done with the block
    found.features = {key: feature.finish() for key, feature in passes.items()}
    if levels.peak > 0.0:
        found.audio_digest = f"{digest.hexdigest()}:{levels.samples}"


def takes_kernels(
    groups: Sequence[ChannelGroup], mels: Mapping[str, MelSettings], *, per_channel: bool = False
) -> bool:
    """Return whether a pass over groups makes enough spectrogram frames for the kernels."""
    return worth_compiling(
        sum(
            (1 + per_channel * len(g.channels))
            * round(g.duration_seconds * mel.sr)
            // mel.hop_length
            for g in groups
            for mel in mels.values()
        )
    )
