"""The one pass over a group's samples that makes all kinds of features at once.

Mel spectrograms, levels and hashes have a pass of their own (:mod:`cue_pipeline.audio.group_pass`),
which a library that chooses no other kind pays alone; all other kinds together read the samples
once more, and only once. Blocks are forgotten when all kinds had them: memory does not grow with
the length of a cue.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from cue_pipeline.audio.compiled.choice import worth_compiling
from cue_pipeline.audio.features.downmix import BOTH, LO, RO, downmix_warnings
from cue_pipeline.audio.features.feeding import Feed
from cue_pipeline.audio.features.kind import (
    ALL_CHANNELS,
    COMPOSITE,
    FeatureKind,
    FeatureStream,
    Frames,
    Grid,
    Samples,
)
from cue_pipeline.audio.group_pass import BLOCK_SAMPLES, GroupReader
from cue_pipeline.audio.grouping import ChannelGroup
from cue_pipeline.audio.levels import GroupLevels
from cue_pipeline.audio.spool import FeatureWriter, Spool, SpooledFeature
from cue_pipeline.audio.stereo_gains import stereo_gains
from cue_pipeline.errors import AudioFileError


@dataclass(slots=True)
class MadeFeature:
    """One kind of one signal of a group.

    Attributes
    ----------
    frames : SpooledFeature
    summary : mapping
        What the kind knows of the whole signal.
    labels : tuple of str
        Channels of the group that were heard.
    warnings : tuple of str
        What a person should know of it, a sentence each.
    """

    frames: SpooledFeature
    summary: Mapping[str, Any]
    labels: tuple[str, ...]
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class MadeGroup:
    """What the pass made of one group.

    Attributes
    ----------
    group : ChannelGroup
    features : dict of (str, str) to MadeFeature
        Name of the kind and channel → feature; nothing where no channel could be read.
    damage : list of str
        Met while reading.
    n_samples : int
        At the grid's rate.
    faults : dict of str to Exception
        Kinds that failed, and of what.
    """

    group: ChannelGroup
    features: dict[tuple[str, str], MadeFeature] = field(default_factory=dict)
    damage: list[str] = field(default_factory=list)
    n_samples: int = 0
    faults: dict[str, Exception] = field(default_factory=dict)


class _Signal:
    """What one kind makes of one channel, into the spool."""

    def __init__(self, kind: FeatureKind, grid: Grid, stream: FeatureStream, spool: Spool) -> None:
        self._name, self._dtype = kind.name, np.dtype(kind.dtype)
        self._stream = stream
        self._shape, self._rate = kind.shape(grid), grid.sample_rate
        # The kernel that packs frames takes no NaN.
        compiled = grid.compiled and not kind.has_gaps
        self._writer = FeatureWriter(
            spool, self._shape.n_columns, compiled=compiled, dtype=self._dtype
        )
        self._looks_for_gaps = self._dtype.kind == "f" and not kind.has_gaps
        self._gaps = 0

    def finish(self, n_samples: int, labels: tuple[str, ...]) -> MadeFeature:
        if self._writer.feature.max_db == float("inf"):
            raise AudioFileError(
                f"The feature '{self._name}' gave a value that {self._dtype} cannot hold. Another "
                "dtype is needed in the module that makes it."
            )
        frames = self._writer.close()
        self._shape.refuse_frames(self._name, frames.n_frames, n_samples, self._rate)
        said = [*self._stream.warnings()]
        if self._gaps:
            said.append(
                f"{self._gaps:,} of {frames.n_frames:,} frames of '{self._name}' hold NaN, which "
                "it does not say that it has."
            )
        return MadeFeature(frames, self._stream.summary(), labels, tuple(said))

    def write(self, parts: Iterable[Frames]) -> None:
        for part in parts:
            if part.ndim != 2 or part.shape[1] != self._writer.feature.n_mels:
                raise AudioFileError(
                    f"The feature '{self._name}' gave frames of shape {part.shape}; "
                    f"(n, {self._writer.feature.n_mels}) is needed, as its shape says. Mend the "
                    "module that makes it."
                )
            if self._looks_for_gaps and part.size and np.isnan(part.max()):
                self._gaps += int(np.count_nonzero(np.isnan(part).any(axis=1)))
                self._writer.compiled = False
            self._writer.write(part)


def make_features(
    folder: Path,
    groups: Sequence[ChannelGroup],
    kinds: Sequence[FeatureKind],
    grid: Grid,
    spool: Spool,
    *,
    threads: int,
) -> list[MadeGroup]:
    """Return what one pass over each group's samples makes, in the order given.

    Parameters
    ----------
    folder : Path
        The cue's folder.
    groups : sequence of ChannelGroup
    kinds : sequence of FeatureKind
        A kind that fails is left out from there on; the others go on.
    grid : Grid
    spool : Spool
        Where the frames go.
    threads : int
        Groups at once.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    seconds = sum(group.duration_seconds for group in groups)
    frames = round(seconds * grid.sample_rate) // grid.hop_length
    # Every kind makes frames of its own; what a cue alone would not earn back, several do.
    compiled = worth_compiling(frames * len(kinds))
    grid = replace(grid, compiled=compiled)
    with (
        threadpool_limits(limits=1, user_api="blas"),
        ThreadPoolExecutor(max(1, min(threads, len(groups) or 1)), "features") as pool,
    ):
        # The longest first, so that no thread is left with a long one while the others idle.
        order = sorted(range(len(groups)), key=lambda i: -groups[i].duration_seconds)
        made = pool.map(
            lambda i: _make(folder, groups[i], kinds, grid, spool, compiled=compiled), order
        )
        found = dict(zip(order, made, strict=True))
        return [found[i] for i in range(len(groups))]


def _make(
    folder: Path,
    group: ChannelGroup,
    kinds: Sequence[FeatureKind],
    grid: Grid,
    spool: Spool,
    *,
    compiled: bool,
) -> MadeGroup:
    reader = GroupReader(
        folder, group, grid.sample_rate, convert_to=grid.sample_rate, compiled=compiled
    )
    made = MadeGroup(group, damage=reader.damage)
    try:
        if reader.labels:
            _pass(reader, made, kinds, grid, spool, compiled=compiled)
    finally:
        reader.close()
    if not reader.labels:
        made.damage.append(
            f"'{group.canonical_name}': none of its channels could be read; it has no features."
        )
    return made


def _pass(
    reader: GroupReader,
    made: MadeGroup,
    kinds: Sequence[FeatureKind],
    grid: Grid,
    spool: Spool,
    *,
    compiled: bool,
) -> None:
    levels = GroupLevels(reader.labels, grid.sample_rate, compiled=compiled)
    features = _Features(made, kinds, grid, spool, tuple(reader.labels))
    for raw in reader.blocks(max(1, BLOCK_SAMPLES // levels.window) * levels.window):
        composite = np.empty(raw.shape[1], np.float32)
        block, _ = levels.feed(raw, composite)
        features.take(block, composite)
    made.n_samples = levels.samples
    features.end()


class _Features:
    """All kinds of features of one group, block by block."""

    def __init__(
        self,
        made: MadeGroup,
        kinds: Sequence[FeatureKind],
        grid: Grid,
        spool: Spool,
        labels: tuple[str, ...],
    ) -> None:
        self._made, self._labels = made, labels
        self._gains, self._of_downmix = stereo_gains(labels), tuple(downmix_warnings(labels))
        self._mixes = any(kind.downmix for kind in kinds)
        self._feed = Feed(grid)
        self._signals: list[tuple[FeatureKind, str, _Signal]] = []
        for kind in kinds:
            heard_as = ("L", "R") if kind.downmix else labels
            with _kept(made, kind.name):
                for channel in _channels(kind):
                    stream = self._feed.stream(kind, channel, heard_as)
                    self._signals.append((kind, channel, _Signal(kind, grid, stream, spool)))

    def take(self, block: Samples, composite: Samples) -> None:
        """Take samples of all channels, shape=(n_channels, n), and their mean."""
        heard = {COMPOSITE: composite, ALL_CHANNELS: block}
        if self._mixes:
            heard[BOTH] = self._gains @ block
            heard[LO], heard[RO] = heard[BOTH]
        self._feed.take(heard)
        self._write()

    def end(self) -> None:
        """Have the group take over what was made of it."""
        self._feed.end()
        self._write()
        for kind, channel, signal in self._sound():
            with _kept(self._made, kind.name):
                feature = signal.finish(self._made.n_samples, self._labels)
                if kind.downmix:
                    feature.warnings = self._of_downmix + feature.warnings
                self._made.features[kind.name, channel] = feature

    def _write(self) -> None:
        for kind, channel, signal in self._sound():
            with _kept(self._made, kind.name):
                signal.write(self._feed.frames(kind, channel))

    def _sound(self) -> Iterator[tuple[FeatureKind, str, _Signal]]:
        """Yield the kinds that have not failed; one that does meanwhile is left out from there."""
        return (of for of in self._signals if of[0].name not in self._made.faults)


def _channels(kind: FeatureKind) -> tuple[str, ...]:
    """Return what the column ``channel`` holds of the features of a kind."""
    if kind.hears_channels:
        return (BOTH,) if kind.downmix else (ALL_CHANNELS,)
    return (LO, RO) if kind.downmix else (COMPOSITE,)


@contextmanager
def _kept(made: MadeGroup, name: str) -> Iterator[None]:
    """Keep what a kind raises for its own asset: the other kinds of the pass go on."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - raised again when the kind's rows are asked for
        made.faults[name] = error
