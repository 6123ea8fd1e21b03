"""The one pass over a group's samples that makes all kinds of features at once.

Mel spectrograms, levels and hashes have a pass of their own (:mod:`cue_pipeline.audio.group_pass`),
which a library that chooses no other kind pays alone; all other kinds together read the samples
once more, and only once. Blocks are forgotten when all kinds had them: memory does not grow with
the length of a cue.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from cue_pipeline.audio.compiled.choice import worth_compiling
from cue_pipeline.audio.features.downmix import BOTH, LO, RO, downmix_warnings
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
    """One signal through one kind, into the spool."""

    def __init__(
        self, kind: FeatureKind, grid: Grid, labels: tuple[str, ...], spool: Spool
    ) -> None:
        self._name, self._dtype = kind.name, np.dtype(kind.dtype)
        self._stream: FeatureStream = kind.make(grid, labels)
        self._shape, self._rate = kind.shape(grid), grid.sample_rate
        self._writer = FeatureWriter(spool, self._shape.n_columns, dtype=self._dtype)
        self._looks_for_gaps = self._dtype.kind == "f" and not kind.has_gaps
        self._gaps = 0

    def feed(self, block: Samples) -> None:
        self._write(self._stream.feed(block))

    def finish(self, n_samples: int, labels: tuple[str, ...]) -> MadeFeature:
        self._write(self._stream.finish())
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

    def _write(self, parts: Iterable[Frames]) -> None:
        for part in parts:
            if part.ndim != 2 or part.shape[1] != self._writer.feature.n_mels:
                raise AudioFileError(
                    f"The feature '{self._name}' gave frames of shape {part.shape}; "
                    f"(n, {self._writer.feature.n_mels}) is needed, as its shape says. Mend the "
                    "module that makes it."
                )
            if self._looks_for_gaps:
                self._gaps += int(np.count_nonzero(np.isnan(part).any(axis=1)))
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
    compiled = worth_compiling(round(seconds * grid.sample_rate) // grid.hop_length)
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
    labels = tuple(reader.labels)
    gains, of_downmix = stereo_gains(labels), tuple(downmix_warnings(labels))
    mixes = any(kind.downmix for kind in kinds)
    signals: dict[tuple[str, str], _Signal] = {}
    for kind in kinds:
        heard_as = ("L", "R") if kind.downmix else labels
        with _kept(made, kind.name):
            for channel in _channels(kind):
                signals[kind.name, channel] = _Signal(kind, grid, heard_as, spool)
    for raw in reader.blocks(max(1, BLOCK_SAMPLES // levels.window) * levels.window):
        composite = np.empty(raw.shape[1], np.float32)
        block, _ = levels.feed(raw, composite)
        heard = {COMPOSITE: composite, ALL_CHANNELS: block}
        if mixes:
            heard[BOTH] = gains @ block
            heard[LO], heard[RO] = heard[BOTH]
        for (name, channel), signal in signals.items():
            if name not in made.faults:
                with _kept(made, name):
                    signal.feed(heard[channel])
    made.n_samples = levels.samples
    downmixed = {kind.name for kind in kinds if kind.downmix}
    for (name, channel), signal in signals.items():
        if name not in made.faults:
            with _kept(made, name):
                feature = signal.finish(made.n_samples, labels)
                if name in downmixed:
                    feature.warnings = of_downmix + feature.warnings
                made.features[name, channel] = feature


def _channels(kind: FeatureKind) -> tuple[str, ...]:
    """Return what the column ``channel`` holds of the features of a kind."""
    if kind.hears == "composite":
        return (LO, RO) if kind.downmix else (COMPOSITE,)
    return (BOTH,) if kind.downmix else (ALL_CHANNELS,)


@contextmanager
def _kept(made: MadeGroup, name: str) -> Iterator[None]:
    """Keep what a kind raises for its own asset: the other kinds of the pass go on."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - raised again when the kind's rows are asked for
        made.faults[name] = error
