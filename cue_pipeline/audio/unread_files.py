"""Files of a cue's folders that belong to nothing, so that none is passed over in silence."""

import os
from collections.abc import Iterator
from pathlib import Path

from cue_pipeline.audio.faults import listed_files
from cue_pipeline.cue.file_kinds import (
    AUDIO_NOT_READ,
    AUDIO_SUFFIXES,
    PAPER,
    is_system,
    suffix_of,
)
from cue_pipeline.cue.folder import CueFolder
from cue_pipeline.cue.media import MIDI_SUFFIXES, is_hidden, refusal
from cue_pipeline.cue.session import find_mixes_beside
from cue_pipeline.errors import CueError


def find_strays(folder: CueFolder) -> tuple[str, ...]:
    """Return warnings of files that are no MIDI, no audio that is read, and no known paper.

    Looked into are the folders that hold the cue's own files, and Pro Tools' folders of bounces
    beside them.
    """
    known = {*folder.audio_paths, *folder.midi_paths}
    places = sorted({"", *(file.rpartition("/")[0] for file in known)})
    unread: list[str] = []
    unknown: list[str] = []
    refused: dict[str, list[str]] = {}
    for place in places:
        for entry in _entries(folder.path / place):
            file = f"{place}/{entry.name}" if place else entry.name
            if file in known:
                continue
            suffix = suffix_of(entry.name)
            if place and (why := _refused(entry, suffix, folder.root)):
                refused.setdefault(why, []).append(file)
            elif not entry.is_file() or suffix in PAPER or is_system(entry.name):
                continue
            else:
                (unread if suffix in AUDIO_NOT_READ else unknown).append(file)
    return tuple(_told(refused, unread, unknown, _bounced(folder)))


def _told(
    refused: dict[str, list[str]], unread: list[str], unknown: list[str], bounced: list[str]
) -> Iterator[str]:
    for why, files in refused.items():
        yield f"Left out, since {why}: {_listed(files)}."
    if unread:
        yield (
            f"Audio of a kind that is not read: {_listed(unread)}. Bounce it as WAV to have "
            "it processed."
        )
    if unknown:
        yield (
            f"Files of an unknown kind, not read: {_listed(unknown)}. If they are audio, give "
            "them their suffix (.wav, .aif, .flac …)."
        )
    if bounced:
        yield (
            f"Audio in Pro Tools' folders of bounces, not read: {_listed(bounced)}. Move what "
            "belongs to the cue, as its final mix, to its folder of audio files."
        )


def _listed(files: list[str]) -> str:
    return listed_files(sorted(files))


def _refused(entry: "os.DirEntry[str]", suffix: str, root: Path) -> str | None:
    """Return why what is called like a cue's file is not opened; None where it is none."""
    if suffix not in AUDIO_SUFFIXES and suffix not in MIDI_SUFFIXES and not entry.is_symlink():
        return None
    try:
        return refusal(entry, entry.stat(), root)
    except OSError:  # a link to nowhere, which the scan keeps where it is called like a file
        return None


def _bounced(folder: CueFolder) -> list[str]:
    """Return the audio that lies in 'Bounced Files' or 'Rendered Files' of the cue's session."""
    found: list[str] = []
    for place in sorted({(folder.path / file).parent for file in folder.audio_paths}):
        try:
            found += [p.relative_to(folder.path).as_posix() for p in find_mixes_beside(place)]
        except (CueError, OSError, ValueError):  # of no matter to what is read
            continue
    return found


def _entries(place: Path) -> Iterator["os.DirEntry[str]"]:
    try:
        with os.scandir(place) as entries:
            yield from (entry for entry in entries if not is_hidden(entry.name))
    except OSError:
        return
