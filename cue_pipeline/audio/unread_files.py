"""Files of a cue's folders that belong to nothing, so that none is passed over in silence."""

from pathlib import Path, PurePosixPath

from cue_pipeline.audio.faults import listed_files
from cue_pipeline.cue.file_kinds import AUDIO_NOT_READ, PAPER, is_system, suffix_of
from cue_pipeline.cue.folder import CueFolder
from cue_pipeline.cue.session import find_mixes_beside
from cue_pipeline.errors import CueError


def find_strays(folder: CueFolder) -> tuple[str, ...]:
    """Return warnings of files that are no MIDI, no audio that is read, and no known paper.

    Looked into are the folders that hold the cue's own files, and Pro Tools' folders of bounces
    beside them.
    """
    known = {*folder.audio_paths, *folder.midi_paths}
    places = {folder.path, *((folder.path / file).parent for file in known)}
    unread: list[str] = []
    unknown: list[str] = []
    for place in sorted(places):
        for path in _files(place):
            file = PurePosixPath(path.relative_to(folder.path)).as_posix()
            suffix = suffix_of(path.name)
            quiet = path.name.startswith((".", "~")) or suffix in PAPER or is_system(path.name)
            if file in known or quiet:
                continue
            (unread if suffix in AUDIO_NOT_READ else unknown).append(file)
    notes = []
    if unread:
        notes.append(
            f"Audio of a kind that is not read: {listed_files(unread)}. Bounce it as WAV to have "
            "it processed."
        )
    if unknown:
        notes.append(
            f"Files of an unknown kind, not read: {listed_files(unknown)}. If they are audio, give "
            "them their suffix (.wav, .aif, .flac …)."
        )
    if bounced := _bounced(folder):
        notes.append(
            f"Audio in Pro Tools' folders of bounces, not read: {listed_files(bounced)}. Move what "
            "belongs to the cue, as its final mix, to its folder of audio files."
        )
    return tuple(notes)


def _bounced(folder: CueFolder) -> list[str]:
    """Return the audio that lies in 'Bounced Files' or 'Rendered Files' of the cue's session."""
    found: list[str] = []
    for place in sorted({(folder.path / file).parent for file in folder.audio_paths}):
        try:
            found += [p.relative_to(folder.path).as_posix() for p in find_mixes_beside(place)]
        except (CueError, OSError, ValueError):  # of no matter to what is read
            continue
    return found


def _files(place: Path) -> list[Path]:
    try:
        return sorted(p for p in place.iterdir() if p.is_file())
    except OSError:
        return []
