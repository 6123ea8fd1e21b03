"""Orchestral-like multi-track music, composed from a seed, for benchmarks that anyone can run.

The music is no art, but it has what makes matching hard or easy: sections in which parts rest,
tempo changes, shared chords, doubled rhythms, octave doublings, ostinatos, long pads, drums, and
loops that repeat note for note.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

STYLES = ("score", "repetitive", "chamber", "large", "loop", "tutti")


REPEATING = ("repetitive", "loop")


@dataclass
class Part:
    """One MIDI track: its sound, and notes as (start s, duration s, pitch, velocity)."""

    name: str
    program: int
    is_drum: bool = False
    notes: list[tuple[float, float, int, int]] = field(default_factory=list)


@dataclass(frozen=True)
class Bar:
    """One bar: where it stands and the chord that it holds."""

    start: float
    beat_seconds: float
    n_beats: int
    chord: tuple[int, ...]
    scale: tuple[int, ...]
    section: int
    index: int


# name, program, lowest, highest pitch, roles that such a part plays
INSTRUMENTS: dict[str, list[tuple[str, int, int, int, tuple[str, ...]]]] = {
    "score": [
        ("Violins I", 48, 62, 90, ("melody", "pad", "ostinato")),
        ("Violins II", 48, 57, 84, ("counter", "pad", "ostinato")),
        ("Violas", 49, 50, 74, ("pad", "ostinato", "counter")),
        ("Celli", 42, 38, 64, ("bass", "counter", "ostinato")),
        ("Basses", 43, 28, 50, ("bass",)),
        ("Flute", 73, 62, 92, ("melody", "arpeggio", "counter")),
        ("Oboe", 68, 60, 86, ("melody", "counter")),
        ("Clarinet", 71, 52, 84, ("counter", "arpeggio", "melody")),
        ("Bassoon", 70, 36, 62, ("bass", "counter")),
        ("Horns", 60, 46, 70, ("pad", "stabs", "melody")),
        ("Trumpets", 56, 57, 80, ("stabs", "melody")),
        ("Trombones", 57, 40, 65, ("stabs", "pad")),
        ("Tuba", 58, 28, 48, ("bass", "stabs")),
        ("Harp", 46, 40, 90, ("arpeggio",)),
        ("Piano", 0, 40, 84, ("arpeggio", "stabs", "melody")),
        ("Celesta", 8, 65, 96, ("arpeggio", "melody")),
        ("Timpani", 47, 38, 52, ("timpani",)),
        ("Choir", 52, 50, 78, ("pad",)),
        ("Glockenspiel", 9, 76, 98, ("melody", "ostinato")),
        ("Marimba", 12, 45, 80, ("ostinato", "arpeggio")),
    ],
    "repetitive": [
        ("Synth Pulse", 81, 40, 64, ("ostinato",)),
        ("Synth Pad", 89, 48, 76, ("pad",)),
        ("Synth Bass", 38, 28, 48, ("bass",)),
        ("E-Guitar", 29, 44, 76, ("stabs", "ostinato", "arpeggio")),
        ("Acoustic Gtr", 25, 44, 76, ("arpeggio",)),
        ("Strings", 48, 52, 84, ("pad", "ostinato")),
        ("Bells", 14, 60, 90, ("melody", "ostinato")),
        ("Piano", 0, 45, 84, ("arpeggio", "melody", "stabs")),
        ("Lead", 80, 60, 84, ("melody",)),
        ("Marimba", 12, 48, 84, ("ostinato", "arpeggio")),
    ],
    "chamber": [
        ("Violin I", 40, 60, 90, ("melody",)),
        ("Violin II", 40, 56, 80, ("counter",)),
        ("Viola", 41, 48, 72, ("counter",)),
        ("Cello", 42, 36, 62, ("bass", "counter")),
        ("Piano R.H.", 0, 58, 88, ("arpeggio", "melody")),
        ("Piano L.H.", 0, 30, 58, ("stabs", "bass", "arpeggio")),
    ],
}


INSTRUMENTS["loop"] = INSTRUMENTS["repetitive"]
INSTRUMENTS["large"] = INSTRUMENTS["score"] + [
    (f"{name} short" if i % 2 else f"{name} long", program, low, high, roles[::-1])
    for i, (name, program, low, high, roles) in enumerate(INSTRUMENTS["score"][:14])
]

# Every player of the score in five articulations: a template as large as they come.
INSTRUMENTS["tutti"] = [
    (f"{name} {articulation}", program, low, high, roles)
    for articulation in ("long", "short", "trem", "pizz", "solo")
    for name, program, low, high, roles in INSTRUMENTS["score"]
]


def composed(seed: int, style: str = "score", *, seconds: float = 120.0) -> list[Part]:
    """Return the parts of one piece; the same seed gives the same piece."""
    rng = np.random.default_rng([seed, STYLES.index(style)])
    bars = _form(rng, style, seconds)
    sections = max(bar.section for bar in bars) + 1
    parts = []
    for name, program, low, high, roles in _ensemble(rng, style):
        role = _ROLES[roles[int(rng.integers(len(roles)))]]
        resting = set(np.flatnonzero(rng.random(sections) < 0.3))
        if style in ("chamber", "loop"):
            resting = set()
        part = Part(name, program)
        pattern_seed = int(rng.integers(1 << 30))
        for bar in bars:
            if bar.section in resting:
                continue
            of = [pattern_seed, bar.index % 4] if style in REPEATING else None
            role(part, bar, (low, high), np.random.default_rng(of) if of else rng, pattern_seed)
        parts.append(part)
    for drum in _drums(rng, style):
        resting = set(np.flatnonzero(rng.random(sections) < 0.3)) if style != "loop" else set()
        for bar in bars:
            if bar.section not in resting:
                _beat(drum[0], bar, drum[1])
        parts.append(drum[0])
    _octave_doubling(rng, parts, style)
    return [part for part in parts if len(part.notes) >= 24]


def _form(rng: np.random.Generator, style: str, seconds: float) -> list[Bar]:
    tonic, minor = int(rng.integers(12)), bool(rng.random() < 0.6)
    steps = (0, 2, 3, 5, 7, 8, 10) if minor else (0, 2, 4, 5, 7, 9, 11)
    scale = tuple(sorted((tonic + s) % 12 for s in steps))
    ordered = [(tonic + s) % 12 for s in steps]
    n_beats = int(rng.choice([3, 4, 4, 4]))
    tempo = float(rng.uniform(66, 138))
    themes = [
        [int(d) for d in rng.integers(0, 7, 4)] for _ in range(1 if style in REPEATING else 3)
    ]
    bars: list[Bar] = []
    now, section = 0.0, 0
    while now < seconds:
        theme = themes[int(rng.integers(len(themes)))]
        factor = 1.0 if style in REPEATING else float(rng.uniform(0.85, 1.15))
        for _ in range(1 if style in REPEATING else 2):
            for degree in theme:
                chord = tuple(ordered[(degree + third) % 7] for third in (0, 2, 4))
                beat = 60.0 / (tempo * factor)
                bars.append(Bar(now, beat, n_beats, chord, scale, section, len(bars)))
                now += beat * n_beats
        section += 1
    return bars


def _ensemble(
    rng: np.random.Generator, style: str
) -> list[tuple[str, int, int, int, tuple[str, ...]]]:
    players = INSTRUMENTS[style]
    if style in ("chamber", "tutti"):
        return players
    if style == "large":
        return [player for player in players if rng.random() < 0.85]
    n = int(rng.integers(min(8, len(players)), min(14, len(players)) + 1))
    chosen = sorted(rng.choice(len(players), n, replace=False))
    return [players[i] for i in chosen]


def _drums(rng: np.random.Generator, style: str) -> list[tuple[Part, dict[int, str]]]:
    if style == "chamber":
        return []
    kits = [
        ("Drum Kit", {36: "x.....x.x.......", 38: "....x.......x..x", 42: "x.x.x.x.x.x.x.x."}),
        ("Low Perc", {41: "x..x..x...x.....", 43: "..........x.x.x."}),
        ("Shaker", {70: "xxxxxxxxxxxxxxxx", 69: "x...x...x...x..."}),
        ("Toms", {45: "x.......x..x....", 48: "......x.......x.", 50: "..............xx"}),
    ]
    chosen = rng.choice(len(kits), int(rng.integers(1, 4)), replace=False)
    out = []
    for i in sorted(chosen):
        name, pattern = kits[i]
        turn = int(rng.integers(0, 16))
        out.append(
            (Part(name, 0, is_drum=True), {k: v[turn:] + v[:turn] for k, v in pattern.items()})
        )
    return out


def _octave_doubling(rng: np.random.Generator, parts: list[Part], style: str) -> None:
    """Let one part double another's phrases an octave away half of the time, as scores do."""
    pitched = [p for p in parts if not p.is_drum and len(p.notes) > 40]
    if style not in ("score", "large") or len(pitched) < 4 or rng.random() < 0.4:
        return
    a, b = rng.choice(len(pitched), 2, replace=False)
    source, target = pitched[a], pitched[b]
    middle = source.notes[len(source.notes) // 2][0]
    shift = (
        12 if np.mean([n[2] for n in target.notes]) > np.mean([n[2] for n in source.notes]) else -12
    )
    kept = [n for n in target.notes if n[0] >= middle]
    target.notes = [
        (s, d, p + shift, v) for s, d, p, v in source.notes if s < middle and 20 < p + shift < 105
    ]
    target.notes += kept


def _near(pitch_class: int, centre: float, low: int, high: int) -> int:
    candidates = [p for p in range(low, high + 1) if p % 12 == pitch_class]
    return min(candidates, key=lambda p: abs(p - centre)) if candidates else int(centre)


def _add(
    part: Part, rng: np.random.Generator, start: float, duration: float, pitch: int, loud: float
) -> None:
    velocity = int(np.clip(loud + rng.normal(0, 8), 25, 120))
    part.notes.append((float(start), float(max(duration, 0.05)), int(pitch), velocity))


Range = tuple[int, int]


def _melody(part: Part, bar: Bar, of: Range, rng: np.random.Generator, _seed: int) -> None:
    rhythm = [(1, 1, 2), (0.5, 0.5, 1, 1, 1), (2, 1, 1), (1.5, 0.5, 2), (0.75, 0.25, 1, 2)]
    at, pitch = 0.0, (of[0] + of[1]) / 2 + rng.normal(0, 4)
    for length in rhythm[int(rng.integers(len(rhythm)))]:
        if at >= bar.n_beats:
            break
        length = min(length, bar.n_beats - at)
        if rng.random() > 0.12:
            degree = bar.chord[int(rng.integers(3))] if at == 0 else bar.scale[int(rng.integers(7))]
            pitch = _near(degree, pitch + rng.normal(0, 3), *of)
            _add(
                part,
                rng,
                bar.start + at * bar.beat_seconds,
                length * bar.beat_seconds * 0.93,
                pitch,
                88,
            )
        at += length


def _counter(part: Part, bar: Bar, of: Range, rng: np.random.Generator, _seed: int) -> None:
    centre = (of[0] + of[1]) / 2
    lengths = ((2, 1, 1, 1), (1, 2, 1), (0.5, 1, 0.5, 2))[int(rng.integers(3))]
    at = 0.0
    for length in lengths:
        if at < bar.n_beats and rng.random() > 0.2:
            pitch = _near(bar.chord[int(rng.integers(3))], centre + rng.normal(0, 5), *of)
            held = min(length, bar.n_beats - at) * bar.beat_seconds
            _add(part, rng, bar.start + at * bar.beat_seconds, held * 0.95, pitch, 74)
        at += length


def _pad(part: Part, bar: Bar, of: Range, rng: np.random.Generator, seed: int) -> None:
    voices = 1 + seed % 3
    for v in range(voices):
        centre = of[0] + (of[1] - of[0]) * (v + 1) / (voices + 1)
        length = bar.n_beats * bar.beat_seconds
        _add(part, rng, bar.start, length * 0.98, _near(bar.chord[v % 3], centre, *of), 66)


def _ostinato(part: Part, bar: Bar, of: Range, rng: np.random.Generator, seed: int) -> None:
    centre = of[0] + (of[1] - of[0]) * 0.4
    pattern = np.random.default_rng(seed).integers(0, 4, 16)
    step = 0.5 if seed % 2 else 0.25
    for i in range(int(bar.n_beats / step)):
        which = int(pattern[i % 16])
        if which < 3:
            pitch = _near(bar.chord[which], centre, *of)
            loud = 90 if i % int(1 / step) == 0 else 68
            _add(
                part,
                rng,
                bar.start + i * step * bar.beat_seconds,
                step * bar.beat_seconds * 0.6,
                pitch,
                loud,
            )


def _arpeggio(part: Part, bar: Bar, of: Range, rng: np.random.Generator, seed: int) -> None:
    step = (0.5, 1 / 3, 0.25)[seed % 3]
    n = int(bar.n_beats / step)
    span = (
        np.linspace(of[0] + 5, of[1] - 5, n) if seed % 2 else np.linspace(of[1] - 5, of[0] + 5, n)
    )
    for i in range(n):
        pitch = _near(bar.chord[i % 3], float(span[i]), *of)
        _add(part, rng, bar.start + i * step * bar.beat_seconds, step * bar.beat_seconds, pitch, 72)


def _bass(part: Part, bar: Bar, of: Range, rng: np.random.Generator, seed: int) -> None:
    hits = ((0, 2), (0, 1.5, 2), (0,), (0, 1, 2, 3))[seed % 4]
    for i, at in enumerate(h for h in hits if h < bar.n_beats):
        pitch = _near(bar.chord[0 if i % 2 == 0 else 2], of[0] + 8, *of)
        _add(part, rng, bar.start + at * bar.beat_seconds, bar.beat_seconds * 0.9, pitch, 84)


def _stabs(part: Part, bar: Bar, of: Range, rng: np.random.Generator, seed: int) -> None:
    at = ((0, 2.5), (1, 3), (0, 0.5, 3), (2,))[seed % 4]
    for beat in (b for b in at if b < bar.n_beats and rng.random() > 0.15):
        for v in range(3):
            pitch = _near(bar.chord[v], of[0] + (of[1] - of[0]) * (v + 1) / 4, *of)
            _add(part, rng, bar.start + beat * bar.beat_seconds, bar.beat_seconds * 0.4, pitch, 98)


def _timpani(part: Part, bar: Bar, of: Range, rng: np.random.Generator, _seed: int) -> None:
    pitch = _near(bar.chord[0], 43, *of)
    if bar.index % 4 == 3:
        step = bar.beat_seconds / 6
        for i in range(bar.n_beats * 6):
            _add(part, rng, bar.start + i * step, step, pitch, 50 + 40 * i / (bar.n_beats * 6))
    else:
        _add(part, rng, bar.start, bar.beat_seconds, pitch, 95)


def _beat(part: Part, bar: Bar, pattern: dict[int, str]) -> None:
    rng = np.random.default_rng([bar.index, 7])
    for pitch, steps in pattern.items():
        for i in range(bar.n_beats * 4):
            if steps[i % 16] == "x" and not (bar.index % 8 == 7 and i % 3 == 0):
                _add(part, rng, bar.start + i * bar.beat_seconds / 4, 0.1, pitch, 90)


_ROLES: dict[str, Callable[[Part, Bar, Range, np.random.Generator, int], None]] = {
    "melody": _melody,
    "counter": _counter,
    "pad": _pad,
    "ostinato": _ostinato,
    "arpeggio": _arpeggio,
    "bass": _bass,
    "stabs": _stabs,
    "timpani": _timpani,
}
