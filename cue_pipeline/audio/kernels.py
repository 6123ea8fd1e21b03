"""Compiled kernels: eight frames abreast through window, FFT, power and mel bands.

scipy's FFT takes few frames at a time, and window, power and bands are passes of their own over
its results. Here eight frames stay in the core's cache from samples to bands, in double precision
and yet in about the time of scipy's single-precision FFTs alone. The first use on a machine
compiles for some seconds; numba keeps the result on disk. Importing this module costs a second:
:mod:`.engine` says when it is worth it.

References
----------
Stockham autosort FFT: Van Loan, *Computational Frameworks for the Fast Fourier Transform*, SIAM
1992, section 1.7. A real transform from a complex one of half the length: Press et al.,
*Numerical Recipes*, 3rd ed., section 12.3.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, import-untyped, untyped-decorator"

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from cue_pipeline.audio.lanes import (
    LANES,
    unpack_24,
    vload,
    vsqrt,
    vstore,
    windowed_columns,
)
from cue_pipeline.audio.mel_filters import Float32Array, Float64Array, MelPlan

_ROW = 2 * LANES  # one complex value of all lanes: 8 real parts, 8 imaginary ones


def _compiled(function: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    """Compile, and keep the result on disk where there is a place for it."""
    settings = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}, **options}
    try:
        return numba.njit(cache=True, **settings)(function)  # type: ignore[no-any-return]
    except RuntimeError:  # neither __pycache__ nor a user's cache can be written
        return numba.njit(**settings)(function)  # type: ignore[no-any-return]


@_compiled
def _butterfly(x, a, far, y, o, step, twiddles, t):
    """Transform four complex values ``far`` apart; store them turned, ``step`` apart."""
    ar, ai = vload(x, a), vload(x, a + LANES)
    br, bi = vload(x, a + far), vload(x, a + far + LANES)
    cr, ci = vload(x, a + 2 * far), vload(x, a + 2 * far + LANES)
    dr, di = vload(x, a + 3 * far), vload(x, a + 3 * far + LANES)
    sr, si, tr, ti = ar + cr, ai + ci, ar - cr, ai - ci
    ur, ui, vr, vi = br + dr, bi + di, br - dr, bi - di
    w1r, w1i, w2r = twiddles[t], twiddles[t + 1], twiddles[t + 2]
    w2i, w3r, w3i = twiddles[t + 3], twiddles[t + 4], twiddles[t + 5]
    vstore(y, o, sr + ur)
    vstore(y, o + LANES, si + ui)
    er, ei = sr - ur, si - ui
    vstore(y, o + 2 * step, er * w2r - ei * w2i)
    vstore(y, o + 2 * step + LANES, er * w2i + ei * w2r)
    fr, fi, gr, gi = tr + vi, ti - vr, tr - vi, ti + vr
    vstore(y, o + step, fr * w1r - fi * w1i)
    vstore(y, o + step + LANES, fr * w1i + fi * w1r)
    vstore(y, o + 3 * step, gr * w3r - gi * w3i)
    vstore(y, o + 3 * step + LANES, gr * w3i + gi * w3r)


@_compiled
def _first_pass(y, base, hop, window, twiddles, m, near, out):
    """Window and turn the samples, and do the first pass on them while they are at hand."""
    step = LANES // 2  # 8 samples are 4 complex values
    far = step * _ROW
    for p in range(0, m, step):
        for j in range(4):
            n = 2 * (p + j * m)
            windowed_columns(y, base + n, hop, window, n, near, j * far)
        for i in range(step):
            _butterfly(near, i * _ROW, far, out, 4 * (p + i) * _ROW, _ROW, twiddles, 6 * (p + i))


@_compiled
def _pass(x, y, twiddles, t, m, s):
    """One Stockham pass, radix 4: ``m`` twiddles at stride ``s``."""
    far, step = m * s * _ROW, s * _ROW
    for p in range(m):
        for q in range(s):
            _butterfly(
                x, (p * s + q) * _ROW, far, y, (4 * p * s + q) * _ROW, step, twiddles, t + 6 * p
            )


@_compiled
def _radix_2(x, y, s):
    """Do the last pass where the length is twice a power of four."""
    step = s * _ROW
    for q in range(s):
        a = q * _ROW
        ar, ai = vload(x, a), vload(x, a + LANES)
        br, bi = vload(x, a + step), vload(x, a + step + LANES)
        vstore(y, a, ar + br)
        vstore(y, a + LANES, ai + bi)
        vstore(y, a + step, ar - br)
        vstore(y, a + step + LANES, ai - bi)


@_compiled
def _end_powers(x, z, half, magnitude):
    """Store the magnitudes, squared or not, of the lowest and the highest bin."""
    r, i = vload(x, 0), vload(x, LANES)
    low, high = (r + i) * (r + i), (r - i) * (r - i)
    if magnitude:
        low, high = vsqrt(low), vsqrt(high)
    vstore(z, 0, low)
    vstore(z, half * LANES, high)


@_compiled
def _pair_powers(x, a, b, z, k, half, turns, magnitude):
    """Store the magnitudes of bins k and half − k, from the packed values at a and b."""
    scale = np.float64(0.5)
    ar, ai, br, bi = vload(x, a), vload(x, a + LANES), vload(x, b), vload(x, b + LANES)
    er, ei = (ar + br) * scale, (ai - bi) * scale
    hr, hi = (ai + bi) * scale, (br - ar) * scale
    wr, wi = turns[2 * k], turns[2 * k + 1]
    gr, gi = hr * wr - hi * wi, hr * wi + hi * wr
    pr, pi, qr, qi = er + gr, ei + gi, er - gr, ei - gi
    low, high = pr * pr + pi * pi, qr * qr + qi * qi
    if magnitude:
        low, high = vsqrt(low), vsqrt(high)
    vstore(z, k * LANES, low)
    vstore(z, (half - k) * LANES, high)


@_compiled
def _powers(x, z, half, turns, magnitude):
    """Store the magnitudes of a real signal's bins, from its packed spectrum."""
    _end_powers(x, z, half, magnitude)
    for k in range(1, half // 2 + 1):
        _pair_powers(x, k * _ROW, (half - k) * _ROW, z, k, half, turns, magnitude)


@_compiled
def _last_pass_powers(x, z, half, turns, twiddles, t, near, magnitude):
    """Do the last pass, radix 4, and the magnitudes while its values are at hand.

    Its butterflies q and s − q (s = half / 4) hold each other's partners: bins q + j·s and
    half − q − j·s.
    """
    s = half // 4
    far = s * _ROW
    _butterfly(x, 0, far, near, 0, _ROW, twiddles, t)
    _end_powers(near, z, half, magnitude)
    _pair_powers(near, _ROW, 3 * _ROW, z, s, half, turns, magnitude)
    _pair_powers(near, 2 * _ROW, 2 * _ROW, z, 2 * s, half, turns, magnitude)
    for q in range(1, s // 2 + 1):
        _butterfly(x, q * _ROW, far, near, 0, _ROW, twiddles, t)
        _butterfly(x, (s - q) * _ROW, far, near, 4 * _ROW, _ROW, twiddles, t)
        for j in range(4):
            a, b = j * _ROW, (7 - j) * _ROW
            _pair_powers(near, a, b, z, q + j * s, half, turns, magnitude)


@_compiled
def _bands(z, starts, lengths, weights, turned, out, row):
    """Weigh and add the bins of each band; turn the result back to one frame per row."""
    w = 0
    for band in range(starts.size):
        at = starts[band] * LANES
        total = vload(z, at) * weights[w]
        for k in range(1, lengths[band]):
            total = total + vload(z, at + k * LANES) * weights[w + k]
        w += lengths[band]
        vstore(turned, band * LANES, total)
    for lane in range(LANES):
        for band in range(starts.size):
            out[row + lane, band] = turned[band * LANES + lane]


@_compiled
def _mel_frames(
    y,
    hop,
    window,
    twiddles,
    turns,
    starts,
    lengths,
    weights,
    magnitude,
    one,
    two,
    near,
    turned,
    out,
):
    """Fill ``out``, shape=(8·k, n_mels), from frames that start every ``hop`` samples of y."""
    half = window.size // 2
    for row in range(0, len(out), LANES):
        _first_pass(y, row * hop, hop, window, twiddles, half // 4, near, one)
        x, z = one, two
        length, stride, t = half // 4, 4, 6 * (half // 4)
        while length > 4:
            _pass(x, z, twiddles, t, length // 4, stride)
            t += 6 * (length // 4)
            x, z = z, x
            length //= 4
            stride *= 4
        if length == 4:
            _last_pass_powers(x, z, half, turns, twiddles, t, near, magnitude)
        else:
            _radix_2(x, z, stride)
            x, z = z, x
            _powers(x, z, half, turns, magnitude)
        _bands(z, starts, lengths, weights, turned, out, row)


@_compiled
def decode_24(raw, out):
    """Decode packed 24-bit samples; ``raw`` holds at least 48 bytes beyond the last."""
    whole = out.size // 16 * 16
    for k in range(0, whole, 16):
        unpack_24(raw, 3 * k, out, k)
    for k in range(whole, out.size):
        value = (raw[3 * k] << 8) | (raw[3 * k + 1] << 16) | (np.int32(raw[3 * k + 2]) << 24)
        out[k] = np.float32(np.int32(value)) * np.float32(2.0**-31)


def _peak_bits(bits, window, peaks):
    """Fill ``peaks`` with the largest magnitude of each window, as the bits of a float32.

    Floats of one sign are ordered as their bits are, NaN and Inf above all others.
    """
    for k in range(peaks.size):
        highest = np.int32(0)
        last = min((k + 1) * window, bits.size)
        for i in range(k * window, last):
            magnitude = np.int32(bits[i] & 0x7FFFFFFF)
            if magnitude > highest:  # max() would widen to 64 bits
                highest = magnitude
        peaks[k] = highest


peak_bits = _compiled(_peak_bits)


def _sums(x):
    total, squares = np.float32(0.0), np.float32(0.0)
    for i in range(x.size):
        total += x[i]
        squares += x[i] * x[i]
    return total, squares


sums = _compiled(_sums, fastmath={"contract", "reassoc", "nsz"})


class MelKernel:
    """The plan of one spectrogram, laid out for the kernels, with scratch space of its own.

    Parameters
    ----------
    plan : MelPlan
        ``n_fft`` a power of two from 32 on; ``power`` 1 or 2.
    """

    def __init__(self, plan: MelPlan) -> None:
        mel = plan.mel
        half = mel.n_fft // 2
        starts, lengths, weights = [], [], []
        for row in plan.bank:
            touched = np.flatnonzero(row)
            first, last = (touched[0], touched[-1] + 1) if touched.size else (0, 1)
            starts.append(first)
            lengths.append(last - first)
            weights.append(row[first:last])
        self._hop = mel.hop_length
        self._n_fft = mel.n_fft
        self._n_mels = mel.n_mels
        self._tables = (
            plan.window,
            _twiddles(half),
            _unit_roots(np.arange(half + 1), mel.n_fft),
            np.array(starts, np.int64),
            np.array(lengths, np.int64),
            np.concatenate(weights).astype(np.float64),
            mel.power == 1.0,
        )
        self._scratch = (
            np.empty((half + 1) * _ROW),
            np.empty((half + 1) * _ROW),
            np.empty(2 * LANES * _ROW),
            np.empty(mel.n_mels * LANES),
        )

    def frames(self, y: Float32Array, n_frames: int) -> Float32Array:
        """Return mel magnitudes, shape=(n_frames, n_mels); ``n_frames`` a multiple of 8.

        ``y`` holds at least ``(n_frames - 1) · hop_length + n_fft`` samples.
        """
        out = np.empty((n_frames, self._n_mels), np.float32)
        _mel_frames(y, self._hop, *self._tables, *self._scratch, out)
        return out


def _unit_roots(numerators: Any, n: int) -> Float64Array:
    """Return exp(-2πi·k/n) as pairs of real and imaginary parts."""
    roots = np.exp(-2j * np.pi * np.asarray(numerators) / n)
    return np.stack([roots.real, roots.imag], axis=-1).reshape(-1)


def _twiddles(length: int) -> Float64Array:
    """Return the factors of all radix-4 passes, in the order in which they are used."""
    passes = [np.empty(0)]
    while length >= 4:
        passes.append(_unit_roots(np.outer(np.arange(length // 4), [1, 2, 3]), length))
        length //= 4
    return np.concatenate(passes)
