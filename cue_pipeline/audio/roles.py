"""Which groups of a cue are mixes: the name proposes, the sum decides, and it is said how.

A mix is what all other groups add up to. Where one is found to the last bits
(:data:`cue_pipeline.audio.sums.SUM_DB`), it decides for all others: what adds up to it are stems,
whatever their names; what it mixes down to is a fold-down; another balance of the same stems under
a mix's name is an old mix. An ordinary final mix went through limiters and reverbs and is no exact
sum: there names lead, and sound only corrects what it plainly contradicts. A stem that is the sum
of some others (a submix) is never taken for the mix.

Silence proves nothing: a group that is not heard keeps what its name says.
"""

from collections.abc import Sequence
from dataclasses import replace

from cue_pipeline.audio.mix_faults import with_faults
from cue_pipeline.audio.mix_names import Cast, NamedGroup, has_mix_word, named_roles, read_names
from cue_pipeline.audio.sums import COPY_DB, EXPLAINED_DB, FOLD_DB, SUM_DB, Sum, Sums

_NAMED_FOLD_DB = -5.0  # where the name says so too: a limiter lies between
_UNEXPLAINED_DB = -2.0
_MOST_TRIED = 32  # of the loudest groups that no name calls a mix
_TAKES_PART = 0.01  # a stem 20 dB down is still in the mix


def cast_groups(names: Sequence[str], patterns: Sequence[str], sums: Sums) -> list[Cast]:
    """Return what each group is.

    Parameters
    ----------
    names : sequence of str
        Of all stems and mixes of the cue.
    patterns : sequence of str
        A name that holds one, in any case, says that the group is a final mix.
    sums : Sums
        Of the same groups.
    """
    return _Casting(read_names(names, patterns), sums).all()


class _Casting:
    """The groups of one cue while they are told apart."""

    def __init__(self, named: Sequence[NamedGroup], sums: Sums) -> None:
        self.named = named
        self.sums = sums
        self.cast = named_roles(named)
        self.every = range(len(named))
        self.heard = [i for i in self.every if sums.heard[i]]
        self.plain = [i for i in self.heard if not named[i].pattern and not named[i].hinted]

    def all(self) -> list[Cast]:
        if len(self.heard) < 2:
            return with_faults(self.cast, self.named, self.sums)
        found = self._exact()
        if found:
            self._by_sum(*found)
        else:
            self._by_likeness()
        return with_faults(self.cast, self.named, self.sums)

    # -- a mix that is the exact sum

    def _exact(self) -> tuple[int, Sum] | None:
        """Return the group that all others add up to, best named first."""
        loudest = sorted(self.plain, key=lambda i: -float(self.sums.power[i]))[:_MOST_TRIED]
        candidates = sorted(
            (i for i in self.heard if self.named[i].pattern or self.named[i].hinted),
            key=lambda i: (
                not self.named[i].pattern,
                len(self.named[i].own),
                len(self.named[i].name),
            ),
        )
        found: list[tuple[int, int, int, int, Sum]] = []
        for i in [*candidates, *loudest]:
            total = self._sum_of(i)
            if total.left_db <= SUM_DB and len(total.parts) > 1:
                strange = sum(not self._comes_from(x, i, total.parts) for x in total.left_out)
                if not strange or self._may_lack_stems(i, total.parts):
                    found.append((strange, -len(total.parts), len(found), i, total))
        if not found:
            return None
        *_, i, total = min(found, key=lambda row: row[:3])
        return i, total

    def _may_lack_stems(self, one: int, parts: Sequence[int]) -> bool:
        """Return whether a name alone says that it is no submix, though stems are missing in it."""
        name = self.named[one]
        return bool(name.pattern) and (
            not name.own or not any(self.named[part].pattern for part in parts)
        )

    def _sum_of(self, whole: int) -> Sum:
        """Return a group as the sum of others, copies of it left out."""
        copies = self._copies(whole)
        others = [i for i in self.heard if i != whole and i not in copies]
        plain = [i for i in others if i in self.plain]
        first = self.sums.sum_of(whole, plain)
        if first.left_db <= SUM_DB and len(first.parts) > 1:
            rest = tuple(i for i in others if i not in plain)
            return replace(first, left_out=(*first.left_out, *rest, *copies))
        total = self.sums.sum_of(whole, others)
        return replace(total, left_out=(*total.left_out, *copies))

    def _copies(self, whole: int) -> list[int]:
        return [i for i in self.heard if i != whole and self.sums.left_of_copy(whole, i) <= COPY_DB]

    def _comes_from(self, one: int, whole: int, parts: Sequence[int]) -> bool:
        """Return whether a group is made of what is in a mix already."""
        return (
            self.sums.left_of_channels(one, [[whole]]) <= FOLD_DB
            or self.sums.fit(one, parts)[0] <= FOLD_DB
        )

    def _by_sum(self, mix: int, total: Sum) -> None:
        proposed = bool(self.named[mix].pattern or self.named[mix].hinted)
        self.cast[mix] = Cast("mix", "name and sum" if proposed else "sum", self._promoted(mix))
        for i in self.every:
            if i in total.parts:
                self.cast[i] = Cast("stem", "sum", self._demoted(i, mix))
            elif i != mix and self.sums.heard[i]:
                self.cast[i] = self._beside(i, mix, total.parts)

    def _promoted(self, mix: int) -> tuple[str, ...]:
        name = self.named[mix]
        if name.pattern:
            return ()
        return (
            f"'{name.name}' is what the other stems add up to: it is taken as the mix, though its "
            "name holds none of CUE_FINAL_MIX_PATTERNS.",
        )

    def _demoted(self, stem: int, mix: int) -> tuple[str, ...]:
        name = self.named[stem]
        if not name.pattern:
            return ()
        return (
            f"'{name.name}' holds '{name.pattern}' as a mix's name does, but "
            f"'{self.named[mix].name}' is the sum of it and others: it is taken as a stem.",
        )

    def _beside(self, one: int, mix: int, stems: Sequence[int]) -> Cast:
        """Return what a group is that is neither the mix nor in its sum."""
        name, main = self.named[one], self.named[mix].name
        named = bool(name.pattern or name.hinted)
        by = "name and sum" if named else "sum"
        if self.sums.left_of_copy(one, mix) <= COPY_DB:
            return Cast("mix", by, (f"'{name.name}' is the same mix as '{main}'.",))
        if any(self.sums.left_of_copy(one, s) <= COPY_DB for s in stems):
            return Cast("stem", "sum")
        if self._folds(one, mix, named=named):
            return self._made_of(one, mix, by)
        left, shares = self.sums.fit(one, stems)
        in_it = [s for s in stems if shares[s] > _TAKES_PART]
        if named and left <= EXPLAINED_DB and len(in_it) > 1:
            return self._old(one, mix, by)
        if left <= FOLD_DB and len(in_it) == len(stems):
            return self._old(one, mix, by)
        if name.pattern and not self._is_part_by_name(one, mix, left):
            return self._old(one, mix, "name") if self.named[mix].pattern else Cast("mix")
        return self._stem_named_like_a_mix(one)

    def _is_part_by_name(self, one: int, mix: int, left: float) -> bool:
        """Return whether a group is named as the stems of this mix are, and sounds as no mix."""
        return bool(self.named[one].own) and not self.named[mix].own and left > _UNEXPLAINED_DB

    def _folds(self, one: int, mix: int, *, named: bool) -> bool:
        limit = _NAMED_FOLD_DB if named else FOLD_DB
        return self.sums.left_of_channels(one, [[mix]]) <= limit

    def _made_of(self, one: int, mix: int, by: str) -> Cast:
        """Return what a group is that the channels of the mix make up."""
        name, main = self.named[one].name, self.named[mix].name
        if len(self.sums.labels[one]) < len(self.sums.labels[mix]):
            note = f"'{name}' is a fold-down of '{main}': it is no stem."
            return Cast("fold-down", by, (note,))
        if self.sums.left_of_copy(one, mix) <= FOLD_DB:
            note = f"'{name}' is the same mix as '{main}', but for its processing: it is no stem."
            return Cast("mix", by, (note,))
        return self._old(one, mix, by)

    def _old(self, one: int, mix: int, by: str) -> Cast:
        note = (
            f"'{self.named[one].name}' holds the same stems as '{self.named[mix].name}' and is not "
            "their sum: it is taken as an old or another mix, not as a stem."
        )
        return Cast("old mix", by, (note,))

    def _stem_named_like_a_mix(self, one: int) -> Cast:
        name = self.named[one]
        if not name.hinted or not has_mix_word(name.name):
            return Cast("stem")
        note = (
            f"'{name.name}' is named like a mix, and its sound is not made of the stems: it is "
            "kept as a stem. If it is a mix, add a part of its name to CUE_FINAL_MIX_PATTERNS."
        )
        return Cast("stem", "name", (note,), note)

    # -- mixes that went through more than a sum

    def _by_likeness(self) -> None:
        proposed = [i for i in self.heard if self.named[i].pattern]
        if len(proposed) > 1:
            self._tell_proposed_apart(proposed)
        mixes = [i for i in self.every if self.cast[i].role == "mix"]
        main = min(
            (i for i in mixes if self.sums.heard[i]),
            key=lambda i: (self.sums.fit(i, self._stems(without=i))[0], len(self.named[i].own)),
            default=None,
        )
        if main is not None:
            for i in mixes:
                if i != main and self.sums.heard[i]:
                    self.cast[i] = self._other_mix(i, main)
        for i in sorted(self.heard, key=lambda i: self.named[i].hinted):
            if not self.named[i].pattern:
                self.cast[i] = self._stem_or_mix(i, main)
                if self.cast[i].role != "stem" and i in self.plain:
                    self.plain.remove(i)

    def _stems(self, without: int) -> list[int]:
        return [i for i in self.plain if i != without]

    def _tell_proposed_apart(self, proposed: Sequence[int]) -> None:
        """Demote what only is named as all groups are: it sounds like none of the others."""
        mix = self._mix_among(proposed)
        if mix is None and not all(self._alone(i, proposed) for i in proposed):
            return
        for i in proposed:
            if i == mix:
                continue
            note = (
                f"'{self.named[i].name}' holds '{self.named[i].pattern}' as a mix's name does, and "
                "so do other groups that it shares no sound with: "
            )
            whole = "" if mix is None else f", '{self.named[mix].name}' as the mix"
            self.cast[i] = Cast("stem", "sound", (f"{note}they are taken as stems{whole}.",))

    def _mix_among(self, proposed: Sequence[int]) -> int | None:
        """Return the one of several proposed mixes that the others, alike in nothing, make up."""
        if len(proposed) < 3:
            return None
        bare = [i for i in proposed if not self.named[i].own]
        for i in bare if len(bare) == 1 else proposed:
            others = [j for j in proposed if j != i]
            if all(self._alone(j, others) for j in others) and (
                len(bare) == 1 or self.sums.fit(i, others)[0] <= EXPLAINED_DB / 2
            ):
                return i
        return None

    def _alone(self, one: int, others: Sequence[int]) -> bool:
        """Return whether a group has words of its own in its name, and sounds like no other."""
        beside = [j for j in (*others, *self.plain) if j != one]
        return bool(self.named[one].own) and all(
            self.sums.left_of_channels(one, [[j]]) > _UNEXPLAINED_DB for j in beside
        )

    def _other_mix(self, one: int, main: int) -> Cast:
        """Return what a group is that only its name calls a mix beside the main one."""
        if self.sums.left_of_copy(one, main) <= COPY_DB:
            note = f"'{self.named[one].name}' is the same mix as '{self.named[main].name}'."
            return Cast("mix", "name", (note,))
        if self._folds(one, main, named=True) and len(self.sums.labels[one]) < len(
            self.sums.labels[main]
        ):
            return self._made_of(one, main, "name and sum")
        stems = self._stems(without=main)
        if stems and self.sums.fit(one, stems)[0] > self.sums.fit(main, stems)[0] + 3.0:
            return self._old(one, main, "name and sum")
        return Cast("mix")

    def _stem_or_mix(self, one: int, main: int | None) -> Cast:
        """Return whether a group that no pattern proposes is a mix all the same."""
        others = [j for j in self._stems(one) if self.sums.left_of_copy(j, one) > FOLD_DB]
        # What an upmix has in channels that no stem has makes it no less a mix.
        fed = {label for s in others for label in self.sums.labels[s]} & set(self.sums.labels[one])
        left, shares = self.sums.fit(one, others, fed or None) if others else (0.0, {})
        several = sum(shares[s] > _TAKES_PART for s in others) > 1
        hinted = self.named[one].hinted
        if self._is_submix(one, others):
            return Cast("stem", "sum")
        if main is not None and self._derived(one, main, others, left, several=several):
            return self._made_of(one, main, "name and sound" if hinted else "sound")
        if several and self._folds_down_the_stems(one, others, hinted=hinted):
            note = (
                f"'{self.named[one].name}' is a fold-down of the sum of the stems: it is no stem."
            )
            return Cast("fold-down", "name and sum" if hinted else "sum", (note,))
        if main is None and self._holds_all(others, left, shares):
            return Cast("mix", "name and sum" if hinted else "sum", self._promoted(one))
        if hinted and several and left <= EXPLAINED_DB and self._covers(others, shares):
            if main is not None:
                return self._old(one, main, "name and sum")
            return Cast("mix", "name and sum", self._promoted(one))
        return self._stem_named_like_a_mix(one)

    def _is_submix(self, one: int, others: Sequence[int]) -> bool:
        """Return whether a group is the exact sum of some stems, and is not named for the cue."""
        total = self.sums.sum_of(one, others)
        if len(total.parts) < 2 or total.left_db > SUM_DB:
            return False
        if self.named[one].own:
            return len(total.parts) < len(others)
        return not self._covers(others, dict.fromkeys(total.parts, 1.0))

    def _derived(
        self, one: int, main: int, others: Sequence[int], left: float, *, several: bool
    ) -> bool:
        """Return whether a group is made of the mix, and not the mix of the group."""
        hinted = self.named[one].hinted
        if not self._folds(one, main, named=hinted):
            return False
        if not others:
            return hinted
        # The other stems make up this group as well as they make up the mix.
        of_mix = self.sums.fit(main, others)[0]
        limit = _UNEXPLAINED_DB if hinted else EXPLAINED_DB / 2
        return several and of_mix <= limit and left <= limit

    def _folds_down_the_stems(self, one: int, others: Sequence[int], *, hinted: bool) -> bool:
        whole = {label for g in others for label in self.sums.labels[g]}
        if len(self.sums.labels[one]) >= len(whole):
            return False
        left = self.sums.left_of_channels(one, [others])
        return left <= (FOLD_DB + _NAMED_FOLD_DB) / 2 if hinted else left <= SUM_DB

    def _covers(self, others: Sequence[int], shares: dict[int, float]) -> bool:
        """Return whether most of what the other stems hold is in a group."""
        power = self.sums.power
        within = sum(float(power[s]) for s in others if shares.get(s, 0.0) > _TAKES_PART)
        return within >= 0.6 * sum(float(power[s]) for s in others)

    def _holds_all(self, others: Sequence[int], left: float, shares: dict[int, float]) -> bool:
        """Return whether a group is every other stem together, but for a limiter's work."""
        return len(others) > 1 and left <= FOLD_DB and all(shares[s] > _TAKES_PART for s in others)
