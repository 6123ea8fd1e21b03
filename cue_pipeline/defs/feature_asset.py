"""The asset of a kind of feature: the same for every kind, whatever its frames are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import dagster as dg

from cue_pipeline.audio.features.kind import FeatureKind
from cue_pipeline.cue.identity import row_id
from cue_pipeline.defs.cue_asset import AssetResult, cue_asset
from cue_pipeline.defs.io_manager import rows_of
from cue_pipeline.library import quality
from cue_pipeline.library.cue_run import CueRun
from cue_pipeline.library.quality import Judgment

if TYPE_CHECKING:
    from pandas import DataFrame


Summaries = Mapping[str, Mapping[str, Any]]


def _clean(stems: Summaries, mixes: Summaries) -> Judgment:
    return quality.sound_is_clean({**stems, **mixes})


_CHECKS: dict[str, tuple[str, str, Callable[[Summaries, Summaries], Judgment]]] = {
    "loudness": (
        "stems_fit_the_mix",
        f"No stem is more than {quality.LOUDER_LU:g} LU louder than the mix.",
        quality.stems_fit_the_mix,
    ),
    "defects": ("sound_is_clean", "No stem or mix has clicks, dropouts or hum.", _clean),
}
"""Kind → its check: name, what passing means, and what judges the summaries."""


@cache
def feature_asset(kind: FeatureKind) -> dg.AssetsDefinition:
    """Return the asset that makes a kind of feature, of stems and of mixes."""
    check = _CHECKS.get(kind.name)

    def made(cue: CueRun, final_mix_features: dict[str, DataFrame]) -> AssetResult:
        stored = final_mix_features["final_mixes"]
        tables = cue.features(kind, set(stored["canonical_name"]))
        stems, mixes = rows_of(tables, "audio_features"), rows_of(tables, "final_mix_features")
        signals = len(stems) + len(mixes)
        frames = int(stems["n_frames"].sum() + mixes["n_frames"].sum())
        judges = {}
        if check:
            name, _, judge = check
            # Fold-downs and old mixes are told of elsewhere: stems need not add up to them.
            whole = stored[stored["role"] == "mix"]
            names = {
                row_id("audio_files", cue.folder.id_key, group.canonical_name): group.canonical_name
                for group in cue.inventory.groups
            }
            of_stems = _summaries(stems, "audio_file_id", names)
            of_mixes = _summaries(
                mixes, "final_mix_id", dict(zip(whole["id"], whole["canonical_name"], strict=True))
            )
            judges[name] = lambda: judge(of_stems, of_mixes)
        return AssetResult(
            tables,
            found=f"{kind.name} of {signals} signals of stems and mixes, {frames:,} frames.",
            metadata={
                "signals": dg.MetadataValue.int(signals),
                "frames": dg.MetadataValue.int(frames),
            },
            judges=judges,
        )

    made.__name__, made.__doc__ = kind.asset, kind.about
    loads = {"final_mix_features": ["final_mixes"]}
    return cue_asset(loads=loads, checks={check[0]: check[1]} if check else None)(made)


def _summaries(rows: DataFrame, link: str, names: Mapping[int, str]) -> dict[str, Any]:
    """Return what is known of each sound that has a name, of the whole of it."""
    return {
        names[sound]: params.get("summary", {})
        for sound, params in zip(rows[link], rows["params"], strict=True)
        if sound in names
    }
