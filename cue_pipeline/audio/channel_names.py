"""What a file's name says: its base, its channel, its take.

Pro Tools writes ``VLN.L``; others write ``VLN_L``, ``VLN-L``, ``VLN L``, ``VLN (L)``, and put the
token before a version or a take (``STR_6ch_L_v04``, ``VLN.L_01``). A take stays part of the name,
so that takes and playlists never fall together.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from cue_pipeline.audio.layouts import LABELS, WORDS

TokenForm = Literal["dot", "bracket", "underscore", "dash", "space"]

_FORMS: dict[str, TokenForm] = {".": "dot", "_": "underscore", "-": "dash", " ": "space"}
_TOKEN = "|".join(sorted(map(re.escape, LABELS), key=len, reverse=True))
# What may stand between a channel token and the end of a name: takes, versions, dates, formats.
_TAIL = (
    r"(?:[._\- ]+(?:v\d+(?:[._]\d+)*|\d{1,3}(?:-\d{1,3})*|dup\d*|tk\d+|take[ _]?\d+|alt\d*|"
    r"edit\d*|rev\d*|ref\d*|final|print|bounce|mst|\d{2,3}k(?:[ _-]?\d{2}b?)?|\d{2}-?bit|\d{6,8}))*"
)
_PLAIN = re.compile(
    rf"^(?P<base>.+?)[ ]?(?P<sep>[._\- ])(?P<token>{_TOKEN})(?P<tail>{_TAIL})$", re.IGNORECASE
)
_BRACKET = re.compile(
    rf"^(?P<base>.+?)[._\- ]*[(\[{{](?P<token>{_TOKEN})[)\]}}](?P<tail>{_TAIL})$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class ChannelName:
    """A name taken apart.

    Attributes
    ----------
    base : str
        The name without its channel token, takes and versions kept.
    label : str
        The channel.
    form : str
        How the token is set off from the name.
    certain : bool
        False where the token may as well be a word of the name ('Perc L', 'Pad.C'): then it
        counts only beside its partners.
    """

    base: str
    label: str
    form: TokenForm
    certain: bool


def parse_channel_name(stem: str) -> ChannelName | None:
    """Return the base and channel that a name without its suffix says, or None.

    Examples
    --------
    >>> parse_channel_name("STR_6ch_L_v04")
    ChannelName(base='STR_6ch_v04', label='L', form='underscore', certain=False)
    >>> parse_channel_name("Kick.01") is None
    True
    """
    stem = unicodedata.normalize("NFC", stem).strip()
    match = _BRACKET.match(stem)
    form: TokenForm = "bracket"
    if match is None:
        match = _PLAIN.match(stem)
        if match is None:
            return None
        form = _FORMS[match["sep"]]
    token = match["token"].lower()
    base = (match["base"].rstrip("._- ") or match["base"]) + match["tail"]
    certain = form in {"dot", "bracket"} and token not in WORDS
    return ChannelName(base, LABELS[token], form, certain)


def stem_of(file: str) -> str:
    """Return a file's name without folder and audio suffix, NFC."""
    return unicodedata.normalize("NFC", PurePosixPath(file).stem).strip()


def natural_key(name: str) -> tuple[tuple[int, int | str], ...]:
    """Return a sort key under which 'Vln 2' comes before 'Vln 10'."""
    parts = re.split(r"(\d+)", name.casefold())
    return tuple((0, int(p)) if p.isdecimal() else (1, p) for p in parts if p)


def holds_pattern(name: str, patterns: Sequence[str]) -> str | None:
    """Return the first of ``patterns`` that a name holds anywhere, in any case, or None."""
    folded = name.casefold()
    return next((p for p in patterns if p.casefold() in folded), None)


def holds_word(name: str, words: Sequence[str]) -> str | None:
    """Return the first of ``words`` that stands in a name as a word of its own, or None.

    'CLK_01', '1m02click', 'ClickTrack' and 'Clicks' hold clk and click; 'Clicker' does not.
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).casefold()
    for word in words:
        pattern = rf"(?<![^\W\d_]){re.escape(word.casefold())}s?(?:[ _-]?tracks?)?(?![^\W\d_])"
        if re.search(pattern, spaced):
            return word
    return None
