"""Choosing among orders of channels by how well each label fits each place.

Conventions
-----------
A fit of a channel is what known channels leave of it at the best gains that are not negative, dB
re what is left of it without them: 0 where they explain nothing. A fit of an order is the sum over
its channels, so that each counts alike, loud or soft.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from cue_pipeline.audio.layouts import FILM_ORDER_BY_COUNT

MARGIN_DB = 6.0
"""Between an order and the next."""
EXPLAINED_DB = -6.0
"""Of each channel, on average."""

_WELL_EXPLAINED_DB = -8.0  # of each channel, where the order is none that programs write
_NEARLY_DB = 1.0  # worse than the best by stems alone
_BEST_DB = -30.0  # better is no better: rounding, dither

Labels = tuple[str, ...]
Fits = dict[tuple[int, str], float]


@dataclass(frozen=True, slots=True)
class Order:
    """The order that one group's channels have.

    Attributes
    ----------
    labels : tuple of str
        By the channels' places in the file.
    left_db : float or None
        Of each channel, on average; None where the group's own sound does not tell.
    untold : tuple of str
        Labels that the sound does not tell from each other: the likeliest places are taken.
    of : str or None
        The mix whose order it is taken from, where the group's own sound does not tell.
    """

    labels: Labels
    left_db: float | None
    untold: Labels = ()
    of: str | None = None


def fit_db(left: float, without: float) -> float:
    """Return a fit by the power that is left, and by that which is left without a channel."""
    return min(0.0, max(_BEST_DB, 10.0 * math.log10(max(left, 1e-30) / without)))


def _score(order: Labels, fits: Fits) -> float:
    return sum(fits.get(place, 0.0) for place in enumerate(order))


def with_measured(orders: Sequence[Labels], fits: Fits, fed: Collection[str]) -> tuple[Labels, ...]:
    """Return the orders, with one that no program writes where it fits far better than those."""
    from scipy.optimize import linear_sum_assignment

    count = len(orders[0])
    labels = FILM_ORDER_BY_COUNT[count]
    if len(set(labels) - set(fed)) > 1:  # one has the place that is left over
        return tuple(orders)
    cost = np.array([[fits.get((place, lb), 0.0) for lb in labels] for place in range(count)])
    _, columns = linear_sum_assignment(cost)
    found = tuple(labels[c] for c in columns)
    each = [cost[place, c] for place, c in enumerate(columns)]
    exchanged = (
        cost[a, columns[b]] + cost[b, columns[a]] - each[a] - each[b]
        for a, b in combinations(range(count), 2)
    )
    far_better = _score(found, fits) <= min(_score(o, fits) for o in orders) - MARGIN_DB
    well = sum(db > _WELL_EXPLAINED_DB for db in each) <= 1
    return (
        (*orders, found) if far_better and well and min(exchanged) >= MARGIN_DB else tuple(orders)
    )


def chosen(orders: Sequence[Labels], fits: Fits, sides: Fits, fed: Collection[str]) -> Order | None:
    """Return the order that fits far better than others, if one does.

    Parameters
    ----------
    orders : sequence of tuple of str
        The likelier first.
    fits, sides : dict of (int, str) to float
        Place and label → fit, dB: of labels that stems have, and of others by what an upmix would
        have there.
    fed : collection of str
        Labels that stems have.
    """
    best = min(orders, key=lambda o: _score(o, fits))
    tied = [o for o in orders if _told(o, fed) == _told(best, fed)]
    next_best = min((_score(o, fits) for o in orders if o not in tied), default=0.0)
    if next_best < _score(best, fits) + MARGIN_DB:
        # The stems alone do not tell: what else is in the file may.
        tied = _by_all(orders, fits, sides)
    if not tied or _mean(tied[0], fits) > EXPLAINED_DB:
        return None
    return _among(tied, orders, fits, sides, fed)


def _by_all(orders: Sequence[Labels], fits: Fits, sides: Fits) -> list[Labels]:
    """Return the order that fits best by stems, and with an upmix far better than any other."""
    total = {o: _score(o, fits) + _score(o, sides) for o in orders}
    best, *others = sorted(orders, key=total.__getitem__)
    is_best = _score(best, fits) <= min(_score(o, fits) for o in orders) + _NEARLY_DB
    is_clear = all(total[o] >= total[best] + 2 * MARGIN_DB for o in others)
    return [best] if is_best and is_clear else []


def _among(
    tied: list[Labels], orders: Sequence[Labels], fits: Fits, sides: Fits, fed: Collection[str]
) -> Order:
    """Return the likeliest of orders that differ in nothing that stems have."""
    tied = sorted(tied, key=lambda o: _score(o, sides))
    likeliest, untold = tied[0], _exchangeable(tied[0], sides, fed)
    if len(tied) > 1 and _score(tied[1], sides) < _score(tied[0], sides) + MARGIN_DB:
        likeliest = next(o for o in orders if o in tied)
        untold = {lb for place, lb in enumerate(likeliest) if len({o[place] for o in tied}) > 1}
    unexplained = unexplained_labels(_sounding(likeliest, fits))
    if unexplained:  # where they are then, a channel that no stem has may be as well
        untold |= {*unexplained, *(lb for lb in likeliest if lb not in fed)}
    mean = _mean(likeliest, fits)
    return Order(likeliest, mean, tuple(lb for lb in likeliest if lb in untold))


def _sounding(order: Labels, fits: Fits) -> dict[str, float]:
    return {lb: fits[place, lb] for place, lb in enumerate(order) if (place, lb) in fits}


def _mean(order: Labels, fits: Fits) -> float:
    return _score(order, fits) / max(1, len(_sounding(order, fits)))


def _exchangeable(order: Labels, sides: Fits, fed: Collection[str]) -> set[str]:
    """Return the labels that no stem has and that fit far better in each other's places."""
    unfed = [(place, label) for place, label in enumerate(order) if label not in fed]
    return {
        label
        for (a, one), (b, other) in combinations(unfed, 2)
        if sum(sides.get(at, 0.0) for at in ((a, other), (b, one)))
        < sum(sides.get(at, 0.0) for at in ((a, one), (b, other))) - MARGIN_DB
        for label in (one, other)
    }


def unexplained_labels(fits: Mapping[str, float]) -> list[str]:
    """Return the labels that fit far worse than the others of their order."""
    mean = sum(fits.values()) / max(1, len(fits))
    return [label for label, db in fits.items() if db > max(mean / 3, EXPLAINED_DB)]


def _told(order: Labels, fed: Collection[str]) -> Labels:
    return tuple(label if label in fed else "" for label in order)
