"""Where a cue's folder is, spelt as on disk: the key alone is composed (NFC)."""

import sqlalchemy as sa
from alembic import op

from cue_pipeline.warehouse.types import is_postgresql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the column; the next scan fills it."""
    op.add_column(
        "cues",
        sa.Column("folder", sa.Text()),
        if_not_exists=is_postgresql(op.get_bind().dialect) or None,
    )
