"""One cue: its stems, mixes, tracks, notes and clocks."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from cue_pipeline.errors import (
    CueError,
    MidiFileError,
    UnknownNameError,
    closest_names,
)
from cue_pipeline.reading.stem import Mix, Stem
from cue_pipeline.reading.tempo import Tempo
from cue_pipeline.warehouse.vouched import read_vouched

if TYPE_CHECKING:
    import pandas as pd

    from cue_pipeline.reading.whole_library import Library
    from cue_pipeline.warehouse.store import CueRow, Store

T = TypeVar("T")

TRACK_COLUMNS = (
    "id", "midi_file_id", "file_path", "same_as", "track_index", "port", "part_channel",
    "track_name", "drum_kit", "instrument_category", "audio_file_id", "stem", "state",
    "confidence", "lag_seconds",
)  # fmt: skip


class Named(Mapping[str, T]):
    """Things of a cue by name; an unknown name is answered with the closest."""

    def __init__(self, found: Mapping[str, T], what: str, cue_key: str) -> None:
        self._found, self._what, self._cue_key = dict(found), what, cue_key

    def __getitem__(self, name: str) -> T:
        if name in self._found:
            return self._found[name]
        composed = unicodedata.normalize("NFC", name)
        same = [n for n in self._found if unicodedata.normalize("NFC", n) == composed]
        if len(same) == 1:
            return self._found[same[0]]
        raise UnknownNameError(self._unknown(name))

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __repr__(self) -> str:
        return f"<{len(self)} of cue {self._cue_key!r}: {', '.join(self._found)}>"

    def _unknown(self, name: str) -> str:
        if not self._found:
            return f"Cue '{self._cue_key}' has no {self._what}."
        return (
            f"No {self._what} {name!r} among the {len(self)} of cue '{self._cue_key}'. Did you "
            f"mean {closest_names(name, self._found)}?"
        )


class Cue:
    """One cue of a library, as the tables have it.

    What is read once is kept (:attr:`stems`, :attr:`mixes`, :attr:`tempos`): take the cue from its
    library anew to see a later state. Every other call reads the database.

    Attributes
    ----------
    library : Library
    id : int
        Of its row in ``cues``: the same when it moves.
    key : str
        Its partition key: the folder below the root.
    project, reel, cue_number, version, title
        What the folder's name says; None where it says nothing.
    state : {"present", "missing"}
        Whether the last scan of the library found it.
    """

    def __init__(self, library: Library, row: CueRow) -> None:
        self.library, self._row = library, row
        self.id, self.key, self.state = row.id, row.cue_key, row.state
        self.project, self.reel, self.cue_number = row.project, row.reel, row.cue_number
        self.version, self.title = row.version, row.title

    @property
    def folder(self) -> Path:
        """Where the cue's files are now, spelt as on disk.

        Raises
        ------
        CueError
            If the folder is not below the library's root.
        """
        from cue_pipeline.cue.cue_paths import find_folder

        try:
            return find_folder(
                self.library.root or Path(self._row.root), self.key, self._row.folder
            )
        except CueError as e:
            raise CueError(
                f"{e} If the library has moved, open it at its new place: "
                "open_library(url, root='/its/new/place')."
            ) from None

    @property
    def assets(self) -> dict[str, str]:
        """What the ledger says of each asset that was made: ``ready``, ``loading``, ``failed``."""
        return {row.asset: row.state for row in self.library.store.ledger(self.key)}

    @cached_property
    def stems(self) -> Mapping[str, Stem]:
        """The stems by name, in natural order.

        Raises
        ------
        NotReadyError
            If the ledger does not vouch for ``channel_groups``.
        """
        rows = _records(self.table("audio_files"))
        stems = {row["canonical_name"]: Stem(self, row) for row in rows}
        return Named(_in_order(stems), "stem", self.key)

    @cached_property
    def mixes(self) -> Mapping[str, Mix]:
        """The mixes of the whole cue by name, in natural order.

        Raises
        ------
        NotReadyError
            If the ledger does not vouch for ``final_mix_features``.
        """
        rows = _records(self.table("final_mixes"))
        mixes = {row["canonical_name"]: Mix(self, row) for row in rows}
        return Named(_in_order(mixes), "mix", self.key)

    @cached_property
    def tempos(self) -> Mapping[str, Tempo]:
        """The clock of each MIDI file that could be read, by its path.

        Raises
        ------
        NotReadyError
            If the ledger does not vouch for ``tempo_map``.
        """
        rows = _records(self.table("midi_files").sort_values("file_path"))
        found: dict[str, Tempo] = {}
        for row in rows:
            if row["ticks_per_beat"] is not None and row["tempo_map"]:
                found[row["file_path"]] = Tempo.of_row(row)
        return Named(found, "MIDI file", self.key)

    @property
    def tempo(self) -> Tempo:
        """The clock of the cue's MIDI: ticks, seconds, bars and beats.

        Files that repeat another one (``midi_files.same_as``) do not count.

        Raises
        ------
        MidiFileError
            If no MIDI file of the cue could be read, or several have clocks of their own.
        """
        clocks = [clock for name, clock in self.tempos.items() if name not in self._repeats]
        if not clocks:
            raise MidiFileError(
                f"No MIDI file of cue '{self.key}' could be read; `warnings` of its rows in "
                "midi_files say why."
            )
        if not all(clock.same_clock(clocks[0]) for clock in clocks):
            raise MidiFileError(
                f"{len(clocks)} MIDI files of cue '{self.key}' differ in tempo, meter or "
                "resolution, so one tick is not one moment. Choose one of `cue.tempos`: "
                f"{', '.join(repr(clock.file_path) for clock in clocks)}."
            )
        return clocks[0]

    @cached_property
    def _repeats(self) -> frozenset[str]:
        """Paths of MIDI files whose music counts elsewhere."""
        files = read_vouched(
            self.library.store, self.key, {"midi_files": ["file_path", "same_as"]}
        )["midi_files"]
        return frozenset(files["file_path"][files["same_as"].notna()])

    @property
    def tracks(self) -> pd.DataFrame:
        """The MIDI tracks, each with the stem in which it is heard.

        Returns
        -------
        DataFrame
            One row per part (a track, or one port and channel of it), by file and place:
            ``id``, ``midi_file_id``, ``file_path``, ``same_as`` (the file that holds the same
            music and counts in its place), ``track_index``, ``port``, ``part_channel``,
            ``track_name``, ``drum_kit``, ``instrument_category``, ``audio_file_id`` (Int64,
            NULL: none), ``stem`` (its name), ``state`` (``auto``, ``confirmed``, ``review``,
            ``unmatched``), ``confidence``, ``lag_seconds`` (stem's time less MIDI time; see
            :meth:`heard_notes` for the clock's wander). What the mapping decides is NULL where it
            is not ready.

        Raises
        ------
        NotReadyError
            If the ledger does not vouch for ``midi_events``.
        """
        return _tracks(self.library.store, self.key)

    @property
    def track_stems(self) -> pd.DataFrame:
        """All stems in which each track is heard: a split kit's, a part's that sounds in two.

        Returns
        -------
        DataFrame
            ``midi_track_id``, ``track_name``, ``audio_file_id``, ``stem`` (its name), ``share``
            (NULL: not measured) and ``notes`` (note numbers that are heard there, None: all). The
            stem of :attr:`tracks` is one of them; a track that no stem holds has no row.

        Raises
        ------
        NotReadyError
            If the ledger does not vouch for ``llm_mappings``.
        """
        found = self.table("track_stems")
        tracks, stems = self.tracks, {stem.id: name for name, stem in self.stems.items()}
        names = dict(zip(tracks["id"], tracks["track_name"], strict=True))
        found = found.assign(
            track_name=found["midi_track_id"].map(names), stem=found["audio_file_id"].map(stems)
        )
        order = ["midi_track_id", "track_name", "audio_file_id", "stem", "share", "notes"]
        return found[order]

    def notes(self) -> pd.DataFrame:
        """Return every note of the cue; of files that hold the same music, of one.

        Returns
        -------
        DataFrame
            The columns of ``midi_notes``, with ``track_name`` and ``file_path``; by track and
            place in it. Times are seconds from the start of the MIDI file.

        Raises
        ------
        NotReadyError
            If the ledger does not vouch for ``midi_events``.
        """
        return self.events("midi_notes")

    def heard_notes(self) -> pd.DataFrame:
        """Return the notes of every track that has a stem, with where in it they are heard.

        A note of a track that is in several stems is there once for each (:attr:`track_stems`); of
        a kit that is split each key where it is heard.

        Returns
        -------
        DataFrame
            Columns of :meth:`notes`, and ``audio_file_id``, ``stem``, ``state`` of the track's
            mapping, ``heard_start`` and ``heard_end`` (seconds from the stem's first sample),
            ``within`` (some of it lies in the recording, which does not leave it out),
            ``clock_method`` and ``clock_confidence`` (what tells the clock, and how far to believe
            it). Tracks whose clock nothing tells are left out.

        Raises
        ------
        NotReadyError
            If the ledger does not vouch for ``midi_events``, or for ``match_evidence``.
        """
        return _heard_notes(self)

    def events(self, table: str) -> pd.DataFrame:
        """Return every event of one kind: ``midi_notes``, ``midi_cc``, ``midi_pitch_bends``, ….

        The same music counts once: events of a file that repeats another one of the cue, or is an
        older version of it (``midi_files.same_as``), are left out. :meth:`table` has them all.

        Returns
        -------
        DataFrame
            The table's columns, with ``track_name`` and ``file_path``.
        """
        found = read_vouched(
            self.library.store,
            self.key,
            {
                "midi_files": ["id", "file_path", "same_as"],
                "midi_tracks": ["id", "midi_file_id", "track_name"],
                table: None,
            },
        )
        files = found["midi_files"]
        paths: Any = files[files["same_as"].isna()].set_index("id")["file_path"]
        tracks = found["midi_tracks"].set_index("id")
        tracks = tracks[tracks["midi_file_id"].isin(paths.index)]
        events = found[table]
        events = events[events["midi_track_id"].isin(tracks.index)].reset_index(drop=True)
        events["track_name"] = events["midi_track_id"].map(tracks["track_name"])
        events["file_path"] = events["midi_track_id"].map(tracks["midi_file_id"].map(paths))
        return events

    def table(self, name: str) -> pd.DataFrame:
        """Return the cue's rows of any table of the data model.

        Returns
        -------
        DataFrame
            JSON decoded; ids and other integers int64, or Int64 where there can be NULL. Columns of
            an asset that is not ready, in a table of another that is, hold NULL.

        Raises
        ------
        NotReadyError
            If the ledger does not vouch for the table's rows.
        WarehouseError
            If there is no such table, or its rows belong to no single cue.
        """
        return read_vouched(self.library.store, self.key, {name: None})[name]

    def __repr__(self) -> str:
        return f"<Cue {self.key!r}: {self.state}>"


def _in_order(found: Mapping[str, T]) -> dict[str, T]:
    from cue_pipeline.cue.numbering import natural_key

    return {name: found[name] for name in sorted(found, key=natural_key)}


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as dicts of plain values, None for NULL."""
    import pandas as pd

    columns = {
        str(name): [None if v is pd.NA or v != v else v for v in series.astype(object)]
        for name, series in frame.items()
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _tracks(store: Store, cue_key: str) -> pd.DataFrame:
    found = read_vouched(
        store,
        cue_key,
        {
            "midi_files": ["id", "file_path", "same_as"],
            "midi_tracks": [
                "id", "midi_file_id", "track_index", "port", "part_channel", "track_name",
                "drum_kit", "instrument_category",
            ],
        },
        where_ready={
            "track_mappings": ["midi_track_id", "audio_file_id", "state", "confidence"],
            "audio_files": ["id", "canonical_name"],
            "stem_alignments": ["midi_file_id", "audio_file_id", "lag_seconds"],
        },
    )  # fmt: skip
    files = found["midi_files"].rename(columns={"id": "midi_file_id"})
    stems = found["audio_files"].rename(columns={"id": "audio_file_id", "canonical_name": "stem"})
    stems = stems.astype({"audio_file_id": "Int64"})
    clocks = found["stem_alignments"].astype({"audio_file_id": "Int64"})
    joined = (
        found["midi_tracks"]
        .merge(files, on="midi_file_id", how="left")
        .merge(found["track_mappings"], left_on="id", right_on="midi_track_id", how="left")
        .drop(columns="midi_track_id")
        .merge(stems, on="audio_file_id", how="left")
        .merge(clocks, on=["midi_file_id", "audio_file_id"], how="left")
        .sort_values(["file_path", "track_index", "port", "part_channel"], ignore_index=True)
    )
    for name in ("stem", "state"):  # a merge puts NaN where it finds nothing
        joined[name] = joined[name].astype(object).where(joined[name].notna(), None)
    return joined[list(TRACK_COLUMNS)]


def _heard_notes(cue: Cue) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    from cue_pipeline.hearing.heard_times import heard_times, is_cut

    tracks = cue.tracks
    tracks = tracks[tracks["stem"].notna()].rename(columns={"id": "midi_track_id"})
    names = ["midi_track_id", "midi_file_id", "state"]
    notes = cue.notes().merge(tracks[names], on="midi_track_id")
    notes = notes.merge(_pairs(cue, tracks), on="midi_track_id")
    known = [
        keys is None or key in keys
        for key, keys in zip(notes["note"], notes.pop("keys"), strict=True)
    ]
    notes = notes[np.array(known, bool)].reset_index(drop=True)
    notes["heard_start"], notes["heard_end"], notes["within"] = np.nan, np.nan, False
    keys = ["midi_file_id", "audio_file_id"]
    told = cue.table("stem_alignments").rename(
        columns={"method": "clock_method", "confidence": "clock_confidence"}
    )
    notes = notes.merge(told[[*keys, "clock_method", "clock_confidence"]], on=keys, how="left")
    clocks = told.set_index(keys)["knots"]
    for key, of in notes.groupby(keys):
        knots = clocks.get(key)
        if isinstance(knots, list):
            start = of["start_time"].to_numpy(np.float64)
            end = start + of["duration"].to_numpy(np.float64)
            notes.loc[of.index, "heard_start"] = heard_times(knots, start)
            notes.loc[of.index, "heard_end"] = heard_times(knots, end)
            notes.loc[of.index, "within"] = ~is_cut(knots, start)
    ends = pd.Series({name: stem.duration_seconds for name, stem in cue.stems.items()}, dtype=float)
    begun = notes["heard_start"] < notes["stem"].map(ends).astype("float64")
    notes["within"] &= begun & (notes["heard_end"] > 0.0)
    heard = notes[notes["heard_start"].notna()]
    return heard.drop(columns="midi_file_id").reset_index(drop=True)


def _pairs(cue: Cue, tracks: pd.DataFrame) -> pd.DataFrame:
    """Return the stems of each track that has one: ids, name, and which keys are heard there."""
    import pandas as pd

    from cue_pipeline.reading.heard_in import stems_of_tracks

    columns = ["midi_track_id", "audio_file_id", "notes"]
    further = read_vouched(cue.library.store, cue.key, {}, where_ready={"track_stems": columns})
    names = {stem.id: name for name, stem in cue.stems.items()}
    rows = [
        (track, stem, names[stem], keys)
        for track, stems in stems_of_tracks(tracks, further["track_stems"]).items()
        for stem, keys in stems.items()
        if stem in names
    ]
    found = pd.DataFrame(rows, columns=["midi_track_id", "audio_file_id", "stem", "keys"])
    found["keys"] = pd.Series([row[3] for row in rows], dtype=object)
    return found.astype({"midi_track_id": "int64", "audio_file_id": "int64"})
