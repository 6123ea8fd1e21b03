"""What a session name says: the instrument, its number, how it is played, and its category.

``1m02_Vlns II spicc CLOSE_02`` is the second violins, spiccato: the cue's number, the
microphone and the take say nothing about the instrument and are taken off; Roman numerals
count; words come from :mod:`.lexicon`, and thefuzz reads what is misspelt.
What is unknown stays unknown.

Conventions
-----------
A confidence of 0.9 or more is meant to be right 99 times in 100; words that mean different
things to an orchestra and to a band ('BD', 'Gtr', 'Perc') stay below it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from cue_pipeline.mapping.categories import program_category
from cue_pipeline.mapping.names.lexicon import (
    LONGEST_PHRASE,
    ORDINALS,
    SHORTEST_MISSPELT,
    Meaning,
    lexicon,
)
from cue_pipeline.mapping.names.lexicon.studio import (
    ARTICULATIONS,
    BOWED_ARTICULATIONS,
    NO_INSTRUMENT,
    NOT_MISSPELT,
    ROMAN,
    STUDIO_WORDS,
    listed,
)
from cue_pipeline.mapping.names.several_instruments import KIT_OR_ORCHESTRA, Reading, combine
from cue_pipeline.mapping.names.tokens import is_numbered_file, name_words

# Below this many hundredths two words are different words; 'Violas' and 'Violins' score 77.
FUZZY_THRESHOLD: Final = 84
# From so many unknown words on, a name may be a title that an instrument only occurs in.
MANY_UNKNOWN: Final = 2
# Never the name of a drum kit, or of a piece of one.
_PITCHED: Final = frozenset(
    {"Strings", "Woodwinds", "Brass", "Electric Guitar", "Acoustic Guitar", "Piano", "Organ"}
    | {"Harp", "Synth Pad", "Synth Bass", "Bass", "Double Bass", "Choir", "Solo Vocals"}
)
_SURELY: Final = 0.8
# "vlnii", "pianol", "acgtrdi": the second violins, a piano's left side, a guitar's direct signal.
_NUMERAL_SUFFIX = re.compile(r"^(?P<word>[a-z]{2,}?)(?P<numeral>iii|ii|iv|i)$")
_SIDE_SUFFIX = re.compile(r"^(?P<word>[a-z]{3,}|oh)(?:[lr]|di|dt)$")


@dataclass(frozen=True, slots=True)
class SessionName:
    """A track's or a group's name, read.

    Attributes
    ----------
    raw : str
        The name as it stands.
    words : tuple of str
        Its words in lower case without accents; cue number, take and version are gone.
    meanings : tuple of Meaning
        The instruments that the lexicon finds in it, in order.
    number : int or None
        Which of several like it: 2 for ``Vlns II``, ``Violin 2`` or ``2nd Violins``.
    articulations : tuple of str
        How it is played, in the words that the name uses.
    unknown : tuple of str
        Words that neither the lexicon nor the studio knows.
    fuzzy : int or None
        Similarity (0…100) of the misspelt word that a meaning rests upon; None: none does.
    """

    raw: str
    words: tuple[str, ...]
    meanings: tuple[Meaning, ...]
    number: int | None
    articulations: tuple[str, ...]
    unknown: tuple[str, ...]
    fuzzy: int | None


@dataclass(frozen=True, slots=True)
class NameCategory:
    """The offline category of a name.

    Attributes
    ----------
    name : str
    category : str or None
        One of :data:`~cue_pipeline.mapping.categories.INSTRUMENT_CATEGORIES`; None: unknown.
    confidence : float
        0…1; 0 where the category is unknown.
    reason : str
        What it rests on, for people.
    """

    name: str
    category: str | None
    confidence: float
    reason: str


@lru_cache(maxsize=16_384)
def _misspelt(word: str) -> tuple[Meaning, int] | None:
    """Return the meaning of the lexicon's word closest to `word`, and how close (0…100)."""
    if len(word) < SHORTEST_MISSPELT or word in NOT_MISSPELT:
        return None
    from thefuzz import fuzz, process

    index = lexicon()
    # Hardly anyone mistypes the first letter; 'sticks' are no 'ticks'.
    # Where the lexicon has only a plural ('shouts', 'metals'), it does not mean the singular.
    candidates = [w for w in index.long_words.get(word[0], ()) if w != f"{word}s"]
    found = process.extractOne(
        word, candidates, processor=None, scorer=fuzz.ratio, score_cutoff=FUZZY_THRESHOLD
    )
    if found is None:
        return None
    spelt, score = found[0], int(found[1])
    return index.phrases.get(spelt) or index.compounds[spelt], score


def _phrase(words: list[str], start: int) -> tuple[Meaning, int] | None:
    """Return the longest phrase of the lexicon at `start`, and its number of words."""
    index = lexicon()
    for length in range(min(LONGEST_PHRASE, len(words) - start), 1, -1):
        window = words[start : start + length]
        meaning = index.phrases.get(" ".join(window)) or index.written_as_one("".join(window))
        if meaning is None and window[-1].endswith("s"):
            meaning = index.phrases.get(" ".join(window)[:-1])
        if meaning is not None:
            return meaning, length
    meaning = index.single(words[start])
    return None if meaning is None else (meaning, 1)


def _ordinal(word: str) -> int | None:
    if word.isdigit():
        return int(word) if len(word) == 1 and word != "0" else None
    return ORDINALS.get(word) or ROMAN.get(word)


_IN_RACKS: Final = listed(
    """
    kontakt kont ni play engine vep inst instr instrument instruments midi vst vsti multi audio
    patch preset effect effects sampler layer device plugin ableton reason halion maschine
    """
)


class _Scan:
    """One pass over a name's words; a class only because the pass fills five lists."""

    def __init__(self, words: list[str]) -> None:
        self.words = words
        self.meanings: list[Meaning] = []
        self.articulations: list[str] = []
        self.unknown: list[str] = []
        self.number: int | None = None
        self.fuzzy: int | None = None
        at = 0
        while at < len(words):
            at += self._take(at)
        if not self.meanings:
            self._read_misspelt()

    def _take(self, at: int) -> int:
        found = _phrase(self.words, at)
        if found == (lexicon().single("rack"), 1) and self._holds_devices(at):
            return 1
        if found is not None:
            self.meanings.append(found[0])
            return found[1]
        self._other(self.words[at])
        return 1

    def _holds_devices(self, at: int) -> bool:
        """Return whether a rack is one of instruments ('Strings Rack'), and no tom of a kit."""
        if self.words[at] not in ("rack", "racks"):
            return False
        of = self.words[at - 1] if at else ""
        played = lexicon().single(of)
        return of in _IN_RACKS or (played is not None and played.category != "Drums")

    def _other(self, word: str) -> None:
        number = _ordinal(word)
        if number is not None:
            if self.number is None:
                self.number = number
        elif word in ARTICULATIONS:
            self.articulations.append(word)
        elif not word.isdigit() and word not in STUDIO_WORDS and len(word) > 1:
            self._unknown(word)

    def _unknown(self, word: str) -> None:
        numbered = _NUMERAL_SUFFIX.match(word)
        if numbered and (meaning := lexicon().single(numbered["word"])) is not None:
            self.meanings.append(meaning)
            self.number = self.number or ROMAN[numbered["numeral"]]
            return
        side = _SIDE_SUFFIX.match(word)
        if side and (meaning := lexicon().single(side["word"])) is not None:
            self.meanings.append(meaning)
            return
        self.unknown.append(word)

    def _read_misspelt(self) -> None:
        """Read unknown words by likeness; not beside known ones and not in titles."""
        if len(self.unknown) > MANY_UNKNOWN:
            return
        for word in tuple(self.unknown):
            misspelt = _misspelt(word)
            if misspelt is not None:
                self.unknown.remove(word)
                self.meanings.append(misspelt[0])
                self.fuzzy = min(misspelt[1], self.fuzzy or 100)


@lru_cache(maxsize=65_536)
def read_name(name: str) -> SessionName:
    """Return what a session name says.

    Parameters
    ----------
    name : str
        A MIDI track's or a channel group's name; data, whatever it says.

    Examples
    --------
    >>> violins = read_name("1m02_Vlns II spicc CLOSE_02")
    >>> violins.meanings[0].instrument, violins.number, violins.articulations
    ('violin', 2, ('spicc',))
    """
    words = name_words(name)
    scan = _Scan(words)
    return SessionName(
        raw=name,
        words=tuple(words),
        meanings=tuple(scan.meanings),
        number=scan.number,
        articulations=tuple(scan.articulations),
        unknown=tuple(scan.unknown),
        fuzzy=scan.fuzzy,
    )


def read_instrument(name: SessionName) -> Reading | None:
    """Return the one instrument that a name means, or None where it says none."""
    if name.meanings:
        reading = combine(name.meanings, frozenset(name.words))
        if name.fuzzy is not None and reading is not None:
            reading = reading.weakened(0.9 * name.fuzzy / 100, f"spelt alike at {name.fuzzy} %")
        # 'Brass Monkey Heist' is a title, not a section.
        if reading is not None and len(name.unknown) >= MANY_UNKNOWN:
            reading = reading.weakened(0.9, f"beside '{' '.join(name.unknown)[:40]}'")
        return reading
    bowed = [a for a in name.articulations if a in BOWED_ARTICULATIONS]
    if bowed and not name.unknown:
        return Reading("strings", "Strings", 0.7, f"'{bowed[0]}' is how bowed strings are played")
    return None


@dataclass(frozen=True, slots=True)
class Session:
    """What the other names of a cue tell about the ambiguous ones.

    Attributes
    ----------
    kit : bool
        A drum kit was recorded: its cymbals, snare and bass drum are 'Drums'.
    orchestra : bool
        An orchestra and no kit: they are 'Orch Percussion'.
    """

    kit: bool = False
    orchestra: bool = False


_KIT: Final = frozenset(("kick", "snare", "hi-hat", "toms", "kit cymbals", "overheads", "drums"))
_ORCHESTRAL: Final = frozenset(("Strings", "Woodwinds", "Brass", "Double Bass", "Harp"))


def read_session(names: Iterable[str]) -> Session:
    """Return what all names of a cue together say: a drum kit, or an orchestra without one."""
    readings = [r for name in names if (r := read_instrument(read_name(name))) is not None]
    kit = {r.instrument for r in readings if r.instrument in _KIT}
    orchestra = {r.instrument for r in readings if r.category in _ORCHESTRAL}
    return Session(kit=len(kit) >= 2, orchestra=len(orchestra) >= 3 and not kit)


def categorise(
    name: str,
    *,
    program: int | None = None,
    is_drum: bool = False,
    session: Session | None = None,
) -> NameCategory:
    """Return the instrument category that a name, and a MIDI program, stand for.

    Parameters
    ----------
    name : str
        Name of a MIDI track or of a channel group.
    program : int, optional
        The track's first General MIDI program, counted from 0.
    is_drum : bool
        Whether the track plays on MIDI channel 10, General MIDI's drum channel.
    session : Session, optional
        What the cue's other names tell about words such as 'BD' and 'CYM'.

    Returns
    -------
    NameCategory
        With ``category=None`` where nothing is known: never a guess.

    Examples
    --------
    >>> categorise("Vlns II spicc CLOSE_02").category
    'Strings'
    >>> categorise("Audio 3_01").category is None
    True
    """
    return _categorise(name, program, is_drum, session or Session())


@lru_cache(maxsize=65_536)
def _categorise(name: str, program: int | None, is_drum: bool, session: Session) -> NameCategory:
    read = read_name(name)
    if not read.meanings and any(word in NO_INSTRUMENT for word in read.words):
        return NameCategory(name, None, 0.0, "a click, marker or guide, not an instrument")
    reading = _in_session(name, read_instrument(read), session)
    played = _played(program, is_drum)
    if reading is not None and not reading.category:
        reading = None
    if reading is None and played is None:
        return NameCategory(name, None, 0.0, "no word of it names an instrument")
    best = _together(reading, played)
    return NameCategory(name, best.category, round(best.confidence, 3), best.reason)


def pitched_by_name(name: str, session: Session) -> str | None:
    """Return the category that a name surely says if no kit has an instrument of it, or None."""
    said = categorise(name, session=session)
    return said.category if said.category in _PITCHED and said.confidence >= _SURELY else None


def _in_session(name: str, reading: Reading | None, session: Session) -> Reading | None:
    if reading is None or reading.instrument not in KIT_OR_ORCHESTRA:
        return reading
    if session.kit:
        return Reading("drums", "Drums", 0.85, f"{reading.reason}, beside a drum kit")
    if session.orchestra:
        return Reading(
            reading.instrument, "Orch Percussion", 0.88, f"{reading.reason}, in an orchestra"
        )
    if is_numbered_file(name):
        return Reading("drums", "Drums", 0.6, f"{reading.reason}, in a band's numbered file")
    return reading


def _played(program: int | None, is_drum: bool) -> Reading | None:
    if is_drum:
        return Reading("drums", "Drums", 0.6, "it plays on General MIDI's drum channel")
    if program is None or not 0 <= program <= 127:
        return None
    instrument, category, confidence = program_category(program)
    # Program 0 is also what stands there when nobody chose one.
    if program == 0:
        confidence *= 0.5
    reason = f"its MIDI program {program + 1} is {instrument}"
    return Reading(instrument, category, 0.85 * confidence, reason)


def _together(reading: Reading | None, played: Reading | None) -> Reading:
    if reading is None or played is None:
        both = reading or played
        assert both is not None
        return both
    if reading.category == played.category:
        sure = 1 - (1 - reading.confidence) * (1 - 0.5 * played.confidence)
        return Reading(
            reading.instrument, reading.category, sure, f"{reading.reason}; {played.reason}"
        )
    if reading.confidence >= played.confidence:
        return reading
    return played.weakened(0.85, f"though {reading.reason}")
