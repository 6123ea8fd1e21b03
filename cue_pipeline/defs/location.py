"""The code location: assets, resources and jobs put together."""

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import dagster as dg

from cue_pipeline.defs import assets
from cue_pipeline.defs.automation import automation_of
from cue_pipeline.defs.feature_asset import feature_asset
from cue_pipeline.defs.io_manager import WarehouseIOManager
from cue_pipeline.defs.is_current import IS_CURRENT, is_current_check, own_checks, tell_states_job
from cue_pipeline.defs.resources import CueLibrary
from cue_pipeline.defs.sensors import cue_folders_sensor, cue_states_sensor
from cue_pipeline.library import graph
from cue_pipeline.library.feature_kinds import chosen_kinds
from cue_pipeline.library.graph import told_versions
from cue_pipeline.settings import Settings

PROCESS_CUE = "process_cue"
"""Name of the job that materialises assets of one cue."""


def assets_of(settings: Settings) -> list[dg.AssetsDefinition]:
    """Return the assets of a library, upstream before downstream."""
    return [*find_assets(), *map(feature_asset, chosen_kinds(settings))]


def find_assets(package: ModuleType = assets) -> list[dg.AssetsDefinition]:
    """Return the assets that every library has, in the order of the graph.

    Raises
    ------
    RuntimeError
        If the graph declares an asset that no module makes, or more than once.
    """
    found: dict[str, dg.AssetsDefinition] = {}
    for asset in dg.load_assets_from_package_module(package):
        if isinstance(asset, dg.AssetsDefinition):
            found[asset.key.path[-1]] = asset
    lacking = [name for name in graph.GRAPH if name not in found]
    if lacking:
        raise RuntimeError(
            f"library/graph.py declares {lacking}, which no module of {package.__name__} makes."
        )
    return [found[name] for name in graph.GRAPH]


def process_job(settings: Settings) -> dg.JobDefinition:
    """Return the job that materialises assets of one cue, as ``cue-pipeline process`` runs it.

    Nothing else is defined beside it: where `is_current` is, a run that names its assets has it as
    a step of its own, which costs each cue more than the check.
    """
    return dg.Definitions(
        jobs=[_process_cue(dg.AssetSelection.all())], **_assets(settings, {})
    ).resolve_job_def(PROCESS_CUE)


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
    tell = tell_states_job()
    watch = cue_folders_sensor(settings, PROCESS_CUE, own_checks(assets_of(settings)))
    return dg.Definitions(
        jobs=[
            _process_cue(dg.AssetSelection.all() - dg.AssetSelection.checks(IS_CURRENT)),
            tell,
        ],
        asset_checks=[is_current_check()],
        sensors=[watch, cue_states_sensor(tell)],
        **_assets(settings, resource_overrides or {}),
    )


def _process_cue(selection: dg.AssetSelection) -> Any:
    return dg.define_asset_job(
        PROCESS_CUE,
        selection=selection,
        description="Everything about one cue: its score, its sound, and how they match.",
    )


def _assets(settings: Settings, resource_overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return the assets under some settings, with what they need to run."""
    versions = told_versions(graph.code_versions(settings))
    library = CueLibrary()

    def with_current_version(spec: dg.AssetSpec) -> dg.AssetSpec:
        asset = spec.key.path[-1]
        return spec.replace_attributes(
            code_version=versions[asset], automation_condition=automation_of(asset, settings)
        )

    return {
        "assets": [asset.map_asset_specs(with_current_version) for asset in assets_of(settings)],
        "resources": {
            "library": library,
            "warehouse": WarehouseIOManager(cue_library=library),
            **resource_overrides,
        },
        # One process per run: seven short steps in processes of their own take 16 s, here 0.5 s.
        "executor": dg.in_process_executor,
    }
