"""The tracks of one MIDI file as the ear takes them: notes, and which tracks have the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import pandas as pd

from cue_pipeline.hearing.templates import TrackNotes, same_notes, track_notes


@dataclass(frozen=True)
class FileTracks:
    """One MIDI file's tracks; ``voices`` are sets of tracks with the same notes.

    ``time_codes`` are the seconds since midnight that the file names for its MIDI time 0, ``key``
    is its ``midi_files.id``.
    """

    ids: list[int]
    names: list[str]
    tracks: list[TrackNotes]
    voices: list[list[int]]
    time_codes: Sequence[float] = ()
    key: int = 0

    @property
    def leaders(self) -> list[TrackNotes]:
        """One track of each voice."""
        return [self.tracks[voice[0]] for voice in self.voices]


def file_tracks(
    rows: pd.DataFrame,
    notes: pd.DataFrame,
    time_codes: Mapping[int, Sequence[float]] = MappingProxyType({}),
) -> FileTracks:
    """Return the tracks of one file; ``rows`` are its rows of ``midi_tracks``."""
    ids = [int(i) for i in rows["id"]]
    tracks = track_notes(ids, notes, _kits(rows))
    names = [str(name) for name in rows["track_name"]]
    key = int(rows["midi_file_id"].iloc[0])
    return FileTracks(ids, names, tracks, same_notes(tracks), time_codes.get(key, ()), key)


def _kits(rows: pd.DataFrame) -> dict[int, bool]:
    """Return which tracks are drum kits; those of which the rows say so."""
    if "drum_kit" not in rows:
        return {}
    known = rows[rows["sounds"].notna()]
    return dict(zip(known["id"], known["drum_kit"].notna(), strict=True))
