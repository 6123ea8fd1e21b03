"""The title that all names of a session begin with, which says nothing about any of them.

``Piano Lesson 1m02 Violas`` and ``Piano Lesson 1m02 Horns`` are no pianos.
"""

import re
from collections.abc import Sequence
from typing import Final

from cue_pipeline.mapping.names.parsing import read_instrument, read_name

# Two names that begin alike may do so by chance, or because they are two of a kind.
FEWEST_NAMES: Final = 3
_WORDS: Final = re.compile(r"[^\W_]+[\W_]*")


def without_common_title(names: Sequence[str]) -> list[str]:
    """Return the names without the words that all of them begin with, where these are a title.

    They are taken for a title if some word of them is unknown (the words of an instrument all
    are known: ``Synth Bass`` and ``Synth Pad`` stay as they are) and if most names still say an
    instrument without them.

    Examples
    --------
    >>> without_common_title(["Piano Lesson Vla", "Piano Lesson Hns", "Piano Lesson Hp"])
    ['Vla', 'Hns', 'Hp']
    """
    split = [_WORDS.findall(name) for name in names]
    if len(names) < FEWEST_NAMES or len(set(names)) < FEWEST_NAMES:
        return list(names)
    shared = _shared(split)
    if shared == 0:
        return list(names)
    title = "".join(split[0][:shared])
    rest = ["".join(words[shared:]) for words in split]
    named = sum(read_instrument(read_name(name)) is not None for name in rest)
    if not read_name(title).unknown or 2 * named < len(names):
        return list(names)
    return rest


def _shared(split: list[list[str]]) -> int:
    """Return how many words all names begin with; each keeps at least one of its own."""
    shared = 0
    for column in zip(*(words[:-1] for words in split), strict=False):
        if len({word.casefold() for word in column}) > 1:
            break
        shared += 1
    return shared
