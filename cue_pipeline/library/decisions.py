"""The track ↔ stem table of a cue, as a person reads it, and what a person decides about it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cue_pipeline.errors import CueError, MappingError, WarehouseError
from cue_pipeline.library import graph
from cue_pipeline.mapping.people.changed_lines import CueParts, Decision
from cue_pipeline.mapping.people.track_keys import (
    KnownTrack,
    known_track,
    lasting_key,
    tracks_meant,
)
from cue_pipeline.mapping.tracks import counted_tracks
from cue_pipeline.warehouse.people import Decided
from cue_pipeline.warehouse.store import Store

if TYPE_CHECKING:
    from cue_pipeline.library.plan import CuePlan
    from cue_pipeline.settings import Settings

_OBEYING = graph.obeying_people()
_FOLLOWING = _OBEYING.union(*map(graph.upstream_of, _OBEYING))

COLUMNS = (
    "file_path", "track_index", "port", "part_channel", "track_name", "canonical_name",
    "instrument_category", "state", "method", "confidence", "name_score", "evidence_score",
    "evidence_margin", "model", "reason", "candidates",
)  # fmt: skip


def read_mappings(store: Store, cue_key: str) -> list[dict[str, Any]]:
    """Return one plain dict per mapped track of a cue, in the order of file and track.

    Parameters
    ----------
    store : Store
        The warehouse.
    cue_key : str
        A registered cue.

    Returns
    -------
    list of dict
        Keys as in :data:`COLUMNS`; None where the database has NULL.
    """
    files = store.read(cue_key, "midi_files", ["id", "file_path"])
    tracks = store.read(
        cue_key,
        "midi_tracks",
        ["id", "midi_file_id", "track_index", "port", "part_channel", "track_name"],
    )
    groups = store.read(cue_key, "audio_files", ["id", "canonical_name"])
    joined = (
        store.read(cue_key, "track_mappings")
        .merge(tracks.rename(columns={"id": "midi_track_id"}), on="midi_track_id")
        .merge(files.rename(columns={"id": "midi_file_id"}), on="midi_file_id")
        .merge(groups.rename(columns={"id": "audio_file_id"}), on="audio_file_id", how="left")
        .sort_values(["file_path", "track_index", "port", "part_channel"])
    )
    rows: list[dict[str, Any]] = json.loads(joined[list(COLUMNS)].to_json(orient="records"))
    return rows


def read_parts(store: Store, cue_key: str) -> CueParts:
    """Return a cue's tracks, stems and mappings, by which decisions about it are understood.

    Raises
    ------
    MappingError
        If the cue has no MIDI tracks in the tables.
    """
    files = store.read(cue_key, "midi_files", ["id", "file_path", "same_as"])
    path_of = dict(zip(files["id"], files["file_path"], strict=True))
    rows = store.read(
        cue_key,
        "midi_tracks",
        ["midi_file_id", "track_index", "port", "part_channel", "track_name", "all_names"],
    )
    rows = counted_tracks(rows, files)
    if rows.empty:
        raise MappingError(
            f"Cue '{cue_key}' has no MIDI tracks in the tables yet, so nothing can be decided "
            "about them. Run `cue-pipeline process BASE_DIR` first."
        )
    known = [
        known_track(str(path_of[row.midi_file_id]), row) for row in rows.itertuples(index=False)
    ]
    tracks = tuple(
        sorted(known, key=lambda t: (t.file_path, t.track_index, t.port or 0, t.channel or 0))
    )
    groups = tuple(str(name) for name in store.read(cue_key, "audio_files")["canonical_name"])
    at = {track_at(track): i for i, track in enumerate(tracks)}
    found = {at[row_at(row)]: row for row in _mappings_or_none(store, cue_key)}
    return CueParts(cue_key, tracks, groups, found)


TrackAt = tuple[str, int, int | None, int | None]
"""File, index, port and channel: which track or part."""


def track_at(track: KnownTrack) -> TrackAt:
    """Return where a track stands."""
    return track.file_path, track.track_index, track.port, track.channel


def row_at(row: Mapping[str, Any]) -> TrackAt:
    """Return where the track of a row of :func:`read_mappings` stands."""
    return row["file_path"], row["track_index"], row["port"], row["part_channel"]


def _mappings_or_none(store: Store, cue_key: str) -> list[dict[str, Any]]:
    try:
        return read_mappings(store, cue_key)
    except WarehouseError:  # failed or under way: a person may decide all the same
        return []


def keep(
    store: Store, cues: Mapping[str, CueParts], decisions: Sequence[Decision]
) -> list[Decision]:
    """Store decisions; what was said of a track before and is not said anew stays.

    Returns
    -------
    list of Decision
        Those that were not stored just so already.
    """
    decided: list[Decided] = []
    taken_back: list[tuple[str, str]] = []
    new: list[Decision] = []
    before = {key: _decided_before(store, key) for key in {d.cue_key for d in decisions}}
    for d in decisions:
        tracks, rows = cues[d.cue_key].tracks, before[d.cue_key]
        key = lasting_key(d.track, tracks)
        # Other keys of the same track would go on having their say beside this one.
        others = [k for k in rows if k != key and tracks_meant(k, tracks) == [d.track]]
        said = _together(d, [rows[k] for k in [key, *others] if k in rows])
        if not others and rows.get(key) == said:
            continue
        taken_back += [(d.cue_key, other) for other in others]
        decided.append((d.cue_key, key, *said))
        new.append(d)
    if decided:
        store.set_overrides(decided, taken_back)
    return new


Said = tuple[str | None, str | None, str | None]


def _decided_before(store: Store, cue_key: str) -> dict[str, Said]:
    rows = store.overrides(cue_key)
    said = zip(rows["canonical_name"], rows["instrument_category"], rows["note"], strict=True)
    return {
        str(track): (group or None, category or None, note or None)
        for track, (group, category, note) in zip(rows["track"], said, strict=True)
    }


def _together(new: Decision, before: Sequence[Said]) -> Said:
    says: list[Said] = [(new.group, new.category, new.note), *before]
    group, category, note = (next((v for v in part if v), None) for part in zip(*says, strict=True))
    return group, category, note


def take_back(store: Store, cue: CueParts, track: int) -> list[str]:
    """Forget what was decided of one track, by whichever key, and return those keys.

    Raises
    ------
    MappingError
        If nothing was, or only together with other tracks.
    """
    meant = {key: tracks_meant(key, cue.tracks) for key in _decided_before(store, cue.cue_key)}
    keys = [key for key, positions in meant.items() if positions == [track]]
    if keys:
        store.set_overrides([], [(cue.cue_key, key) for key in keys])
        return keys
    shared = [key for key, positions in meant.items() if track in positions]
    raise MappingError(
        f"Nobody decided about track {cue.tracks[track]} of cue '{cue.cue_key}' alone"
        + (
            f": '{shared[0]}' decides for {len(meant[shared[0]])} tracks. Set this track by itself."
            if shared
            else "; there is nothing to take back."
        )
    )


def ready_to_follow(
    store: Store, settings: Settings, cue_keys: Iterable[str]
) -> tuple[list[CuePlan], dict[str, str]]:
    """Return plans that bring decisions into the tables, and why others have to wait.

    Only cues are planned whose mappings lack nothing but what people decided: then nothing else is
    made again, and a chat model's answer is in the store.
    """
    from cue_pipeline.cue.scan import read_cue_folder
    from cue_pipeline.library.plan import CuePlan
    from cue_pipeline.library.status import DECIDED_SINCE, cue_status

    versions, decided = graph.code_versions(settings), store.decisions()
    plans: list[CuePlan] = []
    waiting: dict[str, str] = {}
    for key in sorted(set(cue_keys)):
        cue = store.cue(key)
        try:
            folder = read_cue_folder(
                Path(cue.root if cue else ""), key, cue.folder if cue else None
            )
        except CueError as e:
            waiting[key] = str(e)
            continue
        ledger = {row.asset: row for row in store.ledger(key)}
        statuses = cue_status(folder, ledger, versions, decided.get(key, ""))
        lacking = [s for s in statuses if s.state != "ready" and s.asset in _FOLLOWING]
        if lacking and all(s.asset in _OBEYING and s.reason == DECIDED_SINCE for s in lacking):
            reasons = {s.asset: s.reason for s in lacking}
            plans.append(CuePlan(folder, tuple(reasons), reasons))
        elif lacking:
            waiting[key] = f"{lacking[0].asset} is {lacking[0].state} ({lacking[0].reason})"
    return plans, waiting
