"""What people decide about tracks: kept, taken back, undone, and found again after changes."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from cue_pipeline.cue.identity import row_id
from cue_pipeline.errors import MappingError, WarehouseError
from cue_pipeline.library.decisions import TrackAt, track_at
from cue_pipeline.mapping.people.binding import stem_of, text_of, track_of
from cue_pipeline.mapping.people.changed_lines import CueParts, Decision
from cue_pipeline.mapping.people.overrides import stem_contents as contents_of
from cue_pipeline.mapping.people.track_keys import (
    NO_GROUP,
    KnownTrack,
    known_track,
    lasting_key,
    specificity,
)
from cue_pipeline.mapping.tracks import is_missing, note_digests
from cue_pipeline.warehouse.people import Anchor, Change, Decided, Turn
from cue_pipeline.warehouse.store import Store

if TYPE_CHECKING:
    from pandas import DataFrame

_BY_PEOPLE: Final = frozenset({"set", "import", "unset"})


Row = Mapping[Hashable, Any]

Look = Callable[[CueParts, Mapping[int, Row]], None]
"""Is shown what stands of a cue by the positions of its tracks; what it raises stops a decision."""


def _look_at_nothing(_: CueParts, __: Mapping[int, Row]) -> None:
    """Decide whatever stands."""


def keep(
    store: Store,
    cues: Mapping[str, CueParts],
    decisions: Sequence[Decision],
    *,
    by: str,
    action: str = "set",
    look: Look = _look_at_nothing,
) -> list[Decision]:
    """Store decisions; what was said of a track before and is not said anew stays.

    Two that decide about the same cue do so one after the other: neither loses a word of the other.

    Parameters
    ----------
    store : Store
        The warehouse.
    cues : mapping of str to CueParts
        The cues that are decided about.
    decisions : sequence of Decision
        What is decided.
    by : str
        Who decides.
    action : str
        How the history calls it.
    look : callable
        Is shown what stands before anything is decided.

    Returns
    -------
    list of Decision
        Those that were not stored just so already.
    """
    things = {key: _Things.read(store, cues[key]) for key in {d.cue_key for d in decisions}}
    change, new = secrets.randbits(63), []
    for part in store.in_turns(decisions):
        work = partial(_keep, part, things, look)
        keys = {d.cue_key for d in part}
        new += store.take_turn(keys, work, by=by, action=action, change_id=change)
    return new


def _keep(
    decisions: Sequence[Decision], things: Mapping[str, _Things], look: Look, turn: Turn
) -> list[Decision]:
    decided: list[Decided] = []
    taken_back: list[tuple[str, str]] = []
    new: list[Decision] = []
    keys = {d.cue_key for d in decisions}
    standing = {key: _Standing.of(things[key], turn.overrides(key)) for key in keys}
    for there in standing.values():
        look(there.cue, there.by_track())
    for d in decisions:
        there = standing[d.cue_key]
        key = lasting_key(d.track, there.tracks)
        # Other keys of the same track would go on having their say beside this one.
        others = [k for k in there.rows if k != key and there.meant(k) == (d.track,)]
        said = _together(d, [_said(there.rows[k]) for k in [key, *others] if k in there.rows])
        if not others and key in there.rows and _said(there.rows[key]) == said:
            continue
        taken_back += [(d.cue_key, other) for other in others]
        decided.append(Decided(d.cue_key, key, *said, anchor=there.anchor(d.track, said[0])))
        new.append(d)
    turn.store(decided, taken_back)
    return new


Said = tuple[str | None, str | None, str | None]
"""Stem, category, note."""


@dataclass(frozen=True)
class _Things:
    """A cue's tracks and stems as they are now, which decisions are held against."""

    cue: CueParts
    tracks: tuple[KnownTrack, ...]
    contents: Mapping[str, str | None]

    @classmethod
    def read(cls, store: Store, cue: CueParts) -> _Things:
        return cls(cue, _with_notes(store, cue), stem_contents(store, cue.cue_key))


@dataclass(frozen=True)
class _Standing:
    """What is decided of a cue, by key, held against its tracks as they are now."""

    cue: CueParts
    tracks: tuple[KnownTrack, ...]
    contents: Mapping[str, str | None]
    rows: Mapping[str, Row]

    @classmethod
    def of(cls, things: _Things, rows: Iterable[Row]) -> _Standing:
        by_key = {str(row["track"]): row for row in rows}
        return cls(things.cue, things.tracks, things.contents, by_key)

    @classmethod
    def read(cls, store: Store, cue: CueParts) -> _Standing:
        rows = store.overrides(cue.cue_key).to_dict("records")
        return cls.of(_Things.read(store, cue), rows)

    def meant(self, key: str) -> tuple[int, ...]:
        """Return the tracks that the decision of a key is about."""
        return track_of(self.rows.get(key, {"track": key}), self.tracks).positions

    def by_track(self) -> dict[int, Row]:
        """Return the rows by the positions of their tracks."""
        # What names a track the closest has the last word.
        keys = sorted(self.rows, key=specificity)
        return {track: self.rows[key] for key in keys for track in self.meant(key)}

    def anchor(self, track: int, stem: str | None) -> Anchor:
        """Return what a decision about a track and a stem is found again by."""
        return anchor_of(self.tracks[track], self.contents.get(stem) if stem else None)


def anchor_of(track: KnownTrack, stem_content: str | None) -> Anchor:
    """Return what a decision about a track is found again by."""
    return Anchor(track.name or None, track.notes, stem_content, _place(track))


def _with_notes(store: Store, cue: CueParts) -> tuple[KnownTrack, ...]:
    ids = store.read(
        cue.cue_key, "midi_tracks", ["id", "midi_file_id", "track_index", "port", "part_channel"]
    )
    notes = store.read(cue.cue_key, "midi_notes", ["midi_track_id", "note", "start_tick"])
    files = store.read(cue.cue_key, "midi_files", ["id", "file_path"])
    path_of = dict(zip(files["id"], files["file_path"], strict=True))
    digests = note_digests(notes)
    found = {}
    for row in ids.to_dict("records"):
        port, channel = (
            None if is_missing(row[name]) else int(row[name]) for name in ("port", "part_channel")
        )
        path = str(path_of[row["midi_file_id"]])
        at: TrackAt = (path, int(row["track_index"]), port, channel)
        found[at] = digests.get(int(row["id"]))
    return tuple(replace(track, notes=found.get(track_at(track))) for track in cue.tracks)


def without_notes(store: Store, cue: CueParts, tracks: Sequence[int]) -> list[int]:
    """Return those of a cue's tracks, by position, that play nothing."""
    known = _with_notes(store, cue)
    return [track for track in tracks if known[track].notes is None]


def stem_contents(store: Store, cue_key: str) -> dict[str, str | None]:
    """Return the digest of the samples of each stem, by name; nothing where they are not read."""
    try:
        stems = store.read(cue_key, "audio_files", ["canonical_name", "content_hash"])
    except WarehouseError:
        return {}
    return dict(zip(stems["canonical_name"], map(text_of, stems["content_hash"]), strict=True))


def _said(row: Row) -> Said:
    return (
        row["canonical_name"] or None,
        row["instrument_category"] or None,
        row["note"] or None,
    )


def _together(new: Decision, before: Sequence[Said]) -> Said:
    says: list[Said] = [(new.group, new.category, new.note), *before]
    group, category, note = (next((v for v in part if v), None) for part in zip(*says, strict=True))
    return group, category, note


def take_back(store: Store, cue: CueParts, track: int, *, by: str) -> list[str]:
    """Forget what was decided of one track, by whichever key, and return those keys.

    Raises
    ------
    MappingError
        If nothing was, or only together with other tracks.
    """
    things = _Things.read(store, cue)

    def work(turn: Turn) -> list[str]:
        there = _Standing.of(things, turn.overrides(cue.cue_key))
        keys = [key for key in there.rows if there.meant(key) == (track,)]
        if not keys:
            raise _nothing_alone(there, track)
        turn.store([], [(cue.cue_key, key) for key in keys])
        return keys

    return store.take_turn([cue.cue_key], work, by=by, action="unset")


def _nothing_alone(there: _Standing, track: int) -> MappingError:
    shared = [key for key in there.rows if track in there.meant(key)]
    return MappingError(
        f"Nobody decided about track {there.cue.tracks[track]} of cue '{there.cue.cue_key}' alone"
        + (
            f": '{shared[0]}' decides for {len(there.meant(shared[0]))} tracks. Set this track by "
            "itself."
            if shared
            else "; there is nothing to take back."
        )
    )


def take_back_key(store: Store, cue: CueParts, key: str, *, by: str) -> bool:
    """Forget a decision that fits no track, by its very key; tell whether there is one."""
    things = _Things.read(store, cue)

    def work(turn: Turn) -> bool:
        there = _Standing.of(things, turn.overrides(cue.cue_key))
        if key not in there.rows or there.meant(key):
            return False
        turn.store([], [(cue.cue_key, key)])
        return True

    return store.take_turn([cue.cue_key], work, by=by, action="unset")


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
    look: Look = _look_at_nothing,
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
    things = _Things.read(store, cue)

    def work(turn: Turn) -> list[Change]:
        there = _Standing.of(things, turn.overrides(cue.cue_key))
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


def _last(there: _Standing, told: Sequence[Change], track: int) -> list[Change]:
    """Return the last change of a track's decision that stands."""
    key = there.cue.cue_key
    undone = {change.undoes for change in told}
    open_ = [c for c in told if c.action in _BY_PEOPLE and c.id not in undone]
    mine = [c for c in open_ if track in _about(c, there)]
    if not mine:
        raise MappingError(
            f"Nothing was decided about track {there.cue.tracks[track]} of cue '{key}' that is "
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


def _about(change: Change, there: _Standing) -> tuple[int, ...]:
    row = there.rows.get(change.track) or dict(change.before or {}, track=change.track)
    return track_of(row, there.tracks).positions


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


def fitting_nothing(store: Store, cue: CueParts) -> list[str]:
    """Return the decisions that fit no track or no stem as they are now, and what to do."""
    there = _Standing.read(store, cue)
    names = list(cue.groups)
    told = []
    for key, row in there.rows.items():
        at = track_of(row, there.tracks)
        stem = stem_of(row, names, [there.contents.get(name) for name in names])
        who = f"'{key}'{_author(row)}: {said_in_words(*_said(row))}"
        if not at.positions:
            why = at.told or f"there is no track '{key}'"
            told.append(
                f"{who}: {why}. It is kept. Set it again for the track that it is about, then "
                f"`cue-pipeline mappings unset '{cue.cue_key}' '{key}'`."
            )
        elif stem is not None and not stem.positions:
            told.append(f"{who}: {stem.told} It is kept.")
    return told


def _author(row: Row) -> str:
    who = text_of(row.get("decided_by"))
    return f" ({who}, {row['created_at']:%Y-%m-%d})" if who else f" ({row['created_at']:%Y-%m-%d})"


def said_in_words(stem: str | None, category: str | None, note: str | None) -> str:
    """Return what a decision says."""
    parts = []
    if stem:
        parts.append("no stem" if stem == NO_GROUP else f"stem '{stem}'")
    if category:
        parts.append(f"category '{category}'")
    if note:
        parts.append(f"note '{note}'")
    return ", ".join(parts) or "nothing"


def standing(store: Store, cue: CueParts) -> dict[int, Row]:
    """Return the rows of ``mapping_overrides`` that stand, by the positions of their tracks."""
    return _Standing.read(store, cue).by_track()


def note_where_found(store: Store, cue_key: str, tracks: DataFrame, stems: DataFrame) -> None:
    """Keep with each decision what it is about now, so that it is found after the next change too.

    What a decision says is not touched, nor one that is in doubt or fits nothing.

    Parameters
    ----------
    store : Store
        The warehouse.
    cue_key : str
        The cue.
    tracks : DataFrame
        As :func:`~cue_pipeline.mapping.tracks.track_summary` returns it.
    stems : DataFrame
        ``canonical_name``, and ``content_hash`` where known.
    """
    rows = store.overrides(cue_key).to_dict("records")
    if not rows:
        return
    files = store.read(cue_key, "midi_files", ["id", "file_path"])
    path_of = dict(zip(files["id"], files["file_path"], strict=True))
    known = [known_track(str(path_of[r.midi_file_id]), r) for r in tracks.itertuples(index=False)]
    names = [str(name) for name in stems["canonical_name"]]
    contents = contents_of(stems)

    def changed(rows: Iterable[Row]) -> dict[tuple[str, str], Anchor]:
        now = {str(row["track"]): (row, _anchor_now(row, known, names, contents)) for row in rows}
        return {(cue_key, key): at for key, (row, at) in now.items() if at != _anchor(row)}

    if changed(rows):  # then by what stands in the turn: a person may have decided meanwhile
        store.take_turn([cue_key], lambda turn: turn.bind(changed(turn.overrides(cue_key))))


def _anchor_now(
    row: Row,
    known: Sequence[KnownTrack],
    names: Sequence[str],
    contents: Sequence[str | None],
) -> Anchor:
    """Return what a decision is about now, or its anchor as it was where that is in doubt."""
    at, stem = track_of(row, known), stem_of(row, names, contents)
    after = replace(_anchor(row), bound_to="")
    if at.positions:
        after = replace(after, bound_to=", ".join(_place(known[i]) for i in at.positions))
    certain = not at.doubt and not (stem and (stem.doubt or not stem.positions))
    if len(at.positions) == 1 and certain:
        content = contents[stem.positions[0]] if stem else None
        after = anchor_of(known[at.positions[0]], content)
    return after


def _anchor(row: Row) -> Anchor:
    bound_to = row["bound_to"]
    return Anchor(
        track_name=text_of(row["track_name"]),
        track_notes=text_of(row["track_notes"]),
        stem_content=text_of(row["stem_content"]),
        bound_to=bound_to if isinstance(bound_to, str) else None,
    )


def _place(track: KnownTrack) -> str:
    return f"{track.file_path}{track.place}"
