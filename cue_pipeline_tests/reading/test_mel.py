"""Spectrograms through the door: the stored numbers, and only those asked for."""

from itertools import pairwise

import numpy as np
import pytest
import sqlalchemy as sa

import cue_pipeline as cp
from cue_pipeline.errors import WarehouseError
from cue_pipeline.warehouse import tables as t
from cue_pipeline_tests.warehouse.synthetic import SyntheticCue, load

CUE = SyntheticCue()  # 300 frames in chunks of 128
RATE = 48_000 / 512


@pytest.fixture
def stem(store, filled_url):
    load(store, CUE)
    return cp.open_library(filled_url)[CUE.key].stems["Stem 1"]


def test_a_mel_is_the_array_that_was_stored(stem):
    mel = stem.mel()
    assert mel.shape == (300, 64)
    assert mel.dtype == np.float32
    assert np.array_equal(mel, CUE.mel(1))
    assert np.array_equal(stem.cue.mixes["6mx"].mel(), CUE.mel(0))
    assert mel.frames_per_second == RATE
    assert np.array_equal(mel.times, np.arange(300) * 512 / 48_000)


@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [
        (0.0, 1.0, 0, 94),  # frame 93 is centred on 0.992 s, frame 94 on 1.0027 s
        (1.0, 2.0, 94, 188),
        (1.024, 1.024, 96, 96),
        (1.024, 1.0346, 96, 97),
        (128 / RATE, 256 / RATE, 128, 256),  # from chunk line to chunk line
        (0.5, 3.0, 47, 282),  # over three chunks
        (-1.0, 0.02, 0, 2),
        (3.0, 99.0, 282, 300),
        (50.0, 60.0, 300, 300),
        (2.0, 1.0, 188, 188),
    ],
)
def test_a_window_holds_the_frames_whose_centres_lie_in_it(stem, start, end, first, last):
    expected = CUE.mel(1)[first:last]
    for window in (stem.window(start, end), stem.mel().window(start, end)):
        assert window.dtype == np.float32
        assert np.array_equal(window, expected)


def test_windows_that_follow_each_other_are_the_whole(stem):
    edges = np.arange(0, 3.6, 0.3)
    parts = [stem.window(a, b) for a, b in pairwise(edges)]
    assert np.array_equal(np.concatenate(parts), CUE.mel(1))


def test_a_window_is_read_from_its_own_chunks_alone(stem, store):
    mel = stem.mel()
    with store.engine.begin() as connection:  # what is not asked for may even be gone
        connection.execute(
            sa.delete(t.audio_feature_chunks).where(t.audio_feature_chunks.c.chunk_index != 1)
        )
    assert np.array_equal(mel.window(130 / RATE, 250 / RATE), CUE.mel(1)[130:250])
    assert np.array_equal(mel[130:250], CUE.mel(1)[130:250])
    with pytest.raises(WarehouseError, match=r"hold .* bytes of frames 0 to 300; 38400 are needed"):
        mel.array  # noqa: B018 - asking is what fails


def test_a_mel_takes_part_in_arithmetic_as_an_array_does(stem):
    mel, stored = stem.mel(), CUE.mel(1).astype(np.float32)
    assert np.array_equal(mel - mel.max_db, stored - np.float32(-10.0))
    assert np.array_equal(np.maximum(mel, -40), np.maximum(stored, -40))
    assert np.array_equal(mel.T, stored.T)
    assert mel.max() == stored.max()
    assert np.mean(mel) == stored.mean()
    assert np.array_equal(mel[5], stored[5])
    assert np.array_equal(mel[::7, 3:5], stored[::7, 3:5])
    assert np.asarray(mel, dtype=np.float64).dtype == np.float64
    assert len(mel) == 300
    assert mel.ndim == 2
    with pytest.raises(AttributeError, match="no attribute 'widnow'"):
        mel.widnow  # noqa: B018 - a misspelling


def test_a_profile_or_channel_that_is_not_stored_is_answered_with_those_that_are(stem):
    with pytest.raises(
        WarehouseError, match=r"'mt3' of channel 'mono'.*There are: 'default' of 'mono'"
    ):
        stem.mel("mt3")
    with pytest.raises(WarehouseError, match="of channel 'L'"):
        stem.window(0, 1, channel="L")


def test_a_window_never_mixes_what_was_made_at_different_times(stem, store):
    mel = stem.mel()
    stem.window(0.0, 1.0)
    # Made again with other parameters: half the bands under the same id.
    load(store, SyntheticCue(seed=1, n_mels=32), ("mel_features",))
    now = SyntheticCue(seed=1, n_mels=32).mel(1)
    assert np.array_equal(stem.window(1.0, 2.0), now[94:188])
    with pytest.raises(WarehouseError, match=r"made again since.*anew"):
        mel.window(1.0, 2.0)


def test_frames_that_are_not_centred_count_from_the_middle_of_their_first_window(stem, store):
    with store.engine.begin() as connection:
        connection.execute(
            sa.update(t.audio_features).values(params={"center": False, "n_fft": 2048})
        )
    mel = stem.mel()
    assert mel.times[0] == 1024 / 48_000
    assert len(mel.window(0.0, 1024 / 48_000)) == 0
    assert len(mel.window(0.0, 1025 / 48_000)) == 1
