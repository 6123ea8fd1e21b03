"""The track ↔ stem table of a cue, as a person reads it, and how decisions come into it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cue_pipeline.errors import CueError, MappingError, WarehouseError
from cue_pipeline.library import graph
from cue_pipeline.mapping.people.changed_lines import CueParts
from cue_pipeline.mapping.people.track_keys import KnownTrack, known_track
from cue_pipeline.mapping.tracks import counted_tracks
from cue_pipeline.warehouse.store import Store

if TYPE_CHECKING:
    from cue_pipeline.library.plan import CuePlan
    from cue_pipeline.library.status import AssetStatus
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


def ready_to_follow(
    store: Store, settings: Settings, cue_keys: Iterable[str]
) -> tuple[list[CuePlan], dict[str, str]]:
    """Return plans that bring decisions into the tables, and why others have to wait.

    Only cues are planned whose mappings lack nothing but what people decided: then nothing else is
    made again, and a chat model's answer is in the store.
    """
    from cue_pipeline.library.plan import CuePlan
    from cue_pipeline.library.recognition import settled_folder
    from cue_pipeline.library.status import cue_status

    versions, decided = graph.code_versions(settings), store.decisions()
    plans: list[CuePlan] = []
    waiting: dict[str, str] = {}
    for key in sorted(set(cue_keys)):
        cue = store.cue(key)
        if cue is None:
            waiting[key] = "it is not registered"
            continue
        try:
            folder = settled_folder(store, cue)
        except CueError as e:
            waiting[key] = str(e)
            continue
        ledger = {row.asset: row for row in store.ledger(key)}
        statuses = cue_status(folder, ledger, versions, decided.get(key, graph.NOTHING_DECIDED))
        lacking = [s for s in statuses if s.state != "ready" and s.asset in _FOLLOWING]
        if lacking and _only_decided(lacking):
            reasons = {s.asset: s.reason for s in lacking}
            plans.append(CuePlan(folder, tuple(reasons), reasons))
        elif lacking:
            waiting[key] = f"{lacking[0].asset} is {lacking[0].state} ({lacking[0].reason})"
    return plans, waiting


def _only_decided(lacking: Sequence[AssetStatus]) -> bool:
    """Tell whether assets lack nothing but what people decided about them or upstream of them."""
    from cue_pipeline.library.status import decided_since

    following: list[str] = []
    for status in lacking:  # upstream first
        behind = [up for up in graph.node(status.asset).upstream if up in following]
        because = f"{' and '.join(behind)} changed since" if behind else decided_since(status.asset)
        if status.asset not in _OBEYING or status.reason != because:
            return False
        following.append(status.asset)
    return True
