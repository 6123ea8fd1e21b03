"""The music of a cue as data: a timeline, parts, and the stems that they are recorded into.

Conventions
-----------
Positions and lengths are in quarter notes from the start, in binary fractions or in thirds and
twelfths, so that they fall on whole ticks at 480 and 960 ticks a quarter.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]
Curve = tuple[tuple[float, int], ...]
"""Points (position, value), joined by straight lines."""

_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_ACCIDENTALS = {"#": 1, "b": -1}
_CURVE_STEP = 0.125  # quarters between the controller events of a curve


@dataclass(frozen=True, slots=True)
class Note:
    """One note: position and length in quarters, MIDI pitch, velocity 1…127."""

    start: float
    length: float
    pitch: int
    velocity: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """Where time, bars and names of places stand; shared by the MIDI files of a cue.

    Attributes
    ----------
    tempo : tuple of (float, float)
        (position, quarters a minute).
    meters : tuple of (float, int, int)
        (position, numerator, denominator); a change need not fall on a bar line.
    keys : tuple of (float, str)
        (position, key signature in mido's spelling).
    markers : tuple of (float, str)
        (position, text).
    """

    tempo: tuple[tuple[float, float], ...]
    meters: tuple[tuple[float, int, int], ...]
    keys: tuple[tuple[float, str], ...]
    markers: tuple[tuple[float, str], ...]

    def seconds(self, quarters: npt.ArrayLike) -> Float64Array:
        """Return the time of positions, by the whole microseconds that MIDI counts in."""
        starts = np.array([position for position, _ in self.tempo])
        lengths = np.array([microseconds_per_quarter(bpm) for _, bpm in self.tempo]) / 1e6
        times = np.concatenate([[0.0], np.cumsum(np.diff(starts) * lengths[:-1])])
        wanted = np.asarray(quarters, dtype=np.float64)
        segment = np.maximum(np.searchsorted(starts, wanted, side="right") - 1, 0)
        return np.asarray(times[segment] + (wanted - starts[segment]) * lengths[segment])


@dataclass(frozen=True, slots=True)
class Part:
    """One MIDI track.

    Attributes
    ----------
    name : str
        The track's name.
    channel : int
        0…15.
    voice : str
        What it sounds like, a name in :data:`cue_pipeline.demo.voices.VOICES`.
    notes : tuple of Note
    programs : tuple of (float, int)
        General MIDI programs.
    controls : dict of int to Curve
        Controller number to its curve.
    bends : Curve
        −8192…8191, two semitones each way.
    pressure : Curve
        Channel aftertouch.
    key_pressure : tuple of (float, int, int)
        Polyphonic aftertouch: (position, pitch, value).
    texts : tuple of (float, str)
        Text events.
    """

    name: str
    channel: int
    voice: str
    notes: tuple[Note, ...]
    programs: tuple[tuple[float, int], ...] = ()
    controls: dict[int, Curve] = field(default_factory=dict)
    bends: Curve = ()
    pressure: Curve = ()
    key_pressure: tuple[tuple[float, int, int], ...] = ()
    texts: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Sequence:
    """One MIDI file: its parts on the cue's timeline."""

    name: str
    ticks_per_beat: int
    conductor: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Stem:
    """One recording: a group of audio files.

    Attributes
    ----------
    name : str
        File name without channel and extension.
    layout : str
        A name in :data:`cue_pipeline.demo.rendering.LAYOUTS`.
    parts : tuple of Part
        What is heard; empty where ``sound`` makes it.
    level : float
        Gain before the cue's own.
    pan : float
        −1 left … 1 right.
    wet : float
        Share of reverberation.
    in_mix : bool
        False for a click track and for a take that was not used.
    sound : callable, optional
        ``sound(timeline, n_samples, rng)`` returns a signal for which there is no MIDI.
    radio : bool
        Heard through a small loudspeaker.
    """

    name: str
    layout: str
    parts: tuple[Part, ...] = ()
    level: float = 1.0
    pan: float = 0.0
    wet: float = 0.3
    in_mix: bool = True
    sound: Callable[[Timeline, int, np.random.Generator], Float64Array] | None = None
    radio: bool = False


@dataclass(frozen=True, slots=True)
class DemoCue:
    """One cue: what its folder will hold.

    Attributes
    ----------
    folder : str
        Path below the library's root.
    seconds : float
        Length of all audio.
    time_of_day : int
        Where the audio starts, in seconds since midnight (``bext``).
    mono_to : tuple of (str, float)
        Channels of the mix, with gains, into which mono stems go.
    """

    folder: str
    seconds: float
    time_of_day: int
    timeline: Timeline
    sequences: tuple[Sequence, ...]
    stems: tuple[Stem, ...]
    mono_to: tuple[tuple[str, float], ...] = (("L", 0.5**0.5), ("R", 0.5**0.5))

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.folder.rsplit("/", 1)[-1]


def microseconds_per_quarter(bpm: float) -> int:
    """Return a tempo as MIDI stores it."""
    return round(60_000_000 / bpm)


def pitch_number(name: str) -> int:
    """Return the MIDI number of a pitch: ``C4`` is 60, ``Bb3`` 58."""
    letter, rest = name[0], name[1:]
    accidental = _ACCIDENTALS.get(rest[0], 0)
    octave = int(rest[1:] if accidental else rest)
    return 12 * (octave + 1) + _STEPS[letter] + accidental


def line(text: str, start: float = 0.0, velocity: int = 80, gate: float = 1.0) -> tuple[Note, ...]:
    """Return the notes of a line such as ``"D4:.75 D4:.25@100 r:1 D4+F4:2"``.

    Parameters
    ----------
    text : str
        Tokens ``pitch[+pitch…]:length[@velocity]``; ``r`` is a rest.
    start : float
        Position of the first token.
    velocity : int
        Where a token gives none.
    gate : float
        Part of its length that a note sounds; above 1 it overlaps the next.
    """
    notes: list[Note] = []
    for token in text.split():
        pitches, _, rest = token.partition(":")
        length, _, strength = rest.partition("@")
        if pitches != "r":
            notes.extend(
                Note(start, float(length) * gate, pitch_number(p), int(strength or velocity))
                for p in pitches.split("+")
            )
        start += float(length)
    return tuple(notes)


def ritardando(
    start: float, end: float, from_bpm: float, to_bpm: float, step: float = 0.25
) -> tuple[tuple[float, float], ...]:
    """Return tempo changes that slow down evenly from ``start`` up to ``end``."""
    positions = np.arange(start, end, step)
    return tuple(
        (float(p), round(from_bpm + (to_bpm - from_bpm) * (p - start + step) / (end - start), 2))
        for p in positions
    )


def sampled(curve: Curve) -> tuple[tuple[float, int], ...]:
    """Return a curve as the events of a fader: each change of value, at most 8 a quarter."""
    events: list[tuple[float, int]] = []
    for (a, low), (b, high) in pairwise(curve):
        for position in np.arange(a, b, _CURVE_STEP):
            value = round(low + (high - low) * (position - a) / (b - a))
            if not events or events[-1][1] != value:
                events.append((float(position), value))
    if curve and (not events or events[-1][1] != curve[-1][1]):
        events.append(curve[-1])
    return tuple(events)


def last_position(parts: Iterable[Part]) -> float:
    """Return where the last note ends."""
    return max(note.start + note.length for part in parts for note in part.notes)
