"""NumPy's comparisons, and questions about numbers: their answers are true or false, and have no derivative."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.core.types import aval_of, dtype_of, shape_of
from wengert.frontend.asking import known
from wengert.frontend.choosing import part
from wengert.frontend.tables import implements, into
from wengert.frontend.values import as_array, as_number

implements(np.iscomplexobj)(lambda x: dtype_of(x).kind == "c")
implements(np.isrealobj)(lambda x: dtype_of(x).kind != "c")


def _all(condition: Any) -> bool:
    return bool(np.all(condition))


@implements(np.array_equal)
def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> bool:
    x, y = as_array(a1), as_array(a2)
    if shape_of(x) != shape_of(y):
        return False
    same = x == y
    return _all(same | ((x != x) & (y != y)) if equal_nan else same)


@implements(np.array_equiv)
def array_equiv(a1: Any, a2: Any) -> bool:
    x, y = as_array(a1), as_array(a2)
    try:
        np.broadcast_shapes(shape_of(x), shape_of(y))
    except ValueError:
        return False
    return _all(x == y)


@implements(np.allclose)
def allclose(a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: bool = False) -> bool:
    return _all(isclose(a, b, rtol, atol, equal_nan))


@implements(np.isclose)
def isclose(a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: bool = False) -> Any:
    x, y, relative, absolute = (v if aval_of(v).kind != "array" else as_number(v) for v in _listed(a, b, rtol, atol))
    np.isclose(0.0, 0.0, known(relative), known(absolute))  # NumPy's own warning about tolerances
    if dtype_of(y).kind in "iub":
        y = y.astype(np.result_type(dtype_of(y), 1.0)) if aval_of(y).kind != "python" else y * 1.0
    with np.errstate(invalid="ignore"):
        near = ((np.absolute(x - y) <= absolute + relative * np.absolute(y)) & np.isfinite(y)) | (x == y)
        return near | (np.isnan(x) & np.isnan(y)) if equal_nan else near


def _listed(*values: Any) -> list[Any]:
    return [as_array(v) if isinstance(v, list | tuple) else v for v in values]


# ---- parts of numbers


@implements(np.isreal)
def isreal(x: Any) -> Any:
    return part(as_array(x), "imag") == 0


@implements(np.iscomplex)
def iscomplex(x: Any) -> Any:
    return part(as_array(x), "imag") != 0


@implements(np.real_if_close)
def real_if_close(a: Any, tol: float = 100) -> Any:
    """The real part, where all imaginary parts are nearly zero: which of the two it is takes values to know."""
    z = as_array(a)
    z = z if shape_of(z) else np.reshape(z, ())
    if dtype_of(z).kind != "c":
        return z
    bound = np.finfo(dtype_of(z)).eps * tol if tol > 1 else tol
    return part(z, "real") if _all(np.absolute(part(z, "imag")) < bound) else z


def _infinite(name: str, negative: bool) -> Any:
    def rule(x: Any, out: Any = None) -> Any:
        x = as_array(x)
        if dtype_of(x).kind == "c":
            raise TypeError(f"np.{name} is not supported for complex128 values because it would be ambiguous.")
        value = np.isinf(x) & (np.signbit(x) == negative)
        return value if out is None else into(out, value)

    return rule


implements(np.isposinf)(_infinite("isposinf", False))
implements(np.isneginf)(_infinite("isneginf", True))
