"""Several instrument words in one name: which of them is meant, and what they make together.

'Synth' and 'Strings' are a pad, 'Bass' and 'Clarinet' is listed as a phrase, 'String' and 'FX'
are an orchestral effect, a 'Piano Room' is a piano. English, German and the studio put the noun
last, so the last word wins where no rule holds, with much less confidence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cue_pipeline.mapping.names.lexicon import Meaning, lexicon


@dataclass(frozen=True, slots=True)
class Reading:
    """The instrument that a name means, with its category, confidence (0…1) and reason."""

    instrument: str
    category: str
    confidence: float
    reason: str

    def weakened(self, factor: float, because: str) -> "Reading":
        """Return the same reading believed less."""
        return Reading(
            self.instrument, self.category, self.confidence * factor, f"{self.reason} ({because})"
        )


_ORCHESTRAL: Final = ("Strings", "Woodwinds", "Brass", "Harp", "Orch Percussion", "Double Bass")
_GUITARS: Final = ("Electric Guitar", "Acoustic Guitar", "Guitar FX")
_SYNTHS: Final = ("Synth Pad", "Synth Pulse", "Synth Bass")
_PERCUSSION: Final = ("Low Percussion", "Mid Percussion", "High Percussion")
# On a stage they sing, too: 'Vocals-Banjo' is what the banjo player sings.
_PLAYERS: Final = (*_GUITARS, "Bass", "Plucked", "Strings", "Brass", "Woodwinds")
_VOICES: Final = ("soprano", "alto", "tenor", "baritone")
# Vox is also a maker of amplifiers.
_AMPLIFIED: Final = frozenset(("guitar", "electric guitar"))
_KEEP: Final = ("", "", 0.0)

# What a drum kit has and an orchestra, too.
KIT_OR_ORCHESTRA: Final = ("cymbals", "snare drum", "bass drum")

_Result = tuple[str, str, float]


def _each(categories: Sequence[str], result: _Result) -> dict[str, _Result]:
    return dict.fromkeys(categories, result)


# What a qualifying word makes of the rest, by its instrument or category: instrument, category,
# confidence. Not listed: the rest stands, times the last entry's factor.
_QUALIFIERS: Final[Mapping[str, tuple[Mapping[str, _Result], float]]] = {
    # A loop, a room or an overhead of something: the something is meant.
    "loop": ({}, 0.93),
    **dict.fromkeys(
        ("drum room", "overheads"),
        (
            {
                **_each(KIT_OR_ORCHESTRA, ("kit cymbals", "Drums", 0.85)),
                "atmosphere": ("drum room", "Drums", 0.55),
            },
            0.93,
        ),
    ),
    "effects": (
        {
            **_each((*_ORCHESTRAL, "orchestra"), ("orchestral effects", "Orch FX", 0.86)),
            **_each(_GUITARS, ("guitar effects", "Guitar FX", 0.86)),
            "Bass": ("guitar effects", "Guitar FX", 0.6),
            **_each(_SYNTHS, ("effects", "FX", 0.85)),
            **_each((*_PERCUSSION, "Piano", "Organ", "Bells", "Mallets"), ("effects", "FX", 0.55)),
            **_each(("Sub Hits", "Drums", "Plucked", "cymbals"), ("effects", "FX", 0.6)),
        },
        0.6,
    ),
    # A scrape or a breath may be an effect, or only how an instrument is played.
    "gestures": (
        {
            **_each(_GUITARS, ("guitar effects", "Guitar FX", 0.8)),
            **_each(_SYNTHS, ("effects", "FX", 0.6)),
            **_each(("Strings", "Woodwinds", "Brass"), ("orchestral effects", "Orch FX", 0.7)),
            "orchestra": ("orchestral effects", "Orch FX", 0.85),
        },
        0.75,
    ),
    "atmosphere": (
        {
            **_each(_GUITARS, ("guitar effects", "Guitar FX", 0.78)),
            **_each((*_ORCHESTRAL, "orchestra"), ("orchestral effects", "Orch FX", 0.55)),
            **_each(_SYNTHS, ("atmosphere", "Synth Pad", 0.9)),
            "Piano": ("atmosphere", "Synth Pad", 0.5),
            "FX": ("effects", "FX", 0.6),
        },
        0.6,
    ),
    "synth pad": (
        {
            **_each(_GUITARS, ("guitar effects", "Guitar FX", 0.75)),
            **_each(
                ("Strings", "Choir", "Solo Vocals", "Piano", "Bells", "Brass"),
                ("synth pad", "Synth Pad", 0.72),
            ),
            **_each(_SYNTHS, ("synth pad", "Synth Pad", 0.93)),
        },
        0.6,
    ),
    "synth pulse": (
        {
            **_each(_SYNTHS, ("synth pulse", "Synth Pulse", 0.93)),
            "Bass": ("synth bass", "Synth Bass", 0.7),
        },
        0.7,
    ),
    "synth": (
        {
            **_each(("Bass", "Double Bass"), ("synth bass", "Synth Bass", 0.92)),
            **_each(("Strings", "Choir"), ("synth pad", "Synth Pad", 0.65)),
            **_each(("Brass", "Woodwinds", "Solo Vocals"), ("synth", "Synth Pad", 0.45)),
            **_each(("Drums", *_PERCUSSION), ("drums", "Drums", 0.55)),
            **_each(KIT_OR_ORCHESTRA, ("drums", "Drums", 0.8)),
            "keys": ("synth", "Synth Pad", 0.5),
            "Plucked": ("synth pulse", "Synth Pulse", 0.6),
        },
        0.8,
    ),
    "hits": (
        {
            "orchestra": ("orchestral effects", "Orch FX", 0.88),
            **_each(_SYNTHS, ("hits", "Sub Hits", 0.5)),
        },
        0.85,
    ),
    "impacts": (
        {"orchestra": ("orchestral effects", "Orch FX", 0.86), "FX": ("impacts", "Sub Hits", 0.5)},
        0.75,
    ),
    "sub": (
        {
            "Bass": ("synth bass", "Synth Bass", 0.88),
            **_each(_SYNTHS, ("synth bass", "Synth Bass", 0.7)),
            "Sub Hits": ("sub hits", "Sub Hits", 0.95),
        },
        0.7,
    ),
    "orchestra": (
        {
            **_each((*_PERCUSSION, "Drums"), ("orchestral percussion", "Orch Percussion", 0.9)),
            "FX": ("orchestral effects", "Orch FX", 0.9),
            "Sub Hits": ("orchestral effects", "Orch FX", 0.8),
            "Bass": ("double bass", "Double Bass", 0.9),
            "Orch Percussion": ("orchestral percussion", "Orch Percussion", 0.95),
        },
        1.0,
    ),
    "acoustic": (
        {
            "Electric Guitar": ("acoustic guitar", "Acoustic Guitar", 0.94),
            "Bass": ("double bass", "Double Bass", 0.75),
        },
        0.97,
    ),
    "electric": ({"Electric Guitar": ("electric guitar", "Electric Guitar", 0.95)}, 0.93),
    "bass": (
        {
            **_each(("violin", "viola", "cello"), _KEEP),
            "Strings": ("double bass", "Double Bass", 0.8),
            "Electric Guitar": ("bass guitar", "Bass", 0.9),
            "Choir": ("choir", "Choir", 0.8),
            **_each(_SYNTHS, ("synth bass", "Synth Bass", 0.85)),
        },
        0.7,
    ),
    "percussion": ({**_each(_SYNTHS, ("percussion", "Mid Percussion", 0.45))}, 0.9),
    "choir": ({"Solo Vocals": ("choir", "Choir", 0.85)}, 0.85),
    "group vocals": (
        {
            "Solo Vocals": ("group vocals", "Choir", 0.6),
            **_each((*_PLAYERS, "Drums", "Piano"), ("group vocals", "Choir", 0.55)),
        },
        0.85,
    ),
    "solo voice": (
        {
            **_each(_VOICES, ("solo voice", "Solo Vocals", 0.55)),
            "Choir": ("choir", "Choir", 0.8),
            **_each((*_PLAYERS, "Drums", "Piano"), ("solo voice", "Solo Vocals", 0.6)),
        },
        0.75,
    ),
    **dict.fromkeys(_VOICES, ({}, 0.97)),
    **dict.fromkeys(("cymbals", "bass drum", "snare drum"), ({}, 0.85)),
    **dict.fromkeys(("keys", "claps"), ({}, 0.93)),
    "sounds of the world": ({}, 0.8),
    "harmonies": ({"Solo Vocals": ("group vocals", "Choir", 0.6)}, 0.95),
    "guitar": ({}, 0.85),
    "braams": ({}, 0.7),
    "synth lead": ({}, 0.7),
}

_REGISTERS: Final = (
    ("Low Percussion", frozenset(("low", "lo", "deep", "lows", "tief", "bass"))),
    ("High Percussion", frozenset(("high", "hi", "highs", "small", "light", "metal", "metals"))),
    ("Mid Percussion", frozenset(("mid", "med", "mids", "medium", "middle"))),
)
_SOLOISTS: Final = frozenset(("solo", "soloist", "solist", "lead"))


def combine(meanings: Sequence[Meaning], words: frozenset[str]) -> Reading | None:
    """Return the instrument that several instrument words mean together.

    Parameters
    ----------
    meanings : sequence of Meaning
        In the order of the words.
    words : frozenset of str
        All words of the name, for register ('lo', 'hi') and 'solo'.
    """
    distinct = list({m.instrument: m for m in meanings}.values())
    if "leslie" in words:
        # A speaker, or a person: anything may be played through the one, or by the other.
        others = [m for m in distinct if m.instrument not in ("organ", "keys")]
        distinct = others or [m for m in distinct if m.instrument == "organ"] or distinct
    ticker = next((m for m in distinct if m.category == "Ticker"), None)
    if ticker is not None:
        return _reading(ticker, 1.0 if len(distinct) == 1 else 0.93)
    reading = _reduce(distinct, words)
    return _with_register(_with_soloist(reading, words), words)


def _reading(meaning: Meaning, factor: float = 1.0) -> Reading:
    kind = meaning.category or "no category"
    return Reading(
        meaning.instrument,
        meaning.category,
        meaning.confidence * factor,
        f"it says {meaning.instrument}" + ("" if meaning.category else f" ({kind})"),
    )


def _reduce(meanings: list[Meaning], words: frozenset[str]) -> Reading:
    rest = list(meanings)
    factor = 1.0
    # The qualifiers are tried in the order above: an effect makes more of a name than a synth does.
    for qualifier, (results, weaker) in _QUALIFIERS.items():
        if len(rest) == 1:
            break
        found = next((m for m in rest if m.instrument == qualifier), None)
        if found is None:
            continue
        rest.remove(found)
        head = rest[-1]
        instrument, category, confidence = results.get(
            head.instrument, results.get(head.category, _KEEP)
        )
        if found.instrument == "solo voice" and head.instrument in _AMPLIFIED and "vox" in words:
            category = ""
        if category:
            rest[-1] = Meaning(instrument, category, confidence)
        else:
            factor *= weaker
    categories = {m.category for m in rest if m.category}
    if categories == {"Strings", "Double Bass"}:
        return Reading("strings", "Strings", 0.75 * factor, "it says strings and their basses")
    if len(categories) > 1:
        factor *= 0.5 if words & {"and", "&", "+", "und", "et", "e", "y"} else 0.65
        return _reading(_spelt_out(rest, words)[-1], factor)
    best = max((m for m in rest if m.category), key=lambda m: m.confidence, default=rest[-1])
    return _reading(best, factor)


def _spelt_out(meanings: Sequence[Meaning], words: frozenset[str]) -> list[Meaning]:
    """Return the meanings of a category without those that only two letters stand for.

    Of two letters many things are the abbreviation: the 'OB' of 'BRS OB' is a synthesiser's name.
    """
    told = {word: meaning for word in words if (meaning := lexicon().single(word)) is not None}
    letters = {m.instrument for word, m in told.items() if len(word) <= 2}
    letters -= {m.instrument for word, m in told.items() if len(word) > 2}
    named = [m for m in meanings if m.category]
    return [m for m in named if m.instrument not in letters] or named


def _with_register(reading: Reading, words: frozenset[str]) -> Reading:
    if reading.instrument not in ("percussion", "epic percussion", "low drums", "toms"):
        return reading
    for category, register in _REGISTERS:
        if words & register:
            kind = category.lower()
            if reading.instrument == "toms":
                return reading
            return Reading(kind, category, 0.9, f"it says percussion, {kind.split()[0]}")
    return reading


def _with_soloist(reading: Reading, words: frozenset[str]) -> Reading:
    if reading.instrument in _VOICES and words & _SOLOISTS:
        return Reading("solo voice", "Solo Vocals", 0.85, f"a {reading.instrument} singing alone")
    if reading.instrument == "violin" and words & {"section"}:
        return reading
    return reading
