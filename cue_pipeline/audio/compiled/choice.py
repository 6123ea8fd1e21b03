"""Which machinery computes: numpy and scipy, or the compiled kernels.

The kernels (:mod:`.kernels`) take a fifth of the time, but loading them costs a process half a
second, and their first use on a machine some seconds more. So they are taken where a pass has
enough frames before it to earn that back, nearly so in the first cue of a process and several times
in those that follow: a rule of the input alone, so that a rerun computes as the first run did.
Both transform in double precision, and decode samples to the same bits.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Protocol

import numpy as np
import numpy.typing as npt

from cue_pipeline.audio.mel_filters import Float32Array, Float64Array, MelPlan
from cue_pipeline.settings import MelSettings

LANES = 8
WORTH_FRAMES = 25_000
SMALLEST_N_FFT, LARGEST_N_FFT = 512, 8_192

FrameKernel = Callable[[Float32Array, int], Float32Array]
Decoder = Callable[[npt.NDArray[np.uint8], Float32Array], None]

_log = logging.getLogger(__name__)


@cache
def kernels_load() -> bool:
    """Return whether the compiled kernels can be had on this machine."""
    try:
        import cue_pipeline.audio.compiled.kernels
        import cue_pipeline.audio.compiled.loudness_kernels
        import cue_pipeline.audio.compiled.sample_kernels  # noqa: F401
    except Exception as e:  # noqa: BLE001 - whatever a compiler chokes on, numpy does the work
        _log.warning("numba's kernels cannot be loaded (%s): numpy and scipy do the work.", e)
        return False
    return True


def worth_compiling(n_frames: int) -> bool:
    """Return whether a pass of so many spectrogram frames should use the kernels."""
    return n_frames >= WORTH_FRAMES and kernels_load()


def fits_kernel(mel: MelSettings) -> bool:
    """Return whether the kernels take these parameters."""
    power_of_two = mel.n_fft & (mel.n_fft - 1) == 0
    return power_of_two and SMALLEST_N_FFT <= mel.n_fft <= LARGEST_N_FFT and mel.power in {1.0, 2.0}


def compiled_frames(plan: MelPlan) -> FrameKernel:
    """Return the compiled spectrogram of a plan, with scratch space of its own."""
    from cue_pipeline.audio.compiled.kernels import MelKernel

    return MelKernel(plan).frames


def compiled_powers(plan: MelPlan) -> FrameKernel:
    """Return the compiled power spectra of a plan's frames, with scratch space of its own."""
    from cue_pipeline.audio.compiled.kernels import MelKernel

    return MelKernel(plan).powers


def compiled_decode_24() -> Decoder:
    """Return the compiled decoder of packed 24-bit samples."""
    from cue_pipeline.audio.compiled.sample_kernels import decode_24

    return decode_24


def compiled_add_24() -> Decoder:
    """Return what decodes packed 24-bit samples and adds them to those that are there."""
    from cue_pipeline.audio.compiled.sample_kernels import add_24

    return add_24


def k_weighted_sums(
    block: Float32Array,
    sos: Float64Array,
    state: Float64Array,
    step: int,
    taken: int,
    *,
    compiled: bool,
) -> Float64Array:
    """Filter channels by two second-order sections; return their sums of squares, step by step.

    Parameters
    ----------
    block : np.ndarray, shape=(n_channels, n)
    sos : np.ndarray, shape=(2, 6)
    state : np.ndarray, shape=(2, n_channels, 2)
        Of the sections, as scipy's ``sosfilt`` has it; left as it is behind the last sample.
    step, taken : int
        Samples of a step, and those of the open one that came before.
    compiled : bool
        By the kernel.

    Returns
    -------
    np.ndarray, shape=(n_channels, 1 + steps that end here)
        The last one is of the step that stays open.
    """
    n = block.shape[1]
    ends = [*range(step - taken, n + 1, step)]
    sums = np.zeros((len(block), len(ends) + 1))
    if compiled:
        from cue_pipeline.audio.compiled.loudness_kernels import k_weighted_power

        for first in range(0, len(block), 2):
            pair = [first, min(first + 1, len(block) - 1)]
            of_pair, squares = state[:, pair], np.zeros((2, sums.shape[1]))
            k_weighted_power(block[pair[0]], block[pair[1]], sos, of_pair, squares, step, taken)
            state[:, pair], sums[pair] = of_pair, squares
        return sums
    import scipy.signal

    weighted, state[:] = scipy.signal.sosfilt(sos, block.astype(np.float64), axis=1, zi=state)
    for index, (begin, end) in enumerate(pairwise((0, *ends, n))):
        part = weighted[:, begin:end]
        sums[:, index] = np.einsum("ct,ct->c", part, part)
    return sums


def compiled_peak_between(x: Float32Array, taps: Float32Array, gain: float, so_far: float) -> float:
    """Return the largest magnitude of a signal, and of it under each of some rows of twelve taps.

    A part of it that cannot reach ``so_far``, when its peak is raised by ``gain``, is passed over.
    """
    from cue_pipeline.audio.compiled.loudness_kernels import peak_between

    return float(peak_between(x, taps, gain, so_far))


def four_products(x: Float32Array, y: Float32Array, *, compiled: bool) -> Float64Array:
    """Return the sums of x·x, y·y, x·y and (x - y)² of two signals."""
    if compiled:
        from cue_pipeline.audio.compiled.sample_kernels import compare

        sums = np.zeros(4)
        compare(x, y, sums)
        return sums
    rest = x - y
    return np.array([np.dot(x, x), np.dot(y, y), np.dot(x, y), np.dot(rest, rest)], np.float64)


def pack_half(values: Float32Array, halves: npt.NDArray[np.float16], *, compiled: bool) -> float:
    """Round contiguous float32 to float16 of the same shape; return the largest (not of none)."""
    if compiled:
        from cue_pipeline.audio.compiled.sample_kernels import pack_half

        flat = values.reshape(-1)
        return float(pack_half(flat, flat.view(np.int32), halves.reshape(-1).view(np.uint16)))
    halves[...] = values
    return float(values.max())


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found in a block of all channels of a group.

    Attributes
    ----------
    windows : np.ndarray, shape=(n_windows,)
        The largest magnitude of each window of any channel.
    peaks : np.ndarray, shape=(n_channels,)
        The largest magnitude of each channel; NaN and Inf stay.
    sums : np.ndarray, shape=(n_channels + 1, 2), dtype=float64
        The sum and the sum of squares of each channel, and of the composite.
    product : float
        Of the pair of channels, sample by sample, summed.
    """

    windows: Float32Array
    peaks: Float32Array
    sums: Float64Array
    product: float


class Measure(Protocol):
    """What levels are made of."""

    def survey(
        self,
        block: Float32Array,
        window: int,
        pair: tuple[int, int] | None,
        composite: Float32Array,
    ) -> Survey:
        """Return what is in a block, shape=(n_channels, n); fill ``composite`` with its mean."""


def composite_of(block: Float32Array) -> Float32Array:
    """Return the mean of the channels, shape=(n_channels, n) → (n,)."""
    if len(block) == 1:
        return np.asarray(block[0])
    total: Float32Array = block[0] + block[1]
    for row in block[2:]:
        total += row
    total *= np.float32(1.0 / len(block))
    return total


class NumpyMeasure:
    """By numpy."""

    def survey(
        self,
        block: Float32Array,
        window: int,
        pair: tuple[int, int] | None,
        composite: Float32Array,
    ) -> Survey:
        """Return what is in a block, shape=(n_channels, n); fill ``composite`` with its mean."""
        with np.errstate(over="ignore", invalid="ignore"):
            composite[:] = composite_of(block)
            windows = np.stack([self._window_peaks(x, window) for x in block])
            signals = [*block, composite]
            return Survey(
                windows.max(axis=0),
                windows.max(axis=1, initial=0.0),
                np.array([(float(x.sum()), float(np.dot(x, x))) for x in signals]),
                float(np.dot(block[pair[0]], block[pair[1]])) if pair else 0.0,
            )

    def _window_peaks(self, x: Float32Array, window: int) -> Float32Array:
        """Return the largest magnitude of each ``window`` samples; NaN and Inf stay."""
        whole = x.size // window * window
        rows = x[:whole].reshape(-1, window)
        peaks = np.maximum(rows.max(axis=1), -rows.min(axis=1)) if whole else x[:0]
        if whole < x.size:
            peaks = np.append(peaks, np.abs(x[whole:]).max())
        return np.asarray(peaks, np.float32)


class CompiledMeasure:
    """By the kernels."""

    def survey(
        self,
        block: Float32Array,
        window: int,
        pair: tuple[int, int] | None,
        composite: Float32Array,
    ) -> Survey:
        """Return what is in a block, shape=(n_channels, n); fill ``composite`` with its mean."""
        from cue_pipeline.audio.compiled.sample_kernels import survey

        channels, n = block.shape
        windows, peaks = np.zeros(-(-n // window), np.int32), np.zeros(channels, np.int32)
        sums = np.zeros((channels + 2, 2))
        left, right = pair or (-1, -1)
        block = np.ascontiguousarray(block)
        bits = block.view(np.int32)
        survey(block, bits, window, left, right, composite, windows, peaks, sums)
        return Survey(
            windows.view(np.float32),
            peaks.view(np.float32),
            sums[:-1],
            float(sums[-1, 0]),
        )


def measure_of(*, compiled: bool) -> Measure:
    """Return the measure of an engine."""
    return CompiledMeasure() if compiled else NumpyMeasure()
