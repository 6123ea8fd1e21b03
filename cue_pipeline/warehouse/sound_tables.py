"""Tables of a cue's stems and mixes, and of the features made of them.

Assets that make features share tables: whose a row is, its ``feature_type`` says. The kinds that
ship are in :mod:`cue_pipeline.audio.features.shipped`; :func:`share_tables` lets in what a plug-in
brings.
"""

import sqlalchemy as sa

from cue_pipeline.audio.features.kind import asset_of
from cue_pipeline.audio.features.shipped import SHIPPED
from cue_pipeline.warehouse.catalogue import column, link, row_key, table
from cue_pipeline.warehouse.types import Json

CHUNK_BYTES = 512 * 1024
"""Most bytes of a feature chunk: half of what Aurora DSQL takes for one value."""


MEL_SPECTROGRAM = "mel_spectrogram"
"""The ``feature_type`` of mel spectrograms."""


_BESIDE_MEL = {name: asset_of(name) for name in SHIPPED}


STEM_FEATURES = {MEL_SPECTROGRAM: "mel_features", **_BESIDE_MEL}


MIX_FEATURES = {MEL_SPECTROGRAM: "final_mix_features", **_BESIDE_MEL}
"""Kinds of features of stems and of mixes: ``feature_type`` → the asset that makes it."""


def share_tables(name: str) -> None:
    """Let a kind of feature that does not ship have rows in the feature tables."""
    for kinds in (STEM_FEATURES, MIX_FEATURES):
        kinds.setdefault(name, asset_of(name))


_BY_MEL = {"owner": "mel_features"}  # it is the asset that reads every sample


def _features(name: str, kinds: dict[str, str], parent: str, parent_id: str) -> sa.Table:
    return table(
        name,
        kinds[MEL_SPECTROGRAM],
        f"One row per feature of a row of `{parent}`: what its chunks hold and how it was made.",
        row_key("`row_id(table, first_key, canonical_name, feature_type, channel, profile)`."),
        link(parent_id, f"{parent}.id", "What the feature was made of."),
        column("feature_type", sa.Text, "Kind of feature: `mel_spectrogram`, …"),
        column(
            "channel",
            sa.Text,
            "`mono` for the composite, `all` for all channels, else a channel's label.",
        ),
        column("profile", sa.Text, "Name of the set of parameters: `default`, …"),
        column("sample_rate", sa.Integer, "Hz, after resampling."),
        column("hop_length", sa.Integer, "Samples between frames."),
        column("n_mels", sa.Integer, "Columns of the array: mel bands, or what the kind has."),
        column("n_frames", sa.Integer, "Frames: rows of the array."),
        column("dtype", sa.Text, "NumPy type of the array, little-endian: `float16`."),
        column(
            "max_db",
            sa.Double,
            "Largest value, dB; subtract it for dB re maximum. NULL: no frames, or no dB.",
            null=True,
        ),
        column("params", Json, "Every parameter and library version that made it."),
        column("warnings", Json, "Damage met while reading the samples, in words."),
        sa.UniqueConstraint(parent_id, "feature_type", "channel", "profile"),
        kinds=kinds,
    )


def _chunks(name: str, owner: str, parent: str, parent_id: str) -> sa.Table:
    return table(
        name,
        owner,
        f"The arrays of `{parent}`, cut along time so that a window reads one or two rows.",
        link(parent_id, f"{parent}.id", "The feature.", enforced=False, key=True),
        column("chunk_index", sa.Integer, "Place of the chunk, from 0.", key=True),
        column("first_frame", sa.Integer, "Index of its first frame in the whole array."),
        column("n_frames", sa.Integer, "Frames in this chunk."),
        column(
            "data",
            sa.LargeBinary(CHUNK_BYTES),
            "C-order array of shape (n_frames, n_mels), at most 512 KiB.",
        ),
    )


audio_files = table(
    "audio_files",
    "channel_groups",
    "One row per group of channels that belong together: a mono file, or L and R of one stem.",
    row_key("`row_id('audio_files', first_key, canonical_name)`."),
    link("cue_id", "cues.id", "The cue."),
    column("file_path", sa.Text, "The group's first channel."),
    column("canonical_name", sa.Text, "The group's name, without channel and extension."),
    column("layout", sa.Text, "`mono`, `stereo`, `lcr`, `quad`, `5.1`, `7.1`, …"),
    column("channels", Json, "Label, file, channel index, frames, rate, subtype of each."),
    column("sample_rate", sa.Integer, "Hz, of the first channel."),
    column("frames", sa.BigInteger, "Sample frames of the longest channel."),
    column("duration_seconds", sa.Double, "Of the longest channel."),
    column(
        "time_reference",
        sa.BigInteger,
        "Start, in samples since midnight; NULL: none, or not believed.",
        null=True,
    ),
    column(
        "start_offset_seconds",
        sa.Double,
        "Start, after the earliest of the cue's audio; NULL: not known.",
        null=True,
    ),
    column("peak_dbfs", sa.Double, "Sample peak; NULL: digital silence.", null=True, **_BY_MEL),
    column("rms_dbfs", sa.Double, "Of the composite; NULL: digital silence.", null=True, **_BY_MEL),
    column(
        "levels",
        Json,
        "Of each channel: peak, RMS, DC, clipped samples, silence; correlation, damage.",
        null=True,
        **_BY_MEL,
    ),
    column(
        "content_hash",
        sa.Text,
        "Of its samples, not its names (XXH3-128): the same stem elsewhere, in WAV or FLAC, has "
        "the same; NULL: not read whole. Each channel's is in `levels`.",
        null=True,
        **_BY_MEL,
    ),
    column(
        "grouping",
        Json,
        "Which evidence grouped the channels; `identity_doubt`: why it may be no stem.",
    ),
    column("warnings", Json, "What is odd about the files, in words."),
    column(
        "instrument_category",
        sa.Text,
        "One of the fixed list; NULL: undecided.",
        null=True,
        owner="llm_mappings",
    ),
    sa.UniqueConstraint("cue_id", "canonical_name"),
    sa.Index(None, "instrument_category"),
)


audio_features = _features("audio_features", STEM_FEATURES, "audio_files", "audio_file_id")


audio_feature_chunks = _chunks(
    "audio_feature_chunks", "mel_features", "audio_features", "audio_feature_id"
)


final_mixes = table(
    "final_mixes",
    "final_mix_features",
    "The mixes of the whole cue, one row per group of channels.",
    row_key("`row_id('final_mixes', first_key, canonical_name)`."),
    link("cue_id", "cues.id", "The cue."),
    link(
        "midi_file_id",
        "midi_files.id",
        "The cue's MIDI file; NULL where it has several, or none.",
        null=True,
        enforced=False,
        vanish="clear",
    ),
    column("file_path", sa.Text, "The mix's first channel."),
    column("canonical_name", sa.Text, "Its name, without channel and extension."),
    column(
        "role", sa.Text, "`mix`, `fold-down`, `old mix`; NULL: not made again since.", null=True
    ),
    column(
        "known_by",
        sa.Text,
        "How: `name`, `sum`, `name and sum`, `sound`, `name and sound`.",
        null=True,
    ),
    column("layout", sa.Text, "`stereo`, `5.1`, …"),
    column("channels", Json, "As in `audio_files`."),
    column("sample_rate", sa.Integer, "Hz, of the first channel."),
    column("frames", sa.BigInteger, "Sample frames of the longest channel."),
    column("duration_seconds", sa.Double, "Of the longest channel."),
    column(
        "time_reference",
        sa.BigInteger,
        "Start, in samples since midnight; NULL: none, or not believed.",
        null=True,
    ),
    column(
        "start_offset_seconds",
        sa.Double,
        "Start, after the earliest of the cue's audio; NULL: not known.",
        null=True,
    ),
    column("peak_dbfs", sa.Double, "Sample peak; NULL: digital silence.", null=True),
    column("rms_dbfs", sa.Double, "Of the composite; NULL: digital silence.", null=True),
    column("levels", Json, "As in `audio_files`.", null=True),
    column("content_hash", sa.Text, "As in `audio_files`.", null=True),
    column(
        "residual_db",
        sa.Double,
        "Power of the mix less the sum of the stems, dB re the mix; NULL: not computed.",
        null=True,
    ),
    column("residual", Json, "How that was computed, or why not.", null=True),
    column("grouping", Json, "Which evidence grouped the channels."),
    column("warnings", Json, "What is odd about the files, in words."),
    sa.UniqueConstraint("cue_id", "canonical_name"),
    sa.Index(None, "midi_file_id"),
)


final_mix_features = _features("final_mix_features", MIX_FEATURES, "final_mixes", "final_mix_id")


final_mix_feature_chunks = _chunks(
    "final_mix_feature_chunks", "final_mix_features", "final_mix_features", "final_mix_feature_id"
)
