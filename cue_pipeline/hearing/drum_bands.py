"""Where in the spectrum the pieces of a drum kit sound: kick low, snare in the middle, hats high.

A drum has no pitch, but a hi-hat has nothing below a few hundred hertz, and of a kick little is
left above a few thousand. Within these limits a piece is taken to sound in all bands alike: how it
is tuned, played and recorded, the regression learns from the stem.

The keys are those of General MIDI's percussion map. A key that it does not name sounds in all
bands.
"""

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

_KICK = (0.0, 6_000.0)
_SNARE = (100.0, np.inf)
_TOM = (40.0, 8_000.0)
_HAT = (1_000.0, np.inf)
_CYMBAL = (300.0, np.inf)
_RANGES: dict[int, tuple[float, float]] = {
    35: _KICK, 36: _KICK,
    37: _SNARE, 38: _SNARE, 39: _SNARE, 40: _SNARE,
    41: _TOM, 43: _TOM, 45: _TOM, 47: _TOM, 48: _TOM, 50: _TOM,
    42: _HAT, 44: _HAT, 46: _HAT, 54: _HAT, 69: _HAT, 70: _HAT, 80: _HAT, 81: _HAT, 82: _HAT,
    49: _CYMBAL, 51: _CYMBAL, 52: _CYMBAL, 53: _CYMBAL, 55: _CYMBAL, 57: _CYMBAL, 59: _CYMBAL,
}  # fmt: skip
"""Key → lowest and highest frequency in Hz at which it is heard beside other music."""


def drum_to_bands(edges: Float64) -> Float32:
    """Return how much level each drum puts into each band.

    Parameters
    ----------
    edges : np.ndarray, shape=(n_bands, 2)
        Where each band begins and ends, Hz.

    Returns
    -------
    np.ndarray, shape=(128, n_bands)
        1 within a piece's range and 0 outside.
    """
    out = np.ones((128, len(edges)), np.float32)
    for key, (low, high) in _RANGES.items():
        out[key] = (edges[:, 1] > low) & (edges[:, 0] < high)
    return out
