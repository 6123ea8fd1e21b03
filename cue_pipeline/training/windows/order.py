"""In which order windows come: a permutation that is computed, not stored.

Which window stands at a position of an epoch is a function of seed, epoch and position alone, so
that ranks, workers and a resumed run need to agree on nothing else, and the millionth batch costs
what the first does.

Notes
-----
A generalised Feistel network of six rounds on ``a * b`` values, two nearly equal factors whose
product is not much above ``n``; what falls outside is walked on until it is inside (Black and
Rogaway 2002, methods 2 and 3). Its round function is the finaliser of SplitMix64.

References
----------
J. Black, P. Rogaway: Ciphers with arbitrary finite domains. CT-RSA 2002.
G. L. Steele, D. Lea, C. H. Flood: Fast splittable pseudorandom number generators. OOPSLA 2014.
"""

import math

import numpy as np
from numpy.typing import NDArray

UInt64 = NDArray[np.uint64]
Int64 = NDArray[np.int64]

_ROUNDS = 6
_GOLDEN = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_30, _27, _31 = np.uint64(30), np.uint64(27), np.uint64(31)


class Permutation:
    """A permutation of the numbers below ``n``, another one for each key.

    Parameters
    ----------
    n : int
        How many numbers.
    *key : int
        Seed, epoch and whatever else tells one permutation from another.
    """

    def __init__(self, n: int, *key: int) -> None:
        self.n = n
        self._a = max(1, math.isqrt(max(0, n - 1)) + 1)
        self._b = max(1, -(-n // self._a))
        self._keys = _round_keys(key)

    def __call__(self, positions: Int64) -> Int64:
        """Return what stands at some positions.

        Parameters
        ----------
        positions : np.ndarray of int64
            Each in ``0 <= position < n``.

        Returns
        -------
        np.ndarray of int64, the same shape
        """
        found = self._once(positions.astype(np.uint64))
        outside = np.flatnonzero(found >= self.n)
        while len(outside):
            found[outside] = self._once(found[outside])
            outside = outside[found[outside] >= self.n]
        return found.astype(np.int64)

    def _once(self, at: UInt64) -> UInt64:
        a, b = np.uint64(self._a), np.uint64(self._b)
        right, left = np.divmod(at, a)
        for i, key in enumerate(self._keys):
            mixed = (left + _mixed(right ^ key)) % (b if i % 2 else a)
            left, right = right, mixed
        return left + a * right if _ROUNDS % 2 else right * a + left


def _mixed(x: UInt64) -> UInt64:
    x = (x ^ (x >> _30)) * _FIRST
    x = (x ^ (x >> _27)) * _SECOND
    # Half of the bits: what is added to them below cannot overflow.
    return (x ^ (x >> _31)) >> np.uint64(32)


def _round_keys(key: tuple[int, ...]) -> list[np.uint64]:
    state = 0
    for part in key:
        state = _scalar_mixed((state + _GOLDEN + part) & _MASK)
    keys = []
    for _ in range(_ROUNDS):
        state = (state + _GOLDEN) & _MASK
        keys.append(np.uint64(_scalar_mixed(state)))
    return keys


def _scalar_mixed(x: int) -> int:
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return x ^ (x >> 31)
