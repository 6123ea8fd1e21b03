"""Tables and columns that notebooks and other programs read: they are never renamed."""

import numpy as np
import sqlalchemy as sa

from cue_pipeline.warehouse import tables as t
from cue_pipeline_tests.warehouse.synthetic import (
    ASSETS,
    MICROSECONDS,
    TICKS_PER_BEAT,
    SyntheticCue,
    load,
)

PROMISED = """
cues: id cue_key root project reel cue_number version state fingerprint first_seen_at last_seen_at
cue_assets: cue_id asset state fingerprint code_version row_count error started_at finished_at
midi_files: id cue_id file_path sha256 format ticks_per_beat duration_seconds tempo_map \
time_signature_map key_signature_map markers warnings
midi_tracks: id midi_file_id track_index track_name raw_name instrument_category \
assigned_audio_file_id
midi_notes: midi_track_id event_index channel note velocity release_velocity start_tick end_tick \
start_time duration bar beat flags
midi_cc: midi_track_id event_index channel cc_number cc_value tick time bar beat
midi_program_changes: midi_track_id event_index channel program tick time bar beat
midi_pitch_bends: midi_track_id event_index channel value tick time bar beat
midi_aftertouch: midi_track_id event_index channel note value tick time bar beat
audio_files: id cue_id file_path canonical_name layout channels sample_rate frames \
duration_seconds time_reference peak_dbfs grouping warnings instrument_category
audio_features: id audio_file_id feature_type channel sample_rate hop_length n_mels n_frames dtype \
max_db params
audio_feature_chunks: audio_feature_id chunk_index first_frame n_frames data
final_mixes: id cue_id midi_file_id file_path canonical_name layout channels sample_rate frames \
duration_seconds time_reference peak_dbfs warnings
final_mix_features: id final_mix_id feature_type channel sample_rate hop_length n_mels n_frames \
dtype max_db params
final_mix_feature_chunks: final_mix_feature_id chunk_index first_frame n_frames data
match_evidence: midi_track_id audio_file_id onset_score activity_score pitch_score score \
lag_seconds n_notes
track_mappings: midi_track_id audio_file_id instrument_category state method confidence \
name_score evidence_score evidence_margin model prompt_sha256 reason
track_stems: midi_track_id audio_file_id share notes
stem_alignments: midi_file_id audio_file_id lag_seconds knots method confidence spread_ms
mix_alignments: midi_file_id final_mix_id lag_seconds knots method confidence spread_ms
alignment_overrides: cue_key midi_file stem lag_seconds
heard_notes: heard_start heard_end within
mapping_overrides: cue_key track canonical_name instrument_category note created_at
llm_calls: prompt_sha256 model request response prompt_tokens completion_tokens created_at
"""
COLUMNS = dict(line.split(": ") for line in PROMISED.strip().splitlines())


def test_the_promised_tables_have_the_promised_columns(engine):
    inspector = sa.inspect(
        engine
        if engine.dialect.name != "auroradsql"
        else sa.create_engine(engine.url.set(drivername="postgresql+psycopg2"))
    )
    for table, columns in COLUMNS.items():
        there = {c["name"] for c in inspector.get_columns(table)}
        assert set(columns.split()) <= there, table


def test_every_column_has_one_owner_and_the_owners_are_the_assets_the_scan_and_people():
    owners = {t.owner(c) for table in t.metadata.tables.values() for c in table.c}
    assert owners == {*ASSETS, "scan", "people", "warehouse"}
    shared = {
        f"{c.table.name}.{c.name}": t.owner(c)
        for table in t.metadata.tables.values()
        for c in table.c
        if t.owner(c) != table.info["owner"]
    }
    assert shared == {
        "midi_tracks.instrument_category": "llm_mappings",
        "midi_tracks.assigned_audio_file_id": "llm_mappings",
        "audio_files.instrument_category": "llm_mappings",
        "audio_files.content_hash": "mel_features",
        "audio_files.peak_dbfs": "mel_features",
        "audio_files.rms_dbfs": "mel_features",
        "audio_files.levels": "mel_features",
    }


def test_what_any_client_reads_keeps_the_promises(store):
    """Plain SQL, with nothing of the program: ids, whole chunks, times by the tempo map."""
    cue = SyntheticCue()
    load(store, cue)
    with store.engine.connect() as connection:

        def rows(query: str):
            return connection.exec_driver_sql(query).all()

        for table in ("cues", "midi_files", "midi_tracks", "audio_files", "final_mixes"):
            assert all(0 <= i < 2**63 for (i,) in rows(f"SELECT id FROM {table}"))
        for feature, n_frames, n_mels in rows("SELECT id, n_frames, n_mels FROM audio_features"):
            chunks = rows(
                "SELECT first_frame, n_frames, data FROM audio_feature_chunks "
                f"WHERE audio_feature_id = {feature} ORDER BY chunk_index"
            )
            array = np.frombuffer(b"".join(bytes(c[2]) for c in chunks), "<f2")
            assert array.reshape(-1, n_mels).shape == (n_frames, n_mels)
            assert [c[0] for c in chunks] == list(np.cumsum([0, *(c[1] for c in chunks[:-1])]))
        for tick, time in rows("SELECT start_tick, start_time FROM midi_notes"):
            assert abs(tick * MICROSECONDS / 1e6 / TICKS_PER_BEAT - time) < 1e-9
