"""What a data set says of itself: how much sound, how many labels, and what became of the rest."""

import re

import pytest
import sqlalchemy as sa

from cue_pipeline.training.exports.card import Account, Hours, LabelCount, readme
from cue_pipeline.warehouse import tables as t
from cue_pipeline.warehouse.note_counts import count_notes
from cue_pipeline_tests.warehouse.synthetic import SyntheticCue, load, replace

CUE = SyntheticCue(n_tracks=3, n_groups=3, n_notes=20)


def card(hours=None, labels=None):
    hours = hours or Hours()
    labels = labels or LabelCount(0, "labels", {})
    return readme(Account("pack", "set", "CC0", None, {}, {}, hours, labels, {}, "", {}), layout="")


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (7.84, "all, seconds | 7.8"),
        (3_000.0, "all, minutes | 50.0"),
        (90_000.0, "all, hours | 25.00"),
    ],
)
def test_sound_is_told_in_a_unit_that_fits(seconds, told):
    hours = Hours()
    hours.add("Strings", None, seconds, complete=True)
    table = re.search(r"\| category \| (.+?) \|\n\|.*\n\| Strings \| (.+?) \|", card(hours))
    assert " | ".join(table.groups()) == told


def test_notes_are_counted_once_by_what_is_decided_of_their_tracks(store):
    load(store, CUE)
    tables = CUE.value("llm_mappings")
    states = ["auto", "review", "unmatched"]
    mappings = tables["track_mappings"].assign(state=states)
    replace(store, CUE, "llm_mappings", track_mappings=mappings)
    assert count_notes(store.engine, [CUE.key]) == dict.fromkeys(states, 20)
    with store.engine.begin() as connection:
        connection.execute(sa.update(t.midi_files).values(same_as=t.midi_files.c.id))
    assert count_notes(store.engine, [CUE.key]) == {"repeats": 60}
    assert count_notes(store.engine, ["another"]) == {}


def test_the_card_says_what_became_of_every_note():
    score = {"auto": 4_000, "confirmed": 200, "review": 31, "repeats": 7}
    text = card(labels=LabelCount(4_321, "onsets", score))
    assert "4,321 onsets. The score of these cues has 4,238 notes" in text
    counted = [int(n.replace(",", "")) for n in re.findall(r"^\| ([\d,]+) \|", text, re.M)]
    assert counted == [4_200, 7, 31]
