"""Asset ``channel_groups``: which audio files are the channels of one stem."""

from cue_pipeline.defs.assets._inventory import read_inventory
from cue_pipeline.defs.cue_asset import AssetResult, CueRun, cue_asset


@cue_asset(group="sound", kinds={"audio"})
def channel_groups(cue: CueRun) -> AssetResult:
    """One row per stem in `audio_files`: its channels, layout, length, and the evidence for them.

    Only names and headers are read, so the grouping of a whole library takes seconds. Final mixes
    and click tracks are told apart by name.
    """
    from cue_pipeline.audio.tables import channel_group_tables

    inventory = read_inventory(cue)
    return AssetResult(
        channel_group_tables(cue.folder.key, inventory),
        metadata={
            "groups": len(inventory.groups),
            "final mixes": len(inventory.final_mixes),
            "click tracks left out": len(inventory.ignored),
        },
        warnings=inventory.warnings,
    )
