"""The stereo of a surround sound, before any other kind: ``downmix.KIND``.

A kind that hears the composite then hears Lo and Ro, and has a feature of each; a kind that hears
channels hears the two as left and right.

By which gains, :mod:`cue_pipeline.audio.stereo_gains` says; a channel that has none is left out of
it, and the feature's row says so.
"""

from collections.abc import Sequence
from dataclasses import replace

from cue_pipeline.audio.features.kind import FeatureKind
from cue_pipeline.audio.stereo_gains import GAINS, GAINS_VERSION, stereo_gains

PREFIX = "downmix."
_UNCOUNTED = 1  # version of the gains by which a downmix has its kind's own number
LO, RO, BOTH = "Lo", "Ro", "LoRo"
MID_SIDE = "(M + S)/√2, (M − S)/√2"


def downmix_warnings(labels: Sequence[str]) -> list[str]:
    """Return what a person should know of the downmix of some channels."""
    found = [
        f"channel {label} has no place in a stereo downmix, and is left out of it."
        for label in labels
        if label not in GAINS
    ]
    if not stereo_gains(labels).any():
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
        algorithm=kind.algorithm + GAINS_VERSION - _UNCOUNTED,
        about=f"Of the stereo downmix by ITU-R BS.775 (channels `Lo`, `Ro`): {kind.about}",
        downmix=True,
        upstream=downmixed(kind.upstream) if kind.upstream else None,
    )
