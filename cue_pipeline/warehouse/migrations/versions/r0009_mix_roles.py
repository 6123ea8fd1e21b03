"""What each final mix is, and how that is known."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add both columns; rows that were there before say nothing until they are made again."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    for name in ("role", "known_by"):
        # SQLite knows no IF NOT EXISTS here, and needs none: its upgrade is one transaction.
        column = sa.Column(name, sa.Text())
        op.add_column("final_mixes", column, if_not_exists=None if sqlite else True)
