from datetime import UTC, datetime
from functools import partial

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from cue_pipeline.cue.identity import row_id
from cue_pipeline.errors import WarehouseError
from cue_pipeline.warehouse import tables as t
from cue_pipeline.warehouse.features import read_mel
from cue_pipeline.warehouse.people import Anchor, Turn
from cue_pipeline_tests.deciding import decide, take_back
from cue_pipeline_tests.warehouse.synthetic import (
    ASSETS,
    SyntheticCue,
    everything,
    load,
    replace,
)

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def count(store, table: str) -> int:
    with store.engine.connect() as connection:
        return connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one()


def test_what_was_written_is_read(store):
    cue = SyntheticCue()
    load(store, cue)
    events = cue.value("midi_events")
    for table in ("midi_notes", "midi_cc", "midi_aftertouch", "midi_tracks"):
        read = store.read(cue.key, table, list(events[table].columns))
        keys = [c.name for c in t.metadata.tables[table].primary_key.columns]
        given = events[table].sort_values(keys, ignore_index=True)
        pd.testing.assert_frame_equal(
            read.sort_values(keys, ignore_index=True), given, check_dtype=False
        )
    chunks = next(iter(cue.value("mel_features")["audio_feature_chunks"]))
    read = store.read(cue.key, "audio_feature_chunks")
    read = read[read.audio_feature_id == chunks.audio_feature_id[0]]
    assert b"".join(read.data) == cue.mel(0).tobytes()


def test_a_mel_spectrogram_is_put_together_from_its_chunks(store):
    cue = SyntheticCue()
    load(store, cue)
    for i, group in enumerate(cue.group_names):
        feature = row_id("audio_features", cue.key, group, "mel_spectrogram", "mono", "default")
        np.testing.assert_array_equal(read_mel(store, feature), cue.mel(i))
    with pytest.raises(WarehouseError, match="There is no row 7"):
        read_mel(store, 7)


def test_materialising_a_cue_twice_leaves_the_same_rows(store):
    cue = SyntheticCue()
    load(store, cue)
    first = everything(store, cue)
    load(store, cue)
    assert everything(store, cue) == first
    assert all(first[table] for table in ("midi_notes", "audio_feature_chunks", "track_mappings"))


def test_a_rerun_over_other_contents_ends_as_a_clean_run_does(store):
    old = SyntheticCue(n_tracks=5, n_notes=90, n_groups=4, n_frames=500, seed=1)
    new = SyntheticCue(n_tracks=2, n_notes=30, n_groups=1, n_frames=200, seed=2)
    load(store, new)
    clean = everything(store, new)
    load(store, old)
    load(store, new)
    assert everything(store, new) == clean


def test_other_cues_are_left_alone(store):
    one, other = SyntheticCue(key="Reel 1/1m01"), SyntheticCue(key="Reel 1/1m02", seed=3)
    load(store, one)
    load(store, other)
    before = everything(store, one)
    load(store, SyntheticCue(key="Reel 1/1m02", n_tracks=1, n_groups=1, seed=4))
    assert everything(store, one) == before


def test_rerunning_events_keeps_the_category_that_the_mapping_gave(store):
    cue = SyntheticCue()
    load(store, cue)
    replace(store, cue, "midi_events")
    replace(store, cue, "channel_groups")
    tracks = store.read(cue.key, "midi_tracks")
    assert tracks.instrument_category.notna().all()
    assert tracks.assigned_audio_file_id.notna().all()
    assert (store.read(cue.key, "audio_files").peak_dbfs == -1.0).all()


def test_a_vanished_track_takes_all_that_hangs_on_it_along(store):
    load(store, SyntheticCue(n_tracks=3))
    fewer = SyntheticCue(n_tracks=1)
    replace(store, fewer, "midi_events")
    assert count(store, "midi_tracks") == 1
    for table in ("midi_notes", "midi_cc", "match_evidence", "track_mappings"):
        with store.engine.connect() as connection:
            orphans = connection.execute(
                sa.text(
                    f"SELECT count(*) FROM {table} "
                    "WHERE midi_track_id NOT IN (SELECT id FROM midi_tracks)"
                )
            ).scalar_one()
        assert orphans == 0
        assert count(store, table) > 0


def test_assets_that_lose_rows_with_a_parent_are_stale_and_still_readable(store):
    cue = SyntheticCue(n_groups=3)
    load(store, cue)
    replace(store, SyntheticCue(n_groups=1), "channel_groups")
    fingerprints = {row.asset: (row.state, row.fingerprint) for row in store.ledger(cue.key)}
    assert fingerprints["mel_features"] == ("ready", None)
    assert fingerprints["llm_mappings"] == ("ready", None)
    assert fingerprints["midi_events"] == ("ready", "fingerprint 0")
    assert len(store.read(cue.key, "audio_features")) == 1
    tracks = store.read(cue.key, "midi_tracks")
    assert set(tracks.assigned_audio_file_id.dropna()) == {cue.group_ids[0]}


def test_a_table_that_is_no_longer_given_is_emptied(store):
    cue = SyntheticCue()
    load(store, cue)
    tables = cue.value("midi_events")
    del tables["midi_aftertouch"]
    store.replace(
        cue.key,
        "midi_events",
        tables,
        fingerprint="f",
        code_version="1",
        data_version="d",
        started_at=NOW,
    )
    assert count(store, "midi_aftertouch") == 0


def test_columns_of_rows_that_are_no_longer_given_are_cleared(store):
    cue = SyntheticCue()
    load(store, cue)
    value = cue.value("llm_mappings")
    replace(store, cue, "llm_mappings", midi_tracks=value["midi_tracks"].iloc[:1])
    tracks = store.read(cue.key, "midi_tracks").set_index("id")
    assert list(tracks.index[tracks.instrument_category.notna()]) == [cue.track_ids[0]]


def test_the_ledger_says_what_was_written_and_when(store):
    cue = SyntheticCue()
    load(store, cue, ("tempo_map",))
    (row,) = store.ledger(cue.key)
    assert (row.asset, row.state, row.row_count, row.error) == ("tempo_map", "ready", 1, None)
    assert (row.fingerprint, row.code_version, row.data_version) == ("fingerprint 0", "1", "data 0")
    assert row.started_at.tzinfo is not None
    assert row.finished_at >= row.started_at


def test_a_failure_keeps_the_rows_but_nobody_reads_them(store):
    cue = SyntheticCue()
    load(store, cue)
    store.fail(
        cue.key, "midi_events", "the file is cut", fingerprint="x", code_version="1", started_at=NOW
    )
    assert count(store, "midi_cc") == cue.n_tracks * cue.n_cc
    with pytest.raises(WarehouseError, match=r"'midi_events' is failed \(the file is cut\)"):
        store.read(cue.key, "midi_notes")
    (row,) = [r for r in store.ledger(cue.key) if r.asset == "midi_events"]
    assert (row.state, row.error) == ("failed", "the file is cut")
    replace(store, cue, "midi_events")
    assert len(store.read(cue.key, "midi_cc")) == cue.n_tracks * cue.n_cc


def test_an_asset_that_never_ran_has_no_rows(store):
    cue = SyntheticCue()
    store.register_cues([cue.folder()])
    frame = store.read(cue.key, "match_evidence")
    assert len(frame) == 0
    assert frame.score.dtype == np.float64


REFUSED = {
    "a table of another asset": (
        "midi_events",
        {"audio_files": pd.DataFrame({"id": [1]})},
        r"'audio_files'.*not its own; it owns .*midi_notes",
    ),
    "an unknown asset": ("reverb", {}, "No table belongs to an asset 'reverb'"),
    "a column of another asset": (
        "midi_events",
        {"midi_tracks": pd.DataFrame({"id": [1], "instrument_category": ["Brass"]})},
        "missing .*midi_file_id.*too many .*instrument_category",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_an_asset_does_not_own_is_refused(store, case):
    cue = SyntheticCue()
    load(store, cue)
    before = everything(store, cue)
    asset, tables, message = REFUSED[case]
    with pytest.raises(WarehouseError, match=message):
        store.replace(
            cue.key,
            asset,
            tables,
            fingerprint="f",
            code_version="1",
            data_version="d",
            started_at=NOW,
        )
    assert everything(store, cue) == before


def twice(frame):
    return pd.concat([frame, frame.iloc[:1]], ignore_index=True)


@pytest.mark.engines("sqlite", "postgresql")
@pytest.mark.parametrize("table", ["midi_tracks", "midi_notes", "midi_cc"])
def test_a_key_that_occurs_twice_is_refused_and_nothing_is_written(store, table):
    cue = SyntheticCue()
    load(store, cue)
    before = everything(store, cue)
    other = SyntheticCue(seed=9)
    frame = other.value("midi_events")[table]
    with pytest.raises(WarehouseError, match="twice"):
        replace(store, other, "midi_events", **{table: twice(frame)})
    assert everything(store, cue) == before
    assert {r.state for r in store.ledger(cue.key)} == {"ready"}


def test_a_row_that_refers_to_another_cues_track_is_refused(store):
    cue, other = SyntheticCue(), SyntheticCue(key="Reel 1/1m02")
    load(store, cue)
    load(store, other)
    stolen = other.value("midi_events")["midi_notes"]
    with pytest.raises(WarehouseError, match="is no row of this cue in 'midi_tracks'"):
        replace(store, cue, "midi_events", midi_notes=stolen)


def test_a_cue_that_was_never_registered_is_refused(store):
    with pytest.raises(WarehouseError, match="'Reel 1/1m01' is not registered"):
        replace(store, SyntheticCue(), "tempo_map")


def test_a_stream_that_breaks_leaves_no_half(store):
    cue = SyntheticCue()
    load(store, cue)

    def broken():
        yield cue.value("midi_events")["midi_cc"]
        raise RuntimeError("the disk went away")

    with pytest.raises(RuntimeError, match="the disk went away"):
        replace(store, SyntheticCue(seed=5), "midi_events", midi_cc=broken())
    # Where a load is many transactions, the ledger keeps readers off what is there.
    states = {r.asset: r.state for r in store.ledger(cue.key)}
    if store.engine.dialect.name == "auroradsql":
        assert states["midi_events"] == "loading"
        with pytest.raises(WarehouseError, match="loading"):
            store.read(cue.key, "midi_cc")
    else:
        assert states["midi_events"] == "ready"
        assert len(store.read(cue.key, "midi_cc")) == cue.n_tracks * cue.n_cc
    replace(store, cue, "midi_events")
    assert len(store.read(cue.key, "midi_cc")) == cue.n_tracks * cue.n_cc


def test_calls_of_the_chat_model_are_kept_and_never_overwritten(store):
    cue = SyntheticCue()
    load(store, cue)
    first = store.llm_call("Reel 1/1m01-0", "gpt-3.5-turbo")
    assert first is not None
    assert (first.response, first.prompt_tokens) == ({"answer": 0}, 10)
    replace(store, cue, "llm_mappings")
    replace(store, SyntheticCue(seed=1), "llm_mappings")
    assert store.llm_call("Reel 1/1m01-0", "gpt-3.5-turbo") == first
    assert count(store, "llm_calls") == 2
    assert store.llm_call("Reel 1/1m01-0", "another-model") is None


def test_a_persons_decision_outlives_every_run(store):
    cue = SyntheticCue()
    load(store, cue)
    decide(store, cue.key, "#1", "Stem 0", "Brass", "I was there")
    decide(store, cue.key, "#1", "Stem 1", "Strings")
    load(store, cue)
    (row,) = store.overrides(cue.key).to_dict("records")
    assert (row["track"], row["canonical_name"]) == ("#1", "Stem 1")
    assert (row["instrument_category"], row["note"]) == ("Strings", None)
    with pytest.raises(WarehouseError, match="not registered"):
        decide(store, "Reel 9/9m99", "#1", None, None)


def test_text_that_an_engine_cannot_hold_is_shown_instead(store):
    cue = SyntheticCue()
    frame = cue.value("tempo_map")["midi_files"]
    frame.at[0, "markers"] = [[0.0, 0, "a\0b\\u0000"], [1.0, 1, "\ud800"], [2.0, 2, "日本"]]
    store.register_cues([cue.folder()])
    replace(store, cue, "tempo_map", midi_files=frame)
    (markers,) = store.read(cue.key, "midi_files").markers
    assert markers == [[0.0, 0, "a␀b\\u0000"], [1.0, 1, "?"], [2.0, 2, "日本"]]


def test_every_asset_can_be_written_with_no_rows_at_all(store):
    cue = SyntheticCue()
    load(store, cue)
    for asset in ASSETS:
        counts = store.replace(
            cue.key,
            asset,
            {},
            fingerprint="f",
            code_version="1",
            data_version="d",
            started_at=NOW,
        )
        assert set(counts.values()) == {0}
    assert not any(everything(store, cue).values())


def test_ids_are_those_of_the_contract():
    cue = SyntheticCue()
    assert cue.track_ids[2] == row_id("midi_tracks", "Reel 1/1m01", "MIDI/1m01.mid", 2)


def test_every_change_of_a_decision_is_in_the_history_with_its_author(store):
    cue = SyntheticCue()
    load(store, cue)
    decide(store, cue.key, "#1", "Stem 0", "Brass", by="Ann")
    decide(store, cue.key, "#1", "Stem 1", "Brass", by="Bo")
    take_back(store, [(cue.key, "#1"), (cue.key, "#2")], by="Cy")
    told = [
        (c.decided_by, c.action, c.canonical_name, c.before and c.before["canonical_name"])
        for c in store.history(cue.key)
    ]
    assert told == [
        ("Ann", "set", "Stem 0", None),
        ("Bo", "set", "Stem 1", "Stem 0"),
        ("Cy", "unset", None, "Stem 1"),
    ]
    assert store.overrides(cue.key).empty


def test_where_a_decision_was_found_makes_no_other_decision_of_it(store):
    cue = SyntheticCue()
    load(store, cue)
    decide(store, cue.key, "#1", "Stem 0", "Brass", by="Ann")
    before = store.decisions()
    for bound_to in ("a.mid#1", "a.mid#2", "", ""):
        anchor = {(cue.key, "#1"): Anchor("Horn", "n", "s", bound_to)}
        store.take_turn([cue.key], partial(Turn.bind, anchors=anchor))
    assert store.decisions() == before
    assert [c.action for c in store.history(cue.key)] == ["set", "found again", "orphaned"]
    (row,) = store.overrides(cue.key).to_dict("records")
    assert (row["track_name"], row["bound_to"], row["decided_by"]) == ("Horn", "", "Ann")
