"""The 28 instrument categories, and what General MIDI's programs fall into.

The list is part of the public contract: other systems train on these labels, so an entry is
never renamed and the order never changes.

References
----------
MIDI Manufacturers Association. General MIDI System Level 1 (RP-003), 1991: Table 2, sound set.
"""

from typing import Final

INSTRUMENT_CATEGORIES: Final[tuple[str, ...]] = (
    "Strings",
    "Woodwinds",
    "Brass",
    "Electric Guitar",
    "Acoustic Guitar",
    "Piano",
    "Organ",
    "Bells",
    "Harp",
    "Synth Pulse",
    "Synth Pad",
    "Synth Bass",
    "Low Percussion",
    "Mid Percussion",
    "High Percussion",
    "Drums",
    "Orch Percussion",
    "Bass",
    "Double Bass",
    "FX",
    "Choir",
    "Solo Vocals",
    "Mallets",
    "Plucked",
    "Sub Hits",
    "Guitar FX",
    "Orch FX",
    "Ticker",
)

# First program, last program (counted from 0), instrument, category, how surely it means that.
_GENERAL_MIDI: Final[tuple[tuple[int, int, str, str, float], ...]] = (
    (0, 5, "piano", "Piano", 0.80),
    (6, 6, "harpsichord", "Piano", 0.60),
    (7, 7, "clavinet", "Piano", 0.75),
    (8, 8, "celesta", "Bells", 0.70),
    (9, 9, "glockenspiel", "Mallets", 0.70),
    (10, 10, "music box", "Bells", 0.70),
    (11, 13, "mallets", "Mallets", 0.85),
    (14, 14, "tubular bells", "Bells", 0.85),
    (15, 15, "dulcimer", "Plucked", 0.75),
    (16, 20, "organ", "Organ", 0.85),
    (21, 21, "accordion", "Organ", 0.60),
    (22, 22, "harmonica", "Woodwinds", 0.45),
    (23, 23, "bandoneon", "Organ", 0.60),
    (24, 25, "acoustic guitar", "Acoustic Guitar", 0.85),
    (26, 31, "electric guitar", "Electric Guitar", 0.85),
    (32, 32, "double bass", "Double Bass", 0.75),
    (33, 37, "bass", "Bass", 0.85),
    (38, 39, "synth bass", "Synth Bass", 0.85),
    (40, 42, "strings", "Strings", 0.85),
    (43, 43, "double bass", "Double Bass", 0.85),
    (44, 45, "strings", "Strings", 0.85),
    (46, 46, "harp", "Harp", 0.85),
    (47, 47, "timpani", "Orch Percussion", 0.85),
    (48, 49, "strings", "Strings", 0.85),
    (50, 51, "synth strings", "Synth Pad", 0.55),
    (52, 52, "choir", "Choir", 0.85),
    (53, 53, "choir", "Choir", 0.75),
    (54, 54, "synth voice", "Choir", 0.55),
    (55, 55, "orchestra hit", "Orch FX", 0.75),
    (56, 61, "brass", "Brass", 0.85),
    (62, 63, "synth brass", "Brass", 0.45),
    (64, 79, "woodwinds", "Woodwinds", 0.85),
    (80, 87, "synth lead", "Synth Pulse", 0.40),
    (88, 95, "synth pad", "Synth Pad", 0.85),
    (96, 103, "synth effects", "Synth Pad", 0.50),
    (104, 107, "plucked", "Plucked", 0.80),
    (108, 108, "kalimba", "Plucked", 0.60),
    (109, 109, "bagpipe", "Woodwinds", 0.80),
    (110, 110, "fiddle", "Strings", 0.85),
    (111, 111, "shanai", "Woodwinds", 0.80),
    (112, 112, "tinkle bell", "Bells", 0.55),
    (113, 113, "agogo", "High Percussion", 0.80),
    (114, 114, "steel drums", "Mallets", 0.65),
    (115, 115, "woodblock", "High Percussion", 0.75),
    (116, 116, "taiko", "Low Percussion", 0.85),
    (117, 118, "toms", "Drums", 0.60),
    (119, 119, "reverse cymbal", "FX", 0.55),
    (120, 120, "fret noise", "Guitar FX", 0.70),
    (121, 127, "sound effects", "FX", 0.80),
)

_PROGRAMS: Final[tuple[tuple[str, str, float], ...]] = tuple(
    (instrument, category, sureness)
    for first, last, instrument, category, sureness in _GENERAL_MIDI
    for _ in range(first, last + 1)
)


def program_category(program: int) -> tuple[str, str, float]:
    """Return what a General MIDI program means.

    Parameters
    ----------
    program : int
        Program number counted from 0, as the MIDI byte has it.

    Returns
    -------
    instrument, category, confidence : str, str, float
        Confidence says how surely this program belongs to the category, given that the sender
        meant General MIDI at all.

    Raises
    ------
    ValueError
        If `program` is not in 0…127.
    """
    if not 0 <= program < len(_PROGRAMS):
        raise ValueError(f"A MIDI program is 0…127, not {program}.")
    return _PROGRAMS[program]
