"""Centred frames of a signal that arrives in blocks, as ``librosa.stft`` frames a whole one."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from cue_pipeline.audio.features.kind import Samples

_AT_ONCE = 1 << 16  # samples of frames: the transforms stay in the core's own cache


class CentredFrames:
    """Frame t is centred on sample ``t · hop_length``; beyond both ends there is silence.

    Parameters
    ----------
    n_fft : int
        Samples of a frame, even.
    hop_length : int
        Samples between frames.
    """

    def __init__(self, n_fft: int, hop_length: int) -> None:
        self._n_fft, self._hop = n_fft, hop_length
        self._held = np.zeros(n_fft // 2, np.float32)
        self._skip = 0

    def feed(self, block: Samples) -> Iterator[npt.NDArray[np.float32]]:
        """Yield the frames that a block completes, shape=(n, n_fft); views, to be read at once."""
        if self._skip:
            left = min(self._skip, block.size)
            self._skip, block = self._skip - left, block[left:]
        self._held = np.concatenate((self._held, block))
        count = 1 + (self._held.size - self._n_fft) // self._hop
        if count < 1:
            return
        # In an octave of the CQT a view of all windows would take longer than their filters.
        size = self._held.itemsize
        framed = np.lib.stride_tricks.as_strided(
            self._held, (count, self._n_fft), (self._hop * size, size), writeable=False
        )
        step = max(1, _AT_ONCE // self._n_fft)
        for first in range(0, count, step):
            yield framed[first : first + step]
        gone = count * self._hop
        self._skip = max(0, gone - self._held.size)
        self._held = self._held[gone:].copy()

    def finish(self) -> Iterator[npt.NDArray[np.float32]]:
        """Yield the frames that reach into the silence at the end."""
        yield from self.feed(np.zeros(self._n_fft // 2, np.float32))
