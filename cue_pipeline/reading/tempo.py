"""The clock of a MIDI file: ticks, seconds, bars and beats."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cue_pipeline.midi import timing
from cue_pipeline.midi.timing import Float64Array, Int64Array, Numbers


@dataclass(frozen=True)
class Tempo:
    """Ticks, seconds, and bars with beats of a MIDI file, turned into each other.

    Every method takes a number or an array of any shape. Seconds count from the start of the MIDI
    file, bars from 1, beats from 1.0 in units of the time signature's denominator
    (``docs/timing.md``). What comes out is bit for bit what the tables hold.

    Attributes
    ----------
    file_path : str
        The MIDI file, relative to the cue's folder.
    ticks_per_beat : int
        Ticks per quarter note.
    duration_seconds : float
        To the file's last event.
    changes : list of [time, tick, microseconds_per_quarter]
        The tempo map in force, first at tick 0.
    time_signatures : list of [time, tick, numerator, denominator]
        First at tick 0.
    key_signatures : list of [time, tick, fifths, "major" or "minor"]
    markers : list of [time, tick, text]
    clock_from : str or None
        The file whose tempo map this one follows; None: its own.
    doubt : str or None
        Why its times are in doubt; None: they are not.
    """

    file_path: str
    ticks_per_beat: int
    duration_seconds: float
    changes: list[list[Any]]
    time_signatures: list[list[Any]]
    key_signatures: list[list[Any]]
    markers: list[list[Any]]
    clock_from: str | None = None
    doubt: str | None = None

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> "Tempo":
        """Return the clock of a row of ``midi_files`` that could be read."""
        return cls(
            file_path=str(row["file_path"]),
            ticks_per_beat=int(row["ticks_per_beat"]),
            duration_seconds=float(row["duration_seconds"]),
            changes=row["tempo_map"],
            time_signatures=row["time_signature_map"],
            key_signatures=row["key_signature_map"],
            markers=row["markers"],
            clock_from=row["clock_from"],
            doubt=row["clock_doubt"],
        )

    def same_clock(self, other: "Tempo") -> bool:
        """Return whether ticks, seconds and bars mean the same in both files."""
        return (self.ticks_per_beat, self.changes, self.time_signatures) == (
            other.ticks_per_beat,
            other.changes,
            other.time_signatures,
        )

    def ticks_to_seconds(self, ticks: Numbers) -> Float64Array:
        """Return the seconds of whole or fractional ticks."""
        return timing.ticks_to_seconds(ticks, self.changes, self.ticks_per_beat)

    def seconds_to_ticks(self, seconds: Numbers) -> Float64Array:
        """Return the ticks of seconds, with fractions; ``np.rint`` gives the tick of an event."""
        return timing.seconds_to_ticks(seconds, self.changes, self.ticks_per_beat)

    def ticks_to_bars(self, ticks: Numbers) -> tuple[Int64Array, Float64Array]:
        """Return the bars and the beats of ticks."""
        return timing.ticks_to_bars_beats(ticks, self.time_signatures, self.ticks_per_beat)

    def bars_to_ticks(self, bars: Numbers, beats: Numbers = 1.0) -> Float64Array:
        """Return the ticks of beats in bars; without ``beats``, of the bar lines."""
        return timing.bars_beats_to_ticks(bars, beats, self.time_signatures, self.ticks_per_beat)

    def seconds_to_bars(self, seconds: Numbers) -> tuple[Int64Array, Float64Array]:
        """Return the bars and the beats of seconds."""
        return timing.seconds_to_bars_beats(
            seconds, self.changes, self.time_signatures, self.ticks_per_beat
        )

    def bars_to_seconds(self, bars: Numbers, beats: Numbers = 1.0) -> Float64Array:
        """Return the seconds of beats in bars; without ``beats``, of the bar lines."""
        return timing.bars_beats_to_seconds(
            bars, beats, self.changes, self.time_signatures, self.ticks_per_beat
        )
