"""Stems that begin at a time of their own: raw clips without a time reference, late prints.

The one lag of the cue leaves such a stem unexplained. It is tried where it agrees best with any
one track, and moved only where all tracks then explain far more of it than at any other lag: a
stem of other music must not be bent to fit.
"""

from collections.abc import Mapping, Sequence

from cue_pipeline.hearing.alignment import (
    LIFT_OF_DOUBT,
    Alignment,
    Score,
    Session,
    r2_of_changes,
)
from cue_pipeline.hearing.group_spectra import Group

# Rendered: other music's stems reach 0.02, a stem's own lag 0.28 and more.
_OWN_LIFT = 0.15  # and twice what is explained at any other lag: a loop fits at every bar
_OTHERS_SECONDS = (-7.3, -3.1, 2.3, 5.9)  # no multiples of each other: a bar fits at most one


def own_starts(
    score: Score, groups: Sequence[Group], session: Session, alignment: Alignment
) -> dict[int, float]:
    """Return where on the session's clock stray stems' files really begin.

    Returns
    -------
    dict of int to float
        ``audio_file_id`` → seconds; less than 0 where a file begins before the session's zero.
    """
    starts = {}
    for g, group in enumerate(groups):
        if alignment.lift[g] >= LIFT_OF_DOUBT:
            continue
        for lag in alignment.own_lags[g]:
            own, *others = r2_of_changes(
                score,
                session,
                g,
                [lag, alignment.lag_seconds, *(lag + apart for apart in _OTHERS_SECONDS)],
            )
            if own > _OWN_LIFT and own > 2.0 * max(others):
                starts[group.audio_file_id] = group.offset_seconds + alignment.lag_seconds - lag
    return starts


def heard_elsewhere(
    score: Score,
    groups: Sequence[Group],
    session: Session,
    alignment: Alignment,
    stated: Mapping[int, float],
) -> dict[int, float]:
    """Return the lags that the sound of stems tells against what people state of them.

    Parameters
    ----------
    score, groups, session, alignment
        As for :func:`own_starts`.
    stated : mapping of int to float
        ``audio_file_id`` → the lag that is stated, on the clock of ``alignment``.

    Returns
    -------
    dict of int to float
        ``audio_file_id`` → seconds, on the same clock; stems of which the sound tells nothing, or
        the same, are not in it.
    """
    found = {}
    for g, group in enumerate(groups):
        word = stated.get(group.audio_file_id)
        if word is None:
            continue
        lags = [alignment.lag_seconds, *alignment.own_lags[g]]
        said, *others = r2_of_changes(score, session, g, [word, *lags])
        share, lag = max(zip(others, lags, strict=True))
        if share > _OWN_LIFT and share > 2.0 * max(said, 0.0):
            found[group.audio_file_id] = lag
    return found
