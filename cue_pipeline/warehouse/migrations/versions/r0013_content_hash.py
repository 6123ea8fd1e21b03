"""What stems and mixes hold, in a number."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add both columns; rows that were there before say nothing until they are made again."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    for table in ("audio_files", "final_mixes"):
        # SQLite knows no IF NOT EXISTS here, and needs none: its upgrade is one transaction.
        column = sa.Column("content_hash", sa.Text())
        op.add_column(table, column, if_not_exists=None if sqlite else True)
