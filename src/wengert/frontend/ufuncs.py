"""NumPy's ufuncs: which record each one is, and those that are made of several."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.core.primitive import REGISTRY
from wengert.core.types import aval_of, dtype_of, ndim_of, shape_of
from wengert.errors import at_line
from wengert.frontend.tables import UFUNCS
from wengert.frontend.values import as_number
from wengert.ops import elementwise as ops
from wengert.ops.products import matmul

# a record that carries one of NumPy's ufuncs is what the ufunc does
UFUNCS.update({r.ufunc: r for r in REGISTRY.values() if r.ufunc and getattr(np, r.ufunc.__name__, None) is r.ufunc})
UFUNCS[np.absolute] = ops.absolute
UFUNCS[np.conjugate] = ops.conjugate
UFUNCS[np.matmul] = matmul
UFUNCS[np.degrees] = ops.rad2deg
UFUNCS[np.radians] = ops.deg2rad


def power(x: Any, y: Any) -> Any:
    """``np.power(x, y)``; the exponents that NumPy itself treats apart have records of their own."""
    if (kind := type(y)) is int or kind is float:
        of = dtype_of(x).kind
        if of in "fc" or (of in "iu" and kind is int):  # a float makes floats of integers
            if y == 2:
                return ops.square(x)
            if y == 1:
                return ops.positive(x)
            if y == 0.5:
                return ops.sqrt(x)
    return ops.power(x, y)


def raised(x: Any, y: Any) -> Any:
    """``x ** y``, which is ``np.power`` but that the squares of arrays of bools are int8."""
    if type(y) is int and y == 2 and (aval := aval_of(x)).kind == "array" and aval.dtype.kind == "b":
        return ops.square(x)
    return power(x, y)


def divmod_(x: Any, y: Any) -> tuple[Any, Any]:
    """Quotient rounded down, and remainder."""
    return ops.floor_divide(x, y), ops.remainder(x, y)


def modf(x: Any) -> tuple[Any, Any]:
    """Fractional part, with the sign of x, and integral part."""
    if dtype_of(x).kind in "iub":
        x = ops.cast(x, dtype=np.modf.resolve_dtypes((dtype_of(x), None, None))[0])
    # the remainder of ∞ is NaN, and its fractional part is 0
    return as_number(np.where(np.isinf(x), np.copysign(0.0, x), ops.fmod(x, 1.0))), ops.trunc(x)


def frexp(x: Any) -> tuple[Any, Any]:
    """Mantissa and exponent: x = m 2^e."""
    exponent = ops.frexp_exponent(x)
    return ops.ldexp(x, -exponent), exponent


def sign(x: Any) -> Any:
    """−1, 0 or 1; of complex numbers z/|z|, which is not flat."""
    if dtype_of(x).kind != "c":
        return ops.sign(x)
    size = ops.absolute(x)
    return x / (size + (size == 0))


def vecdot(x: Any, y: Any, axis: int = -1) -> Any:
    """Σ conj(x) y along an axis."""
    if not (ndim_of(x) and ndim_of(y)) or shape_of(x)[axis] != shape_of(y)[axis]:
        shapes = f"{shape_of(x)} and {shape_of(y)}"
        raise ValueError(f"np.vecdot of arrays of shapes {shapes}: axis {axis} differs{at_line()}")
    return np.sum(np.conjugate(x) * y if np.iscomplexobj(x) else x * y, axis=axis)


def fabs(x: Any) -> Any:
    """|x| of real numbers, as floating-point ones."""
    return ops.absolute(x if dtype_of(x).kind == "f" else x.astype(np.fabs(dtype_of(x).type(0)).dtype))


UFUNCS[np.fabs] = fabs
UFUNCS[np.power] = power
UFUNCS[np.sign] = sign
UFUNCS[np.divmod] = divmod_
UFUNCS[np.modf] = modf
UFUNCS[np.frexp] = frexp
for _name, _rule in (
    ("vecdot", vecdot),
    ("matvec", lambda a, x: matmul(a, x[..., None])[..., 0]),
    ("vecmat", lambda x, a: matmul(np.conjugate(x)[..., None, :], a)[..., 0, :]),
):
    if hasattr(np, _name):
        UFUNCS[getattr(np, _name)] = _rule
