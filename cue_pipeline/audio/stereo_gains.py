"""The stereo of any layout: what each channel adds to left and right.

Conventions
-----------
The standard knows three front and two surround channels, or one: the centre and each surround at
-3 dB; one surround channel at -6 dB into both. The LFE is left out. The standard ends there: side,
rear and height channels are taken as surrounds of their side here, wide and inner front ones as of
their side in full, middle heights as one surround, and one channel alone at -3 dB into both. Mid
and side are turned into left and right with their power kept, (M + S)/√2 and (M - S)/√2, so that a
mid alone is as loud as one channel; Lt and Rt are a stereo already.

References
----------
ITU-R BS.775-4, annex 4, table 2: downward mixing to 2/0.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

GAINS_VERSION: Final = 2
"""Raised when a gain changes: features and packs that were made by others are then stale."""

_3_DB, _6_DB = 0.5**0.5, 0.5
_CENTRE: Final = (_3_DB, _3_DB)
_LFES: Final = frozenset({"LFE", "LFE2"})
_FRONT: Final = ("L", "Lc", "Lw", "Lt")
_SIDE: Final = ("Ls", "Lss", "Lsr", "Ltf", "Ltm", "Ltr")
_INTO_BOTH: Final = {
    "M": _3_DB, "C": _3_DB, "S": _6_DB, "Cs": _6_DB, "Tc": _6_DB, "Ctf": _6_DB, "Ctr": _6_DB,
    **dict.fromkeys(_LFES, 0.0), "Mid": _3_DB,
}  # fmt: skip
GAINS: Final[dict[str, tuple[float, float]]] = {
    **dict.fromkeys(_FRONT, (1.0, 0.0)),
    **{"R" + label[1:]: (0.0, 1.0) for label in _FRONT},
    **dict.fromkeys(_SIDE, (_3_DB, 0.0)),
    **{"R" + label[1:]: (0.0, _3_DB) for label in _SIDE},
    **{label: (gain, gain) for label, gain in _INTO_BOTH.items()},
    "Side": (_3_DB, -_3_DB),
}
"""Label → gains into left and right."""


def stereo_gains(labels: Sequence[str], *, audible: bool = False) -> npt.NDArray[np.float32]:
    """Return the gains of channels into left and right, shape=(2, n_channels).

    Parameters
    ----------
    labels : sequence of str
        As :mod:`.layouts` spells them.
    audible : bool
        Whether every sound is to be heard, as by ear and in training: then a sound of one channel
        in the middle, or of nothing but LFE, goes into both in full, as players play mono; and a
        channel without a place, such as a numbered one, counts as centre. Otherwise, as for
        features, where a row can say what is left out, it has gains of 0.
    """
    if audible and _is_lone(labels):
        return np.ones((2, len(labels)), np.float32)
    of_others = _CENTRE if audible else (0.0, 0.0)
    gains = [GAINS.get(label, of_others) for label in labels]
    return np.array(gains, np.float32).reshape(len(labels), 2).T


def _is_lone(labels: Sequence[str]) -> bool:
    """Tell whether there is one channel of no side only, or nothing but LFE."""
    left, right = GAINS.get(labels[0], _CENTRE)
    return _LFES.issuperset(labels) or (len(set(labels)) == 1 and left == right)
