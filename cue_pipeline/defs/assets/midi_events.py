"""Asset ``midi_events``: tracks, and every channel voice message with its exact time."""

import dagster as dg

from cue_pipeline.defs.cue_asset import AssetResult, cue_asset
from cue_pipeline.library.cue_run import CueRun


@cue_asset(
    checks={
        "notes_are_kept": "As many notes are stored as a second reader, which shares no code with "
        "the first, counts in the files. Marker tracks are left out on purpose.",
    }
)
def midi_events(cue: CueRun) -> AssetResult:
    """Tracks, notes, controllers, program changes, pitch bends and aftertouch of a cue.

    Each event has its tick, its time in seconds and its bar and beat. Nothing is dropped: a note
    without its end, of no length or struck again before it ended is kept and says so in `flags`.
    Marker tracks (see `CUE_MARKER_TRACKS`) are left out; what they mark is kept in `midi_files`.
    """
    from cue_pipeline.library import quality as judgments
    from cue_pipeline.midi.score_rows import midi_events_tables
    from cue_pipeline.pictures.score import roll_picture

    outcomes = cue.midi_files
    markers = cue.settings.marker_tracks
    tables = midi_events_tables(cue.folder.id_key, outcomes, markers)
    tracks, notes, controls = (tables[t] for t in ("midi_tracks", "midi_notes", "midi_cc"))
    return AssetResult(
        tables,
        found=f"{len(notes):,} notes and {len(controls):,} controllers on {len(tracks)} tracks.",
        metadata={
            "tracks": dg.MetadataValue.int(len(tracks)),
            "notes": dg.MetadataValue.int(len(notes)),
            "controllers": dg.MetadataValue.int(len(controls)),
            "notes with a flag": dg.MetadataValue.int(int((notes["flags"] != 0).sum())),
        },
        pictures={"piano roll": lambda: roll_picture(tracks, notes)},
        judges={"notes_are_kept": lambda: judgments.notes_are_kept(outcomes, tables, markers)},
    )
