"""Kind ``codec``: the tokens of a neural codec, for models that speak in them.

The codec's encoder is an ONNX file of yours (``CUE_CODEC_MODEL``): EnCodec, DAC or another that
gives codebooks of whole numbers for steps of equal length. A signal goes through it in pieces that
overlap by ``MARGIN_SECONDS`` on both sides, and only tokens within that margin are kept: a border
leaves no seam unless the codec hears further than that.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

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

SETTING = "CUE_CODEC_MODEL"
MARGIN_SECONDS = 1.0
_KEPT_SECONDS = 4.0
_OUTPUTS = ("audio_codes", "codes")
_PROBED = 40_960  # samples: of 320 and of 512 a step, a whole number


class _Steps(NamedTuple):
    """How a codec divides time: samples of a step, steps kept of a piece, and of each margin."""

    hop: int
    kept: int
    margin: int
    n_codebooks: int

    @property
    def piece(self) -> int:
        """Samples of a piece."""
        return (self.kept + 2 * self.margin) * self.hop


def _model(grid: Grid) -> OnnxModel:
    return open_model(grid.codec_model, SETTING, "codec")


def encode(model: OnnxModel, pieces: Samples) -> npt.NDArray[np.int64]:
    """Return the tokens of pieces of equal length, shape=(n, samples) → (n, steps, codebooks)."""
    found = model.run(pieces, _OUTPUTS, "int")
    if found.ndim == 4:  # EnCodec's: a frame of all, and that once
        found = found[0]
    if found.ndim == 2:
        found = found[:, None]
    if found.ndim != 3 or len(found) != len(pieces):
        raise SettingsError(
            f"{SETTING}={str(model.path)!r} gave {found.shape} of {len(pieces)} pieces; (pieces, "
            "codebooks, steps) is needed."
        )
    return found.transpose(0, 2, 1)


@cache
def _steps(model: OnnxModel) -> _Steps:
    """Find how a codec divides time by what it gives of silence."""
    lengths = [model.window] if model.window else [_PROBED, 2 * _PROBED]
    counts, books = zip(*(_of_silence(model, n) for n in lengths), strict=True)
    # Two lengths, since a codec may round the steps of one up.
    steps, samples = counts[-1], lengths[-1]
    if len(lengths) > 1:
        steps, samples = counts[1] - counts[0], lengths[1] - lengths[0]
    if steps < 1 or samples % steps:
        raise SettingsError(
            f"{SETTING}={str(model.path)!r} gives {steps} steps of {samples} samples: steps of a "
            "whole number of samples are needed."
        )
    hop = samples // steps
    if model.window:
        margin = min((steps + 2) // 4, (steps - 1) // 2)
        return _Steps(hop, steps - 2 * margin, margin, books[0])
    margin, kept = (round(s * model.sample_rate / hop) for s in (MARGIN_SECONDS, _KEPT_SECONDS))
    return _Steps(hop, kept // 2 * 2, margin, books[0])


def _of_silence(model: OnnxModel, n: int) -> tuple[int, int]:
    """Return how many steps and codebooks there are of ``n`` samples."""
    _, steps, n_codebooks = encode(model, np.zeros((1, n), np.float32)).shape
    return steps, n_codebooks


class Codec(FeatureStream):
    """Tokens of one signal, shape=(n_steps, n_codebooks), int16."""

    def __init__(self, grid: Grid, _: tuple[str, ...]) -> None:
        self._model = _model(grid)
        self._steps = _steps(self._model)
        self._converter = RateConverter(grid.sample_rate, self._model.sample_rate)
        self._length = self._steps.kept * self._steps.hop
        self._pieces = CentredFrames(self._steps.piece, self._length)
        # The first piece has the first sample in its middle, and at the beginning of a step.
        before = -(-(self._steps.kept + 2 * self._steps.margin) // 2)
        self._lead = np.zeros(before * self._steps.hop - self._steps.piece // 2, np.float32)
        self._skip = before - self._steps.margin
        self._taken = self._given = 0

    def feed(self, block: Samples) -> Iterator[Frames]:
        """Yield the tokens of the pieces that a block completes."""
        yield from self._tokens(self._converter.feed(block[None])[0])

    def finish(self) -> Iterator[Frames]:
        """Yield the rest: a step is begun by its first sample."""
        yield from self._tokens(self._converter.finish()[0])
        left = -(-self._taken // self._steps.hop) - self._given
        silence = np.zeros(self._length + self._steps.piece // 2, np.float32)
        for tokens in self._tokens(silence):
            yield tokens[:left]
            left -= min(left, len(tokens))

    def summary(self) -> Mapping[str, Any]:
        """Return what computed it."""
        return {"provider": self._model.provider}

    def _tokens(self, samples: Samples) -> Iterator[Frames]:
        self._taken += samples.size
        margin = self._steps.margin
        samples, self._lead = np.concatenate((self._lead, samples)), self._lead[:0]
        for pieces in self._pieces.feed(samples):
            tokens = encode(self._model, pieces)
            if tokens.shape[1] != self._steps.kept + 2 * margin or tokens.max() > 0x7FFF:
                raise SettingsError(
                    f"{SETTING}={str(self._model.path)!r} gave {tokens.shape[1]} steps of up to "
                    f"{tokens.max()}; {self._steps.kept + 2 * margin} of at most 32,767 are needed."
                )
            kept = tokens[:, margin : margin + self._steps.kept].reshape(-1, tokens.shape[2])
            kept, self._skip = kept[self._skip :], max(0, self._skip - len(kept))
            self._given += len(kept)
            yield kept.astype(np.int16)


def _shape(grid: Grid) -> FrameShape:
    model = _model(grid)
    steps = _steps(model)
    params = {**model.params(), "kept_steps": steps.kept, "margin_steps": steps.margin}
    return FrameShape(
        steps.n_codebooks, model.sample_rate, steps.hop, params, first_frame_at=steps.hop // 2
    )


KIND = FeatureKind(
    name="codec",
    about="Tokens of the mono composite by the neural codec that `CUE_CODEC_MODEL` names, a column "
    "for each codebook, int16.",
    algorithm=1,
    shape=_shape,
    make=Codec,
    dtype="int16",
    cost="slow",
    no_vector="its columns are numbers of tokens",
)
