"""Samples in a pack: of its stems, and of the mixes of their cues, at one rate.

Notes
-----
``audio.f4`` has samples × channels of stem after stem, ``mix.f4`` those of cue after cue.
``samples`` of ``index.json`` has their rate and channels, the length of each stem and of each cue's
mix (0: it has none), and for each stem how many seconds later than the stem its mix starts (null:
not known).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from numpy.typing import NDArray

from .refusal import WindowsError

Array = NDArray[Any]

AUDIO, MIX = "audio.f4", "mix.f4"
BYTES = 4


def sample_sizes(index: Mapping[str, Any]) -> dict[str, int]:
    """Return how many bytes the files of samples have; none where a pack has no samples."""
    told = index.get("samples")
    if told is None:
        return {}
    size = told["channels"] * BYTES
    return {AUDIO: sum(told["stems"]) * size, MIX: sum(told["mixes"]) * size}


class PackedSamples:
    """The samples of some stems of a pack.

    Parameters
    ----------
    index : mapping
    audio, mix : np.ndarray, shape=(n_samples, channels)
        The files.

    Attributes
    ----------
    rate, channels : int
    """

    def __init__(self, index: Mapping[str, Any], audio: Array, mix: Array) -> None:
        told = index["samples"]
        self.rate, self.channels = int(told["sample_rate"]), int(told["channels"])
        self._audio, self._mix = audio, mix
        self._stems = _spans(told["stems"])
        self._mixes = _spans(told["mixes"])
        self._cues: Sequence[int] = index["stems"]["cue"]
        self.later: Sequence[float | None] = told["mix_later"]

    def stem(self, stem: int) -> Array:
        """Return the samples of a stem, shape=(n, channels)."""
        begin, end = self._stems[stem]
        return self._audio[begin:end]

    def mix(self, cue: int) -> Array:
        """Return the samples of a cue's mix, shape=(n, channels)."""
        begin, end = self._mixes[cue]
        return self._mix[begin:end]

    def read_audio(self, stem: int, start: float, rate: int, out: Array) -> None:
        """Fill ``out``, shape=(channels, n), with a stem from ``start`` seconds on."""
        self._copy(self.stem(stem), start, rate, out)

    def read_mix(self, stem: int, start: float, rate: int, out: Array) -> None:
        """Fill ``out`` with the mix of a stem's cue, ``start`` on the stem's clock."""
        later = self.later[stem] or 0.0
        self._copy(self.mix(self._cues[stem]), start + later, rate, out)

    def _copy(self, samples: Array, start: float, rate: int, out: Array) -> None:
        if (rate, len(out)) != (self.rate, self.channels):
            raise WindowsError(
                f"This pack holds samples at {self.rate} Hz in {self.channels} channel"
                f"{'s' * (self.channels != 1)}, not at {rate} Hz in {len(out)}. Ask for its own "
                f"(sample_rate={self.rate}, channels={self.channels}), export another, or open the "
                "library itself."
            )
        first, n = round(start * rate), out.shape[1]
        begin = min(max(0, first), len(samples))
        end = min(max(begin, first + n), len(samples))
        at = min(max(0, begin - first), n)
        out[:, :at] = 0.0
        out[:, at : at + end - begin] = samples[begin:end].T
        out[:, at + end - begin :] = 0.0


def _spans(lengths: Sequence[int]) -> list[tuple[int, int]]:
    ends = list(accumulate(lengths))
    return list(zip([0, *ends], ends, strict=False))
