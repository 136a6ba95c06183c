"""NumPy's reductions and cumulative functions.

Calls without rare options go straight to the record. For the others NumPy itself is asked what it accepts, and
what dtype and shape it gives.
"""

from __future__ import annotations

from math import prod as prod_of
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from wengert.core.trace import Tracer
from wengert.core.types import aval_of, dtype_of, ndim_of, shape_of
from wengert.errors import UnsupportedError, at_line
from wengert.frontend.asking import answer, known
from wengert.frontend.tables import ACCUMULATE, REDUCE, implements, into
from wengert.frontend.values import as_array, like_scalar
from wengert.ops import elementwise, reduce, shape

_NO = np._NoValue  # type: ignore[attr-defined]  # NumPy's own mark for an argument that was not given


def axes_of(x: Any, axis: Any) -> tuple[int, ...]:
    """The axes that ``axis`` names, sorted; all of them for None."""
    ndim = ndim_of(x)
    if axis is None or not ndim:
        return tuple(range(ndim))
    return tuple(sorted(normalize_axis_tuple(axis, ndim)))


def as_condition(c: Any) -> Any:
    """A condition as booleans: any number other than zero is true."""
    c = as_array(c) if isinstance(c, list | tuple) else c
    kind = dtype_of(c).kind
    return c if kind == "b" else c != 0 if kind in "iufc" else np.asarray(c).astype(bool)


def _is_plain(x: Any, axis: Any, keepdims: Any) -> bool:
    """Whether nothing in a call is out of the ordinary: one axis that exists, or all."""
    if keepdims is not False and keepdims is not True and keepdims is not _NO:
        return False
    return axis is None or (type(axis) is int and -ndim_of(x) <= axis < ndim_of(x))


def given(**options: Any) -> dict[str, Any]:
    """Those options that a call has."""
    return {name: value for name, value in options.items() if value is not _NO}


def as_dtype(x: Any, dtype: Any) -> Any:
    """``x`` in a dtype; what is complex loses its imaginary part on the way to real numbers."""
    return x if dtype_of(x) == dtype else x.astype(dtype)


def deliver(value: Any, example: Any, out: Any) -> Any:
    """A result in the dtype and kind of NumPy's example, or written into ``out``."""
    if out is not None:
        return into(out, value)
    value = as_dtype(value, dtype_of(example))
    return value if ndim_of(value) or aval_of(value).kind != "array" or type(example) is np.ndarray else value[()]


def least(dtype: np.dtype[Any], sign: int = -1) -> Any:
    """The least value of a dtype, or with ``sign`` 1 the greatest."""
    if dtype.kind == "b":
        return np.bool_(sign > 0)
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return dtype.type(info.max if sign > 0 else info.min)
    return dtype.type(complex(sign * np.inf, sign * np.inf) if dtype.kind == "c" else sign * np.inf)


def _reduction(primitive: Any, ufunc: np.ufunc, nothing: Any, combine: Any) -> Any:
    """A reduction with every option NumPy's has; ``nothing(dtype)`` changes no result."""

    def rule(
        a: Any, axis: Any = None, dtype: Any = None, out: Any = None,
        keepdims: Any = False, initial: Any = _NO, where: Any = True,
    ) -> Any:  # fmt: skip
        x = as_array(a)
        whole = where is True or where is _NO
        if dtype is None and out is None and initial is _NO and whole and _is_plain(x, axis, keepdims):
            return primitive(x, axes=axes_of(x, axis), keepdims=keepdims is True)
        options = given(keepdims=keepdims, initial=initial, where=where)
        example = answer(ufunc.reduce, x, axis=axis, dtype=dtype, out=out, **options)
        if dtype is not None or out is not None:
            x = as_dtype(x, np.dtype(dtype) if dtype is not None else np.result_type(dtype_of(out), dtype_of(x)))
        if not whole:
            x = elementwise.where(as_array(where if where is not None else False), x, nothing(dtype_of(x)))
        axes = axes_of(x, axis)
        keep = keepdims is not _NO and bool(keepdims)
        if initial is _NO or initial is None:
            y = primitive(x, axes=axes, keepdims=keep)
        else:
            first = as_dtype(as_array(initial), dtype_of(example))
            if not all(shape_of(x)[k] for k in axes):  # of nothing, only this is left
                return deliver(np.broadcast_to(first, shape_of(example)), example, out)
            y = combine(primitive(x, axes=axes, keepdims=keep), first)
        return deliver(y, example, out)

    return rule


sum_ = implements(np.sum)(_reduction(reduce.reduce_sum, np.add, lambda t: t.type(0), elementwise.add))
prod = implements(np.prod)(_reduction(reduce.reduce_prod, np.multiply, lambda t: t.type(1), elementwise.multiply))
extreme_max = _reduction(reduce.reduce_max, np.maximum, least, elementwise.maximum)
extreme_min = _reduction(reduce.reduce_min, np.minimum, lambda t: least(t, 1), elementwise.minimum)


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

# ---- means


def count_of(x: Any, axes: tuple[int, ...], where: Any, keepdims: bool) -> Any:
    """How many elements are reduced to one."""
    if where is True or where is _NO:
        return np.intp(prod_of([shape_of(x)[k] for k in axes]))
    full = np.broadcast_to(as_condition(where if where is not None else False), shape_of(x))
    return np.sum(full, axis=axes, keepdims=keepdims)


@implements(np.mean)
def mean(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = True
) -> Any:
    x = as_array(a)
    ordinary = dtype is None and out is None and where is True and _is_plain(x, axis, keepdims)
    axes = axes_of(x, axis) if ordinary else ()
    if ordinary and dtype_of(x).char not in "e?bBhHiIlLqQ" and (n := count_of(x, axes, True, False)):
        total = reduce.reduce_sum(x, axes=axes, keepdims=keepdims is True)
        return total / n.astype(dtype_of(total))
    options = given(keepdims=keepdims, where=where)
    example = answer(np.mean, x, axis=axis, dtype=dtype, out=out, **options)
    total = sum_(x, axis, dtype or _wide(x, out), None, keepdims, where=where)
    count = count_of(x, axes_of(x, axis), where, np.ndim(example) == ndim_of(x))
    return deliver(total / count.astype(dtype_of(total)), example, out)


def _wide(x: Any, out: Any) -> Any:
    """The dtype in which NumPy's mean adds up."""
    dtype = dtype_of(x)
    if dtype.kind in "iub":
        return np.dtype(float)
    if dtype.char == "e":
        return np.dtype(np.float32)
    return dtype if out is None else np.result_type(dtype_of(out), dtype)


@implements(np.var)
def var(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False,
    *, where: Any = True, mean: Any = _NO, correction: Any = _NO,
) -> Any:  # fmt: skip
    x = as_array(a)
    free = ddof if correction is _NO else correction
    axes = axes_of(x, axis)
    ordinary = dtype is None and out is None and where is True and mean is _NO and correction is _NO
    ordinary = ordinary and _is_plain(x, axis, keepdims) and dtype_of(x).kind in "fc"
    example, keep = None, keepdims is True
    if not ordinary or count_of(x, axes, True, False) <= free:
        # NumPy warns where there are too few elements, and what it refuses depends on types and shapes alone
        options = given(keepdims=keepdims, where=where, mean=mean, correction=correction)
        example = answer(np.var, x, axis=axis, dtype=dtype, out=out, ddof=ddof, **options)
        keep = np.ndim(example) == ndim_of(x)
        if dtype is None and dtype_of(x).kind in "iub":
            dtype = np.dtype(float)
    turned = mean is not _NO and dtype_of(as_array(mean)).kind == "c" != dtype_of(x).kind
    if turned or isinstance(free, complex):
        remedy = "write: a real ddof, and x.astype(complex) for a complex mean"
        raise UnsupportedError(f"np.var of {dtype_of(x)} with ddof={free}, mean={mean}{at_line()}\n  {remedy}")
    total = squared_deviations(x, axis, dtype, keep, where, mean)
    n = count_of(x, axes, where, keep)
    value = total / np.maximum(n - free, 0).astype(dtype_of(total))
    return value if example is None else deliver(value, example, out)


def squared_deviations(x: Any, axis: Any, dtype: Any, keepdims: bool, where: Any, mean: Any) -> Any:
    """Σ |x − mean|² over the elements that ``where`` names; the others are not differentiated."""
    if mean is _NO or mean is None:
        total = sum_(x, axis, dtype, None, True, where=where)
        mean = total / np.maximum(count_of(x, axes_of(x, axis), where, True), 1).astype(dtype_of(total))
        mean = mean.astype(dtype_of(total)) if dtype_of(total).kind in "iu" else mean  # dtype= cuts it off
    d = x - mean
    if where is not True and where is not _NO:
        d = elementwise.where(as_array(where), d, dtype_of(d).type(0))
    squares = d * d if d.dtype.kind != "c" else np.real(d) ** 2 + np.imag(d) ** 2
    return sum_(squares, axis, dtype, None, keepdims)


@implements(np.std)
def std(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False,
    *, where: Any = True, mean: Any = _NO, correction: Any = _NO,
) -> Any:  # fmt: skip
    """√var. Where the variance is 0 the derivative does not exist; the subgradient 0 is taken."""
    example = None
    if dtype is not None or out is not None:
        example = answer(np.std, as_array(a), axis=axis, dtype=dtype, out=out, **given(keepdims=keepdims))
    root = safe_sqrt(var(a, axis, dtype, None, ddof, keepdims, where=where, mean=mean, correction=correction))
    return root if example is None else deliver(root, example, out)


def safe_sqrt(x: Any) -> Any:
    """√x with derivative 0 at 0, for lengths and deviations."""
    zero = x == 0
    if not isinstance(zero, Tracer) and not np.any(zero):
        return np.sqrt(x)
    return like_scalar(x, np.where(zero, 0, np.sqrt(np.where(zero, 1, x))))


def weights_for(weights: Any, a: Any, axis: Any) -> Any:
    """Weights of the shape of ``a``, or with its axes other than those named of length one."""
    w = as_array(weights)
    if shape_of(w) == shape_of(a):
        return w
    if axis is None:
        raise TypeError(f"weights of shape {shape_of(w)} for an array of shape {shape_of(a)}: axis= says along what")
    axes = normalize_axis_tuple(axis, ndim_of(a))
    if shape_of(w) != tuple(shape_of(a)[k] for k in axes):
        raise ValueError(f"weights of shape {shape_of(w)} do not fit axis {axis} of an array of shape {shape_of(a)}")
    turned = np.transpose(w, [int(k) for k in np.argsort(axes)])
    return np.reshape(turned, tuple(n if k in axes else 1 for k, n in enumerate(shape_of(a))))


@implements(np.average)
def average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: Any = _NO) -> Any:
    x = as_array(a)
    axis = None if axis is None else normalize_axis_tuple(axis, ndim_of(x), argname="axis")
    if weights is None:
        out = mean(x, axis, keepdims=keepdims)
        total = count_of(x, axes_of(x, axis), True, False).astype(dtype_of(out))
    else:
        w = weights_for(weights, x, axis)
        dtype = np.result_type(dtype_of(x), dtype_of(w), *["f8"] * (dtype_of(x).kind in "iub"))
        total = np.sum(w, axis=axis, dtype=dtype, keepdims=keepdims)
        if np.any(known(total == 0)):
            raise ZeroDivisionError("Weights sum to zero, can't be normalized")
        products = as_dtype(x, dtype) * as_dtype(w, dtype)
        out = np.sum(products, axis=axis, keepdims=keepdims) / total
    if not returned:
        return out
    return out, total if shape_of(total) == shape_of(out) else np.broadcast_to(total, shape_of(out)).copy()


@implements(np.ptp)
def ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    x = as_array(a)
    if out is not None:
        answer(np.ptp, x, axis=axis, out=out, **given(keepdims=keepdims))
    value = extreme_max(x, axis, keepdims=keepdims) - extreme_min(x, axis, keepdims=keepdims)
    return value if out is None else into(out, value)


# ---- along an axis


def _cumulative(primitive: Any, function: Any) -> Any:
    def rule(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
        x = as_array(a)
        example = None
        if dtype is not None or out is not None or not (axis is None or type(axis) is int):
            example = answer(function, x, axis=axis, dtype=dtype, out=out)
            to = dtype if dtype is not None else None if out is None else np.result_type(dtype_of(out), dtype_of(x))
            x = x if to is None else as_dtype(x, np.dtype(to))
        if axis is None or not ndim_of(x):
            x = shape.reshape(x, shape=(prod_of(shape_of(x)),))
            axis = 0 if axis is None else axis
        y = primitive(x, axis=normalize_axis_index(axis, ndim_of(x)))
        return y if example is None else deliver(y, example, out)

    return rule


cumsum = implements(np.cumsum)(_cumulative(reduce.cumulative_sum, np.cumsum))
cumprod = implements(np.cumprod)(_cumulative(reduce.cumulative_product, np.cumprod))
ACCUMULATE.update({
    np.add: lambda a, axis=0, dtype=None, out=None: cumsum(a, axis, dtype, out),
    np.multiply: lambda a, axis=0, dtype=None, out=None: cumprod(a, axis, dtype, out),
})  # fmt: skip


def _cumulative_with_initial(cumulative: Any, function: Any, identity: int) -> Any:
    def rule(x: Any, /, *, axis: Any = None, dtype: Any = None, out: Any = None, include_initial: bool = False) -> Any:
        x = np.atleast_1d(as_array(x))
        example = answer(function, x, axis=axis, dtype=dtype, out=out, include_initial=include_initial)
        y = cumulative(x, -1 if axis is None else axis, dtype)
        if include_initial:
            k = normalize_axis_index(0 if axis is None else axis, ndim_of(y))
            first = np.full(tuple(1 if j == k else n for j, n in enumerate(shape_of(y))), identity, dtype_of(y))
            y = np.concatenate([first, y], axis=k)
        return deliver(y, example, out)

    return rule


for _name, _rule, _identity in (("cumulative_sum", cumsum, 0), ("cumulative_prod", cumprod, 1)):
    if hasattr(np, _name):
        implements(getattr(np, _name))(_cumulative_with_initial(_rule, getattr(np, _name), _identity))


@implements(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = _NO, append: Any = _NO) -> Any:
    """Differences of neighbours along an axis, n times over."""
    x = as_array(a)
    if not n:
        return a
    answer(np.diff, x, n, axis, prepend, append)
    k = normalize_axis_index(axis, ndim_of(x))
    edge = (*shape_of(x)[:k], 1, *shape_of(x)[k + 1 :])
    ends = [None if e is _NO else as_array(e) for e in (prepend, append)]
    front, back = ([] if e is None else [np.broadcast_to(e, edge) if not ndim_of(e) else e] for e in ends)
    x = np.concatenate([*front, x, *back], axis=k) if front or back else x
    head = (slice(None),) * k
    for _ in range(n):
        left, right = x[(*head, slice(None, -1))], x[(*head, slice(1, None))]
        x = right - left if dtype_of(x).kind != "b" else right != left
    return x


# ---- flat reductions


def _truth_rule(primitive: Any, function: Any, nothing: bool) -> Any:
    def rule(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = True) -> Any:
        x = as_array(a)
        whole = where is True or where is _NO
        if out is None and whole and _is_plain(x, axis, keepdims):
            return primitive(x, axes=axes_of(x, axis), keepdims=keepdims is True)
        example = answer(function, x, axis=axis, out=out, **given(keepdims=keepdims, where=where))
        if not whole:
            x = elementwise.where(as_array(where if where is not None else False), as_condition(x), nothing)
        keep = keepdims is not _NO and bool(keepdims)
        return deliver(primitive(x, axes=axes_of(x, axis), keepdims=keep), example, out)

    return rule


implements(np.any)(_truth_rule(reduce.any_true, np.any, nothing=False))
implements(np.all)(_truth_rule(reduce.all_true, np.all, nothing=True))


def _position_rule(primitive: Any, function: Any) -> Any:
    def rule(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = _NO) -> Any:
        x = as_array(a)
        if out is not None or not _is_plain(x, axis, keepdims):
            answer(function, x, axis=axis, out=out, **given(keepdims=keepdims))
        value = primitive(x, axes=axes_of(x, axis), keepdims=keepdims is not _NO and bool(keepdims))
        return value if out is None else into(out, value)

    return rule


argmax = implements(np.argmax)(_position_rule(reduce.argmax, np.argmax))
argmin = implements(np.argmin)(_position_rule(reduce.argmin, np.argmin))


@implements(np.count_nonzero)
def count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    x = as_array(a)
    if not _is_plain(x, axis, keepdims):
        answer(np.count_nonzero, x, axis=axis, keepdims=keepdims)
    return reduce.count_nonzero(x, axes=axes_of(x, axis), keepdims=bool(keepdims))
