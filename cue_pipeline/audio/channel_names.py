"""What a file's name says: its base, its channel, its take.

Pro Tools writes ``VLN.L``; others write ``VLN_L``, ``VLN-L``, ``VLN L``, ``VLN (L)``, and put the
token before a version or a take (``STR_6ch_L_v04``, ``VLN.L_01``). A take stays part of the name,
so that takes and playlists never fall together.

Tokens in other places are read too, for files that nothing else groups: inside a name
(``VLN_L_Close``, ``Left Piano``), joined to it (``PianoL``), and channels that have only numbers
(``6mx.A1`` … ``6mx.A6``).
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from cue_pipeline.audio.spellings import LABELS, LETTERS, SURE
from cue_pipeline.cue.media import AUDIO_SUFFIXES

TokenForm = Literal["dot", "bracket", "underscore", "dash", "space", "inside", "joined"]

_FORMS: dict[str, TokenForm] = {
    ".": "dot",
    "_": "underscore",
    "-": "dash",
    " ": "space",
    "#": "inside",
}
_IN_WORDS = re.compile(
    r"(?<=[a-z])(?=(?:left|right|front|rear|back|side|surround|middle|center|centre|frequency|"
    r"effects)(?:$|left|right|front|rear|back|side|surround|middle|center|centre|effects))"
)
_TOKEN = "|".join(
    _IN_WORDS.sub("[ _-]?", word) if word.isalnum() else re.escape(word)
    for word in sorted({*LABELS, *LETTERS}, key=len, reverse=True)
)
_BETWEEN_WORDS = str.maketrans("", "", " _-")
# What may stand between a channel token and the end of a name: takes, versions, dates, formats.
# Longer readings come first, as the group is atomic: names with many numbers stay cheap.
_TAIL = (
    r"(?>(?:(?:[._\- ]+(?:(?:23\.976|23\.98|29\.97|59\.94)(?:fps|ndf?|df|p)?|"
    r"\d{2}-?bits?|\d{2,3}k(?:hz)?[ -]?\d{2}b?|\d{2,3}khz|\d{1,8}(?:fps|ndf?|df|hz|p)|"
    r"v(?:er)?\d+[a-z]?|\d{1,8}[a-z]?|dup\d*|tk\d+|take[ _]?\d+|alt\d*|edit\d*|rev\d*|ref\d*|"
    r"final|print|bounced?|mst|master|stems?|mix|mono)|#\d{1,3})(?![^\W_]))*)"
)
# What file managers and browsers put behind the name of a copy.
_COPY = (
    r"(?:[._\- ]{1,3}\(?(?:copy|kopie|copie|copia)\)?(?:[ _-]?\(?\d{1,3}\)?)?|"
    r"[._ ]?\(\d{1,3}\)|[._ ]?\[\d{1,3}\])*"
)
_PLAIN = re.compile(
    rf"^(?P<base>.+?)[ ]?(?P<sep>[._\- ]|(?<=[^\W\d_]{{2}})#)(?P<token>{_TOKEN})(?P<tail>{_TAIL})"
    rf"(?P<copy>{_COPY})$",
    re.IGNORECASE,
)
_BRACKET = re.compile(
    rf"^(?P<base>.+?)[._\- ]*[(\[{{](?P<token>{_TOKEN})[)\]}}](?P<tail>{_TAIL})(?P<copy>{_COPY})$",
    re.IGNORECASE,
)
_KIND = "a|ch|chn|chan|channel|tr|trk|track|out|output|bus"
_NUMBER = re.compile(
    rf"^(?P<base>.+?)(?P<sep>[._\- ]|[ ]?[(\[])(?P<kind>{_KIND})?[ _-]?"
    rf"(?P<number>\d{{1,2}})[)\]]?(?P<tail>{_TAIL})(?P<copy>{_COPY})$",
    re.IGNORECASE,
)
_JOINED = re.compile(
    rf"^(?P<base>.*(?:[a-z0-9]|(?<![A-Za-z])[A-Z]{{2,}}))(?P<token>[LR])(?P<tail>{_TAIL})"
    rf"(?P<copy>{_COPY})$"
)
_SIDE_OF_ALL = re.compile(
    rf"^(?P<base>.+?)(?P<token>[左右좌우])(?P<tail>{_TAIL})(?P<copy>{_COPY})$"
)
_WORD = re.compile(r"[^._\- ()\[\]{}]+")
_LEFT_RIGHT_TAKE = re.compile(r"(l|r|left|right)(\d{1,2})")
_OF_A_BODY = re.compile(r"[._\- ]*(?:h|hd|hnd|hands?|foot|feet)(?![^\W_])", re.IGNORECASE)
_ODD_SPACES = str.maketrans(
    dict.fromkeys("\u00a0\u2007\u2009\u202f\u3000", " ")
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-")
)


@dataclass(frozen=True, slots=True)
class ChannelName:
    """A name taken apart.

    Attributes
    ----------
    base : str
        The name without its channel token, takes and versions kept, without a copy's mark.
    label : str
        The channel.
    form : str
        How the token is set off from the name.
    certain : bool
        False where the token may as well be a word of the name ('Perc L', 'Pad.C'): then it
        counts only beside its partners.
    token : str
        The channel as it is spelt, in lower case.
    copy : str
        What marks the file as a copy of another: ' (1)', ' copy'.
    """

    base: str
    label: str
    form: TokenForm
    certain: bool = False
    token: str = ""
    copy: str = ""


@dataclass(frozen=True, slots=True)
class NumberedName:
    """A name that ends in a number, which may be a channel's.

    Attributes
    ----------
    base : str
        The name without it, takes and versions kept.
    kind : str
        The letters before the number, in lower case: 'a', 'ch' …; '' for a bare number.
    number : int
    set_off_by : str
        The separator.
    """

    base: str
    kind: str
    number: int
    set_off_by: str


def parse_channel_name(stem: str) -> ChannelName | None:
    """Return the base and channel that a name without its suffix says, or None.

    Examples
    --------
    >>> said = parse_channel_name("STR_6ch_L_v04")
    >>> said.base, said.label, said.form, said.certain
    ('STR_6ch_v04', 'L', 'underscore', False)
    >>> parse_channel_name("Kick.01") is None
    True
    """
    stem = _normal(stem)
    match = _BRACKET.match(stem)
    form: TokenForm = "bracket"
    if match is None:
        match = _PLAIN.match(stem)
        if match is None:
            return None
        form = _FORMS[match["sep"]]
    token = match["token"].lower()
    token = token if token in LABELS else token.translate(_BETWEEN_WORDS)
    label = LABELS.get(token) or LETTERS[token]
    certain = form in {"dot", "bracket"} and token in SURE
    return ChannelName(_base(match), label, form, certain, token, match["copy"])


def inner_channel_names(stem: str) -> Iterator[ChannelName]:
    """Yield the channels that words inside a name may be, and one joined to its end.

    None of them is certain. The right and left of a player's hands and feet are no channels.

    Examples
    --------
    >>> [(said.base, said.label) for said in inner_channel_names("VLN_L_Close")]
    [('VLN_Close', 'L')]
    >>> [(said.base, said.label) for said in inner_channel_names("PianoR_02")]
    [('Piano_02', 'R')]
    """
    stem = _normal(stem)
    joined = _JOINED.match(stem) or _SIDE_OF_ALL.match(stem)
    if joined is not None:
        token = joined["token"].lower()
        yield ChannelName(_base(joined), LABELS[token], "joined", token=token, copy=joined["copy"])
    for word in _WORD.finditer(stem):
        token, number = word[0].lower(), ""
        with_number = _LEFT_RIGHT_TAKE.fullmatch(token)
        if with_number is not None:
            token, number = with_number.groups()
        before, behind = stem[: word.start()], stem[word.end() :]
        if token not in LABELS or _OF_A_BODY.match(behind):
            continue
        kept = (before.rstrip("._- ([{"), number, behind.lstrip("._- )]}"))
        base = next((c for c in "_.- " if c in before + behind), "_").join(filter(None, kept))
        if base:
            yield ChannelName(base, LABELS[token], "inside", token=token)


def parse_numbered_name(stem: str) -> NumberedName | None:
    """Return a name that ends in a number, taken apart, or None.

    Examples
    --------
    >>> parse_numbered_name("1m02 6mx.A3")
    NumberedName(base='1m02 6mx', kind='a', number=3, set_off_by='.')
    """
    match = _NUMBER.match(_normal(stem))
    if match is None:
        return None
    return NumberedName(
        _base(match) + match["copy"],
        (match["kind"] or "").lower(),
        int(match["number"]),
        match["sep"].strip() or " ",
    )


def _base(match: re.Match[str]) -> str:
    return (match["base"].rstrip("._- ") or match["base"]) + match["tail"]


def _normal(stem: str) -> str:
    """Return a name in NFC, with plain spaces and dashes for those that only look like them."""
    return unicodedata.normalize("NFC", stem).translate(_ODD_SPACES).strip()


def stem_of(file: str) -> str:
    """Return a file's name without folder and audio suffixes, NFC.

    Examples
    --------
    >>> stem_of("PT/VLN.L.aif.wav")
    'VLN.L'
    """
    path = PurePosixPath(PurePosixPath(file).name)
    while path.suffix.lower() in AUDIO_SUFFIXES:
        path = path.with_suffix("")
    return unicodedata.normalize("NFC", path.name).strip()


def natural_key(name: str) -> tuple[tuple[int, int | str], ...]:
    """Return a sort key under which 'Vln 2' comes before 'Vln 10'."""
    parts = re.split(r"(\d+)", name.casefold())
    return tuple((0, int(p)) if p.isdecimal() else (1, p) for p in parts if p)


def holds_pattern(name: str, patterns: Sequence[str]) -> str | None:
    """Return the first of ``patterns`` that a name holds anywhere, in any case, or None."""
    folded = name.casefold()
    return next((p for p in patterns if p.casefold() in folded), None)


def ends_in_pattern(name: str, patterns: Sequence[str]) -> str | None:
    """Return the pattern behind which a name has nothing but takes, versions and formats.

    Examples
    --------
    >>> ends_in_pattern("1m02 6mx_v2", ["6mx"]), ends_in_pattern("1m02 6mx Horn", ["6mx"])
    ('6mx', None)
    """
    for pattern in patterns:
        at = name.casefold().rfind(pattern.casefold())
        if at >= 0 and re.fullmatch(_TAIL, name[at + len(pattern) :], re.IGNORECASE):
            return pattern
    return None


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
