"""A cue's folder on disk."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from cue_pipeline.cue.media import File


@dataclass(frozen=True, slots=True)
class CueFolder:
    """One cue: a folder with a MIDI mock-up and a Pro Tools session.

    Attributes
    ----------
    key : str
        The partition key: path relative to ``root``, POSIX separators, NFC.
    root : Path
        The library's base folder, absolute.
    path : Path
        The cue's folder, absolute, spelt as on disk.
    midi_paths, audio_paths : tuple of str
        Files relative to ``path``, POSIX separators, spelt as on disk, in natural order.
    midi_fingerprint, audio_fingerprint : str
        SHA-256 over (path, size, modification time in ns) of the MIDI files and of the audio
        files: changes when a file is added, removed, renamed or rewritten. Of a cue that the
        warehouse knows to hold the same under other dates, the fingerprint by the dates of before.
    midi_files, audio_files : tuple of (str, int, int, int)
        Path, size, modification time in ns and inode of each file.
    first_key : str or None
        The key under which it was first registered; None: its key of today.
    others : tuple of str
        Files that lie there or beside them and are neither, nor paper.
    refused : tuple of (str, str)
        What is called like one of the cue's files and is not to be opened, and why.
    """

    key: str
    root: Path
    path: Path
    midi_paths: tuple[str, ...]
    audio_paths: tuple[str, ...]
    midi_fingerprint: str
    audio_fingerprint: str
    others: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    midi_files: tuple[File, ...] = ()
    audio_files: tuple[File, ...] = ()
    first_key: str | None = None

    @property
    def id_key(self) -> str:
        """The key from which ids derive: that under which the cue was first registered."""
        return self.first_key or self.key

    @property
    def folder(self) -> str:
        """The cue's folder below ``root``, POSIX separators, spelt as on disk: not always the key.

        A disk may hold a name decomposed (NFD) whose key is composed (NFC), and takes the two for
        different names.
        """
        return self.path.relative_to(self.root).as_posix()

    @property
    def fingerprint(self) -> str:
        """SHA-256 over both fingerprints: changes when anything of the cue does."""
        both = f"{self.midi_fingerprint}\n{self.audio_fingerprint}\n"
        return hashlib.sha256(both.encode()).hexdigest()
