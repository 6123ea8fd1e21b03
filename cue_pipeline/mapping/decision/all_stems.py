"""All stems in which a track is heard: a kit in a stem for each drum, a part in two at once.

The stem that was decided for a track stands; others are added where its notes are clearly heard
there too, and no leak: about as loud as where they are loudest, and not far below what else the
stem holds. Of a kit it is asked key by key, and what a stem is called counts: a kick drum belongs
in `Kick In` before any other. A key of which nothing is heard is in no stem.

People know better where a part is: one whose stem they gave against what is heard, in another than
the one in which it is heard best, is added to no other. Where they decided both of one track and of
another in which stem it is, the first is not added to the other's: of two parts in unison each is
heard in both stems, and they know which is which.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cue_pipeline.mapping.decision.result import STANDING, TrackMapping
from cue_pipeline.mapping.names.parsing import read_name

if TYPE_CHECKING:
    from pandas import DataFrame

COLUMNS: Final = ("midi_track_id", "audio_file_id", "share", "notes")

# A leak is a tenth of the power and less.
_LOUD_DB: Final = 8.0
_BESIDE_DB: Final = 12.0
_LEAST_SCORE: Final = 0.05  # the rise of a noise that moves with the notes has less
_LEAST_PART: Final = 0.2  # partial correlation: below it is chance
_PART_OF_BEST: Final = 0.6
# The fourth root of power: 8 dB are a factor of 0.63.
_LEVEL_OF_BEST: Final = 0.63
# Below it nothing tells whether a stem holds a key: of 33 keys of eight recorded kits, each in one
# stem, six have less, and so do keys that were left out of a kit.
_NO_PART: Final = 0.05
_NAMED: Final = 0.7  # what is asked of the sound, where the stem is called after the piece …
_MISNAMED: Final = 1.4  # … and where it is called after another one

_KEYS: Final[Mapping[str, frozenset[int]]] = {
    "kick": frozenset((35, 36)),
    "snare": frozenset((37, 38, 39, 40)),
    "toms": frozenset((41, 43, 45, 47, 48, 50)),
    "hi-hat": frozenset((42, 44, 46)),
    "kit cymbals": frozenset((49, 51, 52, 53, 55, 57, 59)),
}
"""Instruments of the lexicon, and the keys of General MIDI's percussion map that strike them."""


@dataclass(frozen=True)
class _OfPair:
    """What was heard of a track in one stem."""

    stem: int
    score: float
    part: float
    level_db: float
    beside_db: float
    kit_notes: list[tuple[int, float, float]]


def all_stems(
    mapped: Sequence[TrackMapping], evidence: "DataFrame | None", names: Mapping[int, str]
) -> "DataFrame":
    """Return the rows of ``track_stems``.

    Parameters
    ----------
    mapped : sequence of TrackMapping
        What was decided. A track that no stem holds has no row.
    evidence : DataFrame or None
        Rows of ``match_evidence``.
    names : mapping of int to str
        ``audio_files.id`` to the stem's name.

    Returns
    -------
    DataFrame
        Columns :data:`COLUMNS`; shares of a track add up to 1 where they were measured.
    """
    import pandas as pd

    heard = _heard(evidence)
    given = {track.audio_file_id for track in mapped if _is_given(track)}
    rows: list[tuple[int, int, float | None, list[int] | None]] = []
    for track in mapped:
        if track.audio_file_id is None:
            continue
        pairs = heard.get(track.midi_track_id, [])
        if _is_given(track):
            pairs = _as_given(track, pairs, given)
        kit = any(pair.kit_notes for pair in pairs)
        found = _of_kit(track, pairs, names) if kit else _of_part(track, pairs)
        rows += [(track.midi_track_id, *row) for row in found]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    table = table.astype({"midi_track_id": "int64", "audio_file_id": "int64", "share": "float64"})
    table["notes"] = pd.Series([row[3] for row in rows], dtype="object")
    return table


def _is_given(track: TrackMapping) -> bool:
    """Return whether a person decided the track's stem."""
    return track.method == "override" and track.audio_file_id is not None


def _as_given(
    track: TrackMapping, pairs: Sequence[_OfPair], given: Set[int | None]
) -> list[_OfPair]:
    """Return the pairs that do not contradict people: of a kit each piece is judged by itself."""
    best = max(pairs, key=lambda pair: pair.score, default=None)
    kit = any(pair.kit_notes for pair in pairs)
    against = best is not None and best.stem != track.audio_file_id and not kit
    return [
        pair
        for pair in pairs
        if pair.stem == track.audio_file_id or not (against or pair.stem in given)
    ]


def _heard(evidence: "DataFrame | None") -> dict[int, list[_OfPair]]:
    """Return what was heard of each track, stem by stem."""
    if evidence is None or not {"level_db", "kit_notes"} <= set(evidence):
        return {}
    judged = evidence[evidence["score"].notna()]
    loudest = judged.groupby("audio_file_id")["level_db"].max()
    out: dict[int, list[_OfPair]] = {}
    for row in judged.itertuples(index=False):
        of: Any = row
        part = of.onset_score if of.pitch_score != of.pitch_score else of.pitch_score
        out.setdefault(int(of.midi_track_id), []).append(
            _OfPair(
                int(of.audio_file_id),
                float(of.score),
                float(part or 0.0),
                float(of.level_db),
                float(of.level_db) - float(loudest[of.audio_file_id]),
                [(int(k), float(p), float(v)) for k, p, v in of.kit_notes or ()],
            )
        )
    return out


def _of_part(
    track: TrackMapping, pairs: Sequence[_OfPair]
) -> list[tuple[int, float | None, list[int] | None]]:
    """Return the stems of a track that is no kit of several keys, with shares of its power."""
    own = [pair for pair in pairs if pair.stem == track.audio_file_id]
    # Where the main stem is in doubt, so is every other.
    if not own or track.state not in STANDING:
        return [(int(track.audio_file_id or 0), None, None)]
    most = max(pair.part for pair in pairs)
    loudest = max(pair.level_db for pair in pairs)
    also = [
        pair
        for pair in pairs
        if pair.stem != track.audio_file_id
        and pair.score >= _LEAST_SCORE
        and pair.part >= max(_LEAST_PART, _PART_OF_BEST * most)
        and pair.level_db >= loudest - _LOUD_DB
        and pair.beside_db >= -_BESIDE_DB
    ]
    stems = [*own, *also]
    powers = [10 ** (pair.level_db / 10) for pair in stems]
    return [
        (pair.stem, power / sum(powers), None) for pair, power in zip(stems, powers, strict=True)
    ]


def _of_kit(
    track: TrackMapping, pairs: Sequence[_OfPair], names: Mapping[int, str]
) -> list[tuple[int, float | None, list[int] | None]]:
    """Return the stems of a kit, with the keys that are heard in each, and their share of all."""
    by_key: dict[int, dict[int, tuple[float, float]]] = {}
    for pair in pairs:
        for key, part, level in pair.kit_notes:
            by_key.setdefault(key, {})[pair.stem] = (part, level)
    main = int(track.audio_file_id or 0)
    heard: dict[int, list[int]] = {main: []}
    for key, of_stems in sorted(by_key.items()):
        for stem in _stems_of_key(key, of_stems, names):
            heard.setdefault(stem, []).append(key)
    if _is_given(track) and not heard[main]:
        return [(main, 1.0, None)]  # people know better than an ear that hears no key of it there
    if len(heard) == 1:
        return [(main, 1.0, _keys_heard(by_key, main))]
    total = sum(len(keys) for keys in heard.values())
    return [
        (stem, len(keys) / total, None if len(keys) == len(by_key) else keys)
        for stem, keys in heard.items()
    ]


def _keys_heard(
    by_key: Mapping[int, Mapping[int, tuple[float, float]]], stem: int
) -> list[int] | None:
    """Return the keys that are heard in the one stem of a kit; None: all of them, rare ones too."""
    left = []
    for key, of_stems in by_key.items():
        part, _ = of_stems.get(stem, (1.0, 1.0))
        if part >= _NO_PART:
            left.append(key)
    return sorted(left) if 0 < len(left) < len(by_key) else None


def _stems_of_key(
    key: int, of_stems: Mapping[int, tuple[float, float]], names: Mapping[int, str]
) -> list[int]:
    """Return the stems in which one key of a kit is heard."""
    most = max(part for part, _ in of_stems.values())
    out = []
    for stem, (part, level) in of_stems.items():
        asked = _asked(key, names.get(stem, ""))
        enough = part >= asked * max(_LEAST_PART, _PART_OF_BEST * most)
        if enough and level >= min(asked * _LEVEL_OF_BEST, 1.0):
            out.append(stem)
    return out


def _asked(key: int, name: str) -> float:
    """Return by how much more or less is asked of the sound, by what the stem is called."""
    pieces = {meaning.instrument for meaning in read_name(name).meanings} & _KEYS.keys()
    if not pieces:
        return 1.0
    return _NAMED if any(key in _KEYS[piece] for piece in pieces) else _MISNAMED
