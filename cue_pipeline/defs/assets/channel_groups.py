"""Asset ``channel_groups``: which audio files are the channels of one stem."""

from cue_pipeline.defs.assets._inventory import read_inventory
from cue_pipeline.defs.cue_asset import AssetResult, CueRun, cue_asset
from cue_pipeline.defs.markdown import markdown_table


@cue_asset(group="sound", kinds={"audio", "table"})
def channel_groups(cue: CueRun) -> AssetResult:
    """One row per stem in `audio_files`: its channels, layout, length, and the evidence for them.

    `VLN.L.wav` and `VLN.R.wav` are one stem because of their names, equal lengths and time
    references; which of these spoke is in `grouping`. Only names and headers are read, so the
    grouping of a whole library takes seconds. Final mixes and click tracks are told apart by name.
    """
    from cue_pipeline.audio.tables import channel_group_tables
    from cue_pipeline.defs import judgments
    from cue_pipeline.defs.grouping_table import grouping_table

    inventory = read_inventory(cue)
    groups, mixes = inventory.groups, inventory.final_mixes
    channels = sum(len(group.channels) for group in groups)
    return AssetResult(
        channel_group_tables(cue.folder.key, inventory),
        found=f"{len(groups)} stems of {channels} channels, {len(mixes)} final mix"
        f"{'es' * (len(mixes) != 1)}, {len(inventory.ignored)} click tracks left out.",
        metadata={
            "grouping": markdown_table(grouping_table(inventory)),
            "groups": len(groups),
            "channels": channels,
            "final mixes": len(mixes),
            "click tracks left out": len(inventory.ignored),
            "seconds of audio": round(sum(group.duration_seconds for group in groups), 3),
        },
        warnings=inventory.warnings,
        judges={
            "channels_are_complete": lambda: judgments.channels_are_complete([*groups, *mixes])
        },
    )
