"""A library of many open tracks, with no more rows than the review queue reads."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from cue_pipeline.cue.identity import row_id
from cue_pipeline.warehouse import tables as t
from cue_pipeline.warehouse.types import now


def write_open_tracks(engine: sa.Engine, *, cues: int, tracks: int) -> None:
    """Write so many cues of so many tracks each, all of them in review.

    Parameters
    ----------
    engine : Engine
        On an empty database with the schema in place.
    cues, tracks : int
        Cues, and tracks of each.
    """
    moment = now()
    rows: dict[sa.Table, list[dict[str, Any]]] = {
        table: [] for table in (t.cues, t.cue_assets, t.midi_files, t.midi_tracks, t.track_mappings)
    }
    for c in range(cues):
        key = f"Film {c % 7}/Reel {c // 50}/{c // 50}m{c % 50:02d} Title"
        cue, file = row_id("cues", key), row_id("midi_files", key, "MIDI/a.mid")
        print_of = dict.fromkeys(("fingerprint", "midi_fingerprint", "audio_fingerprint"), "")
        rows[t.cues].append(
            {
                "id": cue, "cue_key": key, "root": "/library", "project": f"Film {c % 7}",
                "state": "present", "first_seen_at": moment, "last_seen_at": moment, **print_of,
            }
        )  # fmt: skip
        rows[t.cue_assets].append(
            {
                "cue_id": cue, "asset": "llm_mappings", "state": "ready", "row_count": tracks,
                "started_at": moment, "finished_at": moment,
            }
        )  # fmt: skip
        empty = ("tempo_map", "time_signature_map", "key_signature_map", "markers", "warnings")
        rows[t.midi_files].append(
            {"id": file, "cue_id": cue, "file_path": "MIDI/a.mid", **{name: [] for name in empty}}
        )
        for i in range(tracks):
            track = row_id("midi_tracks", key, "MIDI/a.mid", i)
            rows[t.midi_tracks].append(
                {
                    "id": track, "midi_file_id": file, "track_index": i, "track_name": f"Part {i}",
                    "sounds": [[40, None, None, 300 + i]], "sounding_seconds": 60.0 + i,
                }
            )  # fmt: skip
            rows[t.track_mappings].append(
                {
                    "midi_track_id": track, "state": ("review", "unmatched")[i % 2],
                    "instrument_category": "Strings", "confidence": 0.5 + 0.004 * i,
                }
            )  # fmt: skip
    with engine.begin() as connection:
        for table, some in rows.items():
            connection.execute(sa.insert(table), some)
