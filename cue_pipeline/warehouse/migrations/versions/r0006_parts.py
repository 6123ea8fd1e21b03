"""Tracks become parts: a row per port and channel where one track holds several instruments.

Rows of before keep their ids, with the new columns NULL: they are whole tracks. The assets that
made them show as stale, so that the next run parts what is to be parted.
"""

import sqlalchemy as sa
from alembic import op

from cue_pipeline.warehouse.types import Json

revision = "0006"
down_revision = "0005"

_OLD_KEY = "uq_midi_tracks_midi_file_id_track_index"
_KEY = "ix_midi_tracks_midi_file_id_track_index_port_part_channel"
_KEY_COLUMNS = ("midi_file_id", "track_index", "port", "part_channel")
_INDEXED = ("assigned_audio_file_id", "instrument_category")

_TRACKS_WITH_GROUPS = """
SELECT c.cue_key, c.project, c.reel, c.cue_number, f.file_path AS midi_file_path,
       t.id AS midi_track_id, t.track_index, t.track_name,
       m.audio_file_id, g.canonical_name AS group_name, g.layout AS group_layout,
       m.instrument_category, m.state, m.method, m.confidence, t.port, t.part_channel
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


def upgrade() -> None:
    """Add the columns, give the table its new key, and show parts in the view."""
    if op.get_bind().dialect.name == "sqlite":
        _rebuild()
        op.execute("DROP VIEW tracks_with_groups")
        op.execute(f"CREATE VIEW tracks_with_groups AS {_TRACKS_WITH_GROUPS}")
        return
    for column in _new_columns():
        op.add_column("midi_tracks", column, if_not_exists=True)
    op.create_index(_KEY, "midi_tracks", list(_KEY_COLUMNS), unique=True, if_not_exists=True)
    op.execute(f"ALTER TABLE midi_tracks DROP CONSTRAINT IF EXISTS {_OLD_KEY}")
    op.execute(f"CREATE OR REPLACE VIEW tracks_with_groups AS {_TRACKS_WITH_GROUPS}")


def _new_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("port", sa.SmallInteger()),
        sa.Column("part_channel", sa.SmallInteger()),
        sa.Column("all_names", Json()),
        sa.Column("sounds", Json()),
        sa.Column("drum_kit", sa.Text()),
    ]


def _rebuild() -> None:
    """Make the table anew: SQLite cannot drop a constraint.

    Rows that refer to it step aside meanwhile, for in a transaction foreign keys cannot be
    switched off; and so do views, without which SQLite would rename nothing.
    """
    connection = op.get_bind()
    views = connection.exec_driver_sql(
        "SELECT name, sql FROM sqlite_master WHERE type = 'view'"
    ).all()
    inspector = sa.inspect(connection)
    children = [
        name
        for name in inspector.get_table_names()
        if any(k["referred_table"] == "midi_tracks" for k in inspector.get_foreign_keys(name))
    ]
    for name, _ in views:
        op.execute(f"DROP VIEW {name}")
    for child in children:
        op.execute(f"CREATE TEMPORARY TABLE aside_{child} AS SELECT * FROM {child}")  # noqa: S608
        op.execute(f"DELETE FROM {child}")  # noqa: S608
    old = [column["name"] for column in inspector.get_columns("midi_tracks")]
    kept = ", ".join(old)
    _create("midi_tracks_of_parts")
    op.execute(
        f"INSERT INTO midi_tracks_of_parts ({kept}) SELECT {kept} FROM midi_tracks"  # noqa: S608
    )
    op.execute("DROP TABLE midi_tracks")
    op.execute("ALTER TABLE midi_tracks_of_parts RENAME TO midi_tracks")
    for column in _INDEXED:
        op.create_index(f"ix_midi_tracks_{column}", "midi_tracks", [column])
    op.create_index(_KEY, "midi_tracks", list(_KEY_COLUMNS), unique=True)
    for child in children:
        op.execute(f"INSERT INTO {child} SELECT * FROM aside_{child}")  # noqa: S608
        op.execute(f"DROP TABLE aside_{child}")
    for _, sql in views:
        op.execute(sql)


def _create(name: str) -> None:
    op.create_table(
        name,
        sa.Column("id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("midi_file_id", sa.BigInteger(), nullable=False),
        sa.Column("track_index", sa.Integer(), nullable=False),
        sa.Column("track_name", sa.Text()),
        sa.Column("raw_name", sa.LargeBinary()),
        sa.Column("stray_note_offs", Json()),
        sa.Column("instrument_category", sa.Text()),
        sa.Column("assigned_audio_file_id", sa.BigInteger()),
        *_new_columns(),
        sa.PrimaryKeyConstraint("id", name="pk_midi_tracks"),
        sa.ForeignKeyConstraint(
            ["midi_file_id"], ["midi_files.id"], name="fk_midi_tracks_midi_file_id"
        ),
        sa.ForeignKeyConstraint(
            ["assigned_audio_file_id"],
            ["audio_files.id"],
            name="fk_midi_tracks_assigned_audio_file_id",
        ),
    )
