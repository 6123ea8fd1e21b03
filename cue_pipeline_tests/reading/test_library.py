"""Opening a library, finding cues, and what the ledger vouches for."""

import pickle
import shutil
import unicodedata

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

import cue_pipeline as cp
from cue_pipeline.errors import (
    CueError,
    NotReadyError,
    UnknownNameError,
    WarehouseError,
    closest,
)
from cue_pipeline.warehouse import migrations
from cue_pipeline.warehouse import tables as t
from cue_pipeline.warehouse.engine import create_engine
from cue_pipeline_tests.warehouse.synthetic import ASSETS, SyntheticCue, load

CUE = SyntheticCue()


@pytest.fixture
def library(store, filled_url):
    """A library of two cues, the second of which has no mapping yet."""
    load(store, CUE)
    load(store, SyntheticCue(key="TW312/TW312 1m02"), ASSETS[:-1])
    return cp.open_library(filled_url)


def set_state(store, asset, state, error=None):
    with store.engine.begin() as connection:
        connection.execute(
            sa.update(t.cue_assets)
            .where(t.cue_assets.c.cue_id == CUE.id, t.cue_assets.c.asset == asset)
            .values(state=state, error=error)
        )


def test_a_library_is_a_mapping_of_its_cues(library):
    assert list(library) == [CUE.key, "TW312/TW312 1m02"]
    assert len(library) == 2
    assert CUE.key in library
    assert library.get("no such cue") is None
    cue = library["TW312/TW312 1m02"]
    assert (cue.project, cue.reel, cue.cue_number, cue.state) == ("TW312", 1, 2, "present")


def test_cues_are_chosen_by_project_and_by_what_is_ready(library, store):
    assert [c.key for c in library.cues()] == list(library)
    assert [c.key for c in library.cues(state="ready")] == [CUE.key]
    assert [c.key for c in library.cues(state="incomplete")] == ["TW312/TW312 1m02"]
    assert [c.key for c in library.cues(project="TW312")] == ["TW312/TW312 1m02"]
    assert library.cues(project="TW312", state="ready") == []
    store.mark_missing([CUE.key])
    assert library.cues(state="ready") == []
    assert [c.key for c in library.cues(state="missing")] == [CUE.key]
    with pytest.raises(UnknownNameError, match=r"'TW31' .* mean 'TW312'"):
        library.cues(project="TW31")
    with pytest.raises(UnknownNameError, match="No state 'done'"):
        library.cues(state="done")


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("Reel 1/1m0", "Reel 1/1m01 Opening Titles"),
        ("Reel 1/1m2", "Reel 1/1m02 The Letter v2"),
        ("1m02", "Reel 1/1m02 The Letter v2"),
        ("reel 2/2m06", "Reel 2/2m06s Radio"),
    ],
)
def test_a_key_that_is_typed_in_part_has_the_right_closest(typed, key):
    keys = [
        "Reel 2/2m05a Chase",
        "Reel 2/2m06s Radio",
        "Reel 1/1m01 Opening Titles",
        "Reel 1/1m02 The Letter v2",
    ]
    assert closest(typed, keys)[0] == key


def test_an_unknown_name_is_answered_with_the_closest(library):
    with pytest.raises(UnknownNameError, match=r"No cue 'Reel 1/1m0' among .* mean 'Reel 1/1m01'"):
        library["Reel 1/1m0"]
    with pytest.raises(KeyError, match=r"^No stem 'Stem' among the 2 of cue 'Reel 1/1m01'"):
        library[CUE.key].stems["Stem"]


def test_a_key_is_understood_however_its_accents_are_encoded(store, filled_url):
    load(store, SyntheticCue(key=unicodedata.normalize("NFC", "1m03 Élise")))
    library = cp.open_library(filled_url)
    assert library[unicodedata.normalize("NFD", "1m03 Élise")].key in library


@pytest.mark.parametrize(
    ("state", "error", "said"),
    [
        ("loading", None, "is being loaded"),
        ("failed", "the disk was full", r"failed \(the disk was full\)"),
    ],
)
def test_rows_that_the_ledger_does_not_vouch_for_are_refused(library, store, state, error, said):
    cue = library[CUE.key]
    kept = cue.stems["Stem 0"]
    kept.window(0.0, 1.0)
    mel = kept.mel()
    for asset in ("midi_events", "mel_features", "tempo_map", "channel_groups"):
        set_state(store, asset, state, error)
    for ask in (
        lambda: cue.notes(), lambda: cue.tracks, lambda: cue.tempo, lambda: library[CUE.key].stems,
        lambda: kept.mel(), lambda: kept.window(0.0, 1.0), lambda: mel.window(0.0, 1.0),
        lambda: mel.array, lambda: cue.table("midi_cc"),
    ):  # fmt: skip
        with pytest.raises(NotReadyError, match=f"of cue 'Reel 1/1m01' {said}"):
            ask()


def test_what_was_never_made_is_refused_and_named(store, filled_url):
    load(store, CUE, ("tempo_map",))
    cue = cp.open_library(filled_url)[CUE.key]
    assert cue.assets == {"tempo_map": "ready"}
    assert float(cue.tempo.ticks_to_seconds(480)) == 0.5
    with pytest.raises(NotReadyError, match=r"'midi_events' of cue .* was never made.*process"):
        cue.notes()


def test_decisions_of_a_mapping_that_is_not_ready_are_left_empty(library, store):
    ready = library[CUE.key].tracks
    assert list(ready["stem"]) == ["Stem 0", "Stem 1", "Stem 0"]
    assert ready["instrument_category"].notna().all()
    set_state(store, "llm_mappings", "failed")
    tracks = library[CUE.key].tracks
    assert list(tracks["track_name"]) == ["Track 0", "Track 1", "Track 2"]
    for column in ("stem", "instrument_category", "state", "audio_file_id", "lag_seconds"):
        assert tracks[column].isna().all()
    assert library[CUE.key].stems["Stem 0"].category is None


def test_ids_stay_whole_numbers_where_some_are_null(library, store):
    with store.engine.begin() as connection:
        connection.execute(
            sa.update(t.track_mappings)
            .where(t.track_mappings.c.midi_track_id == CUE.track_ids[1])
            .values(audio_file_id=None)
        )
    tracks = library[CUE.key].tracks.set_index("track_index")
    assert tracks["audio_file_id"].dtype == pd.Int64Dtype()
    assert tracks["audio_file_id"][0] == CUE.group_ids[0]  # more than float64 can tell apart
    assert tracks["audio_file_id"].isna().tolist() == [False, True, False]
    assert tracks["id"].tolist() == CUE.track_ids
    mapped = library[CUE.key].table("track_mappings")
    assert mapped["audio_file_id"].dtype == pd.Int64Dtype()


def test_notes_are_those_of_the_table_with_the_names_of_their_tracks(library, store):
    notes = library[CUE.key].notes()
    stored = store.read(CUE.key, "midi_notes")
    pd.testing.assert_frame_equal(notes[stored.columns], stored)
    assert set(notes["track_name"]) == {"Track 0", "Track 1", "Track 2"}
    assert set(notes["file_path"]) == {CUE.midi_path}
    assert len(library[CUE.key].events("midi_cc")) == CUE.n_tracks * CUE.n_cc


def test_nothing_can_be_written_through_a_library(library):
    engine = library.store.engine
    if engine.dialect.name == "auroradsql":
        pytest.skip("the emulation has one role")
    with (
        pytest.raises(sa.exc.DBAPIError, match=r"readonly|read-only"),
        engine.begin() as connection,
    ):
        connection.execute(sa.update(t.cues).values(state="missing"))


@pytest.mark.engines("sqlite")
def test_a_database_that_is_not_there_is_not_made(tmp_path):
    with pytest.raises(WarehouseError, match=r"no database sqlite.*none\.db' does not exist"):
        cp.open_library(f"sqlite:///{tmp_path}/none.db")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_database_is_told_from_a_filled_one_and_left_empty(database_url):
    engine = create_engine(database_url)
    engine.connect().close()  # SQLite makes its file at the first connection
    with pytest.raises(WarehouseError, match="none of the program's tables"):
        cp.open_library(database_url)
    assert migrations.current(engine) is None


def test_an_older_schema_is_refused_with_the_cure_and_not_upgraded(database_url):
    engine = create_engine(database_url)
    migrations.upgrade(engine, "0002")
    with pytest.raises(WarehouseError, match=r"has schema 0002; .*cue-pipeline db upgrade"):
        cp.open_library(database_url)
    assert migrations.current(engine) == "0002"


def test_a_newer_schema_is_refused(engine, filled_url):
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE {migrations.VERSION_TABLE} SET version_num = '9999'")
    with pytest.raises(WarehouseError, match="newer than this program"):
        cp.open_library(filled_url)


def test_a_root_that_is_no_folder_is_refused(store, filled_url, tmp_path):
    with pytest.raises(CueError, match="is not a folder"):
        cp.open_library(filled_url, root=tmp_path / "unmounted")


@pytest.mark.engines("sqlite", "postgresql")
def test_a_library_can_be_handed_to_another_process(library):
    again = pickle.loads(pickle.dumps(library))
    assert list(again) == list(library)
    stem = pickle.loads(pickle.dumps(library[CUE.key].stems["Stem 0"]))
    assert (stem.window(0.5, 1.5) == library[CUE.key].stems["Stem 0"].window(0.5, 1.5)).all()


@pytest.mark.engines("sqlite")
def test_reading_leaves_the_file_as_it_was(store, filled_url, tmp_path):
    load(store, CUE)
    store.engine.dispose()
    shutil.copytree(tmp_path, tmp_path.with_name("copied"))
    place = tmp_path.with_name("copied") / "cues.db"
    before = place.read_bytes()
    assert len(cp.open_library(f"sqlite:///{place}")[CUE.key].notes()) == 120
    assert place.read_bytes() == before


def test_a_later_write_is_seen_by_a_cue_taken_anew(library, store):
    first = library[CUE.key].stems["Stem 0"].mel().array
    load(store, SyntheticCue(seed=1), ("mel_features",))
    assert not (library[CUE.key].stems["Stem 0"].mel().array == first).all()


def test_notes_are_placed_where_they_are_heard_in_the_stem_of_their_track(library):
    cue = library[CUE.key]
    heard = cue.heard_notes()
    assert len(heard) == len(cue.notes())
    assert set(heard["stem"]) == {"Stem 0", "Stem 1"}
    score, audio = np.transpose(CUE.knots)
    middle = heard[heard["start_time"].between(score[0], score[-1])]
    assert len(middle)
    expected = np.interp(middle["start_time"], score, audio)
    np.testing.assert_allclose(middle["heard_start"], expected, atol=1e-9)
    ends = heard["stem"].map({name: stem.duration_seconds for name, stem in cue.stems.items()})
    inside = (heard["heard_start"] < ends) & (heard["heard_end"] > 0)
    assert heard["within"].tolist() == inside.tolist()
