"""Asset ``final_mix_features``: the mix, whole and channel by channel."""

from cue_pipeline.cue.identity import row_id
from cue_pipeline.defs.assets._inventory import read_inventory
from cue_pipeline.defs.cue_asset import AssetResult, CueRun, cue_asset


@cue_asset(group="sound", kinds={"audio", "numpy"})
def final_mix_features(cue: CueRun) -> AssetResult:
    """Log-mel spectrograms of every final mix: its mono composite and each of its channels.

    A final mix is audio whose name holds one of `CUE_FINAL_MIX_PATTERNS` (`6mx`).
    """
    from cue_pipeline.audio.tables import final_mix_tables

    folder = cue.folder
    return AssetResult(
        final_mix_tables(
            folder,
            read_inventory(cue),
            cue.mel_profiles,
            [row_id("midi_files", folder.key, path) for path in folder.midi_paths],
            threads=cue.threads,
        )
    )
