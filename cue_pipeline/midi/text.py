"""Text in MIDI files: bytes whose character set nobody wrote down.

The standard asks for ASCII and leaves the rest open. Sequencers write UTF-8 today; older files
hold the character set of the machine that made them. UTF-8 and UTF-16 prove themselves by their
form. Between the others the texts of a file have to decide together (:mod:`.charsets`). The bytes
are kept beside the text (``raw_name``), so that a wrong guess loses nothing.
"""

import codecs
import re
from collections.abc import Iterable
from typing import Final

from cue_pipeline.midi.charsets import LATIN_1, WIDE, Charset, guess

_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SURELY_UTF_8: Final = re.compile(rb"[\xe0-\xf4][\x80-\xbf]{2}")
_LEAST_UTF_16: Final = 4
_MOST: Final = 0.8
_FEWEST_OF_CUT: Final = 2


def charset_of(texts: Iterable[bytes], stated: str | None = None) -> Charset:
    """Return the character set that texts of one file share.

    Parameters
    ----------
    texts : iterable of bytes
        Names, markers, lyrics: the more, the surer.
    stated : str, optional
        What a person says that it is.
    """
    if stated:
        return Charset(codecs.lookup(stated).name, 1.0)
    unclear = {text.rstrip(b"\0") for text in texts if not _proves_itself(text)}
    return guess(sorted(unclear)) if unclear else Charset("utf-8", 1.0)


def decode(raw: bytes, encoding: str) -> str:
    """Return the text of bytes.

    Parameters
    ----------
    raw : bytes
        As in the file.
    encoding : str
        Of the file, from :func:`charset_of`. A text that is UTF-8 or UTF-16 by its form is read so
        all the same; but beside character sets of two bytes, of which pairs may happen to look
        like UTF-8, only where it is so surely.

    Returns
    -------
    str
        Without the zeros that C programs leave at the end. Never fails: what the encoding does
        not know is read as Latin-1.
    """
    if raw[:2] in _MARKS:
        return raw.decode("utf-16", errors="replace").rstrip("\0")
    order = _utf_16(raw)
    if order:
        return raw[: len(raw) & ~1].decode(order, errors="replace").rstrip("\0")
    raw = raw.rstrip(b"\0")
    cut = _cut_utf_8(raw)
    if cut is not None:
        return cut
    wide = encoding in WIDE and not raw.startswith(codecs.BOM_UTF8) and not _surely_utf_8(raw)
    for candidate in (encoding, "utf-8") if wide else ("utf-8-sig", encoding, LATIN_1):
        try:
            return raw.decode(candidate)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")


def _proves_itself(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return text[:2] in _MARKS or _utf_16(text) is not None or _cut_utf_8(text) is not None
    return True


def _cut_utf_8(text: bytes) -> str | None:
    """Return the whole characters of UTF-8 that was cut off within one; None: it is no such text.

    Programs that write names of a fixed number of bytes do so.
    """
    text = text.rstrip(b"\0")
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        whole = decoder.decode(text)
    except UnicodeDecodeError:
        return None
    cut = bool(decoder.getstate()[0])
    return whole if cut and sum(char >= "\x80" for char in whole) >= _FEWEST_OF_CUT else None


def _surely_utf_8(text: bytes) -> bool:
    """Return whether a text is UTF-8 with characters of three bytes: no accident of two."""
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return _SURELY_UTF_8.search(text) is not None


def _utf_16(raw: bytes) -> str | None:
    """Return the byte order of UTF-16 that says none: letters of one alphabet share a byte."""
    if len(raw) < _LEAST_UTF_16:
        return None
    pairs = raw[: len(raw) & ~1]
    for order, upper, lower in (
        ("utf-16-le", pairs[1::2], pairs[::2]),
        ("utf-16-be", pairs[::2], pairs[1::2]),
    ):
        # Latin, Greek and Cyrillic letters lie below 0x0500; what goes with them is no control.
        letters = all(byte in (0, 3, 4) for byte in upper)
        if letters and sum(byte >= 0x20 for byte in lower) >= _MOST * len(lower):
            return order
    return None
