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
import numpy.typing as npt

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
Spectrum = npt.NDArray[np.complex128]
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
        self._filters = _filters(sample_rate, top_rate, bins)
        self._frames = CentredFrames(len(self._filters), hop_length)

    def feed(self, block: Samples, *, last: bool) -> Frames:
        """Return the squared magnitudes that a block completes, shape=(n, 12)."""
        parts = [self._powers(framed) for framed in self._frames.feed(block)]
        if last:
            parts += [self._powers(framed) for framed in self._frames.finish()]
        return np.concatenate(parts) if parts else np.empty((0, PER_OCTAVE), np.float32)

    def _powers(self, framed: Samples) -> Frames:
        # BLAS takes no frames that overlap.
        parts = np.ascontiguousarray(framed) @ self._filters
        parts *= parts
        return np.asarray(parts[:, :PER_OCTAVE] + parts[:, PER_OCTAVE:])


def _filters(sample_rate: float, top_rate: float, bins: slice) -> npt.NDArray[np.float32]:
    """Return the filters of an octave over samples, shape=(n_fft, 24): real, then imaginary parts.

    librosa multiplies each frame's transform by the transforms of the filters. That product is one
    of the samples with what is here, and an octave has so few filters that it costs less than the
    transforms alone.
    """
    import librosa

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
    n_fft = int(basis.shape[1])
    spectra = np.fft.fft(basis * (lengths[:, None] / n_fft), axis=1)[:, : n_fft // 2 + 1]
    sparse = librosa.util.sparsify_rows(spectra, quantile=_SPARSITY).toarray()
    scale, _ = librosa.filters.wavelet_lengths(freqs=hz, sr=top_rate, alpha=alpha)
    gain = math.sqrt(top_rate / sample_rate) / np.sqrt(scale[bins])
    found = _from_bins(sparse * gain[:, None], n_fft).T
    return np.concatenate((found.real, found.imag), axis=1).astype(np.float32)


def _from_bins(spectra: Spectrum, n_fft: int) -> Spectrum:
    """Return what weighs samples as spectra, in rows, weigh the bins of their transform."""
    missing = ((0, 0), (0, n_fft - spectra.shape[1]))
    return np.asarray(np.fft.fft(np.pad(spectra, missing), axis=1))


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
            powers = np.concatenate([frames[:count] for frames in reversed(whole)], axis=1)
            levels = np.log10(np.maximum(powers, np.float32(AMIN**2), out=powers), out=powers)
            yield np.multiply(levels, np.float32(10.0), out=levels)


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
