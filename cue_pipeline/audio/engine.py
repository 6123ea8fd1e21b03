"""Which machinery computes: numpy and scipy, or the compiled kernels.

The kernels (:mod:`.kernels`) take less than half the time, but loading them costs a second and
their first use on a machine some seconds more. So they are taken where a pass has enough frames
before it to earn that back: a rule of the input alone, so that a rerun computes as the first run
did. Both transform in double precision, and decode samples to the same bits.
"""

import logging
from collections.abc import Callable
from functools import cache
from typing import Protocol

import numpy as np

from cue_pipeline.audio.mel_filters import Float32Array, MelPlan
from cue_pipeline.settings import MelSettings

LANES = 8
WORTH_FRAMES = 100_000
SMALLEST_N_FFT, LARGEST_N_FFT = 512, 8_192

FrameKernel = Callable[[Float32Array, int], Float32Array]
Decoder = Callable[[np.typing.NDArray[np.uint8], Float32Array], None]

_log = logging.getLogger(__name__)


@cache
def kernels_load() -> bool:
    """Return whether the compiled kernels can be had on this machine."""
    try:
        import cue_pipeline.audio.kernels  # noqa: F401
    except Exception as e:  # noqa: BLE001 - whatever a compiler chokes on, numpy does the work
        _log.warning("numba's kernels cannot be loaded (%s): numpy and scipy do the work.", e)
        return False
    return True


def kernels_in_use() -> bool:
    """Return whether the kernels are loaded already, for what is the same to the bit by either."""
    return kernels_load.cache_info().currsize > 0 and kernels_load()


def worth_compiling(n_frames: int) -> bool:
    """Return whether a pass of so many spectrogram frames should use the kernels."""
    return n_frames >= WORTH_FRAMES and kernels_load()


def fits_kernel(mel: MelSettings) -> bool:
    """Return whether the kernels take these parameters."""
    power_of_two = mel.n_fft & (mel.n_fft - 1) == 0
    return power_of_two and SMALLEST_N_FFT <= mel.n_fft <= LARGEST_N_FFT and mel.power in {1.0, 2.0}


def compiled_frames(plan: MelPlan) -> FrameKernel:
    """Return the compiled spectrogram of a plan, with scratch space of its own."""
    from cue_pipeline.audio.kernels import MelKernel

    return MelKernel(plan).frames


def compiled_decode_24() -> Decoder:
    """Return the compiled decoder of packed 24-bit samples."""
    from cue_pipeline.audio.kernels import decode_24

    return decode_24


class Measure(Protocol):
    """What levels are made of."""

    def window_peaks(self, x: Float32Array, window: int) -> Float32Array:
        """Return the largest magnitude of each ``window`` samples; NaN and Inf stay."""

    def sums(self, x: Float32Array) -> tuple[float, float]:
        """Return the sum of the samples and of their squares."""


class NumpyMeasure:
    """By numpy."""

    def window_peaks(self, x: Float32Array, window: int) -> Float32Array:
        """Return the largest magnitude of each ``window`` samples; NaN and Inf stay."""
        whole = x.size // window * window
        rows = x[:whole].reshape(-1, window)
        peaks = np.maximum(rows.max(axis=1), -rows.min(axis=1)) if whole else x[:0]
        if whole < x.size:
            peaks = np.append(peaks, np.abs(x[whole:]).max())
        return np.asarray(peaks, np.float32)

    def sums(self, x: Float32Array) -> tuple[float, float]:
        """Return the sum of the samples and of their squares."""
        return float(x.sum()), float(np.dot(x, x))


class CompiledMeasure:
    """By the kernels."""

    def window_peaks(self, x: Float32Array, window: int) -> Float32Array:
        """Return the largest magnitude of each ``window`` samples; NaN and Inf stay."""
        from cue_pipeline.audio.kernels import peak_bits

        bits = np.empty(-(-x.size // window), np.int32)
        peak_bits(np.ascontiguousarray(x).view(np.int32), window, bits)
        return bits.view(np.float32)

    def sums(self, x: Float32Array) -> tuple[float, float]:
        """Return the sum of the samples and of their squares."""
        from cue_pipeline.audio.kernels import sums

        total, squares = sums(np.ascontiguousarray(x))
        return float(total), float(squares)


def measure_of(*, compiled: bool) -> Measure:
    """Return the measure of an engine."""
    return CompiledMeasure() if compiled else NumpyMeasure()
