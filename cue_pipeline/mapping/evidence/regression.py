"""Non-negative regression of many targets on few templates, by their inner products alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

_RIDGE = 1e-3  # of the mean diagonal: tracks that play together share, rather than fight
_TOLERANCE = 1e-4
_BLOCK = 12
_OVER_SHAPES = 1.4  # one track's shapes are nearly alike: plain descent takes twice as many sweeps


def non_negative_weights(
    gram: Float64, product: Float64, *, sweeps: int = 150, over: float = 1.0
) -> Float64:
    """Return ``argmin_{w >= 0} ||y - X w||`` for stacks of problems, by coordinate descent.

    Parameters
    ----------
    gram : np.ndarray, shape=(..., n_templates, n_templates)
        ``XᵀX``.
    product : np.ndarray, shape=(..., n_templates, n_targets)
        ``XᵀY``.
    sweeps : int
        At most this many rounds over the templates.
    over : float
        Factor of each step, below 2 (successive over-relaxation): more than 1 pays where templates
        are nearly collinear.

    Returns
    -------
    np.ndarray, shape=(..., n_templates, n_targets)

    References
    ----------
    Franc, V., Hlaváč, V., Navara, M. Sequential coordinate-wise algorithm for the non-negative
    least squares problem. CAIP 2005.

    Cryer, C. W. The solution of a quadratic programming problem using systematic overrelaxation.
    SIAM Journal on Control 9 (1971).
    """
    n = gram.shape[-1]
    weights = np.zeros_like(product)
    residual = product.copy()
    for _ in range(sweeps):
        moved = 0.0
        for first in range(0, n, _BLOCK):
            block = slice(first, min(first + _BLOCK, n))
            step = _block_step(
                gram[..., block, block], residual[..., block, :], weights[..., block, :], over
            )
            weights[..., block, :] += step
            # One product per block instead of one sum per template: it is memory that is slow.
            residual -= gram[..., :, block] @ step
            moved = max(moved, float(np.abs(step).max(initial=0.0)))
        if moved <= _TOLERANCE * max(float(weights.max(initial=0.0)), 1e-12):
            break
    return weights


def _block_step(gram: Float64, residual: Float64, weights: Float64, over: float) -> Float64:
    """Return by how much one round of coordinate descent moves the weights of one block."""
    diagonal = np.maximum(np.diagonal(gram, axis1=-2, axis2=-1), 1e-12) / over
    inner, moved = residual.copy(), weights.copy()
    for k in range(gram.shape[-1]):
        new = np.maximum(0.0, moved[..., k, :] + inner[..., k, :] / diagonal[..., k, None])
        later = slice(k + 1, None)
        inner[..., later, :] -= gram[..., later, k, None] * (new - moved[..., k, :])[..., None, :]
        moved[..., k, :] = new
    return moved - weights


@dataclass(frozen=True)
class Explained:
    """How a set of tracks explains each group.

    Attributes
    ----------
    level : np.ndarray, shape=(n_tracks, n_groups)
        Standard deviation, over time and bands, of what the track adds to the group.
    gain : np.ndarray, shape=(n_tracks, n_groups)
        Partial R²: how much of what the other tracks leave unexplained this one explains.
    r2 : np.ndarray, shape=(n_groups,)
        How much of the group all tracks together explain, 0..1.
    """

    level: Float64
    gain: Float64
    r2: Float64


@dataclass(frozen=True)
class Products:
    """All that a regression needs to know of templates and targets, band by band.

    ``gram`` (n_bands, n_templates, n_templates), ``product`` (n_bands, n_templates, n_groups),
    ``power`` (n_bands, n_groups): sums over ``n_frames`` centred frames.
    """

    gram: Float64
    product: Float64
    power: Float64
    n_frames: int


def products(templates: NDArray[np.float32], targets: NDArray[np.float32]) -> Products:
    """Return the inner products of centred series.

    Parameters
    ----------
    templates : np.ndarray, shape=(n_bands or 1, n_templates, n_frames)
        One band of them holds for all bands.
    targets : np.ndarray, shape=(n_bands, n_groups, n_frames)
    """
    gram = (templates @ templates.transpose(0, 2, 1)).astype(np.float64)
    return Products(
        gram=np.broadcast_to(gram, (len(targets), *gram.shape[1:])),
        product=(templates @ targets.transpose(0, 2, 1)).astype(np.float64),
        power=np.einsum("bgt,bgt->bg", targets, targets, dtype=np.float64),
        n_frames=targets.shape[2],
    )


def joined(of_bands: Sequence[Products]) -> Products:
    """Return the products of all bands, made a few bands at a time to spare memory."""
    return Products(
        gram=np.concatenate([p.gram for p in of_bands]),
        product=np.concatenate([p.product for p in of_bands]),
        power=np.concatenate([p.power for p in of_bands]),
        n_frames=of_bands[0].n_frames,
    )


def share_explained(of: Products) -> Float64:
    """Return how much of each group all templates together explain, 0..1, shape=(n_groups,)."""
    return _fit(of, over=1.0)[2]


def _fit(of: Products, *, over: float) -> tuple[Float64, Float64, Float64]:
    """Return the ridged gram, the weights and R²."""
    n = of.gram.shape[-1]
    ridge = _RIDGE * np.trace(of.gram, axis1=1, axis2=2)[:, None, None] / max(n, 1) + 1e-9
    solid = of.gram + ridge * np.eye(n)
    weights = non_negative_weights(solid, of.product, over=over)
    fitted = (weights * (2 * of.product - of.gram @ weights)).sum(axis=(0, 1))
    return solid, weights, np.clip(fitted / _total(of), 0.0, 1.0)


def _total(of: Products) -> Float64:
    out: Float64 = np.maximum(of.power.sum(axis=0), 1e-12)
    return out


def explained(of: Products, *, n_shapes: int = 1) -> Explained:
    """Explain every target by all templates together, band by band.

    Each band has its own weights: a track's colour is unknown, and may differ between the room
    microphone and its own stem.

    Parameters
    ----------
    of : Products
        The shapes of one track stand together.
    n_shapes : int
        How many templates each track has: how a note may hold, decay and ring.
    """
    solid, weights, r2 = _fit(of, over=_OVER_SHAPES if n_shapes > 1 else 1.0)
    of_track = weights.reshape(len(weights), -1, n_shapes, weights.shape[-1])
    # What only this track can explain: its templates with all others' projected out.
    alone = np.linalg.inv(_own_blocks(np.linalg.inv(solid), n_shapes))
    unique = _quadratic(of_track, alone.astype(np.float64)) / _total(of)
    level = _quadratic(of_track, _own_blocks(of.gram, n_shapes)) / max(of.n_frames, 1)
    return Explained(
        level=np.sqrt(np.maximum(level, 0.0)),
        gain=unique / np.maximum(1.0 - r2 + unique, 1e-9),
        r2=r2,
    )


def _own_blocks(matrix: Float64, n_shapes: int) -> Float64:
    """Return the blocks on the diagonal: (n_bands, n_tracks, n_shapes, n_shapes)."""
    n_tracks = matrix.shape[-1] // n_shapes
    square = matrix.reshape(len(matrix), n_tracks, n_shapes, n_tracks, n_shapes)
    tracks = np.arange(n_tracks)
    out: Float64 = square[:, tracks, :, tracks, :].transpose(1, 0, 2, 3)
    return out


def _quadratic(weights: Float64, blocks: Float64) -> Float64:
    """Return ``Σ_b wᵀ B w`` per track and group."""
    pulled = np.swapaxes(blocks @ weights, -1, -2)
    out: Float64 = (pulled * np.swapaxes(weights, -1, -2)).sum(axis=(0, 3))
    return out
