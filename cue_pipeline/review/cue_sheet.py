"""One cue as the page shows it: its tracks and stems, and how each fits each."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cue_pipeline.audio.sources import is_entered
from cue_pipeline.cue.shown import MOST_OF_A_NAME, shown
from cue_pipeline.errors import UnknownNameError
from cue_pipeline.mapping.people.track_keys import part_place
from cue_pipeline.reading.tempo import Tempo
from cue_pipeline.review.axis import Clock
from cue_pipeline.warehouse.vouched import read_vouched

if TYPE_CHECKING:
    import pandas as pd

    from cue_pipeline.reading import Library
    from cue_pipeline.warehouse.store import Store

Row = Mapping[Hashable, Any]

KEPT_CUES: Final = 4
CANDIDATES: Final = 5


class CueSheet:
    """The rows of a cue that the page is made of, read at one moment.

    Attributes
    ----------
    key : str
    tracks, stems, mixes : dict of int to row
        By id, in the order in which they are shown.
    """

    def __init__(self, store: Store, cue_key: str) -> None:
        found = _read(store, cue_key)
        self.key = cue_key
        files = _rows(found["midi_files"])
        counted = [row for row in files if row["same_as"] is None]
        self.files = {int(row["id"]): row for row in counted}
        self.tracks = _tracks(found, self.files)
        self.stems = {int(row["id"]): row for row in _in_order(_rows(found["audio_files"]))}
        self.mixes = {int(row["id"]): row for row in _in_order(_rows(found["final_mixes"]))}
        self.scores = {
            (int(row["midi_track_id"]), int(row["audio_file_id"])): row
            for row in _rows(found["match_evidence"])
        }
        self._clocks = {
            (int(row["midi_file_id"]), int(row[name])): row
            for table, name in (("stem_alignments", "audio_file_id"),
                                ("mix_alignments", "final_mix_id"))
            for row in _rows(found[table])
        }  # fmt: skip
        notes = found["midi_notes"]
        self.notes: pd.DataFrame = notes[notes["midi_track_id"].isin(list(self.tracks))]

    @cached_property
    def notes_of(self) -> dict[int, pd.DataFrame]:
        """The notes of each track that has some."""
        by_track: Any = self.notes.groupby("midi_track_id")
        return {int(track): rows for track, rows in by_track}

    def track(self, track_id: int) -> Row:
        """Return a track's row.

        Raises
        ------
        UnknownNameError
            If the cue has no such track (any more).
        """
        if track_id in self.tracks:
            return self.tracks[track_id]
        raise UnknownNameError(
            f"Cue '{self.key}' has no track of id {track_id} any longer: its MIDI was read anew. "
            "Open the cue again."
        )

    def clock(self, midi_file_id: int, sound_id: int) -> Clock:
        """Return what is known of where a score is heard in a stem or mix."""
        row = self._clocks.get((midi_file_id, sound_id))
        offset = (self.stems.get(sound_id) or self.mixes[sound_id])["start_offset_seconds"]
        if row is None:
            return Clock(None, offset)
        knots = row["knots"] if isinstance(row["knots"], list) and row["knots"] else None
        return Clock(knots, offset, row["method"], row["confidence"], row["reason"])

    def tempo(self, midi_file_id: int) -> Tempo | None:
        """Return a file's clock; None where it could not be read."""
        row = self.files[midi_file_id]
        if row["ticks_per_beat"] is None or not row["tempo_map"]:
            return None
        return Tempo.of_row({str(name): value for name, value in row.items()})

    def candidates(self, track_id: int) -> list[int]:
        """Return the stems in which a track may be heard, the likeliest first."""
        row = self.track(track_id)
        named = [] if row["audio_file_id"] is None else [int(row["audio_file_id"])]
        named += [int(c["audio_file_id"]) for c in row["candidates"] or ()]
        heard = [
            (-(score["score"] or 0.0), stem)
            for (track, stem), score in self.scores.items()
            if track == track_id
        ]
        ordered = [*named, *(stem for _, stem in sorted(heard)), *self.stems]
        return [stem for stem in dict.fromkeys(ordered) if stem in self.stems][:CANDIDATES]

    def as_json(self) -> dict[str, Any]:
        """Return tracks, stems, mixes, and the scores of every pair, rows by track."""
        stems = list(self.stems)
        return {
            "key": self.key,
            "tracks": [self.track_as_json(track) for track in self.tracks],
            "stems": [sound_as_json(row) for row in self.stems.values()],
            "mixes": [sound_as_json(row) for row in self.mixes.values()],
            "scores": [[self._score(track, stem) for stem in stems] for track in self.tracks],
        }

    def track_as_json(self, track_id: int) -> dict[str, Any]:
        """Return what is known of a track."""
        row = self.track(track_id)
        port, channel = row["port"], row["part_channel"]
        notes = self.notes_of.get(track_id)
        stem = row["audio_file_id"]
        return {
            "id": str(track_id),
            "cue": self.key,
            "name": shown(row["track_name"] or "", MOST_OF_A_NAME),
            "place": part_place(
                int(row["track_index"]),
                None if channel is None else int(channel),
                None if port is None else int(port),
            ),
            "file": shown(self.files[int(row["midi_file_id"])]["file_path"], MOST_OF_A_NAME),
            "drums": row["drum_kit"] is not None,
            "notes": 0 if notes is None else len(notes),
            "seconds": row["sounding_seconds"],
            "state": row["state"],
            "stem": None if stem is None else str(int(stem)),
            "category": row["instrument_category"],
            "confidence": row["confidence"],
            "reason": None if row["reason"] is None else shown(row["reason"]),
        }

    def _score(self, track: int, stem: int) -> float | None:
        row = self.scores.get((track, stem))
        return None if row is None else row["score"]


class CueSheets:
    """The cues opened last, each as the database has it now."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._kept: OrderedDict[str, tuple[Any, CueSheet]] = OrderedDict()
        self._lock = Lock()

    def open(self, cue_key: str) -> CueSheet:
        """Return a cue; read anew where anything of it was made since.

        Raises
        ------
        UnknownNameError
            If there is no such cue.
        NotReadyError
            If its tracks and stems are not made yet.
        """
        key = self._library[cue_key].key
        version = [
            (row.asset, row.state, row.finished_at) for row in self._library.store.ledger(key)
        ]
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and kept[0] == version:
                self._kept.move_to_end(key)
                return kept[1]
        sheet = CueSheet(self._library.store, key)
        with self._lock:
            self._kept[key] = (version, sheet)
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT_CUES:
                self._kept.popitem(last=False)
        return sheet


def sound_as_json(row: Row) -> dict[str, Any]:
    """Return what is known of a stem or a mix."""
    return {
        "id": str(int(row["id"])),
        "name": shown(row["canonical_name"], MOST_OF_A_NAME),
        "layout": row["layout"],
        "seconds": row["duration_seconds"],
        "sample_rate": row["sample_rate"],
        "peak_dbfs": row["peak_dbfs"],
        "category": row.get("instrument_category"),
        "warnings": [shown(text) for text in row["warnings"] or ()] + _slow(row),
    }


def _slow(row: Row) -> list[str]:
    kinds = sorted({str(c["subtype"]) for c in row["channels"] if not is_entered(c["subtype"])})
    if not kinds:
        return []
    return [
        f"A file of this kind ({', '.join(kinds)}) cannot be entered in its midst: it is decoded "
        "from its beginning when it is first heard, which takes some seconds."
    ]


def _read(store: Store, cue_key: str) -> dict[str, pd.DataFrame]:
    return read_vouched(
        store,
        cue_key,
        {
            "midi_files": None,
            "midi_tracks": [
                "id", "midi_file_id", "track_index", "port", "part_channel", "track_name",
                "drum_kit", "sounding_seconds",
            ],
            "midi_notes": ["midi_track_id", "note", "velocity", "start_time", "duration"],
            "audio_files": None,
        },
        where_ready={
            "track_mappings": [
                "midi_track_id", "audio_file_id", "instrument_category", "state", "method",
                "confidence", "reason", "candidates",
            ],
            "match_evidence": ["midi_track_id", "audio_file_id", "score", "level_db", "abstained"],
            "stem_alignments": None,
            "mix_alignments": None,
            "final_mixes": None,
        },
    )  # fmt: skip


def _tracks(found: Mapping[str, pd.DataFrame], files: Mapping[int, Row]) -> dict[int, Row]:
    mapped = {int(row["midi_track_id"]): row for row in _rows(found["track_mappings"])}
    nothing: Row = dict.fromkeys(map(str, found["track_mappings"].columns))
    rows = [row for row in _rows(found["midi_tracks"]) if int(row["midi_file_id"]) in files]
    rows.sort(
        key=lambda row: (
            files[int(row["midi_file_id"])]["file_path"], row["track_index"],
            row["port"] or 0, row["part_channel"] or 0,
        )
    )  # fmt: skip
    return {int(row["id"]): {**row, **mapped.get(int(row["id"]), nothing)} for row in rows}


def _rows(frame: pd.DataFrame) -> list[Row]:
    """Return rows as dicts of plain values, None for NULL."""
    import pandas as pd

    columns = {}
    for name, series in frame.items():
        values = series.astype(object).tolist()
        columns[str(name)] = [None if v is pd.NA or v is None or v != v else v for v in values]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _in_order(rows: list[Row]) -> list[Row]:
    from cue_pipeline.cue.numbering import natural_key

    return sorted(rows, key=lambda row: natural_key(row["canonical_name"]))


def float_column(frame: pd.DataFrame, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return a column of numbers as an array."""
    return frame[name].to_numpy(np.float64)
