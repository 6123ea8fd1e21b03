"""Which tracks carry no music: the conductor's, the orchestrator's notes, and their like."""

import re
import unicodedata
from collections.abc import Sequence

from cue_pipeline.midi.reader import MidiFile, MidiTrack

_VARIANT = re.compile(r"[\W_]*(?P<core>.*?)(?:[\s_-]+track)?(?:[\s_.#-]*\d+)?[\W_]*", re.DOTALL)
_BETWEEN_WORDS = re.compile(r"[\W_]+")


def is_marker_name(name: str, marker_tracks: Sequence[str]) -> bool:
    """Return whether a track's name says that it carries no music.

    Parameters
    ----------
    name : str
        The decoded name.
    marker_tracks : sequence of str
        Names of such tracks.

    Returns
    -------
    bool
        True where the name *is* one of these: in whatever case and width, within punctuation,
        with the word "track" or the number that a sequencer gives to a copy ("Conductor Track",
        "*NOTES*", "Orchestrator-2"); or is made of nothing else ("Orchestrator Notes"). A name
        that merely holds one ("Bass Notes") is music.
    """
    wanted = {_folded(marker) for marker in marker_tracks}
    folded = _folded(name)
    match = _VARIANT.fullmatch(folded)
    core = match["core"] if match else folded
    words = [word for word in _BETWEEN_WORDS.split(core) if word]
    return bool(wanted & {folded, core}) or (bool(words) and wanted.issuperset(words))


def is_marker_track(file: MidiFile, track: MidiTrack, marker_tracks: Sequence[str]) -> bool:
    """Return whether a track of a file carries no music.

    Only where tracks play together: a file of format 0 has a single track, and in format 2 each
    is a piece of its own. Their name is the piece's, and everything in them is music.
    """
    return len(file.tracks) > 1 and file.format != 2 and is_marker_name(track.name, marker_tracks)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip("\0 \t\r\n").casefold()
