"""Which windows there are, and what they hold."""

import itertools

import numpy as np
import pytest

from cue_pipeline.training.windows import Windows, WindowsError
from cue_pipeline_tests.training.made import MadeSource

EVERY = ["mel", "roll", "onset", "offset", "velocity", "cc", "beat", "complete", "inside",
         "category", "labels_complete"]  # fmt: skip


def windows(*lengths, notes=(), seconds=1.0, hop=0.5, **options):
    return Windows(MadeSource(*lengths, notes=notes), seconds=seconds, hop=hop, **options)


@pytest.mark.parametrize(
    ("length", "firsts"),
    [
        (100, [0]),
        (101, [0, 50]),  # the last holds the end
        (150, [0, 50]),
        (300, [0, 50, 100, 150, 200]),
        (40, [0]),  # shorter than a window
        (0, []),
    ],
)
def test_windows_begin_every_hop_and_the_last_holds_the_end(length, firsts):
    made = windows(length)
    assert [made.where(i).first for i in range(len(made))] == firsts


@pytest.mark.parametrize(
    ("length", "hop", "firsts"),
    [
        (113, 1.2, [0]),  # the next would begin at 120
        (121, 1.2, [0, 120]),
        (300, 2.0, [0, 200]),
        (1_000, 1.006, [0, 101, 201, 302, 402, 503, 604, 704, 805, 905]),
        (905, 1.006, [0, 101, 201, 302, 402, 503, 604, 704, 805]),
    ],
)
def test_no_window_lies_beyond_its_stem_however_long_the_hop(length, hop, firsts):
    made = windows(length, hop=hop)
    assert [made.where(i).first for i in range(len(made))] == firsts
    assert all(window["mel"][0, 0] >= 0 for window in made)  # silence is -100


@pytest.mark.parametrize(("seconds", "hop"), [(1.0, 0.5), (0.25, 0.125), (0.01, 0.01)])
def test_windows_begin_every_half_of_one_unless_it_is_told_otherwise(seconds, hop):
    made = windows(300, seconds=seconds, hop=None)
    assert made.hop == hop
    assert len({made.where(i).first for i in range(len(made))}) == len(made)


def test_a_window_knows_its_stem_and_place():
    made = windows(150, 300)
    assert len(made) == 7
    where = made.where(4)
    assert (where.stem, where.start, where.end, where.first) == ("stem 1", 1.0, 2.0, 100)
    assert np.array_equal(made[4]["mel"][:, 0], np.arange(1100, 1200).astype("f2"))
    assert made[-1]["window"] == 6
    with pytest.raises(IndexError):
        made[7]


def test_beyond_the_end_there_is_silence_and_nothing_is_known():
    window = windows(130, fields=EVERY, notes=[(0, 120, 200, 60, 90)])[1]  # frames 50 to 150
    assert (window["mel"][80:] == -100.0).all()
    assert not window["inside"][80:].any()
    assert window["inside"][:80].all()
    assert not window["complete"][80:].any()
    assert (window["cc"][80:] == -1).all()
    assert (window["beat"][80:] == 0).all()
    assert window["roll"][:, 60].nonzero()[0].tolist() == list(range(70, 80))


def test_a_note_sounds_from_its_onset_to_its_offset_also_across_windows():
    notes = [(0, 30, 70, 60, 90), (0, 30, 40, 64, 20), (1, 30, 70, 61, 100)]
    first, second, other = itertools.islice(windows(150, 100, notes=notes, fields=EVERY), 3)
    assert first["roll"].sum() == 50
    assert first["velocity"][30:70, 60].tolist() == [90] * 40
    assert np.argwhere(first["onset"]).tolist() == [[30, 60], [30, 64]]
    assert np.argwhere(first["offset"]).tolist() == [[40, 64], [70, 60]]
    assert np.argwhere(second["roll"])[:, 0].tolist() == list(range(20))  # it sounds on
    assert not second["onset"].any()
    assert np.argwhere(second["offset"]).tolist() == [[20, 60]]
    assert np.argwhere(other["onset"]).tolist() == [[30, 61]]
    assert (other["category"], first["labels_complete"], other["labels_complete"]) == (
        1,
        True,
        False,
    )


def test_curves_are_those_of_the_frames():
    window = windows(300, fields=["cc", "beat", "complete"])[1]
    frames = np.arange(50, 150)
    assert np.array_equal(window["cc"][:, 0], frames % 128)
    assert np.array_equal(window["beat"][:, 0], frames // 50 + 1)
    assert np.array_equal(window["complete"], frames % 2 == 0)


def test_controllers_come_in_the_order_asked_for():
    window = windows(100, fields=["cc"], controllers=[64, 1])[0]
    assert np.array_equal(window["cc"][:, 1], np.arange(100) % 128)
    assert (window["cc"][:, 0] == -1).all()


def test_a_window_tells_its_notes_with_their_own_category():
    (note,) = windows(150, 150, notes=[(1, 60, 70, 61, 100)]).onsets(3)
    assert note.item() == (10, 61, 1)


@pytest.mark.parametrize("subset", [["roll"], ["velocity"], ["onset", "mel"], ["complete"]])
def test_a_field_is_the_same_whatever_else_is_asked_for(subset):
    notes = [(0, 30, 70, 60, 90), (0, 60, 90, 60, 20), (1, 30, 70, 61, 100)]
    everything = windows(220, 130, notes=notes, fields=EVERY)
    some = windows(220, 130, notes=notes, fields=subset)
    for i in range(len(everything)):
        for name in subset:
            assert np.array_equal(some[i][name], everything[i][name])


def test_an_epoch_without_half_of_the_empty_windows_has_every_other_window_once():
    made = windows(1_050, notes=[(0, 10, 20, 60, 90)], fields=["roll"], empty=0.5)
    assert (len(made), made.epoch_length) == (20, 11)  # one with the note, 19 without
    drawn = {}
    for epoch in range(20):
        (ids,) = [b["window"].tolist() for b in made.batches(11, epoch=epoch)]
        assert len(set(ids)) == 11
        assert 0 in ids
        drawn[epoch] = frozenset(ids)
    assert len(set(drawn.values())) > 10  # other empty ones in other epochs


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"fields": ["mell"]}, "No field 'mell': fields are mel, roll"),
        ({"fields": ["chroma"]}, r"mix; and feature\.KIND of the kinds .* \(feature\.chroma\)"),
        ({"fields": []}, "No fields"),
        ({"controllers": [7]}, r"Controllers \[7\] are not kept here; there are \[1, 64\]"),
        ({"hop": 0.0}, "more than 0 s"),
        ({"empty": 2.0}, "from 0 to 1"),
        ({"channels": 6}, "1 channel or 2"),
        ({"empty": 0.5}, "holds a note"),
    ],
)
def test_what_cannot_be_given_is_refused(options, told):
    with pytest.raises(WindowsError, match=told):
        windows(300, **options)


@pytest.mark.parametrize("url", ["sqlite:///cues.db", "postgresql://ada:secret@host/cues"])
def test_a_database_is_no_pack_and_who_opens_it_is_said_without_its_password(url):
    with pytest.raises(WindowsError, match=r"is a database.*cue_pipeline\.training") as refused:
        Windows.open(url)
    assert "secret" not in str(refused.value)


def test_a_folder_that_is_no_pack_is_refused(tmp_path):
    with pytest.raises(WindowsError, match=r"is no pack: it has no index\.json"):
        Windows.open(tmp_path)
