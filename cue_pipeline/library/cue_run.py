"""What the function behind an asset is given: one cue, in one run."""

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cue_pipeline.cue.folder import CueFolder
from cue_pipeline.library import graph
from cue_pipeline.settings import MelSettings, Settings
from cue_pipeline.warehouse.store import Store

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, slots=True)
class CueRun:
    """What an asset function is given: one cue, in one run."""

    folder: CueFolder
    settings: Settings
    store: Store
    log: logging.Logger
    threads: int
    """Threads that this asset may use, so that cues side by side share the processors."""

    @property
    def mel_profiles(self) -> dict[str, MelSettings]:
        """Mel spectrograms that the settings ask for, by profile name."""
        return graph.mel_profiles_of(self.settings)
