"""Where a cue's Pro Tools session keeps its audio.

The audio lies in ``PT/Audio Files``. Where that is not there, or empty, and just one folder in
``PT`` holds a session of its own (``PT/1m02 v3/Audio Files``), that one is the cue's.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
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
        Sessions one folder deeper that are not used, relative to the cue.
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
    own_folders = named(inside, "audio files")
    own = find_media(root, cue, own_folders, AUDIO_SUFFIXES, by_content=True)
    deeper = {
        session.path[len(os.fspath(cue).rstrip("/")) + 1 :]: found
        for session in inside
        if _may_be_session(session)
        if (found := named(listed(Path(session.path)), "audio files"))
    }
    if own.files:
        return SessionAudio(own, has_folder=True, left_out=tuple(_with_audio(deeper)))
    full = {
        name: media
        for name, folders in deeper.items()
        if (media := find_media(root, cue, folders, AUDIO_SUFFIXES, by_content=True)).files
    }
    if len(full) > 1:
        raise CueError(_several(cue, list(full)))
    if full:
        return SessionAudio(next(iter(full.values())), has_folder=True, left_out=())
    return SessionAudio(own, has_folder=bool(own_folders or deeper), left_out=())


def _may_be_session(entry: "os.DirEntry[str]") -> bool:
    own = not is_hidden(entry.name) and folded(entry.name) not in BESIDE_THE_AUDIO
    return own and is_dir(entry)


def _with_audio(sessions: dict[str, list["os.DirEntry[str]"]]) -> Iterator[str]:
    for name, folders in sessions.items():
        if any(audio_in(Path(folder.path)) for folder in folders):
            yield name


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
        inner[:] = [] if depth == _DEEPEST else sorted(n for n in inner if not is_hidden(n))
        if folded(folder.name) not in _NO_AUDIO:
            yield folder


def _several(cue: Path, sessions: Sequence[str]) -> str:
    listing = ", ".join(f"'{shown(Path(session))}'" for session in sessions)
    return (
        f"'{shown(cue)}' has no audio in 'PT/Audio Files', and {len(sessions)} sessions below: "
        f"{listing}. Which is the cue's? Move its audio to 'PT/Audio Files', or the others out."
    )


def told_left_out(session: Path) -> str:
    """Return the message for a session one folder deeper, beside one that is used."""
    return (
        f"The session in '{shown(session)}' is left out: the cue's audio is what lies in "
        "'PT/Audio Files'. Move it to a cue of its own if it is one."
    )
