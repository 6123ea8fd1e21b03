"""Where groups begin by their sound, when their time references say nothing or something else.

Stems are looked for in the mix. As long as every loud group takes part in the mix where its
reference puts it, nothing is looked for. A group that takes no part is searched over its whole
length, and moved where the mix is then explained by far more; otherwise it stays, and its start is
as unknown as it was.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cue_pipeline.audio.excerpts import products_of
from cue_pipeline.audio.grouping import ChannelGroup
from cue_pipeline.audio.lags import coarse_signal, exact_start, likely_lags, start_seconds
from cue_pipeline.audio.mel_filters import Float32Array
from cue_pipeline.audio.sums import Sums

_LOST_SHARE = 0.02  # of its own power: 17 dB down, a stem hardly takes part
_LOST_BESIDE = 0.05  # of the share that stems usually have in the mix
_LEAST_SHARE = 0.1
_LIKE_DB = -1.5
_COPY_DB = -12.0  # what is so like the mix is another mix, and explains it alone
_FOUND_LIKE_DB = -6.0
_QUIET = 1e-3  # re the mix: what is 30 dB below it cannot be looked for
_LEAST_GAIN = 0.3  # of the power that a group has in the mix where it is put
_ELSEWHERE_SECONDS = (0.0031, -0.0047, 0.037, -0.053)  # where chance and held chords fit as well
_AT_ONCE = 0.5  # of the stems' power: so many lost ones move together, with the mix
_EXPLAINED_DB = -3.0  # of the mix, by all stems: else nothing is moved
_SETTLING_DB = 0.2
_MOST_SEARCHED = 24
_GIVE_UP_AFTER = 4  # of the loudest: then the mix is of other music


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the groups of a cue begin on one clock.

    Attributes
    ----------
    seconds : tuple of float
    moved : frozenset of int
        Groups that the sound puts elsewhere than their references or names.
    agreed : frozenset of int
        Groups that are heard in the mix where they now stand, the mix with them.
    sums : Sums
        Of excerpts at those places.
    """

    seconds: tuple[float, ...]
    moved: frozenset[int]
    agreed: frozenset[int]
    sums: Sums


def placed_by_sound(
    folder: Path,
    groups: Sequence[ChannelGroup],
    seconds: Sequence[float],
    likeliest_mix: Callable[[Sums], int | None],
) -> Placed:
    """Return where groups begin, those that the mix does not hold there looked for.

    Parameters
    ----------
    folder : Path
        The cue's.
    groups : sequence of ChannelGroup
    seconds : sequence of float
        Where each begins, as far as is known.
    likeliest_mix : callable
        Which group is the mix, as names say.
    """
    here = Placed(tuple(seconds), frozenset(), frozenset(), _sums(folder, groups, seconds))
    mix = likeliest_mix(here.sums)
    if mix is None:
        return here
    return _Search(folder, groups, mix).run(here)


def _sums(folder: Path, groups: Sequence[ChannelGroup], seconds: Sequence[float]) -> Sums:
    return Sums(products_of(folder, groups, seconds), len(groups))


class _Search:
    """The search for the groups of one cue in its mix."""

    def __init__(self, folder: Path, groups: Sequence[ChannelGroup], mix: int) -> None:
        self.folder, self.groups, self.mix = folder, groups, mix
        self.rate = groups[mix].sample_rate
        self._mixed: Float32Array | None = None
        self._origin = 0.0
        self._copies: set[int] = set()

    def run(self, here: Placed) -> Placed:
        found = self._searched(here)
        # Music of one key and tempo fits by chance somewhere; not so that all explain the mix.
        if found.moved and self._shares(found.sums)[0] > _EXPLAINED_DB:
            found = here
        return replace(found, agreed=frozenset(self._agreed(found.sums)))

    def _searched(self, here: Placed) -> Placed:
        self._copies = {
            i
            for i in range(len(self.groups))
            if i != self.mix and here.sums.left_of_channels(i, [[self.mix]]) <= _COPY_DB
        }
        lost = self._lost(here.sums)
        power = here.sums.power
        if sum(power[i] for i in lost) > _AT_ONCE * (sum(power) - power[self.mix]):
            here = self._mix_moved(here, lost)
            lost = self._lost(here.sums)
        failed = 0
        for i in lost[:_MOST_SEARCHED]:
            found = self._best(here, i, i)
            failed += found is None
            here = found or here
            if failed >= _GIVE_UP_AFTER and not here.moved:
                break
        return here

    def _shares(self, sums: Sums) -> tuple[float, dict[int, float]]:
        """Return what is left of the mix without its stems, and what part each takes in it."""
        others = [
            i
            for i in range(len(self.groups))
            if i != self.mix and sums.heard[i] and i not in self._copies
        ]
        return sums.fit(self.mix, others)

    def _lost(self, sums: Sums) -> list[int]:
        """Return the loud groups that take no part in the mix where they stand, loudest first."""
        _, shares = self._shares(sums)
        loud = _QUIET * float(sums.power[self.mix])
        usual = sorted(shares.values())[len(shares) // 2] if shares else 0.0
        lost = [
            i
            for i, share in shares.items()
            if share < max(_LOST_SHARE, _LOST_BESIDE * min(usual, 1.0))
            and sums.power[i] > loud
            and sums.left_of_channels(i, [[self.mix]]) > _LIKE_DB
        ]
        return sorted(lost, key=lambda i: -float(sums.power[i]))

    def _agreed(self, sums: Sums) -> list[int]:
        """Return the groups that are heard in the mix where they stand, and the mix."""
        _, shares = self._shares(sums)
        others = [i for i in range(len(self.groups)) if i != self.mix and sums.heard[i]]
        within = [
            i
            for i in others
            if shares.get(i, 0.0) >= _LEAST_SHARE
            or sums.left_of_channels(i, [[self.mix]]) <= _FOUND_LIKE_DB
        ]
        return [self.mix, *within] if within else []

    def _mix_moved(self, here: Placed, lost: Sequence[int]) -> Placed:
        """Move the mix to where one of its loudest lost stems is heard in it."""
        for stem in lost[:_GIVE_UP_AFTER]:
            found = self._best(here, stem, self.mix)
            if found:
                return found
        return here

    def _best(self, here: Placed, stem: int, moving: int) -> Placed | None:
        """Return the groups with a stem at its place in the mix, if there is one.

        Either the stem is moved there or the mix, as ``moving`` says.
        """
        now, mix_start = here.seconds[stem], here.seconds[self.mix]
        places = sorted(self._places(stem, mix_start), key=lambda start: -self._heard(stem, start))
        for start in places[:2]:
            late = start - now
            heard = self._heard(stem, start)
            if heard <= 2.0 * max(self._heard(stem, start + away) for away in _ELSEWHERE_SECONDS):
                continue
            seconds = list(here.seconds)
            seconds[moving] += late if moving == stem else -late
            sums = _sums(self.folder, self.groups, seconds)
            if self._is_better(here.sums, sums, stem):
                there = Placed(tuple(seconds), here.moved | {moving}, frozenset(), sums)
                return self._settled(there, moving)
        return None

    def _settled(self, here: Placed, moving: int) -> Placed:
        """Return the groups with one at the sample next to its place that explains most."""
        best, (left, _) = here, self._shares(here.sums)
        for samples in (-2, -1, 1, 2):
            seconds = list(here.seconds)
            seconds[moving] += samples / self.rate
            sums = _sums(self.folder, self.groups, seconds)
            if self._shares(sums)[0] < left - _SETTLING_DB:
                left = self._shares(sums)[0]
                best = replace(here, seconds=tuple(seconds), sums=sums)
        return best

    def _places(self, stem: int, mix_start: float) -> list[float]:
        """Return where a stem may begin, on the clock on which the mix begins at ``mix_start``."""
        if self._mixed is None:
            self._mixed = coarse_signal(self.folder, self.groups[self.mix], self.rate)
        signal = coarse_signal(self.folder, self.groups[stem], self.rate)
        self._origin = mix_start
        return [
            exact_start(
                self.folder, self.groups[self.mix], mix_start, self.groups[stem], mix_start + lag
            )
            for lag in start_seconds(likely_lags(self._mixed, signal), self.rate)
        ]

    def _heard(self, stem: int, start: float) -> float:
        """Return which part of the mix's power a stem explains alone where it is put."""
        pair = [self.groups[self.mix], self.groups[stem]]
        sums = _sums(self.folder, pair, [self._origin, start])
        return 1.0 - 10 ** (sums.fit(0, [1])[0] / 10) if sums.heard[0] and sums.heard[1] else 0.0

    def _is_better(self, before: Sums, after: Sums, stem: int) -> bool:
        if after.left_of_channels(stem, [[self.mix]]) <= _FOUND_LIKE_DB:
            return True
        was, _ = self._shares(before)
        left, shares = self._shares(after)
        gained = 10 ** (was / 10) - 10 ** (left / 10)
        share = shares.get(stem, 0.0)
        part = float(after.power[stem]) / max(float(after.power[self.mix]), 1e-30)
        return share >= _LEAST_SHARE and gained >= _LEAST_GAIN * min(share * part, 1.0)
