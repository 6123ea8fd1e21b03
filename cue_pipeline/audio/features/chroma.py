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

from cue_pipeline.audio.features.kind import (
    FeatureKind,
    FeatureStream,
    Frames,
    Grid,
    Samples,
    on_grid,
)

N_CHROMA = 12
_SMALLEST = np.finfo(np.float32).tiny


class Chroma(FeatureStream):
    """Pitch classes of one signal, shape=(n_frames, 12), C first, the largest of a frame 1."""

    def __init__(self, grid: Grid, _: tuple[str, ...]) -> None:
        import librosa

        bank = librosa.filters.chroma(
            sr=grid.sample_rate, n_fft=grid.n_fft, tuning=0.0, n_chroma=N_CHROMA
        )
        self._bank = np.ascontiguousarray(bank.T, np.float32)

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
