"""What the functions behind assets are given: one cue, in one run, looked at once."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from cue_pipeline.library import graph
from cue_pipeline.library.feature_kinds import chosen_kinds, grid_of
from cue_pipeline.library.recognition import settled_folder

if TYPE_CHECKING:
    from cue_pipeline.audio.features.feature_rows import OfKind
    from cue_pipeline.audio.features.kind import FeatureKind
    from cue_pipeline.audio.grouping import AudioInventory
    from cue_pipeline.audio.sound_rows import Tables
    from cue_pipeline.cue.folder import CueFolder
    from cue_pipeline.midi.score_rows import MidiFileOutcome
    from cue_pipeline.settings import MelSettings, Settings
    from cue_pipeline.warehouse.registry import CueRow
    from cue_pipeline.warehouse.store import Store


class CueLook:
    """What one run sees of a cue's folder: each part is read when first asked for, and then kept.

    All assets of a run are made of the same look, so that a file which changes meanwhile is not
    one thing to one asset and another to the next; the fingerprint that the ledger keeps is that
    of this look, and the next run finds the change. A look must not outlive its run.

    Parameters
    ----------
    cue : CueRow
        As it was registered.
    store : Store
    settings : Settings
    """

    def __init__(self, cue: CueRow, store: Store, settings: Settings) -> None:
        self._cue = cue
        self._store = store
        self._settings = settings
        self.made_features: OfKind = {}
        """Features that the pass of an earlier asset of the run made for those that follow."""

    @property
    def cue_id(self) -> int:
        """Which cue it is, whatever key that has meanwhile."""
        return self._cue.id

    @cached_property
    def folder(self) -> CueFolder:
        """The folder with the names of its files.

        Raises
        ------
        CueError
            If it is gone, unreadable or no longer a cue.
        """
        return settled_folder(self._store, self._cue)

    @cached_property
    def midi_files(self) -> tuple[MidiFileOutcome, ...]:
        """What became of each of its MIDI files."""
        from cue_pipeline.midi.score_rows import read_midi_files

        return read_midi_files(
            self.folder, self._settings.midi_charset, self._settings.midi_most_events
        )

    @cached_property
    def inventory(self) -> AudioInventory:
        """Its stems, final mixes and click tracks, by headers, names and some seconds of sound.

        Raises
        ------
        AudioFileError
            If there are audio files and none can be used.
        """
        from cue_pipeline.audio.inventory import take_inventory

        return take_inventory(
            self.folder,
            sample_rate=self._settings.sample_rate,
            final_mix_patterns=self._settings.final_mix_patterns,
            ignore_patterns=self._settings.ignore_patterns,
            interleaved_order=self._settings.interleaved_order,
        )


@dataclass(frozen=True, slots=True)
class CueRun:
    """What an asset function is given."""

    look: CueLook
    settings: Settings
    store: Store
    log: logging.Logger
    threads: int
    """Threads that this asset may use, so that cues side by side share the processors."""
    run_makes: frozenset[str] | None = None
    """Assets that this run makes; None: all."""

    @property
    def folder(self) -> CueFolder:
        """The cue's folder."""
        return self.look.folder

    @property
    def midi_files(self) -> tuple[MidiFileOutcome, ...]:
        """What became of each of the cue's MIDI files."""
        return self.look.midi_files

    @property
    def inventory(self) -> AudioInventory:
        """The cue's stems, final mixes and click tracks."""
        return self.look.inventory

    def features(self, kind: FeatureKind, stored_mixes: Collection[str]) -> Tables:
        """Return the tables of a kind of feature, of the cue's stems and of its stored mixes.

        The first kind that a run asks for has all kinds made that the run makes, in one pass over
        the samples.

        Parameters
        ----------
        kind : FeatureKind
        stored_mixes : collection of str
            Canonical names of the mixes that have a row.
        """
        from cue_pipeline.audio.features.feature_rows import feature_tables

        if kind.name not in self.look.made_features:
            kinds = [
                other
                for other in chosen_kinds(self.settings)
                if self.run_makes is None or other.asset in self.run_makes or other is kind
            ]
            mixes = self.inventory.final_mixes
            self.look.made_features |= feature_tables(
                self.folder.path,
                self.folder.id_key,
                {
                    "audio_files": self.inventory.groups,
                    "final_mixes": [mix for mix in mixes if mix.canonical_name in stored_mixes],
                },
                kinds,
                grid_of(self.settings),
                threads=self.threads,
            )
        return self.look.made_features.pop(kind.name)()

    @property
    def mel_profiles(self) -> dict[str, MelSettings]:
        """Mel spectrograms that the settings ask for, by profile name."""
        return graph.mel_profiles_of(self.settings)
