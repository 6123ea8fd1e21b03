"""A cue whose names would act on a terminal: no command lets them, and the tables keep them whole.

The names hold escape sequences (a colour, a window's title), a direction of writing that turns
what follows, a line end that would forge a line of its own, and rich's markup.
"""

import ast
import re
from pathlib import Path

import pytest
import sqlalchemy as sa

import cue_pipeline.cli
from cue_pipeline.cli.commands import main
from cue_pipeline_tests.cues import tone, write_audio, write_midi
from cue_pipeline_tests.workspace import Workspace, clean_environment

TURNED = "\u202e"
HOSTILE = f"\x1b[31mVln\x1b]0;owned\x07{TURNED}[bold]\nready: all"
KEY = f"1m01{TURNED}[red]"  # a folder whose name holds a control character is refused
NOTE = f"why\x1b[2J{TURNED}"

# What a terminal may be given: text, and line ends.
ACTING = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    as_utf_8 = HOSTILE.encode().decode("latin-1")  # mido writes a byte for each character
    made = Workspace(tmp_path_factory.mktemp("hostile"))
    for key in (KEY, f"2m02{TURNED}"):
        cue = made.base / key
        write_midi(
            cue / "MIDI" / "a.mid",
            {as_utf_8: [(480 * k, 60 + k, 400) for k in range(6)], "Horn": [(0, 50, 900)]},
        )
        write_audio(
            cue / "PT" / "Audio Files",
            {f"VLN{TURNED}[red]": tone(220.0), "Horn": tone(110.0), "6mx": tone(220.0)},
        )
    (made.base / f"2m02{TURNED}" / "MIDI" / "a.mid").write_bytes(b"MThd no MIDI")
    (made.base / f"3m03{TURNED}" / "MIDI").mkdir(parents=True)  # half a cue
    made.processed = made.run("process", "library", expect=1)
    return made


def harmless(said: str) -> str:
    assert not ACTING.search(said), repr(said)
    assert "\nready: all" not in said
    return said


@pytest.mark.slow
def test_process_says_nothing_that_acts_and_keeps_the_names_whole(workspace):
    said = harmless(workspace.processed)
    assert "1m01\\u202e[red]" in said
    assert "failed: 2m02\\u202e: tempo_map: " in said
    engine = sa.create_engine(f"sqlite:///{workspace.home / 'cue_pipeline.db'}")
    with engine.connect() as connection:
        names = connection.exec_driver_sql("SELECT track_name FROM midi_tracks").scalars().all()
        keys = connection.exec_driver_sql("SELECT cue_key FROM cues").scalars().all()
    engine.dispose()
    assert HOSTILE in names
    assert KEY in keys


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("process", "library", "--dry-run"), 0),
        (("process", "library", "--dry-run", "--force"), 0),
        (("process", f"no{TURNED}where"), 2),
        (("status",), 0),
        (("status", "--json"), 0),
        (("mappings", KEY), 0),
        (("mappings", KEY, "--review"), 0),
        (("mappings", KEY, "--json"), 0),
        (("mappings", f"1m{TURNED}"), 2),
        (("mappings", f"2m02{TURNED}"), 2),
        (("mappings", "set", KEY, HOSTILE, "--group", f"no{TURNED}stem"), 2),
        (("mappings", "set", KEY, f"no{TURNED}track", "--group", "Horn"), 2),
        (("mappings", "unset", KEY, f"no{TURNED}track"), 2),
        (("backfill", "--failed", "--dry-run"), 0),
        (("categorise", HOSTILE), 0),
        (("db", "current", "--database-url", f"sqlite:///no{TURNED}/w.db"), 2),
    ],
    ids=lambda value: ascii(" ".join(value)) if isinstance(value, tuple) else None,
)
@pytest.mark.slow
def test_no_command_says_what_acts(workspace, arguments, code, monkeypatch, capsys):
    clean_environment(monkeypatch)
    monkeypatch.chdir(workspace.home)
    monkeypatch.setattr("sys.argv", ["cue-pipeline", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == code
    assert harmless("".join(capsys.readouterr()))


@pytest.mark.slow
def test_decisions_about_hostile_names_are_told_and_come_back_from_a_sheet(workspace):
    decided = ("mappings", "set", KEY, HOSTILE, "--group", "Horn", "--note", NOTE)
    assert "stem 'Horn'" in harmless(workspace.run(*decided))
    harmless(workspace.run("mappings", "export", f"s{TURNED}.csv", expect=1))
    sheet = (workspace.home / f"s{TURNED}.csv").read_text()
    assert TURNED in sheet
    harmless(workspace.run("mappings", "import", f"s{TURNED}.csv", "--dry-run"))
    (workspace.home / "bad.csv").write_text(sheet.replace(KEY, f"no{TURNED}cue"))
    harmless(workspace.run("mappings", "import", "bad.csv", expect=2))
    harmless(workspace.run("mappings", "unset", KEY, HOSTILE))


@pytest.mark.slow
def test_a_name_of_a_megabyte_is_whole_in_the_tables_and_short_wherever_it_is_shown(tmp_path):
    workspace = Workspace(tmp_path)
    name = "Violins " * 131_072
    cue = workspace.base / "1m01"
    write_midi(cue / "MIDI" / "a.mid", {name: [(480 * k, 60 + k, 400) for k in range(6)]})
    write_audio(cue / "PT" / "Audio Files", {"VLN": tone(220.0), "6mx": tone(220.0)})
    said = [workspace.run("process", "library"), workspace.run("mappings", "1m01")]
    workspace.run("mappings", "export", "sheet.csv")
    said.append(workspace.run("mappings", "import", "sheet.csv"))
    assert "0 decisions kept" in said[-1]
    sheet = (workspace.home / "sheet.csv").read_text(encoding="utf-8-sig")
    (workspace.home / "sheet.csv").write_text(sheet.replace(",Strings,", ",Brass,", 1))
    said.append(workspace.run("mappings", "import", "sheet.csv"))
    assert "1 decision kept" in said[-1]
    said.append(workspace.run("mappings", "set", "1m01", "#1", "--group", "VLN"))
    assert max(map(len, said)) < 20_000
    assert name.strip() in set(workspace.table("midi_tracks").track_name)
    assert set(workspace.table("track_mappings").instrument_category) == {"Brass"}
    events = (workspace.home / ".dagster_home").rglob("*.db")
    assert sum(path.stat().st_size for path in events) < 4 << 20


def test_nothing_is_said_but_through_saying():
    """Another way out would be one that escapes nothing."""
    for path in Path(cue_pipeline.cli.__file__).parent.glob("*.py"):
        if path.name == "saying.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                assert node.func.attr not in ("echo", "secho", "echo_via_pager"), path.name
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id != "print", path.name
