"""Non-negative regression of many targets on few templates, by their inner products alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cue_pipeline.hearing.non_negative import non_negative_weights

Float64 = NDArray[np.float64]

_RIDGE = 1e-3  # of the mean diagonal: tracks that play together share, rather than fight


@dataclass(frozen=True)
class Explained:
    """How a set of tracks explains each stem.

    Attributes
    ----------
    level : np.ndarray, shape=(n_tracks, n_groups)
        Standard deviation, over time and bands, of what the track adds to the stem.
    gain : np.ndarray, shape=(n_tracks, n_groups)
        Partial R²: how much of what the other tracks leave unexplained this one explains.
    r2 : np.ndarray, shape=(n_groups,)
        How much of the stem all tracks together explain, 0..1.
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
        power=np.einsum("bgt,bgt->bg", targets, targets).astype(np.float64),
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
    """Return how much of each stem all templates together explain, 0..1, shape=(n_groups,)."""
    return _fit(of)[2]


def _fit(of: Products) -> tuple[Float64, Float64, Float64]:
    """Return the ridged gram, the weights and R²."""
    n = of.gram.shape[-1]
    ridge = _RIDGE * np.trace(of.gram, axis1=1, axis2=2)[:, None, None] / max(n, 1) + 1e-9
    solid = of.gram + ridge * np.eye(n)
    weights = non_negative_weights(solid, of.product)
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
    solid, weights, r2 = _fit(of)
    of_track = weights.reshape(len(weights), -1, n_shapes, weights.shape[-1])
    # What only this track can explain: its templates with all others' projected out.
    alone = _inverse(_own_blocks(_inverse(solid), n_shapes))
    unique = _quadratic(of_track, alone) / _total(of)
    level = _quadratic(of_track, _own_blocks(of.gram, n_shapes)) / max(of.n_frames, 1)
    return Explained(
        level=np.sqrt(np.maximum(level, 0.0)),
        gain=unique / np.maximum(1.0 - r2 + unique, 1e-9),
        r2=r2,
    )


def _inverse(matrices: Float64) -> Float64:
    out: Float64 = np.linalg.inv(matrices).astype(np.float64, copy=False)
    return out


def _own_blocks(matrix: Float64, n_shapes: int) -> Float64:
    """Return the blocks on the diagonal: (n_bands, n_tracks, n_shapes, n_shapes)."""
    n_tracks = matrix.shape[-1] // n_shapes
    square = matrix.reshape(len(matrix), n_tracks, n_shapes, n_tracks, n_shapes)
    tracks = np.arange(n_tracks)
    out: Float64 = square[:, tracks, :, tracks, :].transpose(1, 0, 2, 3)
    return out


def _quadratic(weights: Float64, blocks: Float64) -> Float64:
    """Return ``Σ_b wᵀ B w`` per track and stem."""
    pulled = np.swapaxes(blocks @ weights, -1, -2)
    out: Float64 = (pulled * np.swapaxes(weights, -1, -2)).sum(axis=(0, 3))
    return out
