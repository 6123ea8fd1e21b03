"""Stems and mixes found by what is known of them, and by how much they are like another.

Conventions
-----------
A cue's tempo is the median over the time of its longest MIDI file: for half of the time it is no
slower, and for half no faster. Its meters and keys are all that its files write.
Keys are those of key signatures, which composers often leave out: a cue without any is in none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from cue_pipeline.audio.features.downmix import LO, PREFIX, RO
from cue_pipeline.audio.features.shipped import SHIPPED, load_shipped
from cue_pipeline.errors import NotReadyError, UnknownNameError, WarehouseError, closest
from cue_pipeline.warehouse.search_rows import (
    ScoreRow,
    SoundRow,
    read_kinds,
    read_scores,
    read_sounds,
)

if TYPE_CHECKING:
    from cue_pipeline.reading.one_cue import Cue
    from cue_pipeline.reading.spectrogram import Feature, Mel
    from cue_pipeline.reading.stem import Mix, Stem
    from cue_pipeline.reading.whole_library import Library
    from cue_pipeline.warehouse.features import Kind

Range = tuple[float, float]

_MAJOR = ("Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#")
_MINOR = ("Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#", "G#", "D#", "A#")
_KEY = re.compile(r"([A-G])\s*(#|b|sharp|flat|♯|♭)?\s*(major|minor|maj|min|m)?", re.IGNORECASE)
_SIGNS = {"sharp": "#", "♯": "#", "flat": "b", "♭": "b", "": ""}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for; what is not said is not asked.

    Attributes
    ----------
    kind : {"stem", "mix"}
    words : sequence of str
        Each is in the cue's key or in the sound's name, in any case.
    category : str or None
        Of a stem's instruments.
    seconds, lufs, tempo : tuple of float or None
        Least and most: of the sound's length, its integrated loudness, the cue's quarters a minute,
        each end of these as a MIDI file rounds it.
    meter : str or None
        ``3/4``: one that the cue has anywhere.
    key : str or None
        ``D minor``, ``Bb``: a key signature that the cue has anywhere.
    """

    kind: Kind = "stem"
    words: Sequence[str] = ()
    category: str | None = None
    seconds: Range | None = None
    lufs: Range | None = None
    tempo: Range | None = None
    meter: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A stem or a mix that is what was asked for.

    Attributes
    ----------
    tempo : float or None
        Quarters a minute; None: no MIDI file of the cue could be read.
    tempo_doubt : str or None
        Why that is in doubt.
    meters, keys : tuple of str
        Of the cue, in the order in which they come.
    likeness : float or None
        -1 to 1, where it was looked for by an example: the cosine of both vectors.
    """

    cue_key: str
    name: str
    category: str | None
    seconds: float
    lufs: float | None
    tempo: float | None = None
    tempo_doubt: str | None = None
    meters: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    likeness: float | None = None


@dataclass(slots=True)
class Likest:
    """What is like an example, the likest first.

    Attributes
    ----------
    found : list of Found
    left_out : dict of str to str
        Sounds that could not be compared, and why.
    """

    found: list[Found] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


def search(library: Library, wanted: Wanted) -> list[Found]:
    """Return what is as asked, by cue and name.

    Raises
    ------
    UnknownNameError
        If the key or the meter is none.
    MappingError
        If the category is none; says the closest.
    """
    from cue_pipeline.mapping.people.track_keys import category_meant

    fits = _of_score(wanted)
    category = None if wanted.category is None else category_meant(wanted.category)
    scores = {cue: _score(files) for cue, files in read_scores(library.store).items()}
    sounds = read_sounds(library.store, wanted.kind, category=category, seconds=wanted.seconds)
    found = [
        _found(row, scores.get(row.cue_id, _Score()))
        for row in sounds
        if _named(row, wanted.words) and _within(row.lufs, wanted.lufs)
    ]
    return sorted((f for f in found if fits(f)), key=lambda f: (f.cue_key, f.name))


def likest(
    library: Library, wanted: Wanted, cue_key: str, name: str, *, by: str = "embedding"
) -> Likest:
    """Return what is as asked, in the order of its likeness to an example.

    Parameters
    ----------
    library : Library
    wanted : Wanted
    cue_key, name : str
        Of the example, a sound of the kind that is asked for; it is not among what is found.
    by : str
        Kind of feature whose mean over time is compared, by the cosine; ``mel`` is one. Of
        ``downmix.KIND`` that is the mean of Lo and Ro.

    Raises
    ------
    UnknownNameError
        If there is no such cue or sound.
    WarehouseError
        If that has no such feature, or one that cannot be compared.
    """
    cue_at = cache(library.__getitem__)  # each has many sounds
    compared = _sound(cue_at(cue_key), wanted.kind, name)
    _refuse_kind(library, wanted.kind, by)
    example = _mean(compared, by)
    if example.size == 1:
        raise _no_vector(library, wanted.kind, by, "its frames are single numbers")
    said = Likest()
    for found in search(library, wanted):
        if (found.cue_key, found.name) == (compared.cue.key, compared.name):
            continue
        try:
            vector = _mean(_sound(cue_at(found.cue_key), wanted.kind, found.name), by)
        except (NotReadyError, WarehouseError) as e:
            said.left_out[f"{found.cue_key}: {found.name}"] = str(e)
            continue
        if vector.shape != example.shape:
            why = f"its '{by}' has {vector.size} columns, that of the example {example.size}"
            said.left_out[f"{found.cue_key}: {found.name}"] = why
            continue
        said.found.append(replace(found, likeness=_cosine(example, vector)))
    said.found.sort(key=lambda f: -(f.likeness or 0.0))
    return said


def _refuse_kind(library: Library, kind: Kind, by: str) -> None:
    """Refuse a kind of feature that nothing can be compared by."""
    why = _why_no_vector(by)
    if why is not None:
        raise _no_vector(library, kind, by, why)
    if by in read_kinds(library.store, kind):
        return
    raise WarehouseError(
        f"No {kind} of the library has '{by}'. {_made_by(by)}{_comparable(library, kind)}"
    )


def _why_no_vector(by: str) -> str | None:
    return load_shipped(by).no_vector if by in SHIPPED else None


def _made_by(by: str) -> str:
    """Return what makes a kind of feature; of none that ships, what may be meant."""
    if by not in SHIPPED:
        close = closest(by, ("mel", *SHIPPED), 1)
        return f"Did you mean '{close[0]}'? " if close else ""
    model = " and a model of yours as CUE_EMBEDDING_MODEL" if by.endswith("embedding") else ""
    return f"Run `cue-pipeline process BASE_DIR` with '{by}' in CUE_FEATURES{model} to make it. "


def _no_vector(library: Library, kind: Kind, by: str, why: str) -> WarehouseError:
    return WarehouseError(
        f"Sounds cannot be compared by '{by}': {why}, which make no vector. "
        f"{_comparable(library, kind)}"
    )


def _comparable(library: Library, kind: Kind) -> str:
    kinds = read_kinds(library.store, kind)
    there = [name for name in kinds if _why_no_vector(name) is None]
    if not there:
        return "The library has nothing else to compare by."
    return f"The library can be searched by (--by) {', '.join(there)}."


def _sound(cue: Cue, kind: Kind, name: str) -> Stem | Mix:
    return cue.stems[name] if kind == "stem" else cue.mixes[name]


def _mean(sound: Stem | Mix, by: str) -> np.typing.NDArray[np.float64]:
    read: list[Mel | Feature]
    if by == "mel":
        read = [sound.mel()]
    elif by.startswith(PREFIX):
        read = [sound.feature(by, channel) for channel in (LO, RO)]
    else:
        read = [sound.feature(by)]
    frames = np.concatenate([np.asarray(feature, np.float64) for feature in read])
    known = frames[~np.isnan(frames).any(axis=1)]
    if not len(known):
        raise WarehouseError(
            f"'{by}' of '{sound.name}' of cue '{sound.cue.key}' has no frame with a value."
        )
    return np.asarray(known.mean(axis=0))


def _cosine(a: np.typing.NDArray[np.float64], b: np.typing.NDArray[np.float64]) -> float:
    lengths = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / lengths if lengths else 0.0


@dataclass(frozen=True, slots=True)
class _Score:
    tempo: float | None = None
    doubt: str | None = None
    meters: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


def _score(files: Sequence[ScoreRow]) -> _Score:
    main = max(files, key=lambda file: file.seconds)
    return _Score(
        _median_tempo(main),
        main.doubt,
        _each(f"{n}/{d}" for file in files for _, _, n, d in file.time_signatures),
        _each(_key_name(fifths, mode) for f in files for _, _, fifths, mode in f.key_signatures),
    )


def _each(names: Iterator[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _median_tempo(file: ScoreRow) -> float | None:
    """Return the quarters a minute that stand in the middle, each for as long as it holds."""
    times = [float(change[0]) for change in file.tempo_map]
    if not times:
        return None
    ends = [*times, max(file.seconds, times[-1])]
    held: list[tuple[float, float]] = sorted(
        (60e6 / float(change[2]), end - begin)
        for change, (begin, end) in zip(file.tempo_map, pairwise(ends), strict=True)
    )
    half, gone = sum(seconds for _, seconds in held) / 2.0, 0.0
    for tempo, seconds in held:
        gone += seconds
        if gone >= half:
            return tempo
    return held[-1][0]


def _key_name(fifths: int, mode: str) -> str:
    names = _MINOR if mode == "minor" else _MAJOR
    return f"{names[fifths + 7]} {mode}" if -7 <= fifths <= 7 else f"{fifths} fifths {mode}"


def _asked_keys(key: str) -> frozenset[str]:
    """Return the names of keys that are meant: of a tonic alone, major and minor."""
    said = _KEY.fullmatch(key.strip())
    if said is None:
        raise UnknownNameError(f"'{key}' is no key: write 'D minor', 'Bb major', 'F#'.")
    sign = (said[2] or "").lower()
    tonic = said[1].upper() + _SIGNS.get(sign, sign)
    mode = said[3] or ""
    # 'm' is minor, 'M' is major, in any case of what else is written.
    minor = mode == "m" or mode.lower() in ("min", "minor")
    modes = ["major", "minor"] if not mode else ["minor" if minor else "major"]
    return frozenset(f"{tonic} {mode}" for mode in modes)


def _of_score(wanted: Wanted) -> Callable[[Found], bool]:
    """Return what tells whether the score of a cue is as asked."""
    keys = _asked_keys(wanted.key) if wanted.key else frozenset()
    meter = wanted.meter
    tempo = wanted.tempo and (_as_midi_rounds(wanted.tempo[0]), _as_midi_rounds(wanted.tempo[1]))
    if meter is not None and not re.fullmatch(r"\d+/\d+", meter):
        raise UnknownNameError(f"'{meter}' is no meter: write '3/4'.")
    return lambda found: (
        _within(found.tempo, tempo)
        and (meter is None or meter in found.meters)
        and (not keys or bool(keys & set(found.keys)))
    )


def _as_midi_rounds(tempo: float) -> float:
    """Return a tempo as a MIDI file can say it: a quarter is a whole number of microseconds."""
    slowest, fastest = 60e6 / 0xFFFFFF, 60e6
    return 60e6 / round(60e6 / tempo) if slowest <= tempo <= fastest else tempo


def _named(row: SoundRow, words: Sequence[str]) -> bool:
    name = f"{row.cue_key} {row.name}".casefold()
    return all(word.casefold() in name for word in words)


def _within(value: float | None, wanted: Range | None) -> bool:
    return wanted is None or (value is not None and wanted[0] <= value <= wanted[1])


def _found(row: SoundRow, score: _Score) -> Found:
    return Found(
        row.cue_key, row.name, row.category, row.seconds, row.lufs,
        score.tempo, score.doubt, score.meters, score.keys,
    )  # fmt: skip
