"""What a person changed in a sheet of mappings, held against the cue that each line is about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from cue_pipeline.errors import MappingError
from cue_pipeline.mapping.people.spreadsheet import SheetLine
from cue_pipeline.mapping.people.track_keys import (
    NO_GROUP,
    KnownTrack,
    category_meant,
    group_meant,
    one_track,
    part_place,
)


@dataclass(frozen=True, slots=True)
class CueParts:
    """A cue's MIDI tracks and stems, and its mappings by track position where it has any."""

    cue_key: str
    tracks: tuple[KnownTrack, ...]
    groups: tuple[str, ...]
    found: Mapping[int, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person says of one track.

    Attributes
    ----------
    track : int
        Position in the cue's tracks.
    group : str or None
        ``-``: none of them; None: no say.
    category, note : str or None
        None: no say.
    """

    cue_key: str
    track: int
    group: str | None
    category: str | None
    note: str | None


def decision_of(line: SheetLine, cue: CueParts) -> Decision | None:
    """Return what a line decides; None where the person changed nothing in it.

    Raises
    ------
    MappingError
        If the line cannot be followed; says why and what to do.
    """
    track = _track(line, cue)
    found = cue.found.get(track, {})
    confirmed = _confirms(line, found)
    group = _changed(line, "canonical_name", found)
    if group is None and confirmed:
        group = line.get("canonical_name")
        group = (found.get("canonical_name") or "") if group is None else group
    category = _changed(line, "instrument_category", found)
    if group is None and category is None:
        return None
    if category == "":
        raise MappingError(
            "the category was emptied; write one of the 28, or leave it as it was "
            f"('{_before(line, 'instrument_category', found)}')."
        )
    return Decision(
        cue.cue_key,
        track,
        None if group is None else group_meant(group, cue.groups, cue.cue_key),
        None if category is None else category_meant(category),
        line.get("note") or None,
    )


def _track(line: SheetLine, cue: CueParts) -> int:
    name, index, path = (line.get(c) or "" for c in ("track_name", "track_index", "file_path"))
    if not index:
        if not name:
            raise MappingError("it names no track; fill 'track_name' or 'track_index'.")
        return one_track(name, _of_file(path, cue), cue.cue_key)
    if not index.isdigit():
        raise MappingError(f"'{index}' is no track index; it is a whole number, or empty.")
    at = one_track(f"{path}{_place(int(index), line)}", cue.tracks, cue.cue_key)
    known = cue.tracks[at]
    if "track_name" in line.cells and name != known.name.strip():
        raise MappingError(
            f"track {known.place} of {known.file_path} is '{known.name}', not '{name}'. The MIDI "
            "file changed since the export, or the line was altered: export again."
        )
    return at


def _place(index: int, line: SheetLine) -> str:
    """Return the index of the line's track, with its part where the line names one."""
    part = {column: line.get(column) or "" for column in ("part_channel", "port")}
    for column, cell in part.items():
        if cell and not cell.isdigit():
            raise MappingError(f"'{cell}' is no {column}; it is a whole number, or empty.")
    channel, port = (int(cell) if cell else None for cell in part.values())
    return part_place(index, channel, port)


def _of_file(path: str, cue: CueParts) -> Sequence[KnownTrack]:
    """Return the cue's tracks; those of other files without a name where a file is given."""
    if not path:
        return cue.tracks
    return [
        t
        if path in (t.file_path, PurePosixPath(t.file_path).name)
        else replace(t, name="", other_names=())
        for t in cue.tracks
    ]


def _before(line: SheetLine, column: str, found: Mapping[str, Any]) -> str:
    """Return what the program had found when the line was written, or now."""
    written = line.get(f"found_{column}")
    return str(found.get(column) or "").strip() if written is None else written


def _changed(line: SheetLine, column: str, found: Mapping[str, Any]) -> str | None:
    said = line.get(column)
    if said is None:
        return None
    same = (said if said != NO_GROUP else "") == _before(line, column, found)
    return None if same else said


def _confirms(line: SheetLine, found: Mapping[str, Any]) -> bool:
    said = _changed(line, "state", found)
    if said is None:
        return False
    if said.casefold() != "confirmed":
        raise MappingError(
            f"the state was changed to '{said}'; only 'confirmed' can be said there: that the "
            "line is right as it stands. `cue-pipeline mappings unset` takes a decision back."
        )
    return True
