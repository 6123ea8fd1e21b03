"""What became of people's decisions, and the last change of one taken back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from cue_pipeline.cue.identity import row_id
from cue_pipeline.errors import MappingError
from cue_pipeline.library.standing_decisions import CueNow, Look, Row, Standing, look_at_nothing
from cue_pipeline.mapping.people.binding import text_of, track_of
from cue_pipeline.mapping.people.changed_lines import CueParts
from cue_pipeline.warehouse.people import Anchor, Change, Decided, Turn
from cue_pipeline.warehouse.store import Store

_BY_PEOPLE: Final = frozenset({"set", "import", "unset"})


def changes(store: Store, cue_key: str) -> list[Change]:
    """Return what became of the decisions about a cue, the oldest first.

    Decisions of the time before there was a history stand in it as they were found.
    """
    return _changes(cue_key, store.history(cue_key), store.overrides(cue_key).to_dict("records"))


def _changes(cue_key: str, kept: Sequence[Change], rows: Iterable[Row]) -> list[Change]:
    first: dict[str, Row | None] = {str(row["track"]): row for row in rows}
    for change in reversed(kept):
        first[change.track] = change.before  # type: ignore[assignment]
    old = [_of_before(cue_key, key, row) for key, row in first.items() if row is not None]
    # What was carried over by a move was set before that, under the older key.
    return sorted([*kept, *old], key=lambda c: c.decided_at)


def _of_before(cue_key: str, key: str, row: Row) -> Change:
    made = row_id("mapping_history", cue_key, key)
    at = row["created_at"]
    moment = datetime.fromisoformat(at) if isinstance(at, str) else at
    return Change(
        id=made,
        change_id=made,
        cue_key=cue_key,
        track=key,
        action="set",
        canonical_name=text_of(row["canonical_name"]),
        instrument_category=text_of(row["instrument_category"]),
        note=text_of(row["note"]),
        before=None,
        undoes=None,
        decided_by=text_of(row.get("decided_by")),
        decided_at=moment,
    )


def undo(
    store: Store,
    cue: CueParts,
    tracks: Sequence[int],
    *,
    by: str,
    look: Look = look_at_nothing,
) -> list[Change]:
    """Take the last change of the decision about each of some tracks back, or none of them.

    Done again, it takes back the change before.

    Parameters
    ----------
    store : Store
        The warehouse.
    cue : CueParts
        The cue.
    tracks : sequence of int
        Their positions in it.
    by : str
        Who takes back.
    look : callable
        Is shown what stands before anything is taken back.

    Returns
    -------
    list of Change
        What was taken back: more rows than tracks where a change merged decisions.

    Raises
    ------
    MappingError
        If there is none of one of the tracks, or it was decided together with other tracks.
    """
    now = CueNow.read(store, cue)

    def work(turn: Turn) -> list[Change]:
        there = now.standing(turn.overrides(cue.cue_key))
        look(cue, there.by_track())
        told = _changes(cue.cue_key, turn.history(cue.cue_key), there.rows.values())
        last = [change for track in tracks for change in _last(there, told, track)]
        turn.store(
            [_restored(c, c.before) for c in last if c.before is not None],
            [(cue.cue_key, c.track) for c in last if c.before is None],
            {(cue.cue_key, c.track): c.id for c in last},
        )
        return last

    return store.take_turn([cue.cue_key], work, by=by, action="undo")


def _last(there: Standing, told: Sequence[Change], track: int) -> list[Change]:
    """Return the last change of a track's decision that stands."""
    key = there.now.cue.cue_key
    undone = {change.undoes for change in told}
    open_ = [c for c in told if c.action in _BY_PEOPLE and c.id not in undone]
    mine = [c for c in open_ if track in _about(c, there)]
    if not mine:
        raise MappingError(
            f"Nothing was decided about track {there.now.cue.tracks[track]} of cue '{key}' that is "
            f"not taken back already. `cue-pipeline mappings log '{key}'` shows all."
        )
    last = [c for c in mine if c.change_id == mine[-1].change_id]
    shared = next((c for c in last if len(_about(c, there)) > 1), None)
    if shared is not None:
        raise MappingError(
            f"'{shared.track}' decides for {len(_about(shared, there))} tracks of cue "
            f"'{key}'. Set this track by itself."
        )
    return last


def _about(change: Change, there: Standing) -> tuple[int, ...]:
    row = there.rows.get(change.track) or dict(change.before or {}, track=change.track)
    return track_of(row, there.now.tracks).positions


def _restored(change: Change, before: Mapping[str, Any]) -> Decided:
    anchors = ("track_name", "track_notes", "stem_content", "bound_to")
    return Decided(
        change.cue_key,
        change.track,
        before["canonical_name"],
        before["instrument_category"],
        before["note"],
        anchor=Anchor(**{name: before.get(name) for name in anchors}),
        decided_by=before.get("decided_by"),
        created_at=datetime.fromisoformat(before["created_at"]),
    )
