import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from cue_pipeline.demo.reel_one import REEL_ONE
from cue_pipeline.warehouse import schema_page as picture
from cue_pipeline.warehouse import tables as t
from cue_pipeline_tests.warehouse.synthetic import SyntheticCue, load

PAGE = Path(__file__).parents[2] / "docs" / "data-model.md"
QUESTIONS = re.findall(r"\*\*(\d+)\. (.+?)\*\*\n```sql\n(.+?)```", PAGE.read_text(), re.DOTALL)
# The page has the names of the demonstration cues.
SYNTHETIC = {
    "Reel 1/1m01 Opening Titles": "Reel 1/1m01",
    "Violins 1": "Track 1",
    "1m01 VLN I_01": "Stem 1",
}


def synthetic(query):
    """Return a question of the page as it is asked of a synthetic cue."""
    for there, here in SYNTHETIC.items():
        query = query.replace(f"'{there}'", f"'{here}'")
    return sa.text(query.strip().rstrip(";"))


def test_the_page_is_made_from_the_tables_as_they_are():
    text = PAGE.read_text()
    assert picture.with_data_model(text) == text, f"run python -m {picture.__name__} {PAGE}"


def test_every_table_and_column_is_described():
    text = PAGE.read_text()
    for table in t.metadata.tables.values():
        section = text.partition(f"### `{table.name}`")[2].partition("###")[0]
        for column in table.c:
            assert column.doc
            assert f"| `{column.name}` |" in section


def test_there_are_ten_questions():
    assert [number for number, _, _ in QUESTIONS] == [str(i) for i in range(1, 11)]


def test_every_question_of_the_page_is_answered(store):
    load(store, SyntheticCue())
    store.register_cues([SyntheticCue(key="Reel 1/1m02").folder()])
    with store.engine.connect() as connection:
        for number, question, query in QUESTIONS:
            found = connection.execute(synthetic(query)).all()
            assert found, f"{number}. {question}"


def test_the_questions_name_what_the_demonstration_holds():
    asked = " ".join(query for _, _, query in QUESTIONS)
    key, track, stem = SYNTHETIC
    (cue,) = [c for c in REEL_ONE if c.folder == key]
    assert track in {part.name for sequence in cue.sequences for part in sequence.parts}
    assert stem in {recording.name for recording in cue.stems}
    assert all(f"'{name}'" in asked for name in SYNTHETIC)


def test_the_training_pairs_of_the_page_are_the_notes_of_mapped_tracks(store):
    cue = SyntheticCue()
    load(store, cue)
    (query,) = [q for number, _, q in QUESTIONS if number == "7"]
    with store.engine.connect() as connection:
        found = connection.execute(synthetic(query)).all()
    assert len(found) == cue.n_tracks * cue.n_notes
    assert found[0].frame == pytest.approx(found[0].start_time * 48_000 / 512)


@pytest.mark.parametrize(
    "left_out",
    [
        sa.update(t.midi_files).values(same_as="MIDI/other.mid"),
        sa.update(t.cues).values(state="missing"),
    ],
)
def test_music_that_counts_elsewhere_and_cues_that_are_gone_are_not_trained_on(store, left_out):
    load(store, SyntheticCue())
    (query,) = [q for number, _, q in QUESTIONS if number == "7"]
    with store.engine.begin() as connection:
        connection.execute(left_out)
        assert connection.execute(synthetic(query)).all() == []
