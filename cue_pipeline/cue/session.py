"""Where a cue's Pro Tools session keeps its audio.

The audio lies in ``PT/Audio Files``. Where that is not there, or empty, and just one folder in
``PT`` holds a session of its own (``PT/1m02 v3/Audio Files``), that one is the cue's.
"""

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cue_pipeline.cue.file_kinds import AUDIO_NOT_READ, AUDIO_SUFFIXES, suffix_of
from cue_pipeline.cue.gate import why_not_followed
from cue_pipeline.cue.media import (
    MediaFiles,
    find_media,
    folded,
    has_suffix,
    is_dir,
    is_hidden,
    listed,
    named,
)
from cue_pipeline.cue.shown import shown_path as shown
from cue_pipeline.errors import CueError

#: What Pro Tools keeps beside the audio of a session.
BESIDE_THE_AUDIO = frozenset(
    {"audio files", "fade files", "bounced files", "rendered files", "session file backups",
     "video files", "clip groups", "plug-in settings", "wavecache.wfm"}
)  # fmt: skip
_AUDIO = "audio files"
_MIXES = ("bounced files", "rendered files")
_NO_AUDIO = ("fade files", "session file backups", "video files")
_DEEPEST = 4
_MOST_TOLD = 3


@dataclass(frozen=True, slots=True)
class SessionAudio:
    """The audio of a cue's session.

    Attributes
    ----------
    media : MediaFiles
    has_folder : bool
        Whether there is a folder for it at all.
    left_out : tuple of str
        Folders below that hold other audio, relative to the cue: sessions, and loose files.
    """

    media: MediaFiles
    has_folder: bool
    left_out: tuple[str, ...]


def find_session_audio(
    root: Path, cue: Path, session_folders: Sequence["os.DirEntry[str]"]
) -> SessionAudio:
    """Return the audio files of a cue's session.

    Parameters
    ----------
    root : Path
        The library's base folder.
    cue : Path
    session_folders : sequence of os.DirEntry
        The cue's folders called ``PT``.

    Raises
    ------
    CueError
        If several sessions one folder deeper hold audio and none above them does; or as
        :func:`~cue_pipeline.cue.media.find_media`.
    """
    for pt in session_folders:
        if pt.is_symlink() and (why := why_not_followed(pt.path, root)):
            raise CueError(f"'{shown(pt.path)}' is not used: {why}.")
    inside = [entry for pt in session_folders for entry in listed(Path(pt.path))]
    own_folders = named(inside, _AUDIO)
    own = find_media(root, cue, own_folders, AUDIO_SUFFIXES, by_content=True)
    deeper = {
        session.path[len(os.fspath(cue).rstrip("/")) + 1 :]: found
        for session in inside
        if _may_be_session(session)
        if (found := named(listed(Path(session.path)), _AUDIO))
    }
    if own.files:
        used = {folder.path for folder in own_folders}
        return SessionAudio(own, has_folder=True, left_out=tuple(_others(cue, inside, used)))
    full = {
        name: (media, folders)
        for name, folders in deeper.items()
        if (media := find_media(root, cue, folders, AUDIO_SUFFIXES, by_content=True)).files
    }
    if len(full) > 1:
        raise CueError(_several(cue, list(full)))
    for media, folders in full.values():
        used = {folder.path for folder in folders}
        return SessionAudio(media, has_folder=True, left_out=tuple(_others(cue, inside, used)))
    return SessionAudio(own, has_folder=bool(own_folders or deeper), left_out=())


def _others(
    cue: Path, inside: Sequence["os.DirEntry[str]"], used: Collection[str]
) -> Iterator[str]:
    """Yield the folders of a session that hold audio beside what is used of it.

    What Pro Tools keeps beside the audio is not looked into.
    """
    loose = [e for e in inside if has_suffix(e.name, AUDIO_SUFFIXES) and not is_hidden(e.name)]
    found = [Path(entry.path).parent for entry in loose if not is_dir(entry)]
    told_with_the_cue = {Path(folder).parent for folder in used}
    for folder in (f for entry in inside if _may_be_session(entry) for f in _folders_of(entry)):
        name = folded(folder.name)
        bounces = name in _MIXES and folder.parent in told_with_the_cue
        if os.fspath(folder) not in used and not bounces and audio_in(folder):
            found.append(folder.parent if name in (_AUDIO, *_MIXES) else folder)
    yield from dict.fromkeys(folder.relative_to(cue).as_posix() for folder in found)


def _folders_of(session: "os.DirEntry[str]") -> Iterator[Path]:
    """Yield folders that may hold audio; a link may lead anywhere: only a session behind it."""
    if session.is_symlink():
        yield from (Path(entry.path) for entry in named(listed(Path(session.path)), _AUDIO))
    else:
        yield from _folders_below(Path(session.path))


def _may_be_session(entry: "os.DirEntry[str]") -> bool:
    own = not is_hidden(entry.name) and folded(entry.name) not in BESIDE_THE_AUDIO
    return own and is_dir(entry)


def audio_in(folder: Path, suffixes: Iterable[str] = AUDIO_SUFFIXES) -> list[str]:
    """Return the names of the audio files that lie directly in a folder."""
    wanted = frozenset(suffixes)
    return sorted(
        entry.name
        for entry in listed(folder)
        if has_suffix(entry.name, wanted) and not is_hidden(entry.name) and not is_dir(entry)
    )


def find_mixes_beside(audio_folder: Path) -> list[Path]:
    """Return audio files that Pro Tools bounced or rendered beside a session's audio folder.

    Raises
    ------
    CueError
        If a folder cannot be read.
    """
    beside = listed(audio_folder.parent)
    folders = [Path(entry.path) for name in _MIXES for entry in named(beside, name)]
    return [folder / name for folder in folders for name in audio_in(folder)]


def told_instead(cue: Path, session_folders: Sequence["os.DirEntry[str]"]) -> str:
    """Return what a session without audio that is read holds in its place; '' where nothing.

    Parameters
    ----------
    cue : Path
    session_folders : sequence of os.DirEntry
        The cue's folders called ``PT``.
    """
    kinds: set[str] = set()
    places: list[str] = []
    for pt in session_folders:
        for folder in _folders_below(Path(pt.path)):
            kinds |= {suffix_of(entry.name) for entry in listed(folder)} & AUDIO_NOT_READ
            if n := len(audio_in(folder)):
                files = f"{n} audio file{'s' * (n > 1)}"
                places.append(f"{files} in '{shown(folder.relative_to(cue))}'")
    told = []
    if kinds:
        told.append(f"It has audio of kinds that are not read ({', '.join(sorted(kinds))}).")
    if places:
        more = f" and {len(places) - _MOST_TOLD} more folders" if len(places) > _MOST_TOLD else ""
        told.append(f"It has {', '.join(places[:_MOST_TOLD])}{more}, where none is looked for.")
    return "".join(f" {text}" for text in told)


def _folders_below(session: Path) -> Iterator[Path]:
    """Yield a session's folder and those below it, a few levels deep; no links."""
    for path, inner, _ in os.walk(session):
        folder = Path(path)
        depth = len(folder.relative_to(session).parts)
        kept = (n for n in inner if not is_hidden(n) and folded(n) not in _NO_AUDIO)
        inner[:] = [] if depth == _DEEPEST else sorted(kept)
        yield folder


def _several(cue: Path, sessions: Sequence[str]) -> str:
    listing = ", ".join(f"'{shown(Path(session))}'" for session in sessions)
    return (
        f"'{shown(cue)}' has no audio in 'PT/Audio Files', and {len(sessions)} sessions below: "
        f"{listing}. Which is the cue's? Move its audio to 'PT/Audio Files', or the others out."
    )


def told_left_out(session: Path) -> str:
    """Return the message for a folder with audio beside the session that is used."""
    return (
        f"The audio in '{shown(session)}' is left out: the cue's is that in its session's 'Audio "
        "Files'. Move it there if it belongs to the cue, or to a cue of its own."
    )
