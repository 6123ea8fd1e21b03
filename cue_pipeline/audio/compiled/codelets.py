"""Small Fourier transforms of eight signals abreast, written out as straight code for numba.

A codelet loads some complex values, transforms them while they are in registers, and stores them.
A complex value in memory is a row of 16 float64: the real parts of all lanes, then the imaginary
ones.

References
----------
Frigo, M. *A Fast Fourier Transform Compiler*. PLDI 1999: codelets made by a program.
"""

# numba's extension API has no types to speak of, and fixes the arguments of code generators.
# ruff: noqa: ARG001
# mypy: disable-error-code="no-untyped-def, no-untyped-call, import-untyped"

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types

from cue_pipeline.audio.compiled.lanes import (
    DOUBLES,
    LANES,
    SINGLES,
    element,
    loaded,
    splat,
    stored,
    vector_function,
)

ROW = 2 * LANES  # one complex value of all lanes
FIRST_RADIX = 8
RADICES = (2, 4, 8)  # of second passes

_INT = types.intp
Value = Any  # of LLVM
Complex = tuple[Value, Value]
Sums = Callable[[Any, Any], tuple[Complex, Complex]]


class _Codelet:
    """Writes the code of one transform."""

    def __init__(self, context: Any, builder: Any, sig: Any, args: Any) -> None:
        self._context, self._builder = context, builder
        self._kinds = dict(zip(args, sig.args, strict=True))

    def load(self, array: Value, index: Value) -> Complex:
        """Return the complex value at ``array[index]``."""
        real = self._element(array, index)
        return loaded(self._builder, real), loaded(
            self._builder, self._element(array, index, LANES)
        )

    def store(self, value: Complex, array: Value, index: Value) -> None:
        """Set the complex value at ``array[index]``."""
        stored(self._builder, value[0], self._element(array, index))
        stored(self._builder, value[1], self._element(array, index, LANES))

    def store_power(self, value: Complex, array: Value, index: Value) -> None:
        """Set 8 reals at ``array[index]`` to the squared magnitude of a value."""
        real, imaginary = value
        power = self.fma(real, real, self.times(imaginary, imaginary))
        stored(self._builder, power, self._element(array, index))

    def singles(self, array: Value, index: Value) -> Value:
        """Return 8 float32 from ``array[index]`` on as float64."""
        place = self._element(array, index, vector=SINGLES)
        return self._builder.fpext(loaded(self._builder, place, align=4), DOUBLES)

    def item(self, array: Value, index: Value, offset: int = 0) -> Value:
        """Return one number of an array."""
        data = self._context.make_array(self._kinds[array])(
            self._context, self._builder, array
        ).data
        return self._builder.load(self._builder.gep(data, [self.later(index, offset)]))

    def root(self, array: Value, index: Value, offset: int = 0) -> Complex:
        """Return the pair of float64 at ``array[index + offset]``, each for all lanes."""
        real, imaginary = (self.item(array, index, offset + k) for k in (0, 1))
        return splat(self._builder, real), splat(self._builder, imaginary)

    def scalar(self, array: Value, index: Value) -> Value:
        """Return the float64 at ``array[index]``, for all lanes."""
        return splat(self._builder, self.item(array, index))

    def gather(self, array: Value, index: Value, far: Value, count: int) -> list[Complex]:
        """Return ``count`` complex values ``far`` apart."""
        values = []
        for _ in range(count):
            values.append(self.load(array, index))
            index = self.later(index, far)
        return values

    def store_turned(
        self, values: list[Complex], array: Value, to: Value, roots: Value, at: Value
    ) -> None:
        """Store values in rows, all but the first turned by the roots from ``roots[at]`` on."""
        for k, value in enumerate(values):
            turned = self.product(value, self.root(roots, at, 2 * k - 2)) if k else value
            self.store(turned, array, self.later(to, k * ROW))

    def later(self, index: Value, step: Value) -> Value:
        """Return ``index + step``."""
        if isinstance(step, int):
            step = ir.Constant(index.type, step)
        return self._builder.add(index, step)

    def earlier(self, index: Value, step: Value) -> Value:
        """Return ``index - step``."""
        return self._builder.sub(index, step)

    def plus(self, a: Value, b: Value) -> Value:
        """Return a + b, which may become part of a fused multiplication."""
        return self._builder.fadd(a, b, flags=("contract",))

    def minus(self, a: Value, b: Value) -> Value:
        """Return a - b, which may become part of a fused multiplication."""
        return self._builder.fsub(a, b, flags=("contract",))

    def times(self, a: Value, b: Value) -> Value:
        """Return a · b, which may be fused with a sum."""
        return self._builder.fmul(a, b, flags=("contract",))

    def fma(self, a: Value, b: Value, c: Value) -> Value:
        """Return a · b + c, fused where the processor can."""
        kind = ir.FunctionType(DOUBLES, [DOUBLES] * 3)
        name = f"llvm.fmuladd.v{LANES}f64"
        return self._builder.call(
            cgutils.get_or_insert_function(self._builder.module, kind, name), [a, b, c]
        )

    def less(self, a: Value, b: Value, c: Value) -> Value:
        """Return c - a · b, fused where the processor can."""
        return self.fma(self._builder.fneg(a), b, c)

    def product(self, a: Complex, b: Complex) -> Complex:
        """Return the complex product."""
        (ar, ai), (br, bi) = a, b
        return self.less(ai, bi, self.times(ar, br)), self.fma(ar, bi, self.times(ai, br))

    def sums(self, a: Complex, b: Complex) -> tuple[Complex, Complex]:
        """Return a + b and a - b."""
        (ar, ai), (br, bi) = a, b
        return (self.plus(ar, br), self.plus(ai, bi)), (self.minus(ar, br), self.minus(ai, bi))

    def windowed_sums(self, a: Any, b: Any) -> tuple[Complex, Complex]:
        """Return a + b and a - b of parts that are still pairs of sample and window."""
        total, rest = [], []
        for (x, v), (y, w) in zip(a, b, strict=True):
            other = self.times(y, w)
            total.append(self.fma(x, v, other))
            rest.append(self.fma(x, v, self._builder.fneg(other)))
        return (total[0], total[1]), (rest[0], rest[1])

    def transform(self, values: list[Any], sums: Sums | None = None) -> list[Complex]:
        """Return the discrete Fourier transform of 2, 4 or 8 values, in order.

        ``sums`` adds and subtracts the values as they are given; the default takes complex ones.
        """
        n, half = len(values), len(values) // 2
        if n == 2:
            return list((sums or self.sums)(*values))
        even, odd = self.transform(values[::2], sums), self.transform(values[1::2], sums)
        pairs = [self._turned_sums(even[k], odd[k], k, n) for k in range(half)]
        return [first for first, _ in pairs] + [second for _, second in pairs]

    def _turned_sums(self, a: Complex, b: Complex, k: int, n: int) -> tuple[Complex, Complex]:
        """Return a ± exp(-2πi·k/n) · b."""
        (ar, ai), (br, bi) = a, b
        if k == 0:
            return self.sums(a, b)
        if 4 * k == n:
            return self.sums(a, (bi, self._builder.fneg(br)))
        # An eighth of a turn or three of them: the sum and the difference of b's parts, by √½.
        total, rest = self.plus(br, bi), self.minus(bi, br)
        tr, ti = (total, rest) if k == 1 else (rest, self._builder.fneg(total))
        c = ir.Constant(DOUBLES, [0.5**0.5] * LANES)
        return (
            (self.fma(tr, c, ar), self.fma(ti, c, ai)),
            (self.less(tr, c, ar), self.less(ti, c, ai)),
        )

    def paired(self, a: Complex, b: Complex, root: Complex) -> tuple[Complex, Complex]:
        """Return bins k and n - k of a real signal, from the same bins of its packed transform.

        The packed values are to be half as large as they were.
        """
        (ar, ai), (br, bi) = a, b
        even = self.plus(ar, br), self.minus(ai, bi)
        odd = self.plus(ai, bi), self.minus(br, ar)
        return self.sums(even, self.product(odd, root))

    def each_radix(self, radix: Value, write: Callable[[int], None]) -> None:
        """Write code for every radix, of which one runs."""
        for r in RADICES:
            same = self._builder.icmp_signed("==", radix, ir.Constant(radix.type, r))
            with self._builder.if_then(same):
                write(r)

    def _element(self, array: Value, index: Value, offset: int = 0, vector: Any = DOUBLES) -> Value:
        at = self.later(index, offset)
        return element(self._context, self._builder, self._kinds[array], array, at, vector)


def _codelet(write: Callable[..., None], sig: Any) -> Any:
    """Return what numba wants of an intrinsic whose code ``write`` writes."""

    def code(context, builder, sig, args):
        write(_Codelet(context, builder, sig, args), *args)
        return context.get_dummy_value()

    return sig, code


@vector_function
def first_pass(typing, turned, lane, places, window, n, gap, out, to, roots, at):
    """Window and transform 8 points, and turn each by its root.

    Point j is samples ``n + j·gap`` and the next of each frame, as real and imaginary part; sample
    i of 8 frames is ``turned[places[i] + lane]`` on. ``out[to]`` on takes the 8 rows.
    """

    def write(c, turned, lane, places, window, n, gap, out, to, roots, at):
        points = []
        for _ in range(FIRST_RADIX):
            parts = []
            for i in (n, c.later(n, 1)):
                place = c.later(lane, c.item(places, i))
                parts.append((c.singles(turned, place), c.scalar(window, i)))
            points.append(tuple(parts))
            n = c.later(n, gap)
        c.store_turned(c.transform(points, c.windowed_sums), out, to, roots, at)

    kinds = (turned, _INT, places, window, _INT, _INT, out, _INT, roots, _INT)
    return _codelet(write, types.void(*kinds))


@vector_function
def middle_pass(typing, x, a, far, out, to, roots, at):
    """Transform 8 values ``far`` apart and turn each by its root; 8 rows of ``out`` take them."""

    def write(c, x, a, far, out, to, roots, at):
        points = c.gather(x, a, far, FIRST_RADIX)
        c.store_turned(c.transform(points), out, to, roots, at)

    return _codelet(write, types.void(x, _INT, _INT, out, _INT, roots, _INT))


@vector_function
def crossing_pass(typing, radix, x, a, far, out, to, step, roots, at):
    """Transform some values ``far`` apart, turn all by roots, store them ``step`` apart."""

    def write(c, radix, x, a, far, out, to, step, roots, at):
        def of(r):
            place = to
            for k, value in enumerate(c.transform(c.gather(x, a, far, r))):
                c.store(c.product(value, c.root(roots, at, 2 * k)), out, place)
                place = c.later(place, step)

        c.each_radix(radix, of)

    return _codelet(write, types.void(_INT, x, _INT, _INT, out, _INT, _INT, roots, _INT))


@vector_function
def plain_pass(typing, radix, x, a, far, out, to, step):
    """Transform some values ``far`` apart, store them ``step`` apart."""

    def write(c, radix, x, a, far, out, to, step):
        def of(r):
            place = to
            for value in c.transform(c.gather(x, a, far, r)):
                c.store(value, out, place)
                place = c.later(place, step)

        c.each_radix(radix, of)

    return _codelet(write, types.void(_INT, x, _INT, _INT, out, _INT, _INT))


@vector_function
def paired_pass(typing, radix, x, a, b, far, powers, low, high, step, roots, at, stride):
    """Transform values at a and at b, each other's partners in reverse order, to powers of bins.

    Powers of the one go to ``powers[low]`` on, of the other from ``powers[high]`` down.
    """

    def write(c, radix, x, a, b, far, powers, low, high, step, roots, at, stride):
        def of(r):
            mine, theirs = (c.transform(c.gather(x, i, far, r)) for i in (a, b))
            up, down, root = low, high, at
            for one, other in zip(mine, reversed(theirs), strict=True):
                p, q = c.paired(one, other, c.root(roots, root))
                c.store_power(p, powers, up)
                c.store_power(q, powers, down)
                up, down, root = c.later(up, step), c.earlier(down, step), c.later(root, stride)

        c.each_radix(radix, of)

    kinds = (_INT, x, _INT, _INT, _INT, powers, _INT, _INT, _INT, roots, _INT, _INT)
    return _codelet(write, types.void(*kinds))


@vector_function
def pair_powers(typing, x, a, b, powers, low, high, roots, at):
    """Store the powers of two bins, from the packed values at a and b."""

    def write(c, x, a, b, powers, low, high, roots, at):
        p, q = c.paired(c.load(x, a), c.load(x, b), c.root(roots, at))
        c.store_power(p, powers, low)
        c.store_power(q, powers, high)

    return _codelet(write, types.void(x, _INT, _INT, powers, _INT, _INT, roots, _INT))
