"""Kind ``onset_strength``: how much louder each moment is than the one before, over all bands.

``librosa.onset.onset_strength(y=y, sr=sr, n_fft=n_fft, hop_length=hop_length)``: the mean, over 128
mel bands, of the rise of their levels since the last frame. Levels are held to 80 dB below the
loudest of the whole signal, which is known at its end only: until then they wait on disk.

References
----------
Böck, S. and Widmer, G. *Maximum filter vibrato suppression for onset detection*. DAFx 2013: the
spectral flux, here as librosa has it by default, without the filter.
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
from cue_pipeline.audio.mel import levels_of_powers
from cue_pipeline.audio.mel_filters import mel_plan
from cue_pipeline.audio.spool import Spool
from cue_pipeline.settings import MelSettings

N_MELS = 128
TOP_DB = 80.0


class OnsetStrength(FeatureStream):
    """The onset envelope of one signal, shape=(n_frames, 1), dB."""

    def __init__(self, grid: Grid, _: tuple[str, ...]) -> None:
        self._plan = mel_plan(
            MelSettings(
                sr=grid.sample_rate, n_fft=grid.n_fft, hop_length=grid.hop_length, n_mels=N_MELS
            )
        )
        self._late = 1 + grid.n_fft // (2 * grid.hop_length)  # frames that librosa shifts it by
        self._spool = Spool()
        self._parts: list[tuple[int, int]] = []
        self._loudest = float("-inf")
        self._n_frames = 0

    def feed(self, block: Samples) -> Iterator[Frames]:
        """Keep the levels of some power spectra; nothing is complete before the end."""
        self._keep(levels_of_powers(block, self._plan))
        yield from ()

    def finish(self) -> Iterator[Frames]:
        """Yield all frames."""
        yield np.zeros((min(self._late, self._n_frames), 1), np.float32)
        left = self._n_frames - self._late
        floor = np.float32(self._loudest - TOP_DB)
        before: Frames | None = None
        for offset, count in self._parts:
            data = np.frombuffer(self._spool.read(offset, count * N_MELS * 4), np.float32)
            levels = np.maximum(data.reshape(count, N_MELS), floor)
            joined = levels if before is None else np.concatenate((before, levels))
            before = levels[-1:]
            rise = np.maximum(np.diff(joined, axis=0), 0.0).mean(axis=1, keepdims=True)
            if left > 0:
                yield rise[:left]
            left -= len(rise)

    def _keep(self, levels: Frames) -> None:
        if len(levels):
            self._loudest = max(self._loudest, float(levels.max()))
            self._n_frames += len(levels)
            whole = np.ascontiguousarray(levels, np.float32)
            self._parts.append((self._spool.write(whole.tobytes()), len(levels)))


KIND = FeatureKind(
    name="onset_strength",
    about="One value a frame: the mean rise of 128 mel bands since the last frame, dB, as "
    "librosa's `onset_strength`, of the mono composite. float32.",
    algorithm=1,
    shape=on_grid(1, n_mels=N_MELS, top_db=TOP_DB, lag=1, max_size=1, aggregate="mean"),
    make=OnsetStrength,
    hears="spectra",
    dtype="float32",
    no_vector="its frames are single numbers",
)
