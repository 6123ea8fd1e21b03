"""Cue numbers in folder names, and the order that people expect of names with numbers.

A cue number as film and television write it: ``1m03`` is reel 1, cue 3. Seen as well: ``1m1``,
``1m001``, ``m01`` (no reels), ``101m01`` (the episode stands for the reel), ``1m04a`` (inserted
later), ``1m01s`` and ``1s01`` (source music, heard by the characters), ``1m01v3``, ``1m02R``
(revised; ``R2``: again), and the number in the midst of a name: ``TW312 1m01 v3.2 Main Title``.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

_NUMBER = re.compile(
    r"""
    (?<![a-z0-9])
    (?:(?P<reel>[0-9]{1,4})(?P<kind>[ms])(?P<number>[0-9]{1,3})
      |m(?P<bare>[0-9]{2,3}))                 # 'm4 rifle' and '.m4a' are no cues, 'm04' is
    (?P<suffix>[a-qt-z]?)(?P<source>s?)(?P<revised>(?:r[0-9]{0,2})?)
    (?=(?:v|ver|alt|rev|pt|mx|mix)?[0-9]*(?:\.[0-9]+)*(?![a-z0-9]))
    (?<!m)                                    # an 'm' as suffix: '1m01m' reads as metres
    (?![0-9])
    """,
    re.IGNORECASE | re.VERBOSE,
)
_VERSION = re.compile(
    r"""(?<![a-z0-9])v(?:er(?:sion)?[ ._-]?)?
    (?P<version>[0-9]+(?:\.[0-9]+)*[a-z]?)(?![a-z0-9])""",
    re.IGNORECASE | re.VERBOSE,
)
_SEPARATORS = " \t_-.–—"
_DIGITS = re.compile(r"([0-9]{1,18})")  # bounded: int() refuses thousands of digits


@dataclass(frozen=True, slots=True)
class CueNumber:
    """What a cue's name says about it.

    Attributes
    ----------
    reel : int or None
        The number before the ``m``: the reel, or the episode (``101m01``); None for ``m01``.
    number : int
        The cue within the reel.
    suffix : str
        Letter of a cue inserted later, lower case (``a`` of ``1m04a``), or empty.
    is_source : bool
        Source music (``1s01``, ``1m01s``).
    version : str or None
        As written, without its ``v``: ``3.2``; ``R`` of a revised cue.
    project : str or None
        What stands before the number: ``TW312``.
    title : str or None
        What stands after it, without the version: ``Main Title``.
    """

    reel: int | None
    number: int
    suffix: str = ""
    is_source: bool = False
    version: str | None = None
    project: str | None = None
    title: str | None = None

    @property
    def label(self) -> str:
        """The number in its common spelling: ``1m04a``, ``2m06s``, ``m07``."""
        reel = "" if self.reel is None else str(self.reel)
        return f"{reel}m{self.number:02d}{self.suffix}{'s' if self.is_source else ''}"

    @property
    def sort_key(self) -> tuple[int, int, str, bool]:
        """Film order; cues without a reel come first."""
        return (-1 if self.reel is None else self.reel, self.number, self.suffix, self.is_source)


@lru_cache(maxsize=1 << 15)  # a cue's number, project and title are asked of one key
def parse_cue_number(name: str) -> CueNumber | None:
    """Return what a cue's name says, or None where it holds no cue number.

    Parameters
    ----------
    name : str
        A folder's name or a cue's key. Of a key (with ``/``) the deepest folder that holds a
        number counts; folders below it may still give the version (``1m02/v3``).

    Examples
    --------
    >>> found = parse_cue_number("TW312 1m01 v3.2 Main Title")
    >>> (found.project, found.label, found.version, found.title)
    ('TW312', '1m01', '3.2', 'Main Title')
    >>> parse_cue_number("10m run") is None
    True
    """
    found = find_cue_number(name)
    if found is None:
        return None
    rest = " ".join([found.after, *name.split("/")[found.depth + 1 :]])
    version = _VERSION.search(rest)
    if version:
        head, tail = rest[: version.start()].strip(_SEPARATORS), rest[version.end() :]
        rest = f"{head} {tail.strip(_SEPARATORS)}"
    match = found.match
    reel = match["reel"]
    return CueNumber(
        reel=None if reel is None else int(reel),
        number=int(match["number"] or match["bare"]),
        suffix=match["suffix"].lower(),
        is_source=bool(match["source"]) or (match["kind"] or "").lower() == "s",
        version=version["version"] if version else match["revised"] or None,
        project=found.before.strip(_SEPARATORS) or None,
        title=rest.strip(_SEPARATORS) or None,
    )


@dataclass(frozen=True, slots=True)
class NumberPlace:
    """Where the cue number of a key stands.

    Attributes
    ----------
    depth : int
        Of the folder that holds it, from 0.
    match : re.Match
        The number itself, with its suffix and what says that the cue was revised.
    """

    depth: int
    match: re.Match[str]

    @property
    def before(self) -> str:
        """What stands before it in that folder's name."""
        return self.match.string[: self.match.start()]

    @property
    def after(self) -> str:
        """What stands after it in that folder's name."""
        return self.match.string[self.match.end() :]

    @property
    def revision(self) -> int:
        """How often the cue was revised, by its number: 1 for ``1m02R``, 2 for ``1m02R2``."""
        revised = self.match["revised"]
        return int(revised[1:] or 1) if revised else 0


@lru_cache(maxsize=1 << 15)
def find_cue_number(name: str) -> NumberPlace | None:
    """Return where the cue number of a key stands: in the deepest folder that holds one."""
    parts = name.split("/")
    for depth in range(len(parts) - 1, -1, -1):
        match = _NUMBER.search(parts[depth])
        if match:
            return NumberPlace(depth, match)
    return None


@lru_cache(maxsize=1 << 15)  # stems are called alike from cue to cue
def natural_key(text: str) -> tuple[tuple[tuple[str | int, ...], str], ...]:
    """Return a sort key by which ``1m2`` comes before ``1m10``.

    Runs of digits compare as numbers, letters without regard to case; folders of a path compare
    one by one, so that a folder's contents stay together. The text itself breaks ties.
    """
    return tuple((_natural_part(part), part) for part in text.split("/"))


def _natural_part(text: str) -> tuple[str | int, ...]:
    # Splitting by a group alternates text and digits, text first: like is compared with like.
    pieces: list[str | int] = list(_DIGITS.split(text.casefold()))
    pieces[1::2] = map(int, pieces[1::2])
    return tuple(pieces)
