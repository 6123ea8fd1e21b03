"""What a person is shown of a track that, by the likelihoods alone, belongs to no group.

A source that speaks clearly and is outvoted is a contradiction, not a track without a stem; and
of one track and one stem that are left over, the one may be in the other; a piece of a kit that is
too faint or too rare to be heard may be where the rest of the kit is. What is proposed here never
stands without a person.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from cue_pipeline.mapping.names.fit import SAME_INSTRUMENT

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cue_pipeline.mapping.decision.fusion import FusionWeights, Sources

    Scores = NDArray[np.float64]
    Chosen = NDArray[np.intp]

# A person who must look anyway is shown the likeliest group from this chance on, where it is so
# many times as likely as the next.
_WORTH_SHOWING: Final = 0.3
_TIMES_THE_NEXT: Final = 2.0
_KIT_HEARD: Final = 1.2
_LEAST_OF_PIECE: Final = 0.1  # many pieces of which nothing is heard add up to nothing


class Proposal(StrEnum):
    """What a proposed group rests upon."""

    NAME = "name"
    SOUND = "sound"
    LIKELIEST = "likeliest"
    LEFT_OVER = "left over"
    KIT = "kit"


def propose(
    chosen: "Chosen", sources: "Sources", chances: "Scores", weights: "FusionWeights"
) -> dict[int, Proposal]:
    """Give tracks without a group the one that a single source says clearly, or the likeliest.

    Parameters
    ----------
    chosen : np.ndarray of int, shape=(n_tracks,)
        Changed in place: groups' positions, -1 for none.
    sources : Sources
    chances : np.ndarray, shape=(n_tracks, n_groups + 1)
        As :func:`~cue_pipeline.mapping.decision.fusion.choice_probabilities` returns them.
    weights : FusionWeights

    Returns
    -------
    dict of int to Proposal
        By track, for those that were given a group here.
    """
    if sources.name_fits.shape[1] == 0:
        return {}
    proposed = _named(chosen, sources, chances, weights)
    proposed |= _heard(chosen, sources, weights)
    proposed |= _likeliest(chosen, sources, chances)
    return proposed


def _named(
    chosen: "Chosen", sources: "Sources", chances: "Scores", weights: "FusionWeights"
) -> dict[int, Proposal]:
    import numpy as np

    best = sources.name_fits.max(axis=1, keepdims=True)
    near = sources.name_fits >= np.maximum(weights.clear_name, best - weights.clear_name_margin)
    likeliest = np.argmax(np.where(near, chances[:, :-1], -1.0), axis=1)
    rows = np.flatnonzero((chosen < 0) & near.any(axis=1))
    rows = rows[~_taken(chosen, sources, weights)[likeliest[rows]]]
    chosen[rows] = likeliest[rows]
    return dict.fromkeys(rows.tolist(), Proposal.NAME)


def _taken(chosen: "Chosen", sources: "Sources", weights: "FusionWeights") -> "NDArray[np.bool_]":
    """Return the groups that hold a track which they are named for and which is heard there.

    'Flute' beside the flutes that are heard in 'Flutes' is no contradiction to their name.
    """
    import numpy as np

    taken = np.zeros(sources.name_fits.shape[1], dtype=bool)
    if sources.evidence is None:
        return taken
    rows = np.flatnonzero(chosen >= 0)
    groups = chosen[rows]
    named = sources.name_fits[rows, groups] >= SAME_INSTRUMENT
    heard = np.nan_to_num(sources.evidence[rows, groups], nan=0.0) >= weights.clear_evidence
    taken[groups[named & heard]] = True
    return taken


def _heard(chosen: "Chosen", sources: "Sources", weights: "FusionWeights") -> dict[int, Proposal]:
    import numpy as np

    if sources.evidence is None:
        return {}
    heard = np.nan_to_num(sources.evidence, nan=0.0)
    ordered = np.sort(heard, axis=1)
    second = ordered[:, -2] if heard.shape[1] > 1 else np.zeros(len(heard))
    clear = (ordered[:, -1] >= weights.surely_heard) & (
        ordered[:, -1] - second >= weights.clear_evidence_margin
    )
    rows = np.flatnonzero((chosen < 0) & clear)
    chosen[rows] = heard.argmax(axis=1)[rows]
    return dict.fromkeys(rows.tolist(), Proposal.SOUND)


def _likeliest(chosen: "Chosen", sources: "Sources", chances: "Scores") -> dict[int, Proposal]:
    """Show the group that would be it, were the track in any: 'none' is not sure enough to stand.

    Only what speaks for itself: a stem of many tracks hides some of them, and a hidden track is
    heard faintly in one stem, not equally in several.
    """
    import numpy as np

    groups = chances[:, :-1] * sources.spoken_for
    ordered = np.sort(groups, axis=1)
    second = ordered[:, -2] if groups.shape[1] > 1 else np.zeros(len(groups))
    best = ordered[:, -1]
    worth = (best >= _WORTH_SHOWING) & (best >= _TIMES_THE_NEXT * second)
    rows = np.flatnonzero((chosen < 0) & worth)
    chosen[rows] = groups.argmax(axis=1)[rows]
    return dict.fromkeys(rows.tolist(), Proposal.LIKELIEST)


def propose_left_over(
    chosen: "Chosen", sources: "Sources", *, playing: "NDArray[np.bool_]", weights: "FusionWeights"
) -> dict[int, Proposal]:
    """Put together the one track and the one group that are left, where names allow it.

    Parameters
    ----------
    chosen : np.ndarray of int, shape=(n_tracks,)
        Changed in place.
    playing : np.ndarray of bool, shape=(n_tracks,)
        Tracks that have notes, and of which no person has said that they have no group.
    """
    import numpy as np

    n_groups = sources.name_fits.shape[1]
    free = np.setdiff1d(np.arange(n_groups), chosen)
    tracks = np.flatnonzero((chosen < 0) & playing)
    if len(free) != 1 or len(tracks) != 1 or n_groups < 2:
        return {}
    track, group = int(tracks[0]), int(free[0])
    if sources.names_told[track, group] and sources.name_fits[track, group] <= weights.name_neutral:
        return {}
    chosen[track] = group
    return {track: Proposal.LEFT_OVER}


def propose_with_kit(
    chosen: "Chosen",
    proposed: Mapping[int, Proposal],
    sources: "Sources",
    kits: Sequence[int | None],
    *,
    playing: "NDArray[np.bool_]",
    weights: "FusionWeights",
) -> dict[int, Proposal]:
    """Put pieces of a kit that are heard nowhere clearly where all of it together is heard.

    A crash that is struck three times, a hi-hat under guitars: most of the drum tracks of real
    sessions that are heard nowhere are in their kit's stem.

    Parameters
    ----------
    chosen : np.ndarray of int, shape=(n_tracks,)
        Changed in place.
    proposed : mapping of int to Proposal
        What was proposed before: what is but likeliest gives way.
    sources : Sources
    kits : sequence of int or None
        Which kit each track is of; None: no drums.
    playing : np.ndarray of bool, shape=(n_tracks,)
        As :func:`propose_left_over` has it.
    weights : FusionWeights
    """
    found: dict[int, int] = {}
    for kit in {kit for kit in kits if kit is not None}:
        own = [track for track, of in enumerate(kits) if of == kit]
        group = _group_of_kit(own, sources)
        if group is None:
            continue
        for track in own:
            free = chosen[track] < 0 or proposed.get(track) is Proposal.LIKELIEST
            fit = sources.name_fits[track, group]
            otherwise = sources.names_told[track, group] and fit <= weights.name_neutral
            if playing[track] and free and not otherwise:
                found[track] = group
    for track, group in found.items():
        chosen[track] = group
    return dict.fromkeys(found, Proposal.KIT)


def _group_of_kit(own: list[int], sources: "Sources") -> int | None:
    """Return the group in which all pieces together are surely heard, and in no other as much."""
    import numpy as np

    if sources.evidence is None or sources.evidence.shape[1] == 0 or len(own) < 2:
        return None
    heard = np.nan_to_num(sources.evidence[own], nan=0.0)
    together = np.where(heard >= _LEAST_OF_PIECE, heard, 0.0).sum(axis=0)
    first = int(together.argmax())
    others = np.delete(together, first)
    sure = together[first] >= _KIT_HEARD
    return first if sure and together[first] >= _TIMES_THE_NEXT * others.max(initial=0.0) else None
