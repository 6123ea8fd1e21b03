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
from cue_pipeline.audio.features.onset_strength import OnsetStrength

WIN_LENGTH = 384
_AT_ONCE = 512  # frames


class Tempogram(FeatureStream):
    """Autocorrelation of the onset envelope, shape=(n_frames, 384): column k is lag k."""

    def __init__(self, grid: Grid, labels: tuple[str, ...]) -> None:
        self._onsets = OnsetStrength(grid, labels)

    def feed(self, block: Samples) -> Iterator[Frames]:
        """Keep what the onsets need; nothing is complete before the end."""
        yield from self._onsets.feed(block)

    def finish(self) -> Iterator[Frames]:
        """Yield all frames."""
        import librosa
        import scipy.signal

        envelope = np.concatenate([*self._onsets.finish(), np.empty((0, 1), np.float32)])[:, 0]
        if not envelope.size:
            return
        padded = np.pad(envelope, WIN_LENGTH // 2, mode="linear_ramp", end_values=0)
        framed = np.lib.stride_tricks.sliding_window_view(padded, WIN_LENGTH)[: envelope.size]
        window = scipy.signal.get_window("hann", WIN_LENGTH)
        for first in range(0, len(framed), _AT_ONCE):
            windowed = framed[first : first + _AT_ONCE] * window
            strength = librosa.autocorrelate(windowed, axis=1)
            yield librosa.util.normalize(strength, norm=np.inf, axis=1).astype(np.float32)


KIND = FeatureKind(
    name="tempogram",
    about="384 lags a frame, column k of k frames, the largest 1: librosa's `tempogram` of the "
    "onset strength of the mono composite, float16.",
    algorithm=1,
    shape=on_grid(WIN_LENGTH, win_length=WIN_LENGTH, window="hann (periodic)", norm="max"),
    make=Tempogram,
)
