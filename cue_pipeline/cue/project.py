"""Which project a cue belongs to, by its key: the film, the show, the album.

In this order: what ``CUE_PROJECT_PATTERN`` finds; the topmost folder above the cue that is no mere
reel, episode or version (``Film A`` of ``Film A/Reel 1/1m02``, nothing of ``Reel 1/1m02``); what
stands before the cue's number (``TW312`` of ``TW312 1m01``).
"""

import re
from dataclasses import dataclass
from typing import Final, Literal

from cue_pipeline.cue.numbering import find_cue_number, parse_cue_number
from cue_pipeline.cue.version_marks import without_marks

# Folders that divide a project, or hold any: none is one.
_NO_PROJECT: Final = re.compile(
    r"(?:reel|rl?|act|part|pt|disc|cd|ep|episode|season|s|day|week|spool)?[ ._-]*"
    r"(?:[0-9]+|one|two|three|four|five|six|seven|eight|[ivx]+)?(?:ab?)?"
    r"|cues?|music|score|sessions?|library|projects?|recordings?|deliver(?:y|ies)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Project:
    """A project's name, and where it stands."""

    name: str
    known_by: Literal["setting", "folder", "name"]


def read_project(cue_key: str, pattern: str | None = None) -> Project | None:
    """Return the project of a cue; None where its key names none.

    Parameters
    ----------
    cue_key : str
        Folders below the library's root.
    pattern : str, optional
        Regular expression, searched in the key: its group ``project``, else its first group, else
        all that it matches.

    Examples
    --------
    >>> read_project("Film A/Reel 1/1m02 The Letter").name
    'Film A'
    >>> read_project("Reel 1/1m02 The Letter") is None
    True
    """
    found = re.search(pattern, cue_key) if pattern else None
    if found:
        name = found.groupdict().get("project") or next(iter(found.groups()), None) or found[0]
        if name.strip():
            return Project(name.strip(), "setting")
    place = find_cue_number(cue_key)
    parts = cue_key.split("/")
    for part in parts[: len(parts) - 1 if place is None else place.depth]:
        name = without_marks(part)
        if name and not _NO_PROJECT.fullmatch(name):
            return Project(name, "folder")
    number = parse_cue_number(cue_key)
    return Project(number.project, "name") if number and number.project else None
