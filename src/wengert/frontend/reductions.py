"""NumPy's reductions and cumulative functions."""

from __future__ import annotations

from math import prod as prod_of
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from wengert.core.trace import Tracer
from wengert.core.types import dtype_of, ndim_of, shape_of
from wengert.errors import UnsupportedError, at_line
from wengert.frontend.tables import ACCUMULATE, REDUCE, implements, into
from wengert.frontend.values import as_array, like_scalar
from wengert.ops import elementwise, reduce, shape

_NO = np._NoValue  # type: ignore[attr-defined]  # NumPy's own mark for an argument that was not given


def axes_of(x: Any, axis: Any) -> tuple[int, ...]:
    """The axes that ``axis`` names, sorted; all of them for None."""
    ndim = ndim_of(x)
    if axis is None:
        return tuple(range(ndim))
    return tuple(sorted(normalize_axis_tuple(axis, ndim)))


def as_value(x: Any) -> Any:
    """Lists of traced values as one array."""
    return np.array(x) if isinstance(x, list | tuple) else x


def as_condition(c: Any) -> Any:
    """A condition as booleans: any number other than zero is true."""
    c = as_value(c)
    return c if dtype_of(c).kind == "b" else c != 0


def _given(value: Any) -> bool:
    return value is not None and value is not _NO


def _reduction(primitive: Any, identity: Any, combine: Any) -> Any:
    """A reduction with every option NumPy's has."""

    def rule(
        a: Any, axis: Any = None, dtype: Any = None, out: Any = None,
        keepdims: Any = False, initial: Any = _NO, where: Any = True,
    ) -> Any:  # fmt: skip
        if out is not None:
            return into(out, rule(a, axis, dtype, None, keepdims, initial, where))
        x = as_value(a)
        if dtype is not None:
            x = x.astype(dtype)
        if where is not True and where is not _NO:
            where = as_condition(where)
            fill = identity if identity is not None else initial
            if not _given(fill):
                raise ValueError(
                    f"{primitive.name} with where= needs initial=: no value stands for 'nothing'{at_line()}"
                )
            x = elementwise.where(where, x, fill)
        empty = _given(initial) and identity is None and 0 in shape_of(x)
        axes = axes_of(x, axis)
        if empty and any(shape_of(x)[k] == 0 for k in axes):
            return np.full(tuple(n for k, n in enumerate(shape_of(x)) if k not in axes), initial)
        y = primitive(x, axes=axes, keepdims=keepdims is True)
        return combine(y, initial) if _given(initial) else y

    return rule


sum_ = implements(np.sum)(_reduction(reduce.reduce_sum, 0.0, elementwise.add))
prod = implements(np.prod)(_reduction(reduce.reduce_prod, 1.0, elementwise.multiply))
extreme_max = _reduction(reduce.reduce_max, None, elementwise.maximum)
extreme_min = _reduction(reduce.reduce_min, None, elementwise.minimum)


@implements(np.max, np.amax)
def max_(
    a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = _NO, where: Any = True
) -> Any:
    return extreme_max(a, axis, None, out, keepdims, initial, where)


@implements(np.min, np.amin)
def min_(
    a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = _NO, where: Any = True
) -> Any:
    return extreme_min(a, axis, None, out, keepdims, initial, where)


def _ufunc_reduce(rule: Any) -> Any:
    # ufunc.reduce differs from the function in its default axis
    def run(
        a: Any,
        axis: Any = 0,
        dtype: Any = None,
        out: Any = None,
        keepdims: Any = False,
        initial: Any = _NO,
        where: Any = True,
    ) -> Any:
        return rule(a, axis, dtype, out, keepdims, initial, where)

    return run


REDUCE.update({
    np.add: _ufunc_reduce(sum_), np.multiply: _ufunc_reduce(prod),
    np.maximum: _ufunc_reduce(extreme_max), np.minimum: _ufunc_reduce(extreme_min),
})  # fmt: skip


def _count(x: Any, axes: tuple[int, ...], where: Any, keepdims: bool) -> Any:
    if where is True or where is _NO:
        return np.int64(prod_of([shape_of(x)[k] for k in axes]))
    full = np.broadcast_to(as_condition(where), shape_of(x))
    return np.sum(full, axis=axes, keepdims=keepdims)


@implements(np.mean)
def mean(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = True
) -> Any:
    if out is not None:
        return into(out, mean(a, axis, dtype, None, keepdims, where=where))
    x = as_value(a)
    total = sum_(x, axis, dtype, None, keepdims, where=where)
    return total / _count(x, axes_of(x, axis), where, keepdims is True).astype(dtype_of(total))


@implements(np.var)
def var(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False,
    *, where: Any = True, mean: Any = _NO, correction: Any = _NO,
) -> Any:  # fmt: skip
    if out is not None:
        return into(out, var(a, axis, dtype, None, ddof, keepdims, where=where, mean=mean, correction=correction))
    x = as_value(a)
    free = ddof if correction is _NO else correction
    axes = axes_of(x, axis)
    center = globals()["mean"](x, axis, dtype, keepdims=True, where=where) if mean is _NO else mean
    d = x - center
    squares = d * d if d.dtype.kind != "c" else np.real(d * np.conjugate(d))
    n = _count(x, axes, where, keepdims is True)
    total = sum_(squares, axis, dtype, None, keepdims, where=where)
    return total / np.maximum(n - free, 0).astype(dtype_of(total))


@implements(np.std)
def std(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False,
    *, where: Any = True, mean: Any = _NO, correction: Any = _NO,
) -> Any:  # fmt: skip
    """√var. Where the variance is 0 the derivative does not exist; the subgradient 0 is taken."""
    if out is not None:
        return into(out, std(a, axis, dtype, None, ddof, keepdims, where=where, mean=mean, correction=correction))
    return safe_sqrt(var(a, axis, dtype, None, ddof, keepdims, where=where, mean=mean, correction=correction))


def safe_sqrt(x: Any) -> Any:
    """√x with derivative 0 at 0, for lengths and deviations."""
    zero = x == 0
    if not isinstance(zero, Tracer) and not np.any(zero):
        return np.sqrt(x)
    return like_scalar(x, np.where(zero, 0.0, np.sqrt(np.where(zero, 1.0, x))))


@implements(np.average)
def average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: Any = False) -> Any:
    a = as_array(a)
    if weights is None:
        out, total = mean(a, axis, keepdims=keepdims), _count(a, axes_of(a, axis), True, False)
        total = total.astype(dtype_of(out))
    else:
        weights = as_array(weights)
        if shape_of(weights) != shape_of(a):
            if axis is None or ndim_of(weights) != 1:
                raise TypeError(
                    f"average: weights of shape {shape_of(weights)} for an array of {shape_of(a)}: give axis="
                )
            k = normalize_axis_index(axis, ndim_of(a))
            weights = np.reshape(weights, tuple(-1 if j == k else 1 for j in range(ndim_of(a))))
            weights = np.broadcast_to(weights, shape_of(a))
        total = np.sum(weights, axis=axis, keepdims=keepdims is True)
        out = np.sum(a * weights, axis=axis, keepdims=keepdims is True) / total
        total = total.astype(dtype_of(out))
    if not returned:
        return out
    return out, total if shape_of(total) == shape_of(out) else np.broadcast_to(total, shape_of(out)).copy()


@implements(np.ptp)
def ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    value = max_(a, axis, keepdims=keepdims) - min_(a, axis, keepdims=keepdims)
    return value if out is None else into(out, value)


def _cumulative(primitive: Any) -> Any:
    def rule(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
        x = as_value(a)
        if dtype is not None:
            x = x.astype(dtype)
        if axis is None:
            x, axis = shape.reshape(x, shape=(int(np.prod(shape_of(x))),)), 0
        y = primitive(x, axis=normalize_axis_index(axis, ndim_of(x)))
        return y if out is None else into(out, y)

    return rule


cumsum = implements(np.cumsum)(_cumulative(reduce.cumulative_sum))
cumprod = implements(np.cumprod)(_cumulative(reduce.cumulative_product))
ACCUMULATE.update({
    np.add: lambda a, axis=0, dtype=None, out=None: cumsum(a, axis, dtype, out),
    np.multiply: lambda a, axis=0, dtype=None, out=None: cumprod(a, axis, dtype, out),
})  # fmt: skip


@implements(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = _NO, append: Any = _NO) -> Any:
    """Differences of neighbours along an axis, n times over."""
    x = as_value(a)
    k = normalize_axis_index(axis, ndim_of(x))
    parts = [x]
    for extra, front in ((prepend, True), (append, False)):
        if extra is not _NO:
            extra = as_array(extra)
            extra = (
                np.broadcast_to(extra, (*shape_of(x)[:k], 1, *shape_of(x)[k + 1 :])) if ndim_of(extra) == 0 else extra
            )
            parts = [extra, *parts] if front else [*parts, extra]
    x = np.concatenate(parts, axis=k) if len(parts) > 1 else x
    head = (slice(None),) * k
    for _ in range(n):
        x = x[(*head, slice(1, None))] - x[(*head, slice(None, -1))]
    return x


# ---- flat reductions


def _flat_rule(primitive: Any) -> Any:
    def rule(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, **options: Any) -> Any:
        if options.pop("where", True) is not True or any(v is not _NO for v in options.values()):
            raise UnsupportedError(
                f"np.{primitive.name} with where= on traced values{at_line()}\n  write: np.where first"
            )
        value = primitive(a, axes=axes_of(a, axis), keepdims=keepdims is True)
        return value if out is None else into(out, value)

    return rule


for _function, _primitive in (
    (np.any, reduce.any_true), (np.all, reduce.all_true), (np.argmax, reduce.argmax), (np.argmin, reduce.argmin),
):  # fmt: skip
    implements(_function)(_flat_rule(_primitive))


@implements(np.count_nonzero)
def count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return reduce.count_nonzero(a, axes=axes_of(a, axis), keepdims=keepdims)
