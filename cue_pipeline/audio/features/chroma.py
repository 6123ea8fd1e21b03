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

from cue_pipeline.audio.features.framing import CentredFrames
from cue_pipeline.audio.features.kind import (
    FeatureKind,
    FeatureStream,
    Frames,
    Grid,
    Samples,
    on_grid,
)

N_CHROMA = 12


class Chroma(FeatureStream):
    """Pitch classes of one signal, shape=(n_frames, 12), C first, the largest of a frame 1."""

    def __init__(self, grid: Grid, _: tuple[str, ...]) -> None:
        import librosa
        import scipy.signal

        bank = librosa.filters.chroma(
            sr=grid.sample_rate, n_fft=grid.n_fft, tuning=0.0, n_chroma=N_CHROMA
        )
        self._bank = bank.T.astype(np.float32)
        self._window = scipy.signal.get_window("hann", grid.n_fft).astype(np.float32)
        self._frames = CentredFrames(grid.n_fft, grid.hop_length)
        self._smallest = np.finfo(np.float32).tiny

    def feed(self, block: Samples) -> Iterator[Frames]:
        """Yield the frames that a block completes."""
        yield from map(self._chroma, self._frames.feed(block))

    def finish(self) -> Iterator[Frames]:
        """Yield the frames at the signal's end."""
        yield from map(self._chroma, self._frames.finish())

    def _chroma(self, framed: Samples) -> Frames:
        import scipy.fft

        spectra = scipy.fft.rfft(framed * self._window, axis=1, workers=1)
        raw = (spectra.real**2 + spectra.imag**2) @ self._bank
        largest = raw.max(axis=1, keepdims=True)
        largest[largest < self._smallest] = 1.0  # silence stays nothing
        return np.asarray(raw / largest, np.float32)


KIND = FeatureKind(
    name="chroma",
    about="Twelve pitch classes a frame, C first, the largest of each frame 1: librosa's "
    "`chroma_stft` of each stem's and mix's mono composite at A4 = 440 Hz, on the mel's frames, "
    "float16.",
    algorithm=1,
    shape=on_grid(N_CHROMA, tuning=0.0, norm="max", window="hann (periodic)"),
    make=Chroma,
)
