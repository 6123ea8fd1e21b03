"""What can go wrong, named by cause.

Every message says what was found, where, what was needed and what to do about it, and never
holds a secret. A room raises its own child of :class:`CuePipelineError`; anything else that
leaves a room is a bug.
"""

from collections.abc import Collection, Iterable
from difflib import get_close_matches
from typing import Final

_LIKE: Final = 0.6  # of what was typed


class CuePipelineError(Exception):
    """Something that a user can understand and mend; shown without a traceback."""


class SettingsError(CuePipelineError):
    """A setting in the environment or in ``.env`` cannot be used."""


class CueError(CuePipelineError):
    """A cue folder, or the base folder of a library, cannot be used."""


class UnreadableFolderError(CueError):
    """A folder, or what lies in it, cannot be read now: no word on whether it is a cue."""


class IncompleteCueError(CueError):
    """A folder is laid out as a cue's and has no MIDI, or no audio: perhaps it is yet to come."""


class MidiFileError(CuePipelineError):
    """A MIDI file holds nothing that can be read."""


class AudioFileError(CuePipelineError):
    """An audio file cannot be read, or not to its end."""


class ScratchError(CuePipelineError):
    """There is no room, or no place, for a temporary file."""


class MappingError(CuePipelineError):
    """Tracks cannot be mapped to groups: the model failed, or an override names nothing."""


class SplitError(CuePipelineError):
    """Splits cannot be made as they were asked for."""


class WarehouseError(CuePipelineError):
    """The database cannot be reached, is refused, or does not fit the program."""


class SchemaError(WarehouseError):
    """Tables, rows and program do not fit each other: trying again cannot help."""


class WarehouseAwayError(WarehouseError):
    """The database cannot be reached or is busy: trying again later may help."""


class NotReadyError(WarehouseError):
    """Rows were asked for that are not made, or not whole."""


class UnknownNameError(CuePipelineError, KeyError):
    """Something was asked for by a name that there is not; also a :class:`KeyError`."""

    __str__ = Exception.__str__  # KeyError shows its message in quotes


class TrainingError(CuePipelineError):
    """Windows cannot be given as they were asked for, or a data set on disk is not whole."""


class ExportError(CuePipelineError):
    """A data set cannot be written, or does not verify."""


def closest(name: str, names: Iterable[str], n: int = 3) -> list[str]:
    """Return the names most like one that was typed, the likeliest first.

    A name may be typed without its end, without the folders in front, or without both: what was
    typed is held against as much of each.
    """
    typed = name.casefold()
    lengths = (None, len(typed), len(typed) + 1)
    by_part: dict[str, list[str]] = {}
    for known in sorted(names):
        whole = known.casefold()
        for part in {text[:n] for text in (whole, whole.rpartition("/")[2]) for n in lengths}:
            by_part.setdefault(part, []).append(known)
    parts = get_close_matches(typed, by_part, n=4 * n, cutoff=_LIKE)
    return list(dict.fromkeys(known for part in parts for known in by_part[part]))[:n]


def closest_names(name: str, names: Collection[str]) -> str:
    """Return the names most like one that was typed, as ``'a' or 'b'``; some, where none is."""
    return " or ".join(repr(n) for n in closest(name, names) or sorted(names)[:3])
