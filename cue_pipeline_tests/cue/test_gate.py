"""What is no file of the library is left out, told, and never waited for or quoted."""

import os
import socket
import threading

import pytest

from cue_pipeline.audio.grouping import find_channel_groups
from cue_pipeline.audio.headers import read_audio_header
from cue_pipeline.cue.gate import opened
from cue_pipeline.cue.scan import find_cues, read_cue_folder
from cue_pipeline.midi.score_rows import read_midi_files
from cue_pipeline_tests.cues import write_cue

SECRET = b"root:x:0:0:SECRET-of-another\n"


@pytest.fixture
def cue(tmp_path):
    return write_cue(tmp_path / "library", "1m01")


def audio_folder(cue):
    return cue / "PT/Audio Files"


def read(cue):
    """The cue's folder, and every warning that reading it gives."""
    folder = read_cue_folder(cue.parent, cue.name)
    found = find_channel_groups(
        folder, sample_rate=48_000, final_mix_patterns=(), ignore_patterns=()
    )
    faults = [outcome.error or "" for outcome in read_midi_files(folder)]
    return folder, "\n".join([*found.warnings, *faults])


def a_pipe(path):
    os.mkfifo(path)
    return "a pipe (FIFO)"


def a_folder(path):
    path.mkdir()
    return "a folder"


def a_socket(path):
    here = os.open(path.parent, os.O_RDONLY)  # a socket's whole path has a short limit
    try:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(f"/proc/self/fd/{here}/{path.name}")
    finally:
        os.close(here)
    return "a socket"


def a_device(path):
    path.symlink_to("/dev/zero")
    return "a link out of the library"


def a_process(path):
    path.symlink_to("/proc/self/environ")
    return "a link out of the library"


@pytest.mark.parametrize("made", [a_pipe, a_folder, a_socket, a_device, a_process])
@pytest.mark.parametrize("place", ["PT/Audio Files/VLN 9.wav", "MIDI/other.mid"])
def test_what_is_no_file_is_left_out_with_a_warning_and_the_cue_goes_on(cue, made, place):
    sound = read_cue_folder(cue.parent, cue.name)
    said = made(cue / place)
    folder, warnings = read(cue)
    assert (folder.midi_paths, folder.audio_paths) == (sound.midi_paths, sound.audio_paths)
    assert place in warnings
    assert said in warnings


@pytest.mark.parametrize("target", ["/proc/self/environ", "/proc/version", "/dev/zero"])
def test_the_systems_own_is_refused_also_where_links_may_lead_anywhere(cue, target, monkeypatch):
    monkeypatch.setenv("CUE_LINKS_TO", "/")
    (audio_folder(cue) / "VLN 9.wav").symlink_to(target)
    folder, warnings = read(cue)
    assert "VLN 9" not in str(folder.audio_paths)
    assert "'PT/Audio Files/VLN 9.wav'" in warnings


@pytest.mark.parametrize("name", ["PT/Audio Files/VLN 9.wav", "MIDI/other.mid", "MIDI/other.kar"])
@pytest.mark.parametrize("content", [SECRET, b"\x7fELF\x02\x01\x01\x00SECRET\x00\x01\x02\x03"])
def test_what_is_no_media_is_not_quoted_wherever_it_lies(cue, tmp_path, monkeypatch, name, content):
    (tmp_path / "passwd").write_bytes(content)
    monkeypatch.setenv("CUE_LINKS_TO", str(tmp_path))
    (cue / name).symlink_to(tmp_path / "passwd")
    _, warnings = read(cue)
    said = warnings + str(read_audio_header(cue, "PT/Audio Files/VLN 9.wav").fault)
    for part in ("root", "SECRET", "ELF", content[:4].hex(" ")):
        assert part not in said


def test_a_file_that_became_a_pipe_since_it_was_found_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "VLN.wav")
    waited = threading.Thread(target=read_audio_header, args=(tmp_path, "VLN.wav"), daemon=True)
    waited.start()
    waited.join(10)
    assert not waited.is_alive()
    assert "a pipe (FIFO), not a file" in str(read_audio_header(tmp_path, "VLN.wav").fault)
    with pytest.raises(OSError, match="pipe"):
        opened(tmp_path / "VLN.wav")


def test_a_cue_all_of_whose_audio_leads_out_says_so(cue, tmp_path):
    audio = audio_folder(cue)
    (tmp_path / "volume").mkdir()
    for path in list(audio.iterdir()):
        moved = path.rename(tmp_path / "volume" / path.name)
        path.symlink_to(moved)
    scan = find_cues(cue.parent)
    assert scan.cues == ()
    assert "CUE_LINKS_TO" in scan.problems[0].text


def test_links_within_the_library_are_read_in_silence(cue):
    first = next(path for path in audio_folder(cue).iterdir())
    (audio_folder(cue) / "again.wav").symlink_to(first)
    folder, _ = read(cue)
    assert "PT/Audio Files/again.wav" in folder.audio_paths


@pytest.mark.parametrize("n_bytes", [200, 5_000, 100_000])
def test_garbage_called_mp3_is_told_in_words_of_its_own(tmp_path, n_bytes):
    (tmp_path / "mix.mp3").write_bytes(bytes((i * 7 + i // 3) % 256 for i in range(n_bytes)))
    fault = str(read_audio_header(tmp_path, "mix.mp3").fault)
    assert "'mix.mp3' is no audio that can be read here" in fault
    assert "exist" not in fault
    assert "pipe" not in fault
