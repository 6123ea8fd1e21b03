"""What a cue's files hold: noted where they are read, and compared where their dates are new.

A file is believed unread where size, date and inode are those of before, as after ``mv``; at its
own place, size and date do, as everywhere. Otherwise its bytes are read and compared by hash.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from cue_pipeline.cue.file_hash import as_listed, composed, hash_of_file
from cue_pipeline.cue.folder import CueFolder
from cue_pipeline.cue.media import File
from cue_pipeline.warehouse.cue_contents import Contents, FileContent, Kind, note_contents

if TYPE_CHECKING:
    from cue_pipeline.audio.grouping import AudioInventory
    from cue_pipeline.warehouse.store import Store

Kinds = Mapping[Kind, Contents]


def files_of(folder: CueFolder, kind: Kind) -> tuple[File, ...]:
    """Return the files of one kind."""
    return folder.midi_files if kind == "midi" else folder.audio_files


def note_midi(store: Store, folder: CueFolder, hashes: Mapping[str, str | None]) -> None:
    """Keep what a cue's MIDI files hold, by which it is known again elsewhere.

    Parameters
    ----------
    hashes : mapping of str to str or None
        SHA-256 of each file, by path.
    """
    _note(store, folder, "midi", hashes)


def note_audio(store: Store, folder: CueFolder, hashes: Mapping[str, str | None]) -> None:
    """Keep what a cue's audio files hold, as far as they were read."""
    _note(store, folder, "audio", hashes)


def left_out(folder: CueFolder, inventory: AudioInventory) -> dict[str, str | None]:
    """Return the contents of audio that no pass will read: click tracks, what cannot be used."""
    from cue_pipeline.audio.content import bytes_content

    groups = (*inventory.groups, *inventory.final_mixes)
    read = {channel.file for group in groups for channel in group.channels}
    contents: dict[str, str | None] = {}
    for path, *_ in folder.audio_files:
        if path not in read:
            with suppress(OSError):
                contents[path] = bytes_content(folder.path / path)
    return contents


def _note(store: Store, folder: CueFolder, kind: Kind, hashes: Mapping[str, str | None]) -> None:
    fingerprint = folder.midi_fingerprint if kind == "midi" else folder.audio_fingerprint
    known = {
        path: digest
        for path, size, modified, _ in files_of(folder, kind)
        if (digest := hashes.get(path)) is not None
        # One that changed while it was read is not what was listed.
        if as_listed(folder.path / path, size, modified)
    }
    note_contents(store.engine, folder.key, kind, fingerprint, files_of(folder, kind), known)


class OutOfTimeError(Exception):
    """The time for comparing is spent.

    Attributes
    ----------
    kind : {"midi", "audio"}
    so_far : Contents
        What is known, with the dates of today of those files that were found to be the same.
    """

    def __init__(self, kind: Kind, so_far: Contents) -> None:
        super().__init__(kind)
        self.kind: Kind = kind
        self.so_far = so_far


class Comparison:
    """Compares folders with what is known of cues; reads each file once.

    Parameters
    ----------
    seconds : float or None
        Time for reading; None: as long as it takes.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self._until = None if seconds is None else monotonic() + seconds
        self._hashes: dict[tuple[Path, File, str], str | None] = {}

    def same(
        self, known: Contents, folder: CueFolder, kind: Kind, *, in_place: bool
    ) -> Contents | None:
        """Return the known content with the dates of today, None where it is another.

        Parameters
        ----------
        known : Contents
        folder : CueFolder
        kind : {"midi", "audio"}
        in_place : bool
            The folder is where the known files were: size and date alone are believed.

        Raises
        ------
        OutOfTimeError
            If files would have to be read, and the time is spent.
        """
        files = files_of(folder, kind)
        before = {composed(file[0]): file for file in known.files}
        here = {composed(file[0]): file for file in files}
        if before.keys() != here.keys() or any(before[p][1] != here[p][1] for p in here):
            return None
        found: dict[str, FileContent] = {}
        for path, file in here.items():
            was = before[path]
            believed = file[2:] == was[2:4] or (in_place and file[2] == was[2])
            if not believed and was[4] is None:
                return None
            if not believed and self._is_late():
                so_far = {**before, **found}
                raise OutOfTimeError(kind, Contents(known.fingerprint, tuple(so_far.values())))
            if not believed and self._hash(folder, file, was[4]) != was[4]:
                return None
            found[path] = (*file, was[4])
        return Contents(known.fingerprint, tuple(found.values()))

    def _is_late(self) -> bool:
        return self._until is not None and monotonic() > self._until

    def _hash(self, folder: CueFolder, file: File, known: str | None) -> str | None:
        at = (folder.path, file, (known or "").partition(":")[0])
        if at not in self._hashes:
            self._hashes[at] = hash_again(folder.path, file, known or "")
        return self._hashes[at]


def hash_again(folder: Path, file: File, known: str) -> str | None:
    """Return a file's hash in the form in which it is known; None where it is not as listed."""
    if ":" not in known:
        return hash_of_file(folder, file)
    from cue_pipeline.audio.content import content_again

    found = content_again(folder, file[0], known)
    return found if as_listed(folder / file[0], file[1], file[2]) else None
