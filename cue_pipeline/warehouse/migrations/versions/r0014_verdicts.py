"""Whether a cue is up to date, as a sensor last saw it, and what the UI was told of that."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add both columns; the sensors' next looks fill them."""
    # SQLite knows no IF NOT EXISTS here, and needs none: its upgrade is one transaction.
    there = None if op.get_bind().dialect.name == "sqlite" else True
    for name in ("verdict", "verdict_told"):
        op.add_column("cues", sa.Column(name, sa.Text()), if_not_exists=there)
