"""Asset ``tempo_map``: where time and bars stand in each MIDI file of a cue."""

from cue_pipeline.defs.cue_asset import AssetResult, CueRun, cue_asset


@cue_asset(group="score", kinds={"midi"})
def tempo_map(cue: CueRun) -> AssetResult:
    """One row per MIDI file: tempo changes, time signatures, key signatures, markers.

    With `tempo_map` and `time_signature_map` alone every tick of the file can be turned into
    seconds, bar and beat. Rows are in `midi_files`; damage that was read around is in `warnings`.
    """
    from cue_pipeline.midi.tables import read_midi_files, tempo_map_tables

    outcomes = read_midi_files(cue.folder)
    tables = tempo_map_tables(cue.folder.key, outcomes, cue.settings.marker_tracks)
    files = tables["midi_files"]
    return AssetResult(
        tables,
        metadata={
            "MIDI files": len(files),
            "tempo changes": int(files["tempo_map"].map(len).sum()),
            "time signatures": int(files["time_signature_map"].map(len).sum()),
            "seconds of music": float(files["duration_seconds"].max() or 0.0),
        },
    )
