"""Rows of the audio tables, as the warehouse wants them."""

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.metadata import version
from itertools import permutations
from typing import Any

import pandas as pd

from cue_pipeline.audio.content import group_content
from cue_pipeline.audio.final_mix import Residual, measure_residual
from cue_pipeline.audio.group_pass import FeatureKey, Measured, measure_groups, takes_kernels
from cue_pipeline.audio.grouping import AudioInventory, ChannelGroup
from cue_pipeline.audio.levels import SILENCE_DBFS, dbfs, rounded
from cue_pipeline.audio.mel_filters import empty_bands, mel_remarks
from cue_pipeline.audio.profiles import DEFAULT_PROFILE
from cue_pipeline.audio.resampling import RESAMPLER
from cue_pipeline.audio.spool import DTYPE, ChunkRows, Columns, Spool, SpooledFeature
from cue_pipeline.cue.folder import CueFolder
from cue_pipeline.cue.identity import row_id
from cue_pipeline.settings import MelSettings

Tables = dict[str, pd.DataFrame | Iterable[Columns]]

FEATURE_TYPE = "mel_spectrogram"
MAX_THREADS = 8

_AUDIO_COLUMNS = (
    "id", "cue_id", "file_path", "canonical_name", "layout", "channels", "sample_rate", "frames",
    "duration_seconds", "time_reference", "start_offset_seconds", "grouping", "warnings",
)  # fmt: skip
_LEVEL_COLUMNS = ("id", "peak_dbfs", "rms_dbfs", "levels", "content_hash")
_MIX_COLUMNS = (
    "id", "cue_id", "midi_file_id", "role", "known_by", *_AUDIO_COLUMNS[2:], *_LEVEL_COLUMNS[1:],
    "residual_db", "residual",
)  # fmt: skip
FEATURE_COLUMNS = (
    "feature_type", "channel", "profile", "sample_rate", "hop_length", "n_mels", "n_frames",
    "dtype", "max_db", "params", "warnings",
)  # fmt: skip
_TYPES = {
    "id": "int64", "cue_id": "int64", "midi_file_id": "Int64", "audio_file_id": "int64",
    "final_mix_id": "int64", "sample_rate": "int64", "frames": "int64", "time_reference": "Int64",
    "duration_seconds": "float64", "start_offset_seconds": "float64", "peak_dbfs": "float64",
    "rms_dbfs": "float64", "residual_db": "float64", "hop_length": "int64", "n_mels": "int64",
    "n_frames": "int64", "max_db": "float64",
}  # fmt: skip


def default_threads() -> int:
    """Return how many groups are taken at once: the cores this process may use, at most 8."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min(MAX_THREADS, cores))


def channel_group_tables(cue_key: str, inventory: AudioInventory) -> Tables:
    """Return ``audio_files`` of a cue: everything but levels and categories.

    Parameters
    ----------
    cue_key : str
    inventory : AudioInventory
        Of :func:`~cue_pipeline.audio.inventory.take_inventory`.
    """
    rows = [
        {"id": row_id("audio_files", cue_key, g.canonical_name), **_group_row(cue_key, g)}
        for g in inventory.groups
    ]
    return {"audio_files": frame_of(rows, _AUDIO_COLUMNS)}


def mel_feature_tables(
    folder: CueFolder,
    inventory: AudioInventory,
    mels: Mapping[str, MelSettings],
    threads: int | None = None,
) -> Tables:
    """Return levels and spectrograms of a cue's stems, from one pass over their samples.

    Parameters
    ----------
    folder : CueFolder
    inventory : AudioInventory
    mels : mapping of str to MelSettings
        Profile name → parameters; ``default`` first.
    threads : int, optional
        Groups at once; default: the cores.

    Returns
    -------
    dict
        ``audio_files`` (id, peak_dbfs, rms_dbfs, levels), ``audio_features``, and
        ``audio_feature_chunks`` in batches of a few MB, which may be iterated more than once.
    """
    spool = Spool()
    found = measure_groups(
        folder.path,
        inventory.groups,
        mels,
        spool,
        threads=threads or default_threads(),
        compiled=takes_kernels(inventory.groups, mels),
    )
    twins, shared = _twins(found), shared_channels(found)
    rows = [
        {
            "id": row_id("audio_files", folder.id_key, m.group.canonical_name),
            **_level_columns(
                m, twins.get(m.group.canonical_name, []), shared.get(m.group.canonical_name, [])
            ),
        }
        for m in found
    ]
    features, spooled = _feature_rows(folder.id_key, found, mels, "audio_files", "audio_file_id")
    return {
        "audio_files": frame_of(rows, _LEVEL_COLUMNS),
        "audio_features": frame_of(features, ("id", "audio_file_id", *FEATURE_COLUMNS)),
        "audio_feature_chunks": ChunkRows(spool, spooled, "audio_feature_id"),
    }


def final_mix_tables(
    folder: CueFolder,
    inventory: AudioInventory,
    mels: Mapping[str, MelSettings],
    midi_file_ids: Sequence[int],
    threads: int | None = None,
) -> Tables:
    """Return the final mixes of a cue, with spectrograms of the composite and of each channel.

    Parameters
    ----------
    folder : CueFolder
    inventory : AudioInventory
    mels : mapping of str to MelSettings
        Profile name → parameters; ``default`` first.
    midi_file_ids : sequence of int
        The cue's: a mix belongs to the MIDI file if there is exactly one.
    threads : int, optional
        Mixes at once; default: the cores.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    spool = Spool()
    compiled = takes_kernels(inventory.final_mixes, mels, per_channel=True)
    # One thread of BLAS until the residuals are done too, which may be after the spectrograms: more
    # of them wait for each other wherever another cue has the cores.
    with (
        threadpool_limits(limits=1, user_api="blas"),
        ThreadPoolExecutor(1, "residual") as pool,  # beside the spectrograms of the same mixes
    ):
        residuals = pool.map(
            lambda mix: measure_residual(folder.path, mix, inventory.groups, compiled=compiled),
            inventory.final_mixes,
        )
        found = measure_groups(
            folder.path,
            inventory.final_mixes,
            mels,
            spool,
            threads=threads or default_threads(),
            per_channel=True,
            compiled=compiled,
        )
    midi_file_id = midi_file_ids[0] if len(midi_file_ids) == 1 else None
    twins, shared = _twins(found), shared_channels(found)
    rows = []
    for m, residual in zip(found, residuals, strict=True):
        rows.append(
            {
                "id": row_id("final_mixes", folder.id_key, m.group.canonical_name),
                "midi_file_id": midi_file_id,
                "role": m.group.role,
                "known_by": m.group.known_by,
                **_group_row(folder.id_key, m.group),
                **_level_columns(
                    m, twins.get(m.group.canonical_name, []), shared.get(m.group.canonical_name, [])
                ),
                **_residual_columns(residual),
            }
        )
    features, spooled = _feature_rows(folder.id_key, found, mels, "final_mixes", "final_mix_id")
    return {
        "final_mixes": frame_of(rows, _MIX_COLUMNS),
        "final_mix_features": frame_of(features, ("id", "final_mix_id", *FEATURE_COLUMNS)),
        "final_mix_feature_chunks": ChunkRows(spool, spooled, "final_mix_feature_id"),
    }


def frame_of(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    """Return rows as a table of these columns, with the types that they have in the warehouse."""
    frame = pd.DataFrame({c: pd.Series([row[c] for row in rows], dtype="object") for c in columns})
    return frame.astype({c: _TYPES[c] for c in columns if c in _TYPES})


def _group_row(cue_key: str, group: ChannelGroup) -> dict[str, Any]:
    return {
        "cue_id": row_id("cues", cue_key),
        "file_path": group.file_path,
        "canonical_name": group.canonical_name,
        "layout": group.layout,
        "channels": [c.as_json() for c in group.channels],
        "sample_rate": group.sample_rate,
        "frames": group.frames,
        "duration_seconds": group.duration_seconds,
        "time_reference": group.time_reference,
        "start_offset_seconds": group.start_offset_seconds,
        "grouping": dict(group.grouping),
        "warnings": list(group.warnings),
    }


def _level_columns(found: Measured, twins: Sequence[str], shared: Sequence[str]) -> dict[str, Any]:
    """Return the columns of ``audio_files`` and ``final_mixes`` that need samples."""
    notes = [*found.damage, *found.remarks, *shared]
    if twins:
        notes.append(
            f"'{found.group.canonical_name}' is the same audio as "
            f"{', '.join(repr(t) for t in twins)}."
        )
    if found.levels is None:
        silent = {"peak_dbfs": None, "rms_dbfs": None, "content_hash": None}
        return {**silent, "levels": {"warnings": notes}}
    levels = found.levels.as_json()
    levels["duplicate_of"] = list(twins)
    contents = {c.label: found.contents.get((c.file, c.index)) for c in found.group.channels}
    for channel in levels["channels"]:
        channel["content_hash"] = contents.get(channel["label"])
    whole = [content for content in contents.values() if content is not None]
    levels["warnings"] = notes
    return {
        "peak_dbfs": rounded(dbfs(found.levels.peak)),
        "rms_dbfs": rounded(dbfs(found.levels.rms)),
        "levels": levels,
        "content_hash": group_content(found.group.sample_rate, whole)
        if len(whole) == len(found.group.channels)
        else None,
    }


def _residual_columns(residual: Residual) -> dict[str, Any]:
    return {"residual_db": rounded(residual.residual_db), "residual": residual.as_json()}


def _twins(found: Sequence[Measured]) -> dict[str, list[str]]:
    """Return, for each group, the names of others with the same audio."""
    by_audio: dict[str, list[str]] = {}
    for m in found:
        if m.audio_digest:
            by_audio.setdefault(m.audio_digest, []).append(m.group.canonical_name)
    return {name: [o for o in names if o != name] for names in by_audio.values() for name in names}


def shared_channels(found: Sequence[Measured]) -> dict[str, list[str]]:
    """Return what is to be said of groups that have some channel in common, and others not.

    One file was then copied or renamed as a channel of another stem. Nothing is said where a group
    has all its channels in another: that is the same audio, or a smaller print of it.
    """
    channels = {m.group.canonical_name: _sounding_channels(m) for m in found}
    having: dict[str, list[str]] = defaultdict(list)
    for name, contents in channels.items():
        for content in contents:
            having[content].append(name)
    pairs = {pair for names in having.values() for pair in permutations(names, 2)}
    notes: dict[str, list[str]] = {}
    for one, other in sorted(pairs):
        its, others = channels[one], channels[other]
        common = its.keys() & others.keys()
        if its.keys() - common and others.keys() - common:
            (label, file), (other_label, other_file) = min((its[c], others[c]) for c in common)
            notes.setdefault(one, []).append(
                f"'{one}', channel {label} ('{file}'), holds the same samples as channel "
                f"{other_label} of '{other}' ('{other_file}'), and their other channels differ: "
                "one of the two files is probably a copy under a wrong name. Bounce both again."
            )
    return notes


def _sounding_channels(found: Measured) -> dict[str, tuple[str, str]]:
    """Return label and file of each channel that sounds, by content."""
    levels = found.levels
    if levels is None:
        return {}
    silence = 10.0 ** (SILENCE_DBFS / 20.0)
    sounds = {
        label
        for label, of in zip(levels.labels, levels.channels, strict=True)
        if of.peak >= silence
    }
    by_content = (
        (found.contents.get((c.file, c.index)), c)
        for c in found.group.channels
        if c.label in sounds
    )
    return {content: (c.label, c.file) for content, c in by_content if content is not None}


def _feature_rows(
    cue_key: str,
    found: Sequence[Measured],
    mels: Mapping[str, MelSettings],
    owner: str,
    owner_column: str,
) -> tuple[list[dict[str, Any]], list[tuple[int, SpooledFeature]]]:
    """Return a header row for every spectrogram, and where its frames are."""
    table = {"audio_files": "audio_features", "final_mixes": "final_mix_features"}[owner]
    rows: list[dict[str, Any]] = []
    spooled: list[tuple[int, SpooledFeature]] = []
    # The other profiles are what they are; MT3's has empty bands by design.
    remarks = {DEFAULT_PROFILE: mel_remarks(mels[DEFAULT_PROFILE])}
    for m in found:
        name = m.group.canonical_name
        for key, feature in m.features.items():
            mel = mels[key.profile]
            feature_id = row_id(table, cue_key, name, FEATURE_TYPE, key.channel, key.profile)
            spooled.append((feature_id, feature))
            rows.append(
                {
                    "id": feature_id,
                    owner_column: row_id(owner, cue_key, name),
                    "feature_type": FEATURE_TYPE,
                    "channel": key.channel,
                    "profile": key.profile,
                    "sample_rate": mel.sr,
                    "hop_length": mel.hop_length,
                    "n_mels": mel.n_mels,
                    "n_frames": feature.n_frames,
                    "dtype": DTYPE.name,
                    "max_db": feature.max_db if feature.n_frames else None,
                    "params": mel_params(mel, m, key),
                    "warnings": [*m.damage, *remarks.get(key.profile, ())],
                }
            )
    return rows, spooled


def mel_params(mel: MelSettings, found: Measured, key: FeatureKey) -> dict[str, Any]:
    """Return every parameter that made a spectrogram, in librosa's words."""
    channels = len(found.group.channels)
    labels = list(found.levels.labels) if found.levels else []
    source_rates = sorted({c.header.sample_rate for c in found.group.channels})
    params: dict[str, Any] = json.loads(mel.model_dump_json())
    params.update(
        win_length=mel.n_fft,
        window="hann (periodic)",
        fmax=mel.sr / 2 if mel.fmax is None else mel.fmax,
        mel_scale="htk" if mel.htk else "slaney",
        ref=1.0,
        top_db=None,
        db=f"{20.0 / mel.power:g} * log10(max(S, {mel.amin ** (mel.power / 2.0):g}))",
        precision="float64",
        dtype=DTYPE.str,
        layout="C order, (n_frames, n_mels)",
        source_sample_rates=source_rates,
        resampler=RESAMPLER if source_rates != [mel.sr] else None,
        downmix=f"mean of {channels} channels" if key.channel == "mono" else None,
        empty_bands=empty_bands(mel),
        downmix_labels=labels if key.channel == "mono" else [key.channel],
        n_samples=found.levels.samples if found.levels else 0,
        versions=_versions(),
    )
    return params


@cache
def _versions() -> dict[str, str]:
    """Return the versions of the libraries; looking one up parses a file."""
    return {name: version(name) for name in ("numpy", "scipy", "soxr", "soundfile")}
