"""Kind ``wave``: the samples themselves, for training without the library's disk.

16-bit samples of the mono composite at ``CUE_WAVE_SAMPLE_RATE``, resampled by soxr (HQ); divide by
32,768 for full scale = 1.0. What is beyond full scale is clipped, and counted in the summary.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from cue_pipeline.audio.features.kind import (
    FeatureKind,
    FeatureStream,
    Frames,
    FrameShape,
    Grid,
    Samples,
)
from cue_pipeline.audio.resampling import RESAMPLER, RateConverter

FULL_SCALE = 32_768.0


class Wave(FeatureStream):
    """Samples of one signal, shape=(n_samples, 1), int16."""

    def __init__(self, grid: Grid, _: tuple[str, ...]) -> None:
        self._converter = RateConverter(grid.sample_rate, grid.wave_rate)
        self._clipped = 0

    def feed(self, block: Samples) -> Iterator[Frames]:
        """Yield the samples that a block gives."""
        yield self._packed(self._converter.feed(block[None])[0])

    def finish(self) -> Iterator[Frames]:
        """Yield those that the resampler still holds."""
        yield self._packed(self._converter.finish()[0])

    def summary(self) -> Mapping[str, Any]:
        """Return how many samples were clipped."""
        return {"clipped_samples": self._clipped}

    def _packed(self, samples: Samples) -> Frames:
        whole = np.rint(samples * np.float32(FULL_SCALE))
        fits = np.clip(whole, -FULL_SCALE, FULL_SCALE - 1.0)
        self._clipped += int(np.count_nonzero(fits != whole))
        return np.asarray(fits.astype(np.int16)[:, None])


def _shape(grid: Grid) -> FrameShape:
    same = grid.wave_rate == grid.sample_rate
    params = {"full_scale": FULL_SCALE, "resampler": None if same else RESAMPLER}
    return FrameShape(1, grid.wave_rate, 1, params)


KIND = FeatureKind(
    name="wave",
    about="Samples of the mono composite at `CUE_WAVE_SAMPLE_RATE`, int16, full scale 32,768.",
    algorithm=1,
    shape=_shape,
    make=Wave,
    dtype="int16",
)
