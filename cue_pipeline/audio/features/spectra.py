"""Power spectra of a signal's frames, made once for all kinds that hear them."""

import numpy as np

from cue_pipeline.audio.compiled.choice import compiled_powers, fits_kernel
from cue_pipeline.audio.features.kind import FeatureStream, Grid
from cue_pipeline.audio.framed import FramedStream
from cue_pipeline.audio.mel_filters import Float32Array, mel_plan
from cue_pipeline.settings import MelSettings


class PowerSpectra(FramedStream, FeatureStream):
    """Squared magnitudes, shape=(n_frames, n_fft // 2 + 1), of frames that stand as the mel's do.

    Under a periodic Hann window, transformed in double precision, with silence beyond both ends:
    ``abs(librosa.stft(y, n_fft=n_fft, hop_length=hop_length)) ** 2``, each frame a row.
    """

    def __init__(self, grid: Grid) -> None:
        mel = MelSettings(sr=grid.sample_rate, n_fft=grid.n_fft, hop_length=grid.hop_length)
        plan = mel_plan(mel)
        super().__init__(
            plan, compiled_powers(plan) if grid.compiled and fits_kernel(mel) else None
        )

    def _made_of(self, framed: Float32Array) -> Float32Array:
        parts = self._spectra(framed)
        np.multiply(parts, parts, out=parts)
        return np.add(parts[:, ::2], parts[:, 1::2], dtype=np.float64).astype(np.float32)
