"""The stereo of every layout beside the gains of ITU-R BS.775, and of what the documents add."""

import numpy as np
import pytest

from cue_pipeline.audio import layouts
from cue_pipeline.audio.layouts import LAYOUTS
from cue_pipeline.audio.stereo_gains import stereo_gains
from cue_pipeline.training.samples import folded

# Annex 4, table 2, "2/0", of three front channels and two surrounds, or one surround (S, Cs).
STANDARD = {
    "L": (1.0, 0.0), "R": (0.0, 1.0), "C": (0.7071, 0.7071), "LFE": (0.0, 0.0),
    "Ls": (0.7071, 0.0), "Rs": (0.0, 0.7071), "S": (0.5, 0.5), "Cs": (0.5, 0.5),
}  # fmt: skip
# docs/features.md: sides, rears and heights are surrounds of their side; inner and wide are front.
DOCUMENTED = {
    "Lss": (0.7071, 0.0), "Rss": (0.0, 0.7071), "Lsr": (0.7071, 0.0), "Rsr": (0.0, 0.7071),
    "Ltf": (0.7071, 0.0), "Rtf": (0.0, 0.7071), "Ltm": (0.7071, 0.0), "Rtm": (0.0, 0.7071),
    "Ltr": (0.7071, 0.0), "Rtr": (0.0, 0.7071), "Lc": (1.0, 0.0), "Rc": (0.0, 1.0),
    "Lw": (1.0, 0.0), "Rw": (0.0, 1.0), "LFE2": (0.0, 0.0),
}  # fmt: skip
WIDE = {name: labels for name, labels in LAYOUTS.items() if name != "mono"} | {
    "lcrs of Cs": ("L", "C", "R", "Cs"),
    "7.2": ("L", "C", "R", "Lss", "Rss", "Lsr", "Rsr", "LFE", "LFE2"),
}


def of_features(labels):
    return stereo_gains(labels)


def of_training(labels):
    return folded(np.eye(len(labels), dtype="f4"), labels, 2)


def of_the_review_page(labels):
    return stereo_gains(labels, audible=True)


@pytest.mark.parametrize("consumer", [of_features, of_training, of_the_review_page])
@pytest.mark.parametrize("labels", WIDE.values(), ids=list(WIDE))
def test_every_layout_is_folded_down_as_the_standard_and_the_documents_say(labels, consumer):
    expected = np.array([(STANDARD | DOCUMENTED)[label] for label in labels]).T
    assert consumer(labels) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("consumer", [of_features, of_training, of_the_review_page])
@pytest.mark.parametrize("labels", WIDE.values(), ids=list(WIDE))
def test_left_and_right_change_places_with_the_channels(labels, consumer):
    mirrored = [{"L": "R", "R": "L"}.get(label[0], label[0]) + label[1:] for label in labels]
    mirrored = ["LFE" + label[3:] if label.startswith("RFE") else label for label in mirrored]
    assert np.array_equal(consumer(mirrored), consumer(labels)[::-1])


@pytest.mark.parametrize("consumer", [of_training, of_the_review_page])
@pytest.mark.parametrize("labels", [("M",), ("C",), ("LFE",), ("LFE", "LFE2"), ("Mid",), ("1",)])
def test_what_is_alone_in_the_middle_is_heard_in_both_ears(labels, consumer):
    assert np.array_equal(consumer(labels), np.ones((2, len(labels))))


def test_a_feature_of_a_mono_sound_keeps_its_power_and_has_no_lfe():
    assert (stereo_gains(("M",)) ** 2).sum() == pytest.approx(1.0)
    assert not stereo_gains(("LFE",)).any()


@pytest.mark.parametrize("consumer", [of_features, of_training, of_the_review_page])
def test_a_sound_of_one_side_stays_on_its_side(consumer):
    assert consumer(("L",)) == pytest.approx(np.array([[1.0], [0.0]]))
    assert consumer(("Rs",)) == pytest.approx(np.array([[0.0], [0.7071]]), abs=1e-4)


@pytest.mark.parametrize("consumer", [of_features, of_training, of_the_review_page])
def test_mid_and_side_are_turned_into_left_and_right(consumer):
    left, right = np.random.default_rng(0).uniform(-1, 1, (2, 100))
    mid_side = np.stack([left + right, left - right]) / np.sqrt(2.0)
    assert consumer(("Mid", "Side")) @ mid_side == pytest.approx(np.stack([left, right]), abs=1e-6)


@pytest.mark.parametrize("consumer", [of_training, of_the_review_page])
def test_a_channel_without_a_place_counts_as_centre_where_all_is_to_be_heard(consumer):
    assert consumer(("1", "2")) == pytest.approx(np.full((2, 2), 0.7071), abs=1e-4)
    assert consumer(("L", "R", "X7"))[:, 2] == pytest.approx([0.7071, 0.7071], abs=1e-4)
    assert not stereo_gains(("1", "2")).any()


def test_every_label_of_a_loudspeaker_has_a_place():
    labels = [label for label in layouts._FILM if label not in layouts.AMBISONIC]
    for label in {*labels} - {"LFE", "LFE2"}:
        assert stereo_gains((label,)).any(), label
