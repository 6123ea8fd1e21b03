"""Text in MIDI files: bytes whose encoding nobody wrote down.

The standard asks for ASCII and leaves the rest open. Sequencers write UTF-8 today; older files
hold the character set of the machine that made them, in films most often Mac Roman, Windows'
Latin-1 (cp1252) or Shift-JIS. UTF-8 proves itself by its form. Between the others the text has
to decide: all text of a file is weighed together, and what reads like words wins. The bytes are
kept beside the text (``raw_name``), so that a wrong guess loses nothing.
"""

import codecs
from collections.abc import Iterable

# Letters of the languages that scores are written in, and signs that occur among them.
_LETTERS = frozenset("àáâäãåæçèéêëìíîïñòóôöõøœßùúûüÀÁÂÄÃÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÖÕØŒÙÚÛÜ")
_FREQUENT_LETTERS = frozenset("äöüÄÖÜßéèàçåøæœ")
_SIGNS = frozenset("©®™°•«»¿¡ºª§·´\u00a0")

_SHIFT_JIS, _MAC_ROMAN, _LATIN_1 = "cp932", "mac_roman", "cp1252"
_KANA, _COMMON_KANJI, _FULL_WIDTH, _RARE_KANJI, _HALF_KANA = 1.1, 1.0, 0.7, 0.2, 0.6


def guess_encoding(texts: Iterable[bytes]) -> str:
    """Return the encoding that texts of one file share.

    Parameters
    ----------
    texts : iterable of bytes
        Names, markers, lyrics: the more, the surer.

    Returns
    -------
    str
        ``utf-8``, ``cp932`` (Shift-JIS), ``mac_roman`` or ``cp1252`` (Latin-1).
    """
    unclear = {text for text in texts if not _is_utf_8(text)}
    if not unclear:
        return "utf-8"
    scores = {
        _SHIFT_JIS: sum(map(_japanese_score, unclear)),
        _MAC_ROMAN: sum(_western_score(text, _MAC_ROMAN) for text in unclear),
        _LATIN_1: sum(_western_score(text, _LATIN_1) for text in unclear),
    }
    # On a tie the commonest: max takes the first.
    return max((_LATIN_1, _MAC_ROMAN, _SHIFT_JIS), key=scores.__getitem__)


def decode(raw: bytes, encoding: str) -> str:
    """Return the text of bytes.

    Parameters
    ----------
    raw : bytes
        As in the file.
    encoding : str
        Of the file, from :func:`guess_encoding`. A text that is UTF-8 by its form is read so
        all the same, but not beside Shift-JIS, of which two bytes may happen to look like it.

    Returns
    -------
    str
        Without the zeros that C programs leave at the end. Never fails: what the encoding does
        not know is read as Latin-1.
    """
    if raw[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return raw.decode("utf-16", errors="replace").rstrip("\0")
    raw = raw.rstrip(b"\0")
    order = (encoding, "utf-8") if encoding == _SHIFT_JIS else ("utf-8-sig", encoding)
    for candidate in order:
        try:
            return raw.decode(candidate)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")


def _is_utf_8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return text[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    return True


def _western_score(text: bytes, encoding: str) -> float:
    """Return how much a text reads like a western language; a good letter counts 1 a byte."""
    decoded = f"  {text.decode(encoding, errors='replace')} "
    score = 0.0
    for i, char in enumerate(decoded):
        if char < "\x80":
            continue
        before, after = decoded[i - 1], decoded[i + 1]
        if char in _LETTERS:
            worth = 1.0 if char in _FREQUENT_LETTERS else 0.8
            score += worth if _fits_case(before, char, after) else -0.5
        elif char in "’‘“”–—…":
            score += 0.9 if _fits_as_punctuation(decoded, i) else -0.5
        elif char in _SIGNS:
            score += 0.5
        else:
            score -= 3.0 if char == "\ufffd" else 1.0
    return score


def _fits_case(before: str, char: str, after: str) -> bool:
    """Return whether a letter's case fits its neighbours: no capital within a word."""
    if char.isupper():
        # Different accented capitals in a row are no word, but half-width katakana read so.
        if any(other >= "\x80" and other.isupper() and other != char for other in (before, after)):
            return False
        return not before.islower() and (not after.islower() or not before.isalpha())
    return not (before.isupper() and after.isupper())


def _fits_as_punctuation(text: str, i: int) -> bool:
    """Return whether a quotation mark, dash or ellipsis stands where one can stand."""
    char, before, after = text[i], text[i - 1], text[i + 1]
    if char == "’" and after.isalpha():
        return before.isalpha() and (after in "sS" or not text[i - 2].isalpha())
    if char in "–—":
        return not before.isalpha() and not after.isalpha()
    opening = char in "‘“"
    return (after if opening else before) != " " and not (before if opening else after).isalnum()


def _japanese_score(text: bytes) -> float:
    """Return how much a text reads like Japanese; a good character counts 1 per high byte."""
    try:
        decoded = text.decode(_SHIFT_JIS)
    except UnicodeDecodeError:
        return -3.0 * sum(byte >= 0x80 for byte in text)
    score = 0.0
    for before, char, after in zip(" " + decoded, decoded, decoded[1:] + " ", strict=False):
        if char < "\x80":
            continue
        encoded = char.encode(_SHIFT_JIS)
        score += _japanese_worth(before, char, after) * sum(byte >= 0x80 for byte in encoded)
        # Western accented letters stand alone between ASCII letters; Japanese ones in rows.
        score -= sum(other.isascii() and other.isalpha() for other in (before, after))
    return score


def _japanese_worth(before: str, char: str, after: str) -> float:
    if "\u3041" <= char <= "\u30fe":
        return _KANA
    if "\uff61" <= char <= "\uff9f":
        alone = not any("\uff61" <= other <= "\uff9f" for other in (before, after))
        return -1.0 if alone else _HALF_KANA
    if "\u4e00" <= char <= "\u9fff":
        # The rarer half of the characters shares its first bytes with accented Latin letters.
        return _COMMON_KANJI if char.encode(_SHIFT_JIS)[0] <= 0x97 else _RARE_KANJI
    return _FULL_WIDTH if "\u3000" <= char <= "\u303f" or "\uff01" <= char <= "\uff5e" else -1.0
