"""The same music is known again in another key, at another tempo, cut, and with more in it."""

import numpy as np
import pytest

from cue_pipeline.cue.scan import find_cues
from cue_pipeline.library.works import RELATED
from cue_pipeline.midi.reader import read_midi
from cue_pipeline.midi.shingles import SKETCH, Sketch, shared, shingles, sketch_of

N = 1_200


def melody(seed, n=N):
    """Four parts that move by steps and leaps of a key, as tunes do."""
    rng = np.random.default_rng(seed)
    part = np.arange(n) % 4
    steps = rng.choice([-4, -2, -1, 1, 1, 2, 3, 5], n)
    degree = np.zeros(n, int)
    for p in range(4):
        degree[part == p] = np.abs(np.cumsum(steps[part == p])) % 21
    pitch = 40 + np.array([0, 2, 4, 5, 7, 9, 11])[degree % 7] + 12 * (degree // 7)
    start = np.repeat(np.cumsum(rng.choice([0.25, 0.5, 1.0], n // 4)), 4).astype(float)
    return part, start, pitch


def like(a, b):
    return shared(sketch_of([shingles(*a)]), sketch_of([shingles(*b)]))


@pytest.fixture
def piece():
    return melody(1)


def test_neither_key_nor_tempo_nor_rhythm_changes_what_music_is_made_of(piece):
    part, start, pitch = piece
    rng = np.random.default_rng(0)
    assert like(piece, (part, start, pitch + 5)) == 1.0
    assert like(piece, (part, start * 1.37, pitch)) == 1.0
    uneven = np.repeat(np.cumsum(rng.uniform(0.2, 2.0, N // 4)), 4)
    assert like(piece, (part, uneven, pitch)) == 1.0


def test_a_chord_is_the_same_in_whatever_order_its_notes_were_struck():
    rng = np.random.default_rng(2)
    start = np.repeat(np.arange(120.0), 3)
    pitch = np.concatenate([rng.choice(60, 3, replace=False) + 40 for _ in range(120)])
    part = np.zeros(360, int)
    strummed = start + rng.permuted(np.tile([0.0, 0.01, 0.02], (120, 1)), axis=1).ravel()
    assert like((part, start, pitch), (part, strummed, pitch)) == 1.0


def test_a_version_shares_more_than_unrelated_music_ever_does(piece):
    part, start, pitch = piece
    bars = start % 16 < 8
    assert like(piece, (part[bars], start[bars], pitch[bars])) >= 2 * RELATED
    added = [np.r_[a, b] for a, b in zip(piece, melody(7), strict=True)]
    added[0][N:] += 4
    assert like(piece, tuple(added)) == 1.0
    rng = np.random.default_rng(3)
    edited = np.where(rng.random(N) < 0.1, pitch + 2, pitch)
    assert like(piece, (part, start, edited)) >= 2 * RELATED


def test_unrelated_music_stays_below_half_of_what_makes_a_version():
    pieces = [melody(seed, 4_000) for seed in range(8)]
    shares = [like(a, b) for i, a in enumerate(pieces) for b in pieces[:i]]
    assert max(shares) < RELATED / 2


@pytest.mark.slow
def test_the_demonstration_cues_share_nothing(demo_library):
    sketches = {}
    for cue in (scanned.path for scanned in find_cues(demo_library).cues):
        hashes = []
        for path in cue.rglob("*.mid"):
            file = read_midi(path.read_bytes(), path.name)
            m = file.messages
            on = ((m.status & 0xF0) == 0x90) & (m.data2 > 0)
            quarters = m.tick[on] / file.ticks_per_beat
            hashes.append(shingles(m.track[on].astype(np.int64), quarters, m.data1[on].astype(int)))
        sketches[cue] = sketch_of(hashes)
    assert len(sketches) > 3
    for cue, sketch in sketches.items():
        for other, another in sketches.items():
            assert cue == other or (shared(sketch, another) or 0.0) < RELATED / 2


def test_a_sketch_estimates_what_all_shingles_would_say(piece):
    """Against the sets themselves, with pieces of very different length."""
    long, part = melody(5, 16_000), melody(6, 2_000)
    mixed = tuple(np.r_[a[:3_000], b] for a, b in zip(long, part, strict=True))
    mixed[0][3_000:] += 4
    whole, some = shingles(*long), shingles(*mixed)
    exact = len(np.intersect1d(whole, some)) / min(len(whole), len(some))
    assert 0.2 < exact < 0.9
    a, b = sketch_of([whole]), sketch_of([some])
    assert (len(a.hashes), a.is_whole) == (SKETCH, False)
    standard_error = np.sqrt(exact * (1 - exact) / 100)
    assert shared(a, b) == pytest.approx(exact, abs=4 * standard_error)
    assert shared(Sketch.from_bytes(a.to_bytes(), a.n_shingles), b) == shared(a, b)


def test_repeated_notes_trills_and_a_few_notes_say_nothing():
    n = 200
    part, start = np.zeros(n, int), np.arange(n) / 4
    assert len(shingles(part, start, np.full(n, 60))) == 0
    assert len(shingles(part, start, 60 + np.arange(n) % 2 * 2)) == 0
    few = melody(1, 40)
    assert like(few, few) is None
    assert shared(sketch_of([]), sketch_of([])) is None
