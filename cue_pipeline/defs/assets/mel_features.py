"""Asset ``mel_features``: what each stem sounds like."""

import dagster as dg

from cue_pipeline.defs.cue_asset import AssetResult, cue_asset
from cue_pipeline.defs.io_manager import rows_of
from cue_pipeline.library.cue_run import CueRun


@cue_asset(
    checks={
        "stems_sound": "No stem is cut short (its header promises more than there is) or silent "
        "throughout.",
    }
)
def mel_features(cue: CueRun) -> AssetResult:
    """Log-mel spectrogram of each stem's mono composite, and its levels.

    Absolute dB re full scale (so that a silent stem is not blown up to full scale), float16, in
    chunks of at most 512 KiB; every parameter is in `audio_features.params`. The same pass over
    the samples measures peak, RMS, silence, clipping and DC of each stem.
    """
    from cue_pipeline.audio.content import file_contents
    from cue_pipeline.audio.sound_rows import mel_feature_tables
    from cue_pipeline.library import quality as judgments
    from cue_pipeline.library.file_contents import note_audio
    from cue_pipeline.pictures.of_stems import draw_stems

    inventory = cue.inventory
    groups = inventory.groups
    tables = mel_feature_tables(cue.folder, inventory, cue.mel_profiles, threads=cue.threads)
    features, levels = rows_of(tables, "audio_features"), rows_of(tables, "audio_files")
    note_audio(cue.store, cue.folder, file_contents(cue.folder.path, groups, levels["levels"]))
    seconds = round(sum((group.duration_seconds for group in groups), 0.0), 3)
    frames = int(features["n_frames"].sum())
    return AssetResult(
        tables,
        found=f"{len(features)} spectrograms of {seconds:.1f} s of {len(groups)} "
        f"stems, {frames:,} frames.",
        metadata={
            "stems": dg.MetadataValue.int(len(groups)),
            "seconds of audio": dg.MetadataValue.float(seconds),
            "frames": dg.MetadataValue.int(frames),
        },
        pictures={"spectrograms": lambda: draw_stems(cue.folder.id_key, inventory, tables)},
        judges={"stems_sound": lambda: judgments.stems_sound(groups, levels)},
    )
