"""What the streams of a group's kinds are fed, each thing made once for all that hear it.

A kind hears samples, the power spectra of the composite, or another kind's frames. Spectra are made
once a channel, and an upstream kind once, whether it is stored or not.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from cue_pipeline.audio.features.kind import FeatureKind, FeatureStream, Frames, Grid, Samples
from cue_pipeline.audio.features.spectra import PowerSpectra

_SPECTRA = "*spectra"  # no kind can be called so
_Key: TypeAlias = tuple[str, str]


class Feed:
    """The streams of some kinds over the channels of one group.

    Parameters
    ----------
    grid : Grid
    """

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._streams: dict[_Key, FeatureStream] = {}
        self._sources: dict[_Key, _Key | None] = {}
        self._shared: set[_Key] = set()
        self._signals: Mapping[str, Samples] = {}
        self._made: dict[_Key, list[Frames]] = {}
        self._broken: dict[_Key, Exception] = {}
        self._ended = False

    def stream(self, kind: FeatureKind, channel: str, labels: tuple[str, ...]) -> FeatureStream:
        """Return the stream of a kind over a channel, made when it is first asked for.

        Parameters
        ----------
        kind : FeatureKind
        channel : str
            As :meth:`take` names it.
        labels : tuple of str
            Of the channels that it is made of.
        """
        key = (kind.name, channel)
        if key not in self._streams:
            if kind.upstream is not None:
                self.stream(kind.upstream, channel, labels)
                self._hears(key, (kind.upstream.name, channel))
            elif kind.hears == "spectra":
                spectra = (_SPECTRA, channel)
                if spectra not in self._streams:
                    self._streams[spectra] = PowerSpectra(self._grid)
                    self._sources[spectra] = None
                self._hears(key, spectra)
            else:
                self._sources[key] = None
            self._streams[key] = kind.make(self._grid, labels)
        return self._streams[key]

    def _hears(self, key: _Key, source: _Key) -> None:
        self._sources[key] = source
        self._shared.add(source)

    def take(self, signals: Mapping[str, Samples]) -> None:
        """Take the next block, by channel: all streams are at it until the next one comes."""
        self._signals, self._made = signals, {}

    def end(self) -> None:
        """Say that no more comes: what streams still hold is asked for next."""
        self._signals, self._made, self._ended = {}, {}, True

    def frames(self, kind: FeatureKind, channel: str) -> Iterable[Frames]:
        """Return what a kind makes of the block, or of the end; to be asked for once each."""
        return self._of((kind.name, channel))

    def _of(self, key: _Key) -> Iterable[Frames]:
        if key not in self._shared:
            return self._run(key)
        if key in self._broken:  # those that hear it fail of what it failed of
            raise self._broken[key]
        if key not in self._made:
            try:
                self._made[key] = list(self._run(key))
            except Exception as error:
                self._broken[key] = error
                raise
        return self._made[key]

    def _run(self, key: _Key) -> Iterator[Frames]:
        stream, source = self._streams[key], self._sources[key]
        if source is not None:
            for part in self._of(source):
                yield from stream.feed(part)
        elif not self._ended:
            yield from stream.feed(self._signals[key[1]])
        if self._ended:
            yield from stream.finish()
