"""Whether a track's mapping may stand without a person, and why, in words for people."""

import math
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final

from cue_pipeline.mapping.decision.proposals import Proposal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cue_pipeline.mapping.decision.fusion import FusionWeights

    Scores = NDArray[np.float64]

NONE: Final = -1
MOST_CANDIDATES: Final = 3
# From here on a track may stand without a group; below, a person looks.
LEAST_SURE_OF_NONE: Final = 0.7
# An ear that judged the track and found so little has found nothing: the stem may be silent.
_NOTHING_HEARD: Final = 0.1


class RestOfKit(Enum):
    """Where the other pieces of a drum's kit are heard."""

    THERE = auto()
    NOWHERE = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Testimony:
    """What the sources say of one track, over the groups.

    Attributes
    ----------
    track_name : str
    group_names : list of str
    name_fits : np.ndarray, shape=(n_groups,)
    evidence : np.ndarray, shape=(n_groups,), or None
        NaN where sound abstains.
    model : tuple of (int, float) or None
        Group that the model chose (−1: none of them) and its confidence; None: it said nothing.
    chances : np.ndarray, shape=(n_groups + 1,)
        The three together; the last is 'none'.
    chosen : int
        Position of the group; −1: none.
    firmness : float
        How much of the chosen group the track explains by itself; NaN: not known.
    shared_with : str or None
        Another track that is put to the group, too, and explains more of it.
    rest_of_kit : RestOfKit
        Of a drum.
    crowded : bool
        Names leave open whether really all tracks that say a group are in it.
    heard_like : tuple of str
        Tracks with the very same notes: sound does not tell them apart.
    proposed : Proposal or None
        The group was chosen only to be judged by a person, and for this.
    """

    track_name: str
    group_names: list[str]
    name_fits: "Scores"
    evidence: "Scores | None"
    model: tuple[int, float] | None
    chances: "Scores"
    chosen: int
    firmness: float = math.nan
    shared_with: str | None = None
    rest_of_kit: RestOfKit = RestOfKit.UNKNOWN
    crowded: bool = False
    heard_like: tuple[str, ...] = ()
    proposed: Proposal | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """State, method, confidence and reason of one track's mapping."""

    state: str
    method: str | None
    confidence: float
    reason: str


def judge(testimony: Testimony, weights: "FusionWeights") -> Verdict:
    """Return whether the chosen group may stand, what decided it, and why."""
    confidence = float(testimony.chances[testimony.chosen])
    if testimony.chosen == NONE:
        # 'Nothing speaks for any group' is not yet 'it has none'.
        nowhere = confidence >= LEAST_SURE_OF_NONE and not _faintly_heard(testimony)
        return Verdict("unmatched" if nowhere else "review", None, confidence, _why_none(testimony))
    doubts = _doubts(testimony, weights)
    method = _method(testimony, weights)
    own = _at(testimony.evidence, testimony.chosen)
    unsure = testimony.crowded and method == "names" and (own is None or own < weights.sure_sound)
    enough = weights.auto_by_sound if method == "evidence" else weights.auto_confidence
    if method == "evidence":
        doubts += _doubts_of_sound(testimony, weights)
    if not doubts and method == "names" and own is not None and own < _NOTHING_HEARD:
        doubts.append(_unheard(testimony))
    if not doubts and confidence >= enough and unsure:
        doubts.append(
            f"other tracks are named like it, and the sound does not say surely that it is in "
            f"'{testimony.group_names[testimony.chosen]}'"
            + ("" if own is None else f" ({own:.2f})")
        )
    if not doubts and confidence >= enough:
        return Verdict("auto", method, confidence, _why(testimony, method))
    if not doubts:
        doubts = [_small_confidence(testimony, confidence, weights)]
    return Verdict("review", method, confidence, "; ".join(doubts))


def _doubts_of_sound(t: Testimony, weights: "FusionWeights") -> list[str]:
    """Return why sound alone, where names say nothing, does not decide."""
    only, doubts = f"only the sound says '{t.group_names[t.chosen]}', and", []
    if t.firmness < weights.firm_sound and t.rest_of_kit is not RestOfKit.THERE:
        doubts.append(f"{only} the track explains little of what is heard there ({t.firmness:.2f})")
    elif t.shared_with is not None and t.firmness < weights.firm_shared:
        doubts.append(f"{only} there '{t.shared_with}' explains more of it: it may but double it")
    if t.heard_like:
        others = ", ".join(f"'{name}'" for name in t.heard_like)
        doubts.append(f"{only} it cannot tell the track from {others}: the same notes")
    if t.rest_of_kit is RestOfKit.NOWHERE:
        doubts.append(f"{only} no other piece of its kit is heard anywhere")
    return doubts


def doubted(verdict: Verdict, doubt: str | None) -> Verdict:
    """Return a verdict that a person must see where the clock is in doubt.

    The stem may be right all the same, but not the places of the notes in it.
    """
    if doubt is None or verdict.state != "auto":
        return verdict
    return replace(verdict, state="review", reason=f"{verdict.reason}; but {doubt}")


def _faintly_heard(t: Testimony) -> bool:
    """Return whether a group may hold the track after all, though each is unlikely.

    A hi-hat under guitars, a pad under a choir: of such tracks as many are in a stem as are not.
    """
    heard = _best(t.evidence)
    return heard is not None and heard[1] >= _NOTHING_HEARD


def _best(scores: "Scores | None") -> tuple[int, float, float] | None:
    """Return the best group, its score, and its lead over the next; None: nothing is scored."""
    import numpy as np

    if scores is None or len(scores) == 0 or np.isnan(scores).all():
        return None
    filled = np.nan_to_num(scores, nan=0.0)
    order = np.argsort(-filled, kind="stable")
    second = float(filled[order[1]]) if len(order) > 1 else 0.0
    best = int(order[0])
    return best, float(filled[best]), float(filled[best]) - second


def _doubts(t: Testimony, weights: "FusionWeights") -> list[str]:
    doubts = []
    chosen = t.group_names[t.chosen]
    named, heard = (
        _clear(t.name_fits, weights.clear_name, weights.clear_name_margin),
        _clear(t.evidence, weights.clear_evidence, weights.clear_evidence_margin),
    )
    own = _at(t.evidence, t.chosen)
    if heard is not None and heard != t.chosen:
        spoken = "the name says" if named == t.chosen else "names and model say"
        there = _at(t.evidence, heard)
        doubts.append(
            f"{spoken} '{chosen}', but the notes are heard in '{t.group_names[heard]}': "
            f"{there:.2f} against {own or 0.0:.2f}"
        )
    if named is not None and named != t.chosen:
        elsewhere = _at(t.evidence, named)
        found = f"heard in '{chosen}'" if own is not None else f"said by the model in '{chosen}'"
        doubts.append(
            f"the name says '{t.group_names[named]}', but the notes are {found}"
            + ("" if own is None else f": {own:.2f} against {elsewhere or 0.0:.2f}")
        )
    if t.model is not None and t.model[0] != t.chosen:
        other = "no stem" if t.model[0] == NONE else f"'{t.group_names[t.model[0]]}'"
        doubts.append(f"the model says {other}, the rest says '{chosen}'")
    # A model is sure of itself also where it cannot know.
    elif t.model is not None and _alone(t, weights):
        doubts.append(f"only the model says '{chosen}': neither the names nor the sound does")
    if t.proposed is Proposal.LEFT_OVER:
        doubts.append(f"nothing speaks for '{chosen}' but that both are left over")
    elif t.proposed is Proposal.KIT:
        doubts.append(_of_kit(t))
    elif not doubts and float(t.chances[NONE]) > float(t.chances[t.chosen]):
        doubts.append(_unheard(t))
    return doubts


def _unheard(t: Testimony) -> str:
    """Return how the name contradicts an ear, or a model, that finds no group."""
    chosen, own = t.group_names[t.chosen], _at(t.evidence, t.chosen)
    if t.proposed is Proposal.LIKELIEST:
        faint = "" if own is None else f", where its notes are faintly heard ({own:.2f})"
        return (
            f"perhaps '{chosen}'{faint}, but it is likelier in no stem "
            f"({float(t.chances[NONE]):.2f} against {float(t.chances[t.chosen]):.2f})"
        )
    if t.proposed is Proposal.SOUND:
        return f"the notes are heard in '{chosen}' ({own or 0.0:.2f}), but it is named otherwise"
    said = f"the name says '{chosen}' ({float(t.name_fits[t.chosen]):.2f}), but "
    if own is not None:
        return f"{said}the notes are hardly heard there ({own:.2f}), nor clearly in another"
    return f"{said}it may be in no stem ({float(t.chances[NONE]):.2f})"


def _of_kit(t: Testimony) -> str:
    chosen, own = t.group_names[t.chosen], _at(t.evidence, t.chosen)
    heard = "it cannot be heard by itself" if own is None else f"it hardly is itself ({own:.2f})"
    return f"perhaps '{chosen}': the rest of its kit is heard there, {heard}"


def _alone(t: Testimony, weights: "FusionWeights") -> bool:
    """Return whether neither names nor sound speak for the chosen group."""
    own = _at(t.evidence, t.chosen)
    by_name = float(t.name_fits[t.chosen]) > weights.name_neutral
    return not by_name and (own is None or own < weights.clear_evidence)


def _clear(scores: "Scores | None", least: float, margin: float) -> int | None:
    """Return the group that a source names clearly, if it does."""
    best = _best(scores)
    return best[0] if best is not None and best[1] >= least and best[2] >= margin else None


def _at(scores: "Scores | None", position: int) -> float | None:
    if scores is None or position == NONE:
        return None
    value = float(scores[position])
    return None if math.isnan(value) else value


def _small_confidence(t: Testimony, confidence: float, weights: "FusionWeights") -> str:
    chosen, own = t.group_names[t.chosen], _at(t.evidence, t.chosen)
    by_name = float(t.name_fits[t.chosen]) >= weights.clear_name
    if by_name and own is not None and own < weights.clear_evidence:
        return _unheard(t)
    order = sorted(range(len(t.group_names)), key=lambda g: -float(t.chances[g]))
    rival = next((g for g in order if g != t.chosen), None)
    none = float(t.chances[NONE])
    if rival is None or none >= float(t.chances[rival]):
        return f"'{chosen}' fits best ({confidence:.2f}), but it may be in no stem ({none:.2f})"
    return (
        f"'{chosen}' ({confidence:.2f}) and '{t.group_names[rival]}' "
        f"({float(t.chances[rival]):.2f}) cannot be told apart"
        if float(t.chances[rival]) > 0.5 * confidence
        else f"'{chosen}' fits best ({confidence:.2f}), then '{t.group_names[rival]}' "
        f"({float(t.chances[rival]):.2f})"
    )


def _method(t: Testimony, weights: "FusionWeights") -> str:
    """Return the source that the chosen group owes most to."""
    if t.model is not None and t.model[0] == t.chosen:
        return "llm"
    if _at(t.evidence, t.chosen) is None:
        return "names"
    named, own = _best(t.name_fits), float(t.name_fits[t.chosen])
    by_name = named is not None and own >= named[1] and own > weights.name_neutral
    return "names" if by_name else "evidence"


def _why(t: Testimony, method: str) -> str:
    parts = []
    fit = float(t.name_fits[t.chosen])
    own = _at(t.evidence, t.chosen)
    if method == "llm":
        parts.append("the model says so")
    if fit >= 0.5:
        parts.append(f"the name fits ({fit:.2f})")
    if own is not None and own >= 0.5:
        parts.append(f"the notes are heard there ({own:.2f})")
    return ", ".join(parts) or "nothing fits better"


def _why_none(t: Testimony) -> str:
    if not t.group_names:
        return "the cue has no stems"
    named, heard = _best(t.name_fits), _best(t.evidence)
    parts = [
        "no stem is named like it"
        if named is None or named[1] < 0.5
        else f"'{t.group_names[named[0]]}' is named most like it ({named[1]:.2f}), too little"
    ]
    if heard is not None:
        parts.append(f"its notes are heard nowhere clearly (at most {heard[1]:.2f})")
    if t.model is not None and t.model[0] == NONE:
        parts.append("the model says no stem")
    return ", ".join(parts)


def candidates(t: Testimony, ids: list[int]) -> list[dict[str, Any]]:
    """Return the likeliest groups with their scores, best first."""
    order = sorted(range(len(ids)), key=lambda g: -float(t.chances[g]))
    return [
        {
            "audio_file_id": ids[g],
            "canonical_name": t.group_names[g],
            "confidence": round(float(t.chances[g]), 4),
            "name_score": round(float(t.name_fits[g]), 4),
            "evidence_score": None if (own := _at(t.evidence, g)) is None else round(own, 4),
            "model": t.model is not None and t.model[0] == g,
        }
        for g in order[:MOST_CANDIDATES]
    ]
