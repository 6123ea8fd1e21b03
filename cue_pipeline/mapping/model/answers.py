"""A model's answer, read as what it is: text from outside that may hold anything.

Every entry is validated by itself, so that one wrong index costs one track and not the cue.
Where the model wrote a name instead of an index, thefuzz finds which it meant, or it is no
answer.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from cue_pipeline.mapping.categories import INSTRUMENT_CATEGORIES

# A name in place of an index must be this much like the one it stands for (0…100).
NAME_THRESHOLD: Final = 80
# Of a model that gave no confidence: it was sure enough to say it, no more is known.
UNSTATED_CONFIDENCE: Final = 0.7
# Entries for one track or group beyond which a list is no answer, and not read.
_MOST_TIMES: Final = 8
_FEW: Final = 8
_CATEGORY_BY_FOLDED: Final = {c.casefold(): c for c in INSTRUMENT_CATEGORIES}


def _no_truth_value(value: Any) -> Any:
    # JSON's true would be read as index 1.
    if isinstance(value, bool):
        raise ValueError("an index is a number")
    return value


def _share(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return UNSTATED_CONFIDENCE
    if math.isnan(number):
        return UNSTATED_CONFIDENCE
    # 95 is meant as 95 %.
    return min(1.0, max(0.0, number / 100 if 1 < number <= 100 else number))


def _listed_category(value: Any) -> str | None:
    return _CATEGORY_BY_FOLDED.get(value.strip().casefold()) if isinstance(value, str) else None


_Index = Annotated[int | str, BeforeValidator(_no_truth_value)]
_Category = Annotated[str | None, BeforeValidator(_listed_category)]


class _TrackEntry(BaseModel):
    model_config = ConfigDict(extra="ignore")

    track: _Index
    group: Annotated[int | str | None, BeforeValidator(_no_truth_value)]
    category: _Category = None
    confidence: Annotated[float, BeforeValidator(_share)] = UNSTATED_CONFIDENCE


class _GroupEntry(BaseModel):
    model_config = ConfigDict(extra="ignore")

    group: _Index
    category: _Category = None


@dataclass(frozen=True, slots=True)
class TrackAnswer:
    """What the model says of one track: group position or None, category or None, confidence."""

    group: int | None
    category: str | None
    confidence: float


@dataclass(slots=True)
class ReadAnswer:
    """The usable parts of one answer, and what was wrong with the rest.

    Attributes
    ----------
    tracks : dict of int to TrackAnswer
    groups : dict of int to str
        Categories by group.
    faults : list of str
        For people, and for asking again.
    """

    tracks: dict[int, TrackAnswer] = field(default_factory=dict)
    groups: dict[int, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def read_answer(
    text: str | None, track_names: Mapping[int, str], group_names: Mapping[int, str]
) -> ReadAnswer:
    """Return what of `text` can be used.

    Parameters
    ----------
    text : str or None
        The message's content as the server sent it.
    track_names, group_names : mapping of int to str
        The indices that were asked about, with their names.
    """
    answer = ReadAnswer()
    data = _json_object(text)
    if data is None:
        answer.faults.append("the answer is not a JSON object")
        return answer
    contradicted: set[int] = set()
    for entry in _entries(data, "tracks", answer, len(track_names)):
        _read_track(entry, track_names, group_names, answer, contradicted)
    for index in contradicted:
        answer.tracks.pop(index, None)
        answer.faults.append(f"track {index} is given two groups")
    for entry in _entries(data, "groups", answer, len(group_names)):
        _read_group(entry, group_names, answer)
    missing = len(track_names) - len(answer.tracks)
    if missing and not answer.faults:
        answer.faults.append(f"{missing} tracks have no usable entry")
    return answer


def _json_object(text: str | None) -> dict[str, Any] | None:
    """Return the outermost JSON object of `text`: models put prose and fences around it."""
    if not text:
        return None
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        return None
    try:
        data = json.loads(text[start : end + 1])
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _entries(data: dict[str, Any], key: str, answer: ReadAnswer, n_asked: int) -> list[Any]:
    entries = data.get(key)
    if isinstance(entries, list) and len(entries) <= _MOST_TIMES * max(n_asked, _FEW):
        return entries
    if isinstance(entries, list):
        answer.faults.append(f"'{key}' lists {len(entries)} entries where {n_asked} were asked for")
    elif key == "tracks":
        answer.faults.append("'tracks' is not a list")
    return []


def _read_track(
    entry: Any,
    track_names: Mapping[int, str],
    group_names: Mapping[int, str],
    answer: ReadAnswer,
    contradicted: set[int],
) -> None:
    try:
        read = _TrackEntry.model_validate(entry)
    except (ValidationError, RecursionError):
        answer.faults.append("an entry of 'tracks' has not the shape asked for")
        return
    track = _index(read.track, track_names)
    if track is None:
        answer.faults.append(f"{_quoted(read.track)} is no track of this cue")
        return
    group = None if read.group is None else _index(read.group, group_names)
    if read.group is not None and group is None:
        answer.faults.append(f"track {track}: {_quoted(read.group)} is no group of this cue")
        return
    before = answer.tracks.get(track)
    if before is not None and before.group != group:
        contradicted.add(track)
    answer.tracks[track] = TrackAnswer(group, read.category, read.confidence)


def _read_group(entry: Any, group_names: Mapping[int, str], answer: ReadAnswer) -> None:
    try:
        read = _GroupEntry.model_validate(entry)
    except (ValidationError, RecursionError):
        return
    group = _index(read.group, group_names)
    if group is not None and read.category is not None:
        answer.groups[group] = read.category


def _quoted(value: int | str) -> str:
    return repr(value if isinstance(value, int) else value[:40])


def _index(value: int | str, names: Mapping[int, str]) -> int | None:
    if isinstance(value, int):
        return value if value in names else None
    if value.strip().isdecimal() and len(value) < 9:
        return int(value) if int(value) in names else None
    return _closest(value, names)


def _closest(value: str, names: Mapping[int, str]) -> int | None:
    """Return the index of the one name that `value` was meant to be."""
    exact = [index for index, name in names.items() if name == value]
    if exact:
        return exact[0] if len(exact) == 1 else None
    from thefuzz import fuzz

    wanted = value[:200].casefold()
    scores = {index: fuzz.ratio(wanted, name[:200].casefold()) for index, name in names.items()}
    best = max(scores.values(), default=0)
    found: Sequence[int] = [index for index, score in scores.items() if score == best]
    return found[0] if best >= NAME_THRESHOLD and len(found) == 1 else None
