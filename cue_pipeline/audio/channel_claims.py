"""What files claim to be, and which of their claims hold in each other's company.

A sure spelling set off by a dot or in brackets is believed as it stands ('VLN.L'). Any other
counts only where its partner is there; after a space or a dash ('Perc L' may be 'low'), inside a
name or joined to it, the partner must be of equal length too. A spelling that is also a word needs
more: L and R beside it where it is neither ('LH', 'SL', 'Sub'), and surrounds for what goes beyond
them ('RH' beside L and R alone is a hand).
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import PurePosixPath

from cue_pipeline.audio.channel_names import ChannelName
from cue_pipeline.audio.headers import AudioHeader
from cue_pipeline.audio.spellings import (
    PARTNERS,
    SURE,
    are_mirrored,
    company_needed,
    needs_surrounds,
    read_together,
)

_LOOSE_FORMS = frozenset({"space", "dash", "inside", "joined"})
_PAIRS_OF_WORDS = frozenset({"L", "R", "Mid", "Side", "W", "X", "Y", "Z"})
_SURROUNDS = frozenset({"Ls", "Rs", "Lss", "Rss", "Lsr", "Rsr"})
_FOLD_DOWNS = {"lt": "LtRt", "rt": "LtRt", "lo": "LoRo", "ro": "LoRo"}


@dataclass(frozen=True, slots=True)
class Claim:
    """A file that says it is one channel of something."""

    header: AudioHeader
    said: ChannelName
    by: str

    @property
    def sure(self) -> bool:
        """Whether its spelling is nothing but a channel."""
        return self.said.token in SURE


def told_apart(cluster: Sequence[Claim]) -> list[list[Claim]]:
    """Split claims of one name into parts in which no label occurs twice.

    They are split by the ways in which the files differ: copies from what they are copies of,
    WAV from AIFF, fold-downs (Lt Rt, Lo Ro) from L and R, spellings, separators, rates.
    """
    words = {claim.said.token: claim.said.label for claim in cluster}
    read = read_together(words)
    parts = [[replace(c, said=replace(c.said, label=read[c.said.token])) for c in cluster]]
    for way in (_copy, _suffix, _fold_down, _spelling, _form, _rate):
        if all(_all_differ(part) for part in parts):
            return parts
        parts = [finer for part in parts for finer in _split(part, way)]
    return [finer for part in parts for finer in _one_of_each(part)]


def _all_differ(part: Sequence[Claim]) -> bool:
    return len({claim.said.label for claim in part}) == len(part)


def _copy(claim: Claim) -> Hashable:
    return claim.said.copy


def _suffix(claim: Claim) -> Hashable:
    return PurePosixPath(claim.header.file).suffix.lower()


def _fold_down(claim: Claim) -> Hashable:
    return _FOLD_DOWNS.get(claim.said.token)


def _spelling(claim: Claim) -> Hashable:
    return claim.said.base


def _form(claim: Claim) -> Hashable:
    return claim.said.form


def _rate(claim: Claim) -> Hashable:
    return claim.header.sample_rate, claim.header.frames


def _split(part: list[Claim], way: Callable[[Claim], Hashable]) -> list[list[Claim]]:
    if _all_differ(part):
        return [part]
    finer: dict[Hashable, list[Claim]] = defaultdict(list)
    for claim in part:
        finer[way(claim)].append(claim)
    return list(finer.values())


def _one_of_each(part: Sequence[Claim]) -> list[list[Claim]]:
    """Deal repeated labels out: the first of each together, then the second of each …."""
    rounds: list[dict[str, Claim]] = []
    for claim in part:
        home = next((r for r in rounds if claim.said.label not in r), None)
        if home is None:
            home = {}
            rounds.append(home)
        home[claim.said.label] = claim
    return [list(r.values()) for r in rounds]


def believed(part: Sequence[Claim]) -> tuple[list[Claim], list[Claim]]:
    """Return the claims that hold, and those that may as well be words of a name."""
    held = list(part)
    while True:
        doubted = [c for c in held if not _holds(c, held)]
        if not doubted:
            break
        held = [c for c in held if c not in doubted]
    if len(held) == 1 and held[0].said.label not in {"L", "R", "LFE"}:
        held = []  # a lone surround is no layout
    return held, [c for c in part if c not in held]


def _holds(claim: Claim, among: Sequence[Claim]) -> bool:
    if claim.said.certain:
        return True
    label, others = claim.said.label, {c.said.label: c for c in among}
    partners = PARTNERS.get(label, ())
    needed = partners if claim.sure else company_needed(label)
    if not needed or any(p not in others for p in needed):
        return False
    if not claim.sure and needs_surrounds(label) and not _SURROUNDS & set(others):
        return False
    if label in {"Mid", "Side"} and len(others) > 2:
        return False
    if not claim.sure and not _mirrored(claim, others):
        return False
    strict = claim.said.form in _LOOSE_FORMS or (not claim.sure and label in _PAIRS_OF_WORDS)
    return not strict or all(as_long(claim.header, others[p].header) for p in partners)


def _mirrored(claim: Claim, others: dict[str, Claim]) -> bool:
    """Return whether the other side of a claim is spelt as it is."""
    label = claim.said.label
    other = PARTNERS[label][0] if len(PARTNERS.get(label, ())) == 1 else None
    return other is None or are_mirrored(claim.said.token, others[other].said.token)


def as_long(one: AudioHeader, other: AudioHeader) -> bool:
    """Return whether two files are of equal length, as far as both can be read."""
    if one.fault or other.fault:
        return True
    return Fraction(one.frames, one.sample_rate) == Fraction(other.frames, other.sample_rate)


def fold_down_of(part: Sequence[Claim]) -> str | None:
    """Return LtRt or LoRo where claims are the two channels of such a fold-down, or None."""
    kinds = {_FOLD_DOWNS.get(claim.said.token) for claim in part}
    return kinds.pop() if len(kinds) == 1 else None
