"""The asset of a kind of feature: the same for every kind, whatever its frames are."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING

import dagster as dg

from cue_pipeline.audio.features.kind import FeatureKind
from cue_pipeline.defs.cue_asset import AssetResult, cue_asset
from cue_pipeline.defs.io_manager import rows_of
from cue_pipeline.library.cue_run import CueRun
from cue_pipeline.library.feature_checks import FEATURE_CHECKS, judged

if TYPE_CHECKING:
    from pandas import DataFrame


@cache
def feature_asset(kind: FeatureKind) -> dg.AssetsDefinition:
    """Return the asset that makes a kind of feature, of stems and of mixes."""
    check = FEATURE_CHECKS.get(kind.name)

    def made(cue: CueRun, final_mix_features: dict[str, DataFrame]) -> AssetResult:
        stored = final_mix_features["final_mixes"]
        tables = cue.features(kind, set(stored["canonical_name"]))
        stems, mixes = rows_of(tables, "audio_features"), rows_of(tables, "final_mix_features")
        signals = len(stems) + len(mixes)
        frames = int(stems["n_frames"].sum() + mixes["n_frames"].sum())
        return AssetResult(
            tables,
            found=f"{kind.name} of {signals} signals of stems and mixes, {frames:,} frames.",
            metadata={
                "signals": dg.MetadataValue.int(signals),
                "frames": dg.MetadataValue.int(frames),
            },
            judges={check.name: partial(judged, check, cue, stored, stems, mixes)} if check else {},
        )

    made.__name__, made.__doc__ = kind.asset, kind.about
    loads = {"final_mix_features": ["final_mixes"]}
    return cue_asset(loads=loads, checks={check.name: check.passing} if check else None)(made)
