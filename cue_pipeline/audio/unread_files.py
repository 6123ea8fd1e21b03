"""Files of a cue's folders that belong to nothing, so that none is passed over in silence."""

from collections.abc import Iterator

from cue_pipeline.audio.faults import listed_files
from cue_pipeline.cue.file_kinds import ARCHIVES, AUDIO_NOT_READ, suffix_of
from cue_pipeline.cue.folder import CueFolder
from cue_pipeline.cue.session import find_mixes_beside
from cue_pipeline.errors import CueError


def find_strays(folder: CueFolder) -> tuple[str, ...]:
    """Return warnings of files that are no MIDI, no audio that is read, and no known paper.

    They are those that the look at the cue's folders found, and what lies in Pro Tools' folders of
    bounces.
    """
    packed = [file for file in folder.others if suffix_of(file) in ARCHIVES]
    unread = [file for file in folder.others if suffix_of(file) in AUDIO_NOT_READ]
    unknown = [file for file in folder.others if file not in {*packed, *unread}]
    refused: dict[str, list[str]] = {}
    for file, why in folder.refused:
        refused.setdefault(why, []).append(file)
    return tuple(_told(refused, packed, unread, unknown, _bounced(folder)))


def _told(
    refused: dict[str, list[str]],
    packed: list[str],
    unread: list[str],
    unknown: list[str],
    bounced: list[str],
) -> Iterator[str]:
    for why, files in refused.items():
        yield f"Left out, since {why}: {_listed(files)}."
    if packed:
        yield f"Packed files, not read: {_listed(packed)}. Unpack what belongs to the cue."
    if unread:
        yield (
            f"Audio of a kind that is not read: {_listed(unread)}. Bounce it as WAV to have "
            "it processed."
        )
    if unknown:
        yield (
            f"Files of an unknown kind, not read: {_listed(unknown)}. If they are audio, give "
            "them their suffix (.wav, .aif, .flac …)."
        )
    if bounced:
        yield (
            f"Audio in Pro Tools' folders of bounces, not read: {_listed(bounced)}. Move what "
            "belongs to the cue, as its final mix, to its folder of audio files."
        )


def _listed(files: list[str]) -> str:
    return listed_files(sorted(files))


def _bounced(folder: CueFolder) -> list[str]:
    """Return the audio that lies in 'Bounced Files' or 'Rendered Files' of the cue's session."""
    found: list[str] = []
    for place in sorted({(folder.path / file).parent for file in folder.audio_paths}):
        try:
            found += [p.relative_to(folder.path).as_posix() for p in find_mixes_beside(place)]
        except (CueError, OSError, ValueError):  # of no matter to what is read
            continue
    return found
