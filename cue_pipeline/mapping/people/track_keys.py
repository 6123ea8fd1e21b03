"""What people type for a track, a group or a category, and what they mean by it.

Conventions
-----------
A track is named by its name (``Violas``), by its index in its MIDI file (``#3``), or by file and
index (``MIDI/1m02.mid#3``; the file's name alone will do where it is the only one of that name).
A name that looks like an index is a name first.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import PurePosixPath
from typing import Final

from cue_pipeline.errors import MappingError
from cue_pipeline.mapping.categories import INSTRUMENT_CATEGORIES

# As a group: this track belongs to none.
NO_GROUP: Final = "-"
_INDEXED: Final = re.compile(r"(?P<file>.*)#(?P<index>\d{1,9})", re.DOTALL)
_MOST_SHOWN: Final = 12


@dataclass(frozen=True, slots=True)
class KnownTrack:
    """One MIDI track of a cue: its file's path in the cue, its index there, its name."""

    file_path: str
    track_index: int
    name: str

    def __str__(self) -> str:
        return f"'{self.name or '(no name)'}' (#{self.track_index} of {self.file_path})"


def specificity(key: str) -> int:
    """Return 0 for a name, 1 for ``#index``, 2 for ``file#index``: the higher wins."""
    indexed = _INDEXED.fullmatch(key)
    return 0 if indexed is None else 1 + bool(indexed["file"])


def tracks_meant(
    key: str,
    tracks: Sequence[KnownTrack],
    is_file: Callable[[str, KnownTrack], bool] | None = None,
) -> list[int]:
    """Return the positions of all tracks that ``key`` may mean; none, where it means nothing.

    Parameters
    ----------
    key : str
        A name, ``#index`` or ``file#index``.
    tracks : sequence of KnownTrack
        Of one cue.
    is_file : callable, optional
        Whether a path is that of a track's file; paths and file names are compared otherwise.
    """
    named = [i for i, track in enumerate(tracks) if track.name and track.name == key]
    if named:
        return named
    indexed = _INDEXED.fullmatch(key.strip())
    if indexed is not None:
        path, index, same = indexed["file"], int(indexed["index"]), is_file or _is_file
        found = [
            i
            for i, track in enumerate(tracks)
            if track.track_index == index and (not path or same(path, track))
        ]
        if found:
            return found
    folded = key.strip().casefold()
    return [i for i, t in enumerate(tracks) if folded and t.name.strip().casefold() == folded]


def _is_file(path: str, track: KnownTrack) -> bool:
    return path in (track.file_path, PurePosixPath(track.file_path).name)


def lasting_key(position: int, tracks: Sequence[KnownTrack]) -> str:
    """Return the key that survives most: the name where it is the only one, else the index."""
    track = tracks[position]
    if track.name.strip() and len(tracks_meant(track.name, tracks)) == 1:
        return track.name
    one_file = len({t.file_path for t in tracks}) == 1
    by_index = f"#{track.track_index}"
    if one_file and all(t.name != by_index for t in tracks):
        return by_index
    return f"{track.file_path}#{track.track_index}"


def one_track(typed: str, tracks: Sequence[KnownTrack], cue_key: str) -> int:
    """Return the position of the one track that is meant.

    Raises
    ------
    MappingError
        If none or several are; says which there are and what to type.
    """
    found = tracks_meant(typed, tracks)
    if len(found) == 1:
        return found[0]
    if found:
        choices = " or ".join(
            f"'{PurePosixPath(tracks[i].file_path).name}#{tracks[i].track_index}'" for i in found
        )
        if len({(PurePosixPath(t.file_path).name, t.track_index) for t in tracks}) < len(tracks):
            choices = " or ".join(f"'{tracks[i].file_path}#{tracks[i].track_index}'" for i in found)
        raise MappingError(
            f"Cue '{cue_key}' has {len(found)} tracks that '{typed}' may mean: "
            f"{', '.join(str(tracks[i]) for i in found)}. Type {choices} in place of '{typed}', or "
            "give --all to decide for all of them."
        )
    names = [track.name for track in tracks if track.name]
    close = _closest(typed, names)
    shown = close or [f"{t.name or '(no name)'} (#{t.track_index})" for t in tracks][:_MOST_SHOWN]
    raise MappingError(
        f"Cue '{cue_key}' has no track '{typed}'. "
        + (f"The closest are {_listed(close)}." if close else f"It has {_listed(shown)}.")
        + f" `cue-pipeline mappings '{cue_key}'` shows all {len(tracks)}."
    )


def group_meant(typed: str, groups: Sequence[str], cue_key: str) -> str:
    """Return the group that is meant, ``-`` for none of them.

    Raises
    ------
    MappingError
        If the cue has no such group; says which are closest.
    """
    wanted = typed.strip()
    if wanted in ("", NO_GROUP):
        return NO_GROUP
    if typed in groups:
        return typed
    folded = [g for g in groups if g.strip().casefold() == wanted.casefold()]
    if len(folded) == 1:
        return folded[0]
    close = _closest(wanted, groups) or list(groups[:_MOST_SHOWN])
    there = f" The closest are {_listed(close)}." if close else " The cue has no stems."
    raise MappingError(
        f"Cue '{cue_key}' has no stem '{typed}'.{there} Empty or '{NO_GROUP}' says: no stem."
    )


def category_meant(typed: str) -> str:
    """Return the instrument category that is meant.

    Raises
    ------
    MappingError
        If there is none; lists those that are closest, then all.
    """
    folded = typed.strip().casefold()
    for category in INSTRUMENT_CATEGORIES:
        if category.casefold() == folded:
            return category
    close = _closest(typed, INSTRUMENT_CATEGORIES)
    hint = f" The closest are {_listed(close)}." if close else ""
    raise MappingError(
        f"'{typed}' is no instrument category.{hint} They are: {', '.join(INSTRUMENT_CATEGORIES)}."
    )


def _closest(typed: str, names: Sequence[str]) -> list[str]:
    by_folded = {name.casefold(): name for name in names}
    found = get_close_matches(typed.strip().casefold(), list(by_folded), n=3, cutoff=0.4)
    # A word of the name, however long the rest is.
    words = [f for f in by_folded if typed.strip() and typed.strip().casefold() in f]
    return [by_folded[f] for f in dict.fromkeys([*found, *words[:3]])][:3]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
