"""Asset ``final_mix_features``: the mix, whole and channel by channel."""

import dagster as dg

from cue_pipeline.cue.identity import row_id
from cue_pipeline.defs.cue_asset import AssetResult, cue_asset
from cue_pipeline.defs.io_manager import rows_of
from cue_pipeline.library.cue_run import CueRun


@cue_asset(
    checks={
        "stems_sum_to_mix": "Mix less stems leaves next to nothing, 30 dB below the mix or less. "
        "More is left where a stem is missing or old, or the mix went through a processor.",
    }
)
def final_mix_features(cue: CueRun) -> AssetResult:
    """Log-mel spectrograms of every final mix: its mono composite and each of its channels.

    A final mix is what the stems add up to, or what is named so (`CUE_FINAL_MIX_PATTERNS`); `role`
    tells mixes, fold-downs and old mixes apart, `known_by` says how. The same pass takes the stems
    away from the mix, sample by sample: what is left, in `residual_db`, says whether the stems on
    disk are those that were mixed.
    """
    from cue_pipeline.audio.content import file_contents
    from cue_pipeline.audio.sound_rows import final_mix_tables
    from cue_pipeline.library import quality as judgments
    from cue_pipeline.library.file_contents import note_audio
    from cue_pipeline.pictures.of_stems import draw_mix

    folder = cue.folder
    tables = final_mix_tables(
        folder,
        cue.inventory,
        cue.mel_profiles,
        [row_id("midi_files", folder.id_key, path) for path in folder.midi_paths],
        threads=cue.threads,
    )
    mixes, features = rows_of(tables, "final_mixes"), rows_of(tables, "final_mix_features")
    note_audio(
        cue.store,
        cue.folder,
        file_contents(cue.folder.path, cue.inventory.final_mixes, mixes["levels"]),
    )
    residual = mixes.loc[mixes["role"] == "mix", "residual_db"].max()
    known = residual == residual  # not NaN
    told = f", {residual:.1f} dB from the sum of the stems" if known else ""
    metadata: dict[str, dg.MetadataValue] = {
        "final mixes": dg.MetadataValue.int(len(mixes)),
        "seconds of audio": dg.MetadataValue.float(
            round(float(mixes["duration_seconds"].sum()), 3)
        ),
    }
    if known:
        metadata["residual dB"] = dg.MetadataValue.float(float(residual))
    return AssetResult(
        tables,
        found=f"{len(mixes)} final mix{'es' * (len(mixes) != 1)}, {len(features)} spectrograms"
        f"{told}.",
        metadata=metadata,
        pictures={"mix against stems": lambda: draw_mix(cue, tables)},
        judges={"stems_sum_to_mix": lambda: judgments.stems_sum_to_mix(mixes)},
    )
