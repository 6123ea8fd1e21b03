"""How well a track's name fits a group's name, 0…1, and the offline matching by names.

Conventions
-----------
1.0 the same name; about 0.9 the same instrument; about 0.8 a group that holds the whole section
('Strings' for 'Violas'); about 0.5 the same family or the other number of the same instrument;
0 nothing in common. Unknown names are compared letter by letter by thefuzz.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from cue_pipeline.mapping.names.parsing import SessionName, read_instrument, read_name
from cue_pipeline.mapping.names.several_instruments import Reading
from cue_pipeline.mapping.names.tokens import LONGEST_NAME

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Scores = NDArray[np.float64]
    Told = NDArray[np.bool_]

# Names that thefuzz finds less alike than this have nothing to do with each other.
FUZZY_NAMES: Final = 80
# One of several instruments in a name fits a little less than the only one.
_JOINED: Final = 0.97
# Fits from here on mean the same instrument, not only its section.
SAME_INSTRUMENT: Final = 0.84
# What a section's fit is worth where the instrument itself has a group.
_LESS_SPECIFIC: Final = 0.6

_PERCUSSION: Final = (
    "Low Percussion",
    "Mid Percussion",
    "High Percussion",
    "Orch Percussion",
    "Drums",
)
# Words that name a whole section, and the categories that the section holds, best fit first.
_SECTIONS: Final[dict[str, tuple[str, ...]]] = {
    "strings": ("Strings", "Double Bass"),
    "high strings": ("Strings",),
    "low strings": ("Strings", "Double Bass"),
    "woodwinds": ("Woodwinds",),
    "brass": ("Brass",),
    "orchestra": ("Strings", "Woodwinds", "Brass", "Double Bass", "Harp", "Orch Percussion"),
    "percussion": (*_PERCUSSION, "Mallets", "Bells"),
    "orchestral percussion": ("Orch Percussion", "Mallets", "Bells"),
    "low percussion": ("Low Percussion",),
    "mid percussion": ("Mid Percussion",),
    "high percussion": ("High Percussion",),
    "drums": ("Drums",),
    "mallets": ("Mallets", "Bells"),
    "guitar": ("Electric Guitar", "Acoustic Guitar"),
    "bass": ("Bass", "Double Bass", "Synth Bass"),
    "keys": ("Piano", "Organ", "Bells"),
    "plucked": ("Plucked", "Harp"),
    "choir": ("Choir",),
    "harmonies": ("Choir",),
    "solo voice": ("Solo Vocals", "Choir"),
    "synth": ("Synth Pad", "Synth Pulse", "Synth Bass"),
    "effects": ("FX", "Sub Hits"),
    "sounds of the world": ("FX",),
    "orchestral effects": ("Orch FX",),
    "guitar effects": ("Guitar FX",),
    "sub hits": ("Sub Hits",),
    "ethnic winds": ("Woodwinds",),
    "small percussion": ("High Percussion",),
}
# An instrument's name that others of its category are sometimes put under: a pad may hold drones.
_GATHERING: Final = frozenset(
    (
        "synth pad",
        "atmosphere",
        "synth pulse",
        "synth bass",
        "piano",
        "organ",
        "bells",
        "electric guitar",
        "acoustic guitar",
        "group vocals",
        "impacts",
        "low drums",
        "hand drums",
    )
)
# What a section that is named for its register does not hold.
_OTHER_REGISTER: Final = {"high strings": ("cello",), "low strings": ("violin",)}
# One thing under the names that an orchestra, a band and a cautious engineer give it.
_KIN: Final = (
    {"snare drum", "snare", "orchestral snare"},
    {"bass drum", "kick", "orchestral bass drum"},
    {"cymbals", "kit cymbals", "orchestral cymbals"},
    {"solo voice", "lead voice"},
    {"group vocals", "harmonies"},
    {"effects", "sounds of the world"},
    {"bass", "bass guitar"},
    {"acoustic", "acoustic guitar"},
    {"electric", "electric guitar"},
)
# What names of just these words mean elsewhere: 'altos' sing, and are a French orchestra's violas.
# It is no more than a reason not to rule the other out, which sound then decides.
_ALSO: Final = {
    ("alto",): "viola",
    ("altos",): "viola",
    ("steel", "gtr"): "steel guitar",
}
_SECOND_MEANING: Final = 0.55

_OPPOSITES: Final = (
    ({"hi", "high", "upper", "top", "rh"}, {"lo", "low", "lower", "bottom", "btm", "bot", "lh"}),
    ({"lead", "main", "ld"}, {"back", "backing", "bg", "bgv", "bv", "rhythm", "rhy"}),
    ({"clean", "cln"}, {"dist", "distorted", "dirty", "heavy", "crunch"}),
    (
        {"short", "shorts", "spicc", "stac", "stacc", "pizz"},
        {"long", "longs", "leg", "legato", "sus"},
    ),
    ({"in", "inside"}, {"out", "outside"}),
    ({"l", "left"}, {"r", "right"}),
    ({"male", "men", "mens"}, {"female", "fem", "women", "womens"}),
)
_ALIKE: Final = (
    {"hi", "high", "upper", "rh"},
    {"lo", "low", "lower", "lh"},
    {"mid", "med", "middle"},
    {"lead", "ld", "main"},
    {"spicc", "spiccato", "spic"},
    {"stac", "stacc", "staccato"},
    {"pizz", "pizzicato", "pizzi"},
    {"leg", "legato"},
    {"sus", "sustain", "sustains", "long", "longs"},
    {"trem", "tremolo", "trems"},
    {"short", "shorts"},
    {"dist", "distorted", "distortion"},
    {"clean", "cln"},
)


_AND: Final = re.compile(r"\s*[+&/,]\s*|\s+(?:and|und|et|y)\s+", re.I)

# 'Horns 1-4', 'Vln 1+2'; only after a letter: '1-2 Horns' may begin with a reel and a cue.
_SEVERAL: Final = re.compile(r"[^\W\d_][\s_.]*([1-9])\s?([-–+&/,])\s?([1-9])(?!\d)")
# 'Flutes a2', 'Horns a 4': so many play; the number of none of them.
_PLAYERS: Final = re.compile(r"(?<![^\W_])a\s?([2-8])(?![^\W_])")

_HANDS: Final = {
    "lh": {("left", "hand"), ("l", "h"), ("main", "gauche"), ("linke", "hand")},
    "rh": {("right", "hand"), ("r", "h"), ("main", "droite"), ("rechte", "hand")},
}


@dataclass(frozen=True, slots=True)
class ReadName:
    """A name with the instrument that it means.

    Attributes
    ----------
    name : SessionName
    instrument : Reading or None
    numbers : frozenset of int
        Which of several like it: 1, 2, 3 and 4 for 'Horns 1-4'; empty: it does not say.
    parts : tuple of ReadName
        Of a name that joins several ('Horns & Trombones', 'Vln+Vla'): each of them.
    """

    name: SessionName
    instrument: Reading | None
    numbers: frozenset[int]
    parts: "tuple[ReadName, ...]" = ()

    @classmethod
    def of(cls, name: str) -> "ReadName":
        """Read `name`."""
        whole = cls._alone(name)
        parts = [cls._alone(piece) for piece in _AND.split(name[:LONGEST_NAME])]
        joined = len(parts) > 1 and all(part.instrument is not None for part in parts)
        return replace(whole, parts=_beside_each_other(parts)) if joined else whole

    @classmethod
    def _alone(cls, name: str) -> "ReadName":
        read = read_name(name)
        return cls(read, _instrument(read), _numbers(read))


def _instrument(name: SessionName) -> Reading | None:
    """Return what a name means; strings with a register are the section of that register."""
    reading = read_instrument(name)
    if reading is not None and reading.instrument == "strings":
        for register, words in (("high", {"hi", "high"}), ("low", {"lo", "low"})):
            if words & set(name.words):
                return replace(reading, instrument=f"{register} strings")
    return reading


def _beside_each_other(parts: list[ReadName]) -> tuple[ReadName, ...]:
    """Return the parts of a name; the bass beside cellos or violas is the orchestra's."""
    said = {part.instrument.instrument for part in parts if part.instrument is not None}
    if not said & {"cello", "viola"}:
        return tuple(parts)
    return tuple(
        replace(
            part,
            instrument=replace(part.instrument, instrument="double bass", category="Double Bass"),
        )
        if part.instrument is not None and part.instrument.instrument == "bass"
        else part
        for part in parts
    )


def _numbers(name: SessionName) -> frozenset[int]:
    raw = name.raw[:LONGEST_NAME]
    if several := _SEVERAL.search(raw):
        first, last = int(several[1]), int(several[3])
        if several[2] not in "-–":
            return frozenset((first, last))
        if first < last:
            return frozenset(range(first, last + 1))
    players = _PLAYERS.search(raw)
    if name.number is None or (players and int(players[1]) == name.number):
        return frozenset()
    return frozenset((name.number,))


def _qualities(name: SessionName) -> set[str]:
    words = set(name.words)
    pairs = set(zip(name.words, name.words[1:], strict=False))
    for hand, spelt in _HANDS.items():
        if found := pairs & spelt:
            words = words.difference(*found) | {hand}
    for alike in _ALIKE:
        if words & alike:
            words = (words - alike) | {min(alike)}
    return words


def _opposed(a: set[str], b: set[str]) -> bool:
    return any((a & x and b & y) or (a & y and b & x) for x, y in _OPPOSITES)


def name_fit(track: ReadName, group: ReadName) -> float:
    """Return how well a track's name fits a group's, 0…1; not symmetric: a group may be a section.

    Examples
    --------
    >>> name_fit(ReadName.of("Bratschen"), ReadName.of("VLA")) > 0.85
    True
    >>> name_fit(ReadName.of("Viola"), ReadName.of("Bass Drum"))
    0.0
    """
    if track.name.words and track.name.words == group.name.words:
        return 1.0
    if track.parts or group.parts:
        best = max(name_fit(t, g) for t in track.parts or (track,) for g in group.parts or (group,))
        return max(_JOINED * best, min(best, SAME_INSTRUMENT))
    if track.instrument is None or group.instrument is None:
        return _spelling_fit(track.name, group.name)
    fit = _instrument_fit(track.instrument, group.instrument)
    if fit == 0.0:
        also = _means_also(track.name, group.instrument) or _means_also(
            group.name, track.instrument
        )
        return _SECOND_MEANING if also else 0.0
    return _detail(fit, track, group)


def _means_also(name: SessionName, instrument: Reading) -> bool:
    words = (w for w in name.words if not w.isdigit() and w not in name.articulations)
    return _ALSO.get(tuple(words)) == instrument.instrument


def _instrument_fit(track: Reading, group: Reading) -> float:
    if track.instrument == group.instrument:
        return 0.88
    if any({track.instrument, group.instrument} <= kin for kin in _KIN):
        return SAME_INSTRUMENT
    if not track.category:
        return 0.0
    section = _SECTIONS.get(group.instrument, ())
    if track.instrument in _OTHER_REGISTER.get(group.instrument, ()):
        return 0.42
    if track.category in section:
        return 0.8 if track.category == section[0] else 0.72
    if track.category == group.category and group.instrument in _GATHERING:
        return 0.7
    if group.category in _SECTIONS.get(track.instrument, ()):
        return 0.55
    return 0.42 if track.category == group.category else 0.0


def _detail(fit: float, track: ReadName, group: ReadName) -> float:
    """Return `fit` moved by numbers and by words that the names share or contradict."""
    ours, theirs = track.numbers, group.numbers
    if ours and theirs:
        fit += 0.06 if ours == theirs else 0.03 if ours & theirs else -0.35
    elif ours != theirs and fit >= SAME_INSTRUMENT:
        fit = max(SAME_INSTRUMENT, fit - 0.03)
    a, b = _qualities(track.name), _qualities(group.name)
    if _opposed(a, b):
        fit -= 0.3
    shared, either = len(a & b), len(a | b)
    return min(0.99, max(0.0, fit + 0.05 * (shared / either if either else 0.0)))


def _spelling_fit(track: SessionName, group: SessionName) -> float:
    from thefuzz import fuzz

    a, b = " ".join(track.words), " ".join(group.words)
    if len(a) < 3 or len(b) < 3:
        return 0.0
    alike = fuzz.token_sort_ratio(a, b)
    if alike < FUZZY_NAMES:
        return 0.0
    # 'Audio 3' and 'Audio 4' are spelt alike and are different things.
    digits = [w for w in track.words if w.isdigit()], [w for w in group.words if w.isdigit()]
    return 0.0 if digits[0] != digits[1] else 0.8 * alike / 100


def name_fits(tracks: Sequence[str], groups: Sequence[str]) -> "tuple[Scores, Told]":
    """Return how well each track's name fits each group's, and where names say anything.

    Returns
    -------
    fits : np.ndarray, shape=(n_tracks, n_groups), dtype=float64
        0…1.
    told : np.ndarray, shape=(n_tracks, n_groups), dtype=bool
        False where a name says no instrument and the two are not spelt alike: there a fit of 0
        means that nothing is known, not that they differ.
    """
    import numpy as np

    read_groups = [ReadName.of(g) for g in groups]
    known = np.array([g.instrument is not None for g in read_groups], dtype=bool)
    fits = np.zeros((len(tracks), len(groups)))
    told = np.zeros(fits.shape, dtype=bool)
    rows: dict[str, Scores] = {}
    for i, track in enumerate(tracks):
        read = ReadName.of(track)
        if track not in rows:
            row = np.array([name_fit(read, group) for group in read_groups])
            rows[track] = _prefer_the_specific(row)
        fits[i] = rows[track]
        told[i] = (known & (read.instrument is not None)) | (fits[i] > 0)
    return fits, told


def _prefer_the_specific(fits: "Scores") -> "Scores":
    """Return fits where a section counts less if the instrument itself has a group.

    Where there are 'Horns' and 'Brass', the brass stem holds the rest of the brass.
    """
    if fits.size and fits.max() >= SAME_INSTRUMENT:
        fits[fits < SAME_INSTRUMENT] *= _LESS_SPECIFIC
    return fits
