"""The census of a library, and its page."""

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from cue_pipeline.cli.commands import cli
from cue_pipeline.errors import ExportError
from cue_pipeline.training.census import MOST_VOICES, Census, take_census, voices
from cue_pipeline.training.report_page import page, write_report
from cue_pipeline_tests.training.planted import PlantedCue, planted_library
from cue_pipeline_tests.workspace import clean_environment

ODD = "Reel 1/1m02 <b>&'\x1b[31m"


@pytest.fixture(scope="module")
def counted(sqlite_template, tmp_path_factory):
    """Return a library of two cues in two splits, one of which repeats the other; its census."""
    folder = tmp_path_factory.mktemp("report")
    cues = [PlantedCue(key="Reel 1/1m01", seed=1), PlantedCue(key="Reel 1/1m02", seed=2)]
    with planted_library(sqlite_template, folder, *cues) as library:
        engine = sa.create_engine(f"sqlite:///{folder / 'cues.db'}")
        with engine.begin() as connection:
            connection.exec_driver_sql(
                "UPDATE cues SET duplicate_of = 'Reel 1/1m01', duplicate_share = 0.5, "
                "duplicate_why = 'music, by intervals' WHERE cue_key = 'Reel 1/1m02'"
            )
            for key, split in (("Reel 1/1m01", "train"), ("Reel 1/1m02", "test")):
                connection.exec_driver_sql(
                    "INSERT INTO cue_splits (cue_key, split, group_id, pinned, rule, decided_by, "
                    "decided_at) VALUES (?, ?, 1, 0, '{}', 'ada', ?)",
                    (key, split, datetime.now(UTC).isoformat()),
                )
        engine.dispose()
        yield library, take_census(library)


def test_voices_are_counted_by_hand():
    """Keys down: none, one from 1 s, two from 2 s to 3 s, one to 4 s, none to the end at 6 s."""
    found = voices(np.array([1.0, 2.0]), np.array([3.0, 4.0]), 6.0)
    assert found[:3].tolist() == [3.0, 2.0, 1.0]
    assert found.sum() == 6.0
    assert voices(np.zeros(40), np.full(40, 9.0), 2.0)[MOST_VOICES] == 2.0
    assert voices(np.empty(0), np.empty(0), 2.0)[0] == 2.0


def test_the_census_counts_what_the_library_holds(counted):
    library, census = counted
    assert census.cues == {"train": 1, "test": 1}
    assert sum(census.seconds.values()) == pytest.approx(4 * PlantedCue().seconds)
    assert sum(notes.count for notes in census.notes.values()) == sum(
        len(cue.notes()) for cue in library.cues()
    )
    assert sum(v.sum() for v in census.voices.values()) == pytest.approx(4 * PlantedCue().seconds)
    assert census.states == {"train": {"auto": 3}, "test": {"auto": 3}}
    assert census.methods == {"sound": 4}
    assert [(r.cue_key, r.split, r.of_split) for r in census.repetitions] == [
        ("Reel 1/1m02", "test", "train")
    ]


def test_the_page_is_one_file_of_well_formed_html_for_light_and_dark(counted):
    _, census = counted
    text = page(census, library="sqlite:///x.db")
    open_tags = []

    class Strict(HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag not in {"meta"}:
                open_tags.append(tag)

        def handle_endtag(self, tag):
            assert open_tags.pop() == tag

        def handle_startendtag(self, tag, attrs):
            pass

    Strict().feed(text)
    assert not open_tags
    pictures = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert len(pictures) == 5
    for picture in pictures:
        assert ET.fromstring(picture).get("aria-label")
    assert "prefers-color-scheme:dark" in text
    assert not re.search(r"<script|src=|href=|url\(|https?:", text)
    assert "1 of them across splits" in text


def test_names_act_neither_on_the_page_nor_on_a_terminal():
    census = Census()
    census.cues["train"] = 1
    census.left_out[ODD] = "why <i>"
    text = page(census, library="x")
    assert "<b>" not in text
    assert "<i>" not in text
    assert "\x1b" not in text
    assert "&lt;b&gt;&amp;" in text


def test_an_empty_library_has_a_page_too():
    assert "0 cues, 0 stems" in page(Census(), library="x")


def test_a_page_that_cannot_be_written_is_told_and_leaves_nothing(tmp_path):
    with pytest.raises(ExportError, match=r"report\.html' cannot be written: No such file"):
        write_report(tmp_path / "none" / "report.html", Census(), library="x")
    (tmp_path / "taken.html").mkdir()
    with pytest.raises(ExportError, match="cannot be written"):
        write_report(tmp_path / "taken.html", Census(), library="x")
    assert [p.name for p in tmp_path.iterdir()] == ["taken.html"]


def test_the_command_writes_the_page(counted, tmp_path, monkeypatch):
    library, _ = counted
    clean_environment(monkeypatch)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(
        cli, ["dataset", "report", "r.html", "--database-url", library._url]
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "r.html: 2 cues." in done.output
    assert (tmp_path / "r.html").read_text().startswith("<!doctype html>")
