"""The audio inventory of a cue under the run's settings, as three assets need it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cue_pipeline.library.cue_run import CueRun

if TYPE_CHECKING:
    from cue_pipeline.audio.grouping import AudioInventory


def read_inventory(cue: CueRun) -> AudioInventory:
    """Return the cue's groups, final mixes and click tracks."""
    from cue_pipeline.audio.grouping import find_channel_groups

    return find_channel_groups(
        cue.folder,
        sample_rate=cue.settings.sample_rate,
        final_mix_patterns=cue.settings.final_mix_patterns,
        ignore_patterns=cue.settings.ignore_patterns,
        interleaved_order=cue.settings.interleaved_order,
    )
