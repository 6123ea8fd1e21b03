"""The tracks of one MIDI file as the ear takes them: notes, and which tracks have the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import pandas as pd

from cue_pipeline.hearing.stated import NOTHING_STATED, Stated, TempoBend
from cue_pipeline.hearing.templates import TrackNotes, same_notes, track_notes


@dataclass(frozen=True)
class FileTracks:
    """One MIDI file's tracks; ``voices`` are sets of tracks with the same notes.

    Attributes
    ----------
    time_codes : sequence of float
        Seconds since midnight that the file names for its MIDI time 0.
    key : int
        Its ``midi_files.id``.
    stated : Stated
        What people say of its clock.
    bend : TempoBend or None
        The tempo at which ``tracks`` stand; None: the file's own.
    """

    ids: list[int]
    names: list[str]
    tracks: list[TrackNotes]
    voices: list[list[int]]
    time_codes: Sequence[float] = ()
    key: int = 0
    stated: Stated = NOTHING_STATED
    bend: TempoBend | None = None

    @property
    def leaders(self) -> list[TrackNotes]:
        """One track of each voice."""
        return [self.tracks[voice[0]] for voice in self.voices]

    def bent(self, bend: TempoBend) -> "FileTracks":
        """Return the tracks, which stand at the file's own tempo, as they are played at another."""
        return replace(self, tracks=[_bent(track, bend) for track in self.tracks], bend=bend)


def file_tracks(
    rows: pd.DataFrame,
    notes: pd.DataFrame,
    time_codes: Mapping[int, Sequence[float]] = MappingProxyType({}),
    stated: Mapping[int, Stated] = MappingProxyType({}),
) -> FileTracks:
    """Return the tracks of one file; ``rows`` are its rows of ``midi_tracks``.

    Where people state the tempo that was played, they stand at it.
    """
    ids = [int(i) for i in rows["id"]]
    tracks = track_notes(ids, notes, _kits(rows))
    names = [str(name) for name in rows["track_name"]]
    key = int(rows["midi_file_id"].iloc[0])
    said = stated.get(key, NOTHING_STATED)
    file = FileTracks(
        ids, names, tracks, same_notes(tracks), time_codes.get(key, ()), key, stated=said
    )
    return file if said.tempo is None else file.bent(said.tempo)


def _bent(track: TrackNotes, bend: TempoBend) -> TrackNotes:
    start, end = bend.played_times(track.start), bend.played_times(track.start + track.duration)
    return replace(track, start=start, duration=end - start)


def _kits(rows: pd.DataFrame) -> dict[int, bool]:
    """Return which tracks are drum kits; those of which the rows say so."""
    if "drum_kit" not in rows:
        return {}
    known = rows[rows["sounds"].notna()]
    return dict(zip(known["id"], known["drum_kit"].notna(), strict=True))
