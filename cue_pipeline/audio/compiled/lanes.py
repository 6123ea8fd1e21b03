"""Eight float64 side by side: a vector type for numba, and what the kernels need of it.

LLVM seldom finds by itself how to run eight transforms abreast, so the vectors are written out:
one lane per frame. On AVX-512 a value is one register, on AVX2 two, on NEON four; LLVM splits it.
"""

# numba's extension API has no types to speak of, and fixes the arguments of code generators.
# ruff: noqa: ARG001, ARG002
# mypy: disable-error-code="no-untyped-def, no-untyped-call, misc, import-untyped"

import operator
from collections.abc import Callable
from typing import Any

import numba
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.extending import intrinsic, lower_builtin, models, register_model
from numba.core.typing.templates import AbstractTemplate, infer_global, signature

LANES = 8

_I8, _I32 = ir.IntType(8), ir.IntType(32)
DOUBLES = ir.VectorType(ir.DoubleType(), LANES)
SINGLES = ir.VectorType(ir.FloatType(), LANES)
_PACKED, _SAMPLES = ir.VectorType(_I8, 64), ir.VectorType(ir.FloatType(), 16)


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that compiles, and keeps the result on disk where there is a place.

    What is kept goes by the date of the decorated function's own file alone. So that an update
    never leaves old machine code in use, that file names the versions of the modules that it is
    built on (``BUILT_ON``), which a test holds against them.
    """
    settings = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}, **options}

    def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
        try:
            return numba.njit(cache=True, **settings)(function)  # type: ignore[no-any-return]
        except RuntimeError:  # neither __pycache__ nor a user's cache can be written
            return numba.njit(**settings)(function)  # type: ignore[no-any-return]

    return decorated


class LanesType(types.Type):
    """The type of eight float64."""

    def __init__(self) -> None:
        super().__init__(name="lanes(float64 x 8)")


lanes = LanesType()


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, DOUBLES)


class _Arithmetic(AbstractTemplate):
    """Lanes with lanes, or with one float64 for all."""

    def generic(self, args, kws):
        fits = len(args) == 2 and isinstance(args[0], LanesType)
        if fits and (isinstance(args[1], LanesType) or args[1] == types.float64):
            return signature(lanes, *args)
        return None


def vector_function(code: Any) -> Any:
    """Make a function of lanes from one that writes its LLVM code."""
    return intrinsic(code)


def mask(indices: list[int]) -> ir.Constant:
    """Return the indices of a shuffle."""
    return ir.Constant(ir.VectorType(_I32, len(indices)), indices)


def splat(builder, scalar):
    """Return a float64 in all lanes."""
    nothing = ir.Constant(DOUBLES, ir.Undefined)
    first = builder.insert_element(nothing, scalar, ir.Constant(_I32, 0))
    return builder.shuffle_vector(first, nothing, mask([0] * LANES))


def _register(op: Any, instruction: str) -> None:
    infer_global(op)(type(f"Lanes_{instruction}", (_Arithmetic,), {"key": op}))

    def lowered(context, builder, sig, args):
        a, b = args
        if not isinstance(sig.args[1], LanesType):
            b = splat(builder, b)
        # Products and sums may be fused; nothing else about them may change.
        return getattr(builder, instruction)(a, b, flags=("contract",))

    lower_builtin(op, LanesType, LanesType)(lowered)
    lower_builtin(op, LanesType, types.Float)(lowered)


for _op, _instruction in ((operator.add, "fadd"), (operator.sub, "fsub"), (operator.mul, "fmul")):
    _register(_op, _instruction)


def element(context, builder, kind, array, index, vector=DOUBLES):
    """Return the address of a vector that begins at ``array[index]``."""
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), vector.as_pointer())


def loaded(builder, address, align=8):
    """Return the vector at an address."""
    value = builder.load(address)
    value.align = align
    return value


def stored(builder, value, address, align=8) -> None:
    """Put a vector at an address."""
    builder.store(value, address).align = align


@vector_function
def vload(typing, array, index):
    """Return ``array[index : index + 8]``."""

    def code(context, builder, sig, args):
        return loaded(builder, element(context, builder, sig.args[0], *args))

    return lanes(array, types.intp), code


@vector_function
def vstore(typing, array, index, value):
    """Set ``array[index : index + 8]``."""

    def code(context, builder, sig, args):
        array, index, value = args
        stored(builder, value, element(context, builder, sig.args[0], array, index))
        return context.get_dummy_value()

    return types.void(array, types.intp, lanes), code


@vector_function
def vzero(typing):
    """Return zeros."""

    def code(context, builder, sig, args):
        return ir.Constant(DOUBLES, [0.0] * LANES)

    return lanes(), code


@vector_function
def vsqrt(typing, value):
    """Return the square root of each lane."""

    def code(context, builder, sig, args):
        kind = ir.FunctionType(DOUBLES, [DOUBLES])
        root = cgutils.get_or_insert_function(builder.module, kind, f"llvm.sqrt.v{LANES}f64")
        return builder.call(root, args)

    return lanes(lanes), code


@vector_function
def turn_square(typing, y, at, hop, turned, to, pitch):
    """Turn 8 times 8 float32 samples: ``turned[to + n·pitch + l] = y[at + l·hop + n]``."""

    def code(context, builder, sig, args):
        y, at, hop, turned, to, pitch = args
        rows = []
        for _ in range(LANES):
            address = element(context, builder, sig.args[0], y, at, vector=SINGLES)
            rows.append(loaded(builder, address, align=4))
            at = builder.add(at, hop)
        # A square of 8 × 8 is transposed by interleaving rows i and i + 4, three times over.
        low = [k for i in range(LANES // 2) for k in (i, LANES + i)]
        high = [k + LANES // 2 for k in low]
        for _ in range(3):
            rows = [
                builder.shuffle_vector(rows[i], rows[i + LANES // 2], mask(half))
                for i in range(LANES // 2)
                for half in (low, high)
            ]
        for row in rows:
            address = element(context, builder, sig.args[3], turned, to, vector=SINGLES)
            stored(builder, row, address, align=4)
            to = builder.add(to, pitch)
        return context.get_dummy_value()

    return types.void(y, types.intp, types.intp, turned, types.intp, types.intp), code


def _unpacked_24(builder, source):
    """Return 16 float32, full scale = 1.0, from packed 24-bit samples; 64 bytes are read."""
    count = 16
    # Each sample goes into the three upper bytes of an integer; index 64 is a byte of zero.
    spread = [k for i in range(count) for k in (4 * count, 3 * i, 3 * i + 1, 3 * i + 2)]
    data = loaded(builder, source, align=1)
    wide = builder.shuffle_vector(data, ir.Constant(data.type, [0] * 4 * count), mask(spread))
    integers = builder.bitcast(wide, ir.VectorType(_I32, count))
    scale = ir.Constant(_SAMPLES, [2.0**-31] * count)
    return builder.fmul(builder.sitofp(integers, _SAMPLES), scale)


@vector_function
def unpack_24(typing, raw, at, out, to):
    """Set ``out[to : to + 16]`` from packed 24-bit samples at ``raw[at]``, full scale = 1.0.

    64 bytes are read there, of which 48 count.
    """

    def code(context, builder, sig, args):
        raw, at, out, to = args
        samples = _unpacked_24(builder, element(context, builder, sig.args[0], raw, at, _PACKED))
        target = element(context, builder, sig.args[2], out, to, vector=_SAMPLES)
        stored(builder, samples, target, align=4)
        return context.get_dummy_value()

    return types.void(raw, types.intp, out, types.intp), code


@vector_function
def add_unpacked_24(typing, raw, at, total, to):
    """Add to ``total[to : to + 16]``; otherwise as :func:`unpack_24`."""

    def code(context, builder, sig, args):
        raw, at, total, to = args
        samples = _unpacked_24(builder, element(context, builder, sig.args[0], raw, at, _PACKED))
        target = element(context, builder, sig.args[2], total, to, vector=_SAMPLES)
        stored(builder, builder.fadd(loaded(builder, target, align=4), samples), target, align=4)
        return context.get_dummy_value()

    return types.void(raw, types.intp, total, types.intp), code
