"""Kind ``embedding``: one vector a second by a neural encoder of sound, to search by.

The encoder is an ONNX file of yours (``CUE_EMBEDDING_MODEL``). Frame j is what it gives of the
window centred on second j, silence beyond both ends; where it gives a sequence, the mean of that.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import numpy as np

from cue_pipeline.audio.features.framing import CentredFrames
from cue_pipeline.audio.features.kind import (
    FeatureKind,
    FeatureStream,
    Frames,
    FrameShape,
    Grid,
    Samples,
)
from cue_pipeline.audio.features.onnx_model import OnnxModel, open_model
from cue_pipeline.audio.resampling import RateConverter
from cue_pipeline.errors import SettingsError

SETTING = "CUE_EMBEDDING_MODEL"
_OUTPUTS = ("embeddings", "embedding", "audio_embeds", "pooler_output", "last_hidden_state")
_AT_ONCE = 8  # windows


def _model(grid: Grid) -> OnnxModel:
    return open_model(grid.embedding_model, SETTING, "embedding")


def _window(model: OnnxModel) -> int:
    """Return the samples of a window: what the model takes, else a second."""
    return model.window or model.sample_rate // 2 * 2


def embed(model: OnnxModel, windows: Samples) -> Frames:
    """Return a vector for each window, shape=(n, samples) → (n, dimensions)."""
    found = model.run(windows, _OUTPUTS, "float")
    if found.ndim == 3:
        found = found.mean(axis=1)
    if found.ndim != 2 or len(found) != len(windows):
        raise SettingsError(
            f"{SETTING}={str(model.path)!r} gave {found.shape} of {len(windows)} windows; "
            "(windows, dimensions) or (windows, steps, dimensions) is needed."
        )
    return np.asarray(found, np.float32)


@cache
def _dimensions(model: OnnxModel) -> int:
    return int(embed(model, np.zeros((1, _window(model)), np.float32)).shape[1])


class Embedding(FeatureStream):
    """Vectors of one signal, shape=(1 + seconds, dimensions)."""

    def __init__(self, grid: Grid, _: tuple[str, ...]) -> None:
        self._model = _model(grid)
        self._converter = RateConverter(grid.sample_rate, self._model.sample_rate)
        self._frames = CentredFrames(_window(self._model), self._model.sample_rate)

    def feed(self, block: Samples) -> Iterator[Frames]:
        """Yield the vectors of the windows that a block completes."""
        yield from self._vectors(self._frames.feed(self._converter.feed(block[None])[0]))

    def finish(self) -> Iterator[Frames]:
        """Yield those of the windows that reach into the silence at the end."""
        yield from self._vectors(self._frames.feed(self._converter.finish()[0]))
        yield from self._vectors(self._frames.finish())

    def summary(self) -> Mapping[str, Any]:
        """Return what computed it."""
        return {"provider": self._model.provider}

    def _vectors(self, parts: Iterator[Samples]) -> Iterator[Frames]:
        for framed in parts:
            for first in range(0, len(framed), _AT_ONCE):
                yield embed(self._model, framed[first : first + _AT_ONCE])


def _shape(grid: Grid) -> FrameShape:
    model = _model(grid)
    params = {**model.params(), "window": _window(model), "pooling": "mean over steps"}
    return FrameShape(_dimensions(model), model.sample_rate, model.sample_rate, params)


KIND = FeatureKind(
    name="embedding",
    about="One vector a second of the mono composite by the encoder that `CUE_EMBEDDING_MODEL` "
    "names, float32.",
    algorithm=1,
    shape=_shape,
    make=Embedding,
    dtype="float32",
    cost="slow",
)
