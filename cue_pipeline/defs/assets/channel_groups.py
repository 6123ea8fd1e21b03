"""Asset ``channel_groups``: which audio files are the channels of one stem."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from cue_pipeline.defs.cue_asset import AssetResult, cue_asset, with_file
from cue_pipeline.defs.markdown import markdown_table
from cue_pipeline.library.cue_run import CueRun

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pandas import DataFrame

    from cue_pipeline.audio.grouping import AudioInventory, ChannelGroup


@cue_asset(
    checks={
        "channels_are_complete": "Each stem and mix has every channel of its layout, all of one "
        "length.",
    }
)
def channel_groups(cue: CueRun) -> AssetResult:
    """One row per stem in `audio_files`: its channels, layout, length, and the evidence for them.

    `VLN.L.wav` and `VLN.R.wav` are one stem because of their names, equal lengths and time
    references; which of these spoke is in `grouping`. Names say which groups are final mixes and
    click tracks; some seconds of excerpts confirm that or correct it: a mix is what the others add
    up to. They also place groups whose time references cannot be right.
    """
    from cue_pipeline.audio.sound_rows import channel_group_tables
    from cue_pipeline.library import quality as judgments
    from cue_pipeline.library.file_contents import left_out, note_audio

    inventory = cue.inventory
    note_audio(cue.store, cue.folder, left_out(cue.folder, inventory))
    groups, mixes = inventory.groups, inventory.final_mixes
    channels = sum(len(group.channels) for group in groups)
    return AssetResult(
        channel_group_tables(cue.folder.id_key, inventory),
        found=f"{len(groups)} stems of {channels} channels, {_told(mixes)}, "
        f"{len(inventory.ignored)} click tracks left out.",
        metadata={
            "grouping": markdown_table(_grouping_table(inventory)),
            "groups": dg.MetadataValue.int(len(groups)),
            "channels": dg.MetadataValue.int(channels),
            "final mixes": dg.MetadataValue.int(len(mixes)),
            "click tracks left out": dg.MetadataValue.int(len(inventory.ignored)),
            "seconds of audio": dg.MetadataValue.float(
                round(sum((group.duration_seconds for group in groups), 0.0), 3)
            ),
        },
        warnings=[
            *inventory.warnings,
            # Their rows are another asset's, which says the same.
            *(w for mix in mixes for w in with_file(mix.file_path, mix.warnings)),
            *_without_stems(cue.folder.key, inventory),
        ],
        judges={
            "channels_are_complete": lambda: judgments.channels_are_complete([*groups, *mixes])
        },
    )


def _told(mixes: Sequence[ChannelGroup]) -> str:
    """Return how many mixes there are, of which kinds, and how that is known."""
    if not mixes:
        return "no final mix (a cue of stems only)"
    kinds = [f"{mix.role} '{mix.canonical_name}' by {mix.known_by}" for mix in mixes]
    return f"{len(mixes)} final mix{'es' * (len(mixes) != 1)} ({', '.join(kinds)})"


def _without_stems(cue_key: str, inventory: AudioInventory) -> Iterator[str]:
    if inventory.final_mixes and not inventory.groups:
        yield (
            f"cue '{cue_key}' has mixes only and no stems: its tracks cannot be matched. Add the "
            "stems, or change CUE_FINAL_MIX_PATTERNS if a stem was taken for a mix."
        )


def _grouping_table(inventory: AudioInventory) -> DataFrame:
    """Return one row per stem, mix and click track: role, channels, layout, length, evidence."""
    import pandas as pd

    kinds = (inventory.groups, inventory.final_mixes, inventory.ignored)
    return pd.DataFrame(
        [
            {
                "name": group.canonical_name,
                "as": "left out" if groups is inventory.ignored else group.role,
                "layout": group.layout,
                "channels": " ".join(channel.label for channel in group.channels),
                "length": f"{group.duration_seconds:.2f} s",
                "grouped by": ", ".join(group.grouping.get("evidence", ())) or "one file",
                "to look at": " ".join(group.warnings),
            }
            for groups in kinds
            for group in groups
        ],
        columns=["name", "as", "layout", "channels", "length", "grouped by", "to look at"],
    )
