"""One clock for a cue's MIDI files: whose tempo map each follows, and which repeats which.

Rows of before keep what they hold, with the new columns NULL; the assets that made them show as
stale.
"""

import sqlalchemy as sa
from alembic import op

from cue_pipeline.warehouse.types import Json

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the columns, one statement each."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    added = {
        "midi_files": (
            sa.Column("time_codes", Json()),
            sa.Column("clock_from", sa.Text()),
            sa.Column("same_as", sa.Text()),
            sa.Column("clock_doubt", sa.Text()),
        ),
        "match_evidence": (sa.Column("clock_doubt", sa.Text()),),
    }
    for table, columns in added.items():
        for column in columns:
            # SQLite knows no IF NOT EXISTS here, and needs none: its upgrade is one transaction.
            op.add_column(table, column, if_not_exists=None if sqlite else True)
