"""The media files that lie in a cue's folders, and a fingerprint of them."""

import hashlib
import os
import stat
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cue_pipeline.cue.numbering import natural_key
from cue_pipeline.errors import CueError

# The last three hold sequences that are not read; each such file is told what it is.
MIDI_SUFFIXES = frozenset({".mid", ".midi", ".smf", ".kar", ".rmi"} | {".midi2", ".xmf", ".mxmf"})
AUDIO_SUFFIXES = frozenset(
    {".wav", ".wave", ".bwf", ".rf64", ".w64", ".aif", ".aiff", ".aifc", ".caf"}
    | {".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a"}
)


@dataclass(frozen=True, slots=True)
class MediaFiles:
    """Media files of one kind in one cue.

    Attributes
    ----------
    files : tuple of (str, int, int)
        Path relative to the cue (POSIX), size in bytes, modification time in ns; natural order.
    subfolders : tuple of str
        Folders below that hold such files too; they do not count.
    """

    files: tuple[tuple[str, int, int], ...]
    subfolders: tuple[str, ...]

    @property
    def paths(self) -> tuple[str, ...]:
        """The files' paths alone."""
        return tuple(path for path, _, _ in self.files)

    @property
    def fingerprint(self) -> str:
        """SHA-256 over path (in NFC), size and modification time of each file, in hex."""
        listing = "".join(f"{path}\0{size}\0{mtime}\n" for path, size, mtime in self.files)
        return hashlib.sha256(unicodedata.normalize("NFC", listing).encode()).hexdigest()


def find_media(
    cue: Path, folders: Iterable["os.DirEntry[str]"], suffixes: frozenset[str]
) -> MediaFiles:
    """Return the files with one of ``suffixes`` that lie directly in ``folders``.

    Raises
    ------
    CueError
        If a folder or a file's status cannot be read, if all files are links that lead nowhere,
        or if a name is not UTF-8.
    """
    prefix = len(os.fspath(cue).rstrip("/")) + 1
    files: list[tuple[str, int, int]] = []
    subfolders: list[str] = []
    dead: list[str] = []
    for folder in sorted(folders, key=lambda folder: natural_key(folder.path)):
        here: list[tuple[str, os.stat_result]] = []
        for entry in listed(Path(folder.path)):
            if is_hidden(entry.name):
                continue
            if has_suffix(entry.name, suffixes):
                status = _file_status(entry)
                if status is not None:
                    here.append((entry.name, status))
            elif _holds_media(entry, suffixes):
                subfolders.append(entry.path[prefix:])
        here.sort(key=lambda file: natural_key(file[0]))
        place = folder.path[prefix:]
        files.extend((f"{place}/{name}", s.st_size, s.st_mtime_ns) for name, s in here)
        dead.extend(f"{place}/{name}" for name, s in here if stat.S_ISLNK(s.st_mode))
    if dead and len(dead) == len(files):
        raise CueError(_all_dead(cue, dead))
    return MediaFiles(tuple(files), tuple(sorted(subfolders, key=natural_key)))


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
        raise CueError(
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


def entries_of(folder: Path) -> list["os.DirEntry[str]"]:
    """Return what lies in a folder; OSError where it cannot be read."""
    with os.scandir(folder) as found:
        return list(found)


def listed(folder: Path) -> list["os.DirEntry[str]"]:
    """Return what lies in a folder; CueError where it cannot be read."""
    try:
        return entries_of(folder)
    except OSError as e:
        raise CueError(unreadable(folder, e)) from e


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
