"""A view of controllers as curves that a model can learn from; the table keeps every message."""

from alembic import op

revision = "0004"
down_revision = "0003"

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
    JOIN cues AS c ON c.id = f.cue_id
    JOIN cue_assets AS events
      ON events.cue_id = c.id AND events.asset = 'midi_events' AND events.state = 'ready'
  ) AS slots
  WHERE place_from_end = 1
) AS kept
WHERE value_before IS NULL OR value_before <> cc_value
"""


def upgrade() -> None:
    """Create the view; it goes by the ledger."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    # SQLite may be built without floor(), and PostgreSQL's CAST rounds; times are not negative.
    slot = 'CAST(e."time" * 50 AS INTEGER)' if sqlite else 'floor(e."time" * 50)'
    query = _THINNED_CC.format(curve=_CURVE, slot=slot)
    if sqlite:
        op.execute(f"CREATE VIEW IF NOT EXISTS thinned_cc AS {query}")
    else:
        op.execute(f"CREATE OR REPLACE VIEW thinned_cc AS {query}")
