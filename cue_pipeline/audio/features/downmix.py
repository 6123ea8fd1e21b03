"""The stereo of a surround sound, before any other kind: ``downmix.KIND``.

A kind that hears the composite then hears Lo and Ro, and has a feature of each; a kind that hears
channels hears the two as left and right.

References
----------
ITU-R BS.775-3, annex 4, table 2: three front and two surround channels to 2/0: the centre and each
surround at -3 dB; one surround channel at -6 dB into both. The LFE is left out. The standard ends
there: side, rear and height channels are taken as surrounds of their side here, wide and inner
front ones as of their side in full, and one channel alone at -3 dB into both.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from cue_pipeline.audio.features.kind import FeatureKind

PREFIX = "downmix."
LO, RO, BOTH = "Lo", "Ro", "LoRo"
_3_DB, _6_DB = 0.5**0.5, 0.5

_FRONT = ("L", "Lc", "Lw")
_SIDE = ("Ls", "Lss", "Lsr", "Ltf", "Ltm", "Ltr")
_INTO_BOTH = {
    "M": _3_DB, "C": _3_DB, "S": _6_DB, "Cs": _6_DB, "Tc": _6_DB, "Ctf": _6_DB, "Ctr": _6_DB,
    "LFE": 0.0,
}  # fmt: skip
GAINS: dict[str, tuple[float, float]] = {
    **dict.fromkeys(_FRONT, (1.0, 0.0)),
    **{"R" + label[1:]: (0.0, 1.0) for label in _FRONT},
    **dict.fromkeys(_SIDE, (_3_DB, 0.0)),
    **{"R" + label[1:]: (0.0, _3_DB) for label in _SIDE},
    **{label: (gain, gain) for label, gain in _INTO_BOTH.items()},
}
"""Label → gains into Lo and Ro."""


def downmix_matrix(labels: Sequence[str]) -> tuple[npt.NDArray[np.float32], list[str]]:
    """Return the gains of channels into Lo and Ro, and the labels that have no place.

    Returns
    -------
    gains : np.ndarray, shape=(2, n_channels)
    without_place : list of str
        They are left out.
    """
    gains = [GAINS.get(label, (0.0, 0.0)) for label in labels]
    without = [label for label in labels if label not in GAINS]
    return np.array(gains, np.float32).T.reshape(2, len(labels)), without


def downmixed(kind: FeatureKind) -> FeatureKind:
    """Return a kind that hears the downmix."""
    return replace(
        kind,
        name=PREFIX + kind.name,
        about=f"Of the stereo downmix by ITU-R BS.775 (channels `Lo`, `Ro`): {kind.about}",
        downmix=True,
    )
