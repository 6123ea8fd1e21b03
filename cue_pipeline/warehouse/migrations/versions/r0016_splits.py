"""Which part of a data set each cue is in."""

import sqlalchemy as sa
from alembic import op

from cue_pipeline.warehouse.types import Json, Timestamp

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Create the table, which `cue-pipeline splits make` fills."""
    op.create_table(
        "cue_splits",
        sa.Column("cue_key", sa.Text(), nullable=False),
        sa.Column("split", sa.Text(), nullable=False),
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("pinned", sa.Boolean(), nullable=False),
        sa.Column("why", sa.Text()),
        sa.Column("doubt", sa.Text()),
        sa.Column("rule", Json(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("cue_key", name="pk_cue_splits"),
        if_not_exists=True,
    )
