"""Orders of interleaved channels that a file's name spells out: ``MX_LRCLFELsRs``, ``Amb_quad``."""

import re

from cue_pipeline.audio.core_audio import ambisonic_labels, labels_of_b_format
from cue_pipeline.audio.layouts import LAYOUTS, ORDERS_BY_COUNT
from cue_pipeline.audio.spellings import LABELS

_WORD = re.compile(r"[^\W_]+")
_LABELS = sorted({label for row in LAYOUTS.values() for label in row} - {"M"}, key=len)[::-1]
_JOINED = re.compile("|".join(["Lfe", *_LABELS]))


def order_in_name(stem: str, channels: int) -> tuple[str, ...] | None:
    """Return the labels of interleaved channels in the order that a name says, or None.

    Parameters
    ----------
    stem : str
        A file's name without suffix.
    channels : int
        Three or more.

    Examples
    --------
    >>> order_in_name("1m02 MX_LRCLFELsRs", 6)
    ('L', 'R', 'C', 'LFE', 'Ls', 'Rs')
    >>> order_in_name("MX (L-C-R-Ls-Rs-LFE) v2", 6)
    ('L', 'C', 'R', 'Ls', 'Rs', 'LFE')
    """
    words = _WORD.findall(stem)
    for word in words:
        found = _decomposed(word, channels) or _called(word.lower(), channels)
        if found:
            return found
    for first in range(len(words) - channels + 1):
        labels = [LABELS.get(word.lower()) for word in words[first : first + channels]]
        if None not in labels and _make_a_layout(labels):
            return tuple(label for label in labels if label)
    return None


def _decomposed(word: str, channels: int) -> tuple[str, ...] | None:
    """Return the labels of which a word is made, as they are spelt: 'LCRLsRsLFE'."""
    labels = _JOINED.findall(word)
    if len(labels) != channels or "".join(labels) != word:
        return None
    labels = ["LFE" if label == "Lfe" else label for label in labels]
    return tuple(labels) if _make_a_layout(labels) else None


def _make_a_layout(labels: list[str] | list[str | None]) -> bool:
    return any(len(labels) == len(row) and set(labels) == set(row) for row in LAYOUTS.values())


def _called(word: str, channels: int) -> tuple[str, ...] | None:
    """Return the order that a word stands for."""
    if word in {"smpte", "itu"}:
        return ORDERS_BY_COUNT["smpte"].get(channels)
    if word == "quad" and channels == len(LAYOUTS["quad"]):
        return LAYOUTS["quad"]
    if word == "ambix" and channels in {4, 9, 16}:
        return ambisonic_labels(range(channels))
    return labels_of_b_format(channels) if word in {"fuma", "bformat"} else None
