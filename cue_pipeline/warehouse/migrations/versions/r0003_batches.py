"""Batches of questions to a chat model, and the questions that wait in them."""

import sqlalchemy as sa
from alembic import op

from cue_pipeline.warehouse.types import Json, Timestamp

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "llm_batches",
        sa.Column("submission", sa.Text(), nullable=False, autoincrement=False),
        sa.Column("batch_id", sa.Text()),
        sa.Column("server", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("n_questions", sa.Integer(), nullable=False),
        sa.Column("submitted_at", Timestamp(), nullable=False),
        sa.Column("ended_at", Timestamp()),
        sa.PrimaryKeyConstraint("submission", name="pk_llm_batches"),
        if_not_exists=True,
    )
    op.create_table(
        "llm_waiting",
        sa.Column("prompt_sha256", sa.Text(), nullable=False, autoincrement=False),
        sa.Column("model", sa.Text(), nullable=False, autoincrement=False),
        sa.Column("submission", sa.Text(), nullable=False),
        sa.Column("cue_key", sa.Text(), nullable=False),
        sa.Column("request", Json(), nullable=False),
        sa.Column("response_format", sa.Text(), nullable=False),
        sa.Column("prompt_version", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("prompt_sha256", "model", name="pk_llm_waiting"),
        if_not_exists=True,
    )
