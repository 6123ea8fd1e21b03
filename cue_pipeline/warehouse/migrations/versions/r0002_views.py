"""Views that join what people ask for."""

from alembic import op

revision = "0002"
down_revision = "0001"

_TRACKS_WITH_GROUPS = """
SELECT c.cue_key, c.project, c.reel, c.cue_number, f.file_path AS midi_file_path,
       t.id AS midi_track_id, t.track_index, t.track_name,
       m.audio_file_id, g.canonical_name AS group_name, g.layout AS group_layout,
       m.instrument_category, m.state, m.method, m.confidence
FROM midi_tracks AS t
JOIN midi_files AS f ON f.id = t.midi_file_id
JOIN cues AS c ON c.id = f.cue_id
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
JOIN cues AS c ON c.id = f.cue_id
JOIN cue_assets AS events
  ON events.cue_id = c.id AND events.asset = 'midi_events' AND events.state = 'ready'
"""


def upgrade() -> None:
    """Create the views; both go by the ledger."""
    for name, query in (("tracks_with_groups", _TRACKS_WITH_GROUPS), ("named_notes", _NAMED_NOTES)):
        if op.get_bind().dialect.name == "sqlite":
            op.execute(f"CREATE VIEW IF NOT EXISTS {name} AS {query}")
        else:
            op.execute(f"CREATE OR REPLACE VIEW {name} AS {query}")
