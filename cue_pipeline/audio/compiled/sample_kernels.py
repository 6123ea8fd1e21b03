"""Compiled kernels over samples: packed integers to floats, levels and composite of a group.

Each block is taken window by window (some hundred samples), so that all that is asked of a window
is answered while it is in the core's first cache.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, import-untyped, untyped-decorator"

import numpy as np

from cue_pipeline.audio.compiled.lanes import add_unpacked_24, compiled, unpack_24

BUILT_ON = "0605578ba2530b24"
"""SHA-256 of lanes.py, first 16 digits: see :func:`.lanes.compiled`."""

_STRETCH = 1024  # float32 sums are exact enough of so many samples
_ANY_ORDER = {"contract", "reassoc", "nsz"}  # of sums: several run side by side


@compiled()
def _sample_24(raw, k):
    value = (raw[3 * k] << 8) | (raw[3 * k + 1] << 16) | (np.int32(raw[3 * k + 2]) << 24)
    return np.float32(np.int32(value)) * np.float32(2.0**-31)


@compiled()
def decode_24(raw, out):
    """Decode packed 24-bit samples; ``raw`` holds at least 64 bytes from the last 16 on."""
    whole = out.size // 16 * 16
    for k in range(0, whole, 16):
        unpack_24(raw, 3 * k, out, k)
    for k in range(whole, out.size):
        out[k] = _sample_24(raw, k)


@compiled()
def add_24(raw, total):
    """Decode packed 24-bit samples and add them; ``raw`` as of :func:`decode_24`."""
    whole = total.size // 16 * 16
    for k in range(0, whole, 16):
        add_unpacked_24(raw, 3 * k, total, k)
    for k in range(whole, total.size):
        total[k] += _sample_24(raw, k)


@compiled(fastmath=_ANY_ORDER)
def _channel(x, bits):
    """Return the largest magnitude, as the bits of a float32, the sum and the sum of squares.

    Floats of one sign are ordered as their bits are, NaN and Inf above all others.
    """
    highest, total, squares = np.int32(0), np.float32(0.0), np.float32(0.0)
    for i in range(x.size):
        magnitude = np.int32(bits[i] & 0x7FFFFFFF)
        if magnitude > highest:  # max() would widen to 64 bits
            highest = magnitude
        total += x[i]
        squares += x[i] * x[i]
    return highest, total, squares


@compiled(fastmath=_ANY_ORDER)
def _sums(x):
    total, squares = np.float32(0.0), np.float32(0.0)
    for i in range(x.size):
        total += x[i]
        squares += x[i] * x[i]
    return total, squares


@compiled(fastmath=_ANY_ORDER)
def _product(x, y):
    total = np.float32(0.0)
    for i in range(x.size):
        total += x[i] * y[i]
    return total


@compiled(fastmath=_ANY_ORDER)
def _four_products(x, y):
    """Return the sums of x·x, y·y, x·y and (x - y)²."""
    of_x, of_y, cross, rest = np.float32(0.0), np.float32(0.0), np.float32(0.0), np.float32(0.0)
    for i in range(x.size):
        of_x += x[i] * x[i]
        of_y += y[i] * y[i]
        cross += x[i] * y[i]
        rest += (x[i] - y[i]) * (x[i] - y[i])
    return of_x, of_y, cross, rest


@compiled()
def compare(x, y, sums):
    """Add to ``sums`` the products of two signals: x·x, y·y, x·y and (x - y)²."""
    for first in range(0, x.size, _STRETCH):
        last = min(first + _STRETCH, x.size)
        found = _four_products(x[first:last], y[first:last])
        for i in range(4):
            sums[i] += found[i]


@compiled()
def _mean(block, first, last, out):
    """Fill ``out`` with the mean of the channels, to the bit as numpy adds them."""
    for channel in range(len(block)):
        x = block[channel, first:last]
        for i in range(out.size):
            out[i] = out[i] + x[i] if channel else x[i]
    if len(block) > 1:
        scale = np.float32(1.0 / len(block))
        for i in range(out.size):
            out[i] *= scale


@compiled()
def survey(block, bits, window, left, right, composite, windows, peaks, sums):
    """Measure a block, shape=(channels, n), and fill ``composite`` with its channels' mean.

    ``windows`` takes the largest magnitude of each window of any channel, ``peaks`` that of each
    channel, as the bits of a float32; ``sums``, shape=(channels + 2, 2), the sum and the sum of
    squares of each channel and of the composite, and the product of channels left and right. All
    three come as zeros.
    """
    channels, n = block.shape
    for k in range(windows.size):
        first, last = k * window, min((k + 1) * window, n)
        for channel in range(channels):
            found = _channel(block[channel, first:last], bits[channel, first:last])
            windows[k] = max(windows[k], found[0])
            peaks[channel] = max(peaks[channel], found[0])
            sums[channel, 0] += found[1]
            sums[channel, 1] += found[2]
        _mean(block, first, last, composite[first:last])
        total, squares = _sums(composite[first:last])
        sums[channels, 0] += total
        sums[channels, 1] += squares
        if left >= 0:
            sums[channels + 1, 0] += _product(block[left, first:last], block[right, first:last])


@compiled(fastmath={"nnan", "nsz"})
def pack_half(values, bits, halves):
    """Round float32 to the bits of float16, ties to even, as numpy does; return the largest.

    ``bits`` are the values' own. No value is NaN.
    """
    highest = np.float32(-np.inf)
    for i in range(values.size):
        highest = max(highest, values[i])
        magnitude = np.int32(bits[i] & 0x7FFFFFFF)
        sign = np.int32((bits[i] >> 16) & 0x8000)
        # A normal number: 13 bits fewer of mantissa, and another bias of the exponent.
        half = np.int32((magnitude + 0xFFF + ((magnitude >> 13) & 1) - (112 << 23)) >> 13)
        if magnitude >= 0x477FF000:  # beyond the largest
            half = np.int32(0x7C00)
        if magnitude < 113 << 23:  # below the smallest: a multiple of 2**-24, as those of 0.5 are
            small = (abs(values[i]) + np.float32(0.5)) - np.float32(0.5)
            half = np.int32(small * np.float32(2.0**24))
        halves[i] = np.uint16(sign | half)
    return highest
