"""Names from files where people see them: whole, and without power over a terminal or a page."""

import json
import re

import pandas as pd
import pytest

from cue_pipeline.cli.saying import cell
from cue_pipeline.cue.shown import shown, shown_json, shown_lines
from cue_pipeline.defs.markdown import escape_markdown, markdown_list, markdown_table
from cue_pipeline.mapping.people.track_keys import KnownTrack
from cue_pipeline.mapping.tracks import track_label
from cue_pipeline.pictures.canvas import Canvas

ACTING = [
    chr(c) for c in (*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), 0x2028, 0x2066)
]
PLAIN = ["Violins 1", "Flöte", "Скрипки", "小提琴", "🎻 Strings 👩\u200d🎤", "=1+1", "a\\b"]


@pytest.mark.parametrize("text", PLAIN)
def test_plain_names_are_shown_as_they_are(text):
    assert shown(text) == text


@pytest.mark.parametrize("char", ACTING)
def test_a_control_character_is_written_out_wherever_a_name_is_shown(char):
    hostile = f"Vla{char}[31mRED"
    canvas = Canvas(20)
    canvas.text(0, 10, hostile)
    for text in (
        shown(hostile),
        track_label(hostile, 0, None),
        str(KnownTrack("a.mid", 0, hostile)),
        escape_markdown(hostile),
        canvas.svg(),
        shown_json(json.dumps([hostile], ensure_ascii=False)),
    ):
        assert char not in text
        assert "RED" in text


def test_lines_are_kept_where_a_message_has_several():
    assert shown_lines("one\ntwo\x1b") == "one\ntwo\\x1b"


def test_json_means_the_same():
    rows = [{"name": f"a{char}b"} for char in ACTING]
    assert json.loads(shown_json(json.dumps(rows, indent=1, ensure_ascii=False))) == rows


def test_a_name_of_a_megabyte_is_cut_wherever_it_is_shown_and_its_length_is_told():
    name = "Violins " * 131_072
    frame = pd.DataFrame({"track": [name] * 500})
    canvas = Canvas(20)
    canvas.text(0, 10, name, most=40)
    for text, most in (
        (shown(name), 5_000),
        (cell(name), 1_100),
        (track_label(name, 0, None), 200),
        (escape_markdown(name), 5_000),
        (markdown_table(frame).value, 70_000),
        (markdown_list([name] * 500).value, 70_000),
        (canvas.svg(), 2_000),
    ):
        assert len(text) < most
        assert "Violins" in text
    assert "(1044576 characters)" in shown(name)


def test_a_message_keeps_its_end_which_says_what_to_do():
    said = shown(f"'{'x' * 1_000_000}' is no MIDI file. Export it again.")
    assert said.endswith("is no MIDI file. Export it again.")


# GitHub Flavored Markdown 0.29, 6.9 "Autolinks (extension)": where one begins.
AUTOLINKS = re.compile(
    r"https?://|ftp://|(?:^|[\s*_~(])www\.|[a-z0-9.+_-]+@[a-z0-9_-]+\.[a-z]", re.IGNORECASE
)


@pytest.mark.parametrize(
    "name",
    [
        "https://evil.example/a", "HTTP://evil.example", "www.evil.example", "WWW.EVIL.example",
        "(www.evil.example)", "ftp://evil.example", "someone@evil.example",
        "mailto:someone@evil.example", "xmpp:a@b.c", "Strings www.x.y",
    ],
)  # fmt: skip
def test_no_name_becomes_a_link_in_markdown(name):
    assert AUTOLINKS.search(name)
    told = escape_markdown(name)
    assert not AUTOLINKS.search(told.replace("\\", ""))
    assert told.replace("\\", "").replace("\u2060", "") == name


def test_names_that_only_resemble_addresses_are_shown_as_they_are():
    assert escape_markdown("1m01: Strings / Www") == "1m01: Strings / Www"
