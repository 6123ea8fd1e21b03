"""Compose a library of cues to train on, each played by the instruments of the demonstration.

    .venv/bin/python examples/compose_library.py films --cues 16

Every film has one cue of its own music: another key, tempo, harmony and choice of four out of seven
instruments, in a hall. The same arguments give the same files, free to use as the program is.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cue_pipeline.demo.composition import DemoCue, Note, Part, Sequence, Stem, Timeline
from cue_pipeline.demo.writing import cue_files

MINOR = (0, 2, 3, 5, 7, 8, 10)
BAR = 4.0  # quarters


@dataclass(frozen=True)
class Bar:
    """One bar: where it begins, in quarters, and the pitch classes of its chord and its key."""

    start: float
    chord: tuple[int, ...]
    scale: tuple[int, ...]


Player = Callable[[list[Bar], int, int, np.random.Generator], list[Note]]


def melody(bars: list[Bar], low: int, high: int, random: np.random.Generator) -> list[Note]:
    """Return a line that wanders through the key, and now and then rests."""
    notes, pitch = [], (low + high) / 2
    for bar in bars:
        at = 0.0
        while at < BAR:
            length = min(float(random.choice([0.5, 0.5, 1.0, 1.5])), BAR - at)
            if random.random() < 0.85:
                pitch = nearest(bar.scale, pitch + random.normal(0, 4), low, high)
                notes.append(note(bar.start + at, length * 0.95, pitch, random))
            at += length
    return notes


def chords(bars: list[Bar], low: int, high: int, random: np.random.Generator) -> list[Note]:
    """Return two or three notes at a time, each held for one to four quarters."""
    notes = []
    for bar in bars:
        at = 0.0
        while at < BAR:
            length = min(float(random.choice([1.0, 2.0, 4.0])), BAR - at)
            n_voices = int(random.integers(2, 4))
            around = np.linspace(low, high, n_voices + 2)[1:-1] + random.normal(0, 3, n_voices)
            voices = {nearest(bar.chord, centre, low, high) for centre in around}
            notes += [note(bar.start + at, length * 0.95, pitch, random) for pitch in voices]
            at += length
    return notes


def arpeggio(bars: list[Bar], low: int, high: int, random: np.random.Generator) -> list[Note]:
    """Return broken chords that ring over each other."""
    notes = []
    for bar in bars:
        centre = random.uniform(low + 6, high - 6)
        for at in np.arange(0.0, BAR, 0.5):
            pitch = nearest(bar.chord, centre + random.normal(0, 9), low, high)
            notes.append(note(bar.start + at, 1.0, pitch, random))
    return notes


INSTRUMENTS: dict[str, tuple[str, str, Player, int, int, float]] = {
    # track: stem, voice, what it plays, lowest and highest pitch, level
    "Violins 1": ("VLN I_01", "violins", melody, 57, 88, 0.42),
    "Celli": ("VCS_01", "celli", melody, 38, 62, 0.42),
    "Horns": ("FHN_01", "horns", chords, 46, 70, 0.34),
    "Flute": ("FL_01", "flute", melody, 62, 90, 0.4),
    "Harp": ("HP_01", "harp", arpeggio, 40, 86, 0.5),
    "Piano": ("PNO_01", "piano", chords, 40, 84, 0.5),
    "Choir": ("CHOIR_01", "choir", chords, 50, 74, 0.2),
}


def compose(film: int, seconds: float, seed: int) -> DemoCue:
    """Return the cue of one film."""
    random = np.random.default_rng([seed, film])
    bpm, key = float(random.integers(66, 132)), int(random.integers(12))
    scale = tuple((key + step) % 12 for step in MINOR)
    bars = []
    for i in range(int((seconds - 2.0) * bpm / 60 / BAR)):
        root = int(random.integers(7))
        chord = tuple(scale[(root + third) % 7] for third in (0, 2, 4))
        bars.append(Bar(i * BAR, chord, scale))
    parts, stems = [], []
    for channel, name in enumerate(random.choice(list(INSTRUMENTS), 4, replace=False)):
        stem, voice, play, low, high, level = INSTRUMENTS[name]
        part = Part(name, channel, voice, tuple(play(bars, low, high, random)))
        parts.append(part)
        wet = float(random.uniform(0.05, 0.5))
        stems.append(Stem(f"1m01 {stem}", "mono", (part,), level=level, wet=wet))
    folder = f"Film {film + 1:02}/1m01"
    timeline = Timeline(((0.0, bpm),), ((0.0, 4, 4),), ((0.0, "C"),), ((0.0, "1m01"),))
    sequence = Sequence("1m01", 480, "Conductor", tuple(parts))
    return DemoCue(folder, seconds, 3_600, timeline, (sequence,), tuple(stems))


def nearest(pitch_classes: tuple[int, ...], wanted: float, low: int, high: int) -> int:
    """Return the pitch of a chord or key that is nearest to a place in a range."""
    there = [pitch for pitch in range(low, high + 1) if pitch % 12 in pitch_classes]
    return min(there, key=lambda pitch: abs(pitch - wanted))


def note(start: float, length: float, pitch: int, random: np.random.Generator) -> Note:
    """Return a note on the grid of sixteenths, with some strength."""
    return Note(start, length, pitch, int(random.integers(50, 115)))


def write_cue(folder: Path, film: int, seconds: float, seed: int) -> None:
    """Write one cue into the folder of a film of its own."""
    for name, content in cue_files(compose(film, seconds, seed), film):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def write_library(folder: Path, n_cues: int, seconds: float, seed: int) -> None:
    """Write cues side by side, one on each core."""
    with ProcessPoolExecutor() as pool:
        written = [pool.submit(write_cue, folder, film, seconds, seed) for film in range(n_cues)]
    for cue in written:
        cue.result()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cues", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    write_library(asked.folder, asked.cues, asked.seconds, asked.seed)
