"""Spellings that are channels only where nothing else of their name says what they are.

``OH.M`` and ``OH.S`` are mid and side, unless ``OH.L`` stands beside them (large, medium, small)
or ``Choir.A`` (soprano, mezzo, alto). ``VLN.sx`` and ``VLN.dx`` are an Italian's left and right,
unless there is an ``SHOW.mx``: then they are dialogue, effects and music. V H, G D and L P (vänster
höger, gauche droite, lewy prawy) may be notes or initials, so two names must have the same pair.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from cue_pipeline.audio.channel_claims import Claim
from cue_pipeline.audio.channel_names import stem_of
from cue_pipeline.audio.gathered import folder_of
from cue_pipeline.audio.headers import AudioHeader
from cue_pipeline.audio.spellings import LABELS, LETTERS

_WORD = re.compile(r"[^._\- ()\[\]{}]+")
_SET_OFF = frozenset({"dot", "bracket", "underscore"})
_PARTNERS = {"m": "s", "s": "m", "v": "h", "h": "v", "g": "d", "d": "g", "p": "l"} | {
    "л": "п", "п": "л",
}  # fmt: skip
_FILM_SOUND = frozenset({"mx", "fx", "sfx", "efx", "mus", "music", "me", "vo", "foley", "fol"})
_SIZED = frozenset({"tom", "toms", "taiko", "taikos", "gong", "gongs"})
_Name = tuple[str, tuple[str, ...]]


def only_pairs(
    claims: Sequence[Claim], headers: Iterable[AudioHeader]
) -> tuple[list[Claim], list[Claim]]:
    """Return the claims that may be channels, and those that something else of the name refutes.

    Parameters
    ----------
    claims : sequence of Claim
    headers : iterable of AudioHeader
        Of all audio of the cue.
    """
    beside = _Beside(headers)
    pairs: dict[frozenset[str], set[_Name]] = defaultdict(set)
    for claim in claims:
        if _is_letter(claim, beside) and beside.is_lone_pair(claim):
            pairs[beside.ends(claim)].add(beside.name_of(claim))
    kept: list[Claim] = []
    refuted: list[Claim] = []
    for claim in claims:
        if _is_letter(claim, beside):
            enough = 1 if claim.said.token in {"m", "s"} else 2
            holds = beside.is_lone_pair(claim) and len(pairs[beside.ends(claim)]) >= enough
        else:
            holds = claim.said.token not in {"sx", "dx"} or not beside.is_film_sound(claim)
        (kept if holds else refuted).append(claim)
    return kept, refuted


def _is_letter(claim: Claim, beside: "_Beside") -> bool:
    """Return whether a claim is a letter of this kind; S is one only beside nothing but M."""
    spelt = claim.said.token
    return spelt in LETTERS or (spelt == "s" and beside.ends(claim) == {"m", "s"})


class _Beside:
    """Which words stand in the same place of files that are named alike up to there."""

    def __init__(self, headers: Iterable[AudioHeader]) -> None:
        self._next: dict[_Name, set[str]] = defaultdict(set)
        self._last: dict[_Name, set[str]] = defaultdict(set)
        for header in headers:
            folder, words = folder_of(header).casefold(), _words(header)
            for at, word in enumerate(words):
                name = folder, tuple(words[:at])
                self._next[name].add(word)
                if all(_is_tail(behind) for behind in words[at + 1 :]):
                    self._last[name].add(word)

    def name_of(self, claim: Claim) -> _Name:
        """Return the folder and the words before a claim's token."""
        words = _words(claim.header)
        token = claim.said.token
        at = len(words) - 1 - words[::-1].index(token) if token in words else len(words)
        return folder_of(claim.header).casefold(), tuple(words[:at])

    def ends(self, claim: Claim) -> frozenset[str]:
        """Return what names end in that begin as a claim's does, its own token too."""
        return frozenset(self._last[self.name_of(claim)])

    def is_lone_pair(self, claim: Claim) -> bool:
        """Return whether a letter and its partner are all there is of a name."""
        token, (_, before) = claim.said.token, self.name_of(claim)
        return (
            claim.said.form in _SET_OFF
            and self.ends(claim) == {token, _PARTNERS[token]}
            and bool(before)
            and before[-1] not in _SIZED
        )

    def is_film_sound(self, claim: Claim) -> bool:
        """Return whether music or effects stand where a claim says SX or DX."""
        return bool(_FILM_SOUND & self._next[self.name_of(claim)])


def _words(header: AudioHeader) -> list[str]:
    return [word.lower() for word in _WORD.findall(stem_of(header.file))]


def _is_tail(word: str) -> bool:
    """Return whether a word behind another is a take, a version or a channel."""
    return word in LABELS or any(c.isdigit() for c in word)
