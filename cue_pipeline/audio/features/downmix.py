"""The stereo of a surround sound, before any other kind: ``downmix.KIND``.

A kind that hears the composite then hears Lo and Ro, and has a feature of each; a kind that hears
channels hears the two as left and right.

References
----------
ITU-R BS.775-3, annex 4, table 2: three front and two surround channels to 2/0: the centre and each
surround at -3 dB; one surround channel at -6 dB into both. The LFE is left out. The standard ends
there: side, rear and height channels are taken as surrounds of their side here, wide and inner
front ones as of their side in full, and one channel alone at -3 dB into both. Mid and side are
turned into left and right with their power kept, (M + S)/√2 and (M - S)/√2, so that a mid alone is
as loud as one channel; Lt and Rt are a stereo already.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from cue_pipeline.audio.features.kind import FeatureKind

PREFIX = "downmix."
_ALGORITHM = 1  # raised when gains change
LO, RO, BOTH = "Lo", "Ro", "LoRo"
_3_DB, _6_DB = 0.5**0.5, 0.5

MID_SIDE = "(M + S)/√2, (M − S)/√2"

_FRONT = ("L", "Lc", "Lw", "Lt")
_SIDE = ("Ls", "Lss", "Lsr", "Ltf", "Ltm", "Ltr")
_INTO_BOTH = {
    "M": _3_DB, "C": _3_DB, "S": _6_DB, "Cs": _6_DB, "Tc": _6_DB, "Ctf": _6_DB, "Ctr": _6_DB,
    "LFE": 0.0, "LFE2": 0.0, "Mid": _3_DB,
}  # fmt: skip
GAINS: dict[str, tuple[float, float]] = {
    **dict.fromkeys(_FRONT, (1.0, 0.0)),
    **{"R" + label[1:]: (0.0, 1.0) for label in _FRONT},
    **dict.fromkeys(_SIDE, (_3_DB, 0.0)),
    **{"R" + label[1:]: (0.0, _3_DB) for label in _SIDE},
    **{label: (gain, gain) for label, gain in _INTO_BOTH.items()},
    "Side": (_3_DB, -_3_DB),
}
"""Label → gains into Lo and Ro."""


def downmix_matrix(labels: Sequence[str]) -> npt.NDArray[np.float32]:
    """Return the gains of channels into Lo and Ro, shape=(2, n_channels); 0 where it has none."""
    gains = [GAINS.get(label, (0.0, 0.0)) for label in labels]
    return np.array(gains, np.float32).T.reshape(2, len(labels))


def downmix_warnings(labels: Sequence[str]) -> list[str]:
    """Return what a person should know of the downmix of some channels."""
    found = [
        f"channel {label} has no place in a stereo downmix, and is left out of it."
        for label in labels
        if label not in GAINS
    ]
    if not downmix_matrix(labels).any():
        found.append(
            f"no channel of {', '.join(labels)} has a place in a stereo downmix: it is silent."
        )
    if "Side" in labels:
        found.append(
            f"its downmix is made of mid and side, {MID_SIDE}: how wide it was in the mix is not "
            "known."
        )
    return found


def downmixed(kind: FeatureKind) -> FeatureKind:
    """Return a kind that hears the downmix."""
    return replace(
        kind,
        name=PREFIX + kind.name,
        algorithm=kind.algorithm + _ALGORITHM,
        about=f"Of the stereo downmix by ITU-R BS.775 (channels `Lo`, `Ro`): {kind.about}",
        downmix=True,
    )
