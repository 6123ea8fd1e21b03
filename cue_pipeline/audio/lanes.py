"""Eight float64 side by side: a vector type for numba, and what the kernels need of it.

LLVM seldom finds by itself how to run eight transforms abreast, so the vectors are written out:
one lane per frame. On AVX-512 a value is one register, on AVX2 two, on NEON four; LLVM splits it.
"""

# numba's extension API has no types to speak of, and fixes the arguments of code generators.
# ruff: noqa: ARG001, ARG002
# mypy: disable-error-code="no-untyped-def, no-untyped-call, misc, import-untyped"

import operator
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.extending import intrinsic, lower_builtin, models, register_model
from numba.core.typing.templates import AbstractTemplate, infer_global, signature

LANES = 8

_I8, _I32 = ir.IntType(8), ir.IntType(32)
_VECTOR = ir.VectorType(ir.DoubleType(), LANES)
_SINGLES = ir.VectorType(ir.FloatType(), LANES)


class LanesType(types.Type):
    """The type of eight float64."""

    def __init__(self) -> None:
        super().__init__(name="lanes(float64 x 8)")


lanes = LanesType()


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _VECTOR)


class _Arithmetic(AbstractTemplate):
    """Lanes with lanes, or with one float64 for all."""

    def generic(self, args, kws):
        fits = len(args) == 2 and isinstance(args[0], LanesType)
        if fits and (isinstance(args[1], LanesType) or args[1] == types.float64):
            return signature(lanes, *args)
        return None


def _vector_function(code: Any) -> Any:
    """Make a function of lanes from one that writes its LLVM code."""
    return intrinsic(code)


def _mask(indices: list[int]) -> ir.Constant:
    return ir.Constant(ir.VectorType(_I32, len(indices)), indices)


def _splat(builder, scalar):
    nothing = ir.Constant(_VECTOR, ir.Undefined)
    first = builder.insert_element(nothing, scalar, ir.Constant(_I32, 0))
    return builder.shuffle_vector(first, nothing, _mask([0] * LANES))


def _register(op: Any, instruction: str) -> None:
    infer_global(op)(type(f"Lanes_{instruction}", (_Arithmetic,), {"key": op}))

    def lowered(context, builder, sig, args):
        a, b = args
        if not isinstance(sig.args[1], LanesType):
            b = _splat(builder, b)
        # Products and sums may be fused; nothing else about them may change.
        return getattr(builder, instruction)(a, b, flags=("contract",))

    lower_builtin(op, LanesType, LanesType)(lowered)
    lower_builtin(op, LanesType, types.Float)(lowered)


for _op, _instruction in ((operator.add, "fadd"), (operator.sub, "fsub"), (operator.mul, "fmul")):
    _register(_op, _instruction)


def _address(context, builder, kind, array, index, vector=_VECTOR):
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), vector.as_pointer())


def _loaded(builder, address, align=8):
    value = builder.load(address)
    value.align = align
    return value


def _stored(builder, value, address, align=8) -> None:
    builder.store(value, address).align = align


@_vector_function
def vload(typing, array, index):
    """Return ``array[index : index + 8]``."""

    def code(context, builder, sig, args):
        return _loaded(builder, _address(context, builder, sig.args[0], *args))

    return lanes(array, types.intp), code


@_vector_function
def vstore(typing, array, index, value):
    """Set ``array[index : index + 8]``."""

    def code(context, builder, sig, args):
        array, index, value = args
        _stored(builder, value, _address(context, builder, sig.args[0], array, index))
        return context.get_dummy_value()

    return types.void(array, types.intp, lanes), code


@_vector_function
def vsqrt(typing, value):
    """Return the square root of each lane."""

    def code(context, builder, sig, args):
        kind = ir.FunctionType(_VECTOR, [_VECTOR])
        root = cgutils.get_or_insert_function(builder.module, kind, f"llvm.sqrt.v{LANES}f64")
        return builder.call(root, args)

    return lanes(lanes), code


@_vector_function
def windowed_columns(typing, y, base, hop, window, at, out, to):
    """Window 8 float32 samples of 8 frames, and turn them so that lanes are frames.

    ``out[to + 8·n + l] = y[base + l·hop + n] · window[at + n]`` for n and l in 0 … 7.
    """

    def code(context, builder, sig, args):
        y, base, hop, window, at, out, to = args
        factor = _loaded(builder, _address(context, builder, sig.args[3], window, at))
        rows, start = [], base
        for _ in range(LANES):
            address = _address(context, builder, sig.args[0], y, start, vector=_SINGLES)
            row = builder.fpext(_loaded(builder, address, align=4), _VECTOR)
            rows.append(builder.fmul(row, factor))
            start = builder.add(start, hop)
        # A square of 8 × 8 is transposed by interleaving rows i and i + 4, three times over.
        low = [k for i in range(LANES // 2) for k in (i, LANES + i)]
        high = [k + LANES // 2 for k in low]
        for _ in range(3):
            rows = [
                builder.shuffle_vector(rows[i], rows[i + LANES // 2], _mask(half))
                for i in range(LANES // 2)
                for half in (low, high)
            ]
        for n, row in enumerate(rows):
            place = builder.add(to, ir.Constant(to.type, LANES * n))
            _stored(builder, row, _address(context, builder, sig.args[5], out, place))
        return context.get_dummy_value()

    kinds = (y, types.intp, types.intp, window, types.intp, out, types.intp)
    return types.void(*kinds), code


@_vector_function
def unpack_24(typing, raw, at, out, to):
    """Set ``out[to : to + 16]`` from packed 24-bit samples at ``raw[at]``, full scale = 1.0."""

    def code(context, builder, sig, args):
        raw, at, out, to = args
        count = 16
        packed = ir.VectorType(_I8, 3 * count)
        floats = ir.VectorType(ir.FloatType(), count)
        source = _address(context, builder, sig.args[0], raw, at, vector=packed)
        data = _loaded(builder, source, align=1)
        # Each sample goes into the three upper bytes of an integer; index 48 is a byte of zero.
        spread = [k for i in range(count) for k in (3 * count, 3 * i, 3 * i + 1, 3 * i + 2)]
        wide = builder.shuffle_vector(data, ir.Constant(packed, [0] * 3 * count), _mask(spread))
        integers = builder.bitcast(wide, ir.VectorType(_I32, count))
        scale = ir.Constant(floats, [2.0**-31] * count)
        samples = builder.fmul(builder.sitofp(integers, floats), scale)
        target = _address(context, builder, sig.args[2], out, to, vector=floats)
        _stored(builder, samples, target, align=4)
        return context.get_dummy_value()

    return types.void(raw, types.intp, out, types.intp), code
