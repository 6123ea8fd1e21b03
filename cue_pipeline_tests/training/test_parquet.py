"""A data set as Parquet tables, read by DuckDB and held against the tables by SQL."""

import duckdb
import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
import yaml

import cue_pipeline as cp
from cue_pipeline.training.exports import parquet_tables as module
from cue_pipeline.training.exports.formats import Request
from cue_pipeline.training.exports.manifest import file_faults, read_manifest
from cue_pipeline.training.exports.parquet_tables import TABLES, Parquet
from cue_pipeline_tests.training.planted import PlantedCue, plant, planted_library, wandered
from cue_pipeline_tests.warehouse.synthetic import SyntheticCue, load, replace

CUES = [PlantedCue(key=f"Reel 1/1m0{i}", seed=i, offsets=(0.0, 0.5)) for i in (1, 2, 3)]


def export(library, out, resume=False):
    return Parquet().write(Request(library, out, "CC-BY-4.0", resume=resume))


@pytest.fixture(scope="module")
def done(sqlite_template, tmp_path_factory):
    """Return a library, its database and its export, which no test changes."""
    folder = tmp_path_factory.mktemp("parquet")
    with planted_library(sqlite_template, folder, *CUES) as library:
        export(library, folder / "set")
        yield library, folder / "cues.db", folder / "set"


def test_notes_are_those_of_the_view_in_sql_and_of_the_known_wander(done):
    _, database, out = done
    found = duckdb.sql(
        f"SELECT n.* EXCLUDE (start_seconds), n.start_seconds - s.start_seconds AS heard "
        f"FROM '{out}/notes/*.parquet' n JOIN '{out}/stems/*.parquet' s USING (stem_id) "
        f"ORDER BY track_id, event_index"
    ).df()
    engine = sa.create_engine(f"sqlite:///{database}")
    view = pd.read_sql(
        "SELECT h.* FROM heard_notes h JOIN track_mappings m ON m.midi_track_id = h.midi_track_id "
        "AND m.audio_file_id = h.audio_file_id WHERE h.within "
        "ORDER BY h.midi_track_id, h.event_index",
        engine,
    )
    engine.dispose()
    assert len(found) == len(view) == 3 * 3 * 60
    assert np.abs(found["heard"] - view["heard_start"]).max() < 1e-9
    assert np.abs(found["heard"] - wandered(found["score_seconds"])).max() < 0.025
    assert found["note"].tolist() == view["note"].tolist()
    assert found["stem_id"].tolist() == view["audio_file_id"].tolist()


def test_every_table_has_the_rows_of_the_library(done):
    library, _, out = done
    counts = read_manifest(out)["description"]["counts"]
    for table in TABLES:
        ((n,),) = duckdb.sql(f"SELECT count(*) FROM '{out}/{table}/*.parquet'").fetchall()
        assert n == counts[table]
    assert counts["controllers"] == sum(len(c.events("midi_cc")) for c in library.cues())
    keys = duckdb.sql(f"SELECT cue_key FROM '{out}/cues/*.parquet'").fetchall()
    assert [key for (key,) in keys] == list(library)


def test_notes_that_are_no_labels_have_no_stem(sqlite_template, tmp_path):
    with planted_library(sqlite_template, tmp_path, CUES[0]) as library:
        engine = sa.create_engine(f"sqlite:///{tmp_path / 'cues.db'}")
        with engine.begin() as connection:
            connection.exec_driver_sql("UPDATE track_mappings SET state = 'review'")
        export(library, tmp_path / "set")
        told = duckdb.sql(
            f"SELECT count(*), count(stem_id), count(start_seconds) "
            f"FROM '{tmp_path}/set/notes/*.parquet'"
        ).fetchall()
        assert told == [(180, 0, 0)]
        assert "In 2 of 2 stems notes may sound" in (tmp_path / "set/README.md").read_text()
        assert not Parquet().faults(tmp_path / "set", library)
        with engine.begin() as connection:
            connection.exec_driver_sql("UPDATE track_mappings SET state = 'confirmed'")
        found = Parquet().faults(tmp_path / "set", library)
        assert {line.partition("/")[0] for line in found} == {"notes", "stems", "tracks"}


@pytest.mark.engines("sqlite")
def test_a_note_sounds_until_the_pedal_is_released(store, filled_url, tmp_path):
    cue = CUES[0]
    plant(store, tmp_path / "cues", cue)
    events = cue.value("midi_events")
    pedal = events["midi_cc"].iloc[:2].assign(
        cc_number=64, cc_value=[127, 0], time=[0.0, 3.0], event_index=[5_000, 5_001]
    )  # fmt: skip
    notes = events["midi_notes"].iloc[:2].assign(
        start_time=[0.5, 3.5], duration=0.25, note=[60, 62], flags=0
    )  # fmt: skip
    replace(store, cue, "midi_events", midi_cc=pedal, midi_notes=notes)
    for asset in ("match_evidence", "llm_mappings"):
        replace(store, cue, asset)
    library = cp.open_library(filled_url, tmp_path / "cues")
    export(library, tmp_path / "set")
    rows = duckdb.sql(
        f"SELECT n.end_seconds - s.start_seconds, n.sounds_until_seconds - s.start_seconds "
        f"FROM '{tmp_path}/set/notes/*.parquet' n JOIN '{tmp_path}/set/stems/*.parquet' s "
        f"USING (stem_id) ORDER BY n.note"
    ).fetchall()
    (held, until), (end, same) = rows
    assert held == pytest.approx(wandered(0.75), abs=0.025)
    assert until == pytest.approx(wandered(3.0), abs=0.025)
    assert end == same == pytest.approx(wandered(3.75), abs=0.025)


def test_labels_beside_notes_without_a_stem_keep_all_63_bits_of_its_id(sqlite_template, tmp_path):
    """A double holds 53: joined by it, notes would be nobody's."""
    with planted_library(sqlite_template, tmp_path, CUES[0]) as library:
        first, *others = CUES[0].track_ids
        engine = sa.create_engine(f"sqlite:///{tmp_path / 'cues.db'}")
        with engine.begin() as connection:
            connection.exec_driver_sql(
                f"UPDATE track_mappings SET state = 'review' WHERE midi_track_id = {first}"
            )
        engine.dispose()
        export(library, tmp_path / "set")
    joined = duckdb.sql(
        f"SELECT track_id, count(*) FROM '{tmp_path}/set/notes/*.parquet' "
        f"JOIN '{tmp_path}/set/stems/*.parquet' USING (stem_id) GROUP BY 1"
    ).fetchall()
    assert sorted(joined) == sorted((track, 60) for track in others)
    assert any(stem_id % 1024 for stem_id in CUES[0].group_ids)


@pytest.mark.slow
def test_an_export_that_was_killed_goes_on_and_is_the_same(done, tmp_path, monkeypatch):
    library, _, _ = done
    monkeypatch.setattr(module, "SHARD_ROWS", 100)  # a shard a cue
    export(library, tmp_path / "whole")
    tables_of = module.tables_of

    def killed(chosen):
        if chosen.cue.key == CUES[1].key:
            raise KeyboardInterrupt
        return tables_of(chosen)

    monkeypatch.setattr(module, "tables_of", killed)
    with pytest.raises(KeyboardInterrupt):
        export(library, tmp_path / "set")
    monkeypatch.setattr(module, "tables_of", tables_of)
    export(library, tmp_path / "set", resume=True)
    whole, resumed = (
        {k: v for k, v in read_manifest(tmp_path / name)["files"].items() if "/" in k}
        for name in ("whole", "set")
    )
    assert resumed == whole
    assert len(whole) == 3 * len(TABLES)
    assert not list(file_faults(tmp_path / "set", read_manifest(tmp_path / "set")))


def test_dataset_viewers_are_told_which_files_are_which_split(done):
    _, _, out = done
    head = yaml.safe_load((out / "README.md").read_text().split("---")[1])
    notes = next(c for c in head["configs"] if c["config_name"] == "notes")
    assert notes["data_files"] == [{"split": "all", "path": "notes/all-*.parquet"}]
    assert list(out.glob(notes["data_files"][0]["path"]))


def test_the_card_is_read_by_croissant(done):
    _, _, out = done
    import mlcroissant

    described = mlcroissant.Dataset(str(out / "croissant.json"))
    assert not described.metadata.ctx.issues.errors
    assert not described.metadata.ctx.issues.warnings
    stems = list(described.records("stems-all-00000"))
    assert len(stems) == 6
    assert stems[0]["stems-all-00000/sample_rate"] == 48_000


@pytest.mark.engines("sqlite")
def test_a_cue_without_a_note_is_exported(store, filled_url, tmp_path):
    load(store, SyntheticCue(n_notes=0, n_cc=0))
    load(store, SyntheticCue(key="b", n_groups=1))
    library = cp.open_library(filled_url)
    counts = export(library, tmp_path / "set")
    assert (counts["cues"], counts["stems"], counts["notes"]) == (2, 3, 120)
    assert not Parquet().faults(tmp_path / "set", library)
