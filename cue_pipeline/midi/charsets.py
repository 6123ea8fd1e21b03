"""Which character set the texts of a MIDI file are in: weighed together, what reads best wins.

Conventions
-----------
Only bytes above 0x7F tell character sets apart. What a text reads like is its *worth*: about 1 for
each such byte that makes a usual letter in a usual place, less for rare ones, below 0 for what no
writer would have written. An alphabet's letters are held against languages: a file is in one, or
mostly so. Words that stand in scores count double.
"""

import math
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from cue_pipeline.midi.score_words import (
    ALPHABETIC_WORDS,
    CHINESE_WORDS,
    COMMON_HAN,
    COMMON_HANGUL,
    KOREAN_WORDS,
)

LATIN_1, MAC_ROMAN, SHIFT_JIS = "cp1252", "mac_roman", "cp932"
WIDE: Final = frozenset((SHIFT_JIS, "gb18030", "cp949", "big5", "euc_jp"))
"""Character sets of two bytes and more, in which some pairs look like UTF-8."""

# Letters beyond ASCII, by language.
_WESTERN: Final = (
    "äöüßÄÖÜ", "àâæçéèêëîïôœùûüÀÂÇÉÈÊËÎÏÔŒÙÛ", "áéíóúüñÁÉÍÓÚÜÑ", "ãõáâàçéêíóôúÃÕÁÂÀÇÉÊÍÓÔÚ",
    "àèéìíòóùÀÈÉÌÒÙ", "åäöæøéÅÄÖÆØÉ", "ëïéèöü", "áðéíóúýþæöÁÐÉÍÓÚÝÞÆÖ",
    "šžõäöüŠŽÕÄÖÜ",
)  # fmt: skip
_CENTRAL: Final = (
    "áčďéěíňóřšťúůýžÁČĎÉĚÍŇÓŘŠŤÚŮÝŽ", "áäčďéíĺľňóôŕšťúýžÁÄČĎÉÍĽŇÓÔŠŤÚÝŽ", "ąćęłńóśźżĄĆĘŁŃÓŚŹŻ",
    "áéíóöőúüűÁÉÍÓÖŐÚÜŰ", "čćđšžČĆĐŠŽ", "ăâîşţĂÂÎŞŢ",
)  # fmt: skip
_TURKISH: Final = ("çğıöşüâîÇĞİÖŞÜ",)
_CYRILLIC: Final = (
    "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъёОЕАИНТСРВЛКМДПУЯЫЬГЗБЧЙХЖШЮЦЩЭФЪЁ",
    "оеаинтсрвлкмдпуяьгзбчйхжшюцщфіїєґОЕАИНТСРВЛКМДПУЯЬГЗБЧЙХЖШЮЦЩФІЇЄҐ",
)
_GREEK: Final = ("αοιετσνηυρπκμλςδγωίάόέήύώθχφβξζψϊϋΐΰΑΟΙΕΤΣΝΗΥΡΠΚΜΛΔΓΩΊΆΌΈΉΎΏΘΧΦΒΞΖΨ",)
# Where western languages write a letter that is another one's in other languages at the same byte:
# what stands before it, it, and what follows.
_PLACES: Final = {
    char: re.compile(pattern)
    for chars, pattern in (
        ("àìòù", r"..(?!\w)"),
        ("é", r"[^\W_].|\W.[^aeiouy]"),
        ("ö", r"[^aeiou].(?![aeiou])"),
        ("ê", r"[^aeiou].([tmvn]|ch|pr|s?(?!\w))"),
        ("è", r"[^aeiou].(?!\w)|..[bcdfglmnpqrstv]{1,2}[er]|..(ct|st|ch)|..[st](?!\w)"),
        ("ñ", r"[aeiouáéíóú\W].[aeiouáéíóú]"),
        ("õ", r"..e"),
        ("ã", r"..[oe]|[hmç].(?!\w)"),
        ("û", r"..([trlm]|ch)"),
        ("ø", r"[^aeiouyíáé].[^aeiouíáé]"),
        ("æ", r"..[bcdfghjklmnpqrstvwxyz]"),
        ("ï", r"[aeou]."),
        ("ý", r"..\w"),
    )
    for char in chars
}
_VOWELS: Final = frozenset("аеёиоуыэюяіїєαειουηωάέίόύήώϊϋΐΰ")
_FREQUENT: Final = frozenset("äöüÄÖÜßéèàçåøæœ")
_RARE: Final = frozenset("ъщэфцёђѓљњќџґξζψϊϋΐΰ")
_WORDS_BY_THEMSELVES: Final = frozenset("àÀéÉèÈóÓòÒáÁíÍåÅöÖøØæÆúÚÜüùěôÔ")
_SIGNS: Final = frozenset("©®™°•«»¿¡ºª§·´\u00a0№")
_QUOTES: Final = "’‘“”–—…"


_READS_WELL: Final = 0.45  # worth a byte


@dataclass(frozen=True, slots=True)
class Charset:
    """The character set of a file's texts.

    Attributes
    ----------
    encoding : str
        As Python names it.
    confidence : float
        0…1: that the texts read so, against the next best reading.
    instead : str or None
        The character set of that reading; None: there is no other.
    """

    encoding: str
    confidence: float
    instead: str | None = None


def guess(texts: Collection[bytes]) -> Charset:
    """Return the character set that texts, of which none is UTF-8, share.

    Parameters
    ----------
    texts : collection of bytes
        The more, the surer.
    """
    scores = {encoding: prior + worth(texts) for encoding, (prior, worth) in _CANDIDATES.items()}
    # On a tie the commonest: max takes the first.
    best = max(scores, key=scores.__getitem__)
    reads = _readings(texts, best)
    others = [
        encoding
        for encoding in sorted(scores, key=scores.__getitem__, reverse=True)
        if encoding != best and _readings(texts, encoding) != reads
    ]
    if not others:
        return Charset(best, 1.0)
    ahead = scores[best] - scores[others[0]]
    sure = 1.0 / (1.0 + math.exp(-2.5 * min(ahead, 40.0)))
    # The best of bad readings is a bad one: the texts may be in a character set not known here.
    worth = scores[best] / sum(_high(text) for text in texts)
    return Charset(best, sure if worth >= _READS_WELL else min(sure, max(worth, 0.0)), others[0])


def _readings(texts: Collection[bytes], encoding: str) -> list[str]:
    return [text.decode(encoding, errors="replace") for text in texts]


def _high(text: bytes) -> int:
    return sum(byte >= 0x80 for byte in text)


def _alphabet(
    texts: Collection[bytes], *, encoding: str, languages: Sequence[str], mixes: bool
) -> float:
    """Return the worth of texts in an alphabet; ``mixes``: its words hold ASCII letters too."""
    decoded = [text.decode(encoding, errors="replace") for text in texts]
    worths: list[tuple[str, float]] = []
    letters = _WESTERN_LETTERS if languages is _WESTERN else frozenset("".join(languages))
    for text in decoded:
        worths += _letter_worths(f"  {text} ", mixes=mixes, letters=letters)
    plain = sum(worth for _, worth in worths)
    if not languages:
        return plain
    foreign = min(
        sum(_FOREIGN for char, worth in worths if worth > 0 and char.isalpha() and char not in of)
        for of in languages
    )
    return plain - foreign + _by_words(decoded)


_FOREIGN: Final = 0.35
_MISPLACED: Final = -0.2
_WESTERN_LETTERS: Final = frozenset("".join(_WESTERN))


def _by_words(decoded: Sequence[str]) -> float:
    """Return what words that stand in scores add: one a letter beyond ASCII."""
    found = 0.0
    for text in decoded:
        folded = text.casefold()
        words = (word for word in ALPHABETIC_WORDS if word in folded)
        found += max((sum(char >= "\x80" for char in word) for word in words), default=0)
    return found


def _letter_worths(text: str, *, mixes: bool, letters: frozenset[str]) -> list[tuple[str, float]]:
    worths = []
    for i, char in enumerate(text):
        if char < "\x80":
            continue
        before, after = text[i - 1], text[i + 1]
        if char in letters:
            western = letters is _WESTERN_LETTERS
            place, seldom = (_PLACES.get(char.casefold()), "šžŠŽðþÐÞ") if western else (None, "")
            if place and not place.match(text.casefold(), i - 1):
                worth = _MISPLACED
            else:
                worth = _letter(char, before, after, mixes=mixes, seldom=seldom)
        elif char in _QUOTES:
            worth = 1.1 if _fits_as_punctuation(text, i) else -0.5
        elif char in _SIGNS:
            worth = 0.5
        else:
            worth = -3.0 if char == "\ufffd" or char < "\xa0" else -1.0
        worths.append((char, worth))
    return worths if mixes else [*worths, *_clusters(text, letters)]


def _letter(char: str, before: str, after: str, *, mixes: bool, seldom: str) -> float:
    if not _fits_case(before, char, after):
        return -0.5 if mixes else -1.0
    if mixes and not (before.isalpha() or after.isalpha()) and char not in _WORDS_BY_THEMSELVES:
        return -0.5
    if mixes:
        if char == "ä" and not before.isalpha():
            return 0.3  # a name begins with a capital
        return 1.0 if char in _FREQUENT else 0.8 if char not in seldom else 0.3
    if any(other.isascii() and other.isalpha() for other in (before, after)):
        return -1.5
    if not (before.isalpha() or after.isalpha()):
        return 0.3
    if char == "ς" and after.isalpha():
        return -1.0
    return 0.7 if char.casefold() in _RARE else 1.0


def _clusters(text: str, letters: frozenset[str]) -> list[tuple[str, float]]:
    """Return a deduction for every row of four consonants or vowels and more: no word has one."""
    rows, row, kind = [], 0, None
    for char in text:
        now = (char.casefold() in _VOWELS) if char in letters else None
        row = row + 1 if now is not None and now == kind else 1
        kind = now
        if now is not None and row >= (4 if now else 5):
            rows.append((char, -1.0))
    return rows


def _fits_case(before: str, char: str, after: str) -> bool:
    """Return whether a letter's case fits its neighbours: no capital within a word."""
    if char.isupper():
        # Different accented capitals in a row are no word, but half-width katakana read so.
        if char < "\u0250" and any(
            other >= "\x80" and other.isupper() and other != char for other in (before, after)
        ):
            return False
        return not before.islower() and (not after.islower() or not before.isalpha())
    return not (after.isupper() and (before.isupper() or not before.isalpha()))


def _fits_as_punctuation(text: str, i: int) -> bool:
    """Return whether a quotation mark, dash or ellipsis stands where one can stand."""
    char, before, after = text[i], text[i - 1], text[i + 1]
    if char == "’" and after.isalpha():
        return before.isalpha() and (after in "sS" or not text[i - 2].isalpha())
    if char in "–—":
        return not before.isalpha() and not after.isalpha()
    opening = char in "‘“"
    return (after if opening else before) != " " and not (before if opening else after).isalnum()


def _wide(
    texts: Collection[bytes],
    *,
    encoding: str,
    worth: Callable[[str, str, str, bytes], float],
    words: Sequence[str] = (),
) -> float:
    """Return the worth of texts in a character set of two bytes a character."""
    score = 0.0
    for text in texts:
        try:
            decoded = text.decode(encoding)
        except UnicodeDecodeError:
            score -= 3.0 * _high(text)
            continue
        before = [" ", *decoded]
        after = [*decoded[1:], " "]
        for left, char, right in zip(before, decoded, after, strict=False):
            if char < "\x80":
                continue
            raw = char.encode(encoding)
            score += worth(left, char, right, raw) * _high(raw)
            # Western accented letters stand alone between ASCII letters; these in rows.
            score -= sum(other.isascii() and other.isalpha() for other in (left, right))
        score += max((2.0 * len(word) for word in words if word in decoded), default=0.0)
    return score


def _japanese(before: str, char: str, after: str, raw: bytes) -> float:
    if "\u3041" <= char <= "\u30fe":
        return 1.1
    if "\uff61" <= char <= "\uff9f":
        alone = not any("\uff61" <= other <= "\uff9f" for other in (before, after))
        return -1.0 if alone else 0.6
    if "\u4e00" <= char <= "\u9fff":
        # The rarer half of the characters shares its first bytes with accented Latin letters.
        return 1.0 if raw[0] <= 0x97 else 0.2
    return 0.7 if "\u3000" <= char <= "\u303f" or "\uff01" <= char <= "\uff5e" else -1.0


def _japanese_of_unix(_: str, char: str, __: str, raw: bytes) -> float:
    if "\u3041" <= char <= "\u30fe":
        return 1.1
    # Chinese has its characters at the same places: the kana between them must tell.
    return 0.3 if "\u4e00" <= char <= "\u9fff" and raw[0] < 0xD0 else -0.2


def _simplified(_: str, char: str, __: str, raw: bytes) -> float:
    return _han(char, usual=0xB0 <= raw[0] <= 0xD7 and raw[1] >= 0xA1, plain=raw[1] >= 0xA1)


def _traditional(_: str, char: str, __: str, raw: bytes) -> float:
    return _han(char, usual=0xA4 <= raw[0] <= 0xC6, plain=True)


def _han(char: str, *, usual: bool, plain: bool) -> float:
    if "\u4e00" <= char <= "\u9fff":
        if char in COMMON_HAN:
            return 1.0
        return 0.55 if usual else 0.0 if plain else -0.8
    return 0.5 if "\u3000" <= char <= "\u303f" or "\uff01" <= char <= "\uff5e" else -1.0


def _korean(_: str, char: str, __: str, raw: bytes) -> float:
    if "\uac00" <= char <= "\ud7a3":
        if char in COMMON_HANGUL:
            return 1.0
        return 0.6 if 0xB0 <= raw[0] <= 0xC8 and raw[1] >= 0xA1 else -0.8
    if "\u4e00" <= char <= "\u9fff":
        return -0.5
    return 0.3 if "\u3000" <= char <= "\u303f" or "\uff01" <= char <= "\uff5e" else -1.0


def _of_alphabet(
    encoding: str, languages: Sequence[str], *, mixes: bool
) -> Callable[[Collection[bytes]], float]:
    return partial(_alphabet, encoding=encoding, languages=languages, mixes=mixes)


# Commonest first. What is rare needs to read better to be believed.
_CANDIDATES: Final[dict[str, tuple[float, Callable[[Collection[bytes]], float]]]] = {
    LATIN_1: (0.0, _of_alphabet(LATIN_1, _WESTERN, mixes=True)),
    MAC_ROMAN: (0.0, _of_alphabet(MAC_ROMAN, _WESTERN, mixes=True)),
    SHIFT_JIS: (0.0, partial(_wide, encoding=SHIFT_JIS, worth=_japanese)),
    "cp1251": (-0.2, _of_alphabet("cp1251", _CYRILLIC, mixes=False)),
    "gb18030": (
        -0.2,
        partial(_wide, encoding="gb18030", worth=_simplified, words=CHINESE_WORDS),
    ),
    "cp949": (-0.2, partial(_wide, encoding="cp949", worth=_korean, words=KOREAN_WORDS)),
    "cp1250": (-0.5, _of_alphabet("cp1250", _CENTRAL, mixes=True)),
    "cp1253": (-0.4, _of_alphabet("cp1253", _GREEK, mixes=False)),
    "big5": (-0.5, partial(_wide, encoding="big5", worth=_traditional, words=CHINESE_WORDS)),
    "cp1254": (-0.8, _of_alphabet("cp1254", _TURKISH, mixes=True)),
    "euc_jp": (-0.8, partial(_wide, encoding="euc_jp", worth=_japanese_of_unix)),
    "koi8_r": (-1.0, _of_alphabet("koi8_r", _CYRILLIC, mixes=False)),
    "mac_cyrillic": (-1.0, _of_alphabet("mac_cyrillic", _CYRILLIC, mixes=False)),
    "iso8859_2": (-1.0, _of_alphabet("iso8859_2", _CENTRAL, mixes=True)),
    "cp850": (-0.7, _of_alphabet("cp850", _WESTERN, mixes=True)),
    "cp866": (-1.0, _of_alphabet("cp866", _CYRILLIC, mixes=False)),
    "mac_latin2": (-1.2, _of_alphabet("mac_latin2", _CENTRAL, mixes=True)),
}
