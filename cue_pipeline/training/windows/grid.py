"""The frames that all fields of a window share: those of one mel profile."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

PITCHES = 128
MOST_FRAMES = 2**31 // PITCHES
"""Frames whose cells, ``frame * 128 + pitch``, are 32-bit integers: 49 hours at 94 a second."""


@dataclass(frozen=True)
class Grid:
    """Frames of a sound.

    Attributes
    ----------
    sample_rate, hop_length : int
        Frame ``t`` is centred on sample ``t * hop_length + centre``.
    centre : int
        Sample on which frame 0 is centred.
    n_mels : int
        Bands of a frame.
    dtype : str
        Of the stored mel, ``float16``.
    silence_db : float
        What the mel has where there is no power; it stands for what lies beyond a sound's ends.
    """

    sample_rate: int
    hop_length: int
    centre: int
    n_mels: int
    dtype: str = "float16"
    silence_db: float = -100.0

    @property
    def frames_per_second(self) -> float:
        """How many frames a second has."""
        return self.sample_rate / self.hop_length

    def frame_at(self, seconds: ArrayLike) -> NDArray[np.int64]:
        """Return the frames whose centres are nearest to moments, of two the later one.

        Moments far beyond any sound, before or after, are the last that count.
        """
        at = (np.asarray(seconds, np.float64) * self.sample_rate - self.centre) / self.hop_length
        return np.clip(np.floor(at + 0.5), -MOST_FRAMES, MOST_FRAMES - 1).astype(np.int64)

    def seconds_of(self, frames: ArrayLike) -> NDArray[np.float64]:
        """Return the moments on which frames are centred."""
        return (np.asarray(frames) * self.hop_length + self.centre) / self.sample_rate

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values; ``Grid(**values)`` is the way back."""
        return asdict(self)
