"""Kind ``tempogram``: how strongly onsets repeat after each lag, around each moment.

``librosa.feature.tempogram(onset_envelope=librosa.onset.onset_strength(…), sr=sr,
hop_length=hop_length)``: the autocorrelation of 384 frames of the onset envelope about each frame.
The envelope, one number a frame, is held whole: 400 bytes a second.

References
----------
Grosche, P., Müller, M. and Kurth, F. *Cyclic tempogram*. ICASSP 2010.
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
from cue_pipeline.audio.features.onset_strength import KIND as ONSET_STRENGTH

WIN_LENGTH = 384
_AT_ONCE = 512  # frames
_SMALLEST = np.finfo(np.float32).tiny


class Tempogram(FeatureStream):
    """Autocorrelation of the onset envelope, shape=(n_frames, 384): column k is lag k."""

    def __init__(self, _: Grid, __: tuple[str, ...]) -> None:
        self._envelope: list[Frames] = [np.empty((0, 1), np.float32)]

    def feed(self, block: Samples) -> Iterator[Frames]:
        """Keep the onsets; nothing is complete before the end."""
        self._envelope.append(block.copy())
        yield from ()

    def finish(self) -> Iterator[Frames]:
        """Yield all frames."""
        import scipy.fft
        import scipy.signal

        envelope = np.concatenate(self._envelope)[:, 0]
        if not envelope.size:
            return
        padded = np.pad(envelope, WIN_LENGTH // 2, mode="linear_ramp", end_values=0)
        framed = np.lib.stride_tricks.sliding_window_view(padded, WIN_LENGTH)[: envelope.size]
        window = scipy.signal.get_window("hann", WIN_LENGTH).astype(np.float32)
        for first in range(0, len(framed), _AT_ONCE):
            windowed = framed[first : first + _AT_ONCE] * window
            # As long again in zeros: a lag is not to come round to the beginning.
            spectra = scipy.fft.rfft(windowed, 2 * WIN_LENGTH, axis=1, workers=1)
            powers = spectra.real**2 + spectra.imag**2
            strength = scipy.fft.irfft(powers, axis=1, workers=1)[:, :WIN_LENGTH]
            largest = np.abs(strength).max(axis=1, keepdims=True)
            largest[largest < _SMALLEST] = 1.0
            yield strength / largest


KIND = FeatureKind(
    name="tempogram",
    about="384 lags a frame, column k of k frames, the largest 1: librosa's `tempogram` of the "
    "onset strength of the mono composite, float16.",
    algorithm=1,
    shape=on_grid(WIN_LENGTH, win_length=WIN_LENGTH, window="hann (periodic)", norm="max"),
    make=Tempogram,
    upstream=ONSET_STRENGTH,
)
