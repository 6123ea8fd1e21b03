"""The character set in which a MIDI file's texts are read, and how surely."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add both columns, one statement each."""
    # SQLite knows no IF NOT EXISTS here, and needs none: its upgrade is one transaction.
    there = None if op.get_bind().dialect.name == "sqlite" else True
    op.add_column("midi_files", sa.Column("charset", sa.Text()), if_not_exists=there)
    op.add_column("midi_files", sa.Column("charset_confidence", sa.Double()), if_not_exists=there)
