"""Log-mel spectrograms of signals that arrive in blocks.

Conventions
-----------
Signals are float32, full scale = 1.0. Frames are rows: shape=(n_frames, n_mels). Levels are
absolute dB (ref = 1.0, nothing clipped to a range below the maximum): for ``power=2`` librosa's
``power_to_db(S, ref=1.0, amin=amin, top_db=None)``, for any power its ``(20 / power) · log10``.
"""

import numpy as np

from cue_pipeline.audio.compiled.choice import compiled_frames, fits_kernel
from cue_pipeline.audio.framed import FramedStream
from cue_pipeline.audio.mel_filters import Float32Array, MelPlan, mel_plan
from cue_pipeline.errors import AudioFileError
from cue_pipeline.settings import MelSettings


def n_frames_of(n_samples: int, mel: MelSettings) -> int:
    """Return how many frames a signal has: ``1 + n // hop`` for centred frames of even length."""
    padded = n_samples + 2 * (mel.n_fft // 2) if mel.center else n_samples
    return 0 if padded < mel.n_fft else 1 + (padded - mel.n_fft) // mel.hop_length


def log_mel_spectrogram(
    y: Float32Array, mel: MelSettings, *, compiled: bool = False
) -> Float32Array:
    """Return the log-power mel spectrogram of one mono signal.

    Parameters
    ----------
    y : np.ndarray, shape=(n_samples,)
        Mono signal at ``mel.sr`` Hz, full scale = 1.0.
    mel : MelSettings
        Parameters.
    compiled : bool
        By the compiled kernels, where they take the parameters (see :mod:`.compiled.choice`).

    Returns
    -------
    np.ndarray, shape=(n_frames, n_mels), dtype=float32
        Level in dB re full scale; ``n_frames = 1 + n_samples // hop_length`` where centred.

    Raises
    ------
    AudioFileError
        If ``y`` is not one-dimensional.
    """
    if y.ndim != 1:
        raise AudioFileError(f"A mono signal of shape (n,) is needed, {y.shape} was given.")
    stream = MelStream(mel, compiled=compiled)
    parts = [*stream.feed(np.asarray(y, dtype=np.float32)), *stream.finish()]
    return np.concatenate(parts) if parts else np.empty((0, mel.n_mels), np.float32)


class MelStream(FramedStream):
    """The spectrogram of one signal, fed in blocks of any length.

    Memory is bounded by the longest block, not by the signal.

    Examples
    --------
    >>> stream = MelStream(MelSettings())
    >>> frames = [*stream.feed(np.zeros(48_000, np.float32)), *stream.finish()]
    >>> sum(len(f) for f in frames)
    94
    """

    def __init__(self, mel: MelSettings, *, compiled: bool = False) -> None:
        plan = mel_plan(mel)
        super().__init__(plan, compiled_frames(plan) if compiled and fits_kernel(mel) else None)

    def _made_of(self, framed: Float32Array) -> Float32Array:
        """Return the levels of some frames, shape=(n, n_fft) → (n, n_mels)."""
        plan = self._plan
        parts = self._spectra(framed)
        np.multiply(parts, parts, out=parts)
        width = 2
        if not plan.squares:
            parts = (parts[:, ::2] + parts[:, 1::2]) ** (plan.mel.power / 2.0)
            width = 1
        singles = parts.astype(np.float32)  # positive terms only: nothing cancels any more
        levels = np.zeros((len(framed), plan.mel.n_mels), np.float32)
        for product in plan.products:
            bins = singles[:, width * product.first_bin : width * product.last_bin]
            levels[:, product.first_band : product.last_band] = bins @ product.weights
        return decibels(levels, plan.mel)


def levels_of_powers(powers: Float32Array, plan: MelPlan) -> Float32Array:
    """Return levels in dB of power spectra, shape=(n, n_bins) → (n, n_mels), of ``power=2``."""
    levels = np.zeros((len(powers), plan.mel.n_mels), np.float32)
    for product in plan.products:
        bins = powers[:, product.first_bin : product.last_bin]
        # Each weight stands twice there: for a bin's real and its imaginary part.
        levels[:, product.first_band : product.last_band] = bins @ product.weights[::2]
    return decibels(levels, plan.mel)


def decibels(levels: Float32Array, mel: MelSettings) -> Float32Array:
    """Return mel magnitudes of the given power in dB, in place."""
    np.maximum(levels, np.float32(mel.amin ** (mel.power / 2.0)), out=levels)
    np.log10(levels, out=levels)
    return np.multiply(levels, np.float32(20.0 / mel.power), out=levels)
