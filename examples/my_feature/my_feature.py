"""A feature of one's own: how often the signal crosses zero in each 100 ms.

`pip install examples/my_feature`, then `CUE_FEATURES=mel,zero_crossings`: its asset is in the UI.
"""

import numpy as np

from cue_pipeline.audio.features.kind import FeatureKind, FeatureStream, FrameShape


class ZeroCrossings(FeatureStream):
    def __init__(self, grid, labels):
        self.step = grid.sample_rate // 10
        self.held = np.zeros(0, np.float32)

    def feed(self, block):
        self.held = np.concatenate((self.held, block))
        count = len(self.held) // self.step
        steps = self.held[: count * self.step].reshape(count, self.step)
        self.held = self.held[count * self.step :]
        yield (np.diff(np.signbit(steps), axis=1)).sum(axis=1, keepdims=True).astype(np.float32)


KIND = FeatureKind(
    name="zero_crossings",
    about="How often the mono composite crosses zero, ten times a second.",
    algorithm=1,
    shape=lambda grid: FrameShape(1, grid.sample_rate, grid.sample_rate // 10, {"step": 0.1}),
    make=ZeroCrossings,
    dtype="float32",
)
