"""Sample-rate conversion of signals that arrive in blocks (soxr HQ, as librosa's default).

The length is librosa's: ``ceil(n · to / from)``.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from cue_pipeline.audio.headers import AudioHeader
from cue_pipeline.audio.mel_filters import Float32Array
from cue_pipeline.audio.sources import Source, add_read

RESAMPLER = "soxr_hq"


class RateConverter:
    """One or more channels brought from one rate to another, block by block."""

    def __init__(self, from_rate: int, to_rate: int, channels: int = 1) -> None:
        self._from, self._to, self._channels = from_rate, to_rate, channels
        self._taken = 0
        self._given = 0
        self._stream: Any = None
        if from_rate != to_rate:
            import soxr

            self._stream = soxr.ResampleStream(
                from_rate, to_rate, channels, dtype="float32", quality=soxr.HQ
            )

    def feed(self, block: Float32Array) -> Float32Array:
        """Return what a block, shape=(channels, n), completes, shape=(channels, m)."""
        if self._stream is None:
            return block
        self._taken += block.shape[1]
        return self._limited(self._converted(block, last=False))

    def finish(self) -> Float32Array:
        """Return the rest."""
        empty = np.empty((self._channels, 0), np.float32)
        if self._stream is None or self._taken == 0:
            return empty
        rest = self._limited(self._converted(empty, last=True))
        lacking = self._due() - self._given
        return np.pad(rest, ((0, 0), (0, lacking))) if lacking > 0 else rest

    def _due(self) -> int:
        return -(-self._taken * self._to // self._from)

    def _converted(self, block: Float32Array, *, last: bool) -> Float32Array:
        frames = np.ascontiguousarray(block.T if self._channels > 1 else block[0])
        out = self._stream.resample_chunk(frames, last=last)
        return np.asarray(out, np.float32).reshape(-1, self._channels).T

    def _limited(self, out: Float32Array) -> Float32Array:
        out = out[:, : max(0, self._due() - self._given)]
        self._given += out.shape[1]
        return np.ascontiguousarray(out)


class ConvertedSource:
    """A source brought to another sample rate."""

    def __init__(self, source: Source, to_rate: int, channels: int) -> None:
        self.header: AudioHeader = source.header
        self.sample_rate = to_rate
        self.damage: list[str] = source.damage
        self.opened = source.opened
        self._source = source
        self._converter = RateConverter(source.sample_rate, to_rate, channels)
        self._block = np.empty((channels, 0), np.float32)
        self._spare = np.empty((channels, 0), np.float32)
        self._ended = False

    def read(self, out: Float32Array) -> int:
        """Fill ``out`` with the next samples at the new rate; return how many there were."""
        n = out.shape[1]
        if self._block.shape[1] != n:
            self._block = np.empty((len(out), n), np.float32)
        parts: list[Float32Array] = [self._spare]
        have = int(self._spare.shape[1])
        while have < n and not self._ended:
            if got := self._source.read(self._block):
                parts.append(self._converter.feed(self._block[:, :got]))
            else:
                self._ended = True
                parts.append(self._converter.finish())
            have += parts[-1].shape[1]
        whole = np.concatenate(parts, axis=1)
        self._spare = whole[:, n:]
        given: int = min(n, have)
        out[:, :given] = whole[:, :n]
        return given

    def add(self, rows: Sequence[Float32Array]) -> int:
        """Add the next samples to rows; see :meth:`~cue_pipeline.audio.sources.Source.add`."""
        return add_read(self, rows)

    def skip(self, seconds: Fraction) -> None:
        """Leave out what comes next, before the first read."""
        self._source.skip(seconds)

    def seek(self, frame: int) -> bool:
        """Refuse: what came before shapes what a converter gives."""
        del frame
        return False

    def close(self) -> None:
        """Let go of the file."""
        self._source.close()


def at_rate(source: Source, rate: int, channels: Sequence[int]) -> Source:
    """Return a source that gives ``rate`` Hz."""
    return source if source.sample_rate == rate else ConvertedSource(source, rate, len(channels))
