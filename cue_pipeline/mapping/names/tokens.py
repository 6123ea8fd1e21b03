"""The words of a session name, without what the session added to it.

``14_ElecGtr03DI.wav`` is written by people and machines together: a track's index, a cue's
number, a take, a file's extension are a machine's; capitals, underscores and missing spaces are a
person's. What is left are plain words for :mod:`cue_pipeline.mapping.names.parsing` to look up.
"""

import re
from typing import Final

from cue_pipeline.mapping.names.lexicon import LONGEST_EASTERN, ORDINALS, lexicon, plain_letters
from cue_pipeline.mapping.names.lexicon.studio import (
    ARTICULATIONS,
    NO_INSTRUMENT,
    ROMAN,
    STUDIO_WORDS,
    listed,
)

# A name longer than this is no name; reading it whole could be made to take long.
LONGEST_NAME: Final = 200
# Two words without a space between them are told apart if each is at least so long …
SHORTEST_PART: Final = 4
# … or one of these, which hardly ever end or begin another word.
SHORT_PARTS: Final = listed(
    """
    gtr vox voc vln vla pno sax tpt tbn tom hat kit pad str syn org amp mic dry wet dbl low mid
    top out far sub
    """
)

_EXTENSION = re.compile(r"\.(wav|wave|bwf|aiff?|flac|mp3|ogg|m4a|w64|caf|mid|midi|smf)$", re.I)
# "12_Strings" is the twelfth track; "12 String" a guitar, "808_Bass" a drum machine's bass,
# "1. Violinen" the first violins.
_INDEX = re.compile(r"^\W*(?!808|909|707|606|303)\d{2,3}[_.]\s*(?=[^\W\d_])")
_TAKE = re.compile(
    r"(?:(?<=[^\W_])|(?<=[)\]]))"
    r"(?:[-_. ](?:0\d{1,2}|00\d+)|\.dup\d*|[-_. ]?\(\d+\)|[-_.]\d\d-\d\d|-cm|\.cm)+$",
    re.I,
)
_CUE = re.compile(
    r"(?<![^\W_])(?:\d{1,3}[ms]\d{1,3}[a-z]{0,2}|[ms]\d{2,3}[a-z]?"
    r"|(?:v|ver|vers|version|tk|take|reel|rev|mx|mix|pt)[ .]?\d+(?:\.\d+)*"
    r"|\d+\s?(?:bpm|k?hz|bit)|\d{6,8})(?![^\W_])",
    re.I,
)
_CAMEL = re.compile(r"(?<=[a-zà-öø-ÿ])(?=[A-ZÀ-ÖØ-Þ])|(?<=[A-Z])(?=[A-Z][a-z]{2})")
# "BAss" is typed by someone who let go of the shift key too late.
_LATE_SHIFT = re.compile(r"(?<![^\W_])[A-Z]{2}[a-z]{2,}(?![^\W_])")
_WORD = re.compile(r"[a-z]+|[^\W\d_a-z]+|\d+(?:st|nd|rd|th)(?![a-z])|\d+|[&+]")
_EASTERN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff々]+")  # kana and Han


def name_words(name: str) -> list[str]:
    """Return a name's words in lower case without accents; numbers are words of their own.

    Parameters
    ----------
    name : str
        A track's, a stem's or a file's name; of a file with folders only the file counts.

    Examples
    --------
    >>> name_words("PT/Audio Files/1m02_12_ElecGtr03DI_01.wav")
    ['elec', 'gtr', '03', 'di']
    >>> name_words("leadvoxdry")
    ['leadvox', 'dry']
    """
    text = name[:LONGEST_NAME].strip()
    if _EXTENSION.search(text):
        text = re.split(r"[/\\]", _EXTENSION.sub("", text))[-1]
    text = _TAKE.sub("", text) or text
    without_cue = _INDEX.sub("", _CUE.sub(" ", _INDEX.sub("", text)).strip(" _-."))
    if any(c.isalpha() for c in without_cue):
        text = without_cue
    text = _LATE_SHIFT.sub(lambda found: _lower_if_known(found[0]), text)
    text = _CAMEL.sub(" ", text.replace("_", " "))
    words: list[str] = []
    for word in _WORD.findall(plain_letters(text, german=True)):
        words.extend(_apart(word))
    return words


def _lower_if_known(word: str) -> str:
    return word.lower() if _is_known(word.lower()) else word


def is_numbered_file(name: str) -> bool:
    """Return whether a name is written as bands' multitracks are: ``06_Cymbals.wav``."""
    return bool(_EXTENSION.search(name) and _INDEX.match(re.split(r"[/\\]", name)[-1]))


def _apart(word: str) -> tuple[str, ...]:
    """Return an unknown word as the two known words that it is written of, or as it is."""
    if _EASTERN.fullmatch(word):
        return _eastern(word)
    if len(word) < 2 * min(map(len, SHORT_PARTS)) or _is_known(word):
        return (word,)
    for at in range(len(word) - 3, 2, -1):
        left, right = word[:at], word[at:]
        if _is_part(left) and _is_part(right) and (_is_instrument(left) or _is_instrument(right)):
            return left, right
    return (word,)


def _eastern(run: str) -> tuple[str, ...]:
    """Return the words of Chinese or Japanese, the longest known ones from the left.

    A character by itself is a word only where it is the whole name, or counts at its end.
    """
    if _is_known(run):
        return (run,)
    words: list[str] = []
    loose = ""
    at = 0
    while at < len(run):
        longest = min(LONGEST_EASTERN, len(run) - at)
        known = (n for n in range(longest, 1, -1) if _is_known(run[at : at + n]))
        size = next(known, int(at == len(run) - 1 and run[at] in ORDINALS))
        if not size:
            loose += run[at]
        else:
            words += [loose, run[at : at + size]] if loose else [run[at : at + size]]
            loose = ""
        at += size or 1
    return (*words, loose) if loose else tuple(words)


def _is_instrument(word: str) -> bool:
    return lexicon().single(word) is not None


def _is_known(word: str) -> bool:
    return (
        word in lexicon().vocabulary
        or _is_instrument(word)
        or any(word in words for words in (STUDIO_WORDS, ARTICULATIONS, NO_INSTRUMENT))
        or word in ORDINALS
        or word in ROMAN
    )


def _is_part(word: str) -> bool:
    if len(word) < SHORTEST_PART:
        return word in SHORT_PARTS
    return _is_instrument(word) or word in STUDIO_WORDS or word in ARTICULATIONS
