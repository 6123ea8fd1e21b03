"""What is in the tables, held against mido, pretty_midi and librosa, on real-sounding cues.

``CUE_TEST_CUES`` names a folder of cues to compare; without it the demonstration cues are taken.
Every cue goes through the command line's own path: scan, Dagster runs, IO manager, database.
"""

import json
import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path

import librosa
import mido
import numpy as np
import pandas as pd
import pretty_midi
import pytest
import sqlalchemy as sa

from cue_pipeline.warehouse.engine import create_engine
from cue_pipeline_tests.conftest import database

MARKER_WORDS = {"notes", "conductor", "orchestrator"}
FLOAT16_ROUNDING_DB = 0.0313
"""Half the spacing of float16 numbers between 64 and 128."""


@pytest.fixture(scope="module")
def library(request) -> Path:
    given = os.environ.get("CUE_TEST_CUES")
    return Path(given) if given else request.getfixturevalue("demo_library")


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)]
)
def tables(request, library, tmp_path_factory):
    with ExitStack() as opened:
        if request.param == "postgresql":
            server = request.getfixturevalue("postgres_server")
            url = opened.enter_context(database(server, request.getfixturevalue("postgres_admin")))
            process(url, library, tmp_path_factory.mktemp("home"))
        elif os.environ.get("CUE_TEST_CUES"):
            home = tmp_path_factory.mktemp("home")
            url = f"sqlite:///{home / 'cues.db'}"
            process(url, library, home)
        else:
            url = f"sqlite:///{request.getfixturevalue('processed_demo') / 'cue_pipeline.db'}"
        yield opened.enter_context(reader_of(url))


def process(url: str, library: Path, home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cue_pipeline.cli", "process", str(library), "--jobs", "2"],
        cwd=home,
        env=os.environ | {"DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=540,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def reader_of(url: str):
    engine = create_engine(url)

    def read(name: str) -> pd.DataFrame:
        with engine.connect() as connection:
            return pd.read_sql(sa.text(f"select * from {name}"), connection)

    try:
        yield read
    finally:
        engine.dispose()


def midi_files(tables):
    return tables("midi_files").merge(
        tables("cues")[["id", "cue_key"]].rename(columns={"id": "cue_id"}), on="cue_id"
    )


def mido_notes(path: Path) -> dict[int, list[tuple[int, int, int]]]:
    """Track index → (start tick, note, velocity) of each note-on, from mido."""
    found = {}
    for index, track in enumerate(mido.MidiFile(path, clip=True).tracks):
        now, notes = 0, []
        for message in track:
            now += message.time
            if message.type == "note_on" and message.velocity:
                notes.append((now, message.note, message.velocity))
        if notes and not MARKER_WORDS.issuperset(track.name.lower().split()):
            found[index] = sorted(notes)
    return found


def test_every_note_that_mido_reads_is_in_the_tables(tables, library):
    tracks, notes = tables("midi_tracks"), tables("midi_notes")
    compared = 0
    for row in midi_files(tables).itertuples():
        theirs = mido_notes(library / row.cue_key / row.file_path)
        ours = {
            track.track_index: sorted(
                notes[notes.midi_track_id == track.id][
                    ["start_tick", "note", "velocity"]
                ].itertuples(index=False, name=None)
            )
            for track in tracks[tracks.midi_file_id == row.id].itertuples()
        }
        assert {k: v for k, v in ours.items() if v} == theirs
        compared += sum(map(len, theirs.values()))
    assert compared > 50


def test_note_times_are_those_of_pretty_midi(tables, library):
    tracks, notes = tables("midi_tracks"), tables("midi_notes")
    for row in midi_files(tables).itertuples():
        theirs = pretty_midi.PrettyMIDI(str(library / row.cue_key / row.file_path))
        ids = tracks[tracks.midi_file_id == row.id].id
        for note in notes[notes.midi_track_id.isin(ids)].itertuples():
            assert note.start_time == pytest.approx(theirs.tick_to_time(note.start_tick), abs=1e-6)
            end = theirs.tick_to_time(note.end_tick)
            assert note.start_time + note.duration == pytest.approx(end, abs=1e-6)


def stored_mel(features, chunks, feature_id: int) -> np.ndarray:
    key = chunks.columns[0]
    feature = features[features.id == feature_id].iloc[0]
    data = b"".join(
        bytes(d) for d in chunks[chunks[key] == feature_id].sort_values("chunk_index").data
    )
    return np.frombuffer(data, dtype=feature["dtype"]).reshape(-1, feature.n_mels)


def librosa_mel(y: np.ndarray) -> np.ndarray:
    power = librosa.feature.melspectrogram(y=y, sr=48_000, n_fft=2048, hop_length=512, n_mels=64)
    return librosa.power_to_db(power, ref=1.0, amin=1e-10, top_db=None).T


def composite(cue: Path, channels) -> np.ndarray:
    decoded = json.loads(channels) if isinstance(channels, str) else channels
    signals = []
    for channel in decoded:
        y, _ = librosa.load(cue / channel["file"], sr=48_000, mono=False)
        # In double precision: a single-precision mean is itself off by more than the tolerance
        # in bands 100 dB below their frame's loudest one.
        signals.append(np.atleast_2d(y)[channel["channel_index"] or 0].astype("float64"))
    longest = max(map(len, signals))
    return np.mean([np.pad(s, (0, longest - len(s))) for s in signals], axis=0)


@pytest.mark.parametrize(
    ("owner", "feature", "chunk", "link"),
    [
        ("audio_files", "audio_features", "audio_feature_chunks", "audio_file_id"),
        ("final_mixes", "final_mix_features", "final_mix_feature_chunks", "final_mix_id"),
    ],
)
def test_composites_have_the_mel_of_librosa(tables, library, owner, feature, chunk, link):
    owners, features, chunks, cues = tables(owner), tables(feature), tables(chunk), tables("cues")
    keys = dict(zip(cues.id, cues.cue_key, strict=True))
    chosen = owners.sort_values("id").groupby("cue_id").head(3)
    compared = 0
    for row in chosen.itertuples():
        feature_row = features[(features[link] == row.id) & (features.channel == "mono")].iloc[0]
        ours = stored_mel(features, chunks, feature_row.id)
        theirs = librosa_mel(composite(library / keys[row.cue_id], row.channels))
        assert ours.shape == theirs.shape
        assert np.abs(ours.astype("float32") - theirs).max() <= 0.001 + FLOAT16_ROUNDING_DB
        compared += 1
    assert compared >= 2
