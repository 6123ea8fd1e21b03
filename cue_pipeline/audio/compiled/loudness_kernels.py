"""Compiled kernels of loudness: K-weighted power of steps, and the peak between samples.

A recursive filter waits for each of its results, and so does scipy's; what a kernel saves is the
copies in double precision and the passes over them. The interpolator is 48 products a sample,
which a vector unit takes eight samples at a time.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, import-untyped, untyped-decorator"

import numpy as np

from cue_pipeline.audio.compiled.lanes import compiled

BUILT_ON = "0605578ba2530b24"
"""SHA-256 of lanes.py, first 16 digits: see :func:`.lanes.compiled`."""

_TAPS = 12
_PART = 1024


@compiled()
def k_weighted_power(x, other, sos, state, sums, step, taken):
    """Filter two channels by two second-order sections, and add their squares step by step.

    Each waits for its own results alone, so that two take little longer than one.

    Parameters
    ----------
    x, other : float32, shape=(n,)
        The same twice for one channel: of the second result nothing is then used.
    sos : float64, shape=(2, 6)
    state : float64, shape=(2, 2, 2)
        Of section, channel: transposed direct form II; left as it is behind the last sample.
    sums : float64, shape=(2, 1 + steps that end here)
        Of squares, added to: that of the step that is open, and of those that follow.
    step, taken : int
        Samples of a step, and those of the open one that came before.
    """
    b0, b1, b2, a1, a2 = sos[0, 0], sos[0, 1], sos[0, 2], sos[0, 4], sos[0, 5]
    c0, c1, c2, d1, d2 = sos[1, 0], sos[1, 1], sos[1, 2], sos[1, 4], sos[1, 5]
    s0, s1, t0, t1 = state[0, 0, 0], state[0, 0, 1], state[1, 0, 0], state[1, 0, 1]
    p0, p1, q0, q1 = state[0, 1, 0], state[0, 1, 1], state[1, 1, 0], state[1, 1, 1]
    first, k = 0, 0
    while first < x.size:
        last = min(first + step - taken, x.size)
        total, rest = 0.0, 0.0
        for i in range(first, last):
            v, w = np.float64(x[i]), np.float64(other[i])
            y, z = b0 * v + s0, b0 * w + p0
            s0, p0 = b1 * v - a1 * y + s1, b1 * w - a1 * z + p1
            s1, p1 = b2 * v - a2 * y, b2 * w - a2 * z
            v, w = c0 * y + t0, c0 * z + q0
            t0, q0 = c1 * y - d1 * v + t1, c1 * z - d1 * w + q1
            t1, q1 = c2 * y - d2 * v, c2 * z - d2 * w
            total += v * v
            rest += w * w
        sums[0, k] += total
        sums[1, k] += rest
        taken = (taken + last - first) % step
        first = last
        k += 1
    state[0, 0, 0], state[0, 0, 1], state[1, 0, 0], state[1, 0, 1] = s0, s1, t0, t1
    state[0, 1, 0], state[0, 1, 1], state[1, 1, 0], state[1, 1, 1] = p0, p1, q0, q1


@compiled(fastmath={"contract", "nnan", "nsz"})
def _highest(x):
    highest = np.float32(0.0)
    for i in range(x.size):
        magnitude = abs(x[i])
        if magnitude > highest:
            highest = magnitude
    return highest


@compiled()
def _filtered(x, a, y):
    """Fill y with x under twelve taps."""
    a0, a1, a2, a3, a4, a5 = a[0], a[1], a[2], a[3], a[4], a[5]
    a6, a7, a8, a9, a10, a11 = a[6], a[7], a[8], a[9], a[10], a[11]
    for i in range(y.size):
        y[i] = (
            x[i] * a0 + x[i + 1] * a1 + x[i + 2] * a2 + x[i + 3] * a3
            + x[i + 4] * a4 + x[i + 5] * a5 + x[i + 6] * a6 + x[i + 7] * a7
            + x[i + 8] * a8 + x[i + 9] * a9 + x[i + 10] * a10 + x[i + 11] * a11
        )  # fmt: skip


@compiled()
def peak_between(x, taps, gain, highest):
    """Return the largest magnitude of a signal, and of it under each of some rows of twelve taps.

    Parameters
    ----------
    x : float32, shape=(n,)
    taps : float32, shape=(phases, 12)
    gain : float
        The most by which a row of taps can raise a peak: a part that cannot reach what was found
        is passed over.
    highest : float
        What was found before; returned where there is nothing higher.
    """
    highest = max(highest, np.float64(_highest(x)))
    held = np.empty(_PART, np.float32)
    for first in range(0, x.size - _TAPS + 1, _PART):
        n = min(_PART, x.size - _TAPS + 1 - first)
        if _highest(x[first : first + n + _TAPS - 1]) * gain > highest:
            for phase in range(len(taps)):
                _filtered(x[first:], taps[phase], held[:n])
                highest = max(highest, np.float64(_highest(held[:n])))
    return highest
