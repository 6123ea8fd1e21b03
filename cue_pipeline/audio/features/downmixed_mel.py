"""Kind ``mel``, for what is composed: ``downmix.mel``. Of the sound as it is, mel has its own pass.

The numbers are those of :mod:`cue_pipeline.audio.mel`, in the ``default`` profile.
"""

import math

from cue_pipeline.audio.features.kind import (
    FeatureKind,
    FeatureStream,
    Frames,
    FrameShape,
    Grid,
    Samples,
)
from cue_pipeline.audio.mel import MelStream
from cue_pipeline.settings import MelSettings


def _settings(grid: Grid) -> MelSettings:
    return MelSettings(
        sr=grid.sample_rate, n_fft=grid.n_fft, hop_length=grid.hop_length, n_mels=grid.n_mels
    )


def _shape(grid: Grid) -> FrameShape:
    mel = _settings(grid)
    floor = 10.0 * math.log10(mel.amin)
    return FrameShape(mel.n_mels, mel.sr, mel.hop_length, mel.model_dump(), silence=floor)


class ComposedMel(FeatureStream):
    """The log-mel spectrogram of one signal, shape=(n_frames, n_mels), dB re full scale."""

    def __init__(self, grid: Grid, _: tuple[str, ...]) -> None:
        self._stream = MelStream(_settings(grid), compiled=grid.compiled)

    def feed(self, block: Samples) -> "list[Frames]":
        """Return the frames that a block completes."""
        return list(self._stream.feed(block))

    def finish(self) -> "list[Frames]":
        """Return the frames at the signal's end."""
        return list(self._stream.finish())


KIND = FeatureKind(
    name="mel",
    about="The log-mel spectrogram, dB re full scale, float16.",
    algorithm=1,
    shape=_shape,
    make=ComposedMel,
    decibels=True,
)
