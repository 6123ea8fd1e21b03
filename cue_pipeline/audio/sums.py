"""What is the sum of what: least squares on the products of a cue's channels.

Everything is told in dB: what is left of a group when others are taken away from it, re its own
power. −100 dB is a sum to the last bit of 16-bit files, −3 dB lacks half the power, 0 dB is not
explained at all.

Conventions
-----------
Groups are given by their index. A channel adds to the channel of the same label. The place of a
channel that the sum has no such label for (a mono stem in a 5.1 mix) is anybody's guess: it may
add to every channel, at any gain that is not negative.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cue_pipeline.audio.excerpts import Complex128, Products

Float64 = NDArray[np.float64]

# How much of a group may be left for each of these to be so.
SUM_DB = -30.0
"""It is the sum of others: 3 % of its amplitude is left."""
COPY_DB = -40.0
"""It is the same sound as another, at any gain."""
FOLD_DB = -20.0
"""Its channels are made of another's."""
EXPLAINED_DB = -6.0
"""Most of it is made of others, a limiter or reverb between."""

SILENT_DB = -80.0  # re the loudest group: takes no part
_FLOOR_DB = -200.0
_RIDGE = 1e-10
_MOST_LEFT_OUT = 8
_PROMISING_DB = -20.0  # at free gains: what is not even that is no sum
_GOOD_ENOUGH_DB = -50.0
_LEAST_GAIN_DB = 0.05
_IDLE = 1e-4  # a part that is 40 dB below itself in a sum takes no part in it


@dataclass(frozen=True, slots=True)
class Sum:
    """A group as the sum of others.

    Attributes
    ----------
    parts : tuple of int
        The groups that add up to it.
    left_out : tuple of int
        Those that would have to be taken away again.
    left_db : float
        What is left at the best common gain.
    """

    parts: tuple[int, ...]
    left_out: tuple[int, ...]
    left_db: float


class Sums:
    """The groups of one cue, and how they explain each other.

    Parameters
    ----------
    products : Products
    n_groups : int
    """

    def __init__(self, products: Products, n_groups: int) -> None:
        self._gram = products.gram
        self.labels: list[dict[str, int]] = [{} for _ in range(n_groups)]
        for row, (group, label) in enumerate(products.voices):
            self.labels[group][label] = row
        self.power = np.array(
            [sum(self._gram[r, r].real for r in rows.values()) for rows in self.labels]
        )
        counted = products.sounding
        self.sounding = [
            0 if counted is None else max((int(counted[r]) for r in rows.values()), default=0)
            for rows in self.labels
        ]
        loudest = float(self.power.max(initial=0.0))
        # Where nothing sounds, nothing is heard: rounding is no sound.
        self.heard = (self.power > max(loudest * 10 ** (SILENT_DB / 10), 1e-18)).tolist()

    def sum_of(self, whole: int, among: Iterable[int]) -> Sum:
        """Return the groups that a group is the sum of, as near as taking some away can come."""
        parts = [g for g in among if g != whole and self.heard[g]]
        if not parts or self.fit(whole, parts)[0] > _PROMISING_DB:
            return Sum(tuple(parts), (), 0.0)
        left_out: list[int] = []
        best = self.left_of_sum(whole, parts)
        while best > _GOOD_ENOUGH_DB and len(left_out) < _MOST_LEFT_OUT:
            fixed, _ = self._places(whole, parts)
            trials = [(self.left_of_sum(whole, [p for p in parts if p != g]), g) for g in fixed]
            left, worst = min(trials, default=(0.0, -1))
            if left > best - _LEAST_GAIN_DB:
                break
            best = left
            parts.remove(worst)
            left_out.append(worst)
        shares = self.fit(whole, parts)[1]
        idle = [g for g in parts if shares[g] < _IDLE]
        return Sum(tuple(g for g in parts if g not in idle), (*left_out, *idle), best)

    def left_of_sum(self, whole: int, parts: Sequence[int]) -> float:
        """Return what is left of a group without the sum of others, at the best common gain, dB."""
        return self._best_sum(whole, parts)[0]

    def free_gains(self, whole: int, parts: Sequence[int]) -> dict[str, dict[int, float]]:
        """Return the gains of the channels without a place in that sum.

        Returns
        -------
        dict of str to dict of int to float
            Label of the whole's channel → row of the products → gain.
        """
        return self._best_sum(whole, parts)[1]

    def _best_sum(
        self, whole: int, parts: Sequence[int]
    ) -> tuple[float, dict[str, dict[int, float]]]:
        fixed, free = self._places(whole, parts)
        rows = [r for g in free for r in self.labels[g].values()]
        gains = {1.0, self._common_gain(whole, fixed)} if fixed else {1.0}
        return min(
            (self._left_at(gain, whole, fixed, rows) for gain in gains), key=lambda found: found[0]
        )

    def _left_at(
        self, gain: float, whole: int, fixed: Sequence[int], free_rows: Sequence[int]
    ) -> tuple[float, dict[str, dict[int, float]]]:
        left, found = 0.0, {}
        for label, row in self.labels[whole].items():
            signal = self._unit(row)
            for g in fixed:
                if (part := self.labels[g].get(label)) is not None:
                    signal[part] -= gain
            rest, gains = self._left_of_free(signal, free_rows)
            left += rest
            found[label] = dict(zip(free_rows, gains.tolist(), strict=True))
        return self._db(left, float(self.power[whole])), found

    def left_of_inverted_sum(self, whole: int, parts: Sequence[int]) -> float:
        """Return what is left of a group and the sum of others in opposite polarity, dB."""
        gain = self._common_gain(whole, parts)
        return self._left_at(gain, whole, parts, [])[0] if gain < 0.0 else 0.0

    def fit(
        self, whole: int, parts: Sequence[int], within: Collection[str] | None = None
    ) -> tuple[float, dict[int, float]]:
        """Return what is left at the best gains, none negative, and how much each part gives.

        Parameters
        ----------
        whole : int
        parts : sequence of int
        within : collection of str, optional
            Channels of the whole that are looked at; all otherwise.

        Returns
        -------
        left_db : float
        shares : dict of int to float
            Power of each part as it is in the sum, re the power that it has itself.
        """
        left = 0.0
        given = dict.fromkeys(parts, 0.0)
        owner = {r: g for g in parts for r in self.labels[g].values()}
        looked_at = self._within(whole, within)
        for label, row in looked_at.items():
            rows = [
                r
                for g in parts
                for r in (
                    [self.labels[g][label]]
                    if label in self.labels[g]
                    else self.labels[g].values()
                    if not set(self.labels[g]) <= set(self.labels[whole])
                    else []
                )
            ]
            rest, gains = self._left_of_free(self._unit(row), rows)
            left += rest
            for r, gain in zip(rows, gains, strict=True):
                given[owner[r]] += gain**2 * float(self._gram[r, r].real)
        shares = {g: power / max(float(self.power[g]), 1e-30) for g, power in given.items()}
        return self._db(left, self._power_in(looked_at)), shares

    def left_of_row(self, row: int, rows: Sequence[int]) -> float:
        """Return the power left of a channel without others at the best gains, none negative.

        All are rows of the products.
        """
        return self._left_of_free(self._unit(row), rows)[0]

    def left_of_channels(
        self,
        whole: int,
        basis: Sequence[Sequence[int]],
        within: Collection[str] | None = None,
    ) -> float:
        """Return what is left of a group that its channels mix from those of a sum of others, dB.

        Each channel of the basis may add at any gain and phase: so are fold-downs made, Lt/Rt
        with its surrounds turned by 90° among them.

        Parameters
        ----------
        whole : int
        basis : sequence of sequence of int
            Groups, of which each inner sequence is summed label by label.
        within : collection of str, optional
            Channels of the whole that are looked at; all otherwise.
        """
        signals = []
        for groups in basis:
            labels = dict.fromkeys(label for g in groups for label in self.labels[g])
            for label in labels:
                signal = np.zeros(len(self._gram), np.complex128)
                for g in groups:
                    if label in self.labels[g]:
                        signal[self.labels[g][label]] = 1.0
                signals.append(signal)
        b = np.array(signals)
        cross = b @ self._gram @ b.conj().T
        cross += np.eye(len(b)) * _RIDGE * max(float(np.trace(cross).real), 1e-30)
        left = 0.0
        looked_at = self._within(whole, within)
        for row in looked_at.values():
            target = self._gram[row] @ b.conj().T
            gains = np.linalg.solve(cross.T, target)
            explained = float((gains @ target.conj()).real)
            left += max(0.0, float(self._gram[row, row].real) - explained)
        return self._db(left, self._power_in(looked_at))

    def left_of_copy(self, one: int, other: int) -> float:
        """Return what is left of a group without another of the same labels, at one gain, dB."""
        if set(self.labels[one]) != set(self.labels[other]):
            return 0.0
        gain = self._common_gain(one, [other])
        if gain <= 0.0:
            return 0.0
        left = 0.0
        for label, row in self.labels[one].items():
            signal = self._unit(row)
            signal[self.labels[other][label]] -= gain
            left += self._power_of(signal)
        return self._db(left, float(self.power[one]))

    def power_of(self, group: int, label: str) -> float:
        """Return the power of one channel of a group."""
        return float(self._gram[self.labels[group][label], self.labels[group][label]].real)

    def _within(self, whole: int, within: Collection[str] | None) -> dict[str, int]:
        rows = self.labels[whole].items()
        return {label: row for label, row in rows if within is None or label in within}

    def _power_in(self, rows: Mapping[str, int]) -> float:
        return sum(float(self._gram[r, r].real) for r in rows.values())

    def _places(self, whole: int, parts: Sequence[int]) -> tuple[list[int], list[int]]:
        """Return the parts whose channels have their place in the whole, and the others."""
        fixed = [g for g in parts if set(self.labels[g]) <= set(self.labels[whole])]
        return fixed, [g for g in parts if g not in fixed]

    def _common_gain(self, whole: int, parts: Sequence[int]) -> float:
        """Return the gain of the parts' sum that leaves least of the whole."""
        cross = power = 0.0
        for label, row in self.labels[whole].items():
            total = np.zeros(len(self._gram), np.complex128)
            for g in parts:
                if (part := self.labels[g].get(label)) is not None:
                    total[part] = 1.0
            cross += float((self._gram[row] @ total.conj()).real)
            power += self._power_of(total)
        return cross / power if power > 0.0 else 0.0

    def _left_of_free(self, signal: Complex128, rows: Sequence[int]) -> tuple[float, Float64]:
        """Return what is left of a signal without channels at gains that are not negative."""
        whole = self._power_of(signal)
        if not rows or whole <= 0.0:
            return whole, np.zeros(len(rows))
        from scipy.optimize import nnls

        gram = self._gram[np.ix_(rows, rows)].real
        target = (self._gram[rows] @ signal.conj()).real
        values, vectors = np.linalg.eigh(gram)
        keep = values > _RIDGE * max(float(values[-1]), 1e-30)
        roots = np.sqrt(values[keep])
        a = roots[:, None] * vectors[:, keep].T
        gains, _ = nnls(a, (vectors[:, keep].T @ target) / roots)
        left = whole - 2.0 * float(gains @ target) + float(gains @ gram @ gains)
        return max(0.0, left), gains

    def _unit(self, row: int) -> Complex128:
        signal = np.zeros(len(self._gram), np.complex128)
        signal[row] = 1.0
        return signal

    def _power_of(self, signal: Complex128) -> float:
        return max(0.0, float((signal @ self._gram @ signal.conj()).real))

    @staticmethod
    def _db(part: float, whole: float) -> float:
        if whole <= 0.0:
            return 0.0
        return 10.0 * math.log10(max(part / whole, 10 ** (_FLOOR_DB / 10)))
