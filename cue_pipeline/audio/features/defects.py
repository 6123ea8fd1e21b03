"""Kind ``defects``: clicks, dropouts and hum, as a recording engineer listens for them.

Conventions
-----------
A frame a second: how many clicks and dropouts begin in it, in all channels. A *click* is an
isolated jump: its fourth difference is 20 dB above any other within 50 ms to both sides. An attack
is none, since what follows it is louder than what was; nor is a low square wave, since its next
edge is near. A
*dropout* is 16 samples to 100 ms of digital zero that sound enters and leaves by jumps. *Hum* is a
line at 50 or 60 Hz with a harmonic, of steady level, in the quietest quarter of the sound, and as
loud in its quietest moments: within 0.25 Hz, so that no tempered note at A4 = 440 Hz is taken for
it. Digital silence tells nothing of it: stretches between silences are looked at, of 4.6 s or more.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from cue_pipeline.audio.features.kind import (
    FeatureKind,
    FeatureStream,
    Frames,
    FrameShape,
    Grid,
    Samples,
)
from cue_pipeline.audio.resampling import RateConverter

_CELLS_PER_SECOND = 1_000
_ISOLATED_CELLS = 50
_CLICK_RATIO = 10.0
_LEAST_JUMP = 1e-3  # -60 dBFS
_STRIKE_RATIO = 1.5
_LEAST_SHARE = 0.2
_EDGE_CELLS = 10  # at both ends of a file a cut is no click
_FEWEST_ZEROS = 16
_MOST_ZEROS_SECONDS = 0.1
_AROUND_SECONDS = 0.005
_JUMPS = (8.0, 2.0)  # of the clearer edge and of the other, in usual steps from sample to sample

_HUM_RATE, _HUM_SECONDS = 1_000, 4
_HUM_N = _HUM_RATE * _HUM_SECONDS
_MAINS_HZ = (50, 60)
_HARMONICS = 3
_FEWEST_WINDOWS = 3
_LINE_DB, _HARMONIC_DB, _STEADY_DB, _LEAST_HUM_DBFS = 20.0, 15.0, 3.0, -90.0
_SHARE = 0.9
_MOMENT = _HUM_RATE // 10
_SILENCE_DB = -120.0
_BORDER_MOMENTS = 2  # beside silence: in part without sound, or nothing but the resampler's ringing
_QUIETEST = 0.1  # of all moments
_AS_LOUD_DB = -3.0

Float64Array = npt.NDArray[np.float64]


class _Jumps:
    """Clicks and dropouts of one channel."""

    def __init__(self, sample_rate: int) -> None:
        self._cell = sample_rate // _CELLS_PER_SECOND
        self._context = (_ISOLATED_CELLS + 1) * self._cell
        self._most_zeros = round(_MOST_ZEROS_SECONDS * sample_rate)
        self._around = round(_AROUND_SECONDS * sample_rate)
        # Both need what comes before and after: a stretch is looked at when all that has come.
        reach = max(self._context, self._most_zeros + self._around + 1)
        self._reach = -(-reach // self._cell) * self._cell
        self._held = np.zeros(self._reach, np.float32)
        self._first = -self._reach  # the sample that ``_held`` begins with
        self.clicks: list[int] = []
        self.dropouts: list[int] = []
        self._borders: list[int] = []  # of dropouts, whose jumps are no clicks

    def feed(self, x: Samples) -> None:
        self._held = np.concatenate((self._held, x))
        whole = (self._held.size - 2 * self._reach) // self._cell * self._cell
        if whole > 0:
            self._look(self._held[: whole + 2 * self._reach])
            self._held = self._held[whole:].copy()
            self._first += whole

    def finish(self, n_samples: int) -> None:
        self.feed(np.zeros(self._reach + self._cell, np.float32))
        edge = _EDGE_CELLS * self._cell
        self.clicks = [
            at
            for at in self.clicks
            if edge <= at < n_samples - edge
            and not any(abs(at - border) <= self._cell for border in self._borders)
        ]

    def _look(self, x: Samples) -> None:
        """Look at all of ``x`` but ``reach`` samples at both ends."""
        if not x.any():
            return
        self._find_clicks(x)
        self._find_dropouts(x)

    def _find_clicks(self, x: Samples) -> None:
        import scipy.ndimage

        jumps = np.abs(np.diff(x, 4, prepend=np.zeros(4, np.float32)))
        cells = jumps.reshape(-1, self._cell).max(axis=1)
        # The largest on each side, the cell at hand and its neighbours left out.
        most = scipy.ndimage.maximum_filter1d(cells, _ISOLATED_CELLS - 1)
        half = _ISOLATED_CELLS // 2 + 1
        around = np.maximum(np.roll(most, half), np.roll(most, -half))
        alone = (cells > _CLICK_RATIO * around) & (cells > _LEAST_JUMP)
        alone[1:] &= cells[1:] >= cells[:-1]  # a jump on the border of two cells is one
        alone[:-1] &= cells[:-1] > cells[1:]
        first = self._reach // self._cell
        for cell in np.flatnonzero(alone[first : cells.size - first]):
            at = (int(cell) + first) * self._cell
            at += int(jumps[at : at + self._cell].argmax()) - 2
            if self._stands_out(x, at, float(jumps[at + 2])):
                self.clicks.append(self._first + at)

    def _stands_out(self, x: Samples, at: int, jump: float) -> bool:
        """Return whether a jump is large for what sounds there, and begins nothing louder.

        A drum may be struck within a sample, and a synthesiser begin a tone at any phase.
        """
        far, near = 30 * self._cell, self._cell
        before = float(np.std(x[at - far : at - near]))
        after = float(np.std(x[at + near : at + far]))
        return after <= _STRIKE_RATIO * before and jump > _LEAST_SHARE * max(before, after)

    def _find_dropouts(self, x: Samples) -> None:
        silent = np.concatenate(([False], x == 0.0, [False]))
        edges = np.flatnonzero(silent[1:] != silent[:-1])
        for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            inside = self._reach <= begin < x.size - self._reach
            if inside and _FEWEST_ZEROS <= end - begin <= self._most_zeros:
                before, after = x[begin - self._around : begin], x[end : end + self._around]
                jumps = sorted((_jump(before[::-1]), _jump(after)), reverse=True)
                if all(jump > least for jump, least in zip(jumps, _JUMPS, strict=True)):
                    self.dropouts.append(self._first + begin)
                    self._borders += [self._first + begin, self._first + end]


def _jump(sound: Samples) -> float:
    """Return the first sample in usual steps from sample to sample; 0 where that is faint."""
    usual = float(np.median(np.abs(np.diff(sound)))) or _LEAST_JUMP
    loud = float(np.sqrt(np.mean(np.square(sound)))) > _LEAST_JUMP
    return abs(float(sound[0])) / usual if loud else 0.0


class _Hum:
    """Lines of the mains in one channel."""

    def __init__(self, sample_rate: int) -> None:
        import scipy.signal

        self._converter = RateConverter(sample_rate, _HUM_RATE)
        self._weights = scipy.signal.get_window("hann", _HUM_N)
        self._held = np.zeros(0, np.float32)
        self._window: list[Float64Array] = []  # moments
        self._late: list[tuple[Float64Array, float]] = []  # moments that silence may follow yet
        self._skip = 0  # moments that follow silence
        self._rows: list[Float64Array] = []
        self._levels: list[float] = []  # of moments, dB as of a sine

    def feed(self, x: Samples) -> None:
        self._take(self._converter.feed(x[None])[0])

    def finish(self) -> tuple[int, float] | None:
        """Return the frequency of the mains, Hz, and the level of its line, dBFS; None: no hum."""
        self._take(self._converter.finish()[0])
        for late in self._late:
            self._sounds(*late)
        if len(self._rows) < _FEWEST_WINDOWS:
            return None
        rows = np.stack(self._rows)
        quiet = rows[np.argsort(rows[:, -1])][: max(_FEWEST_WINDOWS, -(-len(rows) // 4))]
        # Something sounds at every moment where it hums; a beat that falls on the line has pauses.
        floor = float(np.quantile(self._levels, _QUIETEST)) - _AS_LOUD_DB
        lines = ((_line(quiet, hz), hz) for hz in _MAINS_HZ)
        found = [(level, hz) for level, hz in lines if level is not None and level <= floor]
        return (max(found)[1], max(found)[0]) if found else None

    def _take(self, x: Samples) -> None:
        self._held = np.concatenate((self._held, x))
        whole = self._held.size // _MOMENT * _MOMENT
        moments = self._held[:whole].reshape(-1, _MOMENT).astype(np.float64)
        self._held = self._held[whole:].copy()
        levels = 10.0 * np.log10(2.0 * np.square(moments).mean(axis=1) + 1e-30)
        for moment, level in zip(moments, levels.tolist(), strict=True):
            if level < _SILENCE_DB:
                self._window, self._late, self._skip = [], [], _BORDER_MOMENTS
            elif self._skip:
                self._skip -= 1
            else:
                self._late.append((moment, level))
                if len(self._late) > _BORDER_MOMENTS:
                    self._sounds(*self._late.pop(0))

    def _sounds(self, moment: Float64Array, level: float) -> None:
        """Take the next moment of a stretch without silence."""
        self._levels.append(level)
        self._window.append(moment)
        if len(self._window) * _MOMENT < _HUM_N:
            return
        spectrum = np.fft.rfft(np.concatenate(self._window) * self._weights)
        powers = np.square(np.abs(spectrum) * (4.0 / _HUM_N))  # of a sine: its peak's square
        lines = [
            _levels(powers, hz * k * _HUM_SECONDS)
            for hz in _MAINS_HZ
            for k in range(1, _HARMONICS + 1)
        ]
        self._rows.append(np.append(np.ravel(lines), 10.0 * math.log10(powers.sum() + 1e-30)))
        del self._window[: len(self._window) // 2]


def _levels(powers: Float64Array, at: int) -> tuple[float, float]:
    """Return the level of a line, dB, and how far it stands out of the bins 2 to 8 Hz away.

    Of their median by 10 dB more than of the highest: a beat of some hertz makes lines there too.
    """
    line = powers[at - 1 : at + 2].max()
    near, far = 2 * _HUM_SECONDS, 8 * _HUM_SECONDS
    beside = np.concatenate((powers[at - far : at - near], powers[at + near : at + far]))
    rest = max(float(np.median(beside)), float(beside.max()) / 10.0)
    level = 10.0 * math.log10(line + 1e-30)
    return level, level - 10.0 * math.log10(rest + 1e-30)


def _line(rows: Float64Array, hz: int) -> float | None:
    """Return the level of a mains' line where it hums throughout, dBFS."""
    first = 2 * _HARMONICS * _MAINS_HZ.index(hz)
    levels, heights = rows[:, first : first + 6 : 2], rows[:, first + 1 : first + 7 : 2]
    level = float(np.median(levels[:, 0]))
    steady = float(np.std(levels[:, 0])) <= _STEADY_DB
    there = (heights[:, 0] >= _LINE_DB) & (heights[:, 1:].max(axis=1) >= _HARMONIC_DB)
    hums = level >= _LEAST_HUM_DBFS and steady and float(np.mean(there)) >= _SHARE
    return level if hums else None


class Defects(FeatureStream):
    """Clicks and dropouts of all channels, shape=(seconds begun, 2)."""

    def __init__(self, grid: Grid, labels: tuple[str, ...]) -> None:
        self._rate, self._labels = grid.sample_rate, labels
        self._jumps = [_Jumps(grid.sample_rate) for _ in labels]
        self._hum = [_Hum(grid.sample_rate) for _ in labels]
        self._hums: dict[str, tuple[int, float]] = {}
        self._n_samples = 0

    def feed(self, block: Samples) -> Iterator[Frames]:
        """Look; what is found is told at the end, when all is known."""
        self._n_samples += block.shape[1]
        for x, jumps, hum in zip(block, self._jumps, self._hum, strict=True):
            jumps.feed(x)
            hum.feed(x)
        yield from ()

    def finish(self) -> Iterator[Frames]:
        """Yield all frames."""
        counts = np.zeros((-(-self._n_samples // self._rate), 2), np.int64)
        for label, jumps, hum in zip(self._labels, self._jumps, self._hum, strict=True):
            jumps.finish(self._n_samples)
            for column, found in enumerate((jumps.clicks, jumps.dropouts)):
                np.add.at(counts[:, column], np.array(found, np.int64) // self._rate, 1)
            if hums := hum.finish():
                self._hums[label] = hums
        yield np.minimum(counts, np.iinfo(np.int16).max).astype(np.int16)

    def summary(self) -> Mapping[str, Any]:
        """Return how much there is of each, by channel."""
        return {
            label: {
                "clicks": len(jumps.clicks),
                "dropouts": len(jumps.dropouts),
                "hum_hz": self._hums.get(label, (None, None))[0],
                "hum_dbfs": self._hums.get(label, (None, None))[1],
            }
            for label, jumps in zip(self._labels, self._jumps, strict=True)
        }

    def warnings(self) -> Sequence[str]:
        """Return what is to be heard, and where first."""
        told = []
        for label, jumps in zip(self._labels, self._jumps, strict=True):
            for found, one, several in (
                (jumps.clicks, "click", "clicks"), (jumps.dropouts, "dropout", "dropouts"),
            ):  # fmt: skip
                if found:
                    first = min(found) / self._rate
                    what = f"1 {one}" if len(found) == 1 else f"{len(found):,} {several}, the first"
                    told.append(f"channel {label}: {what} at {first:.3f} s.")
            if label in self._hums:
                hz, level = self._hums[label]
                told.append(f"channel {label}: hum of {hz} Hz throughout, at {level:.0f} dBFS.")
        return told


def _shape(grid: Grid) -> FrameShape:
    params = {"columns": ["clicks", "dropouts"], "mains_hz": list(_MAINS_HZ)}
    return FrameShape(2, grid.sample_rate, grid.sample_rate, params)


KIND = FeatureKind(
    name="defects",
    about="Clicks and dropouts that begin in each second, all channels together, int16; hum, and "
    "all of it by channel, in `params.summary`.",
    algorithm=2,
    shape=_shape,
    make=Defects,
    hears="channels",
    dtype="int16",
    no_vector="its columns are counts",
)
