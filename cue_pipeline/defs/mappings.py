"""The track ↔ stem table of a cue, as a person reads it."""

from __future__ import annotations

import json
from typing import Any

from cue_pipeline.warehouse.store import Store

COLUMNS = (
    "file_path", "track_index", "track_name", "canonical_name", "instrument_category", "state",
    "method", "confidence", "name_score", "evidence_score", "evidence_margin", "model", "reason",
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
    tracks = store.read(cue_key, "midi_tracks", ["id", "midi_file_id", "track_index", "track_name"])
    groups = store.read(cue_key, "audio_files", ["id", "canonical_name"])
    joined = (
        store.read(cue_key, "track_mappings")
        .merge(tracks.rename(columns={"id": "midi_track_id"}), on="midi_track_id")
        .merge(files.rename(columns={"id": "midi_file_id"}), on="midi_file_id")
        .merge(groups.rename(columns={"id": "audio_file_id"}), on="audio_file_id", how="left")
        .sort_values(["file_path", "track_index"])
    )
    rows: list[dict[str, Any]] = json.loads(joined[list(COLUMNS)].to_json(orient="records"))
    return rows
