"""A cue stays itself: what its files hold, where it was before; views of cues that are there."""

import sqlalchemy as sa
from alembic import op

from cue_pipeline.warehouse.types import Json, Timestamp

revision = "0012"
down_revision = "0011"

_TRACKS_WITH_GROUPS = """
SELECT c.cue_key, c.project, c.reel, c.cue_number, f.file_path AS midi_file_path,
       t.id AS midi_track_id, t.track_index, t.track_name,
       m.audio_file_id, g.canonical_name AS group_name, g.layout AS group_layout,
       m.instrument_category, m.state, m.method, m.confidence, t.port, t.part_channel
FROM midi_tracks AS t
JOIN midi_files AS f ON f.id = t.midi_file_id
JOIN cues AS c ON c.id = f.cue_id AND c.state = 'present'
JOIN cue_assets AS events
  ON events.cue_id = c.id AND events.asset = 'midi_events' AND events.state = 'ready'
JOIN cue_assets AS mappings
  ON mappings.cue_id = c.id AND mappings.asset = 'llm_mappings' AND mappings.state = 'ready'
JOIN track_mappings AS m ON m.midi_track_id = t.id
LEFT JOIN audio_files AS g ON g.id = m.audio_file_id
"""

_NAMED_NOTES = """
SELECT c.cue_key, f.file_path AS midi_file_path, t.track_index, t.track_name,
       t.instrument_category, n.midi_track_id, n.event_index, n.channel, n.note,
       trim(substr('C C#D D#E F F#G G#A A#B ', (n.note % 12) * 2 + 1, 2))
         || CAST(n.note / 12 - 1 AS TEXT) AS note_name,
       n.velocity, n.start_time, n.duration, n.bar, n.beat, n.flags
FROM midi_notes AS n
JOIN midi_tracks AS t ON t.id = n.midi_track_id
JOIN midi_files AS f ON f.id = t.midi_file_id
JOIN cues AS c ON c.id = f.cue_id AND c.state = 'present'
JOIN cue_assets AS events
  ON events.cue_id = c.id AND events.asset = 'midi_events' AND events.state = 'ready'
"""

# A filter on any of these reaches the table itself; on others, all rows are read first.
_CURVE = "cue_key, midi_track_id, channel, cc_number"

_THINNED_CC = """
SELECT cue_key, midi_file_path, track_index, track_name, midi_track_id, event_index, channel,
       cc_number, cc_value, tick, "time", bar, beat
FROM (
  SELECT slots.*, lag(cc_value) OVER (PARTITION BY {curve} ORDER BY event_index) AS value_before
  FROM (
    SELECT c.cue_key, f.file_path AS midi_file_path, t.track_index, t.track_name,
           e.midi_track_id, e.event_index, e.channel, e.cc_number, e.cc_value, e.tick, e."time",
           e.bar, e.beat,
           row_number() OVER (
             PARTITION BY c.cue_key, e.midi_track_id, e.channel, e.cc_number, {slot}
             ORDER BY e.event_index DESC
           ) AS place_from_end
    FROM midi_cc AS e
    JOIN midi_tracks AS t ON t.id = e.midi_track_id
    JOIN midi_files AS f ON f.id = t.midi_file_id
    JOIN cues AS c ON c.id = f.cue_id AND c.state = 'present'
    JOIN cue_assets AS events
      ON events.cue_id = c.id AND events.asset = 'midi_events' AND events.state = 'ready'
  ) AS slots
  WHERE place_from_end = 1
) AS kept
WHERE value_before IS NULL OR value_before <> cc_value
"""


def upgrade() -> None:
    """Add columns and the table, and make the views leave out cues whose folder is gone."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    for column in (
        sa.Column("midi_seen", sa.Text()),
        sa.Column("audio_seen", sa.Text()),
        sa.Column("first_key", sa.Text()),
        sa.Column("moved_from", sa.Text()),
        sa.Column("moved_at", Timestamp()),
    ):
        # SQLite knows no IF NOT EXISTS here, and needs none: its upgrade is one transaction.
        op.add_column("cues", column, if_not_exists=None if sqlite else True)
    op.create_table(
        "cue_contents",
        sa.Column("cue_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("kind", sa.Text(), nullable=False, autoincrement=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("files", Json(), nullable=False),
        sa.PrimaryKeyConstraint("cue_id", "kind", name="pk_cue_contents"),
        *_foreign_keys(),
        if_not_exists=True,
    )
    # SQLite may be built without floor(), and PostgreSQL's CAST rounds; times are not negative.
    slot = 'CAST(e."time" * 50 AS INTEGER)' if sqlite else 'floor(e."time" * 50)'
    views = {
        "tracks_with_groups": _TRACKS_WITH_GROUPS,
        "named_notes": _NAMED_NOTES,
        "thinned_cc": _THINNED_CC.format(curve=_CURVE, slot=slot),
    }
    for name, query in views.items():
        if sqlite:
            op.execute(f"DROP VIEW IF EXISTS {name}")
            op.execute(f"CREATE VIEW {name} AS {query}")
        else:
            op.execute(f"CREATE OR REPLACE VIEW {name} AS {query}")


def _foreign_keys() -> list[sa.ForeignKeyConstraint]:
    if op.get_bind().dialect.name not in {"sqlite", "postgresql"}:
        return []
    return [sa.ForeignKeyConstraint(["cue_id"], ["cues.id"], name="fk_cue_contents_cue_id")]
