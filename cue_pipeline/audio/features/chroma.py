"""Kind ``chroma``: how the energy of each moment is shared out among the twelve pitch classes.

``librosa.feature.chroma_stft(y=y, sr=sr, n_fft=n_fft, hop_length=hop_length, tuning=0.0)``, frame
by frame. The tuning is A4 = 440 Hz: librosa would guess it from the whole signal, stem by stem.

References
----------
Ellis, D. P. W. *Chroma feature analysis and synthesis*. 2007: the filter bank, with librosa's
defaults (Gaussian of one octave's weight about octave 5, L2 norm, C first).
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from cue_pipeline.audio.features.kind import (
    FeatureKind,
    FeatureStream,
    Frames,
    Grid,
    Samples,
    on_grid,
)

N_CHROMA = 12
A4_HZ = 440.0
_CENTRE_OCTAVE, _OCTAVES_WIDE = 5.0, 2.0
_SMALLEST = np.finfo(np.float32).tiny


def chroma_bank(sample_rate: int, n_fft: int) -> npt.NDArray[np.float32]:
    """Return the weight of each bin for each pitch class, shape=(n_fft // 2 + 1, 12).

    The numbers are those of ``librosa.filters.chroma(sr=sample_rate, n_fft=n_fft, tuning=0.0).T``,
    made here because importing librosa costs a process more than a second, and the first one on a
    machine some twenty.
    """
    hz = np.arange(1, n_fft) * (sample_rate / n_fft)
    semitones = N_CHROMA * np.log2(hz / (A4_HZ / 16.0))
    # 0 Hz has no pitch: one and a half octaves below the first bin, as librosa has it.
    semitones = np.concatenate(([semitones[0] - 1.5 * N_CHROMA], semitones))
    widths = np.append(np.maximum(np.diff(semitones), 1.0), 1.0)
    classes = (semitones[:, None] - np.arange(N_CHROMA) + N_CHROMA / 2) % N_CHROMA - N_CHROMA / 2
    bank = np.exp(-0.5 * (2.0 * classes / widths[:, None]) ** 2)
    bank /= np.sqrt((bank**2).sum(axis=1, keepdims=True))
    bank *= np.exp(-0.5 * ((semitones / N_CHROMA - _CENTRE_OCTAVE) / _OCTAVES_WIDE) ** 2)[:, None]
    from_c = np.roll(bank, -3, axis=1)  # pitches are counted from A
    return np.ascontiguousarray(from_c[: n_fft // 2 + 1], np.float32)


class Chroma(FeatureStream):
    """Pitch classes of one signal, shape=(n_frames, 12), C first, the largest of a frame 1."""

    def __init__(self, grid: Grid, _: tuple[str, ...]) -> None:
        self._bank = chroma_bank(grid.sample_rate, grid.n_fft)

    def feed(self, block: Samples) -> Iterator[Frames]:
        """Yield the frames of some power spectra."""
        raw = block @ self._bank
        largest = raw.max(axis=1, keepdims=True)
        largest[largest < _SMALLEST] = 1.0  # silence stays nothing
        yield raw / largest


KIND = FeatureKind(
    name="chroma",
    about="Twelve pitch classes a frame, C first, the largest of each frame 1: librosa's "
    "`chroma_stft` of each stem's and mix's mono composite at A4 = 440 Hz, on the mel's frames, "
    "float16.",
    algorithm=1,
    shape=on_grid(N_CHROMA, tuning=0.0, norm="max", window="hann (periodic)"),
    make=Chroma,
    hears="spectra",
)
