"""Asset ``tempo_map``: where time and bars stand in each MIDI file of a cue."""

import dagster as dg

from cue_pipeline.defs.cue_asset import AssetResult, cue_asset
from cue_pipeline.library.cue_run import CueRun


@cue_asset(
    checks={
        "tempo_is_written": "Every MIDI file is usable and says its tempo. One that does not is "
        "timed at 120 quarters a minute, which no session is by chance.",
    }
)
def tempo_map(cue: CueRun) -> AssetResult:
    """One row per MIDI file: tempo changes, time signatures, key signatures, markers.

    Files without a tempo of their own follow the cue's tempo map (`clock_from`), and a file that
    repeats another one's music says so (`same_as`).
    With `tempo_map` and `time_signature_map` alone every tick of the file can be turned into
    seconds, bar and beat: `docs/timing.md` has the arithmetic. Where a file says nothing, MIDI's
    120 quarters a minute and 4/4 hold. Rows are in `midi_files`; damage that was read around is in
    `warnings`.
    """
    from cue_pipeline.library import quality as judgments
    from cue_pipeline.library.file_contents import note_midi
    from cue_pipeline.midi.score_rows import tempo_map_tables
    from cue_pipeline.pictures.score import tempo_picture

    outcomes = cue.midi_files
    note_midi(cue.store, cue.folder, {outcome.file_path: outcome.sha256 for outcome in outcomes})
    tables = tempo_map_tables(cue.folder.id_key, outcomes, cue.settings.marker_tracks)
    files = tables["midi_files"]
    n_files = len(outcomes)  # a file of format 2 has a row, that is a clock, per sequence
    changes = int(files["tempo_map"].map(len).sum())
    seconds = float(files["duration_seconds"].max() or 0.0)
    return AssetResult(
        tables,
        found=f"{n_files} MIDI file{'s' * (n_files != 1)} of {seconds:.1f} s, {changes} "
        f"tempo{'s' * (changes != 1)}.",
        metadata={
            "MIDI files": dg.MetadataValue.int(n_files),
            "tempo changes": dg.MetadataValue.int(changes),
            "time signatures": dg.MetadataValue.int(
                int(files["time_signature_map"].map(len).sum())
            ),
            "seconds of music": dg.MetadataValue.float(round(seconds, 3)),
        },
        pictures={"tempo and bars": lambda: tempo_picture(files)},
        judges={"tempo_is_written": lambda: judgments.tempo_is_written(outcomes)},
    )
