"""Whether notes on channel 10 are strokes on a drum kit, or a melody that only stands there.

Sequencers that number their tracks put the tenth on channel 10, and a bass line has the keys of
bass drums, snares and toms. What tells them apart is how the notes follow each other: a kit strikes
several things at once, and lets go of them whenever; a line has one note at a time, which lasts to
the next.

References
----------
General MIDI 1 (RP-003): a kit has the keys 35 to 81. GM 2 (RP-024) and Roland GS: 27 to 88, of
which 27 to 34 are clicks, scratches and sticks.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from cue_pipeline.midi.events import Int64Array

# Keys that some kit has a drum on.
_KIT_KEYS: Final = (27, 88)
_OFF_KIT: Final = 0.1
# Below are no drums, and few parts use more than one of the clicks that are there.
_LOWEST_DRUM, _MOST_CLICKS, _BELOW_DRUMS = 35, 2, 0.15
# Bass drum to cymbals; hand percussion lies above, and a part of it uses few keys.
_HIGHEST_OF_KIT, _MOST_HAND_PERCUSSION = 59, 8
# Bass drums, snares, toms, hi-hats and cymbals: most strokes of any kit. A melody passes few.
_KIT_CORE: Final = (*range(35, 47), 49, 51, 53, 57, 59)
_FEWEST_ON_CORE, _FEWEST_STROKES = 0.35, 20
_TOMS: Final = frozenset({41, 43, 45, 47, 48, 50})
_MAJOR_SCALE: Final = frozenset({0, 2, 4, 5, 7, 9, 11})
# A line: so many notes and keys, and nearly all by themselves.
_FEWEST_OF_LINE, _FEWEST_KEYS, _ALONE = 12, 5, 0.95
_AT_ONCE: Final = 0.125  # of the usual time between notes
_FILLED, _OVERLAPPING = 0.6, 1.1  # of the time to the next note
# Fills run down the toms and begin again at the top; a line rises by steps too.
_FEWEST_TOMS, _STEP, _RISING = 4, 5, 0.25
_DRUMS: Final = re.compile(
    r"(?<![a-z])(drums?|drum ?(kit|set)|kit|tom( ?tom)?s?|perc(?!\w* ?org)|percussion|percussao|"
    r"percusion|percussioni|schlagzeug|schlagwerk|batterie|batteria|bateria|perkusja|bici)(?![a-z])"
    r"|ドラム|タム|鼓|드럼|ударн|барабан"
)
_TWO_PACES, _OF_EACH = 1.4, 0.15


@dataclass(frozen=True, slots=True)
class Strokes:
    """Note-ons of one part on channel 10, ascending in time, and its note-offs.

    Attributes
    ----------
    tick, pitch : np.ndarray, shape=(n_notes,)
    off_tick, off_pitch : np.ndarray, shape=(n_offs,)
    """

    tick: Int64Array
    pitch: Int64Array
    off_tick: Int64Array
    off_pitch: Int64Array


def why_no_kit(strokes: Strokes) -> str | None:
    """Return why notes are no drums, as a predicate; None where they may well be."""
    pitch = strokes.pitch
    low, high = _KIT_KEYS
    off = int(((pitch < low) | (pitch > high)).sum())
    if off > _OFF_KIT * len(pitch):
        return f"lie outside every drum kit's keys ({off} of {len(pitch)})"
    keys = np.unique(pitch)
    below = int((pitch < _LOWEST_DRUM).sum())
    if int((keys < _LOWEST_DRUM).sum()) > _MOST_CLICKS and below > _BELOW_DRUMS * len(pitch):
        return f"lie below a kit's bass drum ({below} of {len(pitch)} are lower than key 35)"
    if int(keys[0]) > _HIGHEST_OF_KIT and len(keys) > _MOST_HAND_PERCUSSION:
        return f"are {len(keys)} pitches of {int(keys[0])} and above, none of a drum kit"
    on_core = int(np.isin(pitch, _KIT_CORE).sum())
    many = len(keys) > _MOST_HAND_PERCUSSION and len(pitch) >= _FEWEST_STROKES
    if many and on_core < _FEWEST_ON_CORE * len(pitch):
        return (
            f"are {len(keys)} pitches of {int(keys[0])} to {int(keys[-1])}, {on_core} of "
            f"{len(pitch)} where kits have drums, hi-hats and cymbals"
        )
    if not _TOMS.issuperset(keys.tolist()) and _is_line(strokes) and _is_sustained(strokes):
        return f"are a line of {len(keys)} pitches, one at a time and each held to the next"
    return None


def why_in_doubt(strokes: Strokes) -> str | None:
    """Return why notes that may be drums may as well be a melody, None where they hardly are."""
    if not _is_line(strokes):
        return None
    keys = np.unique(strokes.pitch)
    if _TOMS.issuperset(keys.tolist()):
        return _why_no_toms(strokes, len(keys))
    if not any(_MAJOR_SCALE.issuperset(((keys - root) % 12).tolist()) for root in range(12)):
        return None
    return f"are {len(keys)} pitches of one scale, one at a time"


def _why_no_toms(strokes: Strokes, n_keys: int) -> str | None:
    """Return why notes on toms' keys alone may be a melody, None where they hardly are."""
    moves = np.diff(strokes.pitch)
    moves = moves[moves != 0]
    if ((moves > 0) & (moves <= _STEP)).mean() < _RISING:
        return None
    gaps, held = np.diff(strokes.tick), _lengths(strokes)[:-1]
    known = (gaps > 0) & (held > 0)
    if not known.any():
        return None
    filling = held[known] / gaps[known]
    is_held = (filling >= _FILLED).mean() >= _ALONE - 0.15
    if is_held or (_paces_differ(gaps[known]) and _alike(filling)):
        return f"are {n_keys} pitches of one scale, one at a time and as long as their pace has it"
    return None


def _paces_differ(gaps: Int64Array) -> bool:
    slow, fast = gaps >= _TWO_PACES * np.median(gaps), gaps * _TWO_PACES <= np.median(gaps)
    return bool(max(slow.mean(), fast.mean()) >= _OF_EACH)


def _alike(filling: npt.NDArray[np.float64]) -> bool:
    """Whether nearly all of some ratios are within a fifth of each other."""
    middle = np.median(filling)
    return bool((np.abs(filling / middle - 1) <= 0.2).mean() >= _ALONE - 0.15)


def names_drums(names: Iterable[str]) -> bool:
    """Whether a name says that its part is drums, so that nothing has to be doubted."""
    return any(_DRUMS.search(_plain(name)) for name in names)


def _plain(name: str) -> str:
    marked = unicodedata.normalize("NFKD", name.casefold())
    latin = "".join(c for c in marked if not "\u0300" <= c <= "\u036f")
    return unicodedata.normalize("NFC", latin)


def _is_line(strokes: Strokes) -> bool:
    """Return whether notes come one at a time, on more keys than a piece of a kit has."""
    keys = set(strokes.pitch.tolist())
    fewest = _FEWEST_TOMS if keys <= _TOMS else _FEWEST_KEYS
    if len(strokes.tick) < _FEWEST_OF_LINE or len(keys) < fewest:
        return False
    gaps = np.diff(strokes.tick)
    sounding = gaps[gaps > 0]
    if not len(sounding):
        return False
    return bool((gaps > _AT_ONCE * np.median(sounding)).mean() >= _ALONE)


def _is_sustained(strokes: Strokes) -> bool:
    """Return whether notes last as long as it is to the next, at two paces at least.

    At one pace, pads and drum machines write notes of one length too.
    """
    gaps = np.diff(strokes.tick)
    held = _lengths(strokes)[:-1]
    known = (gaps > 0) & (held >= 0)
    if not known.any():
        return False
    gaps, held = gaps[known], held[known]
    filled = (held >= _FILLED * gaps) & (held <= _OVERLAPPING * gaps)
    slow = gaps >= _TWO_PACES * np.median(gaps)
    fast = gaps * _TWO_PACES <= np.median(gaps)
    paces = [pace for pace in (slow, ~(slow | fast), fast) if pace.mean() >= _OF_EACH]
    return len(paces) > 1 and all(filled[pace].mean() >= _ALONE - 0.15 for pace in paces)


def _lengths(strokes: Strokes) -> Int64Array:
    """Return how long each note is held; −1 where nothing ends it."""
    found = np.full(len(strokes.tick), -1, dtype=np.int64)
    for key in np.unique(strokes.pitch):
        mine = np.flatnonzero(strokes.pitch == key)
        offs = strokes.off_tick[strokes.off_pitch == key]
        at = np.searchsorted(offs, strokes.tick[mine], side="right")
        ended = at < len(offs)
        found[mine[ended]] = offs[at[ended]] - strokes.tick[mine[ended]]
    return found
