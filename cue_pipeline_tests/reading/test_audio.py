"""Samples through the door, beside soundfile and soxr on the whole file."""

import shutil
import unicodedata

import numpy as np
import pytest
import soundfile as sf
import soxr

import cue_pipeline as cp
from cue_pipeline.audio.excerpt import read_excerpt
from cue_pipeline.audio.mel import log_mel_spectrogram
from cue_pipeline.errors import AudioFileError, CueError
from cue_pipeline.settings import read_settings
from cue_pipeline_tests.cues import write_cue
from cue_pipeline_tests.workspace import Workspace

RATE = 48_000


def noise(frames, channels=1):
    """Return noise in steps of 16 bits, which every format here holds exactly."""
    random = np.random.default_rng(frames + channels)
    return (random.integers(-20_000, 20_000, (frames, channels)) / 2**15).astype(np.float32)


def described(file, frames, label="M", index=0, rate=RATE):
    return {
        "label": label,
        "file": file,
        "channel_index": index,
        "frames": frames,
        "sample_rate": rate,
    }


@pytest.mark.parametrize(
    ("name", "subtype"),
    [
        ("a.wav", "PCM_16"), ("a.wav", "PCM_24"), ("a.wav", "PCM_32"), ("a.wav", "FLOAT"),
        ("a.aiff", "PCM_24"), ("a.flac", "PCM_24"), ("a.w64", "PCM_24"), ("a.wav", "ULAW"),
        ("a.wav", "MS_ADPCM"), ("a.ogg", "VORBIS"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(("start", "duration"), [(0.0, 0.5), (0.25, 0.5), (1.9, 5.0), (0.5, None)])
def test_samples_are_those_that_soundfile_reads(tmp_path, name, subtype, start, duration):
    sf.write(tmp_path / name, noise(2 * RATE, 2), RATE, subtype=subtype)
    frames = sf.info(tmp_path / name).frames  # ADPCM comes in whole blocks
    channels = [described(name, frames, "R", 1), described(name, frames, "L", 0)]
    found = read_excerpt(tmp_path, channels, start=start, duration=duration, sample_rate=RATE)
    first = round(start * RATE)
    count = -1 if duration is None else min(round(duration * RATE), frames - first)
    peer, _ = sf.read(tmp_path / name, start=first, frames=count, dtype="float32")
    assert found.dtype == np.float32
    assert np.array_equal(found, peer.T[::-1])


@pytest.mark.parametrize(
    ("name", "subtype"), [("a.mp3", "MPEG_LAYER_III"), ("a.ogg", "VORBIS"), ("a.opus", "OPUS")]
)
def test_a_coded_file_is_entered_at_the_very_sample(tmp_path, name, subtype):
    rate = 48_000
    kind = {"mp3": "MP3"}.get(name.rpartition(".")[2], "OGG")
    with sf.SoundFile(tmp_path / name, "w", rate, 2, subtype, format=kind) as file:
        for _ in range(12):  # libsndfile's coder of Vorbis fails on long blocks
            file.write(noise(rate, 2))
    whole, _ = sf.read(tmp_path / name, dtype="float32")
    channels = [
        described(name, len(whole), "L", 0, rate),
        described(name, len(whole), "R", 1, rate),
    ]
    for start in (0.0, 0.4321, 5.0, 11.3):
        found = read_excerpt(tmp_path, channels, start=start, duration=0.25, sample_rate=rate)
        first = round(start * rate)
        assert np.abs(found.T - whole[first : first + rate // 4]).max() < 1e-6


@pytest.mark.parametrize(("rate", "to"), [(48_000, 22_050), (44_100, 48_000), (96_000, 48_000)])
@pytest.mark.parametrize("start", [0.0, 1.2345, 2.9])
def test_resampled_samples_are_those_of_the_whole_file_resampled(tmp_path, rate, to, start):
    whole = noise(3 * rate)[:, 0]
    sf.write(tmp_path / "a.wav", whole, rate, subtype="PCM_24")
    found = read_excerpt(
        tmp_path, [described("a.wav", 3 * rate, rate=rate)],
        start=start, duration=0.4, sample_rate=to,
    )  # fmt: skip
    peer = soxr.resample(whole, rate, to, quality="HQ")
    first = round(start * to)
    expected = peer[first : round((start + 0.4) * to)]
    assert found.shape == (1, len(expected))
    assert np.abs(found[0] - expected).max() < 2e-5  # noise at -4 dBFS


def test_channels_of_unequal_length_are_padded_with_silence(tmp_path):
    long, short = noise(RATE)[:, 0], noise(RATE // 2)[:, 0]
    sf.write(tmp_path / "a.L.wav", long, RATE, subtype="PCM_24")
    sf.write(tmp_path / "a.R.wav", short, RATE, subtype="PCM_24")
    channels = [described("a.L.wav", RATE, "L"), described("a.R.wav", RATE // 2, "R")]
    found = read_excerpt(tmp_path, channels, start=0.4, duration=0.4, sample_rate=RATE)
    first, last = round(0.4 * RATE), round(0.8 * RATE)
    assert np.array_equal(found[0], long[first:last])
    assert np.array_equal(found[1], np.pad(short, (0, RATE))[first:last])
    late = read_excerpt(tmp_path, channels, start=0.7, duration=0.1, sample_rate=RATE)
    assert np.array_equal(late[0], long[round(0.7 * RATE) : last])
    assert not late[1].any()


def test_beyond_the_end_there_is_nothing(tmp_path):
    sf.write(tmp_path / "a.wav", noise(RATE), RATE, subtype="PCM_24")
    channels = [described("a.wav", RATE)]
    for start in (1.0, 7.0):
        found = read_excerpt(tmp_path, channels, start=start, duration=1.0, sample_rate=RATE)
        assert found.shape == (1, 0)
    with pytest.raises(AudioFileError, match="start=-1"):
        read_excerpt(tmp_path, channels, start=-1.0, duration=1.0, sample_rate=RATE)


def test_a_file_that_is_gone_or_another_is_refused_by_name(tmp_path):
    sf.write(tmp_path / "a.wav", noise(RATE), RATE, subtype="PCM_24")
    ask = {"start": 0.0, "duration": 1.0, "sample_rate": RATE}
    with pytest.raises(AudioFileError, match=r"'b\.wav' cannot be read: No such file"):
        read_excerpt(tmp_path, [described("b.wav", RATE)], **ask)
    with pytest.raises(
        AudioFileError, match=r"'a\.wav' .* not the file that was processed: .*48000"
    ):
        read_excerpt(tmp_path, [described("a.wav", RATE + 1)], **ask)
    with pytest.raises(AudioFileError, match="not the file that was processed"):
        read_excerpt(tmp_path, [described("a.wav", RATE, "R", 1)], **ask)


@pytest.fixture(scope="module")
def decomposed(tmp_path_factory):
    """A cue whose folder's name is decomposed (NFD) on disk, processed."""
    done = Workspace(tmp_path_factory.mktemp("decomposed"))
    write_cue(done.base, unicodedata.normalize("NFD", "Rêve/1m01 Élise"))
    done.run("process", "library")
    done.key = unicodedata.normalize("NFC", "Rêve/1m01 Élise")
    done.url = f"sqlite:///{done.home}/cue_pipeline.db"
    return done


@pytest.mark.slow
def test_a_folder_with_a_decomposed_name_is_processed_read_and_up_to_date(decomposed):
    assert "1 up to date" in decomposed.run("process", "library")
    assert set(decomposed.states().values()) == {"ready"}
    cue = cp.open_library(decomposed.url)[decomposed.key]
    assert decomposed.table("cues")["folder"][0] == unicodedata.normalize("NFD", decomposed.key)
    (name,) = [n for n in cue.stems if n.endswith("VLN I_01")]
    stem = cue.stems[name]
    assert stem.labels == ("L", "R")
    assert stem.mel().shape == (94, 64)
    (left,) = cue.folder.rglob("*VLN I_01.L.wav")
    peer, _ = sf.read(left, dtype="float32")
    assert np.array_equal(stem.audio(0, 0.5)[0], peer[: RATE // 2])
    # What a spectrogram was made of is what comes back: made again of it, it is the same.
    again = log_mel_spectrogram(stem.audio().mean(axis=0), read_settings().mel)
    assert np.abs(again - stem.mel()).max() < 0.05  # float16 at 100 dB
    assert stem.audio(0.25, 0.5, sample_rate=24_000).shape == (2, 12_000)
    (mix,) = cue.mixes.values()
    assert mix.audio(0, 0.1).shape == (6, 4_800)


def test_a_library_that_moved_is_read_at_its_new_place_however_that_spells_its_names(
    decomposed, tmp_path
):
    place = tmp_path / "moved"
    shutil.copytree(decomposed.base, place)
    (place / unicodedata.normalize("NFD", "Rêve")).rename(
        place / unicodedata.normalize("NFC", "Rêve")
    )
    here = cp.open_library(decomposed.url)[decomposed.key]
    there = cp.open_library(decomposed.url, root=place)[decomposed.key]
    assert there.folder.is_relative_to(place)
    for name, stem in there.stems.items():
        assert np.array_equal(stem.audio(0, 0.2), here.stems[name].audio(0, 0.2))
    shutil.rmtree(place / unicodedata.normalize("NFC", "Rêve"))
    with pytest.raises(CueError, match=r"no folder 'Rêve'.*If the library has moved.*root="):
        there.stems[name].audio(0, 0.2)
