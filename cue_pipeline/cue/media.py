"""The media files that lie in a cue's folders, and a fingerprint of them."""

import hashlib
import os
import stat
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cue_pipeline.cue.file_kinds import AUDIO_SUFFIXES as AUDIO_SUFFIXES
from cue_pipeline.cue.file_kinds import holds_audio, may_be_audio, stands_for
from cue_pipeline.cue.numbering import natural_key
from cue_pipeline.errors import CueError, UnreadableFolderError

# The last three hold sequences that are not read; each such file is told what it is.
MIDI_SUFFIXES = frozenset({".mid", ".midi", ".smf", ".kar", ".rmi"} | {".midi2", ".xmf", ".mxmf"})


File = tuple[str, int, int]
"""Path relative to the cue (POSIX), size in bytes, modification time in ns."""


@dataclass(frozen=True, slots=True)
class MediaFiles:
    """Media files of one kind in one cue.

    Attributes
    ----------
    files : tuple of (str, int, int)
        In natural order.
    placeholders : tuple of (str, int, int)
        What stands in the place of files that are not downloaded, or not to their end.
    subfolders : tuple of str
        Folders below that hold such files too; they do not count.
    """

    files: tuple[File, ...]
    placeholders: tuple[File, ...]
    subfolders: tuple[str, ...]

    @property
    def paths(self) -> tuple[str, ...]:
        """The files' paths alone."""
        return tuple(path for path, _, _ in self.files)

    @property
    def placeholder_paths(self) -> tuple[str, ...]:
        """The placeholders' paths alone."""
        return tuple(path for path, _, _ in self.placeholders)

    @property
    def fingerprint(self) -> str:
        """SHA-256 over path (in NFC), size and modification time of each file, in hex."""
        every = self.files + self.placeholders
        listing = "".join(f"{path}\0{size}\0{mtime}\n" for path, size, mtime in every)
        return hashlib.sha256(unicodedata.normalize("NFC", listing).encode()).hexdigest()


def find_media(
    cue: Path,
    folders: Iterable["os.DirEntry[str]"],
    suffixes: frozenset[str],
    *,
    by_content: bool = False,
) -> MediaFiles:
    """Return the files with one of ``suffixes`` that lie directly in ``folders``.

    Parameters
    ----------
    cue : Path
    folders : iterable of os.DirEntry
    suffixes : frozenset of str
    by_content : bool
        Files of no known suffix count too, if they begin as audio does.

    Raises
    ------
    CueError
        If a folder or a file's status cannot be read, if all files are links that lead nowhere
        or are not downloaded, or if a name is not UTF-8.
    """
    prefix = len(os.fspath(cue).rstrip("/")) + 1
    files: list[File] = []
    placeholders: list[File] = []
    subfolders: list[str] = []
    dead: list[str] = []
    for folder in sorted(folders, key=lambda folder: natural_key(folder.path)):
        entries = listed(Path(folder.path))
        names = {entry.name for entry in entries}
        for entry in sorted(entries, key=lambda entry: natural_key(entry.name)):
            path = entry.path[prefix:]
            if _is_placeholder(entry.name, names, suffixes):
                placeholders.extend(_file(entry, path))
            elif is_hidden(entry.name):
                continue
            elif has_suffix(entry.name, suffixes) or (by_content and _is_audio(entry)):
                files.extend(_file(entry, path, dead))
            elif _holds_media(entry, suffixes):
                subfolders.append(path)
    if dead and len(dead) == len(files):
        raise UnreadableFolderError(_all_dead(cue, dead))
    if placeholders and not files:
        raise CueError(_all_absent(cue, placeholders))
    return MediaFiles(tuple(files), tuple(placeholders), tuple(sorted(subfolders, key=natural_key)))


def _file(entry: "os.DirEntry[str]", path: str, dead: list[str] | None = None) -> Iterator[File]:
    """Yield a file with its size and time, and note a link to nowhere among the ``dead``."""
    status = _file_status(entry)
    if status is None:
        return
    if dead is not None and stat.S_ISLNK(status.st_mode):
        dead.append(path)
    yield path, status.st_size, status.st_mtime_ns


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


def _holds_media(entry: "os.DirEntry[str]", suffixes: frozenset[str]) -> bool:
    if not is_dir(entry) or folded(entry.name) == "fade files":
        return False
    return any(
        has_suffix(inner.name, suffixes) and not is_hidden(inner.name)
        for inner in listed(Path(entry.path))
    )


def _file_status(entry: "os.DirEntry[str]") -> os.stat_result | None:
    """Return a file's status, a link's own where that leads nowhere, None where it is no file."""
    if not entry.name.isascii():
        try:
            entry.name.encode()
        except UnicodeEncodeError as e:
            raise CueError(
                f"'{shown(Path(entry.path))}': the file's name is not UTF-8, and no "
                "database can hold it. Rename it."
            ) from e
    try:
        status = entry.stat()
    except OSError as e:
        if entry.is_symlink():
            # One that leads nowhere is a file that cannot be read, for its room to tell.
            return entry.stat(follow_symlinks=False)
        raise UnreadableFolderError(
            f"'{shown(Path(entry.path))}' cannot be read ({e.strerror}). The cue waits: let this "
            "user read the file, or remove it."
        ) from e
    return status if stat.S_ISREG(status.st_mode) else None


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


def shown(path: Path) -> str:
    """Return a path that can be printed, whatever bytes and control characters it holds."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
