"""Which groups of a cue are mixes: the name proposes, the sum decides, and it is said how.

A mix is what all other groups add up to. Where one is found to the last bits (:data:`SUM_DB`),
it decides for all others: what adds up to it are stems, whatever their names; what it mixes down
to is a fold-down; another balance of the same stems under a mix's name is an old mix. An ordinary
final mix went through limiters and reverbs and is no exact sum: there names lead, and sound only
corrects what it plainly contradicts. A stem that is the sum of some others (a submix) is never
taken for the mix.

Silence proves nothing: a group that is not heard keeps what its name says.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from cue_pipeline.audio.channel_names import holds_pattern
from cue_pipeline.audio.sums import Sum, Sums

Role = Literal["stem", "mix", "fold-down", "old mix"]

SUM_DB = -30.0
"""A group is the sum of others if no more than this is left: 3 % of its amplitude."""

_COPY_DB = -40.0
_FOLD_DB = -20.0
_NAMED_FOLD_DB = -5.0  # where the name says so too: a limiter lies between
_EXPLAINED_DB = -6.0
_UNEXPLAINED_DB = -2.0
_MOST_TRIED = 32  # of the loudest groups that no name calls a mix
_TAKES_PART = 0.01  # a stem 20 dB down is still in the mix

_VERSION = re.compile(
    r"v?\d+[a-z]?|\d+[ms]\d+[a-z]?(?:v\d+)?|v\d+.*|tk\d*|take|alt\d*|rev\w*|final|prints?|bounced?|mst|master|dup\d*|old|new|orig|"
    r"copy|mix(?:es|down)?|mx|\d+mx|stereo|mono|fold(?:down)?|down(?:mix)?|ltrt|loro|lt|rt|lo|ro|full|"
    r"ref\d*|reference|surround|main|\d+k|\d+b(?:it)?|\d+ch|sum|comp"
)
_MIX_WORDS = re.compile(
    r"\d+mx|mix|mixdown|ltrt|loro|fold(?:down)?|downmix|ref|reference|fullmix|stereomix|refmix"
)


@dataclass(frozen=True, slots=True)
class Cast:
    """What a group is in its cue.

    Attributes
    ----------
    role : {"stem", "mix", "fold-down", "old mix"}
    known_by : str
        ``name``, ``sum``, ``name and sum``, or ``sound`` (likeness to the mix).
    warnings : tuple of str
        What a person should know of it.
    """

    role: Role
    known_by: str = "name"
    warnings: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class _Named:
    """What a group's name says."""

    name: str
    pattern: str | None  # of the final mixes', which it holds
    hinted: bool  # it holds another word that mixes are called by
    own: frozenset[str]  # what is left without the cue's and versions' words


def cast_by_names(names: Sequence[str], patterns: Sequence[str]) -> list[Cast]:
    """Return what names alone say.

    Where every name of three or more groups holds the pattern, and one is the bare mix's, the
    others are its stems.
    """
    return _by_names(_read_names(names, patterns))


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
    return _Casting(_read_names(names, patterns), sums).all()


def likeliest_mix(names: Sequence[str], patterns: Sequence[str], sums: Sums) -> int | None:
    """Return the group that is the mix by its name, None where no name says so.

    Parameters
    ----------
    names, patterns, sums
        As for :func:`cast_groups`.
    """
    named = _read_names(names, patterns)
    candidates = [
        i for i, n in enumerate(named) if (n.pattern or (n.hinted and not n.own)) and sums.heard[i]
    ]
    return min(
        candidates,
        key=lambda i: (not named[i].pattern, bool(named[i].own), -float(sums.power[i])),
        default=None,
    )


def _read_names(names: Sequence[str], patterns: Sequence[str]) -> list[_Named]:
    words = []
    for name in names:
        rest = name.casefold()
        pattern = holds_pattern(name, patterns)
        if pattern:
            rest = rest.replace(pattern.casefold(), " ")
        words.append((pattern, set(re.findall(r"[^\W_]+", rest))))
    count = Counter(word for _, own in words for word in own)
    common = {word for word, n in count.items() if len(names) > 1 and 2 * n > len(names)}
    lefts = [frozenset(w for w in own - common if not _VERSION.fullmatch(w)) for _, own in words]
    called = [
        pattern is not None or any(_MIX_WORDS.fullmatch(w) for w in own - common)
        for pattern, own in words
    ]
    # The one that is named for the cue alone; where several are, they are only numbered.
    bare = [i for i, left in enumerate(lefts) if not left and not called[i]]
    if len(bare) == 1 and len(names) > 2:
        called[bare[0]] = True
    return [
        _Named(name, pattern, pattern is None and is_called, left)
        for name, (pattern, _), is_called, left in zip(names, words, called, lefts, strict=True)
    ]


def _by_names(named: Sequence[_Named]) -> list[Cast]:
    proposed = [n for n in named if n.pattern]
    bare = [n for n in proposed if not n.own]
    split = len(named) > 2 and len(proposed) == len(named) and len(bare) == 1
    return [
        Cast("mix")
        if n.pattern and not (split and n.own)
        else Cast("stem", "name", (_stem_in_spite(n, bare[0].name),) if split else ())
        for n in named
    ]


def _stem_in_spite(one: _Named, mix: str) -> str:
    return (
        f"'{one.name}' holds '{one.pattern}' as a mix's name does, and so do all names of the cue: "
        f"it is taken as a stem, and '{mix}' as the mix."
    )


class _Casting:
    """The groups of one cue while they are told apart."""

    def __init__(self, named: Sequence[_Named], sums: Sums) -> None:
        self.named = named
        self.sums = sums
        self.cast = _by_names(named)
        self.every = range(len(named))
        self.heard = [i for i in self.every if sums.heard[i]]
        self.plain = [i for i in self.heard if not named[i].pattern and not named[i].hinted]

    def all(self) -> list[Cast]:
        if len(self.heard) < 2:
            self._tell_silent_mixes()
            return self.cast
        found = self._exact()
        if found:
            self._by_sum(*found)
        else:
            self._by_likeness()
        self._tell_submixes()
        self._tell_copies()
        self._tell_silent_mixes()
        self._tell_turned_mixes()
        return self.cast

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
        return [
            i for i in self.heard if i != whole and self.sums.left_of_copy(whole, i) <= _COPY_DB
        ]

    def _comes_from(self, one: int, whole: int, parts: Sequence[int]) -> bool:
        """Return whether a group is made of what is in a mix already."""
        return (
            self.sums.left_of_channels(one, [[whole]]) <= _FOLD_DB
            or self.sums.fit(one, parts)[0] <= _FOLD_DB
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
        if self.sums.left_of_copy(one, mix) <= _COPY_DB:
            return Cast("mix", by, (f"'{name.name}' is the same mix as '{main}'.",))
        if any(self.sums.left_of_copy(one, s) <= _COPY_DB for s in stems):
            return Cast("stem", "sum")
        if self._folds(one, mix, named=named):
            return self._made_of(one, mix, by)
        left, shares = self.sums.fit(one, stems)
        in_it = [s for s in stems if shares[s] > _TAKES_PART]
        if named and left <= _EXPLAINED_DB and len(in_it) > 1:
            return self._old(one, mix, by)
        if left <= _FOLD_DB and len(in_it) == len(stems):
            return self._old(one, mix, by)
        if name.pattern and not self._is_part_by_name(one, mix, left):
            return self._old(one, mix, "name") if self.named[mix].pattern else Cast("mix")
        return Cast("stem", "name", self._named_like_a_mix(one))

    def _is_part_by_name(self, one: int, mix: int, left: float) -> bool:
        """Return whether a group is named as the stems of this mix are, and sounds as no mix."""
        return bool(self.named[one].own) and not self.named[mix].own and left > _UNEXPLAINED_DB

    def _folds(self, one: int, mix: int, *, named: bool) -> bool:
        limit = _NAMED_FOLD_DB if named else _FOLD_DB
        return self.sums.left_of_channels(one, [[mix]]) <= limit

    def _made_of(self, one: int, mix: int, by: str) -> Cast:
        """Return what a group is that the channels of the mix make up."""
        name, main = self.named[one].name, self.named[mix].name
        if len(self.sums.labels[one]) < len(self.sums.labels[mix]):
            note = f"'{name}' is a fold-down of '{main}': it is no stem."
            return Cast("fold-down", by, (note,))
        if self.sums.left_of_copy(one, mix) <= _FOLD_DB:
            note = f"'{name}' is the same mix as '{main}', but for its processing: it is no stem."
            return Cast("mix", by, (note,))
        return self._old(one, mix, by)

    def _old(self, one: int, mix: int, by: str) -> Cast:
        note = (
            f"'{self.named[one].name}' holds the same stems as '{self.named[mix].name}' and is not "
            "their sum: it is taken as an old or another mix, not as a stem."
        )
        return Cast("old mix", by, (note,))

    def _named_like_a_mix(self, one: int) -> tuple[str, ...]:
        name = self.named[one]
        if not name.hinted or not any(_MIX_WORDS.fullmatch(w) for w in _words(name.name)):
            return ()
        return (
            f"'{name.name}' is named like a mix, and its sound is not made of the stems: it is "
            "kept as a stem. If it is a mix, add a part of its name to CUE_FINAL_MIX_PATTERNS.",
        )

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
                len(bare) == 1 or self.sums.fit(i, others)[0] <= _EXPLAINED_DB / 2
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
        if self.sums.left_of_copy(one, main) <= _COPY_DB:
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
        others = [j for j in self._stems(one) if self.sums.left_of_copy(j, one) > _FOLD_DB]
        left, shares = self.sums.fit(one, others) if others else (0.0, {})
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
        if hinted and several and left <= _EXPLAINED_DB and self._covers(others, shares):
            if main is not None:
                return self._old(one, main, "name and sum")
            return Cast("mix", "name and sum", self._promoted(one))
        return Cast("stem", "name", self._named_like_a_mix(one))

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
        limit = _UNEXPLAINED_DB if hinted else _EXPLAINED_DB / 2
        return several and of_mix <= limit and left <= limit

    def _folds_down_the_stems(self, one: int, others: Sequence[int], *, hinted: bool) -> bool:
        whole = {label for g in others for label in self.sums.labels[g]}
        if len(self.sums.labels[one]) >= len(whole):
            return False
        left = self.sums.left_of_channels(one, [others])
        return left <= (_FOLD_DB + _NAMED_FOLD_DB) / 2 if hinted else left <= SUM_DB

    def _covers(self, others: Sequence[int], shares: dict[int, float]) -> bool:
        """Return whether most of what the other stems hold is in a group."""
        power = self.sums.power
        within = sum(float(power[s]) for s in others if shares.get(s, 0.0) > _TAKES_PART)
        return within >= 0.6 * sum(float(power[s]) for s in others)

    def _holds_all(self, others: Sequence[int], left: float, shares: dict[int, float]) -> bool:
        """Return whether a group is every other stem together, but for a limiter's work."""
        return len(others) > 1 and left <= _FOLD_DB and all(shares[s] > _TAKES_PART for s in others)

    # -- submixes, copies, silence

    def _tell_submixes(self) -> None:
        stems = [i for i in self.heard if self.cast[i].role == "stem"]
        if len(stems) < 3:
            return
        for i in stems:
            others = [j for j in stems if j != i and self.sums.left_of_copy(i, j) > _COPY_DB]
            total = self.sums.sum_of(i, others)
            if total.left_db <= _COPY_DB and len(total.parts) > 1:
                parts = ", ".join(f"'{self.named[j].name}'" for j in total.parts)
                note = (
                    f"'{self.named[i].name}' is the sum of {parts}: a submix beside its parts. "
                    "What adds stems up counts it twice; remove it, or its parts."
                )
                self.cast[i] = replace(self.cast[i], warnings=(*self.cast[i].warnings, note))

    def _tell_copies(self) -> None:
        """Tell of stems that are the same sound as another, at any gain."""
        stems = sorted(
            # What sounds in one excerpt only may be a 2-pop, which all stems have.
            (i for i in self.heard if self.cast[i].role == "stem" and self.sums.sounding[i] > 1),
            key=lambda i: (len(self.named[i].name), self.named[i].name),
        )
        for n, i in enumerate(stems):
            first = next((j for j in stems[:n] if self.sums.left_of_copy(i, j) <= _COPY_DB), None)
            if first is None:
                continue
            note = (
                f"'{self.named[i].name}' sounds the same as '{self.named[first].name}': what adds "
                "stems up counts it twice, and no track can be told to be in the one and not in "
                "the other. Remove one, or bounce it again if it should be another."
            )
            self.cast[i] = replace(self.cast[i], warnings=(*self.cast[i].warnings, note))

    def _tell_silent_mixes(self) -> None:
        if not any(self.cast[i].role == "stem" for i in self.heard):
            return
        for i in self.every:
            if self.cast[i].role == "mix" and not self.sums.heard[i]:
                note = (
                    f"'{self.named[i].name}' is silent where the stems sound: a mix that holds "
                    "nothing of them. Bounce it again, or remove it."
                )
                self.cast[i] = replace(self.cast[i], warnings=(*self.cast[i].warnings, note))

    def _tell_turned_mixes(self) -> None:
        """Tell of mixes that are the stems' sum upside down, or with its channels exchanged."""
        stems = [i for i in self.heard if self.cast[i].role == "stem"]
        labels = {label for i in stems for label in self.sums.labels[i]}
        for i in self.heard:
            if self.cast[i].role != "mix" or not stems or set(self.sums.labels[i]) != labels:
                continue
            if self.sums.left_of_inverted_sum(i, stems) <= _FOLD_DB:
                what = "is the sum of the stems in opposite polarity"
            elif (
                self.sums.left_of_channels(i, [stems]) <= _FOLD_DB
                and self.sums.fit(i, stems)[0] > _EXPLAINED_DB
            ):
                what = (
                    "is made of the stems' sum, and its channels are not the stems': they are "
                    "exchanged, or labelled in another order"
                )
            else:
                continue
            note = f"'{self.named[i].name}' {what}. See which is right, and bounce the other again."
            self.cast[i] = replace(self.cast[i], warnings=(*self.cast[i].warnings, note))


def _words(name: str) -> Iterable[str]:
    return re.findall(r"[^\W_]+", name.casefold())
