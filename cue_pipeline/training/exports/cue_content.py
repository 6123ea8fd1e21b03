"""What an export tells of one cue: its stems on one clock, with the notes that are heard in each.

Conventions
-----------
The *cue's clock* counts from the earliest time reference of its audio; where files bear none, from
their first samples, which is where a session's consolidated files begin. Notes are those of tracks
whose mapping stands (``auto``, ``confirmed``), where they are heard by a clock that is believed:
drift and lag are in. A stem without such a clock has no notes, and is not completely labelled.

A note that begins before its stem does is cut to begin with it, one that ends after its stem is cut
to end with it. A note without an end to be trusted (``flags`` 1 and 4: never ended, no length)
lasts :data:`STROKE_SECONDS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cue_pipeline.mapping.decision.result import STANDING
from cue_pipeline.reading.stem_scores import BELIEVED

if TYPE_CHECKING:
    import pandas as pd

    from cue_pipeline.reading import Cue, Mix
    from cue_pipeline.reading.stem_scores import StemScore

STROKE_SECONDS: Final = 0.05
SAME_START_SECONDS: Final = 0.05
"""Stems whose clocks differ by less begin together."""

_NO_END: Final = 1 | 4
_MIX: Final = "//mix"  # no stem is called so
NOTE_COLUMNS: Final = (
    "midi_track_id", "event_index", "stem", "start", "end", "sounds_until", "note", "velocity",
    "channel", "flags",
)  # fmt: skip
EVENT_TABLES: Final = ("midi_cc", "midi_pitch_bends", "midi_aftertouch", "midi_program_changes")


@dataclass(frozen=True)
class Start:
    """Where a stem begins on the cue's clock.

    Attributes
    ----------
    seconds : float
    known_by : {"time reference", "sound", "first sample"}
        ``sound``: by where the same score is heard in it; ``first sample``: as the others.
    doubt : str or None
        Why it may be elsewhere.
    """

    seconds: float
    known_by: str
    doubt: str | None = None


def stem_starts(
    offsets: Mapping[str, float | None], lags: Mapping[str, float | None]
) -> dict[str, Start]:
    """Return where stems begin on one clock.

    Parameters
    ----------
    offsets : mapping of str to float or None
        ``start_offset_seconds`` of each; None: no time reference.
    lags : mapping of str to float or None
        How much later than in the score one moment of it is heard in each, counted from its own
        first sample; None: nothing tells it.

    Returns
    -------
    dict of str to Start
        Not below 0.
    """
    known = {name: offset for name, offset in offsets.items() if offset is not None}
    heard = {name: lag for name, lag in lags.items() if lag is not None}
    origin = [offset + heard[name] for name, offset in known.items() if name in heard]
    if origin:
        zero = float(np.median(origin))
    else:
        zero = max(heard.values(), default=0.0)
        if not known and zero - min(heard.values(), default=0.0) <= SAME_START_SECONDS:
            return {name: Start(0.0, "first sample") for name in offsets}
    found = {name: Start(offset, "time reference") for name, offset in known.items()}
    for name in offsets:
        if name in known:
            continue
        if name in heard and (origin or not known):
            found[name] = Start(max(0.0, zero - heard[name]), "sound")
        else:
            found[name] = Start(
                0.0, "first sample", "others of its cue do not begin together, and nothing tells "
                "where it does",
            )  # fmt: skip
    return {name: found[name] for name in offsets}


class CueContent:
    """Stems, notes and controllers of one cue on one clock.

    Attributes
    ----------
    cue : Cue
    """

    def __init__(self, cue: Cue) -> None:
        self.cue = cue
        self._score: dict[str, pd.DataFrame] = {}
        self._events: dict[str, pd.DataFrame] = {}

    def score(self, table: str) -> pd.DataFrame:
        """Return ``cue.events(table)``, which is read once: to be left as it is."""
        if table not in self._score:
            self._score[table] = self.cue.events(table)
        return self._score[table]

    @cached_property
    def starts(self) -> dict[str, Start]:
        """Where each stem begins."""
        return {name: start for name, start in self._starts.items() if name != _MIX}

    @property
    def mix_start(self) -> Start:
        """Where the cue's own mix begins."""
        return self._starts[_MIX]

    @cached_property
    def _starts(self) -> dict[str, Start]:
        offsets = {name: stem.start_offset_seconds for name, stem in self.cue.stems.items()}
        if self.mix is not None:
            offsets[_MIX] = self.mix.start_offset_seconds
        return stem_starts(offsets, self._lags())

    @cached_property
    def seconds(self) -> float:
        """From 0 to the end of the last stem."""
        ends = (self.starts[n].seconds + s.duration_seconds for n, s in self.cue.stems.items())
        return max(ends, default=0.0)

    @property
    def mix(self) -> Mix | None:
        """The cue's own mix; None where it has none."""
        mixes = list(self.cue.mixes.values())
        first = [mix for mix in mixes if mix.row.get("role") == "mix"] or mixes
        return first[0] if first else None

    @cached_property
    def tracks(self) -> pd.DataFrame:
        """``cue.tracks``, with ``n_notes``."""
        tracks = self.cue.tracks
        counts = self.score("midi_notes").groupby("midi_track_id").size()
        tracks["n_notes"] = tracks["id"].map(counts).fillna(0).astype("int64")
        return tracks

    @cached_property
    def notes(self) -> pd.DataFrame:
        """The notes of tracks whose mapping stands, in the order of stem and time.

        Columns :data:`NOTE_COLUMNS`. ``start``, ``end`` (of the key) and ``sounds_until`` (pedals
        counted) are seconds of the cue's clock.
        """
        heard = self.cue.heard_notes()
        believed = heard["clock_confidence"] > BELIEVED
        heard = heard[heard["within"] & believed & heard["state"].isin(STANDING)].copy()
        stems = self.cue.stems
        begin = heard["stem"].map({n: s.seconds for n, s in self.starts.items()}).astype(float)
        length = heard["stem"].map({n: s.duration_seconds for n, s in stems.items()}).astype(float)
        start = heard["heard_start"].clip(lower=0.0)
        trusted = (heard["flags"] & _NO_END) == 0
        for name, at in (("end", heard["heard_end"]), ("sounds_until", self._sound_until(heard))):
            told = at.where(trusted, start + STROKE_SECONDS)
            heard[name] = told.clip(upper=length).clip(lower=start) + begin
        heard["start"] = start + begin
        order = ["stem", "start", "note", "midi_track_id", "event_index"]
        return heard.sort_values(order, ignore_index=True)[list(NOTE_COLUMNS)]

    def _sound_until(self, heard: pd.DataFrame) -> pd.Series[float]:
        """Return when notes cease to sound, in seconds from the first sample of their stem."""
        import pandas as pd

        from cue_pipeline.hearing.heard_times import heard_times
        from cue_pipeline.midi.pedals import sounding_ends

        keys = ["midi_track_id", "event_index"]
        notes = self.score("midi_notes")
        until = notes[keys].assign(until=sounding_ends(notes, self.score("midi_cc")))
        ends = heard[keys].merge(until, on=keys, how="left")["until"].to_numpy()
        found = np.full(len(heard), np.nan)
        files = heard["midi_track_id"].map(self.tracks.set_index("id")["midi_file_id"])
        places: Any = heard.assign(file=files).groupby(["file", "audio_file_id"]).indices
        for (file, stem), at in places.items():
            knots = self._knots.get((int(file), int(stem)))
            if knots is not None:
                found[at] = heard_times(knots, ends[at])
        return pd.Series(found, heard.index)

    def events(self, table: str) -> pd.DataFrame:
        """Return controllers and the like of the parts that are heard in stems.

        Parameters
        ----------
        table : str
            One of :data:`EVENT_TABLES`.

        Returns
        -------
        DataFrame
            The table's columns, with ``stem`` and ``seconds`` on the cue's clock. What was sent
            before the stem begins stands at its beginning, as it is in force there.
        """
        if table not in self._events:
            self._events[table] = self._placed_events(table)
        return self._events[table]

    def _placed_events(self, table: str) -> pd.DataFrame:
        from cue_pipeline.hearing.heard_times import heard_times

        heard = self.notes[["midi_track_id", "stem"]].drop_duplicates()
        events = self.score(table).merge(heard, on="midi_track_id")
        files = self.tracks.set_index("id")["midi_file_id"]
        ids = {name: stem.id for name, stem in self.cue.stems.items()}
        events["seconds"] = np.nan
        groups: Any = events.groupby(["midi_track_id", "stem"])
        for (track, stem), of in groups:
            knots = self._knots.get((int(files[track]), ids[stem]))
            if knots is not None:
                at = heard_times(knots, of["time"].to_numpy(np.float64))
                begin = self.starts[stem].seconds
                events.loc[of.index, "seconds"] = np.maximum(at, 0.0) + begin
        events = events[events["seconds"].notna()]
        return events.sort_values(
            ["stem", "midi_track_id", "seconds", "event_index"], ignore_index=True
        )

    @cached_property
    def incomplete(self) -> frozenset[str]:
        """Names of stems in which notes may sound that are not among :attr:`notes`."""
        return frozenset(
            name
            for name, stem in self.cue.stems.items()
            if not self.complete(name, 0.0, stem.duration_seconds)
        )

    def complete(self, stem: str, start: float, end: float) -> bool:
        """Return whether all that is known to be possible between two moments is a label.

        Parameters
        ----------
        stem : str
        start, end : float
            Seconds from its first sample.
        """
        score = self._scores[self.cue.stems[stem].id]
        return score.unknown is None and not any(a < end and b > start for a, b in score.doubts)

    def unknown(self, stem: str) -> str | None:
        """Return why nothing can be said of what sounds in a stem; None: something can."""
        return self._scores[self.cue.stems[stem].id].unknown

    @cached_property
    def _scores(self) -> dict[int, StemScore]:
        from cue_pipeline.reading.stem_scores import read_stem_scores

        return read_stem_scores(self.cue.library.store, self.cue.key)

    @cached_property
    def _knots(self) -> dict[tuple[int, int], Any]:
        """By MIDI file and stem, or mix, where the clock is believed."""
        found = {}
        for table, of in (("stem_alignments", "audio_file_id"), ("mix_alignments", "final_mix_id")):
            rows = self.cue.table(table)
            rows = rows[rows["confidence"] > BELIEVED]
            for file, sound, knots in zip(
                rows["midi_file_id"], rows[of], rows["knots"], strict=True
            ):
                if isinstance(knots, list):
                    found[int(file), int(sound)] = knots
        return found

    def _lags(self) -> dict[str, float | None]:
        """Return the lag of each stem by the MIDI file that is heard in most of them."""
        from cue_pipeline.hearing.heard_times import heard_times

        names = {stem.id: name for name, stem in self.cue.stems.items()}
        if self.mix is not None:
            names[self.mix.id] = _MIX
        by_file: dict[int, dict[str, Any]] = {}
        for (file, sound), knots in self._knots.items():
            if sound in names:
                by_file.setdefault(file, {})[names[sound]] = knots
        most = max(by_file.values(), key=len, default={})
        scores = [score for knots in most.values() for score, _ in knots]
        moment = float(np.median(scores)) if scores else 0.0
        lags = {name: float(heard_times(knots, moment)) - moment for name, knots in most.items()}
        return {name: lags.get(name) for name in names.values()}
