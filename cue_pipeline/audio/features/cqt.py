"""Kind ``cqt``: the spectrum by semitones, seven octaves from C1, as librosa's constant-Q.

``librosa.amplitude_to_db(np.abs(librosa.cqt(y, sr=sr, hop_length=hop_length)), ref=1.0, amin=1e-5,
top_db=None)``. An octave's filters work at half the rate of the octave above it, and so on down;
here each octave is a stream of its own, which hands on its samples at half the rate.

References
----------
Schörkhuber, C. and Klapuri, A. *Constant-Q transform toolbox for music processing*. SMC 2010.
Filters and resampler are librosa's and soxr's (HQ), of 1 % sparsity.
"""

import math
from collections.abc import Iterator

import numpy as np

from cue_pipeline.audio.features.framing import CentredFrames
from cue_pipeline.audio.features.kind import (
    FeatureKind,
    FeatureStream,
    Frames,
    FrameShape,
    Grid,
    Samples,
)
from cue_pipeline.audio.resampling import RateConverter
from cue_pipeline.errors import SettingsError

N_OCTAVES = 7
PER_OCTAVE = 12
N_BINS = N_OCTAVES * PER_OCTAVE
FMIN_HZ = 32.70319566257483  # C1
AMIN = 1e-5
_SPARSITY = 0.01
_WIDEST = 1.1  # times the highest centre: what the highest filter reaches, amply


class _Octave:
    """The filters of one octave, at a rate of its own.

    Parameters
    ----------
    sample_rate : float
        Hz, of what it is fed.
    hop_length : int
        Samples between frames at that rate.
    bins : slice
        Its place among all bins.
    """

    def __init__(self, sample_rate: float, top_rate: float, hop_length: int, bins: slice) -> None:
        import librosa
        import scipy.sparse

        hz = FMIN_HZ * 2.0 ** (np.arange(N_BINS) / PER_OCTAVE)
        # The band each filter takes of its neighbours' distance, as librosa has it.
        ratio = 2.0 ** (2.0 / PER_OCTAVE)
        alpha = np.full(N_BINS, (ratio - 1.0) / (ratio + 1.0))
        basis, lengths = librosa.filters.wavelet(
            freqs=hz[bins],
            sr=sample_rate,
            pad_fft=True,
            alpha=alpha[bins],  # type: ignore[arg-type]
        )
        self.n_fft = int(basis.shape[1])
        basis *= lengths[:, None] / self.n_fft
        spectra = np.fft.fft(basis, axis=1)[:, : self.n_fft // 2 + 1].astype(np.complex64)
        sparse = librosa.util.sparsify_rows(spectra, quantile=_SPARSITY)
        scale, _ = librosa.filters.wavelet_lengths(freqs=hz, sr=top_rate, alpha=alpha)
        by_length = math.sqrt(top_rate / sample_rate) / np.sqrt(scale[bins])
        scaled = scipy.sparse.diags(by_length) @ sparse
        # Dense and only as wide as it reaches: a short product is a fast one.
        dense = np.asarray(scaled.todense()).astype(np.complex64)
        used = np.flatnonzero(np.abs(dense).any(axis=0))
        self._first, self._last = int(used[0]), int(used[-1]) + 1
        self._basis = np.ascontiguousarray(dense[:, self._first : self._last].T)
        self._frames = CentredFrames(self.n_fft, hop_length)

    def feed(self, block: Samples, *, last: bool) -> Frames:
        """Return the magnitudes that a block completes, shape=(n, 12)."""
        parts = [self._magnitudes(framed) for framed in self._frames.feed(block)]
        if last:
            parts += [self._magnitudes(framed) for framed in self._frames.finish()]
        return np.concatenate(parts) if parts else np.empty((0, PER_OCTAVE), np.float32)

    def _magnitudes(self, framed: Samples) -> Frames:
        import scipy.fft

        spectra = scipy.fft.rfft(framed, axis=1, workers=1)[:, self._first : self._last]
        return np.asarray(np.abs(spectra @ self._basis))


class ConstantQ(FeatureStream):
    """Levels of 84 semitones of one signal, shape=(n_frames, 84), dB re full scale."""

    def __init__(self, grid: Grid, _: tuple[str, ...]) -> None:
        halvings = _early_halvings(grid)
        rate, hop = grid.sample_rate / 2**halvings, grid.hop_length >> halvings
        self._early = RateConverter(2**halvings, 1) if halvings else None
        self._early_gain = np.float32(math.sqrt(2**halvings))
        self._octaves = []
        self._halve = []
        top = rate
        for octave in reversed(range(N_OCTAVES)):
            bins = slice(octave * PER_OCTAVE, (octave + 1) * PER_OCTAVE)
            self._octaves.append(_Octave(rate, top, hop, bins))
            self._halve.append(RateConverter(2, 1))
            rate, hop = rate / 2.0, hop // 2
        self._held: list[list[Frames]] = [[] for _ in self._octaves]

    def feed(self, block: Samples) -> Iterator[Frames]:
        """Yield the frames of which all octaves are known."""
        if self._early:
            block = self._early.feed(block[None])[0] * self._early_gain
        yield from self._octave_by_octave(block, last=False)

    def finish(self) -> Iterator[Frames]:
        """Yield the frames at the signal's end."""
        rest = np.empty(0, np.float32)
        if self._early:
            rest = self._early.finish()[0] * self._early_gain
        yield from self._octave_by_octave(rest, last=True)

    def _octave_by_octave(self, block: Samples, *, last: bool) -> Iterator[Frames]:
        for octave, halve, held in zip(self._octaves, self._halve, self._held, strict=True):
            held.append(octave.feed(block, last=last))
            halved = halve.feed(block[None])[0] if block.size else block
            if last:
                halved = np.concatenate((halved, halve.finish()[0]))
            block = halved * np.float32(math.sqrt(2.0))
        whole = [np.concatenate(held) for held in self._held]
        count = min(len(frames) for frames in whole)
        # What one octave is ahead of another waits; at the end it is beyond the signal.
        self._held = [[frames[count:]] for frames in whole]
        if count:
            levels = np.concatenate([frames[:count] for frames in reversed(whole)], axis=1)
            yield (20.0 * np.log10(np.maximum(levels, AMIN))).astype(np.float32)


def _early_halvings(grid: Grid) -> int:
    """Return how often the rate can be halved before the highest octave needs what would go."""
    highest = FMIN_HZ * 2.0 ** ((N_BINS - 1) / PER_OCTAVE) * _WIDEST
    spare = math.ceil(math.log2(grid.sample_rate / 2.0 / highest)) - 2
    twos = (grid.hop_length & -grid.hop_length).bit_length() - 1
    return max(0, min(spare, twos - N_OCTAVES + 1))


def _shape(grid: Grid) -> FrameShape:
    least = 1 << (N_OCTAVES - 1)
    if grid.hop_length % least:
        raise SettingsError(
            f"CUE_FEATURES names 'cqt', for which CUE_MEL_HOP_LENGTH has to be a multiple of "
            f"{least}, a half for each octave; it is {grid.hop_length}. Take 512, say."
        )
    highest = FMIN_HZ * 2.0 ** ((N_BINS - 1) / PER_OCTAVE) * _WIDEST
    if grid.sample_rate / 2.0 < highest:
        raise SettingsError(
            f"CUE_FEATURES names 'cqt', which reaches {highest:.0f} Hz: CUE_SAMPLE_RATE has to be "
            f"twice that at least, and is {grid.sample_rate}."
        )
    params = {
        "n_bins": N_BINS, "bins_per_octave": PER_OCTAVE, "fmin": FMIN_HZ, "tuning": 0.0,
        "amin": AMIN, "ref": 1.0, "top_db": None, "center": True, "sparsity": _SPARSITY,
    }  # fmt: skip
    return FrameShape(
        N_BINS, grid.sample_rate, grid.hop_length, params, silence=20.0 * math.log10(AMIN)
    )


KIND = FeatureKind(
    name="cqt",
    about="84 semitones from C1 (32.7 Hz), level in dB re full scale: librosa's `cqt` of the mono "
    "composite at A4 = 440 Hz, on the mel's frames, float16.",
    algorithm=1,
    shape=_shape,
    make=ConstantQ,
    decibels=True,
)
