"""One category for a group and for the tracks in it.

A group's own name, its tracks' names and programs, and the model each say a category with a
confidence. Each opinion counts as its log-odds against 'something else', so one sure voice
outweighs several weak ones; a person's word outweighs all.
"""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cue_pipeline.mapping.decision.known import Cue
from cue_pipeline.mapping.decision.verdict import NONE
from cue_pipeline.mapping.names.parsing import NameCategory, categorise
from cue_pipeline.mapping.tracks import is_missing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SUREST: Final = 0.98
# Opinions of one kind are not independent: five tracks with a typo in common are one mistake.
_REPEATED: Final = 0.5
# The odds of a category that nothing speaks for.
_PRIOR: Final = 0.1
_MODEL_CONFIDENCE: Final = 0.8


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


def named_categories(cue: Cue) -> list[NameCategory]:
    """Return what each track's name, program and channel say that it is."""
    return [
        categorise(
            name,
            program=None if is_missing(program) else int(program),
            is_drum=bool(drum),
            session=cue.session,
        )
        for name, program, drum in zip(
            cue.bare_track_names, cue.tracks["program"], cue.tracks["is_drum"], strict=True
        )
    ]


def group_category(
    cue: Cue, group: int, chosen: "NDArray[np.intp]", named: list[NameCategory]
) -> tuple[str | None, float | None]:
    """Return the category of a group and its confidence, by its name, its tracks and the model.

    Parameters
    ----------
    cue : Cue
    group : int
        Its position.
    chosen : np.ndarray, shape=(n_tracks,)
        The group of each track.
    named : list of NameCategory
        From :func:`named_categories`.
    """
    opinions = []
    own = categorise(cue.bare_group_names[group], session=cue.session)
    if own.category is not None:
        opinions.append(Opinion(own.category, own.confidence, "group"))
    if cue.answer is not None and (said := cue.answer.group_categories.get(group)) is not None:
        opinions.append(Opinion(said, _MODEL_CONFIDENCE, "model"))
    for i in range(len(cue.track_names)):
        if chosen[i] == group:
            opinions.extend(_track_opinions(cue, i, named[i]))
    return settle_category(opinions)


def _track_opinions(cue: Cue, track: int, named: NameCategory) -> list[Opinion]:
    opinions = []
    override = cue.overrides.get(track)
    if override is not None and override.category is not None:
        opinions.append(Opinion(override.category, 1.0, "person"))
    if named.category is not None:
        opinions.append(Opinion(named.category, named.confidence, "track"))
    answer = cue.answer.tracks.get(track) if cue.answer is not None else None
    if answer is not None and answer.category is not None:
        opinions.append(Opinion(answer.category, _MODEL_CONFIDENCE, "model"))
    return opinions


def _shared_category(
    of_group: tuple[str | None, float | None], named: NameCategory
) -> tuple[str | None, float | None]:
    """Return the group's category, believed less for a track that is something else by itself.

    A piano in the clarinet's stem shares its category, for there is one for both, but not surely.
    """
    category, confidence = of_group
    # Nobody but a person is wholly sure.
    if confidence is None or confidence == 1.0 or named.category in (None, category):
        return of_group
    return category, confidence * (1 - named.confidence)


def track_category(
    cue: Cue,
    track: int,
    chosen: int,
    categories: list[tuple[str | None, float | None]],
    named: NameCategory,
) -> tuple[str | None, float | None]:
    """Return the category of a track and its confidence: its group's, or its own without one.

    ``categories`` are the groups', ``named`` is what the track's own name and program say.
    """
    if chosen != NONE:
        return _shared_category(categories[chosen], named)
    override = cue.overrides.get(track)
    if cue.n_notes[track] == 0 and (override is None or override.category is None):
        return None, None  # nothing is played, so it is no instrument
    return settle_category(_track_opinions(cue, track, named))
