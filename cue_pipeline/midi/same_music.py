"""Which MIDI files of a cue hold the same music, and which of them counts.

The same bytes are the same file. The same notes, on tracks of the same names, are the same music
exported again; most of them, an older version of it, or a part taken out of it. Two instruments in
unison have the same notes too, but their tracks are named otherwise, or their files where these are
one track each, without a name or of other notes.

The same music may stand there in disguise: merged into one track, with tracks of other names,
quantised, rounded to fewer ticks, or transposed. Such files are held against each other without
names or pitches, or with some play in time, and then nearly all of both has to be the same.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from cue_pipeline.midi.reader import MidiFile

Note = tuple[str, int, int, int]
"""Track's name, channel, pitch, and start in 1/960 of a quarter."""

_GRID = 960
_FEWEST_NOTES = 8  # that a few notes are the same may be chance
_MOST = 0.5  # of the notes of both: a version
_NEARLY_ALL = 0.9  # of the smaller one's: it is a part of the other
_DISGUISED = 0.9  # of the larger one's
_ENOUGH_NOTES, _ENOUGH_TRACKS = 20, 3  # for which that is no chance, and no unison
_PLAY = _GRID // 16  # what quantising moves

_ONCE = "counted once, there"

_OLD = re.compile(
    r"(?<![a-z])(?:old|older|copy|kopie|copie|copia|backup|bak|dup\d*)(?![a-z])|\(\d+\)",
    re.IGNORECASE,
)
_VERSION = re.compile(r"(?<![a-z])(?:v|ver|version|rev)[ ._-]?(\d+(?:[._]\d+)*)", re.IGNORECASE)
_DATE = re.compile(r"(?<!\d)((?:19|20)\d\d)[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12]\d|3[01])(?!\d)")


@dataclass(frozen=True, slots=True)
class Repeat:
    """That a file repeats another one.

    Attributes
    ----------
    of : str
        The file that counts in its place.
    told : str
        How that is known, and what follows, in words.
    unsure : bool
        The two differ, and nothing says which is the newer.
    """

    of: str
    told: str
    unsure: bool = False


@dataclass(frozen=True, slots=True)
class _Music:
    """What two files are compared by.

    ``alone``: all notes are on one track; ``unnamed``: on tracks without a name; ``n_tracks``: so
    many have notes.
    """

    digest: str | None
    notes: Counter[Note]
    tempos: tuple[tuple[float, int], ...]
    alone: bool
    unnamed: bool
    n_tracks: int


def _music(file: MidiFile, digest: str | None) -> _Music:
    clock = file.sequences[0]
    tempos = tuple((tick / file.ticks_per_beat, micros) for _, tick, micros in clock.tempo_map)
    sounding = np.unique(file.messages.track[(file.messages.status & 0xF0) == 0x90])
    return _Music(
        digest,
        Counter(_notes(file)),
        tempos if clock.writes_tempo else (),
        alone=len(sounding) == 1,
        unnamed=not any(file.tracks[i].name for i in sounding),
        n_tracks=len(sounding),
    )


def repeated_files(
    files: Mapping[str, MidiFile], digests: Mapping[str, str | None]
) -> dict[str, Repeat]:
    """Return the files of a cue whose music another of them holds.

    Parameters
    ----------
    files : mapping of str to MidiFile
        By path, in natural order.
    digests : mapping of str to str
        SHA-256 of their bytes.
    """
    if len(files) < 2:
        return {}
    music = {path: _music(file, digests.get(path)) for path, file in files.items()}
    repeats: dict[str, Repeat] = {}
    # The best first: what is left to look at is then always the lesser of two.
    order = sorted(files, key=lambda path: _standing(path, music[path]), reverse=True)
    for i, path in enumerate(order):
        for better in order[:i]:
            if better in repeats:
                continue
            repeat = _repeat(path, better, music)
            if repeat is not None:
                repeats[path] = repeat
                break
    return repeats


def _repeat(path: str, other: str, music: Mapping[str, _Music]) -> Repeat | None:
    mine, theirs = music[path], music[other]
    if mine.digest is not None and mine.digest == theirs.digest:
        return Repeat(other, f"the very file '{other}' again: {_ONCE}")
    if not mine.notes or not theirs.notes:
        return None
    lone = mine.alone and theirs.alone and not _like(path, other)
    if lone and (mine.notes != theirs.notes or mine.unnamed):
        return None
    return _openly(other, path, mine, theirs) or _disguised(other, path, mine, theirs)


def _openly(other: str, path: str, mine: _Music, theirs: _Music) -> Repeat | None:
    """Return the repeat of notes of the same names at the same places."""
    n_mine, n_theirs = mine.notes.total(), theirs.notes.total()
    common = _in_common(mine.notes, theirs.notes)
    smaller, larger = sorted((n_mine, n_theirs))
    all_the_same = common == larger
    if not all_the_same and common < _FEWEST_NOTES:
        return None
    if common < _MOST * larger:
        if n_mine > n_theirs or common < _NEARLY_ALL * smaller:
            return None
        told = f"{_stand(common, n_mine)} in '{other}' ({n_theirs})"
        return Repeat(other, f"a part of another file, {told}: {_ONCE}")
    if all_the_same and mine.tempos == theirs.tempos:
        return Repeat(other, f"the same notes as '{other}': {_ONCE}")
    if all_the_same:
        return _version(other, path, "with the same notes at other tempos")
    return _version(other, path, f"{_stand(common, n_mine)} there ({n_theirs})")


def _stand(common: int, of: int) -> str:
    return f"{common} of its {of} note{'s' * (of != 1)} stand{'s' * (common == 1)}"


def _version(other: str, path: str, how: str) -> Repeat:
    known = _named_order(path) != _named_order(other)
    told = f"{'an older' if known else 'another'} version of '{other}', {how}: only that counts"
    if not known:
        told += ". Neither name says which is the newer: keep the one that was recorded"
    return Repeat(other, told, unsure=not known)


def _disguised(other: str, path: str, mine: _Music, theirs: _Music) -> Repeat | None:
    """Return the repeat of nearly all notes under other names, at other places or pitches."""
    smaller, larger = sorted((mine.notes.total(), theirs.notes.total()))
    if smaller < max(_ENOUGH_NOTES, _DISGUISED * larger):
        return None

    def nearly_all(key: Callable[[Note], Hashable]) -> bool:
        return _nearly_in_common(mine.notes, theirs.notes, key) >= _DISGUISED * larger

    if nearly_all(lambda note: note[:3]):
        return _version(other, path, "with nearly the same notes, a little earlier or later")
    alike = _like(path, other)
    if mine.alone and theirs.alone and _named_order(path) == _named_order(other):
        return None  # 'Horn (1)' and 'Horn (2)' are two horns in unison
    merged = mine.alone != theirs.alone
    several = min(mine.n_tracks, theirs.n_tracks) >= _ENOUGH_TRACKS
    if (alike or merged or several) and nearly_all(lambda note: note[2]):
        if merged:
            return Repeat(other, f"the notes of '{other}' on one track: {_ONCE}")
        return _version(other, path, "with nearly the same notes on tracks of other names")
    if alike and nearly_all(lambda note: note[:2]):
        return _version(other, path, "with the same rhythms at other pitches")
    return None


def _nearly_in_common(a: Counter[Note], b: Counter[Note], key: Callable[[Note], Hashable]) -> int:
    """Return how many notes of one key lie close together in both, each matched once."""
    first = [min(note[3] for note in notes) for notes in (a, b)]
    places_a, places_b = _places(a, key, 0), _places(b, key, 0)
    best = _pairs(places_a, places_b)
    if abs(first[0] - first[1]) > _PLAY:
        best = max(best, _pairs(places_a, _places(b, key, first[0] - first[1])))
    return best


def _places(
    notes: Counter[Note], key: Callable[[Note], Hashable], later: int
) -> dict[Hashable, list[int]]:
    places: defaultdict[Hashable, list[int]] = defaultdict(list)
    for note, n in notes.items():
        places[key(note)] += [note[3] + later] * n
    return {of: sorted(starts) for of, starts in places.items()}


def _pairs(a: Mapping[Hashable, list[int]], b: Mapping[Hashable, list[int]]) -> int:
    n = 0
    for of in a.keys() & b.keys():
        mine, theirs = a[of], b[of]
        i = j = 0
        while i < len(mine) and j < len(theirs):
            if abs(mine[i] - theirs[j]) <= _PLAY:
                n, i, j = n + 1, i + 1, j + 1
            elif mine[i] < theirs[j]:
                i += 1
            else:
                j += 1
    return n


def _like(path: str, other: str) -> bool:
    """Return whether two files have one name, but for version, date and copy."""
    return _bare_name(path) == _bare_name(other)


def _bare_name(path: str) -> str:
    name = PurePosixPath(path).stem
    for mark in (_DATE, _VERSION, _OLD):
        name = mark.sub(" ", name)
    return re.sub(r"[\W_]+", " ", name).strip().casefold()


def _in_common(a: Counter[Note], b: Counter[Note]) -> int:
    """Return how many notes are in both, also where one begins later as a whole."""
    best = (a & b).total()
    first_a, first_b = (min(note[3] for note in notes) for notes in (a, b))
    if first_a != first_b:
        later = first_b - first_a
        moved = Counter({(*note[:3], note[3] + later): n for note, n in a.items()})
        best = max(best, (moved & b).total())
    return best


def _notes(file: MidiFile) -> Iterable[Note]:
    m = file.messages
    on = np.flatnonzero(((m.status & 0xF0) == 0x90) & (m.data2 > 0))
    names = [track.name for track in file.tracks]
    # Integers: what is the same at two resolutions must come out the same.
    at = (2 * m.tick[on] * _GRID + file.ticks_per_beat) // (2 * file.ticks_per_beat)
    columns = (m.track[on], m.status[on] & 0x0F, m.data1[on], at)
    for track, channel, pitch, start in zip(*(c.tolist() for c in columns), strict=True):
        yield names[track], channel, pitch, start


def _standing(path: str, music: _Music) -> tuple[object, ...]:
    """Return what the better of two files has more of: newer name, tempo, notes, tracks."""
    name = PurePosixPath(path).name
    return (
        *_named_order(path),
        bool(music.tempos),
        music.notes.total(),
        music.n_tracks,
        -len(name),
    )


def _named_order(path: str) -> tuple[bool, tuple[int, ...], str]:
    name = PurePosixPath(path).stem
    version = _VERSION.search(name)
    date = _DATE.search(name)
    return (
        _OLD.search(name) is None,
        tuple(int(part) for part in re.split(r"[._]", version[1])) if version else (),
        "".join(date.groups()) if date else "",
    )
