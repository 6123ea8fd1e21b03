"""Which order interleaved channels have, where no word says it: the one in which stems add up.

A mix's right channel holds the stems' right channels. Of the orders in which programs write, the
true one lets stems explain every channel of the mix; in another, channels stay unexplained. First
the mix's order is found by the stems whose channels are known; then, by the mix, that of stems.
Nothing is taken that is not far better than the next: what is nearly mono fits in any order.

Conventions
-----------
Fits are those of :mod:`.order_fits`. A mono stem may be in any channel and says nothing; neither
does another file of unknown order, whose channel at the same place is taken away first. In channels
that no stem has, an upmix tells its sides: left ones hold more of the stems' left.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from cue_pipeline.audio.channel_names import natural_key
from cue_pipeline.audio.excerpts import Products
from cue_pipeline.audio.grouping import Channel, ChannelGroup
from cue_pipeline.audio.layouts import KNOWN_ORDERS, film_position, layout_of
from cue_pipeline.audio.mix_names import likeliest_mix, read_names
from cue_pipeline.audio.order_fits import (
    EXPLAINED_DB,
    MARGIN_DB,
    Fits,
    Labels,
    Order,
    chosen,
    fit_db,
    unexplained_labels,
    with_measured,
)
from cue_pipeline.audio.sums import Sums

_SILENT = 1e-6  # of the power of the loudest channel
_NOTHING_LEFT = 1e-4  # of a channel, by what says nothing of orders
_FEWEST = 3
_MOST_WHOLES = 2  # tried as the mix where no name says which it is
_MOST_ALONE = 24  # stems whose order is tried for itself
_MOST_ROWS = 64  # of files whose order is not known either


def has_open_order(group: ChannelGroup) -> bool:
    """Return whether the order of a group's channels is a guess or a setting's, not a word's."""
    guessed = group.open_order is not None or group.grouping.get("layout_from") == "setting"
    return guessed and bool(_orders(len(group.channels)))


def with_heard_orders(
    groups: Sequence[ChannelGroup], patterns: Sequence[str], products: Products
) -> list[ChannelGroup]:
    """Return the groups, those of unknown order in the one in which they add up.

    Parameters
    ----------
    groups : sequence of ChannelGroup
        Stems and mixes of a cue.
    patterns : sequence of str
        What names of final mixes hold.
    products : Products
        Of the same groups.
    """
    found = _Search(groups, patterns, products).orders()
    return [_in_order(g, found[i]) if i in found else g for i, g in enumerate(groups)]


@cache
def _orders(count: int) -> tuple[Labels, ...]:
    """Return the orders of so many channels, the likelier first; none of fewer than three."""
    found = (order[count] for order in KNOWN_ORDERS.values() if count in order)
    return tuple(dict.fromkeys(found)) if count >= _FEWEST else ()


def _by_place(group: ChannelGroup) -> list[Channel]:
    """Return the channels as they stand in their file, or as their files are numbered."""
    return sorted(group.channels, key=lambda c: (natural_key(c.file), c.index))


class _Search:
    """The groups of one cue while their orders are looked for."""

    def __init__(
        self, groups: Sequence[ChannelGroup], patterns: Sequence[str], products: Products
    ) -> None:
        self.groups = groups
        names = [g.canonical_name for g in groups]
        heard = Sums(products, len(groups))
        self.power = heard.power
        self.is_mix = [bool(n.pattern or n.hinted) for n in read_names(names, patterns)]
        self.mix = likeliest_mix(names, patterns, heard)
        self.rows = {
            i: {c.label: heard.labels[i][c.label] for c in _by_place(g)}
            for i, g in enumerate(groups)
            if heard.heard[i]
        }
        self.open = {i for i in self.rows if has_open_order(groups[i])}
        self.of_row = products.gram.diagonal().real
        pairs = {
            i: (r["L"], r["R"])
            for i, r in self.rows.items()
            if i not in self.open and {"L", "R"} <= r.keys()
        }
        both, middles = _with_middles(products, list(pairs.values()))
        self.middles = dict(zip(pairs, middles, strict=True))
        self.sums = Sums(both, len(groups) + 1)

    def orders(self) -> dict[int, Order]:
        """Return the orders that are found, by index of the group."""
        found: dict[int, Order] = {}
        for whole in self._wholes():
            if order := self._of_whole(whole):
                found[whole] = order
                self._settle(whole, order.labels)
                self.mix = whole if self.mix is None else self.mix
        mix = self.mix
        if mix is not None and mix in self.rows and mix not in self.open:
            for count in sorted({len(self.rows[i]) for i in self.open}, reverse=True):
                found |= self._of_stems(mix, count, found.get(mix))
        return found

    def _settle(self, one: int, labels: Labels) -> None:
        self.open.discard(one)
        self.rows[one] = dict(zip(labels, self.rows[one].values(), strict=True))

    def _wholes(self) -> list[int]:
        """Return the groups of unknown order that may be the mix."""
        named = sorted(i for i in self.open if self.is_mix[i])
        if named or self.mix is not None:
            return named
        return sorted(self.open, key=lambda i: -float(self.power[i]))[:_MOST_WHOLES]

    # -- a mix, by stems whose channels are known

    def _of_whole(self, whole: int) -> Order | None:
        rows = list(self.rows[whole].values())
        orders = _orders(len(rows))
        labels = {label for order in orders for label in order}
        parts = [i for i in self.rows if i != whole and not self._is_of_the_mix(i, whole)]
        known = [i for i in parts if i not in self.open]
        fed = self._sounding(
            {lb: [r for i in known if (r := self.rows[i].get(lb)) is not None] for lb in labels}
        )
        anywhere = [r for i in known for lb, r in self.rows[i].items() if lb not in labels]
        beside = [
            anywhere + [r for i in parts if i in self.open for r in self._at_place(i, place, rows)]
            for place in range(len(rows))
        ]
        fits = self._fits(rows, beside, fed)
        middles = [self.middles[i] for i in known if i in self.middles]
        sides = self._fits(rows, beside, _sides(fed, middles, labels))
        return chosen(with_measured(orders, fits, fed), fits, sides, fed)

    def _is_of_the_mix(self, one: int, whole: int) -> bool:
        """Return whether a group is another mix, and tells nothing of the channels of this one."""
        unknown = one in self.open or len(self.rows[one]) < len(self.rows[whole])
        return self.is_mix[one] and self.is_mix[whole] and unknown

    def _at_place(self, one: int, place: int, rows: Sequence[int]) -> list[int]:
        """Return the channels of a file of unknown order that may be in one of another's."""
        there = list(self.rows[one].values())
        return [there[place]] if len(there) == len(rows) else there[:_MOST_ROWS]

    def _sounding(self, by_label: Mapping[str, list[int]]) -> dict[str, list[int]]:
        loudest = max((self.of_row[r] for rows in by_label.values() for r in rows), default=0.0)
        found = {
            label: [r for r in rows if self.of_row[r] > _SILENT * loudest]
            for label, rows in by_label.items()
        }
        return {label: rows for label, rows in found.items() if rows}

    def _fits(
        self,
        rows: Sequence[int],
        beside: Sequence[Sequence[int]],
        by_label: Mapping[str, Sequence[int]],
    ) -> Fits:
        """Return how the channels of each label fit each place.

        There is no fit of a place whose sound is explained without any.
        """
        loudest = max(float(self.of_row[r]) for r in rows)
        fits: Fits = {}
        for place, row in enumerate(rows):
            power = float(self.of_row[row])
            if power <= _SILENT * loudest:
                fits |= {(place, label): 0.0 for label in by_label}
                continue
            without = self.sums.left_of_row(row, beside[place])
            if without <= _NOTHING_LEFT * power:
                continue
            for label, there in by_label.items():
                left = self.sums.left_of_row(row, [*beside[place], *there])
                fits[place, label] = fit_db(left, without)
        return fits

    # -- stems, by a mix whose channels are known

    def _of_stems(self, mix: int, count: int, of_mix: Order | None) -> dict[int, Order]:
        members = [i for i in self.open if len(self.rows[i]) == count and i != mix]
        members = sorted(
            (i for i in members if not self.is_mix[i]), key=lambda i: -float(self.power[i])
        )
        if not members:
            return {}
        start, _ = self._best_of(mix, members, [])
        found = self._each_alone(mix, members, dict.fromkeys(members, start))
        if any(order.labels != start for order in found.values()):  # they were in others' way
            taken = {i: found[i].labels if i in found else start for i in members}
            found = self._each_alone(mix, members, taken)
        usual = {order.labels for order in found.values()} or ({of_mix.labels} if of_mix else set())
        if len(usual) == 1 and len(next(iter(usual))) == count:
            of = self.groups[mix].canonical_name
            found |= {i: Order(next(iter(usual)), None, of=of) for i in members if i not in found}
        for i, heard in found.items():
            self._settle(i, heard.labels)
        return found

    def _each_alone(
        self, mix: int, members: Sequence[int], taken: Mapping[int, Labels]
    ) -> dict[int, Order]:
        """Return the orders that single stems tell, the others in those that are taken."""
        found: dict[int, Order] = {}
        for one in members[:_MOST_ALONE]:
            others = [(i, labels) for i, labels in taken.items() if i != one]
            labels, left = self._best_of(mix, [one], others)
            if left is not None:
                found[one] = Order(labels, left)
        return found

    def _best_of(
        self, mix: int, members: Sequence[int], others: Sequence[tuple[int, Labels]]
    ) -> tuple[Labels, float | None]:
        """Return the order of some stems that explains most of a mix, and what it leaves, dB.

        That is None where it does not explain enough, or another one nearly as much.
        """
        orders = _orders(len(self.rows[members[0]]))
        without = {
            lb: (r, self._beside(mix, lb, members, others)) for lb, r in self.rows[mix].items()
        }
        loudest = max(float(self.of_row[r]) for r, _ in without.values())
        heard = {
            label: (row, beside, left)
            for label, (row, beside) in without.items()
            if self.of_row[row] > _SILENT * loudest
            and (left := self.sums.left_of_row(row, beside)) > _NOTHING_LEFT * self.of_row[row]
        }
        fits = {
            order: {
                label: fit_db(
                    self.sums.left_of_row(row, [*beside, *self._labelled(members, order, label)]),
                    left,
                )
                for label, (row, beside, left) in heard.items()
                if label in order
            }
            for order in orders
        }
        total = {order: sum(fit.values()) for order, fit in fits.items()}
        best, *rest = sorted(orders, key=total.__getitem__)
        mean = total[best] / max(1, len(fits[best]))
        is_clear = (
            mean <= EXPLAINED_DB
            and all(total[o] >= total[best] + MARGIN_DB for o in rest)
            and not unexplained_labels(fits[best])
        )
        return best, mean if is_clear else None

    def _beside(
        self, mix: int, label: str, members: Sequence[int], others: Sequence[tuple[int, Labels]]
    ) -> list[int]:
        """Return what else may be in a channel of a mix."""
        known = [i for i in self.rows if i not in self.open and i != mix and not self.is_mix[i]]
        found = [
            r
            for i in known
            for lb, r in self.rows[i].items()
            if lb == label or lb not in self.rows[mix]
        ]
        found += [r for i, order in others for r in self._labelled([i], order, label)]
        taken = {*members, *(i for i, _ in others)}
        unknown = [i for i in self.open if i not in taken and i != mix and not self.is_mix[i]]
        return found + [r for i in unknown for r in self.rows[i].values()][:_MOST_ROWS]

    def _labelled(self, members: Sequence[int], order: Labels, label: str) -> list[int]:
        if label not in order:
            return []
        return [list(self.rows[i].values())[order.index(label)] for i in members]


def _sides(
    fed: Mapping[str, list[int]], middles: list[int], labels: Collection[str]
) -> dict[str, list[int]]:
    """Return what an upmix has in channels that no stem has: their side, or both alike."""
    if not {"L", "R"} <= fed.keys():
        return {}
    of_side = {"L": fed["L"], "R": fed["R"]}
    return {
        label: of_side.get(label[0], middles)
        for label in labels
        if label not in fed and label != "LFE"
    }


def _with_middles(
    products: Products, pairs: Sequence[tuple[int, int]]
) -> tuple[Products, list[int]]:
    """Return the products with a row more for the sum of each pair of channels."""
    n, group = len(products.voices), 1 + max((g for g, _ in products.voices), default=0)
    both = np.zeros((n + len(pairs), n))
    both[:n] = np.eye(n)
    for i, pair in enumerate(pairs):
        both[n + i, list(pair)] = 1.0
    voices = (*products.voices, *((group, str(i)) for i in range(len(pairs))))
    return Products(voices, both @ products.gram @ both.T), list(range(n, n + len(pairs)))


# -- what is said of it


def _in_order(group: ChannelGroup, order: Order) -> ChannelGroup:
    """Return a group with its channels in the order that was heard; a setting's stays, doubted."""
    channels = _by_place(group)
    if group.open_order is None:
        return _held_against(group, [c.label for c in channels], order)
    labelled = [replace(c, label=lb) for c, lb in zip(channels, order.labels, strict=True)]
    labelled.sort(key=lambda c: film_position(c.label))
    layout, missing = layout_of(order.labels)
    told = tuple(_doubts(group, order))
    grouping = {
        **group.grouping,
        "layout_from": "sum" if order.of is None else "mix",
        "labels": [c.label for c in labelled],
        "order": {"channels": list(order.labels), "left_db": _rounded(order.left_db)},
    }
    grouping.pop("assumption", None)
    return replace(
        group,
        channels=tuple(labelled),
        layout=f"{len(labelled)} discrete" if missing else layout,
        grouping=grouping,
        warnings=(*(w for w in group.warnings if w != group.open_order), *told),
        open_order=told[0] if told else None,
    )


def _rounded(db: float | None) -> float | None:
    return None if db is None else round(db, 1)


def _doubts(group: ChannelGroup, order: Order) -> Iterator[str]:
    spelt, name = " ".join(order.labels), group.canonical_name
    cure = "Export it with a channel layout, or as split files."
    if order.of:
        yield (
            f"'{name}' holds {len(order.labels)} channels, nothing says which is which, and its "
            f"sound does not tell: the order of '{order.of}' and its stems ({spelt}) is taken. "
            f"{cure}"
        )
    elif order.untold:
        sure = " ".join(label for label in order.labels if label not in order.untold)
        yield (
            f"'{name}' holds {len(order.labels)} channels and nothing says which is which. By the "
            f"stems' sound {sure} are known; which is which of {' '.join(order.untold)} is not: "
            f"the order {spelt} is taken. {cure}"
        )


def _held_against(group: ChannelGroup, labels: Sequence[str], order: Order) -> ChannelGroup:
    """Return a group whose order a setting gave, with a warning where its sound contradicts."""
    others = [
        heard
        for heard, said in zip(order.labels, labels, strict=True)
        if heard != said and heard not in order.untold
    ]
    if not others or order.of:
        return group
    told = (
        f"'{group.canonical_name}' is in the order {' '.join(labels)} by CUE_INTERLEAVED_ORDER, "
        f"and by the sound of mix and stems in {' '.join(order.labels)}: its channels may be "
        "misnamed. Leave the setting empty for the sound to decide, or export it with a channel "
        "layout."
    )
    return replace(group, warnings=(*group.warnings, told))
