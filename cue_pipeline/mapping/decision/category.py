"""One category for a group and for the tracks in it.

A group's own name, its tracks' names and programs, and the model each say a category with a
confidence. Each opinion counts as its log-odds against 'something else', so one sure voice
outweighs several weak ones; a person's word outweighs all.
"""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_SUREST: Final = 0.98
# Opinions of one kind are not independent: five tracks with a typo in common are one mistake.
_REPEATED: Final = 0.5
# The odds of a category that nothing speaks for.
_PRIOR: Final = 0.1


@dataclass(frozen=True, slots=True)
class Opinion:
    """One voice on a category.

    Attributes
    ----------
    category : str
    confidence : float
        0…1.
    of : str
        Who says so: ``group``, ``track``, ``model``, ``person``.
    """

    category: str
    confidence: float
    of: str


def settle_category(opinions: Iterable[Opinion]) -> tuple[str | None, float | None]:
    """Return the category that the opinions make likeliest, and its confidence.

    Returns
    -------
    category, confidence : str or None, float or None
        None, None where nobody says anything: never a default.
    """
    by_category: defaultdict[str, float] = defaultdict(float)
    voiced: dict[tuple[str, str], float] = {}
    for opinion in sorted(opinions, key=lambda o: -o.confidence):
        if opinion.of == "person":
            return opinion.category, 1.0
        confidence = min(opinion.confidence, _SUREST)
        weight = math.log1p(confidence / (1 - confidence) / _PRIOR)
        key = (opinion.category, opinion.of)
        factor = voiced.get(key, 1.0)
        voiced[key] = factor * _REPEATED * (1.0 if factor == 1.0 else 0.2)
        by_category[opinion.category] += factor * weight
    if not by_category:
        return None, None
    best = max(by_category, key=lambda c: by_category[c])
    likelihoods = {c: math.exp(w) * _PRIOR for c, w in by_category.items()}
    return best, likelihoods[best] / (1 + sum(likelihoods.values()))
