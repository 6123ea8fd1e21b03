"""Files of a cue's folders that belong to nothing, so that none is passed over in silence."""

from pathlib import Path, PurePosixPath

from cue_pipeline.audio.faults import listed_files
from cue_pipeline.cue.folder import CueFolder

#: Suffixes of audio that is known and not read.
_AUDIO_NOT_READ = frozenset(
    {".sd2", ".wma", ".ac3", ".eac3", ".dts", ".mxf", ".mov", ".mp4", ".amr",
     ".ape", ".wv", ".dsf", ".dff", ".au", ".snd", ".rex", ".rx2", ".m4b", ".mka", ".webm"}
)  # fmt: skip
#: What stands in session folders and is no audio.
_NOT_AUDIO = frozenset(
    {"", ".mid", ".midi", ".ptx", ".ptf", ".pts", ".ptt", ".bak", ".pdf", ".txt", ".rtf", ".doc",
     ".docx", ".xls", ".xlsx", ".csv", ".json", ".xml", ".musicxml", ".mxl", ".sib", ".mus",
     ".musx", ".dorico", ".cpr", ".logicx", ".als", ".rpp", ".wfm", ".png", ".jpg", ".jpeg",
     ".md", ".html", ".plist", ".db", ".ini", ".log", ".zip", ".cfg", ".yaml", ".yml", ".aaf",
     ".omf", ".edl", ".peak", ".pkf", ".reapeaks", ".asd", ".ovw", ".nfo", ".url", ".lnk"}
)  # fmt: skip


def find_strays(folder: CueFolder) -> tuple[str, ...]:
    """Return warnings of files that are no MIDI, no audio that is read, and no known paper.

    Only the folders that hold the cue's own files are looked into.
    """
    known = {*folder.audio_paths, *folder.midi_paths}
    places = {folder.path, *((folder.path / file).parent for file in known)}
    unread: list[str] = []
    unknown: list[str] = []
    for place in sorted(places):
        for path in _files(place):
            file = PurePosixPath(path.relative_to(folder.path)).as_posix()
            suffix = path.suffix.lower()
            if file in known or path.name.startswith(".") or suffix in _NOT_AUDIO:
                continue
            (unread if suffix in _AUDIO_NOT_READ else unknown).append(file)
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
    return tuple(notes)


def _files(place: Path) -> list[Path]:
    try:
        return sorted(p for p in place.iterdir() if p.is_file())
    except OSError:
        return []
