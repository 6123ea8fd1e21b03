"""Notes of a stretch that the recording leaves out are not within it."""

from alembic import op

revision = "0018"
down_revision = "0017"

# What is cut takes next to no time of the sound: see hearing/heard_times.py.
_HEARD_NOTES = """
SELECT c.cue_key, f.file_path AS midi_file_path, t.track_index, t.track_name,
       n.midi_track_id, n.event_index, s.audio_file_id, a.canonical_name AS group_name,
       n.channel, n.note, n.velocity, n.flags, n.start_time, n.duration,
       s.audio_seconds + (n.start_time - s.score_seconds) * s.slope AS heard_start,
       e.audio_seconds + (n.start_time + n.duration - e.score_seconds) * e.slope AS heard_end,
       (s.audio_seconds + (n.start_time - s.score_seconds) * s.slope < a.duration_seconds
        AND e.audio_seconds + (n.start_time + n.duration - e.score_seconds) * e.slope > 0
        AND s.slope >= 0.05)
         AS within,
       k.method AS clock_method, k.confidence AS clock_confidence
FROM midi_notes AS n
JOIN midi_tracks AS t ON t.id = n.midi_track_id
JOIN midi_files AS f ON f.id = t.midi_file_id AND f.same_as IS NULL
JOIN cues AS c ON c.id = f.cue_id AND c.state = 'present'
JOIN cue_assets AS events
  ON events.cue_id = c.id AND events.asset = 'midi_events' AND events.state = 'ready'
JOIN cue_assets AS heard
  ON heard.cue_id = c.id AND heard.asset = 'match_evidence' AND heard.state = 'ready'
JOIN alignment_segments AS s
  ON s.midi_file_id = f.id AND n.start_time >= s.score_from AND n.start_time < s.score_until
JOIN alignment_segments AS e
  ON e.midi_file_id = f.id AND e.audio_file_id = s.audio_file_id
  AND n.start_time + n.duration >= e.score_from AND n.start_time + n.duration < e.score_until
JOIN audio_files AS a ON a.id = s.audio_file_id
JOIN stem_alignments AS k ON k.midi_file_id = f.id AND k.audio_file_id = s.audio_file_id
"""


def upgrade() -> None:
    """Make the view again."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP VIEW IF EXISTS heard_notes")
        op.execute(f"CREATE VIEW heard_notes AS {_HEARD_NOTES}")
    else:
        op.execute(f"CREATE OR REPLACE VIEW heard_notes AS {_HEARD_NOTES}")
