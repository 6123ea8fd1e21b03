"""What people type for a track, a group or a category, and what they mean by it.

Conventions
-----------
A track is named by its name (``Violas``), by its index in its MIDI file (``#3``), or by file and
index (``MIDI/1m02.mid#3``; the file's name alone will do where it is the only one of that name).
A name that looks like an index is a name first. One part of a track that has several is named by
its MIDI channel, counted from 1 as musicians do, and where ports differ by its port:
``#3 ch10``, ``MIDI/1m02.mid#3 port1 ch10``. What names the track without it means all its parts;
so does any other name that the file gives to the track.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import PurePosixPath
from typing import Any, Final

from cue_pipeline.cue.shown import shown
from cue_pipeline.errors import MappingError
from cue_pipeline.mapping.categories import INSTRUMENT_CATEGORIES
from cue_pipeline.mapping.tracks import is_missing

# As a group: this track belongs to none.
NO_GROUP: Final = "-"
_INDEXED: Final = re.compile(
    r"(?P<file>.*)#(?P<index>\d{1,9})(?: *port *(?P<port>\d{1,3}))?(?: *ch *(?P<channel>\d{1,2}))?",
    re.DOTALL | re.IGNORECASE,
)
_MOST_SHOWN: Final = 12


@dataclass(frozen=True, slots=True)
class KnownTrack:
    """One MIDI track of a cue, or one part of it.

    Attributes
    ----------
    file_path : str
        Its file's path in the cue.
    track_index : int
        Its place there.
    name : str
    channel, port : int or None
        Of a part, channels from 0; None: the track is one part.
    other_names : tuple of str
        What else the file calls it.
    notes : str or None
        Digest of its notes; None: it has none, or they were not read.
    """

    file_path: str
    track_index: int
    name: str
    channel: int | None = None
    port: int | None = None
    other_names: tuple[str, ...] = ()
    notes: str | None = None

    @property
    def place(self) -> str:
        """Its index, as a person would type it."""
        return part_place(self.track_index, self.channel, self.port)

    def __str__(self) -> str:
        return f"'{shown(self.name) or '(no name)'}' ({self.place} of {self.file_path})"


def known_track(file_path: str, row: Any) -> KnownTrack:
    """Return the track of a row of ``midi_tracks``, given as a named tuple."""

    def whole(value: Any) -> int | None:
        return None if is_missing(value) else int(value)

    return KnownTrack(
        file_path,
        int(row.track_index),
        "" if is_missing(row.track_name) else str(row.track_name),
        channel=whole(row.part_channel),
        port=whole(row.port),
        other_names=tuple(row.all_names) if isinstance(row.all_names, list) else (),
        notes=None if is_missing(notes := getattr(row, "notes", None)) else str(notes),
    )


def part_place(track_index: int, channel: int | None, port: int | None) -> str:
    """Return the index of a track or of one of its parts, as a person would type it.

    Examples
    --------
    >>> part_place(3, None, None), part_place(3, 9, 0), part_place(3, 9, 1)
    ('#3', '#3 ch10', '#3 port1 ch10')
    """
    at_port = f" port{port}" if port else ""
    return f"#{track_index}" + ("" if channel is None else f"{at_port} ch{channel + 1}")


def specificity(key: str) -> int:
    """Return 0 for a name, then the more the closer a key names one part: the higher wins."""
    indexed = _INDEXED.fullmatch(key)
    if indexed is None:
        return 0
    return 1 + bool(indexed["file"]) + 2 * bool(indexed["channel"] or indexed["port"])


def tracks_meant(
    key: str,
    tracks: Sequence[KnownTrack],
    is_file: Callable[[str, KnownTrack], bool] | None = None,
) -> list[int]:
    """Return the positions of all tracks that ``key`` may mean; none, where it means nothing.

    Parameters
    ----------
    key : str
        A name, ``#index`` or ``file#index``, these with a part or without.
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
            if track.track_index == index
            and (not path or same(path, track))
            and _is_part(indexed, track)
        ]
        if found:
            return found
    folded = key.strip().casefold()
    named = [i for i, t in enumerate(tracks) if folded and t.name.strip().casefold() == folded]
    return named or [
        i
        for i, t in enumerate(tracks)
        if folded and folded in (other.strip().casefold() for other in t.other_names)
    ]


def _is_part(indexed: re.Match[str], track: KnownTrack) -> bool:
    """Return whether a track is the part that an index names; port 0 need not be named."""
    channel, port = indexed["channel"], indexed["port"]
    if channel is None:
        return port is None or track.port == int(port)
    return track.channel == int(channel) - 1 and track.port == int(port or 0)


def _is_file(path: str, track: KnownTrack) -> bool:
    return path in (track.file_path, PurePosixPath(track.file_path).name)


def lasting_key(position: int, tracks: Sequence[KnownTrack]) -> str:
    """Return the key that survives most: the name where it is the only one, else the index."""
    track = tracks[position]
    if track.name.strip() and len(tracks_meant(track.name, tracks)) == 1:
        return track.name
    one_file = len({t.file_path for t in tracks}) == 1
    if one_file and all(t.name != track.place for t in tracks):
        return track.place
    return f"{track.file_path}{track.place}"


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
            f"'{PurePosixPath(tracks[i].file_path).name}{tracks[i].place}'" for i in found
        )
        if len({(PurePosixPath(t.file_path).name, t.place) for t in tracks}) < len(tracks):
            choices = " or ".join(f"'{tracks[i].file_path}{tracks[i].place}'" for i in found)
        raise MappingError(
            f"Cue '{cue_key}' has {len(found)} tracks that '{typed}' may mean: "
            f"{', '.join(str(tracks[i]) for i in found)}. Type {choices} in place of '{typed}', or "
            "give --all to decide for all of them."
        )
    names = [shown(track.name) for track in tracks if track.name]
    close = _closest(typed, names)
    listed = close or [f"{shown(t.name) or '(no name)'} ({t.place})" for t in tracks][:_MOST_SHOWN]
    raise MappingError(
        f"Cue '{cue_key}' has no track '{typed}'. "
        + (f"The closest are {_listed(close)}." if close else f"It has {_listed(listed)}.")
        + f" A track is its name, #INDEX, or FILE.mid#INDEX: `cue-pipeline mappings '{cue_key}'` "
        f"shows all {len(tracks)}."
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
    raise MappingError(
        f"'{typed}' is no instrument category.{_likely_category(typed)} They are: "
        f"{', '.join(INSTRUMENT_CATEGORIES)}."
    )


def _likely_category(typed: str) -> str:
    """Return a hint at the category of which an instrument is, or whose name is like it."""
    from cue_pipeline.mapping.names.parsing import categorise

    heard = categorise(typed)
    if heard.category:
        return f" The closest is '{heard.category}', for {heard.reason}."
    close = _closest(typed, INSTRUMENT_CATEGORIES)
    return f" The closest are {_listed(close)}." if close else ""


def _closest(typed: str, names: Sequence[str]) -> list[str]:
    by_folded = {name.casefold(): name for name in names}
    found = get_close_matches(typed.strip().casefold(), list(by_folded), n=3, cutoff=0.4)
    # A word of the name, however long the rest is.
    words = [f for f in by_folded if typed.strip() and typed.strip().casefold() in f]
    return [by_folded[f] for f in dict.fromkeys([*found, *words[:3]])][:3]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
