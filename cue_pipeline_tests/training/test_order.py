"""The order of an epoch is a permutation, a function of seed and epoch alone."""

import numpy as np
import pytest

from cue_pipeline.training.windows.order import Permutation


@pytest.mark.parametrize("n", [1, 2, 3, 5, 16, 17, 100, 1_000, 12_345])
def test_every_number_comes_once(n):
    for seed in range(3):
        assert np.array_equal(np.sort(Permutation(n, seed, 0)(np.arange(n))), np.arange(n))


def test_a_position_holds_the_same_however_many_are_asked_for():
    order = Permutation(10_000, 7, 3)
    everything = order(np.arange(10_000))
    some = np.array([9_999, 0, 5_000])
    assert np.array_equal(order(some), everything[some])


def test_seeds_and_epochs_give_other_orders():
    orders = {
        tuple(Permutation(500, seed, epoch)(np.arange(500)))
        for seed in range(5)
        for epoch in range(5)
    }
    assert len(orders) == 25


def test_every_number_is_as_likely_at_every_position():
    n, draws = 40, 3_000
    counts = np.zeros((n, n))
    for seed in range(draws):
        counts[np.arange(n), Permutation(n, seed, 1)(np.arange(n))] += 1
    expected = draws / n
    chi_square = ((counts - expected) ** 2 / expected).sum()
    freedom = (n - 1) ** 2
    # By the normal approximation of chi-square, five standard deviations.
    assert abs(chi_square - freedom) < 5 * np.sqrt(2 * freedom)


def test_neighbours_do_not_stay_neighbours():
    order = Permutation(100_000, 1, 1)(np.arange(100_000)).astype(float)
    lags = np.corrcoef(order[:-1], order[1:])[0, 1]
    assert abs(lags) < 5 / np.sqrt(100_000)
