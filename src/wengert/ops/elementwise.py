"""Functions of each element. The differential of an operand is ``(t, z, *operands) -> tangent of z``."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.core.primitive import reads_nothing
from wengert.core.trace import Tracer
from wengert.core.types import Aval, dtype_of, ndim_of
from wengert.ops.families import align, binary, elementwise, fit, flat, general, linear, unary

LN2, LN10 = math.log(2.0), math.log(10.0)

# ---- arithmetic

add = binary(
    "add", np.add, (lambda t, _z, _x, _y: t, lambda t, _z, _x, _y: t), "{0} + {1}", operator.add
)  # fmt: skip
subtract = binary(
    "subtract", np.subtract, (lambda t, _z, _x, _y: t, lambda t, _z, _x, _y: -t), "{0} - {1}", operator.sub
)
multiply = binary(
    "multiply", np.multiply, (lambda t, _z, _x, y: t * y, lambda t, _z, x, _y: t * x), "{0} {1}", operator.mul
)
divide = binary(
    "divide", np.true_divide, (lambda t, _z, _x, y: t / y, lambda t, z, _x, y: -t * z / y),
    r"\frac{{{0}}}{{{1}}}", operator.truediv,
)  # fmt: skip
negative = unary("negative", np.negative, lambda t, _z, _x: -t, "-{0}", operator.neg)
positive = unary("positive", np.positive, lambda t, _z, _x: t, "{0}", operator.pos)


def _square(x: Any) -> Any:
    if type(x) is np.bool_ or (type(x) is np.ndarray and x.dtype.kind == "b"):
        return np.square(x)  # an integer, while the product of bools is one
    return x * x


square = unary("square", np.square, lambda t, _z, x: 2 * t * x, "{0}^2", _square)
reciprocal = unary("reciprocal", np.reciprocal, lambda t, z, _x: -t * z * z, r"\frac{{1}}{{{0}}}")


def _power_in_base(t: Any, _z: Any, x: Any, y: Any) -> Any:
    # y x^(y-1), where y = 0 gives 0 also at x = 0; np.power, for Python's 0.0 ** -0.5 raises
    if type(y) in (int, float):
        return t * (y * np.power(x, y - 1 if y else 1))
    return t * (y * np.power(x, np.where(y == 0, 1, y - 1)))


def _power_in_exponent(t: Any, z: Any, x: Any, _y: Any) -> Any:
    # z log x, which goes to 0 with x for y > 0; negative numbers have powers, and logarithms, that are complex
    base = x + 0j if dtype_of(z).kind == "c" != dtype_of(x).kind else x
    return t * z * np.log(np.where(x == 0, 1, base))


def _power(x: Any, y: Any) -> Any:
    if type(x) is np.ndarray and x.dtype.kind == "b":
        return np.power(x, y)  # of the operator squares alone would be int8
    return x**y


power = binary("power", np.power, (_power_in_base, _power_in_exponent), "{0}^{{{1}}}", _power)
float_power = binary("float_power", np.float_power, (_power_in_base, _power_in_exponent), "{0}^{{{1}}}")

# ---- exponentials and logarithms

exp = unary("exp", np.exp, lambda t, z, _x: t * z, "e^{{{0}}}")
exp2 = unary("exp2", np.exp2, lambda t, z, _x: t * (z * LN2), "2^{{{0}}}")
expm1 = unary("expm1", np.expm1, lambda t, _z, x: t * np.exp(x), "e^{{{0}}} - 1")
log = unary("log", np.log, lambda t, _z, x: t / x, r"\ln {0}")
log2 = unary("log2", np.log2, lambda t, _z, x: t / (x * LN2), r"\log_2 {0}")
log10 = unary("log10", np.log10, lambda t, _z, x: t / (x * LN10), r"\log_{{10}} {0}")
log1p = unary("log1p", np.log1p, lambda t, _z, x: t / (1 + x), r"\ln(1 + {0})")
sqrt = unary("sqrt", np.sqrt, lambda t, z, _x: t / (2 * z), r"\sqrt{{{0}}}")
cbrt = unary("cbrt", np.cbrt, lambda t, z, _x: t / (3 * z * z), r"\sqrt[3]{{{0}}}")


def _softmax_weight(base: Any) -> Any:
    # where x and z are the same infinity the quotient of the exponentials is 1
    return lambda x, z: base(np.where(x == z, 0.0, x - z))


_weight_e, _weight_2 = _softmax_weight(np.exp), _softmax_weight(np.exp2)
logaddexp = binary(
    "logaddexp", np.logaddexp,
    (lambda t, z, x, _y: t * _weight_e(x, z), lambda t, z, _x, y: t * _weight_e(y, z)),
    r"\ln(e^{{{0}}} + e^{{{1}}})",
)  # fmt: skip
logaddexp2 = binary(
    "logaddexp2", np.logaddexp2,
    (lambda t, z, x, _y: t * _weight_2(x, z), lambda t, z, _x, y: t * _weight_2(y, z)),
    r"\log_2(2^{{{0}}} + 2^{{{1}}})",
)  # fmt: skip

# ---- circular and hyperbolic functions

sin = unary("sin", np.sin, lambda t, _z, x: t * np.cos(x), r"\sin {0}")
cos = unary("cos", np.cos, lambda t, _z, x: -t * np.sin(x), r"\cos {0}")
tan = unary("tan", np.tan, lambda t, z, _x: t * (1 + z * z), r"\tan {0}")


def _arc(x: Any) -> Any:
    # √(1 − x²). The side of a branch cut is the sign of an imaginary zero: x − 1 keeps it, 1 − x and x + 1 do not
    if dtype_of(x).kind == "c":
        return np.sqrt(-(x - 1)) * np.sqrt(x - -1)
    return np.sqrt((1 - x) * (1 + x))


arcsin = unary("arcsin", np.arcsin, lambda t, _z, x: t / _arc(x), r"\arcsin {0}")
arccos = unary("arccos", np.arccos, lambda t, _z, x: -t / _arc(x), r"\arccos {0}")
arctan = unary("arctan", np.arctan, lambda t, _z, x: t / (1 + x * x), r"\arctan {0}")
sinh = unary("sinh", np.sinh, lambda t, _z, x: t * np.cosh(x), r"\sinh {0}")
cosh = unary("cosh", np.cosh, lambda t, _z, x: t * np.sinh(x), r"\cosh {0}")


def _tanh(t: Any, z: Any, _x: Any) -> Any:
    # t (1 - z²), from the output alone; one new array in place of three, for this is where networks spend time
    if type(t) is np.ndarray and type(z) is np.ndarray and t.dtype == z.dtype and t.shape == z.shape:
        d = z * z
        np.subtract(1, d, out=d)
        return np.multiply(t, d, out=d)
    return t * (1 - z * z)


tanh = unary("tanh", np.tanh, _tanh, r"\tanh {0}")


def _arcsinh(t: Any, _z: Any, x: Any) -> Any:
    # not by √(1 + x²): x² overflows where the derivative is 1/|x|
    if dtype_of(x).kind != "c":
        return t / np.hypot(1, x)
    near = np.absolute(x) < 1e8  # beyond, √(1 + x²) is ±x to the last place
    square = np.square(np.where(near, x, 1))
    return t / np.where(near, np.sqrt(square - -1), x * np.copysign(1, np.real(x)))


arcsinh = unary("arcsinh", np.arcsinh, _arcsinh, r"\operatorname{{arsinh}} {0}")
arccosh = unary(
    "arccosh", np.arccosh, lambda t, _z, x: t / (np.sqrt(x - 1) * np.sqrt(x - -1)), r"\operatorname{{arcosh}} {0}"
)
arctanh = unary("arctanh", np.arctanh, lambda t, _z, x: t / ((1 - x) * (1 + x)), r"\operatorname{{artanh}} {0}")
deg2rad = unary("deg2rad", np.deg2rad, lambda t, _z, _x: t * (math.pi / 180), r"\tfrac{{\pi}}{{180}} {0}")
rad2deg = unary("rad2deg", np.rad2deg, lambda t, _z, _x: t * (180 / math.pi), r"\tfrac{{180}}{{\pi}} {0}")
arctan2 = binary(
    "arctan2", np.arctan2,
    (
        lambda t, _z, y, x: t * (x / (h := np.hypot(x, y))) / h,
        lambda t, _z, y, x: -t * (y / (h := np.hypot(x, y))) / h,
    ),
    r"\operatorname{{atan2}}({0}, {1})",
)  # fmt: skip


def _direction(x: Any, z: Any) -> Any:
    # x/z; at the origin the subgradient 0
    return x / (z + (z == 0))


hypot = binary(
    "hypot", np.hypot,
    (lambda t, z, x, _y: t * _direction(x, z), lambda t, z, _x, y: t * _direction(y, z)),
    r"\sqrt{{{0}^2 + {1}^2}}",
)  # fmt: skip

# ---- choices; where operands tie they share equally


def _is_plain(t: Any) -> bool:
    return not isinstance(t, Tracer)


def _share(t: Any, chosen: Any, tie: Any) -> Any:
    # selected, not multiplied: 0 times an infinite slope would be NaN where there is no slope at all
    if type(chosen) is np.ndarray and type(tie) is np.ndarray:
        d = np.where(chosen, t, 0)
        return np.where(tie, 0.5 * t, d) if tie.any() else d
    if type(chosen) in (bool, np.bool_):
        if tie or chosen:
            return 0.5 * t if tie else t
        if _is_plain(t):
            return dtype_of(t).type(0)
    d = np.where(tie, 0.5 * t, np.where(chosen, t, 0))
    return d if ndim_of(d) else d[()]


def _where_larger(t: Any, x: Any, y: Any) -> Any:
    return _share(t, x > y, x == y)


def _where_chosen(t: Any, x: Any, y: Any, z: Any) -> Any:
    # fmax and fmin pass over NaNs: who equals the result has won
    return _share(t, x == z, (x == z) & (y == z))


maximum = binary(
    "maximum", np.maximum,
    (lambda t, _z, x, y: _where_larger(t, x, y), lambda t, _z, x, y: _where_larger(t, y, x)), r"\max({0}, {1})",
)  # fmt: skip
minimum = binary(
    "minimum", np.minimum,
    (lambda t, _z, x, y: _where_larger(t, y, x), lambda t, _z, x, y: _where_larger(t, x, y)), r"\min({0}, {1})",
)  # fmt: skip
fmax = binary(
    "fmax", np.fmax, (lambda t, z, x, y: _where_chosen(t, x, y, z), lambda t, z, x, y: _where_chosen(t, y, x, z)),
    r"\operatorname{{fmax}}({0}, {1})",
)  # fmt: skip
fmin = binary(
    "fmin", np.fmin, (lambda t, z, x, y: _where_chosen(t, x, y, z), lambda t, z, x, y: _where_chosen(t, y, x, z)),
    r"\operatorname{{fmin}}({0}, {1})",
)  # fmt: skip


def _infer_where(c: Aval, x: Aval, y: Aval) -> Aval:
    weak = {"f": 0.0, "i": 0, "c": 0j, "b": False}
    dtype = np.result_type(*(weak[a.dtype.kind] if a.kind == "python" else a.dtype for a in (x, y)))
    return Aval(np.broadcast_shapes(c.shape, x.shape, y.shape), dtype, "array")


# the cotangent of the branch not taken is exactly zero, also where the other branch's factor is NaN
where = elementwise(
    "where", np.where,
    (None, lambda t, _z, c, _x, _y: np.where(c, t, 0), lambda t, _z, c, _x, _y: np.where(c, 0, t)),
    r"{1} \text{{ if }} {0} \text{{ else }} {2}", infer=_infer_where,
)  # fmt: skip

# ---- remainders and signs

# by the quotient that NumPy took: floor(x/y) is another one where x/y rounds to an integer
fmod = binary(
    "fmod", np.fmod, (lambda t, _z, _x, _y: t, lambda t, z, x, y: -t * np.rint((x - z) / y)),
    r"\operatorname{{fmod}}({0}, {1})",
)  # fmt: skip
remainder = binary(
    "remainder", np.remainder, (lambda t, _z, _x, _y: t, lambda t, _z, x, y: -t * np.floor_divide(x, y)),
    r"{0} \bmod {1}", operator.mod,
)  # fmt: skip
copysign = binary(
    "copysign", np.copysign, (lambda t, z, x, _y: t * np.sign(x) * np.sign(z), None),
    r"\operatorname{{copysign}}({0}, {1})",
)  # fmt: skip
heaviside = binary(
    "heaviside", np.heaviside, (None, lambda t, _z, x, _y: t * (x == 0)), r"\operatorname{{H}}({0}, {1})"
)
ldexp = binary("ldexp", np.ldexp, (lambda t, _z, _x, y: np.ldexp(t, y), None), r"{0} \cdot 2^{{{1}}}")
nextafter = binary("nextafter", np.nextafter, (lambda t, _z, _x, _y: t, None), r"\operatorname{{next}}({0}, {1})")

# ---- not complex-linear: forward and reverse differ on complex numbers, so both stand here


def _unit(x: Any) -> Any:
    # conj(x)/|x|, and 0 at 0: the subgradient of |x| in the middle
    if dtype_of(x).kind != "c":
        return np.sign(x)
    size = np.absolute(x)
    return np.conjugate(x) / (size + (size == 0))


def _batch(get: Any) -> Any:
    return lambda batched, operands, params: get()(*align(batched, operands), **params)


def _real_part_if(x: Any, d: Any) -> Any:
    return np.real(d) if dtype_of(x).kind == "c" else d


absolute = general(
    "absolute", operator.abs,
    jvp=lambda ts, _z, xs, _p: _real_part_if(xs[0], ts[0] * _unit(xs[0])),
    vjp=lambda g, _z, xs, _w, _p: (g * _unit(xs[0]),),
    reads=lambda _k, _n: (True, False), batch=_batch(lambda: absolute), tex=r"\left|{0}\right|", family="elementwise",
)  # fmt: skip
conjugate = general(
    "conjugate", np.conjugate,
    jvp=lambda ts, _z, _xs, _p: np.conjugate(ts[0]),
    vjp=lambda g, _z, _xs, _w, _p: (np.conjugate(g),),
    reads=reads_nothing, batch=_batch(lambda: conjugate), tex=r"\overline{{{0}}}", family="elementwise",
)  # fmt: skip
real = general(
    "real", lambda x: np.real(x).copy() if type(x) is np.ndarray else np.real(x),
    jvp=lambda ts, _z, _xs, _p: np.real(ts[0]),
    vjp=lambda g, _z, xs, _w, _p: (g + 0j if dtype_of(xs[0]).kind == "c" else g,),
    reads=reads_nothing, batch=_batch(lambda: real), tex=r"\Re {0}", family="elementwise",
)  # fmt: skip
imag = general(
    "imag", lambda x: np.imag(x).copy() if type(x) is np.ndarray else np.imag(x),
    jvp=lambda ts, _z, xs, _p: np.imag(ts[0]) if dtype_of(xs[0]).kind == "c" else 0 * ts[0],
    vjp=lambda g, _z, xs, _w, _p: (g * -1j if dtype_of(xs[0]).kind == "c" else 0 * g,),
    reads=reads_nothing, batch=_batch(lambda: imag), tex=r"\Im {0}", family="elementwise",
)  # fmt: skip

# ---- casts


def _cast(x: Any, *, dtype: np.dtype[Any]) -> Any:
    return x.astype(dtype) if isinstance(x, np.ndarray) else dtype.type(x)


def _infer_cast(x: Aval, *, dtype: np.dtype[Any]) -> Aval:
    return Aval(x.shape, np.dtype(dtype), "array" if x.kind == "array" else "scalar")


def _transpose_cast(g: Any, x: Any, *, dtype: np.dtype[Any]) -> Any:
    del dtype
    return cast(fit(g, x), dtype=dtype_of(x))


cast = linear(
    "cast", _cast, _transpose_cast, lambda _b, xs, p: cast(*xs, **p), r"{0}", infer=_infer_cast
)  # fmt: skip
cast_to_integer = flat("cast_to_integer", _cast, r"\lfloor {0} \rfloor")
# an array of its own: a write to one of the two must not reach the other
stop_gradient = flat(
    "stop_gradient", lambda x: x.copy() if isinstance(x, np.ndarray) else x, r"\operatorname{{stop}}({0})"
)  # fmt: skip

# ---- flat functions of each element


def _flat(ufunc: np.ufunc, tex: str, impl: Any = None) -> Any:
    return flat(ufunc.__name__, impl or ufunc, tex, ufunc=ufunc)


FLAT_UFUNCS: Sequence[Any] = [
    _flat(np.greater, "{0} > {1}", operator.gt), _flat(np.greater_equal, r"{0} \ge {1}", operator.ge),
    _flat(np.less, "{0} < {1}", operator.lt), _flat(np.less_equal, r"{0} \le {1}", operator.le),
    _flat(np.equal, "{0} = {1}", operator.eq), _flat(np.not_equal, r"{0} \ne {1}", operator.ne),
    _flat(np.sign, r"\operatorname{{sign}} {0}"), _flat(np.floor, r"\lfloor {0} \rfloor"),
    _flat(np.ceil, r"\lceil {0} \rceil"), _flat(np.trunc, r"\operatorname{{trunc}} {0}"),
    _flat(np.rint, r"\operatorname{{round}} {0}"), _flat(np.signbit, r"\operatorname{{signbit}} {0}"),
    _flat(np.isnan, r"{0} \text{{ is NaN}}"), _flat(np.isinf, r"{0} \text{{ is infinite}}"),
    _flat(np.isfinite, r"{0} \text{{ is finite}}"), _flat(np.spacing, r"\operatorname{{ulp}} {0}"),
    _flat(np.floor_divide, r"\lfloor {0} / {1} \rfloor", operator.floordiv),
    _flat(np.logical_and, r"{0} \wedge {1}"), _flat(np.logical_or, r"{0} \vee {1}"),
    _flat(np.logical_xor, r"{0} \oplus {1}"), _flat(np.logical_not, r"\neg {0}"),
    _flat(np.bitwise_and, r"{0} \wedge {1}", operator.and_), _flat(np.bitwise_or, r"{0} \vee {1}", operator.or_),
    _flat(np.bitwise_xor, r"{0} \oplus {1}", operator.xor), _flat(np.invert, r"\neg {0}", operator.invert),
    _flat(np.left_shift, r"{0} \ll {1}", operator.lshift), _flat(np.right_shift, r"{0} \gg {1}", operator.rshift),
    _flat(np.gcd, r"\gcd({0}, {1})"), _flat(np.lcm, r"\operatorname{{lcm}}({0}, {1})"),
    _flat(np.bitwise_count, r"\operatorname{{popcount}} {0}"),
]  # fmt: skip
greater, greater_equal, less, less_equal, equal, not_equal = FLAT_UFUNCS[:6]
sign, floor, ceil, trunc, rint = FLAT_UFUNCS[6:11]
floor_divide = FLAT_UFUNCS[16]
bitwise_and, bitwise_or, bitwise_xor, invert, left_shift, right_shift = FLAT_UFUNCS[21:27]
frexp_exponent = flat("frexp_exponent", lambda x: np.frexp(x)[1], r"\operatorname{{exponent}} {0}")
