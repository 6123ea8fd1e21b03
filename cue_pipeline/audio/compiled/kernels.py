"""Compiled kernels: eight frames abreast through window, FFT, power and mel bands.

scipy's FFT takes few frames at a time, and window, power and bands are passes of their own over
its results. Here eight frames go from samples to bands in double precision in less than half the
time of scipy's single-precision FFTs alone. Their transforms, 128 KiB, are too large for the
core's first cache, so each is laid out as a square: all columns are transformed, then all rows
(whose powers are taken at once), and the second cache is crossed twice instead of once per pass.

The first use on a machine compiles for some seconds; numba keeps the result on disk. Importing
this module costs half a second: :mod:`.choice` says when it is worth it.

References
----------
Bailey, D. H. *FFTs in External or Hierarchical Memory*. J. Supercomputing 4, 1990: the transform
as a square. A real transform from a complex one of half the length: Press et al., *Numerical
Recipes*, 3rd ed., section 12.3.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, import-untyped, untyped-decorator"

import math
from typing import Any, NamedTuple

import numpy as np

from cue_pipeline.audio.compiled.codelets import (
    FIRST_RADIX,
    ROW,
    crossing_pass,
    first_pass,
    middle_pass,
    pair_powers,
    paired_pass,
    plain_pass,
)
from cue_pipeline.audio.compiled.lanes import (
    LANES,
    compiled,
    turn_square,
    vload,
    vsqrt,
    vstore,
    vzero,
)
from cue_pipeline.audio.mel_filters import Float32Array, Float64Array, MelPlan, mel_corners

BUILT_ON = "89e253377f54e007"
"""SHA-256 of lanes.py and codelets.py, first 16 digits: see :func:`.lanes.compiled`."""

_FRAMES_AT_ONCE = 128
_LINE_BYTES = 64
_ROOT_HALF_BITS = int(np.float64(0.5**0.5).view(np.int64))
_MANTISSA = (1 << 52) - 1
_OCTAVES_PER_ATANH = 2.0 / math.log(2.0)

Int64Array = np.typing.NDArray[np.int64]


@compiled()
def _turn(y, hop, depth, count, turned, pitch):
    """Turn the samples so that frames are side by side: ``turned[m·pitch + l] = y[l·hop + m]``.

    Sample n of frame f is then at ``(n mod hop)·pitch + n // hop + f``, once for all frames that
    overlap there.
    """
    rows, squares = depth // LANES * LANES, min(count, (y.size - depth) // hop + 1)
    squares = squares // LANES * LANES
    for first in range(0, squares, LANES):
        for m in range(0, rows, LANES):
            turn_square(y, first * hop + m, hop, turned, m * pitch + first, pitch)
        for m in range(rows, depth):
            for k in range(first, first + LANES):
                turned[m * pitch + k] = y[k * hop + m]
    for k in range(squares, count):
        for m in range(min(depth, y.size - k * hop)):
            turned[m * pitch + k] = y[k * hop + m]


@compiled()
def _columns(turned, frame, plan, near, far):
    """Do the first half of the transforms: one of each column, from samples to ``far``."""
    radix = plan.columns // FIRST_RADIX
    gap = 2 * radix * plan.rows
    for column in range(plan.rows):
        for p in range(radix):
            n, to = 2 * (p * plan.rows + column), p * FIRST_RADIX * ROW
            first_pass(
                turned, frame, plan.places, plan.window, n, gap, near, to, plan.column_roots, 14 * p
            )
        for k in range(FIRST_RADIX):
            at = 2 * (column * plan.columns + k * radix)
            to = k * plan.pitch + column * ROW
            step = FIRST_RADIX * plan.pitch
            crossing_pass(
                radix, near, k * ROW, FIRST_RADIX * ROW, far, to, step, plan.cross_roots, at
            )


@compiled()
def _rows(far, plan, near, powers):
    """Do the second half: two rows at a time that hold each other's partners, to powers.

    Bin ``r + columns·k`` is value k of row r. Its partner, which counts from the other end, is in
    row ``columns - r``.
    """
    size = plan.rows
    radix = size // FIRST_RADIX
    for row in range(plan.columns // 2 + 1):
        partner = (plan.columns - row) % plan.columns
        for p in range(radix):
            at, to = p * ROW, p * FIRST_RADIX * ROW
            middle_pass(far, row * plan.pitch + at, radix * ROW, near, to, plan.row_roots, 14 * p)
            if partner != row:
                at, to = partner * plan.pitch + at, to + size * ROW
                middle_pass(far, at, radix * ROW, near, to, plan.row_roots, 14 * p)
        for q in range(FIRST_RADIX):
            if partner == row:
                to = (size + q) * ROW
                plain_pass(radix, near, q * ROW, FIRST_RADIX * ROW, near, to, FIRST_RADIX * ROW)
                continue
            other = (size + FIRST_RADIX - 1 - q) * ROW
            low = (row + plan.columns * q) * LANES
            high = (partner + plan.columns * (size - 1 - q)) * LANES
            at, stride = 2 * (row + plan.columns * q), 2 * plan.columns * FIRST_RADIX
            paired_pass(
                radix, near, q * ROW, other, FIRST_RADIX * ROW, powers, low, high,
                FIRST_RADIX * plan.columns * LANES, plan.bin_roots, at, stride,
            )  # fmt: skip
        if partner == row:
            _own_partner(near, row, plan, powers)


@compiled()
def _own_partner(near, row, plan, powers):
    """Store the powers of a row that holds its own partners: the first one, and the middle one."""
    size = plan.rows
    base = size * ROW
    if row == 0:
        real, imaginary = vload(near, base), vload(near, base + LANES)
        low, high = (real + imaginary) * 2.0, (real - imaginary) * 2.0
        vstore(powers, 0, low * low)
        vstore(powers, plan.columns * size * LANES, high * high)
    first = 1 if row == 0 else 0
    for k in range(first, (size + first + 1) // 2):
        a, b = k, size - 1 + first - k
        pair_powers(
            near, base + a * ROW, base + b * ROW, powers, (row + plan.columns * a) * LANES,
            (row + plan.columns * b) * LANES, plan.bin_roots, 2 * (row + plan.columns * a),
        )  # fmt: skip


@compiled()
def _magnitudes(powers):
    for k in range(0, powers.size, LANES):
        vstore(powers, k, vsqrt(vload(powers, k)))


@compiled()
def _bands(powers, plan, bands):
    """Weigh and add the bins of each band.

    A bin lies between two corners of the filters, on the falling side of one band and on the
    rising side of the next: ``bands`` begins with a falling side of none.
    """
    rise = vzero()
    for band in range(plan.edges.size - 1):
        first, last = plan.edges[band], plan.edges[band + 1]
        fall, rise = rise, vzero()
        odd_fall, odd_rise = vzero(), vzero()  # a sum has to wait for the one before it
        for k in range(first, last - 1, 2):
            power = vload(powers, k * LANES)
            fall = fall + power * plan.weights[2 * k]
            rise = rise + power * plan.weights[2 * k + 1]
            power = vload(powers, (k + 1) * LANES)
            odd_fall = odd_fall + power * plan.weights[2 * k + 2]
            odd_rise = odd_rise + power * plan.weights[2 * k + 3]
        if (last - first) % 2:
            power = vload(powers, (last - 1) * LANES)
            fall = fall + power * plan.weights[2 * last - 2]
            rise = rise + power * plan.weights[2 * last - 1]
        vstore(bands, band * LANES, fall + odd_fall)
        rise = rise + odd_rise


@compiled()
def _decibels(values, bits, exponents, floor, per_octave):
    """Replace values by their levels: octaves by the exponent, the rest by a series.

    ``bits`` are the same values' bits. With m from √½ to √2, log m = 2·atanh((m - 1) / (m + 1)).
    """
    for i in range(values.size):
        values[i] = max(values[i], floor)
    for i in range(values.size):
        above = bits[i] - _ROOT_HALF_BITS
        exponents[i] = np.float64(above >> 52)
        bits[i] = (above & _MANTISSA) + _ROOT_HALF_BITS
    for i in range(values.size):
        s = (values[i] - 1.0) / (values[i] + 1.0)
        z = s * s
        series = 1.0 + z * (1 / 3 + z * (1 / 5 + z * (1 / 7 + z * (1 / 9 + z * (1 / 11)))))
        values[i] = per_octave * (exponents[i] + _OCTAVES_PER_ATANH * s * series)


@compiled()
def _turn_back(bands, out, row):
    """Store the bands of 8 frames, one frame per row."""
    for lane in range(LANES):
        for band in range(out.shape[1]):
            out[row + lane, band] = bands[(band + 1) * LANES + lane]


@compiled()
def _mel_frames(y, plan, scratch, out):
    """Fill ``out``, shape=(8·k, n_mels), from frames that start every ``hop`` samples of y."""
    for first in range(0, len(out), _FRAMES_AT_ONCE):
        frames = min(_FRAMES_AT_ONCE, len(out) - first)
        count = frames + plan.overlap
        _turn(y[first * plan.hop :], plan.hop, plan.depth, count, scratch.turned, plan.turned_pitch)
        for frame in range(0, frames, LANES):
            _columns(scratch.turned, frame, plan, scratch.near, scratch.far)
            _rows(scratch.far, plan, scratch.near, scratch.powers)
            if plan.magnitude:
                _magnitudes(scratch.powers)
            _bands(scratch.powers, plan, scratch.bands)
            _decibels(
                scratch.bands, scratch.bits, scratch.exponents, plan.floor, plan.db_per_octave
            )
            _turn_back(scratch.bands, out, first + frame)


@compiled()
def _power_frames(y, plan, scratch, out):
    """Fill ``out``, shape=(8·k, n_bins), with powers of frames that start every ``hop`` samples."""
    for first in range(0, len(out), _FRAMES_AT_ONCE):
        frames = min(_FRAMES_AT_ONCE, len(out) - first)
        count = frames + plan.overlap
        _turn(y[first * plan.hop :], plan.hop, plan.depth, count, scratch.turned, plan.turned_pitch)
        for frame in range(0, frames, LANES):
            _columns(scratch.turned, frame, plan, scratch.near, scratch.far)
            _rows(scratch.far, plan, scratch.near, scratch.powers)
            for k in range(out.shape[1]):
                for lane in range(LANES):
                    out[first + frame + lane, k] = scratch.powers[k * LANES + lane]


class _Plan(NamedTuple):
    """The tables of one spectrogram; transforms of ``columns`` times ``rows`` complex values."""

    hop: int
    depth: int
    overlap: int
    turned_pitch: int
    columns: int
    rows: int
    pitch: int
    magnitude: bool
    floor: float
    db_per_octave: float
    places: Int64Array
    window: Float64Array
    column_roots: Float64Array
    cross_roots: Float64Array
    row_roots: Float64Array
    bin_roots: Float64Array
    edges: Int64Array
    weights: Float64Array


class _Scratch(NamedTuple):
    """Where a kernel works: aligned, since a vector over two lines of the cache costs twice."""

    turned: Float32Array
    near: Float64Array
    far: Float64Array
    powers: Float64Array
    bands: Float64Array
    bits: Int64Array
    exponents: Float64Array


class MelKernel:
    """The plan of one spectrogram, laid out for the kernels, with scratch space of its own.

    Parameters
    ----------
    plan : MelPlan
        ``n_fft`` a power of two from ``SMALLEST_N_FFT`` to ``LARGEST_N_FFT``; ``power`` 1 or 2.
    """

    def __init__(self, plan: MelPlan) -> None:
        self._n_mels = plan.mel.n_mels
        self._plan = _plan(plan)
        bands = _aligned((self._n_mels + 1) * LANES)
        self._scratch = _Scratch(
            turned=_aligned(self._plan.depth * self._plan.turned_pitch, np.float32),
            near=_aligned(2 * max(self._plan.columns, self._plan.rows) * ROW),
            far=_aligned(self._plan.columns * self._plan.pitch),
            powers=_aligned((plan.mel.n_fft // 2 + 1) * LANES),
            bands=bands,
            bits=bands.view(np.int64),
            exponents=_aligned(bands.size),
        )

    def frames(self, y: Float32Array, n_frames: int) -> Float32Array:
        """Return levels in dB, shape=(n_frames, n_mels); ``n_frames`` a multiple of 8.

        ``y`` holds at least ``(n_frames - 1) · hop_length + n_fft`` samples.
        """
        out = np.empty((n_frames, self._n_mels), np.float32)
        _mel_frames(y, self._plan, self._scratch, out)
        return out

    def powers(self, y: Float32Array, n_frames: int) -> Float32Array:
        """Return power spectra, shape=(n_frames, n_fft // 2 + 1), as :meth:`frames` does levels."""
        out = np.empty((n_frames, self._scratch.powers.size // LANES), np.float32)
        _power_frames(y, self._plan, self._scratch, out)
        return out


def _plan(plan: MelPlan) -> _Plan:
    """Return the tables of a spectrogram."""
    mel = plan.mel
    half = mel.n_fft // 2
    columns = FIRST_RADIX << ((half // FIRST_RADIX**2).bit_length() // 2)
    rows = half // columns
    depth, overlap = min(mel.hop_length, mel.n_fft), (mel.n_fft - 1) // mel.hop_length
    # An odd number of vectors, so that neighbouring rows fall into different sets of the cache.
    turned_pitch = LANES * ((_FRAMES_AT_ONCE + overlap + LANES - 1) // LANES | 1)
    sample = np.arange(mel.n_fft)
    row, first, second = np.ix_(np.arange(rows), np.arange(8), np.arange(columns // 8))
    edges, weights = _slopes(plan)
    return _Plan(
        hop=mel.hop_length,
        depth=depth,
        overlap=overlap,
        turned_pitch=turned_pitch,
        columns=columns,
        rows=rows,
        pitch=(rows + 1) * ROW,
        magnitude=mel.power == 1.0,
        floor=max(mel.amin ** (mel.power / 2.0), float(np.finfo(np.float64).tiny)),
        db_per_octave=20.0 / mel.power * math.log10(2.0),
        places=sample % mel.hop_length * turned_pitch + sample // mel.hop_length,
        window=plan.window * 0.5,
        column_roots=_inner_roots(columns),
        cross_roots=_unit_roots(row * (first + 8 * second), half),
        row_roots=_inner_roots(rows),
        bin_roots=_unit_roots(np.arange(half), mel.n_fft),
        edges=edges,
        weights=weights,
    )


def _inner_roots(length: int) -> Float64Array:
    """Return the roots between the two passes of a transform of ``8 · radix`` values."""
    passes, outputs = np.arange(length // FIRST_RADIX), np.arange(1, FIRST_RADIX)
    return _unit_roots(np.outer(passes, outputs), length)


def _unit_roots(numerators: Any, n: int) -> Float64Array:
    """Return exp(-2πi·k/n) as pairs of real and imaginary parts."""
    roots = np.exp(-2j * np.pi * np.asarray(numerators) / n)
    return np.stack([roots.real, roots.imag], axis=-1).reshape(-1)


def _slopes(plan: MelPlan) -> tuple[Int64Array, Float64Array]:
    """Return a bank of triangles as slopes from corner to corner.

    Returns
    -------
    edges : np.ndarray, shape=(n_mels + 2,)
        Bins ``edges[s] … edges[s + 1]`` are on the falling side of band s - 1 and on the rising
        side of band s.
    weights : np.ndarray, shape=(2 · n_bins,)
        Of each bin on the one and on the other.
    """
    n_mels, n_bins = plan.bank.shape
    hz = np.fft.rfftfreq(plan.mel.n_fft, 1.0 / plan.mel.sr)
    slope = np.searchsorted(mel_corners(plan.mel)[1:-1], hz, side="right")
    bounded = np.pad(plan.bank.astype(np.float64), ((1, 1), (0, 0)))
    weights = np.stack([bounded[slope, np.arange(n_bins)], bounded[slope + 1, np.arange(n_bins)]])
    return np.searchsorted(slope, np.arange(n_mels + 2)), weights.T.reshape(-1).copy()


def _aligned(size: int, kind: Any = np.float64) -> Any:
    """Return an array of zeros that begins where a line of the cache does."""
    raw = np.zeros(size * np.dtype(kind).itemsize + _LINE_BYTES, np.uint8)
    start = -raw.ctypes.data % _LINE_BYTES
    return raw[start : start + size * np.dtype(kind).itemsize].view(kind)
