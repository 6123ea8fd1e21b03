"""Names, model and sound made one confidence.

A conditional logit: for each track, every group and 'none of them' has a utility, the sum of
what the three sources say for it, and the confidence is the softmax over them. A source that is
silent adds nothing, so the same weights serve with and without a model, with and without sound.

References
----------
McFadden, D. Conditional logit analysis of qualitative choice behavior. In Zarembka, P. (ed.),
Frontiers in Econometrics, 1974, 105-142.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Scores = NDArray[np.float64]

# An evidence score is never believed further than this, in either direction.
_SUREST: Final = 0.98


@dataclass(frozen=True, slots=True)
class FusionWeights:
    """What each source is worth, in nats, and where a decision may stand without a person.

    Attributes
    ----------
    name : float
        For a name that fits fully (1.0).
    evidence : float
        For one unit of log-odds of an evidence score.
    model : float
        For the group that the model chose, with confidence 1.0.
    none : float
        For 'none of the groups'.
    model_none : float
        Added to it where the model says that the track has no group.
    auto_confidence : float
        Below this a person is asked.
    clear_name, clear_name_margin : float
        From here on a name says something that must not be contradicted silently.
    clear_evidence, clear_evidence_margin : float
        As much for sound.
    """

    name: float = 10.0
    evidence: float = 1.2
    model: float = 4.0
    none: float = 4.5
    model_none: float = 2.0
    auto_confidence: float = 0.9
    clear_name: float = 0.7
    clear_name_margin: float = 0.1
    clear_evidence: float = 0.5
    clear_evidence_margin: float = 0.25


WEIGHTS: Final = FusionWeights()


def choice_probabilities(
    name_fits: "Scores",
    evidence: "Scores | None",
    model_choice: "Scores | None",
    model_none: "Scores | None",
    weights: FusionWeights = WEIGHTS,
) -> "Scores":
    """Return the probability of each group, and of none, for each track.

    Parameters
    ----------
    name_fits : np.ndarray, shape=(n_tracks, n_groups)
        0…1.
    evidence : np.ndarray, shape=(n_tracks, n_groups), optional
        Scores 0…1; NaN where sound says nothing.
    model_choice : np.ndarray, shape=(n_tracks, n_groups), optional
        The model's confidence at the group it chose, 0 elsewhere.
    model_none : np.ndarray, shape=(n_tracks,), optional
        The model's confidence that the track has no group.
    weights : FusionWeights

    Returns
    -------
    np.ndarray, shape=(n_tracks, n_groups + 1)
        Rows sum to 1; the last column is 'none'.
    """
    import numpy as np

    n_tracks, n_groups = name_fits.shape
    utility = np.zeros((n_tracks, n_groups + 1))
    utility[:, :n_groups] = weights.name * name_fits
    utility[:, n_groups] = weights.none
    if evidence is not None:
        heard = np.clip(evidence, 1 - _SUREST, _SUREST)
        utility[:, :n_groups] += weights.evidence * np.nan_to_num(np.log(heard / (1 - heard)))
    if model_choice is not None:
        utility[:, :n_groups] += weights.model * model_choice
    if model_none is not None:
        utility[:, n_groups] += weights.model_none * model_none
    likelihood: Scores = np.exp(utility - utility.max(axis=1, keepdims=True))
    chances: Scores = likelihood / likelihood.sum(axis=1, keepdims=True)
    return chances
