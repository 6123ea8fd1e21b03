"""What people decided that stands, held against a cue's tracks and stems as they are now."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cue_pipeline.errors import WarehouseError
from cue_pipeline.library.decisions import TrackAt, track_at
from cue_pipeline.mapping.people.binding import stem_of, text_of, track_of
from cue_pipeline.mapping.people.changed_lines import CueParts
from cue_pipeline.mapping.people.overrides import stem_contents as contents_of
from cue_pipeline.mapping.people.track_keys import NO_GROUP, KnownTrack, known_track, specificity
from cue_pipeline.mapping.tracks import is_missing, note_digests
from cue_pipeline.warehouse.people import Anchor
from cue_pipeline.warehouse.store import Store

if TYPE_CHECKING:
    from pandas import DataFrame

Row = Mapping[Hashable, Any]

Look = Callable[[CueParts, Mapping[int, Row]], None]
"""Is shown what stands of a cue by the positions of its tracks; what it raises stops a decision."""


def look_at_nothing(_: CueParts, __: Mapping[int, Row]) -> None:
    """Decide whatever stands."""


Said = tuple[str | None, str | None, str | None]
"""Stem, category, note."""


@dataclass(frozen=True)
class CueNow:
    """A cue's tracks and stems as they are now, which decisions are held against.

    Attributes
    ----------
    cue : CueParts
    tracks : tuple of KnownTrack
        With the digests of their notes.
    contents : mapping of str to str or None
        The digest of the samples of each stem, by name.
    """

    cue: CueParts
    tracks: tuple[KnownTrack, ...]
    contents: Mapping[str, str | None]

    @classmethod
    def read(cls, store: Store, cue: CueParts) -> CueNow:
        """Read what the tables hold of a cue."""
        return cls(cue, _with_notes(store, cue), stem_contents(store, cue.cue_key))

    def standing(self, rows: Iterable[Row]) -> Standing:
        """Return what is decided, by rows of ``mapping_overrides``."""
        return Standing(self, {str(row["track"]): row for row in rows})


@dataclass(frozen=True)
class Standing:
    """What is decided of a cue, by key, held against its tracks as they are now."""

    now: CueNow
    rows: Mapping[str, Row]

    @classmethod
    def read(cls, store: Store, cue: CueParts) -> Standing:
        """Read what is decided of a cue."""
        rows = store.overrides(cue.cue_key).to_dict("records")
        return CueNow.read(store, cue).standing(rows)

    def meant(self, key: str) -> tuple[int, ...]:
        """Return the tracks that the decision of a key is about."""
        return track_of(self.rows.get(key, {"track": key}), self.now.tracks).positions

    def by_track(self) -> dict[int, Row]:
        """Return the rows by the positions of their tracks."""
        # What names a track the closest has the last word.
        keys = sorted(self.rows, key=specificity)
        return {track: self.rows[key] for key in keys for track in self.meant(key)}

    def anchor(self, track: int, stem: str | None) -> Anchor:
        """Return what a decision about a track and a stem is found again by."""
        return anchor_of(self.now.tracks[track], self.now.contents.get(stem) if stem else None)


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


def said_by(row: Row) -> Said:
    """Return what the decision of a row says."""
    return (
        row["canonical_name"] or None,
        row["instrument_category"] or None,
        row["note"] or None,
    )


def fitting_nothing(store: Store, cue: CueParts) -> list[str]:
    """Return the decisions that fit no track or no stem as they are now, and what to do."""
    there = Standing.read(store, cue)
    names = list(cue.groups)
    told = []
    for key, row in there.rows.items():
        at = track_of(row, there.now.tracks)
        stem = stem_of(row, names, [there.now.contents.get(name) for name in names])
        who = f"'{key}'{_author(row)}: {said_in_words(*said_by(row))}"
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
    return Standing.read(store, cue).by_track()


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
