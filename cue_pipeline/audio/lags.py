"""Where one group's sound stands in another's: whole files first, then to the sample.

Both are brought to about 6 kHz by averaging and correlated over their whole lengths, their
spectra made flatter first, so that a beat or a held chord does not outweigh the one place at which
everything agrees. The best places are then looked at again at the full rate.

References
----------
Knapp, C., Carter, G. The generalized correlation method for estimation of time delay.
IEEE Trans. ASSP 24 (1976): flattened (here halfway, ``|X|^-0.7``) cross-spectra.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cue_pipeline.audio.compiled.choice import composite_of
from cue_pipeline.audio.excerpts import EXCERPT_SECONDS, composite_spectra
from cue_pipeline.audio.group_pass import BLOCK_SAMPLES, GroupReader
from cue_pipeline.audio.grouping import ChannelGroup
from cue_pipeline.audio.mel_filters import Float32Array
from cue_pipeline.audio.sources import finite

COARSE_HZ = 6_000
_MOST_SAMPLES = 8_000_000  # 22 minutes at the coarse rate: longer groups are told by their head
_FLATTEN = 0.7
_PLACES = 5
_APART_SECONDS = 0.01
_EXCERPTS = 12


def coarse_signal(folder: Path, group: ChannelGroup, rate: int) -> Float32Array:
    """Return a group's composite at about :data:`COARSE_HZ`, from ``rate`` Hz on."""
    step = max(1, rate // COARSE_HZ)
    reader = GroupReader(folder, group, rate, convert_to=rate)
    parts: list[Float32Array] = []
    size = 0
    try:
        if reader.labels:
            for block in reader.blocks(BLOCK_SAMPLES // step * step):
                mono = composite_of(finite(block))
                mono = np.pad(mono, (0, -mono.size % step))
                parts.append(mono.reshape(-1, step).mean(axis=1, dtype=np.float32))
                size += parts[-1].size
                if size >= _MOST_SAMPLES:
                    break
    finally:
        reader.close()
    return np.concatenate([*parts, np.empty(0, np.float32)])


def likely_lags(a: Float32Array, b: Float32Array) -> list[int]:
    """Return by how many samples ``b`` is likeliest to begin after ``a``, best first.

    Parameters
    ----------
    a, b : np.ndarray, shape=(n,), shape=(m,)
        Signals of one rate, of which one may hold the other.
    """
    import scipy.fft

    if not a.any() or not b.any():
        return []
    size = scipy.fft.next_fast_len(a.size + b.size, real=True)
    spectrum = scipy.fft.rfft(a, size, workers=1)
    spectrum *= np.conj(scipy.fft.rfft(b, size, workers=1))
    magnitude = np.abs(spectrum)
    magnitude += max(float(magnitude.max()) * 1e-6, 1e-30)
    spectrum /= magnitude**_FLATTEN
    correlation = scipy.fft.irfft(spectrum, size, workers=1)
    correlation[a.size : size - b.size + 1] = -np.inf
    apart = int(_APART_SECONDS * COARSE_HZ)
    lags = []
    for _ in range(_PLACES):
        best = int(np.argmax(correlation))
        if not correlation[best] > 0.0:
            break
        lags.append(best if best < a.size else best - size)
        near = np.arange(best - apart, best + apart + 1) % size
        correlation[near] = -np.inf
    return lags


def exact_start(
    folder: Path, fixed: ChannelGroup, fixed_start: float, moving: ChannelGroup, start: float
) -> float:
    """Return the start of a group to the sample, from one that is right to some milliseconds.

    Parameters
    ----------
    folder : Path
    fixed : ChannelGroup
        Which begins at ``fixed_start`` seconds.
    moving : ChannelGroup
        Which begins near ``start``.
    """
    import scipy.fft

    begin = max(fixed_start, start)
    end = min(fixed_start + fixed.duration_seconds, start + moving.duration_seconds)
    seconds = min(EXCERPT_SECONDS, end - begin)
    if seconds <= 0.01:
        return start
    times = np.linspace(begin, end - seconds, _EXCERPTS)
    rate = fixed.sample_rate
    n = round(seconds * rate)
    own, other = (
        composite_spectra(folder, group, (times - at).tolist(), seconds)
        for group, at in ((fixed, fixed_start), (moving, start))
    )
    bins = min(own.shape[1], other.shape[1], n // 2 + 1)
    cross = np.zeros(n // 2 + 1, np.complex128)
    cross[:bins] = (own[:, :bins] * other[:, :bins].conj()).sum(axis=0)
    magnitude = np.abs(cross)
    cross /= np.maximum(magnitude, max(float(magnitude.max()) * 1e-4, 1e-30)) ** _FLATTEN
    correlation = scipy.fft.irfft(cross, n)
    reach = min(n // 4, int(0.02 * rate))
    around = np.concatenate((correlation[-reach:], correlation[: reach + 1]))
    late = int(np.argmax(around)) - reach
    return start + late / rate


def start_seconds(lags: Sequence[int], rate: int) -> list[float]:
    """Return lags of coarse signals in seconds."""
    return [lag * max(1, rate // COARSE_HZ) / rate for lag in lags]
