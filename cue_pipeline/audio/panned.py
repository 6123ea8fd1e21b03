"""What is left of a mix without its stems, where the place of some in it is not known.

A mono stem was panned into the mix, at a gain for each channel that nobody wrote down. Those gains
follow from the products of all channels, which one pass over the samples sums up: least squares
in :mod:`.sums`, none negative. Stems whose channels the mix has too are added at one gain.
"""

import math
from collections.abc import Sequence

import numpy as np

from cue_pipeline.audio.excerpts import Products
from cue_pipeline.audio.grouping import ChannelGroup
from cue_pipeline.audio.mel_filters import Float32Array
from cue_pipeline.audio.sums import Sums

_AT_ONCE = 4096  # samples: what is wide for a moment stays in the processor's cache
_MIX, _PLACED, _FIRST_PANNED = range(3)


class PannedSums:
    """Products of the mix, the sum of the stems that have their place, and each channel of others.

    Parameters
    ----------
    mix : ChannelGroup
    stems : sequence of ChannelGroup

    Attributes
    ----------
    rows : list of dict of str to int
        Row of each channel in the blocks that are fed: of the mix, then of each stem.
    """

    def __init__(self, mix: ChannelGroup, stems: Sequence[ChannelGroup]) -> None:
        of_mix = [c.label for c in mix.channels]
        voices = [(_MIX, label) for label in of_mix]
        self._names: dict[int, str] = {}
        for stem in stems:
            labels = [c.label for c in stem.channels]
            if set(labels) <= set(of_mix):
                voices += [(_PLACED, lb) for lb in labels if (_PLACED, lb) not in voices]
            else:
                self._names[_FIRST_PANNED + len(self._names)] = stem.canonical_name
                voices += [(_FIRST_PANNED + len(self._names) - 1, label) for label in labels]
        self._voices = tuple(voices)
        at = {voice: row for row, voice in enumerate(voices)}
        groups = iter(self._names)
        self.rows = [{label: at[_MIX, label] for label in of_mix}]
        for stem in stems:
            labels = [c.label for c in stem.channels]
            group = _PLACED if set(labels) <= set(of_mix) else next(groups)
            self.rows.append({label: at[group, label] for label in labels})
        self._gram = np.zeros((len(voices), len(voices)))

    @property
    def n_rows(self) -> int:
        """How many rows a block has."""
        return len(self._voices)

    def feed(self, block: Float32Array) -> None:
        """Add the products of a block, shape=(n_rows, n)."""
        for start in range(0, block.shape[1], _AT_ONCE):
            # In float32 some -60 dB would be left of anything.
            wide = block[:, start : start + _AT_ONCE].astype(np.float64)
            self._gram += wide @ wide.T

    @property
    def mix_power(self) -> float:
        """Sum of squares of the mix."""
        return float(np.trace(self._gram[: len(self.rows[0]), : len(self.rows[0])]))

    @property
    def stems_power(self) -> float:
        """Sum of squares of all that was added up."""
        return float(np.trace(self._gram)) - self.mix_power

    @property
    def residual(self) -> float | None:
        """What is left of the mix, dB; None where the mix is silent."""
        if self.mix_power <= 0.0:
            return None
        return self._sums.left_of_sum(_MIX, self._parts)

    @property
    def gains_db(self) -> dict[str, dict[str, float]]:
        """Gain of each panned channel in each channel of the mix, by ``STEM`` or ``STEM.CHANNEL``.

        What is 60 dB down is left out.
        """
        found: dict[str, dict[str, float]] = {}
        for label, gains in self._sums.free_gains(_MIX, self._parts).items():
            for row, gain in gains.items():
                group, channel = self._voices[row]
                alone = sum(g == group for g, _ in self._voices) == 1
                name = self._names[group] + ("" if alone else f".{channel}")
                if gain > 1e-3:
                    found.setdefault(name, {})[label] = round(20 * math.log10(gain), 2)
        return found

    @property
    def _sums(self) -> Sums:
        gram = self._gram.astype(np.complex128)
        return Sums(Products(self._voices, gram), _FIRST_PANNED + len(self._names))

    @property
    def _parts(self) -> list[int]:
        return sorted({group for group, _ in self._voices} - {_MIX})
