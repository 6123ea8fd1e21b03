"""The words by which musicians and engineers call instruments, and what they mean.

One line in one of the modules here teaches the pipeline a word; :func:`lexicon` builds the
index that :mod:`cue_pipeline.mapping.names.parsing` looks words up in.
"""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Final

from cue_pipeline.mapping.names.lexicon.band import BAND
from cue_pipeline.mapping.names.lexicon.electronic import ELECTRONIC
from cue_pipeline.mapping.names.lexicon.more_languages import (
    DOUBTFUL_IN_MORE_LANGUAGES,
    MORE_LANGUAGES,
    MORE_ORDINALS,
)
from cue_pipeline.mapping.names.lexicon.orchestra import ORCHESTRA
from cue_pipeline.mapping.names.lexicon.percussion import PERCUSSION
from cue_pipeline.mapping.names.lexicon.studio import NOT_MISSPELT
from cue_pipeline.mapping.names.lexicon.studio import ORDINALS as STUDIO_ORDINALS

LONGEST_PHRASE: Final = 4
# Two words written as one ("leadvox") are recognised from this length on; below it, chance matches.
SHORTEST_COMPOUND: Final = 4
SHORTEST_MISSPELT: Final = 5
# One word written as two ("Vibra Slap") from this length on.
SHORTEST_JOINED: Final = 6
# Words of Chinese and Japanese that are looked for in names without spaces.
LONGEST_EASTERN: Final = 12
# The planet is no pair of marimbas.
NOT_PLURAL: Final = frozenset(("mars",))

_FIRST_ROWS: Final = (*ORCHESTRA, *PERCUSSION, *BAND, *ELECTRONIC)
_FIRST: Final = {row[0]: row for row in reversed(_FIRST_ROWS)}
_ROWS: Final = (
    *_FIRST_ROWS,
    *((*_FIRST[instrument][:3], words) for instrument, words in MORE_LANGUAGES),
    *DOUBTFUL_IN_MORE_LANGUAGES,
)
_GERMAN: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
_LIGATURES: Final = str.maketrans(
    {"ß": "ss", "œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "ı": "i", "đ": "d", "ς": "σ"}
)
_LETTERS_OR_DIGITS: Final = re.compile(r"[a-z]+|[^\W\d_a-z]+|\d+")
# They make other letters: ハーフ (half) is no ハープ (harp).
_MARKS_OF_KANA: Final = "\u3099\u309a"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a word or phrase stands for.

    Attributes
    ----------
    instrument : str
        The instrument's English name: what makes 'Bratschen' and 'VLA' the same.
    category : str
        One of the 28, or empty where the instrument belongs to none of them ('Orchestra').
    confidence : float
        How surely the word alone means that category, 0…1.
    """

    instrument: str
    category: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The index of all words.

    Attributes
    ----------
    phrases : dict of str to Meaning
        By words joined with spaces.
    compounds : dict of str to Meaning
        Phrases of several words written as one.
    long_words : dict of str to tuple of str
        Single words long enough to be compared letter by letter with a misspelt one, by their
        first letter.
    vocabulary : frozenset of str
        All words that occur in a phrase or are a compound.
    """

    phrases: dict[str, Meaning]
    compounds: dict[str, Meaning]
    long_words: dict[str, tuple[str, ...]]
    vocabulary: frozenset[str]

    def single(self, word: str) -> Meaning | None:
        """Return what a word means, also as an English plural."""
        meaning = self.phrases.get(word) or self.compounds.get(word)
        if meaning is None and len(word) > 2 and word.endswith("s") and word not in NOT_PLURAL:
            meaning = self.phrases.get(word[:-1]) or self.compounds.get(word[:-1])
        return meaning

    def written_as_one(self, joined: str) -> Meaning | None:
        """Return what words mean that the lexicon has as one: 'Vibra Slap', 'Key Board'."""
        meaning = self.compounds.get(joined)
        if meaning is None and len(joined) >= SHORTEST_JOINED:
            meaning = self.phrases.get(joined)
        return meaning


def plain_letters(text: str, *, german: bool = False) -> str:
    """Return `text` in lower case without accents.

    With `german`, ``Flügel`` (a grand piano) becomes ``fluegel``, which tells it from ``flugel``
    (a horn); without, both are the same.
    """
    if german:
        text = unicodedata.normalize("NFC", text.lower()).translate(_GERMAN)
    decomposed = unicodedata.normalize("NFKD", text.lower().translate(_LIGATURES))
    plain = "".join(c for c in decomposed if not unicodedata.combining(c) or c in _MARKS_OF_KANA)
    return plain if plain.isascii() else unicodedata.normalize("NFC", plain)


def _spellings(phrase: str) -> set[str]:
    """Return the plain spellings of a phrase: German umlauts are also written with an e."""
    variants = {plain_letters(phrase), plain_letters(phrase, german=True)}
    return {" ".join(_LETTERS_OR_DIGITS.findall(v)) for v in variants}


ORDINALS: Final = STUDIO_ORDINALS | {plain_letters(w): n for w, n in MORE_ORDINALS.items()}


@cache
def lexicon() -> Lexicon:
    """Return the index, built once."""
    phrases: dict[str, Meaning] = {}
    for instrument, category, confidence, words in _ROWS:
        meaning = Meaning(instrument, category, confidence)
        for phrase in words.split(","):
            for spelling in _spellings(phrase.strip()):
                phrases.setdefault(spelling, meaning)
    compounds: dict[str, Meaning] = {}
    for phrase, meaning in phrases.items():
        joined = phrase.replace(" ", "")
        if joined != phrase and len(joined) >= SHORTEST_COMPOUND and joined not in phrases:
            compounds.setdefault(joined, meaning)
    long_words: dict[str, tuple[str, ...]] = {}
    for word in (*phrases, *compounds):
        if " " not in word and len(word) >= SHORTEST_MISSPELT:
            long_words[word[0]] = (*long_words.get(word[0], ()), word)
    vocabulary = frozenset(word for phrase in phrases for word in phrase.split())
    return Lexicon(phrases, compounds, long_words, vocabulary | compounds.keys())


def lexicon_fingerprint() -> str:
    """Return what changes when any word or meaning changes, without building the index."""
    return hashlib.sha256(repr((_ROWS, sorted(NOT_MISSPELT))).encode()).hexdigest()[:12]
