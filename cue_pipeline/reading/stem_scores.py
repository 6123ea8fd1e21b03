"""What the score says of each stem of a cue, on the stem's own clock, and what is in doubt."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cue_pipeline.hearing.heard_times import heard_times, score_times
from cue_pipeline.mapping.decision.result import STANDING
from cue_pipeline.midi.pedals import COUNTED, sounding_ends
from cue_pipeline.reading.heard_in import Keys, keys_nowhere, stems_of_tracks
from cue_pipeline.reading.tempo import Tempo
from cue_pipeline.warehouse.vouched import read_vouched

if TYPE_CHECKING:
    import pandas as pd

    from cue_pipeline.warehouse.store import Store

Array = NDArray[Any]
Rows = dict[str, Array]
"""Column → values; of many small tables, which as DataFrames cost more than what is in them."""

SCORE_ASSETS = ("tempo_map", "midi_events", "channel_groups", "match_evidence", "llm_mappings")
"""What must be ready for it."""

BEFORE_SECONDS, AFTER_SECONDS = 0.1, 0.5
"""How long before and after a doubtful note something of it may be in a stem."""

BELIEVED = 0.5
"""A clock of no more confidence, which no sound confirms and nobody stated, puts notes nowhere."""

NOTE_COLUMNS = {
    "start": "f8", "end": "f8", "ends": "?", "note": "i8", "velocity": "i8", "category": "i8",
}  # fmt: skip
CONTROLLER_COLUMNS = {"time": "f8", "part": "i8", "cc_number": "i8", "cc_value": "i8"}

_DOUBTFUL = ("review", "unmatched")
_NO_END = 1 | 4  # flags: never ended in the file, no length


@dataclass(frozen=True)
class StemScore:
    """What the score says of one stem.

    Attributes
    ----------
    notes : dict of str to np.ndarray
        ``start``, ``end`` (seconds from the stem's first sample; the end is when it ceases to
        sound), ``ends`` (whether that can be trusted), ``note``, ``velocity``, ``category`` (place
        in ``categories``), by start.
    categories : tuple of str or None
        Of the parts that are heard in it; None: undecided.
    controllers : dict of str to np.ndarray
        ``time`` (of the stem), ``part``, ``cc_number``, ``cc_value``, in order.
    doubts : list of (float, float)
        When something that is in review or unmatched may sound in it.
    unknown : str or None
        Why nothing can be said of what sounds in it; None: something can.
    clock : tuple of (Tempo, knots) or None
        The bars of the score, and where they are heard; None: not known, or not one.
    """

    notes: Rows
    categories: tuple[str | None, ...]
    controllers: Rows
    doubts: list[tuple[float, float]]
    unknown: str | None
    clock: tuple[Tempo, Any] | None

    def bars_beats(self, seconds: Array) -> Array:
        """Return bar and beat at moments of the stem, shape=(n, 2); 0 where there is no clock."""
        if self.clock is None:
            return np.zeros((len(seconds), 2), np.float64)
        tempo, knots = self.clock
        at = score_times(knots, seconds)
        bars, beats = tempo.seconds_to_bars(np.maximum(at, 0.0))
        found = np.column_stack([bars.astype(np.float64), beats])
        found[at < 0.0] = 0.0  # before the score begins there is no bar
        return found


def read_stem_scores(
    store: Store, cue_key: str, controllers: Collection[int] = ()
) -> dict[int, StemScore]:
    """Return what the score says of each stem of a cue, by the stem's id.

    Parameters
    ----------
    store : Store
    cue_key : str
    controllers : collection of int
        Which MIDI controllers it is to have; a library has many more.

    Raises
    ------
    NotReadyError
        If the ledger does not vouch for one of :data:`SCORE_ASSETS`.
    """
    found = read_vouched(
        store,
        cue_key,
        {
            "midi_files": None,
            "midi_tracks": None,
            "midi_notes": [
                "midi_track_id", "channel", "note", "velocity", "start_time", "duration", "flags",
            ],
            "midi_cc": ["midi_track_id", "channel", "cc_number", "cc_value", "time"],
            "track_mappings": ["midi_track_id", "audio_file_id", "state", "candidates"],
            "track_stems": ["midi_track_id", "audio_file_id", "notes"],
            "stem_alignments": ["midi_file_id", "audio_file_id", "knots", "confidence"],
            "audio_files": ["id", "peak_dbfs", "duration_seconds"],
        },
        only={"midi_cc": {"cc_number": {*controllers, *COUNTED}}},
    )  # fmt: skip
    return _Cue(found).stems()


class _Cue:
    """A cue's rows, of which each stem takes its own."""

    def __init__(self, found: dict[str, pd.DataFrame]) -> None:
        files = found["midi_files"]
        files = files[files["same_as"].isna()]  # the same music counts once
        self._tempos = _tempos(files)
        tracks = found["midi_tracks"]
        tracks = tracks[tracks["midi_file_id"].isin(files["id"])].rename(
            columns={"id": "midi_track_id"}
        )
        if "own_category" not in tracks:
            tracks = tracks.assign(own_category=None)
        tracks["category"] = tracks["own_category"].where(
            tracks["own_category"].notna(), tracks["instrument_category"]
        )
        joined: Any = tracks.merge(found["track_mappings"], on="midi_track_id")
        self._tracks = list(joined.itertuples())
        self._stems_of = stems_of_tracks(found["track_mappings"], found["track_stems"])
        notes = found["midi_notes"]
        notes = notes[notes["midi_track_id"].isin(tracks["midi_track_id"])].reset_index(drop=True)
        cc = found["midi_cc"]
        self._no_notes, self._of_track = _by_track(
            notes.assign(sounds_until=sounding_ends(notes, cc))
        )
        self._no_cc, self._cc = _by_track(cc)
        clocks = found["stem_alignments"]
        clocks = clocks[clocks["confidence"] > BELIEVED]
        self._knots = {
            (int(file), int(stem)): knots
            for file, stem, knots in zip(
                clocks["midi_file_id"], clocks["audio_file_id"], clocks["knots"], strict=True
            )
            if isinstance(knots, list)
        }
        self._stems = found["audio_files"]

    def stems(self) -> dict[int, StemScore]:
        columns = (self._stems[c] for c in ("id", "peak_dbfs", "duration_seconds"))
        return {
            int(stem): self._stem(int(stem), float(seconds), silent=peak != peak)
            for stem, peak, seconds in zip(*columns, strict=True)
        }

    def _stem(self, stem: int, seconds: float, *, silent: bool) -> StemScore:
        sure = [
            track
            for track in self._tracks
            if track.state in STANDING and stem in self._stems_of.get(int(track.midi_track_id), {})
        ]
        files = {int(track.midi_file_id) for track in sure}
        doubts, unknown = self._doubts(stem)
        parts = [self._heard(track, stem, i) for i, track in enumerate(sure)]
        if any(part is None for part in parts):
            unknown = unknown or "nothing tells the clock of a MIDI file whose notes are in it"
        if not sure and not silent:
            unknown = unknown or "no track is known to be in it, and it is not silent"
        if any(map(self._in_doubt, files)):
            unknown = unknown or "the times of a MIDI file whose notes are in it are in doubt"
        told = [part for part in parts if part is not None]
        if not silent and _all_outside([notes for notes, _ in told], seconds):
            unknown = unknown or "it is not silent, and no note that is in it is heard within it"
        return StemScore(
            notes=_joined([notes for notes, _ in told], NOTE_COLUMNS, ("note", "start")),
            categories=tuple(_category(track) for track in sure),
            controllers=_joined([cc for _, cc in told], CONTROLLER_COLUMNS, ("time",)),
            doubts=doubts,
            unknown=unknown,
            clock=self._clock(stem, files),
        )

    def _heard(self, track: Any, stem: int, place: int) -> tuple[Rows, Rows] | None:
        """Return a track's notes and controllers as a stem has them; None without a clock."""
        notes = self._of_track.get(int(track.midi_track_id))
        cc = self._cc.get(int(track.midi_track_id), self._no_cc)
        knots = self._knots.get((int(track.midi_file_id), stem))
        if knots is None:
            # Without notes there is nothing whose place could be unknown.
            return None if notes is not None else ({}, {})
        notes = self._no_notes if notes is None else notes
        keys = self._stems_of[int(track.midi_track_id)][stem]
        if keys is not None:
            notes = _of_keys(notes, keys)
        heard = {
            "start": heard_times(knots, notes["start_time"]),
            "end": heard_times(knots, notes["sounds_until"]),
            "ends": (notes["flags"] & _NO_END) == 0,
            "note": notes["note"],
            "velocity": notes["velocity"],
            "category": np.full(len(notes["note"]), place),
        }
        controllers = {
            "time": heard_times(knots, cc["time"]),
            "part": cc["channel"] + 16 * place,
            "cc_number": cc["cc_number"],
            "cc_value": cc["cc_value"],
        }
        return heard, controllers

    def _doubts(self, stem: int) -> tuple[list[tuple[float, float]], str | None]:
        """Return when doubtful notes may sound in a stem, or why that cannot be told."""
        spans: list[tuple[float, float]] = []
        for track in self._tracks:
            notes = self._doubtful_notes(track, stem)
            if notes is None or not len(notes["note"]):
                continue
            knots = self._knots.get((int(track.midi_file_id), stem))
            if knots is None or self._in_doubt(track.midi_file_id):
                return [], "a track that may be in it is undecided, and nothing tells its clock"
            starts = heard_times(knots, notes["start_time"])
            ends = heard_times(knots, notes["sounds_until"])
            spans += zip(starts - BEFORE_SECONDS, ends + AFTER_SECONDS, strict=True)
        return _united(spans), None

    def _doubtful_notes(self, track: Any, stem: int) -> Rows | None:
        """Return the notes of a track that may sound in a stem, but are not known to."""
        notes = self._of_track.get(int(track.midi_track_id))
        stems = self._stems_of.get(int(track.midi_track_id), {})
        if notes is None or track.state in _DOUBTFUL:
            return notes if _may_be_in(track, stem, stems) else None
        if stem not in stems or None in stems.values():  # all keys are known to be in one
            return None
        return _of_keys(notes, keys_nowhere(stems, set(notes["note"].tolist())))

    def _in_doubt(self, file: Any) -> bool:
        return self._tempos[int(file)].doubt is not None

    def _clock(self, stem: int, files: set[int]) -> tuple[Tempo, Any] | None:
        known = [
            (self._tempos[file], knots)
            for (file, of), knots in self._knots.items()
            if of == stem and file in self._tempos and (file in files or not files)
        ]
        if not known or any(tempo.doubt for tempo, _ in known):
            return None
        tempo, knots = known[0]
        same = all(tempo.same_clock(other) and knots == own for other, own in known)
        return (tempo, knots) if same else None


def _tempos(files: pd.DataFrame) -> dict[int, Tempo]:
    found = {}
    rows: Any = files.astype(object).where(files.notna(), None)
    for row in rows.to_dict("records"):
        if row["ticks_per_beat"] is not None and row["tempo_map"]:
            found[int(row["id"])] = Tempo.of_row(row)
    return found


def _all_outside(parts: Iterable[Rows], seconds: float) -> bool:
    """Return whether there are notes, and none of them sounds while a recording runs."""
    spans = [(part["start"], part["end"]) for part in parts if part and len(part["start"])]
    return bool(spans) and not any(((b > 0.0) & (a < seconds)).any() for a, b in spans)


def _may_be_in(track: Any, stem: int, stems: Mapping[int, Keys]) -> bool:
    """Return whether a doubtful track names a stem; one that names none may be in any."""
    named = {int(c["audio_file_id"]) for c in track.candidates or ()} | stems.keys()
    return stem in named or not named


def _united(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    united: list[tuple[float, float]] = []
    for start, end in sorted((float(a), float(b)) for a, b in spans):
        if united and start <= united[-1][1]:
            united[-1] = (united[-1][0], max(end, united[-1][1]))
        else:
            united.append((start, end))
    return united


def _by_track(frame: pd.DataFrame) -> tuple[Rows, dict[int, Rows]]:
    """Return no rows of a table of numbers, and those of each track, in their order."""
    columns = {str(name): column.to_numpy() for name, column in frame.items()}
    tracks = columns["midi_track_id"]
    empty = {name: values[:0] for name, values in columns.items()}
    if not len(tracks):
        return empty, {}
    if (tracks[1:] < tracks[:-1]).any():  # mostly they come by track, and nothing is copied
        columns = _at(columns, np.argsort(tracks, kind="stable"))
        tracks = columns["midi_track_id"]
    ends = [0, *(np.flatnonzero(np.diff(tracks)) + 1).tolist(), len(tracks)]
    return empty, {
        int(tracks[begin]): {name: values[begin:end] for name, values in columns.items()}
        for begin, end in pairwise(ends)
    }


def _at(rows: Rows, places: Array) -> Rows:
    return {name: values[places] for name, values in rows.items()}


def _of_keys(notes: Rows, keys: Collection[int]) -> Rows:
    return _at(notes, np.isin(notes["note"], list(keys)))


def _category(track: Any) -> str | None:
    return track.category if isinstance(track.category, str) else None


def _joined(parts: Sequence[Rows], columns: Mapping[str, str], by: tuple[str, ...]) -> Rows:
    """Return the rows of all parts, sorted by the last of some columns, then the one before it."""
    some = [part for part in parts if part]
    if not some:
        return {name: np.empty(0, kind) for name, kind in columns.items()}
    rows = {name: np.concatenate([part[name] for part in some]) for name in columns}
    return _at(rows, np.lexsort([rows[name] for name in by]))
