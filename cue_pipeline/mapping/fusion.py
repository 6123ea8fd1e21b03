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
    from pandas import DataFrame

    Scores = NDArray[np.float64]
    Told = NDArray[np.bool_]

# An evidence score is never believed further than this, in either direction.
_SUREST: Final = 0.98
# A partial correlation of which nothing can be concluded.
_LEAST_EXPLAINED: Final = 0.05
# Share of the tracks that had no stem in the sessions of the fit, and how many tracks of a cue
# weigh as much as that experience.
_USUAL_SHARE: Final = 0.15
_EXPERIENCE: Final = 5
_ROUNDS: Final = 30
# Two sets of notes never measure the same in all of these.
_MEASURED: Final = ("score", "onset_score", "activity_score", "level_db")
# The score of a group that is silent while the track is heard in others.
_SILENT_GROUP: Final = 0.05


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
    sure_sound: float = 0.9


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


def evidence_matrix(
    evidence: "DataFrame | None", tracks: "DataFrame", groups: "DataFrame"
) -> "Scores | None":
    """Return the evidence's scores by position.

    Parameters
    ----------
    evidence : DataFrame or None
        Rows of ``match_evidence``.
    tracks, groups : DataFrame
        Column ``id``, in the order of the positions.

    Returns
    -------
    np.ndarray, shape=(n_tracks, n_groups), or None
        0…1; NaN where the ear abstained on the track; None without any evidence.
    """
    import numpy as np

    if evidence is None or evidence.empty:
        return None
    matrix = _by_position(evidence, "score", tracks, groups)
    # A group that is silent while the track's other groups are heard does not hold it.
    heard = ~np.isnan(matrix).all(axis=1, keepdims=True)
    return np.where(np.isnan(matrix) & heard, _SILENT_GROUP, matrix)


def firmness_matrix(
    evidence: "DataFrame | None", tracks: "DataFrame", groups: "DataFrame"
) -> "Scores | None":
    """Return how much of each group a track explains beside the track that explains most of it.

    Returns
    -------
    np.ndarray, shape=(n_tracks, n_groups), or None
        0…1, ratios of the partial correlation of level band by band, of the whole level for
        drums; NaN where it was not measured; None without any such column.
    """
    import numpy as np

    if evidence is None or not {"pitch_score", "activity_score"} <= set(evidence):
        return None
    by_band = _by_position(evidence, "pitch_score", tracks, groups)
    whole = _by_position(evidence, "activity_score", tracks, groups)
    alone = np.where(np.isnan(by_band), whole, by_band)
    most = np.nan_to_num(alone, nan=0.0).max(axis=0, initial=0.0)
    beside: Scores = alone / np.maximum(most, _LEAST_EXPLAINED)
    return beside


def heard_alike(
    evidence: "DataFrame | None", tracks: "DataFrame", groups: "DataFrame"
) -> list[list[int]]:
    """Return, for each track, the others of its file that sound measured just as it did.

    Tracks with the same notes are heard as one voice: which of them is in a group, or whether all
    are, the ear does not know.

    Returns
    -------
    list of list of int, length n_tracks
        Positions; empty where the ear abstained.
    """
    import numpy as np

    files = tracks["midi_file_id"].tolist()
    out: list[list[int]] = [[] for _ in files]
    if evidence is None or not set(_MEASURED) <= set(evidence):
        return out
    values = np.stack([_by_position(evidence, name, tracks, groups) for name in _MEASURED])
    keys = [(file, values[:, i].tobytes()) for i, file in enumerate(files)]
    for i, key in enumerate(keys):
        if not np.isnan(values[0, i]).all():
            out[i] = [j for j, other in enumerate(keys) if j != i and other == key]
    return out


def _by_position(
    evidence: "DataFrame", column: str, tracks: "DataFrame", groups: "DataFrame"
) -> "Scores":
    import numpy as np

    track_at = {int(key): i for i, key in enumerate(tracks["id"])}
    group_at = {int(key): i for i, key in enumerate(groups["id"])}
    matrix = np.full((len(tracks), len(groups)), np.nan)
    values = evidence[column].astype("float64")
    for track, group, value in zip(
        evidence["midi_track_id"], evidence["audio_file_id"], values, strict=True
    ):
        row, position = track_at.get(int(track)), group_at.get(int(group))
        if row is not None and position is not None:
            matrix[row, position] = value
    return matrix
