"""The grouping of a cue's audio files, as a person reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pandas import DataFrame

    from cue_pipeline.audio.channel_groups import AudioInventory


def grouping_table(inventory: AudioInventory) -> DataFrame:
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
