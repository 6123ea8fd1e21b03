"""Pictures: valid, small, and drawn from whatever a cue may hold."""

import base64
import re
import struct
import zlib
from itertools import pairwise
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from cue_pipeline.defs.markdown import MOST_PICTURE_BYTES, picture
from cue_pipeline.pictures.canvas import EMBER, Canvas, png, shortened
from cue_pipeline.pictures.matching import Clock, Pair, alignment_picture, evidence_picture
from cue_pipeline.pictures.of_matches import evidence_matrix
from cue_pipeline.pictures.score import note_levels, roll_picture, tempo_picture
from cue_pipeline.pictures.sound import mel_picture, mix_picture, pooled
from cue_pipeline.pictures.thumbnails import shrink_into, thumbnails
from cue_pipeline_tests.mapping.cue_frames import tracks_frame

HOSTILE = "Vln <b>&\"I'\x00\x0b\ud800]]>| ヴァイオリン 🎻"


def is_picture(svg: str) -> ET.Element:
    root = ET.fromstring(svg)  # a picture with one bad letter is not shown at all
    assert root.tag.endswith("svg")
    assert len(svg) < MOST_PICTURE_BYTES
    return root


def midi_files(n_tempos: int = 3, **columns) -> pd.DataFrame:
    row = {
        "file_path": HOSTILE,
        "duration_seconds": 120.0,
        "ticks_per_beat": 480,
        "tempo_map": [[i * 100.0 / n_tempos, i * 96, 500_000 + i] for i in range(n_tempos)],
        "time_signature_map": [[0.0, 0, 4, 4], [16.0, 15360, 7, 8]],
        "markers": [[0.0, 0, HOSTILE], [1.0, 960, "x" * 300]],
    }
    # Arrow's text, which pandas takes where pyarrow is installed, has no half surrogates.
    return pd.DataFrame(
        {
            name: pd.Series([value], dtype=object if name == "file_path" else None)
            for name, value in (row | columns).items()
        }
    )


def some_notes(track: int = 1, n: int = 50) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "midi_track_id": track,
            "note": rng.integers(0, 128, n),
            "velocity": rng.integers(1, 128, n),
            "start_time": np.sort(rng.uniform(0, 60, n)),
            "duration": rng.uniform(0, 2, n),
        }
    )


def noise(n_frames: int, n_mels: int = 64, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-100, 0, (n_frames, n_mels)).astype(np.float16)


def decoded(data: bytes) -> tuple[int, int, np.ndarray]:
    """Read an indexed PNG of bit depth 4 back, checksums and all."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, chunks = 8, {}
    while at < len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        (crc,) = struct.unpack(">I", data[at + 8 + size : at + 12 + size])
        assert crc == zlib.crc32(kind + body)
        chunks[kind] = body
        at += 12 + size
    width, height = struct.unpack(">2I", chunks[b"IHDR"][:8])
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, -1)
    assert not lines[:, 0].any()
    pixels = np.stack([lines[:, 1:] >> 4, lines[:, 1:] & 15], axis=2).reshape(height, -1)
    return width, height, pixels[:, :width]


@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (40, 480)])
def test_a_raster_comes_back_as_it_was_drawn(shape):
    levels = np.random.default_rng(0).integers(0, 16, shape)
    width, height, pixels = decoded(png(levels, EMBER))
    assert (height, width) == shape
    assert np.array_equal(pixels, levels)


def test_any_name_is_drawn_and_the_picture_stays_valid():
    canvas = Canvas(100)
    canvas.text(0, 10, HOSTILE)
    (text,) = [e for e in is_picture(canvas.svg()) if e.tag.endswith("text")]
    assert "<b>" in text.text
    assert "ヴァイオリン" in text.text


@pytest.mark.parametrize("n_tempos", [1, 3, 3000])
def test_a_tempo_curve_is_drawn_however_many_changes_there_are(n_tempos):
    is_picture(tempo_picture(midi_files(n_tempos)))


def test_files_that_cannot_be_used_leave_an_empty_tempo_picture():
    is_picture(tempo_picture(midi_files(duration_seconds=np.nan)))


def test_the_tempo_picture_says_the_meters_and_the_range():
    words = [e.text for e in is_picture(tempo_picture(midi_files())) if e.tag.endswith("text")]
    assert "4/4" in words
    assert "7/8" in words
    assert any("120" in word for word in words)


def test_the_tempo_picture_says_the_time_code_and_whose_tempo_map_it_is():
    files = midi_files()
    files["time_codes"] = [[[0.0, 0, 3725.0, "01:02:05:00 at 25"]]] * len(files)
    files["file_path"], files["clock_from"] = "MIDI/cue.mid", "MIDI/map.mid"
    words = " ".join(e.text or "" for e in is_picture(tempo_picture(files)).iter())
    assert "01:02:05:00 at 25" in words
    assert "clock of MIDI/map.mid" in words


def test_a_note_lies_where_its_time_and_pitch_are():
    notes = pd.DataFrame(
        {"note": [60, 72], "velocity": [127, 127], "start_time": [0.0, 5.0], "duration": [2.0, 5.0]}
    )
    levels = note_levels(notes, 0.0, 10.0, rows=13, columns=100)
    assert levels[12, :20].all()  # the lower note, at the bottom, for its two seconds
    assert not levels[12, 20:].any()
    assert levels[0, 50:].all()
    assert not levels[0, :50].any()


def test_notes_outside_the_window_are_not_drawn_at_its_edges():
    notes = some_notes()
    assert not note_levels(notes, 1000.0, 1010.0, rows=20, columns=50).any()


@pytest.mark.parametrize("n", [0, 1, 60])
def test_a_roll_is_drawn_for_any_number_of_tracks(n):
    tracks = tracks_frame([HOSTILE] * n).assign(id=range(n))
    is_picture(roll_picture(tracks, some_notes(0)))


def test_a_cue_of_forty_noisy_stems_still_makes_a_small_picture():
    mels = {f"{HOSTILE} {i}": noise(600, seed=i) for i in range(40)}
    is_picture(mel_picture(mels, dict.fromkeys(mels, 100.0)))


def test_stems_without_a_frame_are_left_dark():
    is_picture(mel_picture({"a": noise(0), "b": noise(3)}, {"a": 0.0, "b": 1.0}))


def test_a_silent_stem_is_said_to_be_silent():
    loud, silent = noise(600), np.full((600, 64), -100.0 + noise(600).max() - 60.0)
    mels = {"loud": loud, "silent": silent}
    svg = mel_picture(mels, dict.fromkeys(mels, 10.0))
    is_picture(svg)
    assert svg.count("silent beside the others") == 1
    assert "silent beside" not in mel_picture({"loud": loud}, {"loud": 10.0})


def test_a_mix_equal_to_its_stems_shows_no_difference():
    stem = noise(600)
    same, other = mix_picture("mix", stem, [stem], 10.0), mix_picture("mix", stem, [stem - 30], 10)
    assert "+0.0 dB" in same
    assert "+30.0 dB" in other  # one gain for the whole mix is said, not drawn
    is_picture(same)
    is_picture(mix_picture("mix", stem, [], 10.0))
    is_picture(mix_picture("mix", noise(0), [stem], 10.0))


def test_pooling_keeps_the_loudest_and_puts_the_bass_at_the_bottom():
    mel = np.full((100, 64), -90.0)
    mel[10, 0] = -3.0
    small = pooled(mel, 32, 10)
    assert small[31, 1] == -3.0
    assert (small > -90).sum() == 1


def test_chunks_become_the_thumbnail_of_the_whole():
    whole = noise(1000)
    cut = [0, 300, 301, 1000]
    chunks = [
        pd.DataFrame(
            {"f": [7], "first_frame": [a], "n_frames": [b - a], "data": [whole[a:b].tobytes()]}
        )
        for a, b in pairwise(cut)
    ]
    features = pd.DataFrame({"id": [7], "n_frames": [1000], "n_mels": [64], "dtype": ["<f2"]})
    small = thumbnails(features, chunks, "f", 30)[7]
    expected = [whole[i : i + 30].max(axis=0) for i in range(0, 1000, 30)]
    assert np.array_equal(small, np.array(expected, np.float32))


@pytest.mark.parametrize("first", [-500, -3, 0, 95, 200])
def test_frames_beyond_the_edges_of_a_thumbnail_are_left_out(first):
    small = np.full((10, 4), -120.0, np.float32)
    shrink_into(small, np.zeros((50, 4), np.float16), first, 10)
    loud = [i for i in range(10) if i * 10 < first + 50 and i * 10 + 9 >= first]
    assert np.flatnonzero(small[:, 0] == 0.0).tolist() == loud


def test_the_matrix_shows_abstention_and_stays_small():
    scores = np.random.default_rng(0).random((60, 50))
    scores[3] = np.nan
    is_picture(evidence_picture([HOSTILE] * 60, [HOSTILE] * 50, scores))
    is_picture(evidence_picture([], [], np.zeros((0, 0))))


def test_stems_stand_in_the_order_of_the_tracks_heard_in_them():
    tracks = tracks_frame(["a", "b"]).assign(id=[1, 2])
    groups = pd.DataFrame({"id": [8, 9], "canonical_name": ["B", "A"]})
    pairs = pd.DataFrame(
        {"midi_track_id": [1, 1, 2], "audio_file_id": [8, 9, 8], "score": [0.1, 0.9, 0.8]}
    )
    matrix = evidence_matrix(tracks, groups, pairs)
    assert matrix.groups == ["A", "B"]
    assert matrix.scores[0, 0] == 0.9
    assert np.isnan(matrix.scores[1, 0])


@pytest.mark.parametrize("lag", [None, -3.0, 400.0])
@pytest.mark.parametrize("n_frames", [1, 200, 20_000])
def test_notes_stand_above_their_sound_whatever_the_lag(lag, n_frames):
    clock = None if lag is None else Clock(lag, [[0.0, lag], [60.0, 60.0 + lag]], "sound")
    pair = Pair(HOSTILE, HOSTILE, "review", 0.5, some_notes(), noise(n_frames), 93.75, clock)
    is_picture(alignment_picture([pair, pair]))


def drawn_columns(svg: str) -> np.ndarray:
    """Return which columns of the roll, the first raster, have a note."""
    data = re.findall(r"data:image/png;base64,([^\"']+)", svg)[0]
    _, _, pixels = decoded(base64.b64decode(data))
    return (pixels != pixels[0, 0]).any(axis=0)


def test_a_note_stands_at_the_second_in_which_it_is_heard():
    """A take 2 s late that plays the last 20 s of 40 at half the speed."""
    clock = Clock(2.0, [[0.0, 2.0], [20.0, 22.0], [40.0, 62.0]], "sound")
    notes = pd.DataFrame(
        {"midi_track_id": 1, "note": 60, "velocity": 90,
         "start_time": [-9.0, 10.0, 25.0, 39.0], "duration": 1.0}
    )  # fmt: skip
    mel = noise(4000)
    columns = drawn_columns(
        alignment_picture([Pair("a", "b", "auto", 1.0, notes, mel, 100.0, clock)])
    )
    scale = len(columns) / 40.0
    expected = np.zeros(len(columns), bool)
    for start, end in ((12.0, 13.0), (32.0, 34.0)):
        expected[int(start * scale) : int(np.ceil(end * scale))] = True
    # The first was over before the recording, the last comes after it.
    np.testing.assert_array_equal(columns, expected)


@pytest.mark.parametrize(
    ("lag", "said"),
    [
        (36.0, "no note within the recording (first 0:36, recording ends 0:20)"),
        (-70.0, "no note within the recording (last 0:10 before it begins, recording ends 0:20)"),
    ],
)
def test_that_no_note_is_within_the_recording_is_said_and_none_is_drawn(lag, said):
    clock = Clock(lag, [[0.0, lag]], "sound")
    notes = some_notes(n=61).assign(start_time=np.arange(61.0), duration=0.5)
    svg = alignment_picture([Pair("a", "b", "review", 0.5, notes, noise(2000), 100.0, clock)])
    assert said in "".join(is_picture(svg).itertext())
    assert svg.count("data:image/png") == 1  # the spectrogram


def test_a_picture_too_large_for_the_event_log_is_left_out():
    assert "left out" in picture("big", "x" * 200_000).value


def test_names_are_shortened_in_the_middle():
    assert shortened("1m02 Violins I Legato KM184.L", 12) == "1m02 Vi…84.L"
    assert shortened("Horn", 12) == "Horn"
