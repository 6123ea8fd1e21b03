"""The examples of the page and of the README, run as they stand."""

import contextlib
import io
import re
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

import cue_pipeline as cp
from cue_pipeline.warehouse import tables as t
from cue_pipeline_tests.warehouse.synthetic import SyntheticCue, load

ROOT = Path(__file__).parents[2]
PAGE, README = ROOT / "docs" / "reading.md", ROOT / "README.md"


def blocks(page):
    return re.findall(r"^```python\n(.+?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


@pytest.mark.slow
def test_the_examples_of_the_page_run_in_the_folder_of_the_demonstration(
    processed_demo, monkeypatch
):
    monkeypatch.chdir(processed_demo)
    left = {}
    with contextlib.redirect_stdout(io.StringIO()) as said:
        for block in blocks(PAGE):
            exec(block, left)
    assert said.getvalue().splitlines() == [
        "Reel 1/1m01 Opening Titles None 1 5 stems",
        "Reel 1/1m02 The Letter v2 None 1 5 stems",
        "Reel 2/2m05a Chase None 2 4 stems",
        "Reel 2/2m06s Radio None 2 2 stems",
    ]
    assert left["samples"].shape == (1, 5 * 48_000)
    assert left["slower"].shape == (1, 5 * 22_050)
    assert float(left["relative"].max()) == pytest.approx(0.0, abs=0.02)  # float16 at 20 dB
    assert {name for _, name in left["pairs"]} >= {"1m01 VLN I_01", "1m01 FHN_01"}


def test_the_readme_reads_a_stem_and_its_notes(processed_demo, monkeypatch):
    monkeypatch.chdir(processed_demo)
    left = {}
    exec(blocks(README)[0], left)
    assert left["mel"].shape[1] == 64
    assert len(left["notes"]) > 100


def cells(table):
    """Return the cells of a table of the terminal, of rows that begin one."""
    rows = [[c.strip() for c in line.strip("│").split("│")] for line in table if line[:1] == "│"]
    return [row for row in rows if row[0]]


def test_the_tables_of_the_readme_are_those_of_the_demonstration(processed_demo):
    summary, mappings = re.findall(r"^```\n([┏┃].+?)^```", README.read_text(), re.DOTALL | re.M)
    found = sa.text(
        """SELECT k.track_index, k.track_name, f.canonical_name, m.instrument_category, m.state,
               m.method, m.confidence, m.reason
        FROM track_mappings m JOIN midi_tracks k ON k.id = m.midi_track_id
        JOIN midi_files d ON d.id = k.midi_file_id JOIN cues c ON c.id = d.cue_id
        LEFT JOIN audio_files f ON f.id = m.audio_file_id
        WHERE c.cue_key = 'Reel 2/2m05a Chase'"""
    )
    made = sa.text(
        """SELECT c.cue_key, sum(a.row_count) FROM cues c JOIN cue_assets a ON a.cue_id = c.id
        GROUP BY c.cue_key"""
    )
    with sa.create_engine(f"sqlite:///{processed_demo}/cue_pipeline.db").connect() as connection:
        rows = dict(connection.execute(made).all())
        tracks = {number: track for number, *track in connection.execute(found)}
    assert {row[0]: int(row[3]) for row in cells(summary.splitlines())} == rows
    said = cells(mappings.splitlines())
    assert len(said) == 3
    for number, *shown, sure, reason in said:
        *names, confidence, why = tracks[int(number[1:])]
        nothing = "" if names[3] == "unmatched" else "—"
        assert shown == [*(n or "—" for n in names[:4]), names[4] or nothing]
        assert sure == f"{confidence:.2f}"
        assert why.startswith(reason)


def training_set(url):
    """Return the pairs that the page's training set makes of a library."""
    (block,) = [b for b in blocks(PAGE) if "pairs = {}" in b]
    left = {"library": cp.open_library(url)}
    exec(block, left)
    return left["pairs"]


def test_the_training_set_of_the_page_puts_every_note_at_its_frame(store, filled_url):
    cue = SyntheticCue()
    load(store, cue)
    load(store, SyntheticCue(key="Reel 1/1m02"), ("tempo_map", "midi_events", "channel_groups"))
    pairs = training_set(filled_url)
    assert {key for key, _ in pairs} == {cue.key}
    mapped = store.read(cue.key, "track_mappings").set_index("midi_track_id").audio_file_id
    notes = store.read(cue.key, "midi_notes")
    for (_, name), (mel_db, roll) in pairs.items():
        i = cue.group_names.index(name)
        assert np.array_equal(mel_db, cue.mel(i))
        here = notes[notes.midi_track_id.map(mapped) == cue.group_ids[i]]
        middles = (here.start_time + here.duration / 2) * 48_000 / 512
        heard = middles < cue.n_frames
        assert heard.any()
        assert (roll[middles[heard].astype(int), here.note[heard]] > 0).all()


def test_the_training_set_keeps_the_onsets_of_notes_that_never_end(store, filled_url):
    """Drum machines write no note-offs: each note then lasts to the end of its track."""
    cue = SyntheticCue()
    load(store, cue)
    with store.engine.begin() as connection:
        connection.execute(sa.update(t.midi_notes).values(flags=1, duration=100.0))
    onsets = sum(np.count_nonzero(roll) for _, roll in training_set(filled_url).values())
    notes = store.read(cue.key, "midi_notes")
    mapped = store.read(cue.key, "track_mappings").set_index("midi_track_id").audio_file_id
    frames = (notes.start_time * 48_000 / 512).round().astype(int)
    want = {*zip(notes.midi_track_id.map(mapped), frames, notes.note, strict=True)}
    assert onsets == sum(frame < cue.n_frames for _, frame, _ in want) > 0


@pytest.mark.parametrize(
    "left_out",
    [
        sa.update(t.midi_files).values(same_as="MIDI/other.mid"),
        sa.update(t.cues).values(state="missing"),
    ],
)
def test_music_that_counts_elsewhere_and_cues_that_are_gone_are_not_trained_on(
    store, filled_url, left_out
):
    load(store, SyntheticCue())
    with store.engine.begin() as connection:
        connection.execute(left_out)
    assert training_set(filled_url) == {}


@pytest.mark.parametrize("page", [README, *ROOT.glob("docs/*.md")], ids=lambda page: page.name)
def test_no_page_teaches_how_to_put_bytes_together(page):
    assert "frombuffer" not in page.read_text()
