"""NumPy's functions that choose elements, sort them, or act on numbers' parts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from wengert.core.handles import attach
from wengert.core.trace import ArrayTracer, Tracer
from wengert.core.types import aval_of, dtype_of, ndim_of, shape_of
from wengert.frontend.indexing import getitem
from wengert.frontend.reductions import as_condition
from wengert.frontend.shaping import layout, lying, memory_order, ravel
from wengert.frontend.tables import implements, into
from wengert.frontend.values import as_array, common_dtype, like_scalar
from wengert.ops import elementwise as ops
from wengert.ops import reduce
from wengert.ops.shape import reshape

_NO = np._NoValue  # type: ignore[attr-defined]


@implements(np.where)
def where(condition: Any, x: Any = _NO, y: Any = _NO) -> Any:
    if x is _NO:
        return nonzero(condition)
    return ops.where(as_condition(condition), *[as_array(v) if isinstance(v, list | tuple) else v for v in (x, y)])


@implements(np.nonzero)
def nonzero(a: Any) -> Any:
    return np.asarray(a != 0).nonzero()


@implements(np.flatnonzero)
def flatnonzero(a: Any) -> Any:
    return nonzero(ravel(a))[0]


@implements(np.clip)
def clip(
    a: Any,
    a_min: Any = _NO,
    a_max: Any = _NO,
    out: Any = None,
    *,
    min: Any = _NO,  # noqa: A002 - NumPy's names
    max: Any = _NO,  # noqa: A002
    **_: Any,
) -> Any:
    """min(max(a, low), high). At a bound the derivative is shared: half to ``a``, half to the bound."""
    low = a_min if a_min is not _NO else min
    high = a_max if a_max is not _NO else max
    x = a
    if low is not None and low is not _NO:
        x = np.maximum(x, low)
    if high is not None and high is not _NO:
        x = np.minimum(x, high)
    return x if out is None else into(out, x)


@implements(np.take)
def take(a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise") -> Any:
    x = as_array(a)
    if axis is None:
        x, axis = ravel(x), 0
    axis = normalize_axis_index(axis, ndim_of(x))
    # an array also of one index: what is taken is a copy
    at = np.asarray(indices) if isinstance(indices, list | tuple | int | np.integer) else indices
    n = shape_of(x)[axis]
    if mode == "wrap":
        at = at % n
    elif mode == "clip":
        at = np.clip(at, 0, n - 1)
    value = getitem(x, (*(slice(None),) * axis, at))
    return value if out is None else into(out, value)


@implements(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Any:
    if axis is None:
        return getitem(ravel(arr), indices)
    axis = normalize_axis_index(axis, ndim_of(arr))
    shape = shape_of(indices)
    grids: list[Any] = list(np.ogrid[tuple(slice(n) for n in shape)])
    for k, n in enumerate(shape_of(arr)):
        if k != axis and n != shape[k]:
            grids[k] = np.broadcast_to(np.arange(n).reshape([-1 if j == k else 1 for j in range(len(shape))]),
                                       [n if j == k else 1 for j in range(len(shape))])  # fmt: skip
    grids[axis] = indices
    return getitem(arr, tuple(grids))


@implements(np.compress)
def compress(condition: Any, a: Any, axis: Any = None, out: Any = None) -> Any:
    value = take(a, np.flatnonzero(condition), axis)
    return value if out is None else into(out, value)


@implements(np.extract)
def extract(condition: Any, arr: Any) -> Any:
    return getitem(ravel(arr), np.flatnonzero(np.ravel(condition)))


@implements(np.choose)
def choose(a: Any, choices: Any, out: Any = None, mode: Any = "raise") -> Any:
    dtype = common_dtype(choices)
    a, choices = as_array(a), [as_array(c).astype(dtype) for c in choices]
    shape = np.broadcast_shapes(shape_of(a), *map(shape_of, choices))
    parts = np.stack([np.broadcast_to(c, shape) for c in choices])
    last = len(choices) - 1
    if isinstance(a, Tracer):
        at = a % (last + 1) if mode == "wrap" else np.clip(a, 0, last) if mode == "clip" else a
    else:
        at = np.choose(a, list(range(last + 1)), mode=mode)
    value = take_along_axis(parts, np.broadcast_to(at, shape)[None], 0)[0]
    return value if out is None else into(out, value)


@implements(np.select)
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    out = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        out = where(condition, choice, out)
    return out


# ---- sorting: positions have no derivative, elements are fetched by them. Ties keep their order.


def _lined(a: Any, axis: Any) -> tuple[Any, int]:
    x = as_array(a)
    if axis is None:
        return reshape(x, shape=(int(np.prod(shape_of(x))),)), 0
    return x, normalize_axis_index(axis, ndim_of(x))


@implements(np.sort)
def sort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Any:
    del kind, order, stable
    x, axis = _lined(a, axis)
    return lying(take_along_axis(x, reduce.argsort(x, axis=axis), axis), memory_order(x))


@implements(np.argsort)
def argsort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Any:
    del kind, order, stable
    x, axis = _lined(a, axis)
    return reduce.argsort(x, axis=axis)


@implements(np.partition)
def partition(a: Any, kth: Any, axis: Any = -1, kind: Any = "introselect", order: Any = None) -> Any:
    del kind, order
    x, axis = _lined(a, axis)
    return lying(take_along_axis(x, reduce.argpartition(x, axis=axis, kth=kth), axis), memory_order(x))


@implements(np.argpartition)
def argpartition(a: Any, kth: Any, axis: Any = -1, kind: Any = "introselect", order: Any = None) -> Any:
    del kind, order
    x, axis = _lined(a, axis)
    return reduce.argpartition(x, axis=axis, kth=kth)


# ---- parts of numbers


def part(z: Any, name: str) -> Any:
    """The real or the imaginary part; of a complex array a view, as in NumPy."""
    if dtype_of(z).kind != "c":
        return z if name == "real" else ops.imag(z)
    out = (ops.real if name == "real" else ops.imag)(z)
    if isinstance(z, ArrayTracer):
        attach(out, z, ("part", name))
    return out


implements(np.real, always=True)(lambda val: part(val, "real"))
implements(np.imag, always=True)(lambda val: part(val, "imag"))


@implements(np.angle)
def angle(z: Any, deg: bool = False) -> Any:
    value = ops.arctan2(ops.imag(z), ops.real(z))
    return ops.rad2deg(value) if deg else value


@implements(np.round, np.around)
def round_(a: Any, decimals: int = 0, out: Any = None) -> Any:
    scale = 10.0 ** abs(decimals)
    if decimals > 0:
        value = ops.rint(a * scale) / scale
    else:
        value = ops.rint(a / scale) * scale if decimals else ops.rint(a)
    return value if out is None else into(out, value)


@implements(np.fix)
def fix(x: Any, out: Any = None) -> Any:
    return ops.trunc(x) if out is None else into(out, ops.trunc(x))


@implements(np.copy)
def copy(a: Any, order: Any = "K", subok: bool = False) -> Any:
    """An array of its own, which lies in memory as ``a`` does, or row by row (C) or column by column (F)."""
    del subok
    own = ops.positive(a) if dtype_of(a).kind in "fc" else ops.cast(a, dtype=dtype_of(a))
    if order == "K" or (order == "A" and getattr(getattr(layout(a), "flags", None), "fnc", False)):
        return own
    rows = tuple(range(ndim_of(a)))
    return lying(own, rows[::-1] if order == "F" else rows)


@implements(np.sinc)
def sinc(x: Any) -> Any:
    """sin(πx)/(πx), and 1 at 0 with its derivatives there by the series 1 − (πx)²/6 + (πx)⁴/120."""
    y = np.pi * x
    near = np.absolute(y) < 1e-2
    safe = np.where(near, 1.0, y)
    square = y * y
    series = 1 - square / 6 * (1 - square / 20 * (1 - square / 42 * (1 - square / 72)))
    return like_scalar(x, np.where(near, series, np.sin(safe) / safe))


@implements(np.nan_to_num)
def nan_to_num(x: Any, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    info = np.finfo(dtype_of(x))
    y = np.where(np.isnan(x), nan, x)
    y = np.where(x == np.inf, info.max if posinf is None else posinf, y)
    y = np.where(x == -np.inf, info.min if neginf is None else neginf, y)
    if copy or aval_of(x).kind != "array":
        return like_scalar(x, y)
    x[...] = y
    return x


# ---- what reads only the kind of number

implements(np.shape)(shape_of)
implements(np.ndim)(ndim_of)


@implements(np.size)
def size(a: Any, axis: Any = None) -> int:
    shape = shape_of(a)
    return int(np.prod(shape)) if axis is None else shape[axis]


implements(np.iscomplexobj)(lambda x: dtype_of(x).kind == "c")
implements(np.isrealobj)(lambda x: dtype_of(x).kind != "c")


def _dummy(x: Any) -> Any:
    return np.empty((0,), dtype_of(x)) if ndim_of(x) else dtype_of(x).type(0)


@implements(np.result_type)
def result_type(*arrays_and_dtypes: Any) -> Any:
    return np.result_type(*[_dummy(x) if hasattr(x, "aval") else x for x in arrays_and_dtypes])


@implements(np.array_equal)
def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> Any:
    x, y = as_array(a1), as_array(a2)
    if shape_of(x) != shape_of(y):
        return False
    same = x == y
    return bool(np.all(same | ((x != x) & (y != y)) if equal_nan else same))


@implements(np.allclose)
def allclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    return bool(np.all(isclose(a, b, rtol, atol, equal_nan)))


@implements(np.isclose)
def isclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    x, y = as_array(a), as_array(b)
    near = ((np.absolute(x - y) <= atol + rtol * np.absolute(y)) & np.isfinite(y)) | (x == y)
    return near | ((x != x) & (y != y)) if equal_nan else near
