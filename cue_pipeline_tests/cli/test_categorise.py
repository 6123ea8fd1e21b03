"""What `categorise` reads, and that its table stays one on any terminal."""

import json
import os

import pytest
from click.testing import CliRunner
from rich.cells import cell_len

from cue_pipeline.cli import categorise as names
from cue_pipeline.cli.commands import cli
from cue_pipeline.errors import SettingsError
from cue_pipeline.mapping.names.parsing import NameCategory


def categorise(*arguments, given=b""):
    result = CliRunner().invoke(cli, ["categorise", *arguments], input=given)
    assert result.exception is None, result.output
    return result.output


@pytest.fixture
def terminal(monkeypatch, capsys):
    """Show what was found on a terminal of so many columns; return its lines."""

    def show(columns, *found):
        with monkeypatch.context() as m:
            m.setattr(names.sys.stdout, "isatty", lambda: True)
            m.setattr(names.shutil, "get_terminal_size", lambda: os.terminal_size((columns, 24)))
            names.print_categories(found)
        return capsys.readouterr().out.splitlines()

    return show


def test_a_name_of_thousands_of_characters_does_not_widen_the_table():
    lines = categorise("Viola", "Viola " + "x" * 5_000).splitlines()
    assert len(lines) == 2
    assert max(map(len, lines)) < 160
    assert "…" in lines[1]
    assert "…" not in lines[0]
    # Columns stand below each other.
    assert lines[0].index("Strings") == lines[1].index("Strings")


def test_json_keeps_a_long_name_whole():
    name = "Viola " + "x" * 5_000
    (row,) = json.loads(categorise("--json", name))
    assert row["name"] == name


@pytest.mark.parametrize("columns", [80, 100, 200])
def test_no_line_is_wider_than_the_terminal_and_no_word_is_lost(terminal, columns):
    reason = "it says percussion, beside " + "words that are not known " * 6
    found = [
        NameCategory("Taiko Ensemble " * 20, "Low Percussion", 0.9, reason.strip()),
        NameCategory("Viola", "Strings", 0.97, "it says viola"),
        NameCategory("太鼓" * 40, None, 0.0, "no instrument word"),
    ]
    lines = terminal(columns, *found)
    assert max(map(cell_len, lines)) <= columns
    shown = " ".join(" ".join(lines).split())
    for word in ["percussion,", "beside", "known", "viola"]:
        assert word in shown
    assert shown.count("known") == 6


def test_a_name_cannot_move_the_cursor_or_break_the_line():
    (line,) = categorise("Vio\x1b[2Jla\nVln\tTwo").splitlines()
    assert "\x1b" not in line
    assert "\t" not in line


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_a_list_that_windows_saved_reads_like_any_other(end):
    given = b"\xef\xbb\xbf" + end.join((b"Viola", b"", "Flügel".encode(), b""))
    rows = json.loads(categorise("--json", given=given))
    assert [row["name"] for row in rows] == ["Viola", "Flügel"]


def test_a_list_in_another_encoding_is_told_the_line():
    result = CliRunner().invoke(cli, ["categorise"], input="Viola\nFlügel\n".encode("latin-1"))
    assert isinstance(result.exception, SettingsError)
    assert "line 2" in str(result.exception)
    assert "0xfc" in str(result.exception)
    assert "UTF-8" in str(result.exception)
