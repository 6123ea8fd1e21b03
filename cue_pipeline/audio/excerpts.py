"""Short excerpts of all groups of a cue, reduced to the products of every two channels.

All that least squares can tell of a cue (which group is the sum of which, at which gains, with
which phase) follows from these products; the samples are forgotten at once. Products are taken of
spectra, so that groups of different sample rates, or that begin between two samples of each
other, compare without being resampled: a bin of a quarter of a second is 4 Hz at every rate.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from cue_pipeline.audio.grouping import ChannelGroup
from cue_pipeline.audio.sources import finite, read_excerpts

Complex128 = NDArray[np.complex128]
Complex64 = NDArray[np.complex64]

EXCERPTS = 16
EXCERPT_SECONDS = 0.25
_LOWEST_HZ = 20.0
_HIGHEST_HZ = 20_000.0
_HIGHEST_HZ_OF_MANY = 6_000.0
_MANY_CHANNELS = 96
_NYQUIST_PART = 0.45  # of a sample rate: filters' edges are left out
_BATCH_VALUES = 4 << 20
_SOUNDING = 1e-4  # of the power of a channel's loudest excerpt


@dataclass(frozen=True, slots=True)
class Products:
    """Products of every two channels of a cue's groups, over all excerpts.

    Attributes
    ----------
    voices : tuple of (int, str)
        Index of the group and label of the channel, for each row.
    gram : np.ndarray, shape=(n_voices, n_voices)
        ``gram[i, j]`` is the sum of ``x_i · conj(x_j)``; Hermitian.
    sounding : np.ndarray, shape=(n_voices,), optional
        In how many excerpts a channel is within 40 dB of its loudest one; None: not counted.
    """

    voices: tuple[tuple[int, str], ...]
    gram: Complex128
    sounding: NDArray[np.intp] | None = None


def products_of(folder: Path, groups: Sequence[ChannelGroup], starts: Sequence[float]) -> Products:
    """Return the products of excerpts that are spread over the whole cue.

    Parameters
    ----------
    folder : Path
        The cue's.
    groups : sequence of ChannelGroup
    starts : sequence of float
        Where each begins on one clock, seconds.
    """
    # The products are small: threads of BLAS spend eight times the processor time on waiting.
    with threadpool_limits(limits=1, user_api="blas"):
        return _products(folder, groups, starts)


def _products(folder: Path, groups: Sequence[ChannelGroup], starts: Sequence[float]) -> Products:
    voices = tuple((g, c.label) for g, group in enumerate(groups) for c in group.channels)
    seconds, moments = _moments(groups, starts)
    bins = _bins(groups, seconds, len(voices))
    gram = np.zeros((len(voices), len(voices)), np.complex128)
    power = np.zeros((len(voices), len(moments)))
    at_once = max(1, _BATCH_VALUES // max(1, len(voices) * bins.size))
    for first in range(0, len(moments), at_once):
        batch = moments[first : first + at_once]
        spectra = np.concatenate(
            [
                _spectra(folder, group, [t - start for t in batch], seconds, bins)
                for group, start in zip(groups, starts, strict=True)
            ]
        )
        for k in range(len(batch)):  # of one excerpt at a time the doubled precision takes little
            heard = spectra[:, k]
            if len(voices) <= _MANY_CHANNELS:
                heard = heard.astype(np.complex128)
            gram += heard @ heard.conj().T
            power[:, first + k] = (np.abs(heard) ** 2).sum(axis=1)
    loudest = power.max(axis=1, keepdims=True, initial=0.0)
    sounding = np.count_nonzero((power > _SOUNDING * loudest) & (power > 0.0), axis=1)
    return Products(voices, gram, sounding)


def _moments(groups: Sequence[ChannelGroup], starts: Sequence[float]) -> tuple[float, list[float]]:
    """Return the excerpts' length and where they begin, seconds."""
    begin, end = _compared(groups, starts)
    whole = max(end - begin, min(g.duration_seconds for g in groups))
    seconds = min(EXCERPT_SECONDS, whole)
    count = max(1, min(EXCERPTS, int(whole / seconds)))
    step = (whole - seconds) / max(1, count - 1)
    moments = [begin + i * step for i in range(count)]
    # A clip between two excerpts has one of its own.
    middles = (s + (g.duration_seconds - seconds) / 2 for g, s in zip(groups, starts, strict=True))
    missed = {
        middle
        for middle, group in zip(middles, groups, strict=True)
        if group.duration_seconds < 2.0 * step
        and begin <= middle <= end - seconds
        and all(abs(middle - t) > 0.01 for t in moments)
    }
    return seconds, sorted([*moments, *sorted(missed)[:EXCERPTS]])


def _compared(groups: Sequence[ChannelGroup], starts: Sequence[float]) -> tuple[float, float]:
    """Return from where to where the longer groups all last; else where any two may meet."""
    spans = [(s, s + g.duration_seconds) for g, s in zip(groups, starts, strict=True)]
    longest = max(end - begin for begin, end in spans)
    long = [(begin, end) for begin, end in spans if end - begin >= longest / 2]
    begin, end = max(b for b, _ in long), min(e for _, e in long)
    if end - begin >= min(longest / 8, 1.0):
        return begin, end
    return min(b for b, _ in spans), max(e for _, e in spans)


def _bins(groups: Sequence[ChannelGroup], seconds: float, n_voices: int) -> NDArray[np.intp]:
    lowest_rate = min(c.header.sample_rate for g in groups for c in g.channels)
    highest = _HIGHEST_HZ if n_voices <= _MANY_CHANNELS else _HIGHEST_HZ_OF_MANY
    highest = min(highest, _NYQUIST_PART * lowest_rate)
    return np.arange(max(1, int(_LOWEST_HZ * seconds)), max(2, int(highest * seconds)))


def _spectra(
    folder: Path,
    group: ChannelGroup,
    times: Sequence[float],
    seconds: float,
    bins: NDArray[np.intp],
) -> Complex64:
    """Return spectra, shape=(channels of the group, excerpts, bins)."""
    import scipy.fft

    rows = []
    for rate, indices, samples, late in _samples(folder, group, times, seconds):
        n = samples.shape[2]
        spectra = scipy.fft.rfft(samples * np.hanning(n).astype(np.float32), axis=2) / n
        turn = np.exp(-2j * np.pi * np.outer(late, bins / seconds) / rate)
        rows.append((indices, (spectra[:, :, bins] * turn[None]).astype(np.complex64)))
    out = np.zeros((len(group.channels), len(times), bins.size), np.complex64)
    for indices, spectra in rows:
        out[indices] = spectra
    return out


def _samples(
    folder: Path, group: ChannelGroup, times: Sequence[float], seconds: float
) -> Iterator[tuple[int, list[int], NDArray[np.float32], NDArray[np.float64]]]:
    """Yield each file's rate, its rows in the group, its samples, and what rounding left over."""
    by_file: dict[str, list[int]] = {}
    for row, channel in enumerate(group.channels):
        by_file.setdefault(channel.file, []).append(row)
    for rows in by_file.values():
        header = group.channels[rows[0]].header
        exact = np.array(times) * header.sample_rate
        firsts = np.round(exact).astype(int)
        n = max(4, round(seconds * header.sample_rate))
        taken = read_excerpts(
            folder, header, [group.channels[r].index for r in rows], firsts.tolist(), n
        )
        yield header.sample_rate, rows, finite(taken), firsts - exact


def composite_spectra(
    folder: Path, group: ChannelGroup, times: Sequence[float], seconds: float
) -> Complex64:
    """Return spectra of a group's composite, shape=(excerpts, bins), from 0 Hz on."""
    rate = min(c.header.sample_rate for c in group.channels)
    bins = np.arange(int(_NYQUIST_PART * rate * seconds))
    spectra: Complex64 = _spectra(folder, group, times, seconds, bins).mean(axis=0)
    spectra[:, : int(_LOWEST_HZ * seconds) + 1] = 0.0
    return spectra
