"""The media files that lie in a cue's folders, and a fingerprint of them."""

import hashlib
import os
import stat
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cue_pipeline.cue.file_kinds import AUDIO_SUFFIXES as AUDIO_SUFFIXES
from cue_pipeline.cue.file_kinds import (
    PAPER,
    holds_audio,
    is_system,
    may_be_audio,
    stands_for,
    suffix_of,
)
from cue_pipeline.cue.gate import why_not_followed, why_not_opened
from cue_pipeline.cue.numbering import natural_key
from cue_pipeline.cue.shown import shown_path as shown
from cue_pipeline.errors import CueError, UnreadableFolderError

# The last three hold sequences that are not read; each such file is told what it is.
MIDI_SUFFIXES = frozenset({".mid", ".midi", ".smf", ".kar", ".rmi"} | {".midi2", ".xmf", ".mxmf"})


File = tuple[str, int, int, int]
"""Path relative to the cue (POSIX), size in bytes, modification time in ns, inode."""


@dataclass(frozen=True, slots=True)
class MediaFiles:
    """Media files of one kind in one cue.

    Attributes
    ----------
    files : tuple of (str, int, int, int)
        In natural order.
    placeholders : tuple of (str, int, int, int)
        What stands in the place of files that are not downloaded, or not to their end.
    subfolders : tuple of str
        Folders below that hold such files too; they do not count.
    others : tuple of str
        Files beside them that are neither media of this kind nor paper.
    refused : tuple of (str, str)
        What is called like such a file and not to be opened, and why.
    """

    files: tuple[File, ...]
    placeholders: tuple[File, ...]
    subfolders: tuple[str, ...]
    others: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """The files' paths alone."""
        return tuple(file[0] for file in self.files)

    @property
    def placeholder_paths(self) -> tuple[str, ...]:
        """The placeholders' paths alone."""
        return tuple(file[0] for file in self.placeholders)

    @property
    def fingerprint(self) -> str:
        """SHA-256 over path (in NFC), size and modification time of each file, in hex."""
        every = self.files + self.placeholders
        listing = "".join(f"{path}\0{size}\0{mtime}\n" for path, size, mtime, _ in every)
        return hashlib.sha256(unicodedata.normalize("NFC", listing).encode()).hexdigest()


def find_media(
    root: Path,
    cue: Path,
    folders: Iterable["os.DirEntry[str]"],
    suffixes: frozenset[str],
    *,
    by_content: bool = False,
) -> MediaFiles:
    """Return the files with one of ``suffixes`` that lie directly in ``folders``.

    Left out is what :mod:`cue_pipeline.cue.gate` keeps out.

    Parameters
    ----------
    root : Path
        The library's base folder.
    cue : Path
    folders : iterable of os.DirEntry
    suffixes : frozenset of str
    by_content : bool
        Files of no known suffix count too, if they begin as audio does.

    Raises
    ------
    CueError
        If a folder or a file's status cannot be read, if all files are links that lead nowhere
        or are not downloaded or not to be followed, or if a name is not UTF-8.
    """
    prefix = len(os.fspath(cue).rstrip("/")) + 1
    found = _Found()
    for folder in sorted(folders, key=lambda folder: natural_key(folder.path)):
        if folder.is_symlink() and (why := why_not_followed(folder.path, root)):
            raise CueError(f"'{shown(Path(folder.path))}' is not used: {why}.")
        entries = listed(Path(folder.path))
        names = {entry.name for entry in entries}
        kept = []
        for entry in entries:
            if kind := _kind(entry, names, suffixes, by_content):
                kept.append((kind, entry))
            elif is_other(entry):
                found.others.append(entry.path[prefix:])
        for kind, entry in sorted(kept, key=lambda pair: natural_key(pair[1].name)):
            into = found.files if kind == "media" else found.placeholders
            into.extend(_file(entry, entry.path[prefix:], root, found))
        found.subfolders += [e.path[prefix:] for e in entries if _holds_media(e, suffixes)]
    files, placeholders = found.files, found.placeholders
    if not files and found.refused:
        raise CueError(_all_refused(cue, found.refused))
    if found.dead and len(found.dead) == len(files):
        raise UnreadableFolderError(_all_dead(cue, found.dead))
    if placeholders and not files:
        raise CueError(_all_absent(cue, placeholders))
    subfolders = tuple(sorted(found.subfolders, key=natural_key))
    return MediaFiles(
        tuple(files),
        tuple(placeholders),
        subfolders,
        tuple(found.others),
        tuple(found.refused.items()),
    )


@dataclass(slots=True)
class _Found:
    """What lies in a cue's folders, as it is come upon."""

    files: list[File] = field(default_factory=list)
    placeholders: list[File] = field(default_factory=list)
    subfolders: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    dead: list[str] = field(default_factory=list)
    """Links to nowhere, among the files."""
    refused: dict[str, str] = field(default_factory=dict)
    """What is not among the files, and why."""


def _kind(
    entry: "os.DirEntry[str]",
    beside: Collection[str],
    suffixes: frozenset[str],
    by_content: bool,
) -> str | None:
    """Return what an entry is: "media", "placeholder"; None where it is nothing to the cue.

    A folder may hold a hundred thousand files that are nothing to the cue.
    """
    name = entry.name
    suffix = suffix_of(name)
    if suffix in suffixes and not is_hidden(name):
        return "media"
    if suffix in PAPER:
        return None
    if _is_placeholder(name, beside, suffixes):
        return "placeholder"
    return "media" if by_content and not is_hidden(name) and _is_audio(entry) else None


def is_other(entry: "os.DirEntry[str]") -> bool:
    """Whether an entry is a file of which it is to be told that nothing is made of it."""
    name = entry.name
    if is_hidden(name) or suffix_of(name) in PAPER or is_system(name):
        return False
    try:
        return entry.is_file()
    except OSError:  # a link that leads to itself
        return False


def _file(entry: "os.DirEntry[str]", path: str, root: Path, found: _Found) -> Iterator[File]:
    """Yield a file with its size and time; note what is not to be opened, and links to nowhere."""
    status = _file_status(entry)
    if stat.S_ISLNK(status.st_mode):
        found.dead.append(path)
    elif refused := _refusal(entry, status, root):
        found.refused[path] = refused
        return
    yield path, status.st_size, status.st_mtime_ns, status.st_ino


def _refusal(entry: "os.DirEntry[str]", status: os.stat_result, root: Path) -> str | None:
    """Return why an entry of a folder is not opened; None where it may be."""
    if entry.is_symlink() and (why := why_not_followed(entry.path, root)):
        return why
    return why_not_opened(status)


def _is_placeholder(name: str, beside: Collection[str], suffixes: frozenset[str]) -> bool:
    """Whether a name stands for a media file that is not beside it."""
    stands = stands_for(name)
    return stands is not None and has_suffix(stands[0], suffixes) and stands[0] not in beside


def _is_audio(entry: "os.DirEntry[str]") -> bool:
    """Whether a file of no known suffix is audio inside."""
    if not may_be_audio(entry.name) or is_dir(entry):
        return False
    try:
        return holds_audio(entry.path, entry.stat())
    except OSError:
        return False


def has_suffix(name: str, suffixes: frozenset[str]) -> bool:
    """Whether a file's name ends in one of ``suffixes``, in either case."""
    dot = name.rfind(".")
    return dot > 0 and name[dot:].lower() in suffixes


def _holds_media(entry: "os.DirEntry[str]", suffixes: frozenset[str], levels: int = 3) -> bool:
    """Whether a folder holds such files, itself or a few levels below; links are not followed."""
    if not is_dir(entry) or is_hidden(entry.name) or folded(entry.name) == "fade files":
        return False
    inside = listed(Path(entry.path))
    if any(has_suffix(e.name, suffixes) and not is_hidden(e.name) for e in inside):
        return True
    if levels == 1:
        return False
    return any(_holds_media(e, suffixes, levels - 1) for e in inside if not e.is_symlink())


def _file_status(entry: "os.DirEntry[str]") -> os.stat_result:
    """Return a file's status, a link's own where that leads nowhere."""
    if not entry.name.isascii():
        try:
            entry.name.encode()
        except UnicodeEncodeError as e:
            raise CueError(
                f"'{shown(Path(entry.path))}': the file's name is not UTF-8, and no "
                "database can hold it. Rename it."
            ) from e
    try:
        return entry.stat()
    except OSError as e:
        if entry.is_symlink():
            # One that leads nowhere is a file that cannot be read, for its room to tell.
            return entry.stat(follow_symlinks=False)
        raise UnreadableFolderError(
            f"'{shown(Path(entry.path))}' cannot be read ({e.strerror}). The cue waits: let this "
            "user read the file, or remove it."
        ) from e


def _all_refused(cue: Path, refused: Mapping[str, str]) -> str:
    """Return the message for a cue of which nothing may be opened."""
    path, why = next(iter(refused.items()))
    more = f" The same goes for {len(refused) - 1} more." if len(refused) > 1 else ""
    return f"'{shown(cue / path)}' is not used: {why}.{more} '{shown(cue)}' has no other such file."


def _all_dead(cue: Path, dead: Sequence[str]) -> str:
    """Return the message for a volume that is not there: what was made of its files is kept."""
    which = "is a link" if len(dead) == 1 else f"and {len(dead) - 1} more are links"
    return (
        f"'{shown(cue / dead[0])}' {which} to nowhere, and '{shown(cue)}' has no other such file. "
        "Is it on a volume that is not mounted? The cue waits: bring it back, or remove the links."
    )


def _all_absent(cue: Path, placeholders: Sequence[File]) -> str:
    """Return the message for files that are all in a cloud: what was made of them is kept."""
    first = placeholders[0][0]
    which = "stands" if len(placeholders) == 1 else f"and {len(placeholders) - 1} more stand"
    return (
        f"'{shown(cue / first)}' {which} for files that are not downloaded, and '{shown(cue)}' has "
        "no other such file. The cue waits: download them."
    )


def entries_of(folder: Path) -> list["os.DirEntry[str]"]:
    """Return what lies in a folder; OSError where it cannot be read."""
    with os.scandir(folder) as found:
        return list(found)


def listed(folder: Path) -> list["os.DirEntry[str]"]:
    """Return what lies in a folder; CueError where it cannot be read."""
    try:
        return entries_of(folder)
    except OSError as e:
        raise UnreadableFolderError(unreadable(folder, e)) from e


def named(entries: Iterable["os.DirEntry[str]"], name: str) -> list["os.DirEntry[str]"]:
    """Return the folders called ``name`` (lower case) in any case and encoding of accents."""
    return [entry for entry in entries if folded(entry.name) == name and is_dir(entry)]


def folded(name: str) -> str:
    """Return a name as it is compared."""
    return name.lower() if name.isascii() else unicodedata.normalize("NFC", name).casefold()


def is_hidden(name: str) -> bool:
    """Whether a name is the system's, an editor's or a copy's under way."""
    return name.startswith((".", "~"))


def is_dir(entry: "os.DirEntry[str]") -> bool:
    """Whether an entry is a folder, or a link to one."""
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def unreadable(folder: Path, error: Exception) -> str:
    """Return the message for a folder that cannot be read."""
    reason = getattr(error, "strerror", None) or str(error)
    return (
        f"The folder '{shown(folder)}' cannot be read ({reason}). Check its permissions and that "
        "its volume is mounted."
    )
