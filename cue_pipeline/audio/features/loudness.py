"""Kind ``loudness``: how loud a stem or a mix is, as broadcasters measure it.

Conventions
-----------
A frame every 100 ms: frame j holds the momentary (400 ms) and the short-term (3 s) loudness of the
windows that end at (j + 1) · 100 ms, in LUFS; NaN until the first window is whole. The summary has
integrated loudness, loudness range, the largest values, and the true peak. All channels are heard,
each with its weight; a mono file is one channel, and so 3 LU below the same signal on two.

References
----------
ITU-R BS.1770-4: annex 1 (K weighting, gating), annex 2 (true peak by 48 taps), annex 3
(weights by position). EBU Tech 3341 and 3342: windows, loudness range.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from cue_pipeline.audio.compiled.choice import compiled_peak_between, k_weighted_sums
from cue_pipeline.audio.features.kind import (
    FeatureKind,
    FeatureStream,
    Frames,
    FrameShape,
    Grid,
    Samples,
)
from cue_pipeline.errors import SettingsError

STEPS_PER_SECOND = 10
_MOMENTARY, _SHORT_TERM = 4, 30  # steps
_ABSOLUTE_GATE, _RELATIVE_GATE, _RANGE_GATE = -70.0, -10.0, -20.0
_OFFSET = -0.691
_LEAST_POWER = 1e-12

# At 60 to 120 degrees to the side and less than 30 degrees up.
_SURROUND = frozenset({"Ls", "Rs", "Lss", "Rss", "Lw", "Rw"})

# Pre-filter and RLB filter as analogue prototypes, whose bilinear transform at 48 kHz gives the
# standard's coefficients: centre Hz, gain dB, Q.
_SHELF = (1_681.974450955533, 3.999843853973347, 0.7071752369554196)
_HIGH_PASS = (38.13547087602444, 0.5003270373238773)

_PHASES = np.array([
    [0.0017089843750, 0.0109863281250, -0.0196533203125, 0.0332031250000, -0.0594482421875,
     0.1373291015625, 0.9721679687500, -0.1022949218750, 0.0476074218750, -0.0266113281250,
     0.0148925781250, -0.0083007812500],
    [-0.0291748046875, 0.0292968750000, -0.0517578125000, 0.0891113281250, -0.1665039062500,
     0.4650878906250, 0.7797851562500, -0.2003173828125, 0.1015625000000, -0.0582275390625,
     0.0330810546875, -0.0189208984375],
])  # fmt: skip
_INTERPOLATOR = np.ascontiguousarray(np.concatenate((_PHASES, _PHASES[::-1, ::-1]))[:, ::-1])
_SINGLES = _INTERPOLATOR.astype(np.float32)
_TAPS = _INTERPOLATOR.shape[1]
_HALF = _TAPS // 2
_MOST_GAIN = float(np.abs(_INTERPOLATOR).sum(axis=1).max())


def channel_weight(label: str) -> float:
    """Return the weight of a channel's power: 1.41 at the sides, none for the LFE, else 1."""
    if label.startswith("LFE"):
        return 0.0
    return 1.41 if label in _SURROUND else 1.0


def k_weighting(sample_rate: int) -> npt.NDArray[np.float64]:
    """Return the K-weighting filter as second-order sections, shape=(2, 6)."""
    hz, gain, q = _SHELF
    k = math.tan(math.pi * hz / sample_rate)
    high = 10.0 ** (gain / 20.0)
    band = high**0.4996667741545416
    a0 = 1.0 + k / q + k * k
    shelf = [
        (high + band * k / q + k * k) / a0,
        2.0 * (k * k - high) / a0,
        (high - band * k / q + k * k) / a0,
        1.0,
        2.0 * (k * k - 1.0) / a0,
        (1.0 - k / q + k * k) / a0,
    ]
    hz, q = _HIGH_PASS
    k = math.tan(math.pi * hz / sample_rate)
    a0 = 1.0 + k / q + k * k
    high_pass = [1.0, -2.0, 1.0, 1.0, 2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0]
    return np.array([shelf, high_pass])


class Loudness(FeatureStream):
    """Momentary and short-term loudness, shape=(n_frames, 2), LUFS."""

    def __init__(self, grid: Grid, labels: tuple[str, ...]) -> None:
        self._step = grid.sample_rate // STEPS_PER_SECOND
        self._sos = k_weighting(grid.sample_rate)
        self._labels = labels
        self._weights = np.array([channel_weight(label) for label in labels])
        self._state = np.zeros((2, len(labels), 2))
        self._taken = 0  # samples of the step that is not whole yet
        self._open = np.zeros(len(labels))  # the sum of their squares
        self._powers: list[float] = []  # of each step: 80 bytes a second
        self._compiled = grid.compiled
        self._peak = _TruePeak(len(labels), compiled=grid.compiled)

    def feed(self, block: Samples) -> Iterator[Frames]:
        """Yield the frames that a block completes."""
        self._peak.feed(block)
        sums = k_weighted_sums(
            block, self._sos, self._state, self._step, self._taken, compiled=self._compiled
        )
        sums[:, 0] += self._open
        self._open = sums[:, -1]
        self._taken = (self._taken + block.shape[1]) % self._step
        if sums.shape[1] > 1:
            first = len(self._powers)
            self._powers.extend((self._weights @ sums[:, :-1] / self._step).tolist())
            yield self._frames(first)

    def _frames(self, first: int) -> Frames:
        """Return the frames from ``first`` on."""
        before = max(0, first - _SHORT_TERM)
        powers = np.array(self._powers[before:])
        columns = [_windows(powers, steps)[first - before :] for steps in (_MOMENTARY, _SHORT_TERM)]
        return np.stack([lufs(column) for column in columns], axis=1).astype(np.float32)

    def summary(self) -> Mapping[str, Any]:
        """Return what is known of the whole signal; None for what silence has not."""
        powers = np.array(self._powers)
        momentary, short_term = (
            windows[~np.isnan(windows)]
            for windows in (_windows(powers, _MOMENTARY), _windows(powers, _SHORT_TERM))
        )
        return {
            "integrated_lufs": _integrated(momentary),
            "loudness_range_lu": _loudness_range(short_term),
            "true_peak_dbtp": self._peak.dbtp,
            "max_momentary_lufs": _largest(momentary),
            "max_short_term_lufs": _largest(short_term),
            "weights": dict(zip(self._labels, self._weights.tolist(), strict=True)),
        }


def lufs(power: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return weighted mean squares as LUFS, not below -120.691."""
    return np.asarray(_OFFSET + 10.0 * np.log10(np.maximum(power, _LEAST_POWER)))


def _windows(powers: npt.NDArray[np.float64], steps: int) -> npt.NDArray[np.float64]:
    """Return the mean of each step and those before it, NaN where there are not as many."""
    means = np.full(len(powers), np.nan)
    if len(powers) >= steps:
        view = np.lib.stride_tricks.sliding_window_view(powers, steps)
        means[steps - 1 :] = view.mean(axis=1)
    return means


def _gated(powers: npt.NDArray[np.float64], relative: float) -> npt.NDArray[np.float64]:
    loud = powers[lufs(powers) > _ABSOLUTE_GATE]
    if not len(loud):
        return loud
    gate = float(lufs(loud.mean(keepdims=True))[0]) + relative
    return np.asarray(loud[lufs(loud) > gate])


def _integrated(momentary: npt.NDArray[np.float64]) -> float | None:
    kept = _gated(momentary, _RELATIVE_GATE)
    return float(lufs(kept.mean(keepdims=True))[0]) if len(kept) else None


def _loudness_range(short_term: npt.NDArray[np.float64]) -> float | None:
    kept = _gated(short_term, _RANGE_GATE)
    if not len(kept):
        return None
    low, high = np.percentile(lufs(kept), [10.0, 95.0])
    return float(high - low)


def _largest(powers: npt.NDArray[np.float64]) -> float | None:
    loudest = float(powers.max(initial=0.0))
    return float(lufs(np.array([loudest]))[0]) if loudest > 0.0 else None


class _TruePeak:
    """The largest magnitude of a signal between its samples, by the standard's interpolator.

    Only what could be larger than what was found is interpolated: the interpolator's gain is
    bounded, and most of a piece is far below its peak.
    """

    _PART = 1 << 11

    def __init__(self, n_channels: int, *, compiled: bool) -> None:
        self._compiled = compiled
        self._held = np.zeros((n_channels, _TAPS - 1), np.float32)
        self._peak = 0.0

    def feed(self, block: Samples) -> None:
        # What lies across the border of two blocks, and what lies within this one.
        border = np.concatenate((self._held, block[:, : _TAPS - 1]), axis=1)
        self._held = np.concatenate((self._held, block[:, -(_TAPS - 1) :]), axis=1)
        self._held = self._held[:, -(_TAPS - 1) :]
        for row in (*border, *block):
            if self._compiled:
                self._peak = compiled_peak_between(row, _SINGLES, _MOST_GAIN, self._peak)
            else:
                self._peak = max(self._peak, float(np.abs(row).max(initial=0.0)))
                self._look(row)

    def _look(self, row: Samples) -> None:
        parts = max(0, -(-(row.size - _TAPS + 1) // self._PART))
        starts = np.arange(parts) * self._PART
        if not parts:
            return
        highest = np.maximum.reduceat(np.abs(row), starts)
        # A part's filter reaches into the next one.
        reach = np.maximum(highest, np.append(highest[1:], 0.0))
        for part in np.argsort(-reach):
            if reach[part] * _MOST_GAIN <= self._peak:
                return
            x = row[starts[part] : starts[part] + self._PART + _TAPS - 1].astype(np.float64)
            for taps in _INTERPOLATOR:
                # In halves: numpy is three times as fast with fewer than twelve taps.
                found = np.correlate(x[:-_HALF], taps[:_HALF])
                found += np.correlate(x[_HALF:], taps[_HALF:])
                self._peak = max(self._peak, float(np.abs(found).max(initial=0.0)))

    @property
    def dbtp(self) -> float | None:
        return 20.0 * math.log10(self._peak) if self._peak > 0.0 else None


def _shape(grid: Grid) -> FrameShape:
    if grid.sample_rate % STEPS_PER_SECOND:
        raise SettingsError(
            f"CUE_FEATURES names 'loudness', whose steps of 100 ms are no whole number of samples "
            f"at CUE_SAMPLE_RATE={grid.sample_rate}. A rate that 10 divides is needed: 48000, say."
        )
    step = grid.sample_rate // STEPS_PER_SECOND
    return FrameShape(
        2,
        grid.sample_rate,
        step,
        {"columns": ["momentary", "short-term"], "standard": "ITU-R BS.1770-4", "unit": "LUFS"},
        first_frame_at=step,
        silence=_OFFSET + 10.0 * math.log10(_LEAST_POWER),
    )


KIND = FeatureKind(
    name="loudness",
    about="Momentary and short-term loudness ten times a second, LUFS (ITU-R BS.1770-4, all "
    "channels by their weights); integrated loudness, loudness range and true peak are in "
    "`params.summary`. float32.",
    algorithm=1,
    shape=_shape,
    make=Loudness,
    hears="channels",
    dtype="float32",
    has_gaps=True,
    no_vector="its columns are two levels over time",
)
