"""Clocks of mixes, why a clock is believed, and what people say of clocks."""

import sqlalchemy as sa
from alembic import op

from cue_pipeline.warehouse.types import Json, Timestamp

revision = "0017"
down_revision = "0016"

_HEARD_NOTES = """
SELECT c.cue_key, f.file_path AS midi_file_path, t.track_index, t.track_name,
       n.midi_track_id, n.event_index, s.audio_file_id, a.canonical_name AS group_name,
       n.channel, n.note, n.velocity, n.flags, n.start_time, n.duration,
       s.audio_seconds + (n.start_time - s.score_seconds) * s.slope AS heard_start,
       e.audio_seconds + (n.start_time + n.duration - e.score_seconds) * e.slope AS heard_end,
       (s.audio_seconds + (n.start_time - s.score_seconds) * s.slope < a.duration_seconds
        AND e.audio_seconds + (n.start_time + n.duration - e.score_seconds) * e.slope > 0)
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
    """Create the tables; the next `match_evidence` fills that of the mixes, and `reason`."""
    # SQLite knows no IF NOT EXISTS here, and needs none: its upgrade is one transaction.
    there = None if op.get_bind().dialect.name == "sqlite" else True
    op.add_column("stem_alignments", sa.Column("reason", sa.Text()), if_not_exists=there)
    op.create_table(
        "mix_alignments",
        sa.Column("midi_file_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("final_mix_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("lag_seconds", sa.Double()),
        sa.Column("knots", Json()),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("spread_ms", sa.Double()),
        sa.Column("reason", sa.Text()),
        sa.PrimaryKeyConstraint("midi_file_id", "final_mix_id", name="pk_mix_alignments"),
        sa.ForeignKeyConstraint(
            ["midi_file_id"], ["midi_files.id"], name="fk_mix_alignments_midi_file_id"
        ),
        sa.ForeignKeyConstraint(
            ["final_mix_id"], ["final_mixes.id"], name="fk_mix_alignments_final_mix_id"
        ),
        if_not_exists=True,
    )
    op.create_table(
        "alignment_overrides",
        sa.Column("cue_key", sa.Text(), nullable=False),
        sa.Column("midi_file", sa.Text(), nullable=False),
        sa.Column("stem", sa.Text(), nullable=False),
        sa.Column("lag_seconds", sa.Double()),
        sa.Column("tempo", Json()),
        sa.Column("tempo_from", sa.Text()),
        sa.Column("note", sa.Text()),
        sa.Column("created_at", Timestamp(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("stem_content", sa.Text()),
        sa.PrimaryKeyConstraint("cue_key", "midi_file", "stem", name="pk_alignment_overrides"),
        if_not_exists=True,
    )
    op.create_table(
        "alignment_history",
        sa.Column("id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("change_id", sa.BigInteger(), nullable=False),
        sa.Column("cue_key", sa.Text(), nullable=False),
        sa.Column("midi_file", sa.Text(), nullable=False),
        sa.Column("stem", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("lag_seconds", sa.Double()),
        sa.Column("tempo_from", sa.Text()),
        sa.Column("note", sa.Text()),
        sa.Column("before", Json()),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_alignment_history"),
        if_not_exists=True,
    )
    for table, column in (
        ("mix_alignments", "final_mix_id"),
        ("alignment_history", "cue_key"),
    ):
        op.create_index(f"ix_{table}_{column}", table, [column], if_not_exists=True)
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP VIEW IF EXISTS heard_notes")
        op.execute(f"CREATE VIEW heard_notes AS {_HEARD_NOTES}")
    else:
        op.execute(f"CREATE OR REPLACE VIEW heard_notes AS {_HEARD_NOTES}")
