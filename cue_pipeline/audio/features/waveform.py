"""Kind ``wave``: the samples themselves, for training without the library's disk.

16-bit samples of the mono composite at ``CUE_WAVE_SAMPLE_RATE``, resampled by soxr (HQ); divide by
32,768 for full scale = 1.0. What is beyond full scale is clipped, counted in the summary, and
warned of where it is more than what rounding makes.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
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
        self._beyond, self._highest = 0, FULL_SCALE

    def feed(self, block: Samples) -> Iterator[Frames]:
        """Yield the samples that a block gives."""
        yield self._packed(self._converter.feed(block[None])[0])

    def finish(self) -> Iterator[Frames]:
        """Yield those that the resampler still holds."""
        yield self._packed(self._converter.finish()[0])

    def summary(self) -> Mapping[str, Any]:
        """Return how many samples were clipped."""
        return {"clipped_samples": self._clipped}

    def warnings(self) -> Sequence[str]:
        """Return that samples lie beyond full scale, and how far."""
        if not self._beyond:
            return ()
        above = 20.0 * math.log10(self._highest / FULL_SCALE)
        return (
            f"{self._beyond:,} samples lie beyond full scale, up to {above:+.2f} dB, and are "
            "clipped in its samples of 16 bits.",
        )

    def _packed(self, samples: Samples) -> Frames:
        whole = np.rint(samples * np.float32(FULL_SCALE))
        fits = np.clip(whole, -FULL_SCALE, FULL_SCALE - 1.0)
        clipped = np.abs(whole[fits != whole])
        self._clipped += clipped.size
        self._beyond += int(np.count_nonzero(clipped > FULL_SCALE))
        self._highest = max(self._highest, float(clipped.max(initial=0.0)))
        return np.asarray(fits.astype(np.int16)[:, None])


def _shape(grid: Grid) -> FrameShape:
    same = grid.wave_rate == grid.sample_rate
    params = {"full_scale": FULL_SCALE, "resampler": None if same else RESAMPLER}
    return FrameShape(1, grid.wave_rate, 1, params)


KIND = FeatureKind(
    name="wave",
    about="Samples of the mono composite at `CUE_WAVE_SAMPLE_RATE`, int16, full scale 32,768.",
    algorithm=2,
    shape=_shape,
    make=Wave,
    dtype="int16",
    no_vector="its frames are samples",
)
