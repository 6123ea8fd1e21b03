"""Decisions have an author, something to be found again by, and a history."""

import sqlalchemy as sa
from alembic import op

from cue_pipeline.warehouse.types import Json, Timestamp

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the columns, which say nothing of what was decided before, and the table."""
    # SQLite knows no IF NOT EXISTS here, and needs none: its upgrade is one transaction.
    there = None if op.get_bind().dialect.name == "sqlite" else True
    for name in ("decided_by", "track_name", "track_notes", "stem_content", "bound_to"):
        op.add_column("mapping_overrides", sa.Column(name, sa.Text()), if_not_exists=there)
    op.create_table(
        "mapping_history",
        sa.Column("id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("change_id", sa.BigInteger(), nullable=False),
        sa.Column("cue_key", sa.Text(), nullable=False),
        sa.Column("track", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("canonical_name", sa.Text()),
        sa.Column("instrument_category", sa.Text()),
        sa.Column("note", sa.Text()),
        sa.Column("before", Json()),
        sa.Column("undoes", sa.BigInteger()),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_mapping_history"),
        if_not_exists=True,
    )
    op.create_index(
        "ix_mapping_history_cue_key", "mapping_history", ["cue_key"], if_not_exists=True
    )
