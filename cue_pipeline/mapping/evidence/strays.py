"""Groups that begin at a time of their own: raw clips without a time reference, late prints.

The one lag of the cue leaves such a group unexplained. It is tried where it agrees best with any
one track, and moved only where all tracks then explain far more of it than at any other lag: a
stem of other music must not be bent to fit.
"""

from collections.abc import Sequence

from cue_pipeline.mapping.evidence.alignment import (
    FAR_SECONDS,
    LIFT_OF_DOUBT,
    Alignment,
    Score,
    Session,
    r2_of_own_lags,
)
from cue_pipeline.mapping.evidence.hearing import Group

# Above what other music's groups reach by chance (0.24 at most over 168 mismatched cues).
_OWN_LIFT = 0.27


def own_starts(
    score: Score, groups: Sequence[Group], session: Session, alignment: Alignment
) -> dict[int, float]:
    """Return where on the session's clock stray groups' files really begin.

    Returns
    -------
    dict of int to float
        ``audio_file_id`` → seconds; less than 0 where a file begins before the session's zero.
    """
    starts = {}
    for g, group in enumerate(groups):
        if alignment.lift[g] >= LIFT_OF_DOUBT:
            continue
        r2 = r2_of_own_lags(score, session, alignment, g)
        best, lag = max(zip(r2, alignment.own_lags[g], strict=True))
        far = [float(of[g]) for at, of in alignment.tried if abs(at - lag) > FAR_SECONDS]
        if best - max(far, default=0.0) > _OWN_LIFT:
            starts[group.audio_file_id] = group.offset_seconds + alignment.lag_seconds - lag
    return starts
