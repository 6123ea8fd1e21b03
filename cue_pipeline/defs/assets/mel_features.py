"""Asset ``mel_features``: what each stem sounds like."""

from cue_pipeline.defs.assets._inventory import read_inventory
from cue_pipeline.defs.cue_asset import AssetResult, CueRun, cue_asset


@cue_asset(group="sound", kinds={"audio", "numpy"})
def mel_features(cue: CueRun) -> AssetResult:
    """Log-mel spectrogram of each stem's mono composite, and its levels.

    Absolute dB re full scale, float16, in chunks of at most 512 KiB; every parameter is in
    `audio_features.params`. The same pass over the samples measures peak, RMS, silence, clipping
    and DC of each stem.
    """
    from cue_pipeline.audio.tables import mel_feature_tables

    inventory = read_inventory(cue)
    tables = mel_feature_tables(cue.folder, inventory, cue.mel_profiles, threads=cue.threads)
    return AssetResult(tables)
