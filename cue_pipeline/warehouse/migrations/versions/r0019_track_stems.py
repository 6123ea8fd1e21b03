"""All stems in which a track is heard, and the keys of a kit in each."""

import sqlalchemy as sa
from alembic import op

from cue_pipeline.warehouse.types import Json

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Create the table, which the next `llm_mappings` fills."""
    # SQLite knows no IF NOT EXISTS here, and needs none: its upgrade is one transaction.
    there = None if op.get_bind().dialect.name == "sqlite" else True
    op.add_column("match_evidence", sa.Column("kit_notes", Json()), if_not_exists=there)
    op.create_table(
        "track_stems",
        sa.Column("midi_track_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("audio_file_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("share", sa.Double()),
        sa.Column("notes", Json()),
        sa.PrimaryKeyConstraint("midi_track_id", "audio_file_id", name="pk_track_stems"),
        sa.ForeignKeyConstraint(
            ["midi_track_id"], ["midi_tracks.id"], name="fk_track_stems_midi_track_id"
        ),
        sa.ForeignKeyConstraint(
            ["audio_file_id"], ["audio_files.id"], name="fk_track_stems_audio_file_id"
        ),
        if_not_exists=True,
    )
    op.create_index(
        "ix_track_stems_audio_file_id", "track_stems", ["audio_file_id"], if_not_exists=True
    )
