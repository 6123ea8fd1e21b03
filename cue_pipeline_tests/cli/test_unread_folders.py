"""What ``process`` makes of folders that it cannot take: what it says, and its exit code."""

import pytest

from cue_pipeline_tests.workspace import clean_environment, said_here


@pytest.fixture
def said(tmp_path, monkeypatch):
    clean_environment(monkeypatch)
    monkeypatch.chdir(tmp_path)
    return lambda *arguments, expect: said_here(arguments, expect=expect)


def folder(root, key, *audio):
    midi = root / "library" / key / "MIDI"
    midi.mkdir(parents=True)
    (midi / "a.mid").write_bytes(b"MThd")
    for path in audio:
        file = root / "library" / key / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"RIFF")


@pytest.mark.parametrize(
    "audio",
    [
        ("PT/v2/Audio Files/VLN.wav", "PT/v3/Audio Files/VLN.wav"),
        ("PT/VLN.wav",),
        ("PT/Audio Files/VLN.sd2",),
    ],
    ids=["two sessions", "loose audio", "audio of another kind"],
)
def test_audio_that_is_there_and_not_read_is_a_fault_of_the_run(said, tmp_path, audio):
    folder(tmp_path, "1m01", *audio)
    assert "skipped: " in said("process", "library", expect=1)


def test_half_a_cue_is_no_fault_and_a_library_of_them_has_no_cue(said, tmp_path):
    folder(tmp_path, "1m01")
    output = said("process", "library", expect=2)
    assert "skipped: " in output
    assert "lacks 'PT/Audio Files/'" in output
