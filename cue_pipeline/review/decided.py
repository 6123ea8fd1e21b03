"""Decisions from the page, kept where `cue-pipeline mappings set` keeps them; conflicts are told.

Conventions
-----------
Of each track the page has seen a *version*: a digest of what stood about it, empty for nothing. It
is sent along with a decision. Where something else stands by then, somebody else has decided
meanwhile, which is told instead of being replaced unseen; the history keeps either. What stands is
looked at within the transaction that decides, so that two servers on one database are told too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cue_pipeline.cue.shown import MOST_OF_A_NAME, shown
from cue_pipeline.errors import CuePipelineError, MappingError
from cue_pipeline.library import deciding, standing_decisions, undoing
from cue_pipeline.library.decisions import TrackAt, read_parts, row_at, track_at
from cue_pipeline.mapping.people.binding import text_of
from cue_pipeline.mapping.people.changed_lines import CueParts, Decision
from cue_pipeline.mapping.people.track_keys import NO_GROUP, category_meant
from cue_pipeline.review.axis import notes_on_axis
from cue_pipeline.warehouse.stated_clocks import StatedClock

if TYPE_CHECKING:
    from cue_pipeline.review.cue_sheet import CueSheet, Row
    from cue_pipeline.warehouse.store import Store


_MOST_SECONDS: Final = 86_400.0


class MeanwhileDecidedError(CuePipelineError):
    """Somebody else has decided about a track since the page saw it.

    Attributes
    ----------
    standing : dict of str to mapping
        What stands now of each such track, by its id.
    """

    def __init__(self, standing: Mapping[str, Mapping[str, Any]]) -> None:
        by = ", ".join(sorted({str(row["by"]) for row in standing.values()}))
        super().__init__(
            f"{by or 'Somebody'} decided about {'it' if len(standing) == 1 else 'some of them'} "
            "after you opened this. Look at what stands now; decide again to put yours in its "
            "place. The history keeps both."
        )
        self.standing = dict(standing)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the page asks to be decided.

    Attributes
    ----------
    seen : mapping of int to str
        The version that the page has seen of each track, by its id.
    stem : int or str or None
        Id of a stem; ``-``: none; None: no say.
    category : str or None
    by : str
        Who.
    """

    seen: Mapping[int, str]
    stem: int | str | None
    category: str | None
    by: str


class Decisions:
    """What is decided of the cues, read and written.

    Parameters
    ----------
    store : Store
    kept : callable
        Told the key of each cue of which something was decided, once it is stored.
    """

    def __init__(self, store: Store, kept: Callable[[str], object] = lambda _: None) -> None:
        self._store, self._kept = store, kept

    def standing(self, sheet: CueSheet) -> dict[str, dict[str, Any]]:
        """Return what stands about the tracks of a cue, by their ids; nothing: not there."""
        try:
            parts = read_parts(self._store, sheet.key)
        except MappingError:
            return {}
        return self._standing(sheet, parts)

    def decide(self, sheet: CueSheet, asked: Asked) -> dict[str, dict[str, Any]]:
        """Store a decision about some tracks of a cue, and return what stands then.

        Raises
        ------
        MeanwhileDecidedError
            If something stands of one of them that the page has not seen.
        MappingError
            If nothing is decided, or there is no such stem or category.
        """
        group, category = self._meant(sheet, asked)
        parts = read_parts(self._store, sheet.key)
        at = _positions(parts)
        decisions = [
            Decision(sheet.key, at[_place(sheet, track)], group, category, None)
            for track in asked.seen
        ]
        look = _refuse_unseen(sheet, asked.seen)
        deciding.keep(self._store, {sheet.key: parts}, decisions, by=asked.by, look=look)
        self._kept(sheet.key)
        return self._standing(sheet, parts)

    def undo(self, sheet: CueSheet, seen: Mapping[int, str], by: str) -> dict[str, dict[str, Any]]:
        """Take the last change of each of some tracks back, or none; return what stands then.

        Raises
        ------
        MeanwhileDecidedError
            If the last change is another than the page has seen.
        MappingError
            If there is none of one of them.
        """
        parts = read_parts(self._store, sheet.key)
        at = _positions(parts)
        tracks = [at[_place(sheet, track)] for track in seen]
        undoing.undo(self._store, parts, tracks, by=by, look=_refuse_unseen(sheet, seen))
        self._kept(sheet.key)
        return self._standing(sheet, parts)

    def state_clock(self, sheet: CueSheet, track: int, moved_seconds: float, by: str) -> float:
        """Store that a track's score is heard so much later than it is drawn, in all stems.

        Returns
        -------
        float
            Where the score then begins in the earliest stem, seconds.

        Raises
        ------
        MappingError
            If that is more than a day away, or the cue has no stem.
        """
        file = int(sheet.track(track)["midi_file_id"])
        candidates = sheet.candidates(track)
        if not candidates:
            raise MappingError(f"Cue '{sheet.key}' has no stem in which a clock could be stated.")
        reference = sheet.clock(file, candidates[0])
        drawn = float(notes_on_axis(reference, np.zeros(1))[0])
        lag = round(drawn + moved_seconds + (reference.offset_seconds or 0.0), 6)
        if not abs(lag) < _MOST_SECONDS:
            raise MappingError(f"A lag of {lag} s is no number of seconds within a day.")
        path = str(sheet.files[file]["file_path"]) if len(sheet.files) > 1 else ""
        said = StatedClock(sheet.key, path, "", lag, note="seen on the review page")
        self._store.state_clock(said, by=by)
        self._kept(sheet.key)
        return lag

    def _meant(self, sheet: CueSheet, asked: Asked) -> tuple[str | None, str | None]:
        for track in asked.seen:
            sheet.track(track)
        category = None if asked.category is None else category_meant(asked.category)
        if asked.stem in (None, NO_GROUP):
            if asked.stem is None and category is None:
                raise MappingError("Nothing is decided: choose a stem, no stem, or a category.")
            return (None if asked.stem is None else NO_GROUP), category
        row = sheet.stems.get(int(asked.stem or 0))
        if row is None:
            raise MappingError(
                f"Cue '{sheet.key}' has no such stem any longer: its audio was read anew. Open the "
                "cue again."
            )
        return str(row["canonical_name"]), category

    def _standing(self, sheet: CueSheet, parts: CueParts) -> dict[str, dict[str, Any]]:
        return _told(sheet, parts, standing_decisions.standing(self._store, parts))


def _refuse_unseen(sheet: CueSheet, seen: Mapping[int, str]) -> standing_decisions.Look:
    """Return what refuses to decide where something stands of a track that was not seen."""

    def look(parts: CueParts, rows: Mapping[int, standing_decisions.Row]) -> None:
        standing = _told(sheet, parts, rows)
        nothing = {"by": "", "version": ""}
        unseen = {
            str(track): standing.get(str(track), nothing)
            for track, version in seen.items()
            if standing.get(str(track), nothing)["version"] != version
        }
        if unseen:
            raise MeanwhileDecidedError(unseen)

    return look


def _told(
    sheet: CueSheet, parts: CueParts, rows: Mapping[int, standing_decisions.Row]
) -> dict[str, dict[str, Any]]:
    at = _positions(parts)
    stems = {str(row["canonical_name"]): str(stem) for stem, row in sheet.stems.items()}
    found = {track: rows.get(at.get(_place(sheet, track), -1)) for track in sheet.tracks}
    return {str(track): _as_json(row, stems) for track, row in found.items() if row is not None}


def _positions(parts: CueParts) -> dict[TrackAt, int]:
    return {track_at(track): i for i, track in enumerate(parts.tracks)}


def _place(sheet: CueSheet, track: int) -> TrackAt:
    row: Row = sheet.track(track)
    whole = {
        name: None if row[name] is None else int(row[name]) for name in ("port", "part_channel")
    }
    path = sheet.files[int(row["midi_file_id"])]["file_path"]
    return row_at({"file_path": path, "track_index": int(row["track_index"]), **whole})


def _as_json(row: Mapping[Hashable, Any], stems: Mapping[str, str]) -> dict[str, Any]:
    stem, category, note, by = (
        text_of(row.get(name))
        for name in ("canonical_name", "instrument_category", "note", "decided_by")
    )
    said: Sequence[str] = [
        str(part) for part in (row["track"], stem, category, note, by, row["created_at"])
    ]
    return {
        "stem": None if stem is None else shown(stem, MOST_OF_A_NAME),
        "stem_id": stems.get(stem or ""),
        "category": category,
        "note": None if note is None else shown(note),
        "by": shown(by or "(not kept)", MOST_OF_A_NAME),
        "at": row["created_at"].isoformat(),
        "version": hashlib.sha256("\0".join(said).encode("utf-8", "replace")).hexdigest()[:16],
    }
