"""The queue on every engine, on made-up cues."""

from __future__ import annotations

import dataclasses
import time

import pytest

from cue_pipeline.review.queue import MOST_ROWS, Entry, QueueFilter, read_queue
from cue_pipeline.warehouse.mapped_tracks import MappedTrack, read_mapped_tracks
from cue_pipeline.warehouse.store import Store
from cue_pipeline.warehouse.types import now
from cue_pipeline_tests.deciding import decide
from cue_pipeline_tests.review.large_queue import write_open_tracks
from cue_pipeline_tests.warehouse.synthetic import ASSETS, SyntheticCue, load

CUE = SyntheticCue(n_tracks=3, n_notes=7)


@pytest.fixture
def store(engine):
    """Return a store on an empty database of each engine in turn."""
    return Store(engine)


def loaded(store, *cues, **mapping):
    """Load cues, the columns of whose mappings are as given."""
    for cue in cues:
        load(store, cue)
        value = cue.value("llm_mappings")
        value["track_mappings"] = value["track_mappings"].assign(**mapping)
        moment = {"fingerprint": None, "code_version": None, "data_version": None}
        store.replace(cue.key, "llm_mappings", value, **moment, started_at=now())


def test_open_tracks_are_found_with_their_notes_and_stem(store):
    loaded(store, CUE, state=["auto", "review", "unmatched"], confidence=[0.99, 0.6, 0.8])
    found = read_mapped_tracks(store, ("review", "unmatched"))
    assert [track.state for track in found] == ["review", "unmatched"]
    assert {track.n_notes for track in found} == {7}
    queue = read_queue(store, QueueFilter())
    assert (queue["total"], queue["open"], queue["decided"]) == (2, 2, 0)
    assert [row["state"] for row in queue["tracks"]] == ["review", "unmatched"]  # doubt: 0.4, 0.2


def test_what_is_decided_since_the_mappings_were_made_is_not_open(store):
    loaded(store, CUE, state=["review"] * 3, confidence=[0.6] * 3)
    names = [row["name"] for row in read_queue(store, QueueFilter())["tracks"]]
    decide(store, CUE.key, "#1", "-", None, by="Anna")
    queue = read_queue(store, QueueFilter())
    assert (queue["open"], queue["decided"]) == (2, 1)
    decided = read_queue(store, QueueFilter(state="decided"))["tracks"]
    assert [(row["place"], row["decided"]["by"]) for row in decided] == [("#1", "Anna")]
    assert len(names) == 3


def test_cues_that_are_gone_or_not_ready_are_not_in_the_queue(store):
    other = SyntheticCue(key="1m02", midi_path="MIDI/1m02.mid")
    loaded(store, CUE, other, state=["review"] * 3, confidence=[0.6] * 3)
    store.mark_missing([other.key])
    assert {row["cue"] for row in read_queue(store, QueueFilter())["tracks"]} == {CUE.key}
    store.fail(CUE.key, ASSETS[-1], "no model", fingerprint="", code_version="", started_at=now())
    assert read_queue(store, QueueFilter())["tracks"] == []


def track(**changed):
    found = MappedTrack(
        "1m01", None, 1, "MIDI/a.mid", 1, None, None, "Pad", "review", "names", 0.5, None, None,
        100, 50.0, now(),
    )  # fmt: skip
    return dataclasses.replace(found, **changed)


@pytest.mark.parametrize(
    ("more", "less"),
    [
        (track(confidence=0.5), track(confidence=0.6)),  # more doubt
        (track(seconds=60.0), track(n_notes=900)),  # more music, in fewer notes
        (track(seconds=None, n_notes=150), track()),  # not counted yet
        (track(confidence=None), track(confidence=0.1)),  # nothing is known
        (track(confidence=1.0, seconds=60.0), track(confidence=1.0)),
    ],
)
def test_more_doubt_and_more_music_weigh_more(more, less):
    assert Entry(more, None).weight > Entry(less, None).weight


@pytest.mark.slow
@pytest.mark.engines("sqlite")
def test_a_queue_of_20_000_open_tracks_opens_within_a_second(store):
    """Processor time, which a busy machine does not lengthen; the best of three."""
    write_open_tracks(store.engine, cues=400, tracks=50)

    def seconds():
        began = time.process_time()
        found = read_queue(store, QueueFilter())
        assert (found["open"], len(found["tracks"])) == (20_000, MOST_ROWS)
        return time.process_time() - began

    assert min(seconds() for _ in range(3)) < 1.0
