"""How long each track sounds, by which the review queue weighs it."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

# What a note adds to the time that is covered by those which begin before it.
_COUNTED = """
UPDATE midi_tracks SET sounding_seconds = COALESCE((
    SELECT SUM(CASE WHEN added > 0 THEN added ELSE 0 END) FROM (
        SELECT until - CASE WHEN covered > start_time THEN covered ELSE start_time END AS added
        FROM (
            SELECT n.start_time, n.start_time + n.duration AS until,
                   COALESCE(MAX(n.start_time + n.duration) OVER (
                       ORDER BY n.start_time, n.event_index
                       ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), n.start_time) AS covered
            FROM midi_notes AS n WHERE n.midi_track_id = midi_tracks.id
        ) AS covering
    ) AS adding
), 0)
"""


def upgrade() -> None:
    """Add the column, and count what is there: no cue is read anew for it.

    On Aurora DSQL, where one transaction changes 3,000 rows at most, the next `midi_events` counts.
    """
    dialect = op.get_bind().dialect.name
    # SQLite knows no IF NOT EXISTS here, and needs none: its upgrade is one transaction.
    there = None if dialect == "sqlite" else True
    op.add_column("midi_tracks", sa.Column("sounding_seconds", sa.Double()), if_not_exists=there)
    if dialect in ("sqlite", "postgresql"):
        op.execute(_COUNTED)
