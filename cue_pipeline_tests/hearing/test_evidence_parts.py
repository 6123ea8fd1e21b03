"""The evidence's parts against scipy, librosa and arithmetic."""

import librosa
import numpy as np
import pytest
from scipy.optimize import nnls
from scipy.signal import lfilter

from cue_pipeline.hearing.alignment import (
    Alignment,
    Session,
    _best_correlations,
    _confidence,
    _Tried,
)
from cue_pipeline.hearing.drum_bands import drum_to_bands
from cue_pipeline.hearing.group_spectra import bands_of
from cue_pipeline.hearing.non_negative import non_negative_weights
from cue_pipeline.hearing.regression import explained, products
from cue_pipeline.hearing.scoring import Measures, onsets_explained
from cue_pipeline.hearing.shares import (
    in_power,
    least_divergent,
    level_to_power,
    shares,
)
from cue_pipeline.hearing.templates import (
    LEVEL_EXPONENT,
    Spread,
    TrackNotes,
    level_templates,
    onset_curve,
    pitch_to_bands,
    same_notes,
    shaped,
)

EVEN = Spread(np.ones((128, 1), np.float32), np.ones((128, 1), np.float32))


def _by_scipy(x, y):
    return np.stack([nnls(x, column)[0] for column in y.T], axis=1)


@pytest.mark.parametrize("seed", range(8))
def test_non_negative_weights_are_those_of_scipy(seed):
    rng = np.random.default_rng(seed)
    size = np.array([1e-6, 1.0, 1.0, 1e6])
    x, y = rng.normal(size=(3, 80, 6)) + 0.5, rng.normal(size=(3, 80, 4)) * size
    xt = np.swapaxes(x, 1, 2)
    found = non_negative_weights(xt @ x, xt @ y)
    for weights, templates, targets in zip(found, x, y, strict=True):
        np.testing.assert_allclose(weights / size, _by_scipy(templates, targets) / size, atol=1e-9)


@pytest.mark.parametrize("sweeps", [0, 1, 5, 50])
def test_weights_are_right_whatever_the_guess_and_however_alike_the_templates(monkeypatch, sweeps):
    """Fifteen notes in three shapes each, a correlation of 0.99: more than a round of pivoting."""
    monkeypatch.setattr("cue_pipeline.hearing.non_negative._SWEEPS", sweeps)
    rng = np.random.default_rng(8)
    notes = rng.normal(size=(300, 15))
    x = np.hstack([notes + 0.1 * rng.normal(size=notes.shape) for _ in range(3)])
    y = x @ np.maximum(rng.normal(size=(45, 10)), 0) + rng.normal(size=(300, 10))
    found = non_negative_weights((x.T @ x)[None], (x.T @ y)[None])[0]
    np.testing.assert_allclose(found, _by_scipy(x, y), atol=1e-6)


@pytest.mark.parametrize(("seed", "sweeps"), [(156, 0), (159, 0), (280, 5), (375, 5)])
def test_weights_that_go_round_when_exchanged_all_at_once_are_found(monkeypatch, seed, sweeps):
    """Without the backup rule each of these has weights that are off by 0.27 to 3.1."""
    monkeypatch.setattr("cue_pipeline.hearing.non_negative._SWEEPS", sweeps)
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(9, 7)), rng.normal(size=(9, 200))
    found = non_negative_weights((x.T @ x)[None], (x.T @ y)[None])[0]
    np.testing.assert_allclose(found, _by_scipy(x, y), atol=1e-9)


def test_no_templates_have_no_weights():
    assert non_negative_weights(np.zeros((2, 0, 0)), np.zeros((2, 0, 3))).shape == (2, 0, 3)


def test_a_target_of_nothing_and_templates_of_nothing_have_no_weights():
    x, y = np.zeros((1, 4, 50)), np.zeros((1, 2, 50))
    x[0, 0], y[0, 1] = np.arange(50.0), np.arange(50.0)
    gram = x @ np.swapaxes(x, 1, 2) + 1e-9 * np.eye(4)
    found = non_negative_weights(gram, x @ np.swapaxes(y, 1, 2))[0]
    np.testing.assert_allclose(found, [[0, 1], [0, 0], [0, 0], [0, 0]], atol=1e-9)


def test_templates_of_one_band_hold_for_all():
    rng = np.random.default_rng(9)
    x = rng.normal(size=(1, 4, 200)).astype(np.float32)
    y = rng.normal(size=(3, 2, 200)).astype(np.float32)
    once, in_each = products(x, y), products(np.repeat(x, 3, axis=0), y)
    np.testing.assert_array_equal(once.gram, in_each.gram)
    np.testing.assert_array_equal(once.product, in_each.product)


def test_correlations_at_all_lags_are_those_of_numpy():
    """Templates both longer and shorter than the session: nothing wraps around."""
    rng = np.random.default_rng(10)
    reach = 30
    for n_template, n_session in ((200, 90), (70, 150), (61, 40)):
        x = rng.normal(size=(2, n_template)).astype(np.float32)
        y = rng.normal(size=(3, n_session)).astype(np.float32)
        of_tracks, of_groups = _best_correlations(x[None], y[None], reach)
        expected = np.zeros((2, 3, 2 * reach + 1))
        for k, track in enumerate(x - x.mean(axis=1, keepdims=True)):
            for g, group in enumerate(y - y.mean(axis=1, keepdims=True)):
                at_all = np.correlate(group, track, "full")  # lag 0 is index n_template - 1
                wide = np.pad(at_all, 2 * reach)[n_template - 1 :][: 2 * reach + 1]
                expected[k, g] = wide / np.sqrt((track**2).sum() * (group**2).sum())
        np.testing.assert_allclose(of_groups, np.maximum(expected.max(axis=0), 0), atol=1e-5)
        best = np.maximum(expected.max(axis=1), 0).mean(axis=0)
        np.testing.assert_allclose(of_tracks, best, atol=1e-5)


def test_the_share_explained_is_the_r2_of_the_fit():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(1, 4, 500)).astype(np.float32)
    x -= x.mean(axis=2, keepdims=True)
    noise = rng.normal(size=(1, 1, 500)).astype(np.float32)
    y = x[:, :1] * 3 + noise - noise.mean()
    found = explained(products(x, y))
    assert found.r2[0] == pytest.approx(1 - (noise.var() / y.var()), abs=0.02)
    assert found.level[0, 0] == pytest.approx(3 * x[0, 0].std(), rel=0.05)
    assert found.gain[0, 0] == pytest.approx(found.r2[0], abs=0.02)
    assert found.gain[1:, 0].max() < 0.02


@pytest.mark.parametrize("htk", [False, True])
@pytest.mark.parametrize("n_mels", [40, 64])
def test_bands_stand_where_librosa_puts_them(htk, n_mels):
    bands = bands_of({"sr": 48_000, "n_fft": 2_048, "n_mels": n_mels, "fmax": None, "htk": htk})
    points = librosa.mel_frequencies(n_mels=n_mels + 2, fmin=0.0, fmax=24_000.0, htk=htk)
    np.testing.assert_allclose(bands.edges[:, 0], points[:-2], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(bands.edges[:, 1], points[2:], rtol=1e-6)


@pytest.mark.parametrize("pitch", [57, 69, 81, 93])
def test_a_pitch_is_loudest_in_the_band_that_holds_its_frequency(pitch):
    bands = bands_of({"sr": 48_000, "n_fft": 2_048, "n_mels": 64})
    spread = pitch_to_bands(bands.centres, bands.edges, bands.fft_bin_hz)
    f0 = librosa.midi_to_hz(pitch)
    low, high = bands.edges[spread[pitch].argmax()]
    assert low <= f0 <= high


def _track(start, duration, pitch, level=1.0, *, drum=False):
    n = len(start)
    return TrackNotes(
        np.array(start, float), np.array(duration, float), np.array(pitch),
        np.full(n, level, np.float32), drum,
    )  # fmt: skip


def test_an_onset_between_two_frames_is_shared_by_both():
    curve = onset_curve(_track([0.35], [1.0], [60]), np.array([0.35]), 10, 0.1)
    np.testing.assert_allclose(curve[[3, 4]], [0.5, 0.5], atol=1e-6)
    assert curve.sum() == pytest.approx(1.0)


def test_a_held_note_fills_its_frames_by_their_share():
    spread = EVEN
    track = _track([0.25], [0.5], [60])
    level = level_templates([track], [track.start], spread, 10, 0.1)[0, 0]
    # 0.25 s … 0.75 s: half of frame 2's neighbour, whole frames, half at the end.
    assert level.sum() == pytest.approx(5.0, abs=1e-5)
    assert level[:2].sum() == 0.0
    assert level[9].sum() == 0.0


def test_notes_outside_the_grid_are_left_out():
    track = _track([-3.0, 0.5, 99.0], [1.0, 0.2, 1.0], [60, 60, 60])
    assert onset_curve(track, track.start, 10, 0.1).sum() == pytest.approx(1.0)
    level = level_templates([track], [track.start], EVEN, 10, 0.1)
    assert level.sum() == pytest.approx(2.0, abs=1e-5)


def test_the_same_notes_at_another_loudness_are_the_same_notes():
    a = _track([0.0, 1.0, 2.0], [0.5] * 3, [60, 62, 64])
    b = _track([0.0, 1.0, 2.0], [0.2] * 3, [60, 62, 64], level=0.3)
    octave = _track([0.0, 1.0, 2.0], [0.5] * 3, [72, 74, 76])
    empty = _track([], [], np.array([], np.int64))
    assert same_notes([a, octave, b, empty]) == [[0, 2], [1]]


def test_a_struck_note_dies_away_as_a_recursive_filter_says():
    onsets = np.random.default_rng(3).random((2, 200)).astype(np.float32)
    held, struck, ringing = np.moveaxis(
        shaped(np.zeros_like(onsets), onsets, 0.085, struck=0.3, ringing=0.6), 1, 0
    )
    keep = np.exp(-0.085 / 0.3)
    np.testing.assert_allclose(struck, lfilter([1 - keep], [1, -keep], onsets), rtol=1e-3)
    assert held.max() == ringing.max() == 0.0


def test_the_weights_of_powers_are_those_of_scikit_learn():
    from sklearn.decomposition import non_negative_factorization

    rng = np.random.default_rng(5)
    shapes = rng.exponential(size=(6, 400)) ** 2
    shapes /= shapes.mean(axis=1, keepdims=True)
    true = rng.dirichlet(np.full(6, 0.5), size=3)
    observed = (true @ shapes) * rng.gamma(4.0, 0.25, size=(3, 400)) + 1e-3
    expected, _, _ = non_negative_factorization(
        observed, H=shapes, n_components=6, update_H=False, solver="mu",
        beta_loss="kullback-leibler", max_iter=5_000, tol=1e-9,
    )  # fmt: skip
    found = least_divergent(
        observed.astype(np.float32), shapes.astype(np.float32), np.full((3, 1), 1e-6, np.float32)
    )
    np.testing.assert_allclose(found, expected, atol=0.01)


@pytest.mark.parametrize(("rounds", "within"), [(25, 0.1), (400, 0.01)])
def test_a_quiet_track_has_its_share_of_power_under_a_loud_one(monkeypatch, rounds, within):
    """20 dB below the other, in a band of both and in one of its own."""
    monkeypatch.setattr("cue_pipeline.hearing.shares._ROUNDS", rounds)
    rng = np.random.default_rng(6)
    loud, quiet = rng.random((2, 300)).astype(np.float32) < 0.5
    templates = np.stack([[loud, quiet], [loud, quiet]]).astype(np.float32)
    power = np.stack([[1.0 * loud + 0.01 * quiet], [0.01 * quiet]]).astype(np.float32)
    of_loud, of_quiet = shares(templates, power, 0.17, 2)[:, 0]
    # Cells of the quiet one alone are wholly its own, of both 1 in 101, but for the background.
    expected = (np.mean(quiet & ~loud) + np.mean(quiet & loud) / 101 + np.mean(quiet)) / 2
    assert of_quiet == pytest.approx(expected, abs=within)
    assert of_loud == pytest.approx(np.mean(loud) / 2, abs=within)


def test_power_is_what_level_is_the_root_of():
    level = np.array([0.0, 0.3, 1.0, 1.7], np.float32)
    np.testing.assert_allclose(level_to_power(level), level ** (1 / LEVEL_EXPONENT), rtol=1e-6)


def test_a_silent_group_is_nobodys():
    templates = np.random.default_rng(7).random((4, 3, 100)).astype(np.float32)
    assert shares(templates, np.zeros((4, 2, 100), np.float32), 0.17, 3).max() < 0.01


def test_decoys_have_the_rhythm_and_none_of_the_pitches():
    track = _track([0.0, 1.0], [1.0, 1.0], [60, 67], level=0.5)
    drum = _track([0.0, 1.0], [1.0, 1.0], [36, 36], drum=True)
    loud, _, decoy, late = in_power([track, drum])
    assert loud.level == pytest.approx(0.5**4)
    assert not set(decoy.pitch % 12) & set(track.pitch % 12)
    np.testing.assert_array_equal(decoy.start, track.start)
    assert (late.start > drum.start + 5).all()


def _scored(strokes, part, level_db, *, drum):
    n_tracks, n_groups = np.shape(part)
    return Measures(
        onset_part=np.array(strokes), activity_part=np.array(part), band_part=np.array(part),
        level_db=np.array(level_db), onset_db=np.array(level_db), share=np.array(part),
        r2=np.full(n_groups, 0.5), lift=np.full(n_groups, 0.3), is_drum=np.full(n_tracks, drum),
    ).score()  # fmt: skip


def test_a_drum_is_found_by_its_strokes_however_much_louder_its_rhythm_is_elsewhere():
    """A snare under guitars: quiet beside them, but each of its strokes is there."""
    strokes, part, level_db = [[0.73, 0.05]], [[0.6, 0.1]], [[-36.0, -20.0]]
    by_strokes, elsewhere = _scored(strokes, part, level_db, drum=True)[0]
    assert by_strokes > 0.5 > elsewhere
    unheard = _scored([[0.03, 0.02]], [[0.1, 0.1]], level_db, drum=True)[0]
    assert unheard.max() < 0.5


def _found(merit, *, gain, n_groups=4, lag=0.0):
    """Return a lag at which the notes explain this, of which their pitches gain so much."""
    gains = np.full(n_groups, gain)
    return _Tried(lag, np.full(n_groups, merit) - 2.0 * gains, gains)


def test_a_lag_is_believed_by_what_the_pitches_gain_not_by_how_much_is_explained():
    lift = np.full(4, 0.06)
    loop_a_bar_away = _found(0.44, gain=0.05, lag=-6.8)
    assert _confidence(_found(0.5, gain=0.06), [loop_a_bar_away], lift, 4) > 0.9
    # Other music of the same rhythm: the notes explain much, and as much a tritone away.
    assert _confidence(_found(0.5, gain=0.0), [], lift, 4) < 0.1
    # No clear lead.
    close = _found(0.499, gain=0.06, lag=-6.8)
    assert _confidence(_found(0.5, gain=0.06), [close], lift, 4) < 0.5


def test_stems_without_pitch_do_not_hide_that_two_others_have_the_scores():
    """Eight microphones of a kit, beside bass and guitar: a tritone away explains as much there."""
    gains = np.array([0.12, 0.05] + [0.0] * 8)
    best = _Tried(0.0, np.full(10, 0.5), gains)
    assert _confidence(best, [_found(0.2, gain=0.0, lag=-6.8)], np.full(10, 0.06), 3) > 0.9
    chance = _Tried(0.0, np.full(10, 0.5), 0.2 * gains)
    assert _confidence(chance, [], np.full(10, 0.06), 1) < 0.1


def test_drums_alone_are_believed_by_what_they_explain_beyond_any_other_place():
    elsewhere = _found(0.2, gain=0.0, lag=-6.8)
    best = _found(0.5, gain=0.0)
    assert _confidence(best, [elsewhere], np.full(4, 0.2), 0) > 0.9
    assert _confidence(best, [elsewhere], np.full(4, 0.02), 0) < 0.1


def test_the_pieces_of_a_kit_sound_where_they_do():
    """A hi-hat has nothing at a kick's fundamental, a kick nothing where a hi-hat hisses."""
    bands = bands_of({"sr": 48_000, "n_fft": 2_048, "n_mels": 64})
    drums = drum_to_bands(bands.edges)
    at = {hz: int(np.abs(bands.centres - hz).argmin()) for hz in (60, 200, 10_000)}
    kick, snare, hat, cowbell = 36, 38, 42, 56
    assert [drums[kick][at[hz]] for hz in at] == [1, 1, 0]
    assert [drums[snare][at[hz]] for hz in (200, 10_000)] == [1, 1]
    assert [drums[hat][at[hz]] for hz in at] == [0, 0, 1]
    assert drums[cowbell].all()


def test_a_hi_hats_strokes_are_looked_for_high_and_a_kicks_low():
    rng = np.random.default_rng(3)
    times = np.sort(rng.uniform(0.5, 29.0, (2, 40)), axis=1)
    tracks = [
        _track(t, np.full(40, 0.1), np.full(40, key), drum=True)
        for t, key in zip(times, (36, 42), strict=True)
    ]
    spread = Spread(np.ones((128, 8), np.float32), np.zeros((128, 8), np.float32))
    spread.drums[36, :2], spread.drums[42, 6:] = 1.0, 1.0
    frame, n = 0.02, 1_500
    onsets = np.zeros((8, 1, n), np.float32)
    for regions, of in ((slice(0, 2), tracks[0]), (slice(6, 8), tracks[1])):
        onsets[regions, 0] += onset_curve(of, of.start, n, frame)
    session = Session(np.ones((8, 1, n // 4), np.float32), onsets, frame)
    still = Alignment(0.0, 1.0, 0.5, [], np.zeros(1), [])
    assert onsets_explained(tracks, spread, still, session).r2[0] > 0.95
    exchanged = Spread(spread.pitches, spread.drums[:, ::-1])
    assert onsets_explained(tracks, exchanged, still, session).r2[0] < 0.1
