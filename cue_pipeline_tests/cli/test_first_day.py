"""What a newcomer meets on the first day: wrong folders, typing errors, narrow terminals."""

import pytest
from rich.console import Console

from cue_pipeline.cli import display, library_states
from cue_pipeline.library.graph import GRAPH
from cue_pipeline.library.plan import LibraryPlan
from cue_pipeline.library.progress import CueOutcome
from cue_pipeline.library.status import AssetStatus
from cue_pipeline.settings import read_settings, unknown_settings
from cue_pipeline_tests.workspace import clean_environment, said_here


@pytest.fixture
def said(tmp_path, monkeypatch):
    """Run the command line in an empty folder; return all that it says."""
    monkeypatch.chdir(tmp_path)
    clean_environment(monkeypatch)
    return lambda *arguments, expect=2: said_here(arguments, expect=expect)


@pytest.fixture
def terminal(monkeypatch):
    """Give what is shown a terminal of so many columns."""

    def of(columns):
        monkeypatch.setattr(
            display,
            "console",
            lambda: Console(width=columns, color_system=None, legacy_windows=False),
        )

    return of


def mapping(track, stem, file_path="MIDI/a.mid"):
    return {
        "file_path": file_path,
        "track_index": 1,
        "port": None,
        "part_channel": None,
        "track_name": track,
        "canonical_name": stem,
        "instrument_category": "Strings",
        "state": "auto",
        "method": "names",
        "confidence": 0.97,
        "reason": "the name fits (0.91), the notes are heard there (0.98)",
    }


def test_a_folder_without_cues_is_told_what_a_cue_looks_like(said, tmp_path):
    (tmp_path / "library").mkdir()
    output = said("process", "library", expect=2)
    assert "No cue was found" in output
    assert "PT/Audio Files" in output
    assert "┃" not in output


@pytest.mark.parametrize(
    "command", [("status",), ("mappings", "1m01"), ("backfill", "--cue", "1m01")]
)
def test_in_the_wrong_folder_a_command_names_the_database_that_is_not_there(
    said, tmp_path, command
):
    output = said(*command, expect=2)
    assert "There is no database sqlite:///cue_pipeline.db" in output
    assert "process BASE_DIR" in output
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "command", [("status",), ("mappings", "1m01"), ("backfill", "--cue", "1m01")]
)
def test_a_command_names_the_database_that_it_found_empty(said, command):
    said("db", "upgrade", expect=0)
    output = said(*command, expect=0 if command == ("status",) else 2)
    assert "sqlite:///cue_pipeline.db" in output
    assert "process BASE_DIR" in output


@pytest.mark.parametrize("command", [("process", "library"), ("backfill",)])
def test_a_mistyped_asset_is_told_the_closest_before_anything_is_opened(said, tmp_path, command):
    output = said(*command, "--select", "mel_feature")
    assert "Did you mean 'mel_features'" in output
    assert not list(tmp_path.iterdir())


def test_a_sheet_without_tracks_is_not_called_ready_for_import(said):
    said("db", "upgrade", expect=0)
    assert "no track" in said("mappings", "export", "sheet.csv", expect=0)


@pytest.mark.parametrize("group", [(), ("mappings",), ("db",)])
def test_no_line_of_the_help_is_cut_off(said, group):
    assert "..." not in said(*group, "--help", expect=0).replace("[ARGS]...", "")


def test_status_fits_eighty_columns_and_hides_no_asset_that_is_not_ready(terminal, capsys):
    terminal(80)
    keys = ["Reel 10/10m01 The Long Way Home v3", "Reel 2/2m05a Chase"]
    states = ["ready"] * 5 + ["failed", "missing"]
    rows = [
        AssetStatus(key, asset, state, "why")
        for key in keys
        for asset, state in zip(GRAPH, states, strict=True)
    ]
    library_states.print_status(rows, "sqlite:///x.db", gone=["Reel 2/2m05a Chase"])
    output = capsys.readouterr().out
    assert max(map(len, output.splitlines())) <= 80
    assert "…" not in output
    assert "5 ready, 1 failed, 1 missing" in output
    assert output.index("Reel 2/") < output.index("Reel 10/")
    assert f"failed: {keys[1]}: match_evidence: why" in output
    assert "gone: Reel 2/2m05a Chase: its folder is gone; its rows are kept." in output


def test_mappings_at_eighty_columns_give_each_reason_in_one_piece(terminal, capsys):
    terminal(80)
    rows = [mapping("Violins I", "1m01 VLN I_01"), mapping("Celli", "1m01 VCS_01")]
    display.print_mappings("1m01", rows)
    assert f"Celli: {rows[1]['reason']}" in capsys.readouterr().out.splitlines()


def test_tracks_of_several_midi_files_are_told_apart(terminal, capsys):
    terminal(140)
    display.print_mappings("1m01", [mapping("Pad", "A"), mapping("Pad", "B", "MIDI/b.mid")])
    output = capsys.readouterr().out
    assert "a.mid" in output
    assert "b.mid" in output


def test_a_misspelt_setting_is_told_and_not_silently_without_effect(said, tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("CUE_MEL_NMELS=128\nCUE_SAMPLE_RATE=44100\n")
    monkeypatch.setenv("CUE_PIPELINE_THREADS", "1")
    said("db", "upgrade", expect=0)
    output = said("status", expect=0)
    assert (
        output.count("CUE_MEL_NMELS is no setting and has no effect; did you mean CUE_MEL_N_MELS?")
        == 1
    )
    assert "CUE_SAMPLE_RATE" not in output
    assert "CUE_PIPELINE_THREADS" not in output


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("CUE_SAMPLE_RATE=48k", "CUE_SAMPLE_RATE is '48k' and should be a valid integer"),
        ("CUE_AUTOMATE=yes", "CUE_AUTOMATE is 'yes' and should be 'never', 'cheap' or 'all'"),
        ("OPENAI_BASE_URL=localhost:8000/v1", "OPENAI_BASE_URL: it needs to begin with http://"),
    ],
)
def test_a_setting_that_cannot_be_used_is_told_with_its_value(said, tmp_path, line, told):
    (tmp_path / ".env").write_text(line)
    assert told in said("status")


def test_an_address_with_a_password_in_it_is_not_repeated(said, tmp_path):
    (tmp_path / ".env").write_text("OPENAI_BASE_URL=user:geheim@localhost")
    assert "geheim" not in said("status")


def test_a_lone_comma_is_no_pattern_and_an_empty_value_the_default(monkeypatch):
    monkeypatch.setenv("CUE_FINAL_MIX_PATTERNS", ",")
    monkeypatch.setenv("CUE_IGNORE_PATTERNS", "")
    settings = read_settings(_env_file=None)
    assert settings.final_mix_patterns == ()
    assert settings.ignore_patterns == ("clk", "click")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('OPENAI_API_KEY="sk-geheim\nOPENAI_MODEL=gpt-4o\n', 1),
        ("# mine\n\nOPENAI_API_KEY='sk-geheim\n", 3),
        ('OPENAI_API_KEY="sk-geheim\nOPENAI_MODEL="gpt-4o"\n', 1),
        ('OPENAI_API_KEY="sk-geheim\nOPENAI_MODEL="\n', 1),
        ("OPENAI_API_KEY sk-geheim\n", 1),
        ("OPENAI_MODEL=gpt-4o\nOPENAI_API_KEY\n", 2),
    ],
)
def test_a_line_of_the_env_file_that_would_be_left_out_is_refused(said, tmp_path, text, line):
    (tmp_path / ".env").write_text(text)
    output = said("status")
    assert f".env', line {line} cannot be read" in output
    assert "geheim" not in output


@pytest.mark.parametrize(
    "text", ['export OPENAI_MODEL="gpt-4o" # "new\n', "A='x\ny'\n", "OPENAI_API_KEY=\n# it's\n"]
)
def test_an_env_file_as_shells_write_it_is_taken(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(text)
    read_settings()


def test_a_misspelt_name_in_the_env_file_is_told_whatever_it_begins_with(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("OPENAI_MODLE=x\nDATABSE_URL=x\nEDITOR_URL=x\n")
    monkeypatch.setenv("OPENAI_ORG_ID", "org")
    assert unknown_settings() == {
        "OPENAI_MODLE": "OPENAI_MODEL", "DATABSE_URL": "DATABASE_URL",
    }  # fmt: skip


def test_an_env_file_in_another_encoding_is_told_without_what_is_in_it(said, tmp_path):
    (tmp_path / ".env").write_bytes("OPENAI_API_KEY=sk-geheim\n# Köln\n".encode("latin-1"))
    output = said("status")
    assert "is not UTF-8: byte 29" in output
    assert "geheim" not in output


def test_who_interrupts_is_told_that_nothing_is_lost_and_how_to_go_on(terminal, capsys):
    class Empty:
        def ledger(self):
            return []

    terminal(80)
    plan = LibraryPlan((), (), {}, ())
    display.print_outcomes(plan, [CueOutcome("1m01", "interrupted")], Empty())
    last = capsys.readouterr().out.splitlines()[-2:]
    assert last == [
        "1 cue: 1 interrupted.",
        "What was stored is kept; the same command again makes the rest.",
    ]
