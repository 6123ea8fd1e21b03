"""Names from files where people see them: whole, and without power over a terminal or a page."""

import json

import pytest

from cue_pipeline.cue.shown import shown, shown_json, shown_lines
from cue_pipeline.defs.markdown import escape_markdown
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
