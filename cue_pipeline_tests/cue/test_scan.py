import os
import unicodedata
from pathlib import Path

import pytest

from cue_pipeline.cue.scan import find_cues, read_cue_folder
from cue_pipeline.errors import CueError


def make_cue(
    folder: Path,
    midi: tuple[str, ...] = ("MIDI/cue.mid",),
    audio: tuple[str, ...] = ("PT/Audio Files/VLN.L.wav", "PT/Audio Files/VLN.R.wav"),
) -> Path:
    for name in midi + audio:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return folder


def keys(root: Path) -> list[str]:
    return [cue.key for cue in find_cues(root).cues]


def problem_texts(root: Path) -> list[str]:
    return [problem.text for problem in find_cues(root).problems]


def test_cues_are_found_at_any_depth_in_natural_order(tmp_path):
    for key in ["Reel 10/1m01", "Reel 2/1m10", "Reel 2/1m9", "Film/Act/Reel 1/x/1m01", "1m0"]:
        make_cue(tmp_path / key)
    (tmp_path / "Reel 2" / "notes.txt").write_text("x")
    assert keys(tmp_path) == [
        "1m0",
        "Film/Act/Reel 1/x/1m01",
        "Reel 2/1m9",
        "Reel 2/1m10",
        "Reel 10/1m01",
    ]
    assert problem_texts(tmp_path) == []


@pytest.mark.parametrize("name", ["cue.rmi", "cue.KAR", "cue.smf", "cue.midi2", "cue.xmf"])
def test_a_cue_whose_only_sequence_has_another_ending_is_found(tmp_path, name):
    make_cue(tmp_path / "1m01", (f"MIDI/{name}",))
    (cue,) = find_cues(tmp_path).cues
    assert cue.midi_paths == (f"MIDI/{name}",)


def test_a_cue_holds_its_files_in_natural_order_spelt_as_on_disk(tmp_path):
    make_cue(
        tmp_path / "1m01",
        ("Midi/b10.MID", "Midi/b9.midi", "Midi/read me.txt", "Midi/._b9.midi", "Midi/.DS_Store"),
        (
            "pt/AUDIO files/VLN 10.WAV",
            "pt/AUDIO files/VLN 2.aif",
            "pt/AUDIO files/._VLN 2.aif",
            "pt/AUDIO files/~VLN 3.wav",
            "pt/AUDIO files/.VLN 4.wav.x7Yt2a",
            "pt/AUDIO files/clip.txt",
            "pt/Fade Files/Fade 1.wav",
            "pt/Bounced Files/mix.wav",
            "pt/Session File Backups/1m01.bak.001.ptx",
        ),
    )
    (cue,) = find_cues(tmp_path).cues
    assert cue.root == tmp_path
    assert cue.path == tmp_path / "1m01"
    assert cue.midi_paths == ("Midi/b9.midi", "Midi/b10.MID")
    assert cue.audio_paths == ("pt/AUDIO files/VLN 2.aif", "pt/AUDIO files/VLN 10.WAV")
    assert problem_texts(tmp_path) == []


def test_an_empty_audio_file_is_kept_for_its_reader_to_complain_of(tmp_path):
    make_cue(tmp_path / "1m01")
    (tmp_path / "1m01/PT/Audio Files/HRN.wav").touch()
    (cue,) = find_cues(tmp_path).cues
    assert "PT/Audio Files/HRN.wav" in cue.audio_paths


def test_folders_of_several_spellings_belong_to_one_cue(tmp_path):
    make_cue(
        tmp_path / "1m01",
        ("MIDI/a.mid", "midi/b.mid"),
        ("PT/Audio Files/a.wav", "Pt/audio files/b.wav"),
    )
    if len(list((tmp_path / "1m01").iterdir())) < 4:
        pytest.skip("this disk has no two names that differ in case alone")
    (cue,) = find_cues(tmp_path).cues
    assert len(cue.midi_paths) == 2
    assert len(cue.audio_paths) == 2


def test_one_cue_read_by_its_key_is_the_one_that_was_found(tmp_path):
    for name in ["Reel 1/1m01", unicodedata.normalize("NFD", "Reel é/1m02 Für Élise")]:
        make_cue(tmp_path / name)
    scan = find_cues(tmp_path)
    assert [cue.key for cue in scan.cues] == ["Reel 1/1m01", "Reel é/1m02 Für Élise"]
    assert all(unicodedata.is_normalized("NFC", cue.key) for cue in scan.cues)
    for cue in scan.cues:
        assert read_cue_folder(tmp_path, cue.key) == cue
        assert (cue.path / cue.midi_paths[0]).is_file()


@pytest.mark.parametrize("key", ["", "/etc", "../x", "a/../b", "./a", "a//b"])
def test_a_key_that_is_no_path_below_the_root_is_refused(tmp_path, key):
    make_cue(tmp_path / "a/b")
    with pytest.raises(CueError, match="not a cue's key"):
        read_cue_folder(tmp_path, key)


def test_a_cue_that_is_gone_or_is_none_any_more_says_so(tmp_path):
    make_cue(tmp_path / "Reel 1/1m01")
    with pytest.raises(CueError, match=r"no folder '1m02' in .*Reel 1.*scan the library again"):
        read_cue_folder(tmp_path, "Reel 1/1m02")
    with pytest.raises(CueError, match="no longer holds a 'MIDI' folder"):
        read_cue_folder(tmp_path, "Reel 1")
    (tmp_path / "Reel 1/1m01/MIDI/cue.mid").unlink()
    with pytest.raises(CueError, match="lacks 'MIDI/'"):
        read_cue_folder(tmp_path, "Reel 1/1m01")
    with pytest.raises(CueError, match=r"does not exist.*volume"):
        read_cue_folder(tmp_path / "unmounted", "Reel 1/1m01")


def test_reading_one_cue_does_not_walk_the_library(tmp_path, monkeypatch):
    for number in range(20):
        make_cue(tmp_path / f"1m{number:02d}")
    real, listed = os.scandir, []
    monkeypatch.setattr(os, "scandir", lambda path: listed.append(os.fspath(path)) or real(path))
    read_cue_folder(tmp_path, "1m07")
    assert {Path(path).relative_to(tmp_path).parts[0] for path in listed} == {"1m07"}


def test_a_folder_with_only_half_of_a_cue_is_reported(tmp_path):
    make_cue(tmp_path / "only midi", audio=())
    make_cue(tmp_path / "only audio", midi=())
    make_cue(tmp_path / "wrong names", ("MIDI/x.txt",), ("PT/Audio Files/x.txt",))
    (tmp_path / "Docs/MIDI").mkdir(parents=True)
    scan = find_cues(tmp_path)
    assert scan.cues == ()
    only_audio, only_midi, wrong = scan.problems
    assert only_audio.path == tmp_path / "only audio"
    assert "looks like a cue but lacks 'MIDI/'" in only_audio.text
    assert "lacks 'PT/Audio Files/'" in only_midi.text
    assert (
        "lacks 'MIDI/' with MIDI files (.mid, .midi, .smf, .kar, .rmi) and 'PT/Audio Files/'"
        in wrong.text
    )


def test_media_in_subfolders_are_left_out_and_reported(tmp_path):
    make_cue(tmp_path / "1m01", ("MIDI/a.mid", "MIDI/old/b.mid"))
    make_cue(tmp_path / "1m01", (), ("PT/Audio Files/raw/c.wav", "PT/Audio Files/notes/d.txt"))
    scan = find_cues(tmp_path)
    assert scan.cues[0].midi_paths == ("MIDI/a.mid",)
    assert len(scan.cues[0].audio_paths) == 2
    assert [p.path.name for p in scan.problems] == ["old", "raw"]


def test_the_one_session_a_folder_deeper_is_the_cues(tmp_path):
    make_cue(tmp_path / "1m01", audio=("PT/1m01 v3/Audio Files/VLN.wav",))
    make_cue(tmp_path / "1m02", audio=("PT/1m02 v3/audio files/VLN.wav", "PT/notes/x.txt"))
    (tmp_path / "1m02/PT/Audio Files").mkdir()
    (tmp_path / "1m02/PT/1m02 v2/Audio Files").mkdir(parents=True)
    scan = find_cues(tmp_path)
    assert [cue.audio_paths for cue in scan.cues] == [
        ("PT/1m01 v3/Audio Files/VLN.wav",),
        ("PT/1m02 v3/audio files/VLN.wav",),
    ]
    assert scan.problems == ()


def test_several_sessions_a_folder_deeper_are_named_and_none_is_taken(tmp_path):
    make_cue(tmp_path / "1m01", audio=("PT/v2/Audio Files/A.wav", "PT/v3/Audio Files/A.wav"))
    scan = find_cues(tmp_path)
    assert scan.cues == ()
    (problem,) = scan.problems
    assert "'PT/v2'" in problem.text
    assert "'PT/v3'" in problem.text


def test_a_session_beside_the_cues_own_is_left_out_and_named(tmp_path):
    make_cue(tmp_path / "1m01", audio=("PT/Audio Files/A.wav", "PT/old/Audio Files/B.wav"))
    scan = find_cues(tmp_path)
    assert scan.cues[0].audio_paths == ("PT/Audio Files/A.wav",)
    (problem,) = scan.problems
    assert "'" + str(tmp_path / "1m01/PT/old") + "' is left out" in problem.text


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("PT/archive/v1/Audio Files/B.wav", "PT/archive/v1"),
        ("PT/archive/2019/v1/Audio Files/B.wav", "PT/archive/2019/v1"),
        ("PT/archive/v1/Bounced Files/B.wav", "PT/archive/v1"),
        ("PT/takes/B.wav", "PT/takes"),
        ("PT/B.wav", "PT"),
        ("PT/Audio Files/old/2019/B.wav", "PT/Audio Files/old"),
        ("Stems/B.wav", "Stems"),
        ("Mixes/print/B.aif", "Mixes/print"),
        ("Audio Files/B.flac", "Audio Files"),
        ("Bounced Files/B.wav", "Bounced Files"),
    ],
)
@pytest.mark.parametrize("used", ["PT/Audio Files/A.wav", "PT/1m01 v3/Audio Files/A.wav"])
def test_audio_that_lies_elsewhere_in_a_cue_is_left_out_and_named(tmp_path, used, file, told):
    audio = (used, file)
    if file.startswith("PT/Audio Files/") and used.startswith("PT/1m01"):
        used = "PT/Audio Files/C.wav"  # else that session would be the one that is used
        audio = (*audio, used)
    make_cue(tmp_path / "1m01", audio=audio)
    scan = find_cues(tmp_path)
    assert scan.cues[0].audio_paths == (used,)
    problem = next(p for p in scan.problems if f"'{tmp_path}/1m01/{told}'" in p.text)
    assert "left out" in problem.text
    assert problem.kind == "warning"


def test_what_a_neat_session_has_beside_its_audio_needs_no_word(tmp_path):
    make_cue(
        tmp_path / "1m01",
        audio=(
            "PT/Audio Files/A.wav", "PT/Audio Files/Fade Files/f.wav", "PT/Fade Files/x/f.wav",
            "PT/Session File Backups/1m01.bak.000.ptx", "PT/Video Files/v.wav",
            "PT/Plug-In Settings/EQ/x.tfx", "PT/notes/a.pdf", "Scores/1m01.pdf", "Video/1m01.mov",
        ),
    )  # fmt: skip
    make_cue(tmp_path / "Temp/1m02", audio=("PT/Audio Files/A.wav",))
    (tmp_path / "Temp/temp mix.wav").write_bytes(b"")
    assert find_cues(tmp_path).problems == ()


def test_a_session_whose_audio_is_of_other_kinds_or_only_bounced_says_so(tmp_path):
    make_cue(tmp_path / "1m01", audio=("PT/Audio Files/A.sd2", "PT/Bounced Files/6mx.L.wav"))
    (problem,) = find_cues(tmp_path).problems
    assert "kinds that are not read (.sd2)" in problem.text
    assert "1 audio file in 'PT/Bounced Files'" in problem.text


WAVE = b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0"


@pytest.mark.parametrize("name", ["CELLI_01", "VLN_01.L", "Kick.01", "6mx v2.1", "a.wave2"])
def test_a_file_of_no_known_suffix_is_audio_if_it_begins_so(tmp_path, name):
    make_cue(tmp_path / "1m01")
    (tmp_path / "1m01/PT/Audio Files" / name).write_bytes(WAVE + bytes(40))
    (tmp_path / "1m01/PT/Audio Files" / f"{name}x").write_bytes(b"RIFF\x24\0\0\0AVI " + bytes(40))
    (cue,) = find_cues(tmp_path).cues
    assert f"PT/Audio Files/{name}" in cue.audio_paths
    assert len(cue.audio_paths) == 3


@pytest.mark.parametrize("name", ["VLN.bak", "VLN.wav.old", "VLN.txt", "VLN.wav.md5", "._VLN"])
def test_a_copy_set_aside_and_a_sidecar_are_no_audio_whatever_they_begin_with(tmp_path, name):
    make_cue(tmp_path / "1m01")
    (tmp_path / "1m01/PT/Audio Files" / name).write_bytes(WAVE + bytes(40))
    (cue,) = find_cues(tmp_path).cues
    assert len(cue.audio_paths) == 2


@pytest.mark.parametrize(
    "name", [".HRN.wav.icloud", "HRN.wav.nextcloud", "HRN.aif.crdownload", "HRN.wav.part"]
)
def test_what_stands_for_audio_that_is_not_downloaded_belongs_to_the_cue(tmp_path, name):
    make_cue(tmp_path / "1m01")
    before = find_cues(tmp_path).cues[0].audio_fingerprint
    (tmp_path / "1m01/PT/Audio Files" / name).write_bytes(b"x")
    (cue,) = find_cues(tmp_path).cues
    assert cue.audio_paths[-1] == f"PT/Audio Files/{name}"
    assert cue.audio_fingerprint != before


def test_a_placeholder_beside_its_file_is_no_news(tmp_path):
    make_cue(tmp_path / "1m01")
    (tmp_path / "1m01/PT/Audio Files/.VLN.L.wav.icloud").write_bytes(b"x")
    assert len(find_cues(tmp_path).cues[0].audio_paths) == 2


def test_a_cue_of_which_nothing_is_downloaded_waits(tmp_path):
    make_cue(tmp_path / "1m01", audio=("PT/Audio Files/.VLN.L.wav.icloud",))
    make_cue(tmp_path / "1m02", midi=("MIDI/.cue.mid.icloud",))
    scan = find_cues(tmp_path)
    assert scan.cues == ()
    assert all("not downloaded" in p.text and "waits" in p.text for p in scan.problems)
    assert len(scan.problems) == 2


def test_a_sequence_that_is_not_downloaded_is_named_and_the_cue_goes_on(tmp_path):
    make_cue(tmp_path / "1m01", midi=("MIDI/a.mid", "MIDI/.b.mid.icloud"))
    scan = find_cues(tmp_path)
    assert scan.cues[0].midi_paths == ("MIDI/a.mid",)
    (problem,) = scan.problems
    assert "MIDI/b.mid' is not downloaded" in problem.text


def test_a_base_folder_that_is_itself_a_cue_names_the_folder_to_give(tmp_path):
    make_cue(tmp_path / "1m01")
    with pytest.raises(CueError, match="is itself a cue") as refused:
        find_cues(tmp_path / "1m01")
    assert str(refused.value).endswith(f"Give the folder above it: '{tmp_path}'.")


def test_a_base_folder_that_cannot_be_used_is_named_with_the_cure(tmp_path, monkeypatch):
    with pytest.raises(CueError, match="nowhere' does not exist"):
        find_cues(tmp_path / "nowhere")
    (tmp_path / "file").write_text("x")
    with pytest.raises(CueError, match=r"is a file. Give the folder"):
        find_cues(tmp_path / "file")
    with pytest.raises(CueError, match="does not exist"):
        find_cues(tmp_path / "file" / "below")
    _refuse(monkeypatch, tmp_path)
    with pytest.raises(CueError, match=r"cannot be read .Permission denied"):
        find_cues(tmp_path)


def _refuse(monkeypatch, *refused: Path) -> None:
    """The kernel's answer to who may not read, also where the tests run as root."""
    real = os.scandir

    def scandir(path):
        if Path(path) in refused:
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)


def test_an_unreadable_folder_is_reported_and_the_others_are_found(tmp_path, monkeypatch):
    for key in ["1m01", "1m02", "1m03", "Reel 9/1m01"]:
        make_cue(tmp_path / key)
    _refuse(monkeypatch, tmp_path / "1m01/PT/Audio Files", tmp_path / "1m02/MIDI")
    _refuse(monkeypatch, tmp_path / "Reel 9")
    scan = find_cues(tmp_path)
    assert [cue.key for cue in scan.cues] == ["1m03"]
    assert len(scan.problems) == 3
    assert all("cannot be read (Permission denied)" in p.text for p in scan.problems)
    assert "1m01/PT/Audio Files" in scan.problems[0].text
    with pytest.raises(CueError, match="1m02/MIDI' cannot be read"):
        read_cue_folder(tmp_path, "1m02")


def test_loops_of_links_end_and_each_cue_is_found_once_in_its_real_place(tmp_path):
    make_cue(tmp_path / "Reel 1/1m01")
    (tmp_path / "Reel 1/again").symlink_to(tmp_path)
    (tmp_path / "A first by name").symlink_to(tmp_path / "Reel 1")
    (tmp_path / "self").symlink_to(tmp_path / "self")
    (tmp_path / "Reel 1/1m01/PT/up").symlink_to("..")
    (tmp_path / "broken").symlink_to(tmp_path / "gone")
    scan = find_cues(tmp_path)
    assert [cue.key for cue in scan.cues] == ["Reel 1/1m01"]
    assert scan.problems == ()


def linked_outside(tmp_path):
    root, volume = tmp_path / "root", tmp_path / "volume"
    make_cue(volume / "1m07")
    make_cue(root / "1m08", audio=())
    (root / "Reel 1").symlink_to(volume)
    (root / "1m08/PT").symlink_to(volume / "1m07/PT")
    return root, volume


def test_links_out_of_the_library_are_not_followed_and_each_is_told(tmp_path):
    root, volume = linked_outside(tmp_path)
    scan = find_cues(root)
    assert scan.cues == ()
    assert [problem.path.name for problem in scan.problems] == ["1m08", "Reel 1"]
    for problem in scan.problems:
        assert f"a link out of the library, to '{volume}" in problem.text
        assert "CUE_LINKS_TO" in problem.text
    with pytest.raises(CueError, match="CUE_LINKS_TO"):
        read_cue_folder(root, "Reel 1/1m07")


def test_links_to_folders_that_a_setting_names_are_followed(tmp_path, monkeypatch):
    root, volume = linked_outside(tmp_path)
    monkeypatch.setenv("CUE_LINKS_TO", f"{tmp_path / 'elsewhere'}, {volume}")
    assert keys(root) == ["1m08", "Reel 1/1m07"]


def test_a_library_that_is_itself_behind_a_link_is_read(tmp_path):
    make_cue(tmp_path / "volume/library/1m01")
    (tmp_path / "library").symlink_to(tmp_path / "volume/library")
    assert keys(tmp_path / "library") == ["1m01"]


def test_a_linked_file_that_is_gone_is_left_to_its_room_and_seen_when_it_is_back(tmp_path):
    make_cue(tmp_path / "1m01")
    volume, link = tmp_path / "HRN.wav", tmp_path / "1m01/PT/Audio Files/HRN.wav"
    link.symlink_to(volume)
    (gone,) = find_cues(tmp_path).cues
    assert "PT/Audio Files/HRN.wav" in gone.audio_paths
    volume.write_bytes(b"here")
    (back,) = find_cues(tmp_path).cues
    assert back.audio_fingerprint != gone.audio_fingerprint


def test_a_cue_whose_files_are_all_links_to_nowhere_waits_for_their_volume(tmp_path):
    make_cue(tmp_path / "1m01", audio=())
    audio = tmp_path / "1m01/PT/Audio Files"
    audio.mkdir(parents=True, exist_ok=True)
    for name in ("HRN.wav", "VLN.wav"):
        (audio / name).symlink_to(f"/Volumes/gone/{name}")
    scan = find_cues(tmp_path)
    assert scan.cues == ()
    assert "HRN.wav' and 1 more are links to nowhere" in scan.problems[0].text
    assert "not mounted" in scan.problems[0].text


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("1m01, alt", "a comma"),
        ("1m01 To be continued...", "'...'"),
        ("1m01\talt", "control character"),
        ("1m01\x7f", "control character"),
        ("1m01 caf\udce9", "not UTF-8"),
    ],
)
def test_a_name_that_dagster_cannot_hold_is_refused_by_name(tmp_path, name, fault):
    try:
        make_cue(tmp_path / name)
    except OSError:
        pytest.skip("this disk does not take such a name")
    make_cue(tmp_path / "1m02")
    scan = find_cues(tmp_path)
    assert [cue.key for cue in scan.cues] == ["1m02"]
    (problem,) = scan.problems
    assert fault in problem.text
    assert "Rename the folder" in problem.text
    assert problem.text.isprintable()
    problem.text.encode()
    with pytest.raises(CueError, match="Rename the folder"):
        read_cue_folder(tmp_path, name)


def test_an_audio_file_whose_name_is_not_utf8_refuses_its_cue(tmp_path):
    try:
        make_cue(tmp_path / "1m01", audio=("PT/Audio Files/caf\udce9.wav",))
    except OSError:
        pytest.skip("this disk does not take such a name")
    (problem,) = find_cues(tmp_path).problems
    assert "caf\\xe9.wav': the file's name is not UTF-8" in problem.text


def test_two_folders_whose_names_differ_only_in_encoding_are_both_refused(tmp_path):
    for form in ("NFC", "NFD"):
        make_cue(tmp_path / unicodedata.normalize(form, "1m01 Élise"))
    if len(list(tmp_path.iterdir())) < 2:
        pytest.skip("this disk has one name for both")
    scan = find_cues(tmp_path)
    assert scan.cues == ()
    assert len(scan.problems) == 2
    assert "NFC and NFD" in scan.problems[0].text
    with pytest.raises(CueError, match="NFC and NFD"):
        read_cue_folder(tmp_path, "1m01 Élise")


def test_the_fingerprint_changes_with_any_file_and_only_then(tmp_path):
    cue = make_cue(tmp_path / "1m01")
    wav, mid = cue / "PT/Audio Files/VLN.L.wav", cue / "MIDI/cue.mid"
    seen = [find_cues(tmp_path).cues[0]]

    def changed(what: str) -> None:
        seen.append(read_cue_folder(tmp_path, "1m01"))
        before, after = seen[-2:]
        assert (before.midi_fingerprint != after.midi_fingerprint) == (what == "midi")
        assert (before.audio_fingerprint != after.audio_fingerprint) == (what == "audio")
        assert (before.fingerprint != after.fingerprint) == (what != "nothing")

    changed("nothing")
    (cue / "notes.txt").write_text("x")
    changed("nothing")
    os.utime(wav, ns=(1, 1))
    changed("audio")
    wav.write_bytes(b"xx")
    os.utime(wav, ns=(1, 1))
    changed("audio")
    wav.rename(wav.with_name("VLN 2.L.wav"))
    changed("audio")
    (cue / "MIDI/b.mid").write_bytes(b"x")
    changed("midi")
    mid.unlink()
    changed("midi")


def test_a_folder_is_found_as_it_was_spelt_and_by_its_key_where_the_copy_spells_otherwise(tmp_path):
    decomposed = unicodedata.normalize("NFD", "Rêves/1m01 Élise")
    key = unicodedata.normalize("NFC", decomposed)
    one, other = tmp_path / "one", tmp_path / "other"
    make_cue(one / decomposed)
    make_cue(other / key)
    (cue,) = find_cues(one).cues
    assert cue.key == key
    assert (one / cue.folder).samefile(one / decomposed)
    assert unicodedata.normalize("NFC", cue.folder) == key
    for root in (one, other):
        for folder in (cue.folder, None, "Rêves/gone"):
            assert read_cue_folder(root, key, folder).path.parent.parent == root
    assert read_cue_folder(one, key, cue.folder) == cue


def test_a_cue_that_cannot_be_read_now_is_told_from_half_a_cue(tmp_path):
    make_cue(tmp_path / "half", audio=())
    waits = make_cue(tmp_path / "waits", midi=())
    (waits / "MIDI").mkdir()
    (waits / "MIDI" / "cue.mid").symlink_to(tmp_path / "not mounted" / "cue.mid")
    kinds = {p.path.name: p.kind for p in find_cues(tmp_path).problems}
    assert kinds == {"half": "skipped", "waits": "unread"}


def test_a_folder_whose_audio_lies_elsewhere_is_unread_and_no_half_of_a_cue(tmp_path):
    make_cue(tmp_path / "1 loose", audio=("PT/VLN.L.wav", "PT/VLN.R.wav"))
    make_cue(tmp_path / "2 deep", audio=("PT/reel 1/v3/Audio Files/VLN.wav",))
    make_cue(tmp_path / "3 two", audio=("PT/v2/Audio Files/A.wav", "PT/v3/Audio Files/A.wav"))
    make_cue(tmp_path / "4 fades", audio=("PT/Fade Files/fade.wav",))
    problems = find_cues(tmp_path).problems
    assert [p.kind for p in problems] == ["unread", "unread", "unread", "skipped"]
    assert "It has 2 audio files in 'PT', where none is looked for" in problems[0].text
    assert "1 audio file in 'PT/reel 1/v3/Audio Files'" in problems[1].text


def test_a_placeholder_for_midi_is_a_warning_of_a_cue_that_is_processed(tmp_path):
    make_cue(tmp_path / "1m01", midi=("MIDI/a.mid", "MIDI/.b.mid.icloud"))
    scan = find_cues(tmp_path)
    assert [cue.midi_paths for cue in scan.cues] == [("MIDI/a.mid",)]
    (problem,) = scan.problems
    assert problem.kind == "warning"
    assert "b.mid' is not downloaded" in problem.text
