"""Stems that begin at a time of their own: raw clips without a time reference, late prints.

The one lag of the cue leaves such a stem unexplained. It is tried where it agrees best with any
one track, and moved only where all tracks then explain far more of it than at any other lag: a
stem of other music must not be bent to fit.
"""

from collections.abc import Sequence

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
