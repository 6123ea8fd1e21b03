"""Asset ``channel_groups``: which audio files are the channels of one stem."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from cue_pipeline.defs.cue_asset import AssetResult, cue_asset
from cue_pipeline.defs.markdown import markdown_table
from cue_pipeline.library.cue_run import CueRun

if TYPE_CHECKING:
    from pandas import DataFrame

    from cue_pipeline.audio.grouping import AudioInventory


@cue_asset(
    checks={
        "channels_are_complete": "Each stem and mix has every channel of its layout, all of one "
        "length.",
    }
)
def channel_groups(cue: CueRun) -> AssetResult:
    """One row per stem in `audio_files`: its channels, layout, length, and the evidence for them.

    `VLN.L.wav` and `VLN.R.wav` are one stem because of their names, equal lengths and time
    references; which of these spoke is in `grouping`. Only names and headers are read, so the
    grouping of a whole library takes seconds. Final mixes and click tracks are told apart by name.
    """
    from cue_pipeline.audio.sound_rows import channel_group_tables
    from cue_pipeline.library import quality as judgments

    inventory = cue.inventory
    groups, mixes = inventory.groups, inventory.final_mixes
    channels = sum(len(group.channels) for group in groups)
    return AssetResult(
        channel_group_tables(cue.folder.key, inventory),
        found=f"{len(groups)} stems of {channels} channels, {len(mixes)} final mix"
        f"{'es' * (len(mixes) != 1)}, {len(inventory.ignored)} click tracks left out.",
        metadata={
            "grouping": markdown_table(_grouping_table(inventory)),
            "groups": dg.MetadataValue.int(len(groups)),
            "channels": dg.MetadataValue.int(channels),
            "final mixes": dg.MetadataValue.int(len(mixes)),
            "click tracks left out": dg.MetadataValue.int(len(inventory.ignored)),
            "seconds of audio": dg.MetadataValue.float(
                round(sum(group.duration_seconds for group in groups), 3)
            ),
        },
        warnings=inventory.warnings,
        judges={
            "channels_are_complete": lambda: judgments.channels_are_complete([*groups, *mixes])
        },
    )


def _grouping_table(inventory: AudioInventory) -> DataFrame:
    """Return one row per stem, final mix and click track: channels, layout, length, evidence."""
    import pandas as pd

    kinds = (
        ("stem", inventory.groups),
        ("final mix", inventory.final_mixes),
        ("left out", inventory.ignored),
    )
    return pd.DataFrame(
        [
            {
                "name": group.canonical_name,
                "as": kind,
                "layout": group.layout,
                "channels": " ".join(channel.label for channel in group.channels),
                "length": f"{group.duration_seconds:.2f} s",
                "grouped by": ", ".join(group.grouping.get("evidence", ())) or "one file",
                "to look at": " ".join(group.warnings),
            }
            for kind, groups in kinds
            for group in groups
        ],
        columns=["name", "as", "layout", "channels", "length", "grouped by", "to look at"],
    )
