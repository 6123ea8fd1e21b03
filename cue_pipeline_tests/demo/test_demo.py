"""Judged by programs that did not write it: mido, pretty_midi, soundfile, librosa."""

import shutil
import struct
from itertools import pairwise
from pathlib import Path

import mido
import numpy as np
import pretty_midi
import pytest
import soundfile as sf

from cue_pipeline.cue.numbering import parse_cue_number
from cue_pipeline.cue.scan import find_cues
from cue_pipeline.demo import write_demo, writing
from cue_pipeline.errors import CueError

TITLES = "Reel 1/1m01 Opening Titles"
LETTER = "Reel 1/1m02 The Letter v2"
CHASE = "Reel 2/2m05a Chase"
RADIO = "Reel 2/2m06s Radio"


@pytest.fixture
def library(demo_library) -> Path:
    return demo_library


def audio(library: Path, cue: str) -> dict[str, np.ndarray]:
    found = {}
    for path in sorted((library / cue / "PT/Audio Files").iterdir()):
        y, sample_rate = sf.read(path, dtype="int32")
        assert sample_rate == 48_000
        found[path.stem] = y >> 8  # 24 bits, left-justified by libsndfile
    return found


def midi(library: Path, cue: str, name: str | None = None) -> mido.MidiFile:
    return mido.MidiFile(library / cue / "MIDI" / f"{name or Path(cue).name}.mid")


def messages(library: Path, kind: str) -> list[mido.Message]:
    return [
        message
        for path in library.rglob("*.mid")
        for track in mido.MidiFile(path).tracks
        for message in track
        if message.type == kind
    ]


def test_the_scan_finds_four_cues_and_nothing_to_complain_of(library):
    scan = find_cues(library)
    assert [cue.key for cue in scan.cues] == [TITLES, LETTER, CHASE, RADIO]
    assert scan.problems == ()
    numbers = [parse_cue_number(cue.key) for cue in scan.cues]
    assert [number.label for number in numbers] == ["1m01", "1m02", "2m05a", "2m06s"]
    assert [number.version for number in numbers] == [None, "2", None, None]


def test_all_cues_together_are_short_and_small(library):
    lengths = [len(next(iter(audio(library, c).values()))) / 48_000 for c in _cues()]
    assert sum(lengths) < 30
    assert sum(p.stat().st_size for p in library.rglob("*") if p.is_file()) < 60e6


def _cues() -> tuple[str, ...]:
    return (TITLES, LETTER, CHASE, RADIO)


def test_files_are_24_bit_and_share_a_time_reference_within_a_cue(library):
    for cue in _cues():
        references = set()
        for path in (library / cue / "PT/Audio Files").iterdir():
            assert sf.info(path).subtype == "PCM_24"
            data = path.read_bytes()
            # EBU Tech 3285: 338 bytes into the chunk, 64 bits of time reference, then the version.
            reference, version = struct.unpack_from("<QH", data, data.index(b"bext") + 8 + 338)
            references.add(reference)
            assert version == 1
        assert len(references) == 1
        assert min(references) >= 3_600 * 48_000


@pytest.mark.parametrize(
    ("cue", "group", "channels"),
    [
        (TITLES, "1m01 TIMP_01", [""]),
        (TITLES, "1m01 VLN I_01", [".L", ".R"]),
        (TITLES, "1m01 FHN_01", [".C", ".L", ".R"]),
        (TITLES, "1m01 CHOIR_01", [".L", ".Ls", ".R", ".Rs"]),
        (LETTER, "1m02 VLA_01", [".C", ".L", ".Ls", ".R", ".Rs"]),
        (CHASE, "2m05a LOW PERC_01", [".C", ".L", ".LFE", ".Ls", ".R", ".Rs"]),
        (RADIO, "2m06s Radio 6mx", [".C", ".L", ".Ls", ".R", ".Rs", ".lfe"]),
    ],
)
def test_stems_come_in_the_layouts_of_the_field(library, cue, group, channels):
    names = audio(library, cue)
    assert sorted(n.removeprefix(group) for n in names if n.startswith(group)) == sorted(channels)
    assert len({len(y) for y in names.values()}) == 1


def test_a_take_pair_a_click_and_stems_without_a_track_are_there(library):
    assert {"1m02 FL_01", "1m02 FL_02"} <= audio(library, LETTER).keys()
    assert {"2m05a CLK_01", "2m05a RISER_01"} <= audio(library, CHASE).keys()
    assert "Piano Sketch" in [track.name for track in midi(library, TITLES).tracks]


def test_the_mix_is_the_sum_of_its_stems(library):
    phantom = 0.5**0.5
    for cue in _cues():
        files = audio(library, cue)
        mix = {name.rsplit(".", 1)[1]: y for name, y in files.items() if "6mx" in name}
        total = {label: np.zeros(len(y)) for label, y in mix.items()}
        for name, y in files.items():
            base, _, label = name.rpartition(".")
            if any(part in name for part in ("6mx", "CLK", "FL_01")):
                continue
            if base:
                total["lfe" if label == "LFE" else label] += y
            elif cue == RADIO:
                total["C"] += y
            else:
                total["L"] += phantom * y
                total["R"] += phantom * y
        assert len(mix) == 6
        for label, y in mix.items():
            assert np.abs(y - total[label]).max() <= 0.5 + 1e-6


def test_nothing_clips_and_no_stem_is_silent(library):
    for cue in _cues():
        for name, y in audio(library, cue).items():
            peak = np.abs(y).max() / 2**23
            assert peak < 0.9, name
            assert "6mx" in name or peak > 0.02, name
            assert np.abs(y[-48:]).max() < 2**23 * 1e-3, name


def test_the_conductor_slows_down_in_many_small_steps(library):
    for cue in (TITLES, LETTER):
        tempi = [m.tempo for m in midi(library, cue).tracks[0] if m.type == "set_tempo"]
        slowing = [b > a for a, b in pairwise(tempi)]
        assert sum(slowing) >= 6
    titles = [m.tempo for m in midi(library, TITLES).tracks[0] if m.type == "set_tempo"]
    assert titles[1] < titles[0]


def test_meters_change_also_within_a_bar_and_after_a_pickup(library):
    def meters(cue: str) -> list[tuple[int, int, int]]:
        now, found = 0, []
        for message in midi(library, cue).tracks[0]:
            now += message.time
            if message.type == "time_signature":
                found.append((now, message.numerator, message.denominator))
        return found

    assert meters(LETTER) == [(0, 3, 8), (720, 6, 8)]
    chase = meters(CHASE)
    assert chase == [(0, 5, 8), (2_400, 3, 4), (3_840, 4, 4), (4_800, 3, 4)]
    assert (chase[3][0] - chase[2][0]) % (4 * 480) == 960  # two quarters into a bar of four


def test_every_kind_of_event_is_played(library):
    assert {m.control for m in messages(library, "control_change")} >= {1, 7, 11, 64, 74}
    assert len({m.program for m in messages(library, "program_change")}) >= 8
    assert min(m.pitch for m in messages(library, "pitchwheel")) == -8_192
    assert len(messages(library, "aftertouch")) > 10
    assert len(messages(library, "polytouch")) == 4
    assert {m.key for m in messages(library, "key_signature")} == {"Dm", "D", "Em", "G", "Cm", "F"}
    assert len(messages(library, "marker")) == 13


def test_marker_tracks_and_a_track_without_notes_are_there(library):
    names = {track.name for path in library.rglob("*.mid") for track in mido.MidiFile(path).tracks}
    assert {"Conductor", "Orchestrator Notes", "Filter Automation"} <= names
    (automation,) = (t for t in midi(library, CHASE).tracks if t.name == "Filter Automation")
    assert not any(m.type == "note_on" for m in automation)


def test_one_cue_has_two_midi_files_of_different_resolution_on_one_tempo_map(library):
    score = midi(library, LETTER)
    synths = midi(library, LETTER, "1m02 The Letter v2 Synths")
    assert (score.ticks_per_beat, synths.ticks_per_beat) == (480, 960)
    tempi = [[m.tempo for m in f.tracks[0] if m.type == "set_tempo"] for f in (score, synths)]
    assert tempi[0] == tempi[1]


def test_a_pitch_is_struck_again_before_it_ends(library):
    overlaps = 0
    for path in library.rglob("*.mid"):
        for track in mido.MidiFile(path).tracks:
            sounding: dict[tuple[int, int], int] = {}
            for message in track:
                if message.type in ("note_on", "note_off"):
                    key = (message.channel, message.note)
                    on = message.type == "note_on"
                    overlaps += on and sounding.get(key, 0) > 0
                    sounding[key] = sounding.get(key, 0) + (1 if on else -1)
            assert set(sounding.values()) <= {0}
    assert overlaps > 10


@pytest.mark.parametrize(
    ("cue", "track", "stem", "sure"),
    [
        (TITLES, "Timpani", "1m01 TIMP_01", 0.95),
        (LETTER, "Harp", "1m02 HARP_01.L", 0.9),
        (CHASE, "Taikos Low", "2m05a LOW PERC_01.L", 0.95),
        (RADIO, "Upright Piano", "2m06s PNO_01", 0.9),
        (RADIO, "Double Bass", "2m06s BASS_01", 0.9),
    ],
)
def test_what_is_struck_sounds_when_the_midi_file_says(library, cue, track, stem, sure):
    import librosa

    score = pretty_midi.PrettyMIDI(str(library / cue / "MIDI" / f"{Path(cue).name}.mid"))
    (part,) = (i for i in score.instruments if i.name.strip() == track)
    # The clearest hits: struck notes lose themselves in the ringing of louder ones.
    times = np.unique([round(n.start, 4) for n in part.notes if n.velocity >= 76])
    silence = 0.25  # before the first note, which librosa would not see at the very edge
    y = np.pad(audio(library, cue)[stem].astype(np.float32) / 2**23, (round(silence * 48_000), 0))
    strength = librosa.onset.onset_strength(
        y=y, sr=48_000, hop_length=64, n_fft=1_024, n_mels=80, fmax=12_000, lag=4
    )
    found = librosa.onset.onset_detect(
        onset_envelope=strength, sr=48_000, hop_length=64, units="time", wait=20, delta=0.03
    )
    # librosa's detection comes late by its lag of four hops.
    errors = np.array([np.abs(found - 4 * 64 / 48_000 - silence - t).min() for t in times])
    assert np.mean(errors < 0.010) >= sure


def test_a_line_is_heard_at_its_pitch(library):
    import librosa

    y = audio(library, LETTER)["1m02 FL_02"].astype(np.float32) / 2**23
    score = pretty_midi.PrettyMIDI(str(library / LETTER / "MIDI/1m02 The Letter v2.mid"))
    (flute,) = (i for i in score.instruments if i.name.strip() == "Flute")
    for note in flute.notes:
        if note.end - note.start < 0.4:
            continue  # too short to be told from the hall's answer to the note before
        # Its second half: the beginning may be scooped, by the pitch bend that is written.
        a, b = (round(t * 48_000) for t in ((note.start + note.end) / 2, note.end))
        f0 = librosa.yin(y[a:b], fmin=300, fmax=1_200, sr=48_000, frame_length=2_048)
        cents = 1_200 * np.log2(np.median(f0) / librosa.midi_to_hz(note.pitch))
        assert abs(cents) < 20, note


def test_the_same_music_gives_the_same_bytes():
    radio = writing.CUES[3]
    assert dict(writing.cue_files(radio, 3)) == dict(writing.cue_files(radio, 3))


def test_a_second_call_leaves_the_cues_as_they_are(library):
    before = {p: p.stat().st_mtime_ns for p in library.rglob("*")}
    lines: list[str] = []
    folders = write_demo(library, progress=lines.append)
    assert folders == tuple(library / cue for cue in _cues())
    assert {p: p.stat().st_mtime_ns for p in library.rglob("*")} == before
    assert all("unchanged" in line for line in lines)


def _only_the_radio(monkeypatch) -> None:
    monkeypatch.setattr(writing, "CUES", writing.CUES[3:])


def test_a_file_of_the_demo_that_someone_changed_is_not_written_over(tmp_path, monkeypatch):
    _only_the_radio(monkeypatch)
    write_demo(tmp_path)
    mine = tmp_path / RADIO / "MIDI/2m06s Radio.mid"
    mine.write_bytes(b"my own")
    with pytest.raises(CueError, match=r"2m06s Radio.mid' differ"):
        write_demo(tmp_path)
    assert mine.read_bytes() == b"my own"


def test_a_file_of_the_demo_that_is_gone_comes_back(tmp_path, monkeypatch):
    _only_the_radio(monkeypatch)
    write_demo(tmp_path)
    stem = tmp_path / RADIO / "PT/Audio Files/2m06s PNO_01.wav"
    content = stem.read_bytes()
    stem.unlink()
    write_demo(tmp_path)
    assert stem.read_bytes() == content


def test_other_files_in_the_folder_stay_and_a_name_that_is_taken_is_refused(tmp_path, monkeypatch):
    _only_the_radio(monkeypatch)
    other = tmp_path / "Reel 9/9m01/notes.txt"
    other.parent.mkdir(parents=True)
    other.write_text("mine")
    taken = tmp_path / RADIO / "PT/Audio Files/2m06s BASS_01.wav"
    taken.parent.mkdir(parents=True)
    taken.write_bytes(b"my own bass")
    with pytest.raises(CueError, match=r"BASS_01.wav' differ"):
        write_demo(tmp_path)
    assert sorted(p for p in tmp_path.rglob("*") if p.is_file()) == sorted([other, taken])
    shutil.rmtree(tmp_path / "Reel 2")
    write_demo(tmp_path)
    assert other.read_text() == "mine"


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path):
    (tmp_path / "demo").write_text("x")
    with pytest.raises(CueError, match="is a file"):
        write_demo(tmp_path / "demo")


def test_a_folder_that_cannot_be_made_is_told_before_any_music(tmp_path):
    (tmp_path / "file").write_text("")
    said = []
    with pytest.raises(CueError, match="cannot be written"):
        write_demo(tmp_path / "file" / "demo", progress=said.append)
    assert said == []
