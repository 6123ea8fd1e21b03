"""What is wrong with files, told in as many sentences as there are faults, not as files."""

from collections import defaultdict
from collections.abc import Sequence

from cue_pipeline.audio.headers import AudioHeader

_MOST_NAMED = 12
_FEW = 2  # so many sentences are no trouble to read


def told_faults(headers: Sequence[AudioHeader]) -> list[str]:
    """Return why files cannot be used, those with the same fault together.

    Parameters
    ----------
    headers : sequence of AudioHeader
        Those without a fault are passed over.

    Returns
    -------
    list of str
        In the order in which the faults first occur; a fault that one or two files have is told
        of each.
    """
    alike: dict[str, list[AudioHeader]] = defaultdict(list)
    for header in headers:
        if header.fault is not None:
            alike[header.fault.removeprefix(f"'{header.file}'").strip()].append(header)
    told: list[str] = []
    for fault, same in alike.items():
        if len(same) <= _FEW:
            told.extend(header.fault or "" for header in same)
        else:
            files = listed_files([header.file for header in same])
            told.append(f"Each of {len(same)} files {fault} They are {files}.")
    return told


def listed_files(files: Sequence[str]) -> str:
    """Return files by name, the first twelve where there are more."""
    shown = ", ".join(f"'{file}'" for file in files[:_MOST_NAMED])
    return shown if len(files) <= _MOST_NAMED else f"{shown} and {len(files) - _MOST_NAMED} more"
