"""Mel filter banks, and the plan of one spectrogram that all threads share.

The numbers are librosa's (``librosa.filters.mel``), made here because importing librosa costs
every run more than the whole bank.

References
----------
Slaney, M. *Auditory Toolbox v2*. Interval Research TR 1998-010 (``htk=False``).
Young et al., *The HTK Book* 3.4, eq. 5.13 (``htk=True``).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from cue_pipeline.settings import MelSettings

Float32Array = npt.NDArray[np.float32]
Float64Array = npt.NDArray[np.float64]

_LINEAR_HZ_PER_MEL = 200.0 / 3
_LOG_FROM_HZ = 1_000.0
_LOG_FROM_MEL = _LOG_FROM_HZ / _LINEAR_HZ_PER_MEL
_LOG_STEP = np.log(6.4) / 27.0
_BANDS_PER_PRODUCT = 8


def hz_to_mel(hz: Float64Array, *, htk: bool) -> Float64Array:
    """Return mels of frequencies in Hz."""
    if htk:
        return np.asarray(2595.0 * np.log10(1.0 + hz / 700.0))
    above = np.maximum(hz, _LOG_FROM_HZ)
    return np.asarray(
        np.where(
            hz < _LOG_FROM_HZ,
            hz / _LINEAR_HZ_PER_MEL,
            _LOG_FROM_MEL + np.log(above / _LOG_FROM_HZ) / _LOG_STEP,
        )
    )


def mel_to_hz(mel: Float64Array, *, htk: bool) -> Float64Array:
    """Return frequencies in Hz of mels."""
    if htk:
        return np.asarray(700.0 * (10.0 ** (mel / 2595.0) - 1.0))
    return np.asarray(
        np.where(
            mel < _LOG_FROM_MEL,
            mel * _LINEAR_HZ_PER_MEL,
            _LOG_FROM_HZ * np.exp(_LOG_STEP * (mel - _LOG_FROM_MEL)),
        )
    )


def mel_corners(mel: MelSettings) -> Float64Array:
    """Return where the triangles begin, peak and end, Hz, shape=(n_mels + 2,).

    Band m rises from corner m to m + 1 and falls to m + 2.
    """
    fmax = mel.sr / 2 if mel.fmax is None else mel.fmax
    ends = hz_to_mel(np.array([mel.fmin, fmax]), htk=mel.htk)
    return mel_to_hz(np.linspace(ends[0], ends[1], mel.n_mels + 2), htk=mel.htk)


def mel_filter_bank(mel: MelSettings) -> Float32Array:
    """Return the triangular filters of a mel scale.

    Returns
    -------
    np.ndarray, shape=(n_mels, 1 + n_fft // 2), dtype=float32
        Row m weighs the bins of band m; rows of bands narrower than a bin may be zero.
    """
    corners = mel_corners(mel)
    bins = np.fft.rfftfreq(mel.n_fft, 1.0 / mel.sr)
    steps = np.diff(corners)
    ramps = corners[:, None] - bins[None, :]
    rising = -ramps[:-2] / steps[:-1, None]
    falling = ramps[2:] / steps[1:, None]
    bank = np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)
    if mel.norm == "slaney":
        bank *= (2.0 / (corners[2:] - corners[:-2]))[:, None].astype(np.float32)
    return np.asarray(bank, dtype=np.float32)


def empty_bands(mel: MelSettings) -> int:
    """Return how many bands are so narrow that no bin of the FFT falls into them."""
    return int(np.count_nonzero(~mel_plan(mel).bank.any(axis=1)))


def mel_remarks(mel: MelSettings) -> list[str]:
    """Return what of a signal these parameters never look at, in sentences."""
    remarks = []
    empty = empty_bands(mel)
    if empty:
        remarks.append(
            f"{empty} of {mel.n_mels} mel bands hold no bin of an FFT of {mel.n_fft} samples and "
            "are silent in every spectrogram: take fewer bands (CUE_MEL_N_MELS) or a longer FFT "
            "(CUE_MEL_N_FFT)."
        )
    if mel.hop_length > mel.n_fft:
        remarks.append(
            f"Of every {mel.hop_length} samples only {mel.n_fft} are looked at: take a shorter hop "
            "(CUE_MEL_HOP_LENGTH) or a longer FFT (CUE_MEL_N_FFT)."
        )
    return remarks


def hann_window(n_fft: int) -> Float64Array:
    """Return the periodic Hann window, shape=(n_fft,)."""
    return np.asarray(0.5 - 0.5 * np.cos(np.arange(n_fft) * (2.0 * np.pi / n_fft)))


@dataclass(frozen=True)
class BandProduct:
    """One matrix product: some neighbouring bands over just the bins that they touch."""

    first_bin: int
    last_bin: int
    first_band: int
    last_band: int
    weights: Float32Array


@dataclass(frozen=True, eq=False)
class MelPlan:
    """What every spectrogram of the same settings shares.

    Attributes
    ----------
    mel : MelSettings
    window : np.ndarray, shape=(n_fft,), dtype=float64
    bank : np.ndarray, shape=(n_mels, n_bins)
    products : tuple of BandProduct
        The bank in parts: a band touches few bins, so that the full product is mostly zeros.
    squares : bool
        True where weights are doubled for products over (re², im²) pairs, i.e. power is 2.
    """

    mel: MelSettings
    window: Float64Array
    bank: Float32Array
    products: tuple[BandProduct, ...]
    squares: bool


@lru_cache(maxsize=16)
def mel_plan(mel: MelSettings) -> MelPlan:
    """Return the plan of a spectrogram; made once per settings."""
    bank = mel_filter_bank(mel)
    squares = mel.power == 2.0
    products = []
    for first in range(0, mel.n_mels, _BANDS_PER_PRODUCT):
        last = min(first + _BANDS_PER_PRODUCT, mel.n_mels)
        touched = np.flatnonzero(bank[first:last].any(axis=0))
        if touched.size == 0:
            continue
        low, high = int(touched[0]), int(touched[-1]) + 1
        weights = np.ascontiguousarray(bank[first:last, low:high].T)
        if squares:
            weights = np.repeat(weights, 2, axis=0)
        products.append(BandProduct(low, high, first, last, weights))
    return MelPlan(mel, hann_window(mel.n_fft), bank, tuple(products), squares)
