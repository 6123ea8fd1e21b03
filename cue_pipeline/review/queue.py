"""What waits for a person across all cues: most doubt on most music first.

Conventions
-----------
A track's *worth* is for how many seconds it sounds, its *doubt* what its mapping's confidence
lacks of 1. Cues come in the order of what doubt times worth their open tracks add up to, and so do
tracks within a cue: a cue is heard through before the next one, and its mappings are made again
once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cue_pipeline.cue.shown import MOST_OF_A_NAME, shown
from cue_pipeline.errors import MappingError, UnknownNameError, WarehouseError
from cue_pipeline.mapping.people.track_keys import part_place, tracks_meant
from cue_pipeline.warehouse.mapped_tracks import (
    MappedTrack,
    StandingDecision,
    read_mapped_tracks,
    read_standing_decisions,
)

if TYPE_CHECKING:
    from cue_pipeline.warehouse.store import Store

OPEN: Final = ("review", "unmatched")
STATES: Final = ("open", "review", "unmatched", "decided", "all")
MOST_ROWS: Final = 200

_LEAST_DOUBT: Final = 0.05
"""Of a mapping that the program holds for certain: even then, what plays more comes first."""
_SECONDS_A_NOTE: Final = 0.5


@dataclass(frozen=True, slots=True)
class QueueFilter:
    """Which tracks are asked for; None: any.

    Attributes
    ----------
    state : {"open", "review", "unmatched", "decided", "all"}
    """

    project: str | None = None
    cue: str | None = None
    category: str | None = None
    state: str = "open"

    def __post_init__(self) -> None:
        if self.state not in STATES:
            raise UnknownNameError(
                f"No state {self.state!r} of the queue: there are {', '.join(STATES)}."
            )


@dataclass(frozen=True, slots=True)
class Entry:
    """A track in the queue, and who has decided about it."""

    track: MappedTrack
    decided: StandingDecision | None

    @property
    def is_open(self) -> bool:
        """Whether it waits for a person."""
        return self.decided is None and self.track.state in OPEN

    @property
    def weight(self) -> float:
        """Doubt times worth."""
        return max(_LEAST_DOUBT, 1.0 - (self.track.confidence or 0.0)) * self.seconds

    @property
    def seconds(self) -> float:
        """How much music it is: a note counts as half a second where that is not counted yet."""
        counted = self.track.seconds
        return _SECONDS_A_NOTE * self.track.n_notes if counted is None else counted


def read_queue(
    store: Store, wanted: QueueFilter, *, offset: int = 0, most: int = MOST_ROWS
) -> dict[str, Any]:
    """Return a part of the queue, and how far people are with it.

    Tracks without a note are left out: there is nothing to hear of them.

    Returns
    -------
    dict
        ``tracks`` (``most`` of them from ``offset`` on), ``total`` of this filter, ``open`` and
        ``decided`` of the same project, cue and category, and the ``projects``, ``cues`` and
        ``categories`` that there are; of each cue how many are open.
    """
    states = ("auto", "confirmed", *OPEN) if wanted.state == "all" else ("confirmed", *OPEN)
    tracks = [track for track in read_mapped_tracks(store, states) if track.n_notes]
    decided = _decided(store, tracks, read_standing_decisions(store))
    entries = [Entry(track, decided.get(track.track_id)) for track in tracks]
    choices = _choices(entries)
    asked = [entry for entry in entries if _asked(entry.track, wanted)]
    open_entries = [entry for entry in asked if entry.is_open]
    n_decided = sum(entry.decided is not None for entry in asked)
    found = _in_order([entry for entry in asked if _in_state(entry, wanted.state)])
    return {
        "tracks": [as_json(entry) for entry in found[offset : offset + most]],
        "offset": offset,
        "total": len(found),
        "open": len(open_entries),
        "decided": n_decided,
        **choices,
    }


def _asked(track: MappedTrack, wanted: QueueFilter) -> bool:
    return (
        wanted.project in (None, track.project)
        and wanted.cue in (None, track.cue_key)
        and wanted.category in (None, track.category)
    )


def _in_state(entry: Entry, state: str) -> bool:
    match state:
        case "open":
            return entry.is_open
        case "decided":
            return entry.decided is not None
        case "all":
            return True
    return entry.is_open and entry.track.state == state


def _in_order(entries: Sequence[Entry]) -> list[Entry]:
    of_cue: defaultdict[str, float] = defaultdict(float)
    for entry in entries:
        of_cue[entry.track.cue_key] += entry.weight if entry.is_open else 0.0
    return sorted(
        entries,
        key=lambda e: (
            -of_cue[e.track.cue_key], e.track.cue_key, not e.is_open, -e.weight, e.track.track_id,
        ),
    )  # fmt: skip


def _choices(entries: Iterable[Entry]) -> dict[str, Any]:
    """Return what can be filtered by."""
    open_of: dict[str, int] = {}
    projects, categories = set(), set()
    for entry in entries:
        key = entry.track.cue_key
        open_of[key] = open_of.get(key, 0) + entry.is_open
        projects.add(entry.track.project)
        categories.add(entry.track.category)
    return {
        "cues": [{"key": key, "open": n} for key, n in open_of.items()],
        "projects": sorted(filter(None, projects)),
        "categories": sorted(filter(None, categories)),
    }


def _decided(
    store: Store, tracks: Iterable[MappedTrack], standing: Iterable[StandingDecision]
) -> dict[int, StandingDecision]:
    """Return what people decided, by track.

    The last run of a cue tells where it found each decision; those that came later are held against
    the tracks of their cue.
    """
    by_cue: defaultdict[str, list[MappedTrack]] = defaultdict(list)
    for track in tracks:
        by_cue[track.cue_key].append(track)
    found: dict[int, StandingDecision] = {}
    later: defaultdict[str, list[StandingDecision]] = defaultdict(list)
    for decision in standing:
        of_cue = by_cue.get(decision.cue_key)
        if of_cue is None:
            continue
        if decision.bound_to is None or decision.created_at > of_cue[0].made_at:
            later[decision.cue_key].append(decision)
        else:
            bound = set(decision.bound_to.split(", "))
            found |= {track.track_id: decision for track in of_cue if _place(track) in bound}
    for cue_key, decisions in later.items():
        found |= _held_against(store, cue_key, decisions, by_cue[cue_key])
    return found


def _held_against(
    store: Store,
    cue_key: str,
    decisions: Sequence[StandingDecision],
    tracks: Sequence[MappedTrack],
) -> dict[int, StandingDecision]:
    from cue_pipeline.library.decisions import read_parts

    try:
        known = read_parts(store, cue_key).tracks
    except (MappingError, WarehouseError):
        return {}  # being made anew: it is told where the cue is opened
    id_at = {_place(track): track.track_id for track in tracks}
    places = [f"{track.file_path}{track.place}" for track in known]
    return {
        id_at[places[i]]: decision
        for decision in decisions
        for i in tracks_meant(decision.track, known)
        if places[i] in id_at
    }


def _place(track: MappedTrack) -> str:
    return f"{track.file_path}{part_place(track.track_index, track.channel, track.port)}"


def as_json(entry: Entry) -> dict[str, Any]:
    """Return an entry as the page is told it; ids as text, for they exceed JavaScript's numbers."""
    track = entry.track
    return {
        "id": str(track.track_id),
        "cue": track.cue_key,
        "project": track.project,
        "name": shown(track.name, MOST_OF_A_NAME),
        "place": part_place(track.track_index, track.channel, track.port),
        "file": shown(track.file_path, MOST_OF_A_NAME),
        "notes": track.n_notes,
        "seconds": round(entry.seconds, 1),
        "state": track.state,
        "stem": None if track.stem is None else shown(track.stem, MOST_OF_A_NAME),
        "category": track.category,
        "confidence": track.confidence,
        "open": entry.is_open,
        "decided": None if entry.decided is None else decision_as_json(entry.decided),
    }


def decision_as_json(decision: StandingDecision) -> Mapping[str, Any]:
    """Return who decided what, and when."""
    stem = decision.canonical_name
    return {
        "by": shown(decision.decided_by or "(not kept)", MOST_OF_A_NAME),
        "at": decision.created_at.isoformat(),
        "stem": None if stem is None else shown(stem, MOST_OF_A_NAME),
        "category": decision.instrument_category,
        "note": None if decision.note is None else shown(decision.note),
    }
