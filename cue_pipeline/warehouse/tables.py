"""Every table of the warehouse: its columns, what they mean and which asset owns them.

Conventions
-----------
Times are float64 seconds from the start of the MIDI file; ticks are integers; bars and beats
count from 1, a beat is fractional in units of the time signature's denominator. Paths are
relative to the cue's folder, POSIX. Ids are 63-bit integers that the client derives from natural
keys (:func:`cue_pipeline.cue.identity.row_id`).

``table.info["owner"]`` and, where it differs, ``column.info["owner"]`` name the asset that writes:
re-materialising an asset rewrites its own rows and columns and nothing else. Assets that make
features share tables: ``table.info["kinds"]`` says which ``feature_type`` is whose, for the kinds
of :mod:`cue_pipeline.audio.features`. ``column.doc`` is what
``docs/data-model.md`` prints.

``column.info["references"]`` names what a column points at. Where the parent is sure to be
written first and rows are few, a foreign key enforces it (on SQLite and PostgreSQL); event and
chunk tables have none, because a check for every one of a million rows costs more than the load
(the store checks their references batch by batch instead), and neither has Aurora DSQL.
"""

from cue_pipeline.warehouse.catalogue import (
    kinds_of,
    metadata,
    ordered_tables,
    owned_columns,
    owner,
    referred,
    referring,
    scope_column,
    sharing,
    writers,
)
from cue_pipeline.warehouse.cue_tables import (
    cue_assets,
    cue_contents,
    cue_splits,
    cue_writers,
    cues,
)
from cue_pipeline.warehouse.score_tables import (
    cue_sketches,
    midi_aftertouch,
    midi_cc,
    midi_files,
    midi_notes,
    midi_pitch_bends,
    midi_program_changes,
    midi_tracks,
)
from cue_pipeline.warehouse.sound_tables import (
    CHUNK_BYTES,
    MEL_SPECTROGRAM,
    MIX_FEATURES,
    STEM_FEATURES,
    audio_feature_chunks,
    audio_features,
    audio_files,
    final_mix_feature_chunks,
    final_mix_features,
    final_mixes,
    share_tables,
)
from cue_pipeline.warehouse.stem_clock_tables import (
    alignment_history,
    alignment_overrides,
    alignment_segments,
    mix_alignments,
    stem_alignments,
)
from cue_pipeline.warehouse.track_stem_tables import (
    llm_batches,
    llm_calls,
    llm_waiting,
    mapping_history,
    mapping_overrides,
    match_evidence,
    track_mappings,
    track_stems,
)

__all__ = [
    "CHUNK_BYTES",
    "MEL_SPECTROGRAM",
    "MIX_FEATURES",
    "STEM_FEATURES",
    "alignment_history",
    "alignment_overrides",
    "alignment_segments",
    "audio_feature_chunks",
    "audio_features",
    "audio_files",
    "cue_assets",
    "cue_contents",
    "cue_sketches",
    "cue_splits",
    "cue_writers",
    "cues",
    "final_mix_feature_chunks",
    "final_mix_features",
    "final_mixes",
    "kinds_of",
    "llm_batches",
    "llm_calls",
    "llm_waiting",
    "mapping_history",
    "mapping_overrides",
    "match_evidence",
    "metadata",
    "midi_aftertouch",
    "midi_cc",
    "midi_files",
    "midi_notes",
    "midi_pitch_bends",
    "midi_program_changes",
    "midi_tracks",
    "mix_alignments",
    "ordered_tables",
    "owned_columns",
    "owner",
    "referred",
    "referring",
    "scope_column",
    "share_tables",
    "sharing",
    "stem_alignments",
    "track_mappings",
    "track_stems",
    "writers",
]
