from pathlib import Path
from typing import Any

import alembic.autogenerate
import numpy as np
import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from cue_pipeline.errors import SchemaError, WarehouseError
from cue_pipeline.warehouse import migrations
from cue_pipeline.warehouse import tables as t
from cue_pipeline.warehouse.engine import create_engine
from cue_pipeline.warehouse.store import Store
from cue_pipeline.warehouse.types import is_dsql
from cue_pipeline_tests.deciding import decide
from cue_pipeline_tests.warehouse.synthetic import SyntheticCue, everything, load

SCRIPTS = ScriptDirectory.from_config(migrations.alembic_config())
REVISIONS = [s.revision for s in SCRIPTS.walk_revisions()][::-1]
VIEWS = {"heard_notes", "named_notes", "thinned_cc", "tracks_with_groups"}


@pytest.fixture
def empty_engine(database_url):
    engine = create_engine(database_url)
    yield engine
    engine.dispose()


def note(engine: sa.Engine, revision: str) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(
            f"UPDATE {migrations.VERSION_TABLE} SET version_num = '{revision}'"
        )


def test_an_empty_database_gets_the_programs_schema(empty_engine):
    assert migrations.current(empty_engine) is None
    migrations.ensure_schema(empty_engine)
    assert migrations.current(empty_engine) == migrations.HEAD
    migrations.ensure_schema(empty_engine)
    inspector = sa.inspect(empty_engine)
    assert set(inspector.get_table_names()) == {*t.metadata.tables, migrations.VERSION_TABLE}
    assert set(inspector.get_view_names()) == VIEWS


def test_the_head_that_the_names_of_the_scripts_give_is_alembics():
    assert SCRIPTS.get_current_head() == migrations.HEAD
    for script in SCRIPTS.walk_revisions():
        assert Path(script.path).name.startswith(f"r{script.revision}_")
    assert sorted(REVISIONS) == REVISIONS, "Aurora DSQL takes the greatest for the current one"


def test_migrations_make_the_tables_that_the_program_declares(engine):
    """Alembic's own comparison finds nothing to do; Aurora DSQL has no foreign keys."""
    # The DSQL dialect cannot reflect columns under SQLAlchemy 2.1; PostgreSQL's reads the same.
    drivername = engine.url.drivername.replace("auroradsql", "postgresql")
    with sa.create_engine(engine.url.set(drivername=drivername)).connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "version_table": migrations.VERSION_TABLE,
                "compare_type": engine.dialect.name != "sqlite",
            },
        )
        found = alembic.autogenerate.compare_metadata(context, t.metadata)
    if is_dsql(engine.dialect):
        found = [d for d in found if d[0] != "add_fk"]
    assert found == []


@pytest.mark.engines("sqlite", "dsql")
def test_a_database_of_the_programs_schema_lacks_nothing(engine):
    assert migrations.lacking(engine) == []
    migrations.require_whole(engine)


def test_what_was_taken_from_a_database_is_named_since_no_upgrade_brings_it_back(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path / 'old.db'}")
    migrations.ensure_schema(engine)
    with engine.begin() as connection:
        for view in sa.inspect(connection).get_view_names():
            connection.exec_driver_sql(f"DROP VIEW {view}")
        connection.exec_driver_sql("ALTER TABLE midi_notes DROP COLUMN beat")
        connection.exec_driver_sql("DROP TABLE llm_waiting")
    assert migrations.upgrade(engine) == migrations.HEAD
    assert migrations.lacking(engine) == ["llm_waiting", "midi_notes.beat"]
    with pytest.raises(SchemaError, match=r"lacks .*: llm_waiting, midi_notes\.beat\. No upgrade"):
        migrations.require_whole(engine)


def test_event_tables_are_their_key_on_sqlite(tmp_path):
    """WITHOUT ROWID, which alembic does not compare."""
    engine = create_engine(f"sqlite:///{tmp_path}/cues.db")
    migrations.ensure_schema(engine)
    with engine.connect() as connection:
        made = dict(
            connection.exec_driver_sql(
                "SELECT name, sql FROM sqlite_master WHERE type = 'table'"
            ).all()
        )
    declared = {n for n, s in made.items() if "WITHOUT ROWID" in s}
    assert declared == {
        n
        for n, x in t.metadata.tables.items()
        if x.dialect_options["sqlite"]["with_rowid"] is False
    }
    assert "midi_notes" in declared


def columns_of(engine: sa.Engine) -> dict[str, list[str]]:
    """The columns that a database has; not by the inspector, which Aurora DSQL's dialect breaks."""
    found = {}
    with engine.connect() as connection:
        for name in sa.inspect(engine).get_table_names():
            if name in t.metadata.tables:
                nothing = sa.select(sa.text("*")).select_from(sa.table(name)).where(sa.false())
                found[name] = list(connection.execute(nothing).keys())
    return found


def rows_of(engine: sa.Engine, columns: dict[str, list[str]]) -> dict[str, list[dict[str, Any]]]:
    with engine.connect() as connection:
        return {
            table.name: [
                dict(row)
                for row in connection.execute(
                    sa.select(*(table.c[c] for c in columns[table.name])).order_by(
                        *table.primary_key
                    )
                ).mappings()
            ]
            for table in t.ordered_tables()
            if table.name in columns
        }


SOME_REVISIONS = {REVISIONS[0], "0004", "0009", REVISIONS[-1]}


@pytest.mark.parametrize(
    "revision",
    [
        revision if revision in SOME_REVISIONS else pytest.param(revision, marks=pytest.mark.slow)
        for revision in REVISIONS
    ],
)
def test_an_earlier_schema_is_upgraded_with_its_data(empty_engine, tmp_path, revision):
    """Rows as a program of that time wrote them, that is without columns of later times."""
    if empty_engine.dialect.name != "sqlite" and revision not in SOME_REVISIONS:
        pytest.skip("SQLite walks from each revision, the others from some")
    today = create_engine(f"sqlite:///{tmp_path}/today.db")
    migrations.upgrade(today)
    store, cue = Store(today), SyntheticCue()
    load(store, cue)
    decide(store, cue.key, "#1", "Stem 0", "Brass")
    migrations.upgrade(empty_engine, revision)
    columns = columns_of(empty_engine)
    written = rows_of(today, columns)
    for table in t.metadata.sorted_tables:  # by foreign keys
        if written.get(table.name):
            with empty_engine.begin() as connection:
                connection.execute(sa.insert(table), written[table.name])
    before = rows_of(empty_engine, columns)
    assert migrations.upgrade(empty_engine) == migrations.HEAD
    assert rows_of(empty_engine, columns) == before
    assert len(before["midi_notes"]) == len(store.read(cue.key, "midi_notes"))
    after = Store(empty_engine)
    load(after, cue)
    assert everything(after, cue) == everything(store, cue)


@pytest.mark.engines("sqlite", "postgresql")
def test_seconds_in_which_tracks_sound_are_counted_by_the_upgrade(empty_engine):
    """Three notes a track: one within another, then one after a rest."""
    today, cue = Store(empty_engine), SyntheticCue(n_notes=3)
    migrations.upgrade(empty_engine)
    load(today, cue)
    silent = max(cue.track_ids)
    with empty_engine.begin() as connection:
        connection.execute(sa.delete(t.midi_notes).where(t.midi_notes.c.midi_track_id == silent))
        for at, start, duration in ((0, 1.0, 4.0), (1, 2.0, 1.0), (2, 6.0, 0.5)):
            connection.execute(
                sa.update(t.midi_notes)
                .where(t.midi_notes.c.event_index == at)
                .values(start_time=start, duration=duration)
            )
        connection.execute(sa.text("ALTER TABLE midi_tracks DROP COLUMN sounding_seconds"))
        connection.execute(sa.text(f"UPDATE {migrations.VERSION_TABLE} SET version_num = '0019'"))
    migrations.upgrade(empty_engine)
    tracks = today.read(cue.key, "midi_tracks", ["id", "sounding_seconds"])
    found = dict(zip(tracks["id"], tracks["sounding_seconds"], strict=True))
    assert found == {track: 0.0 if track == silent else 4.5 for track in cue.track_ids}


def test_a_database_of_before_cues_kept_their_identity_keeps_every_row_and_decision(tmp_path):
    """A dump of a processed library, made by the program of revision 0009."""
    import sqlite3

    path = tmp_path / "old.db"
    with sqlite3.connect(path) as old:
        old.executescript((Path(__file__).parent / "before_identity.sql").read_text())
        tables = [n for (n,) in old.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        names = {n: [c[1] for c in old.execute(f"PRAGMA table_info({n})")] for n in tables}
        names.pop(migrations.VERSION_TABLE)

        def rows():
            return {n: sorted(map(repr, old.execute(f"SELECT {', '.join(c)} FROM {n}")))
                    for n, c in names.items()}  # fmt: skip

        before = rows()
        assert len(before["mapping_overrides"]) == 1
        assert len(before["midi_notes"]) == 3
        engine = create_engine(f"sqlite:///{path}")
        migrations.ensure_schema(engine)
        assert migrations.lacking(engine) == []
        assert rows() == before
    store = Store(engine)
    (cue,) = store.cues()
    assert (cue.cue_key, cue.first_key, cue.state) == ("Reel 1/1m01", None, "present")
    assert list(store.overrides(cue.cue_key)["instrument_category"]) == ["Brass"]
    assert len(store.read(cue.cue_key, "midi_notes")) == 3
    assert {row.state for row in store.ledger(cue.cue_key)} == {"ready"}


def test_an_older_server_is_upgraded_on_demand_only(empty_engine, monkeypatch):
    monkeypatch.setattr(migrations, "_STEP_SECONDS", 0.3)  # nobody else is at it
    migrations.upgrade(empty_engine, REVISIONS[0])
    if empty_engine.dialect.name == "sqlite":
        migrations.ensure_schema(empty_engine)
    else:
        with pytest.raises(WarehouseError, match=r"has schema 0001; .*run: cue-pipeline db upg"):
            migrations.ensure_schema(empty_engine)
        assert migrations.current(empty_engine) == REVISIONS[0]
        migrations.upgrade(empty_engine)
    assert migrations.current(empty_engine) == migrations.HEAD


@pytest.mark.parametrize("bring", [migrations.ensure_schema, migrations.upgrade])
def test_a_schema_newer_than_the_program_is_refused(engine, bring):
    note(engine, "9999")
    with pytest.raises(WarehouseError, match=r"has schema 9999, which is newer .*Install"):
        bring(engine)
    assert migrations.current(engine) == "9999"


@pytest.mark.engines("sqlite", "postgresql")
def test_tables_of_another_program_are_left_alone(empty_engine):
    with empty_engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE cues (billiard text)")
    with pytest.raises(WarehouseError, match=r"has tables \['cues'\] that this program did not"):
        migrations.ensure_schema(empty_engine)
    assert sa.inspect(empty_engine).get_table_names() == ["cues"]


@pytest.mark.engines("dsql")
def test_an_upgrade_that_was_killed_is_run_again(empty_engine):
    """With half of the tables, and no revision noted."""
    migrations.upgrade(empty_engine)
    with empty_engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for view in VIEWS:
            connection.exec_driver_sql(f"DROP VIEW {view}")
        connection.exec_driver_sql("DROP TABLE track_mappings")
        connection.exec_driver_sql(f"DROP TABLE {migrations.VERSION_TABLE}")
    migrations.ensure_schema(empty_engine)
    assert migrations.current(empty_engine) == migrations.HEAD
    load(Store(empty_engine), SyntheticCue())


@pytest.mark.engines("dsql")
def test_an_upgrade_waits_for_indexes_that_are_being_built(emulated, empty_engine, monkeypatch):
    from cue_pipeline.warehouse.migrations import dsql_ddl as dsql

    migrations.upgrade(empty_engine)
    with empty_engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO sys.jobs VALUES ('1', 'processing', '')")
    waited = []

    def finish(seconds: float) -> None:
        waited.append(seconds)
        with empty_engine.begin() as connection:
            connection.exec_driver_sql("UPDATE sys.jobs SET status = 'completed'")

    monkeypatch.setattr(dsql.time, "sleep", finish)
    migrations.upgrade(empty_engine)
    assert len(waited) == 1


def test_views_go_by_the_ledger_and_name_notes_as_musicians_do(store):
    cue = SyntheticCue()
    load(store, cue)
    query = sa.text("SELECT DISTINCT note, note_name FROM named_notes")
    groups = sa.text("SELECT track_name, group_name, instrument_category FROM tracks_with_groups")
    with store.engine.connect() as connection:
        names = dict(connection.execute(query).all())
        tracks = connection.execute(groups).all()
    import pretty_midi

    assert names == {n: pretty_midi.note_number_to_name(n) for n in names}
    assert len(names) > 20
    assert sorted(r[0] for r in tracks) == ["Track 0", "Track 1", "Track 2"]
    assert {r[1] for r in tracks} == {"Stem 0", "Stem 1"}
    from datetime import UTC, datetime

    store.fail(
        cue.key, "midi_events", "", fingerprint="", code_version="", started_at=datetime.now(UTC)
    )
    with store.engine.connect() as connection:
        assert connection.execute(query).all() == []
        assert connection.execute(groups).all() == []


def test_every_note_has_its_place_in_every_stem_on_every_engine(store):
    """Held against numpy's interpolation; notes beyond the stem's end are not within."""
    cue = SyntheticCue()
    load(store, cue)
    with store.engine.begin() as connection:
        connection.execute(sa.update(t.audio_files).values(duration_seconds=1.2))
    score, audio = np.transpose(cue.knots)
    query = sa.text(
        "SELECT n.*, a.duration_seconds FROM heard_notes AS n "
        "JOIN audio_files AS a ON a.id = n.audio_file_id"
    )
    with store.engine.connect() as connection:
        rows = connection.execute(query).mappings().all()
        n_notes = connection.execute(sa.text("SELECT count(*) FROM midi_notes")).scalar_one()
    assert len(rows) == n_notes * len(cue.group_ids)

    def heard(seconds):
        at = np.clip(seconds, score[0], score[-1])
        return np.interp(at, score, audio) + seconds - at

    for row in rows:
        start, end = heard(row["start_time"]), heard(row["start_time"] + row["duration"])
        assert row["heard_start"] == pytest.approx(start, abs=1e-9)
        assert row["heard_end"] == pytest.approx(end, abs=1e-9)
        assert bool(row["within"]) == (end > 0 and start < row["duration_seconds"])
    assert {bool(row["within"]) for row in rows} == {True, False}
    assert len({row["start_time"] for row in rows if score[0] < row["start_time"] < score[-1]}) > 1


def test_thinned_controllers_keep_the_last_value_of_each_fiftieth_of_a_second_that_changed(store):
    cue = SyntheticCue()
    load(store, cue)
    messages = store.read(cue.key, "midi_cc").sort_values(["midi_track_id", "event_index"])
    last_of_slot: dict[tuple[int, ...], tuple[int, int]] = {}
    for row in messages.itertuples():
        curve = row.midi_track_id, row.channel, row.cc_number
        last_of_slot[*curve, int(row.time * 50)] = row.event_index, row.cc_value
    expected: list[tuple[int, int]] = []
    held: dict[tuple[int, ...], int] = {}
    for (*curve, _), (event_index, value) in sorted(last_of_slot.items()):
        if held.get(tuple(curve)) != value:
            expected.append((curve[0], event_index))
        held[tuple(curve)] = value
    with store.engine.connect() as connection:
        found = connection.execute(
            sa.text("SELECT midi_track_id, event_index FROM thinned_cc WHERE cue_key = :key"),
            {"key": cue.key},
        ).all()
    assert sorted(tuple(row) for row in found) == sorted(expected)
    assert len(found) < len(messages)
