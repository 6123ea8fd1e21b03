"""Which group each track goes to, where several fit it as well."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Scores = NDArray[np.float64]
    Told = NDArray[np.bool_]


# From this share of the best score on, groups are tied: only the other tracks' claims decide.
TIE: Final = 0.9


def share_ties(scores: "Scores", *, least: "Scores") -> "NDArray[np.intp]":
    """Return each track's best group, sharing tied groups out between tied tracks.

    Several tracks may go to one group where that fits each of them best. Where a track fits
    several groups as well ('Gtr' and two guitars), the linear assignment of all tracks to
    groups chooses, so that two such tracks get one each.

    Parameters
    ----------
    scores : np.ndarray, shape=(n_tracks, n_groups)
        Not negative.
    least : np.ndarray, shape=(n_tracks,)
        A track whose best score is not above this gets no group.

    Returns
    -------
    np.ndarray of int, shape=(n_tracks,)
        Position of the group; -1: none.
    """
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    if scores.size == 0:
        return np.full(len(scores), -1, dtype=np.intp)
    best = scores.max(axis=1)
    fits = best > least
    tied = (scores >= TIE * best[:, None]) & fits[:, None]
    chosen = np.where(fits, scores.argmax(axis=1), -1).astype(np.intp)
    rows, columns = linear_sum_assignment(np.where(tied, scores, 0.0), maximize=True)
    for row, column in zip(rows, columns, strict=True):
        if tied[row, column]:
            chosen[row] = column
    return chosen
