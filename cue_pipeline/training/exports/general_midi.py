"""A General MIDI program for each instrument category, for tools that know nothing else.

References
----------
MIDI Manufacturers Association. General MIDI System Level 1 (RP-003), 1991: tables 1 and 2.
"""

from __future__ import annotations

from typing import Final

DRUMS: Final = frozenset({"Drums", "Low Percussion", "Mid Percussion", "High Percussion", "Ticker"})
"""Categories whose notes are strokes, not pitches: channel 10 in a MIDI file."""

DRUM_CHANNEL: Final = 9

_PROGRAMS: Final[dict[str, tuple[int, str]]] = {
    "Strings": (48, "String Ensemble 1"),
    "Woodwinds": (73, "Flute"),
    "Brass": (61, "Brass Section"),
    "Electric Guitar": (27, "Electric Guitar (clean)"),
    "Acoustic Guitar": (25, "Acoustic Guitar (steel)"),
    "Piano": (0, "Acoustic Grand Piano"),
    "Organ": (19, "Church Organ"),
    "Bells": (14, "Tubular Bells"),
    "Harp": (46, "Orchestral Harp"),
    "Synth Pulse": (80, "Lead 1 (square)"),
    "Synth Pad": (89, "Pad 2 (warm)"),
    "Synth Bass": (38, "Synth Bass 1"),
    "Orch Percussion": (47, "Timpani"),
    "Bass": (33, "Electric Bass (finger)"),
    "Double Bass": (43, "Contrabass"),
    "FX": (99, "FX 4 (atmosphere)"),
    "Choir": (52, "Choir Aahs"),
    "Solo Vocals": (53, "Voice Oohs"),
    "Mallets": (12, "Marimba"),
    "Plucked": (107, "Koto"),
    "Sub Hits": (118, "Synth Drum"),
    "Guitar FX": (31, "Guitar harmonics"),
    "Orch FX": (55, "Orchestra Hit"),
}
_UNKNOWN: Final = (0, "Acoustic Grand Piano")

_CLASSES: Final = (
    "Piano", "Chromatic Percussion", "Organ", "Guitar", "Bass", "Strings", "Strings (continued)",
    "Brass", "Reed", "Pipe", "Synth Lead", "Synth Pad", "Synth Effects", "Ethnic", "Percussive",
    "Sound effects",
)  # fmt: skip


def program_of(category: str | None) -> tuple[int, str]:
    """Return the program, counted from 0, and its name; of what has none, the piano's."""
    return _PROGRAMS.get(category or "", _UNKNOWN)


def is_drum(category: str | None, drum_kit: str | None = None) -> bool:
    """Return whether notes are strokes: by the category, or because the file says so."""
    return category in DRUMS or drum_kit is not None


def class_of(category: str | None, *, drums: bool) -> str:
    """Return the instrument class as Slakh2100 calls it: the eights of General MIDI, or Drums."""
    if drums:
        return "Drums"
    return _CLASSES[program_of(category)[0] // 8] if category in _PROGRAMS else "Unknown"
