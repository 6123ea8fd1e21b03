"""Works, versions and duplicates, and the sketches by which cues are compared."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the columns, which the next scan fills, and the table, which `midi_events` does."""
    # SQLite knows no IF NOT EXISTS here, and needs none: its upgrade is one transaction.
    there = None if op.get_bind().dialect.name == "sqlite" else True
    for column in (
        sa.Column("work_id", sa.BigInteger()),
        sa.Column("is_latest", sa.Boolean()),
        sa.Column("duplicate_of", sa.Text()),
        sa.Column("duplicate_share", sa.Double()),
        sa.Column("duplicate_why", sa.Text()),
    ):
        op.add_column("cues", column, if_not_exists=there)
    op.create_table(
        "cue_sketches",
        sa.Column("cue_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("n_shingles", sa.Integer(), nullable=False),
        sa.Column("sketch", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("cue_id", name="pk_cue_sketches"),
        sa.ForeignKeyConstraint(["cue_id"], ["cues.id"], name="fk_cue_sketches_cue_id"),
        if_not_exists=True,
    )
