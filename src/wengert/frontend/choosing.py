"""NumPy's functions that choose elements, bound or round them, or act on numbers' parts."""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from wengert.core.handles import attach
from wengert.core.trace import ArrayTracer, Tracer, current, lower
from wengert.core.types import aval_of, dtype_of, ndim_of, shape_of
from wengert.errors import at_line
from wengert.frontend.asking import answer, rehearse
from wengert.frontend.indexing import getitem
from wengert.frontend.reductions import as_condition
from wengert.frontend.shaping import layout, lying, ravel
from wengert.frontend.tables import implements, into
from wengert.frontend.values import as_array, as_number, common_dtype
from wengert.ops import elementwise as ops
from wengert.ops.shape import reshape

_NO = np._NoValue  # type: ignore[attr-defined]


@implements(np.where)
def where(condition: Any, x: Any = _NO, y: Any = _NO) -> Any:
    if (x is _NO) != (y is _NO):
        raise ValueError(f"np.where: either both or neither of x and y should be given{at_line()}")
    if x is _NO:
        return nonzero(condition)
    return ops.where(as_condition(condition), *[as_array(v) if isinstance(v, list | tuple) else v for v in (x, y)])


@implements(np.nonzero)
def nonzero(a: Any) -> Any:
    return np.asarray(a != 0).nonzero()


@implements(np.flatnonzero)
def flatnonzero(a: Any) -> Any:
    return nonzero(ravel(a))[0]


@implements(np.argwhere)
def argwhere(a: Any) -> Any:
    return np.argwhere(np.asarray(as_array(a) != 0))


@implements(np.clip)
def clip(
    a: Any,
    a_min: Any = _NO,
    a_max: Any = _NO,
    out: Any = None,
    *,
    min: Any = _NO,  # noqa: A002 - NumPy's names
    max: Any = _NO,  # noqa: A002
    **options: Any,
) -> Any:
    """min(max(a, low), high). At a bound the derivative is shared: half to ``a``, half to the bound."""
    named = {key: v for key, v in {"a_min": a_min, "a_max": a_max, "min": min, "max": max}.items() if v is not _NO}
    if named.keys() != {"a_min", "a_max"} or options or out is not None:
        where = {} if "where" not in options or out is not None else {"out": as_array(a)}
        answer(np.clip, a, **named, **({"out": out} if out is not None else where), **options)
    low, high = named.get("a_min", named.get("min")), named.get("a_max", named.get("max"))
    x, low, high = as_array(a), *(as_array(v) if isinstance(v, list | tuple) else v for v in (low, high))
    if options.get("dtype") is not None:
        x, low, high = (v if v is None else as_array(v).astype(options["dtype"]) for v in (x, low, high))
    x = _within(x, low, high)
    where = options.get("where", True)
    if where is not True:
        x = np.where(where, x, np.nan if out is None else out)  # what NumPy leaves as it is without out=
    return x if out is None else into(out, np.broadcast_to(x, shape_of(out)), options.get("casting", "same_kind"))


def _within(x: Any, low: Any, high: Any) -> Any:
    if dtype_of(x).kind in "iu":  # Python's numbers beyond what the integers hold bound nothing
        info = np.iinfo(dtype_of(x))
        low = None if type(low) is int and low <= info.min else low
        high = None if type(high) is int and high >= info.max else high
    if low is None and high is None:
        return ops.positive(x)
    x = x if low is None else np.maximum(x, low)
    return x if high is None else np.minimum(x, high)


@implements(np.take)
def take(a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise") -> Any:
    x = as_array(a)
    if out is not None:
        answer(np.take, x, indices, axis, out=out, mode=mode)
    x, axis = (ravel(x), 0) if axis is None else (np.atleast_1d(x), axis)
    axis = normalize_axis_index(axis, ndim_of(x))
    n, at = shape_of(x)[axis], lower(indices)
    if not isinstance(at, Tracer):  # NumPy itself says which elements these are, or that there are none
        at = np.asarray(np.take(np.arange(n), at, mode=mode))  # type: ignore[call-overload]
    elif mode != "raise":
        at = at % n if mode == "wrap" else np.clip(at, 0, n - 1)
    # an array also of one index: what is taken is a copy
    value = getitem(x, (*(slice(None),) * axis, at))
    value = lying(value, tuple(range(ndim_of(value))))  # row by row, as NumPy's
    return value if out is None else into(out, value)


@implements(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Any:
    if axis is None:
        if ndim_of(indices) != 1:
            raise ValueError(f"when axis=None, `indices` must have a single dimension, not {ndim_of(indices)}")
        return getitem(ravel(arr), indices)
    shape = shape_of(indices)
    if len(shape) != ndim_of(arr):
        raise ValueError(f"indices of shape {shape} and an array of shape {shape_of(arr)} differ in axes{at_line()}")
    axis = normalize_axis_index(axis, len(shape))
    grids: list[Any] = list(np.ogrid[tuple(slice(n) for n in shape)])
    for k, n in enumerate(shape_of(arr)):
        if k != axis and n != shape[k]:
            grids[k] = np.broadcast_to(np.arange(n).reshape([-1 if j == k else 1 for j in range(len(shape))]),
                                       [n if j == k else 1 for j in range(len(shape))])  # fmt: skip
    grids[axis] = indices
    return getitem(arr, tuple(grids))


@implements(np.compress)
def compress(condition: Any, a: Any, axis: Any = None, out: Any = None) -> Any:
    wanted = as_array(condition)
    if ndim_of(wanted) != 1:
        raise ValueError(f"condition must be a 1-d array, not one of shape {shape_of(wanted)}{at_line()}")
    return take(a, np.flatnonzero(wanted), axis, out)


@implements(np.extract)
def extract(condition: Any, arr: Any) -> Any:
    return getitem(ravel(as_array(arr)), np.flatnonzero(np.ravel(as_array(condition))))


@implements(np.choose)
def choose(a: Any, choices: Any, out: Any = None, mode: Any = "raise") -> Any:
    dtype = common_dtype(choices)
    if mode != "raise":
        np.take(np.zeros(1), 0, mode=mode)  # NumPy's own error for a mode that is none
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
    """The choice of the first condition that holds, or ``default``."""
    conditions, choices = [as_array(c) for c in condlist], [as_array(c) for c in choicelist]
    if len(conditions) != len(choices):
        raise ValueError(f"np.select of {len(conditions)} conditions and {len(choices)} choices{at_line()}")
    if not conditions:
        raise ValueError(f"np.select of no condition is not possible{at_line()}")
    for k, condition in enumerate(conditions):
        if dtype_of(condition).kind != "b":
            raise TypeError(f"np.select: condition {k} is of {dtype_of(condition)}, not of booleans{at_line()}")
    kind = common_dtype([*choicelist, default])
    out = as_array(default).astype(kind)
    for condition, choice in zip(reversed(conditions), reversed(choices), strict=True):
        out = where(condition, choice.astype(kind), out)
    return lying(out, tuple(range(ndim_of(out))))  # row by row, as NumPy's


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
    """Rounded to an even last digit where two are equally near: flat."""
    x, decimals = as_array(a), index(decimals)
    scale = 10.0 ** abs(decimals)
    if dtype_of(x).kind in "iu":
        value = x if decimals >= 0 else (ops.rint(x / scale) * scale).astype(dtype_of(x))
    elif decimals > 0:
        value = ops.rint(x * scale) / scale
    else:
        value = ops.rint(x / scale) * scale if decimals else ops.rint(x)
    return value if out is None else into(out, value)


@implements(np.fix)
def fix(x: Any, out: Any = None) -> Any:
    return np.trunc(as_array(x)) if out is None else into(out, np.trunc(as_array(x)))


@implements(np.copy)
def array_copy(a: Any, order: Any = "K", subok: bool = False) -> Any:
    """A copy that is an array also where ``a`` is a number."""
    np.copy(0.0, order, subok=bool(subok))  # type: ignore[call-overload]  # NumPy's own errors for these
    return owned(copy(a, order) if ndim_of(a) else reshape(a, shape=()))


def owned(x: Any) -> Any:
    """An array that the user makes belongs to the transform it is made in: that one's values may be written into it."""
    trace = current()
    return trace.lift(x) if trace is not None and isinstance(x, ArrayTracer) and trace.level > x.t.level else x


def copy(a: Any, order: Any = "K") -> Any:
    """An array of its own, which lies in memory as ``a`` does, or row by row (C) or column by column (F)."""
    if not ndim_of(a):
        return reshape(a, shape=()) if aval_of(a).kind == "array" else a
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
    return as_number(np.where(near, series, np.sin(safe) / safe))


@implements(np.nan_to_num)
def nan_to_num(x: Any, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """Numbers in place of NaN and the infinities: where one was put in, the derivative is 0."""
    x, kind = as_array(x), dtype_of(as_array(x)).kind
    if type(nan) is not float or posinf is not None or neginf is not None:
        rehearse(np.nan_to_num, x, copy, nan, posinf, neginf)
    if kind == "c":
        parts = [nan_to_num(p, True, nan, posinf, neginf) for p in (ops.real(x), ops.imag(x))]
        y = parts[0] + 1j * parts[1]
    elif kind == "f":
        info = np.finfo(dtype_of(x))
        y = np.where(np.isnan(x), nan, x)
        y = np.where(x == np.inf, info.max if posinf is None else posinf, y)
        y = np.where(x == -np.inf, info.min if neginf is None else neginf, y).astype(dtype_of(x))
    else:
        y = x
    if copy or aval_of(x).kind != "array":
        return as_number(y)
    x[...] = y
    return as_number(x)


# ---- what reads only the kind of number

implements(np.shape)(shape_of)
implements(np.ndim)(ndim_of)


@implements(np.size)
def size(a: Any, axis: Any = None) -> int:
    shape = shape_of(a)
    return int(np.prod(shape)) if axis is None else shape[axis]


def _dummy(x: Any) -> Any:
    return np.empty((0,), dtype_of(x)) if ndim_of(x) else dtype_of(x).type(0)


@implements(np.result_type)
def result_type(*arrays_and_dtypes: Any) -> Any:
    return np.result_type(*[_dummy(x) if hasattr(x, "aval") else x for x in arrays_and_dtypes])
