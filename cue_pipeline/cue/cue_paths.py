"""Keys of cues and the folders that they name, as disks spell them.

A cue's key is its folder's path below the library's root, in NFC.
"""

import stat
import unicodedata
from pathlib import Path

from cue_pipeline.cue.media import entries_of, is_dir, unreadable
from cue_pipeline.cue.shown import shown_path as shown
from cue_pipeline.errors import CueError


def find_folder(root: Path, key: str, folder: str | None = None) -> Path:
    """Return where a cue's folder is, spelt as on disk, whatever it holds.

    Parameters
    ----------
    root : Path
        The library's base folder.
    key : str
        The cue's key.
    folder : str, optional
        Where it was last seen below ``root``. Taken where it is there still; a library that was
        copied may spell its names otherwise (NFC for NFD), and is then searched by the key.

    Raises
    ------
    CueError
        If the key is none, or there is no such folder.
    """
    root = absolute_root(root)
    require_folder(root)
    key = unicodedata.normalize("NFC", key)
    if folder is not None and key_of(root, root / folder) == key and (root / folder).is_dir():
        return root / folder
    parts = key.split("/")
    if any(part in ("", ".", "..") for part in parts):
        raise CueError(
            f"cue {key!r}: not a cue's key. A key is the cue folder's path relative to "
            f"'{shown(root)}', for example 'Reel 1/1m02'."
        )
    require_key(key, root / key)
    found = root
    for part in parts:
        found = _child(found, part, key)
    return found


def absolute_root(root: Path) -> Path:
    """Return a library's root as an absolute path, its links as they are."""
    root = root.expanduser()
    # '..' behind a link cannot be folded by its text alone.
    return root.resolve() if ".." in root.parts else root.absolute()


def require_folder(root: Path) -> None:
    """Refuse a base folder that is missing, a file, or cannot be read."""
    try:
        mode = root.stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as e:
        raise CueError(
            f"The base folder '{shown(root)}' does not exist. Check its spelling, and that the "
            "volume is mounted."
        ) from e
    except (OSError, ValueError) as e:
        raise CueError(unreadable(root, e)) from e
    if not stat.S_ISDIR(mode):
        raise CueError(
            f"The base folder '{shown(root)}' is a file. Give the folder that holds the cues."
        )


def key_of(root: Path, folder: Path) -> str:
    """Return the key of the cue that a folder is; empty for the root itself."""
    relative = folder.relative_to(root).as_posix()
    return "" if relative == "." else unicodedata.normalize("NFC", relative)


def require_key(key: str, folder: Path) -> None:
    """Refuse what Dagster, or a database, cannot hold as a partition's key."""
    where = shown(folder)
    if "," in key or "..." in key:
        fault = "a comma" if "," in key else "'...'"
        raise CueError(
            f"'{where}': the path holds {fault}, which Dagster reads as part of its own notation. "
            "Rename the folder."
        )
    if any(unicodedata.category(c) == "Cs" for c in key):
        raise CueError(f"'{where}': the path is not UTF-8. Rename the folder.")
    if any(unicodedata.category(c) == "Cc" for c in key):
        raise CueError(f"'{where}': the path holds a control character. Rename the folder.")


def _child(folder: Path, name: str, key: str) -> Path:
    """Return the subfolder whose NFC name is ``name``, spelt as on disk."""
    if name.isascii() and (folder / name).is_dir():
        return folder / name
    try:
        matching = [
            entry
            for entry in entries_of(folder)
            if unicodedata.normalize("NFC", entry.name) == name and is_dir(entry)
        ]
    except OSError as e:
        raise CueError(unreadable(folder, e)) from e
    if not matching:
        raise CueError(
            f"cue '{key}': there is no folder '{name}' in '{shown(folder)}'. Was it renamed, "
            "moved or unmounted? Bring it back, or scan the library again."
        )
    if len(matching) > 1:
        raise CueError(
            f"cue '{key}': {len(matching)} folders in '{shown(folder)}' are called '{name}', "
            "their accents encoded differently (NFC and NFD). Rename or merge them."
        )
    return folder / matching[0].name
