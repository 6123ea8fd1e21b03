"""The code location: assets, resources and jobs put together."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from cue_pipeline.defs.assets.channel_groups import channel_groups
from cue_pipeline.defs.assets.final_mix_features import final_mix_features
from cue_pipeline.defs.assets.llm_mappings import llm_mappings
from cue_pipeline.defs.assets.match_evidence import match_evidence
from cue_pipeline.defs.assets.mel_features import mel_features
from cue_pipeline.defs.assets.midi_events import midi_events
from cue_pipeline.defs.assets.tempo_map import tempo_map
from cue_pipeline.defs.automation import automation_of
from cue_pipeline.defs.io_manager import WarehouseIOManager
from cue_pipeline.defs.resources import CueLibrary
from cue_pipeline.defs.sensors import cue_folders_sensor
from cue_pipeline.library import graph
from cue_pipeline.library.graph import told_versions
from cue_pipeline.settings import Settings

ASSETS = (
    tempo_map,
    midi_events,
    channel_groups,
    mel_features,
    final_mix_features,
    match_evidence,
    llm_mappings,
)
PROCESS_CUE = "process_cue"
"""Name of the job that materialises assets of one cue."""


def build_defs(
    settings: Settings, *, resource_overrides: Mapping[str, Any] | None = None
) -> dg.Definitions:
    """Return the code location under some settings.

    Parameters
    ----------
    settings : Settings
        They go into the assets' code versions.
    resource_overrides : mapping of str to object, optional
        Resources that replace ``library`` or ``warehouse``, for tests.
    """
    versions = told_versions(graph.code_versions(settings))
    library = CueLibrary()

    def with_current_version(spec: dg.AssetSpec) -> dg.AssetSpec:
        asset = spec.key.path[-1]
        return spec.replace_attributes(
            code_version=versions[asset], automation_condition=automation_of(asset, settings)
        )

    return dg.Definitions(
        assets=[asset.map_asset_specs(with_current_version) for asset in ASSETS],
        jobs=[
            dg.define_asset_job(
                PROCESS_CUE,
                selection=dg.AssetSelection.all(),
                description="Everything about one cue: its score, its sound, and how they match.",
            )
        ],
        sensors=[cue_folders_sensor(settings, PROCESS_CUE)],
        resources={
            "library": library,
            "warehouse": WarehouseIOManager(cue_library=library),
            **(resource_overrides or {}),
        },
        # One process per run: seven short steps in processes of their own take 16 s, here 0.5 s.
        executor=dg.in_process_executor,
    )
