"""Names, model and sound made one confidence.

A conditional logit: for each track, every group and 'none of them' has a utility, the sum of
what the three sources say for it, and the confidence is the softmax over them. A source that is
silent adds nothing, so the same weights serve with and without a model, with and without sound.

References
----------
McFadden, D. Conditional logit analysis of qualitative choice behavior. In Zarembka, P. (ed.),
Frontiers in Econometrics, 1974, 105-142.

Saerens, M., Latinne, P., Decaestecker, C. Adjusting the outputs of a classifier to new a priori
probabilities. Neural Computation 14(1), 2002, 21-41.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Scores = NDArray[np.float64]
    Told = NDArray[np.bool_]

# An evidence score is never believed further than this, in either direction.
_SUREST: Final = 0.98
# Share of the tracks that had no stem in the sessions of the fit, and how many tracks of a cue
# weigh as much as that experience.
_USUAL_SHARE: Final = 0.15
_EXPERIENCE: Final = 5
_ROUNDS: Final = 30


@dataclass(frozen=True, slots=True)
class FusionWeights:
    """What each source is worth, in nats, and where a decision may stand without a person.

    Attributes
    ----------
    name : float
        For a fit of names that is 1.0 above `name_neutral`.
    name_against : float
        As much, for a fit that is below it: a stem's name says less about what else is in it.
    name_neutral : float
        The fit that speaks neither for nor against.
    evidence : float
        For one unit of log-odds of an evidence score.
    unknown : float
        For all groups together of which neither names nor sound say anything.
    model : float
        For the group that the model chose, with confidence 1.0.
    none : float
        For 'none of the groups'.
    model_none : float
        Added to it where the model says that the track has no group.
    auto_confidence : float
        Below this a person is asked.
    auto_by_sound : float
        As much where names say nothing and sound alone decides.
    clear_name, clear_name_margin : float
        From here on a name says something that must not be contradicted silently.
    clear_evidence, clear_evidence_margin : float
        As much for sound.
    firm_sound : float
        Partial correlation, beside that of the stem's best track, from which sound may decide
        alone: a track that no stem holds can be the likeliest by far and still explain little of
        the one it is put to.
    firm_shared : float
        As much where another track is heard in the stem more firmly: a guitar that doubles the bass
        is heard in the bass, too.
    surely_heard : float
        Score from which a track is heard in a group, whatever names say; below, a track without a
        stem is the likelier story.
    sure_sound : float
        Score from which sound tells tracks apart that are named alike.
    """

    name: float = 12.72
    name_against: float = 4.60
    name_neutral: float = 0.58
    evidence: float = 1.28
    unknown: float = 1.10
    model: float = 4.0
    none: float = 0.10
    model_none: float = 2.0
    auto_confidence: float = 0.9
    auto_by_sound: float = 0.93
    clear_name: float = 0.7
    clear_name_margin: float = 0.1
    clear_evidence: float = 0.5
    clear_evidence_margin: float = 0.25
    firm_sound: float = 0.5
    firm_shared: float = 0.75
    sure_sound: float = 0.9
    surely_heard: float = 0.65


@dataclass(frozen=True, slots=True)
class Sources:
    """What names, sound and the model say of a cue.

    Attributes
    ----------
    name_fits : np.ndarray, shape=(n_tracks, n_groups)
        0…1.
    names_told : np.ndarray of bool, shape=(n_tracks, n_groups)
        Where the names say anything.
    evidence : np.ndarray, shape=(n_tracks, n_groups), or None
        Scores 0…1; NaN where sound says nothing.
    model_choice : np.ndarray, shape=(n_tracks, n_groups), or None
        The model's confidence at the group it chose, 0 elsewhere.
    model_none : np.ndarray, shape=(n_tracks,), or None
        The model's confidence that the track has no group.
    """

    name_fits: "Scores"
    names_told: "Told"
    evidence: "Scores | None" = None
    model_choice: "Scores | None" = None
    model_none: "Scores | None" = None

    @property
    def unknown(self) -> "Told":
        """Where neither names nor sound say anything, shape=(n_tracks, n_groups)."""
        import numpy as np

        if self.evidence is None:
            return ~self.names_told
        unheard: Told = np.isnan(self.evidence)
        return ~self.names_told & unheard

    @property
    def spoken_for(self) -> "Told":
        """Where anything speaks, for or against, shape=(n_tracks, n_groups)."""
        chosen = False if self.model_choice is None else self.model_choice > 0
        return ~self.unknown | chosen


WEIGHTS: Final = FusionWeights()


def choice_probabilities(sources: Sources, weights: FusionWeights = WEIGHTS) -> "Scores":
    """Return the probability of each group, and of none, for each track.

    Returns
    -------
    np.ndarray, shape=(n_tracks, n_groups + 1)
        Rows sum to 1; the last column is 'none'.
    """
    import numpy as np

    n_tracks, n_groups = sources.name_fits.shape
    utility = np.zeros((n_tracks, n_groups + 1))
    groups, none = utility[:, :n_groups], utility[:, n_groups]
    above = sources.name_fits - weights.name_neutral
    by_name = np.where(above > 0, weights.name, weights.name_against) * above
    groups += np.where(sources.names_told, by_name, 0.0)
    none += weights.none
    if sources.evidence is not None:
        heard = np.clip(sources.evidence, 1 - _SUREST, _SUREST)
        groups += weights.evidence * np.nan_to_num(np.log(heard / (1 - heard)))
    # Groups of which nothing is known share one chance, however many they are.
    unknown = sources.unknown
    count = np.maximum(unknown.sum(axis=1, keepdims=True), 1)
    groups += np.where(unknown, weights.unknown - np.log(count), 0.0)
    if sources.model_choice is not None:
        groups += weights.model * sources.model_choice
    if sources.model_none is not None:
        none += weights.model_none * sources.model_none
    likelihood: Scores = np.exp(utility - utility.max(axis=1, keepdims=True))
    chances: Scores = likelihood / likelihood.sum(axis=1, keepdims=True)
    return chances


def adjusted_to_cue(chances: "Scores", sources: Sources) -> "Scores":
    """Return the probabilities where the cue itself tells how many of its tracks have no group.

    Where nearly every track is heard somewhere, one more without a stem is less likely than in
    the sessions of the fit: its share is estimated from the cue by expectation maximisation. Only
    downwards: many tracks without a stem are no reason to doubt those that are heard.

    Parameters
    ----------
    chances : np.ndarray, shape=(n_tracks, n_groups + 1)
        As :func:`choice_probabilities` returns them.

    Returns
    -------
    np.ndarray, shape=(n_tracks, n_groups + 1)
        Changed for tracks that sound was judged of.
    """
    import numpy as np

    if sources.evidence is None:
        return chances
    heard = ~np.isnan(sources.evidence).all(axis=1)
    if not heard.any():
        return chances
    usual = _USUAL_SHARE / (1 - _USUAL_SHARE)
    share, adjusted = _USUAL_SHARE, chances[heard]
    for _ in range(_ROUNDS):
        adjusted = chances[heard]
        adjusted[:, -1] *= share / (1 - share) / usual
        adjusted /= adjusted.sum(axis=1, keepdims=True)
        found = float(adjusted[:, -1].sum()) + _EXPERIENCE * _USUAL_SHARE
        share = min(_USUAL_SHARE, found / (heard.sum() + _EXPERIENCE))
    out = chances.copy()
    out[heard] = adjusted
    return out
