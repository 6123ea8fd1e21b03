"""What a file holds, in a number: the same bytes have the same hash, whatever their dates.

A MIDI file's is the SHA-256 that ``midi_files.sha256`` has too; of audio see
:mod:`cue_pipeline.audio.content`.
"""

import hashlib
import unicodedata
from pathlib import Path

from cue_pipeline.cue.media import File

_BLOCK_BYTES = 1 << 20


def hash_of_file(folder: Path, file: File) -> str | None:
    """Return the SHA-256 of a file's bytes; None where it cannot be read, or is not as listed.

    Parameters
    ----------
    folder : Path
        The cue's folder.
    file : (str, int, int, int)
        As it was listed: a file that has changed since is another one.
    """
    path, size, modified, _ = file
    digest = hashlib.sha256()
    try:
        with (folder / path).open("rb", buffering=0) as stream:
            held = bytearray(_BLOCK_BYTES)
            view = memoryview(held)
            while n := stream.readinto(held):
                digest.update(view[:n])
    except OSError:
        return None
    return str(digest.hexdigest()) if as_listed(folder / path, size, modified) else None


def as_listed(path: Path, size: int, modified: int) -> bool:
    """Whether a file has the size and the date that it had when it was listed."""
    try:
        status = path.stat()
    except OSError:
        return False
    return (status.st_size, status.st_mtime_ns) == (size, modified)


def composed(path: str) -> str:
    """Return a path as it is compared: a disk may hold its accents decomposed."""
    return path if path.isascii() else unicodedata.normalize("NFC", path)
