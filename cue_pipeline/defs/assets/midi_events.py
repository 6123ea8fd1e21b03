"""Asset ``midi_events``: tracks, and every channel voice message with its exact time."""

from cue_pipeline.defs.cue_asset import AssetResult, CueRun, cue_asset


@cue_asset(group="score", kinds={"midi"})
def midi_events(cue: CueRun) -> AssetResult:
    """Tracks, notes, controllers, program changes, pitch bends and aftertouch of a cue.

    Each event has its tick, its time in seconds and its bar and beat. Marker tracks (see
    `CUE_MARKER_TRACKS`) are left out; what they mark is kept in `midi_files`.
    """
    from cue_pipeline.midi.tables import midi_events_tables, read_midi_files

    tables = midi_events_tables(
        cue.folder.key, read_midi_files(cue.folder), cue.settings.marker_tracks
    )
    return AssetResult(tables)
