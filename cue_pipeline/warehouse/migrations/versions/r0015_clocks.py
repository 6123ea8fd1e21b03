"""Where the notes of each MIDI file are heard in each stem: tables, and a view of all notes."""

import sqlalchemy as sa
from alembic import op

from cue_pipeline.warehouse.types import Json

revision = "0015"
down_revision = "0014"

_HEARD_NOTES = """
SELECT c.cue_key, f.file_path AS midi_file_path, t.track_index, t.track_name,
       n.midi_track_id, n.event_index, s.audio_file_id, a.canonical_name AS group_name,
       n.channel, n.note, n.velocity, n.flags, n.start_time, n.duration,
       s.audio_seconds + (n.start_time - s.score_seconds) * s.slope AS heard_start,
       e.audio_seconds + (n.start_time + n.duration - e.score_seconds) * e.slope AS heard_end,
       (s.audio_seconds + (n.start_time - s.score_seconds) * s.slope < a.duration_seconds
        AND e.audio_seconds + (n.start_time + n.duration - e.score_seconds) * e.slope > 0)
         AS within
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
"""


def upgrade() -> None:
    """Create the tables, which the next `match_evidence` fills, and the view over them."""
    op.create_table(
        "stem_alignments",
        *_keys("stem_alignments"),
        sa.Column("lag_seconds", sa.Double()),
        sa.Column("knots", Json()),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("spread_ms", sa.Double()),
        sa.PrimaryKeyConstraint("midi_file_id", "audio_file_id", name="pk_stem_alignments"),
        if_not_exists=True,
    )
    op.create_table(
        "alignment_segments",
        *_keys("alignment_segments"),
        sa.Column("segment_index", sa.Integer(), nullable=False, autoincrement=False),
        *(
            sa.Column(name, sa.Double(), nullable=False)
            for name in ("score_from", "score_until", "score_seconds", "audio_seconds", "slope")
        ),
        sa.PrimaryKeyConstraint(
            "midi_file_id", "audio_file_id", "segment_index", name="pk_alignment_segments"
        ),
        if_not_exists=True,
    )
    for table in ("stem_alignments", "alignment_segments"):
        op.create_index(f"ix_{table}_audio_file_id", table, ["audio_file_id"], if_not_exists=True)
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"CREATE VIEW IF NOT EXISTS heard_notes AS {_HEARD_NOTES}")
    else:
        op.execute(f"CREATE OR REPLACE VIEW heard_notes AS {_HEARD_NOTES}")


def _keys(table: str) -> list[sa.schema.SchemaItem]:
    links = {"midi_file_id": "midi_files.id", "audio_file_id": "audio_files.id"}
    return [
        *(sa.Column(name, sa.BigInteger(), nullable=False, autoincrement=False) for name in links),
        *(
            sa.ForeignKeyConstraint([name], [target], name=f"fk_{table}_{name}")
            for name, target in links.items()
        ),
    ]
