"""Facts a librarian wants of a stem, gathered while its samples go by.

Peak, RMS, DC offset and clipped samples of every channel, silence of the whole group, and how
alike the first two channels are. Levels are in dB re full scale; digital silence has none (None).
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from cue_pipeline.audio.compiled.choice import measure_of
from cue_pipeline.audio.mel_filters import Float32Array

SILENCE_DBFS = -80.0
SILENCE_SECONDS = 1.0
OPPOSITE = -0.5  # of L and R: their mean is then 6 dB or more below them
CLIP_LEVEL = 1.0 - 2.0**-15  # full scale of 16-bit samples, of either sign
WINDOWS_PER_SECOND = 100

_SILENCE = np.float32(10.0 ** (SILENCE_DBFS / 20.0))
_LARGEST = 1e6  # +120 dBFS: what is beyond is damage, and its square would be infinite
_TOO_LOUD = 16.0  # +24 dBFS


def dbfs(amplitude: float) -> float | None:
    """Return an amplitude in dB re full scale, None for nothing."""
    return 20.0 * math.log10(amplitude) if amplitude > 0.0 else None


class ChannelLevels:
    """Running levels of one channel."""

    def __init__(self) -> None:
        self.peak = 0.0
        self.total = 0.0
        self.squares = 0.0
        self.clipped = 0
        self.samples = 0
        self.nan = 0
        self.infinite = 0

    def feed(self, x: Float32Array, peak: float, total: float, squares: float) -> None:
        """Take a block that holds numbers only, and what was measured of it."""
        self.peak = max(self.peak, peak)
        self.samples += x.size
        self.total += total
        self.squares += squares
        if peak >= CLIP_LEVEL:
            self.clipped += int(np.count_nonzero(np.abs(x) >= CLIP_LEVEL))

    def cleaned(self, x: Float32Array) -> Float32Array:
        """Return the block with NaN and Inf as silence, counting them."""
        finite = np.isfinite(x)
        nan = int(np.isnan(x).sum())
        self.nan += nan
        self.infinite += int(x.size - np.count_nonzero(finite)) - nan
        return np.clip(np.where(finite, x, np.float32(0.0)), -_LARGEST, _LARGEST)

    @property
    def rms(self) -> float:
        """Root of the mean square."""
        return math.sqrt(self.squares / self.samples) if self.samples else 0.0

    def as_json(self, label: str) -> dict[str, Any]:
        """Return the channel's entry in ``levels``."""
        return {
            "label": label,
            "peak_dbfs": rounded(dbfs(self.peak)),
            "rms_dbfs": rounded(dbfs(self.rms)),
            "dc_offset": rounded(self.total / self.samples if self.samples else 0.0, 7),
            "clipped_samples": self.clipped,
        }


def rounded(value: float | None, digits: int = 3) -> float | None:
    """Return a number as it is stored in JSON."""
    return None if value is None else round(value, digits)


class GroupLevels:
    """Levels of all channels of a group, and what they are to each other.

    Parameters
    ----------
    labels : sequence of str
    sample_rate : int
        Hz, of the blocks fed.
    compiled : bool
        Measure by the compiled kernels.
    """

    def __init__(self, labels: Sequence[str], sample_rate: int, *, compiled: bool = False) -> None:
        self.labels = tuple(labels)
        self.sample_rate = sample_rate
        self.window = max(1, sample_rate // WINDOWS_PER_SECOND)
        self.channels = [ChannelLevels() for _ in labels]
        self.composite_squares = 0.0
        self._measure = measure_of(compiled=compiled)
        self.samples = 0
        self._pair = self._pair_of(self.labels)
        self._cross = 0.0
        self._silence = _Silence(self.window / sample_rate)

    @staticmethod
    def _pair_of(labels: Sequence[str]) -> tuple[int, int] | None:
        if "L" in labels and "R" in labels:
            return labels.index("L"), labels.index("R")
        return None

    def feed(
        self, block: Float32Array, composite: Float32Array
    ) -> tuple[Float32Array, tuple[float, float]]:
        """Take the next samples of all channels, and mix them.

        Parameters
        ----------
        block : np.ndarray, shape=(n_channels, n)
            ``n`` a multiple of ``window`` but in the last block.
        composite : np.ndarray, shape=(n,)
            Takes the mean of the channels.

        Returns
        -------
        block : np.ndarray, shape=(n_channels, n)
            The same, with NaN and Inf as silence.
        total, squares : float
            Sum of the composite's samples and of their squares: a trace of this very block.
        """
        found = self._measure.survey(block, self.window, self._pair, composite)
        if not float(found.peaks.max(initial=0.0)) <= _LARGEST:
            sound = found.peaks <= _LARGEST
            channels = zip(self.channels, block, sound, strict=True)
            block = np.stack([x if ok else levels.cleaned(x) for levels, x, ok in channels])
            found = self._measure.survey(block, self.window, self._pair, composite)
        for levels, x, peak, (total, squares) in zip(
            self.channels, block, found.peaks.tolist(), found.sums[:-1].tolist(), strict=True
        ):
            levels.feed(x, peak, total, squares)
        self._silence.feed(found.windows)
        self.samples += block.shape[1]
        self._cross += found.product
        total, squares = found.sums[-1].tolist()
        self.composite_squares += squares
        return block, (total, squares)

    @property
    def peak(self) -> float:
        """The highest peak of any channel."""
        return max((c.peak for c in self.channels), default=0.0)

    @property
    def rms(self) -> float:
        """Of the composite."""
        return math.sqrt(self.composite_squares / self.samples) if self.samples else 0.0

    @property
    def correlation(self) -> float | None:
        """Pearson's, of L and R; None where there are no two that sound."""
        if self._pair is None or self.samples == 0:
            return None
        a, b = (self.channels[i] for i in self._pair)
        n = self.samples
        covariance = self._cross / n - a.total / n * (b.total / n)
        power = (a.squares / n - (a.total / n) ** 2) * (b.squares / n - (b.total / n) ** 2)
        return max(-1.0, min(1.0, covariance / math.sqrt(power))) if power > 1e-20 else None

    @property
    def dual_mono(self) -> bool:
        """True if L and R are one and the same signal."""
        if self._pair is None:
            return False
        a, b = (self.channels[i] for i in self._pair)
        return (
            a.squares > 0.0
            and math.isclose(a.squares, b.squares, rel_tol=1e-12)
            and math.isclose(a.squares, self._cross, rel_tol=1e-6)
        )

    def as_json(self) -> dict[str, Any]:
        """Return the ``levels`` column."""
        return {
            "channels": [
                c.as_json(label) for c, label in zip(self.channels, self.labels, strict=True)
            ],
            "correlation": rounded(self.correlation, 4),
            "silence_seconds": self._silence.stretches(self.samples / self.sample_rate),
            "silence_below_dbfs": SILENCE_DBFS,
            "silent": self.peak < 10.0 ** (SILENCE_DBFS / 20.0),
        }

    def damage(self, name: str) -> list[str]:
        """Return what is wrong with the samples themselves."""
        return [
            f"'{name}', channel {label}: {levels.nan} samples are not a number and "
            f"{levels.infinite} are infinite; taken as silence. Bounce the file again."
            for levels, label in zip(self.channels, self.labels, strict=True)
            if levels.nan or levels.infinite
        ]

    def remarks(self, name: str) -> list[str]:
        """Return what a person should look at, though nothing is broken."""
        notes = []
        if self.peak > _TOO_LOUD:
            notes.append(
                f"'{name}' reaches {20.0 * math.log10(self.peak):+.1f} dBFS, which no mix does: "
                "its samples may be of another form than its header says. Bounce it as 24 bits."
            )
        for levels, label in zip(self.channels, self.labels, strict=True):
            if levels.clipped:
                notes.append(f"'{name}', channel {label}: {levels.clipped} samples at full scale.")
            if levels.samples and abs(levels.total / levels.samples) > 0.001:
                notes.append(
                    f"'{name}', channel {label}: DC offset of "
                    f"{levels.total / levels.samples:+.4f} of full scale."
                )
        if self.samples and self.peak < 10.0 ** (SILENCE_DBFS / 20.0):
            notes.append(f"'{name}' is silent throughout (peak below {SILENCE_DBFS:g} dBFS).")
        elif self.dual_mono:
            notes.append(f"'{name}': L and R are the same signal (a mono source on two channels).")
        elif (self.correlation or 0.0) < OPPOSITE:
            notes.append(
                f"'{name}': L and R are opposite rather than alike (correlation "
                f"{self.correlation:.2f}): the composite cancels. Check the polarity of both files."
            )
        elif (lost := self._silent_side()) is not None:
            side, other = lost
            notes.append(
                f"'{name}': {side} is silent throughout (peak below {SILENCE_DBFS:g} dBFS) where "
                f"{other} sounds. Bounce it again; or take no notice if it is panned hard."
            )
        return notes

    def _silent_side(self) -> tuple[str, str] | None:
        """Return which of L and R is silent where the other sounds, and that other."""
        if self._pair is None:
            return None
        quiet, loud = sorted(self._pair, key=lambda i: self.channels[i].peak)
        if self.channels[quiet].peak < _SILENCE <= self.channels[loud].peak:
            return self.labels[quiet], self.labels[loud]
        return None


class _Silence:
    """Where nothing sounds, from windows' peaks."""

    def __init__(self, window_seconds: float) -> None:
        self._window_seconds = window_seconds
        self._count = 0
        self._edges: list[int] = []
        self._quiet = False

    def feed(self, peaks: Float32Array) -> None:
        quiet = peaks < _SILENCE
        if not self._quiet and not quiet.any():  # as most blocks are
            self._count += quiet.size
            return
        if bool(quiet[0]) != self._quiet:
            self._edges.append(self._count)
        changes = np.flatnonzero(quiet[1:] != quiet[:-1]) + 1
        self._edges.extend((changes + self._count).tolist())
        self._quiet = bool(quiet[-1])
        self._count += quiet.size

    def stretches(self, duration_seconds: float) -> list[list[float]]:
        """Return [from, to] in seconds of every silence of at least ``SILENCE_SECONDS``."""
        edges = [edge * self._window_seconds for edge in self._edges]
        if len(edges) % 2:
            edges.append(duration_seconds)
        pairs = zip(edges[::2], edges[1::2], strict=True)
        return [
            [round(a, 3), round(min(b, duration_seconds), 3)]
            for a, b in pairs
            if b - a >= SILENCE_SECONDS - 1e-9
        ]
