"""Rows of the feature tables of the kinds beside mel, as the warehouse wants them."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from cue_pipeline.audio.features.downmix import MID_SIDE
from cue_pipeline.audio.features.kind import FeatureKind, Grid
from cue_pipeline.audio.features.measuring import MadeFeature, MadeGroup, make_features
from cue_pipeline.audio.grouping import ChannelGroup
from cue_pipeline.audio.levels import rounded
from cue_pipeline.audio.sound_rows import FEATURE_COLUMNS, Tables, frame_of
from cue_pipeline.audio.spool import ChunkRows, Spool, SpooledFeature
from cue_pipeline.cue.identity import row_id
from cue_pipeline.errors import AudioFileError, CuePipelineError

_LIBRARIES = ("numpy", "scipy", "soxr", "librosa")
_TABLES = {
    "audio_files": ("audio_features", "audio_file_id", "audio_feature_id"),
    "final_mixes": ("final_mix_features", "final_mix_id", "final_mix_feature_id"),
}
"""Table of sounds → that of their features, and the columns that link to a sound and a feature."""

OfKind = dict[str, Callable[[], Tables]]


def feature_tables(
    folder: Path,
    first_key: str,
    sounds: Mapping[str, Sequence[ChannelGroup]],
    kinds: Sequence[FeatureKind],
    grid: Grid,
    *,
    threads: int,
) -> OfKind:
    """Make several kinds of features of a cue's sounds in one pass over their samples.

    Parameters
    ----------
    folder : Path
        The cue's.
    first_key : str
        From which the ids of its rows derive.
    sounds : mapping of str to sequence of ChannelGroup
        ``audio_files`` and ``final_mixes`` → those whose rows are in that table.
    kinds : sequence of FeatureKind
    grid : Grid
    threads : int
        Groups at once.

    Returns
    -------
    dict of str to callable
        Name of each kind → what returns its tables, or raises what it failed of.
    """
    spool = Spool()
    groups = [group for of_table in sounds.values() for group in of_table]
    made = iter(make_features(folder, groups, kinds, grid, spool, threads=threads))
    found = {table: [next(made) for _ in of_table] for table, of_table in sounds.items()}

    def tables_of(kind: FeatureKind) -> Tables:
        for of_group in (of for of_table in found.values() for of in of_table):
            if kind.name in of_group.faults:
                _raise(kind.name, of_group)
        tables: Tables = {}
        for table, of_table in found.items():
            tables |= _tables(kind, grid, table, first_key, of_table, spool)
        return tables

    return {kind.name: lambda kind=kind: tables_of(kind) for kind in kinds}  # type: ignore[misc]


def _raise(name: str, made: MadeGroup) -> NoReturn:
    """Raise what a kind failed of, and as one that will last unless it is the machine's."""
    fault = made.faults[name]
    if isinstance(fault, CuePipelineError | OSError | MemoryError):
        raise fault
    raise AudioFileError(
        f"The feature '{name}' failed on '{made.group.canonical_name}': {type(fault).__name__}: "
        f"{fault}. Mend the module that makes it, or take it out of CUE_FEATURES."
    ) from fault


def _tables(
    kind: FeatureKind,
    grid: Grid,
    sounds: str,
    first_key: str,
    made: Sequence[MadeGroup],
    spool: Spool,
) -> Tables:
    table, link, chunk_link = _TABLES[sounds]
    shape = kind.shape(grid)
    rows: list[dict[str, Any]] = []
    spooled: list[tuple[int, SpooledFeature]] = []
    for of_group in made:
        name = of_group.group.canonical_name
        for (of_kind, channel), feature in of_group.features.items():
            if of_kind != kind.name:
                continue
            frames = feature.frames
            feature_id = row_id(table, first_key, name, kind.name, channel, "default")
            spooled.append((feature_id, frames))
            rows.append(
                {
                    "id": feature_id,
                    link: row_id(sounds, first_key, name),
                    "feature_type": kind.name,
                    "channel": channel,
                    "profile": "default",
                    "sample_rate": shape.sample_rate,
                    "hop_length": shape.hop_length,
                    "n_mels": shape.n_columns,
                    "n_frames": frames.n_frames,
                    "dtype": np.dtype(kind.dtype).name,
                    "max_db": frames.max_db if kind.decibels and frames.n_frames else None,
                    "params": _params(kind, grid, of_group, feature),
                    "warnings": [
                        *of_group.damage,
                        *(f"'{name}': {said}" for said in feature.warnings),
                    ],
                }
            )
    return {
        table: frame_of(rows, ("id", link, *FEATURE_COLUMNS)),
        f"{table.removesuffix('s')}_chunks": ChunkRows(spool, spooled, chunk_link),
    }


def _params(kind: FeatureKind, grid: Grid, made: MadeGroup, feature: MadeFeature) -> dict[str, Any]:
    shape = kind.shape(grid)
    source_rates = sorted({c.header.sample_rate for c in made.group.channels})
    params: dict[str, Any] = {
        **shape.params,
        "sr": shape.sample_rate,
        "hop_length": shape.hop_length,
        "first_frame_at": shape.first_frame_at,
        "silence": shape.silence,
        "dtype": np.dtype(kind.dtype).newbyteorder("<").str,
        "layout": "C order, (n_frames, n_mels)",
        "channels": list(feature.labels),
        "downmix": _downmix(kind, feature),
        "source_sample_rates": source_rates,
        "n_samples": made.n_samples,
        "versions": _versions(),
    }
    if summary := feature.summary:
        params["summary"] = {
            key: rounded(value, 6) if isinstance(value, float) else value
            for key, value in summary.items()
        }
    return params


def _downmix(kind: FeatureKind, feature: MadeFeature) -> str | None:
    if kind.downmix:
        made_of = "Lo, Ro by ITU-R BS.775"
        return f"{made_of}, mid and side as {MID_SIDE}" if "Side" in feature.labels else made_of
    return None if kind.hears_channels else f"mean of {len(feature.labels)} channels"


@cache
def _versions() -> dict[str, str]:
    return {name: version(name) for name in _LIBRARIES}
