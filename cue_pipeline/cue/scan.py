"""Finding cues on disk.

A cue is a folder that holds MIDI files in ``MIDI/`` and audio files in ``PT/Audio Files/``, at
any depth below the library's root. Only files that lie directly in those folders count; a session
one folder deeper (``PT/1m02 v3/Audio Files``) is the cue's where it is the only one.

Conventions
-----------
- Folder names are compared without regard to case and in NFC. Where a disk holds several
  spellings (``MIDI`` and ``Midi``), the files of all of them belong to the cue.
- Names that begin with ``.`` (``.DS_Store``, AppleDouble ``._x.wav``, a copy under way) or ``~``
  are ignored. An *empty* file under a proper name is kept: it is a copy that failed, and the room
  that reads it says so, where leaving it out would silently give a cue with a stem too few. So is
  what stands for a file that is not downloaded (``.VLN.R.wav.icloud``, ``VLN.R.wav.part``).
- Audio is known by its suffix, and files without a known one (``CELLI_01``, ``VLN.L``) by their
  first bytes.
- Links are followed within the library, and out of it to the folders that ``CUE_LINKS_TO`` names
  (:mod:`cue_pipeline.cue.gate`). A folder that can be reached in several ways is one cue, under
  its real place where that lies in the library; so a loop of links ends. A file that is a link to
  nowhere is kept like an empty one; a cue of which all MIDI, or all audio, is such links waits for
  the volume that they lead to, so that what was made of it stays.
- What Pro Tools keeps beside the audio (fades, backups, bounces) is not searched.
"""

import os
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cue_pipeline.cue.cue_paths import (
    absolute_root,
    find_folder,
    key_of,
    require_folder,
    require_key,
)
from cue_pipeline.cue.file_kinds import stands_for
from cue_pipeline.cue.folder import CueFolder
from cue_pipeline.cue.gate import why_not_followed
from cue_pipeline.cue.media import (
    AUDIO_SUFFIXES,
    MIDI_SUFFIXES,
    MediaFiles,
    entries_of,
    find_media,
    folded,
    has_suffix,
    is_dir,
    is_hidden,
    is_other,
    listed,
    named,
    unreadable,
)
from cue_pipeline.cue.numbering import natural_key
from cue_pipeline.cue.session import find_session_audio, told_instead, told_left_out
from cue_pipeline.cue.shown import shown_path as shown
from cue_pipeline.errors import CueError, IncompleteCueError

_NOT_SEARCHED = frozenset(
    {
        "audio files",
        "fade files",
        "bounced files",
        "rendered files",
        "session file backups",
        "video files",
        "__macosx",
        "@eadir",
        "$recycle.bin",
        "system volume information",
        "lost+found",
    }
)
_OF_SESSIONS = frozenset({"audio files", "bounced files", "rendered files"})


@dataclass(frozen=True, slots=True)
class ScanProblem:
    """Something in the library that is left out, and why.

    Attributes
    ----------
    path : Path
        The folder or file, as on disk; may hold bytes that cannot be printed.
    text : str
        Printable; names the place and the cure.
    kind : {"warning", "skipped", "unread"}
        ``warning``: a part of a cue that is processed without it. ``skipped``: a folder that may
        be meant to be none, or not yet. ``unread``: a folder that cannot be read now, or holds
        what a cue is made of in a way that is not understood: until someone mends it, a cue is
        missing.
    """

    path: Path
    text: str
    kind: Literal["warning", "skipped", "unread"] = "warning"


@dataclass(frozen=True, slots=True)
class CueScan:
    """What a library holds.

    Attributes
    ----------
    cues : tuple of CueFolder
        In natural order of their keys.
    problems : tuple of ScanProblem
        In order of their paths.
    """

    cues: tuple[CueFolder, ...]
    problems: tuple[ScanProblem, ...]


def find_cues(root: Path, below: Path | None = None) -> CueScan:
    """Return every cue below ``root``, and what looks like one but is not.

    Parameters
    ----------
    root : Path
        The library's base folder.
    below : Path, optional
        A folder in it: only that one, and what lies below it, is looked at.

    Raises
    ------
    CueError
        If ``root`` is missing, not a folder, unreadable, or itself a cue.
    """
    root = absolute_root(root)
    require_folder(root)
    if below is not None:
        require_folder(below)
    found: list[CueFolder] = []
    problems: list[ScanProblem] = []
    own: dict[Path, Path] = {}
    for folder, entries in _walk(below or root, problems):
        try:
            cue = _read_cue(root, folder, entries, problems)
            if cue is not None and folder != root:
                require_key(cue.key, folder)
        except CueError as e:
            incomplete = isinstance(e, IncompleteCueError)
            problems.append(ScanProblem(folder, str(e), "skipped" if incomplete else "unread"))
            continue
        if cue is not None:
            if folder == root:
                raise CueError(_root_is_cue(root))
            found.append(cue)
            own[folder] = folder
            beside = [e for e in entries if folded(e.name) in _OF_SESSIONS and is_dir(e)]
            for entry in beside:
                problems.extend(_audio_beside(folder, Path(entry.path), listed(Path(entry.path))))
        elif within := own.get(folder.parent):
            own[folder] = within
            problems.extend(_audio_beside(within, folder, entries))
    cues, collisions = _without_collisions(found)
    problems.extend(collisions)
    return CueScan(
        cues=tuple(sorted(cues, key=lambda cue: natural_key(cue.key))),
        problems=tuple(sorted(problems, key=lambda p: (natural_key(str(p.path)), p.text))),
    )


def read_cue_folder(root: Path, key: str, folder: str | None = None) -> CueFolder:
    """Return one cue by its key, without a walk through the library.

    Parameters
    ----------
    root : Path
        The library's base folder.
    key : str
        The cue's key, as :func:`find_cues` gave it.
    folder : str, optional
        Where the cue was last seen below ``root``, spelt as on disk; see :func:`find_folder`.

    Raises
    ------
    CueError
        If the key is none, or the folder is gone, unreadable or no longer a cue.
    """
    root = absolute_root(root)
    path = find_folder(root, key, folder)
    if why := why_not_followed(path, root):
        raise CueError(f"cue '{key}': '{shown(path)}' is not used: {why}.")
    key = unicodedata.normalize("NFC", key)
    cue = _read_cue(root, path, listed(path), problems=[])
    if cue is None:
        raise CueError(
            f"cue '{key}': '{shown(path)}' no longer holds a 'MIDI' folder with .mid files and "
            "'PT/Audio Files' with audio. Bring them back, or scan the library again so that the "
            "cue is marked as missing."
        )
    return cue


def _walk(
    root: Path, problems: list[ScanProblem]
) -> Iterator[tuple[Path, list["os.DirEntry[str]"]]]:
    """Yield each folder of the library once, with its entries; real places before links."""
    try:
        entries = entries_of(root)
    except OSError as e:
        raise CueError(unreadable(root, e)) from e
    seen = {_identity(root.stat())}
    pending: list[tuple[Path, list[os.DirEntry[str]] | None]] = [(root, entries)]
    links: list[os.DirEntry[str]] = []
    while pending:
        folder, known = pending.pop()
        try:
            entries = entries_of(folder) if known is None else known
        except OSError as e:
            problems.append(ScanProblem(folder, unreadable(folder, e), "unread"))
            continue
        yield folder, entries
        for entry in _searched(entries):
            if entry.is_symlink():
                links.append(entry)
            elif _is_new(entry, seen):
                pending.append((Path(entry.path), None))
        links.sort(key=lambda link: natural_key(link.path), reverse=True)
        while links and not pending:
            link = links.pop()
            if why := why_not_followed(link.path, root):
                told = f"'{shown(link.path)}' is not searched: {why}."
                problems.append(ScanProblem(Path(link.path), told, "skipped"))
            elif _is_new(link, seen):
                pending.append((Path(link.path), None))


def _searched(entries: Iterable["os.DirEntry[str]"]) -> Iterator["os.DirEntry[str]"]:
    """Yield the subfolders that may hold cues: in a cue, those beside its own two."""
    names = {folded(entry.name): entry for entry in entries}
    own = {"midi", "pt"} if {"midi", "pt"} <= names.keys() else set()
    for entry in entries:
        if is_hidden(entry.name) or not is_dir(entry):
            continue
        if folded(entry.name) not in _NOT_SEARCHED | own:
            yield entry


def _is_new(entry: "os.DirEntry[str]", seen: set[tuple[int, int]]) -> bool:
    try:
        identity = _identity(entry.stat())
    except OSError:
        return True  # reading it fails too, and is reported
    if identity in seen:
        return False
    seen.add(identity)
    return True


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _read_cue(
    root: Path,
    folder: Path,
    entries: list["os.DirEntry[str]"],
    problems: list[ScanProblem],
) -> CueFolder | None:
    """Return the cue that ``folder`` is, or None where nothing hints at one.

    Raises
    ------
    CueError
        If it looks like a cue but cannot be one.
    """
    midi_folders = named(entries, "midi")
    session_folders = named(entries, "pt")
    if not midi_folders and not session_folders:
        return None
    midi = find_media(root, folder, midi_folders, MIDI_SUFFIXES)
    session = find_session_audio(root, folder, session_folders)
    audio = session.media
    problems.extend(
        ScanProblem(folder / deeper, told_left_out(folder / deeper)) for deeper in session.left_out
    )
    problems.extend(
        ScanProblem(folder / path, _not_downloaded(folder, path)) for path in midi.placeholder_paths
    )
    problems.extend(
        ScanProblem(folder / subfolder, _too_deep(folder / subfolder))
        for subfolder in midi.subfolders + audio.subfolders
    )
    if not midi.files and not audio.files and not (midi_folders and session.has_folder):
        return None
    if not midi.files or not audio.files:
        instead = "" if audio.files else told_instead(folder, session_folders)
        lacks = _incomplete(folder, midi, audio)
        raise CueError(lacks + instead) if instead else IncompleteCueError(lacks)
    return CueFolder(
        key=key_of(root, folder),
        root=root,
        path=folder,
        midi_paths=midi.paths,
        audio_paths=(*audio.paths, *audio.placeholder_paths),
        midi_fingerprint=midi.fingerprint,
        audio_fingerprint=audio.fingerprint,
        others=(*(e.name for e in entries if is_other(e)), *midi.others, *audio.others),
        refused=(*midi.refused, *audio.refused),
        midi_files=midi.files,
        audio_files=audio.files + audio.placeholders,
    )


def _incomplete(folder: Path, midi: MediaFiles, audio: MediaFiles) -> str:
    lacks = []
    if not midi.files:
        lacks.append("'MIDI/' with MIDI files (.mid, .midi, .smf, .kar, .rmi)")
    if not audio.files:
        lacks.append("'PT/Audio Files/' with audio files")
    return (
        f"'{shown(folder)}' looks like a cue but lacks {' and '.join(lacks)}. Put them there, or "
        "leave it: it is not processed."
    )


def _not_downloaded(cue: Path, path: str) -> str:
    """Return the message for a MIDI file that is not there; of audio its own room tells."""
    place, _, name = path.rpartition("/")
    stands = stands_for(name)
    real, why = stands or (name, "it is not there")
    return (
        f"'{shown(cue / place / real)}' is not downloaded: {why}. Download it; until then the cue "
        "is processed without it."
    )


def _too_deep(subfolder: Path) -> str:
    return (
        f"The files in '{shown(subfolder)}' are left out: only those that lie directly in 'MIDI' "
        "and 'PT/Audio Files' belong to a cue. Move them up if they do."
    )


def _audio_beside(
    cue: Path, folder: Path, entries: Iterable["os.DirEntry[str]"]
) -> Iterator[ScanProblem]:
    """Yield what is to be said of audio in a cue that lies beside its session."""
    names = [e.name for e in entries if has_suffix(e.name, AUDIO_SUFFIXES) and not is_dir(e)]
    if any(not is_hidden(name) for name in names):
        told = (
            f"The audio in '{shown(folder)}' is left out: only what lies in 'PT/Audio Files' "
            f"belongs to the cue '{shown(cue.name)}'. Move it there if it does."
        )
        yield ScanProblem(folder, told)


def _root_is_cue(root: Path) -> str:
    return (
        f"The base folder '{shown(root)}' is itself a cue, and a cue's name is its path below the "
        f"base folder. Give the folder above it: '{shown(root.parent)}'."
    )


def _without_collisions(found: list[CueFolder]) -> tuple[list[CueFolder], list[ScanProblem]]:
    """Refuse folders whose names differ only in how accents are encoded."""
    by_key: dict[str, list[CueFolder]] = {}
    for cue in found:
        by_key.setdefault(cue.key, []).append(cue)
    cues: list[CueFolder] = []
    problems: list[ScanProblem] = []
    for key, same in by_key.items():
        if len(same) == 1:
            cues.append(same[0])
            continue
        problems.extend(
            ScanProblem(
                cue.path,
                f"'{shown(cue.path)}': {len(same)} folders have the name '{key}', their accents "
                "encoded differently (NFC and NFD). Neither is taken: rename or merge them.",
                "unread",
            )
            for cue in same
        )
    return cues, problems
