"""Which version of a piece a folder holds, by its name; and what the piece is called without that.

Film cues come back: ``1m02 The Letter v1``, ``v2``, ``1m02R`` (revised), ``1m02 alt``, ``_rev3``,
``(old)``, ``FINAL``, ``2024-05-01``, ``OLD/1m02``, ``1m02 copy``. A mark counts where it stands at
an end of a folder's name, in brackets, or alone; ``v3`` and a date count anywhere. A word that
titles end with too ('Growing Old') counts there only if it is written otherwise than the title
(``Growing old``, ``Growing_Old``), or if nothing stands before it but the number.
"""

import re
import unicodedata
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from cue_pipeline.cue.numbering import find_cue_number, parse_cue_number

_EDGE = " \t_-.–—+,&"
_NUMBERED = r"[ ._-]?(?P<n>[0-9]{1,4}(?:[._][0-9]{1,4})*)?(?P<letter>(?<![a-z])[a-z])?"

_ANYWHERE: Final = {
    "number": r"v(?:er(?:sion)?[ ._-]?)?(?P<n>[0-9]{1,4}(?:[._][0-9]{1,4})*)(?P<letter>[a-z])?",
    "date": r"(?P<y>(?:19|20)[0-9]{2})(?P<s>[-_.]?)(?P<m>0[1-9]|1[0-2])(?P=s)"
    r"(?P<d>0[1-9]|[12][0-9]|3[01])",
}
_AT_AN_END: Final = {
    "revision": r"(?:rev(?:ision|ised)?|revd)" + _NUMBERED,
    "alternate": r"alt(?:ernate|ernative|ernativ)?" + _NUMBERED,
    "old": r"(?:old|older|superseded|retired|archived?|back[ _-]?ups?|bak|obsolete|unused|previous"
    r"|prev|alte?s?[ _-]version)" + _NUMBERED,
    "final": r"(?:final|newest|new|latest|current|approved)" + _NUMBERED,
    "draft": r"(?:draft|wip)" + _NUMBERED,
    "copy": r"(?:copy(?:[ _-]of)?|kopie|copie|copia|dup(?:licate)?)" + _NUMBERED,
    "day": r"(?P<y>[0-9]{2})(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12][0-9]|3[01])",
}
_WORDS_OF_TITLES: Final = {"old", "final", "draft", "copy"}
_IN_BRACKETS: Final = {"copy": r"(?P<n>[0-9]{1,2})"}
# What a name without any mark has nothing of: most names, which are to be read fast.
_MAYBE: Final = re.compile(
    r"[(\[{]|v[0-9]|ver|rev|alt|old|supers|retired|archive|back|bak|obsol|unused|prev|final|new"
    r"|latest|current|approved|draft|wip|cop[yi]|kopie|dup|[0-9]{4}[-_.]?[0-9]{2}",
    re.IGNORECASE,
)
_BEFORE, _AFTER = r"(?<![^\W_])", r"(?![^\W_])"
_NO_NUMBER: Final = (1,)  # '1m02' is what '1m02 v1' is
_ABOVE_ALL: Final = (10_000,)


@dataclass(frozen=True, slots=True)
class VersionMarks:
    """What the marks in a name say.

    Attributes
    ----------
    old, alternate, is_copy : bool
        Set aside; an alternative to another version; a copy.
    revision : int
        ``1m02R``, ``rev3``; 0: none.
    number : tuple of int
        ``v3.2``; final without a number is above all, a draft below all.
    date : str
        ``20240501``; empty: none.
    text : str or None
        All of it as written, without the ``v`` of a number alone.
    """

    old: bool = False
    alternate: bool = False
    is_copy: bool = False
    revision: int = 0
    number: tuple[int, ...] = _NO_NUMBER
    date: str = ""
    text: str | None = None

    @property
    def rank(self) -> tuple[bool, bool, int, tuple[int, ...], bool]:
        """Order of versions, the latest highest; dates apart, which not every version has."""
        return (not self.old, not self.alternate, self.revision, self.number, not self.is_copy)


@dataclass(frozen=True, slots=True)
class WorkName:
    """What a cue's key says about which piece it is a version of.

    Attributes
    ----------
    exact : str
        The same in all versions of a work, and in no other piece: folders, number and title
        without marks and without regard to case. Copies keep their mark in it, for numbers in
        brackets may be anything.
    loose : str
        Folders and number, or the name without the mark of a copy: cues that have this in common
        are one work if they share music.
    """

    exact: str
    loose: str
    marks: VersionMarks
    title: str | None


@lru_cache(maxsize=50_000)
def read_work_name(cue_key: str) -> WorkName:
    """Return which work a cue is a version of, by its key.

    Parameters
    ----------
    cue_key : str
        Folders below the library's root.

    Examples
    --------
    >>> a, b = (read_work_name(f"Reel 1/1m02 The Letter{v}") for v in (" v1", "_rev3"))
    >>> (a.exact == b.exact, a.marks.rank < b.marks.rank)
    (True, True)
    """
    marks = VersionMarks()
    written: list[str] = []
    exact: list[str] = []
    loose: list[str] = []
    titles: list[str] = []
    place, number = find_cue_number(cue_key), parse_cue_number(cue_key)
    for depth, part in enumerate(cue_key.split("/")):
        head, label, text = "", "", part
        if place is not None and number is not None and depth == place.depth:
            head, label, text = place.before, number.label, place.after
            marks = replace(marks, revision=place.revision)
            written += [place.match["revised"]] if place.revision else []
        head, marks, found, copied = _without_marks(head, marks)
        rest, marks, more, copied_too = _without_marks(text, marks)
        copied = copied_too or copied
        written += [*found, *more]
        name = _plain(f"{head} {label} {rest}")
        exact += [f"{name}{copied}"] if name or copied else []
        if place is None or depth < place.depth:
            loose += [name] if name else []
            continue
        titles += [rest] if rest else []
        if label:
            loose.append(_plain(f"{head} {label}"))
    if not exact:  # a folder that is named 'v2' and nothing else
        exact = loose = [_plain(cue_key)]
    marks = replace(marks, text=" ".join(written) or None)
    return WorkName("/".join(exact), "/".join(loose), marks, " ".join(titles) or None)


def without_marks(folder: str) -> str:
    """Return a folder's name without what says which version it is."""
    return _without_marks(folder, VersionMarks())[0]


def _without_marks(text: str, marks: VersionMarks) -> tuple[str, VersionMarks, list[str], str]:
    """Return a name without its marks, what they say, how they are written, and that of a copy."""
    written: list[str] = []
    copied = ""
    if not _MAYBE.search(text):
        return text.strip(_EDGE), marks, written, copied
    for kind, pattern in _ANYWHERE.items():
        for match in re.finditer(f"{_BEFORE}(?:{pattern}){_AFTER}", text, re.IGNORECASE):
            marks = _read(marks, kind, match)
            written.append(match["n"] + (match["letter"] or "") if kind == "number" else match[0])
        text = re.sub(f"{_BEFORE}(?:{pattern}){_AFTER}", " ", text, flags=re.IGNORECASE)
    while True:
        text = re.sub(r"[(\[{]\s*[)\]}]", " ", text).strip(_EDGE)
        found = _at_an_end(text)
        if found is None:
            return re.sub(r"[\s_.-]{2,}", " ", text), marks, written, copied
        kind, match, text = found
        marks = _read(marks, kind, match)
        written.append(match[0].strip(_EDGE + ("" if match[0][1:-1].isdigit() else "()[]{}")))
        if kind == "copy":
            copied = f" copy {match['n'] or ''}"


def _at_an_end(text: str) -> tuple[str, re.Match[str], str] | None:
    for kind, pattern in _AT_AN_END.items():
        bracketed = re.search(rf"[(\[{{]\s*(?:{pattern})\s*[)\]}}]", text, re.IGNORECASE)
        if bracketed:
            return kind, bracketed, f"{text[: bracketed.start()]} {text[bracketed.end() :]}"
        last = re.search(rf"{_BEFORE}(?:{pattern})\Z", text, re.IGNORECASE)
        if last and _is_mark(kind, text[: last.start()], last[0]):
            return kind, last, text[: last.start()]
        first = re.match(rf"(?:{pattern})(?=[_\-]|\s-|\s*\Z)", text, re.IGNORECASE)
        if first and kind in ("old", "copy", "final", "alternate"):
            return kind, first, text[first.end() :]
    for kind, pattern in _IN_BRACKETS.items():
        last = re.search(rf"\({pattern}\)\Z", text, re.IGNORECASE)
        if last:
            return kind, last, text[: last.start()]
    return None


def _is_mark(kind: str, before: str, word: str) -> bool:
    """Return whether a word at the end of a name says which version it is, and is no title's."""
    if kind == "day":
        return bool(before)
    if kind not in _WORDS_OF_TITLES or not before.strip(_EDGE) or not before.endswith(" "):
        return True
    if before.rstrip().endswith(tuple("-–—_")):
        return True
    title = [c for c in before if c.isalpha()]
    capitals = any(c.isupper() for c in title)
    return (word.islower() and capitals) or (word.isupper() and not all(c.isupper() for c in title))


def _read(marks: VersionMarks, kind: str, match: re.Match[str]) -> VersionMarks:
    if kind in ("date", "day"):
        year = match["y"] if kind == "date" else f"20{match['y']}"
        return replace(marks, date=f"{year}{match['m']}{match['d']}")
    groups = match.groupdict()
    number = tuple(int(n) for n in re.split(r"[._]", groups["n"])) if groups.get("n") else None
    if number and groups.get("letter"):
        number = (*number, ord(groups["letter"].lower()))
    if kind == "number":
        return replace(marks, number=number or _NO_NUMBER)
    if kind == "revision":
        return replace(marks, revision=number[0] if number else max(1, marks.revision))
    if kind in ("final", "draft"):
        least = _ABOVE_ALL if kind == "final" else (0,)
        said = marks.number != _NO_NUMBER
        return marks if said and number is None else replace(marks, number=number or least)
    return replace(
        marks,
        old=marks.old or kind == "old",
        alternate=marks.alternate or kind == "alternate",
        is_copy=marks.is_copy or kind == "copy",
    )


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.findall(r"[^\W_]+", folded))
