"""A cue's mappings are made again once, when it is left."""

import threading

from cue_pipeline.errors import WarehouseError
from cue_pipeline.review.remaking import Remaker


def wait_until(true):
    pause = threading.Event()
    for _ in range(500):
        if true():
            return
        pause.wait(0.01)
    raise AssertionError("waited 5 s")


def test_a_cue_is_made_again_once_however_much_was_decided_and_only_when_it_is_left():
    made = []
    remaker = Remaker(lambda keys: made.extend(keys) or {})
    for _ in range(10):
        remaker.decided("1m01")
    remaker.left("1m02")  # nothing was decided of it
    assert remaker.states()["1m01"].state == "decided"
    remaker.left("1m01")
    remaker.left("1m01")
    wait_until(lambda: remaker.states()["1m01"].state == "made")
    assert made == ["1m01"]
    assert remaker.close() == []


def test_what_is_decided_while_it_is_made_is_made_after_it():
    begun, go_on, made = threading.Event(), threading.Event(), []

    def follow(keys):
        begun.set()
        go_on.wait(5)
        made.extend(keys)
        return {}

    remaker = Remaker(follow)
    remaker.decided("1m01")
    remaker.left("1m01")
    assert begun.wait(5)
    remaker.decided("1m01")
    go_on.set()
    wait_until(lambda: made)
    remaker.left("1m01")
    wait_until(lambda: made == ["1m01", "1m01"])
    remaker.close()


def test_why_it_comes_later_is_told_and_the_next_cue_is_made():
    def follow(keys):
        if "1m01" in keys:
            raise WarehouseError("The disk is full.")
        return dict.fromkeys(keys, "mel_features is stale")

    remaker = Remaker(follow)
    for cue in ("1m01", "1m02"):
        remaker.decided(cue)
        remaker.left(cue)
    wait_until(lambda: remaker.states()["1m02"].state == "later")
    assert remaker.states()["1m01"].told == "The disk is full."
    assert remaker.states()["1m02"].told == "mel_features is stale"
    remaker.close()


def test_what_nobody_left_is_named_at_the_end():
    remaker = Remaker(lambda keys: {})
    remaker.decided("1m01")
    assert remaker.close() == ["1m01"]
