"""One sequence for all ranks, workers and resume points."""

import threading

import numpy as np
import pytest

from cue_pipeline.training.windows import Windows, WindowsError
from cue_pipeline_tests.training.made import MadeSource

N = 103


@pytest.fixture
def windows():
    notes = [(0, i, i + 30, 60 + i % 12, 90) for i in range(0, 5_000, 37)]
    made = Windows(MadeSource(5_160, notes=notes), seconds=1.0, hop=0.5, fields=["mel", "roll"])
    assert len(made) == N
    return made


def sequence(batches):
    return [i for batch in batches for i in batch["window"].tolist()]


def test_an_epoch_has_every_window_once_in_the_order_of_its_seed(windows):
    order = sequence(windows.batches(8, seed=7))
    assert sorted(order) == list(range(N))
    assert order != list(range(N))
    assert sequence(windows.batches(8, seed=7)) == order
    assert sequence(windows.batches(8, seed=8)) != order
    assert sequence(windows.batches(8, seed=7, epoch=1)) != order
    assert sequence(windows.batches(5, seed=7, prefetch=0)) == order
    assert sequence(windows.batches(8, shuffle=False)) == list(range(N))


@pytest.mark.parametrize("world", [1, 2, 4])
def test_ranks_share_the_sequence_of_one(windows, world):
    order = sequence(windows.batches(8, seed=7))
    ranks = [sequence(windows.batches(8, seed=7, rank=r, world=world)) for r in range(world)]
    together = [ranks[p % world][p // world] for p in range(N)]
    assert together == order


@pytest.mark.parametrize("start", [0, 1, 5, 12, 13])
def test_a_run_that_is_resumed_goes_on_with_the_sequence(windows, start):
    order = sequence(windows.batches(8, seed=7))
    resumed = windows.batches(8, seed=7, start=start)
    assert len(resumed) == 13 - start
    assert sequence(resumed) == order[start * 8 :]


def test_the_state_after_a_batch_is_where_to_go_on(windows):
    whole = windows.batches(8, seed=7, epoch=2)
    order = sequence(windows.batches(8, seed=7, epoch=2))
    seen = [next(batches)["window"].tolist() for batches in [iter(whole)] for _ in range(3)]
    state = whole.state_dict()
    other = windows.batches(8)
    other.load_state_dict(state)
    assert [i for ids in seen for i in ids] + sequence(other) == order
    other.set_epoch(3)
    assert sequence(other) == sequence(windows.batches(8, seed=7, epoch=3))


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_workers_take_turns(windows, workers):
    order = sequence(windows.batches(8, seed=7))
    shares = [iter(windows.batches(8, seed=7).of_worker(w, workers)) for w in range(workers)]
    turns = [next(shares[i % workers])["window"].tolist() for i in range(13)]
    assert [i for ids in turns for i in ids] == order


def test_all_ranks_have_the_same_number_of_batches_if_what_fills_none_is_dropped(windows):
    counts = {len(windows.batches(8, rank=r, world=4, drop_last=True)) for r in range(4)}
    assert counts == {3}
    ids = [
        i for r in range(4) for i in sequence(windows.batches(8, rank=r, world=4, drop_last=True))
    ]
    assert len(ids) == len(set(ids)) == 96


def test_batches_hold_what_their_windows_hold(windows):
    for batch in windows.batches(8, seed=1):
        for row, number in enumerate(batch["window"].tolist()):
            for name, array in windows[number].items():
                assert np.array_equal(batch[name][row], array)


def test_arrays_that_are_still_looked_at_are_not_used_again(windows):
    kept = [batch["mel"][0] for batch in windows.batches(8, seed=1)]
    whole = list(windows.batches(8, seed=1))
    for mel, batch in zip(kept, whole, strict=True):
        assert np.array_equal(mel, windows[int(batch["window"][0])]["mel"])
        assert np.array_equal(batch["mel"][-1], windows[int(batch["window"][-1])]["mel"])


def test_arrays_are_used_again_once_nobody_looks_at_them(windows):
    places = {batch["roll"].ctypes.data for batch in windows.batches(8, seed=1)}
    assert len(places) <= 6  # of 13 batches: some wait, one is read, one is made, the last is short


def test_what_goes_wrong_in_the_thread_is_raised_where_the_batch_was_asked_for(windows):
    def broken(*_):
        raise OSError("the disk is gone")

    windows._source.read_mel = broken
    with pytest.raises(OSError, match="the disk is gone"):
        next(iter(windows.batches(8)))


def test_no_thread_outlives_its_reader(windows):
    before = threading.active_count()
    batches = iter(windows.batches(8))
    next(batches)
    batches.close()
    assert threading.active_count() == before


@pytest.mark.parametrize("wrong", [{"batch": 0}, {"rank": 2, "world": 2}, {"start": -1}])
def test_what_is_no_place_in_an_epoch_is_refused(windows, wrong):
    with pytest.raises(WindowsError):
        windows.batches(**{"batch": 8, **wrong})
