"""The tables."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from cue_pipeline.warehouse.types import Json, Timestamp, is_dsql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table, parents first."""
    _create_cues()
    _create_audio()
    _create_midi()
    _create_final_mixes()
    _create_mappings()
    if op.get_bind().dialect.name == "postgresql":
        _store_arrays_uncompressed()


def _create_cues() -> None:
    op.create_table(
        "cues",
        sa.Column("id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("cue_key", sa.Text(), nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.Column("project", sa.Text()),
        sa.Column("reel", sa.Integer()),
        sa.Column("cue_number", sa.Integer()),
        sa.Column("cue_suffix", sa.Text()),
        sa.Column("is_source", sa.Boolean()),
        sa.Column("title", sa.Text()),
        sa.Column("version", sa.Text()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("midi_fingerprint", sa.Text(), nullable=False),
        sa.Column("audio_fingerprint", sa.Text(), nullable=False),
        sa.Column("first_seen_at", Timestamp(), nullable=False),
        sa.Column("last_seen_at", Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_cues"),
        sa.UniqueConstraint("cue_key", name="uq_cues_cue_key"),
        if_not_exists=True,
    )
    op.create_index(
        "ix_cues_project_reel_cue_number",
        "cues",
        ["project", "reel", "cue_number"],
        if_not_exists=True,
    )
    op.create_table(
        "cue_assets",
        sa.Column("cue_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("asset", sa.Text(), nullable=False, autoincrement=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text()),
        sa.Column("code_version", sa.Text()),
        sa.Column("data_version", sa.Text()),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("started_at", Timestamp(), nullable=False),
        sa.Column("finished_at", Timestamp()),
        sa.PrimaryKeyConstraint("cue_id", "asset", name="pk_cue_assets"),
        *_foreign_keys(
            sa.ForeignKeyConstraint(["cue_id"], ["cues.id"], name="fk_cue_assets_cue_id"),
        ),
        if_not_exists=True,
    )
    op.create_table(
        "cue_writers",
        sa.Column("cue_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("writer", sa.Text(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("heartbeat_at", Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("cue_id", name="pk_cue_writers"),
        *_foreign_keys(
            sa.ForeignKeyConstraint(["cue_id"], ["cues.id"], name="fk_cue_writers_cue_id"),
        ),
        if_not_exists=True,
    )


def _create_audio() -> None:
    op.create_table(
        "audio_files",
        sa.Column("id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("cue_id", sa.BigInteger(), nullable=False),
        sa.Column("file_path", sa.Text(), nullable=False),
        sa.Column("canonical_name", sa.Text(), nullable=False),
        sa.Column("layout", sa.Text(), nullable=False),
        sa.Column("channels", Json(), nullable=False),
        sa.Column("sample_rate", sa.Integer(), nullable=False),
        sa.Column("frames", sa.BigInteger(), nullable=False),
        sa.Column("duration_seconds", sa.Double(), nullable=False),
        sa.Column("time_reference", sa.BigInteger()),
        sa.Column("start_offset_seconds", sa.Double()),
        sa.Column("peak_dbfs", sa.Double()),
        sa.Column("rms_dbfs", sa.Double()),
        sa.Column("levels", Json()),
        sa.Column("grouping", Json(), nullable=False),
        sa.Column("warnings", Json(), nullable=False),
        sa.Column("instrument_category", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_audio_files"),
        sa.UniqueConstraint(
            "cue_id", "canonical_name", name="uq_audio_files_cue_id_canonical_name"
        ),
        *_foreign_keys(
            sa.ForeignKeyConstraint(["cue_id"], ["cues.id"], name="fk_audio_files_cue_id"),
        ),
        if_not_exists=True,
    )
    op.create_index(
        "ix_audio_files_instrument_category",
        "audio_files",
        ["instrument_category"],
        if_not_exists=True,
    )
    op.create_table(
        "audio_features",
        sa.Column("id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("audio_file_id", sa.BigInteger(), nullable=False),
        sa.Column("feature_type", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("sample_rate", sa.Integer(), nullable=False),
        sa.Column("hop_length", sa.Integer(), nullable=False),
        sa.Column("n_mels", sa.Integer(), nullable=False),
        sa.Column("n_frames", sa.Integer(), nullable=False),
        sa.Column("dtype", sa.Text(), nullable=False),
        sa.Column("max_db", sa.Double()),
        sa.Column("params", Json(), nullable=False),
        sa.Column("warnings", Json(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audio_features"),
        sa.UniqueConstraint(
            "audio_file_id",
            "feature_type",
            "channel",
            "profile",
            name="uq_audio_features_audio_file_id_feature_type_channel_profile",
        ),
        *_foreign_keys(
            sa.ForeignKeyConstraint(
                ["audio_file_id"], ["audio_files.id"], name="fk_audio_features_audio_file_id"
            ),
        ),
        if_not_exists=True,
    )
    op.create_table(
        "audio_feature_chunks",
        sa.Column("audio_feature_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("chunk_index", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("first_frame", sa.Integer(), nullable=False),
        sa.Column("n_frames", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(524288), nullable=False),
        sa.PrimaryKeyConstraint("audio_feature_id", "chunk_index", name="pk_audio_feature_chunks"),
        if_not_exists=True,
    )


def _create_midi() -> None:
    op.create_table(
        "midi_files",
        sa.Column("id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("cue_id", sa.BigInteger(), nullable=False),
        sa.Column("file_path", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text()),
        sa.Column("format", sa.Integer()),
        sa.Column("division", sa.Integer()),
        sa.Column("sequence", sa.Integer()),
        sa.Column("ticks_per_beat", sa.Integer()),
        sa.Column("duration_seconds", sa.Double()),
        sa.Column("tempo_map", Json(), nullable=False),
        sa.Column("time_signature_map", Json(), nullable=False),
        sa.Column("key_signature_map", Json(), nullable=False),
        sa.Column("markers", Json(), nullable=False),
        sa.Column("cue_points", Json()),
        sa.Column("lyrics", Json()),
        sa.Column("texts", Json()),
        sa.Column("smpte_offset", Json()),
        sa.Column("warnings", Json(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_midi_files"),
        sa.UniqueConstraint("cue_id", "file_path", name="uq_midi_files_cue_id_file_path"),
        *_foreign_keys(
            sa.ForeignKeyConstraint(["cue_id"], ["cues.id"], name="fk_midi_files_cue_id"),
        ),
        if_not_exists=True,
    )
    op.create_table(
        "midi_tracks",
        sa.Column("id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("midi_file_id", sa.BigInteger(), nullable=False),
        sa.Column("track_index", sa.Integer(), nullable=False),
        sa.Column("track_name", sa.Text()),
        sa.Column("raw_name", sa.LargeBinary()),
        sa.Column("stray_note_offs", Json()),
        sa.Column("instrument_category", sa.Text()),
        sa.Column("assigned_audio_file_id", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_midi_tracks"),
        sa.UniqueConstraint(
            "midi_file_id", "track_index", name="uq_midi_tracks_midi_file_id_track_index"
        ),
        *_foreign_keys(
            sa.ForeignKeyConstraint(
                ["midi_file_id"], ["midi_files.id"], name="fk_midi_tracks_midi_file_id"
            ),
            sa.ForeignKeyConstraint(
                ["assigned_audio_file_id"],
                ["audio_files.id"],
                name="fk_midi_tracks_assigned_audio_file_id",
            ),
        ),
        if_not_exists=True,
    )
    op.create_index(
        "ix_midi_tracks_assigned_audio_file_id",
        "midi_tracks",
        ["assigned_audio_file_id"],
        if_not_exists=True,
    )
    op.create_index(
        "ix_midi_tracks_instrument_category",
        "midi_tracks",
        ["instrument_category"],
        if_not_exists=True,
    )
    op.create_table(
        "midi_notes",
        sa.Column("midi_track_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("event_index", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("channel", sa.SmallInteger(), nullable=False),
        sa.Column("note", sa.SmallInteger(), nullable=False),
        sa.Column("velocity", sa.SmallInteger(), nullable=False),
        sa.Column("release_velocity", sa.SmallInteger()),
        sa.Column("start_tick", sa.BigInteger(), nullable=False),
        sa.Column("end_tick", sa.BigInteger(), nullable=False),
        sa.Column("start_time", sa.Double(), nullable=False),
        sa.Column("duration", sa.Double(), nullable=False),
        sa.Column("bar", sa.BigInteger(), nullable=False),
        sa.Column("beat", sa.Double(), nullable=False),
        sa.Column("flags", sa.SmallInteger(), nullable=False),
        sa.Column("end_event_index", sa.Integer()),
        sa.PrimaryKeyConstraint("midi_track_id", "event_index", name="pk_midi_notes"),
        if_not_exists=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "midi_cc",
        sa.Column("midi_track_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("event_index", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("channel", sa.SmallInteger(), nullable=False),
        sa.Column("cc_number", sa.SmallInteger(), nullable=False),
        sa.Column("cc_value", sa.SmallInteger(), nullable=False),
        sa.Column("tick", sa.BigInteger(), nullable=False),
        sa.Column("time", sa.Double(), nullable=False),
        sa.Column("bar", sa.BigInteger(), nullable=False),
        sa.Column("beat", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("midi_track_id", "event_index", name="pk_midi_cc"),
        if_not_exists=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "midi_program_changes",
        sa.Column("midi_track_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("event_index", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("channel", sa.SmallInteger(), nullable=False),
        sa.Column("program", sa.SmallInteger(), nullable=False),
        sa.Column("tick", sa.BigInteger(), nullable=False),
        sa.Column("time", sa.Double(), nullable=False),
        sa.Column("bar", sa.BigInteger(), nullable=False),
        sa.Column("beat", sa.Double(), nullable=False),
        sa.Column("bank_msb", sa.SmallInteger()),
        sa.Column("bank_lsb", sa.SmallInteger()),
        sa.PrimaryKeyConstraint("midi_track_id", "event_index", name="pk_midi_program_changes"),
        if_not_exists=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "midi_pitch_bends",
        sa.Column("midi_track_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("event_index", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("channel", sa.SmallInteger(), nullable=False),
        sa.Column("value", sa.SmallInteger(), nullable=False),
        sa.Column("tick", sa.BigInteger(), nullable=False),
        sa.Column("time", sa.Double(), nullable=False),
        sa.Column("bar", sa.BigInteger(), nullable=False),
        sa.Column("beat", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("midi_track_id", "event_index", name="pk_midi_pitch_bends"),
        if_not_exists=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "midi_aftertouch",
        sa.Column("midi_track_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("event_index", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("channel", sa.SmallInteger(), nullable=False),
        sa.Column("note", sa.SmallInteger()),
        sa.Column("value", sa.SmallInteger(), nullable=False),
        sa.Column("tick", sa.BigInteger(), nullable=False),
        sa.Column("time", sa.Double(), nullable=False),
        sa.Column("bar", sa.BigInteger(), nullable=False),
        sa.Column("beat", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("midi_track_id", "event_index", name="pk_midi_aftertouch"),
        if_not_exists=True,
        sqlite_with_rowid=False,
    )


def _create_final_mixes() -> None:
    op.create_table(
        "final_mixes",
        sa.Column("id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("cue_id", sa.BigInteger(), nullable=False),
        sa.Column("midi_file_id", sa.BigInteger()),
        sa.Column("file_path", sa.Text(), nullable=False),
        sa.Column("canonical_name", sa.Text(), nullable=False),
        sa.Column("layout", sa.Text(), nullable=False),
        sa.Column("channels", Json(), nullable=False),
        sa.Column("sample_rate", sa.Integer(), nullable=False),
        sa.Column("frames", sa.BigInteger(), nullable=False),
        sa.Column("duration_seconds", sa.Double(), nullable=False),
        sa.Column("time_reference", sa.BigInteger()),
        sa.Column("start_offset_seconds", sa.Double()),
        sa.Column("peak_dbfs", sa.Double()),
        sa.Column("rms_dbfs", sa.Double()),
        sa.Column("levels", Json()),
        sa.Column("residual_db", sa.Double()),
        sa.Column("residual", Json()),
        sa.Column("grouping", Json(), nullable=False),
        sa.Column("warnings", Json(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_final_mixes"),
        sa.UniqueConstraint(
            "cue_id", "canonical_name", name="uq_final_mixes_cue_id_canonical_name"
        ),
        *_foreign_keys(
            sa.ForeignKeyConstraint(["cue_id"], ["cues.id"], name="fk_final_mixes_cue_id"),
        ),
        if_not_exists=True,
    )
    op.create_index(
        "ix_final_mixes_midi_file_id", "final_mixes", ["midi_file_id"], if_not_exists=True
    )
    op.create_table(
        "final_mix_features",
        sa.Column("id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("final_mix_id", sa.BigInteger(), nullable=False),
        sa.Column("feature_type", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("sample_rate", sa.Integer(), nullable=False),
        sa.Column("hop_length", sa.Integer(), nullable=False),
        sa.Column("n_mels", sa.Integer(), nullable=False),
        sa.Column("n_frames", sa.Integer(), nullable=False),
        sa.Column("dtype", sa.Text(), nullable=False),
        sa.Column("max_db", sa.Double()),
        sa.Column("params", Json(), nullable=False),
        sa.Column("warnings", Json(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_final_mix_features"),
        sa.UniqueConstraint(
            "final_mix_id",
            "feature_type",
            "channel",
            "profile",
            name="uq_final_mix_features_final_mix_id_feature_type_channel_profile",
        ),
        *_foreign_keys(
            sa.ForeignKeyConstraint(
                ["final_mix_id"], ["final_mixes.id"], name="fk_final_mix_features_final_mix_id"
            ),
        ),
        if_not_exists=True,
    )
    op.create_table(
        "final_mix_feature_chunks",
        sa.Column("final_mix_feature_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("chunk_index", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("first_frame", sa.Integer(), nullable=False),
        sa.Column("n_frames", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(524288), nullable=False),
        sa.PrimaryKeyConstraint(
            "final_mix_feature_id", "chunk_index", name="pk_final_mix_feature_chunks"
        ),
        if_not_exists=True,
    )


def _create_mappings() -> None:
    op.create_table(
        "match_evidence",
        sa.Column("midi_track_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("audio_file_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("onset_score", sa.Double()),
        sa.Column("activity_score", sa.Double()),
        sa.Column("pitch_score", sa.Double()),
        sa.Column("score", sa.Double()),
        sa.Column("lag_seconds", sa.Double()),
        sa.Column("level_db", sa.Double()),
        sa.Column("abstained", sa.Text()),
        sa.Column("n_notes", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("midi_track_id", "audio_file_id", name="pk_match_evidence"),
        *_foreign_keys(
            sa.ForeignKeyConstraint(
                ["midi_track_id"], ["midi_tracks.id"], name="fk_match_evidence_midi_track_id"
            ),
            sa.ForeignKeyConstraint(
                ["audio_file_id"], ["audio_files.id"], name="fk_match_evidence_audio_file_id"
            ),
        ),
        if_not_exists=True,
    )
    op.create_index(
        "ix_match_evidence_audio_file_id", "match_evidence", ["audio_file_id"], if_not_exists=True
    )
    op.create_table(
        "track_mappings",
        sa.Column("midi_track_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("audio_file_id", sa.BigInteger()),
        sa.Column("instrument_category", sa.Text()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("method", sa.Text()),
        sa.Column("confidence", sa.Double()),
        sa.Column("category_confidence", sa.Double()),
        sa.Column("name_score", sa.Double()),
        sa.Column("evidence_score", sa.Double()),
        sa.Column("evidence_margin", sa.Double()),
        sa.Column("model", sa.Text()),
        sa.Column("prompt_sha256", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("candidates", Json()),
        sa.PrimaryKeyConstraint("midi_track_id", name="pk_track_mappings"),
        *_foreign_keys(
            sa.ForeignKeyConstraint(
                ["midi_track_id"], ["midi_tracks.id"], name="fk_track_mappings_midi_track_id"
            ),
            sa.ForeignKeyConstraint(
                ["audio_file_id"], ["audio_files.id"], name="fk_track_mappings_audio_file_id"
            ),
        ),
        if_not_exists=True,
    )
    op.create_index(
        "ix_track_mappings_audio_file_id", "track_mappings", ["audio_file_id"], if_not_exists=True
    )
    op.create_index("ix_track_mappings_state", "track_mappings", ["state"], if_not_exists=True)
    op.create_table(
        "mapping_overrides",
        sa.Column("cue_key", sa.Text(), nullable=False, autoincrement=False),
        sa.Column("track", sa.Text(), nullable=False, autoincrement=False),
        sa.Column("canonical_name", sa.Text()),
        sa.Column("instrument_category", sa.Text()),
        sa.Column("note", sa.Text()),
        sa.Column("created_at", Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("cue_key", "track", name="pk_mapping_overrides"),
        if_not_exists=True,
    )
    op.create_table(
        "llm_calls",
        sa.Column("prompt_sha256", sa.Text(), nullable=False, autoincrement=False),
        sa.Column("model", sa.Text(), nullable=False, autoincrement=False),
        sa.Column("request", Json(), nullable=False),
        sa.Column("response", Json()),
        sa.Column("prompt_version", sa.Text()),
        sa.Column("prompt_tokens", sa.Integer()),
        sa.Column("completion_tokens", sa.Integer()),
        sa.Column("created_at", Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("prompt_sha256", "model", name="pk_llm_calls"),
        if_not_exists=True,
    )


def _foreign_keys(*constraints: sa.ForeignKeyConstraint) -> tuple[Any, ...]:
    """Return the foreign keys where the engine has them checked at little cost."""
    return () if is_dsql(op.get_bind().dialect) else constraints


def _store_arrays_uncompressed() -> None:
    """Keep arrays out of line and uncompressed: float16 does not compress, and trying costs."""
    for table in ("audio_feature_chunks", "final_mix_feature_chunks"):
        op.execute(f"ALTER TABLE {table} ALTER COLUMN data SET STORAGE EXTERNAL")
