"""Three cues, and what tests of batches do with them."""

import pytest

from cue_pipeline.library.chat_model import QUESTION_TABLES, chat_model
from cue_pipeline.mapping.tracks import track_summary
from cue_pipeline_tests.warehouse.synthetic import SyntheticCue, load

CUES = [f"Reel 1/1m0{i}" for i in range(1, 4)]
on_sqlite = pytest.mark.engines("sqlite")
# What PostgreSQL does otherwise than Aurora DSQL is seen by the odd values, and by the slow race.
on_sqlite_and_dsql = pytest.mark.engines("sqlite", "dsql")


def fill(store):
    for seed, key in enumerate(CUES):
        load(store, small(key, seed), ("tempo_map", *QUESTION_TABLES))


def small(key, seed):
    return SyntheticCue(key=key, seed=seed, n_tracks=2, n_frames=4)


def ask(store, settings, key):
    """What ``llm_mappings`` does to ask the model of a cue."""
    tables = {name: store.read(key, name) for name in QUESTION_TABLES["midi_events"]}
    return chat_model(settings, store).ask(track_summary(**tables), store.read(key, "audio_files"))


def collect(batches):
    (report,) = batches.collect()
    return report


def told(answer):
    return answer.tracks, answer.group_categories, answer.warnings


def first_of(batches):
    return next(batches.unasked(CUES))[1]


def submission_of(batches):
    return batches._waiting.batches()[0].submission
